"""What the vendor tells rests on what stood there, and no count of anybody else's is lost over it."""

from collections.abc import Callable
from typing import Any

import pytest

from partner_access.domain.directory import REPORTED_AT_ONCE, TOLD_AT_ONCE
from partner_access.domain.records import Kept
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
from tests.support.concurrent_changes import Move, account, both, member, partner_seats_used, super_admins, user
from tests.support.costs import counted
from tests.support.gateway import Answer, call, tell
from tests.support.link_requests import overtaken, refused
from tests.support.seeded_table import CLERK, MANAGER, a_lapsed_partner_admin, a_world, keep, staff
from tests.support.table import Table
from tools import invariants

NEWCOMER = "user-newcomer"
SOUTH = "partner-south"


def tell_account(account_id: str = CLIENT, **told: object) -> Answer:
    return tell("PUT /directory/accounts/{account_id}", told, account_id=account_id)


def tell_user(user_id: str, **told: object) -> Answer:
    return tell("PUT /directory/users/{user_id}", told, user_id=user_id)


def tell_member(user_id: str, account_id: str = CLIENT, **told: object) -> Answer:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return tell(route, told, account_id=account_id, user_id=user_id)


def erase(user_id: str) -> Answer:
    return tell("POST /directory/users/{user_id}/erasure", user_id=user_id)


def kept(table: Table, key: keys.Key) -> dict[str, Any]:
    return table.get(key) or {}


# accounts


def test_a_limit_that_seats_outgrow_meanwhile_is_refused(table: Table) -> None:
    a_world(table, the_client(partner_seat_limit=5))

    answer = overtaken(table, lambda: partner_seats_used(2)(table), lambda: tell_account(partner_seat_limit=1))

    assert (answer.status, answer.code) == (409, "limit_below_use")


def test_seats_that_are_taken_meanwhile_are_counted(table: Table) -> None:
    a_world(table)

    assert overtaken(table, lambda: partner_seats_used(2)(table), lambda: tell_account(name="Bakery")).status == 200
    assert kept(table, keys.account(CLIENT))["partner_seats_used"] == 2


def test_two_tellings_of_an_account_are_both_kept(table: Table) -> None:
    a_world(table)

    overtaken(table, lambda: tell_account(locale="ja"), lambda: tell_account(name="Bakery"))

    assert kept(table, keys.account(CLIENT)) | {"locale": "ja", "name": "Bakery"} == kept(table, keys.account(CLIENT))


def test_an_account_made_twice_at_once_keeps_its_kind(table: Table) -> None:
    def meanwhile() -> None:
        tell_account("new", kind="partner", name="South")

    answer = overtaken(table, meanwhile, lambda: tell_account("new", kind="client", name="South"))

    assert (answer.status, answer.code) == (409, "kind_is_fixed")


def test_an_account_of_before_there_were_own_sets_is_told_of_like_any_other(table: Table) -> None:
    a_world(table)
    table.change(keys.account(CLIENT), custom_set_count=None)

    assert tell_account(name="Bakery").status == 200


# users


def test_links_that_are_opened_meanwhile_are_counted(table: Table) -> None:
    a_world(table)

    def opened() -> None:
        table.change(keys.user(EMPLOYEE), open_links=7)

    assert overtaken(table, opened, lambda: tell_user(EMPLOYEE, name="Emma")).status == 200
    assert kept(table, keys.user(EMPLOYEE))["open_links"] == 7


def test_an_address_that_is_taken_meanwhile_is_refused(table: Table) -> None:
    a_world(table)
    address = "someone@bakery.example"

    def taken() -> None:
        tell_user(NEWCOMER, email=address, name="New")

    answer = overtaken(table, taken, lambda: tell_user(CLERK, email=address))

    assert (answer.status, answer.code) == (409, "email_in_use")
    assert invariants.broken(table.items()) == []


def test_an_address_is_not_freed_for_another_who_has_it(table: Table) -> None:
    """Should an address and its user ever disagree, the address stays with whom it names."""
    a_world(table)
    table.put(keys.email(f"{CLERK}@bakery.example"), {"user_id": APPROVER})
    before = table.items()

    assert tell_user(CLERK, email="clerk@bakery.example").code == "rights_changed"
    assert table.items() == before


def test_two_changes_of_one_address_leave_one(table: Table) -> None:
    a_world(table)

    def first() -> None:
        tell_user(CLERK, email="one@bakery.example")

    assert overtaken(table, first, lambda: tell_user(CLERK, email="two@bakery.example")).status == 200
    assert invariants.broken(table.items()) == []
    assert kept(table, keys.user(CLERK))["email"] == "two@bakery.example"


