"""A handler with Flask and pydantic, behind apig-wsgi."""

from http import HTTPStatus
from typing import Any

from apig_wsgi import make_lambda_handler
from flask import Flask, jsonify, request
from pydantic import ValidationError

import links
from request_model import CreateLinkRequest

app = Flask(__name__)


@app.post("/partners/<partner_id>/access-links")
def create_link(partner_id: str) -> Any:
    """Create a link."""
    event = request.environ["apig_wsgi.full_event"]
    actor_id = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    sent = request.get_data(as_text=True)
    link = CreateLinkRequest.model_validate_json(sent)
    response = links.create(partner_id, actor_id, event["headers"], sent, link.model_dump())
    return jsonify(response), HTTPStatus.CREATED


@app.errorhandler(ValidationError)
def invalid(error: ValidationError) -> Any:
    return app.response_class(error.json(include_input=False), HTTPStatus.UNPROCESSABLE_ENTITY)


@app.errorhandler(links.NotPermitted)
def not_permitted(_: links.NotPermitted) -> Any:
    return jsonify({}), HTTPStatus.FORBIDDEN


handler = make_lambda_handler(app)
