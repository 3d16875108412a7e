"""Actors: built from two reads. The first read determines the keys of the second."""

from partner_access.domain.memberships.actors import Actor
from partner_access.store import dynamo, keys
from partner_access.store.memberships import actors
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.seeded_table import CLERK, seed
from tests.support.table import Table

SOUTH = "partner-south"
OTHER_SET = f"set_{'4' * 32}"


def read_actor(user_id: str) -> Actor:
    found = dynamo.read(actors.first_keys(CLIENT, user_id))
    found |= dynamo.read(actors.related_keys(found, CLIENT, user_id))
    return actors.actor(found, CLIENT, user_id)


def test_actor_includes_partner_of_membership(table: Table) -> None:
    seed(table, a_partner_admin())
    found = dynamo.read(actors.first_keys(CLIENT, EMPLOYEE))

    assert actors.related_keys(found, CLIENT, EMPLOYEE, "user-nobody") == [keys.account(PARTNER)]
    assert [keys.of(record) for record in read_actor(EMPLOYEE).relied_on] == [
        keys.user(EMPLOYEE),
        keys.member(CLIENT, EMPLOYEE),
        keys.account(PARTNER),
    ]


def test_actor_includes_partner_and_set_of_membership_alone(table: Table) -> None:
    seed(
        table,
        the_partner(account_id=SOUTH),
        a_custom_set(),
        a_custom_set(OTHER_SET),
        a_partner_admin(grant=a_grant(former_set=OTHER_SET)).next_version(permission_set=CUSTOM_SET),
    )

    actor = read_actor(EMPLOYEE)

    assert {name: partner.account_id for name, partner in actor.partners.items()} == {PARTNER: PARTNER}
    assert {name: own.set_id for name, own in actor.sets.items()} == {CUSTOM_SET: CUSTOM_SET}


def test_actor_omits_missing_partner_and_set(table: Table) -> None:
    seed(table, a_partner_admin().next_version(permission_set=CUSTOM_SET))
    actor = actors.actor(dynamo.read(actors.first_keys(CLIENT, EMPLOYEE)), CLIENT, EMPLOYEE)

    assert (actor.partners, actor.sets) == ({}, {})
    assert read_actor(EMPLOYEE).sets == {}


def test_actor_of_client_member_needs_no_second_read(table: Table) -> None:
    seed(table)
    found = dynamo.read(actors.first_keys(CLIENT, APPROVER))

    assert actors.related_keys(found, CLIENT, APPROVER) == []
    assert actors.actor(found, CLIENT, APPROVER).partners == {}


def test_sets_named_returns_only_custom_sets() -> None:
    assert actors.custom_set_keys(CLIENT, "sales", CUSTOM_SET, "super_admin") == {
        CUSTOM_SET: keys.permission_set(CLIENT, CUSTOM_SET)
    }


def test_actor_of_unknown_user_is_empty(table: Table) -> None:
    actor = actors.actor(dynamo.read(actors.first_keys(CLIENT, "user-nobody")), CLIENT, "user-nobody")

    assert actor.relied_on == ()


def test_super_admins_are_those_listed_except_excluded(table: Table) -> None:
    seed(table, a_member(CLERK))
    found = dynamo.read([keys.super_admins(CLIENT)])
    listed = actors.super_admin_ids(found, CLIENT)
    found |= dynamo.read(actors.first_keys_of_all(CLIENT, listed))

    assert listed == [APPROVER, CLERK]
    assert [each.user and each.user.user_id for each in actors.super_admins(found, CLIENT)] == listed
    (other,) = actors.super_admins(found, CLIENT, but=APPROVER)
    assert other.member is not None
    assert other.member.user_id == CLERK


def test_super_admin_ids_without_list_are_empty(table: Table) -> None:
    assert actors.super_admin_ids(dynamo.read([keys.super_admins(CLIENT)]), CLIENT) == []


def test_in_account_returns_actor_and_account_in_two_reads(table: Table) -> None:
    seed(table, a_custom_set(), a_member(EMPLOYEE, CUSTOM_SET, partner_id=PARTNER))

    with count_costs(table) as costs:
        caller, account = actors.in_account(CLIENT, EMPLOYEE)

    assert account
    assert (account.account_id, set(caller.partners), set(caller.sets)) == (CLIENT, {PARTNER}, {CUSTOM_SET})
    assert costs.reads == 2


def test_in_account_for_stranger_has_no_member_and_account(table: Table) -> None:
    seed(table, a_user("user-stranger"))

    caller, account = actors.in_account("client-nowhere", "user-stranger")

    assert (caller.member, account) == (None, None)
