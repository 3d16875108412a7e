"""A client admin sees who is in his account, and changes it: by clicking, by the keyboard alone, and against others."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.sync_api import Route, expect

from tests.stack.browser.browser_user import DESK, PHONE, Visitor
from tests.stack.browser.conftest import Visits
from tests.stack.browser.personas import Cast
from tests.stack.stack_users import a_key, persistently
from tools.api_client import Json

pytestmark = pytest.mark.usefixtures("sound_afterwards")

NARROW = 320
EXPORT = {"en": "Export records", "ja": "レコードのエクスポート"}
PEOPLE = {
    "en": (("Priya Raman", "marketing"), ("Jonas Weber", "sales"), ("Mei Tan", "view_only")),
    "ja": (("高橋 美咲", "marketing"), ("田中 翔太", "sales"), ("伊藤 直子", "view_only")),
}
LAYOUTS = [("en", PHONE), ("en", DESK), ("ja", PHONE), ("ja", DESK)]
_numbers = count(1)
_told: set[str] = set()


@dataclass(frozen=True, slots=True)
class House:
    """A client account with people of its own, and one of the partner's."""

    cast: Cast
    account_id: str
    ordinary: tuple[str, ...]

    @property
    def page(self) -> str:
        return f"/accounts/{self.account_id}"

    @property
    def guest(self) -> str:
        """The partner's employee."""
        return self.cast.employee.user_id

    def member(self, user_id: str) -> Json:
        return self.cast.town.members_of(self.account_id)[user_id]

    def shown(self, user_id: str) -> Json:
        """As the API shows him now."""
        answer = self.cast.admin.caller.get(f"{self.page}/users/{user_id}")
        assert answer.status == 200, answer
        return answer.json


def a_house(cast: Cast, *, guest: str | None = "partner_admin") -> House:
    """Told to the directory; the guest is let in by the admin, or made super admin by the vendor."""
    account_id, ordinary = cast.a_client(), []
    for nth, (name, permission_set) in enumerate(PEOPLE[cast.language]):
        user_id = f"usr_{cast.language}_{nth}"
        email = f"person.{nth}@clients-{cast.language}.example"
        if user_id not in _told:
            cast.town.tell(f"/directory/users/{user_id}", {"email": email, "name": name, "locale": cast.language})
            _told.add(user_id)
        cast.town.tell(f"/directory/accounts/{account_id}/members/{user_id}", {"permission_set": permission_set})
        ordinary.append(user_id)
    house = House(cast, account_id, tuple(ordinary))
    if guest == "partner_admin":
        wish = {"email": cast.employee.email, "permission_set": guest, "access_days": 90}
        answer = persistently(lambda: cast.admin.caller.post(f"{house.page}/users", wish, key=a_key()))
        assert answer.status == 201, answer
    elif guest:
        cast.town.join(account_id, cast.employee, guest)
    return house


def opened(visits: Visits, house: House, query: str = "", **how: object) -> Visitor:
    """The page before the eyes of the admin, who is signed in."""
    visitor = visits(language=house.cast.language, who=house.cast.admin, **how)
    visitor.opens(house.page + query)
    visitor.page.wait_for_selector(".places")
    return visitor


def is_good(visitor: Visitor, state: str) -> None:
    """For all who cannot see or use a mouse, and on this screen."""
    visitor.is_accessible(state)
    visitor.fits(state)


# --- who is in ---


@pytest.mark.parametrize(("language", "width"), LAYOUTS)
def test_who_is_in_and_what_each_may_do(visits: Visits, casts: dict[str, Cast], language: str, width: int) -> None:
    cast = casts[language]
    house = a_house(cast)
    visitor = opened(visits, house, width=width)
    page = visitor.page
    rows = page.locator("#people tbody tr")

    expect(rows).to_have_count(5)
    guest = rows.filter(has_text=cast.employee_name)
    for told in ("account.set.partner_admin", "account.seat.partner", "account.state.active"):
        expect(guest).to_contain_text(visitor.says(told))
    expect(guest).to_contain_text(visitor.says("account.by", name=_admin_name(cast)))
    is_good(visitor, f"the list at {width}")
    visitor.pictures("users")

    page.fill("#filter", cast.employee.email)
    expect(rows).to_have_count(1)
    page.fill("#filter", "nobody of this name")
    expect(page.locator("#people")).to_have_text(visitor.says("account.none_found"))
    page.fill("#filter", "")
    page.select_option("#in-state", "suspended")
    expect(page.locator("#people")).to_have_text(visitor.says("account.none_found"))
    visitor.is_accessible("nobody")
    page.select_option("#in-state", "active")

    page.get_by_role("link", name=cast.employee_name).click()
    visitor.sees("account.can", name=cast.employee_name)
    expect(page.locator(".cannot")).to_contain_text({"en": "billing", "ja": "請求"}[language])
    expect(page.locator("h1")).to_be_focused()
    is_good(visitor, f"a person at {width}")
    visitor.pictures("user")
    page.go_back()
    expect(rows).to_have_count(5)


