"""Edits of a membership: the changes each role can make, the rights needed, and edits that migrate or create."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partner_access.domain.access_ends import NO_END, RequestedEnd
from partner_access.domain.accounts import AccountState, Program
from partner_access.domain.errors import (
    AccountClosed,
    DomainError,
    Forbidden,
    GrantSuspended,
    InvalidField,
    LastSuperAdmin,
    NoSeatLeft,
    NotAClientAccount,
    NotEligible,
    NotFound,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
    PreconditionFailed,
    RestrictedPermission,
    UnknownPermission,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.creations import MemberCreated
from partner_access.domain.memberships.edits import Edited, edit
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import GrantSource, Role, Seat, SuspensionReason
from partner_access.domain.memberships.migrations import SuperAdminMigrated
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.domain.notifications import NotificationKind
from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    end_after,
    the_client,
    the_partner,
)
from tests.support.member_edits import NO_PAID_SEATS, PAID, assert_edit_raises, edited, member_with_seats
from tests.support.membership_facts import ADMIN, COLLEAGUE_ACTOR, OWN_PARTNER_SUPER_ADMIN, TARGET, USERS, act_of, facts
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member
from tests.support.set_versions import two_set_versions

REMOVED = ("account.users.manage", "crm.import")
WITHOUT_OVERRIDES = MemberEdit(overrides=NO_OVERRIDES)
NARROWER = MemberEdit(overrides=Overrides(removed=(*REMOVED, "crm.export")))
GIVE_IMPORT_BACK = MemberEdit(overrides=Overrides(removed=("account.users.manage",)))
TO_VIEW_ONLY, TO_SUPER_ADMIN = MemberEdit(permission_set="view_only"), MemberEdit(permission_set="super_admin")
SHORTER, LONGER, ENDLESS = (
    MemberEdit(end=RequestedEnd(access_days=5)),
    MemberEdit(end=RequestedEnd(access_days=20)),
    MemberEdit(end=NO_END),
)
TO_PARTNER_ADMIN = MemberEdit(permission_set="partner_admin")

SALES_MEMBER = an_actor(a_user(CLERK), a_member(CLERK, "sales", added=("crm.import",), version=3))
OTHER_SUPER_ADMIN = an_actor(a_user("user-x"), a_member("user-x"))
PARTNER_SUPER_ADMIN = Actor(an_employee(MANAGER), a_partner_account_member(MANAGER, "super_admin"))


# changes allowed to each role

EDITS: dict[str, tuple[MemberEdit, dict[Role, type[DomainError]]]] = {
    "less": (NARROWER, {}),
    "a lesser set": (TO_VIEW_ONLY, {}),
    "shorter": (SHORTER, {}),
    "what the caller holds": (
        WITHOUT_OVERRIDES,
        {Role.USER_MANAGER: PermissionNotHeld, Role.PARTNER_MANAGER: Forbidden},
    ),
    "longer": (LONGER, {Role.COLLEAGUE: Forbidden, Role.PARTNER_MANAGER: Forbidden}),
    "endless": (ENDLESS, {Role.COLLEAGUE: Forbidden, Role.PARTNER_MANAGER: Forbidden}),
    "a paid seat": (
        PAID,
        {
            Role.USER_MANAGER: PermissionNotHeld,
            Role.COLLEAGUE: Forbidden,
            Role.PARTNER_MANAGER: Forbidden,
        },
    ),
    "super admin": (
        TO_SUPER_ADMIN,
        {Role.USER_MANAGER: Forbidden, Role.COLLEAGUE: Forbidden, Role.PARTNER_MANAGER: Forbidden},
    ),
    "nothing": (MemberEdit(), {}),
}
ERROR_FOR_EVERY_EDIT = {Role.VENDOR: Forbidden, Role.SELF: Forbidden}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("change", "not_for"), EDITS.values(), ids=EDITS)
def test_edit_is_permitted_or_refused_by_role(
    role: Role, change: MemberEdit, not_for: Mapping[Role, type[DomainError]]
) -> None:
    found, error = facts(role), {**not_for, **ERROR_FOR_EVERY_EDIT}.get(role)

    if error:
        assert_edit_raises(found, change, error)
    elif change == MemberEdit():
        assert edit(found, change, 1, act_of(found)) is None
    else:
        assert edited(found, change).audit.details["role"] == role


@pytest.mark.parametrize("role", [Role.VENDOR, Role.SELF])
def test_edit_without_changes_by_vendor_or_self_raises_forbidden(role: Role) -> None:
    assert_edit_raises(facts(role), MemberEdit(), Forbidden)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (NARROWER, None),
        (SHORTER, None),
        (PAID, None),
        (TO_VIEW_ONLY, None),
        (GIVE_IMPORT_BACK, OwnPartnerMayNotApprove),
        (TO_PARTNER_ADMIN, OwnPartnerMayNotApprove),
        (LONGER, OwnPartnerMayNotApprove),
        (ENDLESS, OwnPartnerMayNotApprove),
        (TO_SUPER_ADMIN, OwnPartnerMayNotApprove),
    ],
)
def test_edit_by_own_partner_super_admin_can_only_narrow(change: MemberEdit, error: type[DomainError] | None) -> None:
    found = facts(actor=OWN_PARTNER_SUPER_ADMIN)

    if error:
        assert_edit_raises(found, change, error)
    else:
        edited(found, change)


def test_edit_by_own_partner_super_admin_widens_member_without_grant() -> None:
    plain = Actor(an_employee(), a_member(EMPLOYEE, "view_only"))
    added = a_partner_admin_actor(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER))

    for target in (plain, added):
        found = facts(actor=OWN_PARTNER_SUPER_ADMIN, target=target)
        assert edited(found, MemberEdit(permission_set="sales")).member.permission_set == "sales"


def test_edit_giving_permission_or_scope_not_held_is_refused() -> None:
    manages = an_actor(
        a_user(USERS), a_member(USERS, "view_only", added=("account.users.manage", "crm.deals.edit:team", "crm.export"))
    )
    found = facts(actor=manages, target=an_actor(a_user(CLERK), a_member(CLERK, "view_only")))

    def give(*names: str) -> MemberEdit:
        return MemberEdit(overrides=Overrides(added=names))

    assert edited(found, give("crm.deals.edit:team", "crm.export")).member.added == (
        "crm.deals.edit:team",
        "crm.export",
    )
    assert edited(found, give("crm.deals.edit:owned")).member.added == ("crm.deals.edit:owned",)
    assert assert_edit_raises(found, give("crm.deals.edit"), PermissionNotHeld).fields[0].path == ("permissions",)
    assert_edit_raises(found, give("crm.import"), PermissionNotHeld)
    assert_edit_raises(found, MemberEdit(permission_set="sales"), PermissionNotHeld)


def test_edit_narrowing_member_ignores_rights_that_editor_lacks() -> None:
    found = facts(Role.USER_MANAGER, target=SALES_MEMBER)

    assert edited(
        found, MemberEdit(overrides=Overrides(removed=("sales.forecast",), added=("crm.import",)))
    ).audit.details["lost"] == ["sales.forecast"]


def test_edit_of_self_by_partner_admin_can_only_narrow() -> None:
    partner_admin = a_partner_admin_actor(member=a_partner_admin(removed=("crm.import",)))
    found = facts(actor=partner_admin, target=partner_admin)

    assert edited(found, MemberEdit(overrides=Overrides(removed=("crm.import", "crm.export")))).member.version == 2
    assert_edit_raises(found, WITHOUT_OVERRIDES, PermissionNotHeld)


def test_edit_by_narrowed_partner_admin_cannot_give_removed_permission() -> None:
    narrowed = a_partner_admin_actor(an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, removed=("crm.import",)))

    assert_edit_raises(facts(actor=narrowed), GIVE_IMPORT_BACK, PermissionNotHeld)
    for fellow in (COLLEAGUE_ACTOR, a_temporary_partner_admin_actor(COLLEAGUE)):
        assert edited(facts(actor=fellow), GIVE_IMPORT_BACK).audit.details["gained"] == ["crm.import"]


# sets and overrides


def test_edit_with_overrides_records_member_audit_entry_and_notification() -> None:
    done = edited(
        facts(),
        MemberEdit(
            overrides=Overrides(
                added=("crm.deals.edit:team",), removed=("crm.deals.edit", "crm.deals.delete", *REMOVED)
            )
        ),
    )

    assert done.before == TARGET.member
    assert (done.member.version, done.member.permission_set) == (2, "partner_admin")
    assert done.member.added == ("crm.deals.edit:team",)
    assert done.member.removed == tuple(sorted(("crm.deals.edit", "crm.deals.delete", *REMOVED)))
    assert (done.audit.event, done.audit.accounts, done.audit.actor_id) == (
        "member.updated",
        (CLIENT, PARTNER),
        APPROVER,
    )
    assert done.audit.details == {
        "user_id": EMPLOYEE,
        "role": "super_admin",
        "permission_set": "partner_admin",
        "set_version": 1,
        "gained": [],
        "lost": ["crm.deals.delete:all", "crm.deals.edit:all"],
        "seat": "partner",
        "paid_seats": [],
        "expires_at": end_after(10).isoformat(),
    }
    assert done.notification
    notification = done.notification
    assert (notification.kind, notification.employee_id, notification.actor_id) == (
        NotificationKind.ACCESS_CHANGED,
        EMPLOYEE,
        APPROVER,
    )
    assert (notification.account_id, notification.partner_id) == (CLIENT, PARTNER)
    assert (notification.gained, notification.lost) == ((), ("crm.deals.delete:all", "crm.deals.edit:all"))
    assert (notification.permission_set, notification.set_version) == ("partner_admin", 1)
    assert (notification.added, notification.removed) == (done.member.added, done.member.removed)
    assert notification.expires_at == end_after(10)
    assert done.narrows
    assert {*ADMIN.relied_on, TARGET.member} == set(done.relies_on)


def test_edit_with_overrides_replaces_all_previous_overrides() -> None:
    done = edited(facts(target=SALES_MEMBER), MemberEdit(overrides=Overrides(removed=("sales.forecast",))))

    assert (done.member.added, done.member.removed) == ((), ("sales.forecast",))
    assert (done.audit.details["lost"], done.audit.accounts) == (["crm.import", "sales.forecast"], (CLIENT,))


def test_edit_with_set_replaces_overrides() -> None:
    assert edited(facts(target=SALES_MEMBER), MemberEdit(permission_set="service")).member.added == ()
    assert edited(facts(target=SALES_MEMBER), MemberEdit(permission_set="sales")).member.added == ()
    both = MemberEdit(
        permission_set="service", overrides=Overrides(added=("crm.export",), removed=("service.feedback",))
    )
    done = edited(facts(target=SALES_MEMBER), both).member
    assert (done.permission_set, done.added, done.removed) == ("service", ("crm.export",), ("service.feedback",))
    assert (done.seat, done.since, done.version) == (
        Seat.CORE,
        SALES_MEMBER.member.since if SALES_MEMBER.member else None,
        4,
    )


def test_edit_with_other_set_uses_latest_version_and_same_set_keeps_its() -> None:
    first = an_actor(a_user(CLERK), a_member(CLERK, "service"))
    older = a_partner_admin_actor(member=a_partner_admin(set_version=1))
    with two_set_versions():
        assert edited(facts(target=first), MemberEdit(permission_set="sales")).member.set_version == 2
        assert edit(facts(target=older), TO_PARTNER_ADMIN, 1, an_act()) is None
        stored = edited(facts(target=older), MemberEdit(overrides=Overrides(removed=("crm.lists.edit",)))).member
        assert (stored.set_version, stored.removed) == (1, ("crm.lists.edit",))


def test_edit_with_lesser_set_keeps_grant_and_full_set_restores_it() -> None:
    less = edited(facts(), TO_VIEW_ONLY).member
    assert (less.permission_set, less.seat, less.partner_id) == ("view_only", Seat.PARTNER, PARTNER)
    assert less.grant == a_grant(set_version=1).with_end(end_after(10), NOW)

    again = edited(facts(target=a_partner_admin_actor(member=less)), TO_PARTNER_ADMIN)
    assert (again.member.permission_set, again.member.grant) == ("partner_admin", less.grant)
    assert_edit_raises(
        facts(Role.USER_MANAGER, target=a_partner_admin_actor(member=less)), TO_PARTNER_ADMIN, PermissionNotHeld
    )


def test_edit_restoring_full_set_uses_granted_version() -> None:
    lesser = []
    member = a_partner_admin(set_version=1)
    with two_set_versions():
        for name in ("sales", "view_only", "sales"):
            member = edited(facts(target=a_partner_admin_actor(member=member)), MemberEdit(permission_set=name)).member
            lesser.append((member.set_version, member.grant.set_version if member.grant else None))
        again = edited(facts(target=a_partner_admin_actor(member=member)), TO_PARTNER_ADMIN).member

    assert lesser == [(2, 1), (1, 1), (2, 1)]
    assert again.set_version == 1


def test_edit_with_custom_set_relies_on_set() -> None:
    own = a_custom_set(version=4)
    done = edited(facts(target=SALES_MEMBER, sets={CUSTOM_SET: own}), MemberEdit(permission_set=CUSTOM_SET))

    assert (done.member.permission_set, done.member.set_version) == (CUSTOM_SET, 4)
    assert done.notification
    assert done.notification.set_version == 4
    assert own in done.relies_on
    assert "service.access" in str(done.audit.details["gained"])
    error = assert_edit_raises(facts(target=SALES_MEMBER), MemberEdit(permission_set=CUSTOM_SET), UnknownPermissionSet)
    assert error.fields[0].path == ("permission_set",)
    assert_edit_raises(
        facts(Role.USER_MANAGER, target=SALES_MEMBER, sets={CUSTOM_SET: own}),
        MemberEdit(permission_set=CUSTOM_SET),
        PermissionNotHeld,
    )


def test_edit_overrides_are_relative_to_custom_set() -> None:
    own = a_custom_set()
    holder = an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET), sets=[own])
    done = edited(facts(target=holder), MemberEdit(overrides=Overrides(removed=("service.access", "crm.export"))))

    assert done.member.removed == ("service.access",)
    assert own in done.relies_on


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (Overrides(added=("crm.import",), removed=("crm.import",)), InvalidField),
        (Overrides(added=("crm.import", "crm.import")), InvalidField),
        (Overrides(removed=("crm.import", "crm.import")), InvalidField),
        (Overrides(removed=("crm.deals.view",)), InvalidField),
        (Overrides(removed=("crm.deals.view:team",)), InvalidField),
        (Overrides(added=("no.such.thing",)), UnknownPermission),
        (Overrides(removed=("no.such.thing",)), UnknownPermission),
        (Overrides(added=("partner.client_access.manage",)), UnknownPermission),
    ],
)
@pytest.mark.parametrize("target", [TARGET, SALES_MEMBER])
def test_edit_with_invalid_overrides_raises_error(
    target: Actor, overrides: Overrides, error: type[DomainError]
) -> None:
    assert_edit_raises(facts(target=target), MemberEdit(overrides=overrides), error)


@pytest.mark.parametrize("permission", sorted(catalogue.RESTRICTED))
@pytest.mark.parametrize("grant", [a_grant(), None])
def test_edit_giving_restricted_permission_to_partner_member_is_refused(permission: str, grant: Any) -> None:
    own = a_custom_set(permissions=(permission,))
    seat, name = (Seat.PARTNER, "partner_admin") if grant else (Seat.VIEW_ONLY, "view_only")
    target = a_partner_admin_actor(member=a_member(EMPLOYEE, name, partner_id=PARTNER, grant=grant, seat=seat))
    found = facts(target=target, sets={CUSTOM_SET: own})

    by_override = assert_edit_raises(found, MemberEdit(overrides=Overrides(added=(permission,))), RestrictedPermission)
    assert by_override.fields[0].path == ("permissions", "add")
    with_set = MemberEdit(permission_set="sales", overrides=Overrides(added=(permission,)))
    assert_edit_raises(found, with_set, RestrictedPermission)
    by_set = assert_edit_raises(found, MemberEdit(permission_set=CUSTOM_SET), RestrictedPermission)
    assert by_set.fields[0].path == ("permission_set",)
    taken_off = MemberEdit(permission_set=CUSTOM_SET, overrides=Overrides(removed=(permission,)))
    assert_edit_raises(found, taken_off, RestrictedPermission)


def test_edit_giving_restricted_permission_to_client_member_succeeds() -> None:
    done = edited(facts(target=SALES_MEMBER), MemberEdit(overrides=Overrides(added=("account.billing.manage",))))

    assert done.member.added == ("account.billing.manage",)


def test_edit_adding_permission_already_in_set_stores_nothing() -> None:
    latent = Overrides(added=("crm.export", "crm.deals.edit:team"), removed=REMOVED)

    assert edit(facts(Role.PARTNER_MANAGER), MemberEdit(overrides=latent), 1, an_act(MANAGER)) is None


# partner accounts


def partner_account_facts(**changes: Any) -> MembershipFacts:
    target = Actor(an_employee(), a_partner_account_member(EMPLOYEE))
    return facts(
        **{
            "account": the_partner(),
            "actor": PARTNER_SUPER_ADMIN,
            "target": target,
            "others": (PARTNER_SUPER_ADMIN,),
            **changes,
        }
    )


def test_edit_in_partner_account_makes_client_access_manager() -> None:
    done = edited(partner_account_facts(), MemberEdit(overrides=Overrides(added=("partner.client_access.manage",))))

    assert done.member.added == ("partner.client_access.manage",)
    assert done.audit.details["gained"] == ["partner.client_access.manage"]
    assert done.audit.accounts == (PARTNER,)


def test_edit_in_partner_account_promotes_employee_to_super_admin() -> None:
    done = edited(partner_account_facts(), TO_SUPER_ADMIN)

    assert done.member.is_super_admin
    assert "partner.client_access.manage" in str(done.audit.details["gained"])


@pytest.mark.parametrize("permission_set", ["view_only", "super_admin"])
def test_edit_to_partner_admin_in_partner_account_is_refused(permission_set: str) -> None:
    target = Actor(an_employee(), a_partner_account_member(EMPLOYEE, permission_set))

    assert_edit_raises(partner_account_facts(target=target), TO_PARTNER_ADMIN, NotAClientAccount)


# super admins


def test_edit_promoting_partner_admin_to_super_admin_ends_grant() -> None:
    before = a_partner_admin(removed=("crm.import",), paid_seats=(Seat.SALES,), access_generation=3, version=6)
    target = a_partner_admin_actor(an_employee(offboardings={PARTNER: 3}), before)
    done = edited(facts(target=target), TO_SUPER_ADMIN)

    assert done.member == before.next_version(
        permission_set="super_admin",
        removed=(),
        seat=Seat.CORE,
        grant=None,
        partner_id=None,
        access_generation=0,
        granted_by=APPROVER,
    )
    assert (done.audit.accounts, done.audit.details["grant_ended"]) == ((CLIENT, PARTNER), True)
    assert set(catalogue.RESTRICTED) | {"crm.import"} == set(
        map(str, list(done.notification.gained if done.notification else ()))
    )
    assert done.notification
    assert (done.notification.partner_id, done.notification.expires_at, done.notification.permission_set) == (
        PARTNER,
        None,
        "super_admin",
    )


def test_edit_promoting_partner_admin_gives_usual_seat() -> None:
    done = edited(facts(target=a_partner_admin_actor()), TO_SUPER_ADMIN).member

    assert (done.seat, done.grant) == (Seat.CORE, None)


def test_edit_promoting_ordinary_member_keeps_seat() -> None:
    seated = an_actor(a_user(CLERK), a_member(CLERK, "sales", seat=Seat.SERVICE, paid_seats=(Seat.SALES,)))
    done = edited(facts(target=seated), TO_SUPER_ADMIN)

    assert (done.member.seat, done.member.paid_seats) == (Seat.SERVICE, (Seat.SALES,))
    assert "grant_ended" not in done.audit.details


def test_edit_promoting_member_clears_overrides_and_uses_latest_version() -> None:
    before = a_member(CLERK, "sales", set_version=2, added=("crm.import",), removed=("sales.forecast",))
    with two_set_versions():
        done = edited(facts(target=an_actor(a_user(CLERK), before)), TO_SUPER_ADMIN)

    assert done.member == before.next_version(
        permission_set="super_admin", set_version=1, added=(), removed=(), granted_by=APPROVER
    )


def test_edit_promoting_member_without_seat_assigns_usual_seat() -> None:
    seatless = an_actor(a_user(CLERK), a_member(CLERK, "sales", seat=None))

    assert edited(facts(target=seatless), TO_SUPER_ADMIN).member.seat is Seat.CORE


@pytest.mark.parametrize("more", [WITHOUT_OVERRIDES, SHORTER, PAID, MemberEdit(seat=Seat.CORE)])
def test_edit_promoting_with_other_changes_raises_invalid_field(more: MemberEdit) -> None:
    change = MemberEdit(
        permission_set="super_admin",
        overrides=more.overrides,
        end=more.end,
        seat=more.seat,
        paid_seats=more.paid_seats,
    )

    assert assert_edit_raises(facts(), change, InvalidField).fields[0].path == ("permission_set",)


@pytest.mark.parametrize(
    "target",
    [
        a_partner_admin_actor(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))),
        a_partner_admin_actor(program=Program.SUSPENDED),
    ],
)
def test_edit_promoting_suspended_member_raises_grant_suspended(target: Actor) -> None:
    assert_edit_raises(facts(target=target), TO_SUPER_ADMIN, GrantSuspended)


def test_edit_promoting_employee_of_own_partner_is_refused() -> None:
    assert_edit_raises(
        facts(actor=OWN_PARTNER_SUPER_ADMIN, target=Actor(an_employee(), a_member(EMPLOYEE, "sales"))),
        TO_SUPER_ADMIN,
        OwnPartnerMayNotApprove,
    )


@pytest.mark.parametrize(
    "change",
    [MemberEdit(permission_set="sales"), MemberEdit(permission_set="partner_admin"), MemberEdit(), NO_PAID_SEATS],
)
def test_edit_of_super_admin_by_user_manager_raises_forbidden(change: MemberEdit) -> None:
    found = facts(Role.USER_MANAGER, target=OTHER_SUPER_ADMIN, others=(ADMIN,))

    with pytest.raises(Forbidden):
        edit(found, change, 7, an_act(USERS))


def test_edit_demoting_super_admin_relies_on_witness() -> None:
    other_employee = an_actor(an_employee("user-y"), a_member("user-y"))
    done = edited(
        facts(actor=ADMIN, target=ADMIN, others=(other_employee, OTHER_SUPER_ADMIN)), MemberEdit(permission_set="sales")
    )

    assert (done.member.permission_set, done.member.active) == ("sales", True)
    assert set(OTHER_SUPER_ADMIN.relied_on) <= set(done.relies_on)
    assert other_employee.member not in done.relies_on


@pytest.mark.parametrize("others", [(), (an_actor(a_user(active=False)),), (a_temporary_partner_admin_actor(),)])
def test_edit_demoting_last_super_admin_raises_last_super_admin(others: tuple[Actor, ...]) -> None:
    # domain.md rule 16
    assert_edit_raises(
        facts(actor=ADMIN, target=ADMIN, others=others), MemberEdit(permission_set="sales"), LastSuperAdmin
    )


def test_edit_of_super_admin_without_demotion_needs_no_witness() -> None:
    done = edited(facts(actor=ADMIN, target=ADMIN), MemberEdit(seat=Seat.SALES))

    assert set(done.relies_on) == {the_client(), *ADMIN.relied_on}


@pytest.mark.parametrize(
    "change",
    [
        MemberEdit(overrides=Overrides(removed=("crm.import",))),
        MemberEdit(permission_set="super_admin", overrides=Overrides(removed=("crm.import",))),
    ],
)
def test_edit_removing_permission_from_super_admin_raises_invalid_field(change: MemberEdit) -> None:
    assert assert_edit_raises(facts(target=OTHER_SUPER_ADMIN), change, InvalidField).fields[0].path == ("permissions",)


def test_edit_of_narrowed_super_admin_restores_permissions() -> None:
    narrowed = an_actor(a_user("user-x"), a_member("user-x", removed=("crm.import",)))

    for change in (TO_SUPER_ADMIN, WITHOUT_OVERRIDES):
        assert edited(facts(target=narrowed), change).audit.details["gained"] == ["crm.import"]
    assert edited(facts(target=narrowed), MemberEdit(seat=Seat.VIEW_ONLY)).member.removed == ("crm.import",)


# becoming partner admin


def employee_facts(member: Any = None, **changes: Any) -> MembershipFacts:
    target = Actor(an_employee(), member or a_member(EMPLOYEE, "sales"))
    return facts(**{"target": target, "partner": the_partner(), "others": (ADMIN,), **changes})


def edit_to_partner_admin(found: MembershipFacts, change: MemberEdit = TO_PARTNER_ADMIN) -> Edited:
    done = edit(found, change, found.target.member.version if found.target.member else 1, act_of(found))
    assert done
    return done


def test_edit_super_admin_to_partner_admin_migrates() -> None:
    done = edit_to_partner_admin(employee_facts(a_member(EMPLOYEE)))

    assert isinstance(done, SuperAdminMigrated)
    assert (done.grant.source, done.audit.event) == (GrantSource.MIGRATION, "super_admin.migrated")
    assert done.notification
    assert done.notification.kind is NotificationKind.SUPER_ADMIN_MIGRATED
    assert set(ADMIN.relied_on) <= set(done.relies_on)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"others": ()}, LastSuperAdmin),
        ({"account": the_client(partner_seat_limit=0)}, NoSeatLeft),
        ({"partner": None}, NotEligible),
        ({"partner": None, "partner_is_ambiguous": True}, InvalidField),
        ({"partner": the_partner(program=Program.SUSPENDED)}, NotEligible),
    ],
)
def test_edit_migration_with_invalid_facts_raises_error(changes: Mapping[str, Any], error: type[DomainError]) -> None:
    assert_edit_raises(employee_facts(a_member(EMPLOYEE), **changes), TO_PARTNER_ADMIN, error)


def test_edit_of_self_to_partner_admin_migrates() -> None:
    super_admin = Actor(an_employee(), a_member(EMPLOYEE))

    assert isinstance(edit_to_partner_admin(employee_facts(a_member(EMPLOYEE), actor=super_admin)), SuperAdminMigrated)


@pytest.mark.parametrize("more", [NARROWER, SHORTER, MemberEdit(seat=Seat.PARTNER)])
def test_edit_migration_with_other_changes_raises_invalid_field(more: MemberEdit) -> None:
    change = MemberEdit(permission_set="partner_admin", overrides=more.overrides, end=more.end, seat=more.seat)

    assert assert_edit_raises(employee_facts(a_member(EMPLOYEE)), change, InvalidField).fields[0].path == (
        "permission_set",
    )


def test_edit_member_to_partner_admin_creates_grant() -> None:
    change = MemberEdit(
        permission_set="partner_admin",
        overrides=Overrides(removed=("crm.import",)),
        end=RequestedEnd(access_days=30),
        seat=Seat.PARTNER,
    )
    found = employee_facts()
    done = edit_to_partner_admin(found, change)

    assert isinstance(done, MemberCreated)
    assert (done.member.seat, done.member.removed) == (Seat.PARTNER, ("crm.import",))
    assert done.member.grant
    assert (done.member.grant.source, done.member.grant.expires_at, done.member.grant.former_set) == (
        GrantSource.CLIENT_CREATION,
        end_after(30),
        "sales",
    )
    assert (done.audit.event, done.audit.accounts) == ("member.created", (CLIENT, PARTNER))
    assert {the_client(), the_partner(), *ADMIN.relied_on, *found.target.relied_on} == set(done.relies_on)


def test_edit_member_of_other_partner_to_partner_admin_relies_on_that_partner() -> None:
    south = the_partner(account_id="partner-south")
    person = an_employee(employed_by=frozenset({PARTNER, "partner-south"}))
    target = Actor(person, a_member(EMPLOYEE, "view_only", partner_id="partner-south"), {"partner-south": south})

    assert south in edit_to_partner_admin(employee_facts(target=target)).relies_on


def test_edit_member_to_partner_admin_without_days_has_no_end() -> None:
    for change in (TO_PARTNER_ADMIN, MemberEdit(permission_set="partner_admin", end=NO_END)):
        done = edit_to_partner_admin(employee_facts(), change)
        assert isinstance(done, MemberCreated)
        assert done.member.grant
        assert done.member.grant.expires_at is None


def test_edit_member_to_partner_admin_by_user_manager_succeeds() -> None:
    found = employee_facts(actor=facts(Role.USER_MANAGER).actor)

    assert isinstance(edit_to_partner_admin(found), MemberCreated)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"actor": OWN_PARTNER_SUPER_ADMIN, "others": (ADMIN,)}, OwnPartnerMayNotApprove),
        ({"partner": None}, NotEligible),
        ({"partner": None, "partner_is_ambiguous": True}, InvalidField),
        ({"account": the_client(partner_seat_limit=1, partner_seats_used=1)}, NoSeatLeft),
        ({"member": a_member(EMPLOYEE, "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))}, GrantSuspended),
    ],
)
def test_edit_member_to_partner_admin_with_invalid_facts_raises_error(
    changes: Mapping[str, Any], error: type[DomainError]
) -> None:
    assert_edit_raises(employee_facts(**changes), TO_PARTNER_ADMIN, error)


def test_edit_member_to_partner_admin_with_other_seat_raises_invalid_field() -> None:
    change = MemberEdit(permission_set="partner_admin", seat=Seat.CORE)

    assert assert_edit_raises(employee_facts(), change, InvalidField).fields[0].path == ("seat",)


@pytest.mark.parametrize("member", [a_member(EMPLOYEE, "sales"), a_member(EMPLOYEE)])
def test_edit_member_to_partner_admin_with_paid_seats_raises_invalid_field(member: Any) -> None:
    change = MemberEdit(permission_set="partner_admin", paid_seats=(Seat.SALES,))

    assert assert_edit_raises(employee_facts(member), change, InvalidField).fields[0].path == ("paid_seats",)


@pytest.mark.parametrize("role", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
def test_edit_colleague_to_partner_admin_by_partner_raises_forbidden(role: Role) -> None:
    added = a_partner_admin_actor(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER))

    assert_edit_raises(facts(role, target=added, partner=the_partner()), TO_PARTNER_ADMIN, Forbidden)


def test_edit_with_partner_id_for_partner_admin_raises_invalid_field() -> None:
    for change in (MemberEdit(partner_id=PARTNER), MemberEdit(permission_set="partner_admin", partner_id=PARTNER)):
        assert assert_edit_raises(facts(), change, InvalidField).fields[0].path == ("partner_id",)


# duration of access


@pytest.mark.parametrize(
    ("ends_in", "change", "role", "error"),
    [
        (10, 9, Role.PARTNER_MANAGER, None),
        (10, 9, Role.COLLEAGUE, None),
        (10, 11, Role.COLLEAGUE, Forbidden),
        (10, 11, Role.PARTNER_MANAGER, Forbidden),
        (10, None, Role.PARTNER_MANAGER, Forbidden),
        (None, 730, Role.PARTNER_MANAGER, None),
        (None, 1, Role.COLLEAGUE, None),
        (10, 11, Role.USER_MANAGER, None),
        (10, None, Role.USER_MANAGER, None),
        (10, 730, Role.SUPER_ADMIN, None),
    ],
)
def test_edit_access_days_partner_can_only_shorten(
    ends_in: int | None, change: int | None, role: Role, error: type[DomainError] | None
) -> None:
    # domain.md rule 23
    found = facts(
        role,
        target=a_partner_admin_actor(
            member=a_partner_admin(grant=a_grant().with_end(end_after(ends_in) if ends_in else None, NOW))
        ),
    )

    if error:
        assert assert_edit_raises(found, MemberEdit(end=RequestedEnd(access_days=change)), error).fields[0].path == (
            "access_days",
        )
    else:
        grant = edited(found, MemberEdit(end=RequestedEnd(access_days=change))).member.grant
        assert grant
        assert grant.expires_at == (end_after(change) if change else None)
        assert grant.grant_id == a_grant().grant_id


@pytest.mark.parametrize("days", [10, None])
@pytest.mark.parametrize("role", [Role.PARTNER_MANAGER, Role.COLLEAGUE, Role.SUPER_ADMIN])
def test_edit_access_days_with_same_end_changes_nothing(role: Role, days: int | None) -> None:
    found = facts(
        role,
        target=a_partner_admin_actor(
            member=a_partner_admin(grant=a_grant().with_end(end_after(days) if days else None, NOW))
        ),
    )

    assert edit(found, MemberEdit(end=RequestedEnd(access_days=days)), 1, act_of(found)) is None


def test_edit_access_days_with_same_end_keeps_warning() -> None:
    unwarned = a_grant(expires_at=end_after(10), last_warning_days=None)

    assert (
        edit(
            facts(target=a_partner_admin_actor(member=a_partner_admin(grant=unwarned))),
            MemberEdit(end=RequestedEnd(access_days=10)),
            1,
            an_act(),
        )
        is None
    )


def test_edit_access_days_with_new_end_resets_warning() -> None:
    warned = a_grant(expires_at=NOW + timedelta(days=5), last_warning_days=7)
    grant = edited(
        facts(target=a_partner_admin_actor(member=a_partner_admin(grant=warned))),
        MemberEdit(end=RequestedEnd(access_days=100)),
    ).member.grant

    assert grant
    assert (grant.last_warning_days, grant.next_due_at) == (None, end_after(70))


@pytest.mark.parametrize("days", [5, None])
def test_edit_access_days_without_grant_raises_invalid_field(days: int | None) -> None:
    assert assert_edit_raises(
        facts(target=SALES_MEMBER), MemberEdit(end=RequestedEnd(access_days=days)), InvalidField
    ).fields[0].path == ("access_days",)


def test_edit_with_last_day_that_stands_changes_nothing_after_change_of_time_zone() -> None:
    """The end chosen in Berlin, 10 April, is at 07:00 on 11 April in Tokyo. It stays, also when that day is sent."""
    # domain.md rule 40
    end = datetime(2027, 4, 10, 22, tzinfo=UTC)
    target = a_partner_admin_actor(member=a_partner_admin(grant=a_grant(expires_at=end)))
    found = facts(Role.PARTNER_MANAGER, target=target, account=the_client(time_zone="Asia/Tokyo"))
    on_10, on_11, on_12 = (MemberEdit(end=RequestedEnd(access_ends_on=date(2027, 4, day))) for day in (10, 11, 12))

    assert edit(found, on_11, 1, act_of(found)) is None
    assert_edit_raises(found, on_12, Forbidden)
    grant = edited(found, on_10).member.grant
    assert grant
    assert grant.expires_at == datetime(2027, 4, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize("last_day", [date(2026, 11, 21), date(2028, 11, 22)])
def test_edit_with_last_day_out_of_limits_raises_invalid_field(last_day: date) -> None:
    change = MemberEdit(end=RequestedEnd(access_ends_on=last_day))

    assert assert_edit_raises(facts(), change, InvalidField).fields[0].path == ("access_ends_on",)


# expected version, and edits without changes


def test_edit_with_other_expected_version_raises_precondition_failed() -> None:
    for change in (MemberEdit(), NARROWER, TO_PARTNER_ADMIN, TO_SUPER_ADMIN):
        with pytest.raises(PreconditionFailed):
            edit(facts(), change, 2, an_act())


@pytest.mark.parametrize(
    "change",
    [
        MemberEdit(),
        MemberEdit(overrides=Overrides(removed=REMOVED)),
        MemberEdit(seat=Seat.PARTNER),
        MemberEdit(end=RequestedEnd(access_days=10)),
    ],
)
def test_edit_with_current_values_returns_none(change: MemberEdit) -> None:
    granted = a_partner_admin_actor(member=TARGET.member and TARGET.member.model_copy(update={"withheld": REMOVED}))

    assert edit(facts(target=granted), change, 1, an_act()) is None


def test_edit_of_one_field_keeps_other_fields() -> None:
    own = a_custom_set(permissions=("crm.deals.view:owned",))
    narrow_member = an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET, added=("crm.deals.edit:team",)), sets=[own])

    assert edited(facts(target=narrow_member), MemberEdit(seat=Seat.VIEW_ONLY)).member.added == ("crm.deals.edit:team",)
    twice = member_with_seats(Seat.SALES, Seat.SALES)
    found = facts(Role.USER_MANAGER, target=twice)
    assert edited(found, MemberEdit(permission_set="view_only")).member.paid_seats == (Seat.SALES,)


def test_edit_after_expired_grant_raises_not_found() -> None:
    over = a_partner_admin(grant=a_grant(expires_at=NOW, former_set="sales"))

    assert_edit_raises(facts(target=a_partner_admin_actor(member=over)), MemberEdit(permission_set="service"), NotFound)


def test_edit_by_colleague_restoring_full_set_keeps_accepted_version() -> None:
    older = a_partner_admin_actor(member=a_partner_admin())
    with two_set_versions():
        less = edited(facts(target=older), TO_VIEW_ONLY).member
        colleague = facts(Role.COLLEAGUE, target=a_partner_admin_actor(member=less))
        again = edited(colleague, TO_PARTNER_ADMIN).member

    assert (less.grant.set_version if less.grant else None) == 1
    assert (again.permission_set, again.set_version) == ("partner_admin", 1)


def test_edit_by_own_partner_super_admin_cannot_give_restricted_permission() -> None:
    own = a_custom_set(permissions=("account.billing.manage",))
    colleague = an_actor(an_employee(EMPLOYEE), a_member(EMPLOYEE, "view_only"))
    by_own_partner = facts(actor=OWN_PARTNER_SUPER_ADMIN, target=colleague, sets={CUSTOM_SET: own})

    assert_edit_raises(by_own_partner, MemberEdit(permission_set=CUSTOM_SET), OwnPartnerMayNotApprove)
    assert_edit_raises(
        by_own_partner, MemberEdit(overrides=Overrides(added=("account.scim.manage",))), OwnPartnerMayNotApprove
    )
    assert edited(by_own_partner, MemberEdit(permission_set="sales")).member.permission_set == "sales"
    assert edited(facts(target=colleague, sets={CUSTOM_SET: own}), MemberEdit(permission_set=CUSTOM_SET)).member.active


def test_edit_in_closed_account_raises_account_closed() -> None:
    assert_edit_raises(facts(account=the_client(state=AccountState.CLOSED)), SHORTER, AccountClosed)
