"""Who may do what (domain.md §4), at the real doors: every route, every kind of person, at home and elsewhere.

A route that is not in the table fails, so that none is added without saying who may.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Kept
from partner_access.store import keys
from tests.support import authzen_requests, gateway
from tests.support.builders import (
    APPROVER,
    CHANCE,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    PARTNER,
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
from tests.support.gateway import DECIDE, DIRECTORY, USE, VENDOR, Answer, call
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_world, now, staff
from tests.support.table import Item, Table
from tools import invariants, template

ENDED: Final = f"lnk_{'7' * 32}"
ENDED_SECRET: Final = Secret.write(PARTNER, ENDED, CHANCE)
FLORIST, SOUTH, NOWHERE = "client-florist", "partner-south", "nowhere"
GATE: Final = 0
"""Turned away by API Gateway, for want of the scope."""

ROLES: Final = {
    "partner super admin": MANAGER,
    "client access manager": "user-access",
    "other partner employee": EMPLOYEE,
    "partner admin": COLLEAGUE,
    "client super admin": APPROVER,
    "client user manager": "user-users",
    "other client user": CLERK,
    "super admin of the firm": "user-both",
    "former member": "user-former",
    "deactivated": "user-gone",
    "stranger": "user-stranger",
    "operator": VENDOR,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A request to a route, and its status for each role, in their order."""

    route: str
    body: object
    statuses: tuple[int, ...]
    what: str = ""
    user_id: str = CLERK


def row(route: str, *statuses: int, body: object = None, what: str = "", user_id: str = CLERK) -> Row:
    return Row(route, body, statuses, what, user_id)


LINKS, ONE = "/partners/{partner_id}/access-links", "/partners/{partner_id}/access-links/{link_id}"
REPLY = {"secret": SECRET_TEXT, "account_id": CLIENT}
FOR_EMPLOYEE = {"email": f"{EMPLOYEE}@north.example"}
TOLD = "/directory/accounts/{account_id}"
SETS = "/accounts/{account_id}/permission-sets"
OWN_SET = SETS + "/{set_id}"
DESK = {"name": "Desk", "permissions": ["crm.tickets.view"]}
USERS, AUDIT = "/accounts/{account_id}/users", "/accounts/{account_id}/audit"
USER = f"{USERS}/{{user_id}}"
WHY = {"action": {"name": "crm.export"}, "resource": {"type": "account", "id": CLIENT}}
FELLOW, STOPPED, TAKEN = "user-fellow", "user-stopped", ("account.users.manage", "crm.import")

QUESTION = {"subject": {"type": "user", "id": CLERK}, "resource": {"type": "account", "id": CLIENT}}
ASKED: Final = {each: {**QUESTION, "action": {"name": "crm.import"}} for each in authzen_requests.QUESTIONS}
"""What only a policy enforcement point may ask, which is none of the roles: it has a scope of its own and no rights."""