def test_a_user_made_twice_at_once_is_one(table: Table) -> None:
    def first() -> None:
        tell_user(NEWCOMER, email="one@bakery.example", name="One")

    assert overtaken(table, first, lambda: tell_user(NEWCOMER, email="two@bakery.example", name="Two")).status == 200
    assert invariants.broken(table.items()) == []


# whoever goes, and who stays


STAYS_NOT: list[tuple[str, Move]] = [
    ("is demoted", both(member(CLERK, permission_set="sales"), super_admins(APPROVER))),
    ("is no member any more", both(member(CLERK, active=False), super_admins(APPROVER))),
    ("is deactivated", user(CLERK, active=False)),
]


@pytest.mark.parametrize("move", [each[1] for each in STAYS_NOT], ids=[each[0] for each in STAYS_NOT])
def test_an_account_whose_other_super_admin_goes_meanwhile_is_orphaned(table: Table, move: Move) -> None:
    a_world(table, a_member(CLERK))

    assert overtaken(table, lambda: move(table), lambda: tell_user(APPROVER, active=False)).status == 200
    (entry,) = table.under("AUDIT#@directory")
    assert entry["details"]["orphaned"] == [CLIENT]
    assert invariants.broken(table.items()) == []


@pytest.mark.parametrize("how", ["is no member any more", "is deactivated"])
@pytest.mark.parametrize("which", range(3))
def test_each_account_whose_other_super_admin_goes_meanwhile_is_orphaned(table: Table, which: int, how: str) -> None:
    names, others = [[f"{kind}-{number}" for number in range(3)] for kind in ("client", "user")]
    stay = [a_member(other, account_id=name) for name, other in zip(names, others, strict=True)]
    keep(table, [a_user(CLERK), *map(a_user, others), *_clients_of(CLERK, names), *stay])
    name, other = names[which], others[which]
    moves = {
        "is no member any more": both(member(other, name, active=False), super_admins(CLERK, account_id=name)),
        "is deactivated": user(other, active=False),
    }

    assert overtaken(table, lambda: moves[how](table), lambda: tell_user(CLERK, active=False)).status == 200

    (entry,) = table.under("AUDIT#@directory")
    assert entry["details"]["orphaned"] == [name]
    assert invariants.broken(table.items()) == []


def test_two_deactivated_at_once_leave_an_account_that_is_reported(table: Table) -> None:
    a_world(table, a_member(CLERK))

    overtaken(table, lambda: tell_user(CLERK, active=False), lambda: tell_user(APPROVER, active=False))

    assert [entry["details"].get("orphaned") for entry in table.under(f"AUDIT#{CLIENT}")] == [[CLIENT]]
    assert invariants.broken(table.items()) == []


def test_one_who_becomes_super_admin_while_he_is_deactivated_is_reported(table: Table) -> None:
    a_world(table, the_client(account_id="client-new"))

    def first_of_all() -> None:
        assert tell_member(CLERK, "client-new", permission_set="super_admin").status == 201

    overtaken(table, first_of_all, lambda: tell_user(CLERK, active=False))

    (entry,) = [each for each in table.under("AUDIT#client-new") if each["event"] == "user.updated"]
    assert entry["details"]["orphaned"] == ["client-new"]
    assert invariants.broken(table.items()) == []


def test_a_super_admin_of_whom_something_else_is_told_is_no_new_version_of_the_person(table: Table) -> None:
    a_world(table, a_member(CLERK))

    assert tell_member(CLERK, permission_set="super_admin", seat="service").status == 200

    assert kept(table, keys.member(CLIENT, CLERK))["seat"] == "service"
    assert kept(table, keys.user(CLERK))["version"] == 1


@pytest.mark.parametrize("by", ["directory", "client"])
def test_one_who_becomes_super_admin_is_not_erased(table: Table, by: str) -> None:
    a_world(table)
    table.remove(keys.member(CLIENT, CLERK))
    table.remove(keys.account_of(CLERK, CLIENT))

    def promoted() -> None:
        wish = {"email": f"{CLERK}@bakery.example", "permission_set": "super_admin"}
        made = (
            tell_member(CLERK, permission_set="super_admin")
            if by == "directory"
            else call("POST /accounts/{account_id}/users", APPROVER, wish, account_id=CLIENT)
        )
        assert made.status == 201

    answer = overtaken(table, promoted, lambda: erase(CLERK))

    assert (answer.status, answer.code) == (409, "is_super_admin")
    assert invariants.broken(table.items()) == []


