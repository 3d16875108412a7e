"""Transaction items of a membership: seats, the list of super admins, index entries and holders of custom sets."""

from datetime import datetime, timedelta

import pytest

from partner_access.domain.errors import DomainError, NoSeatLeft, RightsChanged, StaleFacts, UnknownPermissionSet
from partner_access.domain.memberships.members import Grant, Member, Seat, SuspensionReason
from partner_access.domain.users import User, with_access_ended, without_employment
from partner_access.store import dynamo, keys
from partner_access.store.memberships import members
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
)
from tests.support.link_requests import assert_unchanged
from tests.support.table import Table

ORDINARY = a_member(EMPLOYEE, "sales")
ADMIN = a_partner_admin(EMPLOYEE)


def write_membership(table: Table, before: Member | None, after: Member, seats: int | None, taken: int) -> None:
    account = the_client(partner_seat_limit=seats, partner_seats_used=taken)
    table.put_records(account)
    if before:
        table.put_records(before)
    dynamo.transact(members.transaction_items(account, before, after, NOW))


@pytest.mark.parametrize(
    ("before", "after", "seats", "taken", "expected"),
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
def test_membership_write_updates_used_seats(
    table: Table, before: Member | None, after: Member, seats: int | None, taken: int, expected: int
) -> None:
    write_membership(table, before, after, seats, taken)

    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == expected
    assert Member.model_validate(table.get(keys.of(after))) == after.model_copy(update={"changed_at": NOW})


@pytest.mark.parametrize(
    ("before", "after", "seats", "taken", "error"),
    [
        (None, ADMIN, 1, 1, NoSeatLeft),
        (ORDINARY, ADMIN, 0, 0, NoSeatLeft),
        (ADMIN, ORDINARY, 1, 0, RightsChanged),
    ],
)
def test_membership_write_beyond_seat_bounds_is_refused(
    table: Table, before: Member | None, after: Member, seats: int, taken: int, error: type[DomainError]
) -> None:
    account = the_client(partner_seat_limit=seats, partner_seats_used=taken)
    table.put_records(account, *([before] if before else ()))

    with assert_unchanged(table), pytest.raises(StaleFacts) as overtaken:
        dynamo.transact(members.transaction_items(account, before, after, NOW))

    assert overtaken.value.error is error


def test_membership_write_without_before_never_overwrites(table: Table) -> None:
    table.put_records(the_client(), ORDINARY)

    with assert_unchanged(table), pytest.raises(StaleFacts):
        dynamo.transact(members.transaction_items(the_client(), None, ADMIN, NOW))


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
def test_membership_write_updates_super_admin_list(
    table: Table, before: Member | None, after: Member, listed: set[str]
) -> None:
    was_super_admin = before is not None and before.active and before.is_super_admin
    table.put(keys.super_admins(CLIENT), {"user_ids": {"user-boss", *({APPROVER} if was_super_admin else ())}})

    write_membership(table, before, after, None, 0)

    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == listed


# index entries


@pytest.mark.parametrize(
    ("member", "listed"),
    [
        (ADMIN, f"{CLIENT}#{EMPLOYEE}"),
        (a_member(EMPLOYEE, "sales", partner_id=PARTNER), f"{CLIENT}#{EMPLOYEE}"),
        (a_partner_admin(suspended_by=frozenset(SuspensionReason)), f"{CLIENT}#{EMPLOYEE}"),
        (a_member(EMPLOYEE, "sales", partner_id=PARTNER, active=False), None),
        (ORDINARY, None),
        (ADMIN.ended(), None),
    ],
)
def test_item_of_partner_member_has_list_key_of_partner(member: Member, listed: str | None) -> None:
    stored = members.item(member)

    assert stored.get("list_key") == (f"PEOPLE#{PARTNER}" if listed else None)
    assert stored.get("list_sort_key") == listed


@pytest.mark.parametrize(
    ("grant", "due_at"),
    [
        (None, None),
        (a_grant(), None),
        (a_grant().with_end(NOW + timedelta(days=100), NOW), NOW + timedelta(days=70)),
        (a_grant().with_end(NOW + timedelta(days=8), NOW), NOW + timedelta(days=1)),
        (a_grant().with_end(NOW + timedelta(days=1), NOW), NOW + timedelta(days=1)),
    ],
)
def test_item_of_ending_grant_has_due_date(grant: Grant | None, due_at: datetime | None) -> None:
    stored = members.item(a_partner_admin(grant=grant))

    assert stored.get("due_at") == due_at
    assert stored.get("due_shard") == (keys.due_shard(EMPLOYEE) if due_at else None)


# custom sets

CUSTOM_SET_HOLDER = a_member(EMPLOYEE, CUSTOM_SET)
PARTNER_HOLDER = a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER)
ADMIN_WITH_CUSTOM_SET = ADMIN.next_version(permission_set=CUSTOM_SET)


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (None, CUSTOM_SET_HOLDER, (6, 3)),
        (None, PARTNER_HOLDER, (6, 4)),
        (ORDINARY, CUSTOM_SET_HOLDER, (6, 3)),
        (CUSTOM_SET_HOLDER, ORDINARY, (4, 3)),
        (PARTNER_HOLDER, PARTNER_HOLDER.next_version(active=False), (4, 2)),
        (CUSTOM_SET_HOLDER, PARTNER_HOLDER, (5, 4)),
        (PARTNER_HOLDER, CUSTOM_SET_HOLDER, (5, 2)),
        (CUSTOM_SET_HOLDER, a_partner_admin(), (4, 3)),
        (a_partner_admin(), CUSTOM_SET_HOLDER, (6, 3)),
        (ADMIN, ADMIN_WITH_CUSTOM_SET, (6, 4)),
        (ADMIN_WITH_CUSTOM_SET, ADMIN_WITH_CUSTOM_SET.ended(), (4, 2)),
        (CUSTOM_SET_HOLDER, CUSTOM_SET_HOLDER.next_version(seat=Seat.SALES), (5, 3)),
        (None, ORDINARY, (5, 3)),
    ],
)
def test_membership_write_counts_set_holders_without_new_version(
    table: Table, before: Member | None, after: Member, counted: tuple[int, int]
) -> None:
    table.put_records(a_custom_set(holders=5, partner_holders=3))

    write_membership(table, before, after, None, 1)

    stored = table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}
    assert (stored["holders"], stored["partner_holders"], stored["version"]) == (*counted, 1)


