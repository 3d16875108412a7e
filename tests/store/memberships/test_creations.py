"""Direct creation in the table: a concurrent change of the facts leads to a new decision."""

from typing import Any

import pytest

from partner_access.domain.memberships.members import Member
from partner_access.store import dynamo, keys
from partner_access.store.memberships import creations
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_member,
    a_partner_admin,
    a_user,
    the_client,
    the_partner,
)
from tests.support.concurrent_changes import Change, account, both_changes, member, partner_seats_used, user
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import assert_error, put_user, send_during_change
from tests.support.races import before_commit
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    a_partner_account_member,
    an_expired_partner_admin,
    now,
    seed,
    store_records,
)
from tests.support.table import Table
from tools import invariants

NEWCOMER = "user-newcomer"
SOUTH = "partner-south"


def create(
    by: str = APPROVER, user_id: str = EMPLOYEE, permission_set: str = "partner_admin", **more: object
) -> ApiResponse:
    partner_domain = "bakery" if user_id in {CLERK, NEWCOMER} else "north"
    body = {"email": f"{user_id}@{partner_domain}.example", "permission_set": permission_set, **more}
    return call("POST /accounts/{account_id}/users", by, body, account_id=CLIENT)


def concurrently_added(user_id: str, permission_set: str) -> Change:
    """Build the concurrent change that adds this member to the account."""
    stored = a_partner_admin(user_id) if permission_set == "partner_admin" else a_member(user_id, permission_set)

    def move(table: Table) -> None:
        store_records(table, [stored])
        if permission_set == "super_admin":
            table.put(keys.super_admins(CLIENT), {"user_ids": {APPROVER, user_id}})

    return move


