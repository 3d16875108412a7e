"""The vendor's directory: accounts, users and members, and the erasure of a user."""

from typing import Final

from tests.support.builders import APPROVER, CLIENT, EMPLOYEE, PARTNER, a_partner_admin
from tests.support.gateway import ApiResponse, call_as_vendor
from tests.support.link_requests import idempotency_header
from tests.support.operations.permissions import DELETE, QUERY, READ, WRITE
from tests.support.operations.relationships import admin_of_two_clients
from tests.support.operations.rows import (
    BACK_END,
    AuthorityCase,
    ConcurrentCase,
    Draw,
    FaultCase,
    FunctionRow,
    OperationRow,
)
from tests.support.random_accounts import (
    CLIENT_OF_USER,
    CLIENTS,
    DOMAIN_OF_PARTNER,
    PARTNER_OF_EMPLOYEE,
    SETS,
    USERS,
    ZONES,
    RandomAccounts,
)
from tests.support.seeded_table import CLERK, COLLEAGUE

ACCOUNT: Final = "/directory/accounts/{account_id}"
USER: Final = "/directory/users/{user_id}"
MEMBER: Final = f"{ACCOUNT}/members/{{user_id}}"
ERASURE: Final = f"POST {USER}/erasure"


def put_account(account_id: str, key: str | None, **fields: object) -> ApiResponse:
    return call_as_vendor(f"PUT {ACCOUNT}", fields, account_id=account_id, headers=idempotency_header(key))


def put_user(user_id: str, key: str | None, **fields: object) -> ApiResponse:
    return call_as_vendor(f"PUT {USER}", fields, user_id=user_id, headers=idempotency_header(key))


def put_member(account_id: str, user_id: str, key: str | None, **fields: object) -> ApiResponse:
    headers = idempotency_header(key)
    return call_as_vendor(f"PUT {MEMBER}", fields, account_id=account_id, user_id=user_id, headers=headers)


def erase_user(user_id: str, key: str | None, body: object = None) -> ApiResponse:
    return call_as_vendor(ERASURE, body, user_id=user_id, headers=idempotency_header(key))


# random requests


def change_partner(accounts: RandomAccounts) -> ApiResponse:
    partner = accounts.choose(*DOMAIN_OF_PARTNER)
    fields = {
        "program": accounts.choose("active", "active", "active", "suspended", "terminated"),
        "state": accounts.choose("active", "active", "active", "closed"),
        "domains": accounts.choose([DOMAIN_OF_PARTNER[partner]], [DOMAIN_OF_PARTNER[partner]], ["elsewhere.example"]),
    }
    return accounts.put_account(partner, **{name: fields[name] for name in accounts.random.sample(sorted(fields), 2)})


def restore_partner(accounts: RandomAccounts) -> ApiResponse:
    partner = accounts.choose(*DOMAIN_OF_PARTNER)
    return accounts.put_account(partner, program="active", state="active", domains=[DOMAIN_OF_PARTNER[partner]])


def change_client(accounts: RandomAccounts) -> ApiResponse:
    fields = {
        "state": accounts.choose("active", "active", "closed"),
        "partner_seat_limit": accounts.choose(None, 0, 1, 3),
        "time_zone": accounts.choose(*ZONES),
    }
    return accounts.put_account(
        accounts.choose(*CLIENTS), **{name: fields[name] for name in accounts.random.sample(sorted(fields), 1)}
    )


def restore_client(accounts: RandomAccounts) -> ApiResponse:
    return accounts.put_account(accounts.choose(*CLIENTS), state="active", partner_seat_limit=None)


def change_user(accounts: RandomAccounts) -> ApiResponse:
    user_id = accounts.choose(*USERS)
    fields = accounts.some_of(active=accounts.choose(True, False), name=f"Name {accounts.succeeded}")
    return accounts.put_user(user_id, **fields)


def restore_user(accounts: RandomAccounts) -> ApiResponse:
    user_id = accounts.choose(*USERS)
    domain = DOMAIN_OF_PARTNER.get(PARTNER_OF_EMPLOYEE.get(user_id, ""), "clients.example")
    return accounts.put_user(user_id, active=True, email=f"{user_id}@{domain}", name="Some User")


def change_email_domain(accounts: RandomAccounts) -> ApiResponse:
    user_id = accounts.choose(*PARTNER_OF_EMPLOYEE)
    domain = accounts.choose(*DOMAIN_OF_PARTNER.values(), "nowhere.example")
    return accounts.put_user(user_id, email=f"{user_id}@{domain}")


def change_member(accounts: RandomAccounts) -> ApiResponse:
    user_id = accounts.choose(*USERS)
    account_id = accounts.choose(*CLIENTS, *DOMAIN_OF_PARTNER)
    if accounts.random.random() < 0.2:
        return accounts.put_member(account_id, user_id, active=accounts.choose(True, False))
    return accounts.put_member(
        account_id,
        user_id,
        permission_set=accounts.choose(*SETS),
        **accounts.some_of(active=accounts.choose(True, False)),
    )


