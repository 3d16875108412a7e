"""The handlers that are compared behave alike."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tools.bench import agreement, compared_handlers
from tools.template import ROOT

pytestmark = [
    pytest.mark.xdist_group("bench"),  # the handlers are prepared in one worker
    pytest.mark.skipif(
        not (ROOT / ".venvs/bench/.made").exists(),
        reason="the frameworks are installed by `make bench`, which looks as well",
    ),
]


@pytest.fixture(scope="module")
def behaviors() -> dict[str, list[object]]:
    return {each.name: agreement.behavior(each) for each in compared_handlers.prepare_handlers()}


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