#    roles, in their order                        PSA  CAM  OPE  PA   CSA  CUM  OCU  SAF  FM   DE   STR  OP
MATRIX: Final = (
    row(f"POST {LINKS}",                          201, 201, 403, 403, 404, 404, 404, 403, 404, 403, 404, GATE,
        body={"employee_id": EMPLOYEE}, what="for a colleague"),
    row(f"GET {LINKS}",                           200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, GATE),
    row(f"GET {ONE}",                             200, 200, 200, 404, 404, 404, 404, 404, 404, 403, 404, GATE),
    row(f"DELETE {ONE}",                          204, 204, 403, 404, 404, 404, 404, 404, 404, 403, 404, 204),
    row(f"POST {ONE}/resend",                     200, 200, 403, 404, 404, 404, 404, 404, 404, 403, 404, GATE),
    row("POST /access-links/preview",             200, 200, 200, 200, 200, 200, 200, 200, 200, 403, 200, GATE,
        body={"secret": SECRET_TEXT}),
    row("POST /access-links/approvals",           404, 404, 404, 403, 201, 201, 403, 403, 404, 403, 404, GATE,
        body=REPLY),
    row("POST /access-links/declines",            404, 404, 404, 403, 200, 200, 403, 403, 404, 403, 404, GATE,
        body=REPLY),
    row("POST /access-links/renewals",            202, 202, 202, 202, 202, 202, 202, 202, 202, 403, 202, GATE,
        body={"secret": ENDED_SECRET}),
    row("GET /accounts",                          200, 200, 200, 200, 200, 200, 200, 200, 200, 403, 200, GATE),
    row("GET /accounts/{account_id}/permission-sets",
                                                  404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE),
    row(f"GET {OWN_SET}",                         404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE),
    row(f"POST {SETS}",                           404, 404, 404, 403, 201, 403, 403, 201, 404, 403, 404, GATE,
        body=DESK),
    row(f"PUT {OWN_SET}",                         404, 404, 404, 403, 200, 403, 403, 200, 404, 403, 404, GATE,
        body=DESK),
    row(f"DELETE {OWN_SET}",                      404, 404, 404, 403, 204, 403, 403, 204, 404, 403, 404, GATE),
    row(f"GET {SETS}/updates",                    404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, GATE),
    row(f"POST {SETS}/updates",                   404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={"permission_set": "sales", "version": 1, "user_ids": [CLERK]}),
    row("POST /accounts/{account_id}/users",      404, 404, 404, 403, 201, 201, 403, 403, 404, 403, 404, GATE,
        body={**FOR_EMPLOYEE, "permission_set": "partner_admin"}, what="partner admin"),
    row("POST /accounts/{account_id}/users",      404, 404, 404, 201, 201, 201, 403, 201, 404, 403, 404, GATE,
        body={**FOR_EMPLOYEE, "permission_set": "view_only"}, what="a lesser set"),
    row("POST /accounts/{account_id}/users",      404, 404, 404, 201, 201, 403, 403, 201, 404, 403, 404, GATE,
        body={**FOR_EMPLOYEE, "permission_set": "sales"}, what="a set that not all hold"),
    row("POST /accounts/{account_id}/users",      404, 404, 404, 403, 201, 403, 403, 403, 404, 403, 404, GATE,
        body={**FOR_EMPLOYEE, "permission_set": "super_admin"}, what="super admin"),
    row(f"GET {USERS}",                           404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE),
    row(f"GET {USERS}/{{user_id}}",               404, 404, 404, 200, 200, 200, 200, 200, 404, 403, 404, GATE,
        what="somebody of the client, who may see himself"),
    row(f"GET {AUDIT}",                           404, 404, 404, 200, 200, 403, 403, 200, 404, 403, 404, 200),
    row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={"permissions": {"remove": [*TAKEN, "crm.export"]}}, user_id=FELLOW, what="to narrow a partner admin"),
    row(f"PATCH {USER}",                          403, 403, 404, 200, 200, 200, 403, 403, 404, 403, 404, GATE,
        body={"permissions": {"remove": ["crm.import"]}}, user_id=FELLOW, what="to give back what they hold"),
    row(f"PATCH {USER}",                          403, 403, 404, 200, 200, 403, 403, 403, 404, 403, 404, GATE,
        body={"permissions": {}}, user_id=FELLOW, what="to give back what not all hold"),
    row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={"permission_set": "view_only"}, user_id=FELLOW, what="a lesser set for a partner admin"),
    row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={"access_days": 5}, user_id=FELLOW, what="to shorten access"),
    row(f"PATCH {USER}",                          403, 403, 404, 403, 200, 200, 403, 403, 404, 403, 404, GATE,
        body={"access_days": 20}, user_id=FELLOW, what="to lengthen access"),
    row(f"PATCH {USER}",                          403, 403, 404, 403, 200, 403, 403, 200, 404, 403, 404, GATE,
        body={"paid_seats": ["sales"]}, user_id=FELLOW, what="a paid seat"),
    row(f"PATCH {USER}",                          403, 403, 404, 403, 200, 403, 403, 403, 404, 403, 404, GATE,
        body={"permission_set": "super_admin"}, user_id=FELLOW, what="partner admin to super admin"),
    row(f"PATCH {USER}",                          404, 404, 404, 403, 200, 403, 403, 200, 404, 403, 404, GATE,
        body={"permission_set": "partner_admin"}, user_id="user-both", what="super admin to partner admin"),
    row(f"PATCH {USER}",                          404, 404, 404, 403, 200, 403, 403, 200, 404, 403, 404, GATE,
        body={"permission_set": "sales"}, user_id=APPROVER, what="to demote a super admin"),
    row(f"PATCH {USER}",                          404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={"permissions": {"remove": ["crm.invoices.view"]}}, what="the client's own, who may not edit himself"),
    row(f"PATCH {USER}",                          200, 200, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={"permissions": {"remove": ["crm.export"]}}, user_id=COLLEAGUE, what="himself, a partner admin"),
    row(f"DELETE {USER}",                         204, 204, 404, 204, 204, 204, 403, 204, 404, 403, 404, 204,
        user_id=FELLOW, what="a partner admin"),
    row(f"DELETE {USER}",                         204, 204, 404, 204, 204, 204, 403, 204, 404, 403, 404, 204,
        user_id=COLLEAGUE, what="a partner admin, who may leave"),
    row(f"DELETE {USER}",                         404, 404, 404, 403, 204, 204, 204, 204, 404, 403, 404, 204,
        what="the client's own, who may leave"),
    row(f"DELETE {USER}",                         404, 404, 404, 403, 204, 403, 403, 204, 404, 403, 404, 204,
        user_id=APPROVER, what="a super admin"),
    row(f"PUT {USER}/suspension",                 200, 200, 404, 403, 200, 200, 403, 200, 404, 403, 404, GATE,
        user_id=FELLOW, what="a partner admin"),
    row(f"PUT {USER}/suspension",                 404, 404, 404, 403, 200, 200, 403, 200, 404, 403, 404, GATE,
        what="the client's own"),
    row(f"PUT {USER}/suspension",                 404, 404, 404, 403, 409, 409, 403, 409, 404, 403, 404, GATE,
        user_id=APPROVER, what="a super admin"),
    row(f"DELETE {USER}/suspension",              200, 200, 404, 403, 200, 200, 403, 403, 404, 403, 404, GATE,
        user_id=STOPPED, what="what both sides have stopped"),
    row("POST /accounts/{account_id}/migrations", 404, 404, 404, 403, 201, 403, 403, 201, 404, 403, 404, GATE,
        body={"user_id": "user-both"}),
    row("POST /partners/{partner_id}/migrations", 200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, GATE,
        body={"account_ids": [CLIENT]}),
    row("GET /partners/{partner_id}/clients",     200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, GATE),
    row("GET /partners/{partner_id}/employees",   200, 200, 200, 200, 404, 404, 404, 200, 404, 403, 404, GATE),
    row("DELETE /partners/{partner_id}/employees/{user_id}/access",
                                                  200, 200, 403, 403, 404, 404, 404, 403, 404, 403, 404, GATE,
        user_id=FELLOW, what="a colleague's"),
    row("DELETE /partners/{partner_id}/employees/{user_id}/access",
                                                  200, 200, 403, 200, 404, 404, 404, 403, 404, 403, 404, GATE,
        user_id=COLLEAGUE, what="a colleague's, who may end his own"),
    row("DELETE /partners/{partner_id}/employees/{user_id}/access",
                                                  404, 404, 403, 403, 404, 404, 404, 403, 404, 403, 404, GATE,
        what="of somebody who is no employee"),
    row("POST /partners/{partner_id}/clients/{account_id}/users",
                                                  404, 404, 404, 200, 403, 403, 403, 403, 404, 403, 404, GATE,
        body={"employee_ids": [EMPLOYEE], "permission_set": "sales"}),
    row("POST /access/v1/explanations",           404, 404, 404, 200, 200, 200, 200, 200, 404, 403, 404, GATE,
        body={**WHY, "subject": {"type": "user", "id": CLERK}}, what="of the client's own, who may hear of himself"),
    row("POST /access/v1/explanations",           404, 404, 404, 200, 200, 200, 403, 200, 404, 403, 404, GATE,
        body={**WHY, "subject": {"type": "user", "id": FELLOW}}, what="of a partner admin"),
    *(
        row(route, *[GATE] * 11, status, body=body)
        for route, status, body in (
            (f"GET {TOLD}", 200, None),
            (f"PUT {TOLD}", 200, {"name": "Another"}),
            ("GET /directory/users/{user_id}", 200, None),
            ("PUT /directory/users/{user_id}", 200, {"name": "Another"}),
            (f"GET {TOLD}/members/{{user_id}}", 200, None),
            (f"PUT {TOLD}/members/{{user_id}}", 200, {"permission_set": "sales"}),
            ("POST /directory/users/{user_id}/erasure", 202, None),
        )
    ),
    *(row(f"POST /access/v1/{each}", *[GATE] * 12) for each in ASKED),
    row("GET /.well-known/authzen-configuration", *[200] * 12),
)  # fmt: skip


