"""What is used of Lambda's context; on its own, so that functions without an HTTP edge do not load one."""

from typing import Protocol


class Context(Protocol):
    """Which invocation this is, and how long it may last."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...
