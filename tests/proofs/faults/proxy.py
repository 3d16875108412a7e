"""AWS behind a line that breaks: real sockets on loopback, and a plan for what becomes of each request."""

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import urllib3
from typing_extensions import override

LOOPBACK: Final = "127.0.0.1"
AT_ONCE_AWAY: Final = struct.pack("ii", 1, 0)
"""Closing answers with a reset."""
LATE: Final = 2.5
"""Seconds; the client waits for two."""


@dataclass(slots=True)
class Line:
    """The plan, and then `then`, is for requests that hold `about`; `asked` has the body of each request as it came."""

    then: "Break"
    plan: deque["Break"] = field(default_factory=deque)
    upstream: str = ""
    about: bytes = b""
    asked: list[bytes] = field(default_factory=list)


class Request(BaseHTTPRequestHandler):
    """One request on its way."""

    server: "Proxy"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        line, self.text = self.server.line, self.rfile.read(int(self.headers["content-length"]))
        line.asked.append(self.text)
        if line.about in self.text:
            (line.plan.popleft() if line.plan else line.then)(self)
        else:
            passes(self)

    def passed_on(self) -> urllib3.BaseHTTPResponse:
        """What AWS answers, who has done what was asked by then."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        return urllib3.request(
            "POST", self.server.line.upstream + self.path, body=self.text, headers=headers, retries=False
        )

    def answered(self, status: int, body: bytes, *, sent: int | None = None, pause: float = 0) -> None:
        """The whole body or its first bytes, at once or in ten portions."""
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        text, portion = body[:sent], max(1, len(body) // 10)
        for start in range(0, len(text), portion):
            self.wfile.write(text[start : start + portion])
            self.wfile.flush()
            time.sleep(pause)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_AWAY)
        self.close_connection = True
        self.connection.close()

    @override
    def log_message(self, *_: object) -> None:
        """Nothing is written down."""


Break = Callable[[Request], None]


class Proxy(ThreadingHTTPServer):
    """A thread for each connection; what a client gave up on is nobody's error."""

    daemon_threads = True

    def __init__(self, line: Line) -> None:
        self.line = line
        super().__init__((LOOPBACK, 0), Request)

    @override
    def handle_error(self, *_: object) -> None:
        """The client went away, as it should."""


def passes(request: Request) -> None:
    answer = request.passed_on()
    request.answered(answer.status, answer.data)


def throttles(request: Request) -> None:
    request.answered(400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":""}')


def breaks(request: Request) -> None:
    request.answered(500, b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":""}')


def resets_before(request: Request) -> None:
    request.reset()


def resets_after(request: Request) -> None:
    request.passed_on()
    request.reset()


def is_late(request: Request) -> None:
    """It comes true, and nobody waits for the answer any more."""
    request.passed_on()
    time.sleep(LATE)


def is_silent(request: Request) -> None:
    time.sleep(LATE)
    request.close_connection = True


def dribbles(request: Request) -> None:
    """Every byte comes, slowly."""
    answer = request.passed_on()
    request.answered(answer.status, answer.data or b"{}", pause=0.05)


def cuts_off(request: Request) -> None:
    """Half of the answer comes."""
    answer = request.passed_on()
    body = answer.data or b"{}"
    request.answered(answer.status, body, sent=len(body) // 2)
    request.close_connection = True


@contextmanager
def proxy(line: Line) -> Iterator[str]:
    """Its address, as long as the block lasts."""
    with Proxy(line) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
