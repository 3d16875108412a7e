"""Migrations in the table: a concurrent change of the facts leads to a new decision."""

import pytest

from partner_access.domain.memberships.members import Seat
from partner_access.store import keys
from partner_access.store.memberships import migrations
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_member,
    a_partner_admin,
    an_employee,
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
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import send_during_change
from tests.support.races import before_commit
from tests.support.seeded_table import COLLEAGUE, MANAGER, seed
from tests.support.table import Table
from tools import invariants


def migrate(by: str, user_id: str = EMPLOYEE) -> ApiResponse:
    return call("POST /accounts/{account_id}/migrations", by, {"user_id": user_id}, account_id=CLIENT)


SELF_CHANGES = [
    ("the other is demoted", member(APPROVER, permission_set="sales"), "last_super_admin"),
    ("the other is demoted, and off the list", both_changes(member(APPROVER, permission_set="sales"), super_admins(EMPLOYEE)), "last_super_admin"),
    ("the other is no member any more", member(APPROVER, active=False), "last_super_admin"),
    ("the other is deactivated", user(APPROVER, active=False), "last_super_admin"),
    ("the user is demoted", member(EMPLOYEE, permission_set="sales"), "not_super_admin"),
    ("the user is no member any more", member(EMPLOYEE, active=False), "not_found"),
    ("the user is deactivated", user(EMPLOYEE, active=False), "forbidden"),
    ("the user leaves their partner", user(EMPLOYEE, employed_by=None), "not_eligible"),
    ("the user gets another address", user(EMPLOYEE, email="e@elsewhere.example"), "not_eligible"),
    ("the user's partner is suspended", account(PARTNER, program="suspended"), "not_eligible"),
    ("the user's partner loses its domain", account(PARTNER, domains=["elsewhere.example"]), "not_eligible"),
    ("the account is closed", account(CLIENT, state="closed"), "account_closed"),
    ("the last seat is taken", partner_seats_used(1), "no_seat_left"),
    ("there are no seats any more", account(CLIENT, partner_seat_limit=0), "no_seat_left"),
]  # fmt: skip
OTHER_ACTOR_CHANGES = [
    ("the actor is demoted", member(APPROVER, permission_set="sales"), "forbidden"),
    ("the actor is no member any more", member(APPROVER, active=False), "not_found"),
    ("the actor is deactivated", user(APPROVER, active=False), "forbidden"),
    ("the target is demoted", member(EMPLOYEE, permission_set="sales"), "not_super_admin"),
    ("the target is removed", member(EMPLOYEE, active=False), "not_found"),
    ("the target is deactivated", user(EMPLOYEE, active=False), "not_eligible"),
]


@pytest.mark.parametrize(
    ("by", "move", "code"),
    [(EMPLOYEE, *each[1:]) for each in SELF_CHANGES] + [(APPROVER, *each[1:]) for each in OTHER_ACTOR_CHANGES],
    ids=[each[0] for each in SELF_CHANGES + OTHER_ACTOR_CHANGES],
)
def test_migrate_after_concurrent_change_is_refused(table: Table, by: str, move: Change, code: str) -> None:
    seed(table, the_client(partner_seat_limit=1), a_member(EMPLOYEE))

    assert send_during_change(table, lambda: move(table), lambda: migrate(by)).code == code


def test_migrate_two_super_admins_concurrently_keeps_one(table: Table) -> None:
    seed(table, a_member(EMPLOYEE), a_member(COLLEAGUE), a_member(APPROVER, "sales"))
    first: list[ApiResponse] = []

    second = send_during_change(table, lambda: first.append(migrate(COLLEAGUE, COLLEAGUE)), lambda: migrate(EMPLOYEE))

    assert (first[0].status, second.code) == (201, "last_super_admin")
    assert invariants.violations(table.items()) == []


def test_migrate_with_lost_witness_uses_another(table: Table) -> None:
    seed(table, a_member(EMPLOYEE), a_member(MANAGER))
    gone = both_changes(member(APPROVER, permission_set="sales"), super_admins(EMPLOYEE, MANAGER))

    assert send_during_change(table, lambda: gone(table), lambda: migrate(EMPLOYEE)).status == 201
    assert invariants.violations(table.items()) == []


def test_migrate_with_persistent_conflict_returns_409(table: Table) -> None:
    seed(table, a_member(EMPLOYEE))
    versions = iter(range(2, 10))

    def again() -> None:
        table.change(keys.user(APPROVER), version=next(versions))

    with before_commit(again, times=4) as times:
        answer = migrate(EMPLOYEE)
    assert (answer.status, answer.code, len(times)) == (409, "rights_changed", 4)
    with before_commit(again, times=3) as times:
        assert migrate(EMPLOYEE).status == 201
    assert len(times) == 3
    assert invariants.violations(table.items()) == []


def test_migrate_takes_exactly_one_partner_seat(table: Table) -> None:
    seed(table, the_client(partner_seat_limit=2), a_partner_admin(COLLEAGUE), a_member(EMPLOYEE, seat=Seat.SERVICE))

    migrate(EMPLOYEE)

    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 2
    assert invariants.violations(table.items()) == []


def test_migration_facts_include_partners_and_custom_sets(table: Table) -> None:
    south = the_partner(account_id="partner-south")
    partner_admin = a_partner_admin(COLLEAGUE, partner_id=south.account_id)
    seed(table, south, a_custom_set(), partner_admin, a_member(EMPLOYEE, CUSTOM_SET))

    facts = migrations.facts(CLIENT, EMPLOYEE, COLLEAGUE)

    assert facts.actor.partners == {south.account_id: south}
    assert set(facts.target.sets) == {CUSTOM_SET}


def test_migrate_costs_two_reads_and_one_write(table: Table) -> None:
    seed(table, an_employee(name="名" * 60), a_member(EMPLOYEE))

    with count_costs(table) as costs:
        assert migrate(APPROVER).status == 201

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 24


def test_migrate_self_costs_two_reads_and_one_write(table: Table) -> None:
    seed(table, a_member(EMPLOYEE), *(a_member(each) for each in (COLLEAGUE, MANAGER)))

    with count_costs(table) as costs:
        assert migrate(EMPLOYEE).status == 201

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 24
