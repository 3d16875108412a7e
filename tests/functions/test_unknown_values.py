"""Stored values of a later deployment, met after a rollback: they deny instead of failing, and writes preserve them."""

from typing import Any, Final

import pytest

from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support import link_requests
from tests.support.authzen_requests import DEPLOYED, action, resource, subject
from tests.support.background_functions import run_send_emails
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.fake_ses import fake_ses
from tests.support.gateway import ApiResponse, call, call_as_vendor
from tests.support.membership_facts import edit, remove, suspend
from tests.support.seeded_table import CLERK, an_open_link, seed
from tests.support.table import Table

ADDED: Final = ("crm.fax", "crm.contacts.view:galaxy", "crm.import")
LATER: Final = a_member(CLERK, "sales", added=ADDED, removed=("crm.telex",), seat="gold", paid_seats=("diamond",))
USER: Final = a_user(CLERK, locale="eo")
LATER_RECORDS: Final[tuple[Record, ...]] = (LATER, USER, the_client(locale="eo"))


def decide(permission: str, user_id: str = CLERK) -> bool:
    question = {"subject": subject(user_id), "action": action(permission), "resource": resource(CLIENT, "account")}
    return bool(DEPLOYED.decide(question))


def stored(table: Table, user_id: str = CLERK) -> dict[str, Any]:
    return table.get(keys.member(CLIENT, user_id)) or {}


def test_decision_with_unknown_overrides_seats_and_locale_denies_only_unknown(table: Table) -> None:
    # domain.md rule 34
    seed(table, *LATER_RECORDS)

    assert decide("crm.import")
    assert decide("crm.contacts.view")
    assert not decide("crm.fax")
    assert not decide("sales.access")


@pytest.mark.parametrize(
    ("member", "permission"),
    [
        (a_member(CLERK, "sales", set_version=99, added=("crm.import",)), "crm.import"),
        (a_member(CLERK, "sales", set_version=0), "crm.contacts.view"),
        (a_member(CLERK, "assistant", added=("crm.import",)), "crm.import"),
        (a_member(CLERK, "view_only", set_version=99, added=("account.users.manage",)), "account.users.manage"),
    ],
)
def test_unknown_set_or_version_holds_nothing(table: Table, member: Record, permission: str) -> None:
    # domain.md rule 34
    seed(table, member)

    assert not decide(permission)
    assert call("GET /accounts/{account_id}/users", CLERK, account_id=CLIENT).status == 403
    assert call("GET /accounts/{account_id}/users", APPROVER, account_id=CLIENT).status == 200
    assert edit(user_id=CLERK, permissions={"add": ["crm.export"]}).code == "unknown_permission_set"
    assert edit(user_id=CLERK, permission_set="marketing").status == 200
    assert decide("marketing.access")