def _admin_name(cast: Cast) -> str:
    return {"en": "Alice Moreau", "ja": "小林 由紀"}[cast.language]


def test_who_manages_nobody_sees_himself_and_may_leave(visits: Visits, casts: dict[str, Cast]) -> None:
    house = a_house(casts["en"], guest=None)
    clerk = house.cast.town.clients[4]
    house.cast.town.join(house.account_id, clerk, "view_only")
    visitor = visits(width=PHONE)
    visitor.opens(house.page)
    visitor.signs_in(clerk)

    expect(visitor.page.get_by_text(visitor.says("account.alone"))).to_be_visible()
    is_good(visitor, "alone")
    visitor.page.locator("#people .name").click()
    expect(visitor.button("account.leave")).to_be_visible()
    expect(visitor.button("account.suspend")).to_have_count(0)
    visitor.button("account.leave").click()
    visitor.is_accessible("leaving")
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.says("account.leave")).click()
    visitor.page.wait_for_url(visitor.origin + "/")
    assert not house.member(clerk.user_id)["active"]


def test_an_account_that_is_not_his_tells_nothing(visits: Visits, casts: dict[str, Cast]) -> None:
    visitor = visits()
    visitor.opens("/accounts/acct_of_others")
    visitor.signs_in(casts["en"].admin)

    expect(visitor.page.get_by_text(visitor.says("refused.not_found"))).to_be_visible()
    visitor.is_accessible("not his")


def test_a_manager_of_the_partner_sees_his_own_people_and_only_takes_away(
    visits: Visits, casts: dict[str, Cast]
) -> None:
    house = a_house(casts["en"])
    visitor = visits(width=PHONE, who=house.cast.manager)
    visitor.opens(f"{house.page}?user={house.guest}")
    page = visitor.page

    visitor.sees("account.can", name=house.cast.employee_name)
    is_good(visitor, "from the partner's side")
    expect(visitor.button("account.change_end")).to_have_count(0)
    visitor.button("account.suspend").click()
    page.get_by_role("dialog").get_by_role("button", name=visitor.says("account.suspend")).click()
    expect(visitor.button("account.resume")).to_be_visible()
    assert house.shown(house.guest)["suspended_by"] == ["partner"]
    visitor.button("account.resume").click()
    page.get_by_role("link", name=visitor.says("account.edit")).click()
    expect(page.get_by_text(visitor.says("account.edit.narrow_only"))).to_be_visible()
    page.locator(".group").nth(3).get_by_role("checkbox").first.uncheck()
    page.fill("#until", "")
    visitor.button("account.save").click()
    expect(page.get_by_role("alert")).to_have_text(visitor.says("account.edit.narrow_only"))
    page.fill("#until", _in_days(page.evaluate("Date.now()"), 9))
    visitor.button("account.save").click()
    visitor.sees("account.can", name=house.cast.employee_name)
    assert "crm.import" in house.member(house.guest)["removed"]


