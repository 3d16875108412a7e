"""Part of the Lambda context that is used here, in its own module so that background functions load no HTTP code."""

from collections.abc import Mapping
from typing import Any, Protocol

Event = Mapping[str, Any]
"""An event of API Gateway's HTTP API, payload format 2.0."""


class Context(Protocol):
    """The id of the invocation, and its remaining time."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...
