"""Tests of resending a link: a new secret, a new validity period, and rate limits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, LINK, PARTNER, SECRET_TEXT, the_partner
from tests.support.costs import count_costs
from tests.support.gateway import VENDOR, call
from tests.support.link_requests import (
    approve,
    assert_error,
    assert_replayed,
    assert_unchanged,
    preview,
    request_renewal,
    resend,
    secret_of,
    send_during_change,
)
from tests.support.races import before_commit
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    ENDED_LINK_ERRORS,
    MANAGER,
    a_partner_account_member,
    an_open_link,
    now,
    seed,
)
from tests.support.table import Table


def _link(table: Table) -> Link:
    return Link.model_validate(table.get(keys.link(PARTNER, LINK)))


def test_resend_link_replaces_secret_and_extends_expiry(table: Table, check_invariants: None) -> None:
    # domain.md rule 7
    seed(table, an_open_link(expires_at=now() + timedelta(hours=1), link_days=3))

    answer = resend()

    secret = secret_of(answer)
    assert answer.status == 200
    assert answer.body["url"] == f"https://access.example.com/approve#{secret}"
    assert answer.body["state"] == "open"
    left = datetime.fromisoformat(answer.body["expires_at"]) - now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    for send_request in (preview, approve, link_requests.decline, request_renewal):
        assert_error(table, send_request, 404, "link_not_found")
    assert preview(secret=secret).status == 200
    assert approve(secret=secret).status == 201


def test_resend_link_with_recipient_writes_audit_entry_and_queues_email(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(recipient="boss@bakery.example", delivery_status="bounced"))

    answer = resend()

    (entry,) = table.items_with_prefix("AUDIT#")
    (queued,) = table.items_with_prefix("OUTBOX#")
    assert (entry["pk"], entry["event"], entry["actor_id"]) == (f"AUDIT#{PARTNER}", "link.resent", MANAGER)
    assert queued["notification"]["kind"] == "link_to_approve"
    assert answer.body["delivery_status"] == "queued"


def test_resend_link_without_recipient_queues_no_email(seeded: Table) -> None:
    assert resend().body["delivery_status"] == "none"
    assert seeded.items_with_prefix("OUTBOX#") == []


def test_resend_link_stores_and_logs_no_secret(seeded: Table, capsys: pytest.CaptureFixture[str]) -> None:
    chance = secret_of(resend()).rpartition(".")[2].rpartition("_")[0]

    assert len(chance) == 43
    assert chance not in str(seeded.items()) + capsys.readouterr().out


def test_resend_link_with_several_approvals_keeps_the_ones_given(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=3))
    approve()

    answer = resend()

    assert (answer.body["approvals"], answer.body["max_approvals"]) == (1, 3)
    assert_error(table, lambda: approve(secret=secret_of(answer)), 409, "link_already_used")


@pytest.mark.parametrize(
    ("by", "how", "status", "code"),
    [
        (EMPLOYEE, {}, 403, "forbidden"),
        (COLLEAGUE, {}, 404, "not_found"),
        (APPROVER, {}, 404, "not_found"),
        (CLERK, {}, 404, "not_found"),
        (VENDOR, {}, 404, "not_found"),
        ("user-unknown", {}, 404, "not_found"),
        (MANAGER, {"link_id": f"lnk_{'9' * 32}"}, 404, "not_found"),
        (MANAGER, {"link_id": "no#id"}, 404, "not_found"),
        (MANAGER, {"partner_id": "partner-unknown"}, 404, "not_found"),
        (MANAGER, {"partner_id": CLIENT}, 404, "not_found"),
    ],
)
def test_resend_link_by_caller_without_the_right_is_refused(
    seeded: Table, by: str, how: dict[str, str], status: int, code: str
) -> None:
    assert_error(seeded, lambda: resend(by, **how), status, code)


@pytest.mark.parametrize(("changes", "status", "code"), ENDED_LINK_ERRORS)
def test_resend_link_that_has_ended_returns_410(
    table: Table, check_invariants: None, changes: dict[str, Any], status: int, code: str
) -> None:
    seed(table, an_open_link(**changes))

    assert_error(table, resend, status, code)


def test_resend_link_that_is_used_returns_409(seeded: Table) -> None:
    approve()

    assert_error(seeded, resend, 409, "link_already_used")


ELIGIBILITY_LOSSES: list[Callable[[], object]] = [
    lambda: link_requests.put_user(EMPLOYEE, active=False),
    lambda: link_requests.put_member(PARTNER, EMPLOYEE, active=False),
    lambda: link_requests.put_user(EMPLOYEE, email="someone@elsewhere.example"),
    lambda: link_requests.put_account(PARTNER, program="suspended"),
    lambda: link_requests.put_account(PARTNER, domains=["south.example"]),
]


@pytest.mark.parametrize("change", ELIGIBILITY_LOSSES)
def test_resend_link_of_ineligible_employee_returns_409(seeded: Table, change: Callable[[], object]) -> None:
    change()

    assert_error(seeded, resend, 409, "not_eligible")


@pytest.mark.parametrize("change", ELIGIBILITY_LOSSES)
def test_resend_link_with_eligibility_lost_concurrently_returns_409(
    seeded: Table, change: Callable[[], object]
) -> None:
    answer = send_during_change(seeded, change, resend)

    assert (answer.status, answer.code) == (409, "not_eligible")


def test_resend_link_to_suppressed_address_returns_409(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(recipient="boss@bakery.example"))
    table.put(keys.suppressed("boss@bakery.example"), {"delivery_id": "some"})

    assert_error(table, resend, 409, "recipient_suppressed")


def test_resend_link_twice_in_a_minute_returns_429(seeded: Table) -> None:
    resend()

    answer = assert_error(seeded, resend, 429, "rate_limited")

    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("resent", "status"),
    [
        ((timedelta(seconds=50),), 429),
        ((timedelta(seconds=61),), 200),
        (tuple(timedelta(hours=hours) for hours in range(1, 6)), 429),
        (tuple(timedelta(hours=hours) for hours in (1, 2, 3, 4, 24)), 200),
    ],
)
def test_resend_link_is_limited_to_once_a_minute_and_five_times_a_day(
    table: Table, check_invariants: None, resent: tuple[timedelta, ...], status: int
) -> None:
    seed(table, an_open_link(resent_at=tuple(now() - ago for ago in resent)))

    assert resend().status == status


def test_resend_link_drops_resend_times_older_than_a_day(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(resent_at=(now() - timedelta(days=2), now() - timedelta(hours=1))))

    resend()

    assert len(_link(table).resent_at) == 2


# idempotency key


def test_resend_link_with_same_key_is_replayed_without_url(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(recipient="boss@bakery.example"))

    assert_replayed(table, lambda key: resend(key=key), only_in_first_response=frozenset({"url"}))

    assert len(table.items_with_prefix("OUTBOX#")) == 1


def test_resend_link_with_same_key_for_another_link_returns_422(table: Table, check_invariants: None) -> None:
    other = f"lnk_{'2' * 32}"
    seed(table, an_open_link(link_id=other))
    resend(key="one")

    assert_error(table, lambda: resend(link_id=other, key="one"), 422, "idempotency_key_reused")


def test_resend_link_with_key_older_than_a_day_is_not_replayed(table: Table, check_invariants: None) -> None:
    seed(table)
    resend(key="one")
    link_requests.expire_idempotency_keys(table)

    assert_error(table, lambda: resend(key="one"), 429, "rate_limited")


def test_resend_link_without_idempotency_key_returns_400(seeded: Table) -> None:
    def send_request() -> Any:
        path = f"POST {link_requests.ONE_LINK}/resend"
        return call(path, MANAGER, partner_id=PARTNER, link_id=LINK, headers={"idempotency-key": None})

    assert_error(seeded, send_request, 400, "idempotency_key_required")


def test_resend_link_with_same_key_by_manager_removed_since_is_replayed(table: Table, check_invariants: None) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))
    first = resend(key="one")
    link_requests.put_member(PARTNER, MANAGER, active=False)

    with assert_unchanged(table):
        again = resend(key="one")

    assert (again.status, again.replayed) == (200, True)
    assert again.body["expires_at"] == first.body["expires_at"]


# concurrent changes


def _expire_link(table: Table) -> None:
    past = now() - timedelta(seconds=1)
    table.change(keys.link(PARTNER, LINK), expires_at=past, due_at=past)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (link_requests.revoke, 410, "link_revoked"),
        (link_requests.decline, 410, "link_declined"),
        (approve, 409, "link_already_used"),
        (resend, 429, "rate_limited"),
        (lambda: link_requests.put_member(PARTNER, MANAGER, permission_set="view_only"), 404, "not_found"),
        (lambda: link_requests.put_member(PARTNER, MANAGER, active=False), 404, "not_found"),
        (lambda: link_requests.put_user(MANAGER, active=False), 403, "forbidden"),
    ],
)
def test_resend_link_overtaken_by_change_returns_error_and_changes_nothing(
    table: Table, check_invariants: None, change: Callable[[], object], status: int, code: str
) -> None:
    seed(table, a_partner_account_member(COLLEAGUE, "super_admin"))

    answer = send_during_change(table, change, resend)

    assert (answer.status, answer.code) == (status, code)


def test_resend_link_that_expires_concurrently_returns_410(seeded: Table) -> None:
    answer = send_during_change(seeded, lambda: _expire_link(seeded), resend)

    assert (answer.status, answer.code) == (410, "link_expired")


def test_resend_link_with_concurrent_approval_keeps_the_approval(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=3))

    with before_commit(approve):
        answer = resend()

    assert answer.status == 200
    assert _link(table).approvals == 1
    assert link_requests.view().body["approvals"] == 1


def test_resend_link_revokes_secret_created_by_an_earlier_email(seeded: Table) -> None:
    link = _link(seeded)
    seeded.change(keys.link(PARTNER, LINK), secrets=link.secrets | {"f" * 64})

    secret = secret_of(resend())

    assert len(_link(seeded).secrets) == 1
    assert preview(secret=secret).status == 200
    assert_error(seeded, lambda: preview(secret=SECRET_TEXT), 404, "link_not_found")


def test_resend_link_costs_at_most_two_reads_and_one_write(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(recipient="boss@bakery.example"))

    with count_costs(table) as costs:
        resend()

    assert costs.writes == 1
    assert costs.reads <= 2
    assert costs.units <= 20


def test_resend_link_of_terminated_partner_returns_409(table: Table, check_invariants: None) -> None:
    seed(table, the_partner(program="terminated"))

    assert_error(table, resend, 409, "not_eligible")
