"""Links sent again by their partner, and asked for anew by a forgetful client."""

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
    LinkStillOpen,
    NotEligible,
    NotFound,
    RateLimited,
    RecipientSuppressed,
    Refused,
)
from partner_access.domain.links.links import Link, LinkDeliveryStatus, LinkFacts, Standing
from partner_access.domain.links.renewals import RenewalFacts, ask_anew, resend
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.records import LetterKind
from tests.support.builders import (
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    SECRET,
    a_link,
    a_member,
    a_user,
    an_act,
    an_employee,
    the_partner,
)

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MANAGER = "user-manager"
OTHER_SECRET = Secret.read(Secret.write(PARTNER, LINK, "d" * 43))


def of_partner(user_id: str, permission_set: str = "view_only") -> Actor:
    return Actor(an_employee(user_id), a_member(user_id, permission_set, account_id=PARTNER))


SUPER_ADMIN = of_partner(MANAGER, "super_admin")
SELF = of_partner(EMPLOYEE)
ANOTHER = of_partner("user-colleague")
NOBODY = Actor(a_user("user-outsider"))


def by(actor: Actor, **changes: Any) -> Any:
    assert actor.user
    return an_act(actor.user.user_id, **changes)


def of_link(actor: Actor = SUPER_ADMIN, **changes: Any) -> LinkFacts:
    return LinkFacts(
        **{"partner": the_partner(), "actor": actor, "link": a_link(), "employee": an_employee(), **changes}
    )


# resending


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


# asking anew


def asking(link: Link | None, **changes: Any) -> RenewalFacts:
    return RenewalFacts(
        **{"link": link, "partner": the_partner(), "employee": an_employee(), "asker": a_user(), **changes}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": NOW},
        {"approvals": 1},
        {"stored_state": Standing.REVOKED},
        {"stored_state": Standing.DECLINED},
    ],
)
def test_the_creator_of_an_ended_link_is_asked_for_a_new_one_once(changes: Mapping[str, Any]) -> None:
    asked = ask_anew(asking(a_link(**changes)), SECRET, an_act())

    assert asked
    assert asked.letter
    assert (asked.letter.kind, asked.letter.link_created_by) == (LetterKind.LINK_RENEWAL_REQUESTED, EMPLOYEE)
    assert asked.relies_on == (a_user(),)
    assert ask_anew(asking(a_link(renewal_requested=True, **changes)), SECRET, an_act()) is None


@pytest.mark.parametrize(
    ("link", "secret", "asker", "refusal"),
    [
        (None, SECRET, a_user(), LinkNotFound),
        (a_link(expires_at=NOW), OTHER_SECRET, a_user(), LinkNotFound),
        (a_link(), OTHER_SECRET, None, LinkNotFound),
        (a_link(), SECRET, a_user(), LinkStillOpen),
        (a_link(expires_at=NOW + SECOND), SECRET, None, LinkStillOpen),
        (a_link(expires_at=NOW), SECRET, None, Forbidden),
        (a_link(expires_at=NOW), SECRET, a_user(active=False), Forbidden),
        (a_link(expires_at=NOW, renewal_requested=True), SECRET, None, Forbidden),
    ],
)
def test_nobody_asks_anew_about_a_link_that_is_open_unknown_or_not_his_to_ask(
    link: Link | None, secret: Secret, asker: Any, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        ask_anew(asking(link, asker=asker), secret, an_act())


@pytest.mark.parametrize(
    ("tenure", "changes", "outcome"),
    [
        (0, {"employee": an_employee(offboardings={PARTNER: 1})}, True),
        (0, {"partner": the_partner(terminations=1)}, True),
        (1, {"partner": the_partner(terminations=1)}, LinkStillOpen),
        (0, {"partner": None, "employee": an_employee(offboardings={PARTNER: 1})}, LinkStillOpen),
        (0, {"employee": None}, LinkStillOpen),
    ],
)
def test_a_link_that_will_never_be_open_again_is_asked_for_anew_though_it_looks_open(
    tenure: int, changes: Mapping[str, Any], outcome: bool | type[Refused]
) -> None:
    facts = asking(a_link(access_generation=tenure), **changes)
    if outcome is True:
        assert ask_anew(facts, SECRET, an_act())
    else:
        with pytest.raises(LinkStillOpen):
            ask_anew(facts, SECRET, an_act())
