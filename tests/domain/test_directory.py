"""What the vendor tells: accounts, users, members; the same again is nothing, and a super admin always stays."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import Account, AccountKind, AccountState, Program
from partner_access.domain.directory import (
    PINNED_AT_ONCE,
    REPORTED_AT_ONCE,
    TOLD_AT_ONCE,
    MemberFacts,
    UserFacts,
    erase,
    keep_account,
    keep_member,
    keep_user,
)
from partner_access.domain.errors import (
    AccountClosed,
    AlreadyPartnerAdmin,
    EmailInUse,
    GrantSuspended,
    InvalidField,
    IsSuperAdmin,
    KindIsFixed,
    LastSuperAdmin,
    LimitBelowUse,
    MissingField,
    NotFound,
    Refused,
    UnknownPermissionSet,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import Member, Seat, SuspensionReason
from partner_access.domain.notifications import CleanUp, Locale, Occasion
from partner_access.domain.records import DIRECTORY
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
    a_user,
    an_act,
    an_actor,
    an_employee,
    of_the_partner_for_a_day,
    once,
    the_client,
    the_partner,
)
from tests.support.set_versions import two_versions

ACT = an_act("vendor", for_vendor=True)
HIMSELF = a_user()
OTHER_BOSS = an_actor(a_user("user-boss"))


def pointers(refused: pytest.ExceptionInfo[Any]) -> list[str]:
    return [error["pointer"] for error in refused.value.errors]


# accounts


def test_an_account_is_made_from_its_kind_and_name() -> None:
    kept = keep_account(CLIENT, None, {"kind": AccountKind.CLIENT, "name": "The Bakery", "partner_seat_limit": 3}, ACT)

    assert kept
    assert kept.account == the_client(partner_seat_limit=3)
    assert (kept.before, kept.relies_on) == (None, ())
    assert (kept.audit.event, kept.audit.accounts) == ("account.created", (CLIENT,))
    assert kept.audit.details == {"fields": ["kind", "name", "partner_seat_limit"]}


def test_a_partner_is_made_with_its_domains() -> None:
    told = {"kind": AccountKind.PARTNER, "name": "North Partners", "domains": ("north.example",)}
    kept = keep_account(PARTNER, None, told, ACT)

    assert kept
    assert kept.account == the_partner()


def test_of_a_new_account_even_what_was_told_to_be_nothing_is_recorded() -> None:
    kept = keep_account(
        CLIENT, None, {"kind": AccountKind.CLIENT, "name": "The Bakery", "partner_seat_limit": None}, ACT
    )

    assert kept
    assert kept.audit.details == {"fields": ["kind", "name", "partner_seat_limit"]}


@pytest.mark.parametrize(
    ("told", "changed", "fields"),
    [
        ({"partner_seat_limit": 5}, {"partner_seat_limit": 5}, ["partner_seat_limit"]),
        (
            {"partner_seat_limit": None, "name": "New"},
            {"partner_seat_limit": None, "name": "New"},
            ["name", "partner_seat_limit"],
        ),
        ({"state": AccountState.CLOSED}, {"state": AccountState.CLOSED}, ["state"]),
        ({"kind": AccountKind.CLIENT, "locale": Locale.JA}, {"locale": Locale.JA}, ["locale"]),
    ],
)
def test_what_is_told_changes_and_what_is_absent_keeps_its_value(
    told: Mapping[str, Any], changed: Mapping[str, Any], fields: list[str]
) -> None:
    before = the_client(version=4, partner_seat_limit=2, partner_seats_used=1)
    kept = keep_account(CLIENT, before, told, ACT)

    assert kept
    assert kept.account == before.model_copy(update={**changed, "version": 5})
    assert (kept.audit.event, kept.audit.details) == ("account.updated", {"fields": fields})
    assert kept.relies_on == (before,)


@pytest.mark.parametrize("told", [{}, {"name": "The Bakery"}, {"kind": AccountKind.CLIENT, "partner_seat_limit": None}])
def test_the_same_account_again_changes_nothing(told: Mapping[str, Any]) -> None:
    assert keep_account(CLIENT, the_client(), told, ACT) is None


@pytest.mark.parametrize(
    ("before", "told", "refusal", "at"),
    [
        (None, {}, MissingField, ["/kind", "/name"]),
        (None, {"kind": AccountKind.CLIENT}, MissingField, ["/name"]),
        (None, {"kind": AccountKind.CLIENT, "name": "A", "domains": ()}, InvalidField, ["/domains"]),
        (
            None,
            {"kind": AccountKind.PARTNER, "name": "A", "partner_seat_limit": None, "pricing": "legacy"},
            InvalidField,
            ["/pricing", "/partner_seat_limit"],
        ),
        (the_client(), {"program": Program.ACTIVE}, InvalidField, ["/program"]),
        (the_partner(), {"partner_seat_limit": 1}, InvalidField, ["/partner_seat_limit"]),
        (the_client(), {"kind": AccountKind.PARTNER}, KindIsFixed, ["/kind"]),
        (the_partner(), {"kind": AccountKind.CLIENT}, KindIsFixed, ["/kind"]),
        (the_client(partner_seats_used=3), {"partner_seat_limit": 2}, LimitBelowUse, ["/partner_seat_limit"]),
        (the_client(partner_seats_used=1), {"partner_seat_limit": 0}, LimitBelowUse, ["/partner_seat_limit"]),
    ],
)
def test_an_account_that_cannot_be(
    before: Account | None, told: Mapping[str, Any], refusal: type[Refused], at: list[str]
) -> None:
    with pytest.raises(refusal) as refused:
        keep_account(CLIENT, before, told, ACT)
    assert pointers(refused) == at


@pytest.mark.parametrize(
    ("before", "told", "occasion"),
    [
        (the_partner(), {"program": Program.SUSPENDED}, Occasion.PROGRAM_STOPPED),
        (the_partner(program=Program.SUSPENDED), {"program": Program.ACTIVE}, Occasion.PROGRAM_RESUMED),
        (the_partner(program=Program.TERMINATED), {"program": Program.ACTIVE}, Occasion.PROGRAM_RESUMED),
        (the_partner(), {"program": Program.TERMINATED}, Occasion.PROGRAM_ENDED),
        (the_partner(program=Program.SUSPENDED), {"program": Program.TERMINATED}, Occasion.PROGRAM_ENDED),
        (the_partner(program=Program.TERMINATED), {"program": Program.SUSPENDED}, Occasion.ELIGIBILITY),
        (the_partner(), {"state": AccountState.CLOSED}, Occasion.PROGRAM_STOPPED),
        (the_partner(state=AccountState.CLOSED), {"state": AccountState.ACTIVE}, Occasion.PROGRAM_RESUMED),
        (the_partner(program=Program.SUSPENDED), {"state": AccountState.CLOSED}, Occasion.ELIGIBILITY),
        (the_partner(), {"domains": ("other.example",)}, Occasion.ELIGIBILITY),
        (the_partner(), {"domains": (), "program": Program.SUSPENDED}, Occasion.PROGRAM_STOPPED),
        (the_partner(), {"name": "North & Sons", "locale": Locale.JA}, None),
        (the_partner(), {"program": Program.ACTIVE, "name": "North & Sons"}, None),
        (the_client(), {"state": AccountState.CLOSED}, None),
        (
            None,
            {"kind": AccountKind.PARTNER, "name": "North", "program": Program.SUSPENDED, "domains": ("a.example",)},
            None,
        ),
    ],
)
def test_what_changes_the_access_of_all_a_partners_people_is_followed_up(
    before: Account | None, told: Mapping[str, Any], occasion: Occasion | None
) -> None:
    account_id = before.account_id if before else PARTNER
    kept = keep_account(account_id, before, told, ACT)

    assert kept
    assert kept.clean_up == (CleanUp(partner_id=PARTNER, reason=occasion) if occasion else None)


@pytest.mark.parametrize(
    ("before", "told", "endings"),
    [
        (the_partner(), {"program": Program.TERMINATED}, 1),
        (the_partner(program=Program.SUSPENDED, terminations=2), {"program": Program.TERMINATED}, 3),
        (the_partner(program=Program.TERMINATED, terminations=1), {"program": Program.TERMINATED, "name": "New"}, 1),
        (the_partner(program=Program.TERMINATED, terminations=1), {"program": Program.ACTIVE}, 1),
        (the_partner(terminations=1), {"program": Program.SUSPENDED}, 1),
        (the_partner(), {"state": AccountState.CLOSED}, 0),
        (None, {"kind": AccountKind.PARTNER, "name": "North", "program": Program.TERMINATED}, 0),
    ],
)
def test_each_time_that_a_program_is_terminated_counts(
    before: Account | None, told: Mapping[str, Any], endings: int
) -> None:
    kept = keep_account(PARTNER, before, told, ACT)

    assert kept
    assert kept.account.terminations == endings


def test_a_limit_may_be_just_what_is_taken() -> None:
    assert keep_account(CLIENT, the_client(partner_seats_used=2), {"partner_seat_limit": 2}, ACT)


# users


def test_a_user_is_made_from_his_address_and_name() -> None:
    told = {"email": "new@bakery.example", "name": "New", "locale": None}
    kept = keep_user("user-new", UserFacts(user=None, owner=None), told, ACT)

    assert kept
    assert kept.user == a_user("user-new", email="new@bakery.example", name="New")
    assert kept.email_changed
    assert (kept.audit.event, kept.audit.accounts) == ("user.created", (DIRECTORY,))
    assert kept.audit.details["fields"] == ["email", "locale", "name"]
    assert "new@bakery.example" not in kept.audit.model_dump_json()


@pytest.mark.parametrize(
    ("told", "email_changed"), [({"name": "Other"}, False), ({"email": "other@bakery.example"}, True)]
)
def test_a_user_is_changed(told: Mapping[str, Any], email_changed: bool) -> None:
    before = a_user(version=2, open_links=3, employed_by=frozenset({PARTNER}))
    kept = keep_user(APPROVER, UserFacts(user=before, owner=None), told, ACT)

    assert kept
    assert kept.user == before.model_copy(update={**told, "version": 3})
    assert kept.email_changed is email_changed
    assert (kept.audit.event, kept.relies_on) == ("user.updated", (before,))


@pytest.mark.parametrize(
    ("before", "told", "follows"),
    [
        (a_user(), {"email": "other@bakery.example"}, True),
        (a_user(), {"active": False}, True),
        (a_user(active=False), {"active": True}, True),
        (a_user(), {"name": "Other", "locale": Locale.JA}, False),
        (a_user(), {"active": True, "name": "Other"}, False),
        (None, {"email": "new@bakery.example", "name": "New", "active": False}, False),
    ],
)
def test_what_changes_a_persons_access_everywhere_is_followed_up(
    before: User | None, told: Mapping[str, Any], follows: bool
) -> None:
    kept = keep_user(APPROVER, UserFacts(user=before, owner=None), told, ACT)

    assert kept
    assert kept.clean_up == (CleanUp(user_id=APPROVER) if follows else None)


@pytest.mark.parametrize("told", [{}, {"name": "Approver"}, {"active": True, "email": "user-approver@bakery.example"}])
def test_the_same_user_again_changes_nothing(told: Mapping[str, Any]) -> None:
    assert keep_user(APPROVER, UserFacts(user=a_user(), owner=APPROVER), told, ACT) is None


@pytest.mark.parametrize(
    ("facts", "told", "refusal", "at"),
    [
        (UserFacts(user=None, owner=None), {}, MissingField, ["/email", "/name"]),
        (UserFacts(user=None, owner=None), {"email": "a@b.example"}, MissingField, ["/name"]),
        (UserFacts(user=None, owner="user-x"), {"email": "a@b.example", "name": "A"}, EmailInUse, ["/email"]),
        (UserFacts(user=a_user(), owner="user-x"), {"email": "a@b.example"}, EmailInUse, ["/email"]),
    ],
)
def test_a_user_that_cannot_be(
    facts: UserFacts, told: Mapping[str, Any], refusal: type[Refused], at: list[str]
) -> None:
    with pytest.raises(refusal) as refused:
        keep_user(APPROVER, facts, told, ACT)
    assert pointers(refused) == at


LEAVES = {"active": False}
GONE = an_actor(a_user("user-gone", active=False))
MIGRATED = of_the_partner_for_a_day("user-migrated")
"""Who was a super admin when the list of them was read."""


def leaving(super_admin_of: Mapping[str, tuple[Actor, ...]], **changes: Any) -> UserFacts:
    return UserFacts(user=a_user(**changes), owner=None, super_admin_of=super_admin_of)


def test_nobody_is_kept_active_for_an_accounts_sake_and_the_orphaned_account_is_told() -> None:
    kept = keep_user(
        APPROVER, leaving({CLIENT: (), "client-b": (GONE, MIGRATED), "client-c": (GONE, OTHER_BOSS)}), LEAVES, ACT
    )

    assert kept
    assert not kept.user.active
    assert kept.orphaned == (CLIENT, "client-b")
    assert kept.audit.accounts == (DIRECTORY, CLIENT, "client-b")
    assert kept.audit.details["orphaned"] == [CLIENT, "client-b"]
    assert set(kept.relies_on) == {a_user(), OTHER_BOSS.user, OTHER_BOSS.member}
    assert list(kept.reports) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [({}, {"name": "Other"}), ({"active": False}, {"name": "Other"}), ({"active": False}, {"active": True})],
)
def test_an_account_is_orphaned_only_by_who_leaves(changes: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    kept = keep_user(APPROVER, leaving({CLIENT: ()}, **changes), told, ACT)

    assert kept
    assert kept.orphaned == ()
    assert kept.audit.accounts == (DIRECTORY,)


def test_very_many_orphaned_accounts_are_each_told_exactly_once() -> None:
    many = {f"client-{nth}": () for nth in range(TOLD_AT_ONCE + REPORTED_AT_ONCE + 1)}
    kept = keep_user(APPROVER, leaving(many), LEAVES, an_act("vendor", once=once()))

    assert kept
    told = [account for entry in (kept.audit, *(report.audit for report in kept.reports)) for account in entry.accounts]
    assert sorted(told) == sorted([DIRECTORY, *many])
    assert len({entry.audit.audit_id for entry in kept.reports}) == 2
    assert all(report.act.once is None for report in kept.reports)
    about = [(report.audit.event, report.audit.details) for report in kept.reports]
    assert about == [("account.orphaned", {"user_id": APPROVER})] * 2


def test_very_many_who_stay_are_pinned_as_far_as_a_transaction_goes() -> None:
    many = {f"client-{nth}": (an_actor(a_user(f"user-{nth}")),) for nth in range(PINNED_AT_ONCE)}
    kept = keep_user(APPROVER, leaving(many), LEAVES, ACT)

    assert kept
    assert kept.orphaned == ()
    assert len(kept.relies_on) == PINNED_AT_ONCE + 1


def test_an_erased_person_leaves_his_id_and_nothing_else() -> None:
    before = a_user(locale=Locale.JA)
    kept = erase(APPROVER, UserFacts(user=before, owner=None), ACT)

    assert kept
    assert kept.user == a_user(version=2, email=None, name="", active=False)
    assert kept.email_changed
    assert (kept.audit.event, kept.audit.details) == ("user.erased", {"user_id": APPROVER})
    assert kept.relies_on == (before,)
    assert kept.clean_up == CleanUp(user_id=APPROVER, reason=Occasion.ERASED)


def test_an_erased_person_leaves_all_whom_he_works_for() -> None:
    before = an_employee(
        employed_by=frozenset({PARTNER, "partner-south"}), offboardings={PARTNER: 2, "partner-west": 1}
    )
    stopped = frozenset({PARTNER, "partner-east"})
    kept = erase(EMPLOYEE, UserFacts(user=before, owner=None, here_for=stopped), ACT)

    assert kept
    assert kept.user.offboardings == {PARTNER: 3, "partner-south": 1, "partner-west": 1, "partner-east": 1}


@pytest.mark.parametrize("user", [None, a_user(email=None, active=False)])
def test_whoever_is_unknown_or_erased_already_is_erased_without_effect(user: Any) -> None:
    assert erase(APPROVER, UserFacts(user=user, owner=None), ACT) is None


def test_a_super_admin_is_replaced_before_he_is_erased() -> None:
    with pytest.raises(IsSuperAdmin):
        erase(APPROVER, leaving({CLIENT: (OTHER_BOSS,)}), ACT)


# members


def facts(*, user: User | None = HIMSELF, member: Member | None = None, **changes: Any) -> MemberFacts:
    """By default somebody new; `user` and `member` are who is told of."""
    target = Actor(user, member, {PARTNER: the_partner()})
    return MemberFacts(**{"account": the_client(), "target": target, "others": (OTHER_BOSS,), **changes})


@pytest.mark.parametrize(
    ("told", "seat"),
    [
        ({"permission_set": "sales"}, Seat.CORE),
        ({"permission_set": "view_only"}, Seat.VIEW_ONLY),
        ({"permission_set": "sales", "seat": Seat.SALES}, Seat.SALES),
        ({"permission_set": "sales", "seat": None}, None),
        ({"permission_set": "super_admin", "active": True}, Seat.CORE),
    ],
)
def test_a_member_is_made(told: Mapping[str, Any], seat: Seat | None) -> None:
    kept = keep_member(facts(), told, ACT)

    assert kept
    assert kept.member == a_member(APPROVER, told["permission_set"], since=NOW, granted_by="vendor", seat=seat)
    assert (kept.audit.event, kept.audit.accounts) == ("member.created", (CLIENT,))
    assert kept.audit.details["fields"] == sorted(told)
    assert kept.relies_on == (the_client(), a_user())


def test_another_set_is_told_of_in_its_latest_version() -> None:
    with two_versions():
        kept = keep_member(facts(member=a_member(permission_set="service")), {"permission_set": "sales"}, ACT)

    assert kept
    assert kept.member.set_version == 2


def test_a_member_may_be_made_inactive_at_once() -> None:
    kept = keep_member(facts(), {"permission_set": "sales", "active": False}, ACT)

    assert kept
    assert not kept.member.active


def test_another_set_replaces_the_overrides_the_same_set_keeps_them() -> None:
    before = a_member(permission_set="sales", version=3, added=("crm.import",), removed=("sales.forecast",))
    other = keep_member(facts(member=before), {"permission_set": "marketing"}, ACT)
    same = keep_member(facts(member=before), {"permission_set": "sales", "seat": Seat.SALES}, ACT)

    assert other
    assert other.member == before.changed(permission_set="marketing", added=(), removed=())
    assert (other.audit.event, other.audit.details["fields"]) == ("member.updated", ["permission_set"])
    assert same
    assert same.member == before.changed(seat=Seat.SALES)
    assert before in same.relies_on


@pytest.mark.parametrize("told", [{}, {"permission_set": "sales"}, {"seat": Seat.CORE, "active": True}])
def test_the_same_member_again_changes_nothing(told: Mapping[str, Any]) -> None:
    assert keep_member(facts(member=a_member(permission_set="sales")), told, ACT) is None


@pytest.mark.parametrize(
    ("changes", "told", "refusal", "at"),
    [
        ({"account": None}, {"permission_set": "sales"}, NotFound, []),
        ({"user": None}, {"permission_set": "sales"}, NotFound, []),
        ({}, {}, MissingField, ["/permission_set"]),
        ({}, {"permission_set": "owner"}, UnknownPermissionSet, ["/permission_set"]),
        ({}, {"permission_set": "partner_admin"}, InvalidField, ["/permission_set"]),
        ({"member": a_partner_admin()}, {"permission_set": "partner_admin"}, InvalidField, ["/permission_set"]),
        ({}, {"permission_set": "sales", "seat": Seat.PARTNER}, InvalidField, ["/seat"]),
        ({"account": the_client(state=AccountState.CLOSED)}, {"permission_set": "sales"}, AccountClosed, []),
        ({"member": a_partner_admin()}, {"active": False}, AlreadyPartnerAdmin, []),
        ({"member": a_partner_admin()}, {"permission_set": "sales"}, AlreadyPartnerAdmin, []),
        ({"member": a_member(), "others": ()}, {"permission_set": "sales"}, LastSuperAdmin, []),
        ({"member": a_member(), "others": ()}, {"active": False}, LastSuperAdmin, []),
        ({"member": a_member(), "others": (GONE,)}, {"active": False}, LastSuperAdmin, []),
        ({"member": a_member(), "others": (MIGRATED,)}, {"active": False}, LastSuperAdmin, []),
        ({"user": a_user(active=False), "others": ()}, {"permission_set": "super_admin"}, LastSuperAdmin, []),
        ({"user": a_user(active=False), "others": (GONE,)}, {"permission_set": "super_admin"}, LastSuperAdmin, []),
    ],
)
def test_a_member_that_cannot_be(
    changes: Mapping[str, Any], told: Mapping[str, Any], refusal: type[Refused], at: list[str]
) -> None:
    with pytest.raises(refusal) as refused:
        keep_member(facts(**changes), told, ACT)
    assert pointers(refused) == at


@pytest.mark.parametrize("told", [{"permission_set": "sales"}, {"active": False}])
def test_a_super_admin_goes_while_another_stays_and_that_is_relied_on(told: Mapping[str, Any]) -> None:
    kept = keep_member(facts(member=a_member()), told, ACT)

    assert kept
    assert {OTHER_BOSS.user, OTHER_BOSS.member} <= set(kept.relies_on)


def test_whoever_cannot_act_is_super_admin_beside_another_who_can_and_that_is_relied_on() -> None:
    kept = keep_member(facts(user=a_user(active=False)), {"permission_set": "super_admin"}, ACT)

    assert kept
    assert {OTHER_BOSS.user, OTHER_BOSS.member} <= set(kept.relies_on)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (a_member(), {"seat": Seat.SALES}),
        (a_member(active=False), {"permission_set": "sales"}),
        (a_member(permission_set="sales"), {"permission_set": "super_admin"}),
        (a_member(permission_set="sales"), {"active": False}),
    ],
)
def test_nobody_must_stay_when_no_super_admin_goes(before: Any, told: Mapping[str, Any]) -> None:
    kept = keep_member(facts(member=before, others=()), told, ACT)

    assert kept
    assert set(kept.relies_on) == {the_client(), a_user(), before}


def test_who_had_a_grant_that_lapsed_is_told_of_as_what_he_is_now() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW), previous=a_member(EMPLOYEE, "sales").place)
    kept = keep_member(facts(user=an_employee(), member=lapsed), {"permission_set": "sales", "active": False}, ACT)

    assert kept
    assert (kept.member.permission_set, kept.member.grant, kept.member.seat) == ("sales", None, Seat.CORE)
    assert not kept.member.active
    assert kept.before == lapsed


@pytest.mark.parametrize(
    ("account", "user", "active", "firms"),
    [
        (the_partner(), a_user(), True, {PARTNER}),
        (the_partner(), a_user(employed_by=frozenset({"partner-south"})), True, {PARTNER, "partner-south"}),
        (the_partner(), an_employee(APPROVER), False, set()),
        (the_partner(), a_user(), False, set()),
        (the_client(), an_employee(APPROVER), True, {PARTNER}),
        (the_client(), an_employee(APPROVER), False, {PARTNER}),
    ],
)
def test_who_is_active_in_a_partner_account_works_for_it(
    account: Account, user: Any, active: bool, firms: set[str]
) -> None:
    kept = keep_member(facts(account=account, user=user), {"permission_set": "sales", "active": active}, ACT)

    assert kept
    assert kept.employed_by == firms


def test_an_ended_grant_is_not_revived_by_the_directory() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW))

    with pytest.raises(InvalidField) as refused:
        keep_member(facts(member=lapsed), {"active": True}, ACT)

    assert pointers(refused) == ["/permission_set"]


def test_who_had_a_grant_comes_back_with_a_set_and_its_usual_seat() -> None:
    lapsed = a_partner_admin(grant=a_grant(expires_at=NOW))

    kept = keep_member(facts(member=lapsed), {"active": True, "permission_set": "view_only"}, ACT)

    assert kept
    assert (kept.member.active, kept.member.seat, kept.member.partner_id) == (True, Seat.VIEW_ONLY, None)


@pytest.mark.parametrize("told", [{"active": True}, {"email": "again@north.example"}, {"name": "Again"}])
def test_an_erased_person_comes_back_only_with_address_and_name(told: Mapping[str, Any]) -> None:
    erased = a_user(email=None, name="", active=False)

    with pytest.raises(MissingField):
        keep_user(erased.user_id, UserFacts(user=erased, owner=None), told, ACT)


# whose access follows


@pytest.mark.parametrize(
    ("account", "before", "told", "follows"),
    [
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER), {"active": False}, True),
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER, active=False), {"active": True}, True),
        (the_partner(), a_member(EMPLOYEE, "sales", account_id=PARTNER), {"permission_set": "service"}, False),
        (the_partner(), None, {"permission_set": "sales"}, False),
        (the_client(), a_member(EMPLOYEE, "sales"), {"active": False}, False),
    ],
)
def test_when_an_employee_stops_or_comes_back_his_access_everywhere_is_followed_up(
    account: Account, before: Member | None, told: Mapping[str, Any], follows: bool
) -> None:
    kept = keep_member(facts(account=account, user=an_employee(), member=before), told, ACT)

    assert kept
    assert kept.clean_up == (CleanUp(partner_id=PARTNER, user_id=EMPLOYEE) if follows else None)


def test_what_was_ended_as_a_whole_is_told_of_as_ended_and_not_revived() -> None:
    stale = a_partner_admin(access_generation=0)
    user = an_employee(offboardings={PARTNER: 1})

    with pytest.raises(InvalidField):
        keep_member(facts(user=user, member=stale), {"active": True}, ACT)
    kept = keep_member(facts(user=user, member=stale), {"active": True, "permission_set": "sales"}, ACT)

    assert kept
    assert kept.before == stale
    assert (kept.member.active, kept.member.partner_id, kept.member.access_generation, kept.member.grant) == (
        True,
        None,
        0,
        None,
    )


def test_a_member_whom_a_live_firm_brought_stays_its_own_when_his_set_changes() -> None:
    colleague = a_member(EMPLOYEE, "sales", partner_id=PARTNER, access_generation=1)
    kept = keep_member(
        facts(user=an_employee(offboardings={PARTNER: 1}), member=colleague), {"permission_set": "service"}, ACT
    )

    assert kept
    assert (kept.member.partner_id, kept.member.access_generation) == (PARTNER, 1)


def test_a_colleague_who_becomes_super_admin_is_here_for_nobody_but_the_client() -> None:
    colleague = a_member(EMPLOYEE, "view_only", partner_id=PARTNER, access_generation=1)
    person = an_actor(an_employee(offboardings={PARTNER: 1}), colleague, firms=[the_partner()])
    facts = MemberFacts(account=the_client(), target=person, others=())

    kept = keep_member(facts, {"permission_set": "super_admin"}, an_act())

    assert kept
    assert (kept.member.permission_set, kept.member.partner_id, kept.member.access_generation) == (
        "super_admin",
        None,
        0,
    )


def test_nobody_is_made_super_admin_while_he_is_suspended() -> None:
    stopped = a_member("user-clerk", "sales", suspended_by=frozenset({SuspensionReason.CLIENT}))
    facts = MemberFacts(account=the_client(), target=an_actor(a_user("user-clerk"), stopped), others=())

    with pytest.raises(GrantSuspended) as refused:
        keep_member(facts, {"permission_set": "super_admin"}, an_act())
    assert [each["pointer"] for each in refused.value.errors] == ["/permission_set"]
    assert keep_member(facts, {"permission_set": "service"}, an_act())


@pytest.mark.parametrize("side", [SuspensionReason.CLIENT, SuspensionReason.PARTNER])
@pytest.mark.parametrize(
    ("former", "told"),
    [("sales", {"permission_set": "super_admin", "active": True}), ("super_admin", {"active": True})],
)
def test_nobody_comes_back_as_super_admin_while_a_suspension_has_outlived_his_membership(
    side: SuspensionReason, former: str, told: Mapping[str, Any]
) -> None:
    stopped = a_member("user-clerk", former, suspended_by=frozenset({side}), active=False)
    facts = MemberFacts(account=the_client(), target=an_actor(a_user("user-clerk"), stopped), others=(OTHER_BOSS,))

    with pytest.raises(GrantSuspended):
        keep_member(facts, told, an_act())
