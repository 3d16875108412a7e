"""What is used of Lambda's context; on its own, so that functions without an HTTP edge do not load one."""

from collections.abc import Mapping
from typing import Any, Protocol

Event = Mapping[str, Any]
"""An event of API Gateway's HTTP API, payload format 2.0."""


class Context(Protocol):
    """Which invocation this is, and how long it may last."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...
