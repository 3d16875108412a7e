"""Tests of the certification checks, on our API with the policy of the scenario (integration/authzen.md §2).

The checks are those of openid/authzen, certification/authorization-api-1_0-scenario.md. Each is named by its section.
"""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.authzen.tenants import CertificationPolicy
from tests.support.authzen_requests import (
    ACTIONS,
    DEPLOYED,
    EVALUATION,
    EVALUATIONS,
    RESOURCES,
    SUBJECTS,
    DecisionApi,
    Json,
    action,
    resource,
    subject,
)
from tests.support.gateway import ApiResponse

pytestmark = pytest.mark.usefixtures("environment")

Check = Callable[[DecisionApi], None]
Level = dict[str, Check]

ALICE, BOB = subject("alice"), subject("bob")
ADMIN, READ, WRITE = subject("bob", role="admin"), action("read"), action("write")
ONE, TWO = resource("record-1", "record"), resource("record-2", "record")
ACTIVE, ARCHIVED = resource("record-1", "record", status="active"), resource("record-2", "record", status="archived")
CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}


def question(who: Json = ALICE, does: Json = READ, what: Json = ONE, **more: object) -> Json:
    return {"subject": who, "action": does, "resource": what, **more}


def without(body: Json, *path: str) -> Json:
    """Return the body without the member at this path."""
    first, *rest = path
    if rest:
        return {**body, first: without(body[first], *rest)}
    return {name: value for name, value in body.items() if name != first}


def successful_body(answer: ApiResponse) -> Any:
    """Return the body of a successful response, which is always JSON with status 200 (section c-5)."""
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer
    return answer.body


def decision_of(answer: ApiResponse) -> bool:
    """Return the decision of a well-formed response."""
    body = successful_body(answer)
    assert isinstance(body["decision"], bool)
    assert isinstance(body.get("context", {}), dict)
    decision: bool = body["decision"]
    return decision


def decisions_of(answer: ApiResponse) -> list[bool]:
    """Return the decisions of a batch, each well-formed."""
    body = successful_body(answer)
    assert "decision" not in body
    for each in body["evaluations"]:
        assert isinstance(each["decision"], bool)
        assert isinstance(each.get("context", {}), dict)
    return [each["decision"] for each in body["evaluations"]]


def results_of(answer: ApiResponse, *must: str, kind: str | None = None) -> list[str]:
    """Return the results of a search.

    They must contain the expected ones and only entities of the type.
    """
    results = successful_body(answer)["results"]
    names = [each["id"] if kind else each["name"] for each in results]
    assert all(set(each) == ({"type", "id"} if kind else {"name"}) for each in results)
    assert {each["type"] for each in results} <= {kind} if kind else True
    assert set(must) <= set(names)
    return names


def decides(expected: bool, body: Json) -> Check:
    def check(pdp: DecisionApi) -> None:
        assert decision_of(pdp.request(EVALUATION, body)) is expected

    return check


def decides_each(expected: list[bool], body: Json) -> Check:
    def check(pdp: DecisionApi) -> None:
        assert decisions_of(pdp.request(EVALUATIONS, body)) == expected

    return check


def returns_400(body: object, what: str = EVALUATION, **headers: str | None) -> Check:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def check(pdp: DecisionApi) -> None:
        answer = pdp.request(what, body, headers=named)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/json"), answer
        assert isinstance(answer.body, str)

    return check


def finds(what: str, body: Json, *must: str, kind: str | None = None) -> Check:
    def check(pdp: DecisionApi) -> None:
        results_of(pdp.request(what, body), *must, kind=kind)

    return check


def finds_same_results(what: str, body: Json, plain: Json) -> Check:
    def check(pdp: DecisionApi) -> None:
        assert successful_body(pdp.request(what, body)) == successful_body(pdp.request(what, plain))

    return check


def finds_nothing(what: str, body: Json) -> Check:
    def check(pdp: DecisionApi) -> None:
        assert successful_body(pdp.request(what, body)) == {"results": []}

    return check


def echoes(pdp: DecisionApi) -> None:
    for name in ("0b5c-11ee", 'a "quoted", two-part; Näme'):
        answer = pdp.request(EVALUATION, question(), headers={"x-request-id": name})
        assert decision_of(answer)
        assert answer.headers["x-request-id"] == name


def needs_no_request_id(pdp: DecisionApi) -> None:
    answer = pdp.request(EVALUATION, question())
    assert decision_of(answer)
    assert "x-request-id" not in answer.headers


def is_deterministic(pdp: DecisionApi) -> None:
    assert {pdp.request(EVALUATION, question()).text for _ in range(5)} == {'{"decision":true}'}


