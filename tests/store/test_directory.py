"""Vendor writes in the table: concurrent changes lead to a new decision, and counters of other writers are kept."""

from collections.abc import Callable
from typing import Any

import pytest

from partner_access.domain.directory import MAX_ORPHANED_IN_ENTRY, MAX_ORPHANED_IN_REPORT
from partner_access.domain.records import Record
from partner_access.domain.users import User
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    the_client,
    the_partner,
)
from tests.support.concurrent_changes import (
    Change,
    account,
    both_changes,
    member,
    partner_seats_used,
    super_admins,
    user,
)
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call, call_as_vendor
from tests.support.link_requests import assert_error, send_during_change
from tests.support.seeded_table import (
    CLERK,
    MANAGER,
    a_partner_account_member,
    an_expired_partner_admin,
    seed,
    store_records,
)
from tests.support.table import Table
from tools import invariants

NEWCOMER = "user-newcomer"
SOUTH = "partner-south"


def put_account(account_id: str = CLIENT, **fields: object) -> ApiResponse:
    return call_as_vendor("PUT /directory/accounts/{account_id}", fields, account_id=account_id)


def put_user(user_id: str, **fields: object) -> ApiResponse:
    return call_as_vendor("PUT /directory/users/{user_id}", fields, user_id=user_id)


def put_member(user_id: str, account_id: str = CLIENT, **fields: object) -> ApiResponse:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return call_as_vendor(route, fields, account_id=account_id, user_id=user_id)


def erase(user_id: str) -> ApiResponse:
    return call_as_vendor("POST /directory/users/{user_id}/erasure", user_id=user_id)


def stored(table: Table, key: keys.Key) -> dict[str, Any]:
    return table.get(key) or {}


# accounts


def test_a_limit_that_seats_outgrow_meanwhile_is_refused(table: Table) -> None:
    seed(table, the_client(partner_seat_limit=5))

    answer = send_during_change(table, lambda: partner_seats_used(2)(table), lambda: put_account(partner_seat_limit=1))

    assert (answer.status, answer.code) == (409, "limit_below_use")


def test_seats_that_are_taken_meanwhile_are_counted(table: Table) -> None:
    seed(table)

    assert (
        send_during_change(table, lambda: partner_seats_used(2)(table), lambda: put_account(name="Bakery")).status
        == 200
    )
    assert stored(table, keys.account(CLIENT))["partner_seats_used"] == 2


def test_two_tellings_of_an_account_are_both_kept(table: Table) -> None:
    seed(table)

    send_during_change(table, lambda: put_account(locale="ja"), lambda: put_account(name="Bakery"))

    assert stored(table, keys.account(CLIENT)) | {"locale": "ja", "name": "Bakery"} == stored(
        table, keys.account(CLIENT)
    )


def test_an_account_made_twice_at_once_keeps_its_kind(table: Table) -> None:
    def meanwhile() -> None:
        put_account("new", kind="partner", name="South")

    answer = send_during_change(table, meanwhile, lambda: put_account("new", kind="client", name="South"))

    assert (answer.status, answer.code) == (409, "kind_is_fixed")


def test_an_account_of_before_there_were_own_sets_is_told_of_like_any_other(table: Table) -> None:
    seed(table)
    table.change(keys.account(CLIENT), custom_set_count=None)

    assert put_account(name="Bakery").status == 200


# users


def test_links_that_are_opened_meanwhile_are_counted(table: Table) -> None:
    seed(table)

    def opened() -> None:
        table.change(keys.user(EMPLOYEE), open_links=7)

    assert send_during_change(table, opened, lambda: put_user(EMPLOYEE, name="Emma")).status == 200
    assert stored(table, keys.user(EMPLOYEE))["open_links"] == 7


def test_an_address_that_is_taken_meanwhile_is_refused(table: Table) -> None:
    seed(table)
    address = "someone@bakery.example"

    def taken() -> None:
        put_user(NEWCOMER, email=address, name="New")

    answer = send_during_change(table, taken, lambda: put_user(CLERK, email=address))

    assert (answer.status, answer.code) == (409, "email_in_use")
    assert invariants.violations(table.items()) == []


def test_an_address_is_not_freed_for_another_who_has_it(table: Table) -> None:
    """Check that an email item which disagrees with its user stays with the user it names."""
    seed(table)
    table.put(keys.email(f"{CLERK}@bakery.example"), {"user_id": APPROVER})
    before = table.items()

    assert put_user(CLERK, email="clerk@bakery.example").code == "rights_changed"
    assert table.items() == before


