"""The partner's side: end the access of employees, and list clients and employees."""

from typing import Any, Final

from tests.support.builders import EMPLOYEE, PARTNER, a_grant, a_partner_admin
from tests.support.gateway import ApiResponse, call
from tests.support.link_requests import idempotency_header
from tests.support.operations.creations import SECOND, two_clients
from tests.support.operations.memberships import FELLOW
from tests.support.operations.permissions import QUERY, QUERY_LISTING, READ, WRITE
from tests.support.operations.rows import (
    AuthorityCase,
    ConcurrentCase,
    Draw,
    FaultCase,
    FunctionRow,
    OperationRow,
)
from tests.support.random_accounts import PARTNER_OF_EMPLOYEE, USERS, RandomAccounts
from tests.support.seeded_table import COLLEAGUE, MANAGER

ACCESS: Final = "DELETE /partners/{partner_id}/employees/{user_id}/access"
OTHER_GRANT: Final = a_grant(grant_id=f"grt_{'8' * 32}")


def offboard(user_id: str, key: str | None) -> ApiResponse:
    return call(ACCESS, MANAGER, partner_id=PARTNER, user_id=user_id, headers=idempotency_header(key))


def admin_of_two_clients() -> tuple[Any, ...]:
    """Return records in which the employee is partner admin of two clients."""
    second = a_partner_admin(account_id=SECOND, grant=OTHER_GRANT)
    return (a_partner_admin(), *two_clients(), second)


def offboard_employee(accounts: RandomAccounts) -> ApiResponse:
    employee_id = accounts.choose(*PARTNER_OF_EMPLOYEE)
    partner = PARTNER_OF_EMPLOYEE[employee_id]
    by = accounts.choose(employee_id, accounts.admin_of(partner), accounts.choose(*USERS))
    return call(ACCESS, by, partner_id=partner, user_id=employee_id)


FUNCTIONS: Final = (
    FunctionRow(
        "offboard_employee",
        READ | WRITE | QUERY,
        (
            OperationRow(
                ACCESS,
                attempt=lambda key: offboard(EMPLOYEE, key),
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "200 200 403 403 404 404 404 403 404 403 404 ---", user_id=FELLOW, what="a colleague's"
                    ),
                    AuthorityCase(
                        "200 200 403 200 404 404 404 403 404 403 404 ---",
                        user_id=COLLEAGUE,
                        what="a colleague's, who can end their own",
                    ),
                    AuthorityCase(
                        "404 404 403 403 404 404 404 403 404 403 404 ---", what="of a user who is not an employee"
                    ),
                ),
                concurrent=(
                    ConcurrentCase("end the colleague everywhere", lambda key: offboard(COLLEAGUE, key), in_parts=True),
                    ConcurrentCase("end the newcomer everywhere", in_parts=True),
                    ConcurrentCase("the manager goes everywhere", lambda key: offboard(MANAGER, key), in_parts=True),
                ),
                under_fault=FaultCase(records=admin_of_two_clients, in_parts=True),
                draws=(Draw("offboard_employee", offboard_employee),),
            ),
        ),
    ),
    FunctionRow(
        "view_partner_console",
        READ | QUERY | QUERY_LISTING,
        (
            OperationRow(
                "GET /partners/{partner_id}/clients",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 200 404 404 404 200 404 403 404 ---"),
                ),
            ),
            OperationRow(
                "GET /partners/{partner_id}/employees",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 200 404 404 404 200 404 403 404 ---"),
                ),
            ),
        ),
    ),
)
