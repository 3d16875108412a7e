"""AWS as it would answer: the real clients of boto3, their answers given here, each named as the service names it."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import boto3

Params = Mapping[str, Any]
Responses = dict[str, Callable[[Params], Any]]


class AwsError(Exception):
    """What AWS refuses: the error's code."""


_Session = boto3.Session
_responses: Responses = {}
"""What is answered now: a client takes longer to be made than most tests do, and so is made once."""


def fake_clients(responses: Responses) -> Callable[[str], Any]:
    """A way to each service; what has no answer here is a call that the service does not know."""
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
    """Instead of boto3's, for what makes its own: whoever asks, and in whichever region, is answered the same."""

    def __init__(self, **_: object) -> None: ...

    def client(self, service: str, **_: object) -> Any:
        return _client(service)


def _remember(params: Params, context: dict[str, Any], **_: object) -> None:
    context["asked"] = params


def _respond(service: str, *, model: Any, context: Mapping[str, Any], **_: object) -> Any:
    try:
        response = _responses.get(f"{service}.{model.name}", _unknown)(context["asked"])
    except AwsError as refused:
        return SimpleNamespace(status_code=400), {"Error": {"Code": str(refused), "Message": "refused"}}
    assert set(response) <= set(model.output_shape.members), model.name
    return SimpleNamespace(status_code=200), response


def _unknown(_: Params) -> Any:
    raise AwsError("UnknownOperationException")
