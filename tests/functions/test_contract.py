"""Valid and invalid requests, generated from openapi.json: each response matches the contract and is no server error.

`make proof` sends such requests to the running product, in greater number.
"""

import copy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.builders import APPROVER
from tests.support.gateway import CONTRACT, DECIDE, DIRECTORY, USE, VENDOR
from tests.support.seeded_table import MANAGER, seed
from tests.support.table import Table
from tests.support.wsgi import CONTRACT_PATH, application

CALLERS = {
    "/directory": (VENDOR, DIRECTORY),
    "/access/": (VENDOR, DECIDE),
    "/partners": (MANAGER, USE),
    "/": (APPROVER, USE),
}
"""Caller and scope by path prefix."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def schema_of(contract: Any) -> schemathesis.BaseSchema:
    """Return the schema of a WSGI application that publishes this contract and calls the functions."""
    return schemathesis.openapi.from_wsgi(CONTRACT_PATH, application(contract, CALLERS))


contract = schema_of(CONTRACT)


@pytest.fixture(autouse=True)
def seeded(table: Table) -> Table:
    seed(table)
    return table


@contract.parametrize()
@settings(
    max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_generated_request_returns_response_of_contract(case: schemathesis.Case[Any]) -> None:
    case.validate_response(case.call(), checks=CHECKS)


def test_undocumented_response_fails_contract_checks() -> None:
    changed = copy.deepcopy(CONTRACT)
    del changed["paths"]["/accounts"]["get"]["responses"]["200"]
    case = schema_of(changed)["/accounts"]["GET"].Case()

    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.validate_response(case.call(), checks=CHECKS)
