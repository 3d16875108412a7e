"""List and accept newer versions of the vendor's permission sets."""

from typing import Annotated, Self

from pydantic import Field

from partner_access.api import bulk, cursors, routing
from partner_access.api.bulk import BulkMemberRow, BulkOutcome
from partner_access.api.request_fields import (
    ListQuery,
    ListResponse,
    PermissionName,
    Request,
    UserId,
)
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import UserRef
from partner_access.domain.act import Act
from partner_access.domain.errors import NothingToAccept
from partner_access.domain.permission_sets import set_updates
from partner_access.domain.permission_sets.set_updates import AcceptedVersion, SetUpdateGain
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.memberships.actors import in_account
from partner_access.store.permission_sets import set_updates as stored

app = routing.App(replay_if_stored=replay_if_stored)


class SetUpdateRow(UserRef, title="SetUpdateRow"):
    """The permissions that a member would gain with the latest version of their set."""

    permission_set: str
    version: int
    latest: int
    gained: tuple[str, ...]
    partner_id: str | None

    @classmethod
    def of_gain(cls, difference: SetUpdateGain) -> Self:
        return cls(
            **dict(UserRef.of(difference.user)),
            permission_set=difference.now.permission_set,
            version=difference.now.set_version,
            latest=difference.after.set_version,
            gained=difference.gained,
            partner_id=difference.now.partner_id,
        )


class SetUpdateList(ListResponse, title="SetUpdateList"):
    """One page of set updates, by member. A page can have fewer items than its limit, or none, and yet not be last."""

    items: tuple[SetUpdateRow, ...]


@app.operation(
    routing.Docs(
        "list_set_updates",
        tag=routing.Tag.PERMISSION_SETS,
        summary="List the members who would gain permissions with a newer set version.",
        description=(
            "Super admins and user managers of the account can list the updates, unless they are partner members. "
            "Permissions that a newer version removes are already gone. A page can have fewer items than its limit, "
            "or none, and yet not be the last."
        ),
    ),
)
def list_set_updates(account_id: str, query: ListQuery, act: Act) -> SetUpdateList:
    caller, account = in_account(account_id, act.actor_id)
    set_updates.must_be_set_approver(account, caller, act)
    listed = f"list_set_updates {account_id}"
    page = stored.page(account_id, after=cursors.position_after(query, listed, act), limit=query.size)
    found = (set_updates.gain_from_update(person, act) for person in page.members)
    return SetUpdateList(
        items=tuple(SetUpdateRow.of_gain(each) for each in found if each),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


class AcceptSetUpdatesRequest(Request, title="AcceptSetUpdatesRequest"):
    """The permission set in the version that you reviewed, and the members to accept it for."""

    permission_set: PermissionName
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    user_ids: Annotated[tuple[UserId, ...], Field(min_length=1, max_length=25)]

    @property
    def accepted(self) -> AcceptedVersion:
        return AcceptedVersion(self.permission_set, self.version)


class AcceptSetUpdatesResponse(ResponseBody, title="AcceptSetUpdatesResponse"):
    """The outcome for each member, in the order of the request."""

    items: tuple[BulkMemberRow, ...]


@app.operation(
    routing.Docs(
        "accept_set_updates",
        tag=routing.Tag.PERMISSION_SETS,
        summary="Accept the latest version of a permission set for several members.",
        description=(
            "Super admins and user managers of the account can accept it for up to 25 members at once, unless they "
            "are partner members. Each member is updated in a transaction of its own and gets a row in the response. "
            "Repeat the request to update the members that are left."
        ),
    ),
)
def accept_set_updates(account_id: str, request: AcceptSetUpdatesRequest, act: Act) -> AcceptSetUpdatesResponse:
    replay_if_stored(act)
    caller, found = in_account(account_id, act.actor_id)
    account = set_updates.must_be_set_approver(found, caller, act)
    account.must_be_active()
    set_updates.must_be_latest(request.accepted)
    report = AcceptSetUpdatesResponse(
        items=tuple(
            _row(account_id, user_id, request.accepted, act.for_item(user_id))
            for user_id in dict.fromkeys(request.user_ids)
        )
    )
    if bulk.is_complete(report.items):
        store_response(act, report)
    return report


def _row(account_id: str, user_id: str, accepted: AcceptedVersion, act: Act) -> BulkMemberRow:
    blank = BulkMemberRow(user_id=user_id, outcome=BulkOutcome.DONE)

    def accept(act_part: Act) -> BulkMemberRow:
        stored.record(
            set_updates.accept(stored.facts(account_id, user_id, act_part.actor_id), accepted, act_part), blank
        )
        return blank

    return bulk.row(accept, act, blank, skipped=NothingToAccept, replay_if_stored=replay_if_stored)


handler = app
