"""The three ways to become a partner admin, over HTTP with real tokens, on the shipped template."""

import pytest

from tests.stack.stack_users import PARTNER, SECRET, StackUsers, new_key
from tools.api_client import Json

pytestmark = pytest.mark.usefixtures("invariants_hold")


def test_approve_link_from_email_grants_partner_admin(stack_users: StackUsers) -> None:
    employee, admin, other_admin = stack_users.employees[0], stack_users.clients[7], stack_users.clients[0]
    account_id = stack_users.a_client(admin, other_admin)
    created = stack_users.manager.caller.post(
        f"/partners/{PARTNER}/access-links",
        {"employee_id": employee.user_id, "recipient_email": admin.email},
        key=new_key(),
    )
    assert created.status == 201, created
    assert created.json["state"] == "open"

    email = stack_users.email_to(admin, having="#pal_")  # no other email to this user contains a link
    assert email.html
    found = SECRET.search(email.text)
    assert found
    secret = found.group(1)
    assert secret not in created.json["url"], "the email has a secret of its own"

    shown = admin.caller.post("/access-links/preview", {"secret": secret})
    assert shown.status == 200, shown
    assert account_id in {account["account_id"] for account in shown.json["accounts"]}
    assert "account.billing.manage" in shown.json["cannot"]

    key, approval = new_key(), {"secret": secret, "account_id": account_id}
    approved = admin.caller.post("/access-links/approvals", approval, key=key)
    assert approved.status == 201, approved
    assert approved.json["user_id"] == employee.user_id
    assert (approved.json["source"], approved.json["state"]) == ("access_link", "active")

    again = admin.caller.post("/access-links/approvals", approval, key=key)
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json == approved.json

    late = other_admin.caller.post("/access-links/approvals", approval, key=new_key())
    assert (late.status, late.code) == (409, "link_already_used")

    mine = employee.caller.get("/accounts?limit=100")
    assert (account_id, "partner_admin") in {(one["account_id"], one["permission_set"]) for one in mine.json["items"]}


def test_preview_by_user_without_accounts_shows_employee(stack_users: StackUsers) -> None:
    _, secret = stack_users.a_link(stack_users.employees[0])
    shown = stack_users.newcomer.caller.post("/access-links/preview", {"secret": secret})
    assert (shown.status, shown.code) == (200, "")
    assert (shown.json["link"]["employee"]["user_id"], shown.json["accounts"]) == (stack_users.employees[0].user_id, [])


def test_migrate_self_by_super_admin_grants_partner_admin(stack_users: StackUsers) -> None:
    employee, admin = stack_users.employees[1], stack_users.clients[0]
    account_id = stack_users.a_client(admin, employee)
    wanted: Json = {"account_ids": [account_id]}

    shown = employee.caller.post(f"/partners/{PARTNER}/migrations", {**wanted, "dry_run": True}, key=new_key())
    assert shown.status == 200, shown
    (row,) = shown.json["items"]
    assert row["outcome"] == "would_migrate"
    assert "account.billing.manage" in row["lost"]
    assert stack_users.members_of(account_id)[employee.user_id]["permission_set"] == "super_admin"

    done = employee.caller.post(f"/partners/{PARTNER}/migrations", wanted, key=new_key())
    assert [row["outcome"] for row in done.json["items"]] == ["done"]
    member = stack_users.members_of(account_id)[employee.user_id]
    assert (member["permission_set"], member["seat"], member["partner_id"]) == ("partner_admin", "partner", PARTNER)

    again = employee.caller.post(f"/partners/{PARTNER}/migrations", wanted, key=new_key())
    assert [row["outcome"] for row in again.json["items"]] == ["skipped"]


def test_migrate_by_client_grants_partner_admin(stack_users: StackUsers) -> None:
    employee, admin = stack_users.employees[2], stack_users.clients[0]
    account_id = stack_users.a_client(admin, employee)
    done = admin.caller.post(f"/accounts/{account_id}/migrations", {"user_id": employee.user_id}, key=new_key())
    assert done.status == 201, done
    assert done.json["grant"]["source"] == "migration"
    assert done.json["seat"]["after"] == "partner"


def test_migrate_of_last_super_admin_is_refused(stack_users: StackUsers) -> None:
    employee = stack_users.employees[3]
    account_id = stack_users.a_client(employee)
    refused = employee.caller.post(f"/accounts/{account_id}/migrations", {"user_id": employee.user_id}, key=new_key())
    assert (refused.status, refused.code) == (409, "last_super_admin")
    assert stack_users.members_of(account_id)[employee.user_id]["permission_set"] == "super_admin"


def test_create_user_by_client_grants_partner_admin(stack_users: StackUsers) -> None:
    employee, admin = stack_users.employees[4], stack_users.clients[1]
    account_id = stack_users.a_client(admin)
    choices = admin.caller.get(f"/accounts/{account_id}/permission-sets?email={employee.email}")
    assert choices.status == 200, choices
    assert "partner_admin" in str(choices.json)
    made = admin.caller.post(
        f"/accounts/{account_id}/users", {"email": employee.email, "permission_set": "partner_admin"}, key=new_key()
    )
    assert made.status == 201, made
    assert (made.json["user_id"], made.json["seat"]) == (employee.user_id, "partner")
    assert made.json["grant"]["source"] == "client_creation"


def test_create_user_as_partner_admin_for_ineligible_email_is_refused(stack_users: StackUsers) -> None:
    admin, client_user = stack_users.clients[1], stack_users.clients[2]
    account_id = stack_users.a_client(admin)
    problems = []
    for email in (client_user.email, "nobody-knows-me@clients.example"):
        refused = admin.caller.post(
            f"/accounts/{account_id}/users", {"email": email, "permission_set": "partner_admin"}, key=new_key()
        )
        assert (refused.status, refused.code) == (409, "not_eligible"), refused
        problems.append({name: value for name, value in refused.json.items() if name != "instance"})
    assert problems[0] == problems[1], "who is known is nobody's to learn"
    assert set(stack_users.members_of(account_id)) == {admin.user_id}


def test_approve_by_employee_of_same_partner_is_refused(stack_users: StackUsers) -> None:
    employee, colleague = stack_users.employees[0], stack_users.employees[5]
    account_id = stack_users.a_client(stack_users.clients[0], colleague)
    _, secret = stack_users.a_link(employee)
    refused = colleague.caller.post(
        "/access-links/approvals", {"secret": secret, "account_id": account_id}, key=new_key()
    )
    assert (refused.status, refused.code) == (403, "own_partner_may_not_approve")


def test_account_of_another_tenant_returns_404(stack_users: StackUsers) -> None:
    account_id = stack_users.a_client(stack_users.clients[0])
    foreign = stack_users.clients[3].caller.get(f"/accounts/{account_id}/permission-sets?email=a@b.example")
    unknown = stack_users.clients[3].caller.get("/accounts/acct_nobody/permission-sets?email=a@b.example")
    assert (foreign.status, foreign.code) == (unknown.status, unknown.code) == (404, "not_found")
    rival = stack_users.rival.caller.get(f"/partners/{PARTNER}/access-links")
    assert (rival.status, rival.code) == (404, "not_found")
