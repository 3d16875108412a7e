"""Races about those who are in already, with real threads; whatever wins, the table is sound and gone is gone."""

import time
from collections.abc import Mapping
from functools import partial

import pytest

from tests.stack.stack_users import FIRM, Resident, Town, a_key, at_once, outcomes, persistently
from tools.api_client import Answer

pytestmark = pytest.mark.usefixtures("sound")

ROUNDS = 3


def test_many_edits_of_one_version(town: Town) -> None:
    admins, employee = town.clients[:6], town.employees[0]
    account_id = town.a_client(*admins)
    seen = _let_in(town, admins[0], account_id, employee).headers["etag"]

    answers = at_once(
        [
            partial(_edit, who, account_id, employee, {"permissions": {"remove": [permission]}}, seen)
            for who, permission in zip(admins, ("crm.import", "crm.export") * 3, strict=True)
        ]
    )

    assert outcomes(answers) == ["200", *["precondition_failed"] * (len(admins) - 1)]
    (edited,) = (answer.json for answer in answers if answer.status == 200)
    assert town.members_of(account_id)[employee.user_id]["removed"] == edited["permissions"]["removed"]


def test_two_super_admins_demote_each_other(town: Town) -> None:
    one, other = town.clients[:2]
    for _ in range(ROUNDS):
        account_id = town.a_client(one, other)
        tags = [_seen(one, account_id, who) for who in (one, other)]
        answers = at_once(
            [
                partial(_edit, one, account_id, other, {"permission_set": "sales"}, tags[1]),
                partial(_edit, other, account_id, one, {"permission_set": "sales"}, tags[0]),
            ]
        )
        assert sum(answer.status == 200 for answer in answers) == 1, outcomes(answers)
        sets = [member["permission_set"] for member in town.members_of(account_id).values()]
        assert sorted(sets) == ["sales", "super_admin"]


def test_the_end_of_a_grant_against_an_approval_of_a_new_link(town: Town) -> None:
    admin, other, employee = *town.clients[:2], town.employees[1]
    for _ in range(ROUNDS):
        account_id = town.a_client(admin, other)
        seen = _let_in(town, admin, account_id, employee).headers["etag"]
        _, secret = town.a_link(employee)
        ended, approved = at_once(
            [
                partial(_end, admin, account_id, employee, seen),
                partial(_approve, other, secret, account_id),
            ]
        )
        assert ended.status == 204, ended
        assert (approved.status, approved.code) in {(201, ""), (409, "already_partner_admin")}
        assert ("grant" in town.members_of(account_id)[employee.user_id]) == (approved.status == 201)


def test_leaving_against_approvals_everywhere(town: Town) -> None:
    employee, approvers = town.employees[2], town.clients[:5]
    accounts = [town.a_client(who) for who in approvers]
    secrets = [town.a_link(employee)[1] for _ in approvers]
    left, *approved = at_once(
        [
            partial(_leave, town.manager, employee),
            *(
                partial(_approve, who, secret, account_id)
                for who, secret, account_id in zip(approvers, secrets, accounts, strict=True)
            ),
        ]
    )

    assert left.status == 200, left
    assert {(answer.status, answer.code) for answer in approved} <= {(201, ""), (410, "link_revoked")}
    assert not set(accounts) & _accounts_of(employee), "whoever came first, nothing is left after the leaving"
    _, secret = town.a_link(employee)
    again = persistently(partial(_approve, approvers[0], secret, accounts[0]))
    assert again.status == 201, "a new link lets him in again"
    assert accounts[0] in _accounts_of(employee)


def test_a_promotion_against_a_migration(town: Town) -> None:
    admin, other, employee = *town.clients[:2], town.employees[3]
    for _ in range(ROUNDS):
        account_id = town.a_client(admin, other)
        seen = _let_in(town, admin, account_id, employee).headers["etag"]
        promoted, migrated = at_once(
            [
                partial(_edit, admin, account_id, employee, {"permission_set": "super_admin"}, seen),
                partial(_migrate, other, employee, account_id),
            ]
        )
        assert promoted.status == 200, promoted
        assert (migrated.status, migrated.code) in {(201, ""), (409, "not_super_admin")}
        member = town.members_of(account_id)[employee.user_id]
        assert member["permission_set"] == ("partner_admin" if migrated.status == 201 else "super_admin")
        assert ("grant" in member) == (migrated.status == 201)


