"""List the members of an account, with their rights and grants."""

from datetime import datetime
from enum import StrEnum

from partner_access.api import cursors, routing
from partner_access.api.request_fields import Identifier, ListQuery, ListResponse
from partner_access.api.responses import MemberResponse, TaggedMemberResponse
from partner_access.domain.act import Act
from partner_access.domain.authorization import allowed_actions
from partner_access.domain.authorization.allowed_actions import MemberAction
from partner_access.domain.memberships import visibility
from partner_access.store.memberships import visibility as stored

app = routing.App()


class UserListState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class UserListQuery(ListQuery):
    """Filters of a list of members: by state, permission set and partner.

    Without a state, the list leaves out deactivated members.
    """

    state: UserListState | None = None
    permission_set: Identifier | None = None
    partner_id: Identifier | None = None

    def matches(self, member: MemberResponse) -> bool:
        """Return whether the member passes the filters."""
        is_in_state = member.state == self.state if self.state else member.state != UserListState.DEACTIVATED
        has_set = self.permission_set in (None, member.permission_set)
        return is_in_state and has_set and self.partner_id in (None, member.partner_id)


class NamedMemberRow(MemberResponse, title="NamedMemberRow"):
    """A member with the names for the ids, as far as they are known, and the time of the last change."""

    changed_at: datetime | None
    granted_by_name: str | None
    partner_name: str | None
    set_name: str | None


class UserList(ListResponse, title="UserList"):
    """One page of members, sorted by id. A page can have fewer items than its limit and yet not be last."""

    items: tuple[NamedMemberRow, ...]


class GetUserResponse(TaggedMemberResponse, NamedMemberRow, title="GetUserResponse"):
    """A member of an account, and the actions that you can take on them."""

    allowed_actions: tuple[MemberAction, ...]


@app.operation(
    routing.Docs(
        "list_users",
        tag=routing.Tag.USERS,
        summary="List the members of an account, sorted by id.",
        description=(
            "Everyone who manages users in the account can list its members as they are in effect now. A page can "
            "have fewer items than its limit and yet not be the last."
        ),
    ),
)
def list_users(account_id: str, query: UserListQuery, act: Act) -> UserList:
    facts = stored.facts_for_all(account_id, act.actor_id)
    visibility.must_see_all(facts.viewer, act.at)
    listed = f"list_users {account_id}"
    page = stored.page(account_id, after=cursors.position_after(query, listed, act), limit=query.size)
    members = (
        NamedMemberRow.of_actor(each.actor, facts.account, act.at, **each.names_at(act.at)) for each in page.members
    )
    return UserList(
        items=tuple(member for member in members if query.matches(member)),
        next_cursor=cursors.cursor(page.after, query, listed, act),
    )


@app.operation(
    routing.Docs(
        "view_user",
        tag=routing.Tag.USERS,
        summary="Get a member of an account.",
        description=(
            "Everyone who manages users in the account can get any member, and every member can get themselves. "
            "Client access managers of a partner can get the members on its behalf. The `ETag` is the version that "
            "an edit names."
        ),
    ),
)
def view_user(account_id: str, user_id: str, act: Act) -> GetUserResponse:
    facts = stored.facts_for_one(account_id, user_id, act.actor_id)
    visible = visibility.view_member(facts, act)
    return GetUserResponse.of_actor(
        visible.actor,
        facts.account,
        act.at,
        allowed_actions=allowed_actions.on_member(facts.membership_at(act.at), act),
        **visible.names_at(act.at),
    )


handler = app
