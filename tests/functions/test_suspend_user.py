"""Tests of suspending and resuming a member.

Client and partner each set and lift a suspension reason of their own. It takes effect on the next request, and the seat
is kept.
"""

from functools import partial
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.link_requests import assert_error, assert_replayed, assert_unchanged, put_account, put_user
from tests.support.membership_facts import SUSPENSION, USERS, resume, seed_members, suspend
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

SIDES = {APPROVER: "client", USERS: "client", MANAGER: "partner"}
BY_THE_CLIENT, BY_THE_PARTNER = frozenset({SuspensionReason.CLIENT}), frozenset({SuspensionReason.PARTNER})


@pytest.fixture
def members(table: Table) -> Table:
    """Return the table with the employee and a colleague as partner admins, and a member who manages users."""
    seed_members(table)
    return table


def list_sets(by: str = EMPLOYEE) -> ApiResponse:
    return call("GET /accounts/{account_id}/permission-sets", by, account_id=CLIENT)


@pytest.mark.parametrize(("by", "side"), SIDES.items())
def test_suspend_and_resume_user_by_either_side_takes_effect_at_once(members: Table, by: str, side: str) -> None:
    assert list_sets().status == 200

    stopped = suspend(by, reason="On parental leave until spring")

    assert (stopped.status, stopped.headers["etag"]) == (200, '"2"')
    assert (stopped.body["state"], stopped.body["suspended_by"], stopped.body["seat"]) == (
        "suspended",
        [side],
        "partner",
    )
    assert list_sets().code == "forbidden"
    account = members.get(keys.account(CLIENT)) or {}
    assert account["partner_seats_used"] == 2
    entries = [item for item in members.items_with_prefix("AUDIT#") if item["event"] == "member.suspended"]
    assert {item["pk"] for item in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert entries[0]["details"] == {"user_id": EMPLOYEE, "suspended_by": side}
    (notification,) = (item["notification"] for item in members.items_with_prefix("OUTBOX#"))
    assert (notification["kind"], notification["cause"]) == ("access_suspended", side)
    assert notification["reason"] == "On parental leave until spring"

    again = resume(by)

    assert (again.status, again.headers["etag"], again.body["state"]) == (200, '"3"', "active")
    assert again.body["suspended_by"] == []
    assert list_sets().status == 200
    assert {item["notification"]["kind"] for item in members.items_with_prefix("OUTBOX#")} == {
        "access_suspended",
        "access_resumed",
    }


def test_suspend_user_with_reason_keeps_it_out_of_the_audit_log(members: Table) -> None:
    suspend(reason="On parental leave")

    assert not any("parental" in str(item) for item in members.items_with_prefix("AUDIT#"))


def test_resume_user_suspended_by_both_sides_restores_access_after_both_resume(members: Table) -> None:
    assert suspend(APPROVER).body["suspended_by"] == ["client"]
    assert suspend(MANAGER).body["suspended_by"] == ["client", "partner"]

    assert resume(MANAGER).body["suspended_by"] == ["client"]
    assert list_sets().code == "forbidden"
    assert_error(members, partial(resume, MANAGER), 409, "grant_suspended")
    assert resume(USERS).body["state"] == "active"
    assert list_sets().status == 200


@pytest.mark.parametrize(
    ("by", "others"),
    [
        (APPROVER, (a_partner_admin(suspended_by=BY_THE_PARTNER),)),
        (USERS, (a_partner_admin(suspended_by=BY_THE_PARTNER),)),
        (MANAGER, (a_partner_admin(suspended_by=BY_THE_CLIENT),)),
        (APPROVER, (the_partner(program=Program.SUSPENDED),)),
        (MANAGER, (the_partner(program=Program.SUSPENDED),)),
        (APPROVER, (an_employee(active=False),)),
        (MANAGER, (an_employee(email="e@elsewhere.example"),)),
    ],
)
def test_resume_user_suspended_for_another_reason_is_refused(table: Table, by: str, others: tuple[Record, ...]) -> None:
    seed_members(table, *others)

    assert_error(table, partial(resume, by), 409, "grant_suspended")


def test_suspend_and_resume_user_return_reasons_of_employee_and_program(members: Table) -> None:
    suspend()
    put_account(PARTNER, program="suspended")
    assert resume().body["suspended_by"] == ["program"]
    put_account(PARTNER, program="active")
    put_user(EMPLOYEE, active=False)

    shown = suspend(MANAGER).body

    assert (shown["state"], shown["suspended_by"]) == ("suspended", ["employee", "partner"])


@pytest.mark.parametrize("by", SIDES)
def test_suspend_and_resume_user_twice_changes_nothing_more(members: Table, by: str) -> None:
    first = suspend(by)
    with assert_unchanged(members):
        second = suspend(by, reason="Again")
    assert (second.status, second.body, second.headers["etag"]) == (200, first.body, '"2"')

    resumed = resume(by)
    with assert_unchanged(members):
        assert resume(by).body == resumed.body


@pytest.mark.parametrize("body", [None, {}, {"reason": "So it is"}])
def test_suspend_user_without_reason_succeeds(members: Table, body: object) -> None:
    assert call(f"PUT {SUSPENSION}", APPROVER, body, account_id=CLIENT, user_id=EMPLOYEE).status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": ""}, 422, "invalid_field"),
        ({"reason": "x" * 501}, 422, "invalid_field"),
        ({"reason": "see https://evil.example"}, 422, "invalid_field"),
        ({"reason": "<b>"}, 422, "invalid_field"),
        ({"reason": 1}, 422, "invalid_field"),
        ({"suspended_by": "client"}, 422, "unknown_field"),
        ("null", 400, "malformed_body"),
        (" ", 400, "malformed_body"),
    ],
)
def test_suspend_user_with_invalid_body_is_refused(members: Table, body: object, status: int, code: str) -> None:
    send_request = partial(call, f"PUT {SUSPENSION}", APPROVER, body, account_id=CLIENT, user_id=EMPLOYEE)

    assert_error(members, send_request, status, code)


