"""Generate parts of docs/ from the code and the tests.

`python -m tools.documents` writes them. `--check` fails when they are out of date. Each part stands between two
comments with its name, as the tables of README.md do.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.proofs.faults.rows import ROWS
from tests.proofs.fuzz.bad_input import TRIED
from tools import openapi, state_machines, table_charts, template
from tools.state_machines import StateMachine
from tools.table_charts import AccessPattern

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.api.errors import error_classes
from partner_access.api.problems import status_of

DOCS: Final = template.ROOT / "docs"
TESTS: Final = template.ROOT / "tests"
RULE: Final = re.compile(r"^(\d+)\. ", re.MULTILINE)
CITATION: Final = re.compile(r"\bdomain\.md,? rules? (\d+)(?:(?:-| to )(\d+))?((?:(?:, | and )\d+)*)")


def rules() -> list[int]:
    """Return the numbers of the rules in domain.md."""
    return [int(number) for number in RULE.findall(_section("domain.md", "Rules"))]


def _section(document: str, title: str) -> str:
    text = (DOCS / document).read_text(encoding="utf-8")
    found = re.search(rf"^## \d+\. {title}[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise LookupError(f"{document} has no section {title}")
    return found[1]


def cited_rules(text: str) -> Iterator[int]:
    """Yield the rules of domain.md that a text cites, such as `domain.md rules 10-12`."""
    for first, last, others in CITATION.findall(text.replace("\n", " ")):
        yield from range(int(first), int(last or first) + 1)
        yield from map(int, re.findall(r"\d+", others))


def tests_by_rule() -> Mapping[int, list[str]]:
    """Return a link to each test that cites a rule, or to each test file whose docstring does."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        target = f"../{path.relative_to(template.ROOT)}"
        for name, text in _citing_texts(path, source):
            for rule in dict.fromkeys(cited_rules(text)):
                found[rule].append(f"[{name}]({target})")
    return found


def _citing_texts(path: Path, source: str) -> Iterator[tuple[str, str]]:
    """Yield the docstring of a test file under its name, and the source of each test under the test's name."""
    tree = ast.parse(source)
    yield path.name, ast.get_docstring(tree) or ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_source_segment(source, node) or ""


def rule_tests() -> str:
    """Return the table of the rules with the tests that keep each."""
    found = tests_by_rule()
    return table(["Rule", "Tests"], ([str(rule), ", ".join(found.get(rule, []))] for rule in rules()))


def table(head: list[str], body: Iterator[list[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def state_diagram(machine: StateMachine) -> Callable[[], str]:
    """Return the part with the diagram of a state machine."""
    return lambda: f"```mermaid\n{machine.diagram()}\n```"


def operations() -> str:
    """Return the table of all operations."""
    paths = openapi.document()["paths"]
    return table(
        ["Operation", "Scope", "Summary"],
        (
            [f"`{method.upper()} {path}`", _scopes(operation), operation["summary"]]
            for path, methods in paths.items()
            for method, operation in methods.items()
        ),
    )


def _scopes(operation: template.Json) -> str:
    scopes = [scope for each in operation["security"] for scope in each["token"]]
    return ", ".join(f"`{each.rpartition('/')[2]}`" for each in scopes) or "none"


def codes() -> str:
    """Return the table of the error codes by status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for error in error_classes():
        by_status[int(status_of(error()))].append(f"`{error.code}`")
    return table(["Status", "Codes"], ([str(status), ", ".join(found)] for status, found in sorted(by_status.items())))


def items() -> str:
    """Return the table of the items with their keys."""
    return table(
        ["Item", "`pk`", "`sk`", "Read by", "Key"],
        (
            [each.name, f"`{each.pk}`", f"`{each.sk}`", each.read_by, f"`keys.{each.function}`"]
            for each in table_charts.entities()
        ),
    )


def indexes() -> str:
    """Return the table of the indexes in the template."""
    found = template.read()["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
    rows = ([each["IndexName"], *(key["AttributeName"] for key in each["KeySchema"])] for each in found)
    return table(
        ["Index", "Hash key", "Range key", "Holds"],
        ([f"`{name}`", f"`{pk}`", f"`{sk}`", table_charts.index_content(name)] for name, pk, sk in rows),
    )


def queries() -> str:
    """Return the table of the queries of the store."""
    return table(
        ["Access pattern", "Condition", "Index", "Function"],
        (
            [each.summary, f"`{each.condition}`", f"`{each.index}`" if each.index else "", _function(each)]
            for each in table_charts.queries()
        ),
    )


def reads() -> str:
    """Return the table of the reads by key."""
    return table(["Access pattern", "Function"], ([e.summary, _function(e)] for e in table_charts.reads_by_key()))


def _function(pattern: AccessPattern) -> str:
    path = f"../layers/common/partner_access/store/{pattern.module}"
    name = f"{pattern.module.removesuffix('.py').replace('/', '.')}.{pattern.function}"
    return f"[{name}]({path})"


def fault_tests() -> str:
    """Return the table of the faults with the tests that show each, or the reason that there is none."""
    return table(
        ["#", "Tests", "Not shown here"],
        ([name, ", ".join(map(_test, row.tests)), row.elsewhere] for name, row in ROWS.items()),
    )


def bad_input_tests() -> str:
    """Return the table of the kinds of bad input with the test that tries each."""
    return table(
        ["Part", "Input", "Test"],
        (
            [part, kind, _test(f"{file.removeprefix('tests/')}::{name}")]
            for part, rows in TRIED.items()
            for kind, file, name in rows
        ),
    )


def _test(shown: str) -> str:
    path, _, name = shown.partition("::")
    return f"[{name}](../tests/{path})"


PARTS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "domain.md": {
        **{f"{each.name}-states": state_diagram(each) for each in state_machines.STATE_MACHINES},
        "rule-tests": rule_tests,
    },
    "consistency.md": {
        "items": items,
        "indexes": indexes,
        "queries": queries,
        "reads": reads,
        "fault-tests": fault_tests,
    },
    "threat-model.md": {"bad-input-tests": bad_input_tests},
    "http-api.md": {"operations": operations, "codes": codes},
}
"""The generated parts of each document, by their names."""


def updated(document: str) -> str:
    """Return the text of a document with up-to-date parts."""
    text = (DOCS / document).read_text(encoding="utf-8")
    for name, part in PARTS[document].items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise LookupError(f"{document} has no place for {name}")
        text = f"{before}{start}{part()}\n{end}{after}"
    return text


def main(arguments: list[str]) -> int:
    """Write the parts or, with `--check`, report whether they are up to date."""
    for document in PARTS:
        path, text = DOCS / document, updated(document)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            print(f"docs/{document} is out of date with the code or the tests: run `make openapi`", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
