"""Strict parsing of JSON bodies: one object in UTF-8, no duplicate keys, limited depth (threat-model.md §2.1)."""

import json
from base64 import b64decode
from math import isinf
from typing import Any, Final, NoReturn

from partner_access.api.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from partner_access.lambda_context import Event

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
MAX_DIGITS: Final = 38
"""Maximum number of digits that DynamoDB stores."""


def raw(event: Event) -> bytes:
    """Return the body as bytes. Raise BodyTooLarge above 64 KiB, and MalformedBody for invalid Base64."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        sent = body.encode("utf-8", "surrogatepass")
    else:
        try:
            sent = b64decode(body, validate=True)
        except ValueError as not_base64:
            raise MalformedBody from not_base64
    if len(sent) > MAX_BYTES:
        raise BodyTooLarge
    return sent


def parsed(event: Event) -> dict[str, Any]:
    """Parse the body as one JSON object."""
    _must_be_json(event["headers"].get("content-type", ""))
    try:
        text = raw(event).decode("utf-8")
        _must_be_shallow(text)
        value = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_short,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (UnicodeError, ValueError) as unreadable:
        raise MalformedBody from unreadable
    if not isinstance(value, dict):
        raise MalformedBody
    return value


def _must_be_json(content_type: str) -> None:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind != "application/json" or any(each.replace('"', "") != "charset=utf-8" for each in parameters if each):
        raise UnsupportedMediaType


def _must_be_shallow(text: str) -> None:
    """Count the brackets outside strings, so that a deeply nested body is rejected before it is parsed."""
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string, escaped = True, False
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedBody
        elif character in "]}":
            depth -= 1


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedBody
    return found


def _no_number(_: str) -> NoReturn:
    raise MalformedBody


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise MalformedBody
    return number


def _short(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise MalformedBody
    return int(digits)
