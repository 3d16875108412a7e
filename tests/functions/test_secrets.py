"""Without a link's secret nobody learns anything at any door: one answer, and one count of requests (guarantees.md G12)."""

from collections.abc import Callable
from typing import Any

import pytest

from partner_access.domain.links.secrets import Secret
from tests.support import link_requests
from tests.support.builders import APPROVER, LINK, PARTNER, SECRET_TEXT, the_partner
from tests.support.costs import counted
from tests.support.gateway import Answer
from tests.support.link_requests import approve, decline, nothing_changes, preview, renew, secret_of
from tests.support.seeded_table import CLERK, a_world, an_open_link
from tests.support.table import Table

DOORS: list[Callable[..., Answer]] = [preview, approve, decline, renew]
OTHER_LINK = f"lnk_{'7' * 32}"
OTHER = Secret.write(PARTNER, OTHER_LINK, "o" * 43)

BODY, _, CHECKSUM = SECRET_TEXT.rpartition("_")
MALFORMED = [
    "", " ", "pal_", "x", SECRET_TEXT[:-1], SECRET_TEXT + "0", SECRET_TEXT.upper(), f" {SECRET_TEXT}", f"{SECRET_TEXT}\n",
    f"{BODY}_00000000", BODY, SECRET_TEXT.replace("pal_", "pat_"), SECRET_TEXT.replace("c", "d", 1), "é" * 99, "x" * 60_000,
    f"https://access.example.com/approve#{SECRET_TEXT}", "\x00", "pal_!!.." + CHECKSUM,
]  # fmt: skip
WRONG = {
    "an unknown link": Secret.write(PARTNER, f"lnk_{'9' * 32}", "c" * 43),
    "an unknown partner": Secret.write("partner-unknown", LINK, "c" * 43),
    "another partner": Secret.write("partner-south", LINK, "c" * 43),
    "a wrong secret": Secret.write(PARTNER, LINK, "d" * 43),
    "another link's secret": Secret.write(PARTNER, LINK, "o" * 43),
    "a long partner": Secret.write("p" * 128, LINK, "c" * 43),
}


@pytest.fixture
def links(table: Table, sound: None) -> Table:
    """The usual world with another link and another partner."""
    other = an_open_link(link_id=OTHER_LINK, secrets=frozenset({Secret.read(OTHER).fingerprint}))
    a_world(table, other, the_partner(account_id="partner-south", name="South"))
    return table


def _answered(answer: Answer) -> dict[str, Any]:
    assert answer.status == 404, answer
    return {**answer.body, "headers": dict(answer.headers)}


@pytest.mark.parametrize("knock", DOORS)
def test_what_cannot_be_a_secret_is_refused_without_a_look(links: Table, knock: Callable[..., Answer]) -> None:
    expected = _answered(knock(secret=WRONG["a wrong secret"]))

    for text in MALFORMED:
        with counted(links) as costs, nothing_changes(links):
            answer = knock(secret=text)
        assert _answered(answer) == expected
        assert costs.requests == 0


@pytest.mark.parametrize("by", [APPROVER, CLERK, "user-unknown"])
@pytest.mark.parametrize("knock", DOORS)
def test_every_wrong_secret_is_answered_alike_after_as_many_requests(
    links: Table, knock: Callable[..., Answer], by: str
) -> None:
    answers, requests = [], set()
    for text in WRONG.values():
        with counted(links) as costs, nothing_changes(links):
            answer = knock(by, secret=text)
        answers.append(_answered(answer))
        requests.add(costs.requests)
        assert text not in answer.text

    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "link_not_found"
    assert len(requests) == 1


@pytest.mark.parametrize("knock", DOORS)
@pytest.mark.parametrize("standing", ["open", "revoked", "declined", "expired"])
def test_a_wrong_secret_does_not_tell_how_the_link_stands(
    table: Table, sound: None, knock: Callable[..., Answer], standing: str
) -> None:
    a_world(table, an_open_link(stored_state=standing))

    assert _answered(knock(secret=WRONG["a wrong secret"])) == _answered(knock(secret=WRONG["an unknown link"]))


@pytest.mark.parametrize("knock", DOORS)
def test_a_secret_that_was_replaced_is_like_one_that_never_was(links: Table, knock: Callable[..., Answer]) -> None:
    link_requests.resend()

    assert _answered(knock()) == _answered(knock(secret=WRONG["an unknown link"]))


def test_of_three_secrets_each_opens_and_a_part_of_one_does_not(table: Table, sound: None) -> None:
    fingerprints = frozenset({Secret.read(SECRET_TEXT).fingerprint, "a" * 64, "b" * 64})
    a_world(table, an_open_link(secrets=fingerprints))

    assert preview().status == 200


@pytest.mark.parametrize("knock", DOORS)
def test_no_door_writes_the_secret_down(
    links: Table, knock: Callable[..., Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = secret_of(link_requests.create())
    answer = knock(secret=secret)

    told = answer.text + str(links.items()) + capsys.readouterr().out
    assert secret.rpartition(".")[2] not in told
    assert "pal_" not in told
