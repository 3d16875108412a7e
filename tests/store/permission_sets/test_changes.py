"""An account's own sets rest on what was read, and hold against whoever gives them to people at the same instant."""

from collections.abc import Callable

import pytest

from partner_access.api import response_body
from partner_access.domain.errors import Overtaken
from partner_access.domain.permission_sets import changes as rules
from partner_access.domain.permission_sets.changes import Content
from partner_access.store import keys
from partner_access.store.permission_sets import changes
from tests.support.builders import (
    ACT_NAME,
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
from tests.support.concurrent_changes import Move, account, member, user
from tests.support.costs import counted
from tests.support.gateway import Answer, call
from tests.support.link_requests import nothing_changes, overtaken
from tests.support.seeded_table import CLERK, COLLEAGUE, a_world, keep
from tests.support.table import Table
from tools import invariants

pytestmark = pytest.mark.usefixtures("table")

SETS = "/accounts/{account_id}/permission-sets"
ONE = SETS + "/{set_id}"
NEWCOMER = "user-newcomer"
BILLING = ["account.billing.manage"]


def make() -> Answer:
    return call(f"POST {SETS}", APPROVER, {"name": "Desk", "permissions": ["crm.import"]}, account_id=CLIENT)


def change(*permissions: str) -> Answer:
    asked = {"name": "Desk", "permissions": permissions or ["crm.import"]}
    return call(f"PUT {ONE}", APPROVER, asked, account_id=CLIENT, set_id=CUSTOM_SET, headers={"if-match": '"1"'})


def remove() -> Answer:
    return call(f"DELETE {ONE}", APPROVER, account_id=CLIENT, set_id=CUSTOM_SET, headers={"if-match": '"1"'})


def give(by: str = APPROVER, email: str = f"{NEWCOMER}@bakery.example") -> Answer:
    body = {"email": email, "permission_set": CUSTOM_SET}
    return call("POST /accounts/{account_id}/users", by, body, account_id=CLIENT)


def give_to_a_colleague() -> Answer:
    return give(COLLEAGUE, f"{EMPLOYEE}@north.example")


def done(knock: Callable[[], Answer]) -> Callable[[], None]:
    """What happens in between must itself come true."""

    def happen() -> None:
        answer = knock()
        assert answer.status < 300, answer

    return happen


def own(table: Table) -> dict[str, object]:
    return table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {}


def custom_sets(number: int | None) -> Move:
    """Sets come and go without a new version of the account."""
    return lambda table: table.change(keys.account(CLIENT), custom_set_count=number)


@pytest.mark.parametrize("knock", [make, change, remove])
@pytest.mark.parametrize(("move", "code"), [
    (member(APPROVER, permission_set="sales"), "forbidden"),
    (member(APPROVER, active=False), "not_found"),
    (user(APPROVER, active=False), "forbidden"),
    (account(CLIENT, state="closed"), "account_closed"),
])  # fmt: skip
def test_what_comes_too_late_changes_nothing(table: Table, knock: Callable[[], Answer], move: Move, code: str) -> None:
    a_world(table, a_custom_set())

    assert overtaken(table, lambda: move(table), knock).code == code


# room


def test_the_last_place_goes_to_one(table: Table) -> None:
    a_world(table, *(a_custom_set(f"set_{number:032}") for number in range(99)))

    second = overtaken(table, done(make), make)

    assert second.code == "too_many_sets"
    assert invariants.broken(table.items()) == []


def test_sets_that_come_and_go_meanwhile_are_no_hindrance(table: Table) -> None:
    a_world(table)

    assert overtaken(table, done(make), make).status == 201
    assert (table.get(keys.account(CLIENT)) or {})["custom_set_count"] == 2
    assert invariants.broken(table.items()) == []


def test_an_account_that_was_kept_before_sets_were_counted_has_room(table: Table) -> None:
    a_world(table)
    custom_sets(None)(table)

    assert make().status == 201
    assert (table.get(keys.account(CLIENT)) or {})["custom_set_count"] == 1


def test_the_count_never_goes_below_nothing(table: Table) -> None:
    a_world(table, a_custom_set())
    custom_sets(0)(table)

    answer = remove()

    assert (answer.status, answer.code) == (409, "rights_changed")
    assert own(table)


def test_no_set_is_written_over_another(table: Table) -> None:
    a_world(table)
    created = rules.create(changes.facts(CLIENT, APPROVER), Content("Desk", ("crm.import",)), an_act())
    keep(table, [a_custom_set(f"set_{ACT_NAME}")])

    with nothing_changes(table), pytest.raises(Overtaken):
        changes.record_created(created, response_body.Answer())


# two who change it


@pytest.mark.parametrize(("first", "second", "code"), [
    (change, change, "precondition_failed"),
    (change, remove, "precondition_failed"),
    (remove, change, "not_found"),
    (remove, remove, "not_found"),
])  # fmt: skip
def test_of_two_changes_one_comes_true(
    table: Table, first: Callable[[], Answer], second: Callable[[], Answer], code: str
) -> None:
    a_world(table, a_custom_set())

    assert overtaken(table, done(first), second).code == code
    assert invariants.broken(table.items()) == []


# somebody is given it meanwhile


def test_a_holder_who_comes_meanwhile_is_counted(table: Table) -> None:
    a_world(table, a_custom_set(), a_user(NEWCOMER))

    answer = overtaken(table, done(give), change)

    assert (answer.status, answer.body["holders"]) == (200, 1)
    assert own(table)["holders"] == 1
    assert invariants.broken(table.items()) == []


def test_a_set_that_partner_staff_take_up_meanwhile_gets_nothing_restricted(table: Table) -> None:
    a_world(table, a_custom_set(), a_partner_admin(COLLEAGUE))

    assert overtaken(table, done(give_to_a_colleague), lambda: change(*BILLING)).code == "restricted_permission"
    assert (own(table)["version"], own(table)["partner_holders"]) == (1, 1)
    assert invariants.broken(table.items()) == []


def test_nor_one_where_partner_staff_came_for_somebody_of_the_client(table: Table) -> None:
    a_world(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))
    key = keys.permission_set(CLIENT, CUSTOM_SET)

    answer = overtaken(table, lambda: table.change(key, partner_holders=1), lambda: change(*BILLING))

    assert answer.code == "restricted_permission"


