"""Assets and pages as they go over the wire.

The URL of an asset has no folders: `shared/api.js` is served as `shared.api.js`, since the route of assets has one
segment for the name.
"""

import posixpath
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePath
from typing import Final

_COMMENT: Final = re.compile(r"/\*\*(?:(?!\*/).)*\*/ ?|^ *//[^\n]*$", re.DOTALL | re.MULTILINE)
_INDENTATION: Final = re.compile(r"^ +", re.MULTILINE)
_IMPORTED_PATH: Final = re.compile(r'(?:(?<=\bfrom )|(?<=\bimport )|(?<=\bimport\())"(\.[\w./-]+)"')


def served_name(path: PurePath | str) -> str:
    """Return the name of an asset in its URL. `path` is relative to the folder of the static files."""
    return ".".join(PurePath(path).parts)


def served_script(source: str, path: PurePath) -> str:
    """Return a script as it is served: without comments and indentation. Imports name modules as their URLs do."""

    def served_import(found: re.Match[str]) -> str:
        return f'"./{served_name(posixpath.normpath(path.parent / found[1]))}"'

    return _IMPORTED_PATH.sub(served_import, _INDENTATION.sub("", _without_comments(source)))


def _without_comments(script: str) -> str:
    """Return a script without its JSDoc comments and its lines of comment. The numbers of its lines stay."""
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), script)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load: its bytes and content type."""

    content: bytes
    content_type: str

    @property
    def imports(self) -> tuple[str, ...]:
        """The served names of the modules to load with this one. Those that it imports on demand are not among them."""
        return tuple(re.findall(r'^import [^"]*"\./([\w.-]+)";$', self.content.decode(), re.MULTILINE))

    @property
    def quoted_names(self) -> tuple[str, ...]:
        """The names in quotes, such as those of the texts that a script shows."""
        return tuple(re.findall(r'"([\w.]+)"', self.content.decode()))

    @property
    def quoted_groups(self) -> tuple[str, ...]:
        """The first parts of names in quotes, also of those that a script completes, such as `error.${code}`."""
        return tuple(re.findall(r'["`](\w+)\.', self.content.decode()))


@dataclass(frozen=True, slots=True)
class PageResponse:
    """A response to send. `cache_control` is the value of its Cache-Control header."""

    content: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK
    cache_control: str = "no-store"
