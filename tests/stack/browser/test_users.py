"""Tests of the account pages in a browser: members and their changes, by mouse, by keyboard and concurrently."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.sync_api import Route, expect

from tests.stack.browser.browser_user import DESKTOP, PHONE, BrowserUser
from tests.stack.browser.conftest import OpenBrowser
from tests.stack.browser.personas import Personas
from tests.stack.stack_users import new_key, with_retries
from tools.api_client import Json

pytestmark = pytest.mark.usefixtures("invariants_hold_afterwards")

NARROW = 320
EXPORT = {"en": "Export records", "ja": "レコードのエクスポート"}
PEOPLE = {
    "en": (("Priya Raman", "marketing"), ("Jonas Weber", "sales"), ("Mei Tan", "view_only")),
    "ja": (("高橋 美咲", "marketing"), ("田中 翔太", "sales"), ("伊藤 直子", "view_only")),
}
LAYOUTS = [("en", PHONE), ("en", DESKTOP), ("ja", PHONE), ("ja", DESKTOP)]
_numbers = count(1)
_created_users: set[str] = set()


@dataclass(frozen=True, slots=True)
class ClientAccount:
    """A client account with ordinary members and a partner member."""

    personas: Personas
    account_id: str
    member_ids: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"/accounts/{self.account_id}"

    @property
    def partner_member_id(self) -> str:
        """The user id of the partner member."""
        return self.personas.employee.user_id

    def member(self, user_id: str) -> Json:
        return self.personas.stack_users.members_of(self.account_id)[user_id]

    def shown(self, user_id: str) -> Json:
        """Return the member as the API returns it now."""
        response = self.personas.admin.caller.get(f"{self.path}/users/{user_id}")
        assert response.status == 200, response
        return response.json


def create_account(personas: Personas, *, partner_set: str | None = "partner_admin") -> ClientAccount:
    """Create the account in the directory.

    The admin grants the partner member access, or the vendor makes them a super admin.
    """
    account_id, member_ids = personas.a_client(), []
    for nth, (name, permission_set) in enumerate(PEOPLE[personas.language]):
        user_id = f"usr_{personas.language}_{nth}"
        email = f"person.{nth}@clients-{personas.language}.example"
        if user_id not in _created_users:
            personas.stack_users.put(
                f"/directory/users/{user_id}", {"email": email, "name": name, "locale": personas.language}
            )
            _created_users.add(user_id)
        personas.stack_users.put(
            f"/directory/accounts/{account_id}/members/{user_id}", {"permission_set": permission_set}
        )
        member_ids.append(user_id)
    account = ClientAccount(personas, account_id, tuple(member_ids))
    if partner_set == "partner_admin":
        body = {"email": personas.employee.email, "permission_set": partner_set, "access_days": 90}
        response = with_retries(lambda: personas.admin.caller.post(f"{account.path}/users", body, key=new_key()))
        assert response.status == 201, response
    elif partner_set:
        personas.stack_users.add_member(account_id, personas.employee, partner_set)
    return account


def opened(open_browser: OpenBrowser, account: ClientAccount, query: str = "", **how: object) -> BrowserUser:
    """Open the account page for the signed-in admin."""
    browser_user = open_browser(language=account.personas.language, who=account.personas.admin, **how)
    browser_user.open(account.path + query)
    browser_user.page.wait_for_selector(".places")
    return browser_user


def check_page(browser_user: BrowserUser, state: str) -> None:
    """Assert that the page is accessible and fits the screen."""
    browser_user.check_accessibility(state)
    browser_user.check_fit(state)


# --- members ---


@pytest.mark.parametrize(("language", "width"), LAYOUTS)
def test_account_page_lists_members_and_their_permissions(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    personas = personas_by_language[language]
    account = create_account(personas)
    browser_user = opened(open_browser, account, width=width)
    page = browser_user.page
    rows = page.locator("#people tbody tr")

    expect(rows).to_have_count(5)
    guest = rows.filter(has_text=personas.employee_name)
    for text_key in ("account.set.partner_admin", "account.seat.partner", "account.state.active"):
        expect(guest).to_contain_text(browser_user.text(text_key))
    expect(guest).to_contain_text(browser_user.text("account.by", name=_admin_name(personas)))
    check_page(browser_user, f"the list at {width}")
    browser_user.screenshot("users")

    page.fill("#filter", personas.employee.email)
    expect(rows).to_have_count(1)
    page.fill("#filter", "nobody of this name")
    expect(page.locator("#people")).to_have_text(browser_user.text("account.none_found"))
    page.fill("#filter", "")
    page.select_option("#in-state", "suspended")
    expect(page.locator("#people")).to_have_text(browser_user.text("account.none_found"))
    browser_user.check_accessibility("nobody")
    page.select_option("#in-state", "active")

    page.get_by_role("link", name=personas.employee_name).click()
    browser_user.see("account.can", name=personas.employee_name)
    expect(page.locator(".cannot")).to_contain_text({"en": "billing", "ja": "請求"}[language])
    expect(page.locator("h1")).to_be_focused()
    check_page(browser_user, f"a person at {width}")
    browser_user.screenshot("user")
    page.go_back()
    expect(rows).to_have_count(5)


def _admin_name(personas: Personas) -> str:
    return {"en": "Alice Moreau", "ja": "小林 由紀"}[personas.language]


def test_account_page_for_member_without_rights_shows_only_themselves(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"], partner_set=None)
    clerk = account.personas.stack_users.clients[4]
    account.personas.stack_users.add_member(account.account_id, clerk, "view_only")
    browser_user = open_browser(width=PHONE)
    browser_user.open(account.path)
    browser_user.sign_in(clerk)

    expect(browser_user.page.get_by_text(browser_user.text("account.alone"))).to_be_visible()
    check_page(browser_user, "alone")
    browser_user.page.locator("#people .name").click()
    expect(browser_user.button("account.leave")).to_be_visible()
    expect(browser_user.button("account.suspend")).to_have_count(0)
    browser_user.button("account.leave").click()
    browser_user.check_accessibility("leaving")
    browser_user.page.get_by_role("dialog").get_by_role("button", name=browser_user.text("account.leave")).click()
    browser_user.page.wait_for_url(browser_user.origin + "/")
    assert not account.member(clerk.user_id)["active"]


def test_account_page_of_another_account_shows_not_found(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    browser_user = open_browser()
    browser_user.open("/accounts/acct_of_others")
    browser_user.sign_in(personas_by_language["en"].admin)

    expect(browser_user.page.get_by_text(browser_user.text("error.not_found"))).to_be_visible()
    browser_user.check_accessibility("not_visible")


def test_account_page_for_partner_manager_only_narrows_own_employees(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"])
    browser_user = open_browser(width=PHONE, who=account.personas.manager)
    browser_user.open(f"{account.path}?user={account.partner_member_id}")
    page = browser_user.page

    browser_user.see("account.can", name=account.personas.employee_name)
    check_page(browser_user, "from the partner's side")
    expect(browser_user.button("account.change_end")).to_have_count(0)
    browser_user.button("account.suspend").click()
    page.get_by_role("dialog").get_by_role("button", name=browser_user.text("account.suspend")).click()
    expect(browser_user.button("account.resume")).to_be_visible()
    assert account.shown(account.partner_member_id)["suspended_by"] == ["partner"]
    browser_user.button("account.resume").click()
    expect(browser_user.button("account.suspend")).to_be_visible()
    page.get_by_role("link", name=browser_user.text("account.edit")).click()
    expect(page.get_by_text(browser_user.text("account.edit.narrow_only"))).to_be_visible()
    page.locator(".group").nth(3).get_by_role("checkbox").first.uncheck()
    page.fill("#until", "")
    browser_user.button("account.save").click()
    expect(page.get_by_role("alert")).to_have_text(browser_user.text("account.edit.narrow_only"))
    page.fill("#until", _in_days(page.evaluate("Date.now()"), 9))
    browser_user.button("account.save").click()
    browser_user.see("account.can", name=account.personas.employee_name)
    assert "crm.import" in account.member(account.partner_member_id)["removed"]


# --- changes ---


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESKTOP)])
def test_edit_shows_changes_before_saving(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    account = create_account(personas_by_language[language])
    browser_user = opened(open_browser, account, f"?user={account.partner_member_id}", width=width)
    page = browser_user.page
    page.get_by_role("link", name=browser_user.text("account.edit")).click()
    browser_user.see("account.edit.title", name=account.personas.employee_name)
    expect(page.locator(".changes")).to_contain_text(browser_user.text("account.no_changes"))

    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT[language], exact=True).uncheck()
    expect(page.locator(".changes .cannot")).to_have_text(EXPORT[language])
    page.fill("#until", "2020-01-01")
    browser_user.button("account.save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("#until", _in_days(page.evaluate("Date.now()"), 9))
    check_page(browser_user, "editing")
    browser_user.screenshot("edit")
    assert account.member(account.partner_member_id)["removed"] == []

    browser_user.button("account.save").click()
    browser_user.see("account.can", name=account.personas.employee_name)
    expect(page.locator(".cannot li").filter(has_text=EXPORT[language])).to_have_count(1)
    assert account.member(account.partner_member_id)["removed"] == ["crm.export"]


def _in_days(now: float, days: int) -> str:
    return (datetime.fromtimestamp(now / 1000, UTC) + timedelta(days=days)).date().isoformat()


def test_edit_of_set_and_single_permission_saves_both(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"], partner_set=None)
    priya = account.member_ids[0]
    browser_user = opened(open_browser, account, f"?user={priya}&do=edit")
    page = browser_user.page

    page.get_by_label(re.compile("^View only")).check()
    expect(page.locator(".changes")).to_contain_text("Marketing → View only")
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT["en"], exact=True).check()
    page.select_option("#seat", "view_only")
    browser_user.button("account.save").click()
    browser_user.see("account.can", name="Priya Raman")
    member = account.member(priya)
    assert (member["permission_set"], member["seat"]) == ("view_only", "view_only")
    assert (member["added"], member["removed"]) == (["crm.export"], [])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_edit_of_changed_member_shows_conflict_and_keeps_input(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    account = create_account(personas_by_language[language])
    browser_user = opened(open_browser, account, f"?user={account.partner_member_id}&do=edit", width=PHONE)
    page = browser_user.page
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT[language], exact=True).uncheck()
    version = account.shown(account.partner_member_id)["version"]
    other = account.personas.admin.caller.call(
        "PATCH",
        f"{account.path}/users/{account.partner_member_id}",
        {"permissions": {"remove": ["crm.import"]}},
        headers={"if-match": f'"{version}"'},
    )
    assert other.status == 200, other

    browser_user.button("account.save").click()
    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("account.meanwhile"))
    check_page(browser_user, "changed meanwhile")
    browser_user.screenshot("meanwhile")
    expect(page.locator(".changes .cannot")).to_have_text(EXPORT[language])
    browser_user.button("account.save").click()
    browser_user.see("account.can", name=account.personas.employee_name)
    assert account.member(account.partner_member_id)["removed"] == ["crm.export", "crm.import"]


@pytest.mark.parametrize(("language", "width"), [("en", DESKTOP), ("ja", PHONE)])
def test_extend_suspend_resume_and_end_access_update_the_page(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    account = create_account(personas_by_language[language])
    name = account.personas.employee_name
    browser_user = opened(open_browser, account, f"?user={account.partner_member_id}", width=width)
    page = browser_user.page
    dialog = page.get_by_role("dialog")

    browser_user.button("account.change_end").click()
    browser_user.check_accessibility("the end date")
    dialog.locator("#end").fill("")
    dialog.get_by_role("button", name=browser_user.text("account.save")).click()
    expect(page.locator(".facts")).to_contain_text(browser_user.text("account.no_end"))

    browser_user.button("account.suspend").click()
    dialog.locator("#reason").fill("holiday")
    check_page(browser_user, "suspending")
    dialog.get_by_role("button", name=browser_user.text("account.suspend")).click()
    expect(browser_user.button("account.resume")).to_be_visible()
    assert account.shown(account.partner_member_id)["suspended_by"] == ["client"]
    check_page(browser_user, "suspended")
    browser_user.screenshot("suspended")
    browser_user.button("account.resume").click()
    expect(browser_user.button("account.suspend")).to_be_visible()
    assert account.shown(account.partner_member_id)["state"] == "active"

    browser_user.button("account.end").click()
    expect(dialog).to_contain_text(browser_user.text("account.end.again_link", name=name))
    check_page(browser_user, "ending")
    browser_user.screenshot("end")
    dialog.get_by_role("button", name=browser_user.text("cancel")).click()
    assert account.shown(account.partner_member_id)["state"] == "active"
    browser_user.button("account.end").click()
    dialog.get_by_role("button", name=browser_user.text("account.end")).click()
    expect(page.locator("#people")).not_to_contain_text(name)
    assert not account.member(account.partner_member_id)["active"]


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESKTOP)])
def test_migrate_after_preview_grants_partner_admin(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    account = create_account(personas_by_language[language], partner_set="super_admin")
    name = account.personas.employee_name
    browser_user = opened(open_browser, account, f"?user={account.partner_member_id}", width=width)
    page = browser_user.page

    page.get_by_role("link", name=browser_user.text("account.migrate")).click()
    browser_user.see("account.migrate.title", name=name)
    expect(page.locator(".cannot")).to_contain_text({"en": "billing", "ja": "請求"}[language])
    check_page(browser_user, "the preview")
    browser_user.screenshot("migrate")
    assert account.member(account.partner_member_id)["permission_set"] == "super_admin"
    browser_user.button("account.migrate.yes").click()
    browser_user.see("account.can", name=name)
    assert account.member(account.partner_member_id)["permission_set"] == "partner_admin"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_migrate_by_keyboard_alone_grants_partner_admin(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    account = create_account(personas_by_language[language], partner_set="super_admin")
    browser_user = opened(open_browser, account)
    page = browser_user.page
    page.wait_for_selector("#people tbody tr")

    browser_user.tab_to(account.personas.employee_name)
    page.keyboard.press("Enter")
    browser_user.see("account.can", name=account.personas.employee_name)
    browser_user.tab_to(browser_user.text("account.migrate"))
    page.keyboard.press("Enter")
    browser_user.see("account.migrate.title", name=account.personas.employee_name)
    expect(browser_user.button("account.migrate.yes")).to_be_visible()
    browser_user.tab_to(browser_user.text("account.migrate.yes"))
    page.keyboard.press("Enter")
    browser_user.see("account.can", name=account.personas.employee_name)
    assert account.member(account.partner_member_id)["permission_set"] == "partner_admin"


def test_remove_of_last_super_admin_shows_error(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"], partner_set=None)
    browser_user = opened(open_browser, account, f"?user={account.personas.admin.user_id}")

    browser_user.button("account.leave").click()
    browser_user.page.get_by_role("dialog").get_by_role("button", name=browser_user.text("account.leave")).click()
    expect(browser_user.page.get_by_role("alert")).to_contain_text(browser_user.text("error.last_super_admin"))
    browser_user.check_accessibility("refused")


# --- new members ---


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESKTOP)])
def test_create_partner_admin_step_by_step_succeeds(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    account = create_account(personas_by_language[language], partner_set=None)
    browser_user = opened(open_browser, account, width=width)
    page = browser_user.page

    page.get_by_role("link", name=browser_user.text("account.create")).click()
    browser_user.button("account.new.next").click()
    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("error.invalid_email"))
    check_page(browser_user, "person")
    page.fill("#email", f"person.0@clients-{language}.example")
    browser_user.button("account.new.next").click()
    expect(page.get_by_text(browser_user.text("account.new.not_eligible"))).to_be_visible()
    expect(page.locator("#sets input[value=partner_admin]")).to_have_count(0)
    browser_user.button("account.new.back").click()
    page.fill("#email", account.personas.employee.email)
    browser_user.button("account.new.next").click()
    page.locator("#sets input[value=partner_admin]").check()
    check_page(browser_user, "which set")
    browser_user.screenshot("create")
    browser_user.button("account.new.next").click()
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT[language], exact=True).uncheck()
    page.fill("#until", _in_days(page.evaluate("Date.now()"), 30))
    check_page(browser_user, "what")
    browser_user.button("account.new.create").click()
    browser_user.see("account.new.done", name=account.personas.employee_name)
    browser_user.check_accessibility("created")
    member = account.member(account.partner_member_id)
    assert (member["permission_set"], member["seat"], member["removed"]) == ("partner_admin", "partner", ["crm.export"])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_create_user_by_keyboard_alone_succeeds(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    account = create_account(personas_by_language[language], partner_set=None)
    user_id, email = f"usr_key_{next(_numbers)}", f"keys@clients-{language}.example"
    account.personas.stack_users.put(f"/directory/users/{user_id}", {"email": email, "name": "Kay Board"})
    browser_user = opened(open_browser, account)
    page = browser_user.page

    browser_user.tab_to(browser_user.text("account.create"))
    page.keyboard.press("Enter")
    browser_user.see("account.new.title")
    browser_user.tab_to(browser_user.text("account.email"))
    page.keyboard.type("nobody@clients-en.example")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sets")
    browser_user.tab_to("")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    browser_user.tab_to(browser_user.text("account.new.create"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("account.new.unknown"))
    for _ in range(2):
        browser_user.tab_to(browser_user.text("account.new.back"))
        page.keyboard.press("Enter")
    browser_user.tab_to(browser_user.text("account.email"))
    page.keyboard.press("Control+A")
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    page.wait_for_selector("#sets input:checked")
    browser_user.tab_to(browser_user.text("account.new.next"))
    page.keyboard.press("Enter")
    browser_user.tab_to(browser_user.text("account.new.create"))
    page.keyboard.press("Enter")
    browser_user.see("account.new.done", name="Kay Board")
    assert account.member(user_id)["active"]


def test_create_partner_admin_by_keyboard_alone_succeeds(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"], partner_set=None)
    browser_user = opened(open_browser, account, "?new")
    page = browser_user.page

    browser_user.tab_to(browser_user.text("account.email"))
    page.keyboard.type(account.personas.employee.email)
    page.keyboard.press("Enter")
    page.wait_for_selector("#sets input[value=partner_admin]")
    browser_user.tab_to("")
    browser_user.arrow_to("partner_admin")
    page.keyboard.press("Space")
    browser_user.tab_to(browser_user.text("account.new.next"))
    page.keyboard.press("Enter")
    browser_user.tab_to(browser_user.text("account.new.create"))
    page.keyboard.press("Enter")
    browser_user.see("account.new.done", name=account.personas.employee_name)
    assert account.member(account.partner_member_id)["permission_set"] == "partner_admin"


def test_edit_after_expired_sign_in_keeps_input(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"])
    browser_user = opened(open_browser, account, f"?user={account.partner_member_id}&do=edit")
    page = browser_user.page
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT["en"], exact=True).uncheck()
    page.evaluate("sessionStorage.removeItem('token')")

    browser_user.button("account.save").click()
    browser_user.fill_sign_in_form(account.personas.admin)
    expect(page.locator(".changes .cannot")).to_have_text(EXPORT["en"])


# --- set updates and audit log ---


def test_set_update_shows_gained_permissions_and_refused_acceptance(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas]
) -> None:
    account = create_account(personas_by_language["en"])
    browser_user = opened(open_browser, account, "?updates")
    page = browser_user.page
    expect(page.get_by_text(browser_user.text("account.updates.none"))).to_be_visible()
    row = {
        "user_id": account.partner_member_id, "name": account.personas.employee_name, "email": account.personas.employee.email, "version": 1,
        "permission_set": "partner_admin", "latest": 2, "gained": ["crm.export"], "partner_id": account.personas.partner_id,
    }  # fmt: skip
    sent: list[object] = []

    def newer(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data_json)
            route.fulfill(
                json={
                    "items": [{"user_id": account.partner_member_id, "outcome": "failed", "reason": "rights_changed"}]
                }
            )
        else:
            route.fulfill(json={"items": [row], "next_cursor": None})

    page.route("**/permission-sets/updates?*", newer)
    page.route("**/permission-sets/updates", newer)
    page.reload()
    browser_user.see("account.updates.of", set="Partner admin", version=1, latest=2)
    expect(page.locator(".gained")).to_contain_text(EXPORT["en"])
    check_page(browser_user, "updates")
    browser_user.button("account.updates.accept").click()
    expect(page.get_by_role("alert")).to_contain_text(browser_user.text("error.rights_changed"))
    assert sent == [{"permission_set": "partner_admin", "version": 2, "user_ids": [account.partner_member_id]}]


@pytest.mark.parametrize(("language", "width"), [("en", DESKTOP), ("ja", PHONE)])
def test_audit_log_page_shows_filters_and_downloads_entries(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str, width: int
) -> None:
    account = create_account(personas_by_language[language])
    name = account.personas.employee_name
    browser_user = opened(open_browser, account, "?audit_log", width=width)
    page = browser_user.page
    entries = page.locator(".audit-log > li")
    created = browser_user.text(
        "account.event.member.created",
        by=_admin_name(account.personas),
        who=name,
        set=browser_user.text("account.set.partner_admin"),
    )

    expect(entries.first).to_contain_text(created)
    check_page(browser_user, "the audit log")
    browser_user.screenshot("audit-log")
    page.select_option("#event", "member.suspended")
    browser_user.button("account.audit_log.show").click()
    expect(page.get_by_text(browser_user.text("account.audit_log.none"))).to_be_visible()
    expect(page).to_have_url(re.compile("event=member.suspended"))
    page.fill("#audit-log-from", "2020-01-01")
    browser_user.button("account.audit_log.show").click()
    expect(page.get_by_role("alert")).to_be_visible()
    browser_user.open(f"{account.path}?audit_log&user={account.partner_member_id}")
    expect(entries).to_have_count(1)
    with page.expect_download() as taken:
        browser_user.button("account.audit_log.download").click()
    sheet = taken.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert sheet[0] == "audit_id,at,event,actor_id,actor_name,user_ids,user_names,accounts,details"
    assert [row.split(",")[2] for row in sheet[1:]] == ["member.created"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_account_pages_do_not_shift_and_fit_narrow_screen(
    open_browser: OpenBrowser, personas_by_language: dict[str, Personas], language: str
) -> None:
    account = create_account(personas_by_language[language])
    browser_user = open_browser(language=language, width=NARROW, new_context=True, who=account.personas.admin)
    browser_user.check_fast_open(account.path, "#people tbody tr")
    browser_user.check_fit("the list at 320 pixels")
    for query in (
        f"?user={account.partner_member_id}",
        f"?user={account.partner_member_id}&do=edit",
        "?audit_log",
        "?new",
        "?updates",
    ):
        browser_user.open(account.path + query)
        browser_user.page.wait_for_selector(".places")
        browser_user.check_fit(f"{query} at 320 pixels")
