"""Cursors of lists: where a page ended, veiled and sealed: nobody reads it, makes one up or uses another's."""

import hmac
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from partner_access.api.request_fields import ListQuery
from partner_access.domain.act import Act
from partner_access.domain.errors import InvalidCursor

LAST: Final = timedelta(hours=24)
NONCE: Final = 16
BLOCK: Final = 64
"""A position fills whole blocks: not even its length is told exactly."""


def after(query: ListQuery, route: str, act: Act) -> str | None:
    """Where the page that this cursor came with ended."""
    return None if query.cursor is None else opened(query.cursor, query.filters, route, act)


def opened(cursor: str, of: Mapping[str, Any], route: str, act: Act) -> str:
    """The position in a cursor; it holds a day, for one caller, one list and what the list is of."""
    veiled, _, seal = cursor.rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(veiled, of, route, act).encode()):
        raise InvalidCursor
    told = urlsafe_b64decode(veiled)
    made, position = json.loads(_under_veil(told[NONCE:], told[:NONCE]))
    if act.at.timestamp() - made > LAST.total_seconds():
        raise InvalidCursor
    return str(position)


def cursor(position: str | None, query: ListQuery, route: str, act: Act) -> str | None:
    """The cursor for a page that ended here, None at the end of the list."""
    return None if position is None else sealed(position, query.filters, route, act)


def sealed(position: str, of: Mapping[str, Any], route: str, act: Act) -> str:
    """The cursor for this position in a list of this."""
    told = json.dumps([int(act.at.timestamp()), position]).encode()
    nonce = secrets.token_bytes(NONCE)
    veiled = urlsafe_b64encode(nonce + _under_veil(told.ljust(-len(told) // BLOCK * -BLOCK), nonce)).decode()
    return f"{veiled}.{_seal(veiled, of, route, act)}"


def _under_veil(told: bytes, nonce: bytes) -> bytes:
    """What is told under a stream of bytes that only the key and the nonce yield, or what was told under it."""
    key = _mac(_key(), b"veil")
    blocks = range(0, len(told), len(key))
    stream = b"".join(_mac(key, nonce + start.to_bytes(4, "big")) for start in blocks)
    return bytes(each ^ veil for each, veil in zip(told, stream, strict=False))


def _seal(veiled: str, of: Mapping[str, Any], route: str, act: Act) -> str:
    told = json.dumps([veiled, act.by, route, of], sort_keys=True)
    return _mac(_mac(_key(), b"seal"), told.encode()).hex()


def _key() -> bytes:
    return os.environ["CURSOR_KEY"].encode()


def _mac(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, told, "sha256")
