"""The contract that is committed: what generators of clients and of requests rely on."""

import json
from collections import Counter

from tools.template import ROOT

CONTRACT = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))


def test_every_operation_has_a_name_of_its_own() -> None:
    names = Counter(operation["operationId"] for path in CONTRACT["paths"].values() for operation in path.values())

    assert [name for name, times in names.items() if times > 1] == []
