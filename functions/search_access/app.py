"""POST /access/v1/search/…: who may do this here, where somebody may do it, and what he may do there."""

from partner_access import api, authzen
from partner_access.authzen import ActionSearch, Policy, ResourceSearch, Results, SubjectSearch
from partner_access.domain.decisions import Act
from partner_access.policy import Accounts


def search_point(policy: Policy) -> authzen.App:
    """The searches over this policy."""
    app = authzen.App()

    @app.post(
        "/access/v1/search/subject",
        api.Docs("search_subjects", summary="Find the members of an account who may do this there."),
        needs_key=False,
    )
    def search_subjects(search: SubjectSearch, act: Act) -> Results:
        return authzen.searched(policy.subjects, search, act)

    @app.post(
        "/access/v1/search/resource",
        api.Docs("search_resources", summary="Find the accounts in which somebody may do this."),
        needs_key=False,
    )
    def search_resources(search: ResourceSearch, act: Act) -> Results:
        return authzen.searched(policy.resources, search, act)

    @app.post(
        "/access/v1/search/action",
        api.Docs("search_actions", summary="Find the permissions that somebody has in an account."),
        needs_key=False,
    )
    def search_actions(search: ActionSearch, act: Act) -> Results:
        return authzen.searched(policy.actions, search, act)

    return app


handler = app = search_point(Accounts())
