"""Direct creation: partner admins and ordinary members, by whom, with what, and in which order it is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
    AccountClosed,
    AlreadyMember,
    AlreadyPartnerAdmin,
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
    Refused,
    RestrictedPermission,
    UnknownPermission,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.creations import ChoiceFacts, CreationFacts, Wish, assignable, create
from partner_access.domain.memberships.members import GrantSource, Member, Seat, SuspensionReason
from partner_access.domain.notifications import Letter, LetterKind
from partner_access.domain.permissions.rights import NO_OVERRIDES, Overrides
from tests.support.builders import (
    ACT_NAME,
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
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

NEWCOMER = "user-newcomer"
SUPER_ADMIN = an_actor()
CLERK = an_actor(member=a_member(permission_set="sales"))
MANAGES_USERS = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))
PARTNER_ADMIN = of_the_partner(an_employee("user-x"))
OWN_FIRM = Actor(an_employee("user-x"), a_member("user-x"))
CLOSED = the_client(state=AccountState.CLOSED)


def facts(*, member: Member | None = None, **changes: Any) -> CreationFacts:
    """By default all is well; `member` is what the person is in the account so far."""
    person = changes.get("person", an_employee())
    return CreationFacts(
        **{
            "account": the_client(),
            "creator": SUPER_ADMIN,
            "person": person,
            "target": replace(of_the_partner(member=member), user=person) if member else Actor(person),
            "partner": the_partner(),
            **changes,
        }
    )


def as_partner_admin(**wish: Any) -> Wish:
    return Wish(**{"permission_set": "partner_admin", **wish})


def ordinary(**changes: Any) -> CreationFacts:
    return facts(**{"person": a_user(NEWCOMER), "partner": None, **changes})


def with_set(permission_set: str = "view_only", **wish: Any) -> Wish:
    return Wish(permission_set=permission_set, **wish)


# partner admins


@pytest.mark.parametrize("creator", [SUPER_ADMIN, MANAGES_USERS])
def test_a_client_makes_an_eligible_employee_partner_admin(creator: Actor) -> None:
    wish = as_partner_admin(overrides=Overrides(removed=("crm.import",)), access_days=30)
    made = create(facts(creator=creator), wish, an_act())
    grant = made.member.grant

    assert grant
    assert (grant.source, grant.requested, grant.link_id) == (GrantSource.CLIENT_CREATION, None, None)
    assert (made.member.permission_set, made.member.removed) == ("partner_admin", ("crm.import",))
    assert (made.member.seat, made.member.partner_id) == (Seat.PARTNER, PARTNER)
    assert made.audit.event == "member.created"
    assert made.audit.accounts == (CLIENT, PARTNER)
    assert made.audit.details == {
        "user_id": EMPLOYEE,
        "permission_set": "partner_admin",
        "removed": ["crm.import"],
        "grant_id": f"grt_{ACT_NAME}",
    }
    assert made.letter == Letter(
        kind=LetterKind.MEMBER_CREATED,
        employee_id=EMPLOYEE,
        actor_id=APPROVER,
        partner_id=PARTNER,
        account_id=CLIENT,
        removed=("crm.import",),
        expires_at=grant.expires_at,
    )
    assert set(made.relies_on) == {creator.user, creator.member, the_client(), an_employee(), the_partner()}


@pytest.mark.parametrize("seat", [None, Seat.PARTNER])
def test_a_partner_admin_sits_on_the_partner_seat(seat: Seat | None) -> None:
    assert create(facts(), as_partner_admin(seat=seat), an_act()).member.seat is Seat.PARTNER


@pytest.mark.parametrize("pricing", Pricing)
def test_a_new_partner_admin_of_a_legacy_account_is_told_that_a_paid_seat_is_wanting(pricing: Pricing) -> None:
    made = create(facts(account=the_client(pricing=pricing)), as_partner_admin(), an_act())

    assert made.letter
    assert made.letter.paid_seat_required is (pricing is Pricing.LEGACY)


BILLING = Overrides(added=("account.billing.manage",))
LADDER: list[tuple[Mapping[str, Any], Mapping[str, Any], type[Refused]]] = [
    ({"account": None}, {}, NotFound),
    ({"creator": Actor(a_user())}, {}, NotFound),
    ({"creator": an_actor(a_user(active=False))}, {}, Forbidden),
    ({"account": the_partner()}, {}, NotAClientAccount),
    ({"creator": CLERK}, {}, NotAnApprover),
    ({"creator": PARTNER_ADMIN}, {}, NotAnApprover),
    ({"creator": OWN_FIRM, "partner": the_partner(), "super_admins": (SUPER_ADMIN,)}, {}, OwnPartnerMayNotApprove),
    ({"creator": OWN_FIRM, "partner": the_partner()}, {}, NoIndependentApprover),
    ({"partner": None, "firm_is_unclear": True}, {}, InvalidField),
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


@pytest.mark.parametrize(("changes", "wish", "refusal"), LADDER)
def test_nobody_is_made_partner_admin(
    changes: Mapping[str, Any], wish: Mapping[str, Any], refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        create(facts(**changes), as_partner_admin(**wish), an_act())


@pytest.mark.parametrize("first", range(len(LADDER)))
def test_the_refusals_of_a_creation_come_in_their_order(first: int) -> None:
    changes, wish, refusal = LADDER[first]
    for other_changes, other_wish, _ in LADDER[first + 1 :]:
        if not changes.keys() & other_changes.keys() and not wish.keys() & other_wish.keys():
            with pytest.raises(refusal):
                create(facts(**changes, **other_changes), as_partner_admin(**wish, **other_wish), an_act())


def test_who_is_in_two_firms_shows_only_to_who_may_ask() -> None:
    unclear: dict[str, Any] = {"partner": None, "firm_is_unclear": True}
    for creator, refusal in ((Actor(a_user()), NotFound), (CLERK, NotAnApprover)):
        with pytest.raises(refusal):
            create(facts(creator=creator, **unclear), as_partner_admin(), an_act())
    with pytest.raises(InvalidField) as refused:
        create(facts(**unclear), as_partner_admin(), an_act())
    assert refused.value.errors == [{"pointer": "/partner_id", "code": "invalid_field"}]


def test_nobody_makes_himself_partner_admin() -> None:
    himself = Actor(an_employee(), a_member(EMPLOYEE))

    with pytest.raises(OwnPartnerMayNotApprove):
        create(facts(creator=himself, member=himself.member, super_admins=(SUPER_ADMIN,)), as_partner_admin(), an_act())


# ordinary members


def test_a_client_takes_in_an_ordinary_member() -> None:
    made = create(ordinary(), with_set("sales"), an_act())

    assert made.member == a_member(NEWCOMER, "sales", since=NOW, granted_by=APPROVER)
    assert (made.member.grant, made.member.partner_id) == (None, None)
    assert made.audit.accounts == (CLIENT,)
    assert made.letter
    assert not made.letter.paid_seat_required
    assert set(made.relies_on) == {a_user(), a_member(), the_client(), a_user(NEWCOMER)}


def test_a_deactivated_member_is_taken_in_again_with_the_same_history() -> None:
    before = a_member(NEWCOMER, active=False, version=6, removed=("crm.import",))
    made = create(ordinary(member=before), with_set("sales"), an_act())

    assert (made.member.version, made.member.since, made.member.active) == (7, before.since, True)
    assert made.member.removed == ()
    assert before in made.relies_on


def test_overrides_narrow_and_widen_within_what_the_creator_holds() -> None:
    wish = with_set("sales", overrides=Overrides(added=("crm.import",), removed=("sales.forecast", "crm.export")))
    made = create(ordinary(), wish, an_act())

    assert (made.member.added, made.member.removed) == (("crm.import",), ("sales.forecast",))


def of_the_firm(**changes: Any) -> CreationFacts:
    return ordinary(**{"creator": PARTNER_ADMIN, "person": an_employee(), **changes})


def test_an_account_gives_a_set_of_its_own_as_it_is_now() -> None:
    own = a_custom_set(version=6)
    wish = with_set(CUSTOM_SET, overrides=Overrides(added=("crm.import",), removed=("service.access", "crm.export")))
    made = create(ordinary(sets={CUSTOM_SET: own}), wish, an_act())

    assert (made.member.permission_set, made.member.set_version, made.member.seat) == (CUSTOM_SET, 6, Seat.CORE)
    assert (made.member.added, made.member.removed) == (("crm.import",), ("service.access",))
    assert own in made.relies_on
    assert made.audit.details["added"] == ["crm.import"]
    assert made.letter == Letter(
        kind=LetterKind.MEMBER_CREATED,
        employee_id=NEWCOMER,
        actor_id=APPROVER,
        account_id=CLIENT,
        permission_set=CUSTOM_SET,
        set_version=6,
        added=("crm.import",),
        removed=("service.access",),
    )


def test_a_partner_admin_may_do_in_a_narrower_scope_what_is_taken_away() -> None:
    narrower = Overrides(added=("crm.deals.edit:team",), removed=("crm.deals.edit", "crm.deals.delete"))

    assert create(facts(), as_partner_admin(overrides=narrower), an_act()).member.added == ("crm.deals.edit:team",)


@pytest.mark.parametrize(
    ("creator", "permissions", "refusal"),
    [
        (SUPER_ADMIN, ("account.billing.manage",), None),
        (MANAGES_USERS, ("sales.access",), None),
        (MANAGES_USERS, ("crm.import",), PermissionNotHeld),
        (MANAGES_USERS, ("crm.deals.view", "crm.deals.edit"), PermissionNotHeld),
        (CLERK, ("sales.access",), Forbidden),
    ],
)
def test_nobody_gives_more_by_a_set_of_the_accounts_own_than_he_holds(
    creator: Actor, permissions: tuple[str, ...], refusal: type[Refused] | None
) -> None:
    case = ordinary(creator=creator, sets={CUSTOM_SET: a_custom_set(permissions=permissions)})
    if refusal:
        with pytest.raises(refusal):
            create(case, with_set(CUSTOM_SET), an_act())
    else:
        assert create(case, with_set(CUSTOM_SET), an_act()).member.permission_set == CUSTOM_SET


@pytest.mark.parametrize(("held", "given"), [(("service.access",), True), (("account.billing.manage",), False)])
def test_a_partner_admin_gives_a_colleague_no_set_with_what_is_restricted(held: tuple[str, ...], given: bool) -> None:
    case = of_the_firm(sets={CUSTOM_SET: a_custom_set(permissions=held)})
    if given:
        member = create(case, with_set(CUSTOM_SET), an_act("user-x")).member
        assert (member.partner_id, member.permission_set) == (PARTNER, CUSTOM_SET)
    else:
        with pytest.raises((PermissionNotHeld, RestrictedPermission)):
            create(case, with_set(CUSTOM_SET), an_act("user-x"))


def test_what_a_creator_holds_by_a_set_of_the_accounts_own_he_may_give() -> None:
    manager = a_custom_set(permissions=("account.users.manage", "crm.import"))
    creator = an_actor(member=a_member(permission_set=CUSTOM_SET), sets=[manager])
    made = create(ordinary(creator=creator, sets={CUSTOM_SET: manager}), with_set(CUSTOM_SET), an_act())

    assert made.member.permission_set == CUSTOM_SET
    with pytest.raises(PermissionNotHeld):
        create(ordinary(creator=creator), with_set("view_only"), an_act())


def test_a_colleague_comes_in_the_tenure_of_today() -> None:
    person = an_employee(offboardings={PARTNER: 2})

    assert create(of_the_firm(person=person), with_set(), an_act("user-x")).member.access_generation == 2


def test_who_lost_all_that_he_had_for_his_firm_is_taken_in_anew() -> None:
    person, before = an_employee(offboardings={PARTNER: 1}), a_member(EMPLOYEE, "sales", partner_id=PARTNER, version=6)
    made = create(ordinary(person=person, member=before), with_set("view_only"), an_act())

    assert (made.member.version, made.member.partner_id, made.member.access_generation) == (7, None, 0)
    assert made.before == before


@pytest.mark.parametrize("creator", [PARTNER_ADMIN, of_the_partner_for_a_day("user-x")])
def test_a_partner_admin_takes_in_a_colleague_with_less_than_he_has(creator: Actor) -> None:
    made = create(of_the_firm(creator=creator), with_set("sales"), an_act("user-x"))

    assert (made.member.partner_id, made.member.grant, made.member.seat) == (PARTNER, None, Seat.VIEW_ONLY)
    assert made.audit.accounts == (CLIENT, PARTNER)


@pytest.mark.parametrize(
    ("permission_set", "asked", "seat"),
    [
        ("view_only", None, Seat.VIEW_ONLY),
        ("sales", None, Seat.CORE),
        ("sales", Seat.VIEW_ONLY, Seat.VIEW_ONLY),
        ("view_only", Seat.CORE, Seat.CORE),
        ("sales", Seat.SALES, Seat.SALES),
    ],
)
def test_which_seat_an_ordinary_member_takes(permission_set: str, asked: Seat | None, seat: Seat) -> None:
    assert create(ordinary(), with_set(permission_set, seat=asked), an_act()).member.seat is seat


def test_an_ordinary_member_of_a_legacy_account_is_told_of_no_paid_seat() -> None:
    made = create(ordinary(account=the_client(pricing=Pricing.LEGACY)), with_set(), an_act())

    assert made.letter
    assert not made.letter.paid_seat_required


def test_taking_in_an_ordinary_member_needs_no_partner_seat() -> None:
    made = create(ordinary(account=the_client(partner_seat_limit=0)), with_set(), an_act())

    assert made.member.seat is Seat.VIEW_ONLY


ORDINARY_LADDER: list[tuple[Mapping[str, Any], Wish, type[Refused]]] = [
    ({"account": None}, with_set(), NotFound),
    ({"creator": Actor(a_user())}, with_set(), NotFound),
    ({"account": the_partner()}, with_set(), NotAClientAccount),
    ({}, with_set("owner"), UnknownPermissionSet),
    ({"creator": CLERK}, with_set(), Forbidden),
    ({"creator": PARTNER_ADMIN}, with_set(), Forbidden),
    ({"creator": PARTNER_ADMIN, "person": None}, with_set(), Forbidden),
    ({"person": None}, with_set(), InvalidField),
    ({"person": a_user(NEWCOMER, active=False)}, with_set(), InvalidField),
    ({}, with_set(access_days=30), InvalidField),
    ({}, with_set(seat=Seat.PARTNER), InvalidField),
    ({"creator": MANAGES_USERS}, with_set(seat=Seat.SALES), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, with_set("marketing"), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, with_set("super_admin"), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, with_set(overrides=Overrides(added=("crm.import",))), PermissionNotHeld),
    ({"creator": MANAGES_USERS}, with_set("sales", overrides=Overrides(added=("crm.deals.edit",))), PermissionNotHeld),
    ({}, with_set(overrides=Overrides(added=("no.such.thing",))), UnknownPermission),
    ({}, with_set(overrides=Overrides(added=("partner.client_access.manage",))), UnknownPermission),
    ({}, with_set(overrides=Overrides(added=("crm.deals.edit",), removed=("crm.deals.view",))), InvalidField),
    ({"account": CLOSED}, with_set(), AccountClosed),
    ({"creator": OWN_FIRM, "person": an_employee()}, with_set("super_admin"), OwnPartnerMayNotApprove),
    ({"member": a_member(NEWCOMER, "sales")}, with_set(), AlreadyMember),
    ({"member": a_member(NEWCOMER)}, with_set(), AlreadyMember),
    ({"account": CLOSED, "member": a_member(NEWCOMER)}, with_set(), AccountClosed),
    ({"creator": CLERK, "account": CLOSED, "member": a_member(NEWCOMER)}, with_set(), Forbidden),
]


@pytest.mark.parametrize(("changes", "wish", "refusal"), ORDINARY_LADDER)
def test_nobody_is_taken_in(changes: Mapping[str, Any], wish: Wish, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        create(ordinary(**changes), wish, an_act())


@pytest.mark.parametrize(
    ("person", "wish", "refusal"),
    [
        (an_employee(employed_by=frozenset({"partner-south"})), with_set(), Forbidden),
        (an_employee(active=False), with_set(), Forbidden),
        (an_employee(), with_set("super_admin"), PermissionNotHeld),
        (an_employee(), with_set(overrides=BILLING), PermissionNotHeld),
        (an_employee(), with_set("sales", seat=Seat.SALES), PermissionNotHeld),
        (an_employee(), as_partner_admin(), NotAnApprover),
    ],
)
def test_what_a_partner_admin_does_not_give_even_to_a_colleague(
    person: Any, wish: Wish, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        create(of_the_firm(person=person), wish, an_act("user-x"))


def test_a_partner_admin_gives_no_more_than_was_left_to_him() -> None:
    narrowed = of_the_partner(an_employee("user-x"), a_partner_admin("user-x", removed=("sales.forecast",)))

    with pytest.raises(PermissionNotHeld):
        create(of_the_firm(creator=narrowed), with_set("sales"), an_act("user-x"))


def test_without_overrides_a_wish_has_none() -> None:
    assert with_set().overrides == NO_OVERRIDES


# choices


def a_choice(**changes: Any) -> ChoiceFacts:
    return ChoiceFacts(
        **{
            "account": the_client(),
            "chooser": SUPER_ADMIN,
            "person": an_employee(),
            "firms": (the_partner(),),
            **changes,
        }
    )


EVERY = ("super_admin", "partner_admin", "marketing", "sales", "service", "reporting", "view_only")
ORDINARY = ("marketing", "sales", "service", "reporting", "view_only")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, EVERY),
        ({"firms": (the_partner(account_id="partner-south"), the_partner())}, EVERY),
        ({"chooser": MANAGES_USERS}, ("partner_admin", "sales", "view_only")),
        ({"person": None, "firms": ()}, ("super_admin", *ORDINARY)),
        ({"person": a_user(), "firms": ()}, ("super_admin", *ORDINARY)),
        ({"person": an_employee(active=False)}, ("super_admin", *ORDINARY)),
        ({"firms": (the_partner(program=Program.SUSPENDED),)}, ("super_admin", *ORDINARY)),
        ({"chooser": OWN_FIRM}, ORDINARY),
        ({"chooser": PARTNER_ADMIN}, ORDINARY),
        ({"account": the_partner()}, ("super_admin", *ORDINARY)),
    ],
)
def test_which_sets_somebody_may_give(changes: Mapping[str, Any], names: tuple[str, ...]) -> None:
    assert assignable(a_choice(**changes), an_act()) == names


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"account": None}, NotFound),
        ({"chooser": Actor(a_user())}, NotFound),
        ({"chooser": CLERK}, Forbidden),
        ({"chooser": an_actor(a_user(active=False))}, Forbidden),
    ],
)
def test_who_is_offered_no_sets(changes: Mapping[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        assignable(a_choice(**changes), an_act())


def test_whom_the_client_has_suspended_the_firm_does_not_bring_back_but_the_client_does() -> None:
    stopped = a_member(EMPLOYEE, "view_only", active=False, suspended_by=frozenset({SuspensionReason.CLIENT}))

    with pytest.raises(GrantSuspended):
        create(facts(member=stopped, creator=PARTNER_ADMIN), with_set(), an_act("user-x"))
    assert create(facts(member=stopped), with_set(), an_act()).member.suspended_by == frozenset()


def test_an_override_does_not_make_a_set_fit_for_partner_staff() -> None:
    own = a_custom_set(permissions=("crm.contacts.view:all", "account.billing.manage"))
    wish = with_set(CUSTOM_SET, overrides=Overrides(removed=("account.billing.manage",)))

    with pytest.raises(RestrictedPermission):
        create(facts(creator=PARTNER_ADMIN, sets={CUSTOM_SET: own}), wish, an_act("user-x"))


def test_a_firms_super_admin_brings_a_colleague_nothing_that_no_partner_admin_holds() -> None:
    own = a_custom_set(permissions=("account.billing.manage",))

    with pytest.raises(OwnPartnerMayNotApprove):
        create(facts(creator=OWN_FIRM, sets={CUSTOM_SET: own}), with_set(CUSTOM_SET), an_act("user-x"))
    assert create(facts(creator=OWN_FIRM), with_set(), an_act("user-x")).member.active
