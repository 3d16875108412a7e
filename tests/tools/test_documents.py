"""Documents name only what exists: each name, path, route and command in code font is one of the project."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest

from tools import template
from tools.template import ROOT

FOREIGN: Final = {
    "AWS and its SDK": """AWS_DATA_PATH GetObjectVersion IdempotentParameterMismatchException ListBucketVersions Scan awscrt
        batchItemFailures begins_with idempotencyToken include_default_search_paths""",
    "HTTP headers": "Cache Control Forwarded Host Idempotent Original Override Referrer Replayed Retry",
    "OAuth, JWT and AuthZEN": "alg archived bob iat jku jwk jwks_uri kid nbf soft uid x5u",
    "Python and other tools": "NaN React OO defer_build enable enable_validation pyc",
    "examples": "123 YWEvYmI9PQ aa auth0 bb clerk consultant e2 json5 ke snake_case ud800 x10",
}
"""Names that are not the project's own, by their origin."""
ALLOWED: Final = frozenset(" ".join(FOREIGN.values()).split())

SPAN: Final = re.compile(r"(`+)(.+?)\1")
FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
TEXT: Final = re.compile(r'"""(?:.|\n)*?"""|"[^"\n]*"|#\s.*|Description: .*')
WORD: Final = re.compile(r"[A-Za-z_]\w+", re.ASCII)
ROUTE: Final = re.compile(r"(?:(GET|POST|PUT|PATCH|DELETE) (?:/|…)|/[\w-]+/|…/)[\w/{}.…-]*")


@cache
def tracked_files() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(name for name in listed.splitlines() if (ROOT / name).is_file())


def is_document(name: str) -> bool:
    """Return whether people write this document. Programs write PROOFS.md and BENCHMARKS.md, with names of that day."""
    return name == "template.yaml" or (name.endswith(".md") and not name.startswith(("PROOFS", "BENCHMARKS")))


@cache
def code(folder: str) -> str:
    """Return the code in a folder without docstrings, comments and sentences. A name in prose alone does not exist."""
    endings = (".py", ".js", ".yaml", ".toml", "Makefile", "wire.json")
    names = [name for name in tracked_files() if name.endswith(endings) or name.startswith("events/")]
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names if name.startswith(folder)]
    return TEXT.sub(lambda text: text[0] if re.fullmatch(r'"[^"\s]*"', text[0]) else "", "\n".join(texts))


@cache
def product() -> str:
    folders = ("layers/", "functions/", "tools/", "events/", "docs/", "template.yaml", "pyproject.toml", "Makefile")
    return "\n".join(code(folder) for folder in folders)


@cache
def known_words(*, in_tests: bool) -> frozenset[str]:
    words = WORD.findall("\n".join([product(), *tracked_files(), code("tests/") if in_tests else ""]))
    return ALLOWED.union(words)


@cache
def quoted_words() -> frozenset[str]:
    return ALLOWED.union(re.findall(r"[\"'](\w+)\*?[\"']", product()))


def descriptions(part: Any) -> Iterator[str]:
    """Yield every description of the template."""
    for name, each in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from [each] if str(name).endswith("Description") and isinstance(each, str) else descriptions(each)


def spans(document: str) -> Iterator[str]:
    """Yield the code spans of a document, its commands, and the identifiers in its blocks without a language."""
    is_template = document == "template.yaml"
    text = "\n".join(descriptions(template.read())) if is_template else (ROOT / document).read_text(encoding="utf-8")
    for language, block in FENCE.findall(text):
        yield from re.findall(r"^\$ (.*?)(?: +#.*)?$", block, re.MULTILINE) if language == "console" else ()
        yield from re.findall(r"\b\w*_\w+\b|\b[A-Z]?[a-z]+[A-Z]\w+\b", block) if not language else ()
    yield from (span for _, span in SPAN.findall(FENCE.sub("", text).replace("\n", " ")))


def unknown_names(span: str, *, in_tests: bool) -> Iterator[str]:
    yield from set(WORD.findall(span)) - known_words(in_tests=in_tests)
    yield from set(re.findall(r'"(\w+)"', span)) - quoted_words()


def unknown_commands(span: str) -> Iterator[str]:
    yield from (f"make {name}" for name in re.findall(r"\bmake ([a-z]+)", span) if f"\n{name}:" not in code("Makefile"))
    for module, rest in re.findall(r"\b(tools\.\w+)((?: .*)?)", span):
        words = WORD.findall(code(module.replace(".", "/")))
        yield from [] if words else [module]
        yield from (each for each in re.findall(r"--[a-z-]+", rest) if each[2:].replace("-", "_") not in words)


def unknown_paths(span: str) -> Iterator[str]:
    in_folder = any(f"/{span.partition('/')[0]}/" in f"/{name}" for name in tracked_files())
    if re.fullmatch(r"[\w./<>-]+\.py" if not in_folder else r"[\w./<>-]+(/[\w./<>-]*|\.py)", span):
        path = re.sub(r"<\w+>", "[^/]+", re.escape(span.rstrip("/")))
        if not any(re.search(rf"(^|/){path}(/|\.py$|$)", name) for name in tracked_files()):
            yield span
    if route := ROUTE.fullmatch(span.partition("?")[0]):
        path = re.sub(r"\\{\w+\\}|…", ".+", re.escape(route[0].removeprefix(f"{route[1]} ")))
        if not any(re.match(rf"{route[1] or '[A-Z]+'} {path}", each.key) for each in template.routes()):
            yield span


@pytest.mark.parametrize("document", [name for name in tracked_files() if is_document(name)])
def test_document_names_only_what_exists(document: str) -> None:
    in_tests, unknown = document.startswith("tests/"), set[str]()
    for span in spans(document):
        for name in (*unknown_names(span, in_tests=in_tests), *unknown_commands(span), *unknown_paths(span)):
            unknown.add(f"{name} in {span}")

    assert not unknown, "\n".join(sorted(unknown))


RECORDS: Final = tuple(sorted((ROOT / "docs/decisions").glob("[0-9]*.md")))
RECORD: Final = re.compile(r"# (\d{4})\. (.+)\n\n- Status: .+\n- Date: (\d{4}-\d\d-\d\d)\n")


def test_index_of_decisions_lists_each_record_once_with_its_title_and_date() -> None:
    headings = ((path.name, RECORD.match(path.read_text(encoding="utf-8"))) for path in RECORDS)
    rows = [f"| {record[1]} | [{record[2]}]({name}) | {record[3]} |" for name, record in headings if record]

    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")

    assert sorted(line for line in index.splitlines() if re.match(r"\| \d", line)) == rows
    assert len(rows) == len(RECORDS)
