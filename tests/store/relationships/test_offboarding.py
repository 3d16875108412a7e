"""Offboarding in the table: the write and its conditions, and the users, accounts and links a reconciliation finds."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.errors import RightsChanged, StaleFacts
from partner_access.domain.notifications import Reconciliation, ReconciliationReason
from partner_access.domain.relationships import offboarding
from partner_access.store import keys
from partner_access.store.relationships import offboarding as stored
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.seeded_table import COLLEAGUE, MANAGER, a_partner_account_member, an_open_link, now, seed
from tests.support.table import Table, differences

SOUTH = "partner-south"
OFFBOARDING = Reconciliation(partner_id=PARTNER, user_id=EMPLOYEE, reason=ReconciliationReason.OFFBOARDED)


def offboarded(by: str = MANAGER) -> offboarding.EmployeeOffboarded:
    return offboarding.offboard_employee(stored.facts(PARTNER, EMPLOYEE, by), an_act(by))


def test_offboarding_facts_cost_two_reads(table: Table) -> None:
    seed(table, a_partner_account_member(MANAGER, CUSTOM_SET), a_custom_set(account_id=PARTNER))

    with count_costs(table) as costs:
        facts = stored.facts(PARTNER, EMPLOYEE, MANAGER)

    assert costs.reads == 2
    assert facts.partner == the_partner(custom_set_count=1)
    assert facts.employee.member == a_partner_account_member(EMPLOYEE)
    assert set(facts.actor.sets) == {CUSTOM_SET}


def test_offboarding_facts_of_empty_table_are_empty(table: Table) -> None:
    facts = stored.facts(PARTNER, EMPLOYEE, MANAGER)

    assert (facts.partner, facts.actor.user, facts.employee.user) == (None, None, None)


@pytest.mark.parametrize("employed", [True, False])
def test_record_offboarding_increments_count_and_queues_reconciliation(table: Table, employed: bool) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, active=employed))

    stored.record_offboarding(offboarded(), None)

    user = table.get(keys.user(EMPLOYEE))
    assert user
    assert (user["offboardings"], user["version"]) == ({PARTNER: 1}, 2)
    assert user.get("employed_by") == ({PARTNER} if employed else None)
    (item,) = stored.queued()
    waiting = stored.QueuedReconciliation.model_validate(item)
    assert (waiting.reconciliation, waiting.actor_id, waiting.act_id) == (OFFBOARDING, MANAGER, an_act().id)
    assert waiting.act(NOW + timedelta(days=1)) == an_act(MANAGER, at=NOW + timedelta(days=1), random="")


@pytest.mark.parametrize("employed", [True, False])
@pytest.mark.parametrize("key", [keys.user(EMPLOYEE), keys.user(MANAGER), keys.member(PARTNER, MANAGER)])
def test_record_offboarding_after_concurrent_change_raises_stale_facts(
    table: Table, key: keys.Key, employed: bool
) -> None:
    seed(table, a_partner_account_member(EMPLOYEE, active=employed))
    decided = offboarded()
    table.change(key, version=7)
    before = table.items()

    with pytest.raises(StaleFacts) as overtaken:
        stored.record_offboarding(decided, None)

    assert overtaken.value.error is RightsChanged
    assert differences(before, table.items()) == []


# the queue


def queue_item(table: Table, name: str, **more: object) -> dict[str, Any]:
    key = keys.reconciliation(name)
    table.put(key, {"act_id": name, "actor_id": MANAGER, "queued_at": NOW, "reconciliation": OFFBOARDING, **more})
    found = table.get(key)
    assert found
    return found


def test_queued_reconciliations_of_all_shards_are_oldest_first(table: Table) -> None:
    names = [f"{number:032x}" for number in range(20)]
    for name in reversed(names):
        queue_item(table, name)

    assert [item["act_id"] for item in stored.queued()] == names
    assert len({keys.reconciliation(name).pk for name in names}) > 4


@pytest.mark.parametrize(
    ("next_at", "due"),
    [(None, True), (NOW - timedelta(seconds=1), True), (NOW, True), (NOW + timedelta(seconds=1), False), ("x", True)],
)
def test_is_due_before_next_at_is_false(table: Table, next_at: object, due: bool) -> None:
    assert stored.is_due(queue_item(table, "1", next_at=next_at), NOW) is due


@pytest.mark.parametrize(
    ("queued_at", "late"),
    [
        (NOW - timedelta(minutes=15), True),
        (NOW - timedelta(minutes=15, seconds=-1), False),
        (NOW, False),
        (None, True),
    ],
)
def test_is_late_after_15_minutes_is_true(table: Table, queued_at: object, late: bool) -> None:
    assert stored.is_late(queue_item(table, "1", queued_at=queued_at), NOW) is late


def test_postpone_sets_next_at_and_done_removes_item(table: Table) -> None:
    item = queue_item(table, "1")

    stored.postpone(item, NOW)
    (stored_record,) = stored.queued()
    assert stored_record == {**item, "next_at": int(NOW.timestamp())}

    stored.complete(item)
    stored.complete(item)
    stored.postpone(item, NOW)
    assert list(stored.queued()) == []


# affected users and accounts


def test_reconciliation_users_are_one_or_all_current_and_former(table: Table) -> None:
    seed(table, a_user("user-former"), a_partner_account_member("user-former", active=False))

    assert list(stored.user_ids(OFFBOARDING)) == [EMPLOYEE]
    assert list(stored.user_ids(Reconciliation(user_id=APPROVER))) == [APPROVER]
    assert set(stored.user_ids(Reconciliation(partner_id=PARTNER))) == {MANAGER, EMPLOYEE, COLLEAGUE, "user-former"}
    assert list(stored.user_ids(Reconciliation(partner_id=SOUTH))) == []


def many_clients(count: int) -> list[Any]:
    return [
        record
        for number in range(count)
        for record in (
            the_client(account_id=f"client-{number:03}"),
            a_partner_admin(account_id=f"client-{number:03}", grant=a_grant(grant_id=f"grt_{number:032x}")),
        )
    ]


def test_reconciliation_page_lists_client_accounts_by_id(table: Table) -> None:
    seed(table, *many_clients(104))

    first = stored.page(OFFBOARDING, EMPLOYEE, an_act())
    rest = stored.page(OFFBOARDING, EMPLOYEE, an_act(), after=first.after)

    assert [each.account.account_id for each in (*first.affected, *rest.affected)] == [
        f"client-{number:03}" for number in range(104)
    ]
    assert rest.after is None
    assert len(list(stored.all_of(OFFBOARDING, EMPLOYEE, an_act()))) == 104
    assert [each.account.account_id for each in stored.page(OFFBOARDING, EMPLOYEE, an_act(), limit=2).affected] == [
        "client-000",
        "client-001",
    ]


def test_reconciliation_account_includes_member_partner_and_set(table: Table) -> None:
    south = the_partner(account_id=SOUTH, domains=())
    member = a_member(EMPLOYEE, CUSTOM_SET, partner_id=SOUTH)
    seed(table, south, a_custom_set(), member)

    (found,) = stored.all_of(OFFBOARDING, EMPLOYEE, an_act())

    assert (found.reconciliation, found.partner, found.subject.member) == (OFFBOARDING, the_partner(), member)
    assert set(found.subject.partners) == {SOUTH}
    assert set(found.subject.sets) == {CUSTOM_SET}
    assert not any(other.user for other in found.other_super_admins)
    assert (found.recorded_event, found.is_program_recorded) == (None, False)


def test_reconciliation_account_of_super_admin_includes_other_super_admins(table: Table) -> None:
    seed(table, a_member(EMPLOYEE))

    (found,) = stored.all_of(Reconciliation(user_id=EMPLOYEE), EMPLOYEE, an_act())

    assert found.partner is None
    assert [other.member for other in found.other_super_admins] == [a_member(APPROVER)]


def test_reconciliation_account_records_what_was_reported(table: Table) -> None:
    act = an_act(MANAGER)
    stopped = Reconciliation(partner_id=PARTNER, reason=ReconciliationReason.PROGRAM_STOPPED)
    seed(table, a_partner_admin(), the_partner(program="suspended"))
    (found,) = stored.all_of(stopped, EMPLOYEE, act)

    assert stored.notify_of_program_change(found, act)
    assert stored.reconcile(found, EMPLOYEE, act)

    (reported,) = stored.all_of(stopped, EMPLOYEE, act)
    assert (reported.recorded_event, reported.is_program_recorded) == ("member.suspended", True)
    (other,) = stored.all_of(OFFBOARDING, EMPLOYEE, act)
    assert not other.is_program_recorded
    (later,) = stored.all_of(stopped, EMPLOYEE, an_act(id="f" * 32))
    assert (later.recorded_event, later.is_program_recorded) == (None, False)
    before = table.items()
    assert not stored.notify_of_program_change(found, act)
    assert not stored.reconcile(found, EMPLOYEE, act)
    assert differences(before, table.items()) == []
    assert stored.notify_of_program_change(reported, act)
    assert stored.reconcile(reported, EMPLOYEE, act)


def test_reconciliation_acts_have_distinct_ids() -> None:
    act = an_act()
    names = {
        stored.member_part(act, CLIENT, EMPLOYEE).id,
        stored.member_part(act, CLIENT, COLLEAGUE).id,
        stored.member_part(act, "client-2", EMPLOYEE).id,
        stored.account_part(act, CLIENT).id,
        stored.account_part(act, "client-2").id,
    }

    assert len(names) == 5
    assert stored.member_part(act, CLIENT, EMPLOYEE) == stored.member_part(act, CLIENT, EMPLOYEE)


@pytest.mark.parametrize("key", [keys.user(EMPLOYEE), keys.account(PARTNER), keys.member(CLIENT, EMPLOYEE)])
def test_follow_suspension_after_concurrent_change_writes_nothing(table: Table, key: keys.Key) -> None:
    seed(table, a_partner_admin(), an_employee(active=False))
    (found,) = stored.all_of(Reconciliation(user_id=EMPLOYEE), EMPLOYEE, an_act())
    table.change(key, version=7)
    before = table.items()

    assert not stored.reconcile(found, EMPLOYEE, an_act())
    assert differences(before, table.items()) == []


def test_follow_end_relies_on_membership_only(table: Table) -> None:
    seed(table, a_partner_admin(), an_employee(offboardings={PARTNER: 1}))
    (found,) = stored.all_of(OFFBOARDING, EMPLOYEE, an_act())
    table.change(keys.user(EMPLOYEE), version=7)
    table.change(keys.account(PARTNER), version=7)
    assert stored.reconcile(found, EMPLOYEE, an_act())

    seed(table, a_partner_admin(), an_employee(offboardings={PARTNER: 1}))
    table.change(keys.member(CLIENT, EMPLOYEE), version=7)
    assert not stored.reconcile(found, EMPLOYEE, an_act(id="f" * 32))


def test_follow_end_with_seat_count_zero_writes_nothing(table: Table) -> None:
    """Check that the seat count never becomes negative, even if it disagrees with the members."""
    seed(table, a_partner_admin(), an_employee(offboardings={PARTNER: 1}))
    (found,) = stored.all_of(OFFBOARDING, EMPLOYEE, an_act())
    table.change(keys.account(CLIENT), partner_seats_used=0)
    before = table.items()

    assert not stored.reconcile(found, EMPLOYEE, an_act())
    assert differences(before, table.items()) == []


def test_tell_of_program_after_partner_change_writes_nothing(table: Table) -> None:
    seed(table, a_partner_admin(), the_partner(program="suspended"))
    (found,) = stored.all_of(
        Reconciliation(partner_id=PARTNER, reason=ReconciliationReason.PROGRAM_STOPPED), EMPLOYEE, an_act()
    )
    table.change(keys.account(PARTNER), version=7)

    assert not stored.notify_of_program_change(found, an_act())


# links


def void_link_ids(reconciliation: Reconciliation, user_id: str = EMPLOYEE) -> list[str]:
    return [link.link_id for link in stored.void_links(reconciliation, user_id, now())]


def test_void_links_are_those_of_older_access_generation(table: Table) -> None:
    south = the_partner(account_id=SOUTH, domains=("north.example",))
    later_link, colleagues_link, ended_link, south_link = (f"lnk_{each * 32}" for each in "4567")
    seed(
        table,
        south,
        a_partner_account_member(EMPLOYEE, account_id=SOUTH),
        an_employee(offboardings={PARTNER: 1}),
        an_open_link(link_id=later_link, access_generation=1),
        an_open_link(link_id=colleagues_link, employee_id=COLLEAGUE),
        an_open_link(link_id=ended_link, stored_state="declined"),
        an_open_link(link_id=south_link, partner_id=SOUTH),
    )

    assert void_link_ids(OFFBOARDING) == [LINK]
    assert void_link_ids(Reconciliation(user_id=EMPLOYEE, reason=ReconciliationReason.ERASED)) == [LINK]
    assert void_link_ids(Reconciliation(partner_id=PARTNER, reason=ReconciliationReason.PROGRAM_ENDED)) == [LINK]
    assert void_link_ids(Reconciliation(user_id=EMPLOYEE)) == []
    assert (
        void_link_ids(Reconciliation(partner_id=SOUTH, user_id=EMPLOYEE, reason=ReconciliationReason.OFFBOARDED)) == []
    )
    assert void_link_ids(OFFBOARDING, COLLEAGUE) == []
    assert (
        void_link_ids(Reconciliation(user_id="user-unknown", reason=ReconciliationReason.ERASED), "user-unknown") == []
    )


def test_void_links_over_several_pages_are_complete(table: Table) -> None:
    seed(
        table,
        an_employee(offboardings={PARTNER: 1}),
        *(an_open_link(link_id=f"lnk_{each:032x}") for each in range(101)),
    )

    assert len(void_link_ids(OFFBOARDING)) == 102


def test_withdraw_void_link_twice_writes_once(table: Table) -> None:
    seed(table, an_employee(offboardings={PARTNER: 1}))
    (link,) = stored.void_links(OFFBOARDING, EMPLOYEE, now())
    act = an_act(MANAGER, at=now())

    assert stored.revoke(link, act)
    assert not stored.revoke(link, act)

    stored_record, user = table.get(keys.link(PARTNER, LINK)), table.get(keys.user(EMPLOYEE))
    assert stored_record
    assert user
    assert (stored_record["stored_state"], user["open_links"]) == ("revoked", 0)
    assert len(table.items_with_prefix("AUDIT#")) == 1
