"""Malformed requests that every route must reject: unreadable bodies, media types other than JSON, and invalid keys."""

import base64
from typing import Final

DEEP_NESTING, TOO_LARGE_BYTES = 10_000, 64 * 1024
MALFORMED_BODIES: Final = {
    "nothing": "",
    "blank": " \n",
    "null": "null",
    "a list": "[]",
    "a text": '"x"',
    "a number": "1",
    "cut off": '{"a": 1',
    "a comma too many": '{"a": 1,}',
    "a comment": '{"a": 1 /* one */}',
    "no number": '{"a": NaN}',
    "no end": '{"a": -Infinity}',
    "single quotes": "{'a': 1}",
    "two objects": "{} {}",
    "a key twice": '{"a": 1, "a": 2}',
    "a key twice inside": '{"b": [{"a": 1, "\\u0061": 1}]}',
    "a mark of byte order": "\ufeff{}",
    "half a pair, escaped": '{"a": "\\ud800"}',
    "half a pair": '{"a": "\ud800"}',
    "half a pair for a key": '{"\\udfff": 1}',
    "seventeen deep": '{"a": ' + "[" * 16 + "]" * 16 + "}",
    "very deep": '{"a": ' + "[" * DEEP_NESTING,
    "beyond all numbers": '{"a": 1e400}',
    "a number of forty digits": '{"a": ' + "1" * 40 + "}",
}
"""Bodies that cannot be parsed, as text."""
UNDECODABLE_BODIES: Final = {
    "no UTF-8": base64.b64encode(b'{"a": "\xff"}').decode(),
    "too long a form": base64.b64encode(b'{"a": "\xc0\xaf"}').decode(),
    "UTF-16": base64.b64encode('{"a": 1}'.encode("utf-16")).decode(),
    "no base64": "{}",
    "base64 cut off": "e30",
    "base64 with accents": "é30=",
}
INVALID_MEDIA_TYPES: Final = (
    None,
    "",
    "text/plain",
    "application/json5",
    "application/jsonx",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/json, text/plain",
)
INVALID_KEYS: Final = (
    "",
    " ",
    '""',
    '"',
    '"a',
    "a b",
    "a,b",
    '"a", "b"',
    "ä",
    "a\n",
    "a\0",
    "x" * 256,
    '"' + "x" * 256 + '"',
)