@pytest.fixture
def town(table: Table) -> Table:
    """One person for each role, and another client and partner whom they have nothing to do with."""
    firm = [staff(each) for each in ("user-both", "user-gone", "user-former")]
    a_world(
        table,
        *(an_employee(each) for each in ("user-access", "user-both")),
        *(a_user(each) for each in ("user-users", "user-former", "user-stranger")),
        a_user("user-gone", active=False),
        staff("user-access", added=("partner.client_access.manage",)),
        firm[0],
        firm[1].changed(permission_set="super_admin"),
        firm[2].changed(active=False),
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
        staff("user-stranger", "super_admin", account_id=SOUTH),
        _ended(),
    )
    return table


def _other_partner_admins() -> Iterator[Kept]:
    """One who may not all until in ten days, and one whom both sides have stopped."""
    grants = (a_grant(grant_id=f"grt_{nth * 32}") for nth in "34")
    yield from (made(each) for each in (FELLOW, STOPPED) for made in (an_employee, staff))
    yield a_partner_admin(FELLOW, removed=TAKEN, grant=next(grants).ending(10, now()))
    yield a_partner_admin(
        STOPPED, suspended_by=frozenset({SuspensionReason.CLIENT, SuspensionReason.PARTNER}), grant=next(grants)
    )


