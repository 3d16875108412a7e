"""Access links sent again by their partner."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.errors import (
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
    Refused,
)
from partner_access.domain.links.links import LinkDeliveryStatus, LinkFacts, Standing
from partner_access.domain.links.resends import resend
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import LetterKind
from tests.domain.links.test_renewals import ANOTHER, DAY, NOBODY, SECOND, SELF, SUPER_ADMIN, by
from tests.support.builders import (
    NOW,
    PARTNER,
    SECRET,
    a_link,
    an_act,
    an_employee,
    the_partner,
)


def of_link(actor: Actor = SUPER_ADMIN, **changes: Any) -> LinkFacts:
    return LinkFacts(
        **{"partner": the_partner(), "actor": actor, "link": a_link(), "employee": an_employee(), **changes}
    )


def test_a_resent_link_opens_with_a_new_secret_only_and_its_days_count_anew() -> None:
    before = a_link(
        recipient="owner@bakery.example",
        expires_at=NOW + SECOND,
        link_days=3,
        delivery_status=LinkDeliveryStatus.BOUNCED,
        resent_at=(NOW - 2 * DAY, NOW - SECOND * 60),
    )
    resent = resend(of_link(link=before), by(SUPER_ADMIN, chance="e" * 43))
    link = resent.link

    link.must_be_opened_by(Secret.read(resent.secret))
    with pytest.raises(LinkNotFound):
        link.must_be_opened_by(SECRET)
    assert link.expires_at == NOW + 3 * DAY
    assert (link.delivery_status, link.version, link.created_at) == (
        LinkDeliveryStatus.QUEUED,
        before.version + 1,
        before.created_at,
    )
    assert link.resent_at == (NOW - SECOND * 60, NOW)
    assert resent.letter
    assert (resent.letter.kind, resent.audit.event) == (LetterKind.LINK_TO_APPROVE, "link.resent")
    assert resent.before == before
    assert set(resent.relies_on) == {SUPER_ADMIN.user, SUPER_ADMIN.member, an_employee(), the_partner()}


def test_a_link_that_is_copied_by_hand_is_resent_without_a_letter_and_right_after_it_was_made() -> None:
    resent = resend(of_link(link=a_link(created_at=NOW)), by(SUPER_ADMIN))

    assert resent.letter is None
    assert resent.link.delivery_status is LinkDeliveryStatus.NONE


def hours_ago(*hours: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(hours=each) for each in hours)


@pytest.mark.parametrize(
    ("resent", "may"),
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
def test_a_link_is_resent_once_a_minute_and_five_times_a_day(resent: tuple[datetime, ...], may: bool) -> None:
    link = a_link(resent_at=resent)
    if may:
        assert resend(of_link(link=link), by(SUPER_ADMIN)).link.resent_at[-1] == NOW
    else:
        with pytest.raises(RateLimited):
            resend(of_link(link=link), by(SUPER_ADMIN))


@pytest.mark.parametrize(
    ("actor", "changes", "refusal"),
    [
        (SELF, {}, Forbidden),
        (ANOTHER, {}, NotFound),
        (NOBODY, {}, NotFound),
        (SUPER_ADMIN, {"link": None}, NotFound),
        (SUPER_ADMIN, {"partner": None}, NotFound),
        (SUPER_ADMIN, {"link": a_link(approvals=1)}, LinkAlreadyUsed),
        (SUPER_ADMIN, {"link": a_link(stored_state=Standing.REVOKED)}, LinkRevoked),
        (SUPER_ADMIN, {"link": a_link(stored_state=Standing.DECLINED)}, LinkDeclined),
        (SUPER_ADMIN, {"link": a_link(expires_at=NOW)}, LinkExpired),
        (SUPER_ADMIN, {"employee": None}, NotEligible),
        (SUPER_ADMIN, {"employee": an_employee(active=False)}, NotEligible),
        (SUPER_ADMIN, {"recipient_is_suppressed": True}, RecipientSuppressed),
        (SUPER_ADMIN, {"link": a_link(expires_at=NOW), "employee": None}, LinkExpired),
        (SUPER_ADMIN, {"link": a_link(resent_at=(NOW,)), "employee": None}, NotEligible),
    ],
)
def test_which_links_are_not_resent(actor: Actor, changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        resend(of_link(actor, **changes), by(actor))


def test_the_vendor_withdraws_links_and_does_nothing_else_about_them() -> None:
    with pytest.raises(NotFound):
        resend(of_link(Actor()), an_act("vendor", for_vendor=True))


@pytest.mark.parametrize(
    ("tenure", "changes", "may"),
    [
        (0, {"employee": an_employee(offboardings={PARTNER: 1})}, False),
        (0, {"partner": the_partner(terminations=1)}, False),
        (1, {"partner": the_partner(terminations=1)}, True),
        (0, {"employee": an_employee(offboardings={"partner-south": 1})}, True),
    ],
)
def test_a_link_of_before_all_was_ended_is_not_resent(tenure: int, changes: Mapping[str, Any], may: bool) -> None:
    facts = of_link(link=a_link(access_generation=tenure), **changes)
    if may:
        assert resend(facts, by(SUPER_ADMIN)).link.access_generation == tenure
    else:
        with pytest.raises(LinkRevoked):
            resend(facts, by(SUPER_ADMIN))
