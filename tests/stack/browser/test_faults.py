"""Tests of the pages when something goes wrong: erased users, errors of scripts, refused tokens, damaged links."""

import json

import pytest
from playwright.sync_api import Route, expect

from tests.stack.browser.browser_user import DESKTOP, PHONE, BrowserUser
from tests.stack.browser.conftest import OpenBrowser
from tests.stack.browser.personas import Personas
from tests.stack.stack_users import new_key, with_retries

pytestmark = pytest.mark.usefixtures("invariants_hold_afterwards")

NARROW = 320

SCRIPT_ERRORS = {
    "an error": "setTimeout(() => { throw new Error('planned') })",
    "a rejection": "setTimeout(() => { Promise.reject(new Error('planned')) })",
}


def forget_planned_errors(browser_user: BrowserUser, text: str) -> None:
    """Assert that errors with this text were recorded, and remove them."""
    assert any(text in error for error in browser_user.errors), browser_user.errors
    browser_user.errors[:] = [error for error in browser_user.errors if text not in error]


# --- erased users ---


@pytest.mark.parametrize("language", ["en", "ja"])
def test_erased_user_is_shown_by_id_on_every_page(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    personas = personas_by_language[language]
    stack_users, account_id = personas.stack_users, personas.a_client()
    users = f"/accounts/{account_id}/users"
    erased = f"usr_erased_{language}"
    fields = {"email": f"erased@partner-{language}.example", "name": "Erased Soon", "locale": language}
    stack_users.put(f"/directory/users/{erased}", fields)
    for employer, permission_set in ((personas.partner_id, "view_only"), (account_id, "marketing")):
        stack_users.put(f"/directory/accounts/{employer}/members/{erased}", {"permission_set": permission_set})
    suspended = with_retries(lambda: personas.admin.caller.put(f"{users}/{erased}/suspension", {}))
    assert suspended.status == 200, suspended
    erasure = with_retries(lambda: stack_users.back_end.post(f"/directory/users/{erased}/erasure", None, key=new_key()))
    assert erasure.status == 202, erasure

    browser_user = open_browser(language=language, who=personas.admin, width=DESKTOP)
    page = browser_user.page
    browser_user.open(f"/accounts/{account_id}")
    expect(page.locator("#people tbody tr").filter(has_text=erased)).to_have_count(1)
    page.fill("#filter", erased)
    expect(page.locator("#people tbody tr")).to_have_count(1)
    page.get_by_role("link", name=erased).click()
    expect(page.locator("h1")).to_contain_text(erased)

    manager = open_browser(language=language, who=personas.manager)
    for tab in ("clients", "employees", "links"):
        manager.open(f"/partners/{personas.partner_id}?tab={tab}")
        expect(manager.page.locator(".status")).not_to_have_text(manager.text("loading"))
        expect(manager.page.locator("#failure")).to_be_hidden()


# --- errors of scripts ---


@pytest.mark.parametrize("script", SCRIPT_ERRORS.values(), ids=SCRIPT_ERRORS)
def test_unhandled_error_is_shown_and_recorded(open_browser: OpenBrowser, script: str) -> None:
    browser_user = open_browser(width=PHONE)
    browser_user.open("/")
    browser_user.see("home.title")
    expect(browser_user.page.locator("#failure")).to_be_hidden()
    browser_user.page.evaluate(script)

    expect(browser_user.page.get_by_role("alert")).to_contain_text(browser_user.text("failed"))
    browser_user.check_accessibility("a failure")
    browser_user.check_fit("a failure")
    forget_planned_errors(browser_user, "planned")
    browser_user.button("reload").click()
    expect(browser_user.page.locator("#failure")).to_be_hidden()


@pytest.mark.parametrize("path", ["/accounts/{account_id}", "/partners/{partner_id}"])
def test_unexpected_response_is_shown_and_leaves_nothing_waiting(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], path: str
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    browser_user = open_browser(who=personas.manager if "partners" in path else personas.admin)
    page = browser_user.page
    unexpected = {"items": [{"name": "n", "permission_set": "sales"}], "next_cursor": None}
    for requests in ("**/users?*", "**/clients?*"):
        page.route(requests, lambda route: route.fulfill(json=unexpected))
    browser_user.open(path.format(account_id=account_id, partner_id=personas.partner_id))

    expect(page.locator("#failure")).to_be_visible()
    expect(page.get_by_text(browser_user.text("loading"))).to_have_count(0)
    forget_planned_errors(browser_user, "error: ")


def test_script_that_does_not_load_is_shown_and_keeps_the_link(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    secret = personas.a_link(account_id=personas.a_client())[1]
    browser_user = open_browser(new_context=True, who=personas.admin)
    page = browser_user.page
    scripts = "**/assets/*/approve.js"

    def lose(route: Route) -> None:
        route.abort("connectionreset")

    page.route(scripts, lose)
    browser_user.open(f"/approve#{secret}")
    expect(page.locator("#failure")).to_be_visible()
    expect(page).to_have_url(f"{browser_user.origin}/approve#{secret}")
    forget_planned_errors(browser_user, "ERR_CONNECTION_RESET")
    page.unroute(scripts)
    browser_user.button("reload").click()
    page.wait_for_selector(".facts")
    expect(page).to_have_url(f"{browser_user.origin}/approve")


# --- sign-ins without effect ---


def test_refused_token_leads_to_one_sign_in_and_a_message(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    browser_user = open_browser(new_context=True, width=PHONE)
    page = browser_user.page
    page.route("**/accounts?*", lambda route: route.fulfill(status=401, json={"message": "Unauthorized"}))
    browser_user.open("/")
    browser_user.button("sign_in").click()
    page.fill("#username", personas.admin.email)
    page.fill("#password", personas.admin.person.password)
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_have_text(browser_user.text("sign_in_refused"))
    expect(page).to_have_url(f"{browser_user.origin}/")
    browser_user.check_accessibility("a refused token")
    browser_user.check_fit("a refused token")
    page.unroute("**/accounts?*")
    browser_user.sign_in(personas.admin)
    browser_user.see("home.accounts")


def test_second_sign_in_after_going_back_keeps_the_user_signed_in(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    browser_user = open_browser(new_context=True)
    browser_user.open("/")
    browser_user.sign_in(personas.admin)
    browser_user.see("home.accounts")
    browser_user.page.go_back()
    browser_user.fill_sign_in_form(personas.admin)

    browser_user.see("home.accounts")


def test_blocked_storage_is_explained_and_the_link_stays_in_the_address_bar(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    secret = personas_by_language["en"].a_link()[1]
    browser_user = open_browser(new_context=True, width=PHONE)
    page = browser_user.page
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
        "{ get() { throw new DOMException('blocked', 'SecurityError') } })"
    )
    browser_user.open(f"/approve#{secret}")

    expect(page.get_by_role("alert")).to_have_text(browser_user.text("storage_blocked"))
    expect(page).to_have_url(f"{browser_user.origin}/approve#{secret}")
    expect(browser_user.button("sign_in")).to_have_count(0)
    browser_user.check_accessibility("blocked storage")
    page.get_by_role("button", name="日本語").click()
    browser_user.language = "ja"
    browser_user.see("approve.title")


# --- forms ---


def test_refused_decline_keeps_the_reason_and_takes_several_lines(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    link, secret = personas.a_link(account_id=personas.a_client())
    browser_user = open_browser(who=personas.admin)
    page = browser_user.page
    browser_user.open(f"/approve#{secret}")
    browser_user.button("approve.decline").click()
    page.fill("#reason", "We have an agency.\nSee <b>here</b>.")
    browser_user.button("approve.decline.yes").click()

    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("error.invalid_field"))
    expect(page.locator("#reason")).to_have_value("We have an agency.\nSee <b>here</b>.")
    page.fill("#reason", "We have an agency.\nAsk in spring.")
    browser_user.button("approve.decline.yes").click()
    browser_user.see("approve.declined.title")
    shown = personas.manager.caller.get(f"/partners/{personas.partner_id}/access-links/{link['link_id']}")
    assert shown.json["state"] == "declined"


def test_decline_of_a_link_that_ended_meanwhile_closes_the_dialog(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    link, secret = personas.a_link(account_id=personas.a_client())
    browser_user = open_browser(who=personas.admin)
    browser_user.open(f"/approve#{secret}")
    browser_user.button("approve.decline").click()
    personas.manager.caller.delete(f"/partners/{personas.partner_id}/access-links/{link['link_id']}")
    browser_user.button("approve.decline.yes").click()

    browser_user.see("approve.ended.title")


def test_refused_suspension_keeps_the_reason(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    personas.stack_users.add_member(account_id, personas.employee, "marketing")
    browser_user = open_browser(who=personas.admin)
    page = browser_user.page
    browser_user.open(f"/accounts/{account_id}?user={personas.employee.user_id}")
    browser_user.button("account.suspend").click()
    dialog = page.get_by_role("dialog")
    page.fill("#reason", "On leave\n{{until}} spring")
    dialog.get_by_role("button", name=browser_user.text("account.suspend"), exact=True).click()

    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(page.locator("#reason")).to_have_value("On leave\n{{until}} spring")
    page.fill("#reason", "On leave\nuntil spring")
    dialog.get_by_role("button", name=browser_user.text("account.suspend"), exact=True).click()
    expect(page.locator("h1 .state")).to_have_text(browser_user.text("account.state.suspended"))


def test_refused_link_form_keeps_what_was_typed(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    browser_user = open_browser(who=personas.manager)
    page = browser_user.page
    browser_user.open(f"/partners/{personas.partner_id}?tab=links")
    browser_user.button("partner.get_link").first.click()
    page.fill("#purpose", "First line\n<b>second</b>")
    page.fill("#link_days", "12")
    browser_user.button("partner.link.yes").click()

    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("partner.link.purpose"))
    expect(page.locator("#purpose")).to_have_value("First line\n<b>second</b>")
    expect(page.locator("#link_days")).to_have_value("12")
    page.fill("#purpose", "First line\nsecond line")
    browser_user.button("partner.link.yes").click()
    browser_user.see("partner.ready.title")
    expect(page.locator("q")).to_have_text("First line second line")


def test_approval_of_a_stale_tab_shows_what_holds_now(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    secret = personas.a_link(account_id=account_id)[1]
    tabs = [open_browser(who=personas.admin, width=PHONE) for _ in range(3)]
    for tab in tabs:
        tab.open(f"/approve#{secret}")
        tab.page.wait_for_selector(".facts")
    tabs[0].button("approve.approve").click()
    tabs[0].see("approve.approved.title", name=personas.employee_name)
    tabs[1].button("approve.approve").click()
    tabs[1].see("approve.approved.title", name=personas.employee_name)
    path = f"/accounts/{account_id}/users/{personas.employee.user_id}"
    member = personas.admin.caller.get(path)
    removed = personas.admin.caller.call("DELETE", path, headers={"if-match": member.headers["etag"]})
    assert removed.status == 200, removed

    tabs[2].button("approve.approve").click()
    tabs[2].see("approve.before.title")
    tabs[2].check_accessibility("an approval of earlier")
    tabs[2].check_fit("an approval of earlier")


# --- texts ---

LONG_NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamte"[:61]


def test_width_of_characters_makes_no_difference_in_searches_and_forms(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["ja"]
    stack_users, account_id = personas.stack_users, personas.a_client("ヤマダ商店")
    fields = {"email": "yamada@partner-ja.example", "name": "ヤマダ 太郎", "locale": "ja"}
    stack_users.put("/directory/users/usr_yamada", fields)
    for account in (personas.partner_id, account_id):
        stack_users.put(f"/directory/accounts/{account}/members/usr_yamada", {"permission_set": "view_only"})
    browser_user = open_browser(language="ja", who=personas.admin)
    page = browser_user.page
    browser_user.open(f"/accounts/{account_id}")
    page.fill("#filter", "ﾔﾏﾀﾞ")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    browser_user.open(f"/accounts/{account_id}?new")
    page.fill("#email", "ｙａｍａｄａ＠ｐａｒｔｎｅｒ－ｊａ．ｅｘａｍｐｌｅ")
    browser_user.button("account.new.next").click()
    page.wait_for_selector("#sets")

    manager = open_browser(language="ja", who=personas.manager)
    manager.open(f"/partners/{personas.partner_id}?tab=employees")
    manager.page.fill("#employees-filter", "ﾔﾏﾀﾞ")
    expect(manager.page.locator(".list tbody tr")).to_have_count(1)
    manager.button("partner.get_link").first.click()
    manager.page.fill("#recipient_email", "ａｄｍｉｎ＠ｃｌｉｅｎｔｓ－ｊａ．ｅｘａｍｐｌｅ")
    manager.button("partner.link.yes").click()
    manager.see("partner.ready.title")


def test_no_page_scrolls_sideways_on_a_narrow_screen_with_long_names(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    stack_users, account_id = personas.stack_users, personas.a_client(LONG_NAME)
    user_id, email = "usr_long", f"{'w' * 61}@partner-en.example"
    stack_users.put(f"/directory/users/{user_id}", {"email": email, "name": LONG_NAME})
    stack_users.put(f"/directory/accounts/{personas.partner_id}/members/{user_id}", {"permission_set": "marketing"})
    stack_users.put(f"/directory/accounts/{personas.partner_id}", {"name": LONG_NAME})
    secret = personas.a_link(account_id=account_id, employee_id=user_id, purpose="x" * 500)[1]
    admin = open_browser(who=personas.admin, width=NARROW, new_context=True)
    admin.open(f"/approve#{secret}")
    admin.page.wait_for_selector(".facts")
    admin.check_fit("a request of a long name")
    admin.button("approve.approve").click()
    admin.see("approve.approved.title", name=LONG_NAME)
    admin.check_fit("an approval of a long name")
    member = f"?user={user_id}"
    for query in ("", member, f"{member}&do=edit", "?new", "?updates", "?audit_log", f"?audit_log&user={user_id}"):
        admin.open(f"/accounts/{account_id}{query}")
        admin.page.wait_for_selector(".places")
        admin.check_fit(f"the users page {query} with long names")

    manager = open_browser(who=personas.manager, width=NARROW, new_context=True)
    page = manager.page
    for tab in ("clients", "employees", "links"):
        manager.open(f"/partners/{personas.partner_id}?tab={tab}")
        expect(page.locator(".list tbody").filter(has_text=LONG_NAME).first).to_be_visible()
        manager.check_fit(f"the tab of {tab} with long names")
    manager.open(f"/partners/{personas.partner_id}?tab=employees")
    row = page.locator(".list tbody tr").filter(has_text=LONG_NAME).first
    for action, sign in (("partner.get_link", "#purpose"), ("partner.end_all", ".names")):
        row.get_by_text(manager.text(action), exact=True).click()
        page.wait_for_selector(sign)
        manager.check_fit(f"{action} with long names")
        page.go_back()
    stack_users.put(f"/directory/accounts/{personas.partner_id}", {"name": "Harbour & Finch"})


# --- addresses and browsers ---


@pytest.mark.parametrize("hash_", ["#pal_%", "#pal_%E3%81", "#pal_"])
def test_damaged_link_is_not_known(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], hash_: str
) -> None:
    browser_user = open_browser(who=personas_by_language["en"].admin)
    browser_user.open(f"/approve{hash_}")

    browser_user.see("approve.link_not_found.title")


@pytest.mark.parametrize(("separator", "after"), [("%23", ""), ("#", "."), ("#", "。")])
def test_link_that_an_email_program_changed_shows_its_request(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], separator: str, after: str
) -> None:
    personas = personas_by_language["en"]
    secret = personas.a_link(account_id=personas.a_client())[1]
    browser_user = open_browser(who=personas.admin)
    browser_user.open(f"/approve{separator}{secret}{after}")

    browser_user.page.wait_for_selector(".facts")
    expect(browser_user.page).to_have_url(f"{browser_user.origin}/approve")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_unknown_address_shows_a_page(open_browser: OpenBrowser, language: str) -> None:
    browser_user = open_browser(language=language, width=PHONE)
    browser_user.open("/nothing/here")
    browser_user.see("missing.title")
    browser_user.check_accessibility("an unknown address")
    browser_user.check_fit("an unknown address")


NEWER_FUNCTIONS = {
    "AbortSignal": ("any", "timeout"),
    "Array": ("fromAsync",),
    "Array.prototype": ("toReversed", "toSorted", "toSpliced", "with"),
    "Document.prototype": ("startViewTransition",),
    "Element.prototype": ("checkVisibility",),
    "Error": ("isError",),
    "HTMLElement.prototype": ("showPopover", "togglePopover"),
    "Iterator.prototype": ("filter", "map", "toArray"),
    "Map": ("groupBy",),
    "Math": ("sumPrecise",),
    "Object": ("groupBy",),
    "Promise": ("try", "withResolvers"),
    "RegExp": ("escape",),
    "Response.prototype": ("bytes",),
    "Set.prototype": ("difference", "intersection", "isSubsetOf", "union"),
    "String.prototype": ("isWellFormed", "toWellFormed"),
    "URL": ("canParse", "parse"),
    "Uint8Array": ("fromBase64",),
    "Uint8Array.prototype": ("toBase64",),
}
"""Functions that not all supported browsers have (docs/pages.md)."""


def test_pages_use_no_function_that_a_supported_browser_lacks(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    personas = personas_by_language["en"]
    account_id = personas.a_client()
    secret = personas.a_link(account_id=account_id)[1]
    remove = "".join(
        f"if (globalThis.{owner.partition('.')[0]}) for (const name of {json.dumps(names)}) delete {owner}[name];"
        for owner, names in NEWER_FUNCTIONS.items()
    )
    browser_user = open_browser(new_context=True)
    page = browser_user.page
    page.add_init_script(remove)
    browser_user.open(f"/approve#{secret}")
    browser_user.sign_in(personas.admin)
    browser_user.button("approve.adjust").click()
    browser_user.button("approve.approve").click()
    browser_user.see("approve.approved.title", name=personas.employee_name)
    for query in ("", f"?user={personas.employee.user_id}", f"?user={personas.employee.user_id}&do=edit"):
        browser_user.open(f"/accounts/{account_id}{query}")
        page.wait_for_selector(".places")
    for query in ("?new", "?updates", "?audit_log"):
        browser_user.open(f"/accounts/{account_id}{query}")
        page.wait_for_selector(".places")
        expect(page.locator(".waiting")).to_have_count(0)

    manager = open_browser(new_context=True, who=personas.manager)
    manager.page.add_init_script(remove)
    for tab in ("clients", "employees", "links"):
        manager.open(f"/partners/{personas.partner_id}?tab={tab}")
        expect(manager.page.locator(".list tbody tr").first).to_be_visible()
    manager.button("partner.get_link").first.click()
    manager.page.wait_for_selector("#purpose")
    manager.page.locator(".narrowing summary").first.click()
    assert manager.page.evaluate("'groupBy' in Object") is False
