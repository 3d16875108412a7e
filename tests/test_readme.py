"""Tests that README.md and the documents in docs/ are true: their requests, commands, tables and links."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from tests.support import gateway
from tests.support.builders import a_member, an_employee
from tests.support.seeded_table import a_partner_account_member, seed
from tests.support.table import Table
from tools import readme, template

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAX_README_LINES = 150
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(
    r"```http\n# (?P<who>[\w-]+).*\n(?P<method>[A-Z]+) (?P<path>\S+)\n(?:If-Match: (?P<version>\S+)\n)?"
    r"(?P<body>(?:.|\n)*?) *→ (?P<status>\d+)(?P<shown>.*)\n"
)
FIELD = re.compile(r'"\w+": (?:"[^"]*"|\w+)')
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+).+?\1")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def document_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """An example request in a document."""

    who: str
    method: str
    path: str
    expected_version: str | None
    body: str
    status: int
    shown: str

    @property
    def shown_fields(self) -> list[str]:
        """The fields of the response that the document shows. The text after an ellipsis differs each time."""
        return [field.partition("…")[0] for field in FIELD.findall(self.shown)]

    def send(self, secret: str) -> gateway.ApiResponse:
        """Send the request, with the secret of an earlier response."""
        path, _, query = self.path.partition("?")
        for route in template.routes():
            method, shape = route.key.split(" ")
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", shape), path)
            if found and method == self.method:
                body = json.loads(self.body.replace("pal_…", secret)) if self.body.strip() else None
                if self.who == "vendor" and path.startswith("/access/v1/"):
                    return gateway.call(route.key, gateway.VENDOR, body, scope=gateway.DECIDE)
                if self.who == "vendor":
                    return gateway.call_as_vendor(route.key, body, **found.groupdict())
                headers = {"if-match": self.expected_version} if self.expected_version else {}
                return gateway.call(
                    route.key, self.who, body, headers=headers, query=dict(parse_qsl(query)), **found.groupdict()
                )
        raise LookupError(self.path)


def example_requests(text: str) -> list[ExampleRequest]:
    return [
        ExampleRequest(
            each["who"], each["method"], each["path"], each["version"], each["body"], int(each["status"]), each["shown"]
        )
        for each in BLOCK.finditer(text)
    ]


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    counts: Counter[str] = Counter()
    names = set()
    for heading in HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        slug = re.sub(r"[^\w\- ]", "", LINK.sub("]", heading).lower()).replace(" ", "-")
        names.add(f"{slug}-{counts[slug]}" if counts[slug] else slug)
        counts[slug] += 1
    return frozenset(names)


def broken_links(path: Path) -> list[str]:
    """Return the relative links of a document that lead to no file, or to no heading."""
    text = CODE_SPAN.sub("", FENCE.sub("", path.read_text(encoding="utf-8")))
    broken = []
    for link in LINK.findall(text):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if "://" in link or link.startswith("mailto:"):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if "```http" in path.read_text(encoding="utf-8")], ids=document_name
)
def test_requests_of_document_return_what_it_shows(path: Path, table: Table) -> None:
    text = path.read_text(encoding="utf-8")
    seed(
        table,
        an_employee("user-consultant"),
        a_partner_account_member("user-consultant"),
        a_member("user-consultant"),
        an_employee("user-newcomer", email="newcomer@north.example"),
        a_partner_account_member("user-newcomer"),
    )
    secret = ""

    for each in example_requests(text):
        answer = each.send(secret)
        assert answer.status == each.status, answer.text
        assert [field for field in each.shown_fields if field not in json.dumps(answer.body, ensure_ascii=False)] == []
        secret = answer.body.get("url", f"#{secret}").partition("#")[2] if answer.text else secret

    assert len(example_requests(text)) == text.count("```http")


def test_readme_is_not_longer_than_a_page() -> None:
    assert len(README.splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("path", readme.documents(), ids=document_name)
def test_tables_of_document_equal_catalogue_and_template(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert readme.updated(text) == text


@pytest.mark.parametrize("name", readme.TABLES)
def test_generated_table_stands_in_one_document(name: str) -> None:
    assert sum(f"<!-- {name} -->" in path.read_text(encoding="utf-8") for path in readme.documents()) == 1


def test_readme_commands_are_makefile_targets() -> None:
    tasks = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    commands = set(re.findall(r"make ([a-z]+)\b(?! (?:it|is))", README))

    assert {"demo", "test"} <= commands <= {*tasks}


@pytest.mark.parametrize("path", DOCUMENTS, ids=document_name)
def test_relative_links_of_document_lead_to_files_and_headings(path: Path) -> None:
    assert broken_links(path) == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=document_name)
def test_document_can_be_reached_from_readme_or_an_index(path: Path) -> None:
    index = ROOT / "docs/decisions/README.md"
    known = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(README)}
    known |= {(index.parent / link).resolve() for link in LINK.findall(index.read_text(encoding="utf-8"))}

    assert path in known


def test_ci_runs_the_commands_of_the_readme() -> None:
    (command,) = re.findall(r"^make .*$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)

    assert command.split() == ["make", "check", "test"]
    assert "$ make test" in README
