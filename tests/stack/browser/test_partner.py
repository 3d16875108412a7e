"""A partner manager runs all clients from one screen: lists, links, colleagues, his own migration, and a leaving."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.stack.browser.browser_user import DESK, PHONE, Visitor
from tests.stack.browser.conftest import Visits
from tests.stack.stack_users import SECRET, Resident, Town, a_key, persistently
from tools.api_client import Answer, Json
from tools.sign_in import create_person

pytestmark = pytest.mark.usefixtures("sound_afterwards")

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
class Firm:
    """A partner whose manager signs in: two colleagues, one who cannot be a partner admin, and a client's admin."""

    town: Town = field(repr=False)
    language: str
    partner_id: str
    manager: Resident
    colleague: Resident
    other: Resident
    stranger: Resident
    admin: Resident

    @property
    def names(self) -> tuple[str, ...]:
        return NAMES[self.language]

    def a_client(self, nth: int = 0, *super_admins: Resident) -> str:
        return self.town.a_client(
            self.admin, *super_admins, name=CLIENTS[self.language][nth], locale={"en": "en", "ja": "ja"}[self.language]
        )

    def a_link(self, **wished: object) -> tuple[Json, str]:
        answer = persistently(
            lambda: self.manager.caller.post(f"/partners/{self.partner_id}/access-links", wished, key=a_key())
        )
        assert answer.status == 201, answer
        return answer.json, _secret(answer.json["url"])

    def admits(self, employee: Resident, account_id: str, **wished: object) -> None:
        """The employee becomes a partner admin of the client by a link."""
        _, secret = self.a_link(employee_id=employee.user_id, **wished)
        body = {"secret": secret, "account_id": account_id}
        answer = persistently(lambda: self.admin.caller.post("/access-links/approvals", body, key=a_key()))
        assert answer.status == 201, answer

    def looks(self, url: str) -> Answer:
        """What the client's admin is told of a link."""
        return self.admin.caller.post("/access-links/preview", {"secret": _secret(url)}, key=a_key())


def _secret(url: str) -> str:
    found = SECRET.search(url)
    assert found, "no link"
    return found.group(1)


def a_firm(town: Town, language: str, name: str) -> Firm:
    partner_id, domain = f"acct_{name}_{language}", f"{name}-{language}.example"
    firm, manager, colleague, other, stranger, admin = NAMES[language]
    town.tell(
        f"/directory/accounts/{partner_id}", {"kind": "partner", "name": firm, "domains": [domain], "locale": language}
    )
    stack = town.stack

    def resident(told: tuple[str, str, str | None]) -> Resident:
        email, called, permission_set = told
        made = Resident(create_person(stack.aws, stack.sign_in.user_pool, email, called), stack)
        town.tell(f"/directory/users/{made.user_id}", {"email": email, "name": called, "locale": language})
        if permission_set:
            town.join(partner_id, made, permission_set)
        return made

    with ThreadPoolExecutor(3) as at_once:
        people = at_once.map(
            resident,
            [
                (f"manager@{domain}", manager, "super_admin"),
                (f"colleague@{domain}", colleague, "marketing"),
                (f"other@{domain}", other, "marketing"),
                (f"someone@elsewhere-{name}-{language}.example", stranger, "view_only"),
                (f"admin@clients-{name}-{language}.example", admin, None),
            ],
        )
        return Firm(town, language, partner_id, *people)


@pytest.fixture(scope="module")
def firms(town: Town) -> dict[str, Firm]:
    """One for each language: the manager and two colleagues in clients, links in several states."""
    made = {language: a_firm(town, language, "console") for language in ("en", "ja")}
    for language, firm in made.items():
        first, second = firm.a_client(0), firm.a_client(1)
        firm.admits(firm.manager, first)
        firm.admits(firm.colleague, first, access_days=180, permissions={"remove": ["crm.export", "crm.import"]})
        firm.admits(firm.colleague, second)
        purpose = {"en": "Rebuild the booking campaigns for spring", "ja": "春の販促キャンペーンの準備"}[language]
        firm.a_link(
            employee_id=firm.colleague.user_id, purpose=purpose, recipient_email=firm.admin.email, access_days=90
        )
        ended = firm.a_link(employee_id=firm.other.user_id, account_id=second)[0]
        firm.manager.caller.delete(f"/partners/{firm.partner_id}/access-links/{ended['link_id']}")
    return made


