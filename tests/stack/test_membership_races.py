"""Concurrent requests about existing members, from real threads. The table is sound and ended access stays ended."""

import time
from collections.abc import Mapping
from functools import partial

import pytest

from tests.stack.stack_users import PARTNER, StackUser, StackUsers, concurrently, new_key, outcomes, with_retries
from tools.api_client import ApiResponse

pytestmark = pytest.mark.usefixtures("invariants_hold")

ROUNDS = 3


def test_edit_of_one_version_by_many_at_once_succeeds_once(stack_users: StackUsers) -> None:
    admins, employee = stack_users.clients[:6], stack_users.employees[0]
    account_id = stack_users.a_client(*admins)
    etag = _grant(stack_users, admins[0], account_id, employee).headers["etag"]

    responses = concurrently(
        [
            partial(_edit, who, account_id, employee, {"permissions": {"remove": [permission]}}, etag)
            for who, permission in zip(admins, ("crm.import", "crm.export") * 3, strict=True)
        ]
    )

    assert outcomes(responses) == ["200", *["precondition_failed"] * (len(admins) - 1)]
    (edited,) = (response.json for response in responses if response.status == 200)
    assert stack_users.members_of(account_id)[employee.user_id]["removed"] == edited["permissions"]["removed"]


def test_edit_of_two_super_admins_demoting_each_other_leaves_one(stack_users: StackUsers) -> None:
    one, other = stack_users.clients[:2]
    for _ in range(ROUNDS):
        account_id = stack_users.a_client(one, other)
        tags = [_etag_of(one, account_id, who) for who in (one, other)]
        responses = concurrently(
            [
                partial(_edit, one, account_id, other, {"permission_set": "sales"}, tags[1]),
                partial(_edit, other, account_id, one, {"permission_set": "sales"}, tags[0]),
            ]
        )
        assert sum(response.status == 200 for response in responses) == 1, outcomes(responses)
        sets = [member["permission_set"] for member in stack_users.members_of(account_id).values()]
        assert sorted(sets) == ["sales", "super_admin"]


def test_remove_and_approve_of_new_link_at_once_are_consistent(stack_users: StackUsers) -> None:
    admin, other, employee = *stack_users.clients[:2], stack_users.employees[1]
    for _ in range(ROUNDS):
        account_id = stack_users.a_client(admin, other)
        etag = _grant(stack_users, admin, account_id, employee).headers["etag"]
        _, secret = stack_users.a_link(employee)
        ended, approved = concurrently(
            [
                partial(_remove, admin, account_id, employee, etag),
                partial(_approve, other, secret, account_id),
            ]
        )
        assert ended.status == 200, ended
        assert (approved.status, approved.code) in {(201, ""), (409, "already_partner_admin")}
        assert ("grant" in stack_users.members_of(account_id)[employee.user_id]) == (approved.status == 201)


def test_offboard_and_approvals_at_once_leave_no_access(stack_users: StackUsers) -> None:
    employee, approvers = stack_users.employees[2], stack_users.clients[:5]
    accounts = [stack_users.a_client(who) for who in approvers]
    secrets = [stack_users.a_link(employee)[1] for _ in approvers]
    offboarded, *approved = concurrently(
        [
            partial(_offboard, stack_users.manager, employee),
            *(
                partial(_approve, who, secret, account_id)
                for who, secret, account_id in zip(approvers, secrets, accounts, strict=True)
            ),
        ]
    )

    assert offboarded.status == 200, offboarded
    assert {(response.status, response.code) for response in approved} <= {(201, ""), (410, "link_revoked")}
    assert not set(accounts) & _accounts_of(employee), "in every order, no access is left after the offboarding"
    _, secret = stack_users.a_link(employee)
    again = with_retries(partial(_approve, approvers[0], secret, accounts[0]))
    assert again.status == 201, "a new link restores access"
    assert accounts[0] in _accounts_of(employee)


def test_promotion_and_migration_at_once_are_consistent(stack_users: StackUsers) -> None:
    admin, other, employee = *stack_users.clients[:2], stack_users.employees[3]
    for _ in range(ROUNDS):
        account_id = stack_users.a_client(admin, other)
        etag = _grant(stack_users, admin, account_id, employee).headers["etag"]
        promoted, migrated = concurrently(
            [
                partial(_edit, admin, account_id, employee, {"permission_set": "super_admin"}, etag),
                partial(_migrate, other, employee, account_id),
            ]
        )
        assert promoted.status == 200, promoted
        assert (migrated.status, migrated.code) in {(201, ""), (409, "not_super_admin")}
        member = stack_users.members_of(account_id)[employee.user_id]
        assert member["permission_set"] == ("partner_admin" if migrated.status == 201 else "super_admin")
        assert ("grant" in member) == (migrated.status == 201)


