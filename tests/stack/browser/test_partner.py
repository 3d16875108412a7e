"""Tests of the partner console in a browser: lists, links, colleagues, migration and offboarding."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.stack.browser.browser_user import DESKTOP, PHONE, BrowserUser
from tests.stack.browser.conftest import OpenBrowser
from tests.stack.stack_users import SECRET, StackUser, StackUsers, new_key, with_retries
from tools.api_client import ApiResponse, Json
from tools.sign_in import create_sign_in_user

pytestmark = pytest.mark.usefixtures("invariants_hold_afterwards")

NARROW = 320
MOST_BYTES = 60_000
NAMES = {
    "en": ("Harbour & Finch", "Nora Whitfield", "Tom Adeyemi", "Priya Raman", "Leo Marsh", "Alice Moreau"),
    "ja": ("株式会社みなと企画", "佐藤 健", "鈴木 葵", "高橋 美咲", "伊藤 翔", "小林 由紀"),
}
CLIENTS = {
    "en": ("Brightwater Clinics", "Oakfield Foods", "Linden Travel", "Corner Bakery", "Meadow Homes", "Pier Nine"),
    "ja": ("あおぞら内科", "大樹フーズ株式会社", "さくら観光株式会社", "町のパン屋", "みどり住宅株式会社", "九番埠頭"),
}


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner with a manager, two colleagues, an employee who cannot be a partner admin, and a client's admin."""

    stack_users: StackUsers = field(repr=False)
    language: str
    partner_id: str
    manager: StackUser
    colleague: StackUser
    other: StackUser
    stranger: StackUser
    admin: StackUser

    @property
    def names(self) -> tuple[str, ...]:
        return NAMES[self.language]

    def a_client(self, nth: int = 0, *super_admins: StackUser) -> str:
        return self.stack_users.a_client(
            self.admin, *super_admins, name=CLIENTS[self.language][nth], locale={"en": "en", "ja": "ja"}[self.language]
        )

    def a_link(self, **fields: object) -> tuple[Json, str]:
        response = with_retries(
            lambda: self.manager.caller.post(f"/partners/{self.partner_id}/access-links", fields, key=new_key())
        )
        assert response.status == 201, response
        return response.json, _secret(response.json["url"])

    def grant(self, employee: StackUser, account_id: str, **fields: object) -> None:
        """Make the employee a partner admin of the client by a link."""
        _, secret = self.a_link(employee_id=employee.user_id, **fields)
        body = {"secret": secret, "account_id": account_id}
        response = with_retries(lambda: self.admin.caller.post("/access-links/approvals", body, key=new_key()))
        assert response.status == 201, response

    def preview(self, url: str) -> ApiResponse:
        """Return the preview of a link for the client's admin."""
        return self.admin.caller.post("/access-links/preview", {"secret": _secret(url)}, key=new_key())


def _secret(url: str) -> str:
    found = SECRET.search(url)
    assert found, "no link"
    return found.group(1)


def create_partner(stack_users: StackUsers, language: str, name: str) -> Partner:
    partner_id, domain = f"acct_{name}_{language}", f"{name}-{language}.example"
    partner_name, manager, colleague, other, stranger, admin = NAMES[language]
    stack_users.put(
        f"/directory/accounts/{partner_id}",
        {"kind": "partner", "name": partner_name, "domains": [domain], "locale": language},
    )
    stack = stack_users.stack

    def user(spec: tuple[str, str, str | None]) -> StackUser:
        email, name, permission_set = spec
        user = StackUser(create_sign_in_user(stack.aws, stack.sign_in.user_pool, email, name), stack)
        stack_users.put(f"/directory/users/{user.user_id}", {"email": email, "name": name, "locale": language})
        if permission_set:
            stack_users.add_member(partner_id, user, permission_set)
        return user

    with ThreadPoolExecutor(3) as at_once:
        people = at_once.map(
            user,
            [
                (f"manager@{domain}", manager, "super_admin"),
                (f"colleague@{domain}", colleague, "marketing"),
                (f"other@{domain}", other, "marketing"),
                (f"someone@elsewhere-{name}-{language}.example", stranger, "view_only"),
                (f"admin@clients-{name}-{language}.example", admin, None),
            ],
        )
        return Partner(stack_users, language, partner_id, *people)


