"""Tests of the approval page in a browser: approve, narrow or decline, from an email, by mouse or by keyboard."""

import time
from collections.abc import Callable
from urllib.parse import urldefrag

import pytest
from playwright.sync_api import Route, expect

from tests.stack.browser.browser_user import DESKTOP, PHONE, BrowserUser
from tests.stack.browser.conftest import OpenBrowser
from tests.stack.browser.personas import Personas
from tests.stack.conftest import SETTLED_AFTER
from tests.stack.stack_users import StackUsers
from tools.api_client import Json
from tools.local_stack import LocalStack

pytestmark = pytest.mark.usefixtures("invariants_hold_afterwards")

NARROW = 320
ATTEMPTS = 4


def member_of(personas: Personas, account_id: str) -> Json | None:
    """Return the membership of the employee in the account, if any."""
    return personas.stack_users.members_of(account_id).get(personas.employee.user_id)


def opened(open_browser: OpenBrowser, personas: Personas, secret: str, **how: object) -> BrowserUser:
    """Open the request for the signed-in admin."""
    browser_user = open_browser(language=personas.language, who=personas.admin, **how)
    browser_user.open(f"/approve#{secret}")
    browser_user.page.wait_for_selector(".facts")
    return browser_user


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("en", DESKTOP), ("ja", PHONE), ("ja", DESKTOP)])
def test_approve_from_email_by_mouse_grants_partner_admin(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    personas = personas_by_language[language]
    account_id = personas.a_client()
    subject = personas.an_email(account_id=account_id)
    browser_user = open_browser(language=language, width=width)
    page = browser_user.page
    people = {"name": personas.employee_name, "partner": _partner_name(browser_user)}

    browser_user.open("/inbox/")
    page.get_by_role("link", name=subject, exact=True).first.click()
    page.frame_locator("iframe").get_by_role("link").first.click()
    browser_user.see("approve.title")
    expect(page).to_have_url(f"{browser_user.origin}/approve")
    browser_user.check_accessibility("the sign-in page")
    browser_user.check_fit("the sign-in page")
    browser_user.screenshot("sign-in")
    browser_user.sign_in(personas.admin)
    browser_user.see("approve.asks", **people)
    browser_user.check_accessibility(f"the request at {width}")
    browser_user.check_fit("the request")
    browser_user.screenshot("request")
    assert member_of(personas, account_id) is None, "looking changes nothing"

    browser_user.button("approve.approve").click()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    browser_user.check_accessibility("the result")
    browser_user.check_fit("the result")
    browser_user.screenshot("approved")
    member = member_of(personas, account_id)
    assert member
    assert (member["permission_set"], member["seat"]) == ("partner_admin", "partner")


def _partner_name(browser_user: BrowserUser) -> str:
    return {"en": "Harbour & Finch", "ja": "株式会社みなと企画"}[browser_user.language]


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESKTOP)])
def test_approve_with_fewer_permissions_grants_only_those(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    personas = personas_by_language[language]
    account_id = personas.a_client()
    browser_user = opened(open_browser, personas, personas.a_link(account_id=account_id)[1], width=width)
    page = browser_user.page
    export = {"en": "Export records", "ja": "レコードのエクスポート"}[language]
    view = {"en": "View deals", "ja": "取引の閲覧"}[language]

    browser_user.button("approve.adjust").click()
    for details in page.locator(".group details").all():
        details.locator("summary").click()
    page.get_by_label(export, exact=True).uncheck()
    page.get_by_label(view, exact=True).uncheck()  # the dependent permissions to edit and delete are removed too
    page.locator("#until").fill("2020-01-01")
    browser_user.button("approve.approve").click()
    expect(page.get_by_role("alert")).to_be_visible()
    browser_user.check_accessibility("adjusting")
    browser_user.check_fit("adjusting")
    browser_user.screenshot("adjust")
    expect(page.locator("#cannot-list")).to_contain_text(export)

    page.locator("#until").fill(page.evaluate("new Date(Date.now() + 9 * 86400000).toISOString().slice(0, 10)"))
    browser_user.button("approve.approve").click()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    expect(page.locator(".facts")).to_contain_text(export)
    member = member_of(personas, account_id)
    assert member
    assert set(member["removed"]) == {"crm.export", *(f"crm.deals.{verb}" for verb in ("view", "edit", "delete"))}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_approve_by_keyboard_alone_grants_partner_admin(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    personas = personas_by_language[language]
    first, second = personas.a_client(), personas.a_client("Second Street" if language == "en" else "第二商店")
    browser_user = open_browser(language=language)
    page = browser_user.page

    browser_user.open(f"/approve#{personas.a_link()[1]}")
    browser_user.see("approve.title")
    browser_user.tab_to(browser_user.text("sign_in"))
    page.keyboard.press("Enter")
    page.wait_for_selector("#username:focus")
    page.keyboard.type(personas.admin.email)
    page.keyboard.press("Tab")
    page.keyboard.type(personas.admin.person.password)
    page.keyboard.press("Enter")
    page.wait_for_selector("#choice")
    browser_user.tab_to(browser_user.text("approve.approve"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(browser_user.text("approve.choose_first"))
    assert page.evaluate("document.activeElement.name") == "account", "the focus is where the choice is"
    browser_user.arrow_to(second)
    page.keyboard.press("Space")
    browser_user.tab_to(browser_user.text("approve.approve"))
    page.keyboard.press("Enter")
    browser_user.see("approve.approved.title", name=personas.employee_name)
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert member_of(personas, second)
    assert member_of(personas, first) is None


@pytest.mark.parametrize("language", ["en", "ja"])
def test_decline_asks_for_confirmation_and_declines_link(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    personas = personas_by_language[language]
    account_id = personas.a_client()
    link, secret = personas.a_link(account_id=account_id)
    browser_user = opened(open_browser, personas, secret, width=PHONE)

    browser_user.button("approve.decline").click()
    browser_user.check_accessibility("declining")
    browser_user.check_fit("declining")
    browser_user.screenshot("decline")
    browser_user.button("cancel").click()
    browser_user.button("approve.decline").click()
    browser_user.button("approve.decline.yes").click()
    browser_user.see("approve.declined.title")
    browser_user.check_accessibility("declined")
    link_response = personas.manager.caller.get(f"/partners/{personas.partner_id}/access-links/{link['link_id']}")
    assert link_response.json["state"] == "declined"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_revoked_link_offers_request_for_new_link(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    personas = personas_by_language[language]
    link, secret = personas.a_link()
    personas.manager.caller.delete(f"/partners/{personas.partner_id}/access-links/{link['link_id']}")
    browser_user = open_browser(language=language, width=PHONE, who=personas.admin)
    browser_user.open(f"/approve#{secret}")

    browser_user.see("approve.ended.title")
    browser_user.check_accessibility("ended")
    browser_user.screenshot("ended")
    browser_user.button("approve.renew").click()
    browser_user.see("approve.renewed.title")


def test_page_with_missing_or_unknown_link_shows_advice(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    browser_user = open_browser()
    browser_user.open("/approve")
    browser_user.see("approve.no_link.title")
    browser_user.check_accessibility("no link")
    browser_user.open("/approve#pal_nonsense")
    browser_user.sign_in(personas_by_language["en"].admin)
    browser_user.see("approve.link_not_found.title")


def test_page_for_member_who_cannot_approve_shows_reason_and_advice(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], stack_users: StackUsers
) -> None:
    personas, clerk = personas_by_language["en"], stack_users.clients[3]
    account_id = personas.a_client()
    stack_users.add_member(account_id, clerk, "view_only")
    browser_user = open_browser(width=PHONE)
    browser_user.open(f"/approve#{personas.a_link(account_id=account_id)[1]}")
    browser_user.sign_in(clerk)

    browser_user.see("approve.not_you.title")
    expect(browser_user.page.locator(".note")).to_contain_text(browser_user.text("error.not_an_approver"))
    expect(browser_user.page.get_by_text(browser_user.text("approve.forward"))).to_be_visible()
    browser_user.check_accessibility("not you")
    browser_user.check_fit("not you")
    browser_user.screenshot("not-you")


# --- faults without effect ---


def test_approve_by_double_click_sends_one_request(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    link, secret = personas.a_link(account_id=account_id)
    browser_user = opened(open_browser, personas, secret)

    browser_user.button("approve.approve").dblclick()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    sent = [each for each in browser_user.requests if each.url.endswith("/access-links/approvals")]
    assert len(sent) == 1
    browser_user.page.get_by_role("link", name=browser_user.text("approve.see_users")).click()
    browser_user.page.wait_for_url("**/accounts/**")
    browser_user.page.go_back()
    browser_user.page.wait_for_selector("h1")
    browser_user.open(f"/approve#{secret}")
    browser_user.see("approve.link_already_used.title")
    browser_user.check_accessibility("answered")
    link_response = personas.manager.caller.get(f"/partners/{personas.partner_id}/access-links/{link['link_id']}")
    assert link_response.json["approvals"] == 1
    browser_user.button("approve.renew").click()
    browser_user.see("approve.renewed.title")


def test_approve_with_lost_response_retries_with_same_key(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    browser_user = opened(open_browser, personas, personas.a_link(account_id=account_id)[1])
    keys: list[str | None] = []

    def lose_first_response(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    browser_user.page.route("**/access-links/approvals", lose_first_response)
    browser_user.button("approve.approve").click()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    browser_user.errors[:] = [each for each in browser_user.errors if "ERR_CONNECTION_RESET" not in each]


def test_approve_after_expired_sign_in_keeps_input(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    secret = personas.a_link(account_id=account_id)[1]
    browser_user = opened(open_browser, personas, secret)
    page = browser_user.page
    browser_user.button("approve.adjust").click()
    page.locator(".group").nth(3).get_by_role("checkbox").first.uncheck()
    page.evaluate("sessionStorage.removeItem('token')")

    browser_user.button("approve.approve").click()
    browser_user.fill_sign_in_form(personas.admin)
    page.wait_for_selector("#adjust fieldset")
    browser_user.check_no_trace_of(secret)
    expect(page.locator(".group").nth(3).get_by_role("checkbox").first).not_to_be_checked()
    assert member_of(personas, account_id) is None
    browser_user.button("approve.approve").click()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    member = member_of(personas, account_id)
    assert member
    assert "crm.export" in member["removed"]


def test_language_switch_keeps_input(open_browser: OpenBrowser, personas_by_language: dict[str, Personas]) -> None:
    personas = personas_by_language["en"]
    browser_user = opened(open_browser, personas, personas.a_link(account_id=personas.a_client())[1], new_context=True)
    page = browser_user.page
    browser_user.button("approve.adjust").click()
    page.locator(".group").nth(3).get_by_role("checkbox").first.uncheck()

    page.get_by_role("button", name="日本語").click()
    browser_user.language = "ja"
    expect(browser_user.button("approve.as_asked")).to_be_visible()
    expect(page.locator(".group").nth(3).get_by_role("checkbox").first).not_to_be_checked()
    assert page.evaluate("document.documentElement.lang") == "ja"
    browser_user.open("/")
    browser_user.see("home.accounts")
    browser_user.check_accessibility("home")
    browser_user.screenshot("home")


# --- visits without a decision ---


def test_link_scanner_changes_nothing(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], stack: LocalStack
) -> None:
    secret = personas_by_language["en"].a_link(account_id=personas_by_language["en"].a_client())[1]
    browser_user = open_browser()

    def visit() -> None:
        scan(browser_user, stack, f"/approve#{secret}")
        refused = stack.pool.request(
            "POST",
            f"{stack.origin}/access-links/approvals",
            json={"secret": secret, "account_id": "any"},
            headers={"idempotency-key": "scanner"},
        )
        assert refused.status == 401

    assert leaves_table_unchanged(stack, visit)


@pytest.mark.parametrize("path", ["/", "/accounts/{account_id}", "/partners/{partner_id}", "/problems/link-expired"])
def test_visit_to_page_changes_nothing(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], stack: LocalStack, path: str
) -> None:
    personas = personas_by_language["en"]
    where = path.format(account_id=personas.a_client(), partner_id=personas.partner_id)
    browser_user = open_browser()

    assert leaves_table_unchanged(stack, lambda: scan(browser_user, stack, where))


def scan(browser_user: BrowserUser, stack: LocalStack, path: str) -> None:
    """Request the page with HEAD, GET and as a prefetch, and then run its scripts without signing in."""
    address = urldefrag(f"{stack.origin}{path}").url
    for method, headers in (("HEAD", {}), ("GET", {}), ("GET", {"sec-purpose": "prefetch"})):
        assert stack.pool.request(method, address, headers=headers).status == 200
    browser_user.open(path)
    browser_user.page.wait_for_load_state("networkidle")
    browser_user.page.wait_for_selector("main h1")
    assert {request.method for request in browser_user.requests} == {"GET"}


def leaves_table_unchanged(stack: LocalStack, visit: Callable[[], None]) -> bool:
    """Return whether a visit changes nothing in the table.

    Try again if emails or sweeps of earlier tests changed something meanwhile.
    """
    for _ in range(ATTEMPTS):
        before = _sorted(stack)
        visit()
        if _sorted(stack) == before:
            return True
        time.sleep(SETTLED_AFTER)
    return False


def _sorted(stack: LocalStack) -> list[str]:
    return sorted(repr(sorted(item.items(), key=str)) for item in stack.items())


def test_secret_appears_only_in_request_bodies(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], stack: LocalStack
) -> None:
    personas = personas_by_language["en"]
    secret = personas.a_link(account_id=personas.a_client())[1]
    browser_user = open_browser()
    browser_user.open(f"/approve#{secret}")
    browser_user.see("approve.title")
    expect(browser_user.page).to_have_url(f"{browser_user.origin}/approve")
    browser_user.check_no_trace_of(secret)
    browser_user.sign_in(personas.admin)
    browser_user.page.wait_for_selector(".facts")
    browser_user.check_no_trace_of(secret)
    browser_user.button("approve.approve").click()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    browser_user.check_no_trace_of(secret)
    assert secret not in stack.emulator.log.read_text(errors="replace")
    log = stack.log()
    assert "START RequestId: " in log
    assert secret not in log


@pytest.mark.parametrize("language", ["en", "ja"])
def test_page_is_fast_does_not_shift_and_fits_narrow_screen(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    personas = personas_by_language[language]
    browser_user = open_browser(language=language, width=NARROW, new_context=True, who=personas.admin)
    browser_user.check_fast_open(f"/approve#{personas.a_link(account_id=personas.a_client())[1]}", ".facts")
    browser_user.button("approve.adjust").click()
    browser_user.check_fit("adjusting at 320 pixels")
    browser_user.screenshot("narrow")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_problem_page_explains_the_error(open_browser: OpenBrowser, language: str) -> None:
    browser_user = open_browser(language=language, width=PHONE)
    browser_user.open("/problems/link-expired")
    browser_user.see("problem.title")
    expect(browser_user.page.get_by_text(browser_user.text("error.link_expired"))).to_be_visible()
    browser_user.check_accessibility("a problem")
    browser_user.open("/problems/nothing")
    browser_user.see("missing.title")
