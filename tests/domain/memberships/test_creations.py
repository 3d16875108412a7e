"""Direct creation of partner admins and ordinary members: creators, rights given, and the order of errors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
    AccountClosed,
    AlreadyMember,
    AlreadyPartnerAdmin,
    DomainError,
    Forbidden,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    NoIndependentApprover,
    NoSeatLeft,
    NotAClientAccount,
    NotAnApprover,
    NotEligible,
    NotFound,
    OwnPartnerMayNotApprove,
    PermissionNotHeld,
    RemovedByPartner,
    RestrictedPermission,
    UnknownPermission,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.creations import (
    AssignableSetsFacts,
    MemberCreationFacts,
    NewMember,
    assignable,
    create,
)
from partner_access.domain.memberships.members import GrantSource, Member, Seat, SuspensionReason
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides
from tests.support.builders import (
    ACT_ID,
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_member,
    a_partner_admin,
    a_partner_admin_actor,
    a_temporary_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)

NEWCOMER = "user-newcomer"
SUPER_ADMIN = an_actor()
MEMBER_WITHOUT_RIGHTS = an_actor(member=a_member(permission_set="sales"))
MANAGES_USERS = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))
PARTNER_ADMIN = a_partner_admin_actor(an_employee("user-x"))
OWN_PARTNER_SUPER_ADMIN = Actor(an_employee("user-x"), a_member("user-x"))
CLOSED = the_client(state=AccountState.CLOSED)


def facts(*, member: Member | None = None, **changes: Any) -> MemberCreationFacts:
    """Build facts for a valid creation. `member` is the user's membership in the account before it."""
    person = changes.get("person", an_employee())
    return MemberCreationFacts(
        **{
            "account": the_client(),
            "creator": SUPER_ADMIN,
            "person": person,
            "target": replace(a_partner_admin_actor(member=member), user=person) if member else Actor(person),
            "partner": the_partner(),
            **changes,
        }
    )


def new_partner_admin(**fields: Any) -> NewMember:
    return NewMember(**{"permission_set": "partner_admin", **fields})


def member_facts(**changes: Any) -> MemberCreationFacts:
    return facts(**{"person": a_user(NEWCOMER), "partner": None, **changes})


def new_member_with_set(permission_set: str = "view_only", **fields: Any) -> NewMember:
    return NewMember(permission_set=permission_set, **fields)


# partner admins


@pytest.mark.parametrize("creator", [SUPER_ADMIN, MANAGES_USERS])
def test_create_partner_admin_for_eligible_employee_records_grant(creator: Actor) -> None:
    new_member = new_partner_admin(overrides=Overrides(removed=("crm.import",)), end=RequestedEnd(access_days=30))
    created = create(facts(creator=creator), new_member, an_act())
    grant = created.member.grant

    assert grant
    assert (grant.source, grant.requested, grant.link_id) == (GrantSource.CLIENT_CREATION, None, None)
    assert (created.member.permission_set, created.member.removed) == ("partner_admin", ("crm.import",))
    assert (created.member.seat, created.member.partner_id) == (Seat.PARTNER, PARTNER)
    assert created.audit.event == "member.created"
    assert created.audit.accounts == (CLIENT, PARTNER)
    assert created.audit.details == {
        "user_id": EMPLOYEE,
        "permission_set": "partner_admin",
        "added": [],
        "removed": ["crm.import"],
        "grant_id": f"grt_{ACT_ID}",
    }
    assert created.notification == Notification(
        kind=NotificationKind.MEMBER_CREATED,
        employee_id=EMPLOYEE,
        actor_id=APPROVER,
        partner_id=PARTNER,
        account_id=CLIENT,
        removed=("crm.import",),
        expires_at=grant.expires_at,
    )
    assert set(created.relies_on) == {creator.user, creator.member, the_client(), an_employee(), the_partner()}


@pytest.mark.parametrize("seat", [None, Seat.PARTNER])
def test_create_partner_admin_assigns_partner_seat(seat: Seat | None) -> None:
    assert create(facts(), new_partner_admin(seat=seat), an_act()).member.seat is Seat.PARTNER


