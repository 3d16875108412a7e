"""Approvals: an account's answer to a link, the order of its refusals, and the preview that shows them before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
    AccountClosed,
    AccountMismatch,
    AlreadyPartnerAdmin,
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
    Refused,
    UnknownPermission,
)
from partner_access.domain.links.approvals import PreviewFacts, ReplyFacts, approval_of_many, approve, decline, preview
from partner_access.domain.links.links import LinkState, Reply, Standing
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.effective_rights import rights_in
from partner_access.domain.memberships.members import GrantSource, Member, RequestedAccess, Seat, SuspensionReason
from partner_access.domain.notifications import Letter, LetterKind
from partner_access.domain.permissions.rights import of_partner_admin
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    SECRET,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
OTHER_SECRET = Secret.read(Secret.write(PARTNER, LINK, "d" * 43))
OWN_FIRM = Actor(an_employee("user-x"), a_member("user-x"))
HIMSELF = Actor(an_employee(), a_member(EMPLOYEE))
EMPLOYEE_HIMSELF = an_employee()


def a_reply(state: LinkState = LinkState.APPROVED) -> Reply:
    return Reply(version=1, link_id=LINK, account_id=CLIENT, state=state)


def facts(*, employee: User | None = EMPLOYEE_HIMSELF, member: Member | None = None, **changes: Any) -> ReplyFacts:
    """By default all is well; `employee` and `member` are who the link names, and what he is in the account so far."""
    target = of_the_partner(member=member) if member else Actor()
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


def test_an_approval_makes_the_employee_partner_admin_as_it_was_asked() -> None:
    link = a_link(removed=("crm.export",), access_days=30)
    approved = approve(facts(link=link), RequestedAccess(), an_act())

    assert (approved.member.account_id, approved.member.user_id) == (CLIENT, EMPLOYEE)
    assert rights_in(approved.member, {}) == of_partner_admin(1, removed=("crm.export",))
    assert approved.grant.source is GrantSource.ACCESS_LINK
    assert (approved.grant.link_id, approved.grant.requested) == (LINK, link.requested_access)
    assert approved.grant.expires_at == NOW + timedelta(days=30)
    assert approved.member.grant == approved.grant
    assert approved.audit.event == "link.approved"
    assert approved.audit.accounts == (CLIENT, PARTNER)
    assert approved.audit.details["grant_id"] == approved.grant.grant_id
    assert (
        approve(facts(), RequestedAccess(), an_act()).audit.details.items()
        >= {"requested": {"removed": []}, "given": {"removed": []}}.items()
    )
    assert set(approved.relies_on) == {a_user(), a_member(), the_client(), the_partner(), an_employee()}


def test_what_was_asked_and_what_was_given_are_both_kept_and_told() -> None:
    link = a_link(removed=("crm.export",), access_days=30)
    approved = approve(facts(link=link), RequestedAccess(removed=("crm.import",), access_days=7), an_act())

    assert approved.member.removed == ("crm.export", "crm.import")
    assert approved.grant.requested == RequestedAccess(removed=("crm.export",), access_days=30)
    assert approved.audit.details["requested"] == {"removed": ["crm.export"], "access_days": 30}
    assert approved.audit.details["given"] == {"removed": ["crm.export", "crm.import"], "access_days": 7}
    letter = approved.letter
    assert letter
    assert (letter.kind, letter.requested_but_removed) == (LetterKind.ACCESS_GRANTED, ("crm.import",))
    assert (letter.removed, letter.expires_at) == (("crm.export", "crm.import"), NOW + timedelta(days=7))
    assert (letter.employee_id, letter.actor_id, letter.account_id) == (EMPLOYEE, APPROVER, CLIENT)


@pytest.mark.parametrize(
    ("asked", "offered", "told"),
    [
        (5, 2, (5, 2)),
        (None, 60, (None, 60)),
        (5, 5, (None, None)),
        (5, None, (None, None)),
        (None, None, (None, None)),
    ],
)
def test_the_time_asked_for_and_the_time_given_are_told_where_it_was_shortened(
    asked: int | None, offered: int | None, told: tuple[int | None, int | None]
) -> None:
    letter = approve(facts(link=a_link(access_days=asked)), RequestedAccess(access_days=offered), an_act()).letter

    assert letter
    assert (letter.requested_days, letter.granted_days) == told


@pytest.mark.parametrize(
    ("offer", "refusal"),
    [
        (RequestedAccess(access_days=31), InvalidField),
        (RequestedAccess(removed=("no.such.thing",)), UnknownPermission),
        (RequestedAccess(removed=("crm.deals.view",)), InvalidField),
        (RequestedAccess(removed=("crm.deals.view:owned",)), InvalidField),
    ],
)
def test_which_counter_offers_cannot_stand(offer: RequestedAccess, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        approve(facts(link=a_link(access_days=30)), offer, an_act())


def test_an_approver_of_another_firm_and_one_who_manages_users_may_approve() -> None:
    of_another = an_actor(an_employee(APPROVER, employed_by=frozenset({"partner-south"})))
    clerk = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))

    for approver in (of_another, clerk):
        assert approve(facts(approver=approver), RequestedAccess(), an_act()).grant.granted_by == APPROVER


def test_a_legacy_account_is_told_that_a_paid_seat_is_wanting() -> None:
    told = [
        approve(facts(account=the_client(pricing=pricing)), RequestedAccess(), an_act()).letter
        for pricing in (Pricing.LEGACY, Pricing.SEAT_BASED)
    ]

    assert [letter.paid_seat_required for letter in told if letter] == [True, False]


LADDER: list[tuple[Mapping[str, Any], type[Refused]]] = [
    ({"link": None}, LinkNotFound),
    ({"secret": OTHER_SECRET}, LinkNotFound),
    ({"link": a_link(approvals=1)}, LinkAlreadyUsed),
    ({"link": a_link(stored_state=Standing.DECLINED)}, LinkDeclined),
    ({"link": a_link(stored_state=Standing.REVOKED)}, LinkRevoked),
    ({"link": a_link(expires_at=NOW)}, LinkExpired),
    ({"employee": an_employee(offboardings={PARTNER: 1})}, LinkRevoked),
    ({"account": None}, NotFound),
    ({"approver": Actor(a_user())}, NotFound),
    ({"approver": an_actor(member=a_member(active=False))}, NotFound),
    ({"approver": an_actor(a_user(active=False))}, Forbidden),
    ({"account": the_partner()}, NotAClientAccount),
    ({"link": a_link(account_id="client-other")}, AccountMismatch),
    ({"approver": an_actor(member=a_member(permission_set="sales"))}, NotAnApprover),
    ({"approver": of_the_partner()}, NotAnApprover),
    ({"approver": OWN_FIRM, "super_admins": (an_actor(),)}, OwnPartnerMayNotApprove),
    ({"approver": HIMSELF, "super_admins": (an_actor(), HIMSELF)}, OwnPartnerMayNotApprove),
    ({"approver": OWN_FIRM, "super_admins": (OWN_FIRM,)}, NoIndependentApprover),
    ({"reply": a_reply(LinkState.APPROVED)}, LinkAlreadyUsed),
    ({"reply": a_reply(LinkState.DECLINED)}, LinkDeclined),
    ({"account": the_client(state=AccountState.CLOSED)}, AccountClosed),
]
ADMISSION: list[tuple[Mapping[str, Any], type[Refused]]] = [
    ({"employee": None}, NotEligible),
    ({"partner": the_partner(program=Program.SUSPENDED)}, NotEligible),
    ({"member": a_member(EMPLOYEE)}, IsSuperAdmin),
    ({"member": a_partner_admin()}, AlreadyPartnerAdmin),
    ({"member": a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))}, GrantSuspended),
    ({"account": the_client(partner_seat_limit=0)}, NoSeatLeft),
]


@pytest.mark.parametrize(("changes", "refusal"), LADDER + ADMISSION)
def test_an_approval_is_refused(changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        approve(facts(**changes), RequestedAccess(), an_act())


@pytest.mark.parametrize("first", range(len(LADDER + ADMISSION)))
def test_the_refusals_of_an_approval_come_in_their_order(first: int) -> None:
    """Whatever else is wrong further down the ladder does not show before what is above it."""
    changes, refusal = (LADDER + ADMISSION)[first]
    for others, _ in (LADDER + ADMISSION)[first + 1 :]:
        if not changes.keys() & others.keys():
            with pytest.raises(refusal):
                approve(facts(**others, **changes), RequestedAccess(), an_act())


@pytest.mark.parametrize(("changes", "refusal"), LADDER)
def test_a_refusal_of_the_link_is_refused_by_the_same_ladder(
    changes: Mapping[str, Any], refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        decline(facts(**changes), None, an_act())


@pytest.mark.parametrize(("changes", "_"), ADMISSION)
def test_a_link_can_be_declined_whatever_became_of_the_employee_or_the_seats(
    changes: Mapping[str, Any], _: type[Refused]
) -> None:
    assert decline(facts(**changes), None, an_act()).audit.event == "link.declined"


def test_how_another_account_answered_shows_only_to_its_approvers() -> None:
    for approver, refusal in ((Actor(a_user()), NotFound), (OWN_FIRM, NoIndependentApprover)):
        with pytest.raises(refusal):
            approve(facts(approver=approver, reply=a_reply()), RequestedAccess(), an_act())


def test_a_bound_link_is_approved_by_the_account_it_is_bound_to() -> None:
    assert approve(facts(link=a_link(account_id=CLIENT)), RequestedAccess(), an_act()).account == the_client()


def test_a_link_is_approved_in_its_last_second() -> None:
    assert approve(facts(link=a_link(expires_at=NOW + SECOND)), RequestedAccess(), an_act()).grant.created_at == NOW


@pytest.mark.parametrize(
    ("tenure", "employee", "partner", "refusal"),
    [
        (0, {"offboardings": {PARTNER: 1}}, {}, LinkRevoked),
        (0, {}, {"terminations": 1}, LinkRevoked),
        (1, {"offboardings": {PARTNER: 1}}, {"terminations": 1}, LinkRevoked),
        (0, {"offboardings": {"partner-south": 1}}, {}, None),
        (1, {"offboardings": {PARTNER: 1}}, {}, None),
        (2, {"offboardings": {PARTNER: 1}}, {"terminations": 1}, None),
    ],
)
def test_a_link_of_before_all_was_ended_brings_nobody_in(
    tenure: int, employee: dict[str, Any], partner: dict[str, Any], refusal: type[Refused] | None
) -> None:
    asked = facts(
        link=a_link(access_generation=tenure), employee=an_employee(**employee), partner=the_partner(**partner)
    )
    seen = preview_facts(asked, link=asked.link, employee=asked.target.user, partner=asked.partner)
    if refusal:
        for answer in (lambda: approve(asked, RequestedAccess(), an_act()), lambda: decline(asked, None, an_act())):
            with pytest.raises(refusal):
                answer()
        with pytest.raises(refusal):
            preview(seen, an_act())
    else:
        assert approve(asked, RequestedAccess(), an_act()).member.access_generation == tenure
        assert preview(seen, an_act()).choices[0].reason is None


# the account's mark


@pytest.mark.parametrize(("most", "marked"), [(1, False), (2, True), (1000, True)])
def test_an_account_leaves_its_mark_only_on_a_link_that_many_may_approve(most: int, marked: bool) -> None:
    approved = approve(facts(link=a_link(max_approvals=most)), RequestedAccess(), an_act())
    declined = decline(facts(link=a_link(max_approvals=most)), None, an_act())

    assert approval_of_many(approved) == (a_reply(LinkState.APPROVED) if marked else None)
    assert declined.reply == (a_reply(LinkState.DECLINED) if marked else None)


def test_a_refusal_is_told_with_its_reason() -> None:
    link = a_link(account_id=None, set_version=2, removed=("crm.export",))
    declined = decline(facts(link=link), "Not this year", an_act())

    assert declined.letter == Letter(
        kind=LetterKind.LINK_DECLINED,
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
    assert "reason" not in declined.audit.details, "free text is no business of the trail"
    assert declined.audit.accounts == (CLIENT, PARTNER)
    assert set(declined.relies_on) == {a_user(), a_member(), the_client()}


# preview


def preview_facts(*replies: ReplyFacts, **changes: Any) -> PreviewFacts:
    return PreviewFacts(
        **{
            "secret": SECRET,
            "link": a_link(),
            "partner": the_partner(),
            "employee": an_employee(),
            "reader": a_user(),
            "replies": replies or (facts(),),
            **changes,
        }
    )


def test_a_preview_shows_who_asks_and_where_the_reader_may_approve() -> None:
    seen = preview(preview_facts(), an_act())

    assert (seen.link, seen.partner, seen.employee) == (a_link(), the_partner(), an_employee())
    assert [(choice.account, choice.reason) for choice in seen.choices] == [(the_client(), None)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"approver": an_actor(member=a_member(permission_set="sales"))}, "not_an_approver"),
        ({"approver": OWN_FIRM, "super_admins": (an_actor(),)}, "own_partner_may_not_approve"),
        ({"link": a_link(account_id="client-other")}, "account_mismatch"),
        ({"reply": a_reply()}, "link_already_used"),
        ({"account": the_client(state=AccountState.CLOSED)}, "account_closed"),
        ({"employee": an_employee(active=False)}, "not_eligible"),
        ({"member": a_partner_admin()}, "already_partner_admin"),
        ({"account": the_client(partner_seat_limit=0)}, "no_seat_left"),
    ],
)
def test_a_preview_says_why_an_approval_would_be_refused(changes: Mapping[str, Any], reason: str) -> None:
    (choice,) = preview(preview_facts(facts(**changes)), an_act()).choices

    assert choice.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"account": None},
        {"account": the_partner()},
        {"approver": Actor(a_user())},
        {"approver": an_actor(member=a_member(active=False))},
    ],
)
def test_a_preview_lists_only_client_accounts_of_the_reader(changes: Mapping[str, Any]) -> None:
    assert preview(preview_facts(facts(**changes)), an_act()).choices == ()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"link": None}, LinkNotFound),
        ({"partner": None}, LinkNotFound),
        ({"employee": None}, LinkNotFound),
        ({"secret": OTHER_SECRET}, LinkNotFound),
        ({"secret": OTHER_SECRET, "link": a_link(expires_at=NOW)}, LinkNotFound),
        ({"link": a_link(expires_at=NOW)}, LinkExpired),
        ({"link": a_link(approvals=1), "reader": a_user(active=False)}, LinkAlreadyUsed),
        ({"reader": a_user(active=False)}, Forbidden),
    ],
)
def test_a_preview_is_refused(changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        preview(preview_facts(**changes), an_act())


def test_somebody_whom_the_vendor_has_not_told_of_sees_the_link_and_no_accounts() -> None:
    assert preview(preview_facts(facts(approver=Actor()), reader=None), an_act()).choices == ()


def test_paid_seats_of_a_converted_member_are_kept_and_relied_on() -> None:
    before = a_member(EMPLOYEE, "sales", seat=Seat.SALES)
    approved = approve(facts(member=before), RequestedAccess(), an_act())

    assert approved.member.paid_seats == (Seat.SALES,)
    assert before in approved.relies_on
    assert approved.before == before