# --- what is changed ---


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESK)])
def test_an_edit_shows_what_will_be_different_before_it_is_saved(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    house = a_house(casts[language])
    visitor = opened(visits, house, f"?user={house.guest}", width=width)
    page = visitor.page
    page.get_by_role("link", name=visitor.says("account.edit")).click()
    visitor.sees("account.edit.title", name=house.cast.employee_name)
    expect(page.locator(".changes")).to_contain_text(visitor.says("account.no_changes"))

    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT[language], exact=True).uncheck()
    expect(page.locator(".changes .cannot")).to_have_text(EXPORT[language])
    page.fill("#until", "2020-01-01")
    visitor.button("account.save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("#until", _in_days(page.evaluate("Date.now()"), 9))
    is_good(visitor, "editing")
    visitor.pictures("edit")
    assert house.member(house.guest)["removed"] == []

    visitor.button("account.save").click()
    visitor.sees("account.can", name=house.cast.employee_name)
    expect(page.locator(".cannot li").filter(has_text=EXPORT[language])).to_have_count(1)
    assert house.member(house.guest)["removed"] == ["crm.export"]


def _in_days(now: float, days: int) -> str:
    return (datetime.fromtimestamp(now / 1000, UTC) + timedelta(days=days)).date().isoformat()


def test_another_set_and_single_additions_are_told_apart(visits: Visits, casts: dict[str, Cast]) -> None:
    house = a_house(casts["en"], guest=None)
    priya = house.ordinary[0]
    visitor = opened(visits, house, f"?user={priya}&do=edit")
    page = visitor.page

    page.get_by_label(re.compile("^View only")).check()
    expect(page.locator(".changes")).to_contain_text("Marketing → View only")
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT["en"], exact=True).check()
    page.select_option("#seat", "view_only")
    visitor.button("account.save").click()
    visitor.sees("account.can", name="Priya Raman")
    member = house.member(priya)
    assert (member["permission_set"], member["seat"]) == ("view_only", "view_only")
    assert (member["added"], member["removed"]) == (["crm.export"], [])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_who_was_slower_sees_what_changed_and_keeps_what_he_typed(
    visits: Visits, casts: dict[str, Cast], language: str
) -> None:
    house = a_house(casts[language])
    visitor = opened(visits, house, f"?user={house.guest}&do=edit", width=PHONE)
    page = visitor.page
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT[language], exact=True).uncheck()
    seen = house.shown(house.guest)["version"]
    other = house.cast.admin.caller.call(
        "PATCH",
        f"{house.page}/users/{house.guest}",
        {"permissions": {"remove": ["crm.import"]}},
        headers={"if-match": f'"{seen}"'},
    )
    assert other.status == 200, other

    visitor.button("account.save").click()
    expect(page.get_by_role("alert")).to_contain_text(visitor.says("account.meanwhile"))
    is_good(visitor, "changed meanwhile")
    visitor.pictures("meanwhile")
    expect(page.locator(".changes .cannot")).to_have_text(EXPORT[language])
    visitor.button("account.save").click()
    visitor.sees("account.can", name=house.cast.employee_name)
    assert house.member(house.guest)["removed"] == ["crm.export", "crm.import"]


@pytest.mark.parametrize(("language", "width"), [("en", DESK), ("ja", PHONE)])
def test_access_is_extended_suspended_resumed_and_ended(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    house = a_house(casts[language])
    name = house.cast.employee_name
    visitor = opened(visits, house, f"?user={house.guest}", width=width)
    page = visitor.page
    dialog = page.get_by_role("dialog")

    visitor.button("account.change_end").click()
    visitor.is_accessible("the end date")
    dialog.locator("#end").fill("")
    dialog.get_by_role("button", name=visitor.says("account.save")).click()
    expect(page.locator(".facts")).to_contain_text(visitor.says("account.no_end"))

    visitor.button("account.suspend").click()
    dialog.locator("#reason").fill("holiday")
    is_good(visitor, "suspending")
    dialog.get_by_role("button", name=visitor.says("account.suspend")).click()
    expect(visitor.button("account.resume")).to_be_visible()
    assert house.shown(house.guest)["suspended_by"] == ["client"]
    is_good(visitor, "suspended")
    visitor.pictures("suspended")
    visitor.button("account.resume").click()
    expect(visitor.button("account.suspend")).to_be_visible()
    assert house.shown(house.guest)["state"] == "active"

    visitor.button("account.end").click()
    expect(dialog).to_contain_text(visitor.says("account.end.again_link", name=name))
    is_good(visitor, "ending")
    visitor.pictures("end")
    dialog.get_by_role("button", name=visitor.says("cancel")).click()
    assert house.shown(house.guest)["state"] == "active"
    visitor.button("account.end").click()
    dialog.get_by_role("button", name=visitor.says("account.end")).click()
    expect(page.locator("#people")).not_to_contain_text(name)
    assert not house.member(house.guest)["active"]


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESK)])
def test_a_super_admin_is_migrated_after_its_preview(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    house = a_house(casts[language], guest="super_admin")
    name = house.cast.employee_name
    visitor = opened(visits, house, f"?user={house.guest}", width=width)
    page = visitor.page

    page.get_by_role("link", name=visitor.says("account.migrate")).click()
    visitor.sees("account.migrate.title", name=name)
    expect(page.locator(".cannot")).to_contain_text({"en": "billing", "ja": "請求"}[language])
    is_good(visitor, "the preview")
    visitor.pictures("migrate")
    assert house.member(house.guest)["permission_set"] == "super_admin"
    visitor.button("account.migrate.yes").click()
    visitor.sees("account.can", name=name)
    assert house.member(house.guest)["permission_set"] == "partner_admin"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_super_admin_is_migrated_by_the_keyboard_alone(visits: Visits, casts: dict[str, Cast], language: str) -> None:
    house = a_house(casts[language], guest="super_admin")
    visitor = opened(visits, house)
    page = visitor.page
    page.wait_for_selector("#people tbody tr")

    visitor.tabs_to(house.cast.employee_name)
    page.keyboard.press("Enter")
    visitor.sees("account.can", name=house.cast.employee_name)
    visitor.tabs_to(visitor.says("account.migrate"))
    page.keyboard.press("Enter")
    visitor.sees("account.migrate.title", name=house.cast.employee_name)
    expect(visitor.button("account.migrate.yes")).to_be_visible()
    visitor.tabs_to(visitor.says("account.migrate.yes"))
    page.keyboard.press("Enter")
    visitor.sees("account.can", name=house.cast.employee_name)
    assert house.member(house.guest)["permission_set"] == "partner_admin"


def test_the_last_super_admin_is_not_lost_and_the_refusal_says_what_to_do(
    visits: Visits, casts: dict[str, Cast]
) -> None:
    house = a_house(casts["en"], guest=None)
    visitor = opened(visits, house, f"?user={house.cast.admin.user_id}")

    visitor.button("account.leave").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.says("account.leave")).click()
    expect(visitor.page.get_by_role("alert")).to_contain_text(visitor.says("refused.last_super_admin"))
    visitor.is_accessible("refused")


