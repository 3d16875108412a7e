"""What certification looks at, check by check, at our own edge over the fixture's policy (authzen.md §2).

The checks are those of openid/authzen, certification/authorization-api-1_0-scenario.md; each is named by its section.
"""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.authzen.tenants import Certification
from tests.support.authzen_requests import (
    ACTIONS,
    EVALUATION,
    EVALUATIONS,
    RESOURCES,
    SHIPPED,
    SUBJECTS,
    Door,
    Json,
    action,
    resource,
    subject,
)
from tests.support.gateway import Answer

pytestmark = pytest.mark.usefixtures("environment")

Check = Callable[[Door], None]
Level = dict[str, Check]

ALICE, BOB = subject("alice"), subject("bob")
ADMIN, READ, WRITE = subject("bob", role="admin"), action("read"), action("write")
ONE, TWO = resource("record-1", "record"), resource("record-2", "record")
ACTIVE, ARCHIVED = resource("record-1", "record", status="active"), resource("record-2", "record", status="archived")
CONTEXT = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}


def question(who: Json = ALICE, does: Json = READ, what: Json = ONE, **more: object) -> Json:
    return {"subject": who, "action": does, "resource": what, **more}


def without(body: Json, *path: str) -> Json:
    """The body when this member of it is missing."""
    first, *rest = path
    if rest:
        return {**body, first: without(body[first], *rest)}
    return {name: value for name, value in body.items() if name != first}


def answered(answer: Answer) -> Any:
    """What a good answer says; all are JSON and 200 (section c-5)."""
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer
    return answer.body


def decided(answer: Answer) -> bool:
    """The decision of an answer that is formed as one."""
    body = answered(answer)
    assert isinstance(body["decision"], bool)
    assert isinstance(body.get("context", {}), dict)
    decision: bool = body["decision"]
    return decision


def batch(answer: Answer) -> list[bool]:
    """The decisions of a batch, each formed as one."""
    body = answered(answer)
    assert "decision" not in body
    for each in body["evaluations"]:
        assert isinstance(each["decision"], bool)
        assert isinstance(each.get("context", {}), dict)
    return [each["decision"] for each in body["evaluations"]]


def found(answer: Answer, *must: str, kind: str | None = None) -> list[str]:
    """What a search found, which holds at least this and nothing of another kind."""
    results = answered(answer)["results"]
    names = [each["id"] if kind else each["name"] for each in results]
    assert all(set(each) == ({"type", "id"} if kind else {"name"}) for each in results)
    assert {each["type"] for each in results} <= {kind} if kind else True
    assert set(must) <= set(names)
    return names


def decides(expected: bool, body: Json) -> Check:
    def check(pdp: Door) -> None:
        assert decided(pdp.ask(EVALUATION, body)) is expected

    return check


def decides_each(expected: list[bool], body: Json) -> Check:
    def check(pdp: Door) -> None:
        assert batch(pdp.ask(EVALUATIONS, body)) == expected

    return check


def refuses(body: object, what: str = EVALUATION, **headers: str | None) -> Check:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def check(pdp: Door) -> None:
        answer = pdp.ask(what, body, headers=named)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/json"), answer
        assert isinstance(answer.body, str)

    return check


def finds(what: str, body: Json, *must: str, kind: str | None = None) -> Check:
    def check(pdp: Door) -> None:
        found(pdp.ask(what, body), *must, kind=kind)

    return check


def finds_the_same(what: str, body: Json, plain: Json) -> Check:
    def check(pdp: Door) -> None:
        assert answered(pdp.ask(what, body)) == answered(pdp.ask(what, plain))

    return check


def finds_nothing(what: str, body: Json) -> Check:
    def check(pdp: Door) -> None:
        assert answered(pdp.ask(what, body)) == {"results": []}

    return check


def echoes(pdp: Door) -> None:
    for name in ("0b5c-11ee", 'a "quoted", two-part; Näme'):
        answer = pdp.ask(EVALUATION, question(), headers={"x-request-id": name})
        assert decided(answer)
        assert answer.headers["x-request-id"] == name


def needs_no_request_id(pdp: Door) -> None:
    answer = pdp.ask(EVALUATION, question())
    assert decided(answer)
    assert "x-request-id" not in answer.headers


