"""A client adds a user as partner admin or with an ordinary permission set."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.request_fields import (
    AccessDays,
    Adjustments,
    Identifier,
    LocalDate,
    PermissionName,
    Request,
    requested_end,
)
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import GrantResponse, MemberWithGrantResponse
from partner_access.domain.act import Act
from partner_access.domain.memberships import creations
from partner_access.domain.memberships.members import Seat
from partner_access.email_addresses import EmailAddress
from partner_access.store.dynamo import replay_if_stored
from partner_access.store.memberships import creations as stored

app = routing.App(replay_if_stored=replay_if_stored)


class CreateUserRequest(Request, title="CreateUserRequest"):
    """The user to add and their permission set. Name the partner if the user works for several."""

    email: EmailAddress
    permission_set: PermissionName
    partner_id: Identifier | None = None
    permissions: Adjustments = Adjustments()
    seat: Seat | None = None
    access_days: AccessDays | None = None
    access_ends_on: LocalDate | None = None


class CreateUserResponse(ResponseBody, MemberWithGrantResponse, title="CreateUserResponse"):
    """The new membership, with the grant of a partner admin."""

    status: ClassVar[int] = HTTPStatus.CREATED


@app.operation(
    routing.Docs(
        "create_user",
        tag=routing.Tag.USERS,
        summary="Add a user to an account.",
        description=(
            "Everyone who manages users in the account can add anyone in the directory with an ordinary permission "
            "set, or an eligible partner employee as partner admin. You can only grant permissions that you hold, "
            "except for the partner admin set. Partner members cannot create partner admins."
        ),
    ),
)
def create_user(account_id: str, request: CreateUserRequest, act: Act) -> CreateUserResponse:
    new_member = creations.NewMember(
        permission_set=request.permission_set,
        overrides=request.permissions.overrides,
        seat=request.seat,
        end=requested_end(request.access_days, request.access_ends_on),
    )
    facts = stored.facts(
        account_id, request.email, request.partner_id, act.actor_id, permission_set=request.permission_set
    )
    created = creations.create(facts, new_member, act)
    member = created.member
    grant = GrantResponse.of(member.grant, member, created.account) if member.grant else None
    response = CreateUserResponse.of(member, created.person, created.account, grant=grant)
    stored.record(created, response)
    return response


handler = app
