"""GET /partners/{partner_id}/clients and …/employees: a partner's people, by client and one by one."""

from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Final, Self

from partner_access.api import cursors, routing
from partner_access.api.request_fields import Identifier, ListQuery, Page
from partner_access.api.responses import GrantResponse, MemberResponse, Part
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.relationships import partner_console
from partner_access.domain.relationships.partner_console import Presence
from partner_access.domain.users import eligible
from partner_access.store.memberships.actors import in_account
from partner_access.store.relationships import partner_console as stored

app = routing.App()

CLIENTS: Final = "/partners/{partner_id}/clients"
EMPLOYEES: Final = "/partners/{partner_id}/employees"


class ClientsQuery(ListQuery):
    """Of one employee."""

    employee_id: Identifier | None = None


class ClientMemberRow(MemberResponse, title="ClientMemberRow"):
    """A membership in effect now, with the time of its last change, the name of a custom set, and the grant."""

    changed_at: datetime | None
    set_name: str | None
    grant: GrantResponse | None

    @classmethod
    def there(cls, presence: Presence, at: datetime) -> Self:
        now = presence.member.model_copy(update={"suspended_by": presence.actor.suspended_by_at(at)})
        grant = GrantResponse.of(now.grant, now, presence.client) if now.grant else None
        return cls.seen(presence.actor, at, set_name=presence.set_name, grant=grant)


class ClientRow(Part, title="ClientRow"):
    """A client with the partner's users in it.

    They are all members on behalf of the partner, or one member that the client created itself (`made_by_client`).
    """

    account_id: str
    name: str
    people: tuple[ClientMemberRow, ...]
    made_by_client: bool


class ClientList(Page, title="ClientList"):
    """One page of clients.

    Members on behalf of the partner come first, by client, then those that clients created, by employee. With
    `employee_id`, all are sorted by client. `limit` counts users. All members of one client on behalf of the partner
    are on one page, which can exceed the limit by up to 100.
    """

    items: tuple[ClientRow, ...]


@app.get(
    CLIENTS,
    routing.Docs(
        "list_clients",
        tag=routing.Tag.PARTNERS,
        summary="List the clients of a partner with its users in each.",
        description=(
            "Client access managers of the partner see all clients. Other employees see the clients in which they "
            "are members. `limit` counts users, and all members of one client on behalf of the partner are on one "
            "page, which can exceed the limit by up to 100."
        ),
    ),
)
def list_clients(partner_id: str, query: ClientsQuery, act: Act) -> ClientList:
    caller, partner = in_account(partner_id, act.by)
    whose = partner_console.listed_for(caller, partner, query.employee_id, act)
    listed = f"{CLIENTS.format(partner_id=partner_id)}#{whose or ''}"
    after = cursors.after(query, listed, act)
    if whose:
        page = stored.ones(partner_id, whose, at=act.at, after=after, limit=query.size)
    else:
        page = stored.everybodys(partner_id, at=act.at, after=after, limit=query.size)
    return ClientList(
        items=tuple(
            ClientRow(
                account_id=account_id,
                name=together[0].client.name,
                people=tuple(ClientMemberRow.there(each, act.at) for each in together),
                made_by_client=user_id is not None,
            )
            for (account_id, user_id), together in ((key, list(some)) for key, some in groupby(page.items, _together))
        ),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


def _together(presence: Presence) -> tuple[str, str | None]:
    """Those on the firm's behalf are shown client by client, each whom a client made by himself."""
    return presence.client.account_id, presence.user_id if presence.made_by_client else None


class EmployeeState(StrEnum):
    """The state of an employee in the partner account."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class AccountRef(Part, title="AccountRef"):
    """An account by id, with its name."""

    account_id: str
    name: str

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(account_id=account.account_id, name=account.name)


class EmployeeClientRow(AccountRef, title="EmployeeClientRow"):
    """A client in which the employee is a member on behalf of the partner."""

    permission_set: str
    set_name: str | None
    state: str
    expires_at: datetime | None

    @classmethod
    def there(cls, presence: Presence, at: datetime) -> Self:
        seen = MemberResponse.seen(presence.actor, at)
        return cls(
            account_id=seen.account_id,
            name=presence.client.name,
            permission_set=seen.permission_set,
            set_name=presence.set_name,
            state=seen.state,
            expires_at=seen.expires_at,
        )


class EmployeeRow(Part, title="EmployeeRow"):
    """A partner employee with their first clients.

    In `clients`, they are a member on behalf of the partner. In `super_admin_of`, the client made them super admin, and
    they are not migrated yet. If there can be more of a kind, the list of this employee's clients has them all.
    """

    user_id: str
    name: str
    email: str | None
    state: EmployeeState
    eligible: bool
    clients: tuple[EmployeeClientRow, ...]
    has_more_clients: bool
    super_admin_of: tuple[AccountRef, ...]
    has_more_super_admin_of: bool

    @classmethod
    def of(cls, employee: stored.Employee, partner_id: str, partner: Account | None, at: datetime) -> Self:
        user = employee.user
        there = [each for each in employee.presences if not each.made_by_client]
        unmigrated = [each for each in employee.presences if each.member.is_super_admin]
        return cls(
            user_id=user.user_id,
            name=user.name,
            email=user.email if partner_id in user.employed_by else None,
            state=EmployeeState.ACTIVE if employee.is_active else EmployeeState.DEACTIVATED,
            eligible=eligible(user, partner),
            clients=tuple(EmployeeClientRow.there(each, at) for each in there[: stored.FIRST]),
            has_more_clients=len(there) > stored.FIRST or employee.may_have_more,
            super_admin_of=tuple(AccountRef.of(each.client) for each in unmigrated[: stored.FIRST]),
            has_more_super_admin_of=len(unmigrated) > stored.FIRST or employee.may_have_more,
        )


class EmployeeList(Page, title="EmployeeList"):
    """One page of partner employees, sorted by id."""

    items: tuple[EmployeeRow, ...]


@app.get(
    EMPLOYEES,
    routing.Docs(
        "list_employees",
        tag=routing.Tag.PARTNERS,
        summary="List the employees of a partner with their clients, sorted by id.",
        description=(
            "Client access managers of the partner see all employees. Other employees see themselves. A page has at "
            "most 25 employees."
        ),
    ),
)
def list_employees(partner_id: str, query: ListQuery, act: Act) -> EmployeeList:
    caller, partner = in_account(partner_id, act.by)
    whose = partner_console.listed_for(caller, partner, None, act)
    listed = f"{EMPLOYEES.format(partner_id=partner_id)}#{whose or ''}"
    after = cursors.after(query, listed, act)
    if whose:
        page = stored.employee(partner_id, whose, at=act.at)
    else:
        limit = min(query.size, stored.EMPLOYEES_AT_ONCE)
        page = stored.employees(partner_id, at=act.at, after=after, limit=limit)
    return EmployeeList(
        items=tuple(EmployeeRow.of(each, partner_id, partner, act.at) for each in page.items),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


handler = app