def test_somebody_who_runs_very_many_accounts_is_deactivated_all_the_same(table: Table) -> None:
    many = TOLD_AT_ONCE + REPORTED_AT_ONCE + 5
    names = [f"client-{number:03}" for number in range(many)]
    keep(table, [a_user(CLERK), *_clients_of(CLERK, names)])

    assert tell_user(CLERK, active=False).status == 200

    (entry,) = table.under("AUDIT#@directory")
    assert entry["details"]["orphaned"] == names
    assert {each["pk"] for each in table.under("AUDIT#client-")} == {f"AUDIT#{name}" for name in names}
    assert invariants.broken(table.items()) == []


def test_as_many_of_those_who_stay_are_relied_on_as_fit(table: Table) -> None:
    names = [f"client-{number:03}" for number in range(40)]
    others = [a_user(f"user-{number}") for number in range(40)]
    stay = [a_member(other.user_id, account_id=name) for name, other in zip(names, others, strict=True)]
    keep(table, [a_user(CLERK), *others, *_clients_of(CLERK, names), *stay])

    with counted(table) as costs:
        assert tell_user(CLERK, active=False, email="clerk.left@bakery.example").status == 200

    assert (costs.writes, len(costs.lines)) == (1, 65)


def _clients_of(user_id: str, names: list[str]) -> list[Kept]:
    return [each for name in names for each in (the_client(account_id=name), a_member(user_id, account_id=name))]


# members


@pytest.mark.parametrize("told", [{"permission_set": "sales"}, {"active": False}])
@pytest.mark.parametrize("move", [each[1] for each in STAYS_NOT], ids=[each[0] for each in STAYS_NOT])
def test_a_super_admin_who_is_the_last_meanwhile_stays(table: Table, move: Move, told: dict[str, Any]) -> None:
    a_world(table, a_member(CLERK))

    answer = overtaken(table, lambda: move(table), lambda: tell_member(APPROVER, **told))

    assert (answer.status, answer.code) == (409, "last_super_admin")


