"""All that somebody may do for a partner ends with one write: who may say so, what is gone, and what the receipt says."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from partner_access.domain.memberships.members import Place, Seat
from partner_access.domain.records import Kept
from partner_access.store import dynamo, keys
from tests.support import faults, link_requests
from tests.support.background_functions import clean_up
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
from tests.support.costs import counted
from tests.support.gateway import Answer, call
from tests.support.link_requests import keyed, nothing_changes, overtaken, refused, replays
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, an_open_link, staff
from tests.support.table import Item, Table

SOUTH = "partner-south"
ROUTE = "DELETE /partners/{partner_id}/employees/{user_id}/access"


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def end(
    by: str = MANAGER, *, user_id: str = EMPLOYEE, partner_id: str = PARTNER, key: str | None = None, **query: str
) -> Answer:
    return call(ROUTE, by, partner_id=partner_id, user_id=user_id, headers=keyed(key), query=query)


def client_id(number: int) -> str:
    return f"client-{number:03}"


def clients(how_many: int, **changes: Any) -> list[Kept]:
    """Clients where the employee is partner admin."""
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


def lines(answer: Answer) -> list[tuple[str, str, str | None]]:
    assert answer.status == 200, answer
    return [(item["account_id"], item["outcome"], item.get("reason")) for item in answer.body["items"]]


def member(table: Table, account_id: str = CLIENT, user_id: str = EMPLOYEE) -> Item:
    found = table.get(keys.member(account_id, user_id))
    assert found
    return found


def partner_seats_used(table: Table, account_id: str = CLIENT) -> int:
    found = table.get(keys.account(account_id))
    assert found
    return int(found["partner_seats_used"])


def entries(table: Table, account_id: str = CLIENT) -> list[str]:
    return [item["event"] for item in table.under(f"AUDIT#{account_id}") if item["event"] != "grant.given"]


def letters(table: Table) -> list[tuple[str, str, str | None]]:
    found = [item["notification"] for item in table.under("OUTBOX#")]
    return sorted((each["account_id"], each["kind"], each.get("cause")) for each in found)


def waiting(table: Table) -> list[Item]:
    return table.under("RECONCILIATION#")


def accounts_of(by: str = EMPLOYEE) -> list[str]:
    return [each["account_id"] for each in call("GET /accounts", by).body["items"]]


# what ends


def test_a_grant_ends_its_seat_is_free_and_both_sides_trails_tell_of_it(table: Table, sound: None) -> None:
    a_world(table, a_partner_admin())

    answer = end()

    assert lines(answer) == [(CLIENT, "ended", None)]
    assert answer.body["items"][0]["name"] == "The Bakery"
    assert answer.body["next_cursor"] is None
    ended = member(table)
    assert (ended["active"], "grant" in ended, "partner_id" in ended, ended["version"]) == (False, False, False, 2)
    assert partner_seats_used(table) == 0
    assert table.get(keys.account_of(EMPLOYEE, CLIENT))
    assert entries(table, PARTNER) == ["employee.offboarded"]
    (entry,) = [item for item in table.under(f"AUDIT#{CLIENT}") if item["event"] == "access.ended"]
    assert entry["actor_id"] == MANAGER
    assert entry["details"] == {"user_id": EMPLOYEE, "partner_id": PARTNER, "grant_id": a_grant().grant_id}
    (letter,) = table.under("OUTBOX#")
    assert letter["notification"]["kind"] == "member_retained"
    assert (letter["notification"]["partner_id"], letter["notification"]["employee_id"]) == (PARTNER, EMPLOYEE)
    assert accounts_of() == [PARTNER]


def test_whom_the_firm_added_goes_and_whom_the_client_made_stays_and_each_client_hears_it_once(
    table: Table, sound: None
) -> None:
    a_world(
        table,
        *(the_client(account_id=each, name=each) for each in ("client-1", "client-2", "client-3", "client-4")),
        *(a_member(APPROVER, account_id=each) for each in ("client-1", "client-2", "client-3", "client-4")),
        a_member(EMPLOYEE, "view_only", account_id="client-1", partner_id=PARTNER, seat=Seat.VIEW_ONLY),
        a_member(EMPLOYEE, account_id="client-2"),
        a_member(EMPLOYEE, "sales", account_id="client-3"),
        a_member(EMPLOYEE, "sales", account_id="client-4", active=False),
    )

    assert lines(end()) == [
        ("client-1", "ended", None),
        ("client-2", "retained", "retained_super_admin"),
        ("client-3", "retained", "retained_member"),
    ]
    told = [
        ("client-1", "member_retained", None),
        ("client-2", "member_retained", "retained_super_admin"),
        ("client-3", "member_retained", "retained_member"),
    ]
    assert letters(table) == told
    assert accounts_of() == ["client-2", "client-3", PARTNER]
    assert [entries(table, each) for each in ("client-1", "client-2", "client-3", "client-4")] == [
        ["access.ended"],
        ["member.retained"],
        ["member.retained"],
        [],
    ]

    clean_up()
    clean_up()

    assert letters(table) == told
    assert waiting(table) == []


PREVIOUS: dict[str, Any] = {"permission_set": "sales", "set_version": 1, "seat": Seat.CORE}


def test_what_he_was_before_the_grant_comes_back_unless_that_was_the_firms_as_well(table: Table, sound: None) -> None:
    a_world(
        table,
        *clients(1, previous=Place(**PREVIOUS)),
        a_partner_admin(previous=Place(**PREVIOUS, partner_id=PARTNER)),
    )

    assert lines(end()) == [(client_id(0), "ended", None), (CLIENT, "ended", None)]

    assert not member(table)["active"]
    back = member(table, client_id(0))
    assert (back["active"], back["permission_set"], back["seat"]) == (True, "sales", "core")
    assert letters(table) == [(client_id(0), "member_retained", "retained_member"), (CLIENT, "member_retained", None)]


def test_what_he_has_for_another_firm_stays(table: Table, sound: None) -> None:
    """Rule 14: revoking one never touches the other."""
    south = the_partner(account_id=SOUTH, name="South", domains=("north.example",))
    grant = a_grant(grant_id=f"grt_{'9' * 32}", partner_id=SOUTH)
    a_world(
        table,
        south,
        staff(EMPLOYEE, account_id=SOUTH),
        a_partner_admin(),
        the_client(account_id="client-2", name="Second"),
        a_member(APPROVER, account_id="client-2"),
        a_partner_admin(account_id="client-2", partner_id=SOUTH, grant=grant),
        an_open_link(partner_id=SOUTH, link_id=f"lnk_{'5' * 32}"),
    )

    assert lines(end(dry_run="true")) == [(CLIENT, "pending", None)]
    assert lines(end()) == [(CLIENT, "ended", None)]
    clean_up()

    assert member(table, "client-2")["grant"]["grant_id"] == grant.grant_id
    assert accounts_of() == ["client-2", PARTNER, SOUTH]
    assert letters(table) == [(CLIENT, "member_retained", None)]
    link = table.get(keys.link(SOUTH, f"lnk_{'5' * 32}"))
    assert link
    assert link["stored_state"] == "open"


def test_a_former_employees_access_ends_too_and_twice_is_no_harm(table: Table, sound: None) -> None:
    a_world(table, a_partner_admin(), staff(EMPLOYEE, active=False))

    assert lines(end()) == [(CLIENT, "ended", None)]
    assert lines(end()) == []
    assert len(waiting(table)) == 2
    clean_up()
    assert waiting(table) == []
    assert entries(table) == ["access.ended"]


# who may


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
def test_who_ends_whose_access(table: Table, sound: None, by: str, user_id: str, status: int, dry_run: str) -> None:
    a_world(
        table,
        an_employee("user-access"),
        staff("user-access", added=("partner.client_access.manage",)),
        a_user("user-former"),
        staff("user-former", active=False),
        an_employee("user-barred", active=False),
        staff("user-barred", "super_admin"),
    )
    before = table.items()

    assert end(by, user_id=user_id, dry_run=dry_run).status == status
    assert (table.items() == before) is (status >= 400 or dry_run == "true")


@pytest.mark.parametrize("partner_id", ["partner-unknown", CLIENT])
def test_what_is_no_partner_is_not_there(world: Table, partner_id: str) -> None:
    refused(world, lambda: end(APPROVER, partner_id=partner_id), 404, "not_found")


@pytest.mark.parametrize("query", [{"dry_run": "yes"}, {"limit": "0"}, {"all": "true"}])
def test_a_query_that_makes_no_sense(world: Table, query: dict[str, str]) -> None:
    refused(world, lambda: end(**query), 400, "invalid_query")


# looking first


def test_a_dry_run_shows_what_would_end_and_what_is_kept_and_changes_nothing(table: Table, sound: None) -> None:
    a_world(table, *clients(1, previous=Place(**PREVIOUS)), a_member(EMPLOYEE))

    with nothing_changes(table):
        answer = end(dry_run="true", key="a-key")

    assert lines(answer) == [(client_id(0), "pending", None), (CLIENT, "retained", "retained_super_admin")]


def test_a_dry_run_of_a_leaving_whose_clean_up_waits(table: Table, sound: None) -> None:
    a_world(table, *clients(2))
    end(limit="1")

    assert lines(end(dry_run="true")) == [(client_id(1), "pending", None)]


# page by page


def test_the_receipt_goes_on_over_many_clients_and_ends_nothing_again(table: Table, sound: None) -> None:
    a_world(table, *clients(104), *(the_client(account_id=f"zoo-{each}", name="Zoo") for each in range(2)),
            a_member(EMPLOYEE, account_id="zoo-0"), a_member(EMPLOYEE, "sales", account_id="zoo-1"))  # fmt: skip

    first = end(limit="100")
    assert [outcome for _, outcome, _ in lines(first)] == ["ended"] * 100
    second = end(limit="3", cursor=first.body["next_cursor"])
    assert [outcome for _, outcome, _ in lines(second)] == ["ended"] * 3
    clean_up()
    third = end(limit="100", cursor=second.body["next_cursor"])

    assert lines(third) == [
        (client_id(103), "ended", None),
        ("zoo-0", "retained", "retained_super_admin"),
        ("zoo-1", "retained", "retained_member"),
    ]
    assert third.body["next_cursor"] is None
    assert entries(table, PARTNER).count("employee.offboarded") == 1
    assert len(letters(table)) == 106
    user = table.get(keys.user(EMPLOYEE))
    assert user
    assert user["offboardings"] == {PARTNER: 1}
    assert waiting(table) == []


def test_a_dry_run_has_pages_too(table: Table, sound: None) -> None:
    a_world(table, *clients(3))

    with nothing_changes(table):
        first = end(dry_run="true", limit="2")
        second = end(dry_run="true", limit="2", cursor=first.body["next_cursor"])

    assert lines(first) + lines(second) == [(client_id(number), "pending", None) for number in range(3)]


def test_a_cursor_holds_for_one_caller_person_and_purpose(table: Table, sound: None) -> None:
    a_world(table, *clients(2), staff(COLLEAGUE, "super_admin"))
    dry, real = end(dry_run="true", limit="1").body["next_cursor"], end(limit="1").body["next_cursor"]

    refused(table, lambda: end(cursor=dry), 400, "invalid_cursor")
    refused(table, lambda: end(cursor=real, dry_run="true"), 400, "invalid_cursor")
    refused(table, lambda: end(COLLEAGUE, cursor=real), 400, "invalid_cursor")
    refused(table, lambda: end(cursor=real, user_id=COLLEAGUE), 400, "invalid_cursor")


def test_a_grant_of_later_is_on_no_page_of_the_receipt(table: Table, sound: None) -> None:
    a_world(table, *clients(2))
    first = end(limit="1")
    clean_up()
    assert approve_anew(client_id(1)).status == 201

    assert lines(end(cursor=first.body["next_cursor"])) == [(client_id(1), "ended", None)]
    assert member(table, client_id(1))["access_generation"] == 1
    assert accounts_of() == [client_id(1), PARTNER]


def approve_anew(account_id: str = CLIENT) -> Answer:
    made = link_requests.create(employee_id=EMPLOYEE)
    assert made.status == 201, made
    return link_requests.approve(secret=link_requests.secret_of(made), account_id=account_id)


# once


def test_the_same_key_gets_the_same_receipt_and_ends_nothing_again(table: Table, sound: None) -> None:
    a_world(table, *clients(2))

    replays(table, lambda key: end(key=key))


def test_the_same_key_goes_on_with_the_receipt_once(table: Table, sound: None) -> None:
    a_world(table, *clients(2))
    cursor = end(limit="1", key="first").body["next_cursor"]

    replays(table, lambda key: end(limit="1", cursor=cursor, key=key))
    refused(table, lambda: end(key="first"), 422, "idempotency_key_reused")


def test_he_who_ended_his_own_access_gets_the_same_receipt_again(table: Table, sound: None) -> None:
    a_world(table, a_partner_admin())

    replays(table, lambda key: end(EMPLOYEE, key=key))


@pytest.mark.parametrize("kills", [faults.kills_before, faults.kills_after], ids=["before", "after"])
@pytest.mark.parametrize("key", ["a-key", None])
def test_an_end_that_is_cut_off_anywhere_is_finished_by_the_clean_up(
    table: Table, sound: None, kills: faults.Fault, key: str | None
) -> None:
    for position in range(14):
        table.clear()
        a_world(table, *clients(2))
        with suppress(faults.Killed), faults.at(dynamo.client(), "", *[faults.works] * position, kills):
            end(key=key)
        begun = bool(waiting(table))
        assert begun is bool(entries(table, PARTNER))
        if begun:
            assert accounts_of() == [PARTNER]
        again = end(key=key)
        assert again.status == 200
        assert again.replayed is (begun and key is not None)
        assert {outcome for _, outcome, _ in lines(again)} <= {"ended", "pending"}
        clean_up()
        assert waiting(table) == []
        assert [entries(table, client_id(number)) for number in range(2)] == [["access.ended"]] * 2
        assert len(letters(table)) == 2


@pytest.mark.parametrize("key", ["a-key", None])
def test_where_the_table_is_crowded_afterwards_the_receipt_says_pending_and_access_is_gone(
    table: Table, sound: None, key: str | None
) -> None:
    a_world(table, *clients(2))

    with faults.at(dynamo.client(), "TransactWriteItems", faults.works, then=faults.CONFLICTS):
        answer = end(key=key)

    assert lines(answer) == [(client_id(number), "pending", None) for number in range(2)]
    assert accounts_of() == [PARTNER]
    assert partner_seats_used(table, client_id(0)) == 1
    if key:
        assert end(key=key).body == answer.body
    clean_up()
    assert partner_seats_used(table, client_id(0)) == 0
    assert len(letters(table)) == 2


def test_where_nothing_can_be_read_afterwards_the_receipt_is_the_promise(table: Table, sound: None) -> None:
    a_world(table, *clients(2))
    reads = 0

    def busy_after_the_write(request: Any, send: faults.Send) -> Any:
        nonlocal reads
        reads += 1
        return send() if not waiting(table) else faults.says("ThrottlingException")(request, send)

    with faults.at(dynamo.client(), "Query", then=busy_after_the_write):
        answer = end()

    assert reads > 1
    assert lines(answer) == [(client_id(number), "pending", None) for number in range(2)]


def test_a_line_that_is_overtaken_is_pending(table: Table, sound: None) -> None:
    a_world(table, *clients(1))
    told: list[Answer] = []

    def second() -> None:
        if waiting(table) and not told:
            told.append(end())

    with before_commit(second, times=2):
        answer = end()

    assert lines(told[0]) == [(client_id(0), "ended", None)]
    assert lines(answer) == [(client_id(0), "pending", None)]
    assert entries(table, client_id(0)) == ["access.ended"]


# gone at once


GONE: dict[str, tuple[Callable[[], Answer], int]] = {
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


@pytest.mark.parametrize(("knock", "status"), GONE.values(), ids=GONE)
def test_nothing_can_be_done_right_after_the_write(
    table: Table, sound: None, knock: Callable[[], Answer], status: int
) -> None:
    a_world(table, a_partner_admin())
    assert knock().status != status
    a_world(table, a_partner_admin())
    with faults.at(dynamo.client(), "TransactWriteItems", faults.works, then=faults.CONFLICTS):
        end()

    assert member(table)["active"]
    assert knock().status == status


@pytest.mark.parametrize("how_many", [3, 200])
def test_the_write_costs_the_same_however_many_clients_there_are(table: Table, how_many: int) -> None:
    a_world(table, *clients(how_many))

    crowded = faults.at(dynamo.client(), "TransactWriteItems", faults.works, then=faults.CONFLICTS)
    with crowded as attempts, counted(table) as costs:
        end(limit="1", key="a-key")

    ((action, line),) = attempts[0]["TransactItems"][3].items()
    assert (action, line["Key"]["pk"]["S"]) == ("Update", f"USER#{EMPLOYEE}")
    assert len(attempts[0]["TransactItems"]) == 7
    assert costs.reads == 5
    assert client_id(0) not in accounts_of()


def test_the_receipt_costs_in_proportion_to_the_page(table: Table, sound: None) -> None:
    a_world(table, *clients(60))
    spent = {}

    for limit in ("1", "20"):
        a_world(table, *clients(60))
        with counted(table) as costs:
            end(limit=limit)
        spent[limit] = costs.reads, costs.writes, costs.units
    reads, writes, units = spent["1"]
    assert (reads, writes) == (5, 2)
    assert spent["20"][:2] == (5, 21)
    each = (spent["20"][2] - units) / 19
    assert each <= 14


# links


def test_links_that_name_him_are_dead_at_once_and_no_others(table: Table, sound: None) -> None:
    other = f"lnk_{'4' * 32}"
    a_world(table, an_open_link(link_id=other, employee_id=COLLEAGUE))
    a_world(table, an_open_link(link_id=other, employee_id=COLLEAGUE), an_open_link())
    end()

    for knock in (
        link_requests.approve,
        link_requests.decline,
        link_requests.preview,
        partial(link_requests.resend, link_id=LINK),
    ):
        refused(table, knock, 410, "link_revoked")
    states = {each["link_id"]: each["state"] for each in link_requests.listed().body["items"]}
    assert states == {LINK: "revoked", other: "open"}
    assert [each["link_id"] for each in link_requests.listed(state="open").body["items"]] == [other]
    assert [each["link_id"] for each in link_requests.listed(state="revoked").body["items"]] == [LINK]
    assert link_requests.view().body["state"] == "revoked"
    assert link_requests.renew().status == 202
    assert link_requests.revoke().status == 204


def test_the_clean_up_withdraws_dead_links_and_they_count_no_more(table: Table, sound: None) -> None:
    a_world(table)
    end()
    clean_up()

    link, user = table.get(keys.link(PARTNER, LINK)), table.get(keys.user(EMPLOYEE))
    assert link
    assert user
    assert (link["stored_state"], user["open_links"]) == ("revoked", 0)
    assert sorted(entries(table, PARTNER)) == ["employee.offboarded", "link.revoked"]
    assert waiting(table) == []


@pytest.mark.parametrize("sweeps", [0, 1, 2])
def test_a_new_link_makes_a_new_grant_that_the_old_clean_up_leaves_alone(
    table: Table, sound: None, sweeps: int
) -> None:
    a_world(table, a_partner_admin())
    with faults.at(dynamo.client(), "TransactWriteItems", faults.works, then=faults.CONFLICTS):
        end()

    assert approve_anew().status == 201
    for _ in range(sweeps):
        clean_up()

    assert (member(table)["active"], member(table)["access_generation"]) == (True, 1)
    assert partner_seats_used(table) == 1
    assert accounts_of() == [CLIENT, PARTNER]
    assert "access.ended" not in entries(table)


# races


def test_an_approval_that_comes_too_late_is_refused(world: Table) -> None:
    answer = overtaken(world, end, link_requests.approve)

    assert (answer.status, answer.code) == (410, "link_revoked")


def test_an_approval_that_came_first_is_ended_by_the_leaving(world: Table) -> None:
    answers: list[Answer] = []

    with before_commit(lambda: answers.append(link_requests.approve())):
        left = end()

    assert (answers[0].status, left.status) == (201, 200)
    assert lines(left) == [(CLIENT, "ended", None)]
    assert accounts_of() == [PARTNER]
    assert partner_seats_used(world) == 0


def test_a_link_that_is_made_meanwhile_is_of_the_next_time(world: Table) -> None:
    made = overtaken(world, end, lambda: link_requests.create(employee_id=EMPLOYEE))

    assert made.status == 201
    assert link_requests.approve(secret=link_requests.secret_of(made)).status == 201


def test_two_ends_at_once_end_everything_once(table: Table, sound: None) -> None:
    a_world(table, *clients(2))
    other: list[Answer] = []

    with before_commit(lambda: other.append(end())):
        mine = end()

    assert (mine.status, other[0].status) == (200, 200)
    clean_up()
    assert [entries(table, client_id(number)) for number in range(2)] == [["access.ended"]] * 2
    assert waiting(table) == []


def test_a_manager_who_is_dismissed_meanwhile_ends_nobodys_access(world: Table) -> None:
    answer = overtaken(
        world, lambda: world.change(keys.member(PARTNER, MANAGER), permission_set="view_only", version=2), end
    )
    world.change(keys.super_admins(PARTNER), user_ids=None)
    world.remove(keys.super_admins(PARTNER))

    assert (answer.status, answer.code) == (403, "forbidden")


# by other doors


def test_whoever_is_removed_from_the_firm_is_out_everywhere_for_good(table: Table, sound: None) -> None:
    a_world(table, *clients(2))

    answer = call(
        "DELETE /accounts/{account_id}/users/{user_id}",
        MANAGER,
        account_id=PARTNER,
        user_id=EMPLOYEE,
        headers={"if-match": '"1"'},
    )

    assert answer.status == 204
    assert accounts_of() == []
    refused(table, link_requests.approve, 410, "link_revoked")
    clean_up()
    assert [entries(table, client_id(number)) for number in range(2)] == [["access.ended"]] * 2
    assert {cause for _, kind, cause in letters(table) if kind == "member_retained"} == {None}
    link_requests.tell_member(PARTNER, EMPLOYEE, active=True)
    clean_up()
    assert accounts_of() == [PARTNER]
    assert waiting(table) == []


def test_the_clerk_of_a_client_hears_nothing(world: Table) -> None:
    refused(world, partial(end, CLERK), 404, "not_found")
