"""Email delivery: the recipients of each notification, their language, and the delivery status of each email."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from partner_access.domain.accounts import Account
from partner_access.domain.email_delivery import (
    FINAL_STATUSES,
    LINK_DELIVERY_STATUS,
    NOT_SENT,
    RESULT_TIMEOUT,
    Delivery,
    DeliveryFacts,
    DeliveryStatus,
    LinkedPage,
    QueuedNotification,
    Recipient,
    SendResult,
    is_superseded,
    recipients,
    status_after,
    status_without_secret,
)
from partner_access.domain.links.links import MAX_VALID_SECRETS, Link, StoredLinkState
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.notifications import Locale, Notification, NotificationKind
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_temporary_partner_admin_actor,
    a_user,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
SUPER_ADMIN_EMAIL, CREATOR_EMAIL, RECIPIENT_EMAIL = (
    "user-approver@bakery.example",
    "user-creator@north.example",
    "owner@bakery.example",
)
EMPLOYEE_EMAIL = f"{EMPLOYEE}@north.example"
MEMBER_EMAIL = "user-clerk@bakery.example"
WITHOUT_ACCOUNT_NAME = {
    NotificationKind.LINK_TO_APPROVE,
    NotificationKind.LINK_EXPIRED,
    NotificationKind.LINK_RENEWAL_REQUESTED,
}
ABOUT_PARTNER = {NotificationKind.PROGRAM_STOPPED, NotificationKind.PROGRAM_RESUMED}


def a_notification(kind: NotificationKind = NotificationKind.ACCESS_GRANTED, **changes: Any) -> Notification:
    return Notification(**{"kind": kind, "employee_id": EMPLOYEE, "partner_id": PARTNER, **changes})


def facts(kind: NotificationKind = NotificationKind.ACCESS_GRANTED, **changes: Any) -> DeliveryFacts:
    return DeliveryFacts(
        **{
            "notification": a_notification(kind),
            "employee": an_employee(),
            "actor": a_user(),
            "creator": an_employee("user-creator"),
            "partner": the_partner(),
            "account": the_client(),
            "link": a_link(recipient=RECIPIENT_EMAIL),
            "super_admins": (an_actor(),),
            "link_recipient": None,
            "suppressed": frozenset(),
            "members": (an_actor(a_user("user-clerk"), a_member("user-clerk", "view_only")),),
            **changes,
        }
    )


def recipient_addresses(facts: DeliveryFacts) -> list[str]:
    return [each.address for each in recipients(facts, NOW)]


@pytest.mark.parametrize(
    ("kind", "people"),
    [
        (NotificationKind.LINK_TO_APPROVE, [RECIPIENT_EMAIL]),
        (NotificationKind.ACCESS_GRANTED, [EMPLOYEE_EMAIL, CREATOR_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.LINK_DECLINED, [EMPLOYEE_EMAIL, CREATOR_EMAIL]),
        (NotificationKind.LINK_EXPIRED, [CREATOR_EMAIL]),
        (NotificationKind.LINK_RENEWAL_REQUESTED, [CREATOR_EMAIL]),
        (NotificationKind.SUPER_ADMIN_MIGRATED, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.MEMBER_CREATED, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.ACCESS_CHANGED, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.ACCESS_SUSPENDED, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.ACCESS_RESUMED, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.ACCESS_ENDED, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.ACCESS_ENDING, [EMPLOYEE_EMAIL, CREATOR_EMAIL, SUPER_ADMIN_EMAIL]),
        (NotificationKind.MEMBER_RETAINED, [SUPER_ADMIN_EMAIL]),
        (NotificationKind.PROGRAM_STOPPED, [SUPER_ADMIN_EMAIL]),
        (NotificationKind.PROGRAM_RESUMED, [SUPER_ADMIN_EMAIL]),
        (NotificationKind.ACCOUNT_ORPHANED, [MEMBER_EMAIL]),
    ],
)
def test_recipients_of_each_notification_kind(kind: NotificationKind, people: list[str]) -> None:
    assert recipient_addresses(facts(kind)) == people
    assert recipient_addresses(facts(kind, suppressed=frozenset(people))) == []


def page_links(facts: DeliveryFacts) -> dict[str, LinkedPage | None]:
    return {each.address: each.page for each in recipients(facts, NOW)}


def test_recipients_page_link_is_omitted_after_access_ended() -> None:
    assert page_links(facts(NotificationKind.ACCESS_ENDED)) == {
        EMPLOYEE_EMAIL: None,
        SUPER_ADMIN_EMAIL: LinkedPage.MEMBER,
    }
    assert page_links(facts(NotificationKind.ACCESS_SUSPENDED)) == {
        EMPLOYEE_EMAIL: LinkedPage.MEMBER,
        SUPER_ADMIN_EMAIL: LinkedPage.MEMBER,
    }
    subject = an_actor(an_employee(), a_member(EMPLOYEE))
    assert page_links(facts(NotificationKind.ACCESS_ENDED, super_admins=(subject,))) == {
        EMPLOYEE_EMAIL: LinkedPage.MEMBER
    }


@pytest.mark.parametrize(("employed_by", "leads"), [({PARTNER}, LinkedPage.LINKS), ({"partner-south"}, None)])
def test_recipients_page_link_to_links_requires_partner_employee(
    employed_by: set[str], leads: LinkedPage | None
) -> None:
    employee = an_employee(employed_by=frozenset(employed_by))
    assert page_links(facts(NotificationKind.LINK_EXPIRED, employee=employee, creator=None)) == {EMPLOYEE_EMAIL: leads}
    assert page_links(facts(NotificationKind.LINK_DECLINED, employee=employee)) == {
        EMPLOYEE_EMAIL: leads,
        CREATOR_EMAIL: LinkedPage.LINKS,
    }


@pytest.mark.parametrize(("permission_set", "leads"), [("super_admin", LinkedPage.USERS), ("view_only", None)])
def test_recipients_page_link_to_users_requires_user_management(permission_set: str, leads: LinkedPage | None) -> None:
    member = an_actor(a_user("user-clerk"), a_member("user-clerk", permission_set))
    assert page_links(facts(NotificationKind.ACCOUNT_ORPHANED, members=(member,))) == {MEMBER_EMAIL: leads}


@pytest.mark.parametrize(
    ("changes", "people"),
    [
        ({"employee": None}, [CREATOR_EMAIL, SUPER_ADMIN_EMAIL]),
        ({"employee": an_employee(active=False)}, [CREATOR_EMAIL, SUPER_ADMIN_EMAIL]),
        ({"employee": an_employee(email=None)}, [CREATOR_EMAIL, SUPER_ADMIN_EMAIL]),
        ({"creator": an_employee()}, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]),
        ({"suppressed": frozenset({EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL})}, [CREATOR_EMAIL]),
        ({"super_admins": ()}, [EMPLOYEE_EMAIL, CREATOR_EMAIL]),
        ({"super_admins": (an_actor(a_user(active=False)),)}, [EMPLOYEE_EMAIL, CREATOR_EMAIL]),
        ({"super_admins": (an_actor(member=a_member(active=False)),)}, [EMPLOYEE_EMAIL, CREATOR_EMAIL]),
        (
            {"super_admins": (an_actor(an_employee(APPROVER), a_partner_admin(), partners=[the_partner()]),)},
            [EMPLOYEE_EMAIL, CREATOR_EMAIL],
        ),
        (
            {"super_admins": (a_temporary_partner_admin_actor(), an_actor())},
            [EMPLOYEE_EMAIL, CREATOR_EMAIL, SUPER_ADMIN_EMAIL],
        ),
        ({"super_admins": (an_actor(), an_actor())}, [EMPLOYEE_EMAIL, CREATOR_EMAIL, SUPER_ADMIN_EMAIL]),
    ],
)
def test_recipients_exclude_inactive_suppressed_and_duplicates(changes: Mapping[str, Any], people: list[str]) -> None:
    assert recipient_addresses(facts(**changes)) == people


@pytest.mark.parametrize(
    ("partner", "people"), [(PARTNER, [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]), (None, [EMPLOYEE_EMAIL])]
)
def test_recipients_of_access_changed_include_client_only_for_partner_member(
    partner: str | None, people: list[str]
) -> None:
    assert (
        recipient_addresses(facts(notification=a_notification(NotificationKind.ACCESS_CHANGED, partner_id=partner)))
        == people
    )


@pytest.mark.parametrize(
    "kind",
    [
        NotificationKind.ACCESS_SUSPENDED,
        NotificationKind.ACCESS_RESUMED,
        NotificationKind.ACCESS_ENDED,
        NotificationKind.ACCESS_ENDING,
    ],
)
def test_recipients_of_access_events_include_client_for_its_own_members(kind: NotificationKind) -> None:
    made = facts(notification=a_notification(kind, partner_id=None), partner=None, creator=None)

    assert recipient_addresses(made) == [EMPLOYEE_EMAIL, SUPER_ADMIN_EMAIL]


@pytest.mark.parametrize(("user_id", "people"), [(EMPLOYEE, [SUPER_ADMIN_EMAIL]), (APPROVER, [EMPLOYEE_EMAIL])])
def test_recipients_of_offboarding_exclude_offboarded_super_admin(user_id: str, people: list[str]) -> None:
    both = (an_actor(), an_actor(an_employee(), a_member(EMPLOYEE)))
    person = an_employee() if user_id == EMPLOYEE else a_user()
    notification = a_notification(NotificationKind.MEMBER_RETAINED, employee_id=user_id)

    assert recipient_addresses(facts(notification=notification, employee=person, super_admins=both)) == people


@pytest.mark.parametrize("kind", sorted(ABOUT_PARTNER))
def test_recipients_of_program_notification_need_no_employee(kind: NotificationKind) -> None:
    made = facts(notification=a_notification(kind, employee_id=None), employee=None, actor=None, creator=None)

    assert recipient_addresses(made) == [SUPER_ADMIN_EMAIL]


@pytest.mark.parametrize(
    ("member", "partners", "is_recipient"),
    [
        (a_member(APPROVER, "view_only"), (), True),
        (a_member(APPROVER, "sales", active=False), (), False),
        (a_partner_admin(APPROVER), (the_partner(),), False),
        (a_member(APPROVER, "sales", partner_id=PARTNER), (the_partner(),), False),
        (a_partner_admin(APPROVER, grant=a_grant(expires_at=NOW, former_set="sales")), (the_partner(),), False),
        (a_partner_admin(APPROVER, grant=a_grant(former_set="sales")), (the_partner(terminations=1),), False),
        (None, (), False),
    ],
)
def test_recipients_of_orphaned_account_are_its_own_active_members(
    member: Member | None, partners: tuple[Account, ...], is_recipient: bool
) -> None:
    one = Actor(a_user(), member, {partner.account_id: partner for partner in partners})

    assert (
        recipient_addresses(facts(NotificationKind.ACCOUNT_ORPHANED, members=(one,)))
        == [SUPER_ADMIN_EMAIL] * is_recipient
    )


@pytest.mark.parametrize("user", [a_user(active=False), a_user(email=None), None])
def test_recipients_of_orphaned_account_exclude_inactive_users(user: User | None) -> None:
    made = facts(NotificationKind.ACCOUNT_ORPHANED, members=(Actor(user, a_member(APPROVER, "view_only")),))

    assert recipient_addresses(made) == []


def test_recipients_of_orphaned_account_exclude_former_super_admin() -> None:
    notification = a_notification(NotificationKind.ACCOUNT_ORPHANED, employee_id=APPROVER)
    made = facts(
        notification=notification, members=(an_actor(), an_actor(a_user("user-clerk"), a_member("user-clerk", "sales")))
    )

    assert recipient_addresses(made) == [MEMBER_EMAIL]


@pytest.mark.parametrize("link", [None, a_link()])
def test_recipients_of_link_without_recipient_are_empty(link: Link | None) -> None:
    assert recipient_addresses(facts(NotificationKind.LINK_TO_APPROVE, link=link)) == []


@pytest.mark.parametrize(("access_generation", "people"), [(0, []), (1, [RECIPIENT_EMAIL])])
def test_recipients_of_link_with_older_access_generation_are_empty(access_generation: int, people: list[str]) -> None:
    link, employee = (
        a_link(recipient=RECIPIENT_EMAIL, access_generation=access_generation),
        an_employee(offboardings={PARTNER: 1}),
    )

    assert recipient_addresses(facts(NotificationKind.LINK_TO_APPROVE, link=link, employee=employee)) == people


@pytest.mark.parametrize(
    ("link", "addressee", "language"),
    [
        (None, None, Locale.EN),
        (None, Locale.JA, Locale.JA),
        (Locale.EN, Locale.JA, Locale.EN),
        (Locale.JA, None, Locale.JA),
    ],
)
def test_recipients_locale_of_link_precedes_locale_of_user(
    link: Locale | None, addressee: Locale | None, language: Locale
) -> None:
    made = facts(
        NotificationKind.LINK_TO_APPROVE,
        link=a_link(recipient=RECIPIENT_EMAIL, locale=link),
        link_recipient=a_user(email=RECIPIENT_EMAIL, locale=addressee) if addressee else None,
    )

    assert recipients(made, NOW) == (Recipient(RECIPIENT_EMAIL, language, ZoneInfo("UTC"), LinkedPage.REQUEST),)


def test_recipients_have_time_zone_of_their_account() -> None:
    # domain.md rule 40
    accounts: dict[str, Any] = {
        "account": the_client(time_zone="Asia/Tokyo"),
        "partner": the_partner(time_zone="Europe/Berlin"),
    }
    link = a_link(recipient=RECIPIENT_EMAIL, account_id=accounts["account"].account_id)
    found = {each.address: each.zone.key for each in recipients(facts(**accounts), NOW)}

    assert found == {
        EMPLOYEE_EMAIL: "Europe/Berlin",
        CREATOR_EMAIL: "Europe/Berlin",
        SUPER_ADMIN_EMAIL: "Asia/Tokyo",
    }
    for partner, zone in ((accounts["partner"], "Europe/Berlin"), (None, "UTC")):
        made = facts(NotificationKind.LINK_TO_APPROVE, account=accounts["account"], partner=partner, link=link)
        assert [each.zone.key for each in recipients(made, NOW)] == [zone]


@pytest.mark.parametrize(
    ("changes", "languages"),
    [
        ({}, {EMPLOYEE_EMAIL: "en", CREATOR_EMAIL: "en", SUPER_ADMIN_EMAIL: "en"}),
        (
            {"account": the_client(locale=Locale.JA)},
            {EMPLOYEE_EMAIL: "en", CREATOR_EMAIL: "en", SUPER_ADMIN_EMAIL: "ja"},
        ),
        (
            {"partner": the_partner(locale=Locale.JA)},
            {EMPLOYEE_EMAIL: "ja", CREATOR_EMAIL: "ja", SUPER_ADMIN_EMAIL: "en"},
        ),
        (
            {"employee": an_employee(locale=Locale.JA)},
            {EMPLOYEE_EMAIL: "ja", CREATOR_EMAIL: "en", SUPER_ADMIN_EMAIL: "en"},
        ),
        (
            {"partner": None, "account": the_client(locale=Locale.JA)},
            {EMPLOYEE_EMAIL: "ja", CREATOR_EMAIL: "en", SUPER_ADMIN_EMAIL: "ja"},
        ),
        ({"partner": None, "account": None}, {EMPLOYEE_EMAIL: "en", CREATOR_EMAIL: "en", SUPER_ADMIN_EMAIL: "en"}),
    ],
)
def test_recipients_locale_defaults_to_locale_of_account(changes: Mapping[str, Any], languages: dict[str, str]) -> None:
    assert {each.address: each.locale for each in recipients(facts(**changes), NOW)} == languages


@pytest.mark.parametrize("kind", NotificationKind)
def test_named_account_is_omitted_where_account_has_not_acted(kind: NotificationKind) -> None:
    made = facts(kind)

    assert made.named_account == (None if kind in WITHOUT_ACCOUNT_NAME else the_client())
    assert made.carries_secret is (kind is NotificationKind.LINK_TO_APPROVE)


# deliveries


def a_delivery(**changes: Any) -> Delivery:
    return Delivery(
        **{
            "delivery_id": "d",
            "outbox_id": "o",
            "delivery_status": DeliveryStatus.PENDING,
            "next_at": NOW,
            "attempt": "a",
            "attempts": 0,
            **changes,
        }
    )


@pytest.mark.parametrize("status", DeliveryStatus)
@pytest.mark.parametrize(("next_at", "due"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)])
def test_delivery_is_free_when_due_and_not_final(status: DeliveryStatus, next_at: Any, due: bool) -> None:
    delivery = a_delivery(delivery_status=status, next_at=next_at)

    assert delivery.is_claimable_at(NOW) is (due and status not in FINAL_STATUSES)
    assert delivery.next_check_at == (None if status in FINAL_STATUSES else next_at)


def test_delivery_final_statuses_exclude_pending_and_sending() -> None:
    assert set(DeliveryStatus) - FINAL_STATUSES == {DeliveryStatus.PENDING, DeliveryStatus.SENDING}
    assert set(LINK_DELIVERY_STATUS) == FINAL_STATUSES


def queued_notification(kind: NotificationKind = NotificationKind.LINK_TO_APPROVE) -> QueuedNotification:
    return QueuedNotification(outbox_id="o", queued_at=NOW, next_at=NOW, notification=a_notification(kind))


@pytest.mark.parametrize("kind", NotificationKind)
def test_queued_notification_requires_employee_unless_about_partner(kind: NotificationKind) -> None:
    about: dict[str, Any] = {"outbox_id": "o", "queued_at": NOW, "next_at": NOW}

    assert QueuedNotification(**about, notification=a_notification(kind)).notification.employee_id == EMPLOYEE
    if kind in ABOUT_PARTNER:
        assert (
            QueuedNotification(**about, notification=a_notification(kind, employee_id=None)).notification.employee_id
            is None
        )
    else:
        with pytest.raises(ValidationError, match="Value error, the notification names no user"):
            QueuedNotification(**about, notification=a_notification(kind, employee_id=None))


@pytest.mark.parametrize(
    ("made", "link", "outdated"),
    [
        (queued_notification(), a_link(resent_at=(NOW + SECOND,)), True),
        (queued_notification(), a_link(resent_at=(NOW,)), False),
        (queued_notification(), a_link(resent_at=(NOW - SECOND,)), False),
        (queued_notification(), a_link(), False),
        (queued_notification(), None, False),
        (queued_notification(NotificationKind.LINK_DECLINED), a_link(resent_at=(NOW + SECOND,)), False),
    ],
)
def test_is_outdated_after_link_was_resent(made: QueuedNotification, link: Link | None, outdated: bool) -> None:
    assert is_superseded(made, link) is outdated


@pytest.mark.parametrize(
    ("outcome", "attempts", "status", "pause"),
    [
        (SendResult.SENT, 1, DeliveryStatus.SENT, 0),
        (SendResult.REJECTED, 1, DeliveryStatus.FAILED, 0),
        (SendResult.UNCLEAR, 1, DeliveryStatus.SENDING, 300),
        (SendResult.UNCLEAR, 7, DeliveryStatus.SENDING, 300),
        (SendResult.THROTTLED, 1, DeliveryStatus.PENDING, 30),
        (SendResult.THROTTLED, 2, DeliveryStatus.PENDING, 60),
        (SendResult.THROTTLED, 5, DeliveryStatus.PENDING, 480),
        (SendResult.THROTTLED, 6, DeliveryStatus.PENDING, 600),
        (SendResult.THROTTLED, 10_000, DeliveryStatus.PENDING, 600),
        (SendResult.PAUSED, 1, DeliveryStatus.PENDING, 30),
    ],
)
def test_delivery_status_and_retry_time_after_each_outcome(
    outcome: SendResult, attempts: int, status: DeliveryStatus, pause: int
) -> None:
    assert status_after(outcome, attempts, NOW) == (status, NOW + timedelta(seconds=pause))


def test_delivery_with_unclear_outcome_waits_before_retry() -> None:
    assert {outcome for outcome in SendResult if outcome not in NOT_SENT} == {SendResult.SENT, SendResult.UNCLEAR}
    assert status_after(SendResult.UNCLEAR, 1, NOW)[1] == NOW + RESULT_TIMEOUT


ALL_SECRETS = frozenset(map(str, range(MAX_VALID_SECRETS)))


@pytest.mark.parametrize(
    ("link", "status"),
    [
        (a_link(secrets=ALL_SECRETS), DeliveryStatus.FAILED),
        (a_link(secrets=ALL_SECRETS, expires_at=NOW + SECOND), DeliveryStatus.FAILED),
        (a_link(secrets=ALL_SECRETS, expires_at=NOW), DeliveryStatus.CANCELLED),
        (a_link(secrets=ALL_SECRETS, stored_state=StoredLinkState.REVOKED), DeliveryStatus.CANCELLED),
        (a_link(secrets=ALL_SECRETS, approvals=1), DeliveryStatus.CANCELLED),
        (a_link(), DeliveryStatus.CANCELLED),
        (None, DeliveryStatus.CANCELLED),
    ],
)
def test_delivery_without_secret_fails_only_for_open_link(link: Link | None, status: DeliveryStatus) -> None:
    assert status_without_secret(link, NOW) is status


@pytest.mark.parametrize("kind", [NotificationKind.LINK_EXPIRED, NotificationKind.LINK_RENEWAL_REQUESTED])
@pytest.mark.parametrize(
    "creator",
    [
        None,
        an_employee("user-creator", active=False),
        an_employee("user-creator", employed_by=frozenset()),
        an_employee("user-creator", employed_by=frozenset({"partner-south"})),
    ],
)
def test_recipients_replace_ineligible_creator_by_employee(kind: NotificationKind, creator: User | None) -> None:
    assert recipient_addresses(facts(kind, creator=creator)) == [EMPLOYEE_EMAIL]


@pytest.mark.parametrize(
    "kind", [NotificationKind.ACCESS_GRANTED, NotificationKind.LINK_DECLINED, NotificationKind.ACCESS_ENDING]
)
@pytest.mark.parametrize(
    ("partners", "is_recipient"),
    [({PARTNER}, True), ({PARTNER, "partner-south"}, True), ({"partner-south"}, False), (set(), False)],
)
def test_recipients_include_creator_only_while_partner_employee(
    kind: NotificationKind, partners: set[str], is_recipient: bool
) -> None:
    made = facts(kind, creator=an_employee("user-creator", employed_by=frozenset(partners)))

    assert (CREATOR_EMAIL in recipient_addresses(made)) is is_recipient
    assert EMPLOYEE_EMAIL in recipient_addresses(made)


def test_recipients_of_offboarded_only_super_admin_are_other_members() -> None:
    notification = a_notification(NotificationKind.MEMBER_RETAINED, employee_id=APPROVER)
    member = an_actor(a_user("user-clerk"), a_member("user-clerk", "sales"))

    members = (an_actor(), member, a_temporary_partner_admin_actor())
    assert recipient_addresses(facts(notification=notification, super_admins=(an_actor(),), members=members)) == [
        MEMBER_EMAIL
    ]
    assert recipient_addresses(facts(NotificationKind.MEMBER_RETAINED, members=(member,))) == [SUPER_ADMIN_EMAIL]


def test_recipients_of_orphaned_account_exclude_suspended_members() -> None:
    stopped = a_member("user-clerk", "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))

    assert (
        recipient_addresses(
            facts(NotificationKind.ACCOUNT_ORPHANED, members=(an_actor(a_user("user-clerk"), stopped),))
        )
        == []
    )
