"""The contract that is committed: what generators of clients and of requests rely on."""

import json
from collections import Counter

import pytest

from partner_access import api
from tools import openapi
from tools.template import ROOT, Route

CONTRACT = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))


def test_every_operation_has_a_name_of_its_own() -> None:
    names = Counter(operation["operationId"] for path in CONTRACT["paths"].values() for operation in path.values())

    assert [name for name, times in names.items() if times > 1] == []


def test_openapi_of_an_undocumented_route_raises() -> None:
    undocumented = api.Route.to(lambda: None, needs_key=False, docs=None)

    with pytest.raises(ValueError, match="GET /accounts: no documentation"):
        openapi.operation(Route("GET /accounts", "view_accounts", ()), undocumented, {})


@pytest.mark.parametrize("model", ["CreatedLink", "ResentLink"])
def test_what_a_replayed_answer_leaves_out_is_not_promised(model: str) -> None:
    schema = CONTRACT["components"]["schemas"][model]

    assert "url" in schema["properties"]
    assert "url" not in schema["required"]
