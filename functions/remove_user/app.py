"""End the grant or the membership of a user."""

from partner_access.api import routing
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act
from partner_access.domain.memberships import removals
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.memberships import changes as stored

app = routing.App(replay_if_stored=replay_if_stored)


class RemovalResponse(ResponseBody, title="RemovalResponse"):
    """The membership that ended. `former_set` is the set of before its grant, which the client can give again."""

    account_id: str
    user_id: str
    former_set: str | None


@app.operation(
    routing.Docs(
        "remove_user",
        tag=routing.Tag.USERS,
        summary="Remove a user's access to an account.",
        description=(
            "Super admins and user managers of the account, partner members and client access managers of the user's "
            "partner, the user and the vendor's back end can do this. The membership ends, with the user's grant if "
            "there is one. Nothing of before the grant returns, but the response names its permission set, which the "
            "client can give again."
        ),
    ),
)
def remove_user(account_id: str, user_id: str, expected_version: routing.ExpectedVersion, act: Act) -> RemovalResponse:
    facts = stored.facts(account_id, user_id, act.actor_id)
    removed = removals.remove(facts, expected_version, act)
    response = RemovalResponse(account_id=account_id, user_id=user_id, former_set=removed.former_set)
    stored.record_removal(removed, response)
    return response


handler = app
