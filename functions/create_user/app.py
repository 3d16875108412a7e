"""POST /accounts/{account_id}/users: a client takes a person in, as partner admin or with an ordinary set."""

from http import HTTPStatus
from typing import ClassVar

from partner_access.api import routing
from partner_access.api.request_fields import AccessDays, Adjustments, Identifier, PermissionName, Request
from partner_access.api.response_body import Answer
from partner_access.api.responses import GrantResponse, MemberResponse
from partner_access.domain.act import Act
from partner_access.domain.memberships import creations
from partner_access.domain.memberships.members import Seat
from partner_access.email_addresses import Email
from partner_access.store.dynamo import recall
from partner_access.store.memberships import creations as stored

app = routing.App(recall=recall)


class CreateUserRequest(Request, title="CreateUserRequest"):
    """The user to add and their permission set. Name the partner if the user works for several."""

    email: Email
    permission_set: PermissionName
    partner_id: Identifier | None = None
    permissions: Adjustments = Adjustments()
    seat: Seat | None = None
    access_days: AccessDays | None = None


class CreateUserResponse(Answer, MemberResponse, title="CreateUserResponse"):
    """The new membership, with the grant of a partner admin."""

    status: ClassVar[int] = HTTPStatus.CREATED

    grant: GrantResponse | None


@app.post(
    "/accounts/{account_id}/users",
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
def create_user(account_id: str, creation: CreateUserRequest, act: Act) -> CreateUserResponse:
    wish = creations.Wish(
        permission_set=creation.permission_set,
        overrides=creation.permissions.overrides,
        seat=creation.seat,
        access_days=creation.access_days,
    )
    facts = stored.facts(
        account_id, creation.email, creation.partner_id, act.by, permission_set=creation.permission_set
    )
    created = creations.create(facts, wish, act)
    member = created.member
    grant = GrantResponse.of(member.grant, member, created.account) if member.grant else None
    answer = CreateUserResponse.of(member, created.person, grant=grant)
    stored.record(created, answer)
    return answer


handler = app
