"""POST /access/v1/search/…: who may do this here, where somebody may do it, and what he may do there."""

from partner_access import authzen
from partner_access.authzen import ActionSearch, Policy, ResourceSearch, Results, SubjectSearch
from partner_access.domain.decisions import Act
from partner_access.policy import Accounts


def search_point(policy: Policy) -> authzen.App:
    """The searches over this policy."""
    app = authzen.App()

    @app.post("/access/v1/search/subject", needs_key=False)
    def search_subjects(search: SubjectSearch, act: Act) -> Results:
        """Find the members of an account who may do this there."""
        return authzen.searched(policy.subjects, search, act)

    @app.post("/access/v1/search/resource", needs_key=False)
    def search_resources(search: ResourceSearch, act: Act) -> Results:
        """Find the accounts in which somebody may do this."""
        return authzen.searched(policy.resources, search, act)

    @app.post("/access/v1/search/action", needs_key=False)
    def search_actions(search: ActionSearch, act: Act) -> Results:
        """Find the permissions that somebody has in an account."""
        return authzen.searched(policy.actions, search, act)

    return app


handler = app = search_point(Accounts())
