"""Authorization matrix (domain.md §4): every role calls every route, in its own accounts and in others.

A route that is missing from the matrix fails a test, so every new route states who can call it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from tests.support import authzen_requests, gateway
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    PARTNER,
    RANDOM,
    SECRET_TEXT,
    a_custom_set,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import DECIDE, DIRECTORY, USE, VENDOR, ApiResponse, call
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, now, seed
from tests.support.table import Item, Table
from tools import invariants, template

EXPIRED_LINK: Final = f"lnk_{'7' * 32}"
EXPIRED_LINK_SECRET: Final = LinkSecret.write(PARTNER, EXPIRED_LINK, RANDOM)
FLORIST, SOUTH, NOWHERE = "client-florist", "partner-south", "nowhere"
REJECTED_BY_GATEWAY: Final = 0
"""Stands for a request that API Gateway rejects, because its token lacks the scope."""

ROLES: Final = {
    "partner super admin": MANAGER,
    "client access manager": "user-access",
    "other partner employee": EMPLOYEE,
    "partner admin": COLLEAGUE,
    "client super admin": APPROVER,
    "client user manager": "user-users",
    "other client user": CLERK,
    "super admin of the partner": "user-both",
    "former member": "user-former",
    "deactivated": "user-gone",
    "stranger": "user-stranger",
    "operator": VENDOR,
}


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A request to a route, with the expected status for each role in the order of `ROLES`."""

    route: str
    body: object
    statuses: tuple[int, ...]
    what: str = ""
    user_id: str = CLERK


def matrix_row(route: str, *statuses: int, body: object = None, what: str = "", user_id: str = CLERK) -> MatrixRow:
    return MatrixRow(route, body, statuses, what, user_id)


LINKS_PATH, LINK_PATH = "/partners/{partner_id}/access-links", "/partners/{partner_id}/access-links/{link_id}"
REPLY = {"secret": SECRET_TEXT, "account_id": CLIENT}
FOR_EMPLOYEE = {"email": f"{EMPLOYEE}@north.example"}
DIRECTORY_ACCOUNT = "/directory/accounts/{account_id}"
SETS = "/accounts/{account_id}/permission-sets"
OWN_SET = SETS + "/{set_id}"
DESK = {"name": "Desk", "permissions": ["crm.tickets.view"]}
USERS, AUDIT = "/accounts/{account_id}/users", "/accounts/{account_id}/audit"
USER = f"{USERS}/{{user_id}}"
EXPLANATION_REQUEST = {"action": {"name": "crm.export"}, "resource": {"type": "account", "id": CLIENT}}
FELLOW, SUSPENDED_USER, REMOVED_PERMISSIONS = "user-fellow", "user-stopped", ("account.users.manage", "crm.import")

DECISION_BODY = {"subject": {"type": "user", "id": CLERK}, "resource": {"type": "account", "id": CLIENT}}
DECISION_REQUESTS: Final = {
    each: {**DECISION_BODY, "action": {"name": "crm.import"}} for each in authzen_requests.ENDPOINTS
}
"""Requests that only a policy enforcement point can send. It has its own scope, and is none of the roles."""

