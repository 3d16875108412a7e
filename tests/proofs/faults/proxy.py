"""A proxy to AWS on a loopback socket, with a plan that decides the fate of each request."""

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
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""Value of SO_LINGER that makes a close send a TCP reset."""
DELAY: Final = 2.5
"""Seconds. The client's timeout is two seconds."""


@dataclass(slots=True)
class ProxyPlan:
    """The plan for requests whose body contains `matching`. After the plan, every such request gets `then`.

    `requests` has the body of each request, in the order of arrival.
    """

    then: "ConnectionFault"
    plan: deque["ConnectionFault"] = field(default_factory=deque)
    upstream: str = ""
    matching: bytes = b""
    requests: list[bytes] = field(default_factory=list)


class Request(BaseHTTPRequestHandler):
    """One request to the proxy."""

    server: "Proxy"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        plan, self.text = self.server.plan, self.rfile.read(int(self.headers["content-length"]))
        plan.requests.append(self.text)
        if plan.matching in self.text:
            (plan.plan.popleft() if plan.plan else plan.then)(self)
        else:
            forward(self)

    def forwarded(self) -> urllib3.BaseHTTPResponse:
        """Forward the request and return the response of AWS, which has carried out the request by then."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        return urllib3.request(
            "POST", self.server.plan.upstream + self.path, body=self.text, headers=headers, retries=False
        )

    def respond(self, status: int, body: bytes, *, sent: int | None = None, pause: float = 0) -> None:
        """Send the body or its first `sent` bytes in ten portions, with a pause in seconds after each."""
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
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.close_connection = True
        self.connection.close()

    @override
    def log_message(self, *_: object) -> None:
        """Write no access log."""


ConnectionFault = Callable[[Request], None]


class Proxy(ThreadingHTTPServer):
    """An HTTP server with one thread for each connection. It ignores errors of connections that a client gave up."""

    daemon_threads = True

    def __init__(self, plan: ProxyPlan) -> None:
        self.plan = plan
        super().__init__((LOOPBACK, 0), Request)

    @override
    def handle_error(self, *_: object) -> None:
        """Ignore the error: the client closed the connection, as the test expects."""


def forward(request: Request) -> None:
    response = request.forwarded()
    request.respond(response.status, response.data)


def throttle(request: Request) -> None:
    request.respond(400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":""}')


def fail_with_500(request: Request) -> None:
    request.respond(500, b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":""}')


def reset_before(request: Request) -> None:
    request.reset()


def reset_after(request: Request) -> None:
    request.forwarded()
    request.reset()


def respond_late(request: Request) -> None:
    """Forward the request, and send no response until the client has given up."""
    request.forwarded()
    time.sleep(DELAY)


def stay_silent(request: Request) -> None:
    time.sleep(DELAY)
    request.close_connection = True


def respond_slowly(request: Request) -> None:
    """Send the whole response slowly."""
    response = request.forwarded()
    request.respond(response.status, response.data or b"{}", pause=0.05)


def cut_off(request: Request) -> None:
    """Send half of the response and close the connection."""
    response = request.forwarded()
    body = response.data or b"{}"
    request.respond(response.status, body, sent=len(body) // 2)
    request.close_connection = True


@contextmanager
def proxy(plan: ProxyPlan) -> Iterator[str]:
    """Run a proxy within the block and yield its URL."""
    with Proxy(plan) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
