"""Answers to links in the table: every clause of every condition, and all that goes along with a yes or no."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.api.response_body import Answer
from partner_access.domain.errors import LinkAlreadyUsed, LinkDeclined, NoSeatLeft, Overtaken, Refused, RightsChanged
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
    once,
    the_client,
    the_partner,
)  # fmt: skip
from tests.support.link_requests import nothing_changes
from tests.support.seeded_table import COLLEAGUE, a_world, staff
from tests.support.table import Table
from tools.invariants import broken

SECOND = timedelta(seconds=1)
ONE, THEIRS, FIRM = keys.link(PARTNER, LINK), keys.account(CLIENT), keys.account(PARTNER)
HIM, HIS = keys.user(APPROVER), keys.member(CLIENT, APPROVER)
WHO, WHAT = keys.user(EMPLOYEE), keys.member(CLIENT, EMPLOYEE)
REPLY = keys.reply(LINK, CLIENT)

Recorder = Callable[[], object]
FOR_MANY = a_link(max_approvals=2)
ORDINARY = a_member(EMPLOYEE, "sales")


class Told(Answer):
    """Whatever the caller is told."""


def approval() -> Recorder:
    facts = stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    approved = approvals.approve(facts, RequestedAccess(), an_act(once=once()))
    return lambda: stored.record_approval(approved, Told())


def refusal() -> Recorder:
    facts = stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    declined = approvals.decline(facts, "no", an_act(once=once()))
    return lambda: stored.record_decline(declined, Told())


def _closed(most: int) -> list[dict[str, Any]]:
    """Each way in which a link closes, alone."""
    return [
        {"stored_state": "revoked"},
        {"expires_at": NOW},
        {"approvals": most},
        {"secrets": {"another"}},
        {"secrets": None},
        {"secrets": {SECRET.fingerprint + "0", SECRET.fingerprint[:-1]}},
    ]


CONDITIONS: list[tuple[Callable[[], Recorder], tuple[Any, ...], Key, dict[str, Any], type[Refused]]] = [
    *((approval, (), ONE, change, LinkAlreadyUsed) for change in _closed(1)),
    *((approval, (FOR_MANY,), ONE, change, LinkAlreadyUsed) for change in _closed(2)),
    *((refusal, (), ONE, change, LinkDeclined) for change in _closed(1)),
    *((refusal, (FOR_MANY,), ONE, change, LinkDeclined) for change in _closed(2)),
    (approval, (FOR_MANY,), REPLY, {"state": "approved"}, LinkAlreadyUsed),
    (refusal, (FOR_MANY,), REPLY, {"state": "declined"}, LinkAlreadyUsed),
    (approval, (), WHO, {"open_links": 0}, RightsChanged),
    (refusal, (), WHO, {"open_links": 0}, RightsChanged),
    *(
        (approval, others, key, {"version": 2}, RightsChanged)
        for others in ((), (FOR_MANY,), (a_member(EMPLOYEE, seat=Seat.PARTNER, active=False),))
        for key in (HIM, HIS, THEIRS, FIRM, WHO)
    ),
    *((refusal, (), key, {"version": 2}, RightsChanged) for key in (HIM, HIS, THEIRS)),
    (approval, (the_client(partner_seat_limit=2),), THEIRS, {"partner_seats_used": 2}, NoSeatLeft),
    (approval, (), WHAT, {"version": 1}, RightsChanged),
    (approval, (ORDINARY,), WHAT, {"version": 2}, RightsChanged),
]


@pytest.mark.parametrize(("decided", "others", "key", "change", "refused"), CONDITIONS)
def test_what_no_longer_holds_changes_nothing(
    table: Table,
    decided: Callable[[], Recorder],
    others: tuple[Any, ...],
    key: Key,
    change: dict[str, Any],
    refused: type[Refused],
) -> None:
    a_world(table, a_link(), *others)
    record = decided()
    table.change(key, **change)

    with nothing_changes(table), pytest.raises(Overtaken) as overtaken:
        record()

    assert overtaken.value.refusal is refused


@pytest.mark.parametrize("decided", [approval, refusal])
@pytest.mark.parametrize(
    ("others", "key", "change"),
    [
        ((), ONE, {"expires_at": NOW + SECOND}),
        ((), ONE, {"secrets": {SECRET.fingerprint, "a minted one"}}),
        ((FOR_MANY,), ONE, {"approvals": 1}),
        ((the_client(partner_seat_limit=2),), THEIRS, {"partner_seats_used": 1}),
        ((the_client(partner_seat_limit=None),), THEIRS, {"partner_seats_used": 10_000}),
        ((ORDINARY,), ONE, {"delivery_status": "sent"}),
    ],
)
def test_what_still_holds_comes_true(
    table: Table, decided: Callable[[], Recorder], others: tuple[Any, ...], key: Key, change: dict[str, Any]
) -> None:
    a_world(table, a_link(), *others)
    record = decided()
    table.change(key, **change)

    record()

    assert len(table.under("AUDIT#")) == 2
    assert len(table.under("IDEMPOTENCY#")) == 1


@pytest.mark.parametrize("decided", [approval, refusal])
@pytest.mark.parametrize("others", [(), (FOR_MANY,), (ORDINARY,)])
def test_all_that_goes_along_agrees(table: Table, decided: Callable[[], Recorder], others: tuple[Any, ...]) -> None:
    a_world(table, a_link(), *others)

    decided()()

    assert [sentence for sentence in broken(table.items()) if "keeps" not in sentence] == []


@pytest.mark.parametrize("decided", [approval, refusal])
@pytest.mark.parametrize("most", [1, 2])
def test_a_link_for_one_leaves_the_sweep_with_its_answer_and_one_for_many_does_not(
    table: Table, decided: Callable[[], Recorder], most: int
) -> None:
    a_world(table, a_link(max_approvals=most))

    decided()()

    kept = table.get(ONE) or {}
    assert kept.get("due_at") == (None if most == 1 else kept["expires_at"])
    assert ("due_shard" in kept) == ("due_at" in kept)
    assert (table.get(WHO) or {})["open_links"] == most - 1


def test_the_seat_and_the_account_beside_the_user(table: Table) -> None:
    a_world(table, a_link())

    approval()()

    assert (table.get(THEIRS) or {})["partner_seats_used"] == 1
    assert (table.get(keys.account_of(EMPLOYEE, CLIENT)) or {})["account_id"] == CLIENT
    assert (table.get(WHAT) or {})["seat"] == Seat.PARTNER


def test_who_else_runs_the_account_is_read_for_staff_of_the_firm_alone(table: Table) -> None:
    a_world(table, a_link(), a_member(COLLEAGUE))

    outsider = stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    colleague = stored.facts_for_reply(SECRET, CLIENT, COLLEAGUE)

    assert {each.user.user_id for each in colleague.super_admins if each.user} == {APPROVER, COLLEAGUE}
    assert [each.user.user_id for each in outsider.super_admins if each.user] == [APPROVER]


def test_whom_the_link_is_for_comes_with_the_firm_that_he_is_there_for(table: Table) -> None:
    south = the_partner(account_id="partner-south")
    there = a_partner_admin(partner_id=south.account_id)
    a_world(table, a_link(), south, staff(EMPLOYEE, account_id=south.account_id), there)

    (previewed,) = stored.facts_for_preview(SECRET, APPROVER).replies

    assert previewed == stored.facts_for_reply(SECRET, CLIENT, APPROVER)
    assert previewed.target.firms == {south.account_id: south}
