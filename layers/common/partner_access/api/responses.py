"""Response models of links, grants, members and permission sets (http-api.md)."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict
from typing_extensions import override

from partner_access.api.response_body import ResponseBody
from partner_access.domain.accounts import Account
from partner_access.domain.errors import NotFound
from partner_access.domain.links.links import Link, LinkDeliveryStatus, LinkState
from partner_access.domain.memberships.actors import Actor
from partner_access.domain.memberships.grants import paid_seat_required
from partner_access.domain.memberships.members import (
    Grant,
    GrantSource,
    Member,
    RequestedAccess,
    Seat,
    SuspensionReason,
    known_seat,
    known_seats,
)
from partner_access.domain.permissions import rights
from partner_access.domain.permissions.custom_sets import CustomSet
from partner_access.domain.users import User


class ResponsePart(BaseModel):
    """The frozen base of the models inside a response."""

    model_config = ConfigDict(frozen=True)


class UserRef(ResponsePart, title="UserRef"):
    """A user by id, with name and email address."""

    user_id: str
    name: str
    email: str | None

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(user_id=user.user_id, name=user.name, email=user.email)


class SetWithOverridesResponse(ResponsePart, title="SetWithOverridesResponse"):
    """A permission set with the permissions removed from it, and those added to it where that is possible."""

    set: str
    version: int
    removed: tuple[str, ...]
    added: tuple[str, ...] | None = None


class LinkResponse(ResponsePart, title="LinkResponse"):
    """An access link, without its secret."""

    link_id: str
    partner_id: str
    employee: UserRef
    created_by: str
    state: LinkState
    account_id: str | None
    permissions: SetWithOverridesResponse
    access_days: int | None
    access_ends_on: date | None
    purpose: str | None
    created_at: datetime
    expires_at: datetime
    max_approvals: int
    approvals: int
    delivery_status: LinkDeliveryStatus

    @classmethod
    def of(cls, link: Link, employee: User, at: datetime, *, access_generation: int = 0, **more: object) -> Self:
        """Build the response. Pass the current `access_generation` if the link can be of an earlier one."""
        return cls.model_validate(
            {
                **dict(link),
                **more,
                "employee": UserRef.of(employee),
                "state": link.state_at(at, access_generation),
                "permissions": SetWithOverridesResponse(
                    set="partner_admin", version=link.set_version, removed=link.removed
                ),
            }
        )


class GrantResponse(ResponsePart, title="GrantResponse"):
    """A grant, which makes a partner employee a partner admin of a client account.

    `expires_at` is the exclusive end, and `access_ends_on` the last day of access in the account's `time_zone`.
    """

    grant_id: str
    account_id: str
    user_id: str
    partner_id: str
    source: GrantSource
    state: str
    permissions: SetWithOverridesResponse
    requested: RequestedAccess | None
    seat: Seat | None
    paid_features: bool
    notice: str | None
    created_at: datetime
    expires_at: datetime | None
    access_ends_on: date | None
    time_zone: str

    @classmethod
    def of(cls, grant: Grant, member: Member, account: Account, **more: object) -> Self:
        lacks_paid_seat = paid_seat_required(account, member)
        return cls.model_validate(
            {
                **dict(grant),
                **more,
                "account_id": member.account_id,
                "user_id": member.user_id,
                "state": "suspended" if member.suspended_by else "active",
                "permissions": set_of(member),
                "seat": known_seat(member.seat),
                "paid_features": not lacks_paid_seat,
                "notice": "paid_seat_required" if lacks_paid_seat else None,
                "access_ends_on": grant.last_day(account.zone),
                "time_zone": account.zone.key,
            }
        )

    @classmethod
    def of_actor(cls, actor: Actor, account: Account | None, at: datetime) -> Self | None:
        """Build the response from the grant in effect now. Return None if there is none."""
        now = actor.member_at(at)
        if not account or not now or not now.grant:
            return None
        return cls.of(now.grant, now.model_copy(update={"suspended_by": actor.suspended_by_at(at)}), account)


def set_of(member: Member) -> SetWithOverridesResponse:
    return SetWithOverridesResponse(
        set=member.permission_set,
        version=member.set_version,
        removed=member.removed,
        added=member.added,
    )


class OverridesResponse(ResponsePart, title="OverridesResponse"):
    """The permissions that a member has beyond their permission set, and those removed from it."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