BASIC_CORE: Final[Level] = {
    "c-2-2-1 permits": decides(True, question()),
    "c-2-2-2 denies": decides(False, question(BOB, WRITE)),
    "c-2-2-3 takes a context": decides(True, question(context=CONTEXT)),
    "c-2-2-8 takes more properties": decides(
        True,
        question(
            subject("alice", department="Sales", role="manager"),
            action("read", method="GET"),
            resource("record-1", "record", status="active", owner="bob"),
        ),
    ),
    "c-2-2-9 passes over unknown fields": decides(True, question(foo="bar", futureField={"nested": True})),
    "c-2-3-1 says its decision as a boolean": decides(False, question(BOB, WRITE)),
    "c-2-3-2 has an object for context or none": decides(True, question()),
    **{f"c-2-4-1 misses {part}": returns_400(without(question(), part)) for part in ("subject", "action", "resource")},
    **{
        f"c-2-4-2 misses {'.'.join(path)}": returns_400(without(question(), *path))
        for path in (
            ("subject", "type"),
            ("subject", "id"),
            ("action", "name"),
            ("resource", "type"),
            ("resource", "id"),
        )
    },
    "c-2-4-3 wants JSON": returns_400(json.dumps(question()), content_type="text/plain"),
    "c-2-4-4 wants JSON that can be read": returns_400('{"subject": {"type": "user",'),
    "c-2-4-5 wants a body": returns_400(""),
    "c-2-4-6 wants an object for a subject": returns_400(question() | {"subject": "alice"}),
    "c-2-4-6 wants a text for an action's name": returns_400(question(does={"name": 123})),
    "c-2-5-1 echoes the X-Request-ID": echoes,
    "c-2-5-2 needs no X-Request-ID": needs_no_request_id,
    "c-2-6 repeats itself": is_deterministic,
}
SOFT, HARD = action("delete", soft=True), action("delete", soft=False)
BASIC_PROPERTIES: Final[Level] = {
    "c-2-2-4 denies by a resource's properties": decides(False, question(does=WRITE, what=ARCHIVED)),
    "c-2-2-5 permits by a subject's properties": decides(True, question(ADMIN, WRITE, ARCHIVED)),
    "c-2-2-6 permits by an action's properties": decides(True, question(does=SOFT)),
    "c-2-2-7 denies by an action's properties": decides(False, question(does=HARD)),
}

READS_BOTH = {"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {"resource": TWO}]}
BOB_BATCH = {"subject": BOB, "resource": ONE, "evaluations": [{"action": READ}, {"action": WRITE}]}
OTHER_CONTEXT = {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}


def keeps_item_count(pdp: DecisionApi) -> None:
    for number in (1, 2, 3, 50):
        body = {"action": READ, "resource": ONE, "evaluations": [{"subject": BOB}] * number}
        assert decisions_of(pdp.request(EVALUATIONS, body)) == [True] * number


def keeps_item_order(pdp: DecisionApi) -> None:
    turned = {**BOB_BATCH, "evaluations": [{"action": WRITE}, {"action": READ}]}
    assert decisions_of(pdp.request(EVALUATIONS, BOB_BATCH)) == [True, False]
    assert decisions_of(pdp.request(EVALUATIONS, turned)) == [False, True]


def denies_only_the_faulty_item(pdp: DecisionApi) -> None:
    evaluations = [{"resource": ONE}, {}]
    body = {
        "subject": ALICE,
        "action": READ,
        "options": {"evaluations_semantic": "execute_all"},
        "evaluations": evaluations,
    }
    answer = pdp.request(EVALUATIONS, body)
    assert decisions_of(answer) == [True, False]
    error = answer.body["evaluations"][1]["context"]["error"]
    assert error["status"] == 400
    assert isinstance(error["message"], str)


BATCH_CORE: Final[Level] = {
    "c-3-2-1 takes what is shared from the top": decides_each([True, True], READS_BOTH),
    "c-3-2-2 decides each by the fixture": decides_each([True, False], BOB_BATCH),
    "c-3-2-5 needs nothing shared": decides_each([True, False], {"evaluations": [question(), question(BOB, WRITE)]}),
    "c-3-2-6 takes a shared context, and others": decides_each(
        [True, True],
        {
            "subject": ALICE,
            "action": READ,
            "context": CONTEXT,
            "evaluations": [{"resource": ONE}, {"resource": TWO, "context": OTHER_CONTEXT}],
        },
    ),
    "c-3-3-1 answers as many as were requested": keeps_item_count,
    "c-3-3-2 answers in the same order": keeps_item_order,
    "c-3-3-3 says each decision as a boolean": decides_each([True, True], READS_BOTH),
    "c-3-3-4 has no decision at the top": decides_each([True, False], BOB_BATCH),
    "c-3-4-1 denies an item that lacks something": denies_only_the_faulty_item,
    "c-3-4-2 is an evaluation without a batch": lambda pdp: decides_alone(pdp, question()),
    "c-3-4-3 is an evaluation with an empty batch": lambda pdp: decides_alone(pdp, question(evaluations=[])),
}


def decides_alone(pdp: DecisionApi, body: Json) -> None:
    answer = pdp.request(EVALUATIONS, body)
    assert decision_of(answer) is True
    assert "evaluations" not in answer.body


def replaces_whole_entities(pdp: DecisionApi) -> None:
    inherited = {
        "subject": ALICE,
        "action": WRITE,
        "resource": ACTIVE,
        "evaluations": [{}, {"resource": ARCHIVED}],
    }
    assert decisions_of(pdp.request(EVALUATIONS, inherited)) == [True, False]
    merged = {"action": WRITE, "subject": ADMIN, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {}]}
    assert decisions_of(pdp.request(EVALUATIONS, merged)) == [False, True], "the role at the top is bob's alone"
    half = {**merged, "evaluations": [{"resource": {"properties": {"status": "active"}}}]}
    assert decisions_of(pdp.request(EVALUATIONS, half)) == [False], "no id is taken from the top"


