"""AWS as it would answer: the real clients of boto3, their answers given here, each named as the service names it."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import boto3

Asked = Mapping[str, Any]
Answers = dict[str, Callable[[Asked], Any]]


class Refused(Exception):
    """What AWS refuses: the error's code."""


_Session = boto3.Session
_answers: Answers = {}
"""What is answered now: a client takes longer to be made than most tests do, and so is made once."""


def clients(answers: Answers) -> Callable[[str], Any]:
    """A way to each service; what has no answer here is a call that the service does not know."""
    _answers.clear()
    _answers.update(answers)
    return _client


@cache
def _client(service: str) -> Any:
    session: Any = _Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="eu-west-1")
    made = session.client(service)
    made.meta.events.register("provide-client-params", _remember)
    made.meta.events.register("before-call", partial(_answer, service))
    return made


class Session:
    """Instead of boto3's, for what makes its own: whoever asks, and in whichever region, is answered the same."""

    def __init__(self, **_: object) -> None: ...

    def client(self, service: str, **_: object) -> Any:
        return _client(service)


def _remember(params: Asked, context: dict[str, Any], **_: object) -> None:
    context["asked"] = params


def _answer(service: str, *, model: Any, context: Mapping[str, Any], **_: object) -> Any:
    try:
        answer = _answers.get(f"{service}.{model.name}", _unknown)(context["asked"])
    except Refused as refused:
        return SimpleNamespace(status_code=400), {"Error": {"Code": str(refused), "Message": "refused"}}
    assert set(answer) <= set(model.output_shape.members), model.name
    return SimpleNamespace(status_code=200), answer


def _unknown(_: Asked) -> Any:
    raise Refused("UnknownOperationException")
