"""POST /access-links/renewals: whoever holds an ended link asks its creator for a new one."""

from http import HTTPStatus
from typing import ClassVar

from partner_access import api
from partner_access.domain import renewals
from partner_access.domain.decisions import Act, Answer
from partner_access.fields import LinkSecret, Request
from partner_access.store import links as stored
from partner_access.store.dynamo import keep, recall

app = api.App(recall=recall)


class LinkRenewalRequest(Request, title="LinkRenewalRequest"):
    """The secret of the ended link."""

    secret: LinkSecret


class LinkRenewalResponse(Answer, title="LinkRenewalResponse"):
    """The confirmation that the creator is notified, now or by an earlier request."""

    status: ClassVar[int] = HTTPStatus.ACCEPTED

    accepted: bool = True


@app.post(
    "/access-links/renewals",
    api.Docs(
        "request_link_renewal",
        tag=api.Tag.ACCESS_LINKS,
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