BATCH_PROPERTIES: Final[Level] = {
    "c-3-2-3 looks at each resource's properties": decides_each(
        [True, False],
        {"subject": ALICE, "action": WRITE, "evaluations": [{"resource": ACTIVE}, {"resource": ARCHIVED}]},
    ),
    "c-3-2-4 looks at each subject's properties": decides_each(
        [False, True], {"action": WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN}]}
    ),
    "c-3-2-7 takes all or nothing from the top": replaces_whole_entities,
}

USERS, RECORDS = {"type": "user"}, {"type": "record"}
READERS: Json = {"subject": USERS, "action": READ, "resource": ONE}
READABLE: Json = {"subject": ALICE, "action": READ, "resource": RECORDS}
VERBS: Json = {"subject": ALICE, "resource": ONE}
SEARCHES: Final[Mapping[str, Json]] = {SUBJECTS: READERS, RESOURCES: READABLE, ACTIONS: VERBS}
NOBODY, SPACESHIP = subject("nonexistent-user"), subject("alice", "spaceship")


def takes_a_limit(pdp: DecisionApi) -> None:
    page = successful_body(pdp.request(SUBJECTS, {**READERS, "page": {"limit": 1}}))["page"]
    assert isinstance(page["next_token"], str)


def follows_a_token(pdp: DecisionApi) -> None:
    first = pdp.request(SUBJECTS, {**READERS, "page": {"limit": 1}})
    second = pdp.request(SUBJECTS, {**READERS, "page": {"token": first.body["page"]["next_token"]}})
    assert [*results_of(first, kind="user"), *results_of(second, kind="user")] == ["alice", "bob"]
    assert second.body["page"] == {"next_token": "", "count": 1}


def describes_pages(pdp: DecisionApi) -> None:
    for limit, goes_on in ((1, True), (2, False), (3, False)):
        answer = pdp.request(SUBJECTS, {**READERS, "page": {"limit": limit}})
        page = successful_body(answer)["page"]
        assert set(page) == {"next_token", "count"}
        assert (bool(page["next_token"]), page["count"]) == (goes_on, len(answer.body["results"]))


def returns_all_without_page(pdp: DecisionApi) -> None:
    for what, body in SEARCHES.items():
        whole = successful_body(pdp.request(what, body))
        assert "page" not in whole
        first_page = successful_body(pdp.request(what, {**body, "page": {}}))
        assert (first_page["results"], first_page["page"]["next_token"]) == (whole["results"], "")


