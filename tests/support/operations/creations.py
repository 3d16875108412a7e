"""Memberships that begin: create a user, add colleagues, and migrate super admins."""

from typing import Any, Final

from partner_access.store import keys
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_member,
    a_partner_admin,
    a_user,
    the_client,
)
from tests.support.busy_table import CONSULTANT, FLORA, FLORIST, OWNER
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import idempotency_header
from tests.support.operations.permissions import READ, WRITE
from tests.support.operations.rows import (
    AuthorityCase,
    ConcurrentCase,
    CostCase,
    Draw,
    FaultCase,
    FunctionRow,
    OperationRow,
)
from tests.support.random_accounts import (
    CLIENTS,
    DOMAIN_OF_PARTNER,
    PARTNER_OF_EMPLOYEE,
    SETS,
    USERS,
    RandomAccounts,
)
from tests.support.seeded_table import COLLEAGUE, MANAGER

CREATE: Final = "POST /accounts/{account_id}/users"
ADD_COLLEAGUES: Final = "POST /partners/{partner_id}/clients/{account_id}/users"
MIGRATE: Final = "POST /accounts/{account_id}/migrations"
MIGRATE_SELF: Final = "POST /partners/{partner_id}/migrations"
SECOND: Final = "client-second"
NEWCOMER: Final = "user-newcomer"
FOR_EMPLOYEE: Final = {"email": f"{EMPLOYEE}@north.example"}
MIGRATED: Final = (a_member(EMPLOYEE),)


def create_user_as(by: str, email: str, key: str | None = None, **fields: object) -> ApiResponse:
    """Create a user with this address, by default as a partner admin."""
    body = {"email": email, "permission_set": "partner_admin", **fields}
    return call(CREATE, by, body, account_id=CLIENT, headers=idempotency_header(key))


def add_colleagues_as(by: str, key: str | None, *employee_ids: str) -> ApiResponse:
    body = {"employee_ids": employee_ids, "permission_set": "view_only"}
    return call(ADD_COLLEAGUES, by, body, partner_id=PARTNER, account_id=CLIENT, headers=idempotency_header(key))


def migrate_as(by: str, key: str | None = None, user_id: str = EMPLOYEE) -> ApiResponse:
    return call(MIGRATE, by, {"user_id": user_id}, account_id=CLIENT, headers=idempotency_header(key))


def migrate_self_as(by: str, key: str | None, *account_ids: str) -> ApiResponse:
    body = {"account_ids": account_ids}
    return call(MIGRATE_SELF, by, body, partner_id=PARTNER, headers=idempotency_header(key))


def two_clients() -> tuple[Any, ...]:
    """Return the records of a second client with the same super admin."""
    second = the_client(account_id=SECOND, name="The Second")
    return second, a_member(APPROVER, account_id=SECOND)


# random requests


def create_user(accounts: RandomAccounts) -> ApiResponse:
    client, user_id = accounts.choose(*CLIENTS), accounts.choose(*USERS)
    email = accounts.read_item(keys.user(user_id)).get("email", "nobody@nowhere.example")
    new_member = {"email": email, "permission_set": accounts.choose("partner_admin", "partner_admin", *SETS)}
    optional_fields = (
        {**accounts.end(0, 1, 40), "partner_id": accounts.choose(*DOMAIN_OF_PARTNER)}
        if new_member["permission_set"] == "partner_admin"
        else {}
    )
    return call(
        CREATE,
        accounts.admin_of(client),
        {**new_member, **accounts.some_of(**optional_fields)},
        account_id=client,
    )


def add_colleagues(accounts: RandomAccounts) -> ApiResponse:
    employee_id = accounts.choose(*PARTNER_OF_EMPLOYEE)
    partner = PARTNER_OF_EMPLOYEE[employee_id]
    partner_members = {
        client: [item["user_id"] for item in accounts.items_of_account(client) if item.get("partner_id") == partner]
        for client in CLIENTS
    }
    client = accounts.choose(*CLIENTS, *(client for client in CLIENTS for _ in partner_members[client]))
    likely_actors = partner_members[client] * len(PARTNER_OF_EMPLOYEE)
    new_colleagues = {"employee_ids": [employee_id], "permission_set": accounts.choose("sales", "view_only")}
    return call(
        ADD_COLLEAGUES,
        accounts.choose(*likely_actors, *PARTNER_OF_EMPLOYEE),
        new_colleagues,
        partner_id=partner,
        account_id=client,
    )


def migrate(accounts: RandomAccounts) -> ApiResponse:
    client = accounts.choose(*CLIENTS)
    employee_id = accounts.choose(
        *(each for each in accounts.super_admins_of(client) if each in PARTNER_OF_EMPLOYEE), *PARTNER_OF_EMPLOYEE
    )
    if accounts.random.random() < 0.4:
        accounts.put_member(client, employee_id, permission_set="super_admin", active=True)
    if accounts.random.random() < 0.5:
        body = {"account_ids": list(CLIENTS)}
        return call(MIGRATE_SELF, employee_id, body, partner_id=PARTNER_OF_EMPLOYEE[employee_id])
    return call(MIGRATE, accounts.admin_of(client), {"user_id": employee_id}, account_id=client)


