"""Who may withdraw a link, and what that does to it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, LINK, PARTNER, a_member, a_user, the_client, the_partner
from tests.support.costs import counted
from tests.support.gateway import DIRECTORY, VENDOR
from tests.support.link_requests import approve, keyed, nothing_changes, overtaken, refused, replays, revoke
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, an_open_link, now, staff
from tests.support.table import Table


def _standing(table: Table) -> str:
    return Link.model_validate(table.get(keys.link(PARTNER, LINK))).stored_state


def test_a_manager_withdraws_an_open_link(world: Table) -> None:
    answer = revoke()

    assert (answer.status, answer.text) == (204, "")
    assert _standing(world) == "revoked"
    assert (world.get(keys.user(EMPLOYEE)) or {})["open_links"] == 0
    (entry,) = world.under("AUDIT#")
    assert (entry["pk"], entry["event"], entry["actor_id"]) == (f"AUDIT#{PARTNER}", "link.revoked", MANAGER)
    assert entry["details"] == {"link_id": LINK, "employee_id": EMPLOYEE}
    assert world.under("OUTBOX#") == []


def test_the_vendor_withdraws_any_link(world: Table) -> None:
    assert revoke(VENDOR, scope=DIRECTORY).status == 204
    assert _standing(world) == "revoked"
    assert world.under("AUDIT#")[0]["actor_id"] == VENDOR


def test_withdrawing_twice_is_withdrawing_once(world: Table) -> None:
    revoke()

    with nothing_changes(world):
        assert revoke().status == 204


@pytest.mark.parametrize("standing", ["declined", "expired", "revoked"])
def test_an_ended_link_stays_as_it_ended(table: Table, sound: None, standing: str) -> None:
    a_world(table, an_open_link(stored_state=standing))

    with nothing_changes(table):
        assert revoke().status == 204


def test_a_link_whose_time_is_over_stays_expired(table: Table, sound: None) -> None:
    a_world(table, an_open_link(expires_at=now()))

    with nothing_changes(table):
        assert revoke().status == 204


def test_a_used_link_is_no_longer_to_be_withdrawn(world: Table) -> None:
    approve()

    refused(world, revoke, 409, "link_already_used")


def test_a_personal_link_that_some_have_approved_is_withdrawn_for_the_others(table: Table, sound: None) -> None:
    a_world(table, an_open_link(max_approvals=3))
    approve()

    assert revoke().status == 204
    assert link_requests.view().body["state"] == "revoked"
    refused(table, approve, 410, "link_revoked")


@pytest.mark.parametrize(
    ("by", "how", "status", "code"),
    [
        (EMPLOYEE, {}, 403, "forbidden"),
        (COLLEAGUE, {}, 404, "not_found"),
        (APPROVER, {}, 404, "not_found"),
        (CLERK, {}, 404, "not_found"),
        ("user-unknown", {}, 404, "not_found"),
        (VENDOR, {}, 404, "not_found"),
        (MANAGER, {"link_id": f"lnk_{'9' * 32}"}, 404, "not_found"),
        (MANAGER, {"link_id": "no#id"}, 404, "not_found"),
        (MANAGER, {"partner_id": "partner-unknown"}, 404, "not_found"),
        (MANAGER, {"partner_id": CLIENT}, 404, "not_found"),
        (VENDOR, {"scope": DIRECTORY, "link_id": f"lnk_{'9' * 32}"}, 404, "not_found"),
        (VENDOR, {"scope": DIRECTORY, "partner_id": "partner-unknown"}, 404, "not_found"),
    ],
)
def test_who_may_not_withdraw(world: Table, by: str, how: dict[str, str], status: int, code: str) -> None:
    refused(world, lambda: revoke(by, **how), status, code)


def test_another_partner_does_not_find_it(table: Table, sound: None) -> None:
    south = the_partner(account_id="partner-south", name="South")
    a_world(table, south, a_user("user-rival"), staff("user-rival", "super_admin", account_id="partner-south"))

    foreign = refused(table, lambda: revoke("user-rival"), 404, "not_found")
    own = refused(table, lambda: revoke("user-rival", partner_id="partner-south"), 404, "not_found")
    assert foreign.body == own.body


def test_a_barred_manager_withdraws_nothing(table: Table, sound: None) -> None:
    a_world(table, staff(COLLEAGUE, "super_admin"))
    link_requests.tell_user(MANAGER, active=False)

    refused(table, revoke, 403, "forbidden")


def test_a_partner_out_of_the_program_may_still_withdraw(table: Table, sound: None) -> None:
    a_world(table, the_partner(program="suspended"))

    assert revoke().status == 204


# a key is not needed, but kept


def test_the_same_key_withdraws_once(world: Table) -> None:
    replays(world, lambda key: revoke(headers=keyed(key)))


def test_the_same_key_replays_a_withdrawal_that_had_nothing_to_do(table: Table, sound: None) -> None:
    a_world(table, an_open_link(stored_state="declined"))

    replays(table, lambda key: revoke(headers=keyed(key)))


def test_the_same_key_for_another_link_is_refused(table: Table, sound: None) -> None:
    other = f"lnk_{'2' * 32}"
    a_world(table, an_open_link(link_id=other))
    revoke(headers=keyed("one"))

    refused(table, lambda: revoke(link_id=other, headers=keyed("one")), 422, "idempotency_key_reused")


def test_a_retry_after_the_manager_lost_his_rights_is_told_what_came_true(table: Table, sound: None) -> None:
    a_world(table, staff(COLLEAGUE, "super_admin"))
    revoke(headers=keyed("one"))
    link_requests.tell_member(PARTNER, MANAGER, active=False)

    with nothing_changes(table):
        again = revoke(headers=keyed("one"))

    assert (again.status, again.text, again.replayed) == (204, "", True)


# overtaken


def _end_by_time(table: Table) -> None:
    past = now() - timedelta(seconds=1)
    table.change(keys.link(PARTNER, LINK), expires_at=past, due_at=past)


@pytest.mark.parametrize(
    ("happens", "state"),
    [(link_requests.decline, "declined"), (revoke, "revoked"), (lambda: revoke(VENDOR, scope=DIRECTORY), "revoked")],
)
def test_it_ends_otherwise_meanwhile(world: Table, happens: Callable[[], object], state: str) -> None:
    answer = overtaken(world, happens, revoke)

    assert answer.status == 204
    assert _standing(world) == state
    assert sum(entry["event"] == "link.revoked" for entry in world.under("AUDIT#")) == (state == "revoked")


def test_its_time_is_over_meanwhile(world: Table) -> None:
    assert overtaken(world, lambda: _end_by_time(world), revoke).status == 204
    assert link_requests.view().body["state"] == "expired"


@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [
        (approve, 409, "link_already_used"),
        (lambda: link_requests.tell_member(PARTNER, MANAGER, permission_set="view_only"), 404, "not_found"),
        (lambda: link_requests.tell_member(PARTNER, MANAGER, active=False), 404, "not_found"),
        (lambda: link_requests.tell_user(MANAGER, active=False), 403, "forbidden"),
    ],
)
def test_a_withdrawal_that_comes_too_late_changes_nothing(
    table: Table, sound: None, happens: Callable[[], object], status: int, code: str
) -> None:
    a_world(table, staff(COLLEAGUE, "super_admin"))

    answer = overtaken(table, happens, revoke)

    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("others", [(), (an_open_link(max_approvals=3),)])
def test_what_a_withdrawal_costs(table: Table, sound: None, others: tuple[Any, ...]) -> None:
    a_world(table, *others)

    with counted(table) as costs:
        revoke(headers=keyed("one"))

    assert (costs.reads, costs.writes) == (1, 1)
    assert costs.units <= 14


def test_a_link_of_many_used_up_meanwhile(table: Table, sound: None) -> None:
    a_world(
        table, an_open_link(max_approvals=2), a_user("user-boss"), a_member("user-boss"),
        the_client(account_id="client-other"), a_member("user-boss", account_id="client-other"),
    )  # fmt: skip
    approve("user-boss", account_id="client-other")

    answer = overtaken(table, approve, revoke)

    assert (answer.status, answer.code) == (409, "link_already_used")
