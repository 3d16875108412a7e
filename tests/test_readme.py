"""Tests that the examples in README.md work as shown."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from tests.support import gateway
from tests.support.builders import a_member, an_employee
from tests.support.seeded_table import a_partner_account_member, seed
from tests.support.table import Table
from tools import readme, template

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"```http\n *# (?P<who>[\w-]+).*\n *(?P<method>[A-Z]+) (?P<path>\S+)\n(?: *If-Match: (?P<version>\S+)\n)?(?P<body>(?:.|\n)*?) *→ (?P<status>\d+)"
)


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """An example request in the README."""

    who: str
    method: str
    path: str
    expected_version: str | None
    body: str
    status: int

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


def example_requests() -> list[ExampleRequest]:
    return [
        ExampleRequest(each["who"], each["method"], each["path"], each["version"], each["body"], int(each["status"]))
        for each in BLOCK.finditer(README)
    ]


def test_readme_requests_return_the_shown_status(table: Table) -> None:
    seed(
        table,
        an_employee("user-consultant"),
        a_partner_account_member("user-consultant"),
        a_member("user-consultant"),
        an_employee("user-newcomer", email="newcomer@north.example"),
        a_partner_account_member("user-newcomer"),
    )
    secret = ""

    for each in example_requests():
        answer = each.send(secret)
        assert answer.status == each.status, answer.text
        secret = answer.body.get("url", f"#{secret}").partition("#")[2]

    assert len(example_requests()) == README.count("```http")


def test_readme_tables_equal_catalogue_and_template() -> None:
    assert readme.updated(README) == README


def test_readme_commands_are_makefile_targets() -> None:
    tasks = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"make ([a-z]+)\b(?! (?:it|is))", README)) <= {*tasks}


def test_readme_links_lead_to_existing_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_ci_runs_the_commands_of_the_readme() -> None:
    assert "make check test" in (ROOT / ".ci/run").read_text(encoding="utf-8")
