"""A local proxy that serves pages, API, sign-in and the demo's inbox from one origin.

On AWS the pages share their origin with the API, and the sign-in has its own. Here everything has one loopback
address. The address is known before the deployment, so that emails can contain it.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import urllib3
from typing_extensions import override

from tools.emails import sent_emails
from tools.emulator import LOOPBACK
from tools.inbox import INBOX_PATH, InboxPage, page_at

SIGN_IN_PATHS: Final = ("/oauth2/", "/login", "/logout")
CONNECTION_HEADERS: Final = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding", "upgrade"}
)


def upstream_path(path: str, api_path: str) -> str:
    """Return the emulator's path for a request. Sign-in paths stay the same, and all others belong to the API."""
    return path if path.startswith(SIGN_IN_PATHS) else api_path + path


@dataclass(slots=True)
class Upstream:
    """The upstream of the proxy, with a cache of assets."""

    pool: urllib3.PoolManager
    endpoint: str
    api_path: str
    cached_assets: dict[tuple[str, str], urllib3.BaseHTTPResponse] = field(default_factory=dict)
    asset_lock: threading.Lock = field(default_factory=threading.Lock)

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        if method == "GET" and path.startswith("/assets/"):
            return self._asset(path, headers)
        return self._request(method, path, body, headers)

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        url = self.endpoint + upstream_path(path, self.api_path)
        return self.pool.request(method, url, body=body or None, headers=headers, redirect=False, decode_content=False)

    def _asset(self, path: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Return an asset through the cache.

        Only one is requested at a time, since each parallel request would start a worker.
        """
        key = (path, headers.get("Accept-Encoding", ""))
        with self.asset_lock:
            if key not in self.cached_assets:
                response = self._request("GET", path, b"", headers)
                if "immutable" not in response.headers.get("cache-control", ""):
                    return response
                self.cached_assets[key] = response
            return self.cached_assets[key]

    def inbox(self, path: str) -> InboxPage:
        return page_at(path, sent_emails(self.pool, self.endpoint))


class ProxyServer(ThreadingHTTPServer):
    """The proxy server. It listens on loopback and uses a thread for each request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, upstream: Upstream) -> None:
        """Listen on this port. Port 0 selects a free one."""
        self.upstream = upstream
        super().__init__((LOOPBACK, port), ProxyHandler)


class ProxyHandler(BaseHTTPRequestHandler):
    """A handler that forwards one request and returns the response."""

    server: ProxyServer
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # otherwise each header would be sent as its own packet
    disable_nagle_algorithm = True

    def _forward(self) -> None:
        path = self.path.partition("?")[0]
        if f"{path}/".startswith(INBOX_PATH):
            self._send_page(self.server.upstream.inbox(f"{path}/"))
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in CONNECTION_HEADERS}
        response = self.server.upstream.forward(self.command, self.path, body, headers)
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name.lower() not in CONNECTION_HEADERS:
                self.send_header(name, value)
        self._send_body(response.data)

    # method names required by http.server
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward  # noqa: N815

    def _send_page(self, page: InboxPage) -> None:
        self.send_response(page.status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-security-policy", page.policy)
        self.send_header("referrer-policy", "no-referrer")
        self.send_header("cache-control", "no-store")
        self._send_body(page.content.encode())

    def _send_body(self, content: bytes) -> None:
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing. The demo uses the terminal, and requests contain email addresses."""


@contextlib.contextmanager
def running_proxy(pool: urllib3.PoolManager, endpoint: str, api_path: str, *, port: int | None = None) -> Iterator[str]:
    """Run the proxy in the background and yield its origin."""
    server = ProxyServer(port or 0, Upstream(pool, endpoint, api_path))
    thread = threading.Thread(target=server.serve_forever, name="front", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
