"""Link replies in the table: every clause of every condition, and all items that an approval or decline writes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.api.response_body import ResponseBody
from partner_access.domain.errors import (
    DomainError,
    LinkAlreadyUsed,
    LinkDeclined,
    NoSeatLeft,
    RightsChanged,
    StaleFacts,
)
from partner_access.domain.links import approvals
from partner_access.domain.memberships.members import RequestedAccess, Seat
from partner_access.store import keys
from partner_access.store.keys import Key
from partner_access.store.links import approvals as stored
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    SECRET,
    a_link,
    a_member,
    a_partner_admin,
    an_act,
    an_idempotency_key,
    the_client,
    the_partner,
)  # fmt: skip
from tests.support.link_requests import assert_unchanged
from tests.support.seeded_table import COLLEAGUE, a_partner_account_member, seed
from tests.support.table import Table
from tools.invariants import violations

SECOND = timedelta(seconds=1)
LINK_KEY, CLIENT_KEY, PARTNER_KEY = keys.link(PARTNER, LINK), keys.account(CLIENT), keys.account(PARTNER)
APPROVER_KEY, APPROVER_MEMBER_KEY = keys.user(APPROVER), keys.member(CLIENT, APPROVER)
EMPLOYEE_KEY, EMPLOYEE_MEMBER_KEY = keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE)
REPLY_KEY = keys.reply(LINK, CLIENT)

Recorder = Callable[[], object]
FOR_MANY = a_link(max_approvals=2)
ORDINARY = a_member(EMPLOYEE, "sales")


class EmptyBody(ResponseBody):
    """A response body without fields."""


def approval() -> Recorder:
    facts = stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    approved = approvals.approve(facts, RequestedAccess(), an_act(idempotency_key=an_idempotency_key()))
    return lambda: stored.record_approval(approved, EmptyBody())


def decline() -> Recorder:
    facts = stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    declined = approvals.decline(facts, "no", an_act(idempotency_key=an_idempotency_key()))
    return lambda: stored.record_decline(declined, EmptyBody())


def closing_changes(max_approvals: int) -> list[dict[str, Any]]:
    """Return each single change that closes a link."""
    return [
        {"stored_state": "revoked"},
        {"expires_at": NOW},
        {"approvals": max_approvals},
        {"secrets": {"another"}},
        {"secrets": None},
        {"secrets": {SECRET.fingerprint + "0", SECRET.fingerprint[:-1]}},
    ]


CONDITIONS: list[tuple[Callable[[], Recorder], tuple[Any, ...], Key, dict[str, Any], type[DomainError]]] = [
    *((approval, (), LINK_KEY, change, LinkAlreadyUsed) for change in closing_changes(1)),
    *((approval, (FOR_MANY,), LINK_KEY, change, LinkAlreadyUsed) for change in closing_changes(2)),
    *((decline, (), LINK_KEY, change, LinkDeclined) for change in closing_changes(1)),
    *((decline, (FOR_MANY,), LINK_KEY, change, LinkDeclined) for change in closing_changes(2)),
    (approval, (FOR_MANY,), REPLY_KEY, {"state": "approved"}, LinkAlreadyUsed),
    (decline, (FOR_MANY,), REPLY_KEY, {"state": "declined"}, LinkAlreadyUsed),
    (approval, (), EMPLOYEE_KEY, {"open_links": 0}, RightsChanged),
    (decline, (), EMPLOYEE_KEY, {"open_links": 0}, RightsChanged),
    *(
        (approval, others, key, {"version": 2}, RightsChanged)
        for others in ((), (FOR_MANY,), (a_member(EMPLOYEE, seat=Seat.PARTNER, active=False),))
        for key in (APPROVER_KEY, APPROVER_MEMBER_KEY, CLIENT_KEY, PARTNER_KEY, EMPLOYEE_KEY)
    ),
    *((decline, (), key, {"version": 2}, RightsChanged) for key in (APPROVER_KEY, APPROVER_MEMBER_KEY)),
    (approval, (the_client(partner_seat_limit=2),), CLIENT_KEY, {"partner_seats_used": 2}, NoSeatLeft),
    (approval, (), EMPLOYEE_MEMBER_KEY, {"version": 1}, RightsChanged),
    (approval, (ORDINARY,), EMPLOYEE_MEMBER_KEY, {"version": 2}, RightsChanged),
]


@pytest.mark.parametrize(("decided", "others", "key", "change", "error"), CONDITIONS)
def test_record_reply_after_conflicting_change_writes_nothing(
    table: Table,
    decided: Callable[[], Recorder],
    others: tuple[Any, ...],
    key: Key,
    change: dict[str, Any],
    error: type[DomainError],
) -> None:
    seed(table, a_link(), *others)
    record = decided()
    table.change(key, **change)

    with assert_unchanged(table), pytest.raises(StaleFacts) as overtaken:
        record()

    assert overtaken.value.error is error


@pytest.mark.parametrize("decided", [approval, decline])
@pytest.mark.parametrize(
    ("others", "key", "change"),
    [
        ((), LINK_KEY, {"expires_at": NOW + SECOND}),
        ((), LINK_KEY, {"secrets": {SECRET.fingerprint, "a minted one"}}),
        ((FOR_MANY,), LINK_KEY, {"approvals": 1}),
        ((the_client(partner_seat_limit=2),), CLIENT_KEY, {"partner_seats_used": 1}),
        ((the_client(partner_seat_limit=None),), CLIENT_KEY, {"partner_seats_used": 10_000}),
        ((ORDINARY,), LINK_KEY, {"delivery_status": "sent"}),
    ],
)
def test_record_reply_after_unrelated_change_succeeds(
    table: Table, decided: Callable[[], Recorder], others: tuple[Any, ...], key: Key, change: dict[str, Any]
) -> None:
    seed(table, a_link(), *others)
    record = decided()
    table.change(key, **change)

    record()

    assert len(table.items_with_prefix("AUDIT#")) == 2
    assert len(table.items_with_prefix("IDEMPOTENCY#")) == 1


@pytest.mark.parametrize("decided", [approval, decline])
@pytest.mark.parametrize("others", [(), (FOR_MANY,), (ORDINARY,)])
def test_record_reply_keeps_table_consistent(
    table: Table, decided: Callable[[], Recorder], others: tuple[Any, ...]
) -> None:
    seed(table, a_link(), *others)

    decided()()

    assert [sentence for sentence in violations(table.items()) if "keeps" not in sentence] == []


@pytest.mark.parametrize("decided", [approval, decline])
@pytest.mark.parametrize("max_approvals", [1, 2])
def test_record_reply_removes_due_date_only_from_single_link(
    table: Table, decided: Callable[[], Recorder], max_approvals: int
) -> None:
    seed(table, a_link(max_approvals=max_approvals))

    decided()()

    stored_link = table.get(LINK_KEY) or {}
    assert stored_link.get("due_at") == (None if max_approvals == 1 else stored_link["expires_at"])
    assert ("due_shard" in stored_link) == ("due_at" in stored_link)
    assert (table.get(EMPLOYEE_KEY) or {})["open_links"] == max_approvals - 1


def test_record_approval_counts_seat_and_adds_account_of_user(table: Table) -> None:
    seed(table, a_link())

    approval()()

    assert (table.get(CLIENT_KEY) or {})["partner_seats_used"] == 1
    assert (table.get(keys.account_of(EMPLOYEE, CLIENT)) or {})["account_id"] == CLIENT
    assert (table.get(EMPLOYEE_MEMBER_KEY) or {})["seat"] == Seat.PARTNER


def test_facts_for_reply_read_super_admins_only_for_own_partner(table: Table) -> None:
    seed(table, a_link(), a_member(COLLEAGUE))

    outsider = stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    colleague = stored.facts_for_reply(SECRET, CLIENT, COLLEAGUE)

    assert {each.user.user_id for each in colleague.super_admins if each.user} == {APPROVER, COLLEAGUE}
    assert [each.user.user_id for each in outsider.super_admins if each.user] == [APPROVER]


def test_facts_for_reply_include_partner_of_target(table: Table) -> None:
    south = the_partner(account_id="partner-south")
    there = a_partner_admin(partner_id=south.account_id)
    seed(table, a_link(), south, a_partner_account_member(EMPLOYEE, account_id=south.account_id), there)

    (previewed,) = stored.facts_for_preview(SECRET, APPROVER).replies

    assert previewed == stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    assert previewed.target.partners == {south.account_id: south}
