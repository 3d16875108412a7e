"""Approving, declining and previewing a link: the results, the errors and the order of the errors."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
    AccountClosed,
    AccountMismatch,
    AlreadyPartnerAdmin,
    DomainError,
    Forbidden,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    LinkAlreadyUsed,
    LinkDeclined,
    LinkExpired,
    LinkNotFound,
    LinkRevoked,
    NoIndependentApprover,
    NoSeatLeft,
    NotAClientAccount,
    NotAnApprover,
    NotEligible,
    NotFound,
    OwnPartnerMayNotApprove,
    UnknownPermission,
)
from partner_access.domain.links.approvals import (
    LinkPreviewFacts,
    ReplyFacts,
    approve,
    decline,
    preview,
    reply_of_approval,
)
from partner_access.domain.links.links import LinkReply, LinkState, StoredLinkState
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.effective_rights import effective_rights_of
from partner_access.domain.memberships.members import GrantSource, Member, RequestedAccess, Seat, SuspensionReason
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions.rights import partner_admin_rights
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    OTHER_SECRET,
    PARTNER,
    SECRET,
    a_link,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    end_after,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
OWN_PARTNER_SUPER_ADMIN = Actor(an_employee("user-x"), a_member("user-x"))
SUBJECT = Actor(an_employee(), a_member(EMPLOYEE))
LINKED_EMPLOYEE = an_employee()


def a_reply(state: LinkState = LinkState.APPROVED) -> LinkReply:
    return LinkReply(version=1, link_id=LINK, account_id=CLIENT, state=state)


def facts(*, employee: User | None = LINKED_EMPLOYEE, member: Member | None = None, **changes: Any) -> ReplyFacts:
    """Build facts for a valid approval.

    `employee` is the user that the link names, `member` their membership in the account before the approval.
    """
    target = a_partner_admin_actor(member=member) if member else Actor()
    return ReplyFacts(
        **{
            "secret": SECRET,
            "link": a_link(),
            "account": the_client(),
            "approver": an_actor(),
            "partner": the_partner(),
            "target": replace(target, user=employee),
            **changes,
        }
    )


def test_approve_link_grants_partner_admin_as_requested() -> None:
    link = a_link(removed=("crm.export",), access_days=30)
    approved = approve(facts(link=link), RequestedAccess(), an_act())

    assert (approved.member.account_id, approved.member.user_id) == (CLIENT, EMPLOYEE)
    assert effective_rights_of(approved.member, {}) == partner_admin_rights(1, removed=("crm.export",))
    assert approved.grant.source is GrantSource.ACCESS_LINK
    assert (approved.grant.link_id, approved.grant.requested) == (LINK, link.requested_access)
    assert approved.grant.expires_at == end_after(30)
    assert approved.member.grant == approved.grant
    assert approved.audit.event == "link.approved"
    assert approved.audit.accounts == (CLIENT, PARTNER)
    assert approved.audit.details["grant_id"] == approved.grant.grant_id
    assert (
        approve(facts(), RequestedAccess(), an_act()).audit.details.items()
        >= {"requested": {"removed": []}, "given": {"removed": []}}.items()
    )
    assert set(approved.relies_on) == {a_user(), a_member(), the_client(), the_partner(), an_employee()}


def test_approve_with_less_access_records_requested_and_given() -> None:
    link = a_link(removed=("crm.export",), access_days=30)
    approved = approve(facts(link=link), RequestedAccess(removed=("crm.import",), access_days=7), an_act())

    assert approved.member.removed == ("crm.export", "crm.import")
    assert approved.grant.requested == RequestedAccess(removed=("crm.export",), access_days=30)
    assert approved.audit.details["requested"] == {"removed": ["crm.export"], "access_days": 30}
    assert approved.audit.details["given"] == {"removed": ["crm.export", "crm.import"], "access_days": 7}
    notification = approved.notification
    assert notification
    assert (notification.kind, notification.requested_but_removed) == (NotificationKind.ACCESS_GRANTED, ("crm.import",))
    assert (notification.removed, notification.expires_at) == (("crm.export", "crm.import"), end_after(7))
    assert (notification.employee_id, notification.actor_id, notification.account_id) == (EMPLOYEE, APPROVER, CLIENT)


@pytest.mark.parametrize(
    ("requested", "offered", "reported"),
    [
        ({"access_days": 5}, {"access_days": 2}, True),
        ({"access_days": 5}, {"access_ends_on": date(2026, 11, 26)}, True),
        ({"access_ends_on": date(2026, 11, 27)}, {"access_days": 4}, True),
        ({}, {"access_days": 60}, True),
        ({"access_days": 5}, {"access_days": 5}, False),
        ({"access_days": 5}, {"access_ends_on": date(2026, 11, 27)}, False),
        ({"access_days": 5}, {}, False),
        ({"access_ends_on": date(2026, 11, 22)}, {}, False),
        ({}, {}, False),
    ],
)
def test_approve_with_shorter_access_reports_requested_and_given_end(
    requested: dict[str, Any], offered: dict[str, Any], reported: bool
) -> None:
    notification = approve(facts(link=a_link(**requested)), RequestedAccess(**offered), an_act()).notification

    assert notification
    assert (notification.requested_end, notification.granted_end) == (
        (RequestedEnd(**requested), RequestedEnd(**offered)) if reported else (None, None)
    )


@pytest.mark.parametrize(
    ("requested", "ends"),
    [
        ({"access_days": 1}, datetime(2026, 11, 24, 15, tzinfo=UTC)),
        ({"access_ends_on": date(2026, 11, 24)}, datetime(2026, 11, 24, 15, tzinfo=UTC)),
    ],
)
def test_approve_link_ends_access_with_local_day_of_client(requested: dict[str, Any], ends: datetime) -> None:
    # domain.md rule 39
    in_tokyo = the_client(time_zone="Asia/Tokyo")
    link = a_link(**requested, expires_at=NOW + timedelta(days=7))

    at = NOW.replace(hour=15)
    assert approve(facts(link=link, account=in_tokyo), RequestedAccess(), an_act(at=at)).grant.expires_at == ends


def test_approve_link_whose_requested_last_day_is_over_raises_link_expired() -> None:
    in_tokyo, link = the_client(time_zone="Asia/Tokyo"), a_link(access_ends_on=date(2026, 11, 22))
    late = an_act(at=NOW.replace(hour=15))

    approve(facts(link=link, account=in_tokyo), RequestedAccess(), an_act(at=NOW.replace(hour=14)))
    for offered in (RequestedAccess(), RequestedAccess(access_days=1)):
        with pytest.raises(LinkExpired):
            approve(facts(link=link, account=in_tokyo), offered, late)


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        (RequestedAccess(access_days=31), InvalidField),
        (RequestedAccess(access_ends_on=date(2026, 12, 23)), InvalidField),
        (RequestedAccess(access_ends_on=date(2026, 11, 21)), InvalidField),
        (RequestedAccess(removed=("no.such.thing",)), UnknownPermission),
        (RequestedAccess(removed=("crm.deals.view",)), InvalidField),
        (RequestedAccess(removed=("crm.deals.view:owned",)), InvalidField),
    ],
)
def test_approve_with_invalid_narrowing_raises_error(offer: RequestedAccess, error: type[DomainError]) -> None:
    with pytest.raises(error):
        approve(facts(link=a_link(access_days=30)), offer, an_act())


def test_approve_by_employee_of_other_partner_or_user_manager_succeeds() -> None:
    of_another = an_actor(an_employee(APPROVER, employed_by=frozenset({"partner-south"})))
    user_manager = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))

    for approver in (of_another, user_manager):
        assert approve(facts(approver=approver), RequestedAccess(), an_act()).grant.granted_by == APPROVER


def test_approve_in_legacy_account_notification_says_paid_seat_required() -> None:
    notifications = [
        approve(facts(account=the_client(pricing=pricing)), RequestedAccess(), an_act()).notification
        for pricing in (Pricing.LEGACY, Pricing.SEAT_BASED)
    ]

    assert [notification.paid_seat_required for notification in notifications if notification] == [True, False]


REPLY_ERRORS: list[tuple[Mapping[str, Any], type[DomainError]]] = [
    ({"link": None}, LinkNotFound),
    ({"secret": OTHER_SECRET}, LinkNotFound),
    ({"link": a_link(approvals=1)}, LinkAlreadyUsed),
    ({"link": a_link(stored_state=StoredLinkState.DECLINED)}, LinkDeclined),
    ({"link": a_link(stored_state=StoredLinkState.REVOKED)}, LinkRevoked),
    ({"link": a_link(expires_at=NOW)}, LinkExpired),
    ({"employee": an_employee(offboardings={PARTNER: 1})}, LinkRevoked),
    ({"account": None}, NotFound),
    ({"approver": Actor(a_user())}, NotFound),
    ({"approver": an_actor(member=a_member(active=False))}, NotFound),
    ({"approver": an_actor(a_user(active=False))}, Forbidden),
    ({"account": the_partner()}, NotAClientAccount),
    ({"link": a_link(account_id="client-other")}, AccountMismatch),
    ({"approver": an_actor(member=a_member(permission_set="sales"))}, NotAnApprover),
    ({"approver": a_partner_admin_actor()}, NotAnApprover),
    ({"approver": OWN_PARTNER_SUPER_ADMIN, "super_admins": (an_actor(),)}, OwnPartnerMayNotApprove),
    ({"approver": SUBJECT, "super_admins": (an_actor(), SUBJECT)}, OwnPartnerMayNotApprove),
    ({"approver": OWN_PARTNER_SUPER_ADMIN, "super_admins": (OWN_PARTNER_SUPER_ADMIN,)}, NoIndependentApprover),
    ({"reply": a_reply(LinkState.APPROVED)}, LinkAlreadyUsed),
    ({"reply": a_reply(LinkState.DECLINED)}, LinkDeclined),
    ({"account": the_client(state=AccountState.CLOSED)}, AccountClosed),
]
APPROVAL_ONLY_ERRORS: list[tuple[Mapping[str, Any], type[DomainError]]] = [
    ({"employee": None}, NotEligible),
    ({"partner": the_partner(program=Program.SUSPENDED)}, NotEligible),
    ({"member": a_member(EMPLOYEE)}, IsSuperAdmin),
    ({"member": a_partner_admin()}, AlreadyPartnerAdmin),
    ({"member": a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))}, GrantSuspended),
    ({"account": the_client(partner_seat_limit=0)}, NoSeatLeft),
]


@pytest.mark.parametrize(("changes", "error"), REPLY_ERRORS + APPROVAL_ONLY_ERRORS)
def test_approve_with_invalid_facts_raises_error(changes: Mapping[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        approve(facts(**changes), RequestedAccess(), an_act())


@pytest.mark.parametrize("first", range(len(REPLY_ERRORS + APPROVAL_ONLY_ERRORS)))
def test_approve_with_several_problems_raises_first_error(first: int) -> None:
    """Check that an error later in the list never hides an earlier one."""
    changes, error = (REPLY_ERRORS + APPROVAL_ONLY_ERRORS)[first]
    for others, _ in (REPLY_ERRORS + APPROVAL_ONLY_ERRORS)[first + 1 :]:
        if not changes.keys() & others.keys():
            with pytest.raises(error):
                approve(facts(**others, **changes), RequestedAccess(), an_act())


@pytest.mark.parametrize(("changes", "error"), REPLY_ERRORS)
def test_decline_with_invalid_facts_raises_same_error_as_approve(
    changes: Mapping[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        decline(facts(**changes), None, an_act())


@pytest.mark.parametrize(("changes", "_"), APPROVAL_ONLY_ERRORS)
def test_decline_ignores_eligibility_and_partner_seats(changes: Mapping[str, Any], _: type[DomainError]) -> None:
    assert decline(facts(**changes), None, an_act()).audit.event == "link.declined"


def test_approve_by_non_approver_does_not_reveal_earlier_reply() -> None:
    for approver, error in ((Actor(a_user()), NotFound), (OWN_PARTNER_SUPER_ADMIN, NoIndependentApprover)):
        with pytest.raises(error):
            approve(facts(approver=approver, reply=a_reply()), RequestedAccess(), an_act())


def test_approve_bound_link_by_its_account_succeeds() -> None:
    assert approve(facts(link=a_link(account_id=CLIENT)), RequestedAccess(), an_act()).account == the_client()


def test_approve_one_second_before_expiry_succeeds() -> None:
    assert approve(facts(link=a_link(expires_at=NOW + SECOND)), RequestedAccess(), an_act()).grant.created_at == NOW


@pytest.mark.parametrize(
    ("access_generation", "employee", "partner", "error"),
    [
        (0, {"offboardings": {PARTNER: 1}}, {}, LinkRevoked),
        (0, {}, {"terminations": 1}, LinkRevoked),
        (1, {"offboardings": {PARTNER: 1}}, {"terminations": 1}, LinkRevoked),
        (0, {"offboardings": {"partner-south": 1}}, {}, None),
        (1, {"offboardings": {PARTNER: 1}}, {}, None),
        (2, {"offboardings": {PARTNER: 1}}, {"terminations": 1}, None),
    ],
)
def test_reply_and_preview_with_older_access_generation_raise_link_revoked(
    access_generation: int, employee: dict[str, Any], partner: dict[str, Any], error: type[DomainError] | None
) -> None:
    found = facts(
        link=a_link(access_generation=access_generation),
        employee=an_employee(**employee),
        partner=the_partner(**partner),
    )
    found_by_preview = preview_facts(found, link=found.link, employee=found.target.user, partner=found.partner)
    if error:
        for reply in (lambda: approve(found, RequestedAccess(), an_act()), lambda: decline(found, None, an_act())):
            with pytest.raises(error):
                reply()
        with pytest.raises(error):
            preview(found_by_preview, an_act())
    else:
        assert approve(found, RequestedAccess(), an_act()).member.access_generation == access_generation
        assert preview(found_by_preview, an_act()).choices[0].error_code is None


# replies to links for several accounts


@pytest.mark.parametrize(("max_approvals", "stored"), [(1, False), (2, True), (1000, True)])
def test_reply_is_stored_only_for_link_with_several_approvals(max_approvals: int, stored: bool) -> None:
    approved = approve(facts(link=a_link(max_approvals=max_approvals)), RequestedAccess(), an_act())
    declined = decline(facts(link=a_link(max_approvals=max_approvals)), None, an_act())

    assert reply_of_approval(approved) == (a_reply(LinkState.APPROVED) if stored else None)
    assert declined.reply == (a_reply(LinkState.DECLINED) if stored else None)


def test_decline_notification_contains_reason_and_audit_entry_does_not() -> None:
    link = a_link(account_id=None, set_version=2, removed=("crm.export",))
    declined = decline(facts(link=link), "Not this year", an_act())

    assert declined.notification == Notification(
        kind=NotificationKind.LINK_DECLINED,
        employee_id=EMPLOYEE,
        actor_id=APPROVER,
        partner_id=PARTNER,
        account_id=CLIENT,
        link_id=LINK,
        link_created_by=EMPLOYEE,
        set_version=2,
        removed=("crm.export",),
        reason="Not this year",
    )
    assert "reason" not in declined.audit.details, "the audit log contains no free text"
    assert declined.audit.accounts == (CLIENT, PARTNER)
    assert set(declined.relies_on) == {a_user(), a_member()}


# preview


def preview_facts(*replies: ReplyFacts, **changes: Any) -> LinkPreviewFacts:
    return LinkPreviewFacts(
        **{
            "secret": SECRET,
            "link": a_link(),
            "partner": the_partner(),
            "employee": an_employee(),
            "viewer": a_user(),
            "replies": replies or (facts(),),
            **changes,
        }
    )


def test_preview_returns_link_partner_employee_and_choices() -> None:
    previewed = preview(preview_facts(), an_act())

    assert (previewed.link, previewed.partner, previewed.employee) == (a_link(), the_partner(), an_employee())
    assert [(choice.account, choice.error_code) for choice in previewed.choices] == [(the_client(), None)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"approver": an_actor(member=a_member(permission_set="sales"))}, "not_an_approver"),
        ({"approver": OWN_PARTNER_SUPER_ADMIN, "super_admins": (an_actor(),)}, "own_partner_may_not_approve"),
        ({"link": a_link(account_id="client-other")}, "account_mismatch"),
        ({"reply": a_reply()}, "link_already_used"),
        ({"account": the_client(state=AccountState.CLOSED)}, "account_closed"),
        ({"employee": an_employee(active=False)}, "not_eligible"),
        ({"member": a_partner_admin()}, "already_partner_admin"),
        ({"account": the_client(partner_seat_limit=0)}, "no_seat_left"),
    ],
)
def test_preview_choice_has_reason_when_approval_would_fail(changes: Mapping[str, Any], reason: str) -> None:
    (choice,) = preview(preview_facts(facts(**changes)), an_act()).choices

    assert choice.error_code == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"account": None},
        {"account": the_partner()},
        {"approver": Actor(a_user())},
        {"approver": an_actor(member=a_member(active=False))},
    ],
)
def test_preview_omits_accounts_other_than_clients_of_the_reader(changes: Mapping[str, Any]) -> None:
    assert preview(preview_facts(facts(**changes)), an_act()).choices == ()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"link": None}, LinkNotFound),
        ({"partner": None}, LinkNotFound),
        ({"employee": None}, LinkNotFound),
        ({"secret": OTHER_SECRET}, LinkNotFound),
        ({"secret": OTHER_SECRET, "link": a_link(expires_at=NOW)}, LinkNotFound),
        ({"link": a_link(expires_at=NOW)}, LinkExpired),
        ({"link": a_link(approvals=1), "viewer": a_user(active=False)}, LinkAlreadyUsed),
        ({"viewer": a_user(active=False)}, Forbidden),
    ],
)
def test_preview_with_invalid_facts_raises_error(changes: Mapping[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        preview(preview_facts(**changes), an_act())


def test_preview_for_unknown_user_returns_no_choices() -> None:
    assert preview(preview_facts(facts(approver=Actor()), viewer=None), an_act()).choices == ()


def test_approve_for_existing_member_keeps_paid_seats() -> None:
    before = a_member(EMPLOYEE, "sales", seat=Seat.SALES)
    approved = approve(facts(member=before), RequestedAccess(), an_act())

    assert approved.member.paid_seats == (Seat.SALES,)
    assert before in approved.relies_on
    assert approved.before == before
