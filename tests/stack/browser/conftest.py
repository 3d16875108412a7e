"""A browser for the stack, and its users. A test fails if an error occurs in any tab."""

import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from partner_access.emails.permission_texts import Language
from tests.stack.browser.browser_user import DESKTOP, BrowserUser, a_context
from tests.stack.browser.personas import Personas, create_personas
from tests.stack.conftest import SETTLED_AFTER
from tests.stack.stack_users import StackUser, StackUsers
from tools import invariants
from tools.local_stack import LocalStack

NO_BROWSER = (
    "NO BROWSER: Chromium is not here, so the pages are NOT clicked through; `make browser` installs it on Debian"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's own Chromium, which `make test` installs if possible."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_context(browser: Browser) -> Callable[[Language], BrowserContext]:
    """Return one browser context per language, so that pages find a cache like that of a returning user."""
    return cache(lambda language: a_context(browser, language))


@pytest.fixture(scope="session")
def personas_by_language(stack_users: StackUsers) -> dict[str, Personas]:
    return {language: create_personas(stack_users, language) for language in ("en", "ja")}


@pytest.fixture(scope="module")
def invariants_hold_afterwards(stack: LocalStack, reported_violations: set[str]) -> Iterator[None]:
    """Check all invariants of the whole table after the tests of the module."""
    yield
    found = set(invariants.violations(stack.items())) - reported_violations
    if found:
        time.sleep(SETTLED_AFTER)
        found &= set(invariants.violations(stack.items()))
    reported_violations |= found
    assert sorted(found) == []


OpenBrowser = Callable[..., BrowserUser]


@pytest.fixture
def open_browser(
    browser: Browser, shared_context: Callable[[Language], BrowserContext], stack: LocalStack
) -> Iterator[OpenBrowser]:
    """Return a function that opens a tab for a user. No error may have occurred in any tab at the end of the test."""
    browser_users: list[BrowserUser] = []
    new_contexts: list[BrowserContext] = []

    def open_tab(
        *, language: Language = "en", width: int = DESKTOP, who: StackUser | None = None, new_context: bool = False
    ) -> BrowserUser:
        """Open a tab, with `who` already signed in.

        The browser context is shared by language unless a new one is requested.
        """
        context = a_context(browser, language) if new_context else shared_context(language)
        new_contexts.extend([context] if new_context else [])
        browser_user = BrowserUser.open_tab(context, stack.origin, language=language, width=width)
        browser_users.append(browser_user)
        if who:
            browser_user.use_stored_sign_in(who)
        return browser_user

    yield open_tab
    for browser_user in browser_users:
        browser_user.close()
    for context in new_contexts:
        context.close()
    assert [error for browser_user in browser_users for error in browser_user.errors] == []