@pytest.fixture(scope="module")
def partners(stack_users: StackUsers) -> dict[str, Partner]:
    """Create one partner for each language.

    The manager and a colleague have clients, and there are links in several states.
    """
    made = {language: create_partner(stack_users, language, "console") for language in ("en", "ja")}
    for language, partner in made.items():
        first, second = partner.a_client(0), partner.a_client(1)
        partner.grant(partner.manager, first)
        partner.grant(partner.colleague, first, access_days=180, permissions={"remove": ["crm.export", "crm.import"]})
        partner.grant(partner.colleague, second)
        purpose = {"en": "Rebuild the booking campaigns for spring", "ja": "春の販促キャンペーンの準備"}[language]
        partner.a_link(
            employee_id=partner.colleague.user_id, purpose=purpose, recipient_email=partner.admin.email, access_days=90
        )
        ended = partner.a_link(employee_id=partner.other.user_id, account_id=second)[0]
        partner.manager.caller.delete(f"/partners/{partner.partner_id}/access-links/{ended['link_id']}")
    return made


def opened(
    open_browser: OpenBrowser, partner: Partner, who: StackUser | None = None, *, tab: str = "", **how: object
) -> BrowserUser:
    """Open the console for a signed-in user."""
    browser_user = open_browser(language=partner.language, who=who or partner.manager, **how)
    browser_user.open(f"/partners/{partner.partner_id}{f'?tab={tab}' if tab else ''}")
    expect(browser_user.page.get_by_role("tab", selected=True)).to_be_visible()
    return browser_user


def row(browser_user: BrowserUser, *words: str) -> Locator:
    """Return the table row that contains all these texts."""
    found = browser_user.page.locator("tbody tr")
    for each in words:
        found = found.filter(has_text=each)
    return found


def fits(browser_user: BrowserUser, state: str) -> None:
    """Assert that neither the page nor its main element overflows."""
    browser_user.check_fit(state)
    wide = browser_user.page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('main'))"
    )
    assert wide <= 0, f"{state} hangs out of its sheet by {wide} pixels"


