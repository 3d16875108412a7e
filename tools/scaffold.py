"""Write the skeleton of a new operation: `make operation NAME=pause_link ROUTE='PUT /…/{link_id}/pause'`.

Each file has a marker that `make check` finds until it is filled in. The row of the operation goes to the register of
operations, in the module of the route's subject.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from tools import template

app = typer.Typer(add_completion=False)

MARKER: Final = "FIXME"
ROUTE: Final = re.compile(r"(GET|PUT|PATCH|POST|DELETE) (?:/[a-z-]+|/\{[a-z_]+\})+")
SAMPLE_IDS: Final = {
    "account_id": "client-bakery",
    "link_id": "lnk_019a0d2c4b7e7c31a5f0c2d4e6f80912",
    "partner_id": "partner-north",
    "set_id": "set_019a0d2c4b7e7c31a5f0c2d4e6f80912",
    "user_id": "user-employee",
}
BEFORE: Final = "\n  RejectUnknownRouteFunction:\n"
"""The place in the template where a new function is inserted."""
RESOURCE: Final = """
  {resource}Function:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: makefile}}
    Properties:
      Description: FIXME say what it does
      # FIXME allow only what it does
      Policies: [{policies}]
      Events:
        {resource}:
          Type: HttpApi
          Properties:
            ApiId: !Ref Api
            Method: {method}
            Path: {path}
"""
HANDLER: Final = '''"""FIXME: say what the operation does."""

from partner_access.api import routing
from partner_access.domain.act import Act
from partner_access.store.dynamo import replay_if_stored

app = routing.App(replay_if_stored=replay_if_stored)


@app.operation(
    routing.Docs(
        "{name}",
        tag=routing.Tag.ACCOUNTS,  # FIXME: its subject
        summary="FIXME: say in one line what it does.",
        description="FIXME: say who can call it, and what it changes.",
    ),
)
def {name}({parameters}act: Act) -> None:
    raise NotImplementedError  # FIXME: facts, decision, transaction, response


handler = app
'''
READING_HANDLER: Final = '''"""FIXME: say what the operation returns."""

from partner_access.api import routing
from partner_access.api.response_body import ResponseBody
from partner_access.domain.act import Act

app = routing.App()


class {resource}Response(ResponseBody, title="{resource}Response"):
    """FIXME: say what the response describes."""


@app.operation(
    routing.Docs(
        "{name}",
        tag=routing.Tag.ACCOUNTS,  # FIXME: its subject
        summary="FIXME: say in one line what it returns.",
        description="FIXME: say who can call it.",
    ),
)
def {name}({parameters}act: Act) -> {resource}Response:
    raise NotImplementedError  # FIXME: facts, decision, response


handler = app
'''
TEST: Final = '''"""FIXME: say what is tested."""

{imports}from tests.support.gateway import ApiResponse, call
from tests.support.table import Table


def {name}(by: str) -> ApiResponse:
    return call("{route}", by{ids})


def test_{name}_by_authorized_caller_succeeds(seeded: Table) -> None:
    assert {name}("FIXME").status == {status}


def test_{name}_by_other_caller_is_refused(seeded: Table) -> None:
    assert {name}("FIXME").status == 403
'''
ROW: Final = """    FunctionRow(
        "{name}",
        {permissions},  # FIXME: exactly what its policies in template.yaml allow
        (
            OperationRow(
                "{route}",
{attempt}                authority=(
                    #              PSA CAM OPE PA  CSA CUM OCU SAF FM  DE  STR OP
                    AuthorityCase("FIXME: a status for each role"),
                ),
{cases}            ),
        ),
    ),
"""
ATTEMPT: Final = """                # FIXME: a request that succeeds on a seeded table
                attempt=lambda key: call(
                    "{route}", "FIXME"{ids}, headers=idempotency_header(key)
                ),
"""
CASES: Final = """                costs=(CostCase(name="FIXME: say what is done", max_units=0),),
                # FIXME: `run`, unless the attempt succeeds on the table of busy_table.py
                concurrent=(ConcurrentCase("FIXME: a name"),),
                # FIXME: `records`, if the attempt needs more than the usual ones
                under_fault=FaultCase(),
                # FIXME: the same request with random values
                draws=(Draw("{name}", lambda accounts: call("{route}", accounts.admin_of("FIXME"){ids})),),
