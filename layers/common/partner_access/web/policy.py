"""The content security policy of the pages with scripts."""

from urllib.parse import urlsplit

from partner_access import settings


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
