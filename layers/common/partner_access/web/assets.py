"""Assets and pages as they go over the wire."""

import re
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that pages load, as it goes over the wire."""

    content: bytes
    content_type: str

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that this one stands on, words apart: which are wanted is known only in the browser."""
        return tuple(re.findall(r'^import [^"]*"\./([\w.-]+)";$', self.content.decode(), re.MULTILINE))


@dataclass(frozen=True, slots=True)
class PageResponse:
    """What is answered; `kept` says for how long, in the words of Cache-Control."""

    content: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK
    cache_control: str = "no-store"