"""
REGISTER: Final = "tests/support/operations"
SUBJECTS: Final = (
    ("access-links", "links"),
    ("permission-sets", "permission_sets"),
    ("/directory/", "directory"),
    ("/access/", "access"),
    ("/partners/", "relationships"),
    ("/accounts/", "memberships"),
)
"""The module of the register by a part of the path. The first part that occurs decides."""
OTHER_SUBJECT: Final = "access"
BUILDERS: Final = {
    "account_id": "CLIENT",
    "link_id": "LINK",
    "partner_id": "PARTNER",
    "set_id": "CUSTOM_SET",
    "user_id": "EMPLOYEE",
}
"""The names in tests.support.builders of the ids that a seeded table has."""
END_OF_ROWS: Final = "\n)\n"
UNRELEASED: Final = "## [Unreleased]\n\n### Added\n\n"


def write(root: Path, name: str, route: str) -> list[Path]:
    """Write the skeleton below this folder, and return its files. Raise `ValueError` for a name or route in use."""
    if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name) or (root / f"functions/{name}").exists():
        raise ValueError(f"{name} is no free name. Choose a verb and a noun, such as pause_link.")
    if not ROUTE.fullmatch(route) or set(re.findall(r"\{(\w+)\}", route)) - set(SAMPLE_IDS):
        raise ValueError(f"{route} is no route. Write a method and a path with the ids {', '.join(SAMPLE_IDS)}.")
    stack = root / "template.yaml"
    if route in {each.key for each in template.routes(stack)}:
        raise ValueError(f"{route} has an operation already.")
    method, path = route.split(" ")
    reads = method == "GET"
    ids = re.findall(r"\{(\w+)\}", path)
    resource = "".join(word.capitalize() for word in name.split("_"))
    policies = "!Ref TableReadPolicy" if reads else "!Ref TableReadPolicy, !Ref TableWritePolicy"
    function = RESOURCE.format(resource=resource, policies=policies, method=method, path=path)
    _insert(stack, function + BEFORE, instead_of=BEFORE)
    changelog = root / "CHANGELOG.md"
    _insert(changelog, f"{UNRELEASED}- {MARKER}: say what `{name}` lets people do.\n", instead_of=UNRELEASED)
    register = _register(root, path)
    register.write_text(_with_row(register.read_text(encoding="utf-8"), name, route, ids), encoding="utf-8")
    handler = READING_HANDLER if reads else HANDLER
    files = {
        f"functions/{name}/app.py": handler.format(
            name=name, resource=resource, parameters="".join(f"{each}: str, " for each in ids)
        ),
        f"events/{name}.json": _sample(root, route),
        f"tests/functions/test_{name}.py": TEST.format(
            name=name,
            route=route,
            status=200 if reads else 204,
            imports=f"from tests.support.builders import {', '.join(sorted(BUILDERS[each] for each in ids))}\n"
            if ids
            else "",
            ids=_arguments(ids),
        ),
    }
    for file, content in files.items():
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_text(content, encoding="utf-8")
    return [stack, changelog, register, *(root / file for file in files)]


def _arguments(ids: list[str]) -> str:
    return "".join(f", {each}={BUILDERS[each]}" for each in ids)


def _register(root: Path, path: str) -> Path:
    """Return the module of the register that has the subject of this path."""
    subject = next((module for part, module in SUBJECTS if part in f"{path}/"), OTHER_SUBJECT)
    return root / REGISTER / f"{subject}.py"


def _with_row(text: str, name: str, route: str, ids: list[str]) -> str:
    """Return the module of the register with a row for the operation at its end, and the imports that the row needs."""
    reads = route.startswith("GET ")
    values = {"name": name, "route": route, "ids": _arguments(ids)}
    row = ROW.format(
        name=name,
        route=route,
        permissions="READ" if reads else "READ | WRITE",
        attempt="" if reads else ATTEMPT.format(**values),
        cases="" if reads else CASES.format(**values),
    )
    needed = {
        "operations.permissions": ["READ"] if reads else ["READ", "WRITE"],
        "operations.rows": ["AuthorityCase", "FunctionRow", "OperationRow"],
    }
    if not reads:
        needed["operations.rows"] += ["ConcurrentCase", "CostCase", "Draw", "FaultCase"]
        needed |= {"builders": [BUILDERS[each] for each in ids], "gateway": ["call"]}
        needed["link_requests"] = ["idempotency_header"]
    for module, names in needed.items():
        text = _with_imports(text, f"tests.support.{module}", names)
    return f"{text.removesuffix(END_OF_ROWS)}\n{row}{END_OF_ROWS.lstrip()}"


def _with_imports(text: str, module: str, names: list[str]) -> str:
    """Return the text with these names in its import from the module. `make format` sorts them."""
    found = re.search(rf"^from {re.escape(module)} import (?:\(([^)]*)\)|(.*))$", text, re.MULTILINE)
    imported = re.findall(r"\w+", found[1] or found[2]) if found else []
    if not set(names) - set(imported):
        return text
    line = f"from {module} import {', '.join(sorted({*imported, *names}))}"
    return text.replace(found[0], line) if found else text.replace("\nfrom tests.", f"\n{line}\nfrom tests.", 1)


def _insert(file: Path, text: str, *, instead_of: str) -> None:
    content = file.read_text(encoding="utf-8")
    if content.count(instead_of) != 1:
        raise ValueError(f"{file.name} has no place for a new operation: {instead_of.strip()}")
    file.write_text(content.replace(instead_of, text), encoding="utf-8")


def _sample(root: Path, route: str) -> str:
    """Return a sample event for the route, after the one of another operation."""
    event = json.loads((root / "events/revoke_link.json").read_text(encoding="utf-8"))
    method, path = route.split(" ")
    ids = {each: SAMPLE_IDS[each] for each in re.findall(r"\{(\w+)\}", path)}
    raw_path = path.format(**ids)
    event |= {"routeKey": route, "rawPath": raw_path, "pathParameters": ids}
    event["requestContext"] |= {"routeKey": route}
    event["requestContext"]["http"] |= {"method": method, "path": raw_path}
    if method == "POST":
        event["headers"] |= {"content-type": "application/json", "idempotency-key": MARKER}
        event["body"] = "{}"
    else:
        event["headers"] |= {"user-agent": MARKER}
    return json.dumps(event, indent=2, ensure_ascii=False) + "\n"


@app.command()
def main(
    name: Annotated[str, typer.Argument(help="a verb and a noun, such as pause_link")],
    route: Annotated[str, typer.Argument(help="the method and the path")],
) -> None:
    """Write the skeleton and name its files."""
    try:
        files = write(template.ROOT, name, route)
    except ValueError as unusable:
        raise typer.BadParameter(str(unusable)) from unusable
    for file in files:
        typer.echo(file.relative_to(template.ROOT))
    typer.echo(f"Run make openapi and make format, then fill in each {MARKER}. Failing tests say what is missing.")


if __name__ == "__main__":
    app()