def opened(visits: Visits, firm: Firm, who: Resident | None = None, *, tab: str = "", **how: object) -> Visitor:
    """The console before the eyes of somebody who is signed in."""
    visitor = visits(language=firm.language, who=who or firm.manager, **how)
    visitor.opens(f"/partners/{firm.partner_id}{f'?tab={tab}' if tab else ''}")
    expect(visitor.page.get_by_role("tab", selected=True)).to_be_visible()
    return visitor


def row(visitor: Visitor, *words: str) -> Locator:
    """The one row of a table that has all these words."""
    found = visitor.page.locator("tbody tr")
    for each in words:
        found = found.filter(has_text=each)
    return found


def fits(visitor: Visitor, state: str) -> None:
    """Neither the page nor its sheet."""
    visitor.fits(state)
    wide = visitor.page.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('main'))"
    )
    assert wide <= 0, f"{state} hangs out of its sheet by {wide} pixels"


def is_right(visitor: Visitor, state: str, picture: str = "") -> None:
    """For all who cannot see or use a mouse, and on this screen."""
    visitor.is_accessible(state)
    fits(visitor, state)
    if picture:
        visitor.pictures(picture)


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("en", DESK), ("ja", PHONE), ("ja", DESK)])
def test_clients_employees_and_links_are_on_one_screen(
    visits: Visits, firms: dict[str, Firm], language: str, width: int
) -> None:
    firm = firms[language]
    firm_name, manager, colleague, _, stranger, _ = firm.names
    visitor = visits(language=language, width=width)
    page = visitor.page
    visitor.opens(f"/partners/{firm.partner_id}")
    visitor.sees("partner.title")
    is_right(visitor, "the door")
    visitor.signs_in(firm.manager)

    expect(page.get_by_text(firm_name, exact=True)).to_be_visible()
    expect(row(visitor, colleague, visitor.says("partner.state.active")).first).to_be_visible()
    expect(page.locator("tr.head")).to_have_count(2)
    is_right(visitor, f"clients at {width}", "partner-clients")
    page.get_by_label(visitor.says("partner.filter.clients")).fill(CLIENTS[language][1][:4])
    expect(page.locator("tr.head")).to_have_count(1)
    page.get_by_label(visitor.says("partner.filter.clients")).fill("zzz")
    expect(page.get_by_text(visitor.says("partner.nothing_found"))).to_be_visible()
    is_right(visitor, "nothing found")

    page.get_by_role("tab", name=visitor.says("partner.tab.employees")).click()
    expect(row(visitor, stranger, visitor.says("partner.why_not.firm"))).to_be_visible()
    expect(row(visitor, manager, visitor.says("partner.you"), visitor.says("partner.eligible"))).to_be_visible()
    is_right(visitor, f"employees at {width}", "partner-employees")

    page.get_by_role("tab", name=visitor.says("partner.tab.links")).click()
    expect(row(visitor, visitor.says("partner.link_state.approved")).first).to_be_visible()
    expect(row(visitor, visitor.says("partner.link_state.open"), colleague).first).to_be_visible()
    is_right(visitor, f"links at {width}", "partner-links")
    page.get_by_label(visitor.says("partner.state"), exact=True).select_option("revoked")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("tab", name=visitor.says("partner.tab.links"))).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESK)])
