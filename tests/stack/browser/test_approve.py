"""Somebody approves, narrows or declines a request as people do: from a letter, by clicking, or by the keyboard alone."""

import time
from collections.abc import Callable
from urllib.parse import urldefrag

import pytest
from playwright.sync_api import Route, expect

from tests.stack.browser.browser_user import DESK, PHONE, Visitor
from tests.stack.browser.conftest import Visits
from tests.stack.browser.personas import Cast
from tests.stack.conftest import SETTLED_AFTER
from tests.stack.stack_users import Town
from tools.api_client import Json
from tools.local_stack import Stack

pytestmark = pytest.mark.usefixtures("sound_afterwards")

NARROW = 320
PASSING_BY = 4


def grant_of(cast: Cast, account_id: str) -> Json | None:
    """The membership that the employee has in the account now."""
    return cast.town.members_of(account_id).get(cast.employee.user_id)


def opened(visits: Visits, cast: Cast, secret: str, **how: object) -> Visitor:
    """The request before the eyes of the admin, who is signed in."""
    visitor = visits(language=cast.language, who=cast.admin, **how)
    visitor.opens(f"/approve#{secret}")
    visitor.page.wait_for_selector(".facts")
    return visitor


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("en", DESK), ("ja", PHONE), ("ja", DESK)])
def test_from_the_letter_to_the_result_by_clicking_only(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    cast = casts[language]
    account_id = cast.a_client()
    subject = cast.a_letter(account_id=account_id)
    visitor = visits(language=language, width=width)
    page = visitor.page
    people = {"name": cast.employee_name, "partner": _partner_name(visitor)}

    visitor.opens("/inbox/")
    page.get_by_role("link", name=subject, exact=True).first.click()
    page.frame_locator("iframe").get_by_role("link").first.click()
    visitor.sees("approve.title")
    expect(page).to_have_url(f"{visitor.origin}/approve")
    visitor.is_accessible("the door")
    visitor.fits("the door")
    visitor.pictures("door")
    visitor.signs_in(cast.admin)
    visitor.sees("approve.asks", **people)
    visitor.is_accessible(f"the request at {width}")
    visitor.fits("the request")
    visitor.pictures("request")
    assert grant_of(cast, account_id) is None, "looking changes nothing"

    visitor.button("approve.approve").click()
    visitor.sees("approve.approved.title", name=cast.employee_name)
    visitor.is_accessible("the result")
    visitor.fits("the result")
    visitor.pictures("approved")
    member = grant_of(cast, account_id)
    assert member
    assert (member["permission_set"], member["seat"]) == ("partner_admin", "partner")


def _partner_name(visitor: Visitor) -> str:
    return {"en": "Harbour & Finch", "ja": "株式会社みなと企画"}[visitor.language]


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("ja", DESK)])
def test_an_approver_gives_less_than_was_asked(
    visits: Visits, casts: dict[str, Cast], language: str, width: int
) -> None:
    cast = casts[language]
    account_id = cast.a_client()
    visitor = opened(visits, cast, cast.a_link(account_id=account_id)[1], width=width)
    page = visitor.page
    export = {"en": "Export records", "ja": "レコードのエクスポート"}[language]
    view = {"en": "View deals", "ja": "取引の閲覧"}[language]

    visitor.button("approve.adjust").click()
    for details in page.locator(".group details").all():
        details.locator("summary").click()
    page.get_by_label(export, exact=True).uncheck()
    page.get_by_label(view, exact=True).uncheck()  # editing and deleting go along
    page.locator("#until").fill("2020-01-01")
    visitor.button("approve.approve").click()
    expect(page.get_by_role("alert")).to_be_visible()
    visitor.is_accessible("adjusting")
    visitor.fits("adjusting")
    visitor.pictures("adjust")
    expect(page.locator("#cannot-list")).to_contain_text(export)

    page.locator("#until").fill(page.evaluate("new Date(Date.now() + 9 * 86400000).toISOString().slice(0, 10)"))
    visitor.button("approve.approve").click()
    visitor.sees("approve.approved.title", name=cast.employee_name)
    expect(page.locator(".facts")).to_contain_text(export)
    member = grant_of(cast, account_id)
    assert member
    assert set(member["removed"]) == {"crm.export", *(f"crm.deals.{verb}" for verb in ("view", "edit", "delete"))}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_by_the_keyboard_alone(visits: Visits, casts: dict[str, Cast], language: str) -> None:
    cast = casts[language]
    first, second = cast.a_client(), cast.a_client("Second Street" if language == "en" else "第二商店")
    visitor = visits(language=language)
    page = visitor.page

    visitor.opens(f"/approve#{cast.a_link()[1]}")
    visitor.sees("approve.title")
    visitor.tabs_to(visitor.says("sign_in"))
    page.keyboard.press("Enter")
    page.wait_for_selector("#username:focus")
    page.keyboard.type(cast.admin.email)
    page.keyboard.press("Tab")
    page.keyboard.type(cast.admin.person.password)
    page.keyboard.press("Enter")
    page.wait_for_selector("#choice")
    visitor.tabs_to(visitor.says("approve.approve"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(visitor.says("approve.choose_first"))
    assert page.evaluate("document.activeElement.name") == "account", "the focus is where the choice is"
    visitor.arrows_to(second)
    page.keyboard.press("Space")
    visitor.tabs_to(visitor.says("approve.approve"))
    page.keyboard.press("Enter")
    visitor.sees("approve.approved.title", name=cast.employee_name)
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert grant_of(cast, second)
    assert grant_of(cast, first) is None


@pytest.mark.parametrize("language", ["en", "ja"])
def test_declining_asks_once_and_names_what_will_happen(visits: Visits, casts: dict[str, Cast], language: str) -> None:
    cast = casts[language]
    account_id = cast.a_client()
    link, secret = cast.a_link(account_id=account_id)
    visitor = opened(visits, cast, secret, width=PHONE)

    visitor.button("approve.decline").click()
    visitor.is_accessible("declining")
    visitor.fits("declining")
    visitor.pictures("decline")
    visitor.button("cancel").click()
    visitor.button("approve.decline").click()
    visitor.button("approve.decline.yes").click()
    visitor.sees("approve.declined.title")
    visitor.is_accessible("declined")
    told = cast.manager.caller.get(f"/partners/{cast.partner_id}/access-links/{link['link_id']}")
    assert told.json["state"] == "declined"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_ended_link_offers_to_ask_for_a_new_one(visits: Visits, casts: dict[str, Cast], language: str) -> None:
    cast = casts[language]
    link, secret = cast.a_link()
    cast.manager.caller.delete(f"/partners/{cast.partner_id}/access-links/{link['link_id']}")
    visitor = visits(language=language, width=PHONE, who=cast.admin)
    visitor.opens(f"/approve#{secret}")

    visitor.sees("approve.ended.title")
    visitor.is_accessible("ended")
    visitor.pictures("ended")
    visitor.button("approve.renew").click()
    visitor.sees("approve.renewed.title")


def test_a_link_that_is_not_known_or_not_there_says_what_to_do(visits: Visits, casts: dict[str, Cast]) -> None:
    visitor = visits()
    visitor.opens("/approve")
    visitor.sees("approve.no_link.title")
    visitor.is_accessible("no link")
    visitor.opens("/approve#pal_nonsense")
    visitor.signs_in(casts["en"].admin)
    visitor.sees("approve.link_not_found.title")


def test_whoever_may_not_approve_is_told_why_and_what_then(visits: Visits, casts: dict[str, Cast], town: Town) -> None:
    cast, clerk = casts["en"], town.clients[3]
    account_id = cast.a_client()
    town.join(account_id, clerk, "view_only")
    visitor = visits(width=PHONE)
    visitor.opens(f"/approve#{cast.a_link(account_id=account_id)[1]}")
    visitor.signs_in(clerk)

    visitor.sees("approve.not_you.title")
    expect(visitor.page.locator(".note")).to_contain_text(visitor.says("refused.not_an_approver"))
    expect(visitor.page.get_by_text(visitor.says("approve.forward"))).to_be_visible()
    visitor.is_accessible("not you")
    visitor.fits("not you")
    visitor.pictures("not-you")


# --- what goes wrong is harmless ---


def test_a_double_click_and_going_back_are_harmless(visits: Visits, casts: dict[str, Cast]) -> None:
    cast = casts["en"]
    account_id = cast.a_client()
    link, secret = cast.a_link(account_id=account_id)
    visitor = opened(visits, cast, secret)

    visitor.button("approve.approve").dblclick()
    visitor.sees("approve.approved.title", name=cast.employee_name)
    sent = [each for each in visitor.requests if each.url.endswith("/access-links/approvals")]
    assert len(sent) == 1
    visitor.page.get_by_role("link", name=visitor.says("approve.see_users")).click()
    visitor.page.wait_for_url("**/accounts/**")
    visitor.page.go_back()
    visitor.page.wait_for_selector("h1")
    visitor.opens(f"/approve#{secret}")
    visitor.sees("approve.link_already_used.title")
    visitor.is_accessible("answered")
    told = cast.manager.caller.get(f"/partners/{cast.partner_id}/access-links/{link['link_id']}")
    assert told.json["approvals"] == 1
    visitor.button("approve.renew").click()
    visitor.sees("approve.renewed.title")


def test_a_lost_answer_is_asked_for_again_under_the_same_key(visits: Visits, casts: dict[str, Cast]) -> None:
    cast = casts["en"]
    account_id = cast.a_client()
    visitor = opened(visits, cast, cast.a_link(account_id=account_id)[1])
    keys: list[str | None] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    visitor.page.route("**/access-links/approvals", lose_the_first_answer)
    visitor.button("approve.approve").click()
    visitor.sees("approve.approved.title", name=cast.employee_name)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    visitor.troubles[:] = [each for each in visitor.troubles if "ERR_CONNECTION_RESET" not in each]


def test_a_sign_in_that_ran_out_is_made_good_and_nothing_typed_is_lost(visits: Visits, casts: dict[str, Cast]) -> None:
    cast = casts["en"]
    account_id = cast.a_client()
    secret = cast.a_link(account_id=account_id)[1]
    visitor = opened(visits, cast, secret)
    page = visitor.page
    visitor.button("approve.adjust").click()
    page.locator(".group").nth(3).get_by_role("checkbox").first.uncheck()
    page.evaluate("sessionStorage.removeItem('token')")

    visitor.button("approve.approve").click()
    visitor.fills_in(cast.admin)
    page.wait_for_selector("#adjust fieldset")
    visitor.holds_nothing_of(secret)
    expect(page.locator(".group").nth(3).get_by_role("checkbox").first).not_to_be_checked()
    assert grant_of(cast, account_id) is None
    visitor.button("approve.approve").click()
    visitor.sees("approve.approved.title", name=cast.employee_name)
    member = grant_of(cast, account_id)
    assert member
    assert "crm.export" in member["removed"]


def test_the_other_language_is_one_click_away_and_keeps_what_was_chosen(visits: Visits, casts: dict[str, Cast]) -> None:
    cast = casts["en"]
    visitor = opened(visits, cast, cast.a_link(account_id=cast.a_client())[1], anew=True)
    page = visitor.page
    visitor.button("approve.adjust").click()
    page.locator(".group").nth(3).get_by_role("checkbox").first.uncheck()

    page.get_by_role("button", name="日本語").click()
    visitor.language = "ja"
    expect(visitor.button("approve.as_asked")).to_be_visible()
    expect(page.locator(".group").nth(3).get_by_role("checkbox").first).not_to_be_checked()
    assert page.evaluate("document.documentElement.lang") == "ja"
    visitor.opens("/")
    visitor.sees("home.accounts")
    visitor.is_accessible("home")
    visitor.pictures("home")


# --- who only looks ---


def test_a_scanner_that_opens_the_link_changes_nothing(visits: Visits, casts: dict[str, Cast], stack: Stack) -> None:
    secret = casts["en"].a_link(account_id=casts["en"].a_client())[1]
    visitor = visits()

    def visit() -> None:
        looks_like_a_scanner(visitor, stack, f"/approve#{secret}")
        refused = stack.pool.request(
            "POST",
            f"{stack.front_url}/access-links/approvals",
            json={"secret": secret, "account_id": "any"},
            headers={"idempotency-key": "scanner"},
        )
        assert refused.status == 401

    assert leaves_the_table_alone(stack, visit)


@pytest.mark.parametrize("path", ["/", "/accounts/{account_id}", "/partners/{partner_id}", "/problems/link-expired"])
def test_a_visit_to_any_page_changes_nothing(visits: Visits, casts: dict[str, Cast], stack: Stack, path: str) -> None:
    cast = casts["en"]
    where = path.format(account_id=cast.a_client(), partner_id=cast.partner_id)
    visitor = visits()

    assert leaves_the_table_alone(stack, lambda: looks_like_a_scanner(visitor, stack, where))


def looks_like_a_scanner(visitor: Visitor, stack: Stack, path: str) -> None:
    """Asks for the head, the page, the page ahead of its time, and then runs its scripts, signed in as nobody."""
    address = urldefrag(f"{stack.front_url}{path}").url
    for method, headers in (("HEAD", {}), ("GET", {}), ("GET", {"sec-purpose": "prefetch"})):
        assert stack.pool.request(method, address, headers=headers).status == 200
    visitor.opens(path)
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.wait_for_selector("main h1")
    assert {request.method for request in visitor.requests} == {"GET"}


def leaves_the_table_alone(stack: Stack, visit: Callable[[], None]) -> bool:
    """Whether everything in the table is as it was; what letters and sweeps of earlier tests still write may pass by."""
    for _ in range(PASSING_BY):
        before = _sorted(stack)
        visit()
        if _sorted(stack) == before:
            return True
        time.sleep(SETTLED_AFTER)
    return False


def _sorted(stack: Stack) -> list[str]:
    return sorted(repr(sorted(item.items(), key=str)) for item in stack.items())


def test_the_secret_is_nowhere_but_in_bodies(visits: Visits, casts: dict[str, Cast], stack: Stack) -> None:
    cast = casts["en"]
    secret = cast.a_link(account_id=cast.a_client())[1]
    visitor = visits()
    visitor.opens(f"/approve#{secret}")
    visitor.sees("approve.title")
    expect(visitor.page).to_have_url(f"{visitor.origin}/approve")
    visitor.holds_nothing_of(secret)
    visitor.signs_in(cast.admin)
    visitor.page.wait_for_selector(".facts")
    visitor.holds_nothing_of(secret)
    visitor.button("approve.approve").click()
    visitor.sees("approve.approved.title", name=cast.employee_name)
    visitor.holds_nothing_of(secret)
    assert secret not in stack.emulator.log.read_text(errors="replace")
    told = stack.log()
    assert "ApproveLink" in told
    assert secret not in told


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_comes_fast_stays_in_place_and_fits_the_smallest_screen(
    visits: Visits, casts: dict[str, Cast], language: str
) -> None:
    cast = casts[language]
    visitor = visits(language=language, width=NARROW, anew=True, who=cast.admin)
    visitor.opens_fast(f"/approve#{cast.a_link(account_id=cast.a_client())[1]}", ".facts")
    visitor.button("approve.adjust").click()
    visitor.fits("adjusting at 320 pixels")
    visitor.pictures("narrow")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_problem_has_a_page_that_explains_it(visits: Visits, language: str) -> None:
    visitor = visits(language=language, width=PHONE)
    visitor.opens("/problems/link-expired")
    visitor.sees("problem.title")
    expect(visitor.page.get_by_text(visitor.says("refused.link_expired"))).to_be_visible()
    visitor.is_accessible("a problem")
    visitor.opens("/problems/nothing")
    visitor.sees("missing.title")
