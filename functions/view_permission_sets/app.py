"""List the sets that the caller can assign, optionally to a given user."""

from partner_access.api import routing
from partner_access.api.request_fields import ListResponse, Query
from partner_access.api.responses import AssignableSetRow, PermissionSetResponse
from partner_access.domain.act import Act
from partner_access.domain.memberships import creations
from partner_access.domain.permission_sets import changes
from partner_access.email_addresses import EmailAddress
from partner_access.store.memberships import creations as choices
from partner_access.store.permission_sets import changes as stored

app = routing.App()


class AssignableSetQuery(Query):
    """The email address of the user that the set is for. Without it, sets for partner employees are not offered."""

    email: EmailAddress | None = None


class AssignableSetList(ListResponse, title="AssignableSetList"):
    """The default sets in the order of the catalogue, then the custom sets of the account, oldest first."""

    items: tuple[AssignableSetRow, ...]


@app.operation(
    routing.Docs(
        "view_permission_sets",
        tag=routing.Tag.PERMISSION_SETS,
        summary="List the permission sets that you can assign in an account.",
        description=(
            "Everyone who manages users in the account can list the default sets that they can assign, then its "
            "custom sets. Name the user with `email` to get the sets for that user. `partner_admin` is only listed "
            "for an eligible partner employee."
        ),
    ),
)
def view_permission_sets(account_id: str, query: AssignableSetQuery, act: Act) -> AssignableSetList:
    facts = choices.facts_for_choice(account_id, query.email, act.actor_id)
    names = creations.assignable(facts, act)
    has_custom_sets = facts.account and facts.account.custom_set_count
    custom_sets = creations.assignable_custom_sets(facts, stored.of(account_id) if has_custom_sets else (), act)
    return AssignableSetList(
        items=(*map(AssignableSetRow.of, names), *map(AssignableSetRow.of_custom_set, custom_sets))
    )


@app.operation(
    routing.Docs(
        "view_permission_set",
        tag=routing.Tag.PERMISSION_SETS,
        summary="Get a custom permission set of an account.",
        description=(
            "Everyone who manages users in the account can get a set. The `ETag` is the version that an update names."
        ),
    ),
)
def view_permission_set(account_id: str, set_id: str, act: Act) -> PermissionSetResponse:
    return PermissionSetResponse.of_custom_set(
        changes.must_be_assignable(stored.facts(account_id, act.actor_id, set_id), act)
    )


handler = app
