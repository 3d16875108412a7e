"""Tests that operations with a link secret reveal nothing to callers without it.

All wrong secrets get the same response after the same number of requests (consistency.md G12).
"""

from collections.abc import Callable
from typing import Any

import pytest

from partner_access.domain.links.secrets import LinkSecret
from tests.support import link_requests
from tests.support.builders import APPROVER, LINK, PARTNER, SECRET_TEXT, the_partner
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse
from tests.support.link_requests import approve, assert_unchanged, decline, preview, request_renewal, secret_of
from tests.support.seeded_table import CLERK, an_open_link, seed
from tests.support.table import Table

LINK_OPERATIONS: list[Callable[..., ApiResponse]] = [preview, approve, decline, request_renewal]
OTHER_LINK = f"lnk_{'7' * 32}"
OTHER = LinkSecret.write(PARTNER, OTHER_LINK, "o" * 43)

BODY, _, CHECKSUM = SECRET_TEXT.rpartition("_")
MALFORMED = [
    "", " ", "pal_", "x", SECRET_TEXT[:-1], SECRET_TEXT + "0", SECRET_TEXT.upper(), f" {SECRET_TEXT}", f"{SECRET_TEXT}\n",
    f"{BODY}_00000000", BODY, SECRET_TEXT.replace("pal_", "pat_"), SECRET_TEXT.replace("c", "d", 1), "é" * 99, "x" * 60_000,
    f"https://access.example.com/approve#{SECRET_TEXT}", "\x00", "pal_!!.." + CHECKSUM,
]  # fmt: skip
WRONG_SECRETS = {
    "an unknown link": LinkSecret.write(PARTNER, f"lnk_{'9' * 32}", "c" * 43),
    "an unknown partner": LinkSecret.write("partner-unknown", LINK, "c" * 43),
    "another partner": LinkSecret.write("partner-south", LINK, "c" * 43),
    "a wrong secret": LinkSecret.write(PARTNER, LINK, "d" * 43),
    "another link's secret": LinkSecret.write(PARTNER, LINK, "o" * 43),
    "a long partner": LinkSecret.write("p" * 128, LINK, "c" * 43),
}


@pytest.fixture
def links(table: Table, check_invariants: None) -> Table:
    """Return the table with the default records, a second link and a second partner."""
    other = an_open_link(link_id=OTHER_LINK, secrets=frozenset({LinkSecret.read(OTHER).fingerprint}))
    seed(table, other, the_partner(account_id="partner-south", name="South"))
    return table


def _not_found_response(answer: ApiResponse) -> dict[str, Any]:
    assert answer.status == 404, answer
    return {**answer.body, "headers": dict(answer.headers)}


@pytest.mark.parametrize("send_request", LINK_OPERATIONS)
def test_link_operation_with_malformed_secret_returns_404_without_database_read(
    links: Table, send_request: Callable[..., ApiResponse]
) -> None:
    # domain.md rule 3
    expected = _not_found_response(send_request(secret=WRONG_SECRETS["a wrong secret"]))

    for text in MALFORMED:
        with count_costs(links) as costs, assert_unchanged(links):
            answer = send_request(secret=text)
        assert _not_found_response(answer) == expected
        assert costs.requests == 0


@pytest.mark.parametrize("by", [APPROVER, CLERK, "user-unknown"])
@pytest.mark.parametrize("send_request", LINK_OPERATIONS)
def test_link_operation_with_wrong_secret_returns_same_404_after_same_requests(
    links: Table, send_request: Callable[..., ApiResponse], by: str
) -> None:
    # domain.md rule 3
    answers, requests = [], set()
    for text in WRONG_SECRETS.values():
        with count_costs(links) as costs, assert_unchanged(links):
            answer = send_request(by, secret=text)
        answers.append(_not_found_response(answer))
        requests.add(costs.requests)
        assert text not in answer.text

    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "link_not_found"
    assert len(requests) == 1


@pytest.mark.parametrize("send_request", LINK_OPERATIONS)
@pytest.mark.parametrize("state", ["open", "revoked", "declined", "expired"])
def test_link_operation_with_wrong_secret_hides_state_of_link(
    table: Table, check_invariants: None, send_request: Callable[..., ApiResponse], state: str
) -> None:
    seed(table, an_open_link(stored_state=state))

    assert _not_found_response(send_request(secret=WRONG_SECRETS["a wrong secret"])) == _not_found_response(
        send_request(secret=WRONG_SECRETS["an unknown link"])
    )


@pytest.mark.parametrize("send_request", LINK_OPERATIONS)
def test_link_operation_with_replaced_secret_returns_same_404_as_unknown_link(
    links: Table, send_request: Callable[..., ApiResponse]
) -> None:
    # domain.md rule 7
    link_requests.resend()

    assert _not_found_response(send_request()) == _not_found_response(
        send_request(secret=WRONG_SECRETS["an unknown link"])
    )


def test_preview_link_with_one_of_three_valid_secrets_succeeds(table: Table, check_invariants: None) -> None:
    fingerprints = frozenset({LinkSecret.read(SECRET_TEXT).fingerprint, "a" * 64, "b" * 64})
    seed(table, an_open_link(secrets=fingerprints))

    assert preview().status == 200


@pytest.mark.parametrize("send_request", LINK_OPERATIONS)
def test_link_operation_never_stores_logs_or_returns_the_secret(
    links: Table, send_request: Callable[..., ApiResponse], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = secret_of(link_requests.create())
    answer = send_request(secret=secret)

    visible_text = answer.text + str(links.items()) + capsys.readouterr().out
    assert secret.rpartition(".")[2] not in visible_text
    assert "pal_" not in visible_text
