"""Tests of requesting a new link from the creator of an ended one: any holder of the secret can, once per link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.domain.links.secrets import LinkSecret
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, EMPLOYEE, LINK, PARTNER, SECRET_TEXT, a_user
from tests.support.costs import count_costs
from tests.support.gateway import VENDOR, call
from tests.support.link_requests import (
    assert_error,
    assert_replayed,
    assert_unchanged,
    request_renewal,
    send_during_change,
)
from tests.support.seeded_table import CLERK, MANAGER, an_open_link, now, seed
from tests.support.table import Table


@pytest.fixture
def ended_link(table: Table, check_invariants: None) -> Table:
    """Return the table with the default records, in which the link expired yesterday."""
    seed(table, an_open_link(expires_at=now() - timedelta(days=1), created_by=MANAGER))
    return table


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": now()},
        {"stored_state": "expired", "expires_at": now()},
        {"stored_state": "revoked"},
        {"stored_state": "declined"},
    ],
)
def test_the_creator_of_an_ended_link_is_asked(table: Table, check_invariants: None, changes: dict[str, Any]) -> None:
    seed(table, an_open_link(created_by=MANAGER, **changes))

    answer = request_renewal()

    assert (answer.status, answer.body) == (202, {"accepted": True})
    (queued,) = table.items_with_prefix("OUTBOX#")
    assert (queued["notification"]["kind"], queued["notification"]["link_created_by"]) == (
        "link_renewal_requested",
        MANAGER,
    )
    (entry,) = table.items_with_prefix("AUDIT#")
    assert (entry["pk"], entry["event"], entry["actor_id"]) == (f"AUDIT#{PARTNER}", "link.renewal_requested", APPROVER)


def test_of_a_used_link_too(seeded: Table) -> None:
    link_requests.approve()

    assert request_renewal(CLERK).status == 202


@pytest.mark.parametrize("by", [CLERK, EMPLOYEE, MANAGER])
def test_anybody_who_is_signed_in_and_known_may_ask(ended_link: Table, by: str) -> None:
    assert request_renewal(by).status == 202


@pytest.mark.parametrize("by", ["user-unknown", VENDOR])
def test_who_is_not_known_may_not(ended_link: Table, by: str) -> None:
    assert_error(ended_link, lambda: request_renewal(by), 403, "forbidden")


def test_whoever_is_barred_may_not(ended_link: Table) -> None:
    link_requests.put_user(CLERK, active=False)

    assert_error(ended_link, lambda: request_renewal(CLERK), 403, "forbidden")


def test_an_open_link_needs_none(seeded: Table) -> None:
    assert_error(seeded, request_renewal, 409, "link_still_open")


def test_the_creator_is_asked_once_however_many_ask(ended_link: Table) -> None:
    assert request_renewal(CLERK).body == request_renewal().body == request_renewal().body

    assert len(ended_link.items_with_prefix("OUTBOX#")) == 1
    assert len(ended_link.items_with_prefix("AUDIT#")) == 1


@pytest.mark.parametrize("wrong", [{"account_id": "x"}, {"reason": "please"}])
def test_nothing_else_is_said(ended_link: Table, wrong: dict[str, Any]) -> None:
    assert_error(ended_link, lambda: request_renewal(**wrong), 422, "unknown_field")


def test_the_same_key_asks_once(ended_link: Table) -> None:
    assert_replayed(ended_link, lambda key: request_renewal(key=key))


def test_the_same_key_replays_an_asking_that_had_nothing_to_do(ended_link: Table) -> None:
    request_renewal(CLERK)

    assert_replayed(ended_link, lambda key: request_renewal(key=key))


@pytest.mark.parametrize("asked_before", [False, True])
def test_the_same_key_for_something_else_is_refused(ended_link: Table, asked_before: bool) -> None:
    if asked_before:
        request_renewal(CLERK)
    request_renewal(key="one")
    other = LinkSecret.write(PARTNER, LINK, "o" * 43)
    link = Link.model_validate(ended_link.get(keys.link(PARTNER, LINK)))
    ended_link.change(keys.link(PARTNER, LINK), secrets=link.secrets | {LinkSecret.read(other).fingerprint})

    assert_error(ended_link, lambda: request_renewal(secret=other, key="one"), 422, "idempotency_key_reused")


def test_a_key_is_forgotten_after_a_day(ended_link: Table) -> None:
    request_renewal(key="one")
    link_requests.expire_idempotency_keys(ended_link)

    again = request_renewal(key="one")

    assert (again.status, again.replayed) == (202, False)
    assert len(ended_link.items_with_prefix("OUTBOX#")) == 1


def test_a_retry_of_one_who_was_barred_since_is_told_the_same(ended_link: Table) -> None:
    request_renewal(key="one")
    link_requests.put_user(APPROVER, active=False)

    with assert_unchanged(ended_link):
        again = request_renewal(key="one")

    assert (again.status, again.replayed) == (202, True)


def test_somebody_else_asks_meanwhile(ended_link: Table) -> None:
    answer = send_during_change(ended_link, lambda: request_renewal(CLERK), request_renewal)

    assert answer.status == 202
    assert len(ended_link.items_with_prefix("OUTBOX#")) == 1


def _reopen(table: Table) -> None:
    later = now() + timedelta(days=1)
    table.change(keys.link(PARTNER, LINK), expires_at=later, due_at=later)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (_reopen, 409, "link_still_open"),
        (lambda _: link_requests.put_user(APPROVER, active=False), 403, "forbidden"),
    ],
)
def test_an_asking_that_comes_too_late_changes_nothing(
    ended_link: Table, change: Callable[[Table], object], status: int, code: str
) -> None:
    answer = send_during_change(ended_link, lambda: change(ended_link), request_renewal)

    assert (answer.status, answer.code) == (status, code)


def test_only_an_explicit_post_asks(ended_link: Table) -> None:
    with assert_unchanged(ended_link):
        answer = call("GET /access-links/renewals", APPROVER, {"secret": SECRET_TEXT})

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_what_asking_costs(ended_link: Table) -> None:
    with count_costs(ended_link) as costs:
        request_renewal()

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 10


def test_an_asker_of_no_account_may_ask(table: Table, check_invariants: None) -> None:
    seed(table, a_user("user-alone"), an_open_link(stored_state="revoked"))

    assert request_renewal("user-alone").status == 202
