"""A browser on the one stack, and whoever sits at it; nothing may go wrong behind his back."""

import shutil
import time
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from partner_access.emails.permission_texts import Language
from tests.stack.browser.browser_user import DESK, Visitor, a_context
from tests.stack.browser.personas import Cast, a_cast
from tests.stack.conftest import SETTLED_AFTER
from tests.stack.stack_users import Resident, Town
from tools import invariants
from tools.local_stack import Stack

NO_BROWSER = (
    "NO BROWSER: Chromium is not here, so the pages are NOT clicked through; `make browser` installs it on Debian"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's own Chromium, which `make test` installs where it can."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared(browser: Browser) -> Callable[[Language], BrowserContext]:
    """What tabs of one language have in common: what was loaded before is there, as for anybody who comes again."""
    return cache(lambda language: a_context(browser, language))


@pytest.fixture(scope="session")
def casts(town: Town) -> dict[str, Cast]:
    return {language: a_cast(town, language) for language in ("en", "ja")}


@pytest.fixture(scope="module")
def sound_afterwards(stack: Stack, seen: set[str]) -> Iterator[None]:
    """After these tests, everything that must be true of the whole table is."""
    yield
    found = set(invariants.broken(stack.items())) - seen
    if found:
        time.sleep(SETTLED_AFTER)
        found &= set(invariants.broken(stack.items()))
    seen |= found
    assert sorted(found) == []


Visits = Callable[..., Visitor]


@pytest.fixture
def visits(browser: Browser, shared: Callable[[Language], BrowserContext], stack: Stack) -> Iterator[Visits]:
    """Makes visitors; when the test is over, nothing went wrong in any of their tabs."""
    made: list[Visitor] = []
    alone: list[BrowserContext] = []

    def visit(
        *, language: Language = "en", width: int = DESK, who: Resident | None = None, anew: bool = False
    ) -> Visitor:
        """`who` is signed in already; `anew` is with a browser that was never here."""
        context = a_context(browser, language) if anew else shared(language)
        alone.extend([context] if anew else [])
        visitor = Visitor.at(context, stack.front_url, language=language, width=width)
        made.append(visitor)
        if who:
            visitor.is_signed_in(who)
        return visitor

    yield visit
    for visitor in made:
        visitor.puts_a_letter_down()
    for context in alone:
        context.close()
    assert [trouble for visitor in made for trouble in visitor.troubles] == []
