"""The world that tests start from is sound, whatever is put into it."""

from datetime import timedelta

from tests.support.builders import CLIENT, EMPLOYEE, a_partner_admin
from tests.support.seeded_table import a_world, an_open_link, now
from tests.support.table import Table
from tools.invariants import broken


def test_the_usual_world_is_sound(table: Table) -> None:
    a_world(table)

    assert broken(table.items()) == []


def test_a_world_with_a_partner_admin_and_an_ended_link_is_sound(table: Table) -> None:
    a_world(
        table, a_partner_admin(EMPLOYEE), an_open_link(stored_state="revoked", expires_at=now() - timedelta(days=1))
    )

    assert broken(table.items()) == []
    assert next(item for item in table.items() if item.get("account_id") == CLIENT)["partner_seats_used"] == 1
