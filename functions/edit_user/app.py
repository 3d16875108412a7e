"""Change the rights, seats and end date of a member."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from partner_access.api import routing
from partner_access.api.request_fields import (
    AccessDays,
    Adjustments,
    Identifier,
    LocalDate,
    PartialRequest,
    PermissionName,
    kept_if_absent,
)
from partner_access.api.responses import GrantResponse, MemberWithGrantResponse, TaggedMemberResponse
from partner_access.domain.access_ends import RequestedEnd
from partner_access.domain.act import Act
from partner_access.domain.errors import DomainError, InvalidField
from partner_access.domain.memberships import edits
from partner_access.domain.memberships.edits import Edited
from partner_access.domain.memberships.member_edits import MemberEdit
from partner_access.domain.memberships.members import Seat
from partner_access.domain.memberships.roles import MembershipFacts
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.memberships import changes as stored

app = routing.App(replay_if_stored=replay_if_stored)


class EditUserRequest(PartialRequest, title="EditUserRequest"):
    """The fields to change. An absent field keeps its value.

    `permissions` adds and removes single permissions, and all others stay. `overrides` replaces all that was added to
    the set and removed from it. Access ends on a date in the time zone of the account, or so many days after today.
    `access_ends_on: null` or `access_days: null` removes the end.
    """

    permission_set: PermissionName = kept_if_absent()
    permissions: Adjustments = kept_if_absent()
    overrides: Adjustments = kept_if_absent()
    seat: Seat = kept_if_absent()
    paid_seats: Annotated[tuple[Seat, ...], Field(max_length=2)] = kept_if_absent()
    access_days: AccessDays | None = kept_if_absent()
    access_ends_on: LocalDate | None = kept_if_absent()
    partner_id: Identifier = kept_if_absent()

    @property
    def edit(self) -> MemberEdit:
        """The edit with the fields that the request names."""
        named_fields = self.named_fields
        if {"permissions", "overrides"} <= named_fields.keys():
            raise InvalidField("overrides").with_detail("Send `permissions` or `overrides`, not both.")
        if "permissions" in named_fields:
            named_fields["permission_changes"] = named_fields.pop("permissions").overrides
        if "overrides" in named_fields:
            named_fields["overrides"] = self.overrides.overrides
        if {"access_days", "access_ends_on"} <= named_fields.keys():
            raise InvalidField("access_ends_on").with_detail("Send `access_days` or `access_ends_on`, not both.")
        if "access_days" in named_fields:
            named_fields["end"] = RequestedEnd(access_days=named_fields.pop("access_days"))
        if "access_ends_on" in named_fields:
            named_fields["end"] = RequestedEnd(access_ends_on=named_fields.pop("access_ends_on"))
        return MemberEdit(**named_fields)


class EditUserResponse(TaggedMemberResponse, MemberWithGrantResponse, title="EditUserResponse"):
    """The changed membership, with the grant of a partner admin."""


@app.operation(
    routing.Docs(
        "edit_user",
        tag=routing.Tag.USERS,
        summary="Edit the permissions, seats or end date of a member.",
        description=(
            "Super admins and user managers of the account can edit members, and partner members can edit those of "
            "their own partner, within the permissions that they hold. Client access managers of the member's "
            "partner can only reduce access, and only the client can extend it. Setting `partner_admin` on a super "
            "admin is a migration and follows its rules."
        ),
    ),
)
def edit_user(
    account_id: str, user_id: str, request: EditUserRequest, expected_version: routing.ExpectedVersion, act: Act
) -> EditUserResponse:
    requested_edit = request.edit
    facts = stored.facts(account_id, user_id, act.actor_id, requested_edit)
    try:
        edited = edits.edit(facts, requested_edit, expected_version, act)
    except DomainError as error:
        if requested_edit.overrides is not None:
            error.at_field("overrides", instead_of="permissions")
        if "access_ends_on" in request.named_fields:
            error.at_field("access_ends_on", instead_of="access_days")
        raise
    response = _response(facts, edited, act)
    if edited:
        stored.record_edit(edited, response)
    else:
        store_response(act, response)
    return response


def _response(facts: MembershipFacts, edited: Edited | None, act: Act) -> EditUserResponse:
    partners = {facts.partner.account_id: facts.partner} if facts.partner else {}
    target = replace(
        facts.target,
        member=edited.member if edited else facts.target.member,
        partners={**facts.target.partners, **partners},
        sets={**facts.target.sets, **facts.sets},
    )
    return EditUserResponse.of_actor(
        target, facts.account, act.at, grant=GrantResponse.of_actor(target, facts.account, act.at)
    )


handler = app
