"""Tests of previewing an access link: the response, and that a preview changes nothing."""

from datetime import timedelta
from typing import Any

import pytest

from partner_access.domain.permissions import catalogue
from tests.support import link_requests
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    SECRET_TEXT,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
)  # fmt: skip
from tests.support.costs import count_costs
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import assert_error, assert_unchanged, preview
from tests.support.seeded_table import (
    CLERK,
    COLLEAGUE,
    ENDED_LINK_ERRORS,
    a_partner_account_member,
    an_open_link,
    now,
    seed,
)
from tests.support.table import Table

SHOP, CLOSED, FULL = "client-shop", "client-closed", "client-full"


def _accounts(answer: ApiResponse) -> dict[str, str | None]:
    """Return the reason per account why the caller cannot approve there, or None where they can."""
    assert answer.status == 200, answer
    for choice in answer.body["accounts"]:
        assert choice["can_approve"] is ("reason" not in choice)
        assert set(choice) <= {"account_id", "name", "time_zone", "can_approve", "reason"}
    return {choice["account_id"]: choice.get("reason") for choice in answer.body["accounts"]}


def test_preview_of_open_link_returns_requested_access(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(removed=("crm.import",), access_days=30, purpose="Your new website"))

    with assert_unchanged(table):
        answer = preview()

    shown = answer.body
    assert set(shown) == {"link", "partner", "can", "cannot", "accounts"}
    assert shown["link"]["link_id"] == LINK
    assert shown["link"]["employee"]["name"] == "Employee"
    assert (shown["link"]["access_days"], shown["link"]["purpose"]) == (30, "Your new website")
    assert shown["link"]["permissions"] == {"set": "partner_admin", "version": 1, "removed": ["crm.import"]}
    assert shown["partner"] == {"name": "North Partners", "domains": ["north.example"]}
    assert shown["accounts"] == [{"account_id": CLIENT, "name": "The Bakery", "time_zone": "UTC", "can_approve": True}]
    assert "crm.export" in shown["can"]
    assert {"crm.import", *catalogue.RESTRICTED} <= set(shown["cannot"])
    assert not set(shown["can"]) & set(shown["cannot"])
    assert "url" not in answer.text


def test_preview_lists_accounts_with_reason_why_approval_is_not_possible(table: Table, check_invariants: None) -> None:
    # domain.md rule 4
    seed(
        table,
        the_client(account_id=SHOP), a_member(APPROVER, "sales", account_id=SHOP), a_member(CLERK, account_id=SHOP),
        the_client(account_id=CLOSED, state="closed"), a_member(APPROVER, account_id=CLOSED),
        the_client(account_id=FULL, partner_seat_limit=0), a_member(APPROVER, account_id=FULL),
        the_client(account_id="client-left"), a_member(APPROVER, account_id="client-left", active=False),
        a_member(CLERK, account_id="client-left"),
        the_client(account_id="client-led"), a_member(APPROVER, account_id="client-led"),
        a_member(EMPLOYEE, account_id="client-led"),
    )  # fmt: skip

    with assert_unchanged(table):
        answer = preview()

    assert _accounts(answer) == {
        CLIENT: None,
        SHOP: "not_an_approver",
        CLOSED: "account_closed",
        FULL: "no_seat_left",
        "client-led": "is_super_admin",
    }


def test_preview_after_decline_by_account_reports_link_declined(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(max_approvals=3))
    link_requests.decline()

    assert _accounts(preview()) == {CLIENT: "link_declined"}


def test_preview_of_link_bound_to_account_lists_only_that_account(table: Table, check_invariants: None) -> None:
    seed(
        table, an_open_link(account_id=SHOP), the_client(account_id=SHOP), a_member(CLERK, account_id=SHOP),
        a_member(APPROVER, account_id=SHOP),
    )  # fmt: skip

    assert _accounts(preview()) == {SHOP: None}
    assert _accounts(preview(CLERK)) == {SHOP: None}


