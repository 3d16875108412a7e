"""Tests of the history checker: it finds decisions that cannot be correct and accepts all others."""

import pytest

from tests.support.history import AccessChange, AccessCheck, History

REMOVED = AccessChange(frozenset({"client"}), removes_access=True, started=10, ended=11)


def restored(began: float, ended: float | None, *causes: str) -> AccessChange:
    return AccessChange(frozenset(causes or {"client"}), removes_access=False, started=began, ended=ended)


PERMITTED_CHECK = AccessCheck(12, 13, permits=True)


@pytest.mark.parametrize(
    ("acts", "check"),
    [
        ([], PERMITTED_CHECK),
        ([REMOVED], AccessCheck(12, 13, permits=False)),
        # the check began before the response to the removal
        ([REMOVED], AccessCheck(10.9, 13, permits=True)),
        ([REMOVED], AccessCheck(11, 13, permits=True)),
        ([REMOVED], AccessCheck(5, 6, permits=True)),
        # the restoration may have taken effect after the removal
        ([REMOVED, restored(11.5, 11.8)], PERMITTED_CHECK),
        ([REMOVED, restored(11.5, None)], PERMITTED_CHECK),
        ([REMOVED, restored(12.9, 20)], PERMITTED_CHECK),
        ([REMOVED, restored(9, 10.5)], PERMITTED_CHECK),
        ([REMOVED, restored(10.5, 10.6)], PERMITTED_CHECK),
        ([REMOVED, restored(11.5, 11.8, "grant", "client", "partner")], PERMITTED_CHECK),
        (
            [
                REMOVED,
                AccessChange(frozenset({"grant"}), removes_access=True, started=1, ended=2),
                restored(11.5, 11.8, "grant", "client"),
            ],
            PERMITTED_CHECK,
        ),
    ],
)
def test_history_accepts_decisions_that_can_be_correct(acts: list[AccessChange], check: AccessCheck) -> None:
    assert History(acts, [check]).wrong_checks() == []


@pytest.mark.parametrize(
    "acts",
    [
        [REMOVED],
        [REMOVED, REMOVED],
        # restored before the removal, or not yet
        [restored(8, 9.9), REMOVED],
        [REMOVED, restored(13.1, 14)],
        [REMOVED, restored(13.1, None)],
        # restored after another cause
        [REMOVED, restored(11.5, 11.8, "partner")],
        # removed again
        [
            REMOVED,
            restored(11.1, 11.2),
            AccessChange(frozenset({"client"}), removes_access=True, started=11.5, ended=11.6),
        ],
        # removed for two causes, of which one remains
        [
            REMOVED,
            AccessChange(frozenset({"grant"}), removes_access=True, started=10, ended=11),
            restored(11.5, 11.8, "grant"),
        ],
    ],
)
def test_history_reports_decisions_that_cannot_be_correct(acts: list[AccessChange]) -> None:
    checks = [AccessCheck(1, 2, permits=True), PERMITTED_CHECK, AccessCheck(12, 13, permits=False)]

    assert History(acts, checks).wrong_checks() == [PERMITTED_CHECK]
    assert len(History(acts, checks).relevant_checks()) == 2


def test_history_ignores_removals_that_raised() -> None:
    history = History()
    with pytest.raises(TimeoutError), history.removing_access("client"):
        raise TimeoutError
    with pytest.raises(TimeoutError), history.restoring_access("client"):
        raise TimeoutError

    (act,) = history.changes
    assert (act.removes_access, act.ended is None) == (False, False)


def test_history_ignores_restorations_that_were_refused() -> None:
    refused = restored(11.5, 11.8)
    history = History([REMOVED, refused], [PERMITTED_CHECK])

    assert history.wrong_checks() == []
    refused.was_refused()
    assert history.wrong_checks() == [PERMITTED_CHECK]
