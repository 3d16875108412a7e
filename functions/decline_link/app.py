"""An approver of a client account declines an access link."""

from partner_access.api import routing
from partner_access.api.request_fields import Identifier, ParsedLinkSecret, Prose, Request
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act
from partner_access.domain.links import approvals
from partner_access.domain.links.links import LinkState
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.links import approvals as stored

app = routing.App(replay_if_stored=replay_if_stored)


class DeclineLinkRequest(Request, title="DeclineLinkRequest"):
    """The account to decline the link for, and an optional reason."""

    secret: ParsedLinkSecret
    account_id: Identifier
    reason: Prose | None = None


class DeclineLinkResponse(ResponseBody, title="DeclineLinkResponse"):
    """The new state of the link for this account."""

    state: LinkState = LinkState.DECLINED


@app.operation(
    routing.Docs(
        "decline_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Decline an access link for one account.",
        description=(
            "Everyone who can approve the link for the account can decline it. The link's creator and its employee "
            "are notified. A link with several approvals ends for this account only."
        ),
    ),
)
def decline_link(request: DeclineLinkRequest, act: Act) -> DeclineLinkResponse:
    facts = stored.facts_for_reply(request.secret, request.account_id, act.actor_id)
    declined = approvals.decline(facts, request.reason, act)
    response = DeclineLinkResponse()
    stored.record_decline(declined, response)
    return response


handler = app