#    roles, in their order                        PSA  CAM  OPE  PA   CSA  CUM  OCU  SAF  FM   DE   STR  OP
MATRIX: Final = (
    matrix_row(f"POST {LINKS_PATH}",                          201, 201, 403, 403, 404, 404, 404, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"employee_id": EMPLOYEE}, what="for another employee"),
    matrix_row(f"GET {LINKS_PATH}",                           200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"GET {LINK_PATH}",                             200, 200, 200, 404, 404, 404, 404, 404, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"DELETE {LINK_PATH}",                          204, 204, 403, 404, 404, 404, 404, 404, 404, 403, 404, 204),
    matrix_row(f"POST {LINK_PATH}/resend",                     200, 200, 403, 404, 404, 404, 404, 404, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row("POST /access-links/preview",             200, 200, 200, 200, 200, 200, 200, 200, 200, 403, 200, REJECTED_BY_GATEWAY,
        body={"secret": SECRET_TEXT}),
    matrix_row("POST /access-links/approvals",           404, 404, 404, 403, 201, 201, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body=REPLY),
    matrix_row("POST /access-links/declines",            404, 404, 404, 403, 200, 200, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body=REPLY),
    matrix_row("POST /access-links/renewals",            202, 202, 202, 202, 202, 202, 202, 202, 202, 403, 202, REJECTED_BY_GATEWAY,
        body={"secret": EXPIRED_LINK_SECRET}),
    matrix_row("GET /accounts",                          200, 200, 200, 200, 200, 200, 200, 200, 200, 403, 200, REJECTED_BY_GATEWAY),
    matrix_row("GET /accounts/{account_id}/permission-sets",
                                                  404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"GET {OWN_SET}",                         404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"POST {SETS}",                           404, 404, 404, 403, 201, 403, 403, 201, 404, 403, 404, REJECTED_BY_GATEWAY,
        body=DESK),
    matrix_row(f"PUT {OWN_SET}",                         404, 404, 404, 403, 200, 403, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body=DESK),
    matrix_row(f"DELETE {OWN_SET}",                      404, 404, 404, 403, 204, 403, 403, 204, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"GET {SETS}/updates",                    404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"POST {SETS}/updates",                   404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permission_set": "sales", "version": 1, "user_ids": [CLERK]}),
    matrix_row("POST /accounts/{account_id}/users",      404, 404, 404, 403, 201, 201, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={**FOR_EMPLOYEE, "permission_set": "partner_admin"}, what="partner admin"),
    matrix_row("POST /accounts/{account_id}/users",      404, 404, 404, 201, 201, 201, 403, 201, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={**FOR_EMPLOYEE, "permission_set": "view_only"}, what="a lesser set"),
    matrix_row("POST /accounts/{account_id}/users",      404, 404, 404, 201, 201, 403, 403, 201, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={**FOR_EMPLOYEE, "permission_set": "sales"}, what="a set that not all hold"),
    matrix_row("POST /accounts/{account_id}/users",      404, 404, 404, 403, 201, 403, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={**FOR_EMPLOYEE, "permission_set": "super_admin"}, what="super admin"),
    matrix_row(f"GET {USERS}",                           404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row(f"GET {USERS}/{{user_id}}",               404, 404, 404, 200, 200, 200, 200, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        what="a client member, who can see their own record"),
    matrix_row(f"GET {AUDIT}",                           404, 404, 404, 200, 200, 403, 403, 200, 404, 403, 404, 200),
    matrix_row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permissions": {"remove": [*REMOVED_PERMISSIONS, "crm.export"]}}, user_id=FELLOW, what="to narrow a partner admin"),
    matrix_row(f"PATCH {USER}",                          403, 403, 404, 200, 200, 200, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permissions": {"remove": ["crm.import"]}}, user_id=FELLOW, what="to give back what they hold"),
    matrix_row(f"PATCH {USER}",                          403, 403, 404, 200, 200, 403, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permissions": {}}, user_id=FELLOW, what="to give back what not all hold"),
    matrix_row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permission_set": "view_only"}, user_id=FELLOW, what="a lesser set for a partner admin"),
    matrix_row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"access_days": 5}, user_id=FELLOW, what="to shorten access"),
    matrix_row(f"PATCH {USER}",                          403, 403, 404, 403, 200, 200, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"access_days": 20}, user_id=FELLOW, what="to lengthen access"),
    matrix_row(f"PATCH {USER}",                          403, 403, 404, 403, 200, 403, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"paid_seats": ["sales"]}, user_id=FELLOW, what="a paid seat"),
    matrix_row(f"PATCH {USER}",                          403, 403, 404, 403, 200, 403, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permission_set": "super_admin"}, user_id=FELLOW, what="partner admin to super admin"),
    matrix_row(f"PATCH {USER}",                          404, 404, 404, 403, 200, 403, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permission_set": "partner_admin"}, user_id="user-both", what="super admin to partner admin"),
    matrix_row(f"PATCH {USER}",                          404, 404, 404, 403, 200, 403, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permission_set": "sales"}, user_id=APPROVER, what="to demote a super admin"),
    matrix_row(f"PATCH {USER}",                          404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permissions": {"remove": ["crm.invoices.view"]}}, what="a client member, who cannot edit their own record"),
    matrix_row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"permissions": {"remove": ["crm.export"]}}, user_id=COLLEAGUE, what="the user, a partner admin"),
    matrix_row(f"DELETE {USER}",                         204, 204, 404, 204, 204, 204, 403, 204, 404, 403, 404, 204,
        user_id=FELLOW, what="a partner admin"),
    matrix_row(f"DELETE {USER}",                         204, 204, 404, 204, 204, 204, 403, 204, 404, 403, 404, 204,
        user_id=COLLEAGUE, what="a partner admin, who may leave"),
    matrix_row(f"DELETE {USER}",                         404, 404, 404, 403, 204, 204, 204, 204, 404, 403, 404, 204,
        what="the client's own, who may leave"),
    matrix_row(f"DELETE {USER}",                         404, 404, 404, 403, 204, 403, 403, 204, 404, 403, 404, 204,
        user_id=APPROVER, what="a super admin"),
    matrix_row(f"PUT {USER}/suspension",                 200, 200, 404, 403, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        user_id=FELLOW, what="a partner admin"),
    matrix_row(f"PUT {USER}/suspension",                 404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        what="the client's own"),
    matrix_row(f"PUT {USER}/suspension",                 404, 404, 404, 403, 409, 409, 403, 409, 404, 403, 404, REJECTED_BY_GATEWAY,
        user_id=APPROVER, what="a super admin"),
    matrix_row(f"DELETE {USER}/suspension",              200, 200, 404, 403, 200, 200, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        user_id=SUSPENDED_USER, what="what both sides have stopped"),
    matrix_row("POST /accounts/{account_id}/migrations", 404, 404, 404, 403, 201, 403, 403, 201, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"user_id": "user-both"}),
    matrix_row("POST /partners/{partner_id}/migrations", 200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"account_ids": [CLIENT]}),
    matrix_row("GET /partners/{partner_id}/clients",     200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row("GET /partners/{partner_id}/employees",   200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, REJECTED_BY_GATEWAY),
    matrix_row("DELETE /partners/{partner_id}/employees/{user_id}/access",
                                                  200, 200, 403, 403, 404, 404, 404, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        user_id=FELLOW, what="a colleague's"),
    matrix_row("DELETE /partners/{partner_id}/employees/{user_id}/access",
                                                  200, 200, 403, 200, 404, 404, 404, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        user_id=COLLEAGUE, what="a colleague's, who can end their own"),
    matrix_row("DELETE /partners/{partner_id}/employees/{user_id}/access",
                                                  404, 404, 403, 403, 404, 404, 404, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        what="of a user who is not an employee"),
    matrix_row("POST /partners/{partner_id}/clients/{account_id}/users",
                                                  404, 404, 404, 200, 403, 403, 403, 403, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={"employee_ids": [EMPLOYEE], "permission_set": "sales"}),
    matrix_row("POST /access/v1/explanations",           404, 404, 404, 200, 200, 200, 200, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={**EXPLANATION_REQUEST, "subject": {"type": "user", "id": CLERK}}, what="of a client member, who can request their own"),
    matrix_row("POST /access/v1/explanations",           404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, REJECTED_BY_GATEWAY,
        body={**EXPLANATION_REQUEST, "subject": {"type": "user", "id": FELLOW}}, what="of a partner admin"),
    *(
        matrix_row(route, *[REJECTED_BY_GATEWAY] * 11, status, body=body)
        for route, status, body in (
            (f"GET {DIRECTORY_ACCOUNT}", 200, None),
            (f"PUT {DIRECTORY_ACCOUNT}", 200, {"name": "Another"}),
            ("GET /directory/users/{user_id}", 200, None),
            ("PUT /directory/users/{user_id}", 200, {"name": "Another"}),
            (f"GET {DIRECTORY_ACCOUNT}/members/{{user_id}}", 200, None),
            (f"PUT {DIRECTORY_ACCOUNT}/members/{{user_id}}", 200, {"permission_set": "sales"}),
            ("POST /directory/users/{user_id}/erasure", 202, None),
        )
    ),
    *(matrix_row(f"POST /access/v1/{each}", *[REJECTED_BY_GATEWAY] * 12) for each in DECISION_REQUESTS),
    matrix_row("GET /.well-known/authzen-configuration", *[200] * 12),
)  # fmt: skip


@pytest.fixture
def seeded_table(table: Table) -> Table:
    """Seed one user per role, and another client and partner to which only the stranger belongs."""
    former_employees = [a_partner_account_member(each) for each in ("user-both", "user-gone", "user-former")]
    seed(
        table,
        *(an_employee(each) for each in ("user-access", "user-both")),
        *(a_user(each) for each in ("user-users", "user-former", "user-stranger")),
        a_user("user-gone", active=False),
        a_partner_account_member("user-access", added=("partner.client_access.manage",)),
        former_employees[0],
        former_employees[1].next_version(permission_set="super_admin"),
        former_employees[2].next_version(active=False),
        a_partner_admin(COLLEAGUE),
        *_other_partner_admins(),
        a_custom_set(),
        a_member("user-users", "view_only", added=("account.users.manage",)),
        a_member("user-both"),
        a_member("user-gone"),
        a_member("user-former", active=False),
        the_client(account_id=FLORIST, name="The Florist"),
        the_partner(account_id=SOUTH, name="South Partners"),
        a_member("user-stranger", account_id=FLORIST),
        a_partner_account_member("user-stranger", "super_admin", account_id=SOUTH),
        _expired_link(),
    )
    return table


def _other_partner_admins() -> Iterator[Record]:
    """Yield a narrowed partner admin whose grant ends in ten days, and one suspended by both sides."""
    grants = (a_grant(grant_id=f"grt_{nth * 32}") for nth in "34")
    yield from (made(each) for each in (FELLOW, SUSPENDED_USER) for made in (an_employee, a_partner_account_member))
    yield a_partner_admin(FELLOW, removed=REMOVED_PERMISSIONS, grant=next(grants).with_end_in(10, now()))
    yield a_partner_admin(
        SUSPENDED_USER, suspended_by=frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER}), grant=next(grants)
    )