def test_two_super_admins_do_not_both_go(table: Table) -> None:
    a_world(table, a_member(CLERK))

    def first() -> None:
        assert tell_member(CLERK, active=False).status == 200

    answer = overtaken(table, first, lambda: tell_member(APPROVER, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "last_super_admin")
    assert invariants.broken(table.items()) == []


def test_an_account_closed_meanwhile_takes_nobody(table: Table) -> None:
    a_world(table)
    closed = account(CLIENT, state="closed")

    answer = overtaken(table, lambda: closed(table), lambda: tell_member(EMPLOYEE, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "account_closed")


def test_one_who_is_partner_admin_meanwhile_stays_it(table: Table) -> None:
    a_world(table)

    def granted() -> None:
        keep(table, [a_partner_admin()])

    answer = overtaken(table, granted, lambda: tell_member(EMPLOYEE, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "already_partner_admin")


def test_a_member_who_is_partner_admin_meanwhile_stays_it(table: Table) -> None:
    a_world(table, a_member(EMPLOYEE, "sales"))
    granted = dict(a_partner_admin(version=2))

    answer = overtaken(
        table,
        lambda: table.put(keys.member(CLIENT, EMPLOYEE), granted),
        lambda: tell_member(EMPLOYEE, permission_set="service"),
    )

    assert (answer.status, answer.code) == (409, "already_partner_admin")


def test_who_is_here_for_a_firm_that_he_leaves_meanwhile_is_here_no_more(table: Table) -> None:
    a_world(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    ended = user(EMPLOYEE, offboardings={PARTNER: 1})

    answer = overtaken(table, lambda: ended(table), lambda: tell_member(EMPLOYEE, permission_set="service"))

    assert (answer.status, answer.body["state"]) == (200, "deactivated")
    assert "partner_id" not in kept(table, keys.member(CLIENT, EMPLOYEE))


def test_who_is_deactivated_meanwhile_becomes_no_super_admin(table: Table) -> None:
    a_world(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    gone = user(EMPLOYEE, active=False)

    answer = overtaken(table, lambda: gone(table), lambda: tell_member(EMPLOYEE, permission_set="super_admin"))

    assert (answer.status, answer.code) == (409, "grant_suspended")


def test_an_account_does_not_begin_with_a_super_admin_who_is_deactivated_meanwhile(table: Table) -> None:
    a_world(table)
    tell_account("client-mill", kind="client", name="Mill")
    gone = user(CLERK, active=False)

    def first() -> Answer:
        return tell_member(CLERK, "client-mill", permission_set="super_admin")

    answer = overtaken(table, lambda: gone(table), first)

    assert (answer.status, answer.code) == (409, "last_super_admin")


@pytest.mark.parametrize("move", [each[1] for each in STAYS_NOT], ids=[each[0] for each in STAYS_NOT])
def test_who_cannot_act_is_no_super_admin_beside_one_who_goes_meanwhile(table: Table, move: Move) -> None:
    a_world(table, a_user(NEWCOMER, active=False), a_member(CLERK))
    tell_member(APPROVER, permission_set="view_only")

    answer = overtaken(table, lambda: move(table), lambda: tell_member(NEWCOMER, permission_set="super_admin"))

    assert (answer.status, answer.code) == (409, "last_super_admin")


def test_the_seat_of_a_lapsed_grant_is_not_given_back_in_an_account_closed_meanwhile(table: Table) -> None:
    a_world(table, a_lapsed_partner_admin(previous=a_member(EMPLOYEE, "sales").place))
    closed = account(CLIENT, state="closed")

    answer = overtaken(table, lambda: closed(table), lambda: tell_member(EMPLOYEE, permission_set="service"))

    assert (answer.status, answer.code) == (409, "account_closed")


def test_a_seat_that_nobody_took_is_not_given_back(table: Table) -> None:
    """Should the count and the members ever disagree, the count goes no lower than nothing."""
    a_world(table, a_lapsed_partner_admin(previous=a_member(EMPLOYEE, "sales").place))
    partner_seats_used(0)(table)

    refused(table, lambda: tell_member(EMPLOYEE, permission_set="service"), 409, "rights_changed")


def test_the_account_hears_of_who_comes_and_of_what_he_becomes(table: Table) -> None:
    a_world(table)

    for permission_set in ("sales", "service"):
        tell_member(EMPLOYEE, permission_set=permission_set)

    told = {entry["event"]: entry["details"]["permission_set"] for entry in table.under(f"AUDIT#{CLIENT}")}
    assert told == {"member.created": "sales", "member.updated": "service"}


@pytest.mark.parametrize("leavings", [{}, {PARTNER: 2}])
def test_two_firms_that_employ_at_once_both_do(table: Table, leavings: dict[str, int]) -> None:
    a_world(table, the_partner(account_id=SOUTH, name="South"), a_user(NEWCOMER, offboardings=leavings))

    def first() -> None:
        tell_member(NEWCOMER, SOUTH, permission_set="sales")

    overtaken(table, first, lambda: tell_member(NEWCOMER, PARTNER, permission_set="sales"))

    newcomer = a_user(NEWCOMER, employed_by={PARTNER, SOUTH}, offboardings=leavings, version=3)
    assert User.model_validate(kept(table, keys.user(NEWCOMER))) == newcomer
    assert invariants.broken(table.items()) == []


def test_whoever_becomes_super_admin_of_his_firm_is_one_new_version(table: Table) -> None:
    a_world(table)
    before = kept(table, keys.user(EMPLOYEE))["version"]

    assert tell_member(EMPLOYEE, PARTNER, permission_set="super_admin").status == 200

    assert kept(table, keys.user(EMPLOYEE))["version"] == before + 1
    assert invariants.broken(table.items()) == []


def test_whoever_leaves_his_only_firm_works_for_none(table: Table) -> None:
    a_world(table)

    assert tell_member(EMPLOYEE, PARTNER, active=False).status == 200

    employee = kept(table, keys.user(EMPLOYEE))
    assert ("employed_by" in employee, employee["version"]) == (False, 2)
    assert invariants.broken(table.items()) == []


def test_whoever_joins_another_firm_while_he_leaves_one_works_for_that(table: Table) -> None:
    a_world(table, the_partner(account_id=SOUTH, name="South"))

    def joins() -> None:
        assert tell_member(EMPLOYEE, SOUTH, permission_set="sales").status == 201

    assert overtaken(table, joins, lambda: tell_member(EMPLOYEE, PARTNER, active=False)).status == 200

    assert kept(table, keys.user(EMPLOYEE))["employed_by"] == {SOUTH}
    assert invariants.broken(table.items()) == []


@pytest.mark.parametrize("knock", [
    lambda: tell_account(name="Bakery"),
    lambda: tell_user(CLERK, name="Clara"),
    lambda: tell_user(CLERK, email="clara@bakery.example"),
    lambda: tell_member(CLERK, permission_set="sales"),
    lambda: tell_member(EMPLOYEE, permission_set="super_admin"),
    lambda: tell_member(MANAGER, PARTNER, permission_set="sales"),
    lambda: erase(CLERK),
])  # fmt: skip
def test_the_vendors_word_costs_little(table: Table, knock: Callable[[], Answer]) -> None:
    a_world(table, staff(EMPLOYEE, "super_admin"))

    with counted(table) as costs:
        assert knock().status in {200, 201, 202}

    assert costs.reads <= 3
    assert costs.writes == 1
    assert costs.units <= 24
