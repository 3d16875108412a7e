"""Tests of the rules that decide who can create an access link, and what it contains."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.accounts import Program
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    InvalidField,
    NotEligible,
    NotFound,
    RecipientSuppressed,
    SelfApproval,
    TooManyLinks,
    UnknownPermission,
)
from partner_access.domain.links.creations import LinkCreationFacts, NewLink, create
from partner_access.domain.links.links import LinkDeliveryStatus, LinkState
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.notifications import Locale, Notification, NotificationKind
from tests.support.builders import (
    ACT_ID,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    RANDOM,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.partner_employees import (
    ACCESS_MANAGER,
    DEACTIVATED_MANAGER,
    MANAGER,
    OTHER_EMPLOYEE,
    OUTSIDER_ACTOR,
    REMOVED_MANAGER,
    SELF,
    SUPER_ADMIN,
    act_of,
    partner_employee,
)
from tests.support.set_versions import two_set_versions

DAY = timedelta(days=1)


def facts(**changes: Any) -> LinkCreationFacts:
    return LinkCreationFacts(**{"partner": the_partner(), "creator": SUPER_ADMIN, "employee": an_employee(), **changes})


def a_new_link(**changes: Any) -> NewLink:
    return NewLink(**{"employee_id": EMPLOYEE, **changes})


def test_create_link_stores_request_without_secret() -> None:
    new_link = a_new_link(
        account_id=CLIENT,
        recipient="owner@bakery.example",
        removed=("crm.import", "crm.export"),
        end=RequestedEnd(access_days=30),
        link_days=3,
        max_approvals=5,
        purpose="The shop",
        locale=Locale.JA,
    )
    created = create(facts(), new_link, act_of(SUPER_ADMIN))
    link = created.link

    assert (link.link_id, link.partner_id, link.employee_id) == (f"lnk_{ACT_ID}", PARTNER, EMPLOYEE)
    assert (link.created_by, link.created_at, link.expires_at) == (MANAGER, NOW, NOW + 3 * DAY)
    assert (link.account_id, link.recipient, link.locale) == (CLIENT, "owner@bakery.example", Locale.JA)
    assert (link.removed, link.access_days, link.max_approvals) == (("crm.export", "crm.import"), 30, 5)
    assert (link.state_at(NOW), link.delivery_status, link.version) == (LinkState.OPEN, LinkDeliveryStatus.QUEUED, 1)
    link.must_be_opened_by(LinkSecret.read(created.secret))
    assert RANDOM in created.secret
    assert RANDOM not in link.model_dump_json()
    assert RANDOM not in created.audit.model_dump_json()
    assert created.notification == Notification(
        kind=NotificationKind.LINK_TO_APPROVE,
        employee_id=EMPLOYEE,
        actor_id=MANAGER,
        partner_id=PARTNER,
        account_id=CLIENT,
        link_id=link.link_id,
        link_created_by=MANAGER,
        set_version=1,
        removed=("crm.export", "crm.import"),
    )
    assert (created.audit.event, created.audit.accounts) == ("link.created", (PARTNER,))
    assert set(created.relies_on) == {the_partner(), an_employee(), *SUPER_ADMIN.relied_on}


def test_create_link_until_date_stores_date_and_ends_with_it() -> None:
    link = create(facts(), a_new_link(end=RequestedEnd(access_ends_on=date(2026, 11, 24))), act_of(SUPER_ADMIN)).link

    assert (link.access_days, link.access_ends_on) == (None, date(2026, 11, 24))
    assert link.expires_at == datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize("last_day", [date(2026, 11, 22), date(2028, 11, 23)])
def test_create_link_with_last_day_out_of_limits_in_zone_of_partner_raises_invalid_field(last_day: date) -> None:
    in_tokyo, late = the_partner(time_zone="Asia/Tokyo"), act_of(SUPER_ADMIN, at=NOW.replace(hour=15))

    with pytest.raises(InvalidField) as raised:
        create(facts(partner=in_tokyo), a_new_link(end=RequestedEnd(access_ends_on=last_day)), late)
    assert raised.value.fields == ((("access_ends_on",), "invalid_field"),)


def test_create_link_uses_latest_set_version() -> None:
    with two_set_versions():
        created = create(facts(), a_new_link(recipient="owner@bakery.example"), act_of(SUPER_ADMIN))

    assert created.notification
    assert (created.link.set_version, created.notification.set_version) == (2, 2)


def test_create_link_without_recipient_has_no_notification() -> None:
    created = create(facts(), a_new_link(), act_of(SUPER_ADMIN))

    assert created.notification is None
    assert created.link.delivery_status is LinkDeliveryStatus.NONE
    assert (created.link.link_days, created.link.max_approvals) == (7, 1)
    assert created.link.is_for_one_account


@pytest.mark.parametrize("creator", [SUPER_ADMIN, ACCESS_MANAGER])
@pytest.mark.parametrize("employee", [EMPLOYEE, MANAGER])
def test_create_link_by_access_manager_for_self_and_colleagues_succeeds(creator: Actor, employee: str) -> None:
    made = create(
        facts(creator=creator, employee=an_employee(employee)), a_new_link(employee_id=employee), act_of(creator)
    )

    assert made.link.employee_id == employee


@pytest.mark.parametrize(
    ("creator", "error"),
    [
        (SELF, Forbidden),
        (OTHER_EMPLOYEE, Forbidden),
        (partner_employee(MANAGER, "super_admin", removed=("partner.client_access.manage",)), Forbidden),
        (DEACTIVATED_MANAGER, Forbidden),
        (REMOVED_MANAGER, NotFound),
        (OUTSIDER_ACTOR, NotFound),
    ],
)
def test_create_link_by_other_caller_is_refused(creator: Actor, error: type[DomainError]) -> None:
    with pytest.raises(error):
        create(facts(creator=creator), a_new_link(), act_of(creator))


@pytest.mark.parametrize(
    ("changes", "fields", "error"),
    [
        ({"partner": None}, {}, NotFound),
        ({"partner": the_client()}, {}, NotFound),
        ({"employee": None}, {}, NotEligible),
        ({"employee": an_employee(active=False)}, {}, NotEligible),
        ({"employee": an_employee(employed_by=frozenset({"partner-south"}))}, {}, NotEligible),
        ({"employee": an_employee(email="e@bakery.example")}, {}, NotEligible),
        ({"partner": the_partner(program=Program.SUSPENDED)}, {}, NotEligible),
        ({}, {"removed": ("no.such.thing",)}, UnknownPermission),
        ({}, {"removed": ("crm.deals.view",)}, InvalidField),
        ({}, {"removed": ("crm.import", "crm.import")}, InvalidField),
        ({}, {"recipient": f"{EMPLOYEE}@north.example"}, SelfApproval),
        ({"recipient_is_suppressed": True}, {"recipient": "owner@bakery.example"}, RecipientSuppressed),
        ({"employee": an_employee(open_links=50)}, {}, TooManyLinks),
        ({"employee": an_employee(open_links=51)}, {}, TooManyLinks),
    ],
)
def test_create_link_with_invalid_facts_raises_error(
    changes: Mapping[str, Any], fields: Mapping[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        create(facts(**changes), a_new_link(**fields), act_of(SUPER_ADMIN))


def test_create_link_as_fiftieth_open_link_succeeds() -> None:
    assert (
        create(facts(employee=an_employee(open_links=49)), a_new_link(), act_of(SUPER_ADMIN)).employee.open_links == 49
    )


def test_create_link_by_other_caller_does_not_reveal_eligibility() -> None:
    with pytest.raises(Forbidden):
        create(facts(creator=SELF, employee=None), a_new_link(), act_of(SELF))
    with pytest.raises(NotFound):
        create(facts(creator=OUTSIDER_ACTOR, employee=None), a_new_link(), act_of(OUTSIDER_ACTOR))


def test_create_link_stores_current_access_generation() -> None:
    employee, partner = an_employee(offboardings={PARTNER: 2}), the_partner(terminations=1)

    assert (
        create(facts(employee=employee, partner=partner), a_new_link(), act_of(SUPER_ADMIN)).link.access_generation == 3
    )
