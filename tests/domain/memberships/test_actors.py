"""People: who is eligible, what somebody may do at an instant, who answers for an account, who stays."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.errors import (
    Forbidden,
    LastSuperAdmin,
    NoIndependentApprover,
    NotAnApprover,
    NotFound,
    OwnPartnerMayNotApprove,
    Refused,
)
from partner_access.domain.memberships.actors import Actor, some_independent, witness
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.permissions.rights import NOTHING, given_today
from partner_access.domain.users import (
    User,
)
from tests.support.builders import (
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_actor,
    an_employee,
    of_the_partner,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
OTHER = "partner-south"
SOUTH = the_partner(account_id=OTHER, domains=("south.example",))
PARTNER_ADMIN = of_the_partner()


# rights


@pytest.mark.parametrize(
    ("actor", "holds"),
    [
        (an_actor(), "super_admin"),
        (PARTNER_ADMIN, "partner_admin"),
        (an_actor(member=a_member(permission_set="sales")), "sales"),
        (Actor(), None),
        (Actor(a_user()), None),
        (Actor(member=a_member()), None),
        (an_actor(a_user(active=False)), None),
        (an_actor(member=a_member(active=False)), None),
        (Actor(an_employee(), a_partner_admin()), None),
        (of_the_partner(program=Program.SUSPENDED), None),
        (of_the_partner(an_employee(employed_by=frozenset())), None),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))), None),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))), None),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM}))), "partner_admin"),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.EMPLOYEE}))), "partner_admin"),
        (an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT}))), None),
        (of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW))), None),
        (of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW + SECOND))), "partner_admin"),
        (of_the_partner(member=a_partner_admin(grant=None)), None),
        (of_the_partner(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER)), "sales"),
        (of_the_partner(an_employee(active=False), a_member(EMPLOYEE, "sales", partner_id=PARTNER)), None),
        (Actor(an_employee(), a_member(EMPLOYEE, "sales")), "sales"),
        (Actor(an_employee(), a_member(EMPLOYEE)), "super_admin"),
    ],
)
def test_what_somebody_may_do_now(actor: Actor, holds: str | None) -> None:
    assert actor.rights_at(NOW) == (given_today(holds) if holds else NOTHING)
    assert actor.is_super_admin_at(NOW) is (holds == "super_admin")


def test_who_falls_back_to_what_he_was_before_needs_no_firm_for_it() -> None:
    before = a_member(EMPLOYEE, "sales").place
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW), previous=before)

    assert Actor(an_employee(active=True), lapsed).rights_at(NOW) == given_today("sales")


def test_an_actor_relies_on_all_that_his_rights_rest_on() -> None:
    holder = a_member(permission_set=CUSTOM_SET)

    assert PARTNER_ADMIN.relied_on == (an_employee(), a_partner_admin(), the_partner())
    assert an_actor(member=holder, sets=[a_custom_set()]).relied_on == (a_user(), holder, a_custom_set())
    assert an_actor().relied_on == (a_user(), a_member())
    assert Actor().relied_on == ()


OF_BOTH = an_employee(employed_by=frozenset({PARTNER, OTHER}), offboardings={OTHER: 5})
BY_NORTH = a_member(EMPLOYEE, "sales", partner_id=PARTNER, access_generation=1).place
BY_SOUTH = a_member(EMPLOYEE, "service", partner_id=OTHER, access_generation=5).place
OWN_PLACE = a_member(EMPLOYEE, "reporting").place


@pytest.mark.parametrize(
    ("leavings", "endings", "tenure", "holds"),
    [
        (0, 0, 0, "partner_admin"),
        (1, 0, 0, None),
        (0, 1, 0, None),
        (1, 0, 1, "partner_admin"),
        (0, 1, 1, "partner_admin"),
        (1, 1, 1, None),
        (1, 1, 2, "partner_admin"),
    ],
)
def test_what_he_had_before_all_of_it_was_ended_is_nothing_and_what_came_after_counts(
    leavings: int, endings: int, tenure: int, holds: str | None
) -> None:
    user = an_employee(offboardings={PARTNER: leavings})
    for member in (
        a_partner_admin(access_generation=tenure),
        a_member(EMPLOYEE, "sales", partner_id=PARTNER, access_generation=tenure),
    ):
        actor = of_the_partner(user, member, terminations=endings)

        assert actor.is_member_at(NOW) is (holds is not None)
        assert (actor.rights_at(NOW) == NOTHING) is (holds is None)
        assert actor.firm_at(NOW) == (the_partner(terminations=endings) if holds else None)
        if not holds:
            assert actor.member_at(NOW) == member.ended()


@pytest.mark.parametrize(
    ("member", "place"),
    [
        (a_partner_admin(access_generation=1, previous=OWN_PLACE), None),
        (a_partner_admin(access_generation=0, previous=OWN_PLACE), OWN_PLACE),
        (a_partner_admin(access_generation=0, previous=BY_NORTH), BY_NORTH),
        (a_partner_admin(access_generation=0, previous=BY_NORTH.model_copy(update={"access_generation": 0})), ()),
        (a_partner_admin(access_generation=0, previous=BY_SOUTH), BY_SOUTH),
        (a_partner_admin(access_generation=0, previous=BY_SOUTH.model_copy(update={"access_generation": 4})), ()),
        (a_partner_admin(access_generation=1, grant=a_grant(expires_at=NOW), previous=BY_SOUTH), BY_SOUTH),
        (
            a_partner_admin(
                access_generation=1,
                grant=a_grant(expires_at=NOW),
                previous=BY_SOUTH.model_copy(update={"access_generation": 4}),
            ),
            (),
        ),
        (a_partner_admin(access_generation=0, active=False, grant=None), None),
    ],
)
def test_who_loses_all_for_one_firm_falls_back_to_what_is_still_his(member: Member, place: Any) -> None:
    """None: he stays as he is; nothing: he is no member any more."""
    actor = an_actor(
        OF_BOTH.model_copy(update={"offboardings": {PARTNER: 1, OTHER: 5}}), member, firms=[the_partner(), SOUTH]
    )
    now = actor.member_at(NOW)

    assert now
    if place is None:
        assert now == member
    elif place:
        assert (now.active, now.place) == (True, place)
        assert actor.firm_at(NOW) == actor.firms.get(place.partner_id)
    else:
        assert (now.active, now.grant, now.previous, now.partner_id) == (False, None, None, None)
        assert actor.firm_at(NOW) is None


def test_what_he_has_by_a_firm_that_was_not_read_or_by_nobody_he_does_not_have() -> None:
    colleague = a_member(EMPLOYEE, "sales", partner_id=PARTNER)

    assert not Actor(None, colleague, {PARTNER: the_partner()}).is_member_at(NOW)
    assert not an_actor(an_employee(), colleague, firms=[SOUTH]).is_member_at(NOW)
    assert Actor().member_at(NOW) is None
    assert Actor().firm_at(NOW) is None
    assert Actor(an_employee(), a_member(EMPLOYEE)).firm_at(NOW) is None


BOTH_SIDES = frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})


@pytest.mark.parametrize(
    ("actor", "reasons"),
    [
        (Actor(), set()),
        (an_actor(), set()),
        (PARTNER_ADMIN, set()),
        (an_actor(member=a_member(suspended_by=BOTH_SIDES, active=False)), set()),
        (an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT}))), {"client"}),
        (of_the_partner(member=a_partner_admin(suspended_by=BOTH_SIDES)), {"client", "partner"}),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset(SuspensionReason))), {"client", "partner"}),
        (of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM}))), set()),
        (of_the_partner(program=Program.SUSPENDED), {"program"}),
        (of_the_partner(program=Program.TERMINATED), {"program"}),
        (of_the_partner(state=AccountState.CLOSED), {"program"}),
        (of_the_partner(an_employee(active=False)), {"employee"}),
        (of_the_partner(an_employee(employed_by=frozenset())), {"employee"}),
        (of_the_partner(domains=("other.example",)), {"employee"}),
        (of_the_partner(an_employee(email="e@gone.example")), {"employee"}),
        (of_the_partner(an_employee(active=False), program=Program.SUSPENDED), {"program"}),
        (
            of_the_partner(
                an_employee(active=False), a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))
            ),
            {"client", "employee"},
        ),
        (of_the_partner(terminations=1, program=Program.TERMINATED), set()),
        (of_the_partner(an_employee(offboardings={PARTNER: 1}, employed_by=frozenset())), set()),
        (of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW), suspended_by=BOTH_SIDES)), set()),
        (
            of_the_partner(
                member=a_partner_admin(grant=a_grant(expires_at=NOW), previous=OWN_PLACE, suspended_by=BOTH_SIDES)
            ),
            {"client"},
        ),
        (an_actor(a_user(active=False)), set()),
    ],
)
def test_who_keeps_somebody_from_access_now(actor: Actor, reasons: set[str]) -> None:
    assert actor.suspended_by_at(NOW) == reasons
    if reasons:
        assert actor.is_member_at(NOW)
        assert actor.rights_at(NOW) == NOTHING


def test_a_held_set_of_the_accounts_own_is_worth_what_it_holds_now() -> None:
    holder = a_member(permission_set=CUSTOM_SET, added=("reports.view",), removed=("crm.tickets.edit",))
    held = an_actor(member=holder, sets=[a_custom_set()]).rights_at(NOW)

    assert held.written() == ("crm.tickets.view:all", "reports.view", "service.access")
    assert an_actor(member=holder).rights_at(NOW).written() == ("reports.view",)


def test_whoever_is_here_for_a_partner_holds_nothing_that_is_restricted_by_whatever_set() -> None:
    loaded = a_custom_set(permissions=("account.billing.manage", "account.users.manage", "crm.import"))
    of_firm = a_partner_admin().changed(permission_set=CUSTOM_SET, added=("account.scim.manage",))
    own = a_member(permission_set=CUSTOM_SET)

    actor = an_actor(an_employee(), of_firm, firms=[the_partner()], sets=[loaded])
    assert set(actor.rights_at(NOW)) == {"account.users.manage", "crm.import"}
    assert "account.billing.manage" in an_actor(member=own, sets=[loaded]).rights_at(NOW)


def test_a_suspended_super_admin_runs_no_account_and_answers_for_none() -> None:
    stopped = an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT})))

    assert an_actor().is_super_admin_at(NOW)
    assert an_actor().is_approver_at(NOW)
    assert not stopped.is_super_admin_at(NOW)
    assert not stopped.is_approver_at(NOW)
    with pytest.raises(LastSuperAdmin):
        witness((stopped,), NOW)


# who is there


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (an_actor(), None),
        (PARTNER_ADMIN, None),
        (Actor(a_user()), NotFound),
        (an_actor(member=a_member(active=False)), NotFound),
        (of_the_partner(member=a_partner_admin(grant=a_grant(expires_at=NOW))), NotFound),
        (an_actor(a_user(active=False)), Forbidden),
        (Actor(None, a_member()), Forbidden),
    ],
)
def test_an_account_is_there_for_its_members(actor: Actor, refusal: type[Refused] | None) -> None:
    if refusal is None:
        actor.must_be_member(NOW)
    else:
        with pytest.raises(refusal):
            actor.must_be_member(NOW)
        with pytest.raises(refusal):
            actor.must_be_staff(the_partner(), NOW)


@pytest.mark.parametrize("partner", [None, the_client()])
def test_a_partner_that_is_none_is_as_if_unknown_to_its_own_members(partner: Account | None) -> None:
    with pytest.raises(NotFound):
        an_actor().must_be_staff(partner, NOW)


def test_a_partner_is_there_for_its_staff() -> None:
    assert an_actor().must_be_staff(the_partner(), NOW) == the_partner()


# who answers for an account


def of_the_firm(member: Member | None = None) -> Actor:
    return Actor(an_employee(), member or a_member(EMPLOYEE))


MANAGES_USERS = a_member(permission_set="sales", added=("account.users.manage",))


@pytest.mark.parametrize(
    ("approver", "super_admins", "refusal"),
    [
        (an_actor(), (), None),
        (an_actor(member=MANAGES_USERS), (), None),
        (an_actor(an_employee(employed_by=frozenset({OTHER}))), (), None),
        (an_actor(member=a_member(permission_set="sales")), (), NotAnApprover),
        (an_actor(member=a_member(removed=("account.users.manage",))), (), NotAnApprover),
        (PARTNER_ADMIN, (), NotAnApprover),
        (
            an_actor(
                an_employee(employed_by=frozenset({OTHER}), email="e@south.example"),
                a_partner_admin(grant=a_grant(partner_id=OTHER), partner_id=OTHER),
                firms=[SOUTH],
            ),
            (),
            NotAnApprover,
        ),
        (
            of_the_partner(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER, added=("account.users.manage",))),
            (),
            NotAnApprover,
        ),
        (Actor(an_employee(), a_partner_admin(partner_id=None)), (), NotAnApprover),
        (of_the_firm(), (an_actor(),), OwnPartnerMayNotApprove),
        (of_the_firm(), (of_the_firm(), an_actor()), OwnPartnerMayNotApprove),
        (of_the_firm(), (), NoIndependentApprover),
        (of_the_firm(), (of_the_firm(),), NoIndependentApprover),
        (of_the_firm(), (an_actor(an_employee("user-x", employed_by=frozenset({OTHER}))),), NoIndependentApprover),
        (of_the_firm(), (an_actor(a_user(active=False)),), NoIndependentApprover),
        (of_the_firm(), (an_actor(member=a_member(permission_set="sales")),), NoIndependentApprover),
        (of_the_firm(MANAGES_USERS), (an_actor(),), OwnPartnerMayNotApprove),
        (Actor(a_user()), (), NotFound),
        (an_actor(a_user(active=False)), (), Forbidden),
    ],
)
def test_who_answers_for_an_account(
    approver: Actor, super_admins: tuple[Actor, ...], refusal: type[Refused] | None
) -> None:
    if refusal is None:
        approver.must_be_approver(asked_by=PARTNER, super_admins=super_admins, at=NOW)
    else:
        with pytest.raises(refusal):
            approver.must_be_approver(asked_by=PARTNER, super_admins=super_admins, at=NOW)


def test_nobody_approves_who_is_not_there() -> None:
    assert not Actor(a_user()).is_approver_at(NOW)


@pytest.mark.parametrize(
    ("expires_at", "may"), [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)], ids=["before", "at", "after"]
)
def test_a_partner_admin_whose_grant_lapsed_answers_again_as_what_he_was(expires_at: datetime, may: bool) -> None:
    before = a_member(permission_set="sales", added=("account.users.manage",)).place
    lapsed = a_partner_admin(grant=a_grant(expires_at=expires_at), previous=before)

    assert of_the_partner(member=lapsed).is_approver_at(NOW) is may


# who stays


def a_super_admin(user_id: str, **changes: Any) -> Actor:
    return an_actor(a_user(user_id, **changes))


OF_A_FIRM = a_super_admin("user-a", employed_by=frozenset({OTHER}))
OWN = a_super_admin("user-b")
GONE = a_super_admin("user-c", active=False)
DEMOTED = an_actor(a_user("user-d"), a_member("user-d", "sales"))


@pytest.mark.parametrize(
    ("others", "rather", "stays"),
    [
        ((OWN,), None, OWN),
        ((OF_A_FIRM,), None, OF_A_FIRM),
        ((OF_A_FIRM, OWN), None, OWN),
        ((OWN, OF_A_FIRM), OF_A_FIRM.user, OF_A_FIRM),
        ((OF_A_FIRM, OWN), DEMOTED.user, OWN),
        ((GONE, DEMOTED, OWN), GONE.user, OWN),
    ],
)
def test_who_acts_is_rather_the_witness_and_then_one_of_no_firm(
    others: tuple[Actor, ...], rather: User | None, stays: Actor
) -> None:
    assert witness(others, NOW, rather=rather) is stays


@pytest.mark.parametrize("others", [(), (GONE,), (DEMOTED,), (GONE, DEMOTED)])
def test_nobody_goes_when_no_active_super_admin_stays(others: tuple[Actor, ...]) -> None:
    with pytest.raises(LastSuperAdmin):
        witness(others, NOW)


def test_independent_is_who_works_for_no_partner_at_all() -> None:
    assert some_independent((OF_A_FIRM, OWN), NOW)
    assert not some_independent((OF_A_FIRM, GONE, DEMOTED), NOW)
    assert not some_independent((), NOW)


OF_TWO = an_employee(employed_by=frozenset({PARTNER, OTHER}))