def test_two_changes_of_one_address_leave_one(table: Table) -> None:
    seed(table)

    def first() -> None:
        put_user(CLERK, email="one@bakery.example")

    assert send_during_change(table, first, lambda: put_user(CLERK, email="two@bakery.example")).status == 200
    assert invariants.violations(table.items()) == []
    assert stored(table, keys.user(CLERK))["email"] == "two@bakery.example"


def test_a_user_made_twice_at_once_is_one(table: Table) -> None:
    def first() -> None:
        put_user(NEWCOMER, email="one@bakery.example", name="One")

    assert (
        send_during_change(table, first, lambda: put_user(NEWCOMER, email="two@bakery.example", name="Two")).status
        == 200
    )
    assert invariants.violations(table.items()) == []


# super admins that leave or stay


LOSSES: list[tuple[str, Change]] = [
    ("is demoted", both_changes(member(CLERK, permission_set="sales"), super_admins(APPROVER))),
    ("is no member any more", both_changes(member(CLERK, active=False), super_admins(APPROVER))),
    ("is deactivated", user(CLERK, active=False)),
]


@pytest.mark.parametrize("move", [each[1] for each in LOSSES], ids=[each[0] for each in LOSSES])
def test_an_account_whose_other_super_admin_goes_meanwhile_is_orphaned(table: Table, move: Change) -> None:
    seed(table, a_member(CLERK))

    assert send_during_change(table, lambda: move(table), lambda: put_user(APPROVER, active=False)).status == 200
    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert entry["details"]["orphaned"] == [CLIENT]
    assert invariants.violations(table.items()) == []


@pytest.mark.parametrize("how", ["is no member any more", "is deactivated"])
@pytest.mark.parametrize("which", range(3))
def test_each_account_whose_other_super_admin_goes_meanwhile_is_orphaned(table: Table, which: int, how: str) -> None:
    names, others = [[f"{kind}-{number}" for number in range(3)] for kind in ("client", "user")]
    stay = [a_member(other, account_id=name) for name, other in zip(names, others, strict=True)]
    store_records(table, [a_user(CLERK), *map(a_user, others), *_clients_of(CLERK, names), *stay])
    name, other = names[which], others[which]
    moves = {
        "is no member any more": both_changes(member(other, name, active=False), super_admins(CLERK, account_id=name)),
        "is deactivated": user(other, active=False),
    }

    assert send_during_change(table, lambda: moves[how](table), lambda: put_user(CLERK, active=False)).status == 200

    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert entry["details"]["orphaned"] == [name]
    assert invariants.violations(table.items()) == []


def test_two_deactivated_at_once_leave_an_account_that_is_reported(table: Table) -> None:
    seed(table, a_member(CLERK))

    send_during_change(table, lambda: put_user(CLERK, active=False), lambda: put_user(APPROVER, active=False))

    assert [entry["details"].get("orphaned") for entry in table.items_with_prefix(f"AUDIT#{CLIENT}")] == [[CLIENT]]
    assert invariants.violations(table.items()) == []


def test_one_who_becomes_super_admin_while_he_is_deactivated_is_reported(table: Table) -> None:
    seed(table, the_client(account_id="client-new"))

    def first_of_all() -> None:
        assert put_member(CLERK, "client-new", permission_set="super_admin").status == 201

    send_during_change(table, first_of_all, lambda: put_user(CLERK, active=False))

    (entry,) = [each for each in table.items_with_prefix("AUDIT#client-new") if each["event"] == "user.updated"]
    assert entry["details"]["orphaned"] == ["client-new"]
    assert invariants.violations(table.items()) == []


def test_a_super_admin_of_whom_something_else_is_told_is_no_new_version_of_the_person(table: Table) -> None:
    seed(table, a_member(CLERK))

    assert put_member(CLERK, permission_set="super_admin", seat="service").status == 200

    assert stored(table, keys.member(CLIENT, CLERK))["seat"] == "service"
    assert stored(table, keys.user(CLERK))["version"] == 1


@pytest.mark.parametrize("by", ["directory", "client"])
def test_one_who_becomes_super_admin_is_not_erased(table: Table, by: str) -> None:
    seed(table)
    table.remove(keys.member(CLIENT, CLERK))
    table.remove(keys.account_of(CLERK, CLIENT))

    def promoted() -> None:
        body = {"email": f"{CLERK}@bakery.example", "permission_set": "super_admin"}
        created = (
            put_member(CLERK, permission_set="super_admin")
            if by == "directory"
            else call("POST /accounts/{account_id}/users", APPROVER, body, account_id=CLIENT)
        )
        assert created.status == 201

    answer = send_during_change(table, promoted, lambda: erase(CLERK))

    assert (answer.status, answer.code) == (409, "is_super_admin")
    assert invariants.violations(table.items()) == []


