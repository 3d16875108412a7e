"""Tests of request fields: strict bodies, plain text, and strict queries (threat-model.md §2.1, rows 18-22, 26, 27)."""

import json
from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from partner_access.api.request_fields import (
    IDENTIFIER,
    AccessDays,
    Adjustments,
    Identifier,
    ListQuery,
    ListResponse,
    LocalDate,
    Name,
    ParsedLinkSecret,
    PermissionName,
    Prose,
    Removals,
    Request,
    TimeZone,
    UserId,
    requested_end,
)
from partner_access.domain.access_ends import NO_END, RequestedEnd
from partner_access.domain.errors import InvalidField, LinkNotFound
from partner_access.domain.permissions.rights import Overrides
from tests.support.builders import SECRET, SECRET_TEXT


def is_accepted(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("identifier", "taken"),
    [
        ("a", True),
        ("A9_.:|@-z", True),
        ("auth0|5f7c8ec7c33c6c004bbafe82", True),
        ("0" * 128, True),
        ("0" * 129, False),
        ("", False),
        ("_a", False),
        ("-a", False),
        (".a", False),
        ("a b", False),
        ("a#b", False),
        ("a/b", False),
        ("a%2Fb", False),
        ("a\n", False),
        ("a\x00", False),
        ("é", False),
        ("１", False),
    ],
)
def test_identifier_accepts_only_short_plain_text(identifier: str, taken: bool) -> None:
    assert is_accepted(Identifier, identifier) is taken
    assert IDENTIFIER.endswith("$")


@pytest.mark.parametrize(
    ("user_id", "taken"),
    [
        ("anna+okta@example.test", True),
        ("_a", True),
        ("-a", True),
        ("aa/bb==", True),
        ("a#b", True),
        ("~" * 128, True),
        ("~" * 129, False),
        ("", False),
        ("a b", False),
        ("a\n", False),
        ("é", False),
    ],
)
def test_user_id_accepts_short_visible_ascii(user_id: str, taken: bool) -> None:
    assert is_accepted(UserId, user_id) is taken


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("Zoë Nguyễn-O'Hara", True),
        ("株式会社ノース", True),
        ("שלום", True),
        ("e" + "\u0301" * 8, True),
        ("e" + "\u0301" * 9, False),
        ("e" + "\u0301" * 10_000, False),
        ("a" * 200, True),
        ("a" * 201, False),
        ("", False),
        ("   ", False),
        ("a\x00b", False),
        ("a\x1fb", False),
        ("a\x7fb", False),
        ("a\x85b", False),
        ("a\nb", False),
        ("a\u200bb", False),
        ("a\u200db", False),
        ("a\u2028b", False),
        ("a\u2029b", False),
        ("a\u202eb", False),
        ("a\u2066b", False),
        ("a\ufeffb", False),
        ("a\ue000b", False),
        ("a\U000e0041b", False),
        ("a\U000fffffb", False),
        ("\u3164", False),
        ("\u3164\u3164", False),
        ("\u2800 \u2800", False),
        ("a\u3164", False),
        ("\u0301", False),
        ("\ufe0f", False),
        ("\uffa0", False),
        ("\U0001d159", False),
        ("名", True),
        ("!", True),
    ],
)
def test_name_accepts_only_plain_text(text: str, taken: bool) -> None:
    assert is_accepted(Name, text) is taken


def test_name_is_trimmed() -> None:
    assert TypeAdapter(Name).validate_python("  The Bakery \n") == "The Bakery"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("We set up your shop, 3 > 2 weeks".replace(">", "to"), True),
        ("Tom & Ann: 50 % off {today}!", True),
        ("a" * 500, True),
        ("a" * 501, False),
        ("<b>now</b>", False),
        ("</b>", False),
        ("<!-- a -->", False),
        ("Node.js/React", True),
        ("nodeXjs.example/a", False),
        ("CRM -> ERP", True),
        ("We <3 your desk", True),
        ("1 < 2 and 2 > 1", True),
        ("a < b", True),
        ("a > b", True),
        ("Dear {{name}}", False),
        ("see https://evil.example", False),
        ("see HTTP://evil.example", False),
        ("see WWW.evil.example", False),
        ("see evil.example.com/login now", False),
        ("see evil.example:8443", False),
        ("see evil．example／login", False),
        ("see evil。example/login", False),
        ("see evil｡example：8443", False),
        ("see www．evil", False),
        ("see ｈｔｔｐ：／／evil", False),
        ("設定します。\u3000CRM／営業：よろしく。", True),
        ("＜重要＞ 設定", True),
        ("Version 2.0, e.g. forms and/or lists", True),
        ("line\nbreak", True),
        ("line\x0bbreak", False),
        ("line\x1f\nbreak", False),
        ("line\x85break", False),
        ("\n \t", False),
        ("a" + "\r\n" * 249 + "b", True),
    ],
)
def test_prose_rejects_markup_placeholders_and_urls(text: str, taken: bool) -> None:
    assert is_accepted(Prose, text) is taken


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("We have an agency.\nAsk in spring.", "We have an agency. Ask in spring."),
        ("We have an agency.\r\n\r\n  Ask in spring. \n", "We have an agency. Ask in spring."),
        ("first\r\tsecond\u2028third\u2029fourth", "first second third fourth"),
        ("先に\u3000\n\u3000相談", "先に 相談"),
        ("two  spaces\u3000stay", "two  spaces\u3000stay"),
    ],
)
def test_line_breaks_and_tabs_in_prose_become_spaces(text: str, line: str) -> None:
    assert TypeAdapter(Prose).validate_python(text) == line


