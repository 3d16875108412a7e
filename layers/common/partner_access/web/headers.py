"""Headers of the pages: their content security policy, and what else protects their users."""

from typing import Final
from urllib.parse import urlsplit

from partner_access import settings

YEAR_SECONDS: Final = 31_536_000


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


def page_headers(policy: str) -> dict[str, str]:
    """Return the headers of every page and asset, with this content security policy."""
    return {
        "vary": "accept-encoding, accept-language",
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "referrer-policy": "no-referrer",
        "strict-transport-security": f"max-age={YEAR_SECONDS}",
        "x-content-type-options": "nosniff",
    }
