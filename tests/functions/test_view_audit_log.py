"""Tests of reading the audit log: visible entries, time range, filters, pages, JSON and CSV."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl

import pytest

from partner_access.domain.accounts import Program
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import DIRECTORY_LOG_ID, Record, audit
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.gateway import DIRECTORY, USE, VENDOR, ApiResponse, call
from tests.support.link_requests import assert_error, assert_unchanged
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, now, seed
from tests.support.table import Table

AUDIT_LOG = "GET /accounts/{account_id}/audit"
FLORIST, HARBOUR = "client-florist", "client-harbour"
VIEW, CLIENT_ACCESS, USERS = "account.audit.view", "partner.client_access.manage", "account.users.manage"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CSV = {"accept": "text/csv"}


@pytest.fixture
def events_match_schemas() -> None:
    """Replace the schema check of events: the entries of this file are made up."""


@pytest.fixture
def seeded(table: Table) -> Table:
    """Return the table with the default records.

    The entries that tests add match no operation, so invariants are not checked.
    """
    seed(table)
    return table


def view_audit_log(
    caller_id: str = APPROVER, *, account_id: str = CLIENT, accept: str | None = None, **query: str
) -> ApiResponse:
    query_parameters = {name.removesuffix("_"): value for name, value in query.items()}
    scope = DIRECTORY if caller_id == VENDOR else USE
    return call(
        AUDIT_LOG, caller_id, account_id=account_id, query=query_parameters, scope=scope, headers={"accept": accept}
    )


def store_entry(
    table: Table,
    at: datetime,
    event: str = "link.approved",
    *,
    actor_id: str = APPROVER,
    accounts: tuple[str, ...] = (CLIENT, PARTNER),
    number: int = 0,
    **details: Any,
) -> str:
    """Store an entry in the audit log of each of these accounts and return its id."""
    name = f"{(at - EPOCH) // timedelta(milliseconds=1):012x}7{number:019x}"
    entry = audit(event, an_act(actor_id, at=at.replace(microsecond=0), id=name), *accounts, **details)
    for account_id in accounts:
        table.put(keys.audit(account_id, entry.audit_id), dict(entry))
    return entry.audit_id


def items(answer: ApiResponse) -> list[dict[str, Any]]:
    assert answer.status == 200, answer
    return list(answer.body["items"])


def ids(answer: ApiResponse) -> list[str]:
    return [each["audit_id"] for each in items(answer)]


def to_rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


# content


def test_view_audit_log_after_approval_returns_same_entry_and_names_to_both_sides(
    seeded: Table, check_invariants: None
) -> None:
    # domain.md rule 26
    assert link_requests.approve(access_days=60).status == 201

    with assert_unchanged(seeded):
        here, there = view_audit_log(), view_audit_log(MANAGER, account_id=PARTNER)

    (entry,) = items(here)
    assert entry == {
        "audit_id": entry["audit_id"],
        "at": entry["at"],
        "event": "link.approved",
        "actor_id": APPROVER,
        "accounts": [CLIENT, PARTNER],
        "details": entry["details"],
    }
    assert entry["details"]["employee_id"] == EMPLOYEE
    assert entry["details"]["given"]["access_days"] == 60
    assert here.body["names"] == {
        APPROVER: "Approver",
        EMPLOYEE: "Employee",
        CLIENT: "The Bakery",
        PARTNER: "North Partners",
    }
    assert here.body["next_cursor"] is None
    assert there.body == here.body


def test_view_audit_log_returns_newest_first(seeded: Table) -> None:
    old, new = store_entry(seeded, now() - DAY), store_entry(seeded, now())

    assert ids(view_audit_log()) == [new, old]


def test_view_audit_log_names_only_users_and_accounts_on_the_page(seeded: Table) -> None:
    store_entry(seeded, now() - SECOND, actor_id=CLERK, accounts=(CLIENT,), user_id=CLERK)
    store_entry(seeded, now(), actor_id="schedule", accounts=(CLIENT,), user_id="user-nobody")

    assert view_audit_log(limit="1").body["names"] == {CLIENT: "The Bakery"}
    assert view_audit_log(actor_id=CLERK).body["names"] == {CLERK: "Clerk", CLIENT: "The Bakery"}
    assert view_audit_log(event="no.such").body == {"items": [], "names": {}, "next_cursor": None}


def test_view_audit_log_returns_no_name_for_erased_user(table: Table) -> None:
    seed(table, a_user("user-left", name="", email=None, active=False))
    store_entry(table, now(), actor_id="user-left", accounts=(CLIENT,))

    assert view_audit_log().body["names"] == {CLIENT: "The Bakery"}


def test_view_audit_log_returns_no_name_for_id_of_both_user_and_account(table: Table) -> None:
    seed(table, a_user(CLIENT), a_member(CLIENT))
    store_entry(table, now(), actor_id=CLIENT, accounts=(CLIENT, PARTNER))

    assert view_audit_log().body["names"] == {PARTNER: "North Partners"}


def test_view_audit_log_of_partner_hides_name_of_account_a_link_is_bound_to(seeded: Table) -> None:
    store_entry(
        seeded, now(), "link.created", actor_id=MANAGER, accounts=(PARTNER,), account_id=CLIENT, employee_id=EMPLOYEE
    )

    assert CLIENT not in view_audit_log(MANAGER, account_id=PARTNER).body["names"]


def test_view_audit_log_of_entry_without_details_returns_empty_details(seeded: Table) -> None:
    store_entry(seeded, now())

    assert items(view_audit_log())[0]["details"] == {}


def test_view_audit_log_hides_other_accounts_in_orphaned_list(table: Table) -> None:
    seed(table, the_client(account_id=FLORIST), a_member(account_id=FLORIST))
    store_entry(
        table,
        now(),
        "user.updated",
        actor_id=VENDOR,
        accounts=(DIRECTORY_LOG_ID, CLIENT, FLORIST),
        user_id=CLERK,
        orphaned=[CLIENT, FLORIST],
    )

    (entry,) = items(view_audit_log())

    assert (entry["accounts"], entry["details"]["orphaned"]) == ([CLIENT], [CLIENT])
    assert FLORIST not in view_audit_log().text
    assert items(view_audit_log(account_id_=FLORIST)) == []
    assert_error(table, lambda: view_audit_log(account_id=DIRECTORY_LOG_ID), 404, "not_found")


# time range


def test_view_audit_log_time_range_includes_start_and_excludes_end(seeded: Table) -> None:
    noon = (now() - 2 * DAY).replace(hour=12, minute=0, second=0)
    before, first = store_entry(seeded, noon - SECOND), store_entry(seeded, noon)
    last, after = store_entry(seeded, noon + DAY - timedelta(milliseconds=1)), store_entry(seeded, noon + DAY)

    assert ids(view_audit_log(from_=to_rfc3339(noon), to=to_rfc3339(noon + DAY))) == [last, first]
    assert ids(view_audit_log(from_=to_rfc3339(noon))) == [after, last, first]
    assert ids(view_audit_log(to=to_rfc3339(noon))) == [before]
    assert ids(view_audit_log(from_=to_rfc3339(noon), to=to_rfc3339(noon))) == []
    assert ids(view_audit_log(from_=to_rfc3339(noon - SECOND), to=to_rfc3339(noon))) == [before]


def test_view_audit_log_without_time_range_returns_last_ninety_days(seeded: Table) -> None:
    store_entry(seeded, now() - 90 * DAY - SECOND)
    recent = store_entry(seeded, now() - 90 * DAY + 60 * SECOND)

    assert ids(view_audit_log()) == [recent]


def test_view_audit_log_with_old_time_range_returns_old_entries(seeded: Table) -> None:
    old = store_entry(seeded, now() - 800 * DAY)

    assert ids(view_audit_log(from_=to_rfc3339(now() - 850 * DAY), to=to_rfc3339(now() - 780 * DAY))) == [old]
    assert ids(view_audit_log(to=to_rfc3339(now() - 799 * DAY))) == [old]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:00:00Z",
        "2026-11-22t09:00:00z",
        "2026-11-22T18:00:00.000+09:00",
        "2026-11-22T04:00:00.000000001-05:00",
    ],
)
def test_view_audit_log_accepts_rfc3339_timestamps(seeded: Table, text: str) -> None:
    moment = datetime(2026, 11, 22, 9, tzinfo=UTC)
    store_entry(seeded, moment - SECOND)
    entry = store_entry(seeded, moment)

    assert ids(view_audit_log(from_=text, to="2026-11-22T10:00:00Z")) == [entry]


@pytest.mark.parametrize(
    "query",
    [
        *(
            {"from": text}
            for text in (
                "", "now", "1795338000", "2026-11-2", "1969-12-31", "9999-01-01", "20261122", "2026-11-31", "2026-11-22T09:00:00", "2026-11-22 09:00:00Z", "2026-11-22T09:00Z",
                "2026-02-30T09:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T09:00:00+99:00", "2026-11-22T09:00:00 09:00",
                "２０２６-11-22T09:00:00Z", "2026-11-22T09:00:00Z,2026-11-22T09:00:00Z", "1969-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-11-22T09:00:00.1234567890Z", " 2026-11-22T09:00:00Z",
            )
        ),
        {"to": "0001-01-01T00:00:00Z"},
        {"to": "1969-12-31T23:59:59Z"},
        {"from": "2026-11-22T09:00:01Z", "to": "2026-11-22T09:00:00Z"},
        {"from": "2026-08-24T08:59:59Z", "to": "2026-11-22T09:00:00Z"},
        {"from": "2020-01-01T00:00:00Z"},
        {"from": "2020-01-01"},
        {"from": "2026-11-23", "to": "2026-11-22"},
        {"from": "2026-08-24", "to": "2026-11-22"},
        {"event": "approved"},
        {"event": "link.approved,link.declined"},
        {"event": "a" * 51 + ".b"},
        {"actor_id": "a b"},
        {"user_id": ""},
        {"account_id": "a,b"},
        {"start": "2026-11-22T09:00:00Z"},
        {"employee_id": EMPLOYEE},
    ],
)  # fmt: skip
def test_view_audit_log_with_invalid_query_returns_400(seeded: Table, query: dict[str, str]) -> None:
    answer = assert_error(
        seeded, lambda: call(AUDIT_LOG, APPROVER, account_id=CLIENT, query=query), 400, "invalid_query"
    )

    assert {each["pointer"] for each in answer.body["errors"]} <= {"/from", "/to", *(f"/{name}" for name in query)}


@pytest.mark.parametrize(
    "query",
    [
        {"from": "1970-01-01T00:00:00Z", "to": "1970-01-01T00:00:00Z"},
        {"to": "1970-01-01T00:00:00Z"},
        {"from": "2026-08-24T09:00:00Z", "to": "2026-11-22T09:00:00Z"},
        {"from": "9999-12-31T23:59:59Z"},
        {"to": "9999-12-31T23:59:59-14:00"},
        {"from": "1970-01-01", "to": "1970-01-01"},
        {"from": "2026-08-25", "to": "2026-11-22"},
        {"from": "9998-12-31"},
        {"to": "9998-12-31"},
    ],
)
def test_view_audit_log_with_time_range_without_entries_returns_none(seeded: Table, query: dict[str, str]) -> None:
    assert call(AUDIT_LOG, APPROVER, account_id=CLIENT, query=query).body["items"] == []


def test_view_audit_log_of_date_contains_whole_local_day(seeded: Table) -> None:
    """On 25 October 2026, the clock of Berlin is set back, and the day has 25 hours."""
    # domain.md rule 41
    seed(seeded, the_client(time_zone="Europe/Berlin"))
    times = ("2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z")
    entries = [store_entry(seeded, datetime.fromisoformat(at), number=number) for number, at in enumerate(times)]

    assert ids(view_audit_log(from_="2026-10-25", to="2026-10-25")) == entries[2:0:-1]


# filters


def test_view_audit_log_filters_by_event_actor_user_and_account(seeded: Table) -> None:
    at = now()
    approved = store_entry(seeded, at, employee_id=EMPLOYEE, number=1)
    created = store_entry(seeded, at, "member.created", actor_id=CLERK, user_id=COLLEAGUE, accounts=(CLIENT,), number=2)

    for query, expected in (
        ({}, [created, approved]),
        ({"event": "member.created"}, [created]),
        ({"actor_id": APPROVER}, [approved]),
        ({"user_id": EMPLOYEE}, [approved]),
        ({"user_id": COLLEAGUE}, [created]),
        ({"user_id": APPROVER}, []),
        ({"account_id_": PARTNER}, [approved]),
        ({"account_id_": CLIENT}, [created, approved]),
        ({"account_id_": "client-unknown"}, []),
        ({"actor_id": APPROVER, "user_id": COLLEAGUE}, []),
    ):
        answer = call(
            AUDIT_LOG, APPROVER, account_id=CLIENT, query={name.rstrip("_"): text for name, text in query.items()}
        )
        assert ids(answer) == expected, query


def test_view_audit_log_of_partner_filters_by_client(table: Table) -> None:
    seed(table, the_client(account_id=FLORIST), a_member(account_id=FLORIST))
    store_entry(table, now(), number=1)
    there = store_entry(table, now(), accounts=(FLORIST, PARTNER), number=2)

    answer = call(AUDIT_LOG, MANAGER, account_id=PARTNER, query={"account_id": FLORIST})

    assert ids(answer) == [there]
    assert answer.body["names"][FLORIST] == "The Bakery"


# callers


READERS: list[tuple[tuple[Record, ...], str, str]] = [
    ((), APPROVER, CLIENT),
    ((a_member(CLERK, "view_only", added=(VIEW,)),), CLERK, CLIENT),
    ((a_partner_admin(),), EMPLOYEE, CLIENT),
    ((), MANAGER, PARTNER),
    ((a_partner_account_member(COLLEAGUE, added=(CLIENT_ACCESS,)),), COLLEAGUE, PARTNER),
    ((a_partner_account_member(COLLEAGUE, added=(VIEW,)),), COLLEAGUE, PARTNER),
    ((the_partner(program=Program.SUSPENDED),), MANAGER, PARTNER),
]


@pytest.mark.parametrize(("others", "by", "account_id"), READERS)
def test_view_audit_log_by_authorized_caller_returns_all_entries(
    table: Table, others: tuple[Record, ...], by: str, account_id: str
) -> None:
    seed(table, *others)
    entry = store_entry(table, now(), employee_id="user-other")

    found = {each["audit_id"]: each for each in items(view_audit_log(by, account_id=account_id))}

    assert found[entry]["details"] == {"employee_id": "user-other"}


def test_view_audit_log_by_employee_returns_only_own_entries(seeded: Table) -> None:
    by_employee = store_entry(seeded, now() - 3 * SECOND, actor_id=EMPLOYEE, employee_id=COLLEAGUE)
    about_employee = store_entry(seeded, now() - 2 * SECOND, employee_id=EMPLOYEE)
    store_entry(seeded, now() - SECOND, actor_id=MANAGER, employee_id=COLLEAGUE)

    answer = view_audit_log(EMPLOYEE, account_id=PARTNER)

    assert ids(answer) == [about_employee, by_employee]
    assert MANAGER not in answer.body["names"]
    assert ids(view_audit_log(EMPLOYEE, account_id=PARTNER, user_id=COLLEAGUE)) == [by_employee]


NOT_READERS: list[tuple[tuple[Record, ...], str, str, int]] = [
    ((), CLERK, CLIENT, 403),
    ((a_member(CLERK, "view_only", added=(USERS,)),), CLERK, CLIENT, 403),
    ((a_partner_admin(removed=(VIEW,)),), EMPLOYEE, CLIENT, 403),
    ((a_partner_admin(), the_partner(program=Program.SUSPENDED)), EMPLOYEE, CLIENT, 403),
    ((a_partner_admin(), an_employee(active=False)), EMPLOYEE, CLIENT, 403),
    ((an_employee(active=False),), EMPLOYEE, PARTNER, 403),
    ((a_partner_account_member(EMPLOYEE, suspended_by=frozenset({SuspensionReason.CLIENT})),), EMPLOYEE, PARTNER, 403),
    ((a_partner_account_member(EMPLOYEE, active=False),), EMPLOYEE, PARTNER, 404),
    ((), MANAGER, CLIENT, 404),
    ((), APPROVER, PARTNER, 404),
    ((), "user-nobody", CLIENT, 404),
    ((), APPROVER, "nowhere", 404),
]


@pytest.mark.parametrize(("others", "by", "account_id", "status"), NOT_READERS)
def test_view_audit_log_by_unauthorized_caller_is_refused(
    table: Table, others: tuple[Record, ...], by: str, account_id: str, status: int
) -> None:
    seed(table, *others)
    store_entry(table, now(), actor_id=EMPLOYEE, employee_id=EMPLOYEE)

    assert_error(
        table, lambda: view_audit_log(by, account_id=account_id), status, "forbidden" if status == 403 else "not_found"
    )


def test_view_audit_log_by_vendor_returns_entries_without_details(seeded: Table) -> None:
    store_entry(seeded, now(), employee_id=EMPLOYEE)

    for account_id in (CLIENT, PARTNER):
        answer = view_audit_log(VENDOR, account_id=account_id)
        (entry,) = items(answer)
        assert set(entry) == {"audit_id", "at", "event", "actor_id", "accounts"}
        assert EMPLOYEE not in answer.text
    assert_error(seeded, lambda: view_audit_log(VENDOR, user_id=EMPLOYEE), 403, "forbidden")
    assert_error(seeded, lambda: view_audit_log(VENDOR, account_id="nowhere"), 404, "not_found")
    (row,) = csv.DictReader(StringIO(view_audit_log(VENDOR, accept="text/csv").text))
    assert row["details"] == ""


# pages


def a_thousand(table: Table) -> list[str]:
    """Store a thousand entries, one second apart, and return their ids, newest first."""
    start = now() - timedelta(hours=1)
    made = [
        store_entry(
            table, start + number * SECOND, actor_id=(APPROVER, CLERK)[number % 2], accounts=(CLIENT,), number=number
        )
        for number in range(1000)
    ]
    return made[::-1]


@pytest.mark.parametrize(("limit", "query"), [("100", {}), ("70", {"actor_id": CLERK})])
def test_view_audit_log_pages_contain_each_of_thousand_entries_once(
    seeded: Table, limit: str, query: dict[str, str]
) -> None:
    expected = [each for number, each in enumerate(a_thousand(seeded)) if not query or number % 2 == 0]
    seen: list[str] = []
    more: dict[str, str] = {}

    while True:
        with count_costs(seeded) as costs:
            answer = call(AUDIT_LOG, APPROVER, account_id=CLIENT, query={"limit": limit, **query, **more})
        assert costs.requests <= 3
        seen += ids(answer)
        if not answer.body["next_cursor"]:
            break
        more = {"cursor": answer.body["next_cursor"]}

    assert seen == expected


def test_view_audit_log_pages_ignore_entries_added_in_between(seeded: Table) -> None:
    made = [store_entry(seeded, now() - (9 - number) * SECOND) for number in range(4)]
    first = view_audit_log(limit="2")
    store_entry(seeded, now())

    assert ids(view_audit_log(cursor=first.body["next_cursor"])) == [made[1], made[0]]


def test_view_audit_log_page_can_be_empty_before_last_page(seeded: Table) -> None:
    wanted = store_entry(seeded, now() - 9 * SECOND, "link.declined")
    for number in range(2):
        store_entry(seeded, now() - SECOND, number=number)

    first = view_audit_log(event="link.declined", limit="2")

    assert ids(first) == []
    assert ids(view_audit_log(event="link.declined", limit="2", cursor=first.body["next_cursor"])) == [wanted]


def test_view_audit_log_cursor_is_valid_for_one_caller_account_and_filter(table: Table) -> None:
    seed(
        table,
        a_member(CLERK, "view_only", added=(VIEW,)),
        the_client(account_id=FLORIST),
        a_member(account_id=FLORIST),
    )
    for number in range(3):
        store_entry(table, now() - SECOND, number=number)
    since = to_rfc3339(now() - DAY)
    cursor = view_audit_log(limit="1", from_=since).body["next_cursor"]

    assert_error(table, lambda: view_audit_log(CLERK, from_=since, cursor=cursor), 400, "invalid_cursor")
    assert_error(table, lambda: view_audit_log(account_id=FLORIST, from_=since, cursor=cursor), 400, "invalid_cursor")
    for other in (
        {},
        {"from": to_rfc3339(now() - 2 * DAY)},
        {"from": since, "to": to_rfc3339(now())},
        {"from": since, "event": "link.approved"},
        {"from": since, "actor_id": APPROVER},
        {"from": since, "user_id": EMPLOYEE},
        {"from": since, "account_id": CLIENT},
    ):
        send_request = partial(call, AUDIT_LOG, APPROVER, account_id=CLIENT, query={**other, "cursor": cursor})
        assert_error(table, send_request, 400, "invalid_cursor")
    assert len(ids(view_audit_log(limit="9", from_=since, cursor=cursor))) == 2


def test_view_audit_log_range_of_ninety_days_is_tolerated_for_one_more_day(seeded: Table) -> None:
    for number in range(2):
        store_entry(seeded, now() - DAY, number=number)
    since = to_rfc3339(now() - 90 * DAY)
    first = view_audit_log(from_=since, limit="1")

    assert len(ids(view_audit_log(from_=since, cursor=first.body["next_cursor"]))) == 1
    assert view_audit_log(from_=to_rfc3339(now() - 90 * DAY - timedelta(hours=23))).status == 200


def test_view_audit_log_page_costs_three_or_four_requests(table: Table) -> None:
    seed(table, a_partner_admin())
    for number in range(30):
        store_entry(table, now() - SECOND, number=number, employee_id=EMPLOYEE)

    for by, account_id, requests in (
        (APPROVER, CLIENT, 3),
        (EMPLOYEE, CLIENT, 4),
        (MANAGER, PARTNER, 3),
        (VENDOR, CLIENT, 3),
    ):
        with count_costs(table) as costs:
            assert len(ids(view_audit_log(by, account_id=account_id))) == 25
        assert (costs.requests, costs.writes) == (requests, 0)


# CSV


def rows(answer: ApiResponse) -> list[list[str]]:
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("\ufeffaudit_id,"), "Excel needs the byte order mark to recognize UTF-8"
    return list(csv.reader(StringIO(answer.text.removeprefix("\ufeff"), newline="")))


def test_view_audit_log_as_csv_returns_same_page(seeded: Table) -> None:
    at = now()
    audit_id = store_entry(seeded, at, employee_id=EMPLOYEE, given={"access_days": 60})

    answer = view_audit_log(accept="text/csv")

    assert answer.text.endswith("\r\n")
    header, row = rows(answer)
    assert header == [
        "audit_id", "at", "event", "actor_id", "actor_name", "user_ids", "user_names", "accounts", "details",
    ]  # fmt: skip
    assert row[:5] == [audit_id, to_rfc3339(at), "link.approved", APPROVER, "Approver"]
    assert row[5:-1] == [EMPLOYEE, "Employee", f"{CLIENT} {PARTNER}"]
    assert json.loads(row[-1]) == {"employee_id": EMPLOYEE, "given": {"access_days": 60}}
    assert "link" not in answer.headers


def test_view_audit_log_as_csv_without_entries_returns_header(seeded: Table) -> None:
    assert len(rows(view_audit_log(accept="text/csv"))) == 1


def test_view_audit_log_as_csv_without_name_returns_empty_cell(seeded: Table) -> None:
    store_entry(seeded, now(), actor_id="schedule")

    assert rows(view_audit_log(accept="text/csv"))[1][3:7] == ["schedule", "", "", ""]


def test_view_audit_log_as_csv_about_several_users_names_each(seeded: Table) -> None:
    store_entry(seeded, now(), user_id=CLERK, employee_id=EMPLOYEE)
    store_entry(seeded, now() - SECOND, user_id="user-unknown")

    several, unknown = rows(view_audit_log(accept="text/csv"))[1:]

    assert several[5:7] == [f"{CLERK} {EMPLOYEE}", "Clerk, Employee"]
    assert unknown[5:7] == ["user-unknown", ""]


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\u3000＝"])
def test_view_audit_log_as_csv_escapes_formulas(table: Table, begins: str) -> None:
    name = f'{begins}HYPERLINK("https://evil.example","Click")'
    seed(table, a_user(CLERK, name=name))
    store_entry(table, now(), actor_id=CLERK)

    assert rows(view_audit_log(accept="text/csv"))[1][4] == f"'{name}"


@pytest.mark.parametrize("name", ['A "quoted" name', "Last, First", "Line\nbreak", "Ünïcode 日本", "a=b", "'=a"])
def test_view_audit_log_as_csv_keeps_harmless_cells(table: Table, name: str) -> None:
    seed(table, a_user(CLERK, name=name))
    store_entry(table, now(), actor_id=CLERK, note=name)

    row = rows(view_audit_log(accept="text/csv"))[1]

    assert row[4] == name
    assert json.loads(row[8]) == {"note": name}
    assert name.isascii() or name in row[8]


def test_view_audit_log_as_csv_links_next_page(seeded: Table) -> None:
    made = [store_entry(seeded, now() - (9 - number) * SECOND, actor_id=CLERK) for number in range(3)]
    query = {"limit": "2", "from": "2026-01-01T00:00:00+09:00", "to": "2026-01-02T00:00:00Z"}
    query |= {"from": to_rfc3339(now() - DAY), "to": (now() + DAY).isoformat(), "actor_id": CLERK}

    first = call(AUDIT_LOG, APPROVER, account_id=CLIENT, query=query, headers=CSV)

    found = re.fullmatch(r'<\?(\S+)>; rel="next"', first.headers["link"])
    assert found
    next_query = dict(parse_qsl(found[1]))
    assert set(next_query) == {*query, "cursor"}
    second = call(AUDIT_LOG, APPROVER, account_id=CLIENT, query=next_query, headers=CSV)
    assert [row[0] for row in (*rows(first)[1:], *rows(second)[1:])] == made[::-1]
    assert "link" not in second.headers


@pytest.mark.parametrize(("accept", "kind"), [
    ("text/csv", "text/csv; charset=utf-8"),
    ("Text/CSV; q=1.0, */*", "text/csv; charset=utf-8"),
    ("application/json", "application/json"),
    ("text/html", "application/json"),
    ("*/*", "application/json"),
    (None, "application/json"),
])  # fmt: skip
def test_view_audit_log_selects_format_from_accept_header(seeded: Table, accept: str | None, kind: str) -> None:
    assert view_audit_log(accept=accept).headers["content-type"] == kind


def test_view_audit_log_as_csv_when_refused_returns_problem_json(seeded: Table) -> None:
    answer = assert_error(seeded, lambda: view_audit_log(CLERK, accept="text/csv"), 403, "forbidden")

    assert answer.headers["content-type"] == "application/problem+json"
