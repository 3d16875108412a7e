"""Accounts, users and members written by the vendor. Repeated data changes nothing, and a super admin always stays."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountKind, AccountState, Program
from partner_access.domain.directory import (
    MAX_ORPHANED_IN_ENTRY,
    MAX_ORPHANED_IN_REPORT,
    MAX_RELIED_ON,
    UserFacts,
    erase,
    put_account,
    put_user,
)
from partner_access.domain.errors import (
    DomainError,
    EmailInUse,
    InvalidField,
    IsSuperAdmin,
    KindIsFixed,
    LimitBelowUse,
    MissingField,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Locale, Reconciliation, ReconciliationReason
from partner_access.domain.records import DIRECTORY_LOG_ID
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    an_idempotency_key,
    the_client,
    the_partner,
)

ACT = an_act("vendor", for_vendor=True)
USER = a_user()
OTHER_SUPER_ADMIN = an_actor(a_user("user-boss"))


def field_names(raised: pytest.ExceptionInfo[Any]) -> list[str]:
    return [".".join(map(str, each.path)) for each in raised.value.fields]


# accounts


def test_put_account_with_kind_and_name_creates_client() -> None:
    saved = put_account(CLIENT, None, {"kind": AccountKind.CLIENT, "name": "The Bakery", "partner_seat_limit": 3}, ACT)

    assert saved
    assert saved.account == the_client(partner_seat_limit=3)
    assert (saved.before, saved.relies_on) == (None, ())
    assert (saved.audit.event, saved.audit.accounts) == ("account.created", (CLIENT,))
    assert saved.audit.details == {"fields": ["kind", "name", "partner_seat_limit"]}


def test_put_account_with_domains_creates_partner() -> None:
    fields = {"kind": AccountKind.PARTNER, "name": "North Partners", "domains": ("north.example",)}
    saved = put_account(PARTNER, None, fields, ACT)

    assert saved
    assert saved.account == the_partner()


def test_put_account_audit_entry_of_new_account_lists_null_fields() -> None:
    saved = put_account(
        CLIENT, None, {"kind": AccountKind.CLIENT, "name": "The Bakery", "partner_seat_limit": None}, ACT
    )

    assert saved
    assert saved.audit.details == {"fields": ["kind", "name", "partner_seat_limit"]}


@pytest.mark.parametrize(
    ("named_fields", "changed", "fields"),
    [
        ({"partner_seat_limit": 5}, {"partner_seat_limit": 5}, ["partner_seat_limit"]),
        (
            {"partner_seat_limit": None, "name": "New"},
            {"partner_seat_limit": None, "name": "New"},
            ["name", "partner_seat_limit"],
        ),
        ({"state": AccountState.CLOSED}, {"state": AccountState.CLOSED}, ["state"]),
        ({"kind": AccountKind.CLIENT, "locale": Locale.JA}, {"locale": Locale.JA}, ["locale"]),
    ],
)
def test_put_account_changes_named_fields_and_keeps_others(
    named_fields: Mapping[str, Any], changed: Mapping[str, Any], fields: list[str]
) -> None:
    before = the_client(version=4, partner_seat_limit=2, partner_seats_used=1)
    saved = put_account(CLIENT, before, named_fields, ACT)

    assert saved
    assert saved.account == before.model_copy(update={**changed, "version": 5})
    assert (saved.audit.event, saved.audit.details) == ("account.updated", {"fields": fields})
    assert saved.relies_on == (before,)


@pytest.mark.parametrize(
    "fields", [{}, {"name": "The Bakery"}, {"kind": AccountKind.CLIENT, "partner_seat_limit": None}]
)
def test_put_account_with_same_values_returns_none(fields: Mapping[str, Any]) -> None:
    assert put_account(CLIENT, the_client(), fields, ACT) is None


@pytest.mark.parametrize(
    ("before", "fields", "error", "at"),
    [
        (None, {}, MissingField, ["kind", "name"]),
        (None, {"kind": AccountKind.CLIENT}, MissingField, ["name"]),
        (None, {"kind": AccountKind.CLIENT, "name": "A", "domains": ()}, InvalidField, ["domains"]),
        (
            None,
            {"kind": AccountKind.PARTNER, "name": "A", "partner_seat_limit": None, "pricing": "legacy"},
            InvalidField,
            ["pricing", "partner_seat_limit"],
        ),
        (the_client(), {"program": Program.ACTIVE}, InvalidField, ["program"]),
        (the_partner(), {"partner_seat_limit": 1}, InvalidField, ["partner_seat_limit"]),
        (the_client(), {"kind": AccountKind.PARTNER}, KindIsFixed, ["kind"]),
        (the_partner(), {"kind": AccountKind.CLIENT}, KindIsFixed, ["kind"]),
        (the_client(partner_seats_used=3), {"partner_seat_limit": 2}, LimitBelowUse, ["partner_seat_limit"]),
        (the_client(partner_seats_used=1), {"partner_seat_limit": 0}, LimitBelowUse, ["partner_seat_limit"]),
    ],
)
def test_put_account_with_invalid_fields_raises_error(
    before: Account | None, fields: Mapping[str, Any], error: type[DomainError], at: list[str]
) -> None:
    with pytest.raises(error) as raised:
        put_account(CLIENT, before, fields, ACT)
    assert field_names(raised) == at


@pytest.mark.parametrize(
    ("before", "fields", "reason"),
    [
        (the_partner(), {"program": Program.SUSPENDED}, ReconciliationReason.PROGRAM_STOPPED),
        (the_partner(program=Program.SUSPENDED), {"program": Program.ACTIVE}, ReconciliationReason.PROGRAM_RESUMED),
        (the_partner(program=Program.TERMINATED), {"program": Program.ACTIVE}, ReconciliationReason.PROGRAM_RESUMED),
        (the_partner(), {"program": Program.TERMINATED}, ReconciliationReason.PROGRAM_ENDED),
        (the_partner(program=Program.SUSPENDED), {"program": Program.TERMINATED}, ReconciliationReason.PROGRAM_ENDED),
        (the_partner(program=Program.TERMINATED), {"program": Program.SUSPENDED}, ReconciliationReason.ELIGIBILITY),
        (the_partner(), {"state": AccountState.CLOSED}, ReconciliationReason.PROGRAM_STOPPED),
        (the_partner(state=AccountState.CLOSED), {"state": AccountState.ACTIVE}, ReconciliationReason.PROGRAM_RESUMED),
        (the_partner(program=Program.SUSPENDED), {"state": AccountState.CLOSED}, ReconciliationReason.ELIGIBILITY),
        (the_partner(), {"domains": ("other.example",)}, ReconciliationReason.ELIGIBILITY),
        (the_partner(), {"domains": (), "program": Program.SUSPENDED}, ReconciliationReason.PROGRAM_STOPPED),
        (the_partner(), {"name": "North & Sons", "locale": Locale.JA}, None),
        (the_partner(), {"program": Program.ACTIVE, "name": "North & Sons"}, None),
        (the_client(), {"state": AccountState.CLOSED}, None),
        (
            None,
            {"kind": AccountKind.PARTNER, "name": "North", "program": Program.SUSPENDED, "domains": ("a.example",)},
            None,
        ),
    ],
)
def test_put_account_changing_partner_access_queues_reconciliation(
    before: Account | None, fields: Mapping[str, Any], reason: ReconciliationReason | None
) -> None:
    account_id = before.account_id if before else PARTNER
    saved = put_account(account_id, before, fields, ACT)

    assert saved
    assert saved.reconciliation == (Reconciliation(partner_id=PARTNER, reason=reason) if reason else None)


@pytest.mark.parametrize(
    ("before", "fields", "terminations"),
    [
        (the_partner(), {"program": Program.TERMINATED}, 1),
        (the_partner(program=Program.SUSPENDED, terminations=2), {"program": Program.TERMINATED}, 3),
        (the_partner(program=Program.TERMINATED, terminations=1), {"program": Program.TERMINATED, "name": "New"}, 1),
        (the_partner(program=Program.TERMINATED, terminations=1), {"program": Program.ACTIVE}, 1),
        (the_partner(terminations=1), {"program": Program.SUSPENDED}, 1),
        (the_partner(), {"state": AccountState.CLOSED}, 0),
        (None, {"kind": AccountKind.PARTNER, "name": "North", "program": Program.TERMINATED}, 0),
    ],
)
def test_put_account_terminating_program_increments_terminations(
    before: Account | None, fields: Mapping[str, Any], terminations: int
) -> None:
    saved = put_account(PARTNER, before, fields, ACT)

    assert saved
    assert saved.account.terminations == terminations


def test_put_account_with_seat_limit_equal_to_seats_used_succeeds() -> None:
    assert put_account(CLIENT, the_client(partner_seats_used=2), {"partner_seat_limit": 2}, ACT)


# users


def test_put_user_with_email_and_name_creates_user() -> None:
    fields = {"email": "new@bakery.example", "name": "New", "locale": None}
    saved = put_user("user-new", UserFacts(user=None, email_owner_id=None), fields, ACT)

    assert saved
    assert saved.user == a_user("user-new", email="new@bakery.example", name="New")
    assert saved.email_changed
    assert (saved.audit.event, saved.audit.accounts) == ("user.created", (DIRECTORY_LOG_ID,))
    assert saved.audit.details["fields"] == ["email", "locale", "name"]
    assert "new@bakery.example" not in saved.audit.model_dump_json()


@pytest.mark.parametrize(
    ("fields", "email_changed"), [({"name": "Other"}, False), ({"email": "other@bakery.example"}, True)]
)
def test_put_user_with_new_values_updates_user(fields: Mapping[str, Any], email_changed: bool) -> None:
    before = a_user(version=2, open_links=3, employed_by=frozenset({PARTNER}))
    saved = put_user(APPROVER, UserFacts(user=before, email_owner_id=None), fields, ACT)

    assert saved
    assert saved.user == before.model_copy(update={**fields, "version": 3})
    assert saved.email_changed is email_changed
    assert (saved.audit.event, saved.relies_on) == ("user.updated", (before,))


@pytest.mark.parametrize(
    ("before", "fields", "follows"),
    [
        (a_user(), {"email": "other@bakery.example"}, True),
        (a_user(), {"active": False}, True),
        (a_user(active=False), {"active": True}, True),
        (a_user(), {"name": "Other", "locale": Locale.JA}, False),
        (a_user(), {"active": True, "name": "Other"}, False),
        (None, {"email": "new@bakery.example", "name": "New", "active": False}, False),
    ],
)
def test_put_user_changing_access_queues_reconciliation(
    before: User | None, fields: Mapping[str, Any], follows: bool
) -> None:
    saved = put_user(APPROVER, UserFacts(user=before, email_owner_id=None), fields, ACT)

    assert saved
    assert saved.reconciliation == (Reconciliation(user_id=APPROVER) if follows else None)


@pytest.mark.parametrize(
    "fields", [{}, {"name": "Approver"}, {"active": True, "email": "user-approver@bakery.example"}]
)
def test_put_user_with_same_values_returns_none(fields: Mapping[str, Any]) -> None:
    assert put_user(APPROVER, UserFacts(user=a_user(), email_owner_id=APPROVER), fields, ACT) is None


@pytest.mark.parametrize(
    ("facts", "fields", "error", "at"),
    [
        (UserFacts(user=None, email_owner_id=None), {}, MissingField, ["email", "name"]),
        (UserFacts(user=None, email_owner_id=None), {"email": "a@b.example"}, MissingField, ["name"]),
        (UserFacts(user=None, email_owner_id="user-x"), {"email": "a@b.example", "name": "A"}, EmailInUse, ["email"]),
        (UserFacts(user=a_user(), email_owner_id="user-x"), {"email": "a@b.example"}, EmailInUse, ["email"]),
    ],
)
def test_put_user_with_invalid_fields_raises_error(
    facts: UserFacts, fields: Mapping[str, Any], error: type[DomainError], at: list[str]
) -> None:
    with pytest.raises(error) as raised:
        put_user(APPROVER, facts, fields, ACT)
    assert field_names(raised) == at


DEACTIVATED = {"active": False}
DEACTIVATED_SUPER_ADMIN = an_actor(a_user("user-gone", active=False))
MIGRATED = a_temporary_partner_admin_actor("user-migrated")
"""A former super admin who migrated after the list of super admins was read."""


def user_facts(super_admin_of: Mapping[str, tuple[Actor, ...]], **changes: Any) -> UserFacts:
    return UserFacts(user=a_user(**changes), email_owner_id=None, super_admin_of=super_admin_of)


def test_put_user_deactivating_last_super_admin_reports_orphaned_account() -> None:
    saved = put_user(
        APPROVER,
        user_facts(
            {
                CLIENT: (),
                "client-b": (DEACTIVATED_SUPER_ADMIN, MIGRATED),
                "client-c": (DEACTIVATED_SUPER_ADMIN, OTHER_SUPER_ADMIN),
            }
        ),
        DEACTIVATED,
        ACT,
    )

    assert saved
    assert not saved.user.active
    assert saved.orphaned == (CLIENT, "client-b")
    assert saved.audit.accounts == (DIRECTORY_LOG_ID, CLIENT, "client-b")
    assert saved.audit.details["orphaned"] == [CLIENT, "client-b"]
    assert set(saved.relies_on) == {a_user(), OTHER_SUPER_ADMIN.user, OTHER_SUPER_ADMIN.member}
    assert list(saved.orphan_reports) == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [({}, {"name": "Other"}), ({"active": False}, {"name": "Other"}), ({"active": False}, {"active": True})],
)
def test_put_user_without_deactivation_orphans_no_account(
    changes: Mapping[str, Any], fields: Mapping[str, Any]
) -> None:
    saved = put_user(APPROVER, user_facts({CLIENT: ()}, **changes), fields, ACT)

    assert saved
    assert saved.orphaned == ()
    assert saved.audit.accounts == (DIRECTORY_LOG_ID,)


def test_put_user_orphaning_many_accounts_reports_each_once() -> None:
    many = {f"client-{nth}": () for nth in range(MAX_ORPHANED_IN_ENTRY + MAX_ORPHANED_IN_REPORT + 1)}
    saved = put_user(APPROVER, user_facts(many), DEACTIVATED, an_act("vendor", idempotency_key=an_idempotency_key()))

    assert saved
    reported = [
        account
        for entry in (saved.audit, *(report.audit for report in saved.orphan_reports))
        for account in entry.accounts
    ]
    assert sorted(reported) == sorted([DIRECTORY_LOG_ID, *many])
    assert len({entry.audit.audit_id for entry in saved.orphan_reports}) == 2
    assert all(report.act.idempotency_key is None for report in saved.orphan_reports)
    about = [(report.audit.event, report.audit.details) for report in saved.orphan_reports]
    assert about == [("account.orphaned", {"user_id": APPROVER})] * 2


def test_put_user_with_many_other_super_admins_limits_relied_on_records() -> None:
    many = {f"client-{nth}": (an_actor(a_user(f"user-{nth}")),) for nth in range(MAX_RELIED_ON)}
    saved = put_user(APPROVER, user_facts(many), DEACTIVATED, ACT)

    assert saved
    assert saved.orphaned == ()
    assert len(saved.relies_on) == MAX_RELIED_ON + 1


def test_erase_user_keeps_only_user_id() -> None:
    before = a_user(locale=Locale.JA)
    saved = erase(APPROVER, UserFacts(user=before, email_owner_id=None), ACT)

    assert saved
    assert saved.user == a_user(version=2, email=None, name="", active=False)
    assert saved.email_changed
    assert (saved.audit.event, saved.audit.details) == ("user.erased", {"user_id": APPROVER})
    assert saved.relies_on == (before,)
    assert saved.reconciliation == Reconciliation(user_id=APPROVER, reason=ReconciliationReason.ERASED)


def test_erase_employee_increments_offboardings_of_every_partner() -> None:
    before = an_employee(
        employed_by=frozenset({PARTNER, "partner-south"}), offboardings={PARTNER: 2, "partner-west": 1}
    )
    stopped = frozenset({PARTNER, "partner-east"})
    saved = erase(EMPLOYEE, UserFacts(user=before, email_owner_id=None, member_for=stopped), ACT)

    assert saved
    assert saved.user.offboardings == {PARTNER: 3, "partner-south": 1, "partner-west": 1, "partner-east": 1}


@pytest.mark.parametrize("user", [None, a_user(email=None, active=False)])
def test_erase_unknown_or_erased_user_returns_none(user: Any) -> None:
    assert erase(APPROVER, UserFacts(user=user, email_owner_id=None), ACT) is None


def test_erase_super_admin_raises_is_super_admin() -> None:
    with pytest.raises(IsSuperAdmin):
        erase(APPROVER, user_facts({CLIENT: (OTHER_SUPER_ADMIN,)}), ACT)


@pytest.mark.parametrize("fields", [{"active": True}, {"email": "again@north.example"}, {"name": "Again"}])
def test_put_user_erased_without_email_and_name_raises_missing_field(fields: Mapping[str, Any]) -> None:
    erased = a_user(email=None, name="", active=False)

    with pytest.raises(MissingField):
        put_user(erased.user_id, UserFacts(user=erased, email_owner_id=None), fields, ACT)
