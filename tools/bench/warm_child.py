"""A program: `warm_child.py PATH…` imports `app`, then answers an event as often as it is told, and tells how long it took.

Lines of JSON come in and go out: first come events and DynamoDB's answers, and out goes what the handler answered to each
and what it asked of DynamoDB; then come numbers, and for each the processor's nanoseconds for so many calls go out.
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
    """Lambda's, as far as handlers look at it."""

    aws_request_id = "c0ffee00-0000-4000-8000-000000000000"
    function_name = "create_link"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:create_link"
    memory_limit_in_mb = 1024

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class FakeSession:
    """Where botocore would send its requests, each is answered at once, and remembered if asked for."""

    def __init__(self, responses: Mapping[str, str]) -> None:
        """`answers` are by operation."""
        from botocore.awsrequest import AWSResponse  # noqa: PLC0415  of the handler's own path
        from botocore.compat import HTTPHeaders  # noqa: PLC0415  the same

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
    """Answer and tell until there is nothing more to read."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    first_input = json.loads(sys.stdin.readline())
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415  of the handler's own path

    session = FakeSession(first_input["answers"])
    URLLib3Session.send = session.send  # type: ignore[assignment]
    from app import handler  # type: ignore[import-not-found] # noqa: PLC0415  found on the path that is given

    firsts = []
    for event in first_input["events"]:
        session.requests = []
        firsts.append({"answer": handler(event, Context()), "asked": session.requests})
    write_line(output, firsts)
    session.requests = None
    for line in sys.stdin:
        began = time.process_time_ns()
        for _ in range(int(line)):
            handler(first_input["events"][0], Context())
        write_line(output, time.process_time_ns() - began)


if __name__ == "__main__":
    main()