def test_preview_of_link_bound_to_invisible_account_lists_none(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(account_id=SHOP), the_client(account_id=SHOP, name="The Shop"), a_user())

    answer = preview()

    assert _accounts(answer) == {}
    assert "The Shop" not in answer.text


@pytest.mark.parametrize(
    ("by", "others", "accounts"),
    [
        (CLERK, (), {CLIENT: "not_an_approver"}),
        ("user-alone", (a_user("user-alone"),), {}),
        ("user-unknown", (), {}),
        (EMPLOYEE, (), {}),
        (EMPLOYEE, (a_member(EMPLOYEE),), {CLIENT: "own_partner_may_not_approve"}),
        (COLLEAGUE, (a_partner_admin(COLLEAGUE),), {CLIENT: "not_an_approver"}),
        (APPROVER, (a_partner_account_member(APPROVER),), {CLIENT: "no_independent_approver"}),
        (APPROVER, (a_partner_admin(EMPLOYEE),), {CLIENT: "already_partner_admin"}),
        (APPROVER, (an_employee(active=False),), {CLIENT: "not_eligible"}),
    ],
)
def test_preview_by_any_signed_in_caller_with_secret_succeeds(
    table: Table, check_invariants: None, by: str, others: tuple[Any, ...], accounts: dict[str, str | None]
) -> None:
    # domain.md rule 9
    seed(table, *others)

    with assert_unchanged(table):
        answer = preview(by)

    assert _accounts(answer) == accounts


def test_preview_reason_equals_error_of_approval(table: Table, check_invariants: None) -> None:
    seed(table, the_client(account_id=FULL, partner_seat_limit=0), a_member(APPROVER, account_id=FULL))

    shown = _accounts(preview())

    assert link_requests.approve(account_id=FULL).code == shown[FULL]
    assert shown[CLIENT] is None
    assert link_requests.approve().status == 201


@pytest.mark.parametrize(("changes", "status", "code"), ENDED_LINK_ERRORS)
def test_preview_of_ended_link_returns_410_with_how_it_ended(
    table: Table, check_invariants: None, changes: dict[str, Any], status: int, code: str
) -> None:
    seed(table, an_open_link(**changes))

    answer = assert_error(table, preview, status, code)

    assert "new one" in answer.body["detail"]


def test_preview_of_used_link_returns_409(seeded: Table) -> None:
    link_requests.approve()

    assert_error(seeded, preview, 409, "link_already_used")


def test_preview_of_link_shortly_before_expiry_succeeds(table: Table, check_invariants: None) -> None:
    seed(table, an_open_link(expires_at=now() + timedelta(seconds=60)))

    assert preview().status == 200


def test_preview_without_idempotency_key_succeeds_and_is_not_cached(seeded: Table) -> None:
    answer = call(link_requests.PREVIEW, APPROVER, {"secret": SECRET_TEXT}, headers={"idempotency-key": None})

    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"


def test_preview_by_deactivated_user_lists_no_accounts(seeded: Table) -> None:
    link_requests.put_user(CLERK, active=False)

    with assert_unchanged(seeded):
        answer = preview(CLERK)

    assert "The Bakery" not in answer.text


@pytest.mark.parametrize("wrong", [{"account_id": CLIENT}, {"x": 1}])
def test_preview_with_unknown_field_returns_422(seeded: Table, wrong: dict[str, Any]) -> None:
    assert_error(seeded, lambda: preview(**wrong), 422, "unknown_field")


def test_preview_costs_at_most_four_reads_and_no_writes(seeded: Table) -> None:
    with count_costs(seeded) as costs:
        preview()

    assert costs.writes == 0
    assert costs.reads <= 4


def test_preview_returns_current_partner_name(seeded: Table) -> None:
    link_requests.put_account(PARTNER, name="North & Daughters")

    assert preview().body["partner"]["name"] == "North & Daughters"
