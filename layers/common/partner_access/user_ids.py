"""Ids of users, which the vendor's issuer chooses, and their form in paths.

An id is what OpenID Connect permits as `sub`, up to 128 visible ASCII characters. API Gateway decodes `%2F` before it
looks for the route, does not decode `%25`, and browsers remove `.` and `..`, even if encoded. So a path takes any id as
`~` and its Base64url without padding.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

USER_ID: Final = r"^[!-~]{1,128}$"
PATH_PATTERN: Final = r"^(~[A-Za-z0-9_-]{2,171}|[A-Za-z0-9_.:|@+=-]{1,128})$"
"""The forms of an id in a path that are documented. Others are accepted where API Gateway hands them over whole."""
ENCODED: Final = "~"
_UNCHANGED_IN_PATHS: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.:|@+=-]+", re.ASCII)


def is_user_id(text: str) -> bool:
    """Return whether the text has the form of a user's id. Any other text names no user."""
    return re.fullmatch(USER_ID[1:-1], text, re.ASCII) is not None


def to_path(user_id: str) -> str:
    """Return the id as one segment of a path, before percent-encoding."""
    if _UNCHANGED_IN_PATHS.fullmatch(user_id):
        return user_id
    return ENCODED + urlsafe_b64encode(user_id.encode()).decode().rstrip("=")


def from_path(segment: str) -> str | None:
    """Return the id that a segment of a path names, or None if it names none.

    A plain `%` is refused, because it is not known how often it was encoded.
    """
    if not segment.startswith(ENCODED):
        return segment if is_user_id(segment) and "%" not in segment else None
    encoded = segment.removeprefix(ENCODED)
    try:
        user_id = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
    is_canonical = urlsafe_b64encode(user_id.encode()).decode().rstrip("=") == encoded
    return user_id if is_canonical and is_user_id(user_id) else None
