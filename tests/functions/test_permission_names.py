"""Every route that takes permissions refuses a name or a scope that the catalogue does not have."""

from collections.abc import Callable

import pytest

from tests.support import link_requests
from tests.support.builders import APPROVER, CLIENT
from tests.support.gateway import ApiResponse, call
from tests.support.seeded_table import CLERK, COLLEAGUE, an_open_link, seed
from tests.support.table import Table

USERS = "/accounts/{account_id}/users"
SETS = "/accounts/{account_id}/permission-sets"
SCOPED = "crm.deals.edit"


def create_user(name: str) -> ApiResponse:
    fields = {"email": "colleague@north.example", "permission_set": "view_only", "permissions": {"add": [name]}}
    return call(f"POST {USERS}", APPROVER, fields, account_id=CLIENT)


def edit_user(field: str) -> Callable[[str], ApiResponse]:
    def edit(name: str) -> ApiResponse:
        fields = {"permissions": {field: [name]}}
        ids = {"account_id": CLIENT, "user_id": CLERK}
        return call(f"PATCH {USERS}/{{user_id}}", APPROVER, fields, headers={"if-match": '"1"'}, **ids)

    return edit


def create_set(name: str) -> ApiResponse:
    return call(f"POST {SETS}", APPROVER, {"name": "Set", "permissions": [name]}, account_id=CLIENT)


def create_link(name: str) -> ApiResponse:
    return link_requests.create(employee_id=COLLEAGUE, permissions={"remove": [name]})


def approve_link(name: str) -> ApiResponse:
    return link_requests.approve(permissions={"remove": [name]})


@pytest.mark.parametrize(
    "name",
    [
        f"{SCOPED}:",
        f"{SCOPED}: ",
        f"{SCOPED}:ALL",
        f"{SCOPED}:All",
        f"{SCOPED}:all:all",
        f"{SCOPED}::all",
        f"{SCOPED}:all ",
        f"{SCOPED}: all",
        f" {SCOPED}",
        f"{SCOPED} ",
        f":{SCOPED}",
        ":all",
        "crm.import:",
        "crm.import:all",
    ],
)
@pytest.mark.parametrize(
    "send",
    [
        pytest.param(create_user, id="create_user"),
        pytest.param(edit_user("add"), id="edit_user, added"),
        pytest.param(edit_user("remove"), id="edit_user, removed"),
        pytest.param(create_set, id="create_permission_set"),
        pytest.param(create_link, id="create_link"),
        pytest.param(approve_link, id="approve_link"),
    ],
)
def test_permission_with_empty_or_odd_scope_returns_422_and_changes_nothing(
    seeded: Table, send: Callable[[str], ApiResponse], name: str
) -> None:
    # domain.md rule 29
    seed(seeded, an_open_link())
    before = seeded.items()

    response = send(name)

    assert response.status == 422, response
    assert response.code in {"unknown_permission", "invalid_field"}
    assert seeded.items() == before
