"""Headers of the pages: their content security policy, and whether the browser takes gzip."""

import re
from urllib.parse import urlsplit

from partner_access import settings
from partner_access.lambda_context import Event


def content_security_policy() -> str:
    """Return the content security policy.

    It allows only our own scripts, styles and images, and only requests to the API and the sign-in.
    """
    sign_in = urlsplit(settings.token_url())
    sign_in_origin = f" {sign_in.scheme}://{sign_in.netloc}" if sign_in.netloc else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'{sign_in_origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def takes_gzip(event: Event) -> bool:
    return bool(
        re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0+)?\s*(,|$))", event["headers"].get("accept-encoding", "").lower())
    )
