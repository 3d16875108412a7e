"""List a partner's users by client and by employee."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from typing import Self

from partner_access.api import cursors, routing
from partner_access.api.request_fields import (
    ListQuery,
    ListResponse,
    UserId,
)
from partner_access.api.responses import GrantResponse, MemberResponse, MemberWithGrantResponse, ResponsePart, UserRef
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.authorization import allowed_actions
from partner_access.domain.authorization.allowed_actions import ClientAction, EmployeeAction, MemberAction
from partner_access.domain.memberships.actors import NO_ACTOR, Actor
from partner_access.domain.relationships import partner_console
from partner_access.domain.relationships.offboarding import OffboardingFacts
from partner_access.domain.relationships.partner_console import ClientMembership
from partner_access.domain.users import is_eligible, works_for
from partner_access.store.memberships.actors import in_account
from partner_access.store.relationships import partner_console as stored

app = routing.App()


class ClientListQuery(ListQuery):
    """Filter of the list of clients: by employee."""

    employee_id: UserId | None = None


class ClientMemberRow(MemberWithGrantResponse, title="ClientMemberRow"):
    """A membership in effect now, with the time of its last change, the name of a custom set, and the grant.

    `allowed_actions` are those that you can take as client access manager of the partner, or on yourself.
    """

    changed_at: datetime | None
    set_name: str | None
    allowed_actions: tuple[MemberAction, ...]

    @classmethod
    def of_membership(cls, membership: ClientMembership, caller: Actor, act: Act) -> Self:
        return cls.of_actor(
            membership.actor,
            membership.client,
            act.at,
            set_name=membership.set_name,
            grant=GrantResponse.of_actor(membership.actor, membership.client, act.at),
            allowed_actions=allowed_actions.on_member(membership.facts_for(caller), act),
        )


class ClientRow(ResponsePart, title="ClientRow"):
    """A client with users of the partner: all members on its behalf, or one that the client created (`made_by_client`).

    A client can have one row of the first kind and several of the second.
    """

    account_id: str
    name: str
    people: tuple[ClientMemberRow, ...]
    made_by_client: bool
    allowed_actions: tuple[ClientAction, ...]

    @classmethod
    def of(cls, memberships: Sequence[ClientMembership], caller: Actor, partner_id: str, act: Act) -> Self:
        """Build the row from the memberships in one client, of which there is at least one."""
        first = memberships[0]
        caller_there = next((each.actor for each in memberships if each.user_id == act.actor_id), NO_ACTOR)
        return cls(
            account_id=first.client.account_id,
            name=first.client.name,
            people=tuple(ClientMemberRow.of_membership(each, caller, act) for each in memberships),
            made_by_client=first.created_by_client,
            allowed_actions=allowed_actions.in_client(caller_there, partner_id, act),
        )


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
            ClientRow.of(list(memberships), caller, partner_id, act)
            for _, memberships in groupby(page.items, _grouping_key)
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
    access_ends_on: date | None
    time_zone: str

    @classmethod
    def of_membership(cls, membership: ClientMembership, at: datetime) -> Self:
        member = MemberResponse.of_actor(membership.actor, membership.client, at)
        return cls(
            account_id=member.account_id,
            name=membership.client.name,
            permission_set=member.permission_set,
            set_name=membership.set_name,
            state=member.state,
            expires_at=member.expires_at,
            access_ends_on=member.access_ends_on,
            time_zone=member.time_zone,
        )


class EmployeeRow(UserRef, title="EmployeeRow"):
    """A partner employee with their first clients.

    In `clients`, they are a member on behalf of the partner. In `super_admin_of`, the client made them super admin, and
    they are not migrated yet. If there can be more of a kind, the list of this employee's clients has them all.
    """

    state: EmployeeState
    eligible: bool
    clients: tuple[EmployeeClientRow, ...]
    has_more_clients: bool
    super_admin_of: tuple[AccountRef, ...]
    has_more_super_admin_of: bool
    allowed_actions: tuple[EmployeeAction, ...]

    @classmethod
    def of_employee(
        cls, employee: stored.EmployeeWithClients, caller: Actor, partner: Account | None, act: Act
    ) -> Self:
        user = employee.user
        on_behalf = [each for each in employee.memberships if not each.created_by_client]
        unmigrated = [each for each in employee.memberships if each.member.is_super_admin]
        return cls(
            user_id=user.user_id,
            name=user.name,
            email=user.email if partner and works_for(user, partner.account_id) else None,
            state=EmployeeState.ACTIVE if employee.is_active else EmployeeState.DEACTIVATED,
            eligible=is_eligible(user, partner),
            clients=tuple(
                EmployeeClientRow.of_membership(each, act.at) for each in on_behalf[: stored.MAX_CLIENTS_PER_EMPLOYEE]
            ),
            has_more_clients=len(on_behalf) > stored.MAX_CLIENTS_PER_EMPLOYEE or employee.may_have_more,
            super_admin_of=tuple(AccountRef.of(each.client) for each in unmigrated[: stored.MAX_CLIENTS_PER_EMPLOYEE]),
            has_more_super_admin_of=len(unmigrated) > stored.MAX_CLIENTS_PER_EMPLOYEE or employee.may_have_more,
            allowed_actions=allowed_actions.on_employee(
                OffboardingFacts(partner=partner, actor=caller, employee=employee.actor), act
            ),
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
        items=tuple(EmployeeRow.of_employee(each, caller, partner, act) for each in page.items),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


handler = app
