"""POST /partners/{partner_id}/access-links/{link_id}/resend: a new secret in place of every earlier one."""

from typing import ClassVar

from partner_access import api, pages
from partner_access.domain import renewals
from partner_access.domain.decisions import Act, Answer
from partner_access.representations import LinkResponse
from partner_access.store import links as stored
from partner_access.store.dynamo import recall

app = api.App(recall=recall)


class ResendLinkResponse(Answer, LinkResponse, title="ResendLinkResponse"):
    """The link with its new URL, which is only returned once."""

    never_kept: ClassVar[frozenset[str]] = frozenset({"url"})

    url: str


@app.post(
    "/partners/{partner_id}/access-links/{link_id}/resend",
    api.Docs(
        "resend_link",
        tag=api.Tag.ACCESS_LINKS,
        summary="Resend an open access link with a new secret.",
        description=(
            "Client access managers of the partner can resend a link, at most once a minute and five times in 24 "
            "hours. Earlier secrets stop working, and the lifetime of the link starts again. The new URL is returned "
            "once, and a replay of the request leaves it out."
        ),
    ),
)
def resend_link(partner_id: str, link_id: str, act: Act) -> ResendLinkResponse:
    facts = stored.facts_for_resending(partner_id, link_id, act.by)
    resent = renewals.resend(facts, act)
    answer = ResendLinkResponse.of(resent.link, resent.employee, act.at, url=pages.to_approve(resent.secret))
    stored.record_resending(resent, answer)
    return answer


handler = app
