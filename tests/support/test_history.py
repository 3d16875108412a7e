"""The checker of histories sees what cannot be, and lets be what can."""

import pytest

from tests.support.history import Act, Check, History

TAKEN = Act(frozenset({"client"}), takes=True, began=10, ended=11)


def given(began: float, ended: float | None, *causes: str) -> Act:
    return Act(frozenset(causes or {"client"}), takes=False, began=began, ended=ended)


YES = Check(12, 13, permits=True)


@pytest.mark.parametrize(
    ("acts", "check"),
    [
        ([], YES),
        ([TAKEN], Check(12, 13, permits=False)),
        # it began before the taking had its answer
        ([TAKEN], Check(10.9, 13, permits=True)),
        ([TAKEN], Check(11, 13, permits=True)),
        ([TAKEN], Check(5, 6, permits=True)),
        # what was given may have come after what was taken
        ([TAKEN, given(11.5, 11.8)], YES),
        ([TAKEN, given(11.5, None)], YES),
        ([TAKEN, given(12.9, 20)], YES),
        ([TAKEN, given(9, 10.5)], YES),
        ([TAKEN, given(10.5, 10.6)], YES),
        ([TAKEN, given(11.5, 11.8, "grant", "client", "partner")], YES),
        ([TAKEN, Act(frozenset({"grant"}), takes=True, began=1, ended=2), given(11.5, 11.8, "grant", "client")], YES),
    ],
)
def test_what_can_be(acts: list[Act], check: Check) -> None:
    assert History(acts, [check]).impossible() == []


@pytest.mark.parametrize(
    "acts",
    [
        [TAKEN],
        [TAKEN, TAKEN],
        # given before it was taken, or not yet
        [given(8, 9.9), TAKEN],
        [TAKEN, given(13.1, 14)],
        [TAKEN, given(13.1, None)],
        # given for another cause
        [TAKEN, given(11.5, 11.8, "partner")],
        # taken again
        [TAKEN, given(11.1, 11.2), Act(frozenset({"client"}), takes=True, began=11.5, ended=11.6)],
        # taken for two causes, of which one is left
        [TAKEN, Act(frozenset({"grant"}), takes=True, began=10, ended=11), given(11.5, 11.8, "grant")],
    ],
)
def test_what_cannot_be(acts: list[Act]) -> None:
    checks = [Check(1, 2, permits=True), YES, Check(12, 13, permits=False)]

    assert History(acts, checks).impossible() == [YES]
    assert len(History(acts, checks).telling()) == 2


def test_what_took_nothing_for_certain_is_not_held_against_anybody() -> None:
    history = History()
    with pytest.raises(TimeoutError), history.taking("client"):
        raise TimeoutError
    with pytest.raises(TimeoutError), history.giving("client"):
        raise TimeoutError

    (act,) = history.acts
    assert (act.takes, act.ended is None) == (False, False)


def test_what_was_refused_gave_nothing_back() -> None:
    refused = given(11.5, 11.8)
    history = History([TAKEN, refused], [YES])

    assert history.impossible() == []
    refused.came_to_nothing()
    assert history.impossible() == [YES]
