"""Generate the templates of emails from their sources: one source per email and language, for the text and the page.

The sources are layers/common/emails/<kind>/<language>.jinja. Jinja2 renders each of them twice: with the elements and
the layout of a plain text, and with those of a page. The results keep the placeholders ($person), which
`partner_access.emails.rendering` fills in. So the product needs no template engine.

`python -m tools.email_templates` writes the templates. `--check` fails when they are out of date.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import escape
from typing_extensions import override

from tools import template

Format = Literal["txt", "html"]

SOURCES: Final = template.ROOT / "layers/common/emails"
TARGET: Final = template.ROOT / "layers/common/partner_access/emails/templates"
FORMATS: Final[tuple[Format, ...]] = ("txt", "html")
LIST_ITEM: Final = "list_item.html"
"""Name of the template of one item of a list of permissions."""


class LiteralText(Extension):
    """Extension that takes the words in the source of an email as text: in a page, they are escaped like any value."""

    @override
    def filter_stream(self, stream: TokenStream) -> TokenStream | Iterator[Token]:
        is_source = "/" in (stream.name or "")
        return (self._escaped(token) if is_source and token.type == "data" else token for token in stream)

    @staticmethod
    def _escaped(token: Token) -> Token:
        return Token(token.lineno, token.type, str(escape(token.value)))


@cache
def environment(file_format: Format, language: str, sources: Path = SOURCES) -> Environment:
    """Return the template engine for one format and language. The elements are available in every source."""
    found = Environment(
        loader=FileSystemLoader(sources),
        autoescape=file_format == "html",  # noqa: S701  a plain text is not escaped
        extensions=[LiteralText] if file_format == "html" else [],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {"language": language, "layout": f"layout.{file_format}.jinja"}
    found.globals |= vars(found.get_template(f"elements.{file_format}.jinja").module)
    return found


def generated(sources: Path = SOURCES) -> dict[Path, str]:
    """Return the content of all templates by their path."""
    item = environment("html", "en", sources).from_string('{{ item("$item") }}').render()
    return {TARGET / LIST_ITEM: f"{item}\n"} | {
        TARGET / source.parent.name / f"{source.stem}.{file_format}": _rendered(source, file_format)
        for source in sorted(sources.glob("*/*.jinja"))
        for file_format in FORMATS
    }


def _rendered(source: Path, file_format: Format) -> str:
    name = f"{source.parent.name}/{source.name}"
    found = environment(file_format, source.stem, source.parents[1]).get_template(name).render().strip() + "\n"
    return re.sub(r"\n\s*\n", "\n", found) if file_format == "html" else re.sub(r"\n{3,}", "\n\n", found)


def outdated() -> list[Path]:
    """Return the templates that differ from their source, are missing, or have no source."""
    wanted = generated()
    existing = {path: path.read_text(encoding="utf-8") for path in TARGET.rglob("*") if path.is_file()}
    return sorted(path for path in wanted.keys() | existing.keys() if wanted.get(path) != existing.get(path))


def main(arguments: list[str]) -> int:
    """Write the templates, or with `--check` compare them."""
    changed = outdated()
    if "--check" in arguments:
        for path in changed:
            print(f"{path.relative_to(template.ROOT)} is out of date: run `make openapi`", file=sys.stderr)
        return 1 if changed else 0
    wanted = generated()
    for path in changed:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
