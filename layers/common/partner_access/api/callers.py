"""The caller of a request, as the claims of the token that API Gateway has checked name them."""

import re
from collections.abc import Mapping
from typing import Final

from partner_access import settings
from partner_access.api.errors import InvalidToken
from partner_access.lambda_context import Event
from partner_access.user_ids import is_user_id

ACCESS: Final = "access"
SCOPE_CLAIMS: Final = ("scope", "scp")
"""The claims in which issuers list scopes. API Gateway accepts a token by either."""


def claims_of(event: Event) -> Mapping[str, str]:
    """Return the claims, which are texts. A route without a token has none.

    Raise InvalidToken for a token that says it is for another use, such as a refresh token or an ID token.
    """
    claims: Mapping[str, str] = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    if claims.get("token_use", ACCESS) != ACCESS:
        raise InvalidToken
    return claims


def actor_id_of(claims: Mapping[str, str], scopes: frozenset[str]) -> str:
    """Return the id of the caller, which is empty on a route without a token.

    People are named by the claim of the settings. Tokens of machines may not have it, and are named by their `sub`.
    Raise InvalidToken for a token that names nobody in this way.
    """
    if not claims:
        return ""
    is_machine = bool(scopes & {settings.directory_scope(), settings.decide_scope()})
    actor_id = claims.get(settings.user_id_claim()) or (claims.get("sub") if is_machine else None)
    if not actor_id or not is_user_id(actor_id):
        raise InvalidToken
    return actor_id


def scopes_of(claims: Mapping[str, str]) -> frozenset[str]:
    """Return the scopes of the token.

    Issuers write them as one text or as an array. API Gateway turns an array into a text in brackets: "[a b]".
    """
    listed = (claims.get(name, "") for name in SCOPE_CLAIMS)
    return frozenset(scope for text in listed for scope in _without_brackets(text).split())


def _without_brackets(text: str) -> str:
    found = re.fullmatch(r"\[(.*)\]", text, re.DOTALL)
    return found[1] if found else text
