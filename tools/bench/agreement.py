"""Check that all compared handlers behave alike: equal responses and DynamoDB requests, except for ids and times."""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from tools.bench import link_creation
from tools.bench.compared_handlers import ComparedHandler
from tools.bench.link_creation import Json
from tools.bench.running import run_handler

VALID: Final[Sequence[Json]] = (
    json.loads(link_creation.event()["body"]),
    {},
    {"employee_id": "user-employee", "link_days": 30, "max_approvals": 1000, "locale": "ja"},
    {"recipient_email": "Admin@Bakery.Example.com", "purpose": "  トラブル対応 "},
)
INVALID: Final[Sequence[Json]] = (
    {"employee_id": "no id"},
    {"account_id": 7},
    {"recipient_email": "nobody"},
    {"recipient_email": "two@@example.com"},
    {"permissions": {"add": ["crm.export"]}},
    {"permissions": {"remove": [""]}},
    {"permissions": {"remove": "crm.export"}},
    {"access_days": 0},
    {"access_days": 731},
    {"link_days": "7"},
    {"link_days": True},
    {"link_days": None},
    {"max_approvals": 1001},
    {"purpose": "  "},
    {"purpose": "see https://example.com"},
    {"purpose": "a\u202eb"},
    {"purpose": "<b>"},
    {"locale": "fr"},
    {"unknown": 1},
)
IDS_AND_TIMES: Final = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])|\b1[0-9]{9}\b"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<=\.)[\w-]{43}_[0-9a-f]{8}|(?:OUTBOX|DUE)#\d|(?<=aud_|lnk_)[0-9a-f]{32}"
)


class Disagreement(Exception):
    """The compared handlers do not behave alike."""


def check_agreement(handlers: Sequence[ComparedHandler]) -> None:
    """Raise `Disagreement` if a handler behaves differently from the first one. Nothing is measured in that case."""
    behaviors = {each.name: behavior(each) for each in handlers}
    model = next(iter(behaviors.values()))
    for name, seen in behaviors.items():
        for body, one, other in zip((*VALID, *INVALID), model, seen, strict=True):
            if one != other:
                raise Disagreement(f"{name}, for {json.dumps(body)}:\n{other}\ninstead of\n{one}")


def behavior(handler: ComparedHandler) -> list[Any]:
    """Return the status, the response and the DynamoDB requests for each body.

    For an error, return the status and any write.
    """
    with run_handler(handler, [link_creation.event(body) for body in (*VALID, *INVALID)]) as started:
        return [_observed(**first) for first in started.first_responses]


def _observed(response: Any, requests: Any) -> Any:
    status = response["statusCode"]
    if status != HTTPStatus.CREATED:
        return status, [operation for operation, _ in requests if operation == "TransactWriteItems"]
    return (
        status,
        _masked(json.loads(response["body"])),
        [(operation, _masked(_comparable(one))) for operation, one in requests],
    )


def _comparable(request: Any) -> Any:
    """Return a request without the parts that always differ: its token and the compressed stored response."""
    request.pop("ClientRequestToken", None)
    for line in request.get("TransactItems", ()):
        line.get("Put", {}).get("Item", {}).pop("response_body", None)
    return request


def _masked(value: Any) -> Any:
    return json.loads(IDS_AND_TIMES.sub("…", json.dumps(value, sort_keys=True, ensure_ascii=False)))
