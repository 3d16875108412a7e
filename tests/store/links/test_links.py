"""Links in the table: every clause of every condition, and what the sweep and the lists find."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.api.response_body import Answer
from partner_access.domain.errors import LinkAlreadyUsed, Overtaken, Refused, RightsChanged, TooManyLinks
from partner_access.domain.links import links, renewals, resends
from partner_access.domain.links.links import OPEN_LINKS, Link, LinkFacts, Standing, Wish
from partner_access.store import expiry as whatever_is_due
from partner_access.store import keys
from partner_access.store.keys import Key
from partner_access.store.links import approvals
from partner_access.store.links import links as stored
from tests.support.builders import (
    ACT_NAME,
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    SECRET,
    a_custom_set,
    a_link,
    an_act,
    an_employee,
    once,
)
from tests.support.link_requests import nothing_changes
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_world, staff
from tests.support.table import Table
from tools.invariants import broken

SECOND = timedelta(seconds=1)
ONE, WHOSE, FIRM = keys.link(PARTNER, LINK), keys.user(EMPLOYEE), keys.account(PARTNER)
HIM, HIS = keys.user(MANAGER), keys.member(PARTNER, MANAGER)

Recorder = Callable[[], object]


class Told(Answer):
    """Whatever the caller is told."""


def links_due(at: datetime) -> Iterator[Link]:
    return (each for each in whatever_is_due.due(at) if isinstance(each, Link))


def creation() -> Recorder:
    wish = Wish(employee_id=EMPLOYEE)
    facts = stored.facts_for_creation(PARTNER, wish, MANAGER)
    created = links.create(facts, wish, an_act(MANAGER, once=once()))
    return lambda: stored.record_creation(created, Told())


def resending() -> Recorder:
    facts = stored.facts_for_resending(PARTNER, LINK, MANAGER)
    resent = resends.resend(facts, an_act(MANAGER, once=once(), chance="n" * 43))
    return lambda: stored.record_resending(resent, Told())


def revocation() -> Recorder:
    revoked = links.revoke(stored.facts_for_one(PARTNER, LINK, MANAGER), an_act(MANAGER))
    assert revoked
    return lambda: stored.record_end(revoked)


def withdrawal() -> Recorder:
    withdrawn = links.withdraw(stored.facts_for_one(PARTNER, LINK, MANAGER).link, an_act(once=once()))
    return lambda: stored.record_end(withdrawn)


def withdrawal_on_reply() -> Recorder:
    facts = approvals.facts_for_reply(SECRET, CLIENT, APPROVER)
    withdrawn = links.withdraw(facts.link, an_act(), *facts.subject)
    return lambda: stored.record_end(withdrawn)


def expiry() -> Recorder:
    (link,) = links_due(NOW)
    expired = links.expire(link, an_act("schedule"))
    assert expired
    return lambda: stored.record_end(expired)


def retirement() -> Recorder:
    (link,) = links_due(NOW)
    return lambda: stored.record_retirement(link)


def asking() -> Recorder:
    asked = renewals.ask_anew(stored.facts_for_renewal(SECRET, COLLEAGUE), SECRET, an_act(COLLEAGUE, once=once()))
    assert asked
    return lambda: stored.record_asking(asked, Told())


ENDED: list[tuple[dict[str, Any], type[Refused]]] = [
    ({"stored_state": "declined"}, LinkAlreadyUsed),
    ({"expires_at": NOW}, LinkAlreadyUsed),
    ({"approvals": 1}, LinkAlreadyUsed),
]
DUE = a_link(expires_at=NOW)
USED_UP = a_link(expires_at=NOW, max_approvals=2, approvals=2)
REVOKED = a_link(stored_state=Standing.REVOKED)

CONDITIONS: list[tuple[Callable[[], Recorder], Link, Key, dict[str, Any], type[Refused]]] = [
    (creation, a_link(), WHOSE, {"open_links": OPEN_LINKS}, TooManyLinks),
    (creation, a_link(), WHOSE, {"version": 2}, RightsChanged),
    *((creation, a_link(), key, {"version": 2}, RightsChanged) for key in (FIRM, HIM, HIS)),
    (creation, a_link(), keys.link(PARTNER, f"lnk_{ACT_NAME}"), {"version": 1}, RightsChanged),
    *((revocation, a_link(), ONE, change, refusal) for change, refusal in ENDED),
    (revocation, a_link(), WHOSE, {"open_links": 0}, RightsChanged),
    (revocation, a_link(), HIM, {"version": 2}, RightsChanged),
    (revocation, a_link(), HIS, {"version": 2}, RightsChanged),
    *((withdrawal, a_link(), ONE, change, refusal) for change, refusal in ENDED),
    (withdrawal_on_reply, a_link(), WHOSE, {"open_links": 0}, RightsChanged),
    *((withdrawal_on_reply, a_link(), key, {"version": 2}, RightsChanged) for key in (WHOSE, FIRM)),
    *((resending, a_link(), ONE, change, RightsChanged) for change, _ in ENDED),
    (resending, a_link(), ONE, {"version": 2}, RightsChanged),
    *((resending, a_link(), key, {"version": 2}, RightsChanged) for key in (WHOSE, FIRM, HIM, HIS)),
    (expiry, DUE, ONE, {"stored_state": "revoked"}, LinkAlreadyUsed),
    (expiry, DUE, ONE, {"expires_at": NOW + SECOND}, LinkAlreadyUsed),
    (expiry, DUE, ONE, {"approvals": 1}, LinkAlreadyUsed),
    (expiry, DUE, WHOSE, {"open_links": 0}, RightsChanged),
    (retirement, USED_UP, ONE, {"approvals": 1}, RightsChanged),
    (retirement, USED_UP, ONE, {"due_at": None, "due_shard": None}, RightsChanged),
    (retirement, USED_UP, WHOSE, {"open_links": 0}, RightsChanged),
    (asking, REVOKED, ONE, {"renewal_requested": True}, RightsChanged),
    (asking, REVOKED, ONE, {"stored_state": "open"}, RightsChanged),
    (asking, DUE, ONE, {"expires_at": NOW + SECOND}, RightsChanged),
    (asking, a_link(approvals=1), ONE, {"approvals": 0}, RightsChanged),
    (asking, REVOKED, keys.user(COLLEAGUE), {"version": 2}, RightsChanged),
]


@pytest.mark.parametrize(("decided", "link", "key", "change", "refusal"), CONDITIONS)
def test_what_no_longer_holds_changes_nothing(
    table: Table, decided: Callable[[], Recorder], link: Link, key: Key, change: dict[str, Any], refusal: type[Refused]
) -> None:
    a_world(table, link)
    record = decided()
    table.change(key, **change)

    with nothing_changes(table), pytest.raises(Overtaken) as overtaken:
        record()

    assert overtaken.value.refusal is refusal


@pytest.mark.parametrize(
    ("decided", "link", "key", "change"),
    [
        (creation, a_link(), WHOSE, {"open_links": OPEN_LINKS - 1}),
        (revocation, a_link(), ONE, {"expires_at": NOW + SECOND}),
        (revocation, a_link(max_approvals=2), ONE, {"approvals": 1}),
        (revocation, a_link(), ONE, {"version": 2}),
        (resending, a_link(), ONE, {"expires_at": NOW + SECOND}),
        (resending, a_link(max_approvals=2), ONE, {"approvals": 1}),
        (resending, a_link(), ONE, {"secrets": {"a minted one"}}),
        (expiry, DUE, ONE, {"expires_at": NOW - SECOND}),
        (expiry, a_link(expires_at=NOW, max_approvals=2, approvals=1), ONE, {"delivery_status": "sent"}),
        (retirement, USED_UP, ONE, {"delivery_status": "sent"}),
        (asking, REVOKED, ONE, {"delivery_status": "sent"}),
        (asking, DUE, ONE, {"delivery_status": "sent"}),
        (asking, a_link(approvals=1), ONE, {"delivery_status": "sent"}),
        (asking, a_link(stored_state=Standing.EXPIRED, expires_at=NOW), ONE, {"delivery_status": "sent"}),
    ],
)
def test_what_still_holds_comes_true(
    table: Table, decided: Callable[[], Recorder], link: Link, key: Key, change: dict[str, Any]
) -> None:
    a_world(table, link)
    record = decided()
    table.change(key, **change)
    before = table.items()

    record()

    assert table.items() != before


@pytest.mark.parametrize(
    ("decided", "link", "standing"),
    [(revocation, a_link(), "revoked"), (withdrawal, a_link(), "revoked"), (expiry, DUE, "expired")],
)
def test_an_ended_link_leaves_the_sweep_and_its_employee(
    table: Table, decided: Callable[[], Recorder], link: Link, standing: str
) -> None:
    a_world(table, link)

    decided()()

    kept = table.get(ONE) or {}
    assert kept["stored_state"] == standing
    assert not {"due_at", "due_shard"} & set(kept)
    assert kept["list_key"] == f"EMPLOYEE#{PARTNER}#{EMPLOYEE}"
    assert (table.get(WHOSE) or {})["open_links"] == 0
    assert list(links_due(NOW + timedelta(days=99))) == []
    assert broken(table.items()) == []


def test_a_link_used_up_before_its_time_leaves_the_sweep_and_stays_as_it_is(table: Table) -> None:
    a_world(table, USED_UP)
    record = retirement()

    record()

    assert not {"due_at", "due_shard"} & set(table.get(ONE) or {})
    assert (table.get(WHOSE) or {})["open_links"] == 0
    assert (table.get(ONE) or {})["stored_state"] == "open"


def test_a_link_sent_again_has_one_secret_a_new_end_and_another_version(table: Table) -> None:
    a_world(table, a_link(secrets=frozenset({SECRET.fingerprint, "minted"})))

    resending()()

    link = Link.model_validate(table.get(ONE))
    assert len(link.secrets) == 1
    assert SECRET.fingerprint not in link.secrets
    assert (link.version, link.expires_at, link.resent_at) == (2, NOW + timedelta(days=7), (NOW,))
    assert (table.get(ONE) or {})["due_at"] == NOW.timestamp() + 7 * 86400


def test_the_letter_of_a_link_sent_again_waits_anew_whatever_became_of_the_last(table: Table) -> None:
    a_world(table, a_link(recipient="owner@bakery.example", delivery_status="bounced"))

    resending()()

    assert (table.get(ONE) or {})["delivery_status"] == "queued"


def test_a_link_that_asks_for_nothing_since_access_was_ended_is_asked_for_anew(table: Table) -> None:
    a_world(table, a_link(), an_employee(offboardings={PARTNER: 1}))

    asking()()

    assert (table.get(ONE) or {})["renewal_requested"] is True


def test_a_link_that_asks_for_nothing_is_asked_for_anew_only_once(table: Table) -> None:
    a_world(table, a_link(), an_employee(offboardings={PARTNER: 1}))
    record = asking()
    table.change(ONE, renewal_requested=True)

    with nothing_changes(table), pytest.raises(Overtaken):
        record()


# what the sweep finds


def test_what_is_due_and_nothing_else(table: Table) -> None:
    due = [a_link(link_id=f"lnk_{number:032x}", expires_at=NOW - number * SECOND) for number in range(20)]
    a_world(table, *due, a_link(expires_at=NOW + SECOND), a_link(link_id="lnk_over", stored_state=Standing.REVOKED))

    assert {link.link_id for link in links_due(NOW)} == {link.link_id for link in due}
    assert list(links_due(NOW - timedelta(hours=1))) == []


def test_more_than_fit_on_a_page_are_due(table: Table) -> None:
    ids = [name for name in (f"lnk_{number:032x}" for number in range(2000)) if keys.shard(name) == 0][:101]
    for name in ids:
        link = a_link(link_id=name, expires_at=NOW)
        table.put(keys.of(link), stored.item(link))

    assert sorted(link.link_id for link in links_due(NOW)) == ids


def test_a_link_that_the_index_still_shows_is_read_as_it_is_now(table: Table) -> None:
    """An index may lag: what it names is looked up, and what is gone is passed over (guarantees.md F14)."""
    a_world(table, a_link(expires_at=NOW))
    found = stored._whole([{"pk": ONE.pk, "sk": ONE.sk}, {"pk": ONE.pk, "sk": "LINK#gone"}])

    assert [link.link_id for link in found] == [LINK]


# what others read


def test_whoever_asks_comes_with_the_firms_own_set_that_he_holds(table: Table) -> None:
    a_world(table, a_link(), a_custom_set(account_id=PARTNER), staff(COLLEAGUE, CUSTOM_SET))

    created = stored.facts_for_creation(PARTNER, Wish(employee_id=EMPLOYEE), COLLEAGUE)
    shown = stored.facts_for_one(PARTNER, LINK, COLLEAGUE)

    assert created.creator == shown.actor
    assert set(shown.actor.sets) == {CUSTOM_SET}


def test_of_more_links_than_fit_on_a_page_none_is_anybody_elses(table: Table) -> None:
    his = [a_link(link_id=f"lnk_{number:032x}") for number in range(1, 130)]
    anothers = [a_link(link_id=f"lnk_{number:032x}", employee_id=COLLEAGUE) for number in (0, 130)]
    for link in (*his, *anothers):
        table.put(keys.of(link), stored.item(link))

    found = [link for page in stored.all_of(PARTNER, EMPLOYEE) for link in page]

    assert found == his[::-1]


def test_facts_for_a_link_that_is_not_there(table: Table) -> None:
    a_world(table)

    facts = stored.facts_for_resending(PARTNER, "lnk_unknown", MANAGER)

    assert facts == LinkFacts(partner=facts.partner, actor=facts.actor)
    assert stored.facts_for_renewal(SECRET, "user-unknown").asker is None
    assert stored.employees_of([]) == {}
