"""The holder of an ended link requests a new one from its creator."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.request_fields import ParsedLinkSecret, Request
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act
from partner_access.domain.links import renewals
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.links import links as stored

app = routing.App(replay_if_stored=replay_if_stored)


class LinkRenewalRequest(Request, title="LinkRenewalRequest"):
    """The secret of the ended link."""

    secret: ParsedLinkSecret


class LinkRenewalResponse(ResponseBody, title="LinkRenewalResponse"):
    """The confirmation that the creator is notified, now or by an earlier request."""

    status: ClassVar[int] = HTTPStatus.ACCEPTED

    accepted: bool = True


@app.operation(
    routing.Docs(
        "request_link_renewal",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Request the renewal of an ended access link.",
        description=(
            "Anyone with a token and the link's secret can ask its creator for a new link. The creator gets one "
            "email per link, and further requests change nothing."
        ),
    ),
)
def request_link_renewal(request: LinkRenewalRequest, act: Act) -> LinkRenewalResponse:
    requested = renewals.request_renewal(stored.facts_for_renewal(request.secret, act.actor_id), request.secret, act)
    response = LinkRenewalResponse()
    if requested:
        stored.record_renewal_request(requested, response)
    else:
        store_response(act, response)
    return response


handler = app
