"""Tests of reading links: visibility, states, pages, and that reading neither changes anything nor reveals secrets."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from partner_access.api import cursors
from partner_access.api.request_fields import ListQuery
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    SECRET,
    a_user,
    an_act,
    an_employee,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.link_requests import assert_error, assert_unchanged, list_links, view
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, now, seed
from tests.support.table import Table

SOUTH = "partner-south"


def _id(number: int) -> str:
    return f"lnk_{number:032x}"


def _links(count: int, **changes: Any) -> list[Any]:
    return [an_open_link(link_id=_id(number), **changes) for number in range(count)]


def _ids(answer: ApiResponse) -> list[str]:
    assert answer.status == 200, answer
    return [link["link_id"] for link in answer.body["items"]]


def test_view_link_returns_all_fields_without_secret_or_recipient(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(recipient="boss@bakery.example", delivery_status="sent", purpose="Your new website"))

    with assert_unchanged(table):
        answer = view()

    assert answer.status == 200
    assert set(answer.body) == {
        "link_id", "partner_id", "employee", "created_by", "state", "permissions", "purpose", "created_at",
        "expires_at", "max_approvals", "approvals", "delivery_status",
    }  # fmt: skip
    assert (answer.body["link_id"], answer.body["delivery_status"]) == (LINK, "sent")
    assert SECRET.fingerprint not in answer.text
    assert "boss@bakery.example" not in answer.text


@pytest.mark.parametrize("delivery_status", ["none", "queued", "sent", "bounced", "failed"])
def test_view_link_returns_delivery_status(table: Table, check_invariants: None, delivery_status: str) -> None:
    seed(table, an_open_link(delivery_status=delivery_status))

    assert view().body["delivery_status"] == delivery_status


def test_view_link_with_bounced_email_stays_open_and_can_be_approved(table: Table, check_invariants: None) -> None:
    # domain.md rule 8
    seed(table, an_open_link(delivery_status="bounced"))

    assert (view().body["state"], view().body["delivery_status"]) == ("open", "bounced")
    assert link_requests.approve().status == 201


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "open"),
        ({"expires_at": now()}, "expired"),
        ({"stored_state": "expired", "expires_at": now()}, "expired"),
        ({"stored_state": "revoked"}, "revoked"),
        ({"stored_state": "declined"}, "declined"),
    ],
)
def test_view_links_returns_state_computed_at_read_time(
    table: Table, check_invariants: None, changes: dict[str, Any], state: str
) -> None:
    seed(table, an_open_link(**changes))

    assert view().body["state"] == state
    assert list_links().body["items"][0]["state"] == state
    for other in ("open", "approved", "declined", "revoked", "expired"):
        assert len(_ids(list_links(state=other))) == (other == state)


@pytest.mark.parametrize(
    ("access_generation", "changes", "state"),
    [
        (0, {}, "revoked"),
        (1, {}, "revoked"),
        (2, {}, "open"),
        (0, {"approvals": 1}, "approved"),
        (0, {"expires_at": now()}, "expired"),
        (0, {"stored_state": "declined"}, "declined"),
    ],
)
def test_view_links_after_offboarding_of_employee_returns_revoked(
    table: Table, access_generation: int, changes: dict[str, Any], state: str
) -> None:
    seed(
        table,
        an_employee(offboardings={PARTNER: 1}),
        the_partner(terminations=1),
        an_open_link(access_generation=access_generation, **changes),
    )

    assert view().body["state"] == view(EMPLOYEE).body["state"] == state
    assert list_links().body["items"][0]["state"] == list_links(EMPLOYEE).body["items"][0]["state"] == state
    for other in ("open", "approved", "declined", "revoked", "expired"):
        assert len(_ids(list_links(state=other))) == (other == state)


@pytest.mark.parametrize(
    ("by", "status"),
    [(MANAGER, 200), (EMPLOYEE, 200), (COLLEAGUE, 404), (APPROVER, 404), (CLERK, 404), ("user-unknown", 404)],
)
def test_view_link_by_each_caller_returns_200_or_404(seeded: Table, by: str, status: int) -> None:
    with assert_unchanged(seeded):
        assert view(by).status == status


def test_view_link_by_its_creator_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(created_by=COLLEAGUE))

    assert view(COLLEAGUE).status == 200


@pytest.mark.parametrize("how", [{"link_id": _id(9)}, {"partner_id": "partner-unknown"}, {"partner_id": CLIENT}])
def test_view_link_that_is_unknown_returns_404(seeded: Table, how: dict[str, str]) -> None:
    assert_error(seeded, lambda: view(**how), 404, "not_found")


def test_view_link_by_vendor_returns_404(seeded: Table) -> None:
    answer = call(f"GET {link_requests.ONE_LINK}", VENDOR, partner_id=PARTNER, link_id=LINK, scope=DIRECTORY)

    assert answer.status == 404


# lists


def test_view_links_by_manager_returns_all_newest_first(table: Table, check_invariants: None) -> None:
    seed(table, *_links(3), an_open_link(link_id=_id(7), employee_id=COLLEAGUE))

    with assert_unchanged(table):
        answer = list_links()

    assert set(answer.body) == {"items", "next_cursor"}
    assert _ids(answer) == [LINK, _id(7), _id(2), _id(1), _id(0)]
    assert answer.body["next_cursor"] is None
    assert {link["employee"]["name"] for link in answer.body["items"]} == {"Employee", "Colleague"}


def test_view_links_by_employee_returns_own_links(table: Table, check_invariants: None) -> None:
    seed(table, *_links(2), an_open_link(link_id=_id(7), employee_id=COLLEAGUE))

    assert _ids(list_links(EMPLOYEE)) == [LINK, _id(1), _id(0)]
    assert _ids(list_links(EMPLOYEE, employee_id=EMPLOYEE)) == [LINK, _id(1), _id(0)]
    assert _ids(list_links(COLLEAGUE)) == [_id(7)]
    assert_error(table, lambda: list_links(EMPLOYEE, employee_id=COLLEAGUE), 403, "forbidden")


def test_view_links_by_manager_filters_by_employee(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(link_id=_id(7), employee_id=COLLEAGUE))

    assert _ids(list_links(employee_id=COLLEAGUE)) == [_id(7)]
    assert _ids(list_links(employee_id=COLLEAGUE, state="revoked")) == []
    assert _ids(list_links(employee_id="user-unknown")) == []


def test_view_links_without_links_returns_empty_list(table: Table, check_invariants: None) -> None:
    south = the_partner(account_id=SOUTH, name="South")
    seed(table, south, a_user("user-rival"), a_partner_account_member("user-rival", "super_admin", account_id=SOUTH))

    assert list_links("user-rival", partner_id=SOUTH).body == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("by", "partner_id", "code"),
    [
        (APPROVER, PARTNER, "not_found"),
        ("user-unknown", PARTNER, "not_found"),
        (VENDOR, PARTNER, "not_found"),
        (MANAGER, "partner-unknown", "not_found"),
        (MANAGER, CLIENT, "not_found"),
    ],
)
def test_view_links_by_caller_outside_the_partner_returns_404(
    seeded: Table, by: str, partner_id: str, code: str
) -> None:
    assert_error(seeded, lambda: list_links(by, partner_id=partner_id), 404, code)


@pytest.mark.parametrize("by", [MANAGER, EMPLOYEE])
@pytest.mark.parametrize("more", [{}, {"state": "open"}, {"employee_id": EMPLOYEE}])
def test_view_links_pages_contain_each_link_once(
    table: Table, check_invariants: None, by: str, more: dict[str, str]
) -> None:
    seed(table, *_links(4))
    seen: list[str] = []
    cursor: dict[str, str] = {}

    while True:
        answer = list_links(by, limit="2", **more, **cursor)
        seen += _ids(answer)
        assert len(answer.body["items"]) <= 2
        if answer.body["next_cursor"] is None:
            break
        cursor = {"cursor": answer.body["next_cursor"]}

    assert seen == [LINK, _id(3), _id(2), _id(1), _id(0)]


def test_view_links_pages_ignore_link_created_in_between(table: Table, check_invariants: None) -> None:
    seed(table, *_links(3))
    first = list_links(limit="2")
    link_requests.create(employee_id=EMPLOYEE)

    assert _ids(list_links(limit="9", cursor=first.body["next_cursor"])) == [_id(1), _id(0)]


def test_view_links_without_limit_returns_twenty_five(table: Table, check_invariants: None) -> None:
    seed(table, *_links(26))

    assert len(_ids(list_links())) == 25
    assert len(_ids(list_links(limit="100"))) == 27


@pytest.mark.parametrize(
    "query",
    [
        *({"limit": limit} for limit in ("0", "-1", "101", "1e2", "0x10", "１０", "", "1,2", " 1", "01", "2.0")),
        {"state": "opened"},
        {"state": "open,revoked"},
        {"employee_id": "a b"},
        {"unknown": "1"},
        {"cursor": "x" * 2049},
    ],
)
def test_view_links_with_invalid_query_returns_400(seeded: Table, query: dict[str, str]) -> None:
    assert_error(seeded, lambda: list_links(**query), 400, "invalid_query")


@pytest.fixture
def cursor(table: Table, check_invariants: None) -> str:
    """Return the manager's cursor after two of the partner's links."""
    south = the_partner(account_id=SOUTH, name="South")
    seed(
        table,
        *_links(4),
        south,
        a_partner_account_member(COLLEAGUE, "super_admin"),
        a_partner_account_member(MANAGER, "super_admin", account_id=SOUTH),
    )
    found: str = list_links(limit="2").body["next_cursor"]
    return found


def test_view_links_cursor_with_another_limit_is_accepted(cursor: str) -> None:
    assert len(_ids(list_links(limit="3", cursor=cursor))) == 3


def test_view_links_cursor_is_valid_for_one_caller_list_and_filter(table: Table, cursor: str) -> None:
    assert_error(table, lambda: list_links(COLLEAGUE, cursor=cursor), 400, "invalid_cursor")
    assert_error(table, lambda: list_links(cursor=cursor, state="open"), 400, "invalid_cursor")
    assert_error(table, lambda: list_links(cursor=cursor, employee_id=EMPLOYEE), 400, "invalid_cursor")
    assert_error(table, lambda: list_links(cursor=cursor, partner_id=SOUTH), 400, "invalid_cursor")


def test_view_links_with_forged_cursor_returns_400(table: Table, cursor: str) -> None:
    half = len(cursor) // 2
    for forged in (
        "x",
        "",
        ".",
        "é",
        cursor[:half],
        cursor[half:],
        cursor[4:],
        cursor[:-4],
        f"{cursor}x",
        cursor[::-1],
    ):
        assert_error(table, partial(list_links, cursor=forged), 400, "invalid_cursor")


@pytest.mark.parametrize(("hours", "status"), [(23, 200), (25, 400)])
def test_view_links_cursor_is_valid_for_a_day(seeded: Table, hours: int, status: int) -> None:
    made = an_act(MANAGER, at=now() - timedelta(hours=hours))
    found = cursors.cursor(LINK, ListQuery(), f"list_links {PARTNER}", made)

    assert list_links(cursor=str(found)).status == status


def test_view_links_cursor_signed_with_another_key_returns_400(
    table: Table, cursor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURSOR_KEY", "another")

    assert_error(table, lambda: list_links(cursor=cursor), 400, "invalid_cursor")


def test_view_links_costs_at_most_four_reads_and_no_writes(table: Table, check_invariants: None) -> None:
    seed(table, *_links(30))

    for send_request, reads in ((view, 2), (list_links, 3), (partial(list_links, EMPLOYEE), 4)):
        with count_costs(table) as costs:
            assert send_request().status == 200
        assert (costs.reads, costs.writes) == (reads, 0)


def test_view_links_lists_link_expired_a_second_ago(table: Table, check_invariants: None) -> None:
    seed(table)
    table.change(keys.link(PARTNER, LINK), expires_at=now() - timedelta(seconds=1))

    assert _ids(list_links(state="expired")) == [LINK]
