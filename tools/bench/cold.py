"""Measure cold starts: a new process under AWS's runtime interface client, from its start to its first response.

The time is the processor time of the whole process. It is read whenever the process requests an event or sends its
response, since the process then waits.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from typing_extensions import override

from tools.bench import agreement, compared_handlers, link_creation, loopback
from tools.bench.compared_handlers import ComparedHandler
from tools.bench.figures import Figure
from tools.bench.link_creation import Json
from tools.bench.loopback import LOOPBACK

ROUNDS: Final = 21
NO_EARLY_REQUEST: Final = (
    "the client is created during init. What remains is one connection and two requests. A request during init "
    "would not save the connection, only open it earlier. A cold start would take one more request. The "
    "roles of functions that read only certain keys would need more permissions."
)
IMPORT_TIME: Final = (
    "most of a start is the import of boto3 and pydantic, which both have. The other handlers have one model each, this "
    "one has all of its rules."
)
POLL_SECONDS: Final = 1
"""In seconds."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Processor seconds until the process requests its first event, and from there to its response."""

    before: float
    first_call: float
    response: Any

    @property
    def whole(self) -> float:
        return self.before + self.first_call


class RuntimeApi(HTTPServer):
    """Lambda's runtime API for one process and one event. It reads the process's clock at each request."""

    timeout = POLL_SECONDS

    def __init__(self, event: Json) -> None:
        """Listen on a free port."""
        super().__init__((LOOPBACK, 0), _Request)
        self.event = json.dumps(event).encode()
        self.clock: int | None = None
        self.cpu_at_request: float | None = None
        self.start: ColdStart | None = None

    def cpu_seconds(self) -> float:
        assert self.clock is not None  # noqa: S101  a process that sends a request has a clock
        return time.clock_gettime(self.clock)


class _Request(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    @override
    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        self.server.cpu_at_request = self.server.cpu_seconds()
        headers = {
            "content-type": "application/json",
            "lambda-runtime-aws-request-id": "c0ffee00-0000-4000-8000-000000000000",
            "lambda-runtime-deadline-ms": str(int(time.time() * 1000) + 29_000),
            "lambda-runtime-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-west-1:000000000000:function:create_link",
        }
        self._respond(HTTPStatus.OK, self.server.event, headers)

    def do_POST(self) -> None:
        spent = self.server.cpu_seconds()
        response = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.path.endswith("/response") or self.server.cpu_at_request is None:
            raise RuntimeError(f"{self.path}: {response}")
        self.server.start = ColdStart(self.server.cpu_at_request, spent - self.server.cpu_at_request, response)
        self._respond(HTTPStatus.ACCEPTED, b"{}", {})

    def _respond(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body)), "connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _clock_of(process: int) -> int:
    """Return the clock of another process's processor time (POSIX, but not macOS)."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(process, ctypes.byref(clock)):
        raise ProcessLookupError(process)
    return clock.value


def cold_start(handler: ComparedHandler, endpoint: str, bundle: Path) -> ColdStart:
    """Measure one cold start of the handler."""
    with RuntimeApi(handler.convert_event(link_creation.event())) as api:
        environment = {
            **link_creation.ENVIRONMENT,
            "AWS_CA_BUNDLE": str(bundle),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{api.server_port}",
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, handler.path)),
        }
        command = [sys.executable, "-S", "-B", "-m", "awslambdaric", "app.handler"]
        with subprocess.Popen(command, env=environment, cwd=handler.folder, stdout=subprocess.DEVNULL) as program:
            try:
                api.clock = _clock_of(program.pid)
                while not api.start and program.poll() is None:
                    api.handle_request()
            finally:
                program.kill()
    if not api.start:
        raise ProcessLookupError(handler.name)
    return api.start


@contextmanager
def test_environment(handlers: tuple[ComparedHandler, ...]) -> Iterator[tuple[str, Mapping[str, Path]]]:
    """Run the fake DynamoDB.

    Yield its address, and for each handler a bundle of trusted certificates: those of its botocore and the server's
    own.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        certificate = folder / "dynamodb.pem"
        with loopback.fake_dynamodb(link_creation.dynamodb_responses(), certificate) as endpoint:
            bundles = {}
            for each in handlers:
                bundles[each.name] = folder / f"{each.name}.pem"
                own = (each.dependencies / "botocore/cacert.pem").read_bytes()
                bundles[each.name].write_bytes(own + certificate.read_bytes())
            yield endpoint, bundles


def measured() -> Mapping[str, list[ColdStart]]:
    """Return all starts by handler. Each round measures all handlers in turn."""
    prepared = compared_handlers.prepare_handlers()
    agreement.check_agreement(prepared)
    found: dict[str, list[ColdStart]] = {each.name: [] for each in prepared}
    with test_environment(prepared) as (endpoint, bundles):
        for each in prepared:
            cold_start(each, endpoint, bundles[each.name])
        for _ in range(ROUNDS):
            for each in prepared:
                found[each.name].append(cold_start(each, endpoint, bundles[each.name]))
    return found


def figures() -> Iterator[Figure]:
    """Yield the product's time as a ratio to each of the others."""
    found = measured()
    for name, called, target, stretch in (
        ("bare", "bare boto3 handler", 1.25, 1.15),
        ("powertools", "stock Powertools", 0.80, 0.71),
        ("fastapi_mangum", "FastAPI + Mangum", 0.65, 0.57),
        ("chalice_pydantic", "Chalice + pydantic", 0.90, 0.85),
        ("flask_pydantic", "Flask + pydantic", None, None),
    ):
        ratios = [ours.whole / other.whole for ours, other in zip(found["ours"], found[name], strict=True)]
        yield Figure.of_ratios(f"cold × {called}", ratios, target=target, stretch=stretch, reason=IMPORT_TIME)
    ratios = [
        ours.first_call / other.first_call for ours, other in zip(found["ours"], found["powertools"], strict=True)
    ]
    yield Figure.of_ratios(
        "first call after init × stock Powertools", ratios, target=0.25, stretch=0.16, reason=NO_EARLY_REQUEST
    )
    for name, starts in found.items():
        for part, called in (("before", "until its first call"), ("first_call", "its first call")):
            times = sorted(getattr(start, part) for start in starts)
            yield Figure(name=f"{name}: {called}", measured=times[len(times) // 2] * 1000, unit="ms")
