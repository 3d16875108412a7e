"""Tests of openid/authzen's interop suites on our API with the policies of the scenarios (integration/authzen.md §5).

Search results are compared as sorted sets, as in the suites: an additional result is a failure.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.authzen.tenants import GatewayPolicy, RecordPolicy, TodoPolicy
from tests.support.authzen_requests import (
    ACTIONS,
    EVALUATIONS,
    RESOURCES,
    SUBJECTS,
    DecisionApi,
    Json,
    action,
    resource,
    subject,
)

pytestmark = pytest.mark.usefixtures("environment")


def load_cases(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"data/{name}.json").read_text(encoding="utf-8"))


TODO, GATEWAY, IDP, SEARCH = map(load_cases, ("todo", "gateway", "idp", "search"))
PEOPLE: Final = TODO["people"]
TODOS: Final = DecisionApi.with_policy(
    TodoPolicy({each["id"]: (each["email"], each["roles"]) for each in PEOPLE.values()})
)
ROUTES: Final = DecisionApi.with_policy(
    GatewayPolicy({each["id"]: "viewer" not in each["roles"] for each in PEOPLE.values()})
)
RECORDS: Final = DecisionApi.with_policy(RecordPolicy(SEARCH["users"], SEARCH["records"]))
OWNED: Final = DecisionApi.with_policy(
    RecordPolicy(
        dict.fromkeys(IDP["resource"], ("", "")), {name: (owner, " ") for name, owner in IDP["owners"].items()}
    )
)
RECORD: Final = {"type": "record"}
USER: Final = {"type": "user"}


def case_resource(kind: str, name: str, owner: str | None = None) -> Json:
    return resource(name, kind, ownerID=owner) if owner else resource(name, kind)


@pytest.mark.parametrize(("who", "does", "what", "expected"), TODO["evaluation"])
def test_todo_evaluation_returns_expected_decision(who: str, does: str, what: list[str], expected: bool) -> None:
    body = {"subject": subject(PEOPLE[who]["id"]), "action": action(does), "resource": case_resource(*what)}

    assert TODOS.decide(body) is expected


@pytest.mark.parametrize(("who", "does", "what", "expected"), TODO["evaluations"])
def test_todo_evaluations_return_expected_decisions(
    who: str, does: str, what: list[list[str]], expected: list[bool]
) -> None:
    body = {
        "subject": subject(PEOPLE[who]["id"]),
        "action": action(does),
        "evaluations": [{"resource": case_resource(*each)} for each in what],
    }

    assert TODOS.request(EVALUATIONS, body).body == {"evaluations": [{"decision": each} for each in expected]}


@pytest.mark.parametrize(("who", "does", "where", "expected"), GATEWAY["evaluation"])
def test_gateway_evaluation_returns_expected_decision(who: str, does: str, where: str, expected: bool) -> None:
    asks = subject(PEOPLE[who]["id"], "identity")

    assert (
        ROUTES.decide({"subject": asks, "action": action(does), "resource": case_resource("route", where)}) is expected
    )


@pytest.mark.parametrize("who", IDP["resource"])
def test_identity_provider_resource_search_returns_owned_records(who: str) -> None:
    body = {"subject": subject(who), "action": action("delete"), "resource": RECORD}

    assert results(OWNED, RESOURCES, body) == entities("record", IDP["resource"][who])


RESOURCE_CASES: Final = [(who, does) for who, each in SEARCH["resource"].items() for does in each]
SUBJECT_CASES: Final = [(what, does) for what, each in SEARCH["subject"].items() for does in each]
ACTION_CASES: Final = [(who, what) for who, each in SEARCH["action"].items() for what in each]


@pytest.mark.parametrize(("who", "does"), RESOURCE_CASES)
def test_resource_search_returns_expected_records(who: str, does: str) -> None:
    body = {"subject": subject(who), "action": action(does), "resource": RECORD}

    assert results(RECORDS, RESOURCES, body) == entities("record", SEARCH["resource"][who][does])


@pytest.mark.parametrize(("what", "does"), SUBJECT_CASES)
def test_subject_search_returns_expected_users(what: str, does: str) -> None:
    body = {"subject": USER, "action": action(does), "resource": case_resource("record", what)}

    assert results(RECORDS, SUBJECTS, body) == entities("user", SEARCH["subject"][what][does])


@pytest.mark.parametrize(("who", "what"), ACTION_CASES)
def test_action_search_returns_expected_actions(who: str, what: str) -> None:
    body = {"subject": subject(who), "resource": case_resource("record", what)}

    assert results(RECORDS, ACTIONS, body) == sorted_json({"name": each} for each in SEARCH["action"][who][what])


def results(pdp: DecisionApi, what: str, body: Json) -> list[str]:
    answer = pdp.request(what, body)
    assert answer.status == 200, answer
    assert set(answer.body) == {"results"}
    return sorted_json(answer.body["results"])


def entities(kind: str, ids: list[str]) -> list[str]:
    return sorted_json({"type": kind, "id": each} for each in ids)


def sorted_json(found: Any) -> list[str]:
    return sorted(json.dumps(each, sort_keys=True) for each in found)


def test_interop_data_has_all_cases() -> None:
    assert (len(TODO["evaluation"]), len(TODO["evaluations"]), len(GATEWAY["evaluation"])) == (40, 3, 25)
    assert (len(IDP["resource"]), len(RESOURCE_CASES), len(SUBJECT_CASES), len(ACTION_CASES)) == (6, 18, 60, 120)
