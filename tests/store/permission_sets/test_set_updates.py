"""Set updates in the table: concurrent changes of the facts, and reads proportional to the page."""

from collections.abc import Iterator

import pytest

from partner_access.domain.records import Record
from partner_access.store import keys
from partner_access.store.permission_sets import set_updates
from tests.support import set_versions
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
)
from tests.support.concurrent_changes import Change, account, member, user
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import send_during_change
from tests.support.seeded_table import CLERK, MANAGER, seed
from tests.support.table import Table
from tools import invariants

UPDATES = "/accounts/{account_id}/permission-sets/updates"
PARTNER_ADMIN = a_partner_admin(set_version=1)
SALES_MEMBER_ID = "user-seller"


@pytest.fixture(autouse=True)
def _two_set_versions() -> Iterator[None]:
    with set_versions.two_set_versions():
        yield


def accept(user_id: str = EMPLOYEE, by: str = APPROVER, permission_set: str = "partner_admin") -> ApiResponse:
    body = {"permission_set": permission_set, "version": 2, "user_ids": [user_id]}
    return call(f"POST {UPDATES}", by, body, account_id=CLIENT)


def reason(answer: ApiResponse) -> str:
    assert answer.status == 200, answer
    (row,) = answer.body["items"]
    return str(row.get("reason", row["outcome"]))


CONCURRENT_CHANGES = [
    ("the one who accepts is demoted", member(APPROVER, permission_set="sales"), "forbidden"),
    ("the approver is no member any more", member(APPROVER, active=False), "not_found"),
    ("the approver is deactivated", user(APPROVER, active=False), "forbidden"),
    ("the approver joins the partner", user(APPROVER, employed_by={PARTNER}), "no_independent_approver"),
    ("the account is closed", account(CLIENT, state="closed"), "account_closed"),
    ("the partner admin is no member any more", member(EMPLOYEE, active=False), "not_found"),
    ("the user is given another set", member(EMPLOYEE, permission_set="sales"), "rights_changed"),
    ("the target is deactivated, too", user(EMPLOYEE, active=False), "not_found"),
    (
        "all that is new is removed from the user",
        member(EMPLOYEE, removed=list(set_versions.ADDED_PERMISSIONS)),
        "nothing_to_accept",
    ),
    ("the whole access of the user's partner was ended", account(PARTNER, terminations=1), "not_found"),
    ("the user's own access was ended", user(EMPLOYEE, offboardings={PARTNER: 1}), "not_found"),
]


@pytest.mark.parametrize(
    ("move", "code"), [each[1:] for each in CONCURRENT_CHANGES], ids=[each[0] for each in CONCURRENT_CHANGES]
)
def test_accept_update_after_concurrent_change_is_refused(table: Table, move: Change, code: str) -> None:
    seed(table, PARTNER_ADMIN)

    assert reason(send_during_change(table, lambda: move(table), accept)) == code
    assert (table.get(keys.member(CLIENT, EMPLOYEE)) or {})["set_version"] == 1


def test_accept_update_keeps_concurrently_removed_permission(table: Table) -> None:
    seed(table, PARTNER_ADMIN)

    answer = send_during_change(table, lambda: member(EMPLOYEE, removed=["crm.import"])(table), accept)

    assert reason(answer) == "done"
    stored = table.get(keys.member(CLIENT, EMPLOYEE)) or {}
    assert (stored["set_version"], stored["removed"]) == (2, ["crm.import"])


def test_accept_update_after_concurrent_loss_of_permission_is_refused(table: Table) -> None:
    own = a_custom_set(permissions=("account.users.manage", *set_versions.ADDED_PERMISSIONS))
    seed(
        table,
        own,
        a_member(CLERK, CUSTOM_SET),
        a_user(SALES_MEMBER_ID),
        a_member(SALES_MEMBER_ID, "sales", set_version=1),
    )
    body = {"name": "Less", "permissions": ["account.users.manage"]}

    def narrow() -> None:
        how = {"account_id": CLIENT, "set_id": CUSTOM_SET, "headers": {"if-match": '"1"'}}
        assert call("PUT /accounts/{account_id}/permission-sets/{set_id}", APPROVER, body, **how).status == 200

    assert (
        reason(send_during_change(table, narrow, lambda: accept(SALES_MEMBER_ID, CLERK, "sales")))
        == "permission_not_held"
    )
    assert invariants.violations(table.items()) == []


