"""Permission sets of an account, and updates of the vendor's sets."""

from typing import Final

from partner_access.domain.permissions.rights import latest_version
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    a_custom_set,
    a_partner_admin,
)
from tests.support.busy_table import SUSPENDED
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import idempotency_header
from tests.support.operations.permissions import DELETE, QUERY, READ, WRITE
from tests.support.operations.relationships import OTHER_GRANT
from tests.support.operations.rows import (
    AuthorityCase,
    ConcurrentCase,
    Draw,
    FaultCase,
    FunctionRow,
    OperationRow,
)
from tests.support.random_accounts import CLIENTS, DOMAIN_OF_PARTNER, PERMISSIONS, RandomAccounts
from tests.support.seeded_table import CLERK, COLLEAGUE

SETS: Final = "/accounts/{account_id}/permission-sets"
ONE_SET: Final = f"{SETS}/{{set_id}}"
SET_UPDATES: Final = f"{SETS}/updates"
DESK: Final = {"name": "Desk", "permissions": ["crm.tickets.view"]}
LARGER_DESK: Final = {"name": "Desk", "permissions": ["crm.tickets.view", "service.access"]}


def create_set_as_approver(key: str | None, body: object = DESK) -> ApiResponse:
    return call(f"POST {SETS}", APPROVER, body, account_id=CLIENT, headers=idempotency_header(key))


def change_set(method: str, key: str | None, body: object = None) -> ApiResponse:
    headers = {"if-match": '"1"', "idempotency-key": key}
    return call(f"{method} {ONE_SET}", APPROVER, body, account_id=CLIENT, set_id=CUSTOM_SET, headers=headers)


def accept_updates(key: str | None, *user_ids: str) -> ApiResponse:
    body = {"permission_set": "partner_admin", "version": 2, "user_ids": user_ids}
    return call(f"POST {SET_UPDATES}", APPROVER, body, account_id=CLIENT, headers=idempotency_header(key))


# random requests


def create_set(accounts: RandomAccounts) -> ApiResponse:
    account_id = accounts.choose(*CLIENTS, *DOMAIN_OF_PARTNER)
    new_set = {"name": "A set", "permissions": [*accounts.random.sample(PERMISSIONS, 2), "crm.companies.view"]}
    return call(f"POST {SETS}", accounts.admin_of(account_id), new_set, account_id=account_id)


def update_or_remove_set(accounts: RandomAccounts) -> ApiResponse:
    account_id = accounts.choose(*CLIENTS, *DOMAIN_OF_PARTNER)
    custom_set = accounts.set_of(account_id)
    where = {
        "account_id": account_id,
        "set_id": custom_set["set_id"],
        "headers": {"if-match": f'"{custom_set["version"]}"'},
    }
    if accounts.random.random() < 0.3:
        return call(f"DELETE {ONE_SET}", accounts.admin_of(account_id), **where)
    update = {
        "name": "A set",
        "permissions": [accounts.choose(*PERMISSIONS, "account.billing.manage"), "crm.deals.view"],
    }
    return call(f"PUT {ONE_SET}", accounts.admin_of(account_id), update, **where)


def accept_set_updates(accounts: RandomAccounts) -> ApiResponse:
    """Accept the latest version of one of the vendor's sets."""
    client, name = accounts.choose(*CLIENTS), accounts.choose("partner_admin", "sales")
    acceptance = {"permission_set": name, "version": latest_version(name), "user_ids": [accounts.member_of(client)]}
    outdated_members = [
        item
        for each in CLIENTS
        for item in accounts.items_of_account(each)
        if item["sk"].startswith("MEMBER#") and item["permission_set"] in {"partner_admin", "sales"}
        if item["active"] and item["set_version"] < latest_version(item["permission_set"])
    ]
    if outdated_members:
        member = accounts.random.choice(outdated_members)
        client, name = member["account_id"], member["permission_set"]
        acceptance = {"permission_set": name, "version": latest_version(name), "user_ids": [member["user_id"]]}
    return call(f"POST {SET_UPDATES}", accounts.admin_of(client), acceptance, account_id=client)


FUNCTIONS: Final = (
    FunctionRow(
        "accept_set_updates",
        READ | WRITE | QUERY,
        (
            OperationRow(
                f"GET {SET_UPDATES}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 403 200 200 403 200 404 403 404 ---"),
                ),
            ),
            OperationRow(
                f"POST {SET_UPDATES}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "404 404 404 403 200 200 403 200 404 403 404 ---",
                        body={"permission_set": "sales", "version": 1, "user_ids": [CLERK]},
                    ),
                ),
                concurrent=(
                    ConcurrentCase(
                        "accept a newer set",
                        lambda key: accept_updates(key, COLLEAGUE, SUSPENDED),
                        in_parts=True,
                    ),
                ),
                under_fault=FaultCase(
                    attempt=lambda key: accept_updates(key, EMPLOYEE, COLLEAGUE),
                    records=lambda: (
                        a_partner_admin(set_version=1),
                        a_partner_admin(COLLEAGUE, set_version=1, grant=OTHER_GRANT),
                    ),
                    in_parts=True,
                ),
                draws=(Draw("accept_set_updates", accept_set_updates, often=0, with_model=2),),
            ),
        ),
    ),
    FunctionRow(
        "manage_permission_sets",
        READ | QUERY | WRITE | DELETE,
        (
            OperationRow(
                f"POST {SETS}",
                attempt=create_set_as_approver,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 403 201 403 403 201 404 403 404 ---", body=DESK),
                ),
                concurrent=(ConcurrentCase("make a set", lambda key: create_set_as_approver(key, LARGER_DESK)),),
                under_fault=FaultCase(),
                draws=(Draw("create_set", create_set),),
            ),
            OperationRow(
                f"PUT {ONE_SET}",
                attempt=lambda key: change_set("PUT", key, DESK),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 403 200 403 403 200 404 403 404 ---", body=DESK),
                ),
                concurrent=(ConcurrentCase("change a set", lambda key: change_set("PUT", key, LARGER_DESK)),),
                under_fault=FaultCase(records=lambda: (a_custom_set(),)),
                draws=(Draw("update_or_remove_set", update_or_remove_set),),
            ),
            OperationRow(
                f"DELETE {ONE_SET}",
                attempt=lambda key: change_set("DELETE", key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 403 204 403 403 204 404 403 404 ---"),
                ),
                concurrent=(ConcurrentCase("drop a set"),),
                under_fault=FaultCase(records=lambda: (a_custom_set(),)),
                draws=(Draw("update_or_remove_set", update_or_remove_set, often=0, with_model=0),),
            ),
        ),
    ),
    FunctionRow(
        "view_permission_sets",
        READ | QUERY,
        (
            OperationRow(
                f"GET {SETS}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 200 200 200 403 200 404 403 404 ---"),
                ),
            ),
            OperationRow(
                f"GET {ONE_SET}",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 200 200 200 403 200 404 403 404 ---"),
                ),
            ),
        ),
    ),
)
