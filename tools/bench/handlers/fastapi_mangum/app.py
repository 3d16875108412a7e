"""A handler with FastAPI behind Mangum, and with Powertools' Logger and Metrics."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from mangum import Mangum

import links
from request_model import CreateLinkRequest

app = FastAPI()
logger = Logger()
metrics = Metrics()


@app.post("/partners/{partner_id}/access-links", status_code=HTTPStatus.CREATED)
async def create_link(partner_id: str, link: CreateLinkRequest, request: Request) -> dict[str, Any]:
    """Make a link."""
    event = request.scope["aws.event"]
    actor_id = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    return links.create(partner_id, actor_id, event["headers"], event["body"], link.model_dump())


@app.exception_handler(links.NotPermitted)
async def not_permitted(_: Request, __: links.NotPermitted) -> JSONResponse:
    return JSONResponse({}, HTTPStatus.FORBIDDEN)


asgi_adapter = Mangum(app, lifespan="off")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Pass a Lambda event to FastAPI. Like the product's handler, it logs and counts nothing on success."""
    try:
        response: dict[str, Any] = asgi_adapter(event, context)
        return response
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()