def _ended() -> Any:
    opened = now() - timedelta(days=9)
    return a_link(
        link_id=ENDED,
        created_at=opened,
        expires_at=opened + timedelta(days=7),
        secrets=frozenset({Secret.read(ENDED_SECRET).fingerprint}),
    )


def restore(table: Table, before: list[Item]) -> None:
    """Make everything as it was before."""
    was = {(item["pk"], item["sk"]): item for item in before}
    for item in table.items():
        key = keys.Key(item["pk"], item["sk"])
        kept = was.pop(key, None)
        if kept is None:
            table.remove(key)
        elif kept != item:
            table.put(key, kept)
    for left, kept in was.items():
        table.put(keys.Key(*left), kept)


def at_home(**others: str) -> dict[str, str]:
    """What stands in the path."""
    parts = {"account_id": CLIENT, "partner_id": PARTNER, "link_id": LINK, "user_id": CLERK, "set_id": CUSTOM_SET}
    return {**parts, **others}


def knock(asked: Row, by: str, where: Mapping[str, str]) -> Answer:
    parts = {name: value for name, value in where.items() if f"{{{name}}}" in asked.route}
    if "user_id" in parts:
        parts["user_id"] = asked.user_id
    return call(asked.route, by, asked.body, scope=scope_of(by), headers={"if-match": '"1"'}, **parts)


