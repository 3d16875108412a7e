"""Errors as problems (RFC 9457): the status of each category, and the body that callers get."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from partner_access import page_urls
from partner_access.api.response_body import Response, response
from partner_access.domain import errors
from partner_access.domain.errors import Refused
from partner_access.lambda_context import Event

RETRY_AFTER: Final = {HTTPStatus.SERVICE_UNAVAILABLE: "2", HTTPStatus.TOO_MANY_REQUESTS: "60"}
"""In seconds."""


STATUS: Final[Mapping[type[Refused], HTTPStatus]] = {
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.Absent: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.Conflicting: HTTPStatus.CONFLICT,
    errors.Ended: HTTPStatus.GONE,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Unacceptable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unpinned: HTTPStatus.PRECONDITION_REQUIRED,
    errors.TooOften: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(refusal: Refused) -> HTTPStatus:
    return next(code for kind, code in STATUS.items() if isinstance(refusal, kind))


def retry_after(status: HTTPStatus) -> dict[str, str]:
    """How many seconds to wait, where waiting helps."""
    return {"retry-after": RETRY_AFTER[status]} if status in RETRY_AFTER else {}


def problem(refusal: Refused, event: Event) -> Response:
    status = status_of(refusal)
    problem = {
        "type": page_urls.of_problem(refusal.code),
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": refusal.detail,
        "instance": event["requestContext"]["requestId"],
        "code": refusal.code,
        **({"errors": refusal.errors} if refusal.errors else {}),
        **refusal.told,
    }
    headers = {"content-type": "application/problem+json", **retry_after(status)}
    if isinstance(refusal, errors.MethodNotAllowed):
        headers["allow"] = str(refusal.told["allow"])
    return response(status, json.dumps(problem, ensure_ascii=False), headers)
