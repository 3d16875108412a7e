"""The one origin that people of a local stack know: pages and API, the sign-in, and the inbox of the demo.

On AWS the pages' origin is the API's, and the sign-in has one of its own. Here everything comes from one address on
loopback, which is known before anything is deployed, so that letters can point to it.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import urllib3
from typing_extensions import override

from tools.emails import sent_letters
from tools.emulator import LOOPBACK
from tools.inbox import PLACE, Page, page_at

SIGN_IN: Final = ("/oauth2/", "/login", "/logout")
OF_THE_CONNECTION: Final = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding", "upgrade"}
)


def address_behind(path: str, api_path: str) -> str:
    """Where a request is led: the sign-in has the emulator's own paths, everything else is the API's."""
    return path if path.startswith(SIGN_IN) else api_path + path


@dataclass(slots=True)
class Behind:
    """What the front leads to, and the assets that it has seen."""

    pool: urllib3.PoolManager
    endpoint: str
    api_path: str
    kept: dict[tuple[str, str], urllib3.BaseHTTPResponse] = field(default_factory=dict)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        if method == "GET" and path.startswith("/assets/"):
            return self._asset(path, headers)
        return self._asked(method, path, body, headers)

    def _asked(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        where = self.endpoint + address_behind(path, self.api_path)
        return self.pool.request(
            method, where, body=body or None, headers=headers, redirect=False, decode_content=False
        )

    def _asset(self, path: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """As a cache in front would: asked for once, and never a dozen at once, for each would start a worker."""
        key = (path, headers.get("Accept-Encoding", ""))
        with self.one_at_a_time:
            if key not in self.kept:
                answer = self._asked("GET", path, b"", headers)
                if "immutable" not in answer.headers.get("cache-control", ""):
                    return answer
                self.kept[key] = answer
            return self.kept[key]

    def inbox(self, path: str) -> Page:
        return page_at(path, sent_letters(self.pool, self.endpoint))


class Front(ThreadingHTTPServer):
    """Listens on loopback; each request has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, behind: Behind) -> None:
        """On a free port, if 0 is asked for."""
        self.behind = behind
        super().__init__((LOOPBACK, port), Passing)


class Passing(BaseHTTPRequestHandler):
    """Leads one request on, and its answer back."""

    server: Front
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # or every header would be a packet
    disable_nagle_algorithm = True

    def _pass_on(self) -> None:
        path = self.path.partition("?")[0]
        if f"{path}/".startswith(PLACE):
            self._show(self.server.behind.inbox(f"{path}/"))
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
        answer = self.server.behind.answer(self.command, self.path, body, headers)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in OF_THE_CONNECTION:
                self.send_header(name, value)
        self._end(answer.data)

    # the names that http.server looks for
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

    def _show(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-security-policy", page.policy)
        self.send_header("referrer-policy", "no-referrer")
        self.send_header("cache-control", "no-store")
        self._end(page.content.encode())

    def _end(self, content: bytes) -> None:
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the demo has the screen, and nobody's addresses are kept."""


@contextlib.contextmanager
def running_front(pool: urllib3.PoolManager, endpoint: str, api_path: str, *, port: int | None = None) -> Iterator[str]:
    """Lead requests on while this lasts; gives the origin."""
    server = Front(port or 0, Behind(pool, endpoint, api_path))
    thread = threading.Thread(target=server.serve_forever, name="front", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
