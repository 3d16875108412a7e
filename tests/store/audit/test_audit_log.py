"""Audit log in the table: entries of a time range, newest first, paged, in few requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from partner_access.domain.audit.audit_log import EPOCH, Span
from partner_access.domain.records import audit
from partner_access.store import keys
from partner_access.store.audit import audit_log
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    NOW,
    PARTNER,
    a_custom_set,
    a_member,
    a_partner_admin,
    an_act,
)
from tests.support.costs import count_costs
from tests.support.seeded_table import CLERK, seed
from tests.support.table import Table

MILLISECOND, DAY = timedelta(milliseconds=1), timedelta(days=1)
LAST_DAY = Span(NOW - DAY)


def act_id_at(moment: datetime, rest: str = "7000" + "0" * 16) -> str:
    """Return the id of an act at this moment."""
    milliseconds = (moment - EPOCH) // MILLISECOND
    return f"{milliseconds:012x}{rest}"


def add_entries(table: Table, *moments: datetime, **details: Any) -> None:
    for moment in moments:
        entry = audit("link.approved", an_act(id=act_id_at(moment), at=moment), CLIENT, PARTNER, **details)
        table.put(keys.audit(CLIENT, entry.audit_id), dict(entry))


def entry_times(span: Span, **options: Any) -> list[datetime]:
    page = audit_log.page(CLIENT, span, **{"after": None, "limit": 100, **options})
    return [entry.at for entry in page.entries]


def test_audit_page_is_newest_first(table: Table) -> None:
    add_entries(table, NOW - DAY, NOW, NOW - 2 * DAY)

    assert entry_times(Span(NOW - 3 * DAY)) == [NOW, NOW - DAY, NOW - 2 * DAY]


def test_audit_page_span_includes_start_and_excludes_end(table: Table) -> None:
    end = NOW + DAY
    add_entries(table, NOW - MILLISECOND, NOW, end - MILLISECOND, end)

    page = audit_log.page(CLIENT, Span(NOW, end), after=None, limit=100)

    assert [entry.audit_id for entry in page.entries] == [f"aud_{act_id_at(each)}" for each in (end - MILLISECOND, NOW)]
    assert entry_times(Span(NOW, NOW)) == []


def test_audit_page_span_without_end_is_unbounded(table: Table) -> None:
    add_entries(table, NOW, datetime(9999, 12, 31, tzinfo=UTC))

    assert len(entry_times(LAST_DAY)) == 2


def test_audit_page_span_of_millisecond_includes_all_its_ids(table: Table) -> None:
    for rest in ("0" * 20, "f" * 20):
        entry = audit("link.approved", an_act(id=act_id_at(NOW, rest)), CLIENT)
        table.put(keys.audit(CLIENT, entry.audit_id), dict(entry))

    assert len(entry_times(Span(NOW, NOW + MILLISECOND))) == 2
    assert entry_times(Span(NOW - DAY, NOW)) == entry_times(Span(NOW + MILLISECOND)) == []


def test_audit_page_details_keep_nested_integers(table: Table) -> None:
    add_entries(table, NOW, counts=[2, {"most": 10}])

    (entry,) = audit_log.page(CLIENT, LAST_DAY, after=None, limit=1).entries

    assert entry.at == NOW
    assert f"{entry.details}" == "{'counts': [2, {'most': 10}]}"


def test_audit_page_entry_of_act_part_has_time_of_act(table: Table) -> None:
    entry = audit("link.approved", an_act(id=act_id_at(NOW)).for_item("one of many"), CLIENT)
    table.put(keys.audit(CLIENT, entry.audit_id), dict(entry))

    assert len(entry_times(Span(NOW, NOW + MILLISECOND))) == 1


def test_audit_page_of_empty_span_is_empty(table: Table) -> None:
    add_entries(table, NOW)

    assert entry_times(Span(EPOCH, EPOCH)) == entry_times(Span(EPOCH, EPOCH + DAY)) == []
    assert entry_times(Span(EPOCH)) == [NOW]


def test_audit_page_excludes_other_accounts(table: Table) -> None:
    add_entries(table, NOW)

    assert audit_log.page(PARTNER, LAST_DAY, after=None, limit=100) == audit_log.Page()


def test_audit_page_details_can_be_serialized(table: Table) -> None:
    add_entries(table, NOW, given={"access_days": 60, "removed": ["crm.import"]}, counts=[1, 2], active=True)

    (entry,) = audit_log.page(CLIENT, LAST_DAY, after=None, limit=100).entries

    assert entry.details == {"given": {"access_days": 60, "removed": ["crm.import"]}, "counts": [1, 2], "active": True}
    assert entry.model_dump_json()


def test_audit_page_includes_known_users_and_accounts(table: Table) -> None:
    seed(table)
    add_entries(table, NOW, employee_id=EMPLOYEE)
    add_entries(table, NOW + MILLISECOND, user_id="user-unknown")

    page = audit_log.page(CLIENT, LAST_DAY, after=None, limit=100)

    assert {user_id: user.name for user_id, user in page.users.items()} == {APPROVER: "Approver", EMPLOYEE: "Employee"}
    assert {account_id: each.name for account_id, each in page.accounts.items()} == {
        CLIENT: "The Bakery",
        PARTNER: "North Partners",
    }


def test_audit_page_continues_after_last_entry(table: Table) -> None:
    add_entries(table, *(NOW + number * MILLISECOND for number in range(3)))

    first = audit_log.page(CLIENT, LAST_DAY, after=None, limit=2)

    assert first.after == f"aud_{act_id_at(NOW + MILLISECOND)}"
    assert entry_times(LAST_DAY, after=first.after) == [NOW]


def test_audit_page_after_cursor_before_start_is_empty(table: Table) -> None:
    add_entries(table, NOW)
    first = f"aud_{act_id_at(LAST_DAY.start)}"
    before = f"aud_{act_id_at(LAST_DAY.start - MILLISECOND)}"

    for after, requests in ((first, 1), (before, 0)):
        with count_costs(table) as costs:
            assert audit_log.page(CLIENT, LAST_DAY, after=after, limit=2) == audit_log.Page()
        assert costs.requests == requests


def test_audit_page_costs_two_requests(table: Table) -> None:
    seed(table)
    add_entries(table, *(NOW + number * MILLISECOND for number in range(1000)), employee_id=EMPLOYEE)

    for limit in (1, 25, 100):
        with count_costs(table) as costs:
            page = audit_log.page(CLIENT, LAST_DAY, after=None, limit=limit)
        assert (len(page.entries), costs.requests) == (limit, 2)


def test_audit_log_reader_includes_partners_and_custom_sets(table: Table) -> None:
    seed(table, a_partner_admin(), a_custom_set(), a_member(CLERK, CUSTOM_SET))

    assert set(audit_log.facts_for_reading(CLIENT, EMPLOYEE).reader.partners) == {PARTNER}
    assert set(audit_log.facts_for_reading(CLIENT, CLERK).reader.sets) == {CUSTOM_SET}
    found = audit_log.facts_for_reading(CLIENT, APPROVER)
    assert found.account
    assert found.account.account_id == CLIENT
    assert audit_log.facts_for_reading("client-unknown", APPROVER).account is None