# --- who comes ---


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESK)])
def test_a_partner_admin_is_created_step_by_step(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    house = a_house(casts[language], guest=None)
    visitor = opened(visits, house, width=width)
    page = visitor.page

    page.get_by_role("link", name=visitor.says("account.create")).click()
    visitor.button("account.new.next").click()
    expect(page.get_by_role("alert")).to_contain_text(visitor.says("refused.invalid_email"))
    is_good(visitor, "whom")
    page.fill("#email", f"person.0@clients-{language}.example")
    visitor.button("account.new.next").click()
    expect(page.get_by_text(visitor.says("account.new.not_eligible"))).to_be_visible()
    expect(page.locator("#sets input[value=partner_admin]")).to_have_count(0)
    visitor.button("account.new.back").click()
    page.fill("#email", house.cast.employee.email)
    visitor.button("account.new.next").click()
    page.locator("#sets input[value=partner_admin]").check()
    is_good(visitor, "which set")
    visitor.pictures("create")
    visitor.button("account.new.next").click()
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT[language], exact=True).uncheck()
    page.fill("#until", _in_days(page.evaluate("Date.now()"), 30))
    is_good(visitor, "what")
    visitor.button("account.new.create").click()
    visitor.sees("account.new.done", name=house.cast.employee_name)
    visitor.is_accessible("created")
    member = house.member(house.guest)
    assert (member["permission_set"], member["seat"], member["removed"]) == ("partner_admin", "partner", ["crm.export"])


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_user_is_created_by_the_keyboard_alone(visits: Visits, casts: dict[str, Cast], language: str) -> None:
    house = a_house(casts[language], guest=None)
    user_id, email = f"usr_key_{next(_numbers)}", f"keys@clients-{language}.example"
    house.cast.town.tell(f"/directory/users/{user_id}", {"email": email, "name": "Kay Board"})
    visitor = opened(visits, house)
    page = visitor.page

    visitor.tabs_to(visitor.says("account.create"))
    page.keyboard.press("Enter")
    visitor.sees("account.new.title")
    visitor.tabs_to(visitor.says("account.email"))
    page.keyboard.type("nobody@clients-en.example")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sets")
    visitor.tabs_to("")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    visitor.tabs_to(visitor.says("account.new.create"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(visitor.says("account.new.unknown"))
    for _ in range(2):
        visitor.tabs_to(visitor.says("account.new.back"))
        page.keyboard.press("Enter")
    visitor.tabs_to(visitor.says("account.email"))
    page.keyboard.press("Control+A")
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    page.wait_for_selector("#sets input:checked")
    visitor.tabs_to(visitor.says("account.new.next"))
    page.keyboard.press("Enter")
    visitor.tabs_to(visitor.says("account.new.create"))
    page.keyboard.press("Enter")
    visitor.sees("account.new.done", name="Kay Board")
    assert house.member(user_id)["active"]


def test_a_partner_admin_is_created_by_the_keyboard_alone(visits: Visits, casts: dict[str, Cast]) -> None:
    house = a_house(casts["en"], guest=None)
    visitor = opened(visits, house, "?new")
    page = visitor.page

    visitor.tabs_to(visitor.says("account.email"))
    page.keyboard.type(house.cast.employee.email)
    page.keyboard.press("Enter")
    page.wait_for_selector("#sets input[value=partner_admin]")
    visitor.tabs_to("")
    visitor.arrows_to("partner_admin")
    page.keyboard.press("Space")
    visitor.tabs_to(visitor.says("account.new.next"))
    page.keyboard.press("Enter")
    visitor.tabs_to(visitor.says("account.new.create"))
    page.keyboard.press("Enter")
    visitor.sees("account.new.done", name=house.cast.employee_name)
    assert house.member(house.guest)["permission_set"] == "partner_admin"


def test_a_sign_in_that_ran_out_keeps_what_was_typed(visits: Visits, casts: dict[str, Cast]) -> None:
    house = a_house(casts["en"])
    visitor = opened(visits, house, f"?user={house.guest}&do=edit")
    page = visitor.page
    page.locator(".group details").nth(3).locator("summary").click()
    page.get_by_label(EXPORT["en"], exact=True).uncheck()
    page.evaluate("sessionStorage.removeItem('token')")

    visitor.button("account.save").click()
    visitor.fills_in(house.cast.admin)
    expect(page.locator(".changes .cannot")).to_have_text(EXPORT["en"])


# --- updates and the trail ---


def test_what_newer_sets_bring_is_shown_and_accepted_by_person(visits: Visits, casts: dict[str, Cast]) -> None:
    house = a_house(casts["en"])
    visitor = opened(visits, house, "?updates")
    page = visitor.page
    expect(page.get_by_text(visitor.says("account.updates.none"))).to_be_visible()
    row = {
        "user_id": house.guest, "name": house.cast.employee_name, "email": house.cast.employee.email, "version": 1,
        "permission_set": "partner_admin", "latest": 2, "gained": ["crm.export"], "partner_id": house.cast.partner_id,
    }  # fmt: skip
    sent: list[object] = []

    def newer(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data_json)
            route.fulfill(json={"items": [{"user_id": house.guest, "outcome": "failed", "reason": "rights_changed"}]})
        else:
            route.fulfill(json={"items": [row], "next_cursor": None})

    page.route("**/permission-sets/updates?*", newer)
    page.route("**/permission-sets/updates", newer)
    page.reload()
    visitor.sees("account.updates.of", set="Partner admin", version=1, latest=2)
    expect(page.locator(".gained")).to_contain_text(EXPORT["en"])
    is_good(visitor, "updates")
    visitor.button("account.updates.accept").click()
    expect(page.get_by_role("alert")).to_contain_text(visitor.says("refused.rights_changed"))
    assert sent == [{"permission_set": "partner_admin", "version": 2, "user_ids": [house.guest]}]


@pytest.mark.parametrize(("language", "width"), [("en", DESK), ("ja", PHONE)])
def test_the_trail_tells_who_did_what_and_can_be_taken_along(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    house = a_house(casts[language])
    name = house.cast.employee_name
    visitor = opened(visits, house, "?trail", width=width)
    page = visitor.page
    entries = page.locator(".trail > li")
    created = visitor.says(
        "account.event.member.created",
        by=_admin_name(house.cast),
        who=name,
        set=visitor.says("account.set.partner_admin"),
    )

    expect(entries.first).to_contain_text(created)
    is_good(visitor, "the trail")
    visitor.pictures("trail")
    page.select_option("#event", "member.suspended")
    visitor.button("account.trail.show").click()
    expect(page.get_by_text(visitor.says("account.trail.none"))).to_be_visible()
    expect(page).to_have_url(re.compile("event=member.suspended"))
    page.fill("#trail-from", "2020-01-01")
    visitor.button("account.trail.show").click()
    expect(page.get_by_role("alert")).to_be_visible()
    visitor.opens(f"{house.page}?trail&user={house.guest}")
    expect(entries).to_have_count(1)
    with page.expect_download() as taken:
        visitor.button("account.trail.download").click()
    sheet = taken.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert sheet[0] == "audit_id,at,event,by,by_name,accounts,details"
    assert [row.split(",")[2] for row in sheet[1:]] == ["member.created"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_stays_in_place_and_fits_the_smallest_screen(visits: Visits, casts: dict[str, Cast], language: str) -> None:
    house = a_house(casts[language])
    visitor = visits(language=language, width=NARROW, anew=True, who=house.cast.admin)
    visitor.opens_fast(house.page, "#people tbody tr")
    visitor.fits("the list at 320 pixels")
    for query in (f"?user={house.guest}", f"?user={house.guest}&do=edit", "?trail", "?new", "?updates"):
        visitor.opens(house.page + query)
        visitor.page.wait_for_selector(".places")
        visitor.fits(f"{query} at 320 pixels")