def repeats_itself(pdp: Door) -> None:
    assert {pdp.ask(EVALUATION, question()).text for _ in range(5)} == {'{"decision":true}'}


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
    **{f"c-2-4-1 misses {part}": refuses(without(question(), part)) for part in ("subject", "action", "resource")},
    **{
        f"c-2-4-2 misses {'.'.join(path)}": refuses(without(question(), *path))
        for path in (
            ("subject", "type"),
            ("subject", "id"),
            ("action", "name"),
            ("resource", "type"),
            ("resource", "id"),
        )
    },
    "c-2-4-3 wants JSON": refuses(json.dumps(question()), content_type="text/plain"),
    "c-2-4-4 wants JSON that can be read": refuses('{"subject": {"type": "user",'),
    "c-2-4-5 wants a body": refuses(""),
    "c-2-4-6 wants an object for a subject": refuses(question() | {"subject": "alice"}),
    "c-2-4-6 wants a text for an action's name": refuses(question(does={"name": 123})),
    "c-2-5-1 echoes the X-Request-ID": echoes,
    "c-2-5-2 needs no X-Request-ID": needs_no_request_id,
    "c-2-6 repeats itself": repeats_itself,
}
SOFT, HARD = action("delete", soft=True), action("delete", soft=False)
BASIC_PROPERTIES: Final[Level] = {
    "c-2-2-4 denies by a resource's properties": decides(False, question(does=WRITE, what=ARCHIVED)),
    "c-2-2-5 permits by a subject's properties": decides(True, question(ADMIN, WRITE, ARCHIVED)),
    "c-2-2-6 permits by an action's properties": decides(True, question(does=SOFT)),
    "c-2-2-7 denies by an action's properties": decides(False, question(does=HARD)),
}

READS_BOTH = {"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {"resource": TWO}]}
BOBS = {"subject": BOB, "resource": ONE, "evaluations": [{"action": READ}, {"action": WRITE}]}
OTHER_CONTEXT = {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}


def keeps_the_number(pdp: Door) -> None:
    for number in (1, 2, 3, 50):
        body = {"action": READ, "resource": ONE, "evaluations": [{"subject": BOB}] * number}
        assert batch(pdp.ask(EVALUATIONS, body)) == [True] * number


def keeps_the_order(pdp: Door) -> None:
    turned = {**BOBS, "evaluations": [{"action": WRITE}, {"action": READ}]}
    assert batch(pdp.ask(EVALUATIONS, BOBS)) == [True, False]
    assert batch(pdp.ask(EVALUATIONS, turned)) == [False, True]


def denies_only_the_faulty_item(pdp: Door) -> None:
    evaluations = [{"resource": ONE}, {}]
    body = {
        "subject": ALICE,
        "action": READ,
        "options": {"evaluations_semantic": "execute_all"},
        "evaluations": evaluations,
    }
    answer = pdp.ask(EVALUATIONS, body)
    assert batch(answer) == [True, False]
    error = answer.body["evaluations"][1]["context"]["error"]
    assert error["status"] == 400
    assert isinstance(error["message"], str)


BATCH_CORE: Final[Level] = {
    "c-3-2-1 takes what is shared from the top": decides_each([True, True], READS_BOTH),
    "c-3-2-2 decides each by the fixture": decides_each([True, False], BOBS),
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
    "c-3-3-1 answers as many as were asked": keeps_the_number,
    "c-3-3-2 answers in the same order": keeps_the_order,
    "c-3-3-3 says each decision as a boolean": decides_each([True, True], READS_BOTH),
    "c-3-3-4 has no decision at the top": decides_each([True, False], BOBS),
    "c-3-4-1 denies an item that lacks something": denies_only_the_faulty_item,
    "c-3-4-2 is an evaluation without a batch": lambda pdp: decides_alone(pdp, question()),
    "c-3-4-3 is an evaluation with an empty batch": lambda pdp: decides_alone(pdp, question(evaluations=[])),
}


def decides_alone(pdp: Door, body: Json) -> None:
    answer = pdp.ask(EVALUATIONS, body)
    assert decided(answer) is True
    assert "evaluations" not in answer.body


def replaces_the_whole(pdp: Door) -> None:
    inherited = {
        "subject": ALICE,
        "action": WRITE,
        "resource": ACTIVE,
        "evaluations": [{}, {"resource": ARCHIVED}],
    }
    assert batch(pdp.ask(EVALUATIONS, inherited)) == [True, False]
    merged = {"action": WRITE, "subject": ADMIN, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {}]}
    assert batch(pdp.ask(EVALUATIONS, merged)) == [False, True], "the role at the top is bob's alone"
    half = {**merged, "evaluations": [{"resource": {"properties": {"status": "active"}}}]}
    assert batch(pdp.ask(EVALUATIONS, half)) == [False], "no id is taken from the top"


