"""The own-partner rule on every route: nobody gives access to a person who shares an employer with them.

The employee works for two partners, and the client's admin for the other one of them.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support.builders import (
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    end_after,
    the_partner,
)
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import approve, assert_error, decline, preview, put_member, send_during_change
from tests.support.membership_facts import edit, remove, resume
from tests.support.seeded_table import CLERK, OTHER_ADMIN, TWO_ADMINS, a_partner_account_member, an_open_link, now, seed
from tests.support.set_versions import two_set_versions
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

SOUTH: Final = "partner-south"
ADMIN: Final = "user-of-south"
"""A super admin of the client who works for the other partner of the employee."""
OTHER_EMPLOYER: Final = (
    the_partner(account_id=SOUTH, name="South", domains=("south.example",)),
    an_employee(),
    a_member(EMPLOYEE, "view_only", account_id=SOUTH),
    a_user(ADMIN),
    a_member(ADMIN, "view_only", account_id=SOUTH),
    a_member(ADMIN),
    *TWO_ADMINS,
)
TIMED: Final = a_grant().with_end(end_after(10, now()), now())
NARROWED: Final = a_partner_admin(removed=("crm.import",), grant=TIMED)


def create(partner_id: str = PARTNER) -> ApiResponse:
    fields = {"email": f"{EMPLOYEE}@north.example", "permission_set": "partner_admin", "partner_id": partner_id}
    return call("POST /accounts/{account_id}/users", ADMIN, fields, account_id=CLIENT)


ROUTES: Final[list[tuple[str, tuple[Record, ...], Callable[[], ApiResponse]]]] = [
    ("approval", (), lambda: approve(ADMIN)),
    ("decline", (), lambda: decline(ADMIN)),
    ("creation for one partner", (), create),
    ("creation for the other partner", (), lambda: create(SOUTH)),
    ("edit to partner admin", (a_member(EMPLOYEE, "view_only"),), lambda: edit(ADMIN, permission_set="partner_admin", partner_id=PARTNER)),
    ("wider permissions", (NARROWED,), lambda: edit(ADMIN, overrides={})),
    ("later end", (NARROWED,), lambda: edit(ADMIN, access_days=20)),
    ("promotion", (NARROWED,), lambda: edit(ADMIN, permission_set="super_admin")),
    ("resumption", (a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT})),), lambda: resume(ADMIN)),
]  # fmt: skip


@pytest.mark.parametrize(("records", "send_request"), [each[1:] for each in ROUTES], ids=[each[0] for each in ROUTES])
def test_access_by_admin_with_employer_in_common_is_refused(
    table: Table, records: tuple[Record, ...], send_request: Callable[[], ApiResponse]
) -> None:
    # domain.md rule 35
    seed(table, *OTHER_EMPLOYER, *records)

    assert_error(table, send_request, 403, "own_partner_may_not_approve")


LEAVE: Final = {
    "by removal": lambda: remove(ADMIN, ADMIN, account_id=SOUTH),
    "by the vendor": lambda: put_member(SOUTH, ADMIN, active=False),
    "by removal of the subject": lambda: remove("user-manager-of-south", EMPLOYEE, account_id=SOUTH),
}


@pytest.mark.parametrize("leave", LEAVE.values(), ids=LEAVE)
def test_link_answered_by_admin_who_left_after_its_creation_is_refused(
    table: Table, leave: Callable[[], ApiResponse]
) -> None:
    # domain.md rule 36
    manager = "user-manager-of-south"
    seed(table, *OTHER_EMPLOYER, a_user(manager), a_member(manager, account_id=SOUTH))
    assert leave().status < 300

    for send_request in (lambda: approve(ADMIN), lambda: decline(ADMIN)):
        assert_error(table, send_request, 403, "own_partner_may_not_approve")
    assert [each["reason"] for each in preview(ADMIN).body["accounts"]] == ["own_partner_may_not_approve"]
    put_member(SOUTH, ADMIN, permission_set="view_only", active=True)
    assert_error(table, lambda: approve(ADMIN), 403, "own_partner_may_not_approve")


def test_link_approved_by_only_admin_who_left_has_no_independent_approver(table: Table) -> None:
    seed(table, *OTHER_EMPLOYER[:-2], a_member("user-approver", "view_only"))
    remove(ADMIN, ADMIN, account_id=SOUTH)

    assert_error(table, lambda: approve(ADMIN), 403, "no_independent_approver")


def test_link_approved_by_admin_who_left_before_its_creation_succeeds(table: Table) -> None:
    # domain.md rule 36
    seed(table, *OTHER_EMPLOYER)
    remove(ADMIN, ADMIN, account_id=SOUTH)
    seed_link = an_open_link(created_at=now() + timedelta(seconds=60))
    table.put(keys.of(seed_link), dict(seed_link))

    assert approve(ADMIN).status == 201


def test_set_update_by_admin_with_employer_in_common_fails(table: Table) -> None:
    # domain.md rule 35
    with two_set_versions():
        seed(table, *OTHER_EMPLOYER, a_partner_admin(set_version=1))
        route = "POST /accounts/{account_id}/permission-sets/updates"
        update: dict[str, Any] = {"permission_set": "partner_admin", "version": 2, "user_ids": [EMPLOYEE]}

        answer = call(route, ADMIN, update, account_id=CLIENT)

    assert [row["reason"] for row in answer.body["items"]] == ["own_partner_may_not_approve"]


def test_preview_by_admin_with_employer_in_common_shows_same_reason(table: Table) -> None:
    seed(table, *OTHER_EMPLOYER)

    (account,) = preview(ADMIN).body["accounts"]

    assert (account["can_approve"], account["reason"]) == (False, "own_partner_may_not_approve")


@pytest.mark.parametrize("change", [{"permissions": {"remove": ["crm.import", "crm.export"]}}, {"access_days": 5}])
def test_edit_that_narrows_by_admin_with_employer_in_common_succeeds(table: Table, change: dict[str, Any]) -> None:
    seed(table, *OTHER_EMPLOYER, NARROWED)

    assert edit(ADMIN, **change).status == 200


def test_access_by_admin_of_unrelated_partner_is_given(table: Table) -> None:
    seed(
        table,
        *OTHER_EMPLOYER,
        a_partner_account_member(EMPLOYEE),
        a_member(EMPLOYEE, "view_only", account_id=SOUTH, active=False),
    )

    assert approve(ADMIN).status == 201


BILLING: Final = {"name": "Desk", "permissions": ["crm.tickets.view", "account.billing.manage", "account.scim.manage"]}
HOLDER: Final = a_member(EMPLOYEE, CUSTOM_SET)


def update_set(by: str, version: int = 1) -> ApiResponse:
    headers = {"if-match": f'"{version}"'}
    route = "PUT /accounts/{account_id}/permission-sets/{set_id}"
    return call(route, by, BILLING, account_id=CLIENT, set_id=CUSTOM_SET, headers=headers)


@pytest.mark.parametrize("holder", [
    HOLDER,
    a_member(EMPLOYEE, CUSTOM_SET, suspended_by=frozenset({SuspensionReason.CLIENT})),
])  # fmt: skip
def test_update_set_with_restricted_permission_of_holder_with_same_employer_is_refused(
    table: Table, holder: Member
) -> None:
    # domain.md rule 37
    seed(table, *OTHER_EMPLOYER, a_custom_set(), holder)

    refused = assert_error(table, lambda: update_set(ADMIN), 403, "own_partner_may_not_approve")

    assert refused.body["errors"] == [{"pointer": "/permissions", "code": "own_partner_may_not_approve"}]
    assert update_set(OTHER_ADMIN).status == 200


@pytest.mark.parametrize("others", [
    (),
    (HOLDER.model_copy(update={"active": False}),),
    (a_member(CLERK, CUSTOM_SET),),
])  # fmt: skip
def test_update_set_with_restricted_permission_without_such_holder_succeeds(
    table: Table, others: tuple[Record, ...]
) -> None:
    # domain.md rule 37
    seed(table, *OTHER_EMPLOYER, a_custom_set(), *others)

    assert update_set(ADMIN).status == 200


@pytest.mark.parametrize("holders", [40, 41])
def test_update_set_with_restricted_permission_by_employee_is_limited_to_40_holders(table: Table, holders: int) -> None:
    # domain.md rule 37
    people = [f"user-{number}" for number in range(holders)]
    records = (record for each in people for record in (a_user(each), a_member(each, CUSTOM_SET)))
    seed(table, *OTHER_EMPLOYER, a_custom_set(), *records)

    answer = update_set(ADMIN)

    assert answer.status == (200 if holders == 40 else 403)


@pytest.mark.parametrize("hold", [
    lambda: edit(OTHER_ADMIN, permission_set=CUSTOM_SET),
    lambda: put_member(SOUTH, "user-clerk", permission_set="view_only"),
])  # fmt: skip
def test_update_set_while_colleague_becomes_holder_is_refused(table: Table, hold: Callable[[], ApiResponse]) -> None:
    seed(table, *OTHER_EMPLOYER, a_custom_set(), a_member(EMPLOYEE, "view_only"), a_member(CLERK, CUSTOM_SET))

    answer = send_during_change(table, hold, lambda: update_set(ADMIN))

    assert (answer.status, answer.code) == (403, "own_partner_may_not_approve")