def check_page(browser_user: BrowserUser, state: str, picture: str = "") -> None:
    """Assert that the page is accessible and fits the screen."""
    browser_user.check_accessibility(state)
    fits(browser_user, state)
    if picture:
        browser_user.screenshot(picture)


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("en", DESKTOP), ("ja", PHONE), ("ja", DESKTOP)])
def test_console_lists_clients_employees_and_links(
    open_browser: OpenBrowser, partners: dict[str, Partner], language: str, width: int
) -> None:
    partner = partners[language]
    partner_name, manager, colleague, _, stranger, _ = partner.names
    browser_user = open_browser(language=language, width=width)
    page = browser_user.page
    browser_user.open(f"/partners/{partner.partner_id}")
    browser_user.see("partner.title")
    check_page(browser_user, "the sign-in page")
    browser_user.sign_in(partner.manager)

    expect(page.get_by_text(partner_name, exact=True)).to_be_visible()
    expect(row(browser_user, colleague, browser_user.text("partner.state.active")).first).to_be_visible()
    expect(page.locator("tr.head")).to_have_count(2)
    check_page(browser_user, f"clients at {width}", "partner-clients")
    page.get_by_label(browser_user.text("partner.filter.clients")).fill(CLIENTS[language][1][:4])
    expect(page.locator("tr.head")).to_have_count(1)
    page.get_by_label(browser_user.text("partner.filter.clients")).fill("zzz")
    expect(page.get_by_text(browser_user.text("partner.nothing_found"))).to_be_visible()
    check_page(browser_user, "nothing found")

    page.get_by_role("tab", name=browser_user.text("partner.tab.employees")).click()
    expect(row(browser_user, stranger, browser_user.text("partner.why_not.partner"))).to_be_visible()
    expect(
        row(browser_user, manager, browser_user.text("partner.you"), browser_user.text("partner.eligible"))
    ).to_be_visible()
    check_page(browser_user, f"employees at {width}", "partner-employees")

    page.get_by_role("tab", name=browser_user.text("partner.tab.links")).click()
    expect(row(browser_user, browser_user.text("partner.link_state.approved")).first).to_be_visible()
    expect(row(browser_user, browser_user.text("partner.link_state.open"), colleague).first).to_be_visible()
    check_page(browser_user, f"links at {width}", "partner-links")
    page.get_by_label(browser_user.text("partner.state"), exact=True).select_option("revoked")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("tab", name=browser_user.text("partner.tab.links"))).to_have_attribute(
        "aria-selected", "true"
    )


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESKTOP)])
def test_create_link_for_colleague_shows_address_to_copy(
    open_browser: OpenBrowser, partners: dict[str, Partner], language: str, width: int
) -> None:
    partner = partners[language]
    browser_user = opened(open_browser, partner, tab="links", width=width)
    page = browser_user.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    export = {"en": "Export records", "ja": "レコードのエクスポート"}[language]

    browser_user.button("partner.get_link").click()
    browser_user.see("partner.link.title")
    page.get_by_label(browser_user.text("partner.link.employee")).select_option(partner.colleague.user_id)
    page.get_by_label(browser_user.text("partner.link.purpose")).fill(
        {"en": "Spring campaign", "ja": "春の施策"}[language]
    )
    page.get_by_label(browser_user.text("partner.link.access_days")).fill("90")
    page.get_by_label(browser_user.text("partner.link.recipient")).fill("nobody")
    page.get_by_text(browser_user.text("partner.link.narrow")).click()
    for details in page.locator(".group details").all():
        details.locator("summary").click()
    page.get_by_label(export, exact=True).uncheck()
    browser_user.button("partner.link.yes").click()
    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("partner.link.recipient"))
    assert page.evaluate("document.activeElement.id") == "recipient_email"
    check_page(browser_user, "the form of a link")
    page.get_by_text(browser_user.text("partner.link.narrow")).click()
    browser_user.screenshot("partner-link-form")

    page.get_by_role("button", name={"en": "日本語", "ja": "English"}[language]).click()
    expect(page.locator("#access_days")).to_have_value("90")
    page.get_by_role("button", name={"en": "English", "ja": "日本語"}[language]).click()
    page.get_by_label(browser_user.text("partner.link.recipient")).fill(f"boss@clients-{language}.example")
    browser_user.button("partner.link.yes").click()
    browser_user.see("partner.ready.title")
    address = page.get_by_label(browser_user.text("partner.ready.address")).input_value()
    browser_user.button("partner.ready.copy").click()
    expect(page.locator("#toasts")).to_have_text(browser_user.text("partner.ready.copied"))
    assert page.evaluate("navigator.clipboard.readText()") == address
    check_page(browser_user, "the link is ready", "partner-link-ready")
    browser_user.check_no_trace_of(_secret(address))
    shown = partner.preview(address)
    assert shown.status == 200, shown
    assert shown.json["link"]["employee"]["user_id"] == partner.colleague.user_id
    assert shown.json["link"]["permissions"]["removed"] == ["crm.export"]
    assert shown.json["link"]["access_days"] == 90

    page.get_by_role("link", name=browser_user.text("partner.back")).click()
    expect(row(browser_user, {"en": "Spring campaign", "ja": "春の施策"}[language])).to_be_visible()


def test_create_link_with_refused_field_shows_error_and_keeps_input(
    open_browser: OpenBrowser, partners: dict[str, Partner]
) -> None:
    partner = partners["en"]
    browser_user = opened(open_browser, partner, tab="links")
    page = browser_user.page
    browser_user.button("partner.get_link").click()
    page.get_by_label(browser_user.text("partner.link.where_one")).check()
    page.get_by_label(browser_user.text("partner.link.account"), exact=True).fill("acct_any")
    page.get_by_label(browser_user.text("partner.link.purpose")).fill("See www.example.com/offer")
    browser_user.button("partner.link.yes").click()
    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("partner.link.purpose"))
    assert page.evaluate("document.activeElement.id") == "purpose"
    check_page(browser_user, "an invalid field")

    page.evaluate("sessionStorage.removeItem('token')")
    page.get_by_label(browser_user.text("partner.link.purpose")).fill("See our offer")
    browser_user.button("partner.link.yes").click()
    browser_user.fill_sign_in_form(partner.manager)
    browser_user.see("partner.link.title")
    expect(page.get_by_label(browser_user.text("partner.link.purpose"))).to_have_value("See our offer")
    expect(page.get_by_label(browser_user.text("partner.link.account"), exact=True)).to_have_value("acct_any")
    page.go_back()
    expect(page.get_by_role("tab", selected=True)).to_have_text(browser_user.text("partner.tab.links"))


