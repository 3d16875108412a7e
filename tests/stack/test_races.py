"""Races with real threads against the whole product; whatever wins, the table is sound afterwards."""

from functools import partial

import pytest

from tests.stack.stack_users import FIRM, Resident, Town, a_key, at_once, outcomes
from tools.api_client import Answer, Json

pytestmark = pytest.mark.usefixtures("warm", "sound")

APPROVALS = "/access-links/approvals"
RUNNERS = 8


@pytest.fixture(scope="module")
def warm(town: Town) -> None:
    """As many workers of each function as there are runners, or those that start first would have won before the rest."""
    account_id = town.a_client(town.clients[0])
    for path in (APPROVALS, f"/accounts/{account_id}/migrations", f"/accounts/{account_id}/users"):
        answers = at_once([partial(town.clients[0].caller.post, path, {}, key=a_key()) for _ in range(RUNNERS)])
        assert {answer.status for answer in answers} == {422}


def test_many_approvers_of_one_single_use_link(town: Town) -> None:
    employee, approvers = town.employees[0], town.clients
    account_id = town.a_client(*approvers)
    _, secret = town.a_link(employee)
    answers = at_once([partial(_approve, who, secret, account_id) for who in approvers])
    first, *others = outcomes(answers)
    assert first == "201"
    assert set(others) <= {"link_already_used", "already_partner_admin"}, "what was read may be of two moments"
    (grant,) = (answer.json for answer in answers if answer.status == 201)
    assert town.members_of(account_id)[employee.user_id]["grant"]["grant_id"] == grant["grant_id"]


def test_many_accounts_for_one_single_use_link(town: Town) -> None:
    employee, approvers = town.employees[1], town.clients
    accounts = [town.a_client(who) for who in approvers]
    _, secret = town.a_link(employee)
    answers = at_once(
        [partial(_approve, who, secret, account_id) for who, account_id in zip(approvers, accounts, strict=True)]
    )
    assert outcomes(answers) == ["201", *["link_already_used"] * (len(approvers) - 1)]
    assert sum(employee.user_id in town.members_of(account_id) for account_id in accounts) == 1


def test_more_accounts_than_a_personal_link_may_have(town: Town) -> None:
    employee, approvers = town.employees[2], town.clients
    accounts = [town.a_client(who) for who in approvers]
    link, secret = town.a_link(employee, max_approvals=3)
    answers = at_once(
        [partial(_approve, who, secret, account_id) for who, account_id in zip(approvers, accounts, strict=True)]
    )
    assert outcomes(answers) == [*["201"] * 3, *["link_already_used"] * (len(approvers) - 3)]
    shown = town.manager.caller.get(f"/partners/{FIRM}/access-links/{link['link_id']}")
    assert (shown.json["approvals"], shown.json["state"]) == (3, "approved")


def test_more_approvals_than_seats(town: Town) -> None:
    approvers = town.clients
    account_id = town.a_client(*approvers, partner_seat_limit=2)
    secrets = [town.a_link(employee)[1] for employee in town.employees]
    answers = at_once(
        [partial(_approve, who, secret, account_id) for who, secret in zip(approvers, secrets, strict=False)]
    )
    assert outcomes(answers) == ["201", "201", *["no_seat_left"] * (len(secrets) - 2)]
    grants = [member for member in town.members_of(account_id).values() if "grant" in member]
    assert len(grants) == 2


@pytest.mark.parametrize(
    ("many", "times"), [(2, 4), (6, 1)]
)  # two meet at the floor, six get in each other's way first
def test_all_super_admins_migrate_themselves_at_once(town: Town, many: int, times: int) -> None:
    employees = town.employees[:many]
    for _ in range(times):
        account_id = town.a_client(*employees)
        answers = at_once([partial(_migrate, who, who, account_id) for who in employees])
        assert outcomes(answers) == [*["201"] * (many - 1), "last_super_admin"]
        sets = [member["permission_set"] for member in town.members_of(account_id).values()]
        assert sorted(sets) == [*["partner_admin"] * (many - 1), "super_admin"]


def test_two_super_admins_migrate_each_other(town: Town) -> None:
    one, other = town.employees[:2]
    account_id = town.a_client(one, other)
    answers = at_once([partial(_migrate, one, other, account_id), partial(_migrate, other, one, account_id)])
    assert sum(answer.status == 201 for answer in answers) == 1, outcomes(answers)
    sets = [member["permission_set"] for member in town.members_of(account_id).values()]
    assert sorted(sets) == ["partner_admin", "super_admin"]


def test_one_key_from_many_callers_at_once(town: Town) -> None:
    employee, admin = town.employees[3], town.clients[0]
    account_id = town.a_client(admin)
    _, secret = town.a_link(employee)
    key = a_key()
    answers = at_once([partial(_approve, admin, secret, account_id, key) for _ in range(8)])
    assert outcomes(answers) == ["201"] * 8
    assert len({answer.body for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


def test_the_same_key_of_different_people_is_not_the_same(town: Town) -> None:
    employee, key = town.employees[5], a_key()
    accounts = [town.a_client(who) for who in town.clients]
    answers = at_once(
        [
            partial(_create, who, account_id, employee, key)
            for who, account_id in zip(town.clients, accounts, strict=True)
        ]
    )
    assert outcomes(answers) == ["201"] * len(accounts)
    assert {answer.json["account_id"] for answer in answers} == set(accounts)
    assert all("idempotent-replayed" not in answer.headers for answer in answers)


def test_an_approval_and_a_revocation_at_once(town: Town) -> None:
    employee, admin = town.employees[4], town.clients[0]
    account_id = town.a_client(admin)
    link, secret = town.a_link(employee)
    path = f"/partners/{FIRM}/access-links/{link['link_id']}"
    approved, revoked = at_once(
        [partial(_approve, admin, secret, account_id), partial(town.manager.caller.delete, path)]
    )
    happened = (approved.code or approved.status, revoked.code or revoked.status)
    assert happened in {(201, "link_already_used"), ("link_revoked", 204)}
    assert (employee.user_id in town.members_of(account_id)) == (approved.status == 201)


def _approve(who: Resident, secret: str, account_id: str, key: str | None = None) -> Answer:
    return who.caller.post(APPROVALS, {"secret": secret, "account_id": account_id}, key=key or a_key())


def _migrate(who: Resident, whom: Resident, account_id: str) -> Answer:
    return who.caller.post(f"/accounts/{account_id}/migrations", {"user_id": whom.user_id}, key=a_key())


def _create(who: Resident, account_id: str, employee: Resident, key: str) -> Answer:
    wish: Json = {"email": employee.email, "permission_set": "partner_admin"}
    return who.caller.post(f"/accounts/{account_id}/users", wish, key=key)
