"""What is due, from the index: as it is now, and nothing that has gone."""

from datetime import timedelta

from partner_access.domain.grants import Lapsed
from partner_access.store import expiry, keys
from tests.builders import CLIENT, EMPLOYEE, a_grant, a_partner_admin
from tests.table import Table
from tests.worlds import a_world, an_open_link, now


def test_links_and_grants_are_due_from_their_end_on(table: Table) -> None:
    at = now()
    lapsed = a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=at))
    a_world(table, an_open_link(expires_at=at), lapsed)

    found = list(expiry.due(at))

    assert {type(each).__name__ for each in found} == {"Link", "Lapsed"}
    (due,) = (each for each in found if isinstance(each, Lapsed))
    assert (due.member, due.account.account_id) == (lapsed, CLIENT)
    assert list(expiry.due(at - timedelta(seconds=1))) == []


def test_what_the_index_still_shows_and_is_gone_is_passed_by(table: Table) -> None:
    at = now()
    member = a_partner_admin(EMPLOYEE, grant=a_grant(expires_at=at))
    ghosts = {"due_shard": "DUE#0", "due_at": at}
    table.put(keys.of(member), {**dict(member), **ghosts})

    assert list(expiry.due(at)) == [], "its account is not there"
