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


def test_put_account_with_limit_below_concurrent_use_returns_409(table: Table) -> None:
    seed(table, the_client(partner_seat_limit=5))

    answer = send_during_change(table, lambda: partner_seats_used(2)(table), lambda: put_account(partner_seat_limit=1))

    assert (answer.status, answer.code) == (409, "limit_below_use")


def test_put_account_keeps_concurrently_used_seats(table: Table) -> None:
    seed(table)

    assert (
        send_during_change(table, lambda: partner_seats_used(2)(table), lambda: put_account(name="Bakery")).status
        == 200
    )
    assert stored(table, keys.account(CLIENT))["partner_seats_used"] == 2


def test_put_account_twice_concurrently_keeps_both_changes(table: Table) -> None:
    seed(table)

    send_during_change(table, lambda: put_account(locale="ja"), lambda: put_account(name="Bakery"))

    assert stored(table, keys.account(CLIENT)) | {"locale": "ja", "name": "Bakery"} == stored(
        table, keys.account(CLIENT)
    )


def test_put_account_created_concurrently_keeps_kind(table: Table) -> None:
    def meanwhile() -> None:
        put_account("new", kind="partner", name="South")

    answer = send_during_change(table, meanwhile, lambda: put_account("new", kind="client", name="South"))

    assert (answer.status, answer.code) == (409, "kind_is_fixed")


def test_put_account_without_custom_set_count_succeeds(table: Table) -> None:
    seed(table)
    table.change(keys.account(CLIENT), custom_set_count=None)

    assert put_account(name="Bakery").status == 200


# users


def test_put_user_keeps_concurrently_opened_links(table: Table) -> None:
    seed(table)

    def opened() -> None:
        table.change(keys.user(EMPLOYEE), open_links=7)

    assert send_during_change(table, opened, lambda: put_user(EMPLOYEE, name="Emma")).status == 200
    assert stored(table, keys.user(EMPLOYEE))["open_links"] == 7


def test_put_user_with_concurrently_used_email_returns_409(table: Table) -> None:
    seed(table)
    address = "someone@bakery.example"

    def taken() -> None:
        put_user(NEWCOMER, email=address, name="New")

    answer = send_during_change(table, taken, lambda: put_user(CLERK, email=address))

    assert (answer.status, answer.code) == (409, "email_in_use")
    assert invariants.violations(table.items()) == []


def test_put_user_does_not_free_email_of_other_user(table: Table) -> None:
    """Check that an email item which disagrees with its user stays with the user it names."""
    seed(table)
    table.put(keys.email(f"{CLERK}@bakery.example"), {"user_id": APPROVER})
    before = table.items()

    assert put_user(CLERK, email="clerk@bakery.example").code == "rights_changed"
    assert table.items() == before


def test_put_user_email_twice_concurrently_keeps_last(table: Table) -> None:
    seed(table)

    def first() -> None:
        put_user(CLERK, email="one@bakery.example")

    assert send_during_change(table, first, lambda: put_user(CLERK, email="two@bakery.example")).status == 200
    assert invariants.violations(table.items()) == []
    assert stored(table, keys.user(CLERK))["email"] == "two@bakery.example"


def test_put_user_created_concurrently_is_one_user(table: Table) -> None:
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
def test_put_user_deactivation_with_concurrent_loss_reports_orphaned(table: Table, move: Change) -> None:
    seed(table, a_member(CLERK))

    assert send_during_change(table, lambda: move(table), lambda: put_user(APPROVER, active=False)).status == 200
    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert entry["details"]["orphaned"] == [CLIENT]
    assert invariants.violations(table.items()) == []


@pytest.mark.parametrize("how", ["is no member any more", "is deactivated"])
@pytest.mark.parametrize("which", range(3))
def test_put_user_deactivation_with_concurrent_loss_reports_that_account(table: Table, which: int, how: str) -> None:
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


def test_put_user_two_concurrent_deactivations_report_orphaned_account(table: Table) -> None:
    seed(table, a_member(CLERK))

    send_during_change(table, lambda: put_user(CLERK, active=False), lambda: put_user(APPROVER, active=False))

    assert [entry["details"].get("orphaned") for entry in table.items_with_prefix(f"AUDIT#{CLIENT}")] == [[CLIENT]]
    assert invariants.violations(table.items()) == []


