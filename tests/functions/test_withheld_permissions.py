"""Permissions that the client took from a partner member, through sequences of requests (domain.md rule 43)."""

from typing import Any, Final

import pytest

from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    a_custom_set,
    a_grant,
    a_partner_admin,
)
from tests.support.gateway import ApiResponse, call, call_as_vendor
from tests.support.link_requests import approve, assert_error
from tests.support.membership_facts import edit, remove
from tests.support.operations.creations import add_colleagues_as
from tests.support.seeded_table import COLLEAGUE, MANAGER, an_open_link, seed
from tests.support.table import Table

pytestmark = pytest.mark.usefixtures("check_invariants")

EXPORT: Final = "crm.export"
COLLEAGUE_GRANT: Final = a_grant(grant_id=f"grt_{'4' * 32}")


def seed_with_approval_without_export(table: Table) -> None:
    """Seed an approval of the employee without one permission, a colleague who holds it, and a custom set."""
    seed(table, a_partner_admin(COLLEAGUE, grant=COLLEAGUE_GRANT), a_custom_set(), an_open_link())
    assert approve(permissions={"remove": [EXPORT]}).status == 201


def stored(table: Table) -> dict[str, Any]:
    return table.get(keys.member(CLIENT, EMPLOYEE)) or {}


def edited(table: Table, by: str = APPROVER, **changes: Any) -> ApiResponse:
    return edit(by, expected_version=stored(table)["version"], **changes)


def widen_set(version: int = 1) -> ApiResponse:
    """Put the permission into the custom set, for the client's own people."""
    body = {"name": "A set", "permissions": ["crm.tickets.view", "crm.tickets.edit:team", EXPORT]}
    route = "PUT /accounts/{account_id}/permission-sets/{set_id}"
    headers = {"if-match": f'"{version}"'}
    return call(route, APPROVER, body, headers=headers, account_id=CLIENT, set_id=CUSTOM_SET)


def test_change_of_set_keeps_what_approver_removed_also_when_set_becomes_wider(table: Table) -> None:
    # domain.md rule 43
    seed_with_approval_without_export(table)

    for by in (MANAGER, COLLEAGUE, APPROVER):
        assert edited(table, by, permission_set="view_only").status == 200
        assert edited(table, APPROVER, permission_set=CUSTOM_SET).status == 200
        assert EXPORT in stored(table)["removed"]
    assert widen_set().status == 200

    assert EXPORT in stored(table)["removed"]
    assert edited(table, APPROVER, permission_set="partner_admin").status == 200
    assert EXPORT in stored(table)["removed"]


@pytest.mark.parametrize("changes", [
    {"permissions": {"add": [EXPORT]}},
    {"overrides": {"add": [EXPORT]}},
    {"permission_set": "marketing", "permissions": {"add": [EXPORT]}},
])  # fmt: skip
def test_only_client_gives_withheld_permission_again(table: Table, changes: dict[str, Any]) -> None:
    # domain.md rule 43
    seed_with_approval_without_export(table)
    assert edited(table, permission_set="view_only").status == 200

    assert_error(table, lambda: edited(table, COLLEAGUE, **changes), 403, "forbidden")
    assert edited(table, COLLEAGUE, permissions={"add": ["crm.lists.view"]}).status == 200
    assert stored(table)["withheld"] == [EXPORT]
    assert edited(table, APPROVER, **changes).status == 200
    assert not stored(table)["withheld"]
    assert edited(table, permission_set="partner_admin").status == 200
    assert not stored(table)["removed"]


def test_overrides_of_client_for_same_set_lift_what_they_no_longer_remove(table: Table) -> None:
    # domain.md rule 43
    seed_with_approval_without_export(table)
    assert edited(table, overrides={"remove": [EXPORT, "crm.import"]}).status == 200
    assert stored(table)["withheld"] == ["crm.export", "crm.import"]

    assert edited(table, overrides={"remove": ["crm.import"]}).status == 200
    assert stored(table)["withheld"] == ["crm.import"]
    assert edited(table, permission_set="view_only").status == 200
    assert edited(table, overrides={"add": ["crm.lists.view"]}).status == 200
    assert stored(table)["withheld"] == ["crm.import"], "a set without the permission says nothing about it"
    assert edited(table, permission_set="partner_admin").status == 200
    assert edited(table, overrides={}).status == 200
    assert not stored(table)["withheld"]


def test_colleague_returns_without_what_the_client_took(table: Table) -> None:
    # domain.md rule 43
    seed_with_approval_without_export(table)
    assert remove(EMPLOYEE, expected_version=stored(table)["version"]).status == 200
    body = {"email": f"{EMPLOYEE}@north.example", "permission_set": "view_only"}
    users = "POST /accounts/{account_id}/users"

    wider = {**body, "permissions": {"add": [EXPORT]}}
    assert_error(table, lambda: call(users, COLLEAGUE, wider, account_id=CLIENT), 403, "forbidden")
    (row,) = add_colleagues_as(COLLEAGUE, None, EMPLOYEE).body["items"]
    assert (row["outcome"], stored(table)["withheld"]) == ("done", [EXPORT])
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    assert call_as_vendor(route, {"permission_set": "marketing"}, account_id=CLIENT, user_id=EMPLOYEE).status == 200
    assert (stored(table)["removed"], stored(table)["withheld"]) == ([EXPORT], [EXPORT])


def test_new_approval_and_promotion_forget_what_was_withheld(table: Table) -> None:
    # domain.md rule 43
    seed_with_approval_without_export(table)

    assert edited(table, permission_set="super_admin").status == 200

    assert (stored(table)["withheld"], stored(table)["removed"]) == ([], [])
