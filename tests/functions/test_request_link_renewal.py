"""Tests of requesting a new link from the creator of an ended one: any holder of the secret can, once per link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.domain.links.secrets import LinkSecret
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, EMPLOYEE, LINK, PARTNER, a_user
from tests.support.costs import count_costs
from tests.support.gateway import VENDOR
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
def test_request_renewal_of_ended_link_notifies_creator(
    table: Table, check_invariants: None, changes: dict[str, Any]
) -> None:
    # domain.md rule 3
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


def test_request_renewal_of_used_link_succeeds(seeded: Table) -> None:
    link_requests.approve()

    assert request_renewal(CLERK).status == 202


@pytest.mark.parametrize("by", [CLERK, EMPLOYEE, MANAGER])
def test_request_renewal_by_any_known_user_succeeds(ended_link: Table, by: str) -> None:
    assert request_renewal(by).status == 202


@pytest.mark.parametrize("by", ["user-unknown", VENDOR])
def test_request_renewal_by_unknown_user_returns_403(ended_link: Table, by: str) -> None:
    assert_error(ended_link, lambda: request_renewal(by), 403, "forbidden")


def test_request_renewal_by_deactivated_user_returns_403(ended_link: Table) -> None:
    link_requests.put_user(CLERK, active=False)

    assert_error(ended_link, lambda: request_renewal(CLERK), 403, "forbidden")


def test_request_renewal_of_open_link_returns_409(seeded: Table) -> None:
    assert_error(seeded, request_renewal, 409, "link_still_open")


def test_request_renewal_by_several_users_notifies_creator_once(ended_link: Table) -> None:
    assert request_renewal(CLERK).body == request_renewal().body == request_renewal().body

    assert len(ended_link.items_with_prefix("OUTBOX#")) == 1
    assert len(ended_link.items_with_prefix("AUDIT#")) == 1


@pytest.mark.parametrize("wrong", [{"account_id": "x"}, {"reason": "please"}])
def test_request_renewal_with_unknown_field_returns_422(ended_link: Table, wrong: dict[str, Any]) -> None:
    assert_error(ended_link, lambda: request_renewal(**wrong), 422, "unknown_field")


def test_request_renewal_with_same_key_is_replayed(ended_link: Table) -> None:
    assert_replayed(ended_link, lambda key: request_renewal(key=key))


def test_request_renewal_with_same_key_after_no_op_is_replayed(ended_link: Table) -> None:
    request_renewal(CLERK)

    assert_replayed(ended_link, lambda key: request_renewal(key=key))


@pytest.mark.parametrize("requested_before", [False, True])
def test_request_renewal_with_same_key_for_another_secret_returns_422(
    ended_link: Table, requested_before: bool
) -> None:
    if requested_before:
        request_renewal(CLERK)
    request_renewal(key="one")
    other = LinkSecret.write(PARTNER, LINK, "o" * 43)
    link = Link.model_validate(ended_link.get(keys.link(PARTNER, LINK)))
    ended_link.change(keys.link(PARTNER, LINK), secrets=link.secrets | {LinkSecret.read(other).fingerprint})

    assert_error(ended_link, lambda: request_renewal(secret=other, key="one"), 422, "idempotency_key_reused")


def test_request_renewal_with_key_older_than_a_day_is_not_replayed(ended_link: Table) -> None:
    request_renewal(key="one")
    link_requests.expire_idempotency_keys(ended_link)

    again = request_renewal(key="one")

    assert (again.status, again.replayed) == (202, False)
    assert len(ended_link.items_with_prefix("OUTBOX#")) == 1


def test_request_renewal_with_same_key_by_user_deactivated_since_is_replayed(ended_link: Table) -> None:
    request_renewal(key="one")
    link_requests.put_user(APPROVER, active=False)

    with assert_unchanged(ended_link):
        again = request_renewal(key="one")

    assert (again.status, again.replayed) == (202, True)


def test_request_renewal_with_concurrent_request_notifies_creator_once(ended_link: Table) -> None:
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
def test_request_renewal_overtaken_by_change_returns_error_and_changes_nothing(
    ended_link: Table, change: Callable[[Table], object], status: int, code: str
) -> None:
    answer = send_during_change(ended_link, lambda: change(ended_link), request_renewal)

    assert (answer.status, answer.code) == (status, code)


def test_request_renewal_costs_at_most_two_reads_and_one_write(ended_link: Table) -> None:
    with count_costs(ended_link) as costs:
        request_renewal()

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 10


def test_request_renewal_by_user_without_account_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, a_user("user-alone"), an_open_link(stored_state="revoked"))

    assert request_renewal("user-alone").status == 202
