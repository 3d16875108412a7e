"""Reads across subjects: access decisions and their explanations, your accounts, and the audit log."""

from typing import Final

from tests.support.authzen_requests import ENDPOINTS, EVALUATION, EVALUATIONS, SEARCHES, action, resource, subject
from tests.support.builders import CLIENT
from tests.support.gateway import DECIDE, VENDOR, ApiResponse, call
from tests.support.operations.memberships import FELLOW
from tests.support.operations.permissions import NONE, QUERY, READ, READ_IN_TRANSACTION
from tests.support.operations.rows import (
    BACK_END,
    OPEN,
    PEOPLE,
    PRODUCT,
    AuthorityCase,
    ConcurrentCase,
    FunctionRow,
    OperationRow,
)
from tests.support.seeded_table import CLERK, COLLEAGUE

AUDIT: Final = "GET /accounts/{account_id}/audit"
CONFIGURATION: Final = "GET /.well-known/authzen-configuration"
EXPLANATIONS: Final = "POST /access/v1/explanations"
EXPLANATION_REQUEST: Final = {"action": {"name": "crm.export"}, "resource": {"type": "account", "id": CLIENT}}
DECISION_BODY: Final = {"subject": {"type": "user", "id": CLERK}, "resource": {"type": "account", "id": CLIENT}}
DECISION_REQUESTS: Final = {each: {**DECISION_BODY, "action": {"name": "crm.import"}} for each in ENDPOINTS}
"""Requests that only a policy enforcement point can send. It has its own scope, and is none of the roles."""


def decide() -> ApiResponse:
    request = {
        "subject": subject(COLLEAGUE),
        "action": action("crm.deals.edit"),
        "resource": resource(CLIENT, "account"),
    }
    return call(f"POST /access/v1/{EVALUATION}", VENDOR, request, scope=DECIDE)


def decision_row(endpoint: str, *concurrent: ConcurrentCase) -> OperationRow:
    return OperationRow(
        f"POST /access/v1/{endpoint}",
        scopes=PRODUCT,
        reads=True,
        authority=(
            #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
            AuthorityCase("--- --- --- --- --- --- --- --- --- --- --- ---"),
        ),
        concurrent=concurrent,
    )


FUNCTIONS: Final = (
    FunctionRow(
        "decide_access",
        READ_IN_TRANSACTION,
        (
            decision_row(
                EVALUATION,
                ConcurrentCase("decide", lambda _: decide(), decides=True, is_keyed=False, has_effect=False),
            ),
            decision_row(EVALUATIONS),
            OperationRow(
                CONFIGURATION,
                scopes=OPEN,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 200 200 200 200 200 200 200 200 200"),
                ),
            ),
        ),
        sample_status=200,
    ),
    FunctionRow("search_access", READ_IN_TRANSACTION | QUERY, tuple(map(decision_row, SEARCHES)), sample_status=200),
    FunctionRow(
        "explain_access",
        READ | READ_IN_TRANSACTION,
        (
            OperationRow(
                EXPLANATIONS,
                scopes=PEOPLE | PRODUCT,
                reads=True,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase(
                        "404 404 404 200 200 200 200 200 404 403 404 ---",
                        body={**EXPLANATION_REQUEST, "subject": {"type": "user", "id": CLERK}},
                        what="of a client member, who can request their own",
                    ),
                    AuthorityCase(
                        "404 404 404 200 200 200 403 200 404 403 404 ---",
                        body={**EXPLANATION_REQUEST, "subject": {"type": "user", "id": FELLOW}},
                        what="of a partner admin",
                    ),
                ),
            ),
        ),
        sample_status=200,
    ),
    FunctionRow(
        "view_accounts",
        READ | QUERY,
        (
            OperationRow(
                "GET /accounts",
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("200 200 200 200 200 200 200 200 200 403 200 ---"),
                ),
            ),
        ),
        sample_status=200,
    ),
    FunctionRow(
        "view_audit_log",
        READ | QUERY,
        (
            OperationRow(
                AUDIT,
                scopes=PEOPLE | BACK_END,
                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("404 404 404 200 200 403 403 200 404 403 404 200"),
                ),
            ),
        ),
    ),
    FunctionRow("reject_unknown_route", NONE),
    FunctionRow("serve_pages", NONE),
)
