"""The addresses of the pages that people are sent to; their origin is configuration, never a header (hostile.md §1.1)."""

import os


def origin() -> str:
    return os.environ["BASE_URL"]


def to_approve(secret: str) -> str:
    """The secret stands behind the #, so that no server, log or referrer ever sees it."""
    return f"{origin()}/approve#{secret}"


def of_problem(code: str) -> str:
    """What a refusal means, at the address that is its RFC 9457 type."""
    return f"{origin()}/problems/{code.replace('_', '-')}"


def of_account(account_id: str) -> str:
    return f"{origin()}/accounts/{account_id}"


def of_partner(partner_id: str) -> str:
    return f"{origin()}/partners/{partner_id}"
