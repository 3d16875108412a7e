"""The addresses of the pages that people are sent to; their origin is configuration, never a header (hostile.md §1.1)."""

import os
from urllib.parse import quote


def origin() -> str:
    return os.environ["BASE_URL"]


def of_approval(secret: str) -> str:
    """The secret stands behind the #, so that no server, log or referrer ever sees it."""
    return f"{origin()}/approve#{secret}"


def of_problem(code: str) -> str:
    """What a refusal means, at the address that is its RFC 9457 type."""
    return f"{origin()}/problems/{code.replace('_', '-')}"


def of_account(account_id: str) -> str:
    return f"{origin()}/accounts/{_encoded(account_id)}"


def of_member(account_id: str, user_id: str) -> str:
    """Somebody in an account, as whoever manages its users, he himself and his firm's managers may see him."""
    return f"{of_account(account_id)}?user={_encoded(user_id)}"


def of_links(partner_id: str) -> str:
    """The access links of a partner, in its client access manager."""
    return f"{origin()}/partners/{_encoded(partner_id)}?tab=links"


def _encoded(name: str) -> str:
    """An id as a part of an address: mail programs end a link at what is not written out."""
    return quote(name, safe="")
