"""Generate the tables of README.md: the permissions of each set, and the template's parameters.

`python -m tools.readme` writes them. `--check` fails when they are out of date.
"""

import re
import sys
from typing import Final

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))

from partner_access.domain.permissions import catalogue
from partner_access.domain.permissions.rights import latest_set_rights

README: Final = template.ROOT / "README.md"
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


def _table(head: list[str], body: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, ["---"] * len(head), *body])


def updated(text: str) -> str:
    """Return the README with up-to-date tables."""
    for name, table in (("permissions", permissions()), ("parameters", parameters())):
        marked = f"<!-- {name} -->\n{table}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->.*<!-- /{name} -->", lambda _, marked=marked: marked, text, flags=re.DOTALL)  # type: ignore[misc]  # bound now
    return text


def main(arguments: list[str]) -> int:
    """Write the tables or, with `--check`, report whether they are up to date."""
    current = README.read_text(encoding="utf-8")
    if "--check" not in arguments:
        README.write_text(updated(current), encoding="utf-8")
    elif current != updated(current):
        print("README.md is out of date with the catalogue or the template: run `make openapi`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