def test_membership_write_with_other_custom_set_updates_both_counts(table: Table) -> None:
    other = a_custom_set(f"set_{'4' * 32}")
    table.put_records(a_custom_set(holders=1), other)

    write_membership(table, CUSTOM_SET_HOLDER, CUSTOM_SET_HOLDER.next_version(permission_set=other.set_id), None, 0)

    assert [item["holders"] for item in table.items_with_prefix("ACCOUNT#") if item["sk"].startswith("SET#")] == [0, 1]


def test_membership_write_with_same_custom_set_has_no_item_for_it() -> None:
    changed = CUSTOM_SET_HOLDER.next_version(removed=("service.access",))

    assert [line.key for line in members.transaction_items(the_client(), CUSTOM_SET_HOLDER, changed, NOW)] == [
        keys.of(CUSTOM_SET_HOLDER)
    ]


@pytest.mark.parametrize("after", [CUSTOM_SET_HOLDER, PARTNER_HOLDER])
def test_membership_write_with_missing_custom_set_is_refused(table: Table, after: Member) -> None:
    table.put_records(the_client(), ORDINARY)

    with assert_unchanged(table), pytest.raises(StaleFacts) as overtaken:
        dynamo.transact(members.transaction_items(the_client(), ORDINARY, after, NOW))

    assert overtaken.value.error is UnknownPermissionSet


def test_membership_write_adds_account_of_user(table: Table) -> None:
    write_membership(table, None, ADMIN, None, 0)

    assert table.get(keys.account_of(EMPLOYEE, CLIENT)) == {
        **keys.account_of(EMPLOYEE, CLIENT)._asdict(), "account_id": CLIENT,
    }  # fmt: skip


# employment, super admins and pages


@pytest.mark.parametrize("partners", [frozenset[str](), frozenset({"partner-south"})])
def test_employment_write_of_leaving_employee_keeps_other_attributes(table: Table, partners: frozenset[str]) -> None:
    before = an_employee(employed_by={PARTNER, *partners}, offboardings={"partner-south": 2}, open_links=3, version=5)
    table.put_records(before)
    table.change(keys.user(EMPLOYEE), open_links=4)

    after = without_employment(with_access_ended(before, PARTNER), PARTNER, NOW)
    dynamo.transact([members.employment_item(after)])

    stored = User.model_validate(table.get(keys.user(EMPLOYEE)))
    assert stored == before.next_version(
        employed_by=partners,
        offboardings={"partner-south": 2, PARTNER: 1},
        employments_ended={PARTNER: NOW},
        open_links=4,
    )


def test_employment_write_of_new_employee_adds_partner(table: Table) -> None:
    table.put_records(a_user(EMPLOYEE))

    dynamo.transact([members.employment_item(an_employee(version=2))])

    assert User.model_validate(table.get(keys.user(EMPLOYEE))).employed_by == {PARTNER}


def test_becomes_super_admin_is_true_only_for_promotion(table: Table) -> None:
    assert members.becomes_super_admin(None, a_member())
    assert members.becomes_super_admin(a_member(active=False), a_member())
    assert not members.becomes_super_admin(a_member(), a_member())
    assert not members.becomes_super_admin(None, a_member(active=False))
    table.put_records(an_employee(version=4))

    dynamo.transact([members.raise_version(an_employee(version=4))])

    assert User.model_validate(table.get(keys.user(EMPLOYEE))) == an_employee(version=5)


def test_members_page_is_sorted_by_id_and_includes_records(table: Table) -> None:
    names = [f"user-{number}" for number in range(5)]
    for name in names:
        table.put_records(a_member(name))
    table.put_records(a_custom_set())
    table.put_records(a_member("user-0", account_id="client-bakery-too"))

    first = members.page(CLIENT, limit=2)
    second = members.page(CLIENT, after=first.after, limit=3)
    last = members.page(CLIENT, after=second.after)

    assert (first.user_ids, first.after) == (names[:2], names[1])
    assert (second.user_ids, last.user_ids, last.after) == (names[2:], [], None)
    assert first.found.get_as(Member, keys.member(CLIENT, names[0])) == a_member(names[0])
    assert list(first.found) == [keys.member(CLIENT, name) for name in names[:2]]


def test_all_member_ids_reads_every_page(table: Table) -> None:
    names = [f"user-{number:03}" for number in range(230)]
    for name in names:
        table.put_records(a_member(name))

    assert list(members.all_ids(CLIENT)) == names