class SetKind(StrEnum):
    """The owner of a permission set: the vendor (`default`) or an account (`custom`)."""

    DEFAULT = "default"
    CUSTOM = "custom"


class MemberResponse(ResponsePart, title="MemberResponse"):
    """A user's membership in one account.

    `expires_at` is the exclusive end, and `access_ends_on` the last day of access in the account's `time_zone`.
    """

    account_id: str
    user_id: str
    name: str
    email: str | None
    permission_set: str
    permissions: OverridesResponse
    seat: Seat | None
    paid_seats: tuple[Seat, ...]
    state: str
    suspended_by: tuple[SuspensionReason, ...]
    since: datetime
    granted_by: str | None
    expires_at: datetime | None
    access_ends_on: date | None
    time_zone: str
    partner_id: str | None
    grant_id: str | None
    version: int

    @classmethod
    def of(cls, member: Member, user: User, account: Account, **more: object) -> Self:
        """Build the response from the membership that a decision made."""
        grant = member.grant
        suspended_by = tuple(sorted(member.suspended_by))
        return cls.model_validate(
            {
                **dict(member),
                "name": user.name,
                "email": user.email,
                "seat": known_seat(member.seat),
                "paid_seats": known_seats(member.paid_seats),
                "permissions": OverridesResponse(added=member.added, removed=member.removed),
                "state": member.state,
                "suspended_by": suspended_by,
                "expires_at": grant.expires_at if grant else None,
                "access_ends_on": grant.last_day(account.zone) if grant else None,
                "time_zone": account.zone.key,
                "grant_id": grant.grant_id if grant else None,
                **more,
            }
        )

    @classmethod
    def of_actor(cls, actor: Actor, account: Account | None, at: datetime, **more: object) -> Self:
        """Build the response from the membership in effect now, which can differ from the stored one.

        Raise NotFound if the user is not a member.
        """
        member, user = actor.member_at(at), actor.user
        if not member or not user or not account:
            raise NotFound
        suspended_by = tuple(sorted(actor.suspended_by_at(at)))
        has_membership = member.active and (user.active or suspended_by)
        state = ("suspended" if suspended_by else "active") if has_membership else "deactivated"
        return cls.of(member, user, account, **{"state": state, "suspended_by": suspended_by, **more})


class MemberWithGrantResponse(MemberResponse):
    """A membership with its grant, which only a partner admin has."""

    grant: GrantResponse | None


class TaggedResponse(ResponseBody):
    """A response with a record, and the entity tag of its version, which an edit names in If-Match."""

    version: int

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        return {"etag": f'"{self.version}"'}


class TaggedMemberResponse(TaggedResponse, MemberResponse, title="TaggedMemberResponse"):
    """A membership, which comes with its entity tag."""


class AssignableSetRow(ResponsePart, title="AssignableSetRow"):
    """A default set in its latest version, or a custom set of the account."""

    permission_set: str
    kind: SetKind
    name: str
    version: int
    permissions: tuple[str, ...]

    @classmethod
    def of(cls, name: str) -> Self:
        return cls(
            permission_set=name,
            kind=SetKind.DEFAULT,
            name=name,
            version=rights.latest_version(name),
            permissions=rights.client_rights(rights.latest_set_rights(name)).to_names(),
        )

    @classmethod
    def of_custom_set(cls, custom_set: CustomSet, **more: object) -> Self:
        return cls.model_validate(
            {
                "permission_set": custom_set.set_id,
                "kind": SetKind.CUSTOM,
                "name": custom_set.name,
                "version": custom_set.version,
                "permissions": custom_set.rights.to_names(),
                **more,
            }
        )


class PermissionSetResponse(TaggedResponse, AssignableSetRow, title="PermissionSetResponse"):
    """A custom permission set with the number of its holders."""

    holders: int

    @override
    @classmethod
    def of_custom_set(cls, custom_set: CustomSet, **more: object) -> Self:
        return super().of_custom_set(custom_set, holders=custom_set.holders, **more)
