"""Return of people whose membership is over: who can bring a person back, in sequences of requests (domain.md rule 42)."""

from collections.abc import Callable
from typing import Final

import pytest

from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support import link_requests
from tests.support.background_functions import run_reconcile_access
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, PARTNER, a_grant, a_partner_admin, the_partner
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call, call_as_vendor
from tests.support.link_requests import assert_error
from tests.support.membership_facts import remove, resume, seed_members, suspend
from tests.support.operations.creations import add_colleagues_as, create_user_as
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member, an_open_link
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

Step = Callable[[Table], ApiResponse | None]
SOUTH: Final = "partner-south"
OTHER_GRANT: Final = a_grant(grant_id=f"grt_{'4' * 32}")
IN_SOUTH: Final = (
    the_partner(account_id=SOUTH, domains=("north.example",)),
    a_partner_account_member(EMPLOYEE, account_id=SOUTH),
)


def removed_by(by: str, scope: str | None = None) -> Step:
    def step(table: Table) -> ApiResponse:
        version = (table.get(keys.member(CLIENT, EMPLOYEE)) or {})["version"]
        return remove(by, expected_version=version, **({"scope": scope} if scope else {}))

    return step


def suspended_by(by: str) -> Step:
    return lambda _: suspend(by)


def resumed_by(by: str) -> Step:
    return lambda _: resume(by)


def offboarded_by(by: str) -> Step:
    route = "DELETE /partners/{partner_id}/employees/{user_id}/access"
    return lambda _: call(route, by, partner_id=PARTNER, user_id=EMPLOYEE)


def added_by(by: str) -> Step:
    def step(_: Table) -> ApiResponse:
        response = add_colleagues_as(by, None, EMPLOYEE)
        assert [each["outcome"] for each in response.body["items"]] == ["done"], response
        return response

    return step


def created_by_client(_: Table) -> ApiResponse:
    return create_user_as(APPROVER, f"{EMPLOYEE}@north.example")


def deactivated_by_directory(_: Table) -> ApiResponse:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return call_as_vendor(route, {"active": False}, account_id=CLIENT, user_id=EMPLOYEE)


def reconciled(_: Table) -> None:
    run_reconcile_access()


def seed_partner_admins(table: Table, *others: Record) -> None:
    """Seed the employee, a colleague without rights in the partner, and the partner's manager, all partner admins."""
    seed_members(table, a_partner_admin(MANAGER, grant=OTHER_GRANT), an_open_link(), *others)


def run(table: Table, *steps: Step) -> None:
    for step in steps:
        response = step(table)
        assert response is None or response.status < 300, response


CLIENT_REMOVED: Final = "removed_by_client"
PARTNER_REMOVED: Final = "removed_by_partner"


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((suspended_by(MANAGER), removed_by(COLLEAGUE)), PARTNER_REMOVED),
        ((suspended_by(MANAGER), removed_by(EMPLOYEE)), PARTNER_REMOVED),
        ((removed_by(MANAGER),), PARTNER_REMOVED),
        ((offboarded_by(MANAGER),), PARTNER_REMOVED),
        ((offboarded_by(MANAGER), reconciled), PARTNER_REMOVED),
        ((removed_by(EMPLOYEE), offboarded_by(MANAGER)), PARTNER_REMOVED),
        ((removed_by(COLLEAGUE), added_by(COLLEAGUE), removed_by(MANAGER)), PARTNER_REMOVED),
        ((removed_by(APPROVER),), CLIENT_REMOVED),
        ((removed_by(MANAGER), created_by_client, removed_by(APPROVER)), CLIENT_REMOVED),
        ((removed_by(VENDOR, DIRECTORY),), CLIENT_REMOVED),
        ((removed_by(COLLEAGUE), added_by(COLLEAGUE), deactivated_by_directory), CLIENT_REMOVED),
        ((suspended_by(APPROVER), removed_by(EMPLOYEE)), "grant_suspended"),
        ((suspended_by(APPROVER), removed_by(APPROVER)), "grant_suspended"),
    ],
)
def test_colleague_cannot_bring_back_person_removed_by_client_or_manager(
    table: Table, steps: tuple[Step, ...], code: str
) -> None:
    # domain.md rule 42
    seed_partner_admins(table)
    run(table, *steps)

    (row,) = add_colleagues_as(COLLEAGUE, None, EMPLOYEE).body["items"]
    assert (row["outcome"], row["reason"]) == ("failed", code)
    body = {"email": f"{EMPLOYEE}@north.example", "permission_set": "view_only"}
    assert_error(
        table, lambda: call("POST /accounts/{account_id}/users", COLLEAGUE, body, account_id=CLIENT), 409, code
    )


