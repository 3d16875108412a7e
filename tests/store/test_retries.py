"""Pauses between retries of AWS requests. `test_dynamo.py` checks that the table uses them."""

import pytest

from partner_access.store import retries


@pytest.mark.parametrize("number", [retries.ATTEMPTS, retries.NARROWING_ATTEMPTS])
def test_pauses_double_up_to_maximum_and_last_attempt_has_none(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("partner_access.store.retries.time.sleep", pauses.append)
    monkeypatch.setattr("partner_access.store.retries.random.uniform", lambda _, at_most: at_most)

    attempts = list(retries.pauses(number))
    for pause in attempts:
        pause()

    assert len(attempts) == number
    assert pauses == ([0.05, 0.1, 0.2, 0.4] + [0.8] * 7)[: number - 1]
