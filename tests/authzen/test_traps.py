"""Tests of details in which implementations of the two specifications often fail (integration/authzen.md §3)."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from partner_access.api import cursors
from partner_access.api.authzen import SubjectSearchRequest
from partner_access.domain.act import Act
from tests.authzen.tenants import CertificationPolicy
from tests.support.authzen_requests import (
    ACTIONS,
    ENDPOINTS,
    ENFORCER,
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
from tests.support.background_functions import logged_lines, metric_counts
from tests.support.builders import an_act

pytestmark = pytest.mark.usefixtures("environment")

PDP: Final = DecisionApi.with_policy(CertificationPolicy())
ALICE, BOB = subject("alice"), subject("bob")
READ, WRITE = action("read"), action("write")
ONE, TWO = resource("record-1", "record"), resource("record-2", "record")
QUESTION: Final = {"subject": ALICE, "action": READ, "resource": ONE}
READERS: Final[Json] = {"subject": {"type": "user"}, "action": READ, "resource": ONE}
SEARCHES: Final[dict[str, Json]] = {
    SUBJECTS: READERS,
    RESOURCES: {"subject": ALICE, "action": READ, "resource": {"type": "record"}},
    ACTIONS: {"subject": ALICE, "resource": ONE},
}


def error_text(answer: Any, status: int = 400) -> str:
    """Assert that the response is an error, which is a plain text, and return it."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json"), answer
    assert isinstance(answer.body, str)
    return answer.body


def first_page(what: str = SUBJECTS, **page: Any) -> str:
    """Return the token after the first page."""
    answer = PDP.request(what, {**SEARCHES[what], "page": page or {"limit": 1}})
    token: str = answer.body["page"]["next_token"]
    assert token
    return token


# 1, 13: pages


@pytest.mark.parametrize("what", SEARCHES)
def test_page_token_alone_keeps_the_limit(what: str) -> None:
    whole = PDP.find_all(what, SEARCHES[what])

    assert PDP.find_pages(what, SEARCHES[what], limit=1) == [[name] for name in whole]
    assert len(whole) == 2


@pytest.mark.parametrize("what", SEARCHES)
def test_page_token_response_tells_whether_more_results_follow(what: str) -> None:
    answer = PDP.request(what, {**SEARCHES[what], "page": {"token": first_page(what)}})

    assert answer.body["page"] == {"next_token": "", "count": 1}


def test_page_token_with_another_limit_returns_400() -> None:
    token = first_page()

    for limit in (None, 2, 0, 100):
        answer = PDP.request(SUBJECTS, {**READERS, "page": {"token": token, "limit": limit}})
        assert answer.status == (200 if limit is None else 400)
    assert PDP.request(SUBJECTS, {**READERS, "page": {"token": token, "limit": 1}}).body["results"] == [
        {"type": "user", "id": "bob"}
    ]


class ManyReaders(CertificationPolicy):
    """The same policy with more readers than a page holds."""

    known_ids: Mapping[str, Sequence[str]] = {
        "user": tuple(f"user-{nth:03}" for nth in range(150)),
        "record": ("record-1",),
    }


@pytest.mark.parametrize("page", [{}, {"limit": 100}, {"limit": 101}, {"limit": 10**9}])
def test_page_has_at_most_hundred_results(page: Json) -> None:
    assert [len(each) for each in DecisionApi.with_policy(ManyReaders()).find_pages(SUBJECTS, READERS, **page)] == [
        100,
        50,
    ]


def test_page_token_that_is_empty_starts_from_the_beginning() -> None:
    answer = PDP.request(SUBJECTS, {**READERS, "page": {"token": "", "limit": 1}})

    assert answer.body["results"] == [{"type": "user", "id": "alice"}]


@pytest.mark.parametrize(
    "other",
    [
        {**READERS, "action": WRITE},
        {**READERS, "resource": TWO},
        {**READERS, "resource": {**ONE, "properties": {"status": "archived"}}},
        {**READERS, "action": {**READ, "properties": {"a": 1}}},
        {**READERS, "subject": {"type": "spaceship"}},
        {**READERS, "context": {"time": "now"}},
    ],
)
def test_page_token_of_another_search_returns_400(other: Json) -> None:
    token = first_page()

    error_text(PDP.request(SUBJECTS, {**other, "page": {"token": token}}))
    assert PDP.request(SUBJECTS, {**READERS, "page": {"token": token}}).status == 200