BATCH_PROPERTIES: Final[Level] = {
    "c-3-2-3 looks at each resource's properties": decides_each(
        [True, False],
        {"subject": ALICE, "action": WRITE, "evaluations": [{"resource": ACTIVE}, {"resource": ARCHIVED}]},
    ),
    "c-3-2-4 looks at each subject's properties": decides_each(
        [False, True], {"action": WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN}]}
    ),
    "c-3-2-7 takes all or nothing from the top": replaces_the_whole,
}

USERS, RECORDS = {"type": "user"}, {"type": "record"}
READERS: Json = {"subject": USERS, "action": READ, "resource": ONE}
READABLE: Json = {"subject": ALICE, "action": READ, "resource": RECORDS}
VERBS: Json = {"subject": ALICE, "resource": ONE}
SEARCHES: Final[Mapping[str, Json]] = {SUBJECTS: READERS, RESOURCES: READABLE, ACTIONS: VERBS}
NOBODY, SPACESHIP = subject("nonexistent-user"), subject("alice", "spaceship")


def takes_a_limit(pdp: Door) -> None:
    page = answered(pdp.ask(SUBJECTS, {**READERS, "page": {"limit": 1}}))["page"]
    assert isinstance(page["next_token"], str)


def follows_a_token(pdp: Door) -> None:
    first = pdp.ask(SUBJECTS, {**READERS, "page": {"limit": 1}})
    second = pdp.ask(SUBJECTS, {**READERS, "page": {"token": first.body["page"]["next_token"]}})
    assert [*found(first, kind="user"), *found(second, kind="user")] == ["alice", "bob"]
    assert second.body["page"] == {"next_token": "", "count": 1}


def describes_its_pages(pdp: Door) -> None:
    for limit, goes_on in ((1, True), (2, False), (3, False)):
        answer = pdp.ask(SUBJECTS, {**READERS, "page": {"limit": limit}})
        page = answered(answer)["page"]
        assert set(page) == {"next_token", "count"}
        assert (bool(page["next_token"]), page["count"]) == (goes_on, len(answer.body["results"]))


def needs_no_pages(pdp: Door) -> None:
    for what, body in SEARCHES.items():
        whole = answered(pdp.ask(what, body))
        assert "page" not in whole
        asked = answered(pdp.ask(what, {**body, "page": {}}))
        assert (asked["results"], asked["page"]["next_token"]) == (whole["results"], "")