def scope_of(by: str) -> str:
    return DIRECTORY if by == VENDOR else USE


@pytest.fixture(scope="session")
def scopes() -> dict[str, set[str]]:
    """The scopes that API Gateway asks for, by route."""
    return {route.key: set(map(template.default_of, route.scopes)) for route in template.routes()}


def named(asked: Row) -> str:
    return f"{asked.route} {asked.what}".strip()


@pytest.mark.parametrize("asked", MATRIX, ids=named)
def test_everybody_may_do_what_he_may_and_no_more(town: Table, asked: Row, scopes: dict[str, set[str]]) -> None:
    before, found = town.items(), {}

    for role, by in ROLES.items():
        if scopes[asked.route] and scope_of(by) not in scopes[asked.route]:
            found[role] = GATE
            continue
        answer = knock(asked, by, at_home())
        found[role] = answer.status
        if answer.status >= 400 or asked.route.startswith("GET "):
            assert town.items() == before
        else:
            restore(town, before)

    assert found == dict(zip(ROLES, asked.statuses, strict=True))


@pytest.mark.parametrize(
    "asked", [each for each in MATRIX if "_id}" in each.route and "/directory/" not in each.route], ids=named
)
def test_elsewhere_there_is_nothing_for_anybody(town: Table, asked: Row, scopes: dict[str, set[str]]) -> None:
    before = town.items()
    elsewhere, nowhere = at_home(account_id=FLORIST, partner_id=SOUTH), at_home(account_id=NOWHERE, partner_id=NOWHERE)

    for role, by in ROLES.items():
        if role == "stranger" or scope_of(by) not in scopes[asked.route]:
            continue
        if role == "operator" and asked.route == f"GET {AUDIT}":
            continue  # he reads of every account that entries are there
        foreign, unknown = knock(asked, by, elsewhere), knock(asked, by, nowhere)
        assert (foreign.status, foreign.text) == (404, unknown.text), role
    assert town.items() == before


@pytest.mark.parametrize("route", ["POST /access-links/approvals", "POST /access-links/declines"])
def test_an_account_in_the_body_is_as_foreign_as_one_in_the_path(town: Table, route: str) -> None:
    before = town.items()

    for role, by in ROLES.items():
        if role in {"stranger", "operator"}:
            continue
        told = {call(route, by, {**REPLY, "account_id": each}).text for each in (FLORIST, NOWHERE)}
        assert len(told) == 1, role
        assert '"status": 404' in told.pop()
    assert town.items() == before


def test_who_asks_for_decisions_may_ask_and_nothing_else(town: Table, scopes: dict[str, set[str]]) -> None:
    before = town.items()
    asks = {f"POST /access/v1/{each}": body for each, body in ASKED.items()}

    assert {route for route, asked in scopes.items() if DECIDE in asked} == {*asks, "POST /access/v1/explanations"}
    assert all(scopes[route] == {DECIDE} for route in asks)
    for route, body in asks.items():
        assert call(route, authzen_requests.ENFORCER, body, scope=DECIDE).status == 200
    assert town.items() == before


def test_every_route_is_in_the_matrix_but_the_pages_which_need_no_token(scopes: dict[str, set[str]]) -> None:
    routes = {route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes} - {"$default"}
    pages = {route.key for route in template.routes() if route.operation == "serve_pages"}

    assert pages | {"GET /.well-known/authzen-configuration"} == {route for route, asked in scopes.items() if not asked}
    assert routes == {each.route for each in MATRIX} == set(scopes) - pages


def test_the_town_is_sound(town: Table) -> None:
    assert invariants.broken(town.items()) == []
