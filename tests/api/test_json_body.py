"""Tests of parsing request bodies: one JSON object in UTF-8, without lenient JSON (threat-model.md §2.1, rows 8-17)."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partner_access.api import json_body
from partner_access.api.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from partner_access.domain.errors import DomainError


def event_with_body(body: str | None, content_type: str | None = "application/json", **more: Any) -> dict[str, Any]:
    headers = {} if content_type is None else {"content-type": content_type}
    return {"headers": headers, "body": body, **more}


def in_base64(body: bytes) -> dict[str, Any]:
    return event_with_body(base64.b64encode(body).decode(), isBase64Encoded=True)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("{}", {}),
        (' {"a": 1} \n', {"a": 1}),
        ('{"a": {"a": [1, -2.5e3, true, null]}}', {"a": {"a": [1, -2500.0, True, None]}}),
        ('{"é": "\\u00e9😀"}', {"é": "é😀"}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "[[[[[[[[[[[[[[[[[[\\"[[[[\\\\"}', {"a": '[[[[[[[[[[[[[[[[[["[[[[\\'}),
        ('{"a": ' + "9" * 38 + "}", {"a": int("9" * 38)}),
        ('{"a": -' + "9" * 38 + "}", {"a": -int("9" * 38)}),
    ],
)
def test_body_with_json_object_is_parsed(body: str, value: dict[str, Any]) -> None:
    assert json_body.parsed(event_with_body(body)) == value
    assert json_body.parsed(in_base64(body.encode())) == value


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        " application/json ; ",
    ],
)
def test_body_with_json_content_type_is_accepted(content_type: str) -> None:
    assert json_body.parsed(event_with_body("{}", content_type)) == {}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/json5",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/json, text/plain",
        "application/json; version=2",
    ],
)
def test_body_with_other_content_type_is_rejected(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        json_body.parsed(event_with_body("{}", content_type))


MALFORMED = [
    None,
    "",
    " \n",
    "null",
    "[]",
    '"x"',
    "1",
    "true",
    "{",
    '{"a": 1',
    '{"a": 1,}',
    '{"a": 1} {}',
    '{"a": 1} // why',
    '{/* why */ "a": 1}',
    "{'a': 1}",
    "{a: 1}",
    '{"a": NaN}',
    '{"a": Infinity}',
    '{"a": -Infinity}',
    '{"a": 1e400}',
    '{"a": -1e400}',
    '{"a": ' + "9" * 39 + "}",
    '{"a": ' + "9" * 5000 + "}",
    '{"a": 01}',
    '{"a": +1}',
    '{"a": 0x10}',
    '{"a": 1, "a": 1}',
    '{"a": 1, "\\u0061": 2}',
    '{"a": {"b": 1, "b": 2}}',
    '\ufeff{"a": 1}',
    '{"a": "\\ud800"}',
    '{"\\udfff": 1}',
    '{"a": "\ud800"}',
    '{"a": "\n"}',
    '{"a": "\x00"}',
    '{"a": "\\x41"}',
    '{"a":' * 17 + "1" + "}" * 17,
    '{"a":' + "[" * 16 + "]" * 16 + "}",
    "[" * 10_000,
    '{"a": ' + "[" * 10_000,
    '{"a": "\\',
]


@pytest.mark.parametrize("body", MALFORMED)
def test_body_with_malformed_json_is_rejected(body: str | None) -> None:
    with pytest.raises(MalformedBody):
        json_body.parsed(event_with_body(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\xff"}',
        b'{"a": "\xc0\xaf"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b"\x1f\x8b",
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_body_with_invalid_utf_8_is_rejected(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        json_body.parsed(in_base64(body))


@pytest.mark.parametrize("body", ["e30", "e30=!", "{}", "e 30=", "é"])
def test_body_with_invalid_base64_is_rejected(body: str) -> None:
    with pytest.raises(MalformedBody):
        json_body.raw(event_with_body(body, isBase64Encoded=True))


def test_body_with_sixteen_levels_is_accepted() -> None:
    assert json_body.parsed(event_with_body('{"a":' + "[" * 15 + "]" * 15 + "}"))


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_body_larger_than_limit_in_bytes_is_rejected(character: str) -> None:
    available = json_body.MAX_BYTES - len('{"a": ""}')
    width = len(character.encode())
    fits = '{"a": "' + character * (available // width) + "x" * (available % width) + '"}'

    assert len(json_body.raw(event_with_body(fits))) == json_body.MAX_BYTES
    assert json_body.parsed(event_with_body(fits))
    for too_large in (event_with_body(fits + " "), in_base64(fits.encode() + b" ")):
        with pytest.raises(BodyTooLarge):
            json_body.parsed(too_large)


def test_body_with_too_many_keys_is_rejected_as_too_large() -> None:
    with pytest.raises(BodyTooLarge):
        json_body.parsed(event_with_body("{" + ",".join(f'"{nth}":1' for nth in range(100_000)) + "}"))


@given(st.text() | st.binary().map(lambda noise: noise.decode("latin-1")))
@settings(deadline=None, max_examples=200)
def test_body_with_random_text_is_parsed_or_rejected(text: str) -> None:
    try:
        assert isinstance(json_body.parsed(event_with_body(text)), dict)
    except DomainError as error:
        assert isinstance(error, MalformedBody)  # noqa: PT017  either is right
