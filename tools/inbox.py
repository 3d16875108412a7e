"""A page on loopback that lists the letters a local stack has sent; plain, and with nothing from elsewhere."""

import contextlib
import threading
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template

import urllib3
from typing_extensions import override

from tools.emulator import LOOPBACK
from tools.letters import Letter, sent_letters

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, "Noto Sans CJK JP", sans-serif; line-height: 1.5 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid; vertical-align: top }
pre { white-space: pre-wrap; border: 1px solid; padding: 1rem }
iframe { width: 100%; height: 40rem; border: 1px solid; background: #fff }
"""
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
$content
</body>
</html>
""")
# A letter's own page may show its styles and pictures, and may do nothing at all.
POLICY_OF_PAGES = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
POLICY_OF_LETTERS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"


def list_page(letters: list[Letter]) -> str:
    """All letters, newest first."""
    rows = "\n".join(
        f"<tr><td>{letter.at:%H:%M:%S}</td><td>{escape(', '.join(letter.to))}</td>"
        f'<td><a href="/letters/{nth}">{escape(letter.subject)}</a></td></tr>'
        for nth, letter in reversed(list(enumerate(letters)))
    )
    return _page(
        "Letters",
        "<h1>Letters</h1>"
        "<table><thead><tr><th>At (UTC)</th><th>To</th><th>Subject</th></tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table>"
        if letters
        else "<h1>Letters</h1><p>No letter was sent yet. Reload this page in a moment.</p>",
    )


def letter_page(nth: int, letter: Letter) -> str:
    """One letter: who, what, its text, and how it looks."""
    return _page(
        letter.subject,
        f'<p><a href="/">All letters</a></p><h1>{escape(letter.subject)}</h1>'
        f"<p>From {escape(letter.sender)}<br>To {escape(', '.join(letter.to))}<br>At {letter.at:%Y-%m-%d %H:%M:%S} UTC</p>"
        f"<h2>Text</h2><pre>{escape(letter.text)}</pre>"
        f'<h2>HTML</h2><iframe src="/letters/{nth}/html" sandbox="allow-popups" title="The letter as HTML"></iframe>',
    )


def _page(title: str, content: str) -> str:
    return PAGE.substitute(title=escape(title), style=STYLE, content=content)


@contextlib.contextmanager
def running_inbox(pool: urllib3.PoolManager, endpoint: str) -> Iterator[str]:
    """Serve the inbox on a free port of loopback while this lasts; gives its address."""

    class Inbox(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            letters = sent_letters(pool, endpoint)
            match self.path.strip("/").split("/"):
                case [""]:
                    self._show(list_page(letters))
                case ["letters", nth] if nth.isdecimal() and int(nth) < len(letters):
                    self._show(letter_page(int(nth), letters[int(nth)]))
                case ["letters", nth, "html"] if nth.isdecimal() and int(nth) < len(letters):
                    self._show(letters[int(nth)].html, policy=POLICY_OF_LETTERS)
                case _:
                    self._show(_page("Not found", "<h1>Not found</h1>"), status=HTTPStatus.NOT_FOUND)

        def _show(self, page: str, *, policy: str = POLICY_OF_PAGES, status: HTTPStatus = HTTPStatus.OK) -> None:
            content = page.encode()
            self.send_response(status)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.send_header("content-security-policy", policy)
            self.send_header("referrer-policy", "no-referrer")
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the demo has the screen."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Inbox)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="inbox", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
