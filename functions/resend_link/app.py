"""Replace all secrets of a link by a new one."""

from typing import ClassVar

from partner_access import page_urls
from partner_access.api import routing
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import LinkResponse
from partner_access.domain.act import Act
from partner_access.domain.links import resends
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.links import links as stored

app = routing.App(replay_if_stored=replay_if_stored)


class ResendLinkResponse(ResponseBody, LinkResponse, title="ResendLinkResponse"):
    """The link with its new URL, which is only returned once."""

    never_stored: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str


@app.operation(
    routing.Docs(
        "resend_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Resend an open access link with a new secret.",
        description=(
            "Client access managers of the partner can resend a link, at most once a minute and five times in 24 "
            "hours. Earlier secrets stop working, and the lifetime of the link starts again. The new URL is returned "
            "once, and a replay of the request leaves it out."
        ),
    ),
)
def resend_link(partner_id: str, link_id: str, act: Act) -> ResendLinkResponse:
    facts = stored.facts_for_resend(partner_id, link_id, act.actor_id)
    resent = resends.resend(facts, act)
    response = ResendLinkResponse.of(resent.link, resent.employee, act.at, url=page_urls.of_approval(resent.secret))
    stored.record_resend(resent, response)
    return response


handler = app
