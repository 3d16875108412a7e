"""A handler with Powertools' own resolver, Logger and Metrics, and with pydantic."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

import links
from request_model import CreateLinkRequest

app = APIGatewayHttpResolver()
logger = Logger()
metrics = Metrics()


@app.post("/partners/<partner_id>/access-links")
def create_link(partner_id: str) -> tuple[dict[str, Any], int]:
    """Create a link."""
    event = app.current_event
    authorizer = event.request_context.authorizer
    actor_id = authorizer.jwt_claim["sub"] if authorizer else ""
    sent = event.body or ""
    link = CreateLinkRequest.model_validate_json(sent)
    return links.create(partner_id, actor_id, event.headers, sent, link.model_dump()), HTTPStatus.CREATED


@app.exception_handler(ValidationError)
def invalid(error: ValidationError) -> Response[str]:
    return Response(HTTPStatus.UNPROCESSABLE_ENTITY, content_types.APPLICATION_JSON, error.json(include_input=False))


@app.exception_handler(links.NotPermitted)
def not_permitted(_: links.NotPermitted) -> Response[str]:
    return Response(HTTPStatus.FORBIDDEN, content_types.APPLICATION_JSON, "{}")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Pass a Lambda event to Powertools. Like the product's handler, it logs and counts nothing on success."""
    try:
        return app.resolve(event, context)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
