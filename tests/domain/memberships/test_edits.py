"""Edits: who may change what of a membership, that nobody gives what he does not hold, and what else an edit can be."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountState, Program
from partner_access.domain.errors import (
    AccountClosed,
    Forbidden,
    GrantSuspended,
    InvalidField,
    LastSuperAdmin,
    NoSeatLeft,
    NotAClientAccount,
    NotEligible,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
    PreconditionFailed,
    Refused,
    RestrictedPermission,
    UnknownPermission,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.creations import UserCreated
from partner_access.domain.memberships.edits import Days, Edit, Edited, UserEdited, edit
from partner_access.domain.memberships.grants import paid_seat_required
from partner_access.domain.memberships.members import GrantSource, Seat, SuspensionReason
from partner_access.domain.memberships.migrations import SuperAdminMigrated
from partner_access.domain.memberships.roles import MembershipFacts, Role
from partner_access.domain.notifications import LetterKind
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
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner,
    of_the_partner_for_a_day,
    the_client,
    the_partner,
)
from tests.support.membership_facts import ADMIN, FELLOW, OF_THE_FIRM, TARGET, USERS, act_in, facts
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, staff
from tests.support.set_versions import two_versions

TAKEN = ("account.users.manage", "crm.import")
NOTHING_TAKEN = Edit(overrides=NO_OVERRIDES)
LESS = Edit(overrides=Overrides(removed=(*TAKEN, "crm.export")))
IMPORT_AGAIN = Edit(overrides=Overrides(removed=("account.users.manage",)))
LESSER_SET, SUPER = Edit(permission_set="view_only"), Edit(permission_set="super_admin")
SHORTER, LONGER, ENDLESS = Edit(access=Days(5)), Edit(access=Days(20)), Edit(access=Days(None))
PAID, NOT_ANY_MORE = Edit(paid_seats=(Seat.SALES,)), Edit(paid_seats=())
AGAIN = Edit(permission_set="partner_admin")

SELLER = an_actor(a_user(CLERK), a_member(CLERK, "sales", added=("crm.import",), version=3))
ANOTHER = an_actor(a_user("user-x"), a_member("user-x"))
BOSS = Actor(an_employee(MANAGER), staff(MANAGER, "super_admin"))


def edited(found: MembershipFacts, wish: Edit, **how: Any) -> UserEdited:
    done = edit(found, wish, found.target.member.version if found.target.member else 1, act_in(found, **how))
    assert isinstance(done, UserEdited)
    return done


def refused(found: MembershipFacts, wish: Edit, refusal: type[Refused]) -> Refused:
    with pytest.raises(refusal) as caught:
        edit(found, wish, found.target.member.version if found.target.member else 1, act_in(found))
    return caught.value


# who may what

MAY: dict[str, tuple[Edit, dict[Role, type[Refused]]]] = {
    "less": (LESS, {}),
    "a lesser set": (LESSER_SET, {}),
    "shorter": (SHORTER, {}),
    "what he holds himself": (
        NOTHING_TAKEN,
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
        SUPER,
        {Role.USER_MANAGER: Forbidden, Role.COLLEAGUE: Forbidden, Role.PARTNER_MANAGER: Forbidden},
    ),
    "nothing": (Edit(), {}),
}
NOBODYS = {Role.VENDOR: Forbidden, Role.SELF: Forbidden}


@pytest.mark.parametrize("capacity", Role)
@pytest.mark.parametrize(("wish", "not_for"), MAY.values(), ids=MAY)
def test_each_may_what_he_may_and_no_more(capacity: Role, wish: Edit, not_for: Mapping[Role, type[Refused]]) -> None:
    found, refusal = facts(capacity), {**not_for, **NOBODYS}.get(capacity)

    if refusal:
        refused(found, wish, refusal)
    elif wish == Edit():
        assert edit(found, wish, 1, act_in(found)) is None
    else:
        assert edited(found, wish).audit.details["capacity"] == capacity


@pytest.mark.parametrize("capacity", [Role.VENDOR, Role.SELF])
def test_not_even_nothing_is_edited_by_the_vendor_or_by_himself(capacity: Role) -> None:
    refused(facts(capacity), Edit(), Forbidden)


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (LESS, None),
        (SHORTER, None),
        (PAID, None),
        (LESSER_SET, None),
        (IMPORT_AGAIN, OwnPartnerMayNotApprove),
        (AGAIN, OwnPartnerMayNotApprove),
        (LONGER, OwnPartnerMayNotApprove),
        (ENDLESS, OwnPartnerMayNotApprove),
        (SUPER, OwnPartnerMayNotApprove),
    ],
)
def test_a_super_admin_who_works_for_the_firm_neither_widens_nor_lengthens(
    wish: Edit, refusal: type[Refused] | None
) -> None:
    found = facts(actor=OF_THE_FIRM)

    if refusal:
        refused(found, wish, refusal)
    else:
        edited(found, wish)


def test_who_works_for_the_firm_may_give_its_people_without_a_grant_what_he_may_give_anybody() -> None:
    plain = Actor(an_employee(), a_member(EMPLOYEE, "view_only"))
    added = of_the_partner(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER))

    for target in (plain, added):
        found = facts(actor=OF_THE_FIRM, target=target)
        assert edited(found, Edit(permission_set="sales")).member.permission_set == "sales"


def test_nobody_gives_more_than_he_holds_in_any_scope() -> None:
    manages = an_actor(
        a_user(USERS), a_member(USERS, "view_only", added=("account.users.manage", "crm.deals.edit:team", "crm.export"))
    )
    found = facts(actor=manages, target=an_actor(a_user(CLERK), a_member(CLERK, "view_only")))

    def give(*names: str) -> Edit:
        return Edit(overrides=Overrides(added=names))

    assert edited(found, give("crm.deals.edit:team", "crm.export")).member.added == (
        "crm.deals.edit:team",
        "crm.export",
    )
    assert edited(found, give("crm.deals.edit:owned")).member.added == ("crm.deals.edit:owned",)
    assert refused(found, give("crm.deals.edit"), PermissionNotHeld).errors[0]["pointer"] == "/permissions"
    refused(found, give("crm.import"), PermissionNotHeld)
    refused(found, Edit(permission_set="sales"), PermissionNotHeld)


def test_what_somebody_has_already_need_not_be_held_by_who_takes_from_him() -> None:
    found = facts(Role.USER_MANAGER, target=SELLER)

    assert edited(found, Edit(overrides=Overrides(removed=("sales.forecast",), added=("crm.import",)))).audit.details[
        "lost"
    ] == ["sales.forecast"]


def test_a_partner_admin_narrows_himself_and_gets_nothing_back() -> None:
    me = of_the_partner(member=a_partner_admin(removed=("crm.import",)))
    found = facts(actor=me, target=me)

    assert edited(found, Edit(overrides=Overrides(removed=("crm.import", "crm.export")))).member.version == 2
    refused(found, NOTHING_TAKEN, PermissionNotHeld)


def test_who_is_narrowed_cannot_give_a_colleague_what_was_taken_from_him() -> None:
    narrowed = of_the_partner(an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, removed=("crm.import",)))

    refused(facts(actor=narrowed), IMPORT_AGAIN, PermissionNotHeld)
    for fellow in (FELLOW, of_the_partner_for_a_day(COLLEAGUE)):
        assert edited(facts(actor=fellow), IMPORT_AGAIN).audit.details["gained"] == ["crm.import"]


# sets and overrides


def test_an_override_is_recorded_with_what_it_changes() -> None:
    done = edited(
        facts(),
        Edit(
            overrides=Overrides(added=("crm.deals.edit:team",), removed=("crm.deals.edit", "crm.deals.delete", *TAKEN))
        ),
    )

    assert done.before == TARGET.member
    assert (done.member.version, done.member.permission_set) == (2, "partner_admin")
    assert done.member.added == ("crm.deals.edit:team",)
    assert done.member.removed == tuple(sorted(("crm.deals.edit", "crm.deals.delete", *TAKEN)))
    assert (done.audit.event, done.audit.accounts, done.audit.actor_id) == (
        "member.updated",
        (CLIENT, PARTNER),
        APPROVER,
    )
    assert done.audit.details == {
        "user_id": EMPLOYEE,
        "capacity": "super_admin",
        "permission_set": "partner_admin",
        "set_version": 1,
        "lost": ["crm.deals.delete:all", "crm.deals.edit:all"],
        "seat": "partner",
        "expires_at": (NOW + timedelta(days=10)).isoformat(),
    }
    assert done.letter
    letter = done.letter
    assert (letter.kind, letter.employee_id, letter.actor_id) == (LetterKind.ACCESS_CHANGED, EMPLOYEE, APPROVER)
    assert (letter.account_id, letter.partner_id) == (CLIENT, PARTNER)
    assert (letter.gained, letter.lost) == ((), ("crm.deals.delete:all", "crm.deals.edit:all"))
    assert (letter.permission_set, letter.set_version) == ("partner_admin", 1)
    assert (letter.added, letter.removed) == (done.member.added, done.member.removed)
    assert letter.expires_at == NOW + timedelta(days=10)
    assert {the_client(), *ADMIN.relied_on, *TARGET.relied_on} == set(done.relies_on)


def test_permissions_replace_all_overrides() -> None:
    done = edited(facts(target=SELLER), Edit(overrides=Overrides(removed=("sales.forecast",))))

    assert (done.member.added, done.member.removed) == ((), ("sales.forecast",))
    assert (done.audit.details["lost"], done.audit.accounts) == (["crm.import", "sales.forecast"], (CLIENT,))


def test_a_set_replaces_the_overrides_and_brings_those_that_come_with_it() -> None:
    assert edited(facts(target=SELLER), Edit(permission_set="service")).member.added == ()
    assert edited(facts(target=SELLER), Edit(permission_set="sales")).member.added == ()
    both = Edit(permission_set="service", overrides=Overrides(added=("crm.export",), removed=("service.feedback",)))
    done = edited(facts(target=SELLER), both).member
    assert (done.permission_set, done.added, done.removed) == ("service", ("crm.export",), ("service.feedback",))
    assert (done.seat, done.since, done.version) == (Seat.CORE, SELLER.member.since if SELLER.member else None, 4)


def test_another_set_is_given_in_its_latest_version_and_the_same_keeps_its_own() -> None:
    first = an_actor(a_user(CLERK), a_member(CLERK, "service"))
    older = of_the_partner(member=a_partner_admin(set_version=1))
    with two_versions():
        assert edited(facts(target=first), Edit(permission_set="sales")).member.set_version == 2
        assert edit(facts(target=older), AGAIN, 1, an_act()) is None
        kept = edited(facts(target=older), Edit(overrides=Overrides(removed=("crm.lists.edit",)))).member
        assert (kept.set_version, kept.removed) == (1, ("crm.lists.edit",))


def test_a_grant_lives_on_with_a_lesser_set_and_with_the_full_one_again() -> None:
    less = edited(facts(), LESSER_SET).member
    assert (less.permission_set, less.seat, less.partner_id) == ("view_only", Seat.PARTNER, PARTNER)
    assert less.grant == a_grant(set_version=1).ending(10, NOW)

    again = edited(facts(target=of_the_partner(member=less)), AGAIN)
    assert (again.member.permission_set, again.member.grant) == ("partner_admin", less.grant)
    refused(facts(Role.USER_MANAGER, target=of_the_partner(member=less)), AGAIN, PermissionNotHeld)


def test_a_grant_remembers_the_version_of_the_full_set_through_however_many_lesser_ones() -> None:
    lesser = []
    member = a_partner_admin(set_version=1)
    with two_versions():
        for name in ("sales", "view_only", "sales"):
            member = edited(facts(target=of_the_partner(member=member)), Edit(permission_set=name)).member
            lesser.append((member.set_version, member.grant.set_version if member.grant else None))
        again = edited(facts(target=of_the_partner(member=member)), AGAIN).member

    assert lesser == [(2, 1), (1, 1), (2, 1)]
    assert again.set_version == 1


def test_an_own_set_is_given_when_it_is_there_and_is_relied_on() -> None:
    own = a_custom_set(version=4)
    done = edited(facts(target=SELLER, sets={CUSTOM_SET: own}), Edit(permission_set=CUSTOM_SET))

    assert (done.member.permission_set, done.member.set_version) == (CUSTOM_SET, 4)
    assert done.letter
    assert done.letter.set_version == 4
    assert own in done.relies_on
    assert "service.access" in str(done.audit.details["gained"])
    refusal = refused(facts(target=SELLER), Edit(permission_set=CUSTOM_SET), UnknownPermissionSet)
    assert refusal.errors[0]["pointer"] == "/permission_set"
    refused(
        facts(Role.USER_MANAGER, target=SELLER, sets={CUSTOM_SET: own}),
        Edit(permission_set=CUSTOM_SET),
        PermissionNotHeld,
    )


def test_overrides_are_measured_by_the_own_set_that_somebody_holds() -> None:
    own = a_custom_set()
    holder = an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET), sets=[own])
    done = edited(facts(target=holder), Edit(overrides=Overrides(removed=("service.access", "crm.export"))))

    assert done.member.removed == ("service.access",)
    assert own in done.relies_on


@pytest.mark.parametrize(
    ("overrides", "refusal"),
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
@pytest.mark.parametrize("target", [TARGET, SELLER])
def test_overrides_that_make_no_sense_are_refused(target: Actor, overrides: Overrides, refusal: type[Refused]) -> None:
    refused(facts(target=target), Edit(overrides=overrides), refusal)


@pytest.mark.parametrize("permission", sorted(catalogue.RESTRICTED))
@pytest.mark.parametrize("grant", [a_grant(), None])
def test_what_is_restricted_comes_by_no_door_to_who_is_here_for_a_partner(permission: str, grant: Any) -> None:
    own = a_custom_set(permissions=(permission,))
    seat, name = (Seat.PARTNER, "partner_admin") if grant else (Seat.VIEW_ONLY, "view_only")
    target = of_the_partner(member=a_member(EMPLOYEE, name, partner_id=PARTNER, grant=grant, seat=seat))
    found = facts(target=target, sets={CUSTOM_SET: own})

    by_override = refused(found, Edit(overrides=Overrides(added=(permission,))), RestrictedPermission)
    assert by_override.errors[0]["pointer"] == "/permissions/add"
    with_set = Edit(permission_set="sales", overrides=Overrides(added=(permission,)))
    refused(found, with_set, RestrictedPermission)
    by_set = refused(found, Edit(permission_set=CUSTOM_SET), RestrictedPermission)
    assert by_set.errors[0]["pointer"] == "/permission_set"
    taken_off = Edit(permission_set=CUSTOM_SET, overrides=Overrides(removed=(permission,)))
    refused(found, taken_off, RestrictedPermission)


def test_the_clients_own_people_may_be_given_what_is_restricted() -> None:
    done = edited(facts(target=SELLER), Edit(overrides=Overrides(added=("account.billing.manage",))))

    assert done.member.added == ("account.billing.manage",)


def test_what_an_override_adds_in_vain_is_not_kept_to_outlast_a_narrowing() -> None:
    latent = Overrides(added=("crm.export", "crm.deals.edit:team"), removed=TAKEN)

    assert edit(facts(Role.PARTNER_MANAGER), Edit(overrides=latent), 1, an_act(MANAGER)) is None


# partner accounts


def of_partner(**changes: Any) -> MembershipFacts:
    target = Actor(an_employee(), staff(EMPLOYEE))
    return facts(**{"account": the_partner(), "actor": BOSS, "target": target, "others": (BOSS,), **changes})


def test_in_a_partner_account_somebody_is_made_a_client_access_manager() -> None:
    done = edited(of_partner(), Edit(overrides=Overrides(added=("partner.client_access.manage",))))

    assert done.member.added == ("partner.client_access.manage",)
    assert done.audit.details["gained"] == ["partner.client_access.manage"]
    assert done.audit.accounts == (PARTNER,)


def test_in_a_partner_account_colleagues_make_each_other_super_admins() -> None:
    done = edited(of_partner(), SUPER)

    assert done.member.is_super_admin
    assert "partner.client_access.manage" in str(done.audit.details["gained"])


@pytest.mark.parametrize("permission_set", ["view_only", "super_admin"])
def test_in_a_partner_account_there_are_no_partner_admins(permission_set: str) -> None:
    target = Actor(an_employee(), staff(EMPLOYEE, permission_set))

    refused(of_partner(target=target), AGAIN, NotAClientAccount)


# super admins


def test_the_client_makes_its_partner_admin_a_super_admin_and_his_grant_ends() -> None:
    before = a_partner_admin(removed=("crm.import",), paid_seats=(Seat.SALES,), access_generation=3, version=6)
    target = of_the_partner(an_employee(offboardings={PARTNER: 3}), before)
    done = edited(facts(target=target), SUPER)

    assert done.member == before.changed(
        permission_set="super_admin",
        removed=(),
        seat=Seat.CORE,
        grant=None,
        partner_id=None,
        access_generation=0,
        granted_by=APPROVER,
    )
    assert (done.audit.accounts, done.audit.details["grant_ended"]) == ((CLIENT, PARTNER), True)
    assert set(catalogue.RESTRICTED) | {"crm.import"} == set(map(str, list(done.letter.gained if done.letter else ())))
    assert done.letter
    assert (done.letter.partner_id, done.letter.expires_at, done.letter.permission_set) == (
        PARTNER,
        None,
        "super_admin",
    )


@pytest.mark.parametrize(
    ("previous", "seat"), [(None, Seat.CORE), (Seat.SALES, Seat.SALES), (Seat.VIEW_ONLY, Seat.VIEW_ONLY)]
)
def test_who_leaves_the_partner_seat_sits_where_he_sat_before(previous: Seat | None, seat: Seat) -> None:
    place = a_member(EMPLOYEE, "sales", seat=previous).place if previous else None
    done = edited(facts(target=of_the_partner(member=a_partner_admin(previous=place))), SUPER).member

    assert (done.seat, done.previous) == (seat, None)


def test_an_ordinary_member_is_made_super_admin_on_his_seat() -> None:
    seated = an_actor(a_user(CLERK), a_member(CLERK, "sales", seat=Seat.SERVICE, paid_seats=(Seat.SALES,)))
    done = edited(facts(target=seated), SUPER)

    assert (done.member.seat, done.member.paid_seats) == (Seat.SERVICE, (Seat.SALES,))
    assert "grant_ended" not in done.audit.details


def test_a_super_admin_has_nothing_of_his_former_set_and_the_newest_version_of_his_own() -> None:
    before = a_member(CLERK, "sales", set_version=2, added=("crm.import",), removed=("sales.forecast",))
    with two_versions():
        done = edited(facts(target=an_actor(a_user(CLERK), before)), SUPER)

    assert done.member == before.changed(
        permission_set="super_admin", set_version=1, added=(), removed=(), granted_by=APPROVER
    )


def test_without_any_seat_a_super_admin_takes_the_usual_one() -> None:
    seatless = an_actor(a_user(CLERK), a_member(CLERK, "sales", seat=None))

    assert edited(facts(target=seatless), SUPER).member.seat is Seat.CORE


@pytest.mark.parametrize("more", [NOTHING_TAKEN, SHORTER, PAID, Edit(seat=Seat.CORE)])
def test_a_super_admin_is_made_by_the_set_alone(more: Edit) -> None:
    wish = Edit(
        permission_set="super_admin",
        overrides=more.overrides,
        access=more.access,
        seat=more.seat,
        paid_seats=more.paid_seats,
    )

    assert refused(facts(), wish, InvalidField).errors[0]["pointer"] == "/permission_set"


@pytest.mark.parametrize(
    "target",
    [
        of_the_partner(member=a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))),
        of_the_partner(program=Program.SUSPENDED),
    ],
)
def test_nobody_is_promoted_while_he_is_suspended(target: Actor) -> None:
    refused(facts(target=target), SUPER, GrantSuspended)


def test_a_colleague_is_not_promoted_even_without_a_grant() -> None:
    refused(
        facts(actor=OF_THE_FIRM, target=Actor(an_employee(), a_member(EMPLOYEE, "sales"))),
        SUPER,
        OwnPartnerMayNotApprove,
    )


@pytest.mark.parametrize(
    "wish", [Edit(permission_set="sales"), Edit(permission_set="partner_admin"), Edit(), NOT_ANY_MORE]
)
def test_who_manages_users_edits_no_super_admin_whatever_version_he_saw(wish: Edit) -> None:
    found = facts(Role.USER_MANAGER, target=ANOTHER, others=(ADMIN,))

    with pytest.raises(Forbidden):
        edit(found, wish, 7, an_act(USERS))


def test_a_super_admin_is_demoted_while_another_stays_and_is_the_witness() -> None:
    other_staff = an_actor(an_employee("user-y"), a_member("user-y"))
    done = edited(facts(actor=ADMIN, target=ADMIN, others=(other_staff, ANOTHER)), Edit(permission_set="sales"))

    assert (done.member.permission_set, done.member.active) == ("sales", True)
    assert set(ANOTHER.relied_on) <= set(done.relies_on)
    assert other_staff.member not in done.relies_on


@pytest.mark.parametrize("others", [(), (an_actor(a_user(active=False)),), (of_the_partner_for_a_day(),)])
def test_the_last_super_admin_is_not_demoted(others: tuple[Actor, ...]) -> None:
    refused(facts(actor=ADMIN, target=ADMIN, others=others), Edit(permission_set="sales"), LastSuperAdmin)


def test_a_super_admin_who_stays_one_needs_no_witness() -> None:
    done = edited(facts(actor=ADMIN, target=ADMIN), Edit(seat=Seat.SALES))

    assert set(done.relies_on) == {the_client(), *ADMIN.relied_on}


@pytest.mark.parametrize(
    "wish",
    [
        Edit(overrides=Overrides(removed=("crm.import",))),
        Edit(permission_set="super_admin", overrides=Overrides(removed=("crm.import",))),
    ],
)
def test_a_super_admin_holds_everything(wish: Edit) -> None:
    assert refused(facts(target=ANOTHER), wish, InvalidField).errors[0]["pointer"] == "/permissions"


def test_what_was_taken_from_a_super_admin_is_given_back() -> None:
    narrowed = an_actor(a_user("user-x"), a_member("user-x", removed=("crm.import",)))

    for wish in (SUPER, NOTHING_TAKEN):
        assert edited(facts(target=narrowed), wish).audit.details["gained"] == ["crm.import"]
    assert edited(facts(target=narrowed), Edit(seat=Seat.VIEW_ONLY)).member.removed == ("crm.import",)


# becoming partner admin


def of_employee(member: Any = None, **changes: Any) -> MembershipFacts:
    target = Actor(an_employee(), member or a_member(EMPLOYEE, "sales"))
    return facts(**{"target": target, "partner": the_partner(), "others": (ADMIN,), **changes})


def made(found: MembershipFacts, wish: Edit = AGAIN) -> Edited:
    done = edit(found, wish, found.target.member.version if found.target.member else 1, act_in(found))
    assert done
    return done


def test_a_super_admin_who_is_set_to_partner_admin_is_migrated() -> None:
    done = made(of_employee(a_member(EMPLOYEE)))

    assert isinstance(done, SuperAdminMigrated)
    assert (done.grant.source, done.audit.event) == (GrantSource.MIGRATION, "super_admin.migrated")
    assert done.letter
    assert done.letter.kind is LetterKind.SUPER_ADMIN_MIGRATED
    assert set(ADMIN.relied_on) <= set(done.relies_on)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"others": ()}, LastSuperAdmin),
        ({"account": the_client(partner_seat_limit=0)}, NoSeatLeft),
        ({"partner": None}, NotEligible),
        ({"partner": None, "firm_is_unclear": True}, InvalidField),
        ({"partner": the_partner(program=Program.SUSPENDED)}, NotEligible),
    ],
)
def test_such_a_migration_has_all_its_rules(changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    refused(of_employee(a_member(EMPLOYEE), **changes), AGAIN, refusal)


def test_a_super_admin_migrates_himself_by_the_same_door() -> None:
    me = Actor(an_employee(), a_member(EMPLOYEE))

    assert isinstance(made(of_employee(a_member(EMPLOYEE), actor=me)), SuperAdminMigrated)


@pytest.mark.parametrize("more", [LESS, SHORTER, Edit(seat=Seat.PARTNER)])
def test_a_migration_is_of_the_set_alone(more: Edit) -> None:
    wish = Edit(permission_set="partner_admin", overrides=more.overrides, access=more.access, seat=more.seat)

    assert refused(of_employee(a_member(EMPLOYEE)), wish, InvalidField).errors[0]["pointer"] == "/permission_set"


def test_an_ordinary_member_who_is_set_to_partner_admin_is_created_as_one() -> None:
    wish = Edit(
        permission_set="partner_admin", overrides=Overrides(removed=("crm.import",)), access=Days(30), seat=Seat.PARTNER
    )
    found = of_employee()
    done = made(found, wish)

    assert isinstance(done, UserCreated)
    assert (done.member.seat, done.member.removed) == (Seat.PARTNER, ("crm.import",))
    assert done.member.previous == a_member(EMPLOYEE, "sales").place
    assert done.member.grant
    assert (done.member.grant.source, done.member.grant.expires_at) == (
        GrantSource.CLIENT_CREATION,
        NOW + timedelta(days=30),
    )
    assert (done.audit.event, done.audit.accounts) == ("member.created", (CLIENT, PARTNER))
    assert {the_client(), the_partner(), *ADMIN.relied_on, *found.target.relied_on} == set(done.relies_on)


def test_what_he_is_by_another_firm_is_relied_on_when_he_becomes_partner_admin_for_this_one() -> None:
    south = the_partner(account_id="partner-south")
    person = an_employee(employed_by=frozenset({PARTNER, "partner-south"}))
    target = Actor(person, a_member(EMPLOYEE, "view_only", partner_id="partner-south"), {"partner-south": south})

    assert south in made(of_employee(target=target)).relies_on


def test_without_an_end_it_has_none() -> None:
    for wish in (AGAIN, Edit(permission_set="partner_admin", access=Days(None))):
        done = made(of_employee(), wish)
        assert isinstance(done, UserCreated)
        assert done.member.grant
        assert done.member.grant.expires_at is None


def test_who_manages_users_makes_a_partner_admin_though_he_holds_less() -> None:
    found = of_employee(actor=facts(Role.USER_MANAGER).actor)

    assert isinstance(made(found), UserCreated)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"actor": OF_THE_FIRM, "others": (ADMIN,)}, OwnPartnerMayNotApprove),
        ({"partner": None}, NotEligible),
        ({"partner": None, "firm_is_unclear": True}, InvalidField),
        ({"account": the_client(partner_seat_limit=1, partner_seats_used=1)}, NoSeatLeft),
        ({"member": a_member(EMPLOYEE, "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))}, GrantSuspended),
    ],
)
def test_such_a_creation_has_all_its_rules(changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    refused(of_employee(**changes), AGAIN, refusal)


def test_a_partner_admin_is_made_on_the_partner_seat_alone() -> None:
    wish = Edit(permission_set="partner_admin", seat=Seat.CORE)

    assert refused(of_employee(), wish, InvalidField).errors[0]["pointer"] == "/seat"


@pytest.mark.parametrize("member", [a_member(EMPLOYEE, "sales"), a_member(EMPLOYEE)])
def test_paid_seats_come_after_the_partner_seat(member: Any) -> None:
    wish = Edit(permission_set="partner_admin", paid_seats=(Seat.SALES,))

    assert refused(of_employee(member), wish, InvalidField).errors[0]["pointer"] == "/paid_seats"


@pytest.mark.parametrize("capacity", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
def test_nobody_of_the_partner_makes_a_partner_admin(capacity: Role) -> None:
    added = of_the_partner(member=a_member(EMPLOYEE, "view_only", partner_id=PARTNER))

    refused(facts(capacity, target=added, partner=the_partner()), AGAIN, Forbidden)


def test_the_firm_is_named_only_where_somebody_becomes_partner_admin() -> None:
    for wish in (Edit(partner_id=PARTNER), Edit(permission_set="partner_admin", partner_id=PARTNER)):
        assert refused(facts(), wish, InvalidField).errors[0]["pointer"] == "/partner_id"


# seats


def seated(seat: Seat | None, *paid: Seat, **changes: Any) -> Actor:
    return an_actor(a_user(CLERK), a_member(CLERK, "sales", seat=seat, paid_seats=paid, **changes))


@pytest.mark.parametrize(
    ("target", "wish", "seat", "paid"),
    [
        (seated(Seat.CORE), Edit(seat=Seat.SALES), Seat.SALES, ()),
        (seated(Seat.SALES), Edit(seat=Seat.VIEW_ONLY), Seat.VIEW_ONLY, ()),
        (seated(None), Edit(seat=Seat.CORE), Seat.CORE, ()),
        (seated(Seat.CORE), PAID, Seat.CORE, (Seat.SALES,)),
        (seated(Seat.CORE, Seat.SALES), NOT_ANY_MORE, Seat.CORE, ()),
        (seated(Seat.CORE, Seat.SALES), Edit(seat=Seat.SALES), Seat.SALES, ()),
        (seated(Seat.CORE), Edit(paid_seats=(Seat.SERVICE, Seat.SALES)), Seat.CORE, (Seat.SALES, Seat.SERVICE)),
        (seated(Seat.CORE, Seat.SALES), Edit(seat=Seat.VIEW_ONLY), Seat.VIEW_ONLY, (Seat.SALES,)),
        (seated(Seat.CORE), Edit(seat=Seat.SERVICE, paid_seats=(Seat.SALES,)), Seat.SERVICE, (Seat.SALES,)),
        (TARGET, PAID, Seat.PARTNER, (Seat.SALES,)),
        (TARGET, Edit(seat=Seat.SALES), Seat.PARTNER, (Seat.SALES,)),
        (TARGET, Edit(seat=Seat.SERVICE, paid_seats=(Seat.SALES,)), Seat.PARTNER, (Seat.SALES, Seat.SERVICE)),
    ],
)
def test_seats_are_assigned_by_the_client(target: Actor, wish: Edit, seat: Seat, paid: tuple[Seat, ...]) -> None:
    done = edited(facts(target=target), wish)

    assert (done.member.seat, done.member.paid_seats) == (seat, paid)
    assert (done.audit.details["seat"], done.audit.details.get("paid_seats", [])) == (seat, list(paid))


@pytest.mark.parametrize(
    ("target", "wish", "pointer"),
    [
        (TARGET, Edit(seat=Seat.CORE), "/seat"),
        (TARGET, Edit(seat=Seat.VIEW_ONLY), "/seat"),
        (seated(Seat.CORE), Edit(seat=Seat.PARTNER), "/seat"),
        (seated(None), Edit(seat=Seat.PARTNER), "/seat"),
        (seated(Seat.CORE), Edit(paid_seats=(Seat.CORE,)), None),
        (seated(Seat.SALES), Edit(paid_seats=(Seat.CORE,)), "/paid_seats"),
        (seated(Seat.CORE), Edit(paid_seats=(Seat.PARTNER,)), "/paid_seats"),
        (seated(Seat.CORE), Edit(paid_seats=(Seat.SALES, Seat.SALES)), "/paid_seats"),
    ],
)
def test_the_partner_seat_is_neither_assigned_nor_taken_and_only_paid_ones_are_beside_a_base_seat(
    target: Actor, wish: Edit, pointer: str | None
) -> None:
    if pointer:
        assert refused(facts(target=target), wish, InvalidField).errors[0]["pointer"] == pointer
    else:
        assert edit(facts(target=target), wish, 1, an_act()) is None


@pytest.mark.parametrize(
    ("target", "wish", "refusal"),
    [
        (seated(Seat.CORE), Edit(seat=Seat.SALES), PermissionNotHeld),
        (seated(Seat.SALES), Edit(seat=Seat.CORE), PermissionNotHeld),
        (seated(Seat.CORE), PAID, PermissionNotHeld),
        (seated(Seat.CORE, Seat.SALES), NOT_ANY_MORE, PermissionNotHeld),
        (TARGET, Edit(seat=Seat.SALES), PermissionNotHeld),
        (seated(Seat.CORE), Edit(seat=Seat.VIEW_ONLY), None),
        (seated(Seat.CORE, Seat.SALES), Edit(seat=Seat.VIEW_ONLY), None),
        (seated(Seat.CORE, Seat.SALES), Edit(seat=Seat.SALES), None),
    ],
)
def test_a_change_of_paid_seats_takes_who_manages_billing(
    target: Actor, wish: Edit, refusal: type[Refused] | None
) -> None:
    found = facts(Role.USER_MANAGER, target=target)
    pays = an_actor(
        a_user(USERS), a_member(USERS, "view_only", added=("account.users.manage", "account.billing.manage"))
    )

    if refusal:
        refused(found, wish, refusal)
        edited(facts(actor=pays, target=target), wish)
    else:
        edited(found, wish)


def test_whose_grant_is_over_assigns_seats_as_what_he_is_again() -> None:
    before = a_member(COLLEAGUE, "view_only", added=("account.users.manage", "account.billing.manage")).place
    again = of_the_partner(
        an_employee(COLLEAGUE), a_partner_admin(COLLEAGUE, grant=a_grant(expires_at=NOW), previous=before)
    )

    assert edited(facts(actor=again, target=seated(Seat.CORE)), PAID).member.paid_seats == (Seat.SALES,)


@pytest.mark.parametrize("capacity", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
@pytest.mark.parametrize("wish", [PAID, Edit(seat=Seat.SALES), Edit(seat=Seat.CORE)])
def test_nobody_of_the_partner_assigns_seats(capacity: Role, wish: Edit) -> None:
    assert refused(facts(capacity), wish, Forbidden).errors[0]["pointer"] == "/seat"


@pytest.mark.parametrize("capacity", [Role.COLLEAGUE, Role.PARTNER_MANAGER])
@pytest.mark.parametrize("wish", [Edit(seat=Seat.PARTNER), NOT_ANY_MORE])
def test_to_name_the_seats_that_there_are_changes_nothing(capacity: Role, wish: Edit) -> None:
    found = facts(capacity)

    assert edit(found, wish, 1, act_in(found)) is None


def test_a_paid_seat_opens_the_paid_features_of_a_legacy_account() -> None:
    legacy: Account = the_client(pricing="legacy")
    assert TARGET.member
    assert paid_seat_required(legacy, TARGET.member)
    assert not paid_seat_required(legacy, edited(facts(account=legacy), PAID).member)


# how long


@pytest.mark.parametrize(
    ("ends_in", "wish", "capacity", "refusal"),
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
def test_either_side_shortens_and_only_the_client_lengthens(
    ends_in: int | None, wish: int | None, capacity: Role, refusal: type[Refused] | None
) -> None:
    found = facts(capacity, target=of_the_partner(member=a_partner_admin(grant=a_grant().ending(ends_in, NOW))))

    if refusal:
        assert refused(found, Edit(access=Days(wish)), refusal).errors[0]["pointer"] == "/access_days"
    else:
        grant = edited(found, Edit(access=Days(wish))).member.grant
        assert grant
        assert grant.expires_at == (NOW + timedelta(days=wish) if wish else None)
        assert grant.grant_id == a_grant().grant_id


@pytest.mark.parametrize("days", [10, None])
@pytest.mark.parametrize("capacity", [Role.PARTNER_MANAGER, Role.COLLEAGUE, Role.SUPER_ADMIN])
def test_the_same_end_is_no_change(capacity: Role, days: int | None) -> None:
    found = facts(capacity, target=of_the_partner(member=a_partner_admin(grant=a_grant().ending(days, NOW))))

    assert edit(found, Edit(access=Days(days)), 1, act_in(found)) is None


def test_the_same_end_is_not_warned_of_anew() -> None:
    unwarned = a_grant(expires_at=NOW + timedelta(days=10), last_warning_days=None)

    assert (
        edit(facts(target=of_the_partner(member=a_partner_admin(grant=unwarned))), Edit(access=Days(10)), 1, an_act())
        is None
    )


def test_a_new_end_is_warned_of_anew() -> None:
    warned = a_grant(expires_at=NOW + timedelta(days=5), last_warning_days=7)
    grant = edited(
        facts(target=of_the_partner(member=a_partner_admin(grant=warned))), Edit(access=Days(100))
    ).member.grant

    assert grant
    assert (grant.last_warning_days, grant.due_at) == (None, NOW + timedelta(days=70))


@pytest.mark.parametrize("days", [5, None])
def test_only_a_grant_has_an_end(days: int | None) -> None:
    assert refused(facts(target=SELLER), Edit(access=Days(days)), InvalidField).errors[0]["pointer"] == "/access_days"


# what was seen, and nothing


def test_what_was_seen_must_still_be_so_even_for_no_change() -> None:
    for wish in (Edit(), LESS, AGAIN, SUPER):
        with pytest.raises(PreconditionFailed):
            edit(facts(), wish, 2, an_act())


@pytest.mark.parametrize(
    "wish", [Edit(), Edit(overrides=Overrides(removed=TAKEN)), Edit(seat=Seat.PARTNER), Edit(access=Days(10))]
)
def test_what_changes_nothing_is_no_edit(wish: Edit) -> None:
    assert edit(facts(), wish, 1, an_act()) is None


def test_an_edit_of_one_thing_leaves_everything_else_as_it_is() -> None:
    own = a_custom_set(permissions=("crm.deals.view:owned",))
    odd = an_actor(a_user(CLERK), a_member(CLERK, CUSTOM_SET, added=("crm.deals.edit:team",)), sets=[own])

    assert edited(facts(target=odd), Edit(seat=Seat.VIEW_ONLY)).member.added == ("crm.deals.edit:team",)
    twice = seated(Seat.SALES, Seat.SALES)
    found = facts(Role.USER_MANAGER, target=twice)
    assert edited(found, Edit(permission_set="view_only")).member.paid_seats == (Seat.SALES,)


def test_when_a_grant_is_over_what_is_left_is_edited() -> None:
    over = a_partner_admin(grant=a_grant(expires_at=NOW), previous=a_member(EMPLOYEE, "sales").place)
    done = edited(facts(target=of_the_partner(member=over)), Edit(permission_set="service"))

    assert (done.before, done.member.permission_set, done.member.grant) == (over, "service", None)
    assert (done.member.seat, done.audit.accounts) == (Seat.CORE, (CLIENT,))


def test_a_colleague_who_gives_the_full_set_back_gives_no_newer_version_than_the_client_accepted() -> None:
    older = of_the_partner(member=a_partner_admin())
    with two_versions():
        less = edited(facts(target=older), LESSER_SET).member
        colleague = facts(Role.COLLEAGUE, target=of_the_partner(member=less))
        again = edited(colleague, AGAIN).member

    assert (less.grant.set_version if less.grant else None) == 1
    assert (again.permission_set, again.set_version) == ("partner_admin", 1)


def test_a_firms_super_admin_gives_a_colleague_nothing_that_no_partner_admin_holds() -> None:
    own = a_custom_set(permissions=("account.billing.manage",))
    colleague = an_actor(an_employee(EMPLOYEE), a_member(EMPLOYEE, "view_only"))
    by_own_firm = facts(actor=OF_THE_FIRM, target=colleague, sets={CUSTOM_SET: own})

    refused(by_own_firm, Edit(permission_set=CUSTOM_SET), OwnPartnerMayNotApprove)
    refused(by_own_firm, Edit(overrides=Overrides(added=("account.scim.manage",))), OwnPartnerMayNotApprove)
    assert edited(by_own_firm, Edit(permission_set="sales")).member.permission_set == "sales"
    assert edited(facts(target=colleague, sets={CUSTOM_SET: own}), Edit(permission_set=CUSTOM_SET)).member.active


def test_a_closed_account_is_not_edited() -> None:
    refused(facts(account=the_client(state=AccountState.CLOSED)), SHORTER, AccountClosed)
