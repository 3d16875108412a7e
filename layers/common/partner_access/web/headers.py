"""Headers of the pages that protect their users."""

from typing import Final

YEAR_SECONDS: Final = 31_536_000


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