SEARCH_CORE: Final[Level] = {
    "c-4-2-1 finds subjects": finds(SUBJECTS, READERS, "alice", "bob", kind="user"),
    "c-4-2-2 finds subjects with a context": finds_same_results(SUBJECTS, {**READERS, "context": CONTEXT}, READERS),
    "c-4-2-3 passes over the id of a subject": finds_same_results(SUBJECTS, {**READERS, "subject": ALICE}, READERS),
    "c-4-3-1 finds resources": finds(RESOURCES, READABLE, "record-1", kind="record"),
    "c-4-3-2 finds resources with a context": finds_same_results(RESOURCES, {**READABLE, "context": CONTEXT}, READABLE),
    "c-4-3-3 passes over the id of a resource": finds_same_results(RESOURCES, {**READABLE, "resource": ONE}, READABLE),
    "c-4-4-1 finds actions": finds(ACTIONS, VERBS, "read", "write"),
    "c-4-4-2 finds actions with a context": finds_same_results(ACTIONS, {**VERBS, "context": CONTEXT}, VERBS),
    "c-4-5-1 takes a limit": takes_a_limit,
    "c-4-5-2 follows a token": follows_a_token,
    "c-4-5-3 describes its pages": describes_pages,
    "c-4-5-4 returns everything when no page is requested": returns_all_without_page,
    "c-4-6-1 finds no subject for an unknown resource": finds_nothing(
        SUBJECTS, {**READERS, "resource": resource("record-9", "record")}
    ),
    "c-4-6-1 finds no resource for an unknown subject": finds_nothing(RESOURCES, {**READABLE, "subject": NOBODY}),
    "c-4-6-1 finds no action for an unknown subject": finds_nothing(ACTIONS, {**VERBS, "subject": NOBODY}),
    "c-4-6-2 finds no subject of an unknown type": finds_nothing(
        SUBJECTS, {**READERS, "subject": {"type": "spaceship"}}
    ),
    "c-4-6-2 finds no resource of an unknown type": finds_nothing(
        RESOURCES, {**READABLE, "resource": {"type": "spaceship"}}
    ),
    "c-4-6-2 finds no action for an unknown type": finds_nothing(ACTIONS, {**VERBS, "subject": SPACESHIP}),
    "c-4-7-1 misses the action of a subject search": returns_400(without(READERS, "action"), SUBJECTS),
    "c-4-7-1 misses the subject of a resource search": returns_400(without(READABLE, "subject"), RESOURCES),
    "c-4-7-1 misses the resource of an action search": returns_400(without(VERBS, "resource"), ACTIONS),
    "c-4-7-2 misses the id in a subject search": returns_400({**READERS, "resource": RECORDS}, SUBJECTS),
    "c-4-7-2 misses the id in a resource search": returns_400({**READABLE, "subject": USERS}, RESOURCES),
    "c-4-7-2 misses the id in an action search": returns_400({**VERBS, "subject": USERS}, ACTIONS),
}
SEARCH_PROPERTIES: Final[Level] = {
    "c-4-2-4 finds subjects by properties": finds(
        SUBJECTS, {"subject": USERS, "action": WRITE, "resource": ARCHIVED}, "bob", kind="user"
    ),
    "c-4-3-4 finds resources by properties": finds(
        RESOURCES, {"subject": ADMIN, "action": WRITE, "resource": RECORDS}, "record-2", kind="record"
    ),
    "c-4-4-3 finds actions by properties": finds(ACTIONS, {"subject": ADMIN, "resource": ARCHIVED}, "write"),
}

BASE = "https://access.example.com"
ENDPOINTS: Final = {
    "access_evaluation_endpoint": EVALUATION,
    "access_evaluations_endpoint": EVALUATIONS,
    "search_subject_endpoint": SUBJECTS,
    "search_resource_endpoint": RESOURCES,
    "search_action_endpoint": ACTIONS,
}


def names_own_url(pdp: DecisionApi) -> None:
    said = successful_body(pdp.configuration())["policy_decision_point"]
    assert said == BASE
    assert not {"?", "#"} & set(said)


def names_endpoints(pdp: DecisionApi) -> None:
    said = successful_body(pdp.configuration())
    assert {name: said[name] for name in ENDPOINTS} == {
        name: f"{BASE}/access/v1/{path}" for name, path in ENDPOINTS.items()
    }
    for path in ENDPOINTS.values():
        assert any(f"POST /access/v1/{path}" in app.routes for app in (pdp.decision_app, pdp.search_app))


def names_nothing_else(pdp: DecisionApi) -> None:
    said = successful_body(pdp.configuration())
    assert all(isinstance(each, str) for each in said.get("capabilities", []))
    assert set(said) == {"policy_decision_point", *ENDPOINTS}, "what is empty or unsigned is left out"


DISCOVERY: Final[Level] = {
    "c-6-1 exists": lambda pdp: successful_body(pdp.configuration()),
    "c-6-3 names itself as its base": names_own_url,
    "c-6-3 names its endpoints": names_endpoints,
    "c-6-4 names nothing that there is not": names_nothing_else,
}


def takes_json(pdp: DecisionApi) -> None:
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
        assert decision_of(pdp.request(EVALUATION, question(), headers={"content-type": kind}))