def test_a_link_for_a_colleague_is_made_and_copied(
    visits: Visits, firms: dict[str, Firm], language: str, width: int
) -> None:
    firm = firms[language]
    visitor = opened(visits, firm, tab="links", width=width)
    page = visitor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    export = {"en": "Export records", "ja": "レコードのエクスポート"}[language]

    visitor.button("partner.get_link").click()
    visitor.sees("partner.link.title")
    page.get_by_label(visitor.says("partner.link.employee")).select_option(firm.colleague.user_id)
    page.get_by_label(visitor.says("partner.link.purpose")).fill({"en": "Spring campaign", "ja": "春の施策"}[language])
    page.get_by_label(visitor.says("partner.link.access_days")).fill("90")
    page.get_by_label(visitor.says("partner.link.recipient")).fill("nobody")
    page.get_by_text(visitor.says("partner.link.narrow")).click()
    for details in page.locator(".group details").all():
        details.locator("summary").click()
    page.get_by_label(export, exact=True).uncheck()
    visitor.button("partner.link.yes").click()
    expect(page.get_by_role("alert")).to_contain_text(visitor.says("partner.link.recipient"))
    assert page.evaluate("document.activeElement.id") == "recipient_email"
    is_right(visitor, "the form of a link")
    page.get_by_text(visitor.says("partner.link.narrow")).click()
    visitor.pictures("partner-link-form")

    page.get_by_role("button", name={"en": "日本語", "ja": "English"}[language]).click()
    expect(page.locator("#access_days")).to_have_value("90")
    page.get_by_role("button", name={"en": "English", "ja": "日本語"}[language]).click()
    page.get_by_label(visitor.says("partner.link.recipient")).fill(f"boss@clients-{language}.example")
    visitor.button("partner.link.yes").click()
    visitor.sees("partner.ready.title")
    address = page.get_by_label(visitor.says("partner.ready.address")).input_value()
    visitor.button("partner.ready.copy").click()
    expect(page.locator("#toasts")).to_have_text(visitor.says("partner.ready.copied"))
    assert page.evaluate("navigator.clipboard.readText()") == address
    is_right(visitor, "the link is ready", "partner-link-ready")
    visitor.holds_nothing_of(_secret(address))
    shown = firm.looks(address)
    assert shown.status == 200, shown
    assert shown.json["link"]["employee"]["user_id"] == firm.colleague.user_id
    assert shown.json["link"]["permissions"]["removed"] == ["crm.export"]
    assert shown.json["link"]["access_days"] == 90

    page.get_by_role("link", name=visitor.says("partner.back")).click()
    expect(row(visitor, {"en": "Spring campaign", "ja": "春の施策"}[language])).to_be_visible()


def test_what_the_api_refuses_is_told_at_its_field_and_nothing_typed_is_lost(
    visits: Visits, firms: dict[str, Firm]
) -> None:
    firm = firms["en"]
    visitor = opened(visits, firm, tab="links")
    page = visitor.page
    visitor.button("partner.get_link").click()
    page.get_by_label(visitor.says("partner.link.where_one")).check()
    page.get_by_label(visitor.says("partner.link.account"), exact=True).fill("acct_any")
    page.get_by_label(visitor.says("partner.link.purpose")).fill("See www.example.com/offer")
    visitor.button("partner.link.yes").click()
    expect(page.get_by_role("alert")).to_contain_text(visitor.says("partner.link.purpose"))
    assert page.evaluate("document.activeElement.id") == "purpose"
    is_right(visitor, "a refused field")

    page.evaluate("sessionStorage.removeItem('token')")
    page.get_by_label(visitor.says("partner.link.purpose")).fill("See our offer")
    visitor.button("partner.link.yes").click()
    visitor.fills_in(firm.manager)
    visitor.sees("partner.link.title")
    expect(page.get_by_label(visitor.says("partner.link.purpose"))).to_have_value("See our offer")
    expect(page.get_by_label(visitor.says("partner.link.account"), exact=True)).to_have_value("acct_any")
    page.go_back()
    expect(page.get_by_role("tab", selected=True)).to_have_text(visitor.says("partner.tab.links"))


