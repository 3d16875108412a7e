"""Access stops for now and goes on: each side puts and lifts its own reason, and no other."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.errors import (
    AccountClosed,
    Forbidden,
    GrantSuspended,
    IsSuperAdmin,
    NotAClientAccount,
    OwnPartnerMayNotApprove,
    Refused,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.memberships.roles import Role
from partner_access.domain.memberships.suspensions import resume, suspend
from partner_access.domain.notifications import Cause, LetterKind
from tests.support.builders import (
    CLIENT,
    EMPLOYEE,
    PARTNER,
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
from tests.support.membership_facts import ADMIN, AT_THE_FIRM, BOTH, OF_THE_FIRM, TARGET, USERS, act_in, facts
from tests.support.seeded_table import CLERK, MANAGER, staff

SIDES = {
    Role.SUPER_ADMIN: SuspensionReason.CLIENT,
    Role.USER_MANAGER: SuspensionReason.CLIENT,
    Role.PARTNER_MANAGER: SuspensionReason.PARTNER,
}
BY_THE_CLIENT, BY_THE_FIRM = frozenset({SuspensionReason.CLIENT}), frozenset({SuspensionReason.PARTNER})
BY_BOTH = BY_THE_CLIENT | BY_THE_FIRM


def stopped(reasons: frozenset[SuspensionReason], **firm: Any) -> Actor:
    return of_the_partner(member=a_partner_admin(suspended_by=reasons), **firm)


def of(member: Member | None) -> Member:
    assert member
    return member


@pytest.mark.parametrize(("capacity", "side"), SIDES.items())
def test_either_side_stops_access_for_its_own_reason(capacity: Role, side: SuspensionReason) -> None:
    found = facts(capacity)
    done = suspend(found, "On parental leave", act_in(found))

    assert done
    assert done.before == TARGET.member
    assert done.member == of(TARGET.member).changed(suspended_by=frozenset({side}))
    assert (done.audit.event, done.audit.accounts) == ("member.suspended", (CLIENT, PARTNER))
    assert done.audit.details == {"user_id": EMPLOYEE, "suspended_by": side}
    assert done.letter
    letter = done.letter
    assert (letter.kind, letter.cause, letter.reason) == (LetterKind.ACCESS_SUSPENDED, Cause(side), "On parental leave")
    assert (letter.employee_id, letter.account_id, letter.partner_id) == (EMPLOYEE, CLIENT, PARTNER)
    assert letter.actor_id == act_in(found).by
    assert set(TARGET.relied_on) <= set(done.relies_on)


@pytest.mark.parametrize(("capacity", "side"), SIDES.items())
@pytest.mark.parametrize("reasons", [BY_THE_CLIENT, BY_THE_FIRM, BY_BOTH])
def test_each_side_adds_its_reason_to_the_others_once(
    capacity: Role, side: SuspensionReason, reasons: frozenset[SuspensionReason]
) -> None:
    found = facts(capacity, target=stopped(reasons))
    done = suspend(found, None, act_in(found))

    if side in reasons:
        assert done is None
    else:
        assert done
        assert done.member.suspended_by == BY_BOTH


@pytest.mark.parametrize(("capacity", "side"), SIDES.items())
def test_each_side_lifts_its_own_reason_and_no_other(capacity: Role, side: SuspensionReason) -> None:
    found = facts(capacity, target=stopped(BY_BOTH))
    done = resume(found, act_in(found))

    assert done
    assert done.before == of(found.target.member)
    assert done.member == done.before.changed(suspended_by=BY_BOTH - {side})
    assert (done.audit.event, done.audit.accounts) == ("member.resumed", (CLIENT, PARTNER))
    assert done.audit.details == {"user_id": EMPLOYEE, "resumed_by": side}
    assert done.letter
    letter = done.letter
    assert (letter.kind, letter.cause, letter.actor_id) == (LetterKind.ACCESS_RESUMED, Cause(side), act_in(found).by)
    assert (letter.employee_id, letter.account_id, letter.partner_id) == (EMPLOYEE, CLIENT, PARTNER)
    assert set(found.target.relied_on) <= set(done.relies_on)


@pytest.mark.parametrize(
    ("capacity", "target"),
    [
        (Role.SUPER_ADMIN, stopped(BY_THE_FIRM)),
        (Role.USER_MANAGER, stopped(BY_THE_FIRM)),
        (Role.PARTNER_MANAGER, stopped(BY_THE_CLIENT)),
        (Role.SUPER_ADMIN, stopped(frozenset(), program=Program.SUSPENDED)),
        (Role.PARTNER_MANAGER, stopped(frozenset(), program=Program.SUSPENDED)),
        (Role.SUPER_ADMIN, of_the_partner(an_employee(active=False))),
        (Role.PARTNER_MANAGER, of_the_partner(an_employee(email="e@elsewhere.example"))),
    ],
)
def test_another_sides_reason_is_not_lifted(capacity: Role, target: Actor) -> None:
    found = facts(capacity, target=target)

    with pytest.raises(GrantSuspended) as refused:
        resume(found, act_in(found))
    assert "not yours to lift" in refused.value.detail


@pytest.mark.parametrize("capacity", SIDES)
def test_nothing_is_done_when_nobody_has_stopped_it(capacity: Role) -> None:
    found = facts(capacity)

    assert resume(found, act_in(found)) is None


def test_what_the_sweep_wrote_down_is_nobodys_to_lift_and_stays_with_the_rest() -> None:
    written_down = BY_BOTH | {SuspensionReason.PROGRAM}
    done = resume(facts(target=stopped(written_down, program=Program.SUSPENDED)), an_act())

    assert done
    assert done.member.suspended_by == written_down - BY_THE_CLIENT


@pytest.mark.parametrize("capacity", [Role.VENDOR, Role.COLLEAGUE, Role.SELF])
def test_nobody_else_stops_or_resumes(capacity: Role) -> None:
    found = facts(capacity)

    with pytest.raises(Forbidden):
        suspend(found, None, act_in(found))
    with pytest.raises(Forbidden):
        resume(found, act_in(found))


def test_a_client_is_stopped_from_nothing_by_staff_of_the_firm_but_what_it_gave() -> None:
    found = facts(actor=OF_THE_FIRM)
    done = suspend(found, None, an_act(BOTH))
    assert done
    assert done.member.suspended_by == BY_THE_CLIENT

    with pytest.raises(OwnPartnerMayNotApprove):
        resume(facts(actor=OF_THE_FIRM, target=stopped(BY_THE_CLIENT)), an_act(BOTH))


@pytest.mark.parametrize(
    "actor",
    [
        an_actor(an_employee(MANAGER), a_member(MANAGER)),
        of_the_partner(an_employee(MANAGER), a_partner_admin(MANAGER)),
    ],
)
def test_a_manager_of_the_firm_acts_for_it_whatever_he_is_at_the_client(actor: Actor) -> None:
    mine: dict[str, Any] = {"actor": actor, "manager": AT_THE_FIRM}
    stops, goes_on = (
        suspend(facts(**mine), None, an_act(MANAGER)),
        resume(facts(**mine, target=stopped(BY_BOTH)), an_act(MANAGER)),
    )

    assert stops
    assert stops.member.suspended_by == BY_THE_FIRM
    assert goes_on
    assert goes_on.member.suspended_by == BY_THE_CLIENT


def test_the_clients_own_people_are_stopped_by_the_client_alone() -> None:
    clerk = an_actor(a_user(CLERK), a_member(CLERK, "sales"))
    done = suspend(facts(Role.USER_MANAGER, target=clerk), None, an_act(USERS))

    assert done
    assert (done.member.suspended_by, done.audit.accounts) == (BY_THE_CLIENT, (CLIENT,))
    assert done.letter
    assert done.letter.partner_id is None


REFUSED: list[tuple[Mapping[str, Any], type[Refused]]] = [
    ({"target": an_actor(a_user(CLERK), a_member(CLERK))}, IsSuperAdmin),
    ({"target": ADMIN}, IsSuperAdmin),
    (
        {
            "account": the_partner(),
            "actor": Actor(an_employee(MANAGER), staff(MANAGER, "super_admin")),
            "target": Actor(an_employee(), staff(EMPLOYEE)),
        },
        NotAClientAccount,
    ),
]


@pytest.mark.parametrize(("changes", "refusal"), REFUSED)
def test_super_admins_and_staff_at_home_are_not_stopped(changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    found = facts(**changes)

    with pytest.raises(refusal):
        suspend(found, None, act_in(found))


def test_staff_at_home_are_not_resumed_either_but_a_super_admin_whom_the_client_stopped_is() -> None:
    (at_home,) = (changes for changes, refusal in REFUSED if refusal is NotAClientAccount)
    found = facts(**at_home)
    with pytest.raises(NotAClientAccount):
        resume(found, act_in(found))

    stopped = a_member("user-x", suspended_by=frozenset({SuspensionReason.CLIENT}))
    found = facts(target=an_actor(a_user("user-x"), stopped))
    resumed = resume(found, act_in(found))
    assert resumed
    assert resumed.member.suspended_by == frozenset()


def test_in_a_closed_account_access_is_stopped_and_never_resumed() -> None:
    found = facts(account=the_client(state=AccountState.CLOSED))

    assert suspend(found, None, act_in(found))
    with pytest.raises(AccountClosed):
        resume(found, act_in(found))
