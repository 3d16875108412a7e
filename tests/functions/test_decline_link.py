"""Tests of declining an access link: authorization, the accounts for which it ends, and the email."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.store import keys
from tests.support import link_requests
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
    the_client,
)  # fmt: skip
from tests.support.costs import count_costs
from tests.support.gateway import VENDOR
from tests.support.link_requests import (
    approve,
    assert_error,
    assert_replayed,
    assert_unchanged,
    decline,
    send_during_change,
)
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    MANAGER,
    OTHER_ADMIN,
    OTHER_CLIENT,
    TWO_ADMINS,
    TWO_CLIENTS,
    a_partner_account_member,
    an_open_link,
    now,
    seed,
)
from tests.support.table import Table


def test_decline_link_for_one_approval_ends_it(seeded: Table) -> None:
    response = decline(reason="We have an agency already")

    assert (response.status, response.body) == (200, {"state": "declined"})
    assert link_requests.view().body["state"] == "declined"
    assert (seeded.get(keys.user(EMPLOYEE)) or {})["open_links"] == 0


def test_decline_link_writes_both_audit_logs_and_emails_reason(seeded: Table) -> None:
    decline(reason="We have an agency already")

    entries = seeded.items_with_prefix("AUDIT#")
    assert {entry["pk"] for entry in entries} == {f"AUDIT#{CLIENT}", f"AUDIT#{PARTNER}"}
    assert {(entry["event"], entry["actor_id"]) for entry in entries} == {("link.declined", APPROVER)}
    assert entries[0]["details"] == {"link_id": LINK}
    (queued_item,) = seeded.items_with_prefix("OUTBOX#")
    assert queued_item["notification"]["kind"] == "link_declined"
    assert queued_item["notification"]["reason"] == "We have an agency already"


def test_decline_link_without_reason_succeeds(seeded: Table) -> None:
    decline()

    assert seeded.items_with_prefix("AUDIT#")[0]["details"] == {"link_id": LINK}


def test_decline_link_by_user_manager_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, a_member(CLERK, "view_only", added=("account.users.manage",)))

    assert decline(CLERK).status == 200


def test_decline_link_for_several_approvals_ends_it_for_one_account(table: Table, check_invariants: None) -> None:
    # domain.md rule 7
    seed(table, an_open_link(max_approvals=3), *TWO_CLIENTS)

    assert decline().body == {"state": "declined"}
    assert link_requests.view().body["state"] == "open"
    assert (table.get(keys.reply(LINK, CLIENT)) or {})["state"] == "declined"
    assert_error(table, lambda: decline(OTHER_ADMIN), 410, "link_declined")
    assert decline(OTHER_ADMIN, account_id=OTHER_CLIENT).status == 200


def test_decline_link_after_approval_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=3), *TWO_CLIENTS)
    approve()

    assert_error(table, decline, 409, "link_already_used")
    assert_error(table, lambda: decline(OTHER_ADMIN), 409, "link_already_used")


def test_decline_link_of_ineligible_employee_succeeds(seeded: Table) -> None:
    link_requests.put_user(EMPLOYEE, active=False)

    assert decline().status == 200


@pytest.mark.parametrize(
    ("others", "by", "account_id", "status", "code"),
    [
        ((), CLERK, CLIENT, 403, "not_an_approver"),
        ((), APPROVER, OTHER_CLIENT, 404, "not_found"),
        ((), APPROVER, "client-unknown", 404, "not_found"),
        ((), EMPLOYEE, CLIENT, 404, "not_found"),
        ((), "user-unknown", CLIENT, 404, "not_found"),
        ((), VENDOR, CLIENT, 404, "not_found"),
        ((), MANAGER, PARTNER, 422, "not_a_client_account"),
        ((a_member(COLLEAGUE),), COLLEAGUE, CLIENT, 403, "own_partner_may_not_approve"),
        ((a_member(EMPLOYEE),), EMPLOYEE, CLIENT, 403, "own_partner_may_not_approve"),
        ((a_partner_admin(COLLEAGUE, grant=a_grant()),), COLLEAGUE, CLIENT, 403, "not_an_approver"),
        ((a_partner_account_member(APPROVER),), APPROVER, CLIENT, 403, "no_independent_approver"),
        ((a_user(APPROVER, active=False),), APPROVER, CLIENT, 403, "forbidden"),
        ((the_client(state="closed"),), APPROVER, CLIENT, 409, "account_closed"),
        ((an_open_link(account_id=OTHER_CLIENT),), APPROVER, CLIENT, 422, "account_mismatch"),
        ((an_open_link(stored_state="revoked"),), APPROVER, CLIENT, 410, "link_revoked"),
        ((an_open_link(stored_state="declined"),), APPROVER, CLIENT, 410, "link_declined"),
        ((an_open_link(expires_at=now()),), APPROVER, CLIENT, 410, "link_expired"),
    ],
)
def test_decline_link_with_unmet_condition_is_refused(
    table: Table, check_invariants: None, others: tuple[Any, ...], by: str, account_id: str, status: int, code: str
) -> None:
    seed(table, *TWO_CLIENTS, *others)
    if code == "no_independent_approver":
        link_requests.put_member(CLIENT, OTHER_ADMIN, permission_set="view_only")

    assert_error(table, lambda: decline(by, account_id=account_id), status, code)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reason": ""}, "invalid_field"),
        ({"reason": "x" * 501}, "invalid_field"),
        ({"reason": "<b>no</b>"}, "invalid_field"),
        ({"reason": "no\u200b"}, "invalid_field"),
        ({"account_id": "a#b"}, "invalid_field"),
        ({"access_days": 3}, "unknown_field"),
    ],
)
def test_decline_link_with_invalid_field_is_refused(seeded: Table, wrong: dict[str, Any], code: str) -> None:
    assert_error(seeded, lambda: decline(**wrong), 422, code)


@pytest.mark.parametrize("most", [1, 3])
def test_decline_link_with_same_key_replays(table: Table, check_invariants: None, most: int) -> None:
    seed(table, an_open_link(max_approvals=most))

    assert_replayed(table, lambda key: decline(key=key))

    assert len(table.items_with_prefix("OUTBOX#")) == 1


def test_decline_link_with_key_of_other_request_is_refused(seeded: Table) -> None:
    decline(key="one")

    assert_error(seeded, lambda: decline(key="one", reason="no"), 422, "idempotency_key_reused")


def test_decline_link_with_same_key_after_a_day_is_new_request(seeded: Table) -> None:
    decline(key="one")
    link_requests.expire_idempotency_keys(seeded)

    assert_error(seeded, lambda: decline(key="one"), 410, "link_declined")


def test_decline_link_replay_after_approver_lost_access_returns_response(table: Table, check_invariants: None) -> None:
    seed(table, *TWO_ADMINS)
    decline(key="one")
    link_requests.put_member(CLIENT, APPROVER, active=False)

    with assert_unchanged(table):
        again = decline(key="one")

    assert (again.status, again.replayed, again.body) == (200, True, {"state": "declined"})


def _expire_link(table: Table) -> None:
    past = now() - timedelta(seconds=1)
    table.change(keys.link(PARTNER, LINK), expires_at=past, due_at=past)


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize(
    ("concurrent_change", "status", "code"),
    [
        (link_requests.revoke, 410, "link_revoked"),
        (link_requests.resend, 404, "link_not_found"),
        (lambda: decline(OTHER_ADMIN), 410, "link_declined"),
        (lambda: approve(OTHER_ADMIN), 409, "link_already_used"),
        (lambda: link_requests.put_member(CLIENT, APPROVER, permission_set="view_only"), 403, "not_an_approver"),
        (lambda: link_requests.put_member(CLIENT, APPROVER, active=False), 404, "not_found"),
        (lambda: link_requests.put_user(APPROVER, active=False), 403, "forbidden"),
        (
            lambda: link_requests.put_member(PARTNER, APPROVER, permission_set="sales"),
            403,
            "own_partner_may_not_approve",
        ),
    ],
)
def test_decline_link_after_concurrent_change_changes_nothing(
    table: Table, check_invariants: None, concurrent_change: Callable[[], object], status: int, code: str, most: int
) -> None:
    seed(table, an_open_link(max_approvals=most), *TWO_CLIENTS)

    response = send_during_change(table, concurrent_change, decline)

    assert (response.status, response.code) == (status, code)


@pytest.mark.parametrize("most", [1, 3])
def test_decline_link_that_expires_before_commit_is_refused(table: Table, check_invariants: None, most: int) -> None:
    seed(table, an_open_link(max_approvals=most))

    response = send_during_change(table, lambda: _expire_link(table), decline)

    assert (response.status, response.code) == (410, "link_expired")


def test_decline_link_with_last_approval_used_before_commit_is_refused(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=2), *TWO_CLIENTS, the_client(account_id="client-third"),
            a_member(OTHER_ADMIN, account_id="client-third"))  # fmt: skip
    approve(OTHER_ADMIN, account_id="client-third")

    response = send_during_change(table, lambda: approve(OTHER_ADMIN, account_id=OTHER_CLIENT), decline)

    assert (response.status, response.code) == (409, "link_already_used")


@pytest.mark.parametrize("most", [1, 3])
def test_decline_link_costs_two_reads_and_one_write(table: Table, check_invariants: None, most: int) -> None:
    seed(table, an_open_link(max_approvals=most))

    with count_costs(table) as costs:
        assert decline(reason="We have an agency already").status == 200

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 20