def test_page_token_is_valid_with_changes_in_ignored_fields() -> None:
    token = first_page()

    same = {**READERS, "subject": BOB, "future": 1, "page": {"token": token, "future": 1}}
    assert PDP.request(SUBJECTS, same).body["results"] == [{"type": "user", "id": "bob"}]


def test_page_token_of_another_caller_returns_400() -> None:
    token = first_page()

    error_text(PDP.request(SUBJECTS, {**READERS, "page": {"token": token}}, caller_id="another"))


@pytest.mark.parametrize("other", [RESOURCES, ACTIONS])
def test_page_token_of_another_endpoint_returns_400(other: str) -> None:
    body = {**READERS, "subject": ALICE}

    assert PDP.request(other, body).status == 200
    error_text(PDP.request(other, {**body, "page": {"token": first_page()}}))


def test_page_token_is_encrypted_and_signed() -> None:
    token = first_page()

    assert "alice" not in token
    for broken in (
        token[:-1],
        token + "0",
        ("B" if token[0] == "A" else "A") + token[1:],
        token.swapcase(),
        token[:9] + "." + token[9:],
    ):
        error_text(PDP.request(SUBJECTS, {**READERS, "page": {"token": broken}}))


@pytest.mark.parametrize(("minutes", "status"), [(-1, 200), (1, 400)])
def test_page_token_is_valid_for_a_day(minutes: int, status: int) -> None:
    given = an_act(ENFORCER, at=datetime.now(UTC) - timedelta(days=1, minutes=minutes))

    answer = PDP.request(SUBJECTS, {**READERS, "page": {"token": token_of(given)}})

    assert answer.status == status


def token_of(act: Act) -> str:
    """Return the token that this act would have received after the first result."""
    of = SubjectSearchRequest.model_validate(READERS).filters
    return cursors.encrypt(json.dumps([1, "alice"]), of, "SubjectSearchRequest", act)


def test_page_token_signed_with_another_key_returns_400() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CURSOR_KEY", "another user's")
        forged = token_of(an_act(ENFORCER, at=datetime.now(UTC)))

    error_text(PDP.request(SUBJECTS, {**READERS, "page": {"token": forged}}))


# 2, 9: errors


@pytest.mark.parametrize("what", ENDPOINTS)
@pytest.mark.parametrize("kind", [None, "text/plain", "application/problem+json", "application/json; charset=latin-1"])
def test_other_content_type_returns_400_not_415(what: str, kind: str | None) -> None:
    error_text(PDP.request(what, json.dumps(QUESTION), headers={"content-type": kind}))


def test_error_is_a_sentence_with_pointers_to_all_faults() -> None:
    error = error_text(PDP.request(EVALUATION, {"subject": {"type": "user"}, "action": {"name": 1}}))

    assert error.endswith("(/subject/id, /action/name, /resource)")
    assert error[0].isupper()


def test_error_repeats_no_input() -> None:
    assert "Stran" not in error_text(
        PDP.request(EVALUATION, {**QUESTION, "subject": {"type": "Stranger", "id": ["Strange"]}})
    )


