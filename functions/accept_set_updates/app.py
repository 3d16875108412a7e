"""/accounts/{account_id}/permission-sets/updates: newer versions of the vendor's sets, looked at and accepted."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from partner_access.api import bulk, cursors, routing
from partner_access.api.bulk import BulkMemberRow, BulkOutcome
from partner_access.api.request_fields import Identifier, ListQuery, Page, PermissionName, Request
from partner_access.api.response_body import Answer
from partner_access.domain.act import Act
from partner_access.domain.errors import NothingToAccept
from partner_access.domain.permission_sets import set_updates
from partner_access.domain.permission_sets.set_updates import Accepted, Difference
from partner_access.store.dynamo import keep, recall
from partner_access.store.memberships.actors import in_account
from partner_access.store.permission_sets import set_updates as stored

app = routing.App(recall=recall)

UPDATES = "/accounts/{account_id}/permission-sets/updates"


class SetUpdateRow(BaseModel, title="SetUpdateRow"):
    """The permissions that a member would gain with the latest version of their set."""

    user_id: str
    name: str
    email: str | None
    permission_set: str
    version: int
    latest: int
    gained: tuple[str, ...]
    partner_id: str | None

    @classmethod
    def of(cls, found: Difference) -> Self:
        return cls(
            user_id=found.user.user_id,
            name=found.user.name,
            email=found.user.email,
            permission_set=found.now.permission_set,
            version=found.now.set_version,
            latest=found.after.set_version,
            gained=found.gained,
            partner_id=found.now.partner_id,
        )


class SetUpdateList(Page, title="SetUpdateList"):
    """One page of set updates, by member. A page can have fewer items than its limit, or none, and yet not be last."""

    items: tuple[SetUpdateRow, ...]


@app.get(
    UPDATES,
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
    caller, account = in_account(account_id, act.by)
    set_updates.must_answer(account, caller, act)
    listed = UPDATES.format(account_id=account_id)
    page = stored.page(account_id, after=cursors.after(query, listed, act), limit=query.size)
    found = (set_updates.difference(person, act) for person in page.people)
    return SetUpdateList(
        items=tuple(SetUpdateRow.of(each) for each in found if each),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


class AcceptSetUpdatesRequest(Request, title="AcceptSetUpdatesRequest"):
    """The permission set in the version that you reviewed, and the members to accept it for."""

    permission_set: PermissionName
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    user_ids: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=25)]

    @property
    def accepted(self) -> Accepted:
        return Accepted(self.permission_set, self.version)


class AcceptSetUpdatesResponse(Answer, title="AcceptSetUpdatesResponse"):
    """The outcome for each member, in the order of the request."""

    items: tuple[BulkMemberRow, ...]


@app.post(
    UPDATES,
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
def accept_set_updates(account_id: str, wish: AcceptSetUpdatesRequest, act: Act) -> AcceptSetUpdatesResponse:
    recall(act)
    caller, found = in_account(account_id, act.by)
    account = set_updates.must_answer(found, caller, act)
    account.must_be_active()
    set_updates.must_be_latest(wish.accepted)
    report = AcceptSetUpdatesResponse(
        items=tuple(
            _row(account_id, user_id, wish.accepted, act.part(user_id)) for user_id in dict.fromkeys(wish.user_ids)
        )
    )
    if bulk.is_complete(report.items):
        keep(act, report)
    return report


def _row(account_id: str, user_id: str, wish: Accepted, act: Act) -> BulkMemberRow:
    blank = BulkMemberRow(user_id=user_id, outcome=BulkOutcome.DONE)

    def accept(one: Act) -> BulkMemberRow:
        stored.record(set_updates.accept(stored.facts(account_id, user_id, one.by), wish, one), blank)
        return blank

    return bulk.row(accept, act, blank, skipped=NothingToAccept, recall=recall)


handler = app
