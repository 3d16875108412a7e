"""Run a handler in a process of its own: `warm_child.py PATH…` imports `app`, calls its handler and reports the times.

Input and output are JSON lines. The first input line contains events and DynamoDB's responses. The first output line
contains, for each event, the handler's response and its DynamoDB requests. Each further input line is a number of
calls, and its output line is the processor time of these calls in nanoseconds.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, TextIO

sys.path[:0] = sys.argv[1:]


class Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Context:
    """Lambda's context with the attributes that the handlers use."""

    aws_request_id = "c0ffee00-0000-4000-8000-000000000000"
    function_name = "create_link"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:create_link"
    memory_limit_in_mb = 1024

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class FakeSession:
    """A fake HTTP session of botocore. It responds at once and, on demand, records the requests."""

    def __init__(self, responses: Mapping[str, str]) -> None:
        """Store the responses, which are given by operation."""
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415  imported from the handler's own path
        from botocore.compat import HTTPHeaders  # noqa: PLC0415  imported from the handler's own path

        self._response, self._headers = AWSResponse, HTTPHeaders()
        self._responses = {name: text.encode() for name, text in responses.items()}
        self.requests: list[tuple[str, Any]] | None = []

    def send(self, request: Any) -> Any:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        if self.requests is not None:
            self.requests.append((operation, json.loads(request.body)))
        return self._response(request.url, 200, self._headers, Body(self._responses[operation]))


def write_line(output: TextIO, line: object) -> None:
    output.write(json.dumps(line) + "\n")
    output.flush()


def main() -> None:
    """Process input lines until the input ends."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    first_input = json.loads(sys.stdin.readline())
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415  imported from the handler's own path

    session = FakeSession(first_input["responses"])
    URLLib3Session.send = session.send  # type: ignore[assignment]
    from app import handler  # type: ignore[import-not-found] # noqa: PLC0415  found on the given path

    firsts = []
    for event in first_input["events"]:
        session.requests = []
        firsts.append({"response": handler(event, Context()), "requests": session.requests})
    write_line(output, firsts)
    session.requests = None
    for line in sys.stdin:
        began = time.process_time_ns()
        for _ in range(int(line)):
            handler(first_input["events"][0], Context())
        write_line(output, time.process_time_ns() - began)


if __name__ == "__main__":
    main()