@pytest.mark.parametrize(
    ("days", "taken"),
    [
        (1, True),
        (730, True),
        (0, False),
        (-1, False),
        (731, False),
        ("1", False),
        (True, False),
        (1.0, False),
        (1.5, False),
    ],
)
def test_access_days_accepts_only_integers_in_range(days: object, taken: bool) -> None:
    assert is_accepted(AccessDays, days) is taken


@pytest.mark.parametrize(
    ("day", "taken"),
    [
        ("2027-04-10", True),
        ("2028-02-29", True),
        ("2027-02-29", False),
        ("2027-4-10", False),
        ("20270410", False),
        ("2027-W14-6", False),
        ("2027-04-10T00:00:00Z", False),
        ("２０２７-04-10", False),
        (" 2027-04-10", False),
        (20270410, False),
        (None, False),
    ],
)
def test_local_date_accepts_only_one_form(day: object, taken: bool) -> None:
    assert is_accepted(LocalDate, day) is taken
    if taken:
        assert TypeAdapter(LocalDate).validate_python(day) == date.fromisoformat(str(day))


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("America/Argentina/Buenos_Aires", True),
        ("europe/berlin", False),
        ("Berlin", False),
        ("../UTC", False),
        ("", False),
        (1, False),
    ],
)
def test_time_zone_accepts_only_known_names(name: object, taken: bool) -> None:
    assert is_accepted(TimeZone, name) is taken


def test_requested_end_names_days_or_a_last_day() -> None:
    last_day = date(2027, 4, 10)

    assert requested_end(None, None) == NO_END
    assert requested_end(5, None) == RequestedEnd(access_days=5)
    assert requested_end(None, last_day) == RequestedEnd(access_ends_on=last_day)
    with pytest.raises(InvalidField) as raised:
        requested_end(5, last_day)
    assert raised.value.fields == ((("access_ends_on",), "invalid_field"),)


def test_link_secret_is_parsed_and_malformed_one_is_not_found() -> None:
    assert TypeAdapter(ParsedLinkSecret).validate_python(SECRET_TEXT) == SECRET
    with pytest.raises(LinkNotFound):
        TypeAdapter(ParsedLinkSecret).validate_json('"pal_"')
    for value in (1, None, ["pal_"], {"pal_": 1}):
        assert not is_accepted(ParsedLinkSecret, value)
    assert TypeAdapter(ParsedLinkSecret).json_schema()["type"] == "string"


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        ({}, True),
        ({"add": ["crm.import"], "remove": []}, True),
        ({"add": "crm.import"}, False),
        ({"add": [1]}, False),
        ({"add": [""]}, False),
        ({"add": None}, False),
        ({"add": ["crm.import"] * 200}, True),
        ({"add": ["crm.import"] * 201}, False),
        ({"add": ["x" * 101]}, False),
        ({"grant": ["crm.import"]}, False),
    ],
)
def test_adjustments_accept_only_short_lists_of_names(body: object, taken: bool) -> None:
    assert is_accepted(Adjustments, body) is taken


def test_adjustments_convert_to_overrides() -> None:
    assert Adjustments(add=("a",), remove=("b",)).overrides == Overrides(added=("a",), removed=("b",))
    assert is_accepted(PermissionName, "crm.import")


def test_removals_reject_additions() -> None:
    assert is_accepted(Removals, {"remove": ["crm.import"]})
    assert not is_accepted(Removals, {"add": ["crm.import"]})


class CreateThingRequest(Request):
    """A request body with one required field."""

    name: str
    many: int = 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"name": "a", "role": "admin"}, "extra_forbidden"),
        ({"name": "a", "partnerId": "x"}, "extra_forbidden"),
        ({}, "missing"),
        ({"name": None}, "string_type"),
        ({"name": "a", "many": None}, "int_type"),
        ({"name": "a", "many": "1"}, "int_type"),
        ({"name": 1}, "string_type"),
    ],
)
def test_request_body_rejects_unknown_fields_and_other_types(body: object, fault: str) -> None:
    with pytest.raises(ValidationError) as raised:
        CreateThingRequest.model_validate_json(json.dumps(body))
    assert [error["type"] for error in raised.value.errors()] == [fault]


class ThingsQuery(ListQuery):
    """A query of a list with one filter."""

    colour: str | None = None


@pytest.mark.parametrize("limit", ["1", "9", "10", "25", "99", "100"])
def test_limit_between_one_and_hundred_is_accepted(limit: str) -> None:
    assert ListQuery(limit=limit).size == int(limit)


@pytest.mark.parametrize(
    "limit", ["", "0", "-1", "101", "1000", "1e2", "0x10", "１０", "01", " 1", "1 ", "1\n", "1.0", "5,5", "ten"]
)
def test_limit_out_of_range_or_malformed_is_rejected(limit: str) -> None:
    with pytest.raises(ValidationError):
        ListQuery(limit=limit)


def test_list_query_rejects_unknown_parameters_and_long_cursor() -> None:
    assert ListQuery().size == 25
    with pytest.raises(ValidationError):
        ListQuery.model_validate({"page": "1"})
    with pytest.raises(ValidationError):
        ListQuery(cursor="c" * 2049)


def test_filters_exclude_limit_and_cursor() -> None:
    assert ThingsQuery(limit="5", cursor="c", colour="red").filters == {"colour": "red"}
    assert ThingsQuery(limit="5").filters == {}


class Things(ListResponse):
    """A response with a list."""

    items: tuple[str, ...]


@pytest.mark.parametrize("next_cursor", [None, "further"])
def test_page_always_contains_next_cursor(next_cursor: str | None) -> None:
    assert json.loads(Things(items=("a",), next_cursor=next_cursor).to_json()) == {
        "items": ["a"],
        "next_cursor": next_cursor,
    }
