"""Authorization matrix (domain.md §4): every role calls every route, in its own accounts and in others.

The rows of the matrix are in the register of operations. A route that is missing there fails a test, so every new route
states who can call it.
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
from tests.support import authzen_requests, gateway, operations
from tests.support.builders import (
    CLIENT,
    CUSTOM_SET,
    LINK,
    PARTNER,
    a_custom_set,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    end_after,
    the_client,
    the_partner,
)
from tests.support.gateway import DECIDE, DIRECTORY, USE, VENDOR, ApiResponse, call
from tests.support.operations.access import AUDIT, CONFIGURATION, DECISION_REQUESTS, EXPLANATIONS
from tests.support.operations.links import EXPIRED_LINK, EXPIRED_LINK_SECRET, REPLY
from tests.support.operations.memberships import FELLOW, REMOVED_PERMISSIONS, SUSPENDED_USER
from tests.support.operations.rows import REJECTED_BY_GATEWAY, ROLES, AuthorityCase
from tests.support.seeded_table import CLERK, COLLEAGUE, a_partner_account_member, now, seed
from tests.support.table import Item, Table
from tools import invariants, template

FLORIST, SOUTH, NOWHERE = "client-florist", "partner-south", "nowhere"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A request to a route, with the expected status for each role in the order of `ROLES`."""

    route: str
    case: AuthorityCase


MATRIX: Final = tuple(MatrixRow(row.route, case) for row in operations.OPERATIONS for case in row.authority)


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
    yield a_partner_admin(FELLOW, removed=REMOVED_PERMISSIONS, grant=next(grants).with_end(end_after(10, now()), now()))
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
        parts["user_id"] = row.case.user_id
    return call(row.route, by, row.case.body, scope=scope_of(by), headers={"if-match": '"1"'}, **parts)


def scope_of(by: str) -> str:
    return DIRECTORY if by == VENDOR else USE


@pytest.fixture(scope="session")
def scopes() -> dict[str, set[str]]:
    """Return the scopes that API Gateway requires, by route."""
    return {route.key: set(map(template.parameter_default, route.scopes)) for route in template.routes()}


def row_id(row: MatrixRow) -> str:
    return f"{row.route} {row.case.what}".strip()


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

    assert found == dict(zip(ROLES, row.case.statuses, strict=True)), (
        f"a status differs: correct the rule, or the AuthorityCase of {row.route} in {operations.FOLDER}"
    )


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
        if role == "operator" and row.route == AUDIT:
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
        EXPLANATIONS,
    }
    assert all(scopes[route] == {DECIDE} for route in asks)
    for route, body in asks.items():
        assert call(route, authzen_requests.ENFORCER, body, scope=DECIDE).status == 200
    assert seeded_table.items() == before


def test_matrix_without_page_routes_covers_every_route(scopes: dict[str, set[str]]) -> None:
    routes = {route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes} - {"$default"}
    pages = {route.key for route in template.routes() if route.operation == "serve_pages"}

    assert operations.problems("authority") == []
    assert pages | {CONFIGURATION} == {route for route, required in scopes.items() if not required}
    assert routes == {each.route for each in MATRIX} == set(scopes) - pages


def test_seeded_roles_keep_invariants(seeded_table: Table) -> None:
    assert invariants.violations(seeded_table.items()) == []
