"""Generate tables in README.md and docs/: permissions of each set, and parameters, outputs and alarms of the template.

`python -m tools.readme` writes them. `--check` fails when they are out of date. A table stands between two comments,
such as `<!-- parameters -->` and `<!-- /parameters -->`. Any document can contain it.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import latest_set_rights

OBJECTS: Final = re.compile(rf"^crm\.({'|'.join(catalogue.OBJECTS)})\.(view|edit|delete)$")


def permissions() -> str:
    """Return the table of permissions. Permissions of an area with the same cells share a row."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name in sorted(catalogue.CATALOGUE, key=_order):
        displayed_name = OBJECTS.sub(r"crm.*.\2", name)
        names = rows.setdefault((displayed_name.split(".")[0], tuple(_cell(each, name) for each in catalogue.SETS)), [])
        if displayed_name not in names:
            names.append(displayed_name)
    head = ["Permissions", *(f"`{name}`" for name in catalogue.SETS)]
    body = [[", ".join(f"`{name}`" for name in names), *cells] for (_, cells), names in rows.items()]
    note = f"`crm.*` stands for {', '.join(catalogue.OBJECTS)}. Partner admins never have "
    return f"{_table(head, body)}\n\n{note}{', '.join(f'`{name}`' for name in sorted(catalogue.RESTRICTED))}."


def _order(name: str) -> tuple[bool, str, bool, str]:
    return name in catalogue.RESTRICTED, name.split(".", maxsplit=1)[0], not OBJECTS.match(name), name


def _cell(permission_set: str, name: str) -> str:
    scope = latest_set_rights(permission_set).held.get(name)
    if scope is None:
        return "–"
    return scope.name.lower() if name in catalogue.SCOPED else "on"


def parameters() -> str:
    """Return the table of the template's parameters."""
    body = [[f"`{name}`", _default(each), each["Description"]] for name, each in template.read()["Parameters"].items()]
    return _table(["Parameter", "Default", "Description"], body)


def _default(parameter: template.Json) -> str:
    if "Default" not in parameter:
        return "**required**"
    return "" if parameter["Default"] == "" else f"`{parameter['Default']}`"


def outputs() -> str:
    """Return the table of the template's outputs."""
    body = [[f"`{name}`", each["Description"], _condition(each)] for name, each in template.read()["Outputs"].items()]
    return _table(["Output", "Description", "Only with"], body)


def _condition(output: template.Json) -> str:
    """Return the parameter that an output depends on."""
    return {
        "": "",
        "HasCustomDomain": "`CertificateArn`",
        "HasWebhook": "`WebhookUrl`",
        "OwnUserPool": "no `IssuerUrl`",
    }[output.get("Condition", "")]


def alarms() -> str:
    """Return the table of the template's alarms."""
    resources = template.read()["Resources"].items()
    body = [
        [f"`{name}`", each["Properties"]["AlarmDescription"]]
        for name, each in resources
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    return _table(["Alarm", "Meaning"], body)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "permissions": permissions,
    "parameters": parameters,
    "outputs": outputs,
    "alarms": alarms,
}


def _table(head: list[str], body: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *body])


def documents() -> list[Path]:
    """Return README.md and every document in docs/."""
    return [template.ROOT / "README.md", *sorted((template.ROOT / "docs").rglob("*.md"))]


def updated(text: str) -> str:
    """Return the text of a document with up-to-date tables."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start in text:
            before, _, rest = text.partition(start)
            text = f"{before}{start}\n{table()}\n{end}{rest.partition(end)[2]}"
    return text


def main(arguments: list[str]) -> int:
    """Write the tables or, with `--check`, report the documents that are out of date."""
    outdated = [path for path in documents() if (text := path.read_text(encoding="utf-8")) != updated(text)]
    if "--check" not in arguments:
        for path in outdated:
            path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    for path in outdated:
        name = path.relative_to(template.ROOT)
        print(f"{name} is out of date with the catalogue or the template: run `make openapi`", file=sys.stderr)
    return bool(outdated)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
