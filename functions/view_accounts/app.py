"""List the accounts in which the caller is a member, and the actions that they can take there."""

from pydantic import BaseModel

from partner_access.api import cursors, routing
from partner_access.api.request_fields import ListQuery, ListResponse
from partner_access.domain.accounts import AccountKind
from partner_access.domain.act import Act
from partner_access.domain.authorization import allowed_actions
from partner_access.domain.authorization.allowed_actions import AccountAction
from partner_access.domain.users import must_not_be_deactivated
from partner_access.store import accounts as stored

app = routing.App()


class AccountSummary(BaseModel, title="AccountSummary"):
    """One of your accounts, with your permission set in it and the actions that you can take."""

    account_id: str
    kind: AccountKind
    name: str
    time_zone: str
    permission_set: str
    allowed_actions: tuple[AccountAction, ...]


class AccountList(ListResponse, title="AccountList"):
    """One page of your accounts, sorted by id."""

    items: tuple[AccountSummary, ...]


@app.operation(
    routing.Docs(
        "view_accounts",
        tag=routing.Tag.ACCOUNTS,
        summary="List the accounts in which you are an active member.",
        description=(
            "Every user can list their own accounts. `approve_links` in `allowed_actions` tells that you can approve "
            "access links there in general. Only the preview of a link tells whether you can approve that link."
        ),
    ),
)
def view_accounts(query: ListQuery, act: Act) -> AccountList:
    page = stored.page(
        act.actor_id, at=act.at, after=cursors.position_after(query, "view_accounts", act), limit=query.size
    )
    must_not_be_deactivated(page.user)
    return AccountList(
        items=tuple(
            AccountSummary(
                account_id=mine.account.account_id,
                kind=mine.account.kind,
                name=mine.account.name,
                time_zone=mine.account.zone.key,
                permission_set=mine.member.permission_set,
                allowed_actions=allowed_actions.in_account(mine.account, mine.actor, act),
            )
            for mine in page.items
        ),
        next_cursor=cursors.cursor(page.after, query, "view_accounts", act),
    )


handler = app