def test_resend_and_revoke_of_link_replace_and_end_it(open_browser: OpenBrowser, partners: dict[str, Partner]) -> None:
    partner = partners["ja"]
    purpose = "夏の施策"
    link, secret = partner.a_link(employee_id=partner.other.user_id, purpose=purpose)
    browser_user = opened(open_browser, partner, tab="links", width=PHONE)
    page = browser_user.page
    resend, revoke = (browser_user.text(f"partner.{name}") for name in ("resend", "revoke"))

    row(browser_user, purpose).get_by_text(resend, exact=True).click()
    check_page(browser_user, "asking for a new address", "partner-resend")
    page.get_by_role("dialog").get_by_role("button", name=resend, exact=True).click()
    browser_user.see("partner.ready.title")
    address = page.get_by_label(browser_user.text("partner.ready.address")).input_value()
    assert _secret(address) != secret
    assert partner.preview(address).status == 200
    assert partner.preview(f"#{secret}").code == "link_not_found"

    page.go_back()
    row(browser_user, purpose).get_by_text(revoke, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=browser_user.text("cancel")).click()
    row(browser_user, purpose).get_by_text(revoke, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=revoke, exact=True).click()
    expect(row(browser_user, purpose, browser_user.text("partner.link_state.revoked"))).to_be_visible()
    assert partner.preview(address).code == "link_revoked"
    link_response = partner.manager.caller.get(f"/partners/{partner.partner_id}/access-links/{link['link_id']}")
    assert link_response.json["state"] == "revoked"


def test_suspend_resume_and_end_of_colleague_update_the_list(
    open_browser: OpenBrowser, stack_users: StackUsers
) -> None:
    partner = create_partner(stack_users, "ja", "halt")
    account_id = partner.a_client(2)
    partner.grant(partner.colleague, account_id)
    browser_user = opened(open_browser, partner, width=PHONE)
    page, dialog = browser_user.page, browser_user.page.get_by_role("dialog")
    there = row(browser_user, partner.names[2])

    def confirm(name: str) -> None:
        words = browser_user.text(f"partner.{name}")
        there.get_by_text(words, exact=True).click()
        if name == "suspend":
            page.get_by_label(browser_user.text("partner.suspend.reason")).fill("月曜日まで")
            check_page(browser_user, "suspending", "partner-suspend")
        dialog.get_by_role("button", name=words, exact=True).click()

    confirm("suspend")
    expect(there).to_contain_text(browser_user.text("partner.suspended_by.partner"))
    check_page(browser_user, "suspended")
    confirm("resume")
    expect(there).to_contain_text(browser_user.text("partner.state.active"))
    confirm("end")
    expect(page.get_by_text(browser_user.text("partner.no_clients"))).to_be_visible()
    check_page(browser_user, "no client")
    assert partner.stack_users.members_of(account_id)[partner.colleague.user_id]["active"] is False


def test_end_access_of_changed_member_is_refused_and_list_reloaded(
    open_browser: OpenBrowser, stack_users: StackUsers
) -> None:
    partner = create_partner(stack_users, "en", "stale")
    account_id = partner.a_client(2)
    partner.grant(partner.colleague, account_id)
    browser_user = opened(open_browser, partner)
    there = row(browser_user, partner.names[2])
    expect(there).to_be_visible()
    path = f"/accounts/{account_id}/users/{partner.colleague.user_id}/suspension"
    assert partner.admin.caller.put(path, {}).status == 200

    there.get_by_text(browser_user.text("partner.end"), exact=True).click()
    browser_user.page.get_by_role("dialog").get_by_role(
        "button", name=browser_user.text("partner.end"), exact=True
    ).click()
    expect(browser_user.page.get_by_role("alert")).to_have_text(browser_user.text("error.precondition_failed"))
    browser_user.page.get_by_role("dialog").get_by_role("button", name=browser_user.text("cancel")).click()
    expect(there).to_contain_text(browser_user.text("partner.suspended_by.client"))


