"""POST /access/v1/evaluation and …/evaluations: may this person do this here; and where to ask, for who looks for it."""

from partner_access import api, authzen, pages
from partner_access.authzen import Configuration, Evaluated, EvaluatedAll, Evaluation, Evaluations, Policy
from partner_access.domain.decisions import Act
from partner_access.policy import Accounts


def decision_point(policy: Policy) -> authzen.App:
    """The decision API over this policy."""
    app = authzen.App()

    @app.post(
        "/access/v1/evaluation",
        api.Docs("evaluate", summary="Decide one question; a denial is an answer like any other."),
        needs_key=False,
    )
    def evaluate(evaluation: Evaluation, act: Act) -> Evaluated:
        (evaluated,) = policy.evaluate([evaluation], act)
        return evaluated

    @app.post(
        "/access/v1/evaluations",
        api.Docs(
            "evaluate_all", summary="Decide up to 50 questions in order, to the end or to the first permit or denial."
        ),
        needs_key=False,
    )
    def evaluate_all(evaluations: Evaluations, act: Act) -> EvaluatedAll:
        return authzen.evaluate_all(policy, evaluations, act)

    @app.get(
        "/.well-known/authzen-configuration", api.Docs("show_configuration", summary="Where the decision API answers.")
    )
    def show_configuration() -> Configuration:
        return authzen.configuration(pages.origin())

    return app


handler = app = decision_point(Accounts())