@pytest.mark.parametrize(
    "steps",
    [
        (removed_by(COLLEAGUE), added_by(COLLEAGUE)),
        (removed_by(EMPLOYEE), added_by(COLLEAGUE)),
        (offboarded_by(EMPLOYEE), reconciled, added_by(COLLEAGUE)),
        (removed_by(MANAGER), added_by(MANAGER), removed_by(EMPLOYEE), added_by(COLLEAGUE)),
        (suspended_by(MANAGER), removed_by(COLLEAGUE), added_by(MANAGER)),
        (offboarded_by(MANAGER), reconciled, added_by(MANAGER), removed_by(EMPLOYEE), added_by(COLLEAGUE)),
        (removed_by(MANAGER), created_by_client, removed_by(EMPLOYEE), added_by(COLLEAGUE)),
        (removed_by(APPROVER), created_by_client, removed_by(EMPLOYEE), added_by(COLLEAGUE)),
        (removed_by(APPROVER), lambda _: link_requests.approve(), removed_by(EMPLOYEE), added_by(COLLEAGUE)),
        (suspended_by(APPROVER), removed_by(EMPLOYEE), resumed_by(APPROVER), added_by(COLLEAGUE)),
    ],
)
def test_return_by_those_who_can_bring_back_succeeds(table: Table, steps: tuple[Step, ...]) -> None:
    # domain.md rule 42
    seed_partner_admins(table)

    run(table, *steps)

    assert (table.get(keys.member(CLIENT, EMPLOYEE)) or {})["active"]


@pytest.mark.parametrize("returned", [lambda _: link_requests.approve(), created_by_client])
def test_client_brings_back_person_it_suspended_only_after_its_resume(table: Table, returned: Step) -> None:
    # domain.md rule 42
    seed_partner_admins(table)
    run(table, suspended_by(APPROVER), removed_by(EMPLOYEE))

    refused = returned(table)
    assert refused is not None
    assert (refused.status, refused.code) == (409, "grant_suspended")
    assert_error(table, lambda: resume(MANAGER), 403, "forbidden")
    emails = len(table.items_with_prefix("OUTBOX#"))
    run(table, resumed_by(APPROVER))
    assert len(table.items_with_prefix("OUTBOX#")) == emails, "nobody has access, so nobody is notified that it resumed"
    assert_error(table, lambda: resume(APPROVER), 404, "not_found")
    run(table, returned)


def test_manager_keeps_person_out_also_after_access_for_another_partner(table: Table) -> None:
    """P's manager removes the employee, who is then a partner admin for Q and leaves. P's colleague cannot undo it."""
    # domain.md rule 42
    seed_partner_admins(table, *IN_SOUTH)
    run(
        table,
        removed_by(MANAGER),
        lambda _: create_user_as(APPROVER, f"{EMPLOYEE}@north.example", partner_id=SOUTH),
        removed_by(EMPLOYEE),
    )

    (row,) = add_colleagues_as(COLLEAGUE, None, EMPLOYEE).body["items"]
    assert row["reason"] == PARTNER_REMOVED
