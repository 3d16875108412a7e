"""Tests of cursors: valid for a day, for one caller, list and filter, and impossible to forge (hostile.md row 28)."""

import base64
from datetime import timedelta

import pytest

from partner_access.api import cursors
from partner_access.api.errors import InvalidCursor
from partner_access.api.request_fields import ListQuery
from tests.support.builders import NOW, an_act

pytestmark = pytest.mark.usefixtures("environment")

LIST = "/things"
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class ThingsQuery(ListQuery):
    """A query of a list with one filter."""

    colour: str | None = None


def cursor_after(position: str = "lnk_1", **query: str) -> str:
    made = cursors.cursor(position, ThingsQuery(**query), LIST, an_act())
    assert made
    return made


def test_cursor_without_position_is_none() -> None:
    assert cursors.cursor(None, ListQuery(), LIST, an_act()) is None
    assert cursors.position_after(ListQuery(), LIST, an_act()) is None


@pytest.mark.parametrize("position", ["lnk_1", "", "ünïcode|a:b@c"])
def test_cursor_returns_position_of_page_end(position: str) -> None:
    assert cursors.position_after(ThingsQuery(cursor=cursor_after(position)), LIST, an_act()) == position


def test_cursor_is_valid_for_another_limit() -> None:
    query = ThingsQuery(cursor=cursor_after(colour="red", limit="5"), colour="red", limit="100")

    assert cursors.position_after(query, LIST, an_act()) == "lnk_1"


@pytest.mark.parametrize(("age", "holds"), [(DAY - SECOND, True), (DAY, True), (DAY + SECOND, False)])
def test_cursor_is_valid_for_a_day(age: timedelta, holds: bool) -> None:
    later = an_act(at=NOW + age)
    if holds:
        assert cursors.position_after(ThingsQuery(cursor=cursor_after()), LIST, later) == "lnk_1"
    else:
        with pytest.raises(InvalidCursor):
            cursors.position_after(ThingsQuery(cursor=cursor_after()), LIST, later)


def test_cursor_of_another_caller_list_or_filter_is_rejected() -> None:
    for query, route, act in (
        (ThingsQuery(cursor=cursor_after()), LIST, an_act("another user")),
        (ThingsQuery(cursor=cursor_after()), "/others", an_act()),
        (ThingsQuery(cursor=cursor_after(), colour="red"), LIST, an_act()),
        (ThingsQuery(cursor=cursor_after(colour="blue"), colour="red"), LIST, an_act()),
    ):
        with pytest.raises(InvalidCursor):
            cursors.position_after(query, route, act)


@pytest.mark.parametrize("cursor", ["", ".", "garbage", "a.b", "é.é", cursor_after.__name__ + "." + "0" * 64, "W10=."])
def test_cursor_that_is_malformed_is_rejected(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.position_after(ThingsQuery(cursor=cursor), LIST, an_act())


def encrypted_part(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor.rpartition(".")[0])


def test_cursor_contains_no_readable_position() -> None:
    position = "client#client-florist#user-employee"
    encrypted = encrypted_part(cursor_after(position))

    made = str(int(NOW.timestamp()))
    for part in (*position.split("#"), position, made, '["', '"]'):
        assert part.encode() not in encrypted
        assert part not in cursor_after(position)


def test_cursor_encryption_never_repeats_a_key_stream() -> None:
    """Check that equal positions give different cursors, and that no block of the key stream is used twice."""
    first, second = encrypted_part(cursor_after("a" * 100)), encrypted_part(cursor_after("a" * 100))
    blocks = {encrypted[start : start + 32] for encrypted in (first, second) for start in range(16, len(encrypted), 32)}

    assert cursor_after() != cursor_after()
    assert first[:16] != second[:16]
    assert len(blocks) == len(first[16:] + second[16:]) // 32 > 4


def test_cursor_length_is_equal_for_short_positions() -> None:
    assert len({len(cursor_after("a" * long)) for long in range(40)}) == 1


def test_cursor_with_position_of_any_length_is_read_completely() -> None:
    for long in range(300):
        assert cursors.position_after(ThingsQuery(cursor=cursor_after("a" * long)), LIST, an_act()) == "a" * long


def test_cursor_with_one_changed_character_is_rejected() -> None:
    real = cursor_after()
    for place, original in enumerate(real):
        for replacement in {"A", "b", "=", "0"} - {original}:
            with pytest.raises(InvalidCursor):
                cursors.position_after(
                    ThingsQuery(cursor=real[:place] + replacement + real[place + 1 :]), LIST, an_act()
                )


def test_cursor_that_is_cut_or_extended_is_rejected() -> None:
    real = cursor_after()
    for place in range(len(real)):
        for forged in (real[:place], real[place + 1 :], real[:place] + "A" + real[place:]):
            with pytest.raises(InvalidCursor):
                cursors.position_after(ThingsQuery(cursor=forged), LIST, an_act())


def test_cursor_with_signature_of_another_is_rejected() -> None:
    content, _, signature = cursor_after().rpartition(".")
    other = cursor_after("lnk_2").rpartition(".")[0]
    for forged in (
        f"{other}.{signature}",
        f"{content}.{signature[:-1]}",
        f"{content}.{'0' * 64}",
        content,
        f"{signature}.{content}",
    ):
        with pytest.raises(InvalidCursor):
            cursors.position_after(ThingsQuery(cursor=forged), LIST, an_act())


def test_cursor_signed_with_another_key_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    old = cursor_after()
    monkeypatch.setenv("CURSOR_KEY", "another key")
    with pytest.raises(InvalidCursor):
        cursors.position_after(ThingsQuery(cursor=old), LIST, an_act())
