"""A user whose id is what an issuer may choose is added, found, edited, listed and removed as any other."""

import pytest

from partner_access import user_ids
from tests.support.builders import APPROVER, CLIENT, PARTNER
from tests.support.gateway import ApiResponse, call, call_as_vendor
from tests.support.seeded_table import MANAGER
from tests.support.table import Table

USER = "/accounts/{account_id}/users/{user_id}"
IDS = ["anna+okta@example.test", "_a", "-a", "aa/bb==", "#", "client#a", f"{CLIENT}#{APPROVER}", "..", "~YQ", "50%2F"]


@pytest.fixture(params=IDS)
def user_id(request: pytest.FixtureRequest, seeded: Table) -> str:
    """Return the id of a new employee of the partner."""
    made = str(request.param)
    path = user_ids.to_path(made)
    profile = {"email": "anna@north.example", "name": "Anna"}
    assert call_as_vendor("PUT /directory/users/{user_id}", profile, user_id=path).body["user_id"] == made
    member = "PUT /directory/accounts/{account_id}/members/{user_id}"
    assert call_as_vendor(member, {"permission_set": "super_admin"}, account_id=PARTNER, user_id=path).status == 201
    return made


def all_pages(route_key: str, by: str, **ids: str) -> list[ApiResponse]:
    """Return all pages of a list, with one item each."""
    pages = [call(route_key, by, query={"limit": "1"}, **ids)]
    while pages[-1].body["next_cursor"]:
        pages.append(call(route_key, by, query={"limit": "1", "cursor": pages[-1].body["next_cursor"]}, **ids))
    return pages


def test_user_with_unusual_id_has_the_life_of_any_other(seeded: Table, user_id: str) -> None:
    # domain.md rule 32
    path, ids = user_ids.to_path(user_id), {"account_id": CLIENT}
    created = call(
        "POST /accounts/{account_id}/users",
        APPROVER,
        {"email": "anna@north.example", "permission_set": "partner_admin"},
        **ids,
    )
    assert (created.status, created.body["user_id"]) == (201, user_id)

    assert call(f"GET {USER}", user_id, user_id=path, **ids).body["user_id"] == user_id
    removal = {"permissions": {"remove": ["crm.export"]}}
    edited = call(f"PATCH {USER}", APPROVER, removal, headers={"if-match": '"1"'}, user_id=path, **ids)
    assert edited.status == 200
    for route_key, by, more, list_name in (
        ("GET /accounts/{account_id}/users", APPROVER, ids, "items"),
        ("GET /partners/{partner_id}/employees", MANAGER, {"partner_id": PARTNER}, "items"),
    ):
        found = [item["user_id"] for page in all_pages(route_key, by, **more) for item in page.body[list_name]]
        assert found.count(user_id) == 1
        assert len(found) == len(set(found))
    clients = all_pages("GET /partners/{partner_id}/clients", MANAGER, partner_id=PARTNER)
    members = [each["user_id"] for page in clients for item in page.body["items"] for each in item["people"]]
    assert members.count(user_id) == 1
    of_user = call("GET /partners/{partner_id}/clients", MANAGER, query={"employee_id": user_id}, partner_id=PARTNER)
    assert [item["account_id"] for item in of_user.body["items"]] == [CLIENT]
    link = call(
        "POST /partners/{partner_id}/access-links",
        user_id,
        {"employee_id": user_id},
        partner_id=PARTNER,
    )
    assert link.body["employee"]["user_id"] == user_id
    audit = call("GET /accounts/{account_id}/audit", APPROVER, query={"user_id": user_id}, **ids)
    assert {entry["event"] for entry in audit.body["items"]} >= {"member.created", "member.updated"}
    ended = call(f"DELETE {USER}", APPROVER, headers={"if-match": '"2"'}, user_id=path, **ids)
    assert ended.status == 200
