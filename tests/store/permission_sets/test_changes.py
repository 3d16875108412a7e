"""Custom sets in the table: concurrent changes of the facts, of the set and of its holders."""

from collections.abc import Callable

import pytest

from partner_access.api import response_body
from partner_access.domain.errors import StaleFacts
from partner_access.domain.permission_sets import changes as rules
from partner_access.domain.permission_sets.changes import SetContent
from partner_access.store import keys
from partner_access.store.permission_sets import changes
from tests.support.builders import (
    ACT_ID,
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    a_custom_set,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    the_client,
)
from tests.support.concurrent_changes import Change, account, member, user
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import assert_unchanged, send_during_change
from tests.support.seeded_table import CLERK, COLLEAGUE, seed, store_records
from tests.support.table import Table
from tools import invariants

pytestmark = pytest.mark.usefixtures("table")

SETS = "/accounts/{account_id}/permission-sets"
SET_ROUTE = SETS + "/{set_id}"
NEWCOMER = "user-newcomer"
BILLING = ["account.billing.manage"]


def create_set() -> ApiResponse:
    return call(f"POST {SETS}", APPROVER, {"name": "Desk", "permissions": ["crm.import"]}, account_id=CLIENT)


def update_set(*permissions: str) -> ApiResponse:
    body = {"name": "Desk", "permissions": permissions or ["crm.import"]}
    return call(f"PUT {SET_ROUTE}", APPROVER, body, account_id=CLIENT, set_id=CUSTOM_SET, headers={"if-match": '"1"'})


def remove_set() -> ApiResponse:
    return call(f"DELETE {SET_ROUTE}", APPROVER, account_id=CLIENT, set_id=CUSTOM_SET, headers={"if-match": '"1"'})


def create_member_with_set(by: str = APPROVER, email: str = f"{NEWCOMER}@bakery.example") -> ApiResponse:
    body = {"email": email, "permission_set": CUSTOM_SET}
    return call("POST /accounts/{account_id}/users", by, body, account_id=CLIENT)


def create_colleague_with_set() -> ApiResponse:
    return create_member_with_set(COLLEAGUE, f"{EMPLOYEE}@north.example")


def succeeding(operation: Callable[[], ApiResponse]) -> Callable[[], None]:
    """Wrap a request that must succeed as the concurrent change."""

    def concurrent_change() -> None:
        answer = operation()
        assert answer.status < 300, answer

    return concurrent_change


def stored_set(table: Table) -> dict[str, object]:
    return table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}


def custom_sets(number: int | None) -> Change:
    """Build the change of the account's set count, which does not change the account's version."""
    return lambda table: table.change(keys.account(CLIENT), custom_set_count=number)


@pytest.mark.parametrize("operation", [create_set, update_set, remove_set])
@pytest.mark.parametrize(("move", "code"), [
    (member(APPROVER, permission_set="sales"), "forbidden"),
    (member(APPROVER, active=False), "not_found"),
    (user(APPROVER, active=False), "forbidden"),
    (account(CLIENT, state="closed"), "account_closed"),
])  # fmt: skip
def test_set_operation_after_concurrent_change_is_refused(
    table: Table, operation: Callable[[], ApiResponse], move: Change, code: str
) -> None:
    seed(table, a_custom_set())

    assert send_during_change(table, lambda: move(table), operation).code == code


# number of sets


def test_create_set_concurrently_at_limit_succeeds_once(table: Table) -> None:
    seed(table, *(a_custom_set(f"set_{number:032}") for number in range(99)))

    second = send_during_change(table, succeeding(create_set), create_set)

    assert second.code == "too_many_sets"
    assert invariants.violations(table.items()) == []


def test_create_set_twice_concurrently_counts_both(table: Table) -> None:
    seed(table)

    assert send_during_change(table, succeeding(create_set), create_set).status == 201
    assert (table.get(keys.account(CLIENT)) or {})["custom_set_count"] == 2
    assert invariants.violations(table.items()) == []


def test_create_set_in_account_without_count_succeeds(table: Table) -> None:
    seed(table)
    custom_sets(None)(table)

    assert create_set().status == 201
    assert (table.get(keys.account(CLIENT)) or {})["custom_set_count"] == 1


def test_remove_set_with_count_zero_returns_rights_changed(table: Table) -> None:
    seed(table, a_custom_set())
    custom_sets(0)(table)

    answer = remove_set()

    assert (answer.status, answer.code) == (409, "rights_changed")
    assert stored_set(table)


def test_create_set_with_existing_id_writes_nothing(table: Table) -> None:
    seed(table)
    created = rules.create(changes.facts(CLIENT, APPROVER), SetContent("Desk", ("crm.import",)), an_act())
    store_records(table, [a_custom_set(f"set_{ACT_ID}")])

    with assert_unchanged(table), pytest.raises(StaleFacts):
        changes.record_created(created, response_body.ResponseBody())


# concurrent changes of one set