@pytest.mark.parametrize("pricing", Pricing)
def test_create_partner_admin_in_legacy_account_says_paid_seat_required(pricing: Pricing) -> None:
    made = create(facts(account=the_client(pricing=pricing)), new_partner_admin(), an_act())

    assert made.notification
    assert made.notification.paid_seat_required is (pricing is Pricing.LEGACY)


BILLING = Overrides(added=("account.billing.manage",))
PARTNER_ADMIN_ERRORS: list[tuple[Mapping[str, Any], Mapping[str, Any], type[DomainError]]] = [
    ({"account": None}, {}, NotFound),
    ({"creator": Actor(a_user())}, {}, NotFound),
    ({"creator": an_actor(a_user(active=False))}, {}, Forbidden),
    ({"account": the_partner()}, {}, NotAClientAccount),
    ({"creator": MEMBER_WITHOUT_RIGHTS}, {}, NotAnApprover),
    ({"creator": PARTNER_ADMIN}, {}, NotAnApprover),
    (
        {"creator": OWN_PARTNER_SUPER_ADMIN, "partner": the_partner(), "super_admins": (SUPER_ADMIN,)},
        {},
        OwnPartnerMayNotApprove,
    ),
    ({"creator": OWN_PARTNER_SUPER_ADMIN, "partner": the_partner()}, {}, NoIndependentApprover),
    ({"partner": None, "partner_is_ambiguous": True}, {}, InvalidField),
    ({}, {"seat": Seat.CORE}, InvalidField),
    ({"account": CLOSED}, {}, AccountClosed),
    ({"person": None}, {}, NotEligible),
    ({"person": a_user(NEWCOMER)}, {}, NotEligible),
    ({"person": an_employee(employed_by=frozenset({"partner-south"}))}, {}, NotEligible),
    ({"partner": None}, {}, NotEligible),
    ({"partner": the_partner(program=Program.TERMINATED)}, {}, NotEligible),
    ({"member": a_member(EMPLOYEE)}, {}, IsSuperAdmin),
    ({"member": a_partner_admin()}, {}, AlreadyPartnerAdmin),
    ({"member": a_partner_admin(suspended_by=frozenset({SuspensionReason.CLIENT}))}, {}, GrantSuspended),
    ({}, {"overrides": Overrides(added=("partner.client_access.manage",))}, UnknownPermission),
    ({}, {"overrides": BILLING}, RestrictedPermission),
    ({"account": the_client(partner_seat_limit=0)}, {}, NoSeatLeft),
]


