"""Tests of the records that tests start from: they are consistent, with any records added."""

from datetime import timedelta

from tests.support.builders import CLIENT, EMPLOYEE, a_partner_admin
from tests.support.seeded_table import an_open_link, now, seed
from tests.support.table import Table
from tools.invariants import violations


def test_default_records_are_consistent(table: Table) -> None:
    seed(table)

    assert violations(table.items()) == []


def test_default_records_with_partner_admin_and_ended_link_are_consistent(table: Table) -> None:
    seed(table, a_partner_admin(EMPLOYEE), an_open_link(stored_state="revoked", expires_at=now() - timedelta(days=1)))

    assert violations(table.items()) == []
    assert next(item for item in table.items() if item.get("account_id") == CLIENT)["partner_seats_used"] == 1
