"""Cursors hold for a day, for one caller, one list and one filter, and nobody makes them up (hostile.md row 28)."""

import base64
import json
from datetime import timedelta

import pytest

from partner_access import cursors
from partner_access.domain.refusals import InvalidCursor
from partner_access.fields import ListQuery
from tests.builders import NOW, an_act

pytestmark = pytest.mark.usefixtures("environment")

LIST = "/things"
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class ThingsQuery(ListQuery):
    """A list with one filter."""

    colour: str | None = None


def after(position: str = "lnk_1", **query: str) -> str:
    made = cursors.cursor(position, ThingsQuery(**query), LIST, an_act())
    assert made
    return made


def test_there_is_no_cursor_at_the_end_and_none_at_the_beginning() -> None:
    assert cursors.cursor(None, ListQuery(), LIST, an_act()) is None
    assert cursors.after(ListQuery(), LIST, an_act()) is None


@pytest.mark.parametrize("position", ["lnk_1", "", "ünïcode|a:b@c"])
def test_a_cursor_goes_on_where_the_page_ended(position: str) -> None:
    assert cursors.after(ThingsQuery(cursor=after(position)), LIST, an_act()) == position


def test_a_cursor_holds_for_another_size_of_page() -> None:
    query = ThingsQuery(cursor=after(colour="red", limit="5"), colour="red", limit="100")

    assert cursors.after(query, LIST, an_act()) == "lnk_1"


@pytest.mark.parametrize(("age", "holds"), [(DAY - SECOND, True), (DAY, True), (DAY + SECOND, False)])
def test_a_cursor_holds_for_a_day(age: timedelta, holds: bool) -> None:
    later = an_act(at=NOW + age)
    if holds:
        assert cursors.after(ThingsQuery(cursor=after()), LIST, later) == "lnk_1"
    else:
        with pytest.raises(InvalidCursor):
            cursors.after(ThingsQuery(cursor=after()), LIST, later)


def test_a_cursor_is_nobody_elses_and_of_no_other_list_or_filter() -> None:
    for query, route, act in (
        (ThingsQuery(cursor=after()), LIST, an_act("somebody else")),
        (ThingsQuery(cursor=after()), "/others", an_act()),
        (ThingsQuery(cursor=after(), colour="red"), LIST, an_act()),
        (ThingsQuery(cursor=after(colour="blue"), colour="red"), LIST, an_act()),
    ):
        with pytest.raises(InvalidCursor):
            cursors.after(query, route, act)


@pytest.mark.parametrize("cursor", ["", ".", "garbage", "a.b", "é.é", after.__name__ + "." + "0" * 64, "W10=."])
def test_garbage_is_no_cursor(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.after(ThingsQuery(cursor=cursor), LIST, an_act())


def test_a_forged_cursor_is_none() -> None:
    sealed, _, seal = after().rpartition(".")
    other = base64.urlsafe_b64encode(json.dumps([int(NOW.timestamp()), "lnk_2"]).encode()).decode()
    for forged in (f"{other}.{seal}", f"{sealed}.{seal[:-1]}", f"{sealed}.{'0' * 64}", sealed, f"{seal}.{sealed}"):
        with pytest.raises(InvalidCursor):
            cursors.after(ThingsQuery(cursor=forged), LIST, an_act())


def test_a_cursor_of_another_key_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    old = after()
    monkeypatch.setenv("CURSOR_KEY", "another key")
    with pytest.raises(InvalidCursor):
        cursors.after(ThingsQuery(cursor=old), LIST, an_act())
