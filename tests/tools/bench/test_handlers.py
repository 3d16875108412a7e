"""The handlers that are compared behave alike."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tools.bench import agreement, compared_handlers
from tools.template import ROOT

with_frameworks = pytest.mark.skipif(
    not (ROOT / ".venvs/bench/.made").exists(),
    reason="the frameworks are installed by `make bench`, which looks as well",
)


@pytest.fixture(scope="module")
def behaviors() -> dict[str, list[object]]:
    return {each.name: agreement.behavior(each) for each in compared_handlers.prepare_handlers()}


def test_behavior_of_the_product_is_the_response_and_requests_of_each_body() -> None:
    behavior = agreement.behavior(compared_handlers.product_handler())

    created, rejected = behavior[: len(agreement.VALID)], behavior[len(agreement.VALID) :]
    assert {status for status, _, _ in created} == {201}
    assert all(requests[-1][0] == "TransactWriteItems" for _, _, requests in created)
    assert rejected == [(422, [])] * len(agreement.INVALID)


@with_frameworks
@pytest.mark.parametrize("name", ["bare", "powertools", "fastapi_mangum", "chalice_pydantic", "flask_pydantic"])
def test_compared_handler_behaves_like_the_product(name: str, behaviors: dict[str, list[object]]) -> None:
    assert behaviors[name] == behaviors["ours"]


def test_must_agree_with_different_behavior_raises_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Iterator[list[object]] = iter([[(201, {"state": "open"}, [])], [(201, {"state": "closed"}, [])]])
    monkeypatch.setattr(agreement, "behavior", lambda _: next(seen))
    monkeypatch.setattr(agreement, "VALID", ({},))
    monkeypatch.setattr(agreement, "INVALID", ())

    with pytest.raises(agreement.Disagreement, match="closed"):
        agreement.check_agreement(
            [compared_handlers.product_handler(), replace(compared_handlers.product_handler(), name="another")]
        )