def test_add_colleagues_to_client_shows_each_outcome(open_browser: OpenBrowser, stack_users: StackUsers) -> None:
    partner = create_partner(stack_users, "en", "bring")
    account_id = partner.a_client(3)
    partner.grant(partner.manager, account_id)
    browser_user = opened(open_browser, partner, width=PHONE)
    page = browser_user.page
    _, _, colleague, other, stranger, _ = partner.names

    page.get_by_text(browser_user.text("partner.add"), exact=True).click()
    browser_user.see("partner.add_to", client=CLIENTS["en"][3])
    expect(page.get_by_label(colleague)).to_be_visible()
    expect(page.get_by_label(stranger)).to_have_count(0)
    browser_user.button("partner.add.yes").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label(colleague).check()
    page.get_by_label(other).check()
    page.get_by_label(browser_user.text("partner.add.set")).select_option("sales")
    check_page(browser_user, "adding colleagues", "partner-add")
    partner.stack_users.add_member(account_id, partner.other, "view_only")
    browser_user.button("partner.add.yes").click()
    expect(row(browser_user, colleague, browser_user.text("partner.outcome.done"))).to_be_visible()
    expect(row(browser_user, other, browser_user.text("partner.outcome.skipped"))).to_be_visible()
    check_page(browser_user, "what became of each", "partner-added")
    page.get_by_role("link", name=browser_user.text("partner.back")).click()
    expect(row(browser_user, colleague, browser_user.text("partner.set.sales"))).to_be_visible()
    assert partner.stack_users.members_of(account_id)[partner.colleague.user_id]["permission_set"] == "sales"


@pytest.mark.parametrize(("language", "width"), [("en", DESKTOP), ("ja", PHONE)])
def test_migrate_self_in_many_clients_retries_only_failed_rows(
    open_browser: OpenBrowser, stack_users: StackUsers, language: str, width: int
) -> None:
    partner = create_partner(stack_users, language, "migrate")
    several = [partner.a_client(nth, partner.manager) for nth in range(6)]
    alone = partner.stack_users.a_client(partner.manager, name={"en": "Only You Ltd", "ja": "単独商店"}[language])
    browser_user = opened(open_browser, partner, width=width)
    page = browser_user.page
    seen: list[str] = []

    def one_row_fails(route: Route) -> None:
        body: Json = route.request.post_data_json or {}
        seen.append(f"{len(body['account_ids'])} {'dry' if body.get('dry_run') else 'real'}")
        if seen[-1] == "1 real" and seen.count("1 real") == 1:  # as after a concurrent change of the same account
            row = {"account_id": body["account_ids"][0], "outcome": "failed", "reason": "rights_changed"}
            route.fulfill(json={"items": [row]})
        else:
            route.continue_()

    page.route("**/migrations", one_row_fails)
    browser_user.button("partner.migrate.open").click()
    browser_user.see("partner.migrate.title")
    expect(page.get_by_label({"en": "Only You Ltd", "ja": "単独商店"}[language])).to_be_checked()
    check_page(browser_user, "choosing", "partner-migrate")
    browser_user.button("partner.migrate.preview").click()
    expect(page.get_by_text(browser_user.text("partner.migrate.lost"))).to_be_visible()
    expect(row(browser_user, browser_user.text("error.last_super_admin"))).to_have_count(1)
    expect(row(browser_user, browser_user.text("partner.migrate.holds"))).to_have_count(6)
    check_page(browser_user, "the preview", "partner-preview")
    assert {partner.stack_users.members_of(each)[partner.manager.user_id]["permission_set"] for each in several} == {
        "super_admin"
    }

    page.locator(".actions .first").click()
    expect(page.locator("td .state.active")).to_have_count(5)
    expect(row(browser_user, browser_user.text("error.rights_changed"))).to_have_count(1)
    check_page(browser_user, "one is left", "partner-migrated")
    browser_user.button("partner.try_rest").click()
    expect(page.locator("td .state.active")).to_have_count(6)
    assert seen == ["5 dry", "2 dry", "5 real", "1 real", "1 real"], "in portions, and only the rest again"
    assert {partner.stack_users.members_of(each)[partner.manager.user_id]["permission_set"] for each in several} == {
        "partner_admin"
    }
    assert partner.stack_users.members_of(alone)[partner.manager.user_id]["permission_set"] == "super_admin"


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESKTOP)])
def test_offboarding_shows_affected_clients_and_a_receipt(
    open_browser: OpenBrowser, stack_users: StackUsers, language: str, width: int
) -> None:
    partner = create_partner(stack_users, language, "leave")
    mine, theirs = partner.a_client(0), partner.a_client(4, partner.other)
    partner.grant(partner.other, mine)
    partner.a_link(employee_id=partner.other.user_id)
    browser_user = opened(open_browser, partner, tab="employees", width=width)
    page = browser_user.page

    row(browser_user, partner.names[3]).get_by_text(browser_user.text("partner.end_all"), exact=True).click()
    browser_user.see("partner.leaving.stays")
    expect(page.locator(".names")).to_contain_text(CLIENTS[language][0])
    expect(page.locator("#stays")).to_contain_text(CLIENTS[language][4])
    check_page(browser_user, "before an offboarding", "partner-leaving")
    assert partner.stack_users.members_of(mine)[partner.other.user_id]["active"] is True
    browser_user.button("partner.end_all").click()
    browser_user.see("partner.leaving.title_done", name=partner.names[3])
    expect(row(browser_user, CLIENTS[language][4], browser_user.text("partner.receipt.retained"))).to_be_visible()
    expect(row(browser_user, CLIENTS[language][0])).to_be_visible()
    check_page(browser_user, "the receipt", "partner-receipt")
    assert partner.other.caller.get(f"/accounts/{mine}/users").status in {403, 404}
    assert partner.stack_users.members_of(theirs)[partner.other.user_id]["permission_set"] == "super_admin"


