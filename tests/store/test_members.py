"""The lines of a membership: seats are counted under their condition, the list of super admins follows."""

import pytest

from partner_access.domain.decisions import Overtaken
from partner_access.domain.members import Member, Seat
from partner_access.domain.refusals import NoSeatLeft, Refused, RightsChanged
from partner_access.store import dynamo, keys, members
from tests.builders import APPROVER, CLIENT, EMPLOYEE, a_member, a_partner_admin, the_client
from tests.knocks import nothing_changes
from tests.table import Table

ORDINARY = a_member(EMPLOYEE, "sales")
ADMIN = a_partner_admin(EMPLOYEE)


def _write(table: Table, before: Member | None, after: Member, seats: int | None, taken: int) -> None:
    account = the_client(seats=seats, seats_taken=taken)
    table.keep(account)
    if before:
        table.keep(before)
    dynamo.transact(members.lines(account, before, after))


@pytest.mark.parametrize(
    ("before", "after", "seats", "taken", "then"),
    [
        (None, ADMIN, None, 7, 8),
        (None, ADMIN, 1, 0, 1),
        (ORDINARY, ADMIN, 8, 7, 8),
        (ADMIN, ORDINARY, 1, 1, 0),
        (ADMIN, ADMIN, 1, 1, 1),
        (ORDINARY, a_member(EMPLOYEE, "service"), 0, 0, 0),
        (None, ORDINARY, 0, 0, 0),
    ],
)
def test_seats_are_counted(
    table: Table, before: Member | None, after: Member, seats: int | None, taken: int, then: int
) -> None:
    _write(table, before, after, seats, taken)

    assert (table.get(keys.account(CLIENT)) or {})["seats_taken"] == then
    assert Member.model_validate(table.get(keys.of(after))) == after


@pytest.mark.parametrize(
    ("before", "after", "seats", "taken", "refusal"),
    [
        (None, ADMIN, 1, 1, NoSeatLeft),
        (ORDINARY, ADMIN, 0, 0, NoSeatLeft),
        (ADMIN, ORDINARY, 1, 0, RightsChanged),
    ],
)
def test_seats_are_neither_oversold_nor_given_back_twice(
    table: Table, before: Member | None, after: Member, seats: int, taken: int, refusal: type[Refused]
) -> None:
    account = the_client(seats=seats, seats_taken=taken)
    table.keep(account, *([before] if before else ()))

    with nothing_changes(table), pytest.raises(Overtaken) as overtaken:
        dynamo.transact(members.lines(account, before, after))

    assert overtaken.value.refusal is refusal


def test_a_new_membership_never_replaces_one(table: Table) -> None:
    table.keep(the_client(), ORDINARY)

    with nothing_changes(table), pytest.raises(Overtaken):
        dynamo.transact(members.lines(the_client(), None, ADMIN))


@pytest.mark.parametrize(
    ("before", "after", "listed"),
    [
        (None, a_member(), {"user-boss", APPROVER}),
        (a_member(permission_set="sales"), a_member(), {"user-boss", APPROVER}),
        (a_member(active=False), a_member(), {"user-boss", APPROVER}),
        (a_member(), a_member(permission_set="sales"), {"user-boss"}),
        (a_member(), a_member(active=False), {"user-boss"}),
        (a_member(), a_member(seat=Seat.SALES), {"user-boss", APPROVER}),
        (None, a_member(active=False), {"user-boss"}),
    ],
)
def test_the_list_of_super_admins_follows(table: Table, before: Member | None, after: Member, listed: set[str]) -> None:
    was = before is not None and before.active and before.is_super_admin
    table.put(keys.super_admins(CLIENT), {"user_ids": {"user-boss", *({APPROVER} if was else ())}})

    _write(table, before, after, None, 0)

    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == listed


def test_a_new_membership_stands_beside_the_user_too(table: Table) -> None:
    _write(table, None, ADMIN, None, 0)

    assert table.get(keys.account_of(EMPLOYEE, CLIENT)) == {
        **keys.account_of(EMPLOYEE, CLIENT)._asdict(), "account_id": CLIENT,
    }  # fmt: skip
