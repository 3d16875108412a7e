"""The one origin that people of a local stack know: pages and API, the sign-in, and the inbox of the demo.

On AWS the pages' origin is the API's, and the sign-in has one of its own. Here everything comes from one address on
loopback, which is known before anything is deployed, so that letters can point to it.
"""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import urllib3
from typing_extensions import override

from tools.emulator import LOOPBACK
from tools.inbox import PLACE, page_at
from tools.letters import sent_letters

SIGN_IN: Final = ("/oauth2/", "/login", "/logout")
OF_THE_CONNECTION: Final = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding", "upgrade"}
)


def address_behind(path: str, api_path: str) -> str:
    """Where a request is led: the sign-in has the emulator's own paths, everything else is the API's."""
    return path if path.startswith(SIGN_IN) else api_path + path


class Front(ThreadingHTTPServer):
    """Listens on loopback; each request has a thread."""

    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def running_front(pool: urllib3.PoolManager, endpoint: str, api_path: str, *, port: int | None = None) -> Iterator[str]:
    """Lead requests on while this lasts; gives the origin."""

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # or every header would be a packet
        disable_nagle_algorithm = True

        def _pass_on(self) -> None:
            if f"{self.path.partition('?')[0]}/".startswith(PLACE):
                self._show_inbox()
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = pool.request(
                self.command,
                endpoint + address_behind(self.path, api_path),
                body=body or None,
                headers={name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION},
                redirect=False,
                decode_content=False,
            )
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in OF_THE_CONNECTION:
                    self.send_header(name, value)
            self._end(answer.data)

        # the names that http.server looks for
        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

        def _show_inbox(self) -> None:
            page = page_at(self.path.partition("?")[0] + "/", sent_letters(pool, endpoint))
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

    server = Front((LOOPBACK, port or 0), Passing)
    thread = threading.Thread(target=server.serve_forever, name="front", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