def echoes_everywhere(pdp: DecisionApi) -> None:
    requests: dict[str, object] = {EVALUATION: question(), EVALUATIONS: BOB_BATCH, **SEARCHES}
    for what, body in requests.items():
        for sent, status in ((body, 200), ({}, 400), ("{", 400), ("x" * 70_000, 413)):
            answer = pdp.request(what, sent, headers={"x-request-id": "r-1"})
            assert (answer.status, answer.headers["x-request-id"]) == (status, "r-1")
    assert pdp.configuration(headers={"x-request-id": "r-1"}).headers["x-request-id"] == "r-1"


def ignores_unknown_fields(pdp: DecisionApi) -> None:
    """Check that unknown fields are ignored at every level."""
    requests: dict[str, Json] = {EVALUATION: question(), EVALUATIONS: {**BOB_BATCH, "options": {}}, **SEARCHES}
    for what, body in requests.items():
        more = {name: {**part, "future": 1} if isinstance(part, dict) else part for name, part in body.items()}
        assert pdp.request(what, {**more, "future": [None]}).text == pdp.request(what, body).text


TRANSPORT: Final[Level] = {
    "c-5-1 takes JSON, with or without its charset": takes_json,
    "c-5-2 answers JSON with 200": decides(True, question()),
    "c-5-3 refuses with 400 what lacks something": returns_400({}),
    "c-5-4 echoes the X-Request-ID, whatever it answers": echoes_everywhere,
    "c-5-5 passes over unknown fields": ignores_unknown_fields,
}

LEVELS: Final[Mapping[str, tuple[int, Level]]] = {
    "basic core": (23, BASIC_CORE),
    "basic properties": (4, BASIC_PROPERTIES),
    "batch core": (11, BATCH_CORE),
    "batch properties": (3, BATCH_PROPERTIES),
    "search core": (24, SEARCH_CORE),
    "search properties": (3, SEARCH_PROPERTIES),
    "discovery": (4, DISCOVERY),
    "transport": (5, TRANSPORT),
}


@pytest.mark.parametrize("check", [
    pytest.param(check, id=f"{level} {nth:02} {name}")
    for level, (_, checks) in LEVELS.items()
    for nth, (name, check) in enumerate(checks.items(), 1)
])  # fmt: skip
def test_certification_check_passes(check: Check) -> None:
    check(DecisionApi.with_policy(CertificationPolicy()))


def test_certification_levels_have_all_checks() -> None:
    assert {level: len(checks) for level, (_, checks) in LEVELS.items()} == {
        level: count for level, (count, _) in LEVELS.items()
    }


# the policy of the scenario

RULES: Final[list[tuple[Json, bool]]] = [
    (question(), True),
    (question(does=WRITE), True),
    (question(BOB), True),
    (question(BOB, WRITE), False),
    (question(does=WRITE, what=resource("record-1", "record", status="archived")), False),
    (question(subject("alice", role="admin"), WRITE, ARCHIVED), True),
    (question(does=SOFT), True),
    (question(does=HARD), False),
]


@pytest.mark.parametrize(("body", "expected"), [
    pytest.param(*rule, id=f"rule {nth}") for nth, rule in enumerate(RULES, 1)
])  # fmt: skip
def test_certification_policy_has_the_rules_of_the_scenario(body: Json, expected: bool) -> None:
    assert DecisionApi.with_policy(CertificationPolicy()).decide(body) is expected


@pytest.mark.parametrize("body", [body for body, _ in RULES])
def test_deployed_policy_denies_entities_of_the_scenario(body: Json) -> None:
    assert DEPLOYED.decide(body) is False


def test_search_returns_what_evaluations_permit() -> None:
    pdp = DecisionApi.with_policy(CertificationPolicy())
    people, records, verbs = (
        ("alice", "bob", "carol"),
        ("record-1", "record-2", "record-3"),
        ("delete", "read", "write"),
    )
    for verb in verbs:
        for record in records:
            permitted_users = [
                user_id
                for user_id in people
                if pdp.decide(question(subject(user_id), action(verb), resource(record, "record")))
            ]
            body = {"subject": USERS, "action": action(verb), "resource": resource(record, "record")}
            assert pdp.find_all(SUBJECTS, body) == permitted_users
    for user_id in people:
        for record in records:
            permitted_actions = [
                verb
                for verb in verbs
                if pdp.decide(question(subject(user_id), action(verb), resource(record, "record")))
            ]
            assert (
                pdp.find_all(ACTIONS, {"subject": subject(user_id), "resource": resource(record, "record")})
                == permitted_actions
            )
    assert list(pairwise(pdp.find_pages(SUBJECTS, READERS, limit=1))) == [(["alice"], ["bob"])]
