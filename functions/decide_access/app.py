"""Access decisions, with the discovery document of the decision API."""

from partner_access import settings
from partner_access.api import authzen, routing
from partner_access.api.authzen import (
    ConfigurationResponse,
    EvaluationRequest,
    EvaluationResponse,
    EvaluationsRequest,
    EvaluationsResponse,
    Policy,
)
from partner_access.authzen_policy import AccountPolicy
from partner_access.domain.act import Act


def decision_api(policy: Policy) -> authzen.App:
    """Build the decision API for this policy."""
    app = authzen.App()

    @app.operation(
        routing.Docs(
            "evaluate",
            tag=routing.Tag.DECISIONS,
            summary="Evaluate one access request.",
            description=(
                "Only tokens with the decide scope can call this operation of OpenID AuthZEN 1.0. A denial is a "
                "successful response. Nothing is changed."
            ),
        ),
        needs_key=False,
    )
    def evaluate(evaluation: EvaluationRequest, act: Act) -> EvaluationResponse:
        (evaluated,) = policy.evaluate([evaluation], act)
        return evaluated

    @app.operation(
        routing.Docs(
            "evaluate_all",
            tag=routing.Tag.DECISIONS,
            summary="Evaluate up to 50 access requests in order.",
            description=(
                "Only tokens with the decide scope can call this operation of OpenID AuthZEN 1.0. The evaluation stops "
                "at the end, or at the first denial or permit, as the options say. A request without a batch is "
                "evaluated as a single one."
            ),
        ),
        needs_key=False,
    )
    def evaluate_all(evaluations: EvaluationsRequest, act: Act) -> EvaluationsResponse:
        return authzen.evaluate_all(policy, evaluations, act)

    @app.operation(
        routing.Docs(
            "get_configuration",
            tag=routing.Tag.DECISIONS,
            summary="Get the endpoints of the decision API.",
            description="Anyone can call this operation, without a token. It is the discovery document of OpenID AuthZEN 1.0.",
        ),
    )
    def get_configuration() -> ConfigurationResponse:
        return authzen.configuration(settings.base_url())

    return app


handler = app = decision_api(AccountPolicy())
