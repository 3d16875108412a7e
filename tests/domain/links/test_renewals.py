"""Links that the partner resends, and renewals that a client requests for an ended link."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    LinkNotFound,
    LinkStillOpen,
)
from partner_access.domain.links.links import Link, StoredLinkState
from partner_access.domain.links.renewals import RenewalFacts, request_renewal
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import NotificationKind
from tests.support.builders import (
    EMPLOYEE,
    NOW,
    OTHER_SECRET,
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


def partner_employee(user_id: str, permission_set: str = "view_only") -> Actor:
    return Actor(an_employee(user_id), a_member(user_id, permission_set, account_id=PARTNER))


SUPER_ADMIN = partner_employee(MANAGER, "super_admin")
SELF = partner_employee(EMPLOYEE)
OTHER_EMPLOYEE = partner_employee("user-colleague")
OUTSIDER_ACTOR = Actor(a_user("user-outsider"))


def act_of(actor: Actor, **changes: Any) -> Any:
    assert actor.user
    return an_act(actor.user.user_id, **changes)


# resends


# renewal requests


def renewal_facts(link: Link | None, **changes: Any) -> RenewalFacts:
    return RenewalFacts(
        **{"link": link, "partner": the_partner(), "employee": an_employee(), "requester": a_user(), **changes}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": NOW},
        {"approvals": 1},
        {"stored_state": StoredLinkState.REVOKED},
        {"stored_state": StoredLinkState.DECLINED},
    ],
)
def test_request_renewal_of_ended_link_notifies_creator_once(changes: Mapping[str, Any]) -> None:
    requested = request_renewal(renewal_facts(a_link(**changes)), SECRET, an_act())

    assert requested
    assert requested.notification
    assert (requested.notification.kind, requested.notification.link_created_by) == (
        NotificationKind.LINK_RENEWAL_REQUESTED,
        EMPLOYEE,
    )
    assert requested.relies_on == (a_user(),)
    assert request_renewal(renewal_facts(a_link(renewal_requested=True, **changes)), SECRET, an_act()) is None


@pytest.mark.parametrize(
    ("link", "secret", "requester", "error"),
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
def test_request_renewal_with_invalid_facts_raises_error(
    link: Link | None, secret: LinkSecret, requester: Any, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        request_renewal(renewal_facts(link, requester=requester), secret, an_act())


@pytest.mark.parametrize(
    ("access_generation", "changes", "outcome"),
    [
        (0, {"employee": an_employee(offboardings={PARTNER: 1})}, True),
        (0, {"partner": the_partner(terminations=1)}, True),
        (1, {"partner": the_partner(terminations=1)}, LinkStillOpen),
        (0, {"partner": None, "employee": an_employee(offboardings={PARTNER: 1})}, LinkStillOpen),
        (0, {"employee": None}, LinkStillOpen),
    ],
)
def test_request_renewal_with_older_access_generation_succeeds(
    access_generation: int, changes: Mapping[str, Any], outcome: bool | type[DomainError]
) -> None:
    facts = renewal_facts(a_link(access_generation=access_generation), **changes)
    if outcome is True:
        assert request_renewal(facts, SECRET, an_act())
    else:
        with pytest.raises(LinkStillOpen):
            request_renewal(facts, SECRET, an_act())
