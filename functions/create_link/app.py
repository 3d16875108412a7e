"""A partner creates a link that asks for access for one employee."""

from http import HTTPStatus
from typing import Annotated, ClassVar

from pydantic import Field

from partner_access import page_urls
from partner_access.api import routing
from partner_access.api.request_fields import (
    AccessDays,
    Identifier,
    LocalDate,
    Prose,
    Removals,
    Request,
    UserId,
    requested_end,
)
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import LinkResponse
from partner_access.domain.act import Act
from partner_access.domain.links import creations
from partner_access.domain.notifications import Locale
from partner_access.email_addresses import EmailAddress
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.links import links as stored

app = routing.App(replay_if_stored=replay_if_stored)


class CreateLinkRequest(Request, title="CreateLinkRequest"):
    """The requested access, the employee it is for, and the limits of the link.

    Without `employee_id`, the link is for you. Access ends on a date in the time zone of the client, or so many days
    after the day of the approval.
    """

    employee_id: UserId | None = None
    account_id: Identifier | None = None
    recipient_email: EmailAddress | None = None
    permissions: Removals = Removals()
    access_days: AccessDays | None = None
    access_ends_on: LocalDate | None = None
    link_days: Annotated[int, Field(ge=1, le=30)] = 7
    max_approvals: Annotated[int, Field(ge=1, le=1000)] = 1
    purpose: Prose | None = None
    locale: Locale | None = None


class CreateLinkResponse(ResponseBody, LinkResponse, title="CreateLinkResponse"):
    """The link with its URL, which is only returned once."""

    status: ClassVar[int] = HTTPStatus.CREATED
    never_stored: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str


@app.operation(
    routing.Docs(
        "create_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Create an access link for yourself or another employee.",
        description=(
            "Super admins and client access managers of the partner can create links, for eligible employees only. "
            "The URL of the link is returned once, and a replay of the request leaves it out. `recipient_email` only "
            "addresses the email, and `account_id` binds the link to one account."
        ),
    ),
)
def create_link(partner_id: str, request: CreateLinkRequest, act: Act) -> CreateLinkResponse:
    new_link = creations.NewLink(
        employee_id=request.employee_id or act.actor_id,
        account_id=request.account_id,
        recipient=request.recipient_email,
        removed=request.permissions.remove,
        end=requested_end(request.access_days, request.access_ends_on),
        link_days=request.link_days,
        max_approvals=request.max_approvals,
        purpose=request.purpose,
        locale=request.locale,
    )
    facts = stored.facts_for_creation(partner_id, new_link, act.actor_id)
    created = creations.create(facts, new_link, act)
    response = CreateLinkResponse.of(created.link, created.employee, act.at, url=page_urls.of_approval(created.secret))
    stored.record_creation(created, response)
    return response


handler = app
