"""Sending a link again: a new secret, its days anew, and not too often."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.links.links import Link
from partner_access.store import keys
from tests.support import link_requests
from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, LINK, PARTNER, SECRET_TEXT, the_partner
from tests.support.costs import counted
from tests.support.gateway import VENDOR, call
from tests.support.link_requests import (
    approve,
    nothing_changes,
    overtaken,
    preview,
    refused,
    renew,
    replays,
    resend,
    secret_of,
)
from tests.support.races import before_commit
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, an_open_link, now, staff
from tests.support.table import Table


def _link(table: Table) -> Link:
    return Link.model_validate(table.get(keys.link(PARTNER, LINK)))


def test_a_new_secret_opens_it_and_no_earlier_one_does(table: Table, sound: None) -> None:
    a_world(table, an_open_link(expires_at=now() + timedelta(hours=1), link_days=3))

    answer = resend()

    secret = secret_of(answer)
    assert answer.status == 200
    assert answer.body["url"] == f"https://access.example.com/approve#{secret}"
    assert answer.body["state"] == "open"
    left = datetime.fromisoformat(answer.body["expires_at"]) - now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    for knock in (preview, approve, link_requests.decline, renew):
        refused(table, knock, 404, "link_not_found")
    assert preview(secret=secret).status == 200
    assert approve(secret=secret).status == 201


def test_one_entry_in_the_trail_and_a_letter_if_it_has_a_recipient(table: Table, sound: None) -> None:
    a_world(table, an_open_link(recipient="boss@bakery.example", delivery_status="bounced"))

    answer = resend()

    (entry,) = table.under("AUDIT#")
    (letter,) = table.under("OUTBOX#")
    assert (entry["pk"], entry["event"], entry["actor_id"]) == (f"AUDIT#{PARTNER}", "link.resent", MANAGER)
    assert letter["notification"]["kind"] == "link_to_approve"
    assert answer.body["delivery_status"] == "queued"


def test_no_letter_without_a_recipient(world: Table) -> None:
    assert resend().body["delivery_status"] == "none"
    assert world.under("OUTBOX#") == []


def test_the_new_secret_is_nowhere_at_rest(world: Table, capsys: pytest.CaptureFixture[str]) -> None:
    chance = secret_of(resend()).rpartition(".")[2].rpartition("_")[0]

    assert len(chance) == 43
    assert chance not in str(world.items()) + capsys.readouterr().out


def test_a_personal_link_goes_on_where_it_was(table: Table, sound: None) -> None:
    a_world(table, an_open_link(max_approvals=3))
    approve()

    answer = resend()

    assert (answer.body["approvals"], answer.body["max_approvals"]) == (1, 3)
    refused(table, lambda: approve(secret=secret_of(answer)), 409, "link_already_used")


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
def test_who_may_not_send_again(world: Table, by: str, how: dict[str, str], status: int, code: str) -> None:
    refused(world, lambda: resend(by, **how), status, code)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"stored_state": "revoked"}, 410, "link_revoked"),
        ({"stored_state": "declined"}, 410, "link_declined"),
        ({"stored_state": "expired"}, 410, "link_expired"),
        ({"expires_at": now()}, 410, "link_expired"),
    ],
)
def test_an_ended_link_is_not_sent_again(
    table: Table, sound: None, changes: dict[str, Any], status: int, code: str
) -> None:
    a_world(table, an_open_link(**changes))

    refused(table, resend, status, code)


def test_a_used_link_is_not_sent_again(world: Table) -> None:
    approve()

    refused(world, resend, 409, "link_already_used")


NO_MORE: list[Callable[[], object]] = [
    lambda: link_requests.tell_user(EMPLOYEE, active=False),
    lambda: link_requests.tell_member(PARTNER, EMPLOYEE, active=False),
    lambda: link_requests.tell_user(EMPLOYEE, email="someone@elsewhere.example"),
    lambda: link_requests.tell_account(PARTNER, program="suspended"),
    lambda: link_requests.tell_account(PARTNER, domains=["south.example"]),
]


@pytest.mark.parametrize("happens", NO_MORE)
def test_the_link_of_somebody_not_eligible_is_not_sent_again(world: Table, happens: Callable[[], object]) -> None:
    happens()

    refused(world, resend, 409, "not_eligible")


@pytest.mark.parametrize("happens", NO_MORE)
def test_eligibility_lost_meanwhile(world: Table, happens: Callable[[], object]) -> None:
    answer = overtaken(world, happens, resend)

    assert (answer.status, answer.code) == (409, "not_eligible")


def test_no_more_mail_to_a_suppressed_address(table: Table, sound: None) -> None:
    a_world(table, an_open_link(recipient="boss@bakery.example"))
    table.put(keys.suppressed("boss@bakery.example"), {"delivery_id": "some"})

    refused(table, resend, 409, "recipient_suppressed")


def test_not_twice_in_a_minute(world: Table) -> None:
    resend()

    answer = refused(world, resend, 429, "rate_limited")

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
def test_five_times_a_day_and_once_a_minute(
    table: Table, sound: None, resent: tuple[timedelta, ...], status: int
) -> None:
    a_world(table, an_open_link(resent_at=tuple(now() - ago for ago in resent)))

    assert resend().status == status


def test_the_days_before_are_forgotten(table: Table, sound: None) -> None:
    a_world(table, an_open_link(resent_at=(now() - timedelta(days=2), now() - timedelta(hours=1))))

    resend()

    assert len(_link(table).resent_at) == 2


# the same key


def test_the_same_key_sends_once_and_never_tells_the_address_again(table: Table, sound: None) -> None:
    a_world(table, an_open_link(recipient="boss@bakery.example"))

    replays(table, lambda key: resend(key=key), told_once=frozenset({"url"}))

    assert len(table.under("OUTBOX#")) == 1


def test_the_same_key_for_another_link_is_refused(table: Table, sound: None) -> None:
    other = f"lnk_{'2' * 32}"
    a_world(table, an_open_link(link_id=other))
    resend(key="one")

    refused(table, lambda: resend(link_id=other, key="one"), 422, "idempotency_key_reused")


def test_a_key_is_forgotten_after_a_day(table: Table, sound: None) -> None:
    a_world(table)
    resend(key="one")
    link_requests.a_day_later(table)

    refused(table, lambda: resend(key="one"), 429, "rate_limited")


def test_a_key_is_needed(world: Table) -> None:
    def knock() -> Any:
        path = f"POST {link_requests.ONE}/resend"
        return call(path, MANAGER, partner_id=PARTNER, link_id=LINK, headers={"idempotency-key": None})

    refused(world, knock, 400, "idempotency_key_required")


def test_a_retry_after_the_manager_lost_his_rights_is_told_what_came_true(table: Table, sound: None) -> None:
    a_world(table, staff(COLLEAGUE, "super_admin"))
    first = resend(key="one")
    link_requests.tell_member(PARTNER, MANAGER, active=False)

    with nothing_changes(table):
        again = resend(key="one")

    assert (again.status, again.replayed) == (200, True)
    assert again.body["expires_at"] == first.body["expires_at"]


# overtaken


def _end_by_time(table: Table) -> None:
    past = now() - timedelta(seconds=1)
    table.change(keys.link(PARTNER, LINK), expires_at=past, due_at=past)


@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [
        (link_requests.revoke, 410, "link_revoked"),
        (link_requests.decline, 410, "link_declined"),
        (approve, 409, "link_already_used"),
        (resend, 429, "rate_limited"),
        (lambda: link_requests.tell_member(PARTNER, MANAGER, permission_set="view_only"), 404, "not_found"),
        (lambda: link_requests.tell_member(PARTNER, MANAGER, active=False), 404, "not_found"),
        (lambda: link_requests.tell_user(MANAGER, active=False), 403, "forbidden"),
    ],
)
def test_a_sending_that_comes_too_late_changes_nothing(
    table: Table, sound: None, happens: Callable[[], object], status: int, code: str
) -> None:
    a_world(table, staff(COLLEAGUE, "super_admin"))

    answer = overtaken(table, happens, resend)

    assert (answer.status, answer.code) == (status, code)


def test_its_time_is_over_meanwhile(world: Table) -> None:
    answer = overtaken(world, lambda: _end_by_time(world), resend)

    assert (answer.status, answer.code) == (410, "link_expired")


def test_an_approval_of_a_personal_link_meanwhile_is_kept(table: Table, sound: None) -> None:
    a_world(table, an_open_link(max_approvals=3))

    with before_commit(approve):
        answer = resend()

    assert answer.status == 200
    assert _link(table).approvals == 1
    assert link_requests.view().body["approvals"] == 1


def test_the_letters_own_secret_that_is_minted_meanwhile_opens_nothing(world: Table) -> None:
    link = _link(world)
    world.change(keys.link(PARTNER, LINK), secrets=link.secrets | {"f" * 64})

    secret = secret_of(resend())

    assert len(_link(world).secrets) == 1
    assert preview(secret=secret).status == 200
    refused(world, lambda: preview(secret=SECRET_TEXT), 404, "link_not_found")


def test_what_sending_again_costs(table: Table, sound: None) -> None:
    a_world(table, an_open_link(recipient="boss@bakery.example"))

    with counted(table) as costs:
        resend()

    assert costs.writes == 1
    assert costs.reads <= 2
    assert costs.units <= 20


def test_a_partner_out_of_the_program_sends_nothing(table: Table, sound: None) -> None:
    a_world(table, the_partner(program="terminated"))

    refused(table, resend, 409, "not_eligible")
