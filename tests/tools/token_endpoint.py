"""A token endpoint that knows one client, and counts what it gives."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

from typing_extensions import override


class _Tokens(BaseHTTPRequestHandler):
    """A token endpoint that counts."""

    given: list[str]

    @override
    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        credentials = base64.b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()
        well = (self.path, credentials) == ("/oauth2/token", "client-1:s")
        self.given.append(asked["scope"][0])
        self.send_response(200 if well else 400)
        self.end_headers()
        self.wfile.write(json.dumps({"access_token": f"token-{len(self.given)}"} if well else {"error": "no"}).encode())


@contextmanager
def token_endpoint() -> Iterator[tuple[str, list[str]]]:
    given: list[str] = []
    with HTTPServer(("127.0.0.1", 0), type("Tokens", (_Tokens,), {"given": given})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", given
        server.shutdown()
        thread.join()
