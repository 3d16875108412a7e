"""List a partner's users by client and by employee."""

from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Self

from partner_access.api import cursors, routing
from partner_access.api.request_fields import Identifier, ListQuery, ListResponse
from partner_access.api.responses import GrantResponse, MemberResponse, ResponsePart
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.relationships import partner_console
from partner_access.domain.relationships.partner_console import ClientMembership
from partner_access.domain.users import is_eligible
from partner_access.store.memberships.actors import in_account
from partner_access.store.relationships import partner_console as stored

app = routing.App()


class ClientListQuery(ListQuery):
    """Filter of the list of clients: by employee."""

    employee_id: Identifier | None = None


class ClientMemberRow(MemberResponse, title="ClientMemberRow"):
    """A membership in effect now, with the time of its last change, the name of a custom set, and the grant."""

    changed_at: datetime | None
    set_name: str | None
    grant: GrantResponse | None

    @classmethod
    def of_membership(cls, membership: ClientMembership, at: datetime) -> Self:
        now = membership.member.model_copy(update={"suspended_by": membership.actor.suspended_by_at(at)})
        grant = GrantResponse.of(now.grant, now, membership.client) if now.grant else None
        return cls.of_actor(membership.actor, at, set_name=membership.set_name, grant=grant)


class ClientRow(ResponsePart, title="ClientRow"):
    """A client with users of the partner: all members on its behalf, or one that the client created (`made_by_client`).

    A client can have one row of the first kind and several of the second.
    """

    account_id: str
    name: str
    people: tuple[ClientMemberRow, ...]
    made_by_client: bool


class ClientList(ListResponse, title="ClientList"):
    """One page of clients.

    Members on behalf of the partner come first, by client, then those that clients created, by employee. With
    `employee_id`, all are sorted by client. `limit` counts users. All members of one client on behalf of the partner
    are on one page, which can exceed the limit by up to 100.
    """

    items: tuple[ClientRow, ...]


@app.operation(
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
def list_clients(partner_id: str, query: ClientListQuery, act: Act) -> ClientList:
    caller, partner = in_account(partner_id, act.actor_id)
    employee_id = partner_console.listed_employee_id(caller, partner, query.employee_id, act)
    listed = f"list_clients {partner_id} {employee_id or ''}"
    after = cursors.position_after(query, listed, act)
    if employee_id:
        page = stored.memberships_of(partner_id, employee_id, at=act.at, after=after, limit=query.size)
    else:
        page = stored.all_memberships(partner_id, at=act.at, after=after, limit=query.size)
    return ClientList(
        items=tuple(
            ClientRow(
                account_id=account_id,
                name=memberships[0].client.name,
                people=tuple(ClientMemberRow.of_membership(each, act.at) for each in memberships),
                made_by_client=user_id is not None,
            )
            for (account_id, user_id), memberships in (
                (key, list(some)) for key, some in groupby(page.items, _grouping_key)
            )
        ),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


def _grouping_key(membership: ClientMembership) -> tuple[str, str | None]:
    """Return the grouping key: the client for members on behalf of the partner, else the client and the user."""
    return membership.client.account_id, membership.user_id if membership.created_by_client else None


class EmployeeState(StrEnum):
    """The state of an employee in the partner account."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class AccountRef(ResponsePart, title="AccountRef"):
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
    def of_membership(cls, membership: ClientMembership, at: datetime) -> Self:
        member = MemberResponse.of_actor(membership.actor, at)
        return cls(
            account_id=member.account_id,
            name=membership.client.name,
            permission_set=member.permission_set,
            set_name=membership.set_name,
            state=member.state,
            expires_at=member.expires_at,
        )


class EmployeeRow(ResponsePart, title="EmployeeRow"):
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
    def of(cls, employee: stored.EmployeeWithClients, partner_id: str, partner: Account | None, at: datetime) -> Self:
        user = employee.user
        on_behalf = [each for each in employee.memberships if not each.created_by_client]
        unmigrated = [each for each in employee.memberships if each.member.is_super_admin]
        return cls(
            user_id=user.user_id,
            name=user.name,
            email=user.email if partner_id in user.employed_by else None,
            state=EmployeeState.ACTIVE if employee.is_active else EmployeeState.DEACTIVATED,
            eligible=is_eligible(user, partner),
            clients=tuple(
                EmployeeClientRow.of_membership(each, at) for each in on_behalf[: stored.MAX_CLIENTS_PER_EMPLOYEE]
            ),
            has_more_clients=len(on_behalf) > stored.MAX_CLIENTS_PER_EMPLOYEE or employee.may_have_more,
            super_admin_of=tuple(AccountRef.of(each.client) for each in unmigrated[: stored.MAX_CLIENTS_PER_EMPLOYEE]),
            has_more_super_admin_of=len(unmigrated) > stored.MAX_CLIENTS_PER_EMPLOYEE or employee.may_have_more,
        )


class EmployeeList(ListResponse, title="EmployeeList"):
    """One page of partner employees, sorted by id."""

    items: tuple[EmployeeRow, ...]


@app.operation(
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
    caller, partner = in_account(partner_id, act.actor_id)
    employee_id = partner_console.listed_employee_id(caller, partner, None, act)
    listed = f"list_employees {partner_id} {employee_id or ''}"
    after = cursors.position_after(query, listed, act)
    if employee_id:
        page = stored.employee(partner_id, employee_id, at=act.at)
    else:
        limit = min(query.size, stored.MAX_EMPLOYEES_PER_PAGE)
        page = stored.employees(partner_id, at=act.at, after=after, limit=limit)
    return EmployeeList(
        items=tuple(EmployeeRow.of(each, partner_id, partner, act.at) for each in page.items),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


handler = app
