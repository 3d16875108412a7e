"""Reject requests for unknown routes with 404, and for unsupported methods with 405. A browser gets a page."""

import re
from typing import Final, NoReturn

from partner_access.api.errors import MethodNotAllowed
from partner_access.api.routes import ROUTES
from partner_access.domain.errors import NotFound
from partner_access.lambda_context import Event
from partner_access.web import browsing

app = browsing.App()


def _methods_by_path() -> dict[str, str]:
    """Return the methods of each path, as the Allow header lists them. A literal path precedes one with a parameter."""
    found: dict[str, list[str]] = {}
    for route in ROUTES.values():
        method, _, path = route.partition(" ")
        found.setdefault(path, []).append(method)
    return {path: ", ".join(sorted(found[path])) for path in sorted(found)}


METHODS_BY_PATH: Final = _methods_by_path()


@app.default
def reject_unknown_route(event: Event) -> NoReturn:
    """Reject the request with 404, or with 405 and the allowed methods when the path exists."""
    path = event["rawPath"]
    for route, methods in METHODS_BY_PATH.items():
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route)), path):
            raise MethodNotAllowed(allow=methods)
    raise NotFound


handler = app
