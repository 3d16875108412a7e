"""Memberships written by the vendor: repeated data changes nothing, and a super admin always stays."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from partner_access.domain.accounts import Account, AccountState
from partner_access.domain.directory_members import DirectoryMemberFacts, put_member
from partner_access.domain.errors import (
    AccountClosed,
    AlreadyPartnerAdmin,
    DomainError,
    FormerPartnerMember,
    GrantSuspended,
    InvalidField,
    LastSuperAdmin,
    MissingField,
    NotFound,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Assignment, Member, Seat, SuspensionReason
from partner_access.domain.notifications import Reconciliation
from partner_access.domain.permissions.rights import latest_version
from partner_access.domain.users import User
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.set_versions import two_set_versions

ACT = an_act("vendor", for_vendor=True)
USER = a_user()
OTHER_SUPER_ADMIN = an_actor(a_user("user-boss"))
DEACTIVATED_SUPER_ADMIN = an_actor(a_user("user-gone", active=False))
MIGRATED = a_temporary_partner_admin_actor("user-migrated")


def field_names(raised: pytest.ExceptionInfo[Any]) -> list[str]:
    return [".".join(map(str, each.path)) for each in raised.value.fields]


def facts(*, user: User | None = USER, member: Member | None = None, **changes: Any) -> DirectoryMemberFacts:
    """Build facts for a new member. `user` and `member` are the records of the user who is written."""
    target = Actor(user, member, {PARTNER: the_partner()})
    return DirectoryMemberFacts(
        **{"account": the_client(), "target": target, "others": (OTHER_SUPER_ADMIN,), **changes}
    )


@pytest.mark.parametrize(
    ("fields", "seat"),
    [
        ({"permission_set": "sales"}, Seat.CORE),
        ({"permission_set": "view_only"}, Seat.VIEW_ONLY),
        ({"permission_set": "sales", "seat": Seat.SALES}, Seat.SALES),
        ({"permission_set": "sales", "seat": None}, None),
        ({"permission_set": "super_admin", "active": True}, Seat.CORE),
    ],
)
def test_put_member_creates_member_with_default_seat(fields: Mapping[str, Any], seat: Seat | None) -> None:
    saved = put_member(facts(), fields, ACT)

    assert saved
    assert saved.member == a_member(APPROVER, fields["permission_set"], since=NOW, granted_by="vendor", seat=seat)
    assert (saved.audit.event, saved.audit.accounts) == ("member.created", (CLIENT,))
    assert saved.audit.details["fields"] == sorted(fields)
    assert saved.relies_on == (the_client(), a_user())


def test_put_member_with_other_set_uses_latest_version() -> None:
    with two_set_versions():
        saved = put_member(facts(member=a_member(permission_set="service")), {"permission_set": "sales"}, ACT)

    assert saved
    assert saved.member.set_version == 2


def test_put_member_with_active_false_creates_inactive_member() -> None:
    saved = put_member(facts(), {"permission_set": "sales", "active": False}, ACT)

    assert saved
    assert not saved.member.active


def test_put_member_with_other_set_clears_overrides_and_same_set_keeps_them() -> None:
    before = a_member(permission_set="sales", version=3, added=("crm.import",), removed=("sales.forecast",))
    other = put_member(facts(member=before), {"permission_set": "marketing"}, ACT)
    same = put_member(facts(member=before), {"permission_set": "sales", "seat": Seat.SALES}, ACT)

    assert other
    assert other.member == before.next_version(permission_set="marketing", added=(), removed=())
    assert (other.audit.event, other.audit.details["fields"]) == ("member.updated", ["permission_set"])
    assert same
    assert same.member == before.next_version(seat=Seat.SALES)
    assert before in same.relies_on


@pytest.mark.parametrize("fields", [{}, {"permission_set": "sales"}, {"seat": Seat.CORE, "active": True}])
def test_put_member_with_same_values_returns_none(fields: Mapping[str, Any]) -> None:
    assert put_member(facts(member=a_member(permission_set="sales")), fields, ACT) is None


@pytest.mark.parametrize(
    ("changes", "fields", "error", "at"),
    [
        ({"account": None}, {"permission_set": "sales"}, NotFound, ["account_id"]),
        ({"user": None}, {"permission_set": "sales"}, NotFound, ["user_id"]),
        ({}, {}, MissingField, ["permission_set"]),
        ({}, {"permission_set": "owner"}, UnknownPermissionSet, ["permission_set"]),
        ({}, {"permission_set": "partner_admin"}, InvalidField, ["permission_set"]),
        ({"member": a_partner_admin()}, {"permission_set": "partner_admin"}, InvalidField, ["permission_set"]),
        ({}, {"permission_set": "sales", "seat": Seat.PARTNER}, InvalidField, ["seat"]),
        ({"account": the_client(state=AccountState.CLOSED)}, {"permission_set": "sales"}, AccountClosed, []),
        ({"member": a_partner_admin()}, {"active": False}, AlreadyPartnerAdmin, []),
        ({"member": a_partner_admin()}, {"permission_set": "sales"}, AlreadyPartnerAdmin, []),
        ({"member": a_member(), "others": ()}, {"permission_set": "sales"}, LastSuperAdmin, []),
        ({"member": a_member(), "others": ()}, {"active": False}, LastSuperAdmin, []),
        ({"member": a_member(), "others": (DEACTIVATED_SUPER_ADMIN,)}, {"active": False}, LastSuperAdmin, []),
        ({"member": a_member(), "others": (MIGRATED,)}, {"active": False}, LastSuperAdmin, []),
        ({"user": a_user(active=False), "others": ()}, {"permission_set": "super_admin"}, LastSuperAdmin, []),
        (
            {"user": a_user(active=False), "others": (DEACTIVATED_SUPER_ADMIN,)},
            {"permission_set": "super_admin"},
            LastSuperAdmin,
            [],
        ),
    ],
)
def test_put_member_with_invalid_facts_raises_error(
    changes: Mapping[str, Any], fields: Mapping[str, Any], error: type[DomainError], at: list[str]
) -> None:
    with pytest.raises(error) as raised:
        put_member(facts(**changes), fields, ACT)
    assert field_names(raised) == at


@pytest.mark.parametrize("fields", [{"permission_set": "sales"}, {"active": False}])
def test_put_member_demoting_super_admin_relies_on_another(fields: Mapping[str, Any]) -> None:
    saved = put_member(facts(member=a_member()), fields, ACT)

    assert saved
    assert {OTHER_SUPER_ADMIN.user, OTHER_SUPER_ADMIN.member} <= set(saved.relies_on)


def test_put_member_promoting_inactive_user_relies_on_active_super_admin() -> None:
    saved = put_member(facts(user=a_user(active=False)), {"permission_set": "super_admin"}, ACT)

    assert saved
    assert {OTHER_SUPER_ADMIN.user, OTHER_SUPER_ADMIN.member} <= set(saved.relies_on)


@pytest.mark.parametrize(
    ("before", "fields"),
    [
        (a_member(), {"seat": Seat.SALES}),
        (a_member(active=False), {"permission_set": "sales"}),
        (a_member(permission_set="sales"), {"permission_set": "super_admin"}),
        (a_member(permission_set="sales"), {"active": False}),
    ],
)
def test_put_member_without_demotion_needs_no_other_super_admin(before: Any, fields: Mapping[str, Any]) -> None:
    saved = put_member(facts(member=before, others=()), fields, ACT)

    assert saved
    assert set(saved.relies_on) == {the_client(), a_user(), before}


def test_put_member_with_expired_grant_updates_membership_that_is_over() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW))
    saved = put_member(facts(user=an_employee(), member=lapsed), {"permission_set": "sales", "active": False}, ACT)

    assert saved
    assert (saved.member.permission_set, saved.member.grant, saved.member.seat) == ("sales", None, Seat.CORE)
    assert not saved.member.active
    assert saved.before == lapsed


@pytest.mark.parametrize(
    ("account", "user", "active", "partners"),
    [
        (the_partner(), a_user(), True, {PARTNER}),
        (the_partner(), a_user(employed_by=frozenset({"partner-south"})), True, {PARTNER, "partner-south"}),
        (the_partner(), an_employee(APPROVER), False, set()),
        (the_partner(), a_user(), False, set()),
        (the_client(), an_employee(APPROVER), True, {PARTNER}),
        (the_client(), an_employee(APPROVER), False, {PARTNER}),
    ],
)
def test_put_member_in_partner_account_updates_employed_by(
    account: Account, user: Any, active: bool, partners: set[str]
) -> None:
    saved = put_member(facts(account=account, user=user), {"permission_set": "sales", "active": active}, ACT)

    assert saved
    after = saved.user_after or user
    assert after.employed_by == partners
    assert after.employments_ended == dict.fromkeys(user.employed_by - partners, ACT.at)


def test_put_member_with_expired_grant_and_unchanged_set_raises_invalid_field() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW))

    with pytest.raises(InvalidField) as raised:
        put_member(facts(member=lapsed), {"seat": Seat.SALES}, ACT)

    assert field_names(raised) == ["permission_set"]


# memberships that were over (domain.md rule 33)

FORMER: Final = a_member(
    EMPLOYEE,
    "sales",
    version=4,
    added=("account.billing.manage",),
    removed=("crm.notes.view",),
    seat=Seat.SERVICE,
    paid_seats=(Seat.SALES,),
    granted_by=APPROVER,
    active=False,
)


@pytest.mark.parametrize(
    ("fields", "seat"),
    [
        ({"permission_set": "sales"}, Seat.CORE),
        ({"permission_set": "view_only"}, Seat.VIEW_ONLY),
        ({"permission_set": "sales", "seat": Seat.SALES}, Seat.SALES),
    ],
)
@pytest.mark.parametrize("former", [FORMER, FORMER.model_copy(update={"permission_set": "super_admin", "added": ()})])
def test_put_member_returning_is_recreated(former: Member, fields: Mapping[str, Any], seat: Seat) -> None:
    # domain.md rule 33
    with two_set_versions():
        saved = put_member(facts(user=an_employee(), member=former), {"active": True, **fields}, ACT)

        assert saved
        assert saved.member.assignment == Assignment(
            permission_set=fields["permission_set"], set_version=latest_version(fields["permission_set"]), seat=seat
        )
    assert (saved.member.active, saved.member.version, saved.member.since) == (True, 5, former.since)
    assert saved.member.granted_by == ACT.actor_id


def test_put_member_returning_keeps_suspensions_of_both_sides() -> None:
    stopped = FORMER.model_copy(update={"suspended_by": frozenset(SuspensionReason)})

    saved = put_member(facts(user=an_employee(), member=stopped), {"permission_set": "sales", "active": True}, ACT)

    assert saved
    assert saved.member.suspended_by == {SuspensionReason.CLIENT, SuspensionReason.PARTNER}


FORMER_COLLEAGUE: Final = a_member(EMPLOYEE, "view_only", partner_id=PARTNER)


@pytest.mark.parametrize(
    ("member", "user"),
    [
        (FORMER_COLLEAGUE.ended(), an_employee()),
        (FORMER_COLLEAGUE.ended(), a_user(EMPLOYEE)),
        (FORMER_COLLEAGUE.model_copy(update={"active": False}), an_employee()),
        (FORMER_COLLEAGUE, an_employee(offboardings={PARTNER: 1})),
        (a_partner_admin().ended(), an_employee()),
        (a_partner_admin(grant=a_grant(expires_at=NOW)), an_employee()),
        (a_partner_admin(access_generation=0), an_employee(offboardings={PARTNER: 1})),
        (a_partner_admin(grant=a_grant(former_set="sales")).ended(), an_employee()),
    ],
)
@pytest.mark.parametrize("name", ["view_only", "super_admin"])
def test_put_member_returning_partner_member_raises_former_partner_member(
    member: Member, user: User, name: str
) -> None:
    # domain.md rule 33
    with pytest.raises(MissingField):
        put_member(facts(user=user, member=member), {"active": True}, ACT)
    with pytest.raises(FormerPartnerMember):
        put_member(facts(user=user, member=member), {"active": True, "permission_set": name}, ACT)


def test_put_member_of_inactive_partner_member_keeps_partner() -> None:
    saved = put_member(
        facts(user=an_employee(), member=FORMER_COLLEAGUE), {"permission_set": "super_admin", "active": False}, ACT
    )

    assert saved
    with pytest.raises(FormerPartnerMember):
        put_member(
            facts(user=an_employee(), member=saved.member), {"permission_set": "super_admin", "active": True}, ACT
        )


@pytest.mark.parametrize(
    ("account", "before", "fields", "follows"),
    [
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER), {"active": False}, True),
        (
            the_partner(),
            a_member(EMPLOYEE, "sales", account_id=PARTNER, active=False),
            {"permission_set": "sales", "active": True},
            True,
        ),
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER), {"permission_set": "service"}, False),
        (the_partner(), None, {"permission_set": "sales"}, False),
        (the_client(), a_member(EMPLOYEE, "sales"), {"active": False}, False),
    ],
)
def test_put_member_changing_employment_queues_reconciliation(
    account: Account, before: Member | None, fields: Mapping[str, Any], follows: bool
) -> None:
    saved = put_member(facts(account=account, user=an_employee(), member=before), fields, ACT)

    assert saved
    assert saved.reconciliation == (Reconciliation(partner_id=PARTNER, user_id=EMPLOYEE) if follows else None)


def test_put_member_with_new_set_keeps_partner_of_colleague() -> None:
    colleague = a_member(EMPLOYEE, "sales", partner_id=PARTNER, access_generation=1)
    saved = put_member(
        facts(user=an_employee(offboardings={PARTNER: 1}), member=colleague), {"permission_set": "service"}, ACT
    )

    assert saved
    assert (saved.member.partner_id, saved.member.access_generation) == (PARTNER, 1)


def test_put_member_promoting_colleague_to_super_admin_clears_partner() -> None:
    colleague = a_member(EMPLOYEE, "view_only", partner_id=PARTNER, access_generation=1)
    person = an_actor(an_employee(offboardings={PARTNER: 1}), colleague, partners=[the_partner()])
    facts = DirectoryMemberFacts(account=the_client(), target=person, others=())

    saved = put_member(facts, {"permission_set": "super_admin"}, an_act())

    assert saved
    assert (saved.member.permission_set, saved.member.partner_id, saved.member.access_generation) == (
        "super_admin",
        None,
        0,
    )


def test_put_member_promoting_suspended_member_raises_grant_suspended() -> None:
    stopped = a_member("user-clerk", "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))
    facts = DirectoryMemberFacts(account=the_client(), target=an_actor(a_user("user-clerk"), stopped), others=())

    with pytest.raises(GrantSuspended) as raised:
        put_member(facts, {"permission_set": "super_admin"}, an_act())
    assert [each.path for each in raised.value.fields] == [("permission_set",)]
    assert put_member(facts, {"permission_set": "service"}, an_act())


@pytest.mark.parametrize("side", [SuspensionReason.CLIENT, SuspensionReason.PARTNER])
@pytest.mark.parametrize(
    ("former", "fields"),
    [
        ("sales", {"permission_set": "super_admin", "active": True}),
        ("super_admin", {"permission_set": "super_admin", "active": True}),
    ],
)
def test_put_member_reviving_suspended_super_admin_raises_grant_suspended(
    side: SuspensionReason, former: str, fields: Mapping[str, Any]
) -> None:
    stopped = a_member("user-clerk", former, suspended_by=frozenset({side}), active=False)
    facts = DirectoryMemberFacts(
        account=the_client(), target=an_actor(a_user("user-clerk"), stopped), others=(OTHER_SUPER_ADMIN,)
    )

    with pytest.raises(GrantSuspended):
        put_member(facts, fields, an_act())