CHANGES: Final = {
    "edit of permissions": lambda: edit(user_id=CLERK, permissions={"add": ["crm.export"]}),
    "edit of paid seats": lambda: edit(user_id=CLERK, paid_seats=["sales"]),
    "suspension": lambda: suspend(user_id=CLERK),
    "directory": lambda: call_as_vendor(
        "PUT /directory/accounts/{account_id}/members/{user_id}", {"active": False}, account_id=CLIENT, user_id=CLERK
    ),
    "removal": lambda: remove(user_id=CLERK),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_of_member_preserves_unknown_values(table: Table, change: Any) -> None:
    # domain.md rule 34
    seed(table, *LATER_RECORDS)

    answer: ApiResponse = change()

    assert answer.status < 300, answer
    after = stored(table)
    assert {"crm.fax", "crm.contacts.view:galaxy"} <= set(after["added"])
    assert after["removed"] == ["crm.telex"]
    assert "diamond" in after["paid_seats"]
    assert after.get("seat", "gold") == "gold"


def test_reads_of_unknown_values_leave_them_out(table: Table) -> None:
    seed(table, *LATER_RECORDS)

    shown = call("GET /accounts/{account_id}/users/{user_id}", APPROVER, account_id=CLIENT, user_id=CLERK)
    user = call_as_vendor("GET /directory/users/{user_id}", user_id=CLERK)
    account = call_as_vendor("GET /directory/accounts/{account_id}", account_id=CLIENT)

    assert (shown.status, shown.body["paid_seats"], "seat" in shown.body) == (200, [], False)
    assert ("locale" in user.body, "locale" in account.body) == (False, False)
    call_as_vendor("PUT /directory/users/{user_id}", {"name": "Clerk again"}, user_id=CLERK)
    call_as_vendor("PUT /directory/accounts/{account_id}", {"name": "Bakery again"}, account_id=CLIENT)
    assert [(table.get(key) or {})["locale"] for key in (keys.user(CLERK), keys.account(CLIENT))] == ["eo", "eo"]


def test_custom_set_with_unknown_permission_holds_the_others_and_keeps_it(table: Table) -> None:
    # domain.md rule 34
    seed(table, a_custom_set(permissions=("crm.fax", "crm.import")), a_member(CLERK, CUSTOM_SET))
    assert decide("crm.import")
    where = {"account_id": CLIENT, "set_id": CUSTOM_SET, "headers": {"if-match": '"1"'}}
    update = {"name": "Desk", "permissions": ["crm.export"]}

    answer = call("PUT /accounts/{account_id}/permission-sets/{set_id}", APPROVER, update, **where)

    assert answer.status == 200
    assert (table.get(keys.permission_set(CLIENT, CUSTOM_SET)) or {})["permissions"] == ["crm.export", "crm.fax"]
    assert (decide("crm.import"), decide("crm.export")) == (False, True)


def test_link_of_later_set_version_cannot_be_approved(table: Table) -> None:
    # domain.md rule 34
    seed(table, an_open_link(set_version=99))

    link_requests.assert_error(table, link_requests.approve, 422, "unknown_permission_set")
    (account,) = link_requests.preview().body["accounts"]
    assert account["reason"] == "unknown_permission_set"


def test_return_to_later_version_of_grant_is_refused(table: Table) -> None:
    later = a_grant(set_version=99)
    seed(table, a_member(EMPLOYEE, "sales", partner_id=PARTNER, seat="partner", grant=later), an_employee())

    assert edit(permission_set="partner_admin").code == "unknown_permission_set"


def test_email_to_reader_with_unknown_language_is_in_known_one(table: Table) -> None:
    seed(table, the_client(locale="eo"), the_partner(locale="ja"), an_employee(locale="eo"), a_user(locale="eo"))
    with fake_ses() as mailbox:
        assert link_requests.approve().status == 201
        run_send_emails()

    assert mailbox.sent


@pytest.mark.parametrize(
    ("removed", "notice"),
    [
        ((), "paid_seat_required"),
        (tuple(f"sales.{name}" for name in ("access", "products")), "paid_seat_required"),
    ],
)
def test_paid_seat_is_required_while_a_paid_feature_is_held(
    table: Table, removed: tuple[str, ...], notice: str
) -> None:
    seed(table, the_client(pricing="legacy"))

    answer = link_requests.approve(permissions={"remove": list(removed)})

    assert answer.body["notice"] == notice


def test_paid_seat_is_not_required_without_paid_features(table: Table) -> None:
    paid = (
        *(f"sales.{name}" for name in (
            "access", "products", "quote_templates", "payment_links", "templates", "meeting_pages", "forecast",
            "playbooks", "sequences",
        )),
        *(f"service.{name}" for name in ("access", "knowledge_base", "feedback")),
    )  # fmt: skip
    seed(table, the_client(pricing="legacy"))

    answer = link_requests.approve(permissions={"remove": list(paid)})

    assert (answer.status, "notice" in answer.body) == (201, False)
