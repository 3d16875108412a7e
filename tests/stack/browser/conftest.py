"""A browser on the one stack, and whoever sits at it; nothing may go wrong behind his back."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.stack.browser.cast import Cast, a_cast
from tests.stack.browser.visitor import Visitor
from tests.stack.town import Town
from tools.local_stack import Stack

NO_BROWSER = (
    "NO BROWSER: the pages are NOT clicked through. `BROWSER=required make test` does it, and installs Chromium."
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's own Chromium, where it is asked for."""
    if os.environ.get("BROWSER") != "required":
        pytest.skip(NO_BROWSER)
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, NO_BROWSER
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def casts(town: Town) -> dict[str, Cast]:
    return {language: a_cast(town, language) for language in ("en", "ja")}


Visits = Callable[..., Visitor]


@pytest.fixture
def visits(browser: Browser, stack: Stack) -> Iterator[Visits]:
    """Makes visitors; when the test is over, nothing went wrong in any of their tabs."""
    made: list[Visitor] = []

    def visit(**how: object) -> Visitor:
        visitor = Visitor.at(browser, stack.front_url, **how)  # type: ignore[arg-type]  # as Visitor.at has it
        made.append(visitor)
        return visitor

    yield visit
    for visitor in made:
        visitor.puts_a_letter_down()
        assert visitor.troubles == []
