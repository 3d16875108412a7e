"""Who acts is put together from two readings, the second of which the first one names."""

from partner_access.store import actors, dynamo, keys
from tests.builders import APPROVER, CLIENT, EMPLOYEE, PARTNER, a_member, a_partner_admin
from tests.table import Table
from tests.worlds import CLERK, a_world


def test_somebody_comes_with_the_firm_he_is_there_for(table: Table) -> None:
    a_world(table, a_partner_admin())
    found = dynamo.read(actors.keys_of(CLIENT, EMPLOYEE))
    firms = actors.firms_of(found, CLIENT, EMPLOYEE, "user-nobody")
    found |= dynamo.read(firms)

    actor = actors.actor(found, CLIENT, EMPLOYEE)

    assert firms == [keys.account(PARTNER)]
    assert [record and keys.of(record) for record in (actor.user, actor.member, actor.firm)] == [
        keys.user(EMPLOYEE),
        keys.member(CLIENT, EMPLOYEE),
        keys.account(PARTNER),
    ]


def test_a_firm_that_was_not_read_is_none(table: Table) -> None:
    a_world(table, a_partner_admin())

    assert actors.actor(dynamo.read(actors.keys_of(CLIENT, EMPLOYEE)), CLIENT, EMPLOYEE).firm is None


def test_the_clients_own_people_are_there_for_no_firm(table: Table) -> None:
    a_world(table)
    found = dynamo.read(actors.keys_of(CLIENT, APPROVER))

    assert actors.firms_of(found, CLIENT, APPROVER) == []
    assert actors.actor(found, CLIENT, APPROVER).firm is None


def test_nobody_is_no_one_with_nothing(table: Table) -> None:
    actor = actors.actor(dynamo.read(actors.keys_of(CLIENT, "user-nobody")), CLIENT, "user-nobody")

    assert actor.relied_on == ()


def test_super_admins_are_those_listed_but_for_one(table: Table) -> None:
    a_world(table, a_member(CLERK))
    found = dynamo.read([keys.super_admins(CLIENT)])
    listed = actors.super_admin_ids(found, CLIENT)
    found |= dynamo.read(actors.keys_of_all(CLIENT, listed))

    assert listed == [APPROVER, CLERK]
    assert [each.user and each.user.user_id for each in actors.super_admins(found, CLIENT)] == listed
    (other,) = actors.super_admins(found, CLIENT, but=APPROVER)
    assert other.member is not None
    assert other.member.user_id == CLERK


def test_an_account_without_a_list_has_no_super_admin(table: Table) -> None:
    assert actors.super_admin_ids(dynamo.read([keys.super_admins(CLIENT)]), CLIENT) == []
