"""Stored responses."""

from partner_access.domain.errors import NoSeatLeft, StaleFacts
from partner_access.idempotency import StoredResponseFound


def test_who_is_overtaken_knows_what_that_means_and_a_replay_what_was_answered() -> None:
    assert StaleFacts(NoSeatLeft).error is NoSeatLeft
    assert (str(StaleFacts(NoSeatLeft)), str(StoredResponseFound(201, "{}"))) == ("no_seat_left", "201")
    assert (StoredResponseFound(201, "{}").status, StoredResponseFound(201, "{}").body) == (201, "{}")