def test_the_sweep_against_an_extension(town: Town) -> None:
    admin, employee = town.clients[0], town.employees[4]
    for _ in range(ROUNDS):
        account_id = town.a_client(admin)
        seen = _let_in(town, admin, account_id, employee, access_days=1).headers["etag"]
        _let_it_end(town, account_id, employee, at=int(time.time()) + 1)
        time.sleep(0.6)
        extended, _ = at_once(
            [
                partial(_edit, admin, account_id, employee, {"access_days": 90}, seen),
                partial(_sweep, town),
            ]
        )
        assert (extended.status, extended.code) in {(200, ""), (404, "not_found"), (412, "precondition_failed")}
        _sweep(town)
        assert (account_id in _accounts_of(employee)) == (extended.status == 200)
        assert ("grant" in town.members_of(account_id)[employee.user_id]) == (extended.status == 200)


def test_suspending_and_resuming_from_both_sides(town: Town) -> None:
    admin, employee = town.clients[0], town.employees[5]
    account_id = town.a_client(admin)
    _let_in(town, admin, account_id, employee)
    path = f"/accounts/{account_id}/users/{employee.user_id}/suspension"

    stopped = at_once([partial(who.caller.put, path, {}) for who in (admin, town.manager) * 3])

    assert outcomes(stopped) == ["200"] * 6
    assert town.members_of(account_id)[employee.user_id]["suspended_by"] == {"client", "partner"}
    resumed = at_once([partial(who.caller.delete, path) for who in (admin, town.manager)])
    assert outcomes(resumed) == ["200", "200"]
    assert "suspended_by" not in town.members_of(account_id)[employee.user_id]


def _let_in(town: Town, admin: Resident, account_id: str, employee: Resident, **wished: object) -> Answer:
    wish = {"email": employee.email, "permission_set": "partner_admin", **wished}
    path = f"/accounts/{account_id}/users"
    answer = persistently(lambda: admin.caller.post(path, wish, key=a_key()))
    assert answer.status == 201, answer
    return admin.caller.get(f"{path}/{employee.user_id}")


def _seen(who: Resident, account_id: str, whom: Resident) -> str:
    return str(who.caller.get(f"/accounts/{account_id}/users/{whom.user_id}").headers["etag"])


def _edit(who: Resident, account_id: str, whom: Resident, change: Mapping[str, object], seen: str) -> Answer:
    path = f"/accounts/{account_id}/users/{whom.user_id}"
    return who.caller.call("PATCH", path, dict(change), key=a_key(), headers={"if-match": seen})


def _end(who: Resident, account_id: str, whom: Resident, seen: str) -> Answer:
    path = f"/accounts/{account_id}/users/{whom.user_id}"
    return who.caller.call("DELETE", path, key=a_key(), headers={"if-match": seen})


def _approve(who: Resident, secret: str, account_id: str) -> Answer:
    return who.caller.post("/access-links/approvals", {"secret": secret, "account_id": account_id}, key=a_key())


def _migrate(who: Resident, whom: Resident, account_id: str) -> Answer:
    return who.caller.post(f"/accounts/{account_id}/migrations", {"user_id": whom.user_id}, key=a_key())


def _leave(manager: Resident, employee: Resident) -> Answer:
    return manager.caller.call("DELETE", f"/partners/{FIRM}/employees/{employee.user_id}/access", key=a_key())


def _accounts_of(resident: Resident) -> set[str]:
    answer = resident.caller.get("/accounts?limit=100")
    assert answer.status == 200, answer
    assert answer.json["next_cursor"] is None
    return {each["account_id"] for each in answer.json["items"]}


def _let_it_end(town: Town, account_id: str, employee: Resident, *, at: int) -> None:
    """The one thing that a test cannot do over HTTP."""
    aws = town.stack.aws
    table = aws.session().resource("dynamodb", endpoint_url=aws.endpoint).Table(town.stack.table)
    table.update_item(
        Key={"pk": f"ACCOUNT#{account_id}", "sk": f"MEMBER#{employee.user_id}"},
        UpdateExpression="SET #grant.expires_at = :end, due_at = :end, #grant.warned = :told",
        ExpressionAttributeNames={"#grant": "grant"},
        ExpressionAttributeValues={":end": at, ":told": 1},
    )


def _sweep(town: Town) -> Answer:
    aws = town.stack.aws
    lambdas = aws.session().client("lambda", endpoint_url=aws.endpoint)
    swept = lambdas.invoke(FunctionName=town.stack.deployed.resources["ExpireLinksFunction"], Payload=b"{}")
    assert not swept.get("FunctionError"), swept["Payload"].read()
    return Answer("POST", "the sweep", 200, {}, b"{}")