def test_grant_expiry_and_extension_at_once_are_consistent(stack_users: StackUsers) -> None:
    admin, employee = stack_users.clients[0], stack_users.employees[4]
    for _ in range(ROUNDS):
        account_id = stack_users.a_client(admin)
        etag = _grant(stack_users, admin, account_id, employee, access_days=1).headers["etag"]
        _set_grant_end(stack_users, account_id, employee, at=int(time.time()) + 1)
        time.sleep(0.6)
        extended, _ = concurrently(
            [
                partial(_edit, admin, account_id, employee, {"access_days": 90}, etag),
                partial(_expire, stack_users),
            ]
        )
        assert (extended.status, extended.code) in {(200, ""), (404, "not_found"), (412, "precondition_failed")}
        _expire(stack_users)
        assert (account_id in _accounts_of(employee)) == (extended.status == 200)
        assert ("grant" in stack_users.members_of(account_id)[employee.user_id]) == (extended.status == 200)


def test_suspend_and_resume_by_both_sides_at_once_are_independent(stack_users: StackUsers) -> None:
    admin, employee = stack_users.clients[0], stack_users.employees[5]
    account_id = stack_users.a_client(admin)
    _grant(stack_users, admin, account_id, employee)
    path = f"/accounts/{account_id}/users/{employee.user_id}/suspension"

    stopped = concurrently([partial(who.caller.put, path, {}) for who in (admin, stack_users.manager) * 3])

    assert outcomes(stopped) == ["200"] * 6
    assert stack_users.members_of(account_id)[employee.user_id]["suspended_by"] == {"client", "partner"}
    resumed = concurrently([partial(who.caller.delete, path) for who in (admin, stack_users.manager)])
    assert outcomes(resumed) == ["200", "200"]
    assert "suspended_by" not in stack_users.members_of(account_id)[employee.user_id]


def _grant(
    stack_users: StackUsers, admin: StackUser, account_id: str, employee: StackUser, **fields: object
) -> ApiResponse:
    body = {"email": employee.email, "permission_set": "partner_admin", **fields}
    path = f"/accounts/{account_id}/users"
    response = with_retries(lambda: admin.caller.post(path, body, key=new_key()))
    assert response.status == 201, response
    return admin.caller.get(f"{path}/{employee.user_id}")


def _etag_of(caller: StackUser, account_id: str, target: StackUser) -> str:
    return str(caller.caller.get(f"/accounts/{account_id}/users/{target.user_id}").headers["etag"])


def _edit(
    caller: StackUser, account_id: str, target: StackUser, change: Mapping[str, object], etag: str
) -> ApiResponse:
    path = f"/accounts/{account_id}/users/{target.user_id}"
    return caller.caller.call("PATCH", path, dict(change), key=new_key(), headers={"if-match": etag})


def _remove(caller: StackUser, account_id: str, target: StackUser, etag: str) -> ApiResponse:
    path = f"/accounts/{account_id}/users/{target.user_id}"
    return caller.caller.call("DELETE", path, key=new_key(), headers={"if-match": etag})


def _approve(caller: StackUser, secret: str, account_id: str) -> ApiResponse:
    return caller.caller.post("/access-links/approvals", {"secret": secret, "account_id": account_id}, key=new_key())


def _migrate(caller: StackUser, target: StackUser, account_id: str) -> ApiResponse:
    return caller.caller.post(f"/accounts/{account_id}/migrations", {"user_id": target.user_id}, key=new_key())


def _offboard(manager: StackUser, employee: StackUser) -> ApiResponse:
    return manager.caller.call("DELETE", f"/partners/{PARTNER}/employees/{employee.user_id}/access", key=new_key())


def _accounts_of(user: StackUser) -> set[str]:
    response = user.caller.get("/accounts?limit=100")
    assert response.status == 200, response
    assert response.json["next_cursor"] is None
    return {each["account_id"] for each in response.json["items"]}


def _set_grant_end(stack_users: StackUsers, account_id: str, employee: StackUser, *, at: int) -> None:
    """Set the end of a grant directly in the table. This is not possible over HTTP."""
    aws = stack_users.stack.aws
    table = aws.session().resource("dynamodb", endpoint_url=aws.endpoint).Table(stack_users.stack.table)
    table.update_item(
        Key={"pk": f"ACCOUNT#{account_id}", "sk": f"MEMBER#{employee.user_id}"},
        UpdateExpression="SET #grant.expires_at = :end, due_at = :end, #grant.warned = :warned",
        ExpressionAttributeNames={"#grant": "grant"},
        ExpressionAttributeValues={":end": at, ":warned": 1},
    )


def _expire(stack_users: StackUsers) -> ApiResponse:
    aws = stack_users.stack.aws
    lambdas = aws.session().client("lambda", endpoint_url=aws.endpoint)
    swept = lambdas.invoke(FunctionName=stack_users.stack.deployed.resources["ExpireLinksFunction"], Payload=b"{}")
    assert not swept.get("FunctionError"), swept["Payload"].read()
    return ApiResponse("POST", "the sweep", 200, {}, b"{}")
