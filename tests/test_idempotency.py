"""Stored responses."""

from partner_access.domain.errors import NoSeatLeft, StaleFacts
from partner_access.idempotency import StoredResponseFound


def test_stale_facts_and_stored_response_carry_their_values() -> None:
    assert StaleFacts(NoSeatLeft).error is NoSeatLeft
    assert (str(StaleFacts(NoSeatLeft)), str(StoredResponseFound(201, "{}"))) == ("no_seat_left", "201")
    assert (StoredResponseFound(201, "{}").status, StoredResponseFound(201, "{}").body) == (201, "{}")