def restore_member(accounts: RandomAccounts) -> ApiResponse:
    user_id = accounts.choose(*USERS)
    return accounts.put_member(
        {**PARTNER_OF_EMPLOYEE, **CLIENT_OF_USER}[user_id],
        user_id,
        permission_set=accounts.choose("super_admin", "view_only"),
        active=True,
    )


def erase(accounts: RandomAccounts) -> ApiResponse:
    """Restore a user, or erase one in one of five cases."""
    if accounts.random.random() < 0.8:
        return restore_user(accounts)
    return call_as_vendor(ERASURE, {}, user_id=accounts.choose(*USERS))


FUNCTIONS: Final = (
    FunctionRow(
        "manage_directory",
        READ | WRITE | DELETE | QUERY,
        (
            OperationRow(
                f"GET {ACCOUNT}",
                scopes=BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 200"),
                ),
            ),
            OperationRow(
                f"PUT {ACCOUNT}",
                scopes=BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 200", body={"name": "Another"}),
                ),
                concurrent=(
                    ConcurrentCase("fewer seats", lambda key: put_account(CLIENT, key, partner_seat_limit=2)),
                    ConcurrentCase("the client is closed", lambda key: put_account(CLIENT, key, state="closed")),
                    ConcurrentCase(
                        "the program is suspended", lambda key: put_account(PARTNER, key, program="suspended")
                    ),
                    ConcurrentCase(
                        "the program is terminated", lambda key: put_account(PARTNER, key, program="terminated")
                    ),
                    ConcurrentCase(
                        "the partner loses its domain",
                        lambda key: put_account(PARTNER, key, domains=["elsewhere.example"]),
                    ),
                ),
                under_fault=FaultCase(
                    attempt=lambda key: put_account(PARTNER, key, program="terminated"), records=admin_of_two_clients
                ),
                draws=(
                    Draw("change_partner", change_partner),
                    Draw("restore_partner", restore_partner, often=3, with_model=2),
                    Draw("change_client", change_client),
                    Draw("restore_client", restore_client, often=2),
                ),
            ),
            OperationRow(
                f"GET {USER}",
                scopes=BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 200"),
                ),
            ),
            OperationRow(
                f"PUT {USER}",
                scopes=BACK_END,
                attempt=lambda key: put_user(EMPLOYEE, key, active=False),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 200", body={"name": "Another"}),
                ),
                concurrent=(
                    ConcurrentCase("deactivate the approver", lambda key: put_user(APPROVER, key, active=False)),
                    ConcurrentCase("deactivate the newcomer"),
                    ConcurrentCase("deactivate the colleague", lambda key: put_user(COLLEAGUE, key, active=False)),
                ),
                under_fault=FaultCase(records=admin_of_two_clients),
                draws=(
                    Draw("change_user", change_user),
                    Draw("restore_user", restore_user, often=3, with_model=0),
                    Draw("change_email_domain", change_email_domain),
                ),
            ),
            OperationRow(
                ERASURE,
                scopes=BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 202"),
                ),
                concurrent=(
                    ConcurrentCase("erase the newcomer", lambda key: erase_user(EMPLOYEE, key)),
                    ConcurrentCase("erase the colleague", lambda key: erase_user(COLLEAGUE, key)),
                ),
                under_fault=FaultCase(
                    attempt=lambda key: erase_user(EMPLOYEE, key, {}), records=lambda: (a_partner_admin(),)
                ),
                # this draw mostly restores a user instead
                draws=(Draw("erase", erase, with_model=3),),
            ),
            OperationRow(
                f"GET {MEMBER}",
                scopes=BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 200"),
                ),
            ),
            OperationRow(
                f"PUT {MEMBER}",
                scopes=BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- 200", body={"permission_set": "sales"}),
                ),
                concurrent=(
                    ConcurrentCase(
                        "the vendor demotes the approver",
                        lambda key: put_member(CLIENT, APPROVER, key, permission_set="view_only"),
                    ),
                    ConcurrentCase(
                        "the newcomer leaves the partner",
                        lambda key: put_member(PARTNER, EMPLOYEE, key, active=False),
                    ),
                    ConcurrentCase(
                        "the colleague leaves the partner",
                        lambda key: put_member(PARTNER, COLLEAGUE, key, active=False),
                    ),
                ),
                under_fault=FaultCase(attempt=lambda key: put_member(CLIENT, CLERK, key, permission_set="sales")),
                draws=(Draw("change_member", change_member), Draw("restore_member", restore_member)),
            ),
        ),
        sample_status=201,
    ),
)
