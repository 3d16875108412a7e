"""Tests of the invariants: a consistent table is accepted, and every single violation is found."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import compress

import pytest

from partner_access.domain.audit.hash_chain import ChainHead
from partner_access.domain.permissions.catalogue import RESTRICTED
from partner_access.store import keys
from partner_access.store.audit.audit_log import entry_of
from tools import invariants

Table = dict[str, dict[str, Any]]

GRANT = {"grant_id": "grt_2", "partner_id": "partner", "source": "access_link", "granted_by": "boss"}
CUSTOM_SET = {"pk": "ACCOUNT#cli", "sk": "SET#set_1", "permissions": ["crm.import"], "holders": 1, "partner_holders": 0}
APPROVED = {"link_id": "lnk_1", "grant_id": "grt_2", "employee_id": "emp"}
CONSISTENT_TABLE: Table = {
    "client": {
        "pk": "ACCOUNT#cli",
        "sk": "ACCOUNT",
        "kind": "client",
        "partner_seat_limit": 1,
        "partner_seats_used": 1,
        "custom_set_count": 1,
    },
    "roster": {"pk": "ACCOUNT#cli", "sk": "SUPER_ADMINS", "user_ids": {"boss"}},
    "boss member": {
        "pk": "ACCOUNT#cli",
        "sk": "MEMBER#boss",
        "permission_set": "super_admin",
        "set_version": 1,
        "active": True,
    },
    "emp member": {
        "pk": "ACCOUNT#cli",
        "sk": "MEMBER#emp",
        "permission_set": "partner_admin",
        "set_version": 1,
        "seat": "partner",
        "active": True,
        "partner_id": "partner",
        "grant": GRANT,
        "list_key": "PEOPLE#partner",
        "list_sort_key": "cli#emp",
    },
    "desk": CUSTOM_SET,
    "clerk member": {"pk": "ACCOUNT#cli", "sk": "MEMBER#clerk", "permission_set": "set_1", "active": True},
    "partner": {"pk": "ACCOUNT#partner", "sk": "ACCOUNT", "kind": "partner", "partner_seats_used": 0},
    "employee": {"pk": "ACCOUNT#partner", "sk": "MEMBER#emp", "permission_set": "sales", "active": True},
    "boss": {"pk": "USER#boss", "sk": "USER", "email": "boss@cli.example", "active": True},
    "boss mirror": {"pk": "USER#boss", "sk": "ACCOUNT#cli"},
    "clerk": {"pk": "USER#clerk", "sk": "USER", "active": True},
    "clerk mirror": {"pk": "USER#clerk", "sk": "ACCOUNT#cli"},
    "emp": {"pk": "USER#emp", "sk": "USER", "email": "e@f.example", "active": True, "employed_by": {"partner"}},
    "emp mirror": {"pk": "USER#emp", "sk": "ACCOUNT#cli"},
    "employee mirror": {"pk": "USER#emp", "sk": "ACCOUNT#partner"},
    "boss email": {"pk": "EMAIL#boss@cli.example", "sk": "EMAIL", "user_id": "boss"},
    "emp email": {"pk": "EMAIL#e@f.example", "sk": "EMAIL", "user_id": "emp"},
    "link": {
        "pk": "PARTNER#partner",
        "sk": "LINK#lnk_1",
        "partner_id": "partner",
        "employee_id": "emp",
        "stored_state": "open",
        "approvals": 1,
        "max_approvals": 1,
        "expires_at": 100,
        "secrets": {"ab"},
    },
    "client's entry": {
        "pk": "AUDIT#cli",
        "sk": "aud_2",
        "audit_id": "aud_2",
        "at": 50,
        "event": "link.approved",
        "actor_id": "boss",
        "accounts": ["cli", "partner"],
        "details": APPROVED,
    },
    "partner's entry": {
        "pk": "AUDIT#partner",
        "sk": "aud_2",
        "audit_id": "aud_2",
        "at": 50,
        "event": "link.approved",
        "actor_id": "boss",
        "accounts": ["cli", "partner"],
        "details": APPROVED,
    },
    "email": {"pk": "OUTBOX#3", "sk": "NOTIFICATION#2", "notification": {"kind": "access_granted"}},
    "idempotency key": {
        "pk": "IDEMPOTENCY#x",
        "sk": "IDEMPOTENCY",
        "response_status": 201,
        "response_body": compress(b'{"grant_id": "grt_2"}'),
    },
}
CHAIN_HEAD = ChainHead(account_id="cli").with_entry(entry_of(CONSISTENT_TABLE["client's entry"]))
CONSISTENT_TABLE |= {
    "place": {"pk": "CHAIN#cli", "sk": "aud_2", "place": 1, "chain_hash": CHAIN_HEAD.chain_hash},
    "head": {"pk": "CHAIN_HEAD#3", "sk": "ACCOUNT#cli", **dict(CHAIN_HEAD)},
}


def changed_item(name: str, **values: object) -> Callable[[Table], object]:
    """Return a change that sets values of an item."""
    return lambda table: table[name].update(values)


def without_item(name: str) -> Callable[[Table], object]:
    """Return a change that removes an item."""
    return lambda table: table.pop(name)


def added_copy(name: str, **values: object) -> Callable[[Table], object]:
    """Return a change that adds a copy of an item with other values."""
    return lambda table: table.update({"another": table[name] | values})


def both_changes(first: Callable[[Table], object], second: Callable[[Table], object]) -> Callable[[Table], object]:
    return lambda table: (first(table), second(table))


def queued_reconciliation(after: str = "offboarded", **reconciliation_fields: object) -> Callable[[Table], object]:
    """Return a change that adds a queued reconciliation."""
    return lambda table: table.update(
        {
            "reconciliation": {
                "pk": "RECONCILIATION#1",
                "sk": "ACT#1",
                "reconciliation": {"reason": after, **reconciliation_fields},
            }
        }
    )


def too_many_sets(table: Table) -> None:
    table["client"]["custom_set_count"] = 101
    table.update(
        {f"set {nth}": CUSTOM_SET | {"sk": f"SET#more_{nth}", "holders": 0, "partner_holders": 0} for nth in range(100)}
    )


def suspension_without_notification(side: str) -> Callable[[Table], object]:
    """Return a change that adds an audit entry of a suspension without its notification."""
    entry_fields = {"sk": "aud_3", "audit_id": "aud_3", "event": "member.suspended", "accounts": ["cli"]}
    return added_copy("client's entry", **entry_fields, details={"suspended_by": side})


def test_invariants_accept_consistent_table() -> None:
    assert invariants.violations(CONSISTENT_TABLE.values()) == []


def test_invariants_accept_sent_notification_with_deliveries() -> None:
    copied = {**keys.delivery("a copy")._asdict(), "outbox_id": "2"}
    without = {name: item for name, item in CONSISTENT_TABLE.items() if name != "email"}
    assert invariants.violations([*without.values(), copied]) == []


@pytest.mark.parametrize(("days", "is_accepted"), [(89, False), (91, True)])
def test_invariants_accept_missing_deliveries_after_ninety_days(days: int, *, is_accepted: bool) -> None:
    without = [item for name, item in CONSISTENT_TABLE.items() if name != "email"]
    at = datetime.fromtimestamp(50, UTC) + timedelta(days=days)
    assert (invariants.violations(without, at=at) == []) == is_accepted


@pytest.mark.parametrize("change", [
    changed_item("desk", permissions=["account.scim.manage"], holders=2),
    changed_item("emp member", removed=["account.scim.manage"], set_version=1),
    changed_item("emp member", permission_set="sales"),
    changed_item("clerk member", active=False, partner_id="partner", added=["account.scim.manage"]),
    both_changes(changed_item("emp member", permission_set="super_admin", removed=sorted(RESTRICTED)), changed_item("clerk", active=False)),
    changed_item("emp member", grant=GRANT | {"expires_at": 50}, due_at=50),
    changed_item("emp member", grant=GRANT | {"expires_at": 50}, due_at=20),
    both_changes(changed_item("boss", active=False), changed_item("client", state="closed")),
    suspension_without_notification("program"),
])  # fmt: skip
def test_invariants_accept_allowed_variations(change: Callable[[Table], object]) -> None:
    table = copy.deepcopy(CONSISTENT_TABLE)
    change(table)
    expected_violations = ("listed as super admins", "counted to hold")
    assert not [
        each
        for each in invariants.violations(table.values())
        if not any(other in each for other in expected_violations)
    ]


@pytest.mark.parametrize(("change", "sentence"), [
    (changed_item("client", partner_seats_used=0), "cli: 0 seats are used, but there are 1 partner admins"),
    (changed_item("client", partner_seat_limit=0), "cli: 1 partner admins for 0 seats"),
    (changed_item("emp member", seat="core"), "emp in cli: a partner seat without a grant, or a grant without a partner seat"),
    (changed_item("boss member", seat="partner"), "boss in cli: a partner seat without a grant"),
    (changed_item("clerk member", permission_set="partner_admin"), "clerk in cli: partner admin without a grant"),
    (changed_item("emp member", active=False), "an active grant without an active membership"),
    (changed_item("emp member", partner_id="other"), "for different partners"),
    (changed_item("emp member", added=["account.scim.manage"]), "a restricted permission"),
    (changed_item("emp member", permission_set="super_admin"), "a restricted permission"),
    (both_changes(changed_item("emp member", permission_set="set_1"), changed_item("desk", permissions=["account.scim.manage"])), "a restricted"),
    (changed_item("desk", holders=2), "cli: 2 and 0 counted to hold set_1, but 1 hold it"),
    (changed_item("desk", partner_holders=1), "cli: 1 and 1 counted to hold set_1"),
    (changed_item("clerk member", active=False), "cli: 1 and 0 counted to hold set_1, but 0 hold it"),
    (without_item("desk"), "cli: 1 hold set_1, which does not exist"),
    (changed_item("client", custom_set_count=0), "cli: 0 custom sets counted, 1 exist"),
    (too_many_sets, "cli: 101 custom sets"),
    (changed_item("emp member", list_key="PEOPLE#other"), "emp in cli: is listed as PEOPLE#other cli#emp"),
    (changed_item("emp member", list_sort_key="cli#boss"), "emp in cli: is listed as PEOPLE#partner cli#boss"),
    (changed_item("clerk member", list_key="PEOPLE#partner", list_sort_key="cli#clerk"), "clerk in cli: is listed as"),
    (changed_item("emp member", grant=GRANT | {"expires_at": 50}), "emp in cli: access ends at 50 but is due at None"),
    (changed_item("emp member", grant=GRANT | {"expires_at": 50}, due_at=51), "access ends at 50 but is due at 51"),
    (changed_item("emp member", due_at=50), "emp in cli: access ends at None but is due at 50"),
    (changed_item("emp", offboardings={"partner": 1}), "emp in cli: access has ended, but no reconciliation will record it"),
    (changed_item("partner", terminations=1), "emp in cli: access has ended, but no reconciliation will record it"),
    (both_changes(changed_item("partner", terminations=1), queued_reconciliation(user_id="boss")), "emp in cli: access has ended"),
    (both_changes(changed_item("partner", terminations=1), queued_reconciliation(partner_id="other")), "emp in cli: access has ended"),
    (both_changes(changed_item("partner", terminations=1), queued_reconciliation(after="eligibility")), "emp in cli: access has ended"),
    (changed_item("client", kind="partner"), "not a client"),
    (added_copy("emp member", sk="MEMBER#boss"), "is the grant of 2 memberships"),
    (changed_item("boss member", active=False), "cli: no active super admin is left"),
    (changed_item("boss", active=False), "cli: no active super admin is left"),
    (changed_item("boss member", suspended_by={"client"}), "cli: no active super admin is left"),
    (changed_item("roster", user_ids={"boss", "emp"}), "are listed as super admins"),
    (without_item("boss mirror"), "boss in cli: the membership and its mirror do not agree"),
    (without_item("boss member"), "boss in cli: the membership and its mirror do not agree"),
    (without_item("boss"), "boss in cli: the user or the account does not exist"),
    (changed_item("emp", email="boss@cli.example"), "two users have the same address"),
    (without_item("emp email"), "e@f.example: in use but not reserved"),
    (changed_item("emp email", user_id="boss"), "e@f.example: reserved for boss, used by emp"),
    (changed_item("emp", employed_by=set()), "emp: recorded for [], but works for ['partner']"),
    (changed_item("link", approvals=2), "lnk_1: 2 of 1 approvals"),
    (changed_item("link", approvals=0), "lnk_1: 0 of 1 approvals, 1 in the audit log"),
    (changed_item("link", max_approvals=5), "lnk_1: 1 approvals and 0 accounts that approved"),
    (changed_item("link", expires_at=50), "lnk_1: approved after its end"),
    (changed_item("link", secrets={"a", "b", "c", "d"}), "lnk_1: 4 valid secrets"),
    (added_copy("client's entry", sk="aud_3", audit_id="aud_3"), "lnk_1: an account approved twice"),
    (changed_item("emp", open_links=1), "emp: 1 open links counted, 0 exist"),
    (changed_item("link", due_at=100), "lnk_1: has ended and is still due"),
    (without_item("partner's entry"), "aud_2: differs in the audit log of partner"),
    (changed_item("partner's entry", event="link.declined"), "aud_2: differs in the audit log of"),
    (changed_item("client's entry", accounts=["partner"]), "aud_2: is in the audit log of cli, which it does not concern"),
    (changed_item("client's entry", actor_id="emp"), "aud_2: does not follow the previous entry in the hash chain of cli"),
    (changed_item("place", place=2), "aud_2: does not follow the previous entry in the hash chain of cli"),
    (changed_item("place", chain_hash="ab"), "aud_2: does not follow the previous entry in the hash chain of cli"),
    (added_copy("place", sk="aud_9", place=2), "aud_9: is in the hash chain of cli, but not in its audit log"),
    (changed_item("head", entries=2), "cli: its chain head is not the last entry"),
    (without_item("head"), "cli: its chain head is not the last entry"),
    (without_item("place"), "cli: its chain head is not the last entry"),
    (changed_item("emp member", grant=GRANT | {"grant_id": "grt_9"}), "emp in cli: no act created grt_9"),
    (changed_item("email", sk="NOTIFICATION#9"), "email 9: no act requested it"),
    (changed_item("email", notification={"kind": "member_created"}), "email 2: member_created for link.approved"),
    (without_item("email"), "aud_2: nobody is notified of link.approved"),
    (suspension_without_notification("employee"), "aud_3: nobody is notified of member.suspended"),
    (changed_item("idempotency key", response_status=409), "x: stores a 409"),
    (changed_item("idempotency key", response_body=compress(b'{"url": "https://a.example/"}')), "x: stores a link's secret"),
    (changed_item("idempotency key", response_body=compress(b'{"link_id": "lnk_9"}')), "x: stores lnk_9, which does not exist"),
    (changed_item("idempotency key", response_body=compress(b'{"grant_id": "grt_9", "text": "pal_abc"}')), "holds a link's secret"),
    (changed_item("idempotency key", response_body=compress(b'{"grant_id": "grt_9"}')), "x: stores grt_9, which was never granted"),
    (changed_item("link", purpose="see #pal_abc"), "holds a link's secret"),
])  # fmt: skip
def test_invariants_report_violation(change: Callable[[Table], object], sentence: str) -> None:
    table = copy.deepcopy(CONSISTENT_TABLE)
    change(table)
    assert any(sentence in each for each in invariants.violations(table.values())), invariants.violations(
        table.values()
    )


@pytest.mark.parametrize(
    "about", [{}, {"user_id": "emp"}, {"partner_id": "partner"}, {"user_id": "emp", "partner_id": "partner"}]
)
def test_invariants_accept_ended_grant_with_queued_reconciliation(about: dict[str, str]) -> None:
    table = copy.deepcopy(CONSISTENT_TABLE)
    both_changes(changed_item("emp", offboardings={"partner": 1}), queued_reconciliation(**about))(table)

    assert invariants.violations(table.values()) == []


@pytest.mark.parametrize(("ends", "is_left_to_link_expiry"), [(49, True), (50, True), (51, False)])
def test_invariants_leave_grant_that_expired_before_its_end_to_link_expiry(
    ends: int, *, is_left_to_link_expiry: bool
) -> None:
    table = copy.deepcopy(CONSISTENT_TABLE)
    lapsed = changed_item("emp member", grant=GRANT | {"expires_at": ends}, due_at=ends)
    both_changes(changed_item("emp", offboardings={"partner": 1}), lapsed)(table)

    assert (invariants.violations(table.values()) == []) == is_left_to_link_expiry


@pytest.mark.parametrize(("days", "is_reported"), [(-1, False), (0, False), (1, True)])
def test_invariants_leave_expired_grant_to_link_expiry(days: int, *, is_reported: bool) -> None:
    """Check that expired grants need no reconciliation: it skips grants that expired before it ran."""
    table, at = copy.deepcopy(CONSISTENT_TABLE), datetime.fromtimestamp(50, UTC) + timedelta(days=9)
    ends = int((at + timedelta(days=days)).timestamp())
    changed_item("emp", offboardings={"partner": 1})(table)
    changed_item("emp member", grant={**GRANT, "expires_at": ends}, due_at=ends)(table)

    assert (invariants.violations(table.values(), at=at) != []) == is_reported


def test_invariants_accept_grant_of_later_access_generation() -> None:
    table = copy.deepcopy(CONSISTENT_TABLE)
    both_changes(
        changed_item("emp", offboardings={"partner": 1}),
        both_changes(changed_item("partner", terminations=1), changed_item("emp member", access_generation=2)),
    )(table)

    assert invariants.violations(table.values()) == []


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("access.ended", "member_retained"),
        ("access.ended", None),
        ("account.orphaned", "account_orphaned"),
        ("account.orphaned", None),
    ],
)
def test_invariants_accept_optional_notification(event: str, kind: str | None) -> None:
    table = copy.deepcopy(CONSISTENT_TABLE)
    entry = {
        "pk": "AUDIT#cli",
        "sk": "aud_5",
        "audit_id": "aud_5",
        "at": 50,
        "event": event,
        "accounts": ["cli"],
        "details": {},
    }
    table["entry"] = entry
    if kind:
        table["its email"] = {"pk": "OUTBOX#3", "sk": "NOTIFICATION#5", "notification": {"kind": kind}}

    assert invariants.violations(table.values()) == []
