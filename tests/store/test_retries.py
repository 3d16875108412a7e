"""Pauses between retries of AWS requests. `test_dynamo.py` checks that the table uses them."""

import pytest

from partner_access.store import retries


def test_pauses_double_and_last_attempt_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("partner_access.store.retries.time.sleep", pauses.append)
    monkeypatch.setattr("partner_access.store.retries.random.uniform", lambda _, at_most: at_most)

    attempts = list(retries.pauses())
    for pause in attempts:
        pause()

    assert len(attempts) == retries.ATTEMPTS
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8]
