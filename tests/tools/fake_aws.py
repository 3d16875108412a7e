"""A fake AWS: real boto3 clients with responses by service and operation name."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import boto3

Params = Mapping[str, Any]
Responses = dict[str, Callable[[Params], Any]]


class AwsError(Exception):
    """An error response of AWS. The message is the error code."""


_Session = boto3.Session
_responses: Responses = {}
"""The current responses. They are replaced in place, because clients are slow to create and therefore cached."""


def fake_clients(responses: Responses) -> Callable[[str], Any]:
    """Set the responses and return a factory of clients. An operation without a response is unknown to the service."""
    _responses.clear()
    _responses.update(responses)
    return _client


@cache
def _client(service: str) -> Any:
    session: Any = _Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="eu-west-1")
    client = session.client(service)
    client.meta.events.register("provide-client-params", _remember)
    client.meta.events.register("before-call", partial(_respond, service))
    return client


class Session:
    """A replacement for boto3's session. All regions and credentials get the same responses."""

    def __init__(self, **_: object) -> None: ...

    def client(self, service: str, **_: object) -> Any:
        return _client(service)


def _remember(params: Params, context: dict[str, Any], **_: object) -> None:
    context["parameters"] = params


def _respond(service: str, *, model: Any, context: Mapping[str, Any], **_: object) -> Any:
    try:
        response = _responses.get(f"{service}.{model.name}", _unknown)(context["parameters"])
    except AwsError as error:
        return SimpleNamespace(status_code=400), {"Error": {"Code": str(error), "Message": "denied"}}
    assert set(response) <= set(model.output_shape.members), model.name
    return SimpleNamespace(status_code=200), response


def _unknown(_: Params) -> Any:
    raise AwsError("UnknownOperationException")
