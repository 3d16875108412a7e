"""An approver of a client account approves an access link."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.request_fields import (
    AccessDays,
    Identifier,
    LocalDate,
    ParsedLinkSecret,
    Removals,
    Request,
    requested_end,
)
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import GrantResponse
from partner_access.domain.act import Act
from partner_access.domain.errors import NotEligible
from partner_access.domain.links import approvals, links
from partner_access.domain.memberships.members import RequestedAccess
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.links import approvals as stored
from partner_access.store.links import links as stored_links

app = routing.App(replay_if_stored=replay_if_stored)


class ApproveLinkRequest(Request, title="ApproveLinkRequest"):
    """The account to approve the link for, and how you reduce the requested access.

    `permissions` removes more permissions, and `access_days` or `access_ends_on` shortens the access.
    """

    secret: ParsedLinkSecret
    account_id: Identifier
    permissions: Removals = Removals()
    access_days: AccessDays | None = None
    access_ends_on: LocalDate | None = None


class ApproveLinkResponse(ResponseBody, GrantResponse, title="ApproveLinkResponse"):
    """The grant that makes the link's employee a partner admin of the account."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.operation(
    routing.Docs(
        "approve_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Approve an access link for one account.",
        description=(
            "Super admins and user managers of the account can approve, unless they are partner members there or "
            "work for the partner that created the link. You can remove permissions and shorten the access, but not "
            "add to the request. If the link's employee is no longer eligible, the link is revoked and you get 409."
        ),
    ),
)
def approve_link(request: ApproveLinkRequest, act: Act) -> ApproveLinkResponse:
    end = requested_end(request.access_days, request.access_ends_on)
    granted_access = RequestedAccess(removed=request.permissions.remove, **dict(end))
    facts = stored.facts_for_reply(request.secret, request.account_id, act.actor_id)
    try:
        approved = approvals.approve(facts, granted_access, act)
    except NotEligible:
        stored_links.record_end(links.revoke_ineligible(facts.link, act, *facts.subject))
        raise
    response = ApproveLinkResponse.of(approved.grant, approved.member, approved.account)
    stored.record_approval(approved, response)
    return response


handler = app