PARTNER_ADMIN_CHANGES = [
    ("the creator is demoted", member(APPROVER, permission_set="sales"), "not_an_approver"),
    ("the creator is no member any more", member(APPROVER, active=False), "not_found"),
    ("the creator is deactivated", user(APPROVER, active=False), "forbidden"),
    ("the creator joins the partner", user(APPROVER, employed_by={PARTNER}), "no_independent_approver"),
    ("the account is closed", account(CLIENT, state="closed"), "account_closed"),
    ("the last seat is taken", partner_seats_used(1), "no_seat_left"),
    ("the user's partner is suspended", account(PARTNER, program="suspended"), "not_eligible"),
    ("the user's partner loses its domain", account(PARTNER, domains=["elsewhere.example"]), "not_eligible"),
    ("the user leaves their partner", user(EMPLOYEE, employed_by=None), "not_eligible"),
    ("the user is deactivated", user(EMPLOYEE, active=False), "not_eligible"),
    ("the user is a partner admin meanwhile", both_changes(concurrently_added(EMPLOYEE, "partner_admin"), partner_seats_used(0)), "already_partner_admin"),
    ("the user is a super admin meanwhile", concurrently_added(EMPLOYEE, "super_admin"), "is_super_admin"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("move", "code"), [each[1:] for each in PARTNER_ADMIN_CHANGES], ids=[each[0] for each in PARTNER_ADMIN_CHANGES]
)
def test_create_partner_admin_after_concurrent_change_is_refused(table: Table, move: Change, code: str) -> None:
    seed(table, the_client(partner_seat_limit=1))

    assert send_during_change(table, lambda: move(table), create).code == code


def test_create_partner_admin_for_concurrent_super_admin_is_refused(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales"))
    promoted = member(EMPLOYEE, permission_set="super_admin")

    assert send_during_change(table, lambda: promoted(table), create).code == "is_super_admin"


def test_create_partner_admin_for_concurrent_member_converts_them(table: Table) -> None:
    seed(table)

    assert send_during_change(table, lambda: concurrently_added(EMPLOYEE, "sales")(table), create).status == 201
    assert (table.get(keys.member(CLIENT, EMPLOYEE)) or {})["grant"]["former_set"] == "sales"
    assert invariants.violations(table.items()) == []


def test_create_partner_admin_uses_current_user_of_email(table: Table) -> None:
    seed(table)

    def move() -> None:
        put_user(EMPLOYEE, email="employee.new@north.example")
        put_user(COLLEAGUE, email=f"{EMPLOYEE}@north.example")

    answer = send_during_change(table, move, create)

    assert (answer.status, answer.body["user_id"]) == (201, COLLEAGUE)
    assert table.get(keys.member(CLIENT, EMPLOYEE)) is None
    assert invariants.violations(table.items()) == []


MEMBER_CHANGES = [
    ("the granting user holds less", member(APPROVER, permission_set="sales"), "forbidden"),
    (
        "the granting user lost the granted permissions",
        member(APPROVER, removed=["crm.notes.view"]),
        "permission_not_held",
    ),
    ("the granting user is deactivated", user(APPROVER, active=False), "forbidden"),
    ("the granting user is no member any more", member(APPROVER, active=False), "not_found"),
    ("the account is closed", account(CLIENT, state="closed"), "account_closed"),
    ("the person is deactivated", user(NEWCOMER, active=False), "invalid_field"),
    ("the person is a member meanwhile", concurrently_added(NEWCOMER, "view_only"), "already_member"),
]


@pytest.mark.parametrize(
    ("move", "code"), [each[1:] for each in MEMBER_CHANGES], ids=[each[0] for each in MEMBER_CHANGES]
)
def test_create_member_after_concurrent_change_is_refused(table: Table, move: Change, code: str) -> None:
    seed(table, a_user(NEWCOMER))

    assert send_during_change(table, lambda: move(table), lambda: create(APPROVER, NEWCOMER, "sales")).code == code


@pytest.mark.parametrize(("move", "code"), [
    (account(PARTNER, program="suspended"), "forbidden"),
    (user(EMPLOYEE, employed_by=None), "forbidden"),
    (user(COLLEAGUE, employed_by=None), "forbidden"),
    (member(COLLEAGUE, removed=["account.users.manage"]), "forbidden"),
])  # fmt: skip
def test_create_colleague_after_concurrent_loss_of_rights_is_refused(table: Table, move: Change, code: str) -> None:
    seed(table, a_partner_admin(COLLEAGUE))

    assert send_during_change(table, lambda: move(table), lambda: create(COLLEAGUE, EMPLOYEE, "sales")).code == code


def test_create_member_for_concurrently_reactivated_member_is_refused(table: Table) -> None:
    seed(table, a_user(NEWCOMER), a_member(NEWCOMER, active=False))
    reactivated = member(NEWCOMER, active=True)

    assert (
        send_during_change(table, lambda: reactivated(table), lambda: create(APPROVER, NEWCOMER, "sales")).code
        == "already_member"
    )


def test_create_partner_admin_sets_changed_at(table: Table) -> None:
    seed(table)
    before = now()

    assert create().status == 201

    stored = Member.model_validate(table.get(keys.member(CLIENT, EMPLOYEE)))
    assert stored.changed_at
    assert before <= stored.changed_at <= now()


def test_create_partner_admin_of_other_partner_is_refused(table: Table) -> None:
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    seed(table, south, a_partner_account_member(EMPLOYEE, account_id=SOUTH), a_partner_admin(partner_id=SOUTH))

    assert create(partner_id=PARTNER).code == "already_partner_admin"


def test_create_member_after_expired_grant_frees_partner_seat(table: Table) -> None:
    seed(table, an_expired_partner_admin())

    assert create(APPROVER, EMPLOYEE, "sales").status == 201

    assert (table.get(keys.account(CLIENT)) or {})["partner_seats_used"] == 0
    assert invariants.violations(table.items()) == []


def test_create_member_after_expired_grant_in_closed_account_is_refused(table: Table) -> None:
    seed(table, an_expired_partner_admin())
    closed = account(CLIENT, state="closed")

    answer = send_during_change(table, lambda: closed(table), lambda: create(APPROVER, EMPLOYEE, "sales"))

    assert answer.code == "account_closed"


def test_create_member_with_seat_count_zero_returns_rights_changed(table: Table) -> None:
    seed(table, an_expired_partner_admin())
    partner_seats_used(0)(table)

    assert_error(table, lambda: create(APPROVER, EMPLOYEE, "sales"), 409, "rights_changed")


def test_create_super_admin_increments_user_version(table: Table) -> None:
    seed(table, a_user(NEWCOMER))

    assert create(APPROVER, NEWCOMER, "super_admin").status == 201

    assert (table.get(keys.user(NEWCOMER)) or {})["version"] == 2
    assert (table.get(keys.super_admins(CLIENT)) or {})["user_ids"] == {APPROVER, NEWCOMER}
    assert invariants.violations(table.items()) == []


def test_create_super_admin_for_concurrently_deactivated_user_is_refused(table: Table) -> None:
    seed(table, a_user(NEWCOMER))
    deactivated = user(NEWCOMER, active=False)

    answer = send_during_change(table, lambda: deactivated(table), lambda: create(APPROVER, NEWCOMER, "super_admin"))

    assert answer.code == "invalid_field"


def test_create_partner_admin_twice_concurrently_makes_one_grant(table: Table) -> None:
    seed(table, a_member(CLERK, "view_only", added=("account.users.manage",)))
    first: list[ApiResponse] = []

    second = send_during_change(table, lambda: first.append(create(CLERK)), create)

    assert (first[0].status, second.code) == (201, "already_partner_admin")
    assert invariants.violations(table.items()) == []


def test_create_partner_admin_with_persistent_conflict_returns_409(table: Table) -> None:
    seed(table)
    versions = iter(range(2, 10))

    with before_commit(lambda: table.change(keys.user(APPROVER), version=next(versions)), times=4):
        answer = create()

    assert (answer.status, answer.code) == (409, "rights_changed")


def test_create_partner_admin_costs_two_reads_and_one_write(table: Table) -> None:
    seed(table)

    with count_costs(table) as costs:
        assert create(partner_id=PARTNER).status == 201

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 24


def test_create_partner_admin_with_leftover_account_item_succeeds(table: Table) -> None:
    seed(table)
    table.put(keys.account_of(EMPLOYEE, CLIENT), {"account_id": CLIENT})

    assert create().status == 201
    assert invariants.violations(table.items()) == []


def test_creation_facts_include_other_partner_and_custom_set(table: Table) -> None:
    south, address = the_partner(account_id=SOUTH), f"{EMPLOYEE}@north.example"
    seed(table, south, a_custom_set(), a_member(EMPLOYEE, CUSTOM_SET, partner_id=SOUTH))

    facts = creations.facts(CLIENT, address, PARTNER, APPROVER, permission_set="partner_admin")
    chosen = creations.facts_for_choice(CLIENT, address, APPROVER)

    assert facts.target == chosen.target
    assert (set(facts.target.partners), set(facts.target.sets)) == ({SOUTH}, {CUSTOM_SET})


def test_create_partner_admin_without_partner_id_costs_one_more_read(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales"))

    with count_costs(table) as costs:
        assert create().status == 201

    assert (costs.reads, costs.writes) == (3, 1)
    assert costs.units <= 24


@pytest.mark.parametrize("permission_set", ["sales", "super_admin"])
def test_create_member_costs_two_reads_and_one_write(table: Table, permission_set: str) -> None:
    seed(table, a_user(NEWCOMER))

    with count_costs(table) as costs:
        assert create(APPROVER, NEWCOMER, permission_set).status == 201

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 24


def test_assignable_sets_cost_three_reads(table: Table) -> None:
    seed(table, the_partner(account_id=SOUTH), a_partner_account_member(EMPLOYEE, account_id=SOUTH))
    query = {"email": f"{EMPLOYEE}@north.example"}

    with count_costs(table) as costs:
        call("GET /accounts/{account_id}/permission-sets", APPROVER, query=query, account_id=CLIENT)

    assert (costs.reads, costs.writes) == (3, 0)


def test_creation_facts_with_email_moved_between_reads_have_no_user(table: Table) -> None:
    """Check an email address whose user changes between two reads."""
    seed(table)
    events = dynamo.client().meta.events
    moved: list[bool] = []

    def move(**_: Any) -> None:
        if not moved:
            moved.append(True)
            return
        table.change(keys.user(EMPLOYEE), email="moved@north.example")

    events.register("before-parameter-build.dynamodb.BatchGetItem", move)
    try:
        found = creations.facts(CLIENT, f"{EMPLOYEE}@north.example", PARTNER, APPROVER, permission_set="partner_admin")
    finally:
        events.unregister("before-parameter-build.dynamodb.BatchGetItem", move)

    assert found.person is None