def test_accept_update_twice_concurrently_succeeds_once(table: Table) -> None:
    seed(table, PARTNER_ADMIN, a_member(CLERK, "view_only", added=("account.users.manage",)))
    first: list[ApiResponse] = []

    second = send_during_change(table, lambda: first.append(accept(by=CLERK)), accept)

    assert (reason(first[0]), reason(second)) == ("done", "nothing_to_accept")
    assert len(table.items_with_prefix("OUTBOX#")) == 1
    assert invariants.violations(table.items()) == []


def test_update_facts_read_super_admins_only_for_own_partner(table: Table) -> None:
    seed(table, PARTNER_ADMIN, a_member(MANAGER))

    assert [each.user.user_id for each in set_updates.facts(CLIENT, EMPLOYEE, MANAGER).super_admins if each.user] == [
        APPROVER,
        MANAGER,
    ]
    with count_costs(table) as costs:
        set_updates.facts(CLIENT, EMPLOYEE, APPROVER)
    assert costs.reads == 2


@pytest.mark.parametrize(("others", "user_id", "permission_set", "reads", "units"), [
    (PARTNER_ADMIN, EMPLOYEE, "partner_admin", 3, 24),
    (a_member(CLERK, "sales", set_version=1), CLERK, "sales", 2, 20),
])  # fmt: skip
def test_accept_update_costs_few_reads_and_two_writes(
    table: Table, others: Record, user_id: str, permission_set: str, reads: int, units: int
) -> None:
    """Check the cost: one read for the caller, one or two for the facts, and two writes.

    The writes are for the member and for the stored response.
    """
    seed(table, others)

    with count_costs(table) as costs:
        assert reason(accept(user_id, permission_set=permission_set)) == "done"

    assert (costs.reads, costs.writes) == (reads + 1, 2)
    assert costs.units <= units


def many_members(number: int, outdated: int) -> Iterator[Record]:
    for each in range(number):
        user_id = f"user-{each:03}"
        yield a_user(user_id)
        yield a_member(user_id, "sales", set_version=1 if each < outdated else 2)


@pytest.mark.parametrize(("members", "outdated", "reads"), [(300, 300, 3), (300, 0, 2), (30, 30, 3)])
def test_list_updates_cost_is_independent_of_member_count(
    table: Table, members: int, outdated: int, reads: int
) -> None:
    """Check the reads: the account with the caller, the page, and the members on it with an outdated set."""
    seed(table, *many_members(members, outdated))

    with count_costs(table) as costs:
        answer = call(f"GET {UPDATES}", APPROVER, account_id=CLIENT)

    assert answer.status == 200
    assert (costs.reads, costs.writes) == (reads, 0)
    assert answer.body["next_cursor"]


def test_updates_page_is_limited_to_account_and_continues(table: Table) -> None:
    seed(
        table,
        PARTNER_ADMIN,
        a_member(CLERK, "sales", set_version=1),
        the_client(account_id="client-florist"),
        a_member(SALES_MEMBER_ID, "sales", set_version=1, account_id="client-florist"),
        a_user(SALES_MEMBER_ID),
    )

    first = set_updates.page(CLIENT, after=None, limit=2)
    second = set_updates.page(CLIENT, after=first.after, limit=2)

    assert [each.user.user_id for each in first.members if each.user] == [CLERK]
    assert first.after == CLERK
    assert [(each.user and each.user.user_id, list(each.partners)) for each in second.members] == [
        (EMPLOYEE, [PARTNER])
    ]
    assert second.after is None
