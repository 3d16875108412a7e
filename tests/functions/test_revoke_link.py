"""Tests of revoking a link: the callers that can, and the effects."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, LINK, PARTNER, a_member, a_user, the_client, the_partner
from tests.support.costs import count_costs
from tests.support.gateway import DIRECTORY, VENDOR
from tests.support.link_requests import (
    approve,
    assert_error,
    assert_replayed,
    assert_unchanged,
    idempotency_header,
    revoke,
    send_during_change,
)
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, now, seed
from tests.support.table import Table


def _stored_state(table: Table) -> str:
    return Link.model_validate(table.get(keys.link(PARTNER, LINK))).stored_state


def test_revoke_open_link_by_manager_succeeds(seeded: Table) -> None:
    answer = revoke()

    assert (answer.status, answer.text) == (204, "")
    assert _stored_state(seeded) == "revoked"
    assert (seeded.get(keys.user(EMPLOYEE)) or {})["open_links"] == 0
    (entry,) = seeded.items_with_prefix("AUDIT#")
    assert (entry["pk"], entry["event"], entry["actor_id"]) == (f"AUDIT#{PARTNER}", "link.revoked", MANAGER)
    assert entry["details"] == {"link_id": LINK, "employee_id": EMPLOYEE}
    assert seeded.items_with_prefix("OUTBOX#") == []


def test_revoke_open_link_by_vendor_succeeds(seeded: Table) -> None:
    assert revoke(VENDOR, scope=DIRECTORY).status == 204
    assert _stored_state(seeded) == "revoked"
    assert seeded.items_with_prefix("AUDIT#")[0]["actor_id"] == VENDOR


def test_revoke_link_twice_changes_nothing_more(seeded: Table) -> None:
    # domain.md rule 7
    revoke()

    with assert_unchanged(seeded):
        assert revoke().status == 204


@pytest.mark.parametrize("state", ["declined", "expired", "revoked"])
def test_revoke_ended_link_keeps_its_state(table: Table, check_invariants: None, state: str) -> None:
    seed(table, an_open_link(stored_state=state))

    with assert_unchanged(table):
        assert revoke().status == 204


def test_revoke_link_past_expiry_keeps_it_expired(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(expires_at=now()))

    with assert_unchanged(table):
        assert revoke().status == 204


def test_revoke_used_link_returns_409(seeded: Table) -> None:
    approve()

    assert_error(seeded, revoke, 409, "link_already_used")


def test_revoke_link_with_approvals_left_stops_further_approvals(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=3))
    approve()

    assert revoke().status == 204
    assert link_requests.view().body["state"] == "revoked"
    assert_error(table, approve, 410, "link_revoked")


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
def test_revoke_link_by_caller_without_the_right_is_refused(
    seeded: Table, by: str, how: dict[str, str], status: int, code: str
) -> None:
    assert_error(seeded, lambda: revoke(by, **how), status, code)


def test_revoke_link_of_another_partner_returns_same_404_as_unknown_link(table: Table, check_invariants: None) -> None:
    south = the_partner(account_id="partner-south", name="South")
    seed(
        table,
        south,
        a_user("user-rival"),
        a_partner_account_member("user-rival", "super_admin", account_id="partner-south"),
    )

    foreign = assert_error(table, lambda: revoke("user-rival"), 404, "not_found")
    own = assert_error(table, lambda: revoke("user-rival", partner_id="partner-south"), 404, "not_found")
    assert foreign.body == own.body


def test_revoke_link_by_deactivated_manager_returns_403(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))
    link_requests.put_user(MANAGER, active=False)

    assert_error(table, revoke, 403, "forbidden")


def test_revoke_link_of_suspended_partner_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, the_partner(program="suspended"))

    assert revoke().status == 204


# optional idempotency key


def test_revoke_link_with_same_key_is_replayed(seeded: Table) -> None:
    assert_replayed(seeded, lambda key: revoke(headers=idempotency_header(key)))


def test_revoke_link_with_same_key_after_no_op_is_replayed(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(stored_state="declined"))

    assert_replayed(table, lambda key: revoke(headers=idempotency_header(key)))


def test_revoke_link_with_same_key_for_another_link_returns_422(table: Table, check_invariants: None) -> None:
    other = f"lnk_{'2' * 32}"
    seed(table, an_open_link(link_id=other))
    revoke(headers=idempotency_header("one"))

    assert_error(table, lambda: revoke(link_id=other, headers=idempotency_header("one")), 422, "idempotency_key_reused")


def test_revoke_link_with_same_key_by_manager_removed_since_is_replayed(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))
    revoke(headers=idempotency_header("one"))
    link_requests.put_member(PARTNER, MANAGER, active=False)

    with assert_unchanged(table):
        again = revoke(headers=idempotency_header("one"))

    assert (again.status, again.text, again.replayed) == (204, "", True)


# concurrent changes


def _expire_link(table: Table) -> None:
    past = now() - timedelta(seconds=1)
    table.change(keys.link(PARTNER, LINK), expires_at=past, due_at=past)


@pytest.mark.parametrize(
    ("change", "state"),
    [(link_requests.decline, "declined"), (revoke, "revoked"), (lambda: revoke(VENDOR, scope=DIRECTORY), "revoked")],
)
def test_revoke_link_ended_concurrently_keeps_that_state(
    seeded: Table, change: Callable[[], object], state: str
) -> None:
    answer = send_during_change(seeded, change, revoke)

    assert answer.status == 204
    assert _stored_state(seeded) == state
    assert sum(entry["event"] == "link.revoked" for entry in seeded.items_with_prefix("AUDIT#")) == (state == "revoked")


def test_revoke_link_that_expires_concurrently_leaves_it_expired(seeded: Table) -> None:
    assert send_during_change(seeded, lambda: _expire_link(seeded), revoke).status == 204
    assert link_requests.view().body["state"] == "expired"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (approve, 409, "link_already_used"),
        (lambda: link_requests.put_member(PARTNER, MANAGER, permission_set="view_only"), 404, "not_found"),
        (lambda: link_requests.put_member(PARTNER, MANAGER, active=False), 404, "not_found"),
        (lambda: link_requests.put_user(MANAGER, active=False), 403, "forbidden"),
    ],
)
def test_revoke_link_overtaken_by_change_returns_error_and_changes_nothing(
    table: Table, check_invariants: None, change: Callable[[], object], status: int, code: str
) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))

    answer = send_during_change(table, change, revoke)

    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("others", [(), (an_open_link(max_approvals=3),)])
def test_revoke_link_costs_one_read_and_one_write(
    table: Table, check_invariants: None, others: tuple[Any, ...]
) -> None:
    seed(table, *others)

    with count_costs(table) as costs:
        revoke(headers=idempotency_header("one"))

    assert (costs.reads, costs.writes) == (1, 1)
    assert costs.units <= 14


def test_revoke_link_fully_approved_concurrently_returns_409(table: Table, check_invariants: None) -> None:
    seed(
        table, an_open_link(max_approvals=2), a_user("user-boss"), a_member("user-boss"),
        the_client(account_id="client-other"), a_member("user-boss", account_id="client-other"),
    )  # fmt: skip
    approve("user-boss", account_id="client-other")

    answer = send_during_change(table, approve, revoke)

    assert (answer.status, answer.code) == (409, "link_already_used")
