"""Tests of offboarding an employee: authorization, the access that one write voids, and the receipt."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from partner_access.domain.memberships.members import Seat
from partner_access.domain.records import Record
from partner_access.store import dynamo, keys
from tests.support import faults, link_requests
from tests.support.background_functions import run_reconcile_access
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import (
    assert_error,
    assert_replayed,
    assert_unchanged,
    idempotency_header,
    send_during_change,
)
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, seed
from tests.support.table import Item, Table

SOUTH = "partner-south"
ROUTE = "DELETE /partners/{partner_id}/employees/{user_id}/access"


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def offboard(
    by: str = MANAGER, *, user_id: str = EMPLOYEE, partner_id: str = PARTNER, key: str | None = None, **query: str
) -> ApiResponse:
    return call(ROUTE, by, partner_id=partner_id, user_id=user_id, headers=idempotency_header(key), query=query)


def client_id(number: int) -> str:
    return f"client-{number:03}"


def clients(how_many: int, **changes: Any) -> list[Record]:
    """Return records of clients in which the employee is partner admin."""
    return [
        record
        for number in range(how_many)
        for record in (
            the_client(account_id=client_id(number), name=f"Client {number}"),
            a_member(APPROVER, account_id=client_id(number)),
            a_partner_admin(
                account_id=client_id(number), **{"grant": a_grant(grant_id=f"grt_{number:032x}"), **changes}
            ),
        )
    ]


def receipt_rows(response: ApiResponse) -> list[tuple[str, str, str | None]]:
    assert response.status == 200, response
    return [(item["account_id"], item["outcome"], item.get("reason")) for item in response.body["items"]]


def member(table: Table, account_id: str = CLIENT, user_id: str = EMPLOYEE) -> Item:
    found = table.get(keys.member(account_id, user_id))
    assert found
    return found


def partner_seats_used(table: Table, account_id: str = CLIENT) -> int:
    found = table.get(keys.account(account_id))
    assert found
    return int(found["partner_seats_used"])


def entries(table: Table, account_id: str = CLIENT) -> list[str]:
    return [item["event"] for item in table.items_with_prefix(f"AUDIT#{account_id}") if item["event"] != "grant.given"]


def queued_emails(table: Table) -> list[tuple[str, str, str | None]]:
    found = [item["notification"] for item in table.items_with_prefix("OUTBOX#")]
    return sorted((each["account_id"], each["kind"], each.get("cause")) for each in found)


def pending_jobs(table: Table) -> list[Item]:
    return table.items_with_prefix("RECONCILIATION#")


def accounts_of(by: str = EMPLOYEE) -> list[str]:
    return [each["account_id"] for each in call("GET /accounts", by).body["items"]]


# effects


def test_offboard_employee_ends_grant_frees_seat_and_writes_audit_logs(table: Table, check_invariants: None) -> None:
    # domain.md rule 26
    seed(table, a_partner_admin())

    response = offboard()

    assert receipt_rows(response) == [(CLIENT, "ended", None)]
    assert response.body["items"][0]["name"] == "The Bakery"
    assert response.body["next_cursor"] is None
    ended = member(table)
    assert (ended["active"], "grant" in ended, ended["partner_id"], ended["version"]) == (False, False, PARTNER, 2)
    assert partner_seats_used(table) == 0
    assert table.get(keys.account_of(EMPLOYEE, CLIENT))
    assert entries(table, PARTNER) == ["employee.offboarded"]
    (entry,) = [item for item in table.items_with_prefix(f"AUDIT#{CLIENT}") if item["event"] == "access.ended"]
    assert entry["actor_id"] == MANAGER
    assert entry["details"] == {"user_id": EMPLOYEE, "partner_id": PARTNER, "grant_id": a_grant().grant_id}
    (queued_item,) = table.items_with_prefix("OUTBOX#")
    assert queued_item["notification"]["kind"] == "member_retained"
    assert (queued_item["notification"]["partner_id"], queued_item["notification"]["employee_id"]) == (
        PARTNER,
        EMPLOYEE,
    )
    assert accounts_of() == [PARTNER]


def test_offboard_employee_retains_memberships_given_by_client(table: Table, check_invariants: None) -> None:
    # domain.md rule 21
    seed(
        table,
        *(the_client(account_id=each, name=each) for each in ("client-1", "client-2", "client-3", "client-4")),
        *(a_member(APPROVER, account_id=each) for each in ("client-1", "client-2", "client-3", "client-4")),
        a_member(EMPLOYEE, "view_only", account_id="client-1", partner_id=PARTNER, seat=Seat.VIEW_ONLY),
        a_member(EMPLOYEE, account_id="client-2"),
        a_member(EMPLOYEE, "sales", account_id="client-3"),
        a_member(EMPLOYEE, "sales", account_id="client-4", active=False),
    )

    assert receipt_rows(offboard()) == [
        ("client-1", "ended", None),
        ("client-2", "retained", "retained_super_admin"),
        ("client-3", "retained", "retained_member"),
    ]
    emails = [
        ("client-1", "member_retained", None),
        ("client-2", "member_retained", "retained_super_admin"),
        ("client-3", "member_retained", "retained_member"),
    ]
    assert queued_emails(table) == emails
    assert accounts_of() == ["client-2", "client-3", PARTNER]
    assert [entries(table, each) for each in ("client-1", "client-2", "client-3", "client-4")] == [
        ["access.ended"],
        ["member.retained"],
        ["member.retained"],
        [],
    ]

    run_reconcile_access()
    run_reconcile_access()

    assert queued_emails(table) == emails
    assert pending_jobs(table) == []


def test_offboard_employee_ends_membership_of_before_the_grant_and_names_its_set(
    table: Table, check_invariants: None
) -> None:
    # domain.md rule 10
    grant = a_grant(grant_id=f"grt_{'8' * 32}", former_set="sales")
    seed(table, *clients(1), a_partner_admin(grant=grant))

    assert receipt_rows(offboard()) == [(client_id(0), "ended", None), (CLIENT, "ended", None)]

    assert not member(table)["active"]
    assert not member(table, client_id(0))["active"]
    assert queued_emails(table) == [(client_id(0), "member_retained", None), (CLIENT, "member_retained", None)]
    notifications = [item["notification"] for item in table.items_with_prefix("OUTBOX#")]
    assert {each["account_id"]: each.get("former_set") for each in notifications} == {
        client_id(0): None,
        CLIENT: "sales",
    }


def test_offboard_employee_of_two_partners_keeps_access_for_other(table: Table, check_invariants: None) -> None:
    """Ending access for one partner never affects access for another (domain.md, rule 14)."""
    south = the_partner(account_id=SOUTH, name="South", domains=("north.example",))
    grant = a_grant(grant_id=f"grt_{'9' * 32}", partner_id=SOUTH)
    seed(
        table,
        south,
        a_partner_account_member(EMPLOYEE, account_id=SOUTH),
        a_partner_admin(),
        the_client(account_id="client-2", name="Second"),
        a_member(APPROVER, account_id="client-2"),
        a_partner_admin(account_id="client-2", partner_id=SOUTH, grant=grant),
        an_open_link(partner_id=SOUTH, link_id=f"lnk_{'5' * 32}"),
    )

    assert receipt_rows(offboard(dry_run="true")) == [(CLIENT, "pending", None)]
    assert receipt_rows(offboard()) == [(CLIENT, "ended", None)]
    run_reconcile_access()

    assert member(table, "client-2")["grant"]["grant_id"] == grant.grant_id
    assert accounts_of() == ["client-2", PARTNER, SOUTH]
    assert queued_emails(table) == [(CLIENT, "member_retained", None)]
    link = table.get(keys.link(SOUTH, f"lnk_{'5' * 32}"))
    assert link
    assert link["stored_state"] == "open"


def test_offboard_former_employee_twice_ends_access_once(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_admin(), a_partner_account_member(EMPLOYEE, active=False))

    assert receipt_rows(offboard()) == [(CLIENT, "ended", None)]
    assert receipt_rows(offboard()) == []
    assert len(pending_jobs(table)) == 2
    run_reconcile_access()
    assert pending_jobs(table) == []
    assert entries(table) == ["access.ended"]


# authorization and queries


@pytest.mark.parametrize(
    ("by", "user_id", "status"),
    [
        (MANAGER, EMPLOYEE, 200),
        (EMPLOYEE, EMPLOYEE, 200),
        (MANAGER, MANAGER, 200),
        ("user-access", EMPLOYEE, 200),
        (COLLEAGUE, EMPLOYEE, 403),
        (EMPLOYEE, MANAGER, 403),
        (EMPLOYEE, "user-unknown", 403),
        (APPROVER, EMPLOYEE, 404),
        (APPROVER, APPROVER, 404),
        ("user-unknown", EMPLOYEE, 404),
        ("user-former", "user-former", 404),
        ("user-barred", "user-barred", 403),
        (MANAGER, "user-unknown", 404),
        (MANAGER, APPROVER, 404),
        (MANAGER, "user-former", 200),
    ],
)
@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_offboard_employee_by_each_role_returns_expected_status(
    table: Table, check_invariants: None, by: str, user_id: str, status: int, dry_run: str
) -> None:
    seed(
        table,
        an_employee("user-access"),
        a_partner_account_member("user-access", added=("partner.client_access.manage",)),
        a_user("user-former"),
        a_partner_account_member("user-former", active=False),
        an_employee("user-barred", active=False),
        a_partner_account_member("user-barred", "super_admin"),
    )
    before = table.items()

    assert offboard(by, user_id=user_id, dry_run=dry_run).status == status
    assert (table.items() == before) is (status >= 400 or dry_run == "true")


@pytest.mark.parametrize("partner_id", ["partner-unknown", CLIENT])
def test_offboard_employee_of_unknown_partner_or_client_returns_404(seeded: Table, partner_id: str) -> None:
    assert_error(seeded, lambda: offboard(APPROVER, partner_id=partner_id), 404, "not_found")


@pytest.mark.parametrize("query", [{"dry_run": "yes"}, {"limit": "0"}, {"all": "true"}])
def test_offboard_employee_with_invalid_query_is_refused(seeded: Table, query: dict[str, str]) -> None:
    assert_error(seeded, lambda: offboard(**query), 400, "invalid_query")


# dry runs


def test_offboard_employee_dry_run_lists_effects_and_changes_nothing(table: Table, check_invariants: None) -> None:
    seed(table, *clients(1), a_member(EMPLOYEE))

    with assert_unchanged(table):
        response = offboard(dry_run="true", key="a-key")

    assert receipt_rows(response) == [(client_id(0), "pending", None), (CLIENT, "retained", "retained_super_admin")]


def test_offboard_employee_dry_run_lists_rest_of_pending_reconciliation(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2))
    offboard(limit="1")

    assert receipt_rows(offboard(dry_run="true")) == [(client_id(1), "pending", None)]


# pages of the receipt


def test_offboard_employee_receipt_over_many_pages_ends_access_once(table: Table, check_invariants: None) -> None:
    seed(table, *clients(104), *(the_client(account_id=f"zoo-{each}", name="Zoo") for each in range(2)),
            a_member(EMPLOYEE, account_id="zoo-0"), a_member(EMPLOYEE, "sales", account_id="zoo-1"))  # fmt: skip

    first = offboard(limit="100")
    assert [outcome for _, outcome, _ in receipt_rows(first)] == ["ended"] * 100
    second = offboard(limit="3", cursor=first.body["next_cursor"])
    assert [outcome for _, outcome, _ in receipt_rows(second)] == ["ended"] * 3
    run_reconcile_access()
    third = offboard(limit="100", cursor=second.body["next_cursor"])

    assert receipt_rows(third) == [
        (client_id(103), "ended", None),
        ("zoo-0", "retained", "retained_super_admin"),
        ("zoo-1", "retained", "retained_member"),
    ]
    assert third.body["next_cursor"] is None
    assert entries(table, PARTNER).count("employee.offboarded") == 1
    assert len(queued_emails(table)) == 106
    user = table.get(keys.user(EMPLOYEE))
    assert user
    assert user["offboardings"] == {PARTNER: 1}
    assert pending_jobs(table) == []


def test_offboard_employee_dry_run_returns_pages(table: Table, check_invariants: None) -> None:
    seed(table, *clients(3))

    with assert_unchanged(table):
        first = offboard(dry_run="true", limit="2")
        second = offboard(dry_run="true", limit="2", cursor=first.body["next_cursor"])

    assert receipt_rows(first) + receipt_rows(second) == [(client_id(number), "pending", None) for number in range(3)]


def test_offboard_employee_with_cursor_of_other_request_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2), a_partner_account_member(COLLEAGUE, "super_admin"))
    dry, real = offboard(dry_run="true", limit="1").body["next_cursor"], offboard(limit="1").body["next_cursor"]

    assert_error(table, lambda: offboard(cursor=dry), 400, "invalid_cursor")
    assert_error(table, lambda: offboard(cursor=real, dry_run="true"), 400, "invalid_cursor")
    assert_error(table, lambda: offboard(COLLEAGUE, cursor=real), 400, "invalid_cursor")
    assert_error(table, lambda: offboard(cursor=real, user_id=COLLEAGUE), 400, "invalid_cursor")


def test_offboard_employee_receipt_ignores_grant_given_later(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2))
    first = offboard(limit="1")
    run_reconcile_access()
    assert approve_new_link(client_id(1)).status == 201

    assert receipt_rows(offboard(cursor=first.body["next_cursor"])) == [(client_id(1), "ended", None)]
    assert member(table, client_id(1))["access_generation"] == 1
    assert accounts_of() == [client_id(1), PARTNER]


def approve_new_link(account_id: str = CLIENT) -> ApiResponse:
    made = link_requests.create(employee_id=EMPLOYEE)
    assert made.status == 201, made
    return link_requests.approve(secret=link_requests.secret_of(made), account_id=account_id)


# idempotency keys, faults and conflicts


def test_offboard_employee_with_same_key_replays(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2))

    assert_replayed(table, lambda key: offboard(key=key))


def test_offboard_employee_next_page_with_same_key_replays(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2))
    cursor = offboard(limit="1", key="first").body["next_cursor"]

    assert_replayed(table, lambda key: offboard(limit="1", cursor=cursor, key=key))
    assert_error(table, lambda: offboard(key="first"), 422, "idempotency_key_reused")


def test_offboard_self_with_same_key_replays(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_admin())

    assert_replayed(table, lambda key: offboard(EMPLOYEE, key=key))


@pytest.mark.parametrize("kills", [faults.killed_before, faults.killed_after], ids=["before", "after"])
@pytest.mark.parametrize("key", ["a-key", None])
def test_offboard_employee_killed_at_any_request_is_finished_by_reconciliation(
    table: Table, check_invariants: None, kills: faults.Fault, key: str | None
) -> None:
    for position in range(14):
        table.clear()
        seed(table, *clients(2))
        with suppress(faults.Killed), faults.inject(dynamo.client(), "", *[faults.succeeds] * position, kills):
            offboard(key=key)
        begun = bool(pending_jobs(table))
        assert begun is bool(entries(table, PARTNER))
        if begun:
            assert accounts_of() == [PARTNER]
        again = offboard(key=key)
        assert again.status == 200
        assert again.replayed is (begun and key is not None)
        assert {outcome for _, outcome, _ in receipt_rows(again)} <= {"ended", "pending"}
        run_reconcile_access()
        assert pending_jobs(table) == []
        assert [entries(table, client_id(number)) for number in range(2)] == [["access.ended"]] * 2
        assert len(queued_emails(table)) == 2


@pytest.mark.parametrize("key", ["a-key", None])
def test_offboard_employee_with_conflicts_after_write_reports_pending(
    table: Table, check_invariants: None, key: str | None
) -> None:
    seed(table, *clients(2))

    with faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, last_fault=faults.WRITE_CONFLICT):
        response = offboard(key=key)

    assert receipt_rows(response) == [(client_id(number), "pending", None) for number in range(2)]
    assert accounts_of() == [PARTNER]
    assert partner_seats_used(table, client_id(0)) == 1
    if key:
        assert offboard(key=key).body == response.body
    run_reconcile_access()
    assert partner_seats_used(table, client_id(0)) == 0
    assert len(queued_emails(table)) == 2


def test_offboard_employee_with_failing_reads_after_write_reports_pending(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2))
    reads = 0

    def busy_after_the_write(request_body: Any, send: faults.Send) -> Any:
        nonlocal reads
        reads += 1
        return send() if not pending_jobs(table) else faults.aws_error("ThrottlingException")(request_body, send)

    with faults.inject(dynamo.client(), "Query", last_fault=busy_after_the_write):
        response = offboard()

    assert reads > 1
    assert receipt_rows(response) == [(client_id(number), "pending", None) for number in range(2)]


def test_offboard_employee_row_changed_before_commit_reports_pending(table: Table, check_invariants: None) -> None:
    seed(table, *clients(1))
    responses: list[ApiResponse] = []

    def second() -> None:
        if pending_jobs(table) and not responses:
            responses.append(offboard())

    with before_commit(second, times=2):
        response = offboard()

    assert receipt_rows(responses[0]) == [(client_id(0), "ended", None)]
    assert receipt_rows(response) == [(client_id(0), "pending", None)]
    assert entries(table, client_id(0)) == ["access.ended"]


# effect right after the write, and cost


DENIED_REQUESTS: dict[str, tuple[Callable[[], ApiResponse], int]] = {
    "permission sets": (lambda: call("GET /accounts/{account_id}/permission-sets", EMPLOYEE, account_id=CLIENT), 404),
    "users": (lambda: call("GET /accounts/{account_id}/users", EMPLOYEE, account_id=CLIENT), 404),
    "creating": (
        lambda: call(
            "POST /accounts/{account_id}/users",
            EMPLOYEE,
            {"email": f"{COLLEAGUE}@north.example", "permission_set": "view_only"},
            account_id=CLIENT,
        ),
        404,
    ),
    "approving": (partial(link_requests.approve, EMPLOYEE), 410),
}


@pytest.mark.parametrize(("send_request", "status"), DENIED_REQUESTS.values(), ids=DENIED_REQUESTS)
def test_offboard_employee_denies_requests_right_after_write(
    table: Table, check_invariants: None, send_request: Callable[[], ApiResponse], status: int
) -> None:
    # domain.md rule 21
    seed(table, a_partner_admin())
    assert send_request().status != status
    seed(table, a_partner_admin())
    with faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, last_fault=faults.WRITE_CONFLICT):
        offboard()

    assert member(table)["active"]
    assert send_request().status == status


@pytest.mark.parametrize("how_many", [3, 200])
def test_offboard_employee_write_cost_is_independent_of_clients(table: Table, how_many: int) -> None:
    seed(table, *clients(how_many))

    crowded = faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, last_fault=faults.WRITE_CONFLICT)
    with crowded as attempts, count_costs(table) as costs:
        offboard(limit="1", key="a-key")

    ((action, line),) = attempts[0]["TransactItems"][3].items()
    assert (action, line["Key"]["pk"]["S"]) == ("Update", f"USER#{EMPLOYEE}")
    assert len(attempts[0]["TransactItems"]) == 6
    assert costs.reads == 5
    assert client_id(0) not in accounts_of()


def test_offboard_employee_receipt_cost_is_proportional_to_page(table: Table, check_invariants: None) -> None:
    seed(table, *clients(60))
    spent = {}

    for limit in ("1", "20"):
        seed(table, *clients(60))
        with count_costs(table) as costs:
            offboard(limit=limit)
        spent[limit] = costs.reads, costs.writes, costs.units
    reads, writes, units = spent["1"]
    assert (reads, writes) == (5, 2)
    assert spent["20"][:2] == (5, 21)
    each = (spent["20"][2] - units) / 19
    assert each <= 14


# links


def test_offboard_employee_revokes_links_of_that_employee_only(table: Table, check_invariants: None) -> None:
    other = f"lnk_{'4' * 32}"
    seed(table, an_open_link(link_id=other, employee_id=COLLEAGUE))
    seed(table, an_open_link(link_id=other, employee_id=COLLEAGUE), an_open_link())
    offboard()

    for send_request in (
        link_requests.approve,
        link_requests.decline,
        link_requests.preview,
        partial(link_requests.resend, link_id=LINK),
    ):
        assert_error(table, send_request, 410, "link_revoked")
    states = {each["link_id"]: each["state"] for each in link_requests.list_links().body["items"]}
    assert states == {LINK: "revoked", other: "open"}
    assert [each["link_id"] for each in link_requests.list_links(state="open").body["items"]] == [other]
    assert [each["link_id"] for each in link_requests.list_links(state="revoked").body["items"]] == [LINK]
    assert link_requests.view().body["state"] == "revoked"
    assert link_requests.request_renewal().status == 202
    assert link_requests.revoke().status == 204


def test_offboard_employee_reconciliation_revokes_links_and_corrects_count(
    table: Table, check_invariants: None
) -> None:
    seed(table)
    offboard()
    run_reconcile_access()

    link, user = table.get(keys.link(PARTNER, LINK)), table.get(keys.user(EMPLOYEE))
    assert link
    assert user
    assert (link["stored_state"], user["open_links"]) == ("revoked", 0)
    assert sorted(entries(table, PARTNER)) == ["employee.offboarded", "link.revoked"]
    assert pending_jobs(table) == []


@pytest.mark.parametrize("reconciliations", [0, 1, 2])
def test_offboard_employee_reconciliation_keeps_grant_of_new_link(
    table: Table, check_invariants: None, reconciliations: int
) -> None:
    # domain.md rule 21
    seed(table, a_partner_admin())
    with faults.inject(dynamo.client(), "TransactWriteItems", faults.succeeds, last_fault=faults.WRITE_CONFLICT):
        offboard()

    assert approve_new_link().status == 201
    for _ in range(reconciliations):
        run_reconcile_access()

    assert (member(table)["active"], member(table)["access_generation"]) == (True, 1)
    assert partner_seats_used(table) == 1
    assert accounts_of() == [CLIENT, PARTNER]
    assert "access.ended" not in entries(table)


# concurrent changes


def test_approve_link_with_offboarding_before_commit_is_refused(seeded: Table) -> None:
    response = send_during_change(seeded, offboard, link_requests.approve)

    assert (response.status, response.code) == (410, "link_revoked")


def test_offboard_employee_with_approval_before_commit_ends_new_grant(seeded: Table) -> None:
    responses: list[ApiResponse] = []

    with before_commit(lambda: responses.append(link_requests.approve())):
        left = offboard()

    assert (responses[0].status, left.status) == (201, 200)
    assert receipt_rows(left) == [(CLIENT, "ended", None)]
    assert accounts_of() == [PARTNER]
    assert partner_seats_used(seeded) == 0


def test_create_link_with_offboarding_before_commit_stays_valid(seeded: Table) -> None:
    made = send_during_change(seeded, offboard, lambda: link_requests.create(employee_id=EMPLOYEE))

    assert made.status == 201
    assert link_requests.approve(secret=link_requests.secret_of(made)).status == 201


def test_offboard_employee_twice_concurrently_ends_access_once(table: Table, check_invariants: None) -> None:
    seed(table, *clients(2))
    other: list[ApiResponse] = []

    with before_commit(lambda: other.append(offboard())):
        mine = offboard()

    assert (mine.status, other[0].status) == (200, 200)
    run_reconcile_access()
    assert [entries(table, client_id(number)) for number in range(2)] == [["access.ended"]] * 2
    assert pending_jobs(table) == []


def test_offboard_employee_by_manager_demoted_before_commit_is_refused(seeded: Table) -> None:
    response = send_during_change(
        seeded, lambda: seeded.change(keys.member(PARTNER, MANAGER), permission_set="view_only", version=2), offboard
    )
    seeded.change(keys.super_admins(PARTNER), user_ids=None)
    seeded.remove(keys.super_admins(PARTNER))

    assert (response.status, response.code) == (403, "forbidden")


# other operations and callers


def test_remove_user_from_partner_ends_client_access_permanently(table: Table, check_invariants: None) -> None:
    # domain.md rule 22
    seed(table, *clients(2))

    response = call(
        "DELETE /accounts/{account_id}/users/{user_id}",
        MANAGER,
        account_id=PARTNER,
        user_id=EMPLOYEE,
        headers={"if-match": '"1"'},
    )

    assert response.status == 200
    assert accounts_of() == []
    assert_error(table, link_requests.approve, 410, "link_revoked")
    run_reconcile_access()
    assert [entries(table, client_id(number)) for number in range(2)] == [["access.ended"]] * 2
    assert {cause for _, kind, cause in queued_emails(table) if kind == "member_retained"} == {None}
    link_requests.put_member(PARTNER, EMPLOYEE, permission_set="view_only", active=True)
    run_reconcile_access()
    assert accounts_of() == [PARTNER]
    assert pending_jobs(table) == []


def test_offboard_employee_by_client_member_returns_404(seeded: Table) -> None:
    assert_error(seeded, partial(offboard, CLERK), 404, "not_found")
