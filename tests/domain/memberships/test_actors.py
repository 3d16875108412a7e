"""Users and actors: eligibility, rights at an instant, approvers, and the super admin that must stay."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.errors import (
    DomainError,
    Forbidden,
    LastSuperAdmin,
    NoIndependentApprover,
    NotAnApprover,
    NotFound,
    OwnPartnerMayNotApprove,
)
from partner_access.domain.memberships.actors import Actor, has_independent_super_admin, witness
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.permissions.rights import NO_RIGHTS, latest_set_rights
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
    a_partner_admin_actor,
    a_user,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

SECOND = timedelta(seconds=1)
OTHER_PARTNER = "partner-south"
OTHER_PARTNER_ACCOUNT = the_partner(account_id=OTHER_PARTNER, domains=("south.example",))
PARTNER_ADMIN = a_partner_admin_actor()


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
        (a_partner_admin_actor(program=Program.SUSPENDED), None),
        (a_partner_admin_actor(an_employee(employed_by=frozenset())), None),
        (a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))), None),
        (a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PARTNER}))), None),
        (
            a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM}))),
            "partner_admin",
        ),
        (
            a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.EMPLOYEE}))),
            "partner_admin",
        ),
        (an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT}))), None),
        (a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW))), None),
        (a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW + SECOND))), "partner_admin"),
        (a_partner_admin_actor(member=a_partner_admin(grant=None)), None),
        (a_partner_admin_actor(member=a_member(EMPLOYEE, "sales", partner_id=PARTNER)), "sales"),
        (a_partner_admin_actor(an_employee(active=False), a_member(EMPLOYEE, "sales", partner_id=PARTNER)), None),
        (Actor(an_employee(), a_member(EMPLOYEE, "sales")), "sales"),
        (Actor(an_employee(), a_member(EMPLOYEE)), "super_admin"),
    ],
)
def test_rights_at_depend_on_user_membership_and_partner(actor: Actor, holds: str | None) -> None:
    assert actor.rights_at(NOW) == (latest_set_rights(holds) if holds else NO_RIGHTS)
    assert actor.is_super_admin_at(NOW) is (holds == "super_admin")


def test_rights_at_after_expired_grant_are_empty_whatever_the_former_set() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW, former_set="sales"))

    assert Actor(an_employee(active=True), lapsed).rights_at(NOW) == NO_RIGHTS


def test_relied_on_contains_every_record_of_actor() -> None:
    holder = a_member(permission_set=CUSTOM_SET)

    assert PARTNER_ADMIN.relied_on == (an_employee(), a_partner_admin(), the_partner())
    assert an_actor(member=holder, sets=[a_custom_set()]).relied_on == (a_user(), holder, a_custom_set())
    assert an_actor().relied_on == (a_user(), a_member())
    assert Actor().relied_on == ()


EMPLOYEE_OF_BOTH = an_employee(employed_by=frozenset({PARTNER, OTHER_PARTNER}), offboardings={OTHER_PARTNER: 5})


@pytest.mark.parametrize(
    ("offboardings", "terminations", "access_generation", "holds"),
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
def test_membership_of_older_access_generation_has_no_rights(
    offboardings: int, terminations: int, access_generation: int, holds: str | None
) -> None:
    user = an_employee(offboardings={PARTNER: offboardings})
    for member in (
        a_partner_admin(access_generation=access_generation),
        a_member(EMPLOYEE, "sales", partner_id=PARTNER, access_generation=access_generation),
    ):
        actor = a_partner_admin_actor(user, member, terminations=terminations)

        assert actor.is_member_at(NOW) is (holds is not None)
        assert (actor.rights_at(NOW) == NO_RIGHTS) is (holds is None)
        assert actor.partner_at(NOW) == (the_partner(terminations=terminations) if holds else None)
        if not holds:
            assert actor.member_at(NOW) == member.ended()


@pytest.mark.parametrize(
    ("member", "is_over"),
    [
        (a_partner_admin(access_generation=1), False),
        (a_partner_admin(access_generation=0), True),
        (a_partner_admin(access_generation=0, grant=a_grant(former_set="super_admin")), True),
        (a_partner_admin(access_generation=1, grant=a_grant(expires_at=NOW)), True),
        (a_partner_admin(access_generation=0, active=False, grant=None), False),
    ],
)
def test_member_at_after_offboarding_is_over(member: Member, is_over: bool) -> None:
    # domain.md rule 10
    actor = an_actor(
        EMPLOYEE_OF_BOTH.model_copy(update={"offboardings": {PARTNER: 1}}), member, partners=[the_partner()]
    )

    assert actor.member_at(NOW) == (member.ended() if is_over else member)
    assert (actor.partner_at(NOW) is None) is (is_over or not member.active)


def test_is_member_at_without_partner_or_user_record_is_false() -> None:
    colleague = a_member(EMPLOYEE, "sales", partner_id=PARTNER)

    assert not Actor(None, colleague, {PARTNER: the_partner()}).is_member_at(NOW)
    assert not an_actor(an_employee(), colleague, partners=[OTHER_PARTNER_ACCOUNT]).is_member_at(NOW)
    assert Actor().member_at(NOW) is None
    assert Actor().partner_at(NOW) is None
    assert Actor(an_employee(), a_member(EMPLOYEE)).partner_at(NOW) is None


BOTH_SIDES = frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER})


@pytest.mark.parametrize(
    ("actor", "reasons"),
    [
        (Actor(), set()),
        (an_actor(), set()),
        (PARTNER_ADMIN, set()),
        (an_actor(member=a_member(suspended_by=BOTH_SIDES, active=False)), set()),
        (an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT}))), {"client"}),
        (a_partner_admin_actor(member=a_partner_admin(suspended_by=BOTH_SIDES)), {"client", "partner"}),
        (
            a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset(SuspensionReason))),
            {"client", "partner"},
        ),
        (a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.PROGRAM}))), set()),
        (a_partner_admin_actor(program=Program.SUSPENDED), {"program"}),
        (a_partner_admin_actor(program=Program.TERMINATED), {"program"}),
        (a_partner_admin_actor(state=AccountState.CLOSED), {"program"}),
        (a_partner_admin_actor(an_employee(active=False)), {"employee"}),
        (a_partner_admin_actor(an_employee(employed_by=frozenset())), {"employee"}),
        (a_partner_admin_actor(domains=("other.example",)), {"employee"}),
        (a_partner_admin_actor(an_employee(email="e@gone.example")), {"employee"}),
        (a_partner_admin_actor(an_employee(active=False), program=Program.SUSPENDED), {"program"}),
        (
            a_partner_admin_actor(
                an_employee(active=False), a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))
            ),
            {"client", "employee"},
        ),
        (a_partner_admin_actor(terminations=1, program=Program.TERMINATED), set()),
        (a_partner_admin_actor(an_employee(offboardings={PARTNER: 1}, employed_by=frozenset())), set()),
        (a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW), suspended_by=BOTH_SIDES)), set()),
        (an_actor(a_user(active=False)), set()),
    ],
)
def test_suspended_by_at_returns_current_reasons(actor: Actor, reasons: set[str]) -> None:
    assert actor.suspended_by_at(NOW) == reasons
    if reasons:
        assert actor.is_member_at(NOW)
        assert actor.rights_at(NOW) == NO_RIGHTS


def test_rights_at_with_custom_set_follow_its_current_content() -> None:
    holder = a_member(permission_set=CUSTOM_SET, added=("reports.view",), removed=("crm.tickets.edit",))
    held = an_actor(member=holder, sets=[a_custom_set()]).rights_at(NOW)

    assert held.to_names() == ("crm.tickets.view:all", "reports.view", "service.access")
    assert an_actor(member=holder).rights_at(NOW).to_names() == ()


def test_rights_at_of_partner_member_exclude_restricted_permissions() -> None:
    custom_set = a_custom_set(permissions=("account.billing.manage", "account.users.manage", "crm.import"))
    partner_member = a_partner_admin().next_version(permission_set=CUSTOM_SET, added=("account.scim.manage",))
    client_member = a_member(permission_set=CUSTOM_SET)

    actor = an_actor(an_employee(), partner_member, partners=[the_partner()], sets=[custom_set])
    assert set(actor.rights_at(NOW)) == {"account.users.manage", "crm.import"}
    assert "account.billing.manage" in an_actor(member=client_member, sets=[custom_set]).rights_at(NOW)


def test_suspended_super_admin_is_no_approver_and_no_witness() -> None:
    stopped = an_actor(member=a_member(suspended_by=frozenset({SuspensionReason.CLIENT})))

    assert an_actor().is_super_admin_at(NOW)
    assert an_actor().is_approver_at(NOW)
    assert not stopped.is_super_admin_at(NOW)
    assert not stopped.is_approver_at(NOW)
    with pytest.raises(LastSuperAdmin):
        witness((stopped,), NOW)


# membership and employment


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (an_actor(), None),
        (PARTNER_ADMIN, None),
        (Actor(a_user()), NotFound),
        (an_actor(member=a_member(active=False)), NotFound),
        (a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=NOW))), NotFound),
        (an_actor(a_user(active=False)), Forbidden),
        (Actor(None, a_member()), Forbidden),
    ],
)
def test_must_be_member_for_other_caller_is_refused(actor: Actor, error: type[DomainError] | None) -> None:
    if error is None:
        actor.must_be_member(NOW)
    else:
        with pytest.raises(error):
            actor.must_be_member(NOW)
        with pytest.raises(error):
            actor.must_be_employee(the_partner(), NOW)


@pytest.mark.parametrize("partner", [None, the_client()])
def test_must_be_staff_of_non_partner_account_raises_not_found(partner: Account | None) -> None:
    with pytest.raises(NotFound):
        an_actor().must_be_employee(partner, NOW)


def test_must_be_staff_for_employee_returns_partner() -> None:
    assert an_actor().must_be_employee(the_partner(), NOW) == the_partner()


# approvers


def own_partner_super_admin(member: Member | None = None) -> Actor:
    return Actor(an_employee(), member or a_member(EMPLOYEE))


MANAGES_USERS = a_member(permission_set="sales", added=("account.users.manage",))


@pytest.mark.parametrize(
    ("approver", "super_admins", "error"),
    [
        (an_actor(), (), None),
        (an_actor(member=MANAGES_USERS), (), None),
        (an_actor(an_employee(employed_by=frozenset({OTHER_PARTNER}))), (), None),
        (an_actor(member=a_member(permission_set="sales")), (), NotAnApprover),
        (an_actor(member=a_member(removed=("account.users.manage",))), (), NotAnApprover),
        (PARTNER_ADMIN, (), NotAnApprover),
        (
            an_actor(
                an_employee(employed_by=frozenset({OTHER_PARTNER}), email="e@south.example"),
                a_partner_admin(grant=a_grant(partner_id=OTHER_PARTNER), partner_id=OTHER_PARTNER),
                partners=[OTHER_PARTNER_ACCOUNT],
            ),
            (),
            NotAnApprover,
        ),
        (
            a_partner_admin_actor(
                member=a_member(EMPLOYEE, "sales", partner_id=PARTNER, added=("account.users.manage",))
            ),
            (),
            NotAnApprover,
        ),
        (Actor(an_employee(), a_partner_admin(partner_id=None)), (), NotAnApprover),
        (own_partner_super_admin(), (an_actor(),), OwnPartnerMayNotApprove),
        (own_partner_super_admin(), (own_partner_super_admin(), an_actor()), OwnPartnerMayNotApprove),
        (own_partner_super_admin(), (), NoIndependentApprover),
        (own_partner_super_admin(), (own_partner_super_admin(),), NoIndependentApprover),
        (
            own_partner_super_admin(),
            (an_actor(an_employee("user-x", employed_by=frozenset({OTHER_PARTNER}))),),
            NoIndependentApprover,
        ),
        (own_partner_super_admin(), (an_actor(a_user(active=False)),), NoIndependentApprover),
        (own_partner_super_admin(), (an_actor(member=a_member(permission_set="sales")),), NoIndependentApprover),
        (own_partner_super_admin(MANAGES_USERS), (an_actor(),), OwnPartnerMayNotApprove),
        (Actor(a_user()), (), NotFound),
        (an_actor(a_user(active=False)), (), Forbidden),
    ],
)
def test_must_be_approver_applies_role_and_own_partner_rules(
    approver: Actor, super_admins: tuple[Actor, ...], error: type[DomainError] | None
) -> None:
    if error is None:
        approver.must_be_approver(subject=None, partner_id=PARTNER, super_admins=super_admins, at=NOW)
    else:
        with pytest.raises(error):
            approver.must_be_approver(subject=None, partner_id=PARTNER, super_admins=super_admins, at=NOW)


def test_is_approver_at_without_membership_is_false() -> None:
    assert not Actor(a_user()).is_approver_at(NOW)


# witnesses


def a_super_admin(user_id: str, **changes: Any) -> Actor:
    return an_actor(a_user(user_id, **changes))


PARTNER_EMPLOYEE = a_super_admin("user-a", employed_by=frozenset({OTHER_PARTNER}))
INDEPENDENT = a_super_admin("user-b")
DEACTIVATED = a_super_admin("user-c", active=False)
DEMOTED = an_actor(a_user("user-d"), a_member("user-d", "sales"))


@pytest.mark.parametrize(
    ("others", "rather", "stays"),
    [
        ((INDEPENDENT,), None, INDEPENDENT),
        ((PARTNER_EMPLOYEE,), None, PARTNER_EMPLOYEE),
        ((PARTNER_EMPLOYEE, INDEPENDENT), None, INDEPENDENT),
        ((INDEPENDENT, PARTNER_EMPLOYEE), PARTNER_EMPLOYEE.user, PARTNER_EMPLOYEE),
        ((PARTNER_EMPLOYEE, INDEPENDENT), DEMOTED.user, INDEPENDENT),
        ((DEACTIVATED, DEMOTED, INDEPENDENT), DEACTIVATED.user, INDEPENDENT),
    ],
)
def test_witness_prefers_actor_then_independent_super_admin(
    others: tuple[Actor, ...], rather: User | None, stays: Actor
) -> None:
    assert witness(others, NOW, preferred=rather) is stays


@pytest.mark.parametrize("others", [(), (DEACTIVATED,), (DEMOTED,), (DEACTIVATED, DEMOTED)])
def test_witness_without_active_super_admin_raises_last_super_admin(others: tuple[Actor, ...]) -> None:
    with pytest.raises(LastSuperAdmin):
        witness(others, NOW)


def test_has_independent_super_admin_excludes_partner_employees() -> None:
    assert has_independent_super_admin((PARTNER_EMPLOYEE, INDEPENDENT), NOW)
    assert not has_independent_super_admin((PARTNER_EMPLOYEE, DEACTIVATED, DEMOTED), NOW)
    assert not has_independent_super_admin((), NOW)


EMPLOYEE_OF_TWO = an_employee(employed_by=frozenset({PARTNER, OTHER_PARTNER}))
