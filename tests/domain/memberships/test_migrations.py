"""Migrations of a super admin to partner admin: callers, losses, remaining super admins and errors."""

from collections.abc import Mapping
from typing import Any

import pytest

from partner_access.domain.accounts import AccountState, Pricing, Program
from partner_access.domain.errors import (
    AccountClosed,
    DomainError,
    Forbidden,
    InvalidField,
    LastSuperAdmin,
    NoSeatLeft,
    NotAClientAccount,
    NotEligible,
    NotFound,
    NotSuperAdmin,
)
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.members import GrantSource, Seat
from partner_access.domain.memberships.migrations import MigrationFacts, migrate
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.domain.permissions import catalogue
from tests.support.builders import (
    ACT_ID,
    APPROVER,
    CLIENT,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_member,
    a_partner_admin_actor,
    a_user,
    an_act,
    an_actor,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.set_versions import two_set_versions

TARGET = Actor(an_employee(), a_member(EMPLOYEE))
ADMIN = an_actor()
OTHER_PARTNER_EMPLOYEE = an_actor(an_employee("user-y", employed_by=frozenset({"partner-south"})))
MANAGES_USERS = an_actor(member=a_member(permission_set="sales", added=("account.users.manage",)))


def facts(**changes: Any) -> MigrationFacts:
    return MigrationFacts(
        **{
            "account": the_client(),
            "actor": ADMIN,
            "target": TARGET,
            "partner": the_partner(),
            "others": (ADMIN,),
            **changes,
        }
    )


def self_facts(**changes: Any) -> MigrationFacts:
    return facts(**{"actor": TARGET, **changes})


def test_migrate_other_super_admin_relies_on_caller_as_witness() -> None:
    other_super_admin = an_actor(a_user("user-boss"), a_member("user-boss"))
    done = migrate(facts(others=(other_super_admin, OTHER_PARTNER_EMPLOYEE, ADMIN)), an_act())

    assert done.before == TARGET.member
    assert (done.member.permission_set, done.member.seat, done.member.version) == ("partner_admin", Seat.PARTNER, 2)
    assert (done.member.partner_id, done.member.granted_by) == (PARTNER, APPROVER)
    assert done.member.since == a_member(EMPLOYEE).since
    assert (done.grant.grant_id, done.grant.source) == (f"grt_{ACT_ID}", GrantSource.MIGRATION)
    assert (done.grant.created_at, done.grant.expires_at) == (NOW, None)
    assert done.audit.event == "super_admin.migrated"
    assert done.audit.accounts == (CLIENT, PARTNER)
    assert done.audit.details["seat"] == {"before": "core", "after": "partner"}
    assert done.notification == Notification(
        kind=NotificationKind.SUPER_ADMIN_MIGRATED,
        employee_id=EMPLOYEE,
        actor_id=APPROVER,
        partner_id=PARTNER,
        account_id=CLIENT,
    )
    assert set(done.relies_on) == {the_client(), the_partner(), a_user(), a_member(), an_employee(), TARGET.member}


def test_migrate_self_relies_on_other_super_admin() -> None:
    done = migrate(self_facts(others=(OTHER_PARTNER_EMPLOYEE, ADMIN)), an_act(EMPLOYEE))

    assert done.member.granted_by == EMPLOYEE
    assert {ADMIN.user, ADMIN.member} <= set(done.relies_on)
    assert OTHER_PARTNER_EMPLOYEE.member not in done.relies_on


def test_migration_preview_loses_only_restricted_permissions() -> None:
    # domain.md rule 18
    preview = migrate(facts(), an_act()).preview

    assert set(preview.lost) == catalogue.RESTRICTED
    assert (preview.seat_before, preview.seat_after) == (Seat.CORE, Seat.PARTNER)
    assert (preview.remaining_super_admins, preview.remaining_are_partner_employees) == (1, False)
    assert not preview.paid_seat_required


def test_migrate_narrowed_super_admin_loses_only_held_permissions() -> None:
    removed, added = ("account.scim.manage", "crm.import"), ("crm.export",)
    super_admin = a_member(EMPLOYEE, added=added, removed=removed)
    done = migrate(facts(target=Actor(an_employee(), super_admin), partner=the_partner(terminations=2)), an_act())

    assert set(done.preview.lost) == catalogue.RESTRICTED - {"account.scim.manage"}
    assert (done.member.added, done.member.removed) == ((), ())
    assert done.member.access_generation == 2


def test_migrate_uses_latest_partner_admin_version() -> None:
    with two_set_versions():
        done = migrate(facts(), an_act())

    assert done.notification
    assert (done.member.set_version, done.notification.set_version) == (2, 2)


@pytest.mark.parametrize(
    ("others", "remaining", "are_partner_employees"),
    [
        ((OTHER_PARTNER_EMPLOYEE,), 1, True),
        ((OTHER_PARTNER_EMPLOYEE, ADMIN), 2, False),
        ((OTHER_PARTNER_EMPLOYEE, an_actor(a_user(active=False))), 1, True),
    ],
)
def test_migration_preview_counts_remaining_super_admins(
    others: tuple[Actor, ...], remaining: int, are_partner_employees: bool
) -> None:
    preview = migrate(self_facts(others=others), an_act(EMPLOYEE)).preview

    assert (preview.remaining_super_admins, preview.remaining_are_partner_employees) == (
        remaining,
        are_partner_employees,
    )


@pytest.mark.parametrize(
    ("seat", "paid", "stored"),
    [(Seat.CORE, (), ()), (Seat.SALES, (), (Seat.SALES,)), (Seat.CORE, (Seat.SERVICE,), (Seat.SERVICE,))],
)
def test_migrate_keeps_paid_seats(seat: Seat, paid: tuple[Seat, ...], stored: tuple[Seat, ...]) -> None:
    target = Actor(an_employee(), a_member(EMPLOYEE, seat=seat, paid_seats=paid))
    done = migrate(facts(target=target, account=the_client(pricing=Pricing.LEGACY)), an_act())

    assert (done.member.seat, done.member.paid_seats) == (Seat.PARTNER, stored)
    assert done.preview.paid_seat_required is (not stored)
    assert done.notification
    assert done.notification.paid_seat_required is (not stored)


def test_migrate_then_end_grant_does_not_restore_super_admin() -> None:
    ended = migrate(facts(), an_act()).member.ended()

    assert not ended.active
    assert not ended.is_super_admin


MIGRATION_ERRORS: list[tuple[Mapping[str, Any], type[DomainError]]] = [
    ({"account": None}, NotFound),
    ({"actor": Actor(a_user())}, NotFound),
    ({"actor": an_actor(a_user(active=False))}, Forbidden),
    ({"account": the_partner()}, NotAClientAccount),
    ({"actor": MANAGES_USERS}, Forbidden),
    ({"actor": a_partner_admin_actor(an_employee("user-x"))}, Forbidden),
    ({"account": the_client(state=AccountState.CLOSED)}, AccountClosed),
    ({"target": Actor()}, NotFound),
    ({"target": Actor(an_employee())}, NotFound),
    ({"target": Actor(an_employee(), a_member(EMPLOYEE, active=False))}, NotFound),
    ({"target": Actor(an_employee(), a_member(EMPLOYEE, "sales"))}, NotSuperAdmin),
    ({"target": a_partner_admin_actor()}, NotSuperAdmin),
    ({"partner": None, "partner_is_ambiguous": True}, InvalidField),
    ({"partner": None}, NotEligible),
    ({"target": Actor(a_user(EMPLOYEE), a_member(EMPLOYEE))}, NotEligible),
    ({"partner": the_partner(program=Program.SUSPENDED)}, NotEligible),
    ({"others": ()}, LastSuperAdmin),
    ({"others": (an_actor(a_user(active=False)),)}, LastSuperAdmin),
    ({"account": the_client(partner_seat_limit=0)}, NoSeatLeft),
]


@pytest.mark.parametrize(("changes", "error"), MIGRATION_ERRORS)
def test_migrate_with_invalid_facts_raises_error(changes: Mapping[str, Any], error: type[DomainError]) -> None:
    with pytest.raises(error):
        migrate(facts(**changes), an_act())


@pytest.mark.parametrize("first", range(len(MIGRATION_ERRORS)))
def test_migrate_with_several_problems_raises_first_error(first: int) -> None:
    changes, error = MIGRATION_ERRORS[first]
    for others, _ in MIGRATION_ERRORS[first + 1 :]:
        if not changes.keys() & others.keys():
            with pytest.raises(error):
                migrate(facts(**changes, **others), an_act())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"target": Actor(an_employee(), a_member(EMPLOYEE, "sales"))}, NotSuperAdmin),
        ({"partner": None}, NotEligible),
        ({"others": ()}, LastSuperAdmin),
        ({"account": the_client(partner_seat_limit=1, partner_seats_used=1)}, NoSeatLeft),
        ({"account": the_client(state=AccountState.CLOSED)}, AccountClosed),
    ],
)
def test_migrate_self_with_invalid_facts_raises_error(changes: Mapping[str, Any], error: type[DomainError]) -> None:
    actor = changes.get("target", TARGET)

    with pytest.raises(error):
        migrate(facts(**{**changes, "actor": actor}), an_act(EMPLOYEE))


def test_migrate_with_last_free_seat_succeeds() -> None:
    assert (
        migrate(facts(account=the_client(partner_seat_limit=2, partner_seats_used=1)), an_act()).member.seat
        is Seat.PARTNER
    )
