"""Tests of emails in a browser: phone and desktop widths, light and dark, both languages, and very long content."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from partner_access.domain.permissions import catalogue
from partner_access.emails import rendering
from partner_access.emails.permission_texts import Language
from partner_access.emails.rendering import EmailContext, render
from tests.stack.browser.browser_user import AXE, RULES, Scheme
from tools.email_preview import CAUSES, SAMPLES

WIDTHS: Final = (320, 390, 900)
NO_PAGE: Final = {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}
"""Rules of axe that do not apply: an email is shown within a mail program, whose page has the landmarks."""
HALF: Final = tuple(sorted(catalogue.SETS["partner_admin"][-1]))[::2]
LONGEST: Final[dict[str, Any]] = {
    "partner_name": "Vertriebspartnerschaftsgesellschaft" * 4,
    "partner_domains": tuple(f"{'very-long-' * 5}{nth}.example" for nth in range(9)),
    "employee_name": "勅使河原左衛門之介" * 20,
    "employee_email": f"{'w' * 64}@{'very-long-' * 5}1.example",
    "account_name": "Donaudampfschifffahrtselektrizitäten" * 5,
    "actor_name": "青空家具製造販売株式会社 " * 12,
    "can": HALF,
    "requested_more": HALF,
    "gained": HALF,
    "purpose": "x" * 500,
    "reason": "先に相談させてください。" * 50,
    "button_url": f"https://access.example.com/accounts/{'a' * 128}?user={'b' * 128}",
}

every_language = pytest.mark.parametrize("language", rendering.LANGUAGES)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """Open one tab for all emails. A request to any address fails the test."""
    tab = browser.new_page()
    tab.route("**/*", lambda route: pytest.fail(f"an email requests {route.request.url}"))
    yield tab
    tab.close()


def show(page: Page, kind: str, language: Language, context: EmailContext) -> None:
    page.set_content(render(kind, language, context).html)


def overflow(page: Page) -> dict[int, int]:
    """Return the overflow in pixels at each width at which the email is too wide."""
    over = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        over[width] = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return {width: pixels for width, pixels in over.items() if pixels > 0}


def violations(page: Page, scheme: Scheme, options: dict[str, object]) -> list[object]:
    """Return the violations that axe finds, with their elements. Apart from colors, dark and light are the same."""
    page.emulate_media(color_scheme=scheme)
    found = page.evaluate("(asked) => axe.run({ resultTypes: ['violations'], ...asked })", options)
    assert found["passes"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]]


@every_language
@pytest.mark.parametrize("kind", rendering.EMAIL_KINDS)
def test_email_in_light_and_dark_is_accessible(page: Page, kind: str, language: Language) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    show(page, kind, language, replace(SAMPLES[language], cause=CAUSES.get(kind, (None,))[-1]))
    page.evaluate(f"() => {{ if (!window.axe) {{ {AXE} }} }}")
    assert violations(page, "light", {"runOnly": RULES, "rules": NO_PAGE}) == []
    assert violations(page, "dark", {"runOnly": ["color-contrast"]}) == []


@every_language
@pytest.mark.parametrize("kind", rendering.EMAIL_KINDS)
def test_email_at_each_width_has_no_overflow(page: Page, kind: str, language: Language) -> None:
    for changes in ({}, LONGEST):
        show(page, kind, language, replace(SAMPLES[language], cause=CAUSES.get(kind, (None,))[0], **changes))
        assert overflow(page) == {}


@every_language
def test_button_on_phone_is_wide_and_large_enough(page: Page, language: Language) -> None:
    show(page, "link_to_approve", language, SAMPLES[language])
    button = page.get_by_role("link")

    for width, broad in ((390, True), (900, False)):
        page.set_viewport_size({"width": width, "height": 800})
        box = button.bounding_box()
        assert box
        assert box["height"] >= 44
        assert (box["width"] > width * 0.8) is broad