def test_somebody_who_runs_very_many_accounts_is_deactivated_all_the_same(table: Table) -> None:
    count = MAX_ORPHANED_IN_ENTRY + MAX_ORPHANED_IN_REPORT + 5
    names = [f"client-{number:03}" for number in range(count)]
    store_records(table, [a_user(CLERK), *_clients_of(CLERK, names)])

    assert put_user(CLERK, active=False).status == 200

    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert entry["details"]["orphaned"] == names
    assert {each["pk"] for each in table.items_with_prefix("AUDIT#client-")} == {f"AUDIT#{name}" for name in names}
    assert invariants.violations(table.items()) == []


def test_as_many_of_those_who_stay_are_relied_on_as_fit(table: Table) -> None:
    names = [f"client-{number:03}" for number in range(40)]
    others = [a_user(f"user-{number}") for number in range(40)]
    stay = [a_member(other.user_id, account_id=name) for name, other in zip(names, others, strict=True)]
    store_records(table, [a_user(CLERK), *others, *_clients_of(CLERK, names), *stay])

    with count_costs(table) as costs:
        assert put_user(CLERK, active=False, email="clerk.left@bakery.example").status == 200

    assert (costs.writes, len(costs.transaction_items)) == (1, 65)


def _clients_of(user_id: str, names: list[str]) -> list[Record]:
    return [each for name in names for each in (the_client(account_id=name), a_member(user_id, account_id=name))]


# members


@pytest.mark.parametrize("fields", [{"permission_set": "sales"}, {"active": False}])
@pytest.mark.parametrize("move", [each[1] for each in LOSSES], ids=[each[0] for each in LOSSES])
def test_a_super_admin_who_is_the_last_meanwhile_stays(table: Table, move: Change, fields: dict[str, Any]) -> None:
    seed(table, a_member(CLERK))

    answer = send_during_change(table, lambda: move(table), lambda: put_member(APPROVER, **fields))

    assert (answer.status, answer.code) == (409, "last_super_admin")