def _expired_link() -> Any:
    opened = now() - timedelta(days=9)
    return a_link(
        link_id=EXPIRED_LINK,
        created_at=opened,
        expires_at=opened + timedelta(days=7),
        secrets=frozenset({LinkSecret.read(EXPIRED_LINK_SECRET).fingerprint}),
    )


def restore(table: Table, before: list[Item]) -> None:
    """Restore the table to these items."""
    was = {(item["pk"], item["sk"]): item for item in before}
    for item in table.items():
        key = keys.Key(item["pk"], item["sk"])
        earlier = was.pop(key, None)
        if earlier is None:
            table.remove(key)
        elif earlier != item:
            table.put(key, earlier)
    for left, earlier in was.items():
        table.put(keys.Key(*left), earlier)


def own_path_parameters(**others: str) -> dict[str, str]:
    """Return the path parameters of the usual accounts, replaced by the given ones."""
    parts = {"account_id": CLIENT, "partner_id": PARTNER, "link_id": LINK, "user_id": CLERK, "set_id": CUSTOM_SET}
    return {**parts, **others}


def send_request(row: MatrixRow, by: str, where: Mapping[str, str]) -> ApiResponse:
    parts = {name: value for name, value in where.items() if f"{{{name}}}" in row.route}
    if "user_id" in parts:
        parts["user_id"] = row.user_id
    return call(row.route, by, row.body, scope=scope_of(by), headers={"if-match": '"1"'}, **parts)


