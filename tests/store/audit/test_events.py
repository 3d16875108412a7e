"""Current records for events: read together, returned in the order of the entries, in few requests."""

from partner_access.domain.audit.events import RecordSnapshots
from partner_access.domain.records import DIRECTORY_LOG_ID, AuditEntry, audit
from partner_access.store.audit import events
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    an_act,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.costs import count_costs
from tests.support.seeded_table import a_partner_account_member
from tests.support.table import Table

ABOUT_EMPLOYEE = audit("grant.expired", an_act(), CLIENT, PARTNER, employee_id=EMPLOYEE, grant_id="grt_2")
WITHOUT_USER = audit("account.updated", an_act(), CLIENT, fields=["name"])


def test_now_returns_records_of_each_account(table: Table) -> None:
    table.put_records(
        the_client(),
        the_partner(),
        an_employee(),
        a_user(),
        a_partner_admin(),
        a_member(),
        a_partner_account_member(EMPLOYEE),
    )

    found = events.current_records(
        [
            (CLIENT, ABOUT_EMPLOYEE),
            (PARTNER, ABOUT_EMPLOYEE),
            (CLIENT, WITHOUT_USER),
            (DIRECTORY_LOG_ID, ABOUT_EMPLOYEE),
        ]
    )

    assert found == [
        RecordSnapshots.of(the_client(), a_partner_admin(), an_employee()),
        RecordSnapshots.of(the_partner(), a_partner_account_member(EMPLOYEE), an_employee()),
        RecordSnapshots.of(the_client(), None, None),
        RecordSnapshots.of(None, None, an_employee()),
    ]


def test_now_for_missing_records_is_empty(table: Table) -> None:
    assert events.current_records([(CLIENT, ABOUT_EMPLOYEE)]) == [RecordSnapshots()]


def test_now_without_entries_reads_nothing(table: Table) -> None:
    with count_costs(table) as costs:
        assert events.current_records([]) == []
    assert costs.requests == 0


def test_now_for_same_user_100_times_costs_one_read(table: Table) -> None:
    table.put_records(the_client(), an_employee(), a_partner_admin())
    entries: list[tuple[str, AuditEntry]] = [(CLIENT, ABOUT_EMPLOYEE)] * 100

    with count_costs(table) as costs:
        assert len(events.current_records(entries)) == 100

    assert (costs.reads, costs.writes) == (1, 0)


def test_now_for_100_users_costs_three_reads(table: Table) -> None:
    entries = [
        (f"client-{number}", audit("member.removed", an_act(), f"client-{number}", user_id=f"{APPROVER}-{number}"))
        for number in range(100)
    ]

    with count_costs(table) as costs:
        assert events.current_records(entries) == [RecordSnapshots()] * 100

    assert (costs.reads, costs.writes) == (3, 0)
