"""Links sent again by their partner, and asked for anew by a forgetful client."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.errors import (
    Forbidden,
    LinkNotFound,
    LinkStillOpen,
    Refused,
)
from partner_access.domain.links.links import Link, Standing
from partner_access.domain.links.renewals import RenewalFacts, ask_anew
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import LetterKind
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


# resending


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
