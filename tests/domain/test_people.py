"""People: who is eligible, what somebody may do at an instant, who answers for an account, who stays."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountStanding, Program
from partner_access.domain.members import Member, Suspension
from partner_access.domain.people import (
    Actor,
    User,
    eligible,
    firm_is_unclear,
    firm_of,
    must_not_be_barred,
    some_independent,
    witness,
)
from partner_access.domain.permissions import NOTHING, given_today
from partner_access.domain.refusals import (
    Forbidden,
    LastSuperAdmin,
    NoIndependentApprover,
    NotAnApprover,
    NotFound,
    OwnFirmMayNotApprove,
    Refused,
)
from tests.builders import (
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
OTHER = "partner-south"
PARTNER_ADMIN = Actor(an_employee(), a_partner_admin(), the_partner())


@pytest.mark.parametrize(
    ("user", "partner", "is_one"),
    [
        (an_employee(), the_partner(), True),
        (an_employee(employed_by=frozenset({PARTNER, OTHER})), the_partner(), True),
        (an_employee(), the_partner(domains=("other.example", "north.example")), True),
        (None, the_partner(), False),
        (an_employee(), None, False),
        (an_employee(active=False), the_partner(), False),
        (an_employee(email=None), the_partner(), False),
        (an_employee(employed_by=frozenset()), the_partner(), False),
        (an_employee(employed_by=frozenset({OTHER})), the_partner(), False),
        (an_employee(email="e@bakery.example"), the_partner(), False),
        (an_employee(email="e@sub.north.example"), the_partner(), False),
        (an_employee(email="e@evilnorth.example"), the_partner(), False),
        (an_employee(email="north.example@bakery.example"), the_partner(), False),
        (an_employee(), the_partner(domains=()), False),
        (an_employee(), the_partner(program=Program.SUSPENDED), False),
        (an_employee(), the_partner(program=Program.TERMINATED), False),
        (an_employee(), the_partner(standing=AccountStanding.CLOSED), False),
        (an_employee(), the_client(account_id=PARTNER, domains=("north.example",)), False),
    ],
)
def test_who_can_be_a_partner_admin(user: User | None, partner: Account | None, is_one: bool) -> None:
    assert eligible(user, partner) is is_one


def test_whom_the_vendor_deactivated_looks_at_nothing() -> None:
    must_not_be_barred(None)
    must_not_be_barred(a_user())
    with pytest.raises(Forbidden):
        must_not_be_barred(a_user(active=False))


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
        (Actor(an_employee(), a_partner_admin(), None), None),
        (Actor(an_employee(), a_partner_admin(), the_partner(program=Program.SUSPENDED)), None),
        (Actor(an_employee(employed_by=frozenset()), a_partner_admin(), the_partner()), None),
        (
            Actor(
                an_employee(),
                a_partner_admin(grant=a_grant(suspended_by=frozenset({Suspension.CLIENT}))),
                the_partner(),
            ),
            None,
        ),
        (Actor(an_employee(), a_partner_admin(grant=a_grant(expires_at=NOW)), the_partner()), None),
        (Actor(an_employee(), a_partner_admin(grant=a_grant(expires_at=NOW + SECOND)), the_partner()), "partner_admin"),
        (Actor(an_employee(), a_member(EMPLOYEE, "sales", partner_id=PARTNER), the_partner()), "sales"),
        (Actor(an_employee(active=False), a_member(EMPLOYEE, "sales", partner_id=PARTNER), the_partner()), None),
        (Actor(an_employee(), a_member(EMPLOYEE, "sales"), None), "sales"),
        (Actor(an_employee(), a_member(EMPLOYEE), None), "super_admin"),
    ],
)
def test_what_somebody_may_do_now(actor: Actor, holds: str | None) -> None:
    assert actor.rights_at(NOW) == (given_today(holds) if holds else NOTHING)
    assert actor.is_super_admin_at(NOW) is (holds == "super_admin")


def test_who_falls_back_to_what_he_was_before_needs_no_firm_for_it() -> None:
    before = a_member(EMPLOYEE, "sales").place
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW), previous=before)

    assert Actor(an_employee(active=True), lapsed, None).rights_at(NOW) == given_today("sales")


def test_an_actor_relies_on_all_that_his_rights_rest_on() -> None:
    assert PARTNER_ADMIN.relied_on == (an_employee(), a_partner_admin(), the_partner())
    assert an_actor().relied_on == (a_user(), a_member())
    assert Actor().relied_on == ()


# who is there


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        (an_actor(), None),
        (PARTNER_ADMIN, None),
        (Actor(a_user()), NotFound),
        (an_actor(member=a_member(active=False)), NotFound),
        (Actor(an_employee(), a_partner_admin(grant=a_grant(expires_at=NOW)), the_partner()), NotFound),
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
            Actor(
                an_employee(employed_by=frozenset({OTHER}), email="e@south.example"),
                a_partner_admin(grant=a_grant(partner_id=OTHER), partner_id=OTHER),
                the_partner(account_id=OTHER, domains=("south.example",)),
            ),
            (),
            NotAnApprover,
        ),
        (
            Actor(
                an_employee(),
                a_member(EMPLOYEE, "sales", partner_id=PARTNER, added=("account.users.manage",)),
                the_partner(),
            ),
            (),
            NotAnApprover,
        ),
        (Actor(an_employee(), a_partner_admin(partner_id=None)), (), NotAnApprover),
        (of_the_firm(), (an_actor(),), OwnFirmMayNotApprove),
        (of_the_firm(), (of_the_firm(), an_actor()), OwnFirmMayNotApprove),
        (of_the_firm(), (), NoIndependentApprover),
        (of_the_firm(), (of_the_firm(),), NoIndependentApprover),
        (of_the_firm(), (an_actor(an_employee("user-x", employed_by=frozenset({OTHER}))),), NoIndependentApprover),
        (of_the_firm(), (an_actor(a_user(active=False)),), NoIndependentApprover),
        (of_the_firm(), (an_actor(member=a_member(permission_set="sales")),), NoIndependentApprover),
        (of_the_firm(MANAGES_USERS), (an_actor(),), OwnFirmMayNotApprove),
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

    assert Actor(an_employee(), lapsed, the_partner()).is_approver_at(NOW) is may


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


@pytest.mark.parametrize(
    ("user", "named", "firm", "unclear"),
    [
        (None, None, None, False),
        (None, PARTNER, PARTNER, False),
        (a_user(), None, None, False),
        (a_user(), PARTNER, PARTNER, False),
        (an_employee(), None, PARTNER, False),
        (an_employee(), OTHER, OTHER, False),
        (OF_TWO, None, None, True),
        (OF_TWO, OTHER, OTHER, False),
    ],
)
def test_on_whose_behalf_somebody_comes(user: User | None, named: str | None, firm: str | None, unclear: bool) -> None:
    assert firm_of(user, named) == firm
    assert firm_is_unclear(user, named) is unclear
