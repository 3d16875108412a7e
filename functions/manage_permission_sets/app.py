"""Super admins create, update and remove custom permission sets."""

from http import HTTPStatus
from typing import Annotated, ClassVar

from pydantic import Field

from partner_access.api import routing
from partner_access.api.request_fields import Name, PermissionName, Request
from partner_access.api.response_body import ResponseBody
from partner_access.api.responses import PermissionSetResponse
from partner_access.domain.act import Act
from partner_access.domain.permission_sets import changes
from partner_access.domain.permission_sets.changes import SetContent
from partner_access.store.dynamo import replay_if_stored, store_response
from partner_access.store.permission_sets import changes as stored

app = routing.App(replay_if_stored=replay_if_stored)


class PermissionSetRequest(Request, title="PermissionSetRequest"):
    """The name of a custom set, which need not be unique, and its permissions, each with its widest scope."""

    name: Name
    permissions: Annotated[tuple[PermissionName, ...], Field(min_length=1, max_length=200)]

    @property
    def content(self) -> SetContent:
        return SetContent(self.name, self.permissions)


class CreatePermissionSetResponse(PermissionSetResponse, title="CreatePermissionSetResponse"):
    """A new permission set."""

    status: ClassVar[int] = HTTPStatus.CREATED


class UpdatePermissionSetResponse(PermissionSetResponse, title="UpdatePermissionSetResponse"):
    """An updated permission set."""


class RemovePermissionSetResponse(ResponseBody):
    """An empty response, stored so that the idempotency key replays it."""

    status: ClassVar[int] = HTTPStatus.NO_CONTENT


@app.operation(
    routing.Docs(
        "create_permission_set",
        tag=routing.Tag.PERMISSION_SETS,
        summary="Create a custom permission set in an account.",
        description="Super admins of the account can create up to 100 sets. The name of a set does not have to be unique.",
    ),
)
def create_permission_set(account_id: str, request: PermissionSetRequest, act: Act) -> CreatePermissionSetResponse:
    created = changes.create(stored.facts(account_id, act.actor_id), request.content, act)
    response = CreatePermissionSetResponse.of_custom_set(created.custom_set)
    stored.record_created(created, response)
    return response


@app.operation(
    routing.Docs(
        "update_permission_set",
        tag=routing.Tag.PERMISSION_SETS,
        summary="Update the name and permissions of a custom permission set.",
        description=(
            "Super admins of the account can update a set, and the change applies to all its holders at once. The "
            "same content changes nothing."
        ),
    ),
)
def update_permission_set(
    account_id: str, set_id: str, request: PermissionSetRequest, expected_version: routing.ExpectedVersion, act: Act
) -> UpdatePermissionSetResponse:
    facts = stored.facts_for_update(account_id, act.actor_id, set_id)
    changed = changes.update(facts, request.content, expected_version, act)
    if not changed:
        unchanged = UpdatePermissionSetResponse.of_custom_set(changes.must_be_assignable(facts, act))
        store_response(act, unchanged)
        return unchanged
    response = UpdatePermissionSetResponse.of_custom_set(changed.custom_set)
    stored.record_updated(changed, response)
    return response


@app.operation(
    routing.Docs(
        "remove_permission_set",
        tag=routing.Tag.PERMISSION_SETS,
        summary="Remove a custom permission set.",
        description="Super admins of the account can remove a set that has no holders. A set in use gets 409.",
    ),
)
def remove_permission_set(account_id: str, set_id: str, expected_version: routing.ExpectedVersion, act: Act) -> None:
    removed = changes.remove(stored.facts(account_id, act.actor_id, set_id), expected_version, act)
    stored.record_removed(removed, RemovePermissionSetResponse())


handler = app