SEARCH_CORE: Final[Level] = {
    "c-4-2-1 finds subjects": finds(SUBJECTS, READERS, "alice", "bob", kind="user"),
    "c-4-2-2 finds subjects with a context": finds_the_same(SUBJECTS, {**READERS, "context": CONTEXT}, READERS),
    "c-4-2-3 passes over the id of a subject": finds_the_same(SUBJECTS, {**READERS, "subject": ALICE}, READERS),
    "c-4-3-1 finds resources": finds(RESOURCES, READABLE, "record-1", kind="record"),
    "c-4-3-2 finds resources with a context": finds_the_same(RESOURCES, {**READABLE, "context": CONTEXT}, READABLE),
    "c-4-3-3 passes over the id of a resource": finds_the_same(RESOURCES, {**READABLE, "resource": ONE}, READABLE),
    "c-4-4-1 finds actions": finds(ACTIONS, VERBS, "read", "write"),
    "c-4-4-2 finds actions with a context": finds_the_same(ACTIONS, {**VERBS, "context": CONTEXT}, VERBS),
    "c-4-5-1 takes a limit": takes_a_limit,
    "c-4-5-2 follows a token": follows_a_token,
    "c-4-5-3 describes its pages": describes_its_pages,
    "c-4-5-4 tells all at once where no page is asked for": needs_no_pages,
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
    "c-4-7-1 misses the action of a subject search": refuses(without(READERS, "action"), SUBJECTS),
    "c-4-7-1 misses the subject of a resource search": refuses(without(READABLE, "subject"), RESOURCES),
    "c-4-7-1 misses the resource of an action search": refuses(without(VERBS, "resource"), ACTIONS),
    "c-4-7-2 misses the id in a subject search": refuses({**READERS, "resource": RECORDS}, SUBJECTS),
    "c-4-7-2 misses the id in a resource search": refuses({**READABLE, "subject": USERS}, RESOURCES),
    "c-4-7-2 misses the id in an action search": refuses({**VERBS, "subject": USERS}, ACTIONS),
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


def names_itself(pdp: Door) -> None:
    said = answered(pdp.configuration())["policy_decision_point"]
    assert said == BASE
    assert not {"?", "#"} & set(said)


def names_its_endpoints(pdp: Door) -> None:
    said = answered(pdp.configuration())
    assert {name: said[name] for name in ENDPOINTS} == {
        name: f"{BASE}/access/v1/{path}" for name, path in ENDPOINTS.items()
    }
    for path in ENDPOINTS.values():
        assert any(f"POST /access/v1/{path}" in app.routes for app in (pdp.decisions, pdp.searches))


def names_nothing_else(pdp: Door) -> None:
    said = answered(pdp.configuration())
    assert all(isinstance(each, str) for each in said.get("capabilities", []))
    assert set(said) == {"policy_decision_point", *ENDPOINTS}, "what is empty or unsigned is left out"


DISCOVERY: Final[Level] = {
    "c-6-1 exists": lambda pdp: answered(pdp.configuration()),
    "c-6-3 names itself as its base": names_itself,
    "c-6-3 names its endpoints": names_its_endpoints,
    "c-6-4 names nothing that there is not": names_nothing_else,
}


def takes_json(pdp: Door) -> None:
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
        assert decided(pdp.ask(EVALUATION, question(), headers={"content-type": kind}))


def echoes_everywhere(pdp: Door) -> None:
    asked: dict[str, object] = {EVALUATION: question(), EVALUATIONS: BOBS, **SEARCHES}
    for what, body in asked.items():
        for sent, status in ((body, 200), ({}, 400), ("{", 400), ("x" * 70_000, 413)):
            answer = pdp.ask(what, sent, headers={"x-request-id": "r-1"})
            assert (answer.status, answer.headers["x-request-id"]) == (status, "r-1")
    assert pdp.configuration(headers={"x-request-id": "r-1"}).headers["x-request-id"] == "r-1"


def passes_over_the_unknown(pdp: Door) -> None:
    """Wherever it stands."""
    asked: dict[str, Json] = {EVALUATION: question(), EVALUATIONS: {**BOBS, "options": {}}, **SEARCHES}
    for what, body in asked.items():
        more = {name: {**part, "future": 1} if isinstance(part, dict) else part for name, part in body.items()}
        assert pdp.ask(what, {**more, "future": [None]}).text == pdp.ask(what, body).text


TRANSPORT: Final[Level] = {
    "c-5-1 takes JSON, with or without its charset": takes_json,
    "c-5-2 answers JSON with 200": decides(True, question()),
    "c-5-3 refuses with 400 what lacks something": refuses({}),
    "c-5-4 echoes the X-Request-ID, whatever it answers": echoes_everywhere,
    "c-5-5 passes over unknown fields": passes_over_the_unknown,
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
def test_certification_would_pass(check: Check) -> None:
    check(Door.of(Certification()))


def test_no_check_is_forgotten() -> None:
    assert {level: len(checks) for level, (_, checks) in LEVELS.items()} == {
        level: count for level, (count, _) in LEVELS.items()
    }


# the fixture

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
def test_the_tenant_has_the_rules_of_the_fixture(body: Json, expected: bool) -> None:
    assert Door.of(Certification()).decides(body) is expected


@pytest.mark.parametrize("body", [body for body, _ in RULES])
def test_what_is_deployed_knows_nothing_of_the_fixture(body: Json) -> None:
    assert SHIPPED.decides(body) is False


def test_what_a_search_finds_is_what_evaluations_permit() -> None:
    pdp = Door.of(Certification())
    people, records, verbs = (
        ("alice", "bob", "carol"),
        ("record-1", "record-2", "record-3"),
        ("delete", "read", "write"),
    )
    for verb in verbs:
        for record in records:
            may = [
                who for who in people if pdp.decides(question(subject(who), action(verb), resource(record, "record")))
            ]
            body = {"subject": USERS, "action": action(verb), "resource": resource(record, "record")}
            assert pdp.finds(SUBJECTS, body) == may
    for who in people:
        for record in records:
            told = [
                verb for verb in verbs if pdp.decides(question(subject(who), action(verb), resource(record, "record")))
            ]
            assert pdp.finds(ACTIONS, {"subject": subject(who), "resource": resource(record, "record")}) == told
    assert list(pairwise(pdp.pages(SUBJECTS, READERS, limit=1))) == [(["alice"], ["bob"])]
