"""POST /access-links/renewals: whoever holds an ended link asks its creator for a new one."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.request_fields import LinkSecret, Request
from partner_access.api.response_body import Answer
from partner_access.domain.act import Act
from partner_access.domain.links import renewals
from partner_access.store.dynamo import keep, recall
from partner_access.store.links import links as stored

app = routing.App(recall=recall)


class LinkRenewalRequest(Request, title="LinkRenewalRequest"):
    """The secret of the ended link."""

    secret: LinkSecret


class LinkRenewalResponse(Answer, title="LinkRenewalResponse"):
    """The confirmation that the creator is notified, now or by an earlier request."""

    status: ClassVar[int] = HTTPStatus.ACCEPTED

    accepted: bool = True


@app.post(
    "/access-links/renewals",
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
def request_link_renewal(renewal: LinkRenewalRequest, act: Act) -> LinkRenewalResponse:
    asked = renewals.ask_anew(stored.facts_for_renewal(renewal.secret, act.by), renewal.secret, act)
    answer = LinkRenewalResponse()
    if asked:
        stored.record_asking(asked, answer)
    else:
        keep(act, answer)
    return answer


handler = app
