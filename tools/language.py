"""The language check of `make check`: banned words, docstrings, and long lines of JavaScript.

`python -m tools.language` prints each finding as `path:line: problem` and exits with 1 when there is one.
"""

import ast
import builtins
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

BANNED: Final = frozenset(
    [
        "he",
        "him",
        "his",
        "himself",
        "herself",
        "whoever",
        "whom",
        "somebody",
        "anew",
        "lest",
        "shall",
        "told",
        "deed",
        "deeds",
        "letter",
        "letters",
        "letterhead",
        "firm",
        "firms",
        "fixme",
        "wish",
        "wishes",
        "wished",
        "wishing",
    ]
)
"""Words for a person that exclude others, words of one author, words with a standard term, and markers of skeletons."""
BANNED_PHRASES: Final = re.compile(r"\b(?:(?:come|comes|came|coming) true|in thought)\b", re.IGNORECASE)
ALLOWED: Final = re.compile(r"dead[- ]?letter|letter for letter", re.IGNORECASE)
"""AWS's own term for a queue of messages that nothing could deliver."""
OPENINGS: Final = frozenset(
    ["What", "Whether", "Who", "Whoever", "Whom", "Whose", "How", "Where", "Of", "By", "As", "Until"]
)
"""Relative words: a docstring starts with a verb or a noun phrase."""
JAVASCRIPT_WIDTH: Final = 120
TEXTS: Final = {".md", ".yaml", ".toml", ".txt", ".html", ".js", ".css", ".json", ".in", ".jinja"}
SKIPPED: Final = (
    "LICENSE",
    "PROOFS.md",
    "BENCHMARKS.md",
    "docs/benchmarks.svg",
    "openapi.json",
    "requirements/",
    "layers/common/requirements.txt",
    "tests/authzen/data/",
    "tests/stack/browser/axe/",
    "functions/serve_pages/static/vendor/",
    "tools/language.py",
    "tools/scaffold.py",
    "tests/tools/test_scaffold.py",
    "tests/tools/test_language.py",
    "docs/glossary.md",
)
"""Licences, third-party files, test data from standards, generated pages, this list and the glossary."""


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case; identifiers are split at underscores and capitals."""
    for word in re.findall(r"[A-Za-z]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", ALLOWED.sub("", text))):
        yield word.lower()


@cache
def banned_in(text: str) -> tuple[str, ...]:
    """Return the banned words and phrases of a text. Most names occur many times, so that each is split once."""
    return *sorted({*words(text)} & BANNED), *BANNED_PHRASES.findall(text)


def python_findings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the problem of each banned word in names, strings and comments, and of each opening."""
    tokens, tree = list(tokenize.generate_tokens(io.StringIO(source).readline)), ast.parse(source)
    nodes = list(ast.walk(tree))
    for token in tokens:
        if token.type in {tokenize.NAME, tokenize.COMMENT}:
            yield from ((token.start[0], f"banned word: {word}") for word in banned_in(token.string))
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ((node.lineno, f"banned word: {word}") for word in banned_in(node.value))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            text = node.value.value
            opening = text.split(maxsplit=1)[0].rstrip(",:") if text.strip() else ""
            if opening in OPENINGS:
                yield node.lineno, f"the docstring opens with {opening}"
    yield from unknown_names(tree, nodes, {token.string for token in tokens if token.type == tokenize.NAME})


def unknown_names(tree: ast.Module, nodes: Sequence[ast.AST], names: set[str]) -> Iterator[tuple[int, str]]:
    """Yield each name in backticks, in a docstring below module level, that the code of its file does not contain."""
    docstrings = [each.value for each in nodes if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]
    unread = {id(each) for each in docstrings}
    known = {*dir(builtins)} | names
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unread:
            known.update(re.findall(r"\w+", node.value))
    for docstring in docstrings:
        if docstring is getattr(tree.body[0], "value", None):
            continue
        for name in re.findall(r"`([A-Za-z_][\w.]*)(?:\(\))?`", str(docstring.value)):
            if not {*name.split(".")} <= known:
                yield docstring.lineno, f"`{name}` is not in the code of this file"


def text_findings(source: str, *, is_javascript: bool) -> Iterator[tuple[int, str]]:
    """Yield the line and the problem of each banned word, and of each line of JavaScript that is too long."""
    for number, line in enumerate(source.splitlines(), 1):
        yield from ((number, f"banned word: {word}") for word in banned_in(line))
        if is_javascript and len(line) > JAVASCRIPT_WIDTH:
            yield number, f"the line has {len(line)} characters, and {JAVASCRIPT_WIDTH} are allowed"


def findings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the findings of one file by its ending."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return python_findings(source)
    return text_findings(source, is_javascript=path.suffix == ".js")


def checked_files() -> Iterator[Path]:
    """Yield the files that are checked: those that git tracks, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.splitlines():
        path = ROOT / name
        is_text = path.suffix in {".py", *TEXTS} or path.name == "Makefile"
        if is_text and path.is_file() and not name.startswith(SKIPPED):
            yield path


def main() -> int:
    """Print all findings; the exit code is 1 when there is one."""
    found = [f"{path.relative_to(ROOT)}:{line}: {what}" for path in checked_files() for line, what in findings(path)]
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