def test_resume_user_with_body_returns_422(members: Table) -> None:
    send_request = partial(call, f"DELETE {SUSPENSION}", APPROVER, {"reason": "x"}, account_id=CLIENT, user_id=EMPLOYEE)

    assert_error(members, send_request, 422, "unknown_field")


def test_suspend_and_resume_member_of_the_client_succeeds(members: Table) -> None:
    assert suspend(APPROVER, USERS).body["state"] == "suspended"
    assert list_sets(USERS).code == "forbidden"
    assert resume(APPROVER, USERS).body["state"] == "active"
    assert list_sets(USERS).status == 200


def test_resume_user_by_super_admin_of_same_partner_is_refused(table: Table) -> None:
    seed_members(table, a_member("user-both"), an_employee("user-both"), a_partner_account_member("user-both"))

    assert suspend("user-both").body["suspended_by"] == ["client"]
    assert_error(table, partial(resume, "user-both"), 403, "own_partner_may_not_approve")
    assert resume().status == 200


@pytest.mark.parametrize(
    "member", [a_member(MANAGER), a_partner_admin(MANAGER, grant=a_grant(grant_id=f"grt_{'4' * 32}"))]
)
def test_suspend_user_by_partner_manager_with_client_membership_acts_for_partner(table: Table, member: Record) -> None:
    seed_members(table, member)

    assert suspend(MANAGER).body["suspended_by"] == ["partner"]
    assert resume(MANAGER).body["state"] == "active"


NOT_ALLOWED: list[tuple[str, tuple[Record, ...], dict[str, Any], tuple[int, str]]] = [
    ("an account that is not there", (), {"account_id": "client-nowhere"}, (404, "not_found")),
    ("a stranger", (a_user("user-stranger"),), {"by": "user-stranger"}, (404, "not_found")),
    ("a member without the right", (), {"by": CLERK}, (403, "forbidden")),
    ("a colleague", (), {"by": COLLEAGUE}, (403, "forbidden")),
    ("the user", (), {"by": EMPLOYEE}, (403, "forbidden")),
    ("a deactivated person", (a_user(USERS, active=False),), {"by": USERS}, (403, "forbidden")),
    ("an unknown target", (), {"user_id": "user-nobody"}, (404, "not_found")),
    ("a deactivated member", (a_member(CLERK, active=False),), {"user_id": CLERK}, (404, "not_found")),
    ("a manager and the client's own", (), {"by": MANAGER, "user_id": CLERK}, (404, "not_found")),
    ("a super admin", (a_member(CLERK),), {"user_id": CLERK}, (409, "is_super_admin")),
    ("a super admin, by who manages users", (), {"by": USERS, "user_id": APPROVER}, (409, "is_super_admin")),
    ("the user, a super admin", (), {"user_id": APPROVER}, (409, "is_super_admin")),
    ("an employee at home", (), {"by": MANAGER, "account_id": PARTNER}, (422, "not_a_client_account")),
]


@pytest.mark.parametrize(
    ("others", "how", "error"), [each[1:] for each in NOT_ALLOWED], ids=[each[0] for each in NOT_ALLOWED]
)
def test_suspend_and_resume_user_when_not_allowed_are_refused(
    table: Table, others: tuple[Record, ...], how: dict[str, Any], error: tuple[int, str]
) -> None:
    seed_members(table, *others)

    assert_error(table, partial(suspend, **how), *error)
    if error[1] != "is_super_admin":
        assert_error(table, partial(resume, **how), *error)


def test_resume_user_in_closed_account_is_refused(table: Table) -> None:
    seed_members(table, the_client(state=AccountState.CLOSED))

    assert suspend().status == 200
    assert_error(table, resume, 409, "account_closed")


def test_suspend_and_resume_user_by_vendor_are_refused(members: Table) -> None:
    how = {"scope": f"{DIRECTORY} partner-access/use", "account_id": CLIENT, "user_id": EMPLOYEE}

    for method in ("PUT", "DELETE"):
        assert_error(members, partial(call, f"{method} {SUSPENSION}", VENDOR, **how), 403, "forbidden")


@pytest.mark.parametrize("by", [APPROVER, USERS, MANAGER])
def test_suspend_and_resume_user_with_same_key_are_replayed(members: Table, by: str) -> None:
    assert_replayed(members, lambda key: suspend(by, key=key))
    resume(by)
    with assert_unchanged(members):
        assert suspend(by, key="the-same-key").replayed
    assert_replayed(members, lambda key: resume(by, key=key))


def test_suspend_self_with_same_key_is_replayed_and_resume_self_is_refused(members: Table) -> None:
    assert_replayed(members, lambda key: suspend(USERS, USERS, key=key))
    assert_error(members, partial(resume, USERS, USERS), 403, "forbidden")
    assert resume(APPROVER, USERS).status == 200
