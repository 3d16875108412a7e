"""Links: states, creation, visibility, revocation and expiry."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, Program
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    InvalidField,
    LinkAlreadyUsed,
    LinkDeclined,
    LinkExpired,
    LinkNotFound,
    LinkRevoked,
    NotEligible,
    NotFound,
    RecipientSuppressed,
    SelfApproval,
    TooManyLinks,
    UnknownPermission,
)
from partner_access.domain.links import links
from partner_access.domain.links.links import (
    LinkCreationFacts,
    LinkDeliveryStatus,
    LinkFacts,
    LinkState,
    NewLink,
    StoredLinkState,
    create,
    current_access_generation,
    expire,
    revoke,
    revoke_ineligible,
)
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import RequestedAccess
from partner_access.domain.notifications import Locale, Notification, NotificationKind
from partner_access.domain.users import User
from tests.support.builders import (
    ACT_ID,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    RANDOM,
    SECRET,
    a_link,
    a_member,
    a_user,
    an_act,
    an_employee,
    an_idempotency_key,
    the_client,
    the_partner,
)
from tests.support.set_versions import two_set_versions

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
MANAGER = "user-manager"
COLLEAGUE = "user-colleague"
OUTSIDER = "user-outsider"
OTHER_SECRET = LinkSecret.read(LinkSecret.write(PARTNER, LINK, "d" * 43))


def partner_employee(user_id: str, permission_set: str = "view_only", **changes: Any) -> Actor:
    return Actor(an_employee(user_id), a_member(user_id, permission_set, account_id=PARTNER, **changes))


SUPER_ADMIN = partner_employee(MANAGER, "super_admin")
ACCESS_MANAGER = partner_employee(MANAGER, added=("partner.client_access.manage",))
SELF = partner_employee(EMPLOYEE)
OTHER_EMPLOYEE = partner_employee(COLLEAGUE)
OUTSIDER_ACTOR = Actor(a_user(OUTSIDER))
REMOVED_MANAGER = partner_employee(MANAGER, "super_admin", active=False)
DEACTIVATED_MANAGER = Actor(an_employee(MANAGER, active=False), SUPER_ADMIN.member)


def act_of(actor: Actor, **changes: Any) -> Any:
    assert actor.user
    return an_act(actor.user.user_id, **changes)


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


def test_create_link_stores_current_access_generation() -> None:
    employee, partner = an_employee(offboardings={PARTNER: 2}), the_partner(terminations=1)

    assert (
        create(facts(employee=employee, partner=partner), a_new_link(), act_of(SUPER_ADMIN)).link.access_generation == 3
    )


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


def test_link_requested_access_contains_removed_permissions_and_access_days() -> None:
    assert a_link(removed=("crm.import",), access_days=3).requested_access == RequestedAccess(
        removed=("crm.import",), access_days=3
    )


# creation


def facts(**changes: Any) -> LinkCreationFacts:
    return LinkCreationFacts(**{"partner": the_partner(), "creator": SUPER_ADMIN, "employee": an_employee(), **changes})


def a_new_link(**changes: Any) -> NewLink:
    return NewLink(**{"employee_id": EMPLOYEE, **changes})


def test_create_link_stores_request_without_secret() -> None:
    new_link = a_new_link(
        account_id=CLIENT,
        recipient="owner@bakery.example",
        removed=("crm.import", "crm.export"),
        access_days=30,
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
