"""A fake token endpoint with one client. It records the requested scopes."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

from typing_extensions import override


class _TokenHandler(BaseHTTPRequestHandler):
    """A handler of token requests that numbers its tokens."""

    requested_scopes: list[str]

    @override
    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        credentials = base64.b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()
        is_valid = (self.path, credentials) == ("/oauth2/token", "client-1:s")
        self.requested_scopes.append(form["scope"][0])
        self.send_response(200 if is_valid else 400)
        self.end_headers()
        self.wfile.write(
            json.dumps(
                {"access_token": f"token-{len(self.requested_scopes)}"} if is_valid else {"error": "no"}
            ).encode()
        )


@contextmanager
def token_endpoint() -> Iterator[tuple[str, list[str]]]:
    requested_scopes: list[str] = []
    with HTTPServer(
        ("127.0.0.1", 0), type("Tokens", (_TokenHandler,), {"requested_scopes": requested_scopes})
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", requested_scopes
        server.shutdown()
        thread.join()
