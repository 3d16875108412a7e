"""Tests of the URLs of pages: their origin is configuration, and a secret is only in the fragment."""

from urllib.parse import urlsplit

import pytest

from partner_access import page_urls
from tests.support.builders import SECRET_TEXT

pytestmark = pytest.mark.usefixtures("environment")


def test_approve_url_contains_secret_only_in_fragment() -> None:
    address = urlsplit(page_urls.of_approval(SECRET_TEXT))

    assert address.fragment == SECRET_TEXT
    assert (address.scheme, address.netloc, address.path, address.query) == (
        "https",
        "access.example.com",
        "/approve",
        "",
    )


def test_page_urls_start_with_configured_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_URL", "https://elsewhere.example")

    assert page_urls.of_account("client") == "https://elsewhere.example/accounts/client"
    assert page_urls.of_member("client", "user") == "https://elsewhere.example/accounts/client?user=user"
    assert page_urls.of_links("partner") == "https://elsewhere.example/partners/partner?tab=links"
    assert page_urls.of_problem("not_found") == "https://elsewhere.example/problems/not-found"


def test_page_urls_escape_ids_so_that_mail_programs_keep_the_whole_url() -> None:
    assert page_urls.of_member("a.b:c", "idp|x@y").endswith("/accounts/a.b%3Ac?user=idp%7Cx%40y")
    assert page_urls.of_links("p|q").endswith("/partners/p%7Cq?tab=links")