def scope_of(by: str) -> str:
    return DIRECTORY if by == VENDOR else USE


@pytest.fixture(scope="session")
def scopes() -> dict[str, set[str]]:
    """Return the scopes that API Gateway requires, by route."""
    return {route.key: set(map(template.parameter_default, route.scopes)) for route in template.routes()}


def row_id(row: MatrixRow) -> str:
    return f"{row.route} {row.what}".strip()


@pytest.mark.parametrize("row", MATRIX, ids=row_id)
def test_route_called_by_each_role_returns_status_of_matrix(
    seeded_table: Table, row: MatrixRow, scopes: dict[str, set[str]]
) -> None:
    before, found = seeded_table.items(), {}

    for role, by in ROLES.items():
        if scopes[row.route] and scope_of(by) not in scopes[row.route]:
            found[role] = REJECTED_BY_GATEWAY
            continue
        response = send_request(row, by, own_path_parameters())
        found[role] = response.status
        if response.status >= 400 or row.route.startswith("GET "):
            assert seeded_table.items() == before
        else:
            restore(seeded_table, before)

    assert found == dict(zip(ROLES, row.statuses, strict=True))


@pytest.mark.parametrize(
    "row", [each for each in MATRIX if "_id}" in each.route and "/directory/" not in each.route], ids=row_id
)
def test_route_for_other_account_returns_same_404_as_unknown_account(
    seeded_table: Table, row: MatrixRow, scopes: dict[str, set[str]]
) -> None:
    # domain.md rule 24
    before = seeded_table.items()
    elsewhere, nowhere = (
        own_path_parameters(account_id=FLORIST, partner_id=SOUTH),
        own_path_parameters(account_id=NOWHERE, partner_id=NOWHERE),
    )

    for role, by in ROLES.items():
        if role == "stranger" or scope_of(by) not in scopes[row.route]:
            continue
        if role == "operator" and row.route == f"GET {AUDIT}":
            continue  # the operator can list the entries of every account, without their details
        foreign, unknown = send_request(row, by, elsewhere), send_request(row, by, nowhere)
        assert (foreign.status, foreign.text) == (404, unknown.text), role
    assert seeded_table.items() == before