@pytest.mark.parametrize(("changes", "new_member", "error"), PARTNER_ADMIN_ERRORS)
def test_create_partner_admin_with_invalid_facts_raises_error(
    changes: Mapping[str, Any], new_member: Mapping[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        create(facts(**changes), new_partner_admin(**new_member), an_act())


@pytest.mark.parametrize("first", range(len(PARTNER_ADMIN_ERRORS)))
def test_create_partner_admin_with_several_problems_raises_first_error(first: int) -> None:
    changes, new_member, error = PARTNER_ADMIN_ERRORS[first]
    for other_changes, other_new_member, _ in PARTNER_ADMIN_ERRORS[first + 1 :]:
        if not changes.keys() & other_changes.keys() and not new_member.keys() & other_new_member.keys():
            with pytest.raises(error):
                create(facts(**changes, **other_changes), new_partner_admin(**new_member, **other_new_member), an_act())


def test_create_with_unclear_partner_is_reported_only_to_approvers() -> None:
    unclear: dict[str, Any] = {"partner": None, "partner_is_ambiguous": True}
    for creator, error in ((Actor(a_user()), NotFound), (MEMBER_WITHOUT_RIGHTS, NotAnApprover)):
        with pytest.raises(error):
            create(facts(creator=creator, **unclear), new_partner_admin(), an_act())
    with pytest.raises(InvalidField) as raised:
        create(facts(**unclear), new_partner_admin(), an_act())
    assert raised.value.fields == ((("partner_id",), "invalid_field"),)


def test_create_partner_admin_for_self_raises_own_partner_error() -> None:
    subject = Actor(an_employee(), a_member(EMPLOYEE))

    with pytest.raises(OwnPartnerMayNotApprove):
        create(
            facts(creator=subject, member=subject.member, super_admins=(SUPER_ADMIN,)), new_partner_admin(), an_act()
        )


# ordinary members


def test_create_member_by_client_records_membership() -> None:
    made = create(member_facts(), new_member_with_set("sales"), an_act())

    assert made.member == a_member(NEWCOMER, "sales", since=NOW, granted_by=APPROVER)
    assert (made.member.grant, made.member.partner_id) == (None, None)
    assert made.audit.accounts == (CLIENT,)
    assert made.notification
    assert not made.notification.paid_seat_required
    assert set(made.relies_on) == {a_user(), a_member(), the_client(), a_user(NEWCOMER)}


def test_create_member_for_deactivated_member_keeps_history() -> None:
    before = a_member(NEWCOMER, active=False, version=6, removed=("crm.import",))
    made = create(member_facts(member=before), new_member_with_set("sales"), an_act())

    assert (made.member.version, made.member.since, made.member.active) == (7, before.since, True)
    assert made.member.removed == ()
    assert before in made.relies_on


def test_create_member_with_overrides_stores_effective_overrides() -> None:
    new_member = new_member_with_set(
        "sales", overrides=Overrides(added=("crm.import",), removed=("sales.forecast", "crm.export"))
    )
    made = create(member_facts(), new_member, an_act())

    assert (made.member.added, made.member.removed) == (("crm.import",), ("sales.forecast",))


def colleague_facts(**changes: Any) -> MemberCreationFacts:
    return member_facts(**{"creator": PARTNER_ADMIN, "person": an_employee(), **changes})


def test_create_member_with_custom_set_uses_current_version() -> None:
    own = a_custom_set(version=6)
    new_member = new_member_with_set(
        CUSTOM_SET, overrides=Overrides(added=("crm.import",), removed=("service.access", "crm.export"))
    )
    made = create(member_facts(sets={CUSTOM_SET: own}), new_member, an_act())

    assert (made.member.permission_set, made.member.set_version, made.member.seat) == (CUSTOM_SET, 6, Seat.CORE)
    assert (made.member.added, made.member.removed) == (("crm.import",), ("service.access",))
    assert own in made.relies_on
    assert made.audit.details["added"] == ["crm.import"]
    assert made.notification == Notification(
        kind=NotificationKind.MEMBER_CREATED,
        employee_id=NEWCOMER,
        actor_id=APPROVER,
        account_id=CLIENT,
        permission_set=CUSTOM_SET,
        set_version=6,
        added=("crm.import",),
        removed=("service.access",),
    )


def test_create_partner_admin_with_narrower_scope_succeeds() -> None:
    narrower = Overrides(added=("crm.deals.edit:team",), removed=("crm.deals.edit", "crm.deals.delete"))

    assert create(facts(), new_partner_admin(overrides=narrower), an_act()).member.added == ("crm.deals.edit:team",)


@pytest.mark.parametrize(
    ("creator", "permissions", "error"),
    [
        (SUPER_ADMIN, ("account.billing.manage",), None),
        (MANAGES_USERS, ("sales.access",), None),
        (MANAGES_USERS, ("crm.import",), PermissionNotHeld),
        (MANAGES_USERS, ("crm.deals.view", "crm.deals.edit"), PermissionNotHeld),
        (MEMBER_WITHOUT_RIGHTS, ("sales.access",), Forbidden),
    ],
)
def test_create_member_with_custom_set_requires_holding_its_permissions(
    creator: Actor, permissions: tuple[str, ...], error: type[DomainError] | None
) -> None:
    case = member_facts(creator=creator, sets={CUSTOM_SET: a_custom_set(permissions=permissions)})
    if error:
        with pytest.raises(error):
            create(case, new_member_with_set(CUSTOM_SET), an_act())
    else:
        assert create(case, new_member_with_set(CUSTOM_SET), an_act()).member.permission_set == CUSTOM_SET


@pytest.mark.parametrize(("held", "given"), [(("service.access",), True), (("account.billing.manage",), False)])
def test_create_colleague_with_restricted_custom_set_is_refused(held: tuple[str, ...], given: bool) -> None:
    case = colleague_facts(sets={CUSTOM_SET: a_custom_set(permissions=held)})
    if given:
        member = create(case, new_member_with_set(CUSTOM_SET), an_act("user-x")).member
        assert (member.partner_id, member.permission_set) == (PARTNER, CUSTOM_SET)
    else:
        with pytest.raises((PermissionNotHeld, RestrictedPermission)):
            create(case, new_member_with_set(CUSTOM_SET), an_act("user-x"))


def test_create_member_by_custom_set_holder_gives_same_set() -> None:
    manager = a_custom_set(permissions=("account.users.manage", "crm.import"))
    creator = an_actor(member=a_member(permission_set=CUSTOM_SET), sets=[manager])
    made = create(member_facts(creator=creator, sets={CUSTOM_SET: manager}), new_member_with_set(CUSTOM_SET), an_act())

    assert made.member.permission_set == CUSTOM_SET
    with pytest.raises(PermissionNotHeld):
        create(member_facts(creator=creator), new_member_with_set("view_only"), an_act())


def test_create_colleague_stores_current_access_generation() -> None:
    person = an_employee(offboardings={PARTNER: 2})

    assert create(colleague_facts(person=person), new_member_with_set(), an_act("user-x")).member.access_generation == 2


def test_create_member_for_offboarded_employee_starts_new_membership() -> None:
    person, before = an_employee(offboardings={PARTNER: 1}), a_member(EMPLOYEE, "sales", partner_id=PARTNER, version=6)
    made = create(member_facts(person=person, member=before), new_member_with_set("view_only"), an_act())

    assert (made.member.version, made.member.partner_id, made.member.access_generation) == (7, None, 0)
    assert made.before == before


@pytest.mark.parametrize("creator", [PARTNER_ADMIN, a_temporary_partner_admin_actor("user-x")])
def test_create_colleague_by_partner_admin_has_no_grant(creator: Actor) -> None:
    made = create(colleague_facts(creator=creator), new_member_with_set("sales"), an_act("user-x"))

    assert (made.member.partner_id, made.member.grant, made.member.seat) == (PARTNER, None, Seat.VIEW_ONLY)
    assert made.audit.accounts == (CLIENT, PARTNER)


@pytest.mark.parametrize(
    ("permission_set", "requested", "seat"),
    [
        ("view_only", None, Seat.VIEW_ONLY),
        ("sales", None, Seat.CORE),
        ("sales", Seat.VIEW_ONLY, Seat.VIEW_ONLY),
        ("view_only", Seat.CORE, Seat.CORE),
        ("sales", Seat.SALES, Seat.SALES),
    ],
)
def test_create_member_seat_defaults_by_permission_set(permission_set: str, requested: Seat | None, seat: Seat) -> None:
    assert create(member_facts(), new_member_with_set(permission_set, seat=requested), an_act()).member.seat is seat


def test_create_member_in_legacy_account_requires_no_paid_seat() -> None:
    made = create(member_facts(account=the_client(pricing=Pricing.LEGACY)), new_member_with_set(), an_act())

    assert made.notification
    assert not made.notification.paid_seat_required


def test_create_member_without_free_partner_seat_succeeds() -> None:
    made = create(member_facts(account=the_client(partner_seat_limit=0)), new_member_with_set(), an_act())

    assert made.member.seat is Seat.VIEW_ONLY


MEMBER_ERRORS: list[tuple[Mapping[str, Any], NewMember, type[DomainError]]] = [
    ({"account": None}, new_member_with_set(), NotFound),
    ({"creator": Actor(a_user())}, new_member_with_set(), NotFound),
    ({"account": the_partner()}, new_member_with_set(), NotAClientAccount),
    ({}, new_member_with_set("owner"), UnknownPermissionSet),
    ({"creator": MEMBER_WITHOUT_RIGHTS}, new_member_with_set(), Forbidden),
    ({"creator": PARTNER_ADMIN}, new_member_with_set(), Forbidden),
    ({"creator": PARTNER_ADMIN, "person": None}, new_member_with_set(), Forbidden),
    ({"person": None}, new_member_with_set(), InvalidField),
    ({"person": a_user(NEWCOMER, active=False)}, new_member_with_set(), InvalidField),
    ({}, new_member_with_set(end=RequestedEnd(access_days=30)), InvalidField),
    ({}, new_member_with_set(seat=Seat.PARTNER), InvalidField),
    ({"creator": MANAGES_USERS}, new_member_with_set(seat=Seat.SALES), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, new_member_with_set("marketing"), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, new_member_with_set("super_admin"), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, new_member_with_set(overrides=Overrides(added=("crm.import",))), PermissionNotHeld),
    (
        {"creator": MANAGES_USERS},
        new_member_with_set("sales", overrides=Overrides(added=("crm.deals.edit",))),
        PermissionNotHeld,
    ),
    ({}, new_member_with_set(overrides=Overrides(added=("no.such.thing",))), UnknownPermission),
    ({}, new_member_with_set(overrides=Overrides(added=("partner.client_access.manage",))), UnknownPermission),
    (
        {},
        new_member_with_set(overrides=Overrides(added=("crm.deals.edit",), removed=("crm.deals.view",))),
        InvalidField,
    ),
    ({"account": CLOSED}, new_member_with_set(), AccountClosed),
    (
        {"creator": OWN_PARTNER_SUPER_ADMIN, "person": an_employee()},
        new_member_with_set("super_admin"),
        OwnPartnerMayNotApprove,
    ),
    ({"member": a_member(NEWCOMER, "sales")}, new_member_with_set(), AlreadyMember),
    ({"member": a_member(NEWCOMER)}, new_member_with_set(), AlreadyMember),
    ({"account": CLOSED, "member": a_member(NEWCOMER)}, new_member_with_set(), AccountClosed),
    (
        {"creator": MEMBER_WITHOUT_RIGHTS, "account": CLOSED, "member": a_member(NEWCOMER)},
        new_member_with_set(),
        Forbidden,
    ),
]


@pytest.mark.parametrize(("changes", "new_member", "error"), MEMBER_ERRORS)
def test_create_member_with_invalid_facts_raises_error(
    changes: Mapping[str, Any], new_member: NewMember, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        create(member_facts(**changes), new_member, an_act())


@pytest.mark.parametrize(
    ("person", "new_member", "error"),
    [
        (an_employee(employed_by=frozenset({"partner-south"})), new_member_with_set(), Forbidden),
        (an_employee(active=False), new_member_with_set(), Forbidden),
        (an_employee(), new_member_with_set("super_admin"), PermissionNotHeld),
        (an_employee(), new_member_with_set(overrides=BILLING), PermissionNotHeld),
        (an_employee(), new_member_with_set("sales", seat=Seat.SALES), PermissionNotHeld),
        (an_employee(), new_partner_admin(), NotAnApprover),
    ],
)
def test_create_colleague_by_partner_admin_with_too_much_raises_error(
    person: Any, new_member: NewMember, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        create(colleague_facts(person=person), new_member, an_act("user-x"))


def test_create_colleague_by_narrowed_partner_admin_raises_permission_not_held() -> None:
    narrowed = a_partner_admin_actor(an_employee("user-x"), a_partner_admin("user-x", removed=("sales.forecast",)))

    with pytest.raises(PermissionNotHeld):
        create(colleague_facts(creator=narrowed), new_member_with_set("sales"), an_act("user-x"))


def test_new_member_without_overrides_has_no_overrides() -> None:
    assert new_member_with_set().overrides == NO_OVERRIDES


# choices


def a_choice(**changes: Any) -> AssignableSetsFacts:
    return AssignableSetsFacts(
        **{
            "account": the_client(),
            "chooser": SUPER_ADMIN,
            "person": an_employee(),
            "partners": (the_partner(),),
            **changes,
        }
    )


EVERY = ("super_admin", "partner_admin", "marketing", "sales", "service", "reporting", "view_only")
ORDINARY = ("marketing", "sales", "service", "reporting", "view_only")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, EVERY),
        ({"partners": (the_partner(account_id="partner-south"), the_partner())}, EVERY),
        ({"chooser": MANAGES_USERS}, ("partner_admin", "sales", "view_only")),
        ({"person": None, "partners": ()}, ("super_admin", *ORDINARY)),
        ({"person": a_user(), "partners": ()}, ("super_admin", *ORDINARY)),
        ({"person": an_employee(active=False)}, ("super_admin", *ORDINARY)),
        ({"partners": (the_partner(program=Program.SUSPENDED),)}, ("super_admin", *ORDINARY)),
        ({"chooser": OWN_PARTNER_SUPER_ADMIN}, ORDINARY),
        ({"chooser": PARTNER_ADMIN}, ORDINARY),
        ({"account": the_partner()}, ("super_admin", *ORDINARY)),
    ],
)
def test_assignable_returns_sets_that_caller_can_give(changes: Mapping[str, Any], names: tuple[str, ...]) -> None:
    assert assignable(a_choice(**changes), an_act()) == names


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"account": None}, NotFound),
        ({"chooser": Actor(a_user())}, NotFound),
        ({"chooser": MEMBER_WITHOUT_RIGHTS}, Forbidden),
        ({"chooser": an_actor(a_user(active=False))}, Forbidden),
    ],
)
def test_assignable_for_caller_without_rights_raises_error(
    changes: Mapping[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        assignable(a_choice(**changes), an_act())


def test_create_former_member_suspended_by_client_waits_for_resume() -> None:
    # domain.md rule 42
    stopped = a_member(EMPLOYEE, "view_only", active=False, suspended_by=frozenset({SuspensionReason.CLIENT}))

    for given, act in (
        (facts(member=stopped, creator=PARTNER_ADMIN), an_act("user-x")),
        (facts(member=stopped), an_act()),
    ):
        with pytest.raises(GrantSuspended):
            create(given, new_member_with_set(), act)


@pytest.mark.parametrize(("permission_set", "error"), [("view_only", RemovedByPartner), ("super_admin", None)])
def test_create_colleague_kept_out_by_partner_needs_and_pins_manager(
    permission_set: str, error: type[DomainError] | None
) -> None:
    # domain.md rule 42
    over = a_member(
        EMPLOYEE, "view_only", active=False, partner_id=PARTNER, kept_out_by=frozenset({PARTNER, "partner-x"})
    )
    manager = Actor(an_employee("user-x"), a_member("user-x", permission_set, account_id=PARTNER))
    given = replace(facts(member=over, creator=PARTNER_ADMIN), manager=manager)

    if error:
        with pytest.raises(error):
            create(given, new_member_with_set(), an_act("user-x"))
    else:
        created = create(given, new_member_with_set(), an_act("user-x"))
        assert created.member.kept_out_by == {"partner-x"}
        assert manager.member in created.relies_on
        others = create(replace(given, target=Actor(given.person)), new_member_with_set(), an_act("user-x"))
        assert manager.member not in others.relies_on


def test_create_colleague_with_restricted_set_and_override_is_refused() -> None:
    own = a_custom_set(permissions=("crm.contacts.view:all", "account.billing.manage"))
    new_member = new_member_with_set(CUSTOM_SET, overrides=Overrides(removed=("account.billing.manage",)))

    with pytest.raises(RestrictedPermission):
        create(facts(creator=PARTNER_ADMIN, sets={CUSTOM_SET: own}), new_member, an_act("user-x"))


def test_create_colleague_by_own_partner_super_admin_excludes_restricted() -> None:
    own = a_custom_set(permissions=("account.billing.manage",))

    with pytest.raises(OwnPartnerMayNotApprove):
        create(
            facts(creator=OWN_PARTNER_SUPER_ADMIN, sets={CUSTOM_SET: own}),
            new_member_with_set(CUSTOM_SET),
            an_act("user-x"),
        )
    assert create(facts(creator=OWN_PARTNER_SUPER_ADMIN), new_member_with_set(), an_act("user-x")).member.active
