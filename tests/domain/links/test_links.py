"""Links: states, creation, visibility, revocation and expiry."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.accounts import Account
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    LinkAlreadyUsed,
    LinkDeclined,
    LinkExpired,
    LinkNotFound,
    LinkRevoked,
    NotFound,
)
from partner_access.domain.links import links
from partner_access.domain.links.links import (
    LinkFacts,
    LinkState,
    StoredLinkState,
    current_access_generation,
    end_of_link,
    expire,
    revoke,
    revoke_ineligible,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import RequestedAccess
from partner_access.domain.notifications import NotificationKind
from partner_access.domain.users import User
from tests.support.builders import (
    LINK,
    NOW,
    OTHER_SECRET,
    PARTNER,
    SECRET,
    a_link,
    an_act,
    an_employee,
    an_idempotency_key,
    the_partner,
)
from tests.support.partner_employees import (
    ACCESS_MANAGER,
    COLLEAGUE,
    DEACTIVATED_MANAGER,
    MANAGER,
    OTHER_EMPLOYEE,
    OUTSIDER_ACTOR,
    REMOVED_MANAGER,
    SELF,
    SUPER_ADMIN,
    act_of,
)

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


# states


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"expires_at": NOW + SECOND}, LinkState.OPEN),
        ({"expires_at": NOW}, LinkState.EXPIRED),
        ({"expires_at": NOW - SECOND}, LinkState.EXPIRED),
        ({"approvals": 1}, LinkState.APPROVED),
        ({"approvals": 1, "expires_at": NOW}, LinkState.APPROVED),
        ({"approvals": 1, "max_approvals": 2}, LinkState.OPEN),
        ({"approvals": 1, "max_approvals": 2, "expires_at": NOW}, LinkState.EXPIRED),
        ({"approvals": 2, "max_approvals": 2, "stored_state": StoredLinkState.REVOKED}, LinkState.APPROVED),
        ({"stored_state": StoredLinkState.REVOKED}, LinkState.REVOKED),
        ({"stored_state": StoredLinkState.REVOKED, "expires_at": NOW}, LinkState.REVOKED),
        ({"stored_state": StoredLinkState.DECLINED, "expires_at": NOW - SECOND}, LinkState.DECLINED),
        ({"stored_state": StoredLinkState.EXPIRED}, LinkState.EXPIRED),
    ],
)
def test_link_state_at_combines_stored_state_expiry_and_approvals(changes: Mapping[str, Any], state: LinkState) -> None:
    assert a_link(**changes).state_at(NOW) is state


@pytest.mark.parametrize(
    ("changes", "access_generation", "state"),
    [
        ({}, 0, LinkState.OPEN),
        ({}, 1, LinkState.REVOKED),
        ({"access_generation": 1}, 1, LinkState.OPEN),
        ({"access_generation": 2}, 1, LinkState.OPEN),
        ({"access_generation": 1}, 2, LinkState.REVOKED),
        ({"expires_at": NOW}, 1, LinkState.EXPIRED),
        ({"approvals": 1}, 1, LinkState.APPROVED),
        ({"approvals": 1, "max_approvals": 2}, 1, LinkState.REVOKED),
        ({"stored_state": StoredLinkState.DECLINED}, 1, LinkState.DECLINED),
    ],
)
def test_link_with_older_access_generation_is_revoked(
    changes: Mapping[str, Any], access_generation: int, state: LinkState
) -> None:
    link = a_link(**changes)

    assert link.state_at(NOW, access_generation) is state
    if state is LinkState.OPEN:
        link.must_be_open(NOW, access_generation)
    if state is LinkState.REVOKED:
        with pytest.raises(LinkRevoked):
            link.must_be_open(NOW, access_generation)


@pytest.mark.parametrize(
    ("employee", "partner", "access_generation"),
    [
        (None, None, 0),
        (an_employee(offboardings={PARTNER: 2}), None, 0),
        (None, the_partner(terminations=1), 0),
        (an_employee(offboardings={PARTNER: 2}), the_partner(terminations=1), 3),
    ],
)
def test_access_generation_now_sums_known_records(
    employee: User | None, partner: Account | None, access_generation: int
) -> None:
    assert current_access_generation(employee, partner) == access_generation


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"approvals": 1}, LinkAlreadyUsed),
        ({"stored_state": StoredLinkState.DECLINED}, LinkDeclined),
        ({"stored_state": StoredLinkState.REVOKED}, LinkRevoked),
        ({"expires_at": NOW}, LinkExpired),
    ],
)
def test_must_be_open_for_ended_link_raises_error_of_its_state(
    changes: Mapping[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        a_link(**changes).must_be_open(NOW, 0)


def test_must_be_open_one_second_before_expiry_succeeds() -> None:
    a_link(expires_at=NOW + SECOND).must_be_open(NOW, 0)


def test_must_be_opened_by_accepts_only_secrets_of_link() -> None:
    link = a_link(secrets=frozenset({SECRET.fingerprint, OTHER_SECRET.fingerprint}))

    link.must_be_opened_by(SECRET)
    link.must_be_opened_by(OTHER_SECRET)
    for closed in (a_link(), a_link(secrets=frozenset())):
        with pytest.raises(LinkNotFound):
            closed.must_be_opened_by(OTHER_SECRET)


@pytest.mark.parametrize("end", [{"access_days": 3}, {"access_ends_on": date(2027, 4, 10)}, {}])
def test_link_requested_access_contains_removed_permissions_and_end(end: dict[str, Any]) -> None:
    requested = a_link(removed=("crm.import",), **end).requested_access

    assert requested == RequestedAccess(removed=("crm.import",), **end)
    assert requested.end == RequestedEnd(**end)


@pytest.mark.parametrize(
    ("last_day", "end"),
    [
        (None, NOW + timedelta(days=7)),
        (date(2026, 11, 28), datetime(2026, 11, 29, 9, tzinfo=UTC)),
        (date(2026, 11, 22), datetime(2026, 11, 23, 12, tzinfo=UTC)),
        (date(2026, 11, 27), datetime(2026, 11, 28, 12, tzinfo=UTC)),
    ],
)
def test_end_of_link_is_not_after_requested_last_day_everywhere(last_day: date | None, end: datetime) -> None:
    assert end_of_link(7, RequestedEnd(access_ends_on=last_day), NOW) == end


# visibility


MANAGERS_LINK = a_link(created_by=MANAGER)
COLLEAGUES_LINK = a_link(created_by=COLLEAGUE)


def link_facts(actor: Actor = SUPER_ADMIN, link: links.Link | None = MANAGERS_LINK, **changes: Any) -> LinkFacts:
    return LinkFacts(**{"partner": the_partner(), "actor": actor, "link": link, "employee": an_employee(), **changes})


@pytest.mark.parametrize(
    ("actor", "link", "is_visible"),
    [
        (SUPER_ADMIN, MANAGERS_LINK, True),
        (ACCESS_MANAGER, COLLEAGUES_LINK, True),
        (SELF, MANAGERS_LINK, True),
        (OTHER_EMPLOYEE, COLLEAGUES_LINK, True),
        (OTHER_EMPLOYEE, MANAGERS_LINK, False),
        (SUPER_ADMIN, None, False),
        (OUTSIDER_ACTOR, MANAGERS_LINK, False),
        (REMOVED_MANAGER, MANAGERS_LINK, False),
    ],
)
def test_must_be_own_or_managed_returns_link_only_to_concerned_callers(
    actor: Actor, link: links.Link | None, is_visible: bool
) -> None:
    if is_visible:
        assert links.must_be_own_or_managed(link_facts(actor, link), act_of(actor)) == link
    else:
        with pytest.raises(NotFound):
            links.must_be_own_or_managed(link_facts(actor, link), act_of(actor))


# revoking


@pytest.mark.parametrize("actor", [SUPER_ADMIN, ACCESS_MANAGER])
def test_revoke_open_link_by_access_manager_succeeds(actor: Actor) -> None:
    revoked = revoke(link_facts(actor), act_of(actor))

    assert revoked
    assert (revoked.stored_state, revoked.link, revoked.notification) == (StoredLinkState.REVOKED, MANAGERS_LINK, None)
    assert (revoked.audit.event, revoked.audit.accounts) == ("link.revoked", (PARTNER,))
    assert set(revoked.relies_on) == {actor.user, actor.member}


def test_revoke_link_by_vendor_succeeds_for_any_existing_link() -> None:
    act = an_act("vendor", for_vendor=True)

    assert revoke(link_facts(Actor()), act)
    with pytest.raises(NotFound):
        revoke(link_facts(Actor(), None), act)


@pytest.mark.parametrize(
    ("actor", "link", "error"),
    [
        (SELF, MANAGERS_LINK, Forbidden),
        (OTHER_EMPLOYEE, COLLEAGUES_LINK, Forbidden),
        (OTHER_EMPLOYEE, MANAGERS_LINK, NotFound),
        (OUTSIDER_ACTOR, MANAGERS_LINK, NotFound),
        (DEACTIVATED_MANAGER, MANAGERS_LINK, Forbidden),
        (SUPER_ADMIN, None, NotFound),
        (SUPER_ADMIN, a_link(approvals=1), LinkAlreadyUsed),
        (SUPER_ADMIN, a_link(approvals=1, expires_at=NOW), LinkAlreadyUsed),
        (SELF, a_link(approvals=1), Forbidden),
    ],
)
def test_revoke_link_by_other_caller_or_in_other_state_is_refused(
    actor: Actor, link: links.Link | None, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        revoke(link_facts(actor, link), act_of(actor))


@pytest.mark.parametrize(
    "changes",
    [{"stored_state": state} for state in StoredLinkState if state != "open"] + [{"expires_at": NOW}],
)
def test_revoke_ended_link_returns_none(changes: Mapping[str, Any]) -> None:
    assert revoke(link_facts(link=a_link(**changes)), act_of(SUPER_ADMIN)) is None


def test_revoke_partly_approved_link_succeeds() -> None:
    assert revoke(link_facts(link=a_link(approvals=1, max_approvals=2)), act_of(SUPER_ADMIN))


# expiry and lost eligibility


def test_withdraw_link_removes_idempotency_key() -> None:
    withdrawn = revoke_ineligible(a_link(), an_act(idempotency_key=an_idempotency_key()))

    assert (withdrawn.stored_state, withdrawn.act.idempotency_key) == (StoredLinkState.REVOKED, None)
    assert withdrawn.audit.details == {"link_id": LINK, "reason": "not_eligible"}
    with pytest.raises(LinkNotFound):
        revoke_ineligible(None, an_act())


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"expires_at": NOW - SECOND}, True),
        ({"expires_at": NOW}, True),
        ({"expires_at": NOW + SECOND}, False),
        ({"expires_at": NOW, "approvals": 1}, False),
        ({"expires_at": NOW, "approvals": 1, "max_approvals": 2}, True),
        ({"expires_at": NOW, "stored_state": StoredLinkState.REVOKED}, False),
        ({"expires_at": NOW, "stored_state": StoredLinkState.DECLINED}, False),
        ({"expires_at": NOW, "stored_state": StoredLinkState.EXPIRED}, False),
    ],
)
def test_expire_link_ends_only_open_links_past_their_end(changes: Mapping[str, Any], ends: bool) -> None:
    ended = expire(a_link(**changes), an_act("sweep"))

    assert (ended is not None) is ends
    if ended:
        assert (ended.stored_state, ended.audit.event) == (StoredLinkState.EXPIRED, "link.expired")
        assert ended.notification
        assert ended.notification.kind is NotificationKind.LINK_EXPIRED