def test_a_set_that_gets_something_restricted_meanwhile_is_not_given_to_partner_staff(table: Table) -> None:
    a_world(table, a_custom_set(), a_partner_admin(COLLEAGUE))

    assert overtaken(table, done(lambda: change(*BILLING)), give_to_a_colleague).code == "permission_not_held"
    assert own(table)["partner_holders"] == 0
    assert invariants.broken(table.items()) == []


def test_a_set_that_is_given_meanwhile_stays(table: Table) -> None:
    a_world(table, a_custom_set(), a_user(NEWCOMER))

    assert overtaken(table, done(give), remove).code == "set_in_use"
    assert own(table)["holders"] == 1
    assert invariants.broken(table.items()) == []


def test_a_set_that_goes_meanwhile_is_given_to_nobody(table: Table) -> None:
    a_world(table, a_custom_set(), a_user(NEWCOMER))

    assert overtaken(table, done(remove), give).code == "unknown_permission_set"
    assert invariants.broken(table.items()) == []


def test_it_is_given_in_the_version_that_came_meanwhile(table: Table) -> None:
    a_world(table, a_custom_set(), a_user(NEWCOMER))

    assert overtaken(table, done(change), give).status == 201
    assert (table.get(keys.member(CLIENT, NEWCOMER)) or {})["set_version"] == 2


def test_what_the_vendor_tells_of_the_account_leaves_the_count_alone(table: Table) -> None:
    a_world(table, the_client(name="Old"))

    def told() -> Answer:
        scope = "partner-access/directory"
        return call("PUT /directory/accounts/{account_id}", "vendor", {"name": "New"}, scope=scope, account_id=CLIENT)

    assert overtaken(table, done(make), told).status == 200
    account_now = table.get(keys.account(CLIENT)) or {}
    assert (account_now["custom_set_count"], account_now["name"]) == (1, "New")
    assert invariants.broken(table.items()) == []


# reading


def test_all_sets_of_an_account_are_read_at_once_and_no_others(table: Table) -> None:
    mine = [a_custom_set(f"set_{number:032}") for number in range(100)]
    a_world(table, *reversed(mine), the_client(account_id="client-florist"), a_custom_set(account_id="client-florist"))

    with counted(table) as costs:
        found = changes.of(CLIENT)

    assert found == mine
    assert costs.reads == 1


def test_somebodys_own_set_is_read_with_what_it_names(table: Table) -> None:
    a_world(table, a_custom_set(), a_member(CLERK, CUSTOM_SET))

    facts = changes.facts(CLIENT, CLERK, CUSTOM_SET)

    assert facts.own
    assert facts.actor.sets == {CUSTOM_SET: facts.own}
    assert changes.facts(CLIENT, CLERK).own is None
    assert changes.facts(CLIENT, CLERK, "sales").own is None


@pytest.mark.parametrize("knock", [make, change, remove])
def test_keeping_a_set_costs_one_read_and_one_write(table: Table, knock: Callable[[], Answer]) -> None:
    a_world(table, a_custom_set())

    with counted(table) as costs:
        assert knock().status < 300

    assert (costs.reads, costs.writes) == (1, 1)
    assert costs.units <= 12
