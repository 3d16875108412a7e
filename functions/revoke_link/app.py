"""Revoke an access link."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act
from partner_access.domain.links import links
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.links import links as stored

app = routing.App(replay_if_stored=replay_if_stored)


class RevokeLinkResponse(ResponseBody):
    """An empty response, stored so that the idempotency key replays it."""

    status: ClassVar[int] = HTTPStatus.NO_CONTENT


@app.operation(
    routing.Docs(
        "revoke_link",
        tag=routing.Tag.ACCESS_LINKS,
        summary="Revoke an open access link.",
        description=(
            "Client access managers of the partner and the vendor's back end can revoke a link. An ended link stays "
            "as it is, so a repeated request changes nothing. A link that is used up gets 409."
        ),
    ),
)
def revoke_link(partner_id: str, link_id: str, act: Act) -> None:
    facts = stored.facts_for_one(partner_id, link_id, act.actor_id)
    revoked = links.revoke(facts, act)
    if revoked:
        stored.record_end(revoked, RevokeLinkResponse())
    else:
        store_response(act, RevokeLinkResponse())


handler = app
