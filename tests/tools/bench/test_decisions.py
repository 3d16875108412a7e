"""The reads of an access decision. Times depend on the machine and are not tested."""

import pytest

from functions.decide_access.app import handler
from tools.bench import decisions

EXPECTED_READS = {
    "a client's super admin": (1, 6),
    "a partner admin": (2, 14),
    "an unknown user": (1, 6),
    "a batch of 20 on one partner admin": (2, 14),
}
"""Requests and read units. A transactional read costs two units for each item."""


@pytest.mark.parametrize("case", sorted(EXPECTED_READS))
def test_decision_reads_expected_units(case: str, monkeypatch: pytest.MonkeyPatch, environment: None) -> None:
    monkeypatch.setattr(decisions, "CALLS", 2)
    monkeypatch.setattr(decisions, "WARM_UP", 0)
    event, _ = decisions.cases()[case]

    with decisions.fake_dynamodb() as fake:
        measured = decisions.measure(handler, event, fake)

    assert (measured.requests, measured.units) == EXPECTED_READS[case]
