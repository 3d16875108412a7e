"""End the grant or the membership of a user."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act
from partner_access.domain.memberships import removals
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.memberships import changes as stored

app = routing.App(replay_if_stored=replay_if_stored)


class RemoveUserResponse(ResponseBody):
    """An empty response, stored so that the idempotency key replays it."""

    status: ClassVar[int] = HTTPStatus.NO_CONTENT


@app.operation(
    routing.Docs(
        "remove_user",
        tag=routing.Tag.USERS,
        summary="Remove a user's access to an account.",
        description=(
            "Super admins and user managers of the account, partner members and client access managers of the user's "
            "partner, the user and the vendor's back end can do this. If the user has a grant, the grant ends and "
            "any earlier membership returns. Otherwise the membership ends."
        ),
    ),
)
def remove_user(account_id: str, user_id: str, expected_version: routing.ExpectedVersion, act: Act) -> None:
    facts = stored.facts(account_id, user_id, act.actor_id)
    stored.record_removal(removals.remove(facts, expected_version, act), RemoveUserResponse())


handler = app
