"""Suspend and resume the access of a member."""

from dataclasses import replace
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.request_fields import Prose, Request
from partner_access.api.responses import TaggedMemberResponse
from partner_access.domain.act import Act
from partner_access.domain.memberships import suspensions
from partner_access.domain.memberships.roles import MembershipChanged, MembershipFacts
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.memberships import changes as stored

app = routing.App(replay_if_stored=replay_if_stored)


class SuspendUserRequest(Request, title="SuspendUserRequest"):
    """An optional reason, which the email to the user includes."""

    is_optional: ClassVar[bool] = True

    reason: Prose | None = None


@app.operation(
    routing.Docs(
        "suspend_user",
        tag=routing.Tag.USERS,
        summary="Suspend a member's access to an account.",
        description=(
            "Super admins and user managers of the account and client access managers of the member's partner can "
            "suspend a member who is not a super admin. Access stops at once, and the seat is kept. A repeated "
            "request changes nothing."
        ),
    ),
)
def suspend_user(account_id: str, user_id: str, request: SuspendUserRequest, act: Act) -> TaggedMemberResponse:
    facts = stored.facts(account_id, user_id, act.actor_id)
    return _response(facts, suspensions.suspend(facts, request.reason, act), act)


@app.operation(
    routing.Docs(
        "resume_user",
        tag=routing.Tag.USERS,
        summary="Resume a member's suspended access to an account.",
        description=(
            "Everyone who can suspend the member can lift the suspension of their own side. If the other side has "
            "also suspended the access, it stays suspended. If your side has not suspended it, nothing changes, and "
            "if only others have, you get 409."
        ),
    ),
)
def resume_user(account_id: str, user_id: str, act: Act) -> TaggedMemberResponse:
    facts = stored.facts(account_id, user_id, act.actor_id)
    return _response(facts, suspensions.resume(facts, act), act)


def _response(facts: MembershipFacts, changed: MembershipChanged | None, act: Act) -> TaggedMemberResponse:
    member = changed.member if changed else facts.target.member
    response = TaggedMemberResponse.of_actor(replace(facts.target, member=member), facts.account, act.at)
    if changed:
        stored.record(changed, response)
    else:
        store_response(act, response)
    return response


handler = app
