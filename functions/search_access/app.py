"""Search for the subjects, resources or actions that the policy permits."""

from partner_access.api import authzen, routing
from partner_access.api.authzen import (
    ActionSearchRequest,
    Policy,
    ResourceSearchRequest,
    SearchResponse,
    SubjectSearchRequest,
)
from partner_access.authzen_policy import AccountPolicy
from partner_access.domain.act import Act


def search_api(policy: Policy) -> authzen.App:
    """Build the search API for this policy."""
    app = authzen.App()

    @app.operation(
        routing.Docs(
            "search_subjects",
            tag=routing.Tag.DECISIONS,
            summary="Find the members of an account who may perform an action there.",
            description=(
                "Only tokens with the decide scope can call this operation of OpenID AuthZEN 1.0. A page has at most 100 "
                "results, and can have fewer and yet not be the last."
            ),
        ),
        needs_key=False,
    )
    def search_subjects(search: SubjectSearchRequest, act: Act) -> SearchResponse:
        return authzen.search_page(policy.subjects, search, act)

    @app.operation(
        routing.Docs(
            "search_resources",
            tag=routing.Tag.DECISIONS,
            summary="Find the accounts in which a user may perform an action.",
            description=(
                "Only tokens with the decide scope can call this operation of OpenID AuthZEN 1.0. A page has at most 100 "
                "results, and can have fewer and yet not be the last."
            ),
        ),
        needs_key=False,
    )
    def search_resources(search: ResourceSearchRequest, act: Act) -> SearchResponse:
        return authzen.search_page(policy.resources, search, act)

    @app.operation(
        routing.Docs(
            "search_actions",
            tag=routing.Tag.DECISIONS,
            summary="Find the permissions that a user has in an account.",
            description=(
                "Only tokens with the decide scope can call this operation of OpenID AuthZEN 1.0. A page has at most 100 "
                "results, and can have fewer and yet not be the last."
            ),
        ),
        needs_key=False,
    )
    def search_actions(search: ActionSearchRequest, act: Act) -> SearchResponse:
        return authzen.search_page(policy.actions, search, act)

    return app


handler = app = search_api(AccountPolicy())
