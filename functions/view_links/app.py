"""View the links of a partner, always without secrets."""

from collections.abc import Mapping
from typing import TypeVar

from partner_access.api import cursors, routing
from partner_access.api.request_fields import (
    ListQuery,
    ListResponse,
    UserId,
)
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import LinkResponse
from partner_access.domain.accounts import Account
from partner_access.domain.act import Act
from partner_access.domain.links import links
from partner_access.domain.links.links import Link
from partner_access.domain.relationships.partner_console import listed_employee_id
from partner_access.domain.users import User
from partner_access.store.links import links as stored
from partner_access.store.memberships.actors import in_account

app = routing.App()


class LinkListQuery(ListQuery):
    """Filters of a list of links: by employee and by state."""

    employee_id: UserId | None = None
    state: links.LinkState | None = None


class LinkList(ListResponse, title="LinkList"):
    """One page of access links, newest first."""

    items: tuple[LinkResponse, ...]


class GetLinkResponse(ResponseBody, LinkResponse, title="GetLinkResponse"):
    """An access link, without its secret."""


@app.operation(
    routing.Docs(
        "list_links",
        tag=routing.Tag.ACCESS_LINKS,
        summary="List the access links of a partner, newest first.",
        description=(
            "Client access managers of the partner see all links. Other employees see the links for themselves. "
            "Links never contain their secret."
        ),
    ),
)
def list_links(partner_id: str, query: LinkListQuery, act: Act) -> LinkList:
    caller, partner = in_account(partner_id, act.actor_id)
    employee_id = listed_employee_id(caller, partner, query.employee_id, act)
    listed = f"list_links {partner_id}"
    page = stored.page(
        partner_id, employee_id=employee_id, after=cursors.position_after(query, listed, act), limit=query.size
    )
    employees = stored.employees_of(page.links)
    shown = (_link_response(LinkResponse, link, employees, partner, act) for link in page.links)
    return LinkList(
        items=tuple(link for link in shown if query.state in (None, link.state)),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


@app.operation(
    routing.Docs(
        "view_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Get an access link.",
        description=(
            "Client access managers of the partner can get any link. Other employees can get links that they created "
            "or that are for them. The link does not contain its secret."
        ),
    ),
)
def view_link(partner_id: str, link_id: str, act: Act) -> GetLinkResponse:
    facts = stored.facts_for_one(partner_id, link_id, act.actor_id)
    link = links.must_be_own_or_managed(facts, act)
    return _link_response(GetLinkResponse, link, stored.employees_of([link]), facts.partner, act)


LinkT = TypeVar("LinkT", bound=LinkResponse)


def _link_response(
    kind: type[LinkT], link: Link, employees: Mapping[str, User], partner: Account | None, act: Act
) -> LinkT:
    employee = employees[link.employee_id]
    return kind.of(link, employee, act.at, access_generation=links.current_access_generation(employee, partner))


handler = app
