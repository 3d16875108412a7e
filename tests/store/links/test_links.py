"""Links in the table: every clause of every condition, due links, and lists."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.api.response_body import ResponseBody
from partner_access.domain.errors import DomainError, LinkAlreadyUsed, RightsChanged, StaleFacts, TooManyLinks
from partner_access.domain.links import creations, links, renewals, resends
from partner_access.domain.links.creations import MAX_OPEN_LINKS, NewLink
from partner_access.domain.links.links import Link, LinkFacts, StoredLinkState
from partner_access.store import expiry as whatever_is_due
from partner_access.store import keys
from partner_access.store.keys import Key
from partner_access.store.links import approvals
from partner_access.store.links import links as stored
from tests.support.builders import (
    ACT_ID,
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
    an_idempotency_key,
)
from tests.support.link_requests import assert_unchanged
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member, seed
from tests.support.table import Table
from tools.invariants import violations

SECOND = timedelta(seconds=1)
LINK_KEY, EMPLOYEE_KEY, PARTNER_KEY = keys.link(PARTNER, LINK), keys.user(EMPLOYEE), keys.account(PARTNER)
MANAGER_KEY, MANAGER_MEMBER_KEY = keys.user(MANAGER), keys.member(PARTNER, MANAGER)

Recorder = Callable[[], object]


class EmptyBody(ResponseBody):
    """A response body without fields."""


def links_due(at: datetime) -> Iterator[Link]:
    return (each for each in whatever_is_due.due(at) if isinstance(each, Link))


def creation() -> Recorder:
    new_link = NewLink(employee_id=EMPLOYEE)
    facts = stored.facts_for_creation(PARTNER, new_link, MANAGER)
    created = creations.create(facts, new_link, an_act(MANAGER, idempotency_key=an_idempotency_key()))
    return lambda: stored.record_creation(created, EmptyBody())


def resend() -> Recorder:
    facts = stored.facts_for_resend(PARTNER, LINK, MANAGER)
    resent = resends.resend(facts, an_act(MANAGER, idempotency_key=an_idempotency_key(), random="n" * 43))
    return lambda: stored.record_resend(resent, EmptyBody())


def revocation() -> Recorder:
    revoked = links.revoke(stored.facts_for_one(PARTNER, LINK, MANAGER), an_act(MANAGER))
    assert revoked
    return lambda: stored.record_end(revoked)


def withdrawal() -> Recorder:
    withdrawn = links.revoke_ineligible(
        stored.facts_for_one(PARTNER, LINK, MANAGER).link, an_act(idempotency_key=an_idempotency_key())
    )
    return lambda: stored.record_end(withdrawn)


def withdrawal_on_reply() -> Recorder:
    facts = approvals.facts_for_reply(SECRET, CLIENT, APPROVER)
    withdrawn = links.revoke_ineligible(facts.link, an_act(), *facts.subject)
    return lambda: stored.record_end(withdrawn)


def expiry() -> Recorder:
    (link,) = links_due(NOW)
    expired = links.expire(link, an_act("schedule"))
    assert expired
    return lambda: stored.record_end(expired)


def retirement() -> Recorder:
    (link,) = links_due(NOW)
    return lambda: stored.record_used_up(link)


def request_renewal() -> Recorder:
    requested = renewals.request_renewal(
        stored.facts_for_renewal(SECRET, COLLEAGUE), SECRET, an_act(COLLEAGUE, idempotency_key=an_idempotency_key())
    )
    assert requested
    return lambda: stored.record_renewal_request(requested, EmptyBody())


ENDED: list[tuple[dict[str, Any], type[DomainError]]] = [
    ({"stored_state": "declined"}, LinkAlreadyUsed),
    ({"expires_at": NOW}, LinkAlreadyUsed),
    ({"approvals": 1}, LinkAlreadyUsed),
]
DUE = a_link(expires_at=NOW)
USED_UP = a_link(expires_at=NOW, max_approvals=2, approvals=2)
REVOKED = a_link(stored_state=StoredLinkState.REVOKED)

CONDITIONS: list[tuple[Callable[[], Recorder], Link, Key, dict[str, Any], type[DomainError]]] = [
    (creation, a_link(), EMPLOYEE_KEY, {"open_links": MAX_OPEN_LINKS}, TooManyLinks),
    (creation, a_link(), EMPLOYEE_KEY, {"version": 2}, RightsChanged),
    *(
        (creation, a_link(), key, {"version": 2}, RightsChanged)
        for key in (PARTNER_KEY, MANAGER_KEY, MANAGER_MEMBER_KEY)
    ),
    (creation, a_link(), keys.link(PARTNER, f"lnk_{ACT_ID}"), {"version": 1}, RightsChanged),
    *((revocation, a_link(), LINK_KEY, change, error) for change, error in ENDED),
    (revocation, a_link(), EMPLOYEE_KEY, {"open_links": 0}, RightsChanged),
    (revocation, a_link(), MANAGER_KEY, {"version": 2}, RightsChanged),
    (revocation, a_link(), MANAGER_MEMBER_KEY, {"version": 2}, RightsChanged),
    *((withdrawal, a_link(), LINK_KEY, change, error) for change, error in ENDED),
    (withdrawal_on_reply, a_link(), EMPLOYEE_KEY, {"open_links": 0}, RightsChanged),
    *((withdrawal_on_reply, a_link(), key, {"version": 2}, RightsChanged) for key in (EMPLOYEE_KEY, PARTNER_KEY)),
    *((resend, a_link(), LINK_KEY, change, RightsChanged) for change, _ in ENDED),
    (resend, a_link(), LINK_KEY, {"version": 2}, RightsChanged),
    *(
        (resend, a_link(), key, {"version": 2}, RightsChanged)
        for key in (EMPLOYEE_KEY, PARTNER_KEY, MANAGER_KEY, MANAGER_MEMBER_KEY)
    ),
    (expiry, DUE, LINK_KEY, {"stored_state": "revoked"}, LinkAlreadyUsed),
    (expiry, DUE, LINK_KEY, {"expires_at": NOW + SECOND}, LinkAlreadyUsed),
    (expiry, DUE, LINK_KEY, {"approvals": 1}, LinkAlreadyUsed),
    (expiry, DUE, EMPLOYEE_KEY, {"open_links": 0}, RightsChanged),
    (retirement, USED_UP, LINK_KEY, {"approvals": 1}, RightsChanged),
    (retirement, USED_UP, LINK_KEY, {"due_at": None, "due_shard": None}, RightsChanged),
    (retirement, USED_UP, EMPLOYEE_KEY, {"open_links": 0}, RightsChanged),
    (request_renewal, REVOKED, LINK_KEY, {"renewal_requested": True}, RightsChanged),
    (request_renewal, REVOKED, LINK_KEY, {"stored_state": "open"}, RightsChanged),
    (request_renewal, DUE, LINK_KEY, {"expires_at": NOW + SECOND}, RightsChanged),
    (request_renewal, a_link(approvals=1), LINK_KEY, {"approvals": 0}, RightsChanged),
    (request_renewal, REVOKED, keys.user(COLLEAGUE), {"version": 2}, RightsChanged),
]


@pytest.mark.parametrize(("decided", "link", "key", "change", "error"), CONDITIONS)
def test_record_after_conflicting_change_writes_nothing(
    table: Table,
    decided: Callable[[], Recorder],
    link: Link,
    key: Key,
    change: dict[str, Any],
    error: type[DomainError],
) -> None:
    seed(table, link)
    record = decided()
    table.change(key, **change)

    with assert_unchanged(table), pytest.raises(StaleFacts) as overtaken:
        record()

    assert overtaken.value.error is error


@pytest.mark.parametrize(
    ("decided", "link", "key", "change"),
    [
        (creation, a_link(), EMPLOYEE_KEY, {"open_links": MAX_OPEN_LINKS - 1}),
        (revocation, a_link(), LINK_KEY, {"expires_at": NOW + SECOND}),
        (revocation, a_link(max_approvals=2), LINK_KEY, {"approvals": 1}),
        (revocation, a_link(), LINK_KEY, {"version": 2}),
        (resend, a_link(), LINK_KEY, {"expires_at": NOW + SECOND}),
        (resend, a_link(max_approvals=2), LINK_KEY, {"approvals": 1}),
        (resend, a_link(), LINK_KEY, {"secrets": {"a minted one"}}),
        (expiry, DUE, LINK_KEY, {"expires_at": NOW - SECOND}),
        (expiry, a_link(expires_at=NOW, max_approvals=2, approvals=1), LINK_KEY, {"delivery_status": "sent"}),
        (retirement, USED_UP, LINK_KEY, {"delivery_status": "sent"}),
        (request_renewal, REVOKED, LINK_KEY, {"delivery_status": "sent"}),
        (request_renewal, DUE, LINK_KEY, {"delivery_status": "sent"}),
        (request_renewal, a_link(approvals=1), LINK_KEY, {"delivery_status": "sent"}),
        (
            request_renewal,
            a_link(stored_state=StoredLinkState.EXPIRED, expires_at=NOW),
            LINK_KEY,
            {"delivery_status": "sent"},
        ),
    ],
)
def test_record_after_unrelated_change_succeeds(
    table: Table, decided: Callable[[], Recorder], link: Link, key: Key, change: dict[str, Any]
) -> None:
    seed(table, link)
    record = decided()
    table.change(key, **change)
    before = table.items()

    record()

    assert table.items() != before


@pytest.mark.parametrize(
    ("decided", "link", "state"),
    [(revocation, a_link(), "revoked"), (withdrawal, a_link(), "revoked"), (expiry, DUE, "expired")],
)
def test_record_end_removes_due_date_and_decrements_open_links(
    table: Table, decided: Callable[[], Recorder], link: Link, state: str
) -> None:
    seed(table, link)

    decided()()

    stored_link = table.get(LINK_KEY) or {}
    assert stored_link["stored_state"] == state
    assert not {"due_at", "due_shard"} & set(stored_link)
    assert stored_link["list_key"] == f"EMPLOYEE#{PARTNER}#{EMPLOYEE}"
    assert (table.get(EMPLOYEE_KEY) or {})["open_links"] == 0
    assert list(links_due(NOW + timedelta(days=99))) == []
    assert violations(table.items()) == []


def test_record_retirement_removes_due_date_and_keeps_state(table: Table) -> None:
    seed(table, USED_UP)
    record = retirement()

    record()

    assert not {"due_at", "due_shard"} & set(table.get(LINK_KEY) or {})
    assert (table.get(EMPLOYEE_KEY) or {})["open_links"] == 0
    assert (table.get(LINK_KEY) or {})["stored_state"] == "open"


def test_record_resend_replaces_secrets_and_end_and_version(table: Table) -> None:
    seed(table, a_link(secrets=frozenset({SECRET.fingerprint, "minted"})))

    resend()()

    link = Link.model_validate(table.get(LINK_KEY))
    assert len(link.secrets) == 1
    assert SECRET.fingerprint not in link.secrets
    assert (link.version, link.expires_at, link.resent_at) == (2, NOW + timedelta(days=7), (NOW,))
    assert (table.get(LINK_KEY) or {})["due_at"] == NOW.timestamp() + 7 * 86400


def test_record_resend_sets_delivery_status_to_queued(table: Table) -> None:
    seed(table, a_link(recipient="owner@bakery.example", delivery_status="bounced"))

    resend()()

    assert (table.get(LINK_KEY) or {})["delivery_status"] == "queued"


def test_record_renewal_of_older_access_generation_succeeds(table: Table) -> None:
    seed(table, a_link(), an_employee(offboardings={PARTNER: 1}))

    request_renewal()()

    assert (table.get(LINK_KEY) or {})["renewal_requested"] is True


def test_record_renewal_twice_concurrently_writes_once(table: Table) -> None:
    seed(table, a_link(), an_employee(offboardings={PARTNER: 1}))
    record = request_renewal()
    table.change(LINK_KEY, renewal_requested=True)

    with assert_unchanged(table), pytest.raises(StaleFacts):
        record()


# due links


def test_due_returns_only_open_links_past_their_end(table: Table) -> None:
    due = [a_link(link_id=f"lnk_{number:032x}", expires_at=NOW - number * SECOND) for number in range(20)]
    seed(table, *due, a_link(expires_at=NOW + SECOND), a_link(link_id="lnk_over", stored_state=StoredLinkState.REVOKED))

    assert {link.link_id for link in links_due(NOW)} == {link.link_id for link in due}
    assert list(links_due(NOW - timedelta(hours=1))) == []


def test_due_links_over_several_pages_are_complete(table: Table) -> None:
    ids = [name for name in (f"lnk_{number:032x}" for number in range(2000)) if keys.shard(name) == 0][:101]
    for name in ids:
        link = a_link(link_id=name, expires_at=NOW)
        table.put(keys.of(link), stored.item(link))

    assert sorted(link.link_id for link in links_due(NOW)) == ids


def test_due_links_are_read_again_from_the_table(table: Table) -> None:
    """Check that stale index entries are read again and missing links are skipped (consistency.md F14)."""
    seed(table, a_link(expires_at=NOW))
    found = stored._read_links([{"pk": LINK_KEY.pk, "sk": LINK_KEY.sk}, {"pk": LINK_KEY.pk, "sk": "LINK#gone"}])

    assert [link.link_id for link in found] == [LINK]


# facts and lists


def test_link_facts_include_custom_set_of_caller(table: Table) -> None:
    seed(table, a_link(), a_custom_set(account_id=PARTNER), a_partner_account_member(COLLEAGUE, CUSTOM_SET))

    created = stored.facts_for_creation(PARTNER, NewLink(employee_id=EMPLOYEE), COLLEAGUE)
    link_facts = stored.facts_for_one(PARTNER, LINK, COLLEAGUE)

    assert created.creator == link_facts.actor
    assert set(link_facts.actor.sets) == {CUSTOM_SET}


def test_all_links_of_employee_over_several_pages_exclude_others(table: Table) -> None:
    own_links = [a_link(link_id=f"lnk_{number:032x}") for number in range(1, 130)]
    other_links = [a_link(link_id=f"lnk_{number:032x}", employee_id=COLLEAGUE) for number in (0, 130)]
    for link in (*own_links, *other_links):
        table.put(keys.of(link), stored.item(link))

    found = [link for page in stored.all_of(PARTNER, EMPLOYEE) for link in page]

    assert found == own_links[::-1]


def test_link_facts_for_missing_link_are_empty(table: Table) -> None:
    seed(table)

    facts = stored.facts_for_resend(PARTNER, "lnk_unknown", MANAGER)

    assert facts == LinkFacts(partner=facts.partner, actor=facts.actor)
    assert stored.facts_for_renewal(SECRET, "user-unknown").requester is None
    assert stored.employees_of([]) == {}
