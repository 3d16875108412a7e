"""A handler with Chalice and pydantic.

Chalice only supports payload 1.0, so it gets the same request in that format.
"""

from typing import Any

from chalice import Chalice, Response
from pydantic import ValidationError

import links
from request_model import CreateLinkRequest

app = Chalice(app_name="links")


@app.route("/partners/{partner_id}/access-links", methods=["POST"])
def create_link(partner_id: str) -> Response:
    """Create a link."""
    request = app.current_request
    sent = request.raw_body.decode()
    try:
        link = CreateLinkRequest.model_validate_json(sent)
        actor_id = request.context["authorizer"]["claims"]["sub"]
        response = links.create(partner_id, actor_id, request.headers, sent, link.model_dump())
    except ValidationError as invalid:
        return Response(invalid.json(include_input=False), status_code=422)
    except links.NotPermitted:
        return Response({}, status_code=403)
    return Response(response, status_code=201)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Pass a Lambda event to Chalice."""
    response: dict[str, Any] = app(event, context)
    return response
