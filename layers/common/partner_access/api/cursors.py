"""Cursors of lists: the position where a page ended, encrypted and authenticated by XChaCha20-Poly1305.

A caller can neither read nor forge a cursor, nor use that of another caller. A position can name an account that the
caller may not know of: an account of their employee that has nothing to do with the caller's partner.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from partner_access import settings
from partner_access.api.errors import InvalidCursor
from partner_access.api.request_fields import ListQuery
from partner_access.domain.act import Act

if TYPE_CHECKING:
    from Cryptodome.Cipher.ChaCha20_Poly1305 import ChaCha20Poly1305Cipher

VALID_FOR: Final = timedelta(hours=24)
NONCE_BYTES: Final = 24
"""Length of XChaCha20's nonce, which is long enough to be random for any number of cursors."""
TAG_BYTES: Final = 16


def position_after(query: ListQuery, route: str, act: Act) -> str | None:
    """Return the position in the cursor of this query, or None if it has no cursor."""
    return None if query.cursor is None else decrypt(query.cursor, query.filters, route, act)


def decrypt(cursor: str, filters: Mapping[str, Any], route: str, act: Act) -> str:
    """Decrypt the position in a cursor. A cursor is valid for 24 hours, one caller, one list and its filters."""
    try:
        content = urlsafe_b64decode(cursor)
        cipher = _cipher(content[:NONCE_BYTES], filters, route, act)
        payload = cipher.decrypt_and_verify(content[NONCE_BYTES:-TAG_BYTES], content[-TAG_BYTES:])
    except ValueError as invalid:
        raise InvalidCursor from invalid
    made, position = json.loads(payload)
    if act.at.timestamp() - made > VALID_FOR.total_seconds() or cursor != urlsafe_b64encode(content).decode():
        raise InvalidCursor
    return str(position)


def cursor(position: str | None, query: ListQuery, route: str, act: Act) -> str | None:
    """Return the cursor for a page that ended at this position, or None at the end of the list."""
    return None if position is None else encrypt(position, query.filters, route, act)


def encrypt(position: str, filters: Mapping[str, Any], route: str, act: Act) -> str:
    """Encrypt this position in a list with these filters as a cursor."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    payload = json.dumps([int(act.at.timestamp()), position]).encode()
    encrypted, tag = _cipher(nonce, filters, route, act).encrypt_and_digest(payload)
    return urlsafe_b64encode(nonce + encrypted + tag).decode()


def _cipher(nonce: bytes, filters: Mapping[str, Any], route: str, act: Act) -> "ChaCha20Poly1305Cipher":
    """Return the cipher of one cursor. It authenticates the caller, the list and the filters with the position."""
    # Most requests neither bring nor get a cursor, so the cipher is loaded on first use.
    from Cryptodome.Cipher import ChaCha20_Poly1305  # noqa: PLC0415  loaded on first use, as said above

    cipher = ChaCha20_Poly1305.new(key=sha256(settings.cursor_key()).digest(), nonce=nonce)
    cipher.update(json.dumps([act.actor_id, route, filters], sort_keys=True).encode())
    return cipher