def test_console_for_employee_without_manager_rights_shows_only_own_access(
    open_browser: OpenBrowser, partners: dict[str, Partner]
) -> None:
    partner = partners["en"]
    browser_user = opened(open_browser, partner, partner.colleague, width=PHONE)
    page = browser_user.page
    expect(page.get_by_text(browser_user.text("partner.own_only"))).to_be_visible()
    expect(row(browser_user, partner.names[2]).first).to_be_visible()
    expect(row(browser_user, partner.names[1])).to_have_count(0)
    expect(page.get_by_text(browser_user.text("partner.suspend"), exact=True)).to_have_count(0)
    check_page(browser_user, "own clients", "partner-own")
    page.get_by_role("tab", name=browser_user.text("partner.tab.links")).click()
    expect(page.get_by_text(browser_user.text("partner.links_own"))).to_be_visible()
    expect(row(browser_user, partner.names[2]).first).to_be_visible()
    expect(browser_user.button("partner.get_link")).to_have_count(0)
    expect(page.get_by_text(browser_user.text("partner.revoke"), exact=True)).to_have_count(0)


def test_console_for_employee_of_another_partner_shows_not_found(
    open_browser: OpenBrowser, partners: dict[str, Partner]
) -> None:
    browser_user = open_browser(width=PHONE)
    browser_user.open(f"/partners/{partners['en'].partner_id}")
    browser_user.sign_in(partners["ja"].manager)
    expect(browser_user.page.get_by_role("alert")).to_have_text(browser_user.text("error.not_found"))
    check_page(browser_user, "nothing here")


def test_create_link_by_keyboard_alone_succeeds(open_browser: OpenBrowser, partners: dict[str, Partner]) -> None:
    partner = partners["en"]
    browser_user = opened(open_browser, partner)
    page = browser_user.page
    page.wait_for_selector("tr.head")
    browser_user.tab_to(browser_user.text("partner.tab.clients"))
    focused = page.locator("[role=tab]:focus")
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text(browser_user.text("partner.tab.employees"))
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text(browser_user.text("partner.tab.links"))
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text(browser_user.text("partner.tab.clients"))
    page.keyboard.press("End")
    expect(page.locator("[role=tab]:focus")).to_have_text(browser_user.text("partner.tab.links"))
    browser_user.tab_to(browser_user.text("partner.get_link"))
    page.keyboard.press("Enter")
    browser_user.see("partner.link.title")
    page.wait_for_selector("#purpose")
    browser_user.tab_to(browser_user.text("partner.link.purpose"))
    page.keyboard.type("By the keyboard")
    browser_user.tab_to(browser_user.text("partner.link.yes"))
    page.keyboard.press("Enter")
    browser_user.see("partner.ready.title")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.keyboard.press("Shift+Tab")
    expect(page.locator("a:focus")).to_have_text(browser_user.text("partner.back"))
    page.keyboard.press("Enter")
    expect(row(browser_user, "By the keyboard")).to_be_visible()