def test_error_is_logged_with_its_code(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    error_text(PDP.request(EVALUATION, {}))

    (line,) = logged_lines(caplog)
    assert (line["message"], line["code"], line["operation"]) == (
        "domain_error",
        "missing_field",
        "POST /access/v1/evaluation",
    )


# 5: errors of one item or of the whole batch


@pytest.mark.parametrize(
    "item",
    [
        {"subject": {}},
        {"subject": None},
        {"subject": "alice"},
        {"subject": {"type": "user"}},
        {"action": {"name": 1}},
        {"resource": {"type": "record", "id": 1}},
        {"resource": {**ONE, "properties": []}},
        {"context": "x"},
    ],
)
def test_faulty_item_is_denied_and_other_items_are_decided(item: Json) -> None:
    answer = PDP.request(EVALUATIONS, {**QUESTION, "evaluations": [{}, item, {}]})

    assert answer.status == 200
    first, faulty, last = answer.body["evaluations"]
    assert first == last == {"decision": True}
    assert faulty["decision"] is False
    assert faulty["context"]["error"]["status"] == 400
    assert isinstance(faulty["context"]["error"]["message"], str)


@pytest.mark.parametrize(
    "top", [{"subject": "alice"}, {"action": []}, {"resource": None}, {"context": 1}, {"options": []}]
)
def test_faulty_default_returns_400_even_if_no_item_uses_it(top: Json) -> None:
    error_text(PDP.request(EVALUATIONS, {**QUESTION, **top, "evaluations": [QUESTION]}))


def test_incomplete_default_is_completed_by_items() -> None:
    body = {"subject": {"type": "user"}, "evaluations": [QUESTION, {"action": READ, "resource": ONE}]}

    assert decisions(body) == [True, False]


@pytest.mark.parametrize("alone", [{}, {"evaluations": []}])
def test_missing_field_without_items_returns_400(alone: Json) -> None:
    error = error_text(PDP.request(EVALUATIONS, {"action": READ, "resource": ONE, **alone}))

    assert error.endswith("(/subject)"), "that it is missing, rather than what is missing in it"


# 6: short-circuit semantics


PERMITTED_ITEM: Final[Json] = {"action": READ}
DENIED_ITEM: Final[Json] = {"action": WRITE}
FAULTY_ITEM: Final[Json] = {"action": {}}


def decisions(body: Json) -> list[bool]:
    answer = PDP.request(EVALUATIONS, body)
    assert answer.status == 200, answer
    return [each["decision"] for each in answer.body["evaluations"]]


@pytest.mark.parametrize(("semantic", "evaluations", "expected"), [
    ("execute_all", [PERMITTED_ITEM, DENIED_ITEM, FAULTY_ITEM, PERMITTED_ITEM], [True, False, False, True]),
    ("deny_on_first_deny", [PERMITTED_ITEM, DENIED_ITEM, PERMITTED_ITEM], [True, False]),
    ("deny_on_first_deny", [PERMITTED_ITEM, FAULTY_ITEM, PERMITTED_ITEM], [True, False]),
    ("deny_on_first_deny", [DENIED_ITEM, PERMITTED_ITEM], [False]),
    ("deny_on_first_deny", [PERMITTED_ITEM, PERMITTED_ITEM], [True, True]),
    ("permit_on_first_permit", [DENIED_ITEM, PERMITTED_ITEM, DENIED_ITEM], [False, True]),
    ("permit_on_first_permit", [FAULTY_ITEM, PERMITTED_ITEM, DENIED_ITEM], [False, True]),
    ("permit_on_first_permit", [PERMITTED_ITEM, DENIED_ITEM], [True]),
    ("permit_on_first_permit", [DENIED_ITEM, FAULTY_ITEM], [False, False]),
])  # fmt: skip
def test_batch_stops_at_the_deciding_item(semantic: str, evaluations: list[Json], expected: list[bool]) -> None:
    options = {"evaluations_semantic": semantic, "future": 1}

    assert decisions({"subject": BOB, "resource": ONE, "options": options, "evaluations": evaluations}) == expected


# 8: own URL


def test_configuration_uses_configured_url_whatever_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_URL", "https://pdp.example.com")

    said = PDP.configuration(headers={"host": "evil.example", "x-forwarded-host": "evil.example"}).body

    assert said["policy_decision_point"] == "https://pdp.example.com"
    assert all(each.startswith("https://pdp.example.com") for each in said.values())


# 12: X-Request-ID


@pytest.mark.parametrize("name", ["1", "A-b_C", "one, two", "  ", "Größe", "x" * 1000, ""])
def test_x_request_id_is_echoed_unchanged(name: str) -> None:
    for body in (QUESTION, {}):
        assert PDP.request(EVALUATION, body, headers={"x-request-id": name}).headers["x-request-id"] == name


def test_x_request_id_is_not_logged_or_kept_for_next_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    PDP.request(EVALUATION, {}, headers={"x-request-id": "the-first"})

    assert "x-request-id" not in PDP.request(EVALUATION, QUESTION).headers
    assert "the-first" not in caplog.text


def test_decision_counts_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    assert PDP.decide(QUESTION)
    assert metric_counts(capsys.readouterr().out) == {}
