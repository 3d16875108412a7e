"""Cursors of lists: the position where a page ended, encrypted and authenticated.

A caller can neither read nor forge a cursor, nor use that of another caller.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from partner_access import settings
from partner_access.api.errors import InvalidCursor
from partner_access.api.request_fields import ListQuery
from partner_access.domain.act import Act

VALID_FOR: Final = timedelta(hours=24)
NONCE_BYTES: Final = 16
BLOCK_BYTES: Final = 64
"""Block size, in bytes. Positions are padded to whole blocks to hide their exact length."""


def position_after(query: ListQuery, route: str, act: Act) -> str | None:
    """Return the position in the cursor of this query, or None if it has no cursor."""
    return None if query.cursor is None else decrypt(query.cursor, query.filters, route, act)


def decrypt(cursor: str, filters: Mapping[str, Any], route: str, act: Act) -> str:
    """Decrypt the position in a cursor. A cursor is valid for 24 hours, one caller, one list and its filters."""
    encrypted, _, mac = cursor.rpartition(".")
    if not hmac.compare_digest(mac.encode(), _cursor_mac(encrypted, filters, route, act).encode()):
        raise InvalidCursor
    payload = urlsafe_b64decode(encrypted)
    made, position = json.loads(_xor_with_stream(payload[NONCE_BYTES:], payload[:NONCE_BYTES]))
    if act.at.timestamp() - made > VALID_FOR.total_seconds():
        raise InvalidCursor
    return str(position)


def cursor(position: str | None, query: ListQuery, route: str, act: Act) -> str | None:
    """Return the cursor for a page that ended at this position, or None at the end of the list."""
    return None if position is None else encrypt(position, query.filters, route, act)


def encrypt(position: str, filters: Mapping[str, Any], route: str, act: Act) -> str:
    """Encrypt this position in a list with these filters as a cursor."""
    payload = json.dumps([int(act.at.timestamp()), position]).encode()
    nonce = secrets.token_bytes(NONCE_BYTES)
    encrypted = urlsafe_b64encode(
        nonce + _xor_with_stream(payload.ljust(-len(payload) // BLOCK_BYTES * -BLOCK_BYTES), nonce)
    ).decode()
    return f"{encrypted}.{_cursor_mac(encrypted, filters, route, act)}"


def _xor_with_stream(payload: bytes, nonce: bytes) -> bytes:
    """Encrypt or decrypt bytes by XOR with a stream derived from the key and the nonce."""
    key = _mac(settings.cursor_key(), b"encryption")
    blocks = range(0, len(payload), len(key))
    stream = b"".join(_mac(key, nonce + start.to_bytes(4, "big")) for start in blocks)
    return bytes(each ^ stream_byte for each, stream_byte in zip(payload, stream, strict=False))


def _cursor_mac(encrypted: str, filters: Mapping[str, Any], route: str, act: Act) -> str:
    authenticated = json.dumps([encrypted, act.actor_id, route, filters], sort_keys=True)
    return _mac(_mac(settings.cursor_key(), b"mac"), authenticated.encode()).hex()


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