def test_migrate_self_by_keyboard_alone_succeeds(open_browser: OpenBrowser, stack_users: StackUsers) -> None:
    partner = create_partner(stack_users, "en", "keys")
    account_id = partner.a_client(0, partner.manager)
    browser_user = opened(open_browser, partner)
    page = browser_user.page
    page.wait_for_selector("tr.head")

    browser_user.tab_to(browser_user.text("partner.migrate.open"))
    page.keyboard.press("Enter")
    browser_user.see("partner.migrate.title")
    expect(page.get_by_label(CLIENTS["en"][0])).to_be_checked()
    browser_user.tab_to(browser_user.text("partner.migrate.preview"))
    page.keyboard.press("Enter")
    expect(row(browser_user, browser_user.text("partner.migrate.holds"))).to_have_count(1)
    browser_user.tab_to(page.locator(".actions .first").inner_text())
    page.keyboard.press("Enter")
    expect(page.locator("td .state.active")).to_have_count(1)
    assert partner.stack_users.members_of(account_id)[partner.manager.user_id]["permission_set"] == "partner_admin"


# --- size and speed ---


def many_clients(number: int, partner: Partner) -> Callable[[Route], None]:
    """Return a handler that serves a list of many clients, page by page."""

    def person(nth: int) -> dict[str, Any]:
        return {
            "account_id": f"acct_{nth}",
            "user_id": f"usr_{nth % 40}",
            "name": f"Person {nth % 40}",
            "email": f"person.{nth % 40}@partner.example",
            "permission_set": "partner_admin",
            "permissions": {"added": [], "removed": []},
            "seat": "partner",
            "paid_seats": [],
            "state": "active",
            "since": "2026-01-05T09:00:00Z",
            "partner_id": partner.partner_id,
            "version": 1,
            "allowed_actions": ["suspend", "remove"],
        }

    def respond(route: Route) -> None:
        start = int(route.request.url.partition("cursor=")[2].partition("&")[0] or 0)
        items = [
            {
                "account_id": f"acct_{nth}",
                "name": f"Client {nth}",
                "people": [person(nth)],
                "made_by_client": False,
                "allowed_actions": [],
            }
            for nth in range(start, min(start + 50, number))
        ]
        route.fulfill(json={"items": items, "next_cursor": str(start + 50) if start + 50 < number else None})

    return respond


def test_client_list_of_two_hundred_loads_in_pages_and_filters(
    open_browser: OpenBrowser, partners: dict[str, Partner]
) -> None:
    partner = partners["en"]
    browser_user = open_browser(who=partner.manager)
    page = browser_user.page
    page.route("**/partners/*/clients?*", many_clients(200, partner))
    browser_user.open(f"/partners/{partner.partner_id}")
    expect(page.locator("tr.head")).to_have_count(50)
    browser_user.button("partner.more").click()
    expect(page.locator("tr.head")).to_have_count(100)
    page.get_by_label(browser_user.text("partner.filter.clients")).press_sequentially("client 199")
    expect(page.locator("tr.head")).to_have_count(1)
    page.get_by_label(browser_user.text("partner.filter.clients")).fill("")
    expect(page.locator("tr.head")).to_have_count(200)
    expect(browser_user.button("partner.more")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_console_is_small_does_not_shift_and_fits_narrow_screen(
    open_browser: OpenBrowser, partners: dict[str, Partner], language: str
) -> None:
    partner = partners[language]
    browser_user = open_browser(language=language, width=NARROW, new_context=True, who=partner.manager)
    page = browser_user.page
    browser_user.check_fast_open(f"/partners/{partner.partner_id}", "tr.head")
    loaded = page.evaluate(
        """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .filter((each) => !/\\/partners\\/.+\\/|\\/accounts/.test(each.name)).reduce((all, each) => all + each.encodedBodySize, 0)"""
    )
    assert loaded < MOST_BYTES
    fits(browser_user, "clients at 320 pixels")
    browser_user.screenshot("partner-narrow")
    page.get_by_role("tab", name=browser_user.text("partner.tab.links")).click()
    browser_user.button("partner.get_link").click()
    page.wait_for_selector("#purpose")
    fits(browser_user, "the form at 320 pixels")
    page.go_back()
    for tab in ("links", "employees", "clients"):
        page.get_by_role("tab", name=browser_user.text(f"partner.tab.{tab}")).click()
        page.wait_for_selector("tbody tr")
        for width in (NARROW, 720, 960):
            page.set_viewport_size({"width": width, "height": 844})
            fits(browser_user, f"{tab} at {width} pixels")
