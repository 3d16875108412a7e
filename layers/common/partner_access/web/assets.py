"""Assets and pages as they go over the wire."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

_COMMENT: Final = re.compile(r"/\*\*(?:(?!\*/).)*\*/ ?|^ *//[^\n]*$", re.DOTALL | re.MULTILINE)


def without_comments(script: str) -> str:
    """Return a script without its JSDoc comments and its lines of comment. The numbers of its lines stay."""
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), script)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load: its bytes and content type."""

    content: bytes
    content_type: str

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that this one imports, except texts, since only the browser can tell their language."""
        return tuple(re.findall(r'^import [^"]*"\./([\w.-]+)";$', self.content.decode(), re.MULTILINE))


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A response to send. `cache_control` is the value of its Cache-Control header."""

    content: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK
    cache_control: str = "no-store"
