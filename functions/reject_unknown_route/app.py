"""$default: reject requests for unknown routes with 404, and for unsupported methods with 405."""

import re
from typing import Final, NoReturn

from partner_access.api import routing
from partner_access.api.errors import MethodNotAllowed
from partner_access.domain.errors import NotFound
from partner_access.lambda_context import Event

app = routing.App()

ROUTES: Final = {
    "/": "GET, HEAD",
    "/access-links/approvals": "POST",
    "/access-links/preview": "POST",
    "/access-links/declines": "POST",
    "/access-links/renewals": "POST",
    "/.well-known/authzen-configuration": "GET",
    "/access/v1/evaluation": "POST",
    "/access/v1/evaluations": "POST",
    "/access/v1/explanations": "POST",
    "/access/v1/search/action": "POST",
    "/access/v1/search/resource": "POST",
    "/access/v1/search/subject": "POST",
    "/accounts": "GET",
    "/accounts/{account_id}": "GET, HEAD",
    "/accounts/{account_id}/audit": "GET",
    "/accounts/{account_id}/migrations": "POST",
    "/accounts/{account_id}/permission-sets": "GET, POST",
    "/accounts/{account_id}/permission-sets/updates": "GET, POST",
    "/accounts/{account_id}/permission-sets/{set_id}": "DELETE, GET, PUT",
    "/accounts/{account_id}/users": "GET, POST",
    "/accounts/{account_id}/users/{user_id}": "DELETE, GET, PATCH",
    "/accounts/{account_id}/users/{user_id}/suspension": "DELETE, PUT",
    "/approve": "GET, HEAD",
    "/assets/{version}/{asset}": "GET, HEAD",
    "/directory/accounts/{account_id}": "GET, PUT",
    "/directory/accounts/{account_id}/members/{user_id}": "GET, PUT",
    "/directory/users/{user_id}": "GET, PUT",
    "/directory/users/{user_id}/erasure": "POST",
    "/favicon.ico": "GET, HEAD",
    "/partners/{partner_id}": "GET, HEAD",
    "/partners/{partner_id}/access-links": "GET, POST",
    "/partners/{partner_id}/access-links/{link_id}": "DELETE, GET",
    "/partners/{partner_id}/access-links/{link_id}/resend": "POST",
    "/partners/{partner_id}/clients": "GET",
    "/partners/{partner_id}/clients/{account_id}/users": "POST",
    "/partners/{partner_id}/employees": "GET",
    "/partners/{partner_id}/employees/{user_id}/access": "DELETE",
    "/partners/{partner_id}/migrations": "POST",
    "/problems/{problem}": "GET, HEAD",
}
"""Methods of every path. A test checks that they equal the routes of the template."""


@app.default
def reject_unknown_route(event: Event) -> NoReturn:
    """Reject the request with 404, or with 405 and the allowed methods when the path exists."""
    path = event["rawPath"]
    for route, methods in ROUTES.items():
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route)), path):
            raise MethodNotAllowed(allow=methods)
    raise NotFound


handler = app