@pytest.mark.parametrize("route", ["POST /access-links/approvals", "POST /access-links/declines"])
def test_link_reply_for_other_account_in_body_returns_404(seeded_table: Table, route: str) -> None:
    before = seeded_table.items()

    for role, by in ROLES.items():
        if role in {"stranger", "operator"}:
            continue
        texts = {call(route, by, {**REPLY, "account_id": each}).text for each in (FLORIST, NOWHERE)}
        assert len(texts) == 1, role
        assert '"status": 404' in texts.pop()
    assert seeded_table.items() == before


def test_decide_scope_is_accepted_by_decision_routes_only(seeded_table: Table, scopes: dict[str, set[str]]) -> None:
    before = seeded_table.items()
    asks = {f"POST /access/v1/{each}": body for each, body in DECISION_REQUESTS.items()}

    assert {route for route, required in scopes.items() if DECIDE in required} == {
        *asks,
        "POST /access/v1/explanations",
    }
    assert all(scopes[route] == {DECIDE} for route in asks)
    for route, body in asks.items():
        assert call(route, authzen_requests.ENFORCER, body, scope=DECIDE).status == 200
    assert seeded_table.items() == before


def test_matrix_without_page_routes_covers_every_route(scopes: dict[str, set[str]]) -> None:
    routes = {route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes} - {"$default"}
    pages = {route.key for route in template.routes() if route.operation == "serve_pages"}

    assert pages | {"GET /.well-known/authzen-configuration"} == {
        route for route, required in scopes.items() if not required
    }
    assert routes == {each.route for each in MATRIX} == set(scopes) - pages


def test_seeded_roles_keep_invariants(seeded_table: Table) -> None:
    assert invariants.violations(seeded_table.items()) == []