@pytest.mark.parametrize(("first", "second", "code"), [
    (update_set, update_set, "precondition_failed"),
    (update_set, remove_set, "precondition_failed"),
    (remove_set, update_set, "not_found"),
    (remove_set, remove_set, "not_found"),
])  # fmt: skip
def test_set_changes_concurrently_succeed_once(
    table: Table, first: Callable[[], ApiResponse], second: Callable[[], ApiResponse], code: str
) -> None:
    seed(table, a_custom_set())

    assert send_during_change(table, succeeding(first), second).code == code
    assert invariants.violations(table.items()) == []


# concurrent holders


def test_update_set_keeps_concurrently_added_holder(table: Table) -> None:
    seed(table, a_custom_set(), a_user(NEWCOMER))

    answer = send_during_change(table, succeeding(create_member_with_set), update_set)

    assert (answer.status, answer.body["holders"]) == (200, 1)
    assert stored_set(table)["holders"] == 1
    assert invariants.violations(table.items()) == []


def test_update_set_concurrently_held_by_partner_member_rejects_restricted(table: Table) -> None:
    seed(table, a_custom_set(), a_partner_admin(COLLEAGUE))

    assert (
        send_during_change(table, succeeding(create_colleague_with_set), lambda: update_set(*BILLING)).code
        == "restricted_permission"
    )
    assert (stored_set(table)["version"], stored_set(table)["partner_holders"]) == (1, 1)
    assert invariants.violations(table.items()) == []


def test_update_set_with_concurrent_partner_holder_rejects_restricted(table: Table) -> None:
    seed(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))
    key = keys.permission_set(CLIENT, CUSTOM_SET)

    answer = send_during_change(table, lambda: table.change(key, partner_holders=1), lambda: update_set(*BILLING))

    assert answer.code == "restricted_permission"


def test_give_concurrently_restricted_set_to_colleague_is_refused(table: Table) -> None:
    seed(table, a_custom_set(), a_partner_admin(COLLEAGUE))

    assert (
        send_during_change(table, succeeding(lambda: update_set(*BILLING)), create_colleague_with_set).code
        == "permission_not_held"
    )
    assert stored_set(table)["partner_holders"] == 0
    assert invariants.violations(table.items()) == []


def test_remove_set_with_concurrent_holder_returns_set_in_use(table: Table) -> None:
    seed(table, a_custom_set(), a_user(NEWCOMER))

    assert send_during_change(table, succeeding(create_member_with_set), remove_set).code == "set_in_use"
    assert stored_set(table)["holders"] == 1
    assert invariants.violations(table.items()) == []


def test_give_concurrently_removed_set_is_refused(table: Table) -> None:
    seed(table, a_custom_set(), a_user(NEWCOMER))

    assert send_during_change(table, succeeding(remove_set), create_member_with_set).code == "unknown_permission_set"
    assert invariants.violations(table.items()) == []


def test_give_concurrently_updated_set_uses_new_version(table: Table) -> None:
    seed(table, a_custom_set(), a_user(NEWCOMER))

    assert send_during_change(table, succeeding(update_set), create_member_with_set).status == 201
    assert (table.get(keys.member(CLIENT, NEWCOMER)) or {})["set_version"] == 2


def test_put_account_keeps_concurrently_created_set_count(table: Table) -> None:
    seed(table, the_client(name="Old"))

    def put_account() -> ApiResponse:
        scope = "partner-access/directory"
        return call("PUT /directory/accounts/{account_id}", "vendor", {"name": "New"}, scope=scope, account_id=CLIENT)

    assert send_during_change(table, succeeding(create_set), put_account).status == 200
    account_now = table.get(keys.account(CLIENT)) or {}
    assert (account_now["custom_set_count"], account_now["name"]) == (1, "New")
    assert invariants.violations(table.items()) == []


# reads


def test_sets_of_account_cost_one_read(table: Table) -> None:
    account_sets = [a_custom_set(f"set_{number:032}") for number in range(100)]
    seed(
        table,
        *reversed(account_sets),
        the_client(account_id="client-florist"),
        a_custom_set(account_id="client-florist"),
    )

    with count_costs(table) as costs:
        found = changes.of(CLIENT)

    assert found == account_sets
    assert costs.reads == 1


def test_set_facts_include_held_and_named_set(table: Table) -> None:
    seed(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    facts = changes.facts(CLIENT, CLERK, CUSTOM_SET)

    assert facts.custom_set
    assert facts.actor.sets == {CUSTOM_SET: facts.custom_set}
    assert changes.facts(CLIENT, CLERK).custom_set is None
    assert changes.facts(CLIENT, CLERK, "sales").custom_set is None


@pytest.mark.parametrize("operation", [create_set, update_set, remove_set])
def test_set_operations_cost_one_read_and_one_write(table: Table, operation: Callable[[], ApiResponse]) -> None:
    seed(table, a_custom_set())

    with count_costs(table) as costs:
        assert operation().status < 300

    assert (costs.reads, costs.writes) == (1, 1)
    assert costs.units <= 12
