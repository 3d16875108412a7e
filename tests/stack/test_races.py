"""Concurrent requests from real threads against the whole product. The table is sound afterwards, whichever wins."""

from functools import partial

import pytest

from tests.stack.stack_users import PARTNER, StackUser, StackUsers, concurrently, new_key, outcomes
from tools.api_client import ApiResponse, Json

pytestmark = pytest.mark.usefixtures("warm_functions", "invariants_hold")

APPROVALS = "/access-links/approvals"
RUNNERS = 8


@pytest.fixture(scope="module")
def warm_functions(stack_users: StackUsers) -> None:
    """Start as many workers of each function as there are threads.

    Otherwise the first requests would win before the rest start.
    """
    account_id = stack_users.a_client(stack_users.clients[0])
    for path in (APPROVALS, f"/accounts/{account_id}/migrations", f"/accounts/{account_id}/users"):
        responses = concurrently(
            [partial(stack_users.clients[0].caller.post, path, {}, key=new_key()) for _ in range(RUNNERS)]
        )
        assert {response.status for response in responses} == {422}


def test_approve_by_many_approvers_at_once_succeeds_once(stack_users: StackUsers) -> None:
    employee, approvers = stack_users.employees[0], stack_users.clients
    account_id = stack_users.a_client(*approvers)
    _, secret = stack_users.a_link(employee)
    responses = concurrently([partial(_approve, who, secret, account_id) for who in approvers])
    first, *others = outcomes(responses)
    assert first == "201"
    assert set(others) <= {"link_already_used", "already_partner_admin"}, "what was read may be of two moments"
    (grant,) = (response.json for response in responses if response.status == 201)
    assert stack_users.members_of(account_id)[employee.user_id]["grant"]["grant_id"] == grant["grant_id"]


def test_approve_for_many_accounts_at_once_succeeds_once(stack_users: StackUsers) -> None:
    employee, approvers = stack_users.employees[1], stack_users.clients
    accounts = [stack_users.a_client(who) for who in approvers]
    _, secret = stack_users.a_link(employee)
    responses = concurrently(
        [partial(_approve, who, secret, account_id) for who, account_id in zip(approvers, accounts, strict=True)]
    )
    assert outcomes(responses) == ["201", *["link_already_used"] * (len(approvers) - 1)]
    assert sum(employee.user_id in stack_users.members_of(account_id) for account_id in accounts) == 1


def test_approve_by_more_accounts_than_allowed_stops_at_limit(stack_users: StackUsers) -> None:
    employee, approvers = stack_users.employees[2], stack_users.clients
    accounts = [stack_users.a_client(who) for who in approvers]
    link, secret = stack_users.a_link(employee, max_approvals=3)
    responses = concurrently(
        [partial(_approve, who, secret, account_id) for who, account_id in zip(approvers, accounts, strict=True)]
    )
    assert outcomes(responses) == [*["201"] * 3, *["link_already_used"] * (len(approvers) - 3)]
    shown = stack_users.manager.caller.get(f"/partners/{PARTNER}/access-links/{link['link_id']}")
    assert (shown.json["approvals"], shown.json["state"]) == (3, "approved")


def test_approve_of_more_links_than_seats_stops_at_limit(stack_users: StackUsers) -> None:
    approvers = stack_users.clients
    account_id = stack_users.a_client(*approvers, partner_seat_limit=2)
    secrets = [stack_users.a_link(employee)[1] for employee in stack_users.employees]
    responses = concurrently(
        [partial(_approve, who, secret, account_id) for who, secret in zip(approvers, secrets, strict=False)]
    )
    assert outcomes(responses) == ["201", "201", *["no_seat_left"] * (len(secrets) - 2)]
    grants = [member for member in stack_users.members_of(account_id).values() if "grant" in member]
    assert len(grants) == 2


@pytest.mark.parametrize(
    ("many", "times"), [(2, 4), (6, 1)]
)  # two meet at the last-super-admin rule, six first conflict with each other
def test_migrate_of_all_super_admins_at_once_leaves_one(stack_users: StackUsers, many: int, times: int) -> None:
    employees = stack_users.employees[:many]
    for _ in range(times):
        account_id = stack_users.a_client(*employees)
        responses = concurrently([partial(_migrate, who, who, account_id) for who in employees])
        assert outcomes(responses) == [*["201"] * (many - 1), "last_super_admin"]
        sets = [member["permission_set"] for member in stack_users.members_of(account_id).values()]
        assert sorted(sets) == [*["partner_admin"] * (many - 1), "super_admin"]


def test_migrate_of_two_super_admins_by_each_other_leaves_one(stack_users: StackUsers) -> None:
    one, other = stack_users.employees[:2]
    account_id = stack_users.a_client(one, other)
    responses = concurrently([partial(_migrate, one, other, account_id), partial(_migrate, other, one, account_id)])
    assert sum(response.status == 201 for response in responses) == 1, outcomes(responses)
    sets = [member["permission_set"] for member in stack_users.members_of(account_id).values()]
    assert sorted(sets) == ["partner_admin", "super_admin"]


def test_same_key_used_many_times_at_once_takes_effect_once(stack_users: StackUsers) -> None:
    employee, admin = stack_users.employees[3], stack_users.clients[0]
    account_id = stack_users.a_client(admin)
    _, secret = stack_users.a_link(employee)
    key = new_key()
    responses = concurrently([partial(_approve, admin, secret, account_id, key) for _ in range(8)])
    assert outcomes(responses) == ["201"] * 8
    assert len({response.body for response in responses}) == 1
    assert sum("idempotent-replayed" not in response.headers for response in responses) == 1


def test_same_key_of_different_users_takes_effect_for_each(stack_users: StackUsers) -> None:
    employee, key = stack_users.employees[5], new_key()
    accounts = [stack_users.a_client(who) for who in stack_users.clients]
    responses = concurrently(
        [
            partial(_create, who, account_id, employee, key)
            for who, account_id in zip(stack_users.clients, accounts, strict=True)
        ]
    )
    assert outcomes(responses) == ["201"] * len(accounts)
    assert {response.json["account_id"] for response in responses} == set(accounts)
    assert all("idempotent-replayed" not in response.headers for response in responses)


def test_approve_and_revoke_at_once_only_one_succeeds(stack_users: StackUsers) -> None:
    employee, admin = stack_users.employees[4], stack_users.clients[0]
    account_id = stack_users.a_client(admin)
    link, secret = stack_users.a_link(employee)
    path = f"/partners/{PARTNER}/access-links/{link['link_id']}"
    approved, revoked = concurrently(
        [partial(_approve, admin, secret, account_id), partial(stack_users.manager.caller.delete, path)]
    )
    happened = (approved.code or approved.status, revoked.code or revoked.status)
    assert happened in {(201, "link_already_used"), ("link_revoked", 204)}
    assert (employee.user_id in stack_users.members_of(account_id)) == (approved.status == 201)


def _approve(caller: StackUser, secret: str, account_id: str, key: str | None = None) -> ApiResponse:
    return caller.caller.post(APPROVALS, {"secret": secret, "account_id": account_id}, key=key or new_key())


def _migrate(caller: StackUser, target: StackUser, account_id: str) -> ApiResponse:
    return caller.caller.post(f"/accounts/{account_id}/migrations", {"user_id": target.user_id}, key=new_key())


def _create(caller: StackUser, account_id: str, employee: StackUser, key: str) -> ApiResponse:
    body: Json = {"email": employee.email, "permission_set": "partner_admin"}
    return caller.caller.post(f"/accounts/{account_id}/users", body, key=key)
