"""Whoever holds an ended link may ask its creator for a new one, once per link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.domain.links.secrets import Secret
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, EMPLOYEE, LINK, PARTNER, SECRET_TEXT, a_user
from tests.support.costs import counted
from tests.support.gateway import VENDOR, call
from tests.support.link_requests import nothing_changes, overtaken, refused, renew, replays
from tests.support.seeded_table import CLERK, MANAGER, a_world, an_open_link, now
from tests.support.table import Table


@pytest.fixture
def ended(table: Table, sound: None) -> Table:
    """The usual world, its link over since yesterday."""
    a_world(table, an_open_link(expires_at=now() - timedelta(days=1), created_by=MANAGER))
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
def test_the_creator_of_an_ended_link_is_asked(table: Table, sound: None, changes: dict[str, Any]) -> None:
    a_world(table, an_open_link(created_by=MANAGER, **changes))

    answer = renew()

    assert (answer.status, answer.body) == (202, {"accepted": True})
    (letter,) = table.under("OUTBOX#")
    assert (letter["notification"]["kind"], letter["notification"]["link_created_by"]) == (
        "link_renewal_requested",
        MANAGER,
    )
    (entry,) = table.under("AUDIT#")
    assert (entry["pk"], entry["event"], entry["actor_id"]) == (f"AUDIT#{PARTNER}", "link.renewal_requested", APPROVER)


def test_of_a_used_link_too(world: Table) -> None:
    link_requests.approve()

    assert renew(CLERK).status == 202


@pytest.mark.parametrize("by", [CLERK, EMPLOYEE, MANAGER])
def test_anybody_who_is_signed_in_and_known_may_ask(ended: Table, by: str) -> None:
    assert renew(by).status == 202


@pytest.mark.parametrize("by", ["user-unknown", VENDOR])
def test_who_is_not_known_may_not(ended: Table, by: str) -> None:
    refused(ended, lambda: renew(by), 403, "forbidden")


def test_whoever_is_barred_may_not(ended: Table) -> None:
    link_requests.tell_user(CLERK, active=False)

    refused(ended, lambda: renew(CLERK), 403, "forbidden")


def test_an_open_link_needs_none(world: Table) -> None:
    refused(world, renew, 409, "link_still_open")


def test_the_creator_is_asked_once_however_many_ask(ended: Table) -> None:
    assert renew(CLERK).body == renew().body == renew().body

    assert len(ended.under("OUTBOX#")) == 1
    assert len(ended.under("AUDIT#")) == 1


@pytest.mark.parametrize("wrong", [{"account_id": "x"}, {"reason": "please"}])
def test_nothing_else_is_said(ended: Table, wrong: dict[str, Any]) -> None:
    refused(ended, lambda: renew(**wrong), 422, "unknown_field")


def test_the_same_key_asks_once(ended: Table) -> None:
    replays(ended, lambda key: renew(key=key))


def test_the_same_key_replays_an_asking_that_had_nothing_to_do(ended: Table) -> None:
    renew(CLERK)

    replays(ended, lambda key: renew(key=key))


@pytest.mark.parametrize("asked_before", [False, True])
def test_the_same_key_for_something_else_is_refused(ended: Table, asked_before: bool) -> None:
    if asked_before:
        renew(CLERK)
    renew(key="one")
    other = Secret.write(PARTNER, LINK, "o" * 43)
    link = Link.model_validate(ended.get(keys.link(PARTNER, LINK)))
    ended.change(keys.link(PARTNER, LINK), secrets=link.secrets | {Secret.read(other).fingerprint})

    refused(ended, lambda: renew(secret=other, key="one"), 422, "idempotency_key_reused")


def test_a_key_is_forgotten_after_a_day(ended: Table) -> None:
    renew(key="one")
    link_requests.a_day_later(ended)

    again = renew(key="one")

    assert (again.status, again.replayed) == (202, False)
    assert len(ended.under("OUTBOX#")) == 1


def test_a_retry_of_one_who_was_barred_since_is_told_the_same(ended: Table) -> None:
    renew(key="one")
    link_requests.tell_user(APPROVER, active=False)

    with nothing_changes(ended):
        again = renew(key="one")

    assert (again.status, again.replayed) == (202, True)


def test_somebody_else_asks_meanwhile(ended: Table) -> None:
    answer = overtaken(ended, lambda: renew(CLERK), renew)

    assert answer.status == 202
    assert len(ended.under("OUTBOX#")) == 1


def _reopen(table: Table) -> None:
    later = now() + timedelta(days=1)
    table.change(keys.link(PARTNER, LINK), expires_at=later, due_at=later)


@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [
        (_reopen, 409, "link_still_open"),
        (lambda _: link_requests.tell_user(APPROVER, active=False), 403, "forbidden"),
    ],
)
def test_an_asking_that_comes_too_late_changes_nothing(
    ended: Table, happens: Callable[[Table], object], status: int, code: str
) -> None:
    answer = overtaken(ended, lambda: happens(ended), renew)

    assert (answer.status, answer.code) == (status, code)


def test_only_an_explicit_post_asks(ended: Table) -> None:
    with nothing_changes(ended):
        answer = call("GET /access-links/renewals", APPROVER, {"secret": SECRET_TEXT})

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_what_asking_costs(ended: Table) -> None:
    with counted(ended) as costs:
        renew()

    assert (costs.reads, costs.writes) == (2, 1)
    assert costs.units <= 10


def test_an_asker_of_no_account_may_ask(table: Table, sound: None) -> None:
    a_world(table, a_user("user-alone"), an_open_link(stored_state="revoked"))

    assert renew("user-alone").status == 202
