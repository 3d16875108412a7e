"""A user at a browser. Each tab records everything that no page of the product may do."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

from functions.serve_pages import app as serve_pages
from partner_access.emails.permission_texts import Language
from tests.stack.stack_users import StackUser

HERE: Final = Path(__file__).parent
AXE: Final = (HERE / "axe/axe.min.js").read_text(encoding="utf-8")
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOR_RULES: Final = ["color-contrast", "link-in-text-block"]
SCREENSHOTS: Final = Path(os.environ.get("PICTURES", ""))
PHONE: Final = 390
DESKTOP: Final = 1280
API_ERROR: Final = "Failed to load resource: the server responded with a status of 4"
MOST_TABS: Final = 80
TIMEOUT: Final = 40_000.0
"""Timeout in milliseconds, generous for a busy machine."""
SIGNED_IN_FOR: Final = 240.0
TRIES: Final = 6
SHOWN_WITHIN: Final = 1000
MOVED_AT_MOST: Final = 0.02

Scheme = Literal["light", "dark"]

expect.set_options(timeout=TIMEOUT)
_checked: set[tuple[str, str]] = set()


def a_context(browser: Browser, language: Language) -> BrowserContext:
    """Create a browser context for users of this language, without any stored data."""
    context = browser.new_context(
        locale={"en": "en-GB", "ja": "ja-JP"}[language],
        timezone_id={"en": "Europe/London", "ja": "Asia/Tokyo"}[language],
        reduced_motion="no-preference",
    )
    context.set_default_timeout(TIMEOUT)
    context.add_init_script(
        "document.addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective))"
    )
    return context


@dataclass  # without slots, because Playwright sets an attribute on objects that own event handlers
class BrowserUser:
    """A browser tab, the language of its user, and the errors that occurred in it."""

    page: Page
    origin: str
    language: Language
    errors: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @classmethod
    def open_tab(cls, context: BrowserContext, origin: str, *, language: Language, width: int) -> "BrowserUser":
        """Open a new tab without a signed-in user."""
        context.clear_cookies()
        browser_user = cls(context.new_page(), origin, language)
        browser_user.page.set_viewport_size({"width": width, "height": 844 if width < DESKTOP else 900})
        browser_user.page.on("console", browser_user._on_console)
        browser_user.page.on("pageerror", lambda error: browser_user.errors.append(f"error: {error}"))
        browser_user.page.on("request", browser_user._on_request)
        browser_user.page.on("response", browser_user._on_response)
        return browser_user

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(API_ERROR):
            self.errors.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith(self.origin):
            self.errors.append(f"elsewhere: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.errors.append(f"{response.status}: {response.url}")

    # --- actions ---

    def open(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def text(self, key: str, /, **values: object) -> str:
        """Return a text of the page in the user's language."""
        text = serve_pages.texts(self.language)[key]
        assert isinstance(text, str), key
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=self.text(name), exact=True)

    def see(self, key: str, /, **values: object) -> None:
        """Wait for a heading with this text."""
        expect(self.page.get_by_role("heading", name=self.text(key, **values), exact=True)).to_be_visible()

    def sign_in(self, user: StackUser) -> None:
        """Sign in by the button of a page."""
        self.button("sign_in").click()
        self.fill_sign_in_form(user)

    def use_stored_sign_in(self, user: StackUser) -> None:
        """Store a token, as after an earlier sign-in in this tab. The sign-in itself has tests of its own."""
        until = (time.time() + SIGNED_IN_FOR) * 1000
        stored_token = json.dumps({"token": user.caller.token, "until": until, "who": user.email})
        self.page.add_init_script(
            "if (location.protocol.startsWith('http') && !sessionStorage.getItem('arrived')) {"
            f"sessionStorage.setItem('arrived', 'yes'); sessionStorage.setItem('token', {json.dumps(stored_token)}) }}"
        )

    def fill_sign_in_form(self, user: StackUser) -> None:
        """Fill in the form of the identity provider."""
        self.page.fill("#username", user.email)
        self.page.fill("#password", user.person.password)
        self.page.keyboard.press("Enter")
        self.button("sign_out").wait_for()

    def tab_to(self, words: str) -> None:
        """Press Tab until an element with this text has the focus. Wait first until a view has replaced the other."""
        self.page.evaluate("async () => { await document.activeViewTransition?.finished }")
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(
                "() => { const e = document.activeElement; return [e.innerText, e.labels?.[0]?.innerText, e.id].join('|') }"
            )
            if words in focused:
                return
        raise AssertionError(f"the keyboard does not reach {words!r}")

    def arrow_to(self, value: str) -> None:
        """Press the down arrow until the choice with this value has the focus."""
        for _ in range(MOST_TABS):
            if self.page.evaluate("document.activeElement.value") == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not reach {value!r}")

    def close(self) -> None:
        """Close the tab and with it its session storage."""
        self.page.close()

    # --- assertions ---

    def check_accessibility(self, state: str) -> None:
        """Assert that axe finds no violation.

        Each state of a page is checked once, and its colors also in the dark scheme.
        """
        page = urlsplit(self.page.url).path.split("/")[1]
        if (page, state) in _checked:
            return
        _checked.add((page, state))
        self._run_axe(state, "light", {"type": "tag", "values": RULES})
        self._run_axe(state, "dark", {"type": "rule", "values": COLOR_RULES})

    def _run_axe(self, state: str, scheme: Scheme, rules: dict[str, object]) -> None:
        self._emulate(scheme, "reduce")
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(f"() => {{ {AXE} }}")
        found = self.page.evaluate("(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })", rules)
        broken = [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
        self._emulate("light", "no-preference")
        assert broken == [], f"{state}, {scheme}"

    def _emulate(self, scheme: Scheme, motion: Literal["no-preference", "reduce"]) -> None:
        self.page.emulate_media(color_scheme=scheme, reduced_motion=motion)

    def check_fit(self, state: str) -> None:
        """Assert that nothing is wider than the screen."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{state} is {wide} pixels too wide"

    def check_no_trace_of(self, secret: str) -> None:
        """Assert that the secret is in no storage, address bar, request URL or header."""
        assert secret not in self.page.evaluate(
            "JSON.stringify([sessionStorage, localStorage, location.href, document.cookie])"
        )
        for request in self.requests:
            assert secret not in urldefrag(request.url).url
            assert secret not in json.dumps(request.headers)
            if request.post_data and secret in request.post_data:
                assert urlsplit(request.url).path.startswith("/access-links/")

    def screenshot(self, name: str) -> None:
        """Take screenshots for the documentation if `PICTURES` names a folder."""
        if Path() == SCREENSHOTS:
            return
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            self._emulate(scheme, "reduce")
            file = SCREENSHOTS / f"{name}-{self.language}-{width}-{scheme}.png"
            self.page.screenshot(path=file, full_page=not self.page.locator("dialog").count(), caret="hide")
        self._emulate("light", "no-preference")

    def check_fast_open(self, path: str, sign: str) -> None:
        """Open a page and assert that it shows content within a second and does not shift.

        A busy machine may try again.
        """
        for left in reversed(range(TRIES)):
            self.page.goto("about:blank")
            self.open(path)
            self.page.wait_for_selector(sign)
            timing = self.page.evaluate(
                """() => new Promise((done) => {
                    let moved = 0;
                    new PerformanceObserver((list) => list.getEntries().forEach((each) => { if (!each.hadRecentInput) moved += each.value; }))
                      .observe({ type: 'layout-shift', buffered: true });
                    setTimeout(() => done({
                      shown: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
                      moved,
                    }), 100);
                })"""
            )
            assert timing["moved"] < MOVED_AT_MOST
            if timing["shown"] < SHOWN_WITHIN:
                return
            assert left, f"it took {timing['shown']:.0f} ms to show anything"
