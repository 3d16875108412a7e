"""Access links sent again by their partner."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    LinkAlreadyUsed,
    LinkDeclined,
    LinkExpired,
    LinkNotFound,
    LinkRevoked,
    NotEligible,
    NotFound,
    RateLimited,
    RecipientSuppressed,
)
from partner_access.domain.links.links import LinkDeliveryStatus, LinkFacts, StoredLinkState
from partner_access.domain.links.resends import resend
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import NotificationKind
from tests.domain.links.test_renewals import DAY, OTHER_EMPLOYEE, OUTSIDER_ACTOR, SECOND, SELF, SUPER_ADMIN, act_of
from tests.support.builders import (
    NOW,
    PARTNER,
    SECRET,
    a_link,
    an_act,
    an_employee,
    the_partner,
)


def link_facts(actor: Actor = SUPER_ADMIN, **changes: Any) -> LinkFacts:
    return LinkFacts(
        **{"partner": the_partner(), "actor": actor, "link": a_link(), "employee": an_employee(), **changes}
    )


def test_resend_link_replaces_secret_and_restarts_days() -> None:
    before = a_link(
        recipient="owner@bakery.example",
        expires_at=NOW + SECOND,
        link_days=3,
        delivery_status=LinkDeliveryStatus.BOUNCED,
        resent_at=(NOW - 2 * DAY, NOW - SECOND * 60),
    )
    resent = resend(link_facts(link=before), act_of(SUPER_ADMIN, random="e" * 43))
    link = resent.link

    link.must_be_opened_by(LinkSecret.read(resent.secret))
    with pytest.raises(LinkNotFound):
        link.must_be_opened_by(SECRET)
    assert link.expires_at == NOW + 3 * DAY
    assert (link.delivery_status, link.version, link.created_at) == (
        LinkDeliveryStatus.QUEUED,
        before.version + 1,
        before.created_at,
    )
    assert link.resent_at == (NOW - SECOND * 60, NOW)
    assert resent.notification
    assert (resent.notification.kind, resent.audit.event) == (NotificationKind.LINK_TO_APPROVE, "link.resent")
    assert resent.before == before
    assert set(resent.relies_on) == {SUPER_ADMIN.user, SUPER_ADMIN.member, an_employee(), the_partner()}


def test_resend_link_without_recipient_sends_no_email() -> None:
    resent = resend(link_facts(link=a_link(created_at=NOW)), act_of(SUPER_ADMIN))

    assert resent.notification is None
    assert resent.link.delivery_status is LinkDeliveryStatus.NONE


def hours_ago(*hours: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(hours=each) for each in hours)


@pytest.mark.parametrize(
    ("resent", "is_allowed"),
    [
        ((NOW - timedelta(seconds=59),), False),
        ((NOW - timedelta(seconds=60),), True),
        ((NOW,), False),
        (hours_ago(20, 15, 10, 5), True),
        (hours_ago(20, 15, 10, 5, 1), False),
        (hours_ago(24, 15, 10, 5, 1), True),
        (hours_ago(23.99, 15, 10, 5, 1), False),
    ],
)
def test_resend_link_beyond_rate_limit_raises_rate_limited(resent: tuple[datetime, ...], is_allowed: bool) -> None:
    link = a_link(resent_at=resent)
    if is_allowed:
        assert resend(link_facts(link=link), act_of(SUPER_ADMIN)).link.resent_at[-1] == NOW
    else:
        with pytest.raises(RateLimited):
            resend(link_facts(link=link), act_of(SUPER_ADMIN))


@pytest.mark.parametrize(
    ("actor", "changes", "error"),
    [
        (SELF, {}, Forbidden),
        (OTHER_EMPLOYEE, {}, NotFound),
        (OUTSIDER_ACTOR, {}, NotFound),
        (SUPER_ADMIN, {"link": None}, NotFound),
        (SUPER_ADMIN, {"partner": None}, NotFound),
        (SUPER_ADMIN, {"link": a_link(approvals=1)}, LinkAlreadyUsed),
        (SUPER_ADMIN, {"link": a_link(stored_state=StoredLinkState.REVOKED)}, LinkRevoked),
        (SUPER_ADMIN, {"link": a_link(stored_state=StoredLinkState.DECLINED)}, LinkDeclined),
        (SUPER_ADMIN, {"link": a_link(expires_at=NOW)}, LinkExpired),
        (SUPER_ADMIN, {"employee": None}, NotEligible),
        (SUPER_ADMIN, {"employee": an_employee(active=False)}, NotEligible),
        (SUPER_ADMIN, {"recipient_is_suppressed": True}, RecipientSuppressed),
        (SUPER_ADMIN, {"link": a_link(expires_at=NOW), "employee": None}, LinkExpired),
        (SUPER_ADMIN, {"link": a_link(resent_at=(NOW,)), "employee": None}, NotEligible),
    ],
)
def test_resend_link_with_invalid_facts_raises_error(
    actor: Actor, changes: Mapping[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        resend(link_facts(actor, **changes), act_of(actor))


def test_resend_link_by_vendor_raises_not_found() -> None:
    with pytest.raises(NotFound):
        resend(link_facts(Actor()), an_act("vendor", for_vendor=True))


@pytest.mark.parametrize(
    ("access_generation", "changes", "is_allowed"),
    [
        (0, {"employee": an_employee(offboardings={PARTNER: 1})}, False),
        (0, {"partner": the_partner(terminations=1)}, False),
        (1, {"partner": the_partner(terminations=1)}, True),
        (0, {"employee": an_employee(offboardings={"partner-south": 1})}, True),
    ],
)
def test_resend_link_with_older_access_generation_raises_link_revoked(
    access_generation: int, changes: Mapping[str, Any], is_allowed: bool
) -> None:
    facts = link_facts(link=a_link(access_generation=access_generation), **changes)
    if is_allowed:
        assert resend(facts, act_of(SUPER_ADMIN)).link.access_generation == access_generation
    else:
        with pytest.raises(LinkRevoked):
            resend(facts, act_of(SUPER_ADMIN))