def test_a_link_gets_a_new_address_and_is_revoked(visits: Visits, firms: dict[str, Firm]) -> None:
    firm = firms["ja"]
    purpose = "夏の施策"
    link, secret = firm.a_link(employee_id=firm.other.user_id, purpose=purpose)
    visitor = opened(visits, firm, tab="links", width=PHONE)
    page = visitor.page
    resend, revoke = (visitor.says(f"partner.{name}") for name in ("resend", "revoke"))

    row(visitor, purpose).get_by_text(resend, exact=True).click()
    is_right(visitor, "asking for a new address", "partner-resend")
    page.get_by_role("dialog").get_by_role("button", name=resend, exact=True).click()
    visitor.sees("partner.ready.title")
    address = page.get_by_label(visitor.says("partner.ready.address")).input_value()
    assert _secret(address) != secret
    assert firm.looks(address).status == 200
    assert firm.looks(f"#{secret}").code == "link_not_found"

    page.go_back()
    row(visitor, purpose).get_by_text(revoke, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=visitor.says("cancel")).click()
    row(visitor, purpose).get_by_text(revoke, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=revoke, exact=True).click()
    expect(row(visitor, purpose, visitor.says("partner.link_state.revoked"))).to_be_visible()
    assert firm.looks(address).code == "link_revoked"
    told = firm.manager.caller.get(f"/partners/{firm.partner_id}/access-links/{link['link_id']}")
    assert told.json["state"] == "revoked"


def test_own_people_are_suspended_resumed_and_ended(visits: Visits, town: Town) -> None:
    firm = a_firm(town, "ja", "halt")
    account_id = firm.a_client(2)
    firm.admits(firm.colleague, account_id)
    visitor = opened(visits, firm, width=PHONE)
    page, dialog = visitor.page, visitor.page.get_by_role("dialog")
    there = row(visitor, firm.names[2])

    def does(name: str) -> None:
        words = visitor.says(f"partner.{name}")
        there.get_by_text(words, exact=True).click()
        if name == "suspend":
            page.get_by_label(visitor.says("partner.suspend.reason")).fill("月曜日まで")
            is_right(visitor, "suspending", "partner-suspend")
        dialog.get_by_role("button", name=words, exact=True).click()

    does("suspend")
    expect(there).to_contain_text(visitor.says("partner.suspended_by.partner"))
    is_right(visitor, "suspended")
    does("resume")
    expect(there).to_contain_text(visitor.says("partner.state.active"))
    does("end")
    expect(page.get_by_text(visitor.says("partner.no_clients"))).to_be_visible()
    is_right(visitor, "no client")
    assert firm.town.members_of(account_id)[firm.colleague.user_id]["active"] is False


def test_an_edit_of_what_changed_meanwhile_is_refused_and_the_list_read_again(visits: Visits, town: Town) -> None:
    firm = a_firm(town, "en", "stale")
    account_id = firm.a_client(2)
    firm.admits(firm.colleague, account_id)
    visitor = opened(visits, firm)
    there = row(visitor, firm.names[2])
    expect(there).to_be_visible()
    path = f"/accounts/{account_id}/users/{firm.colleague.user_id}/suspension"
    assert firm.admin.caller.put(path, {}).status == 200

    there.get_by_text(visitor.says("partner.end"), exact=True).click()
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.says("partner.end"), exact=True).click()
    expect(visitor.page.get_by_role("alert")).to_have_text(visitor.says("refused.precondition_failed"))
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.says("cancel")).click()
    expect(there).to_contain_text(visitor.says("partner.suspended_by.client"))


