"""A partner admin adds colleagues with an ordinary set.

The rules of direct creation apply to each colleague.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from partner_access.api import bulk, routing
from partner_access.api.bulk import BulkMemberRow, BulkOutcome
from partner_access.api.request_fields import (
    Adjustments,
    PermissionName,
    Request,
    UserId,
)
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act
from partner_access.domain.errors import AlreadyMember, InvalidField
from partner_access.domain.memberships import creations
from partner_access.domain.permissions.rights import SetName
from partner_access.domain.relationships import partner_console
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.memberships import creations as stored
from partner_access.store.memberships.actors import in_account

app = routing.App(replay_if_stored=replay_if_stored)


def _reject_duplicates(ids: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("not_unique", "named twice")
    return ids


EmployeeIds = Annotated[
    tuple[UserId, ...],
    Field(min_length=1, max_length=25, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_reject_duplicates),
]


class AddColleaguesRequest(Request, title="AddColleaguesRequest"):
    """The partner employees to add. Each gets this permission set with the same permissions added and removed."""

    employee_ids: EmployeeIds
    permission_set: PermissionName
    permissions: Adjustments = Adjustments()


class AddColleaguesResponse(ResponseBody, title="AddColleaguesResponse"):
    """The result for each employee, in the order of the request."""

    items: tuple[BulkMemberRow, ...]


@app.operation(
    routing.Docs(
        "add_colleagues",
        tag=routing.Tag.PARTNERS,
        summary="Add colleagues to a client account.",
        description=(
            "If you are a member of the client on behalf of this partner and manage users there, you can add up to "
            "25 of its employees, with permissions that you hold and never as partner admins. Each employee is added "
            "in a transaction of its own and gets a row in the response. Repeat the request to add those that are "
            "left."
        ),
    ),
)
def add_colleagues(partner_id: str, account_id: str, request: AddColleaguesRequest, act: Act) -> AddColleaguesResponse:
    replay_if_stored(act)
    caller, _ = in_account(account_id, act.actor_id)
    partner_console.must_add_colleagues(caller, partner_id, act)
    if request.permission_set == SetName.PARTNER_ADMIN:
        raise InvalidField("permission_set").with_detail(
            "Ask the client. Only its admins can make a user partner admin."
        )
    report = AddColleaguesResponse(
        items=tuple(_row(account_id, user_id, request, act.for_item(user_id)) for user_id in request.employee_ids)
    )
    if bulk.is_complete(report.items):
        store_response(act, report)
    return report


def _row(account_id: str, user_id: str, request: AddColleaguesRequest, act: Act) -> BulkMemberRow:
    blank = BulkMemberRow(user_id=user_id, outcome=BulkOutcome.DONE)

    def create(act_part: Act) -> BulkMemberRow:
        facts = stored.facts_for_colleague(
            account_id, user_id, act_part.actor_id, permission_set=request.permission_set
        )
        how = creations.NewMember(permission_set=request.permission_set, overrides=request.permissions.overrides)
        stored.record(creations.create(facts, how, act_part), blank)
        return blank

    return bulk.row(create, act, blank, skipped=AlreadyMember, replay_if_stored=replay_if_stored)


handler = app
