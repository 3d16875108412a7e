"""Print the weight of each page: `python -m tools.page_weights`.

The weight is the number of compressed bytes that a first visit loads: the HTML and every asset that it names, with the
modules to preload. Modules that a page imports later, on demand, are not part of it.
"""

import os
import re
import sys
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from gzip import decompress
from typing import Any, Final
from unittest.mock import patch

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from functions.serve_pages import app
from partner_access.web.languages import LANGUAGES

PAGES: Final = ("/", "/approve", "/accounts/{account_id}", "/partners/{partner_id}", "/problems/{problem}")
ENVIRONMENT: Final[Mapping[str, str]] = {
    "AUTHORIZATION_URL": "https://sign-in.example.com/oauth2/authorize",
    "PAGES_CLIENT_ID": "3hoc2vtj9mpf7d0a8s1k4e6b5n",
    "SIGN_OUT_URL": "https://sign-in.example.com/logout",
    "TOKEN_URL": "https://sign-in.example.com/oauth2/token",
    "USE_SCOPE": "partner-access/use",
    "USER_ID_CLAIM": "sub",
}
"""Values of realistic length, since they are part of each page."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The compressed size of a page with its assets in bytes, and the number of requests."""

    size: int
    requests: int


def weigh(path: str, language: str) -> Weight:
    """Return the weight of the page with this route."""
    with patch.dict(os.environ, ENVIRONMENT):
        html = _get(path, language, problem="link-expired")
        names = {*re.findall(r'(?:href|src)="/assets/\w+/([\w.-]+)"', decompress(html).decode())}
        version = app.version()
        assets = [_get("/assets/{version}/{asset}", language, version=version, asset=name) for name in names]
    return Weight(len(html) + sum(map(len, assets)), 1 + len(assets))


def _get(route: str, language: str, **parameters: str) -> bytes:
    event = {
        "routeKey": f"GET {route}",
        "headers": {"accept-language": language, "accept-encoding": "gzip"},
        "pathParameters": parameters,
    }
    response: dict[str, Any] = app.handler(event, None)
    assert response["statusCode"] == 200, (route, parameters)  # noqa: PLR2004, S101
    body: str = response["body"]
    return b64decode(body) if response.get("isBase64Encoded") else body.encode()


def main() -> None:
    """Print a table with a row for each page and language."""
    print(f"{'page':<26}{'language':<10}{'bytes':>8}{'requests':>10}")
    for path in PAGES:
        for language in LANGUAGES:
            weight = weigh(path, language)
            print(f"{path:<26}{language:<10}{weight.size:>8,}{weight.requests:>10}")


if __name__ == "__main__":
    main()
