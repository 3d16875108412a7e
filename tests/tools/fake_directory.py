"""A fake directory over HTTP. It accepts the requests that the real one accepts, and fails on demand."""

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from typing_extensions import override

TOKEN = "good"


@dataclass
class FakeDirectory:
    """The stored data. `failures` are error responses for the next requests to a path, in order."""

    base_url: str = ""
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    failures: dict[str, list[tuple[int, str, object]]] = field(default_factory=dict)
    owners: dict[str | None, str] = field(default_factory=dict)
    unreadable: bool = False
    token: str = TOKEN
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, body: dict[str, Any], authorization: str) -> tuple[int, str, object]:
        """Store a body. Return the status, an additional header, and the response body."""
        with self.lock:
            self.paths.append(path)
            if authorization != f"Bearer {self.token}":
                return 401, "", {"message": "Unauthorized"}
            if self.failures.get(path):
                return self.failures[path].pop(0)
            account, _, member = path.partition("/members/")
            if member and not {account, f"/directory/users/{member}"} <= set(self.stored):
                return 404, "", problem("not_found", "There is nothing here.")
            if self.stored.get(account, {}).get("state") == "closed" and member:
                return 409, "", problem("account_closed", "This account is closed.")
            body |= {"email": body["email"].lower()} if "email" in body else {}
            if self.owners.get(body.get("email"), path) != path:
                return 409, "", problem("email_in_use", "Another user has this address.", "/email")
            if "email" in body:
                self.owners.pop(self.stored.get(path, {}).get("email"), None)
                self.owners[body["email"]] = path
            status = 200 if path in self.stored else 201
            self.stored[path] = {**self.stored.get(path, {}), **body}
            return status, "", {}

    def get(self, path: str) -> tuple[int, str, object]:
        """Return a stored record."""
        with self.lock:
            if self.unreadable:
                return 500, "", {}
            if path in self.stored:
                return 200, "", self.stored[path]
            return 404, "", problem("not_found", "There is nothing here.")

    @property
    def counts(self) -> Counter[str]:
        """The number of requests to each path."""
        return Counter(self.paths)


def problem(code: str, detail: str, *pointers: str) -> dict[str, object]:
    return {"code": code, "detail": detail, "errors": [{"pointer": each, "code": code} for each in pointers]}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    directory: FakeDirectory


class _Handler(socketserver.StreamRequestHandler):
    """A minimal HTTP server with keep-alive. The standard library's is too slow for 10,000 requests."""

    disable_nagle_algorithm = True

    @override
    def handle(self) -> None:
        while start := self.rfile.readline():
            lines = (line.decode().strip().partition(": ") for line in iter(self.rfile.readline, b"\r\n"))
            headers = {name.lower(): value for name, _, value in lines}
            content = self.rfile.read(int(headers.get("content-length", "0")))
            assert isinstance(self.server, _Server)
            directory, path = self.server.directory, unquote(start.split()[1].decode())
            status, extra, response = (
                directory.put(path, json.loads(content), headers["authorization"]) if content else directory.get(path)
            )
            if status == 0:  # status 0 closes the connection without a response
                return
            text = json.dumps(response).encode()
            kind = (
                "application/problem+json" if isinstance(response, dict) and "code" in response else "application/json"
            )
            head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(text)}\r\n{extra}\r\n"
            self.wfile.write(head.encode() + text)


@contextmanager
def running_directory() -> Iterator[FakeDirectory]:
    """Run an empty directory on loopback."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.directory = FakeDirectory(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.directory
        finally:
            server.shutdown()
            thread.join()