def test_colleagues_are_brought_into_a_client(visits: Visits, town: Town) -> None:
    firm = a_firm(town, "en", "bring")
    account_id = firm.a_client(3)
    firm.admits(firm.manager, account_id)
    visitor = opened(visits, firm, width=PHONE)
    page = visitor.page
    _, _, colleague, other, stranger, _ = firm.names

    page.get_by_text(visitor.says("partner.add"), exact=True).click()
    visitor.sees("partner.add_to", client=CLIENTS["en"][3])
    expect(page.get_by_label(colleague)).to_be_visible()
    expect(page.get_by_label(stranger)).to_have_count(0)
    visitor.button("partner.add.yes").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label(colleague).check()
    page.get_by_label(other).check()
    page.get_by_label(visitor.says("partner.add.set")).select_option("sales")
    is_right(visitor, "adding colleagues", "partner-add")
    firm.town.join(account_id, firm.other, "view_only")
    visitor.button("partner.add.yes").click()
    expect(row(visitor, colleague, visitor.says("partner.outcome.done"))).to_be_visible()
    expect(row(visitor, other, visitor.says("partner.outcome.skipped"))).to_be_visible()
    is_right(visitor, "what became of each", "partner-added")
    page.get_by_role("link", name=visitor.says("partner.back")).click()
    expect(row(visitor, colleague, visitor.says("partner.set.sales"))).to_be_visible()
    assert firm.town.members_of(account_id)[firm.colleague.user_id]["permission_set"] == "sales"


@pytest.mark.parametrize(("language", "width"), [("en", DESK), ("ja", PHONE)])
def test_a_manager_becomes_partner_admin_in_many_clients(visits: Visits, town: Town, language: str, width: int) -> None:
    firm = a_firm(town, language, "migrate")
    several = [firm.a_client(nth, firm.manager) for nth in range(6)]
    alone = firm.town.a_client(firm.manager, name={"en": "Only You Ltd", "ja": "単独商店"}[language])
    visitor = opened(visits, firm, width=width)
    page = visitor.page
    seen: list[str] = []

    def one_row_fails(route: Route) -> None:
        asked: Json = route.request.post_data_json or {}
        seen.append(f"{len(asked['account_ids'])} {'dry' if asked.get('dry_run') else 'real'}")
        if seen[-1] == "1 real" and seen.count("1 real") == 1:  # as when somebody else is at the same account
            row = {"account_id": asked["account_ids"][0], "outcome": "failed", "reason": "rights_changed"}
            route.fulfill(json={"items": [row]})
        else:
            route.continue_()

    page.route("**/migrations", one_row_fails)
    visitor.button("partner.migrate.open").click()
    visitor.sees("partner.migrate.title")
    expect(page.get_by_label({"en": "Only You Ltd", "ja": "単独商店"}[language])).to_be_checked()
    is_right(visitor, "choosing", "partner-migrate")
    visitor.button("partner.migrate.preview").click()
    expect(page.get_by_text(visitor.says("partner.migrate.lost"))).to_be_visible()
    expect(row(visitor, visitor.says("refused.last_super_admin"))).to_have_count(1)
    expect(row(visitor, visitor.says("partner.migrate.holds"))).to_have_count(6)
    is_right(visitor, "the preview", "partner-preview")
    assert {firm.town.members_of(each)[firm.manager.user_id]["permission_set"] for each in several} == {"super_admin"}

    page.locator(".actions .first").click()
    expect(page.locator("td .state.active")).to_have_count(5)
    expect(row(visitor, visitor.says("refused.rights_changed"))).to_have_count(1)
    is_right(visitor, "one is left", "partner-migrated")
    visitor.button("partner.try_rest").click()
    expect(page.locator("td .state.active")).to_have_count(6)
    assert seen == ["5 dry", "2 dry", "5 real", "1 real", "1 real"], "in portions, and only the rest again"
    assert {firm.town.members_of(each)[firm.manager.user_id]["permission_set"] for each in several} == {"partner_admin"}
    assert firm.town.members_of(alone)[firm.manager.user_id]["permission_set"] == "super_admin"


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESK)])
def test_a_leaving_names_what_ends_asks_once_and_gives_a_receipt(
    visits: Visits, town: Town, language: str, width: int
) -> None:
    firm = a_firm(town, language, "leave")
    mine, theirs = firm.a_client(0), firm.a_client(4, firm.other)
    firm.admits(firm.other, mine)
    firm.a_link(employee_id=firm.other.user_id)
    visitor = opened(visits, firm, tab="employees", width=width)
    page = visitor.page

    row(visitor, firm.names[3]).get_by_text(visitor.says("partner.end_all"), exact=True).click()
    visitor.sees("partner.leaving.stays")
    expect(page.locator(".names")).to_contain_text(CLIENTS[language][0])
    expect(page.locator("#stays")).to_contain_text(CLIENTS[language][4])
    is_right(visitor, "before the leaving", "partner-leaving")
    assert firm.town.members_of(mine)[firm.other.user_id]["active"] is True
    visitor.button("partner.end_all").click()
    visitor.sees("partner.leaving.title_done", name=firm.names[3])
    expect(row(visitor, CLIENTS[language][4], visitor.says("partner.receipt.kept"))).to_be_visible()
    expect(row(visitor, CLIENTS[language][0])).to_be_visible()
    is_right(visitor, "the receipt", "partner-receipt")
    assert firm.other.caller.get(f"/accounts/{mine}/users").status in {403, 404}
    assert firm.town.members_of(theirs)[firm.other.user_id]["permission_set"] == "super_admin"


