"""Tests that `allowed_actions` lists exactly the actions that the API then accepts from the same caller."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.authorization import allowed_actions
from partner_access.domain.authorization.allowed_actions import AccountAction, EmployeeAction, MemberAction
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store.memberships import changes
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import create
from tests.support.membership_facts import USERS, edit, remove, resume, seed_members, suspend
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    TWO_ADMINS,
    a_partner_account_member,
    now,
    seed,
)
from tests.support.table import Table

BOTH = "user-both"
"""An employee of the partner who is also super admin of the client."""
OTHERS_CAN_PROVIDE = {"last_super_admin", "no_seat_left"}
"""Errors of actions that are allowed all the same: another user can provide what is missing."""
DIRECT_ADMIN = (an_employee(BOTH), a_partner_account_member(BOTH), a_member(BOTH))

MEMBERS: Mapping[str, tuple[str, tuple[Record, ...]]] = {
    "partner admin without an end": (EMPLOYEE, ()),
    "partner admin with an end": (
        EMPLOYEE,
        (a_partner_admin(grant=a_grant(expires_at=now() + timedelta(days=9))),),
    ),
    "suspended by the client": (EMPLOYEE, (a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),)),
    "suspended by the partner": (EMPLOYEE, (a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER})),)),
    "not eligible any more": (EMPLOYEE, (an_employee(email="employee@elsewhere.example"),)),
    "ended": (EMPLOYEE, (a_partner_admin(active=False),)),
    "ordinary member": (CLERK, ()),
    "only super admin": (APPROVER, ()),
    "one of two super admins": (APPROVER, TWO_ADMINS),
    "super admin who works for the partner": (BOTH, ()),
    "partner admin in a closed account": (EMPLOYEE, (the_client(state=AccountState.CLOSED),)),
    "partner admin of a client without free seats": (BOTH, (the_client(partner_seat_limit=2),)),
}
VIEWERS = (APPROVER, USERS, CLERK, EMPLOYEE, COLLEAGUE, MANAGER, BOTH)


def view(user_id: str, by: str) -> ApiResponse:
    return call("GET /accounts/{account_id}/users/{user_id}", by, account_id=CLIENT, user_id=user_id)


def _migrate(by: str, user_id: str) -> ApiResponse:
    return call("POST /accounts/{account_id}/migrations", by, {"user_id": user_id}, account_id=CLIENT)


REQUESTS: Mapping[MemberAction, Callable[[str, str], ApiResponse]] = {
    MemberAction.EDIT: lambda by, user_id: edit(by, user_id, permissions={}),
    MemberAction.CHANGE_END: lambda by, user_id: edit(by, user_id, access_days=None),
    MemberAction.MIGRATE: _migrate,
    MemberAction.SUSPEND: suspend,
    MemberAction.RESUME: resume,
    MemberAction.REMOVE: remove,
}


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("member", MEMBERS)
def test_view_user_returns_actions_that_the_facts_of_a_change_allow(table: Table, member: str, viewer: str) -> None:
    user_id, records = MEMBERS[member]
    seed_members(table, *DIRECT_ADMIN, *records)
    facts = changes.facts(CLIENT, user_id, viewer, MemberEdit(permission_set="partner_admin"))

    shown = view(user_id, viewer)

    allowed = list(allowed_actions.on_member(facts, an_act(viewer, at=now())))
    assert shown.body.get("allowed_actions", []) == (allowed if shown.status == 200 else [])
    assert shown.status == 200 or not allowed


@pytest.mark.parametrize("action", MemberAction)
@pytest.mark.parametrize(
    ("viewer", "member"),
    [
        (APPROVER, "partner admin with an end"),
        (APPROVER, "suspended by the client"),
        (APPROVER, "only super admin"),
        (APPROVER, "super admin who works for the partner"),
        (APPROVER, "partner admin of a client without free seats"),
        (USERS, "one of two super admins"),
        (COLLEAGUE, "partner admin without an end"),
        (MANAGER, "suspended by the partner"),
        (MANAGER, "partner admin in a closed account"),
        (EMPLOYEE, "partner admin without an end"),
        (EMPLOYEE, "ended"),
    ],
)
def test_view_user_allows_exactly_the_actions_that_the_api_accepts(
    table: Table, member: str, viewer: str, action: MemberAction
) -> None:
    user_id, records = MEMBERS[member]
    seed_members(table, *DIRECT_ADMIN, *records)
    shown = view(user_id, viewer)

    answer = REQUESTS[action](viewer, user_id)

    changes_nothing = action in {MemberAction.SUSPEND, MemberAction.RESUME} and answer.headers.get("etag") == '"1"'
    is_accepted = answer.code in OTHERS_CAN_PROVIDE if answer.status >= 300 else not changes_nothing
    assert (shown.status == 200 and action in shown.body["allowed_actions"]) is is_accepted, answer


def accounts(by: str) -> dict[str, list[str]]:
    answer = call("GET /accounts", by)
    assert answer.status == 200, answer
    return {each["account_id"]: each["allowed_actions"] for each in answer.body["items"]}


ALL_IN_CLIENT = ["list_users", "create_user", "approve_links", "accept_set_updates", "assign_paid_seats"]


@pytest.mark.parametrize(
    ("by", "records", "expected"),
    [
        (APPROVER, (), {CLIENT: ALL_IN_CLIENT}),
        (APPROVER, (the_client(state=AccountState.CLOSED),), {CLIENT: ["list_users"]}),
        (USERS, (), {CLIENT: ALL_IN_CLIENT[:-1]}),
        (CLERK, (), {CLIENT: []}),
        (EMPLOYEE, (), {CLIENT: ["list_users"], PARTNER: []}),
        (
            EMPLOYEE,
            (a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),),
            {CLIENT: [], PARTNER: []},
        ),
        (MANAGER, (), {PARTNER: ["list_users", "accept_set_updates", "assign_paid_seats", "manage_client_access"]}),
        (
            COLLEAGUE,
            (a_partner_account_member(COLLEAGUE, added=("partner.client_access.manage",)),),
            {CLIENT: ["list_users"], PARTNER: ["manage_client_access"]},
        ),
    ],
)
def test_view_accounts_returns_the_allowed_actions(
    table: Table, by: str, records: tuple[Record, ...], expected: dict[str, list[str]]
) -> None:
    seed_members(table, *records)

    assert accounts(by) == expected
    assert {action for actions in expected.values() for action in actions} <= set(AccountAction)


def console(kind: str, by: str) -> list[dict[str, Any]]:
    answer = call(f"GET /partners/{{partner_id}}/{kind}", by, partner_id=PARTNER)
    assert answer.status == 200, answer
    items: list[dict[str, Any]] = answer.body["items"]
    return items


@pytest.mark.parametrize(
    ("by", "records", "expected"),
    [
        (
            MANAGER,
            (),
            {
                EMPLOYEE: ["edit", "change_end", "suspend", "remove"],
                COLLEAGUE: ["edit", "change_end", "suspend", "remove"],
                BOTH: [],
            },
        ),
        (
            MANAGER,
            (a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER})),),
            {
                EMPLOYEE: ["edit", "change_end", "resume", "remove"],
                COLLEAGUE: ["edit", "change_end", "suspend", "remove"],
                BOTH: [],
            },
        ),
        (EMPLOYEE, (), {EMPLOYEE: ["remove"]}),
        (BOTH, (), {BOTH: ["remove"]}),
    ],
)
def test_list_clients_returns_the_actions_for_the_partner_or_on_yourself(
    table: Table, by: str, records: tuple[Record, ...], expected: dict[str, list[str]]
) -> None:
    seed_members(table, *DIRECT_ADMIN, *records)

    people = [each for row in console("clients", by) for each in row["people"]]

    assert {each["user_id"]: each["allowed_actions"] for each in people} == expected


@pytest.mark.parametrize(
    ("records", "is_allowed"),
    [
        ((), True),
        ((a_partner_admin(removed=("account.users.manage",)),), False),
        ((a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),), False),
        ((a_partner_admin(active=False),), False),
    ],
)
def test_list_clients_allows_colleagues_exactly_where_they_can_be_added(
    table: Table, records: tuple[Record, ...], is_allowed: bool
) -> None:
    seed(table, a_partner_admin(), a_partner_account_member(EMPLOYEE, "super_admin"), *records)

    shown = [row["allowed_actions"] for row in console("clients", EMPLOYEE)]
    answer = call(
        "POST /partners/{partner_id}/clients/{account_id}/users",
        EMPLOYEE,
        {"employee_ids": [COLLEAGUE], "permission_set": "view_only"},
        partner_id=PARTNER,
        account_id=CLIENT,
    )

    assert (shown == [["add_colleagues"]]) is is_allowed
    assert (answer.status == 200) is is_allowed, answer


def _offboard(by: str, user_id: str) -> ApiResponse:
    return call("DELETE /partners/{partner_id}/employees/{user_id}/access", by, partner_id=PARTNER, user_id=user_id)


@pytest.mark.parametrize("action", EmployeeAction)
@pytest.mark.parametrize(
    ("by", "records"),
    [
        (MANAGER, ()),
        (MANAGER, (an_employee(email="employee@elsewhere.example"),)),
        (MANAGER, (a_user(EMPLOYEE, active=False),)),
        (MANAGER, (the_partner(program=Program.TERMINATED, terminations=1),)),
        (EMPLOYEE, ()),
        (EMPLOYEE, (an_employee(email="employee@elsewhere.example"),)),
    ],
)
def test_list_employees_allows_exactly_the_actions_that_the_api_accepts(
    table: Table, by: str, records: tuple[Record, ...], action: EmployeeAction
) -> None:
    seed(table, *records)
    (shown,) = (each for each in console("employees", by) if each["user_id"] == EMPLOYEE)

    answer = create(by, employee_id=EMPLOYEE) if action is EmployeeAction.CREATE_LINK else _offboard(by, EMPLOYEE)

    assert (action in shown["allowed_actions"]) is (answer.status < 300), answer