def test_two_super_admins_do_not_both_go(table: Table) -> None:
    seed(table, a_member(CLERK))

    def first() -> None:
        assert put_member(CLERK, active=False).status == 200

    answer = send_during_change(table, first, lambda: put_member(APPROVER, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "last_super_admin")
    assert invariants.violations(table.items()) == []


def test_an_account_closed_meanwhile_takes_nobody(table: Table) -> None:
    seed(table)
    closed = account(CLIENT, state="closed")

    answer = send_during_change(table, lambda: closed(table), lambda: put_member(EMPLOYEE, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "account_closed")


def test_one_who_is_partner_admin_meanwhile_stays_it(table: Table) -> None:
    seed(table)

    def granted() -> None:
        store_records(table, [a_partner_admin()])

    answer = send_during_change(table, granted, lambda: put_member(EMPLOYEE, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "already_partner_admin")


def test_a_member_who_is_partner_admin_meanwhile_stays_it(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales"))
    granted = dict(a_partner_admin(version=2))

    answer = send_during_change(
        table,
        lambda: table.put(keys.member(CLIENT, EMPLOYEE), granted),
        lambda: put_member(EMPLOYEE, permission_set="service"),
    )

    assert (answer.status, answer.code) == (409, "already_partner_admin")


def test_who_is_here_for_a_firm_that_he_leaves_meanwhile_is_here_no_more(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    ended = user(EMPLOYEE, offboardings={PARTNER: 1})

    answer = send_during_change(table, lambda: ended(table), lambda: put_member(EMPLOYEE, permission_set="service"))

    assert (answer.status, answer.body["state"]) == (200, "deactivated")
    assert "partner_id" not in stored(table, keys.member(CLIENT, EMPLOYEE))


def test_who_is_deactivated_meanwhile_becomes_no_super_admin(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    deactivated = user(EMPLOYEE, active=False)

    answer = send_during_change(
        table, lambda: deactivated(table), lambda: put_member(EMPLOYEE, permission_set="super_admin")
    )

    assert (answer.status, answer.code) == (409, "grant_suspended")


def test_an_account_does_not_begin_with_a_super_admin_who_is_deactivated_meanwhile(table: Table) -> None:
    seed(table)
    put_account("client-mill", kind="client", name="Mill")
    deactivated = user(CLERK, active=False)

    def first() -> ApiResponse:
        return put_member(CLERK, "client-mill", permission_set="super_admin")

    answer = send_during_change(table, lambda: deactivated(table), first)

    assert (answer.status, answer.code) == (409, "last_super_admin")


@pytest.mark.parametrize("move", [each[1] for each in LOSSES], ids=[each[0] for each in LOSSES])
def test_who_cannot_act_is_no_super_admin_beside_one_who_goes_meanwhile(table: Table, move: Change) -> None:
    seed(table, a_user(NEWCOMER, active=False), a_member(CLERK))
    put_member(APPROVER, permission_set="view_only")

    answer = send_during_change(table, lambda: move(table), lambda: put_member(NEWCOMER, permission_set="super_admin"))

    assert (answer.status, answer.code) == (409, "last_super_admin")


def test_the_seat_of_a_lapsed_grant_is_not_given_back_in_an_account_closed_meanwhile(table: Table) -> None:
    seed(table, an_expired_partner_admin(previous=a_member(EMPLOYEE, "sales").assignment))
    closed = account(CLIENT, state="closed")

    answer = send_during_change(table, lambda: closed(table), lambda: put_member(EMPLOYEE, permission_set="service"))

    assert (answer.status, answer.code) == (409, "account_closed")


def test_a_seat_that_nobody_took_is_not_given_back(table: Table) -> None:
    """Check that the seat count never becomes negative, even if it disagrees with the members."""
    seed(table, an_expired_partner_admin(previous=a_member(EMPLOYEE, "sales").assignment))
    partner_seats_used(0)(table)

    assert_error(table, lambda: put_member(EMPLOYEE, permission_set="service"), 409, "rights_changed")


def test_the_account_hears_of_who_comes_and_of_what_he_becomes(table: Table) -> None:
    seed(table)

    for permission_set in ("sales", "service"):
        put_member(EMPLOYEE, permission_set=permission_set)

    permission_sets = {
        entry["event"]: entry["details"]["permission_set"] for entry in table.items_with_prefix(f"AUDIT#{CLIENT}")
    }
    assert permission_sets == {"member.created": "sales", "member.updated": "service"}


@pytest.mark.parametrize("offboardings", [{}, {PARTNER: 2}])
def test_two_firms_that_employ_at_once_both_do(table: Table, offboardings: dict[str, int]) -> None:
    seed(table, the_partner(account_id=SOUTH, name="South"), a_user(NEWCOMER, offboardings=offboardings))

    def first() -> None:
        put_member(NEWCOMER, SOUTH, permission_set="sales")

    send_during_change(table, first, lambda: put_member(NEWCOMER, PARTNER, permission_set="sales"))

    newcomer = a_user(NEWCOMER, employed_by={PARTNER, SOUTH}, offboardings=offboardings, version=3)
    assert User.model_validate(stored(table, keys.user(NEWCOMER))) == newcomer
    assert invariants.violations(table.items()) == []


def test_whoever_becomes_super_admin_of_his_firm_is_one_new_version(table: Table) -> None:
    seed(table)
    before = stored(table, keys.user(EMPLOYEE))["version"]

    assert put_member(EMPLOYEE, PARTNER, permission_set="super_admin").status == 200

    assert stored(table, keys.user(EMPLOYEE))["version"] == before + 1
    assert invariants.violations(table.items()) == []


def test_whoever_leaves_his_only_firm_works_for_none(table: Table) -> None:
    seed(table)

    assert put_member(EMPLOYEE, PARTNER, active=False).status == 200

    employee = stored(table, keys.user(EMPLOYEE))
    assert ("employed_by" in employee, employee["version"]) == (False, 2)
    assert invariants.violations(table.items()) == []


def test_whoever_joins_another_firm_while_he_leaves_one_works_for_that(table: Table) -> None:
    seed(table, the_partner(account_id=SOUTH, name="South"))

    def joins() -> None:
        assert put_member(EMPLOYEE, SOUTH, permission_set="sales").status == 201

    assert send_during_change(table, joins, lambda: put_member(EMPLOYEE, PARTNER, active=False)).status == 200

    assert stored(table, keys.user(EMPLOYEE))["employed_by"] == {SOUTH}
    assert invariants.violations(table.items()) == []


@pytest.mark.parametrize("operation", [
    lambda: put_account(name="Bakery"),
    lambda: put_user(CLERK, name="Clara"),
    lambda: put_user(CLERK, email="clara@bakery.example"),
    lambda: put_member(CLERK, permission_set="sales"),
    lambda: put_member(EMPLOYEE, permission_set="super_admin"),
    lambda: put_member(MANAGER, PARTNER, permission_set="sales"),
    lambda: erase(CLERK),
])  # fmt: skip
def test_the_vendors_word_costs_little(table: Table, operation: Callable[[], ApiResponse]) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, "super_admin"))

    with count_costs(table) as costs:
        assert operation().status in {200, 201, 202}

    assert costs.reads <= 3
    assert costs.writes == 1
    assert costs.units <= 24