def test_an_employee_who_is_no_manager_sees_only_his_own(visits: Visits, firms: dict[str, Firm]) -> None:
    firm = firms["en"]
    visitor = opened(visits, firm, firm.colleague, width=PHONE)
    page = visitor.page
    expect(page.get_by_text(visitor.says("partner.own_only"))).to_be_visible()
    expect(row(visitor, firm.names[2]).first).to_be_visible()
    expect(row(visitor, firm.names[1])).to_have_count(0)
    expect(page.get_by_text(visitor.says("partner.suspend"), exact=True)).to_have_count(0)
    is_right(visitor, "own clients", "partner-own")
    page.get_by_role("tab", name=visitor.says("partner.tab.links")).click()
    expect(page.get_by_text(visitor.says("partner.links_own"))).to_be_visible()
    expect(row(visitor, firm.names[2]).first).to_be_visible()
    expect(visitor.button("partner.get_link")).to_have_count(0)
    expect(page.get_by_text(visitor.says("partner.revoke"), exact=True)).to_have_count(0)


def test_whoever_is_of_another_firm_is_told_that_there_is_nothing(visits: Visits, firms: dict[str, Firm]) -> None:
    visitor = visits(width=PHONE)
    visitor.opens(f"/partners/{firms['en'].partner_id}")
    visitor.signs_in(firms["ja"].manager)
    expect(visitor.page.get_by_role("alert")).to_have_text(visitor.says("refused.not_found"))
    is_right(visitor, "nothing here")


