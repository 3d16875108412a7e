"""Write the skeleton of a new operation: `make operation NAME=pause_link ROUTE='PUT /…/{link_id}/pause'`.

Each file has a marker that `make check` finds until it is filled in.
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
      Policies: [!Ref TableReadPolicy, !Ref TableWritePolicy]
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
TEST: Final = '''"""FIXME: say what is tested."""

{imports}from tests.support.gateway import ApiResponse, call
from tests.support.table import Table


def {name}(by: str) -> ApiResponse:
    return call("{route}", by{ids})


def test_{name}_by_authorized_caller_succeeds(seeded: Table) -> None:
    assert {name}("FIXME").status == 204


def test_{name}_by_other_caller_is_refused(seeded: Table) -> None:
    assert {name}("FIXME").status == 403
'''
BUILDERS: Final = {
    "account_id": "CLIENT",
    "link_id": "LINK",
    "partner_id": "PARTNER",
    "set_id": "CUSTOM_SET",
    "user_id": "EMPLOYEE",
}
"""The names in tests.support.builders of the ids that a seeded table has."""
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
    ids = re.findall(r"\{(\w+)\}", path)
    resource = "".join(word.capitalize() for word in name.split("_"))
    _insert(stack, RESOURCE.format(resource=resource, method=method, path=path) + BEFORE, instead_of=BEFORE)
    changelog = root / "CHANGELOG.md"
    _insert(changelog, f"{UNRELEASED}- {MARKER}: say what `{name}` lets people do.\n", instead_of=UNRELEASED)
    files = {
        f"functions/{name}/app.py": HANDLER.format(name=name, parameters="".join(f"{each}: str, " for each in ids)),
        f"events/{name}.json": _sample(root, route),
        f"tests/functions/test_{name}.py": TEST.format(
            name=name,
            route=route,
            imports=f"from tests.support.builders import {', '.join(sorted(BUILDERS[each] for each in ids))}\n"
            if ids
            else "",
            ids="".join(f", {each}={BUILDERS[each]}" for each in ids),
        ),
    }
    for file, content in files.items():
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_text(content, encoding="utf-8")
    return [stack, changelog, *(root / file for file in files)]


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
    typer.echo(f"Fill in each {MARKER}, run make openapi, and add the rows that the failing tests name.")


if __name__ == "__main__":
    app()
