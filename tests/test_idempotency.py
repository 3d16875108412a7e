"""Stored responses."""

from partner_access.domain.errors import NoSeatLeft, Overtaken
from partner_access.idempotency import Replayed


def test_who_is_overtaken_knows_what_that_means_and_a_replay_what_was_answered() -> None:
    assert Overtaken(NoSeatLeft).refusal is NoSeatLeft
    assert (str(Overtaken(NoSeatLeft)), str(Replayed(201, "{}"))) == ("no_seat_left", "201")
    assert (Replayed(201, "{}").status, Replayed(201, "{}").answer) == (201, "{}")