def test_by_the_keyboard_alone(visits: Visits, firms: dict[str, Firm]) -> None:
    firm = firms["en"]
    visitor = opened(visits, firm)
    page = visitor.page
    page.wait_for_selector("tr.head")
    visitor.tabs_to(visitor.says("partner.tab.clients"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[role=tab]:focus")).to_have_text(visitor.says("partner.tab.links"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    expect(page.locator("[role=tab]:focus")).to_have_text(visitor.says("partner.tab.links"))
    visitor.tabs_to(visitor.says("partner.get_link"))
    page.keyboard.press("Enter")
    visitor.sees("partner.link.title")
    page.wait_for_selector("#purpose")
    visitor.tabs_to(visitor.says("partner.link.purpose"))
    page.keyboard.type("By the keyboard")
    visitor.tabs_to(visitor.says("partner.link.yes"))
    page.keyboard.press("Enter")
    visitor.sees("partner.ready.title")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.keyboard.press("Shift+Tab")
    expect(page.locator("a:focus")).to_have_text(visitor.says("partner.back"))
    page.keyboard.press("Enter")
    expect(row(visitor, "By the keyboard")).to_be_visible()


def test_a_manager_becomes_partner_admin_by_the_keyboard_alone(visits: Visits, town: Town) -> None:
    firm = a_firm(town, "en", "keys")
    account_id = firm.a_client(0, firm.manager)
    visitor = opened(visits, firm)
    page = visitor.page
    page.wait_for_selector("tr.head")

    visitor.tabs_to(visitor.says("partner.migrate.open"))
    page.keyboard.press("Enter")
    visitor.sees("partner.migrate.title")
    expect(page.get_by_label(CLIENTS["en"][0])).to_be_checked()
    visitor.tabs_to(visitor.says("partner.migrate.preview"))
    page.keyboard.press("Enter")
    expect(row(visitor, visitor.says("partner.migrate.holds"))).to_have_count(1)
    visitor.tabs_to(page.locator(".actions .first").inner_text())
    page.keyboard.press("Enter")
    expect(page.locator("td .state.active")).to_have_count(1)
    assert firm.town.members_of(account_id)[firm.manager.user_id]["permission_set"] == "partner_admin"


# --- how much it takes ---


def many_clients(number: int, firm: Firm) -> Callable[[Route], None]:
    """Pages of a list such as a large firm has."""

    def person(nth: int) -> dict[str, Any]:
        return {
            "account_id": f"acct_{nth}",
            "user_id": f"usr_{nth % 40}",
            "name": f"Person {nth % 40}",
            "email": f"person.{nth % 40}@firm.example",
            "permission_set": "partner_admin",
            "permissions": {"added": [], "removed": []},
            "seat": "partner",
            "paid_seats": [],
            "state": "active",
            "since": "2026-01-05T09:00:00Z",
            "partner_id": firm.partner_id,
            "version": 1,
        }

    def answer(route: Route) -> None:
        start = int(route.request.url.partition("cursor=")[2].partition("&")[0] or 0)
        items = [
            {"account_id": f"acct_{nth}", "name": f"Client {nth}", "people": [person(nth)], "made_by_client": False}
            for nth in range(start, min(start + 50, number))
        ]
        route.fulfill(json={"items": items, "next_cursor": str(start + 50) if start + 50 < number else None})

    return answer


def test_two_hundred_clients_are_read_by_and_by_and_found_by_typing(visits: Visits, firms: dict[str, Firm]) -> None:
    firm = firms["en"]
    visitor = visits(who=firm.manager)
    page = visitor.page
    page.route("**/partners/*/clients?*", many_clients(200, firm))
    visitor.opens(f"/partners/{firm.partner_id}")
    expect(page.locator("tr.head")).to_have_count(50)
    visitor.button("partner.more").click()
    expect(page.locator("tr.head")).to_have_count(100)
    page.get_by_label(visitor.says("partner.filter.clients")).press_sequentially("client 199")
    expect(page.locator("tr.head")).to_have_count(1)
    page.get_by_label(visitor.says("partner.filter.clients")).fill("")
    expect(page.locator("tr.head")).to_have_count(200)
    expect(visitor.button("partner.more")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_is_small_stays_in_place_and_fits_the_smallest_screen(
    visits: Visits, firms: dict[str, Firm], language: str
) -> None:
    firm = firms[language]
    visitor = visits(language=language, width=NARROW, anew=True, who=firm.manager)
    page = visitor.page
    visitor.opens_fast(f"/partners/{firm.partner_id}", "tr.head")
    loaded = page.evaluate(
        """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .filter((each) => !/\\/partners\\/.+\\/|\\/accounts/.test(each.name)).reduce((all, each) => all + each.encodedBodySize, 0)"""
    )
    assert loaded < MOST_BYTES
    fits(visitor, "clients at 320 pixels")
    visitor.pictures("partner-narrow")
    page.get_by_role("tab", name=visitor.says("partner.tab.links")).click()
    visitor.button("partner.get_link").click()
    page.wait_for_selector("#purpose")
    fits(visitor, "the form at 320 pixels")
    page.go_back()
    for tab in ("links", "employees", "clients"):
        page.get_by_role("tab", name=visitor.says(f"partner.tab.{tab}")).click()
        page.wait_for_selector("tbody tr")
        for width in (NARROW, 720, 960):
            page.set_viewport_size({"width": width, "height": 844})
            fits(visitor, f"{tab} at {width} pixels")