def test_put_user_deactivated_and_concurrently_promoted_is_reported(table: Table) -> None:
    seed(table, the_client(account_id="client-new"))

    def first_of_all() -> None:
        assert put_member(CLERK, "client-new", permission_set="super_admin").status == 201

    send_during_change(table, first_of_all, lambda: put_user(CLERK, active=False))

    (entry,) = [each for each in table.items_with_prefix("AUDIT#client-new") if each["event"] == "user.updated"]
    assert entry["details"]["orphaned"] == ["client-new"]
    assert invariants.violations(table.items()) == []


def test_put_member_seat_of_super_admin_keeps_user_version(table: Table) -> None:
    seed(table, a_member(CLERK))

    assert put_member(CLERK, permission_set="super_admin", seat="service").status == 200

    assert stored(table, keys.member(CLIENT, CLERK))["seat"] == "service"
    assert stored(table, keys.user(CLERK))["version"] == 1


@pytest.mark.parametrize("by", ["directory", "client"])
def test_erase_user_concurrently_promoted_returns_409(table: Table, by: str) -> None:
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


def test_put_user_deactivation_with_many_accounts_reports_all(table: Table) -> None:
    count = MAX_ORPHANED_IN_ENTRY + MAX_ORPHANED_IN_REPORT + 5
    names = [f"client-{number:03}" for number in range(count)]
    store_records(table, [a_user(CLERK), *_clients_of(CLERK, names)])

    assert put_user(CLERK, active=False).status == 200

    (entry,) = table.items_with_prefix("AUDIT#@directory")
    assert entry["details"]["orphaned"] == names
    assert {each["pk"] for each in table.items_with_prefix("AUDIT#client-")} == {f"AUDIT#{name}" for name in names}
    assert invariants.violations(table.items()) == []


def test_put_user_deactivation_limits_transaction_size(table: Table) -> None:
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
def test_put_member_demotion_with_concurrent_loss_returns_409(
    table: Table, move: Change, fields: dict[str, Any]
) -> None:
    seed(table, a_member(CLERK))

    answer = send_during_change(table, lambda: move(table), lambda: put_member(APPROVER, **fields))

    assert (answer.status, answer.code) == (409, "last_super_admin")


