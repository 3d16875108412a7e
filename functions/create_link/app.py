"""POST /partners/{partner_id}/access-links: a partner asks clients to make one of its employees a partner admin."""

from http import HTTPStatus
from typing import Annotated, ClassVar

from pydantic import Field

from partner_access import page_urls
from partner_access.api import routing
from partner_access.api.request_fields import AccessDays, Identifier, Prose, Removals, Request
from partner_access.api.response_body import Answer
from partner_access.api.responses import LinkResponse
from partner_access.domain.act import Act
from partner_access.domain.links import links
from partner_access.domain.notifications import Locale
from partner_access.email_addresses import Email
from partner_access.store.dynamo import recall
from partner_access.store.links import links as stored

app = routing.App(recall=recall)


class CreateLinkRequest(Request, title="CreateLinkRequest"):
    """The requested access, the employee it is for, and the limits of the link.

    Without `employee_id`, the link is for you.
    """

    employee_id: Identifier | None = None
    account_id: Identifier | None = None
    recipient_email: Email | None = None
    permissions: Removals = Removals()
    access_days: AccessDays | None = None
    link_days: Annotated[int, Field(ge=1, le=30)] = 7
    max_approvals: Annotated[int, Field(ge=1, le=1000)] = 1
    purpose: Prose | None = None
    locale: Locale | None = None


class CreateLinkResponse(Answer, LinkResponse, title="CreateLinkResponse"):
    """The link with its URL, which is only returned once."""

    status: ClassVar[int] = HTTPStatus.CREATED
    never_kept: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str


@app.post(
    "/partners/{partner_id}/access-links",
    routing.Docs(
        "create_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Create an access link for yourself or a colleague.",
        description=(
            "Super admins and client access managers of the partner can create links, for eligible employees only. "
            "The URL of the link is returned once, and a replay of the request leaves it out. `recipient_email` only "
            "addresses the email, and `account_id` binds the link to one account."
        ),
    ),
)
def create_link(partner_id: str, creation: CreateLinkRequest, act: Act) -> CreateLinkResponse:
    wish = links.Wish(
        employee_id=creation.employee_id or act.by,
        account_id=creation.account_id,
        recipient=creation.recipient_email,
        removed=creation.permissions.remove,
        access_days=creation.access_days,
        link_days=creation.link_days,
        max_approvals=creation.max_approvals,
        purpose=creation.purpose,
        locale=creation.locale,
    )
    facts = stored.facts_for_creation(partner_id, wish, act.by)
    created = links.create(facts, wish, act)
    answer = CreateLinkResponse.of(created.link, created.employee, act.at, url=page_urls.to_approve(created.secret))
    stored.record_creation(created, answer)
    return answer


handler = app