FUNCTIONS: Final = (
    FunctionRow(
        "create_user",
        READ | WRITE,
        (
            OperationRow(
                CREATE,
                attempt=lambda key: create_user_as(APPROVER, f"{EMPLOYEE}@north.example", key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "404 404 404 403 201 201 403 403 404 403 404 ---",
                        body={**FOR_EMPLOYEE, "permission_set": "partner_admin"},
                        what="partner admin",
                    ),
                    AuthorityCase(
                        "404 404 404 201 201 201 403 201 404 403 404 ---",
                        body={**FOR_EMPLOYEE, "permission_set": "view_only"},
                        what="a lesser set",
                    ),
                    AuthorityCase(
                        "404 404 404 201 201 403 403 201 404 403 404 ---",
                        body={**FOR_EMPLOYEE, "permission_set": "sales"},
                        what="a set that not all hold",
                    ),
                    AuthorityCase(
                        "404 404 404 403 201 403 403 403 404 403 404 ---",
                        body={**FOR_EMPLOYEE, "permission_set": "super_admin"},
                        what="super admin",
                    ),
                ),
                costs=(
                    CostCase(
                        name="create a partner admin",
                        max_units=23,
                        target=24,
                        stretch=18,
                        reads=3,
                        why_so_many="the address gives the user, and the user the partner; a request that names the partner saves the third read",
                    ),
                    CostCase(
                        name="create a user",
                        send_request=lambda: create_user_as(
                            APPROVER, f"{NEWCOMER}@bakery.example", permission_set="sales"
                        ),
                        max_units=18,
                        target=24,
                        stretch=18,
                        others=(a_user(NEWCOMER),),
                    ),
                ),
                concurrent=(
                    ConcurrentCase(
                        "create a partner admin",
                        lambda key: create_user_as(OWNER, f"{EMPLOYEE}@north.example", key),
                    ),
                    ConcurrentCase(
                        "create a user with an own set",
                        lambda key: create_user_as(APPROVER, f"{FLORA}@bakery.example", key, permission_set=CUSTOM_SET),
                    ),
                ),
                under_fault=FaultCase(),
                draws=(Draw("create_user", create_user, often=3, with_model=2),),
            ),
        ),
    ),
    FunctionRow(
        "add_colleagues",
        READ | WRITE,
        (
            OperationRow(
                ADD_COLLEAGUES,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "404 404 404 200 403 403 403 403 404 403 404 ---",
                        body={"employee_ids": [EMPLOYEE], "permission_set": "sales"},
                    ),
                ),
                concurrent=(
                    ConcurrentCase(
                        "add colleagues",
                        lambda key: add_colleagues_as(COLLEAGUE, key, EMPLOYEE, MANAGER),
                        in_parts=True,
                    ),
                ),
                under_fault=FaultCase(
                    attempt=lambda key: add_colleagues_as(EMPLOYEE, key, COLLEAGUE, MANAGER),
                    records=lambda: (a_partner_admin(),),
                    in_parts=True,
                ),
                draws=(Draw("add_colleagues", add_colleagues),),
            ),
        ),
    ),
    FunctionRow(
        "migrate",
        READ | WRITE,
        (
            OperationRow(
                MIGRATE,
                attempt=lambda key: migrate_as(EMPLOYEE, key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "404 404 404 403 201 403 403 201 404 403 404 ---",
                        body={"user_id": "user-both"},
                    ),
                ),
                costs=(
                    CostCase(
                        name="migrate a super admin",
                        send_request=lambda: migrate_as(APPROVER),
                        max_units=23,
                        target=24,
                        stretch=18,
                        others=MIGRATED,
                    ),
                    CostCase(name="migrate oneself", max_units=23, target=24, stretch=18, others=MIGRATED),
                ),
                concurrent=(ConcurrentCase("migrate", lambda key: migrate_as(OWNER, key, CONSULTANT)),),
                under_fault=FaultCase(records=lambda: (a_member(EMPLOYEE),)),
                draws=(Draw("migrate", migrate, often=2),),
            ),
            OperationRow(
                MIGRATE_SELF,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "200 200 200 200 404 404 404 200 404 403 404 ---",
                        body={"account_ids": [CLIENT]},
                    ),
                ),
                concurrent=(
                    ConcurrentCase(
                        "migrate oneself",
                        lambda key: migrate_self_as(CONSULTANT, key, CLIENT, FLORIST),
                        in_parts=True,
                    ),
                ),
                under_fault=FaultCase(
                    attempt=lambda key: migrate_self_as(EMPLOYEE, key, CLIENT, SECOND),
                    records=lambda: (a_member(EMPLOYEE), *two_clients(), a_member(EMPLOYEE, account_id=SECOND)),
                    in_parts=True,
                ),
                draws=(Draw("migrate", migrate),),
            ),
        ),
    ),
)
