"""URLs of the web pages. Their origin comes from the configuration, never from a header (threat-model.md §1.1)."""

from urllib.parse import quote

from partner_access import settings


def of_approval(secret: str) -> str:
    """Return the approval URL. The secret is in the fragment, so that no server, log or referrer ever sees it."""
    return f"{settings.base_url()}/approve#{secret}"


def of_problem(code: str) -> str:
    """Return the URL of an error's explanation, which is its RFC 9457 type."""
    return f"{settings.base_url()}/problems/{code.replace('_', '-')}"


def of_account(account_id: str) -> str:
    return f"{settings.base_url()}/accounts/{_encoded(account_id)}"


def of_member(account_id: str, user_id: str) -> str:
    """Return the URL of a member, for the managers of users, the member, and the managers of the member's partner."""
    return f"{of_account(account_id)}?user={_encoded(user_id)}"


def of_links(partner_id: str) -> str:
    """Return the URL of a partner's access links in the client access manager."""
    return f"{settings.base_url()}/partners/{_encoded(partner_id)}?tab=links"


def _encoded(name: str) -> str:
    """Percent-encode an id, because email programs end a link at unencoded special characters."""
    return quote(name, safe="")