def test_put_member_two_concurrent_demotions_keep_one_super_admin(table: Table) -> None:
    seed(table, a_member(CLERK))

    def first() -> None:
        assert put_member(CLERK, active=False).status == 200

    answer = send_during_change(table, first, lambda: put_member(APPROVER, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "last_super_admin")
    assert invariants.violations(table.items()) == []


def test_put_member_in_concurrently_closed_account_returns_409(table: Table) -> None:
    seed(table)
    closed = account(CLIENT, state="closed")

    answer = send_during_change(table, lambda: closed(table), lambda: put_member(EMPLOYEE, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "account_closed")


def test_put_member_for_concurrent_partner_admin_returns_409(table: Table) -> None:
    seed(table)

    def granted() -> None:
        store_records(table, [a_partner_admin()])

    answer = send_during_change(table, granted, lambda: put_member(EMPLOYEE, permission_set="sales"))

    assert (answer.status, answer.code) == (409, "already_partner_admin")


def test_put_member_for_member_concurrently_granted_returns_409(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales"))
    granted = dict(a_partner_admin(version=2))

    answer = send_during_change(
        table,
        lambda: table.put(keys.member(CLIENT, EMPLOYEE), granted),
        lambda: put_member(EMPLOYEE, permission_set="service"),
    )

    assert (answer.status, answer.code) == (409, "already_partner_admin")


def test_put_member_of_concurrently_offboarded_employee_is_deactivated(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    ended = user(EMPLOYEE, offboardings={PARTNER: 1})

    answer = send_during_change(table, lambda: ended(table), lambda: put_member(EMPLOYEE, permission_set="service"))

    assert (answer.status, answer.body["state"]) == (200, "deactivated")
    assert stored(table, keys.member(CLIENT, EMPLOYEE))["partner_id"] == PARTNER


def test_put_member_promotion_of_concurrently_deactivated_user_returns_409(table: Table) -> None:
    seed(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER))
    deactivated = user(EMPLOYEE, active=False)

    answer = send_during_change(
        table, lambda: deactivated(table), lambda: put_member(EMPLOYEE, permission_set="super_admin")
    )

    assert (answer.status, answer.code) == (409, "grant_suspended")


def test_put_member_first_super_admin_concurrently_deactivated_returns_409(table: Table) -> None:
    seed(table)
    put_account("client-mill", kind="client", name="Mill")
    deactivated = user(CLERK, active=False)

    def first() -> ApiResponse:
        return put_member(CLERK, "client-mill", permission_set="super_admin")

    answer = send_during_change(table, lambda: deactivated(table), first)

    assert (answer.status, answer.code) == (409, "last_super_admin")


@pytest.mark.parametrize("move", [each[1] for each in LOSSES], ids=[each[0] for each in LOSSES])
def test_put_member_promotion_of_inactive_user_with_concurrent_loss_returns_409(table: Table, move: Change) -> None:
    seed(table, a_user(NEWCOMER, active=False), a_member(CLERK))
    put_member(APPROVER, permission_set="view_only")

    answer = send_during_change(table, lambda: move(table), lambda: put_member(NEWCOMER, permission_set="super_admin"))

    assert (answer.status, answer.code) == (409, "last_super_admin")


def test_put_member_after_expired_grant_in_closed_account_returns_409(table: Table) -> None:
    seed(table, an_expired_partner_admin())
    closed = account(CLIENT, state="closed")

    answer = send_during_change(table, lambda: closed(table), lambda: put_member(EMPLOYEE, permission_set="service"))

    assert (answer.status, answer.code) == (409, "account_closed")


def test_put_member_with_seat_count_zero_returns_rights_changed(table: Table) -> None:
    """Check that the seat count never becomes negative, even if it disagrees with the members."""
    seed(table, an_expired_partner_admin())
    partner_seats_used(0)(table)

    assert_error(table, lambda: put_member(EMPLOYEE, permission_set="service"), 409, "rights_changed")


def test_put_member_writes_audit_entries_of_account(table: Table) -> None:
    seed(table)

    for permission_set in ("sales", "service"):
        put_member(EMPLOYEE, permission_set=permission_set)

    permission_sets = {
        entry["event"]: entry["details"]["permission_set"] for entry in table.items_with_prefix(f"AUDIT#{CLIENT}")
    }
    assert permission_sets == {"member.created": "sales", "member.updated": "service"}


@pytest.mark.parametrize("offboardings", [{}, {PARTNER: 2}])
def test_put_member_by_two_partners_concurrently_keeps_both(table: Table, offboardings: dict[str, int]) -> None:
    seed(table, the_partner(account_id=SOUTH, name="South"), a_user(NEWCOMER, offboardings=offboardings))

    def first() -> None:
        put_member(NEWCOMER, SOUTH, permission_set="sales")

    send_during_change(table, first, lambda: put_member(NEWCOMER, PARTNER, permission_set="sales"))

    newcomer = a_user(NEWCOMER, employed_by={PARTNER, SOUTH}, offboardings=offboardings, version=3)
    assert User.model_validate(stored(table, keys.user(NEWCOMER))) == newcomer
    assert invariants.violations(table.items()) == []


def test_put_member_promotion_of_employee_increments_user_version_once(table: Table) -> None:
    seed(table)
    before = stored(table, keys.user(EMPLOYEE))["version"]

    assert put_member(EMPLOYEE, PARTNER, permission_set="super_admin").status == 200

    assert stored(table, keys.user(EMPLOYEE))["version"] == before + 1
    assert invariants.violations(table.items()) == []


def test_put_member_deactivating_only_employment_clears_employed_by(table: Table) -> None:
    seed(table)

    assert put_member(EMPLOYEE, PARTNER, active=False).status == 200

    employee = stored(table, keys.user(EMPLOYEE))
    assert ("employed_by" in employee, employee["version"]) == (False, 2)
    assert invariants.violations(table.items()) == []


def test_put_member_leaving_and_joining_concurrently_keeps_new_partner(table: Table) -> None:
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
def test_directory_write_costs_three_reads_and_one_write(table: Table, operation: Callable[[], ApiResponse]) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, "super_admin"))

    with count_costs(table) as costs:
        assert operation().status in {200, 201, 202}

    assert costs.reads <= 3
    assert costs.writes == 1
    assert costs.units <= 24
