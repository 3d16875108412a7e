"""Somebody at a browser, under watch: what no page of ours may do is noted while he goes about."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from functions.show_pages import app as show_pages
from partner_access.letters.plain_words import Language
from tests.stack.town import Resident

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
AXE: Final = (HERE / "axe/axe.min.js").read_text(encoding="utf-8")
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PICTURES: Final = ROOT / "docs/screenshots"
PHONE: Final = 390
DESK: Final = 1280
REFUSED_BY_THE_API: Final = "Failed to load resource: the server responded with a status of 4"
MOST_TABS: Final = 80

Scheme = Literal["light", "dark"]


@dataclass  # without slots: Playwright hangs a mark on whoever listens
class Visitor:
    """A tab of a browser of his own, the language he likes, and what went wrong in it."""

    page: Page
    origin: str
    language: Language
    troubles: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, origin: str, *, language: Language = "en", width: int = DESK) -> "Visitor":
        """With nothing remembered from any visit before."""
        context = browser.new_context(
            locale={"en": "en-GB", "ja": "ja-JP"}[language],
            timezone_id={"en": "Europe/London", "ja": "Asia/Tokyo"}[language],
            viewport={"width": width, "height": 844 if width < DESK else 900},
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective))"
        )
        visitor = cls(context.new_page(), origin, language)
        visitor.page.on("console", visitor._heard)
        visitor.page.on("pageerror", lambda error: visitor.troubles.append(f"error: {error}"))
        visitor.page.on("request", visitor._asked)
        visitor.page.on("response", visitor._answered)
        return visitor

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(REFUSED_BY_THE_API):
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith(self.origin):
            self.troubles.append(f"elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status}: {response.url}")

    # --- what he does ---

    def opens(self, path: str) -> None:
        self.page.goto(self.origin + path)

    def says(self, words: str, /, **places: object) -> str:
        """The page's own words in his language."""
        told = show_pages.words(self.language)[words]
        assert isinstance(told, str), words
        for place, value in places.items():
            told = told.replace(f"{{{place}}}", str(value))
        return told

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=self.says(name), exact=True)

    def sees(self, words: str, /, **places: object) -> None:
        """A heading with these words, before long."""
        expect(self.page.get_by_role("heading", name=self.says(words, **places), exact=True)).to_be_visible()

    def signs_in(self, resident: Resident) -> None:
        """From the door of a page, through the sign-in, and back."""
        self.button("sign_in").click()
        self.fills_in(resident)

    def fills_in(self, resident: Resident) -> None:
        """The sign-in's own page."""
        self.page.fill("#username", resident.email)
        self.page.fill("#password", resident.person.password)
        self.page.keyboard.press("Enter")
        self.button("sign_out").wait_for()

    def tabs_to(self, words: str) -> None:
        """By the keyboard alone: forward until what has the focus is called so."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(
                "() => { const e = document.activeElement; return [e.innerText, e.labels?.[0]?.innerText, e.id].join('|') }"
            )
            if words in focused:
                return
        raise AssertionError(f"the keyboard does not reach {words!r}")

    def puts_a_letter_down(self) -> None:
        """Closes the tab and all that it remembers."""
        self.page.context.close()

    # --- what must be true of what he sees ---

    def is_accessible(self, state: str, *schemes: Scheme) -> None:
        """No violation that axe finds, in light and dark."""
        for scheme in schemes or ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.evaluate(f"() => {{ if (!window.axe) {{ {AXE} }} }}")
            found = self.page.evaluate("(tags) => axe.run({ runOnly: tags })", RULES)
            broken = [
                f"{each['id']}: {node['target']} {node['failureSummary']}"
                for each in found["violations"]
                for node in each["nodes"]
            ]
            assert broken == [], f"{state}, {scheme}"

    def fits(self, state: str) -> None:
        """Nothing hangs out at the side."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{state} is {wide} pixels too wide"

    def holds_nothing_of(self, secret: str) -> None:
        """Neither the tab's storage nor the address bar nor any request line nor a referrer has it."""
        assert secret not in self.page.evaluate(
            "JSON.stringify([sessionStorage, localStorage, location.href, document.cookie])"
        )
        for request in self.requests:
            assert secret not in urldefrag(request.url).url
            assert secret not in json.dumps(request.headers)
            if request.post_data and secret in request.post_data:
                assert urlsplit(request.url).path.startswith("/access-links/")

    def pictures(self, name: str) -> None:
        """A picture for the documents, when it is asked for: `SCREENSHOTS=1`."""
        if not os.environ.get("SCREENSHOTS"):
            return
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        PICTURES.mkdir(exist_ok=True)
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            file = PICTURES / f"{name}-{self.language}-{width}-{scheme}.png"
            self.page.screenshot(path=file, full_page=not self.page.locator("dialog").count(), caret="hide")

    def measured(self) -> dict[str, Any]:
        """How the page came: when something first showed, and how much moved about afterwards."""
        told: dict[str, Any] = self.page.evaluate(
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
        return told
