"""Cursors of lists: where a page ended, sealed so that nobody makes one up or uses another's."""

import hmac
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Final

from partner_access.domain.decisions import Act
from partner_access.domain.refusals import InvalidCursor
from partner_access.fields import ListQuery

LAST: Final = timedelta(hours=24)


def after(query: ListQuery, route: str, act: Act) -> str | None:
    """Where the page that this cursor came with ended; a cursor holds a day, for one caller, list and filter."""
    if query.cursor is None:
        return None
    sealed, _, seal = query.cursor.rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(sealed, query, route, act).encode()):
        raise InvalidCursor
    made, position = json.loads(urlsafe_b64decode(sealed))
    if act.at.timestamp() - made > LAST.total_seconds():
        raise InvalidCursor
    return str(position)


def cursor(position: str | None, query: ListQuery, route: str, act: Act) -> str | None:
    """The cursor for a page that ended here, None at the end of the list."""
    if position is None:
        return None
    sealed = urlsafe_b64encode(json.dumps([int(act.at.timestamp()), position]).encode()).decode()
    return f"{sealed}.{_seal(sealed, query, route, act)}"


def _seal(sealed: str, query: ListQuery, route: str, act: Act) -> str:
    told = json.dumps([sealed, act.by, route, query.filters], sort_keys=True)
    return hmac.digest(os.environ["CURSOR_KEY"].encode(), told.encode(), "sha256").hex()
