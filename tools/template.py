"""Read template.yaml without evaluating it. An intrinsic function becomes a mapping from its name to its argument."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]

Json = dict[str, Any]


class Loader(yaml.SafeLoader):
    """A YAML loader that accepts CloudFormation's short forms."""


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: node.value}


Loader.add_multi_constructor("!", _intrinsic)


@cache
def read(path: Path = ROOT / "template.yaml") -> Json:
    """Return a template, by default the project's own."""
    found: Json = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506  a safe loader, with tags
    return found


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the API: its key, its operation id, its function, and the scope parameters of its tokens.

    The name of the event in the template is the operation id. An open route has no scopes.
    """

    key: str
    operation_id: str
    operation: str
    scopes: tuple[str, ...]


def routes(path: Path = ROOT / "template.yaml") -> tuple[Route, ...]:
    """Return every route of the API of a template except `$default`, in the template's order.

    A route without scopes of its own has those of the authorizer.
    """
    found = read(path)
    usual = found["Resources"]["Api"]["Properties"]["Auth"]["Authorizers"]["Token"]
    return tuple(
        Route(
            key=f"{event['Properties']['Method']} {event['Properties']['Path']}",
            operation_id=_snake(name),
            operation=_snake(logical_id.removesuffix("Function")),
            scopes=tuple(
                scope["Ref"] for scope in event["Properties"].get("Auth", usual).get("AuthorizationScopes", ())
            ),
        )
        for logical_id, resource in found["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for name, event in resource["Properties"].get("Events", {}).items()
        if event["Type"] == "HttpApi" and "Path" in event["Properties"]
    )


def parameter_default(parameter: str) -> str:
    """Return the default value of a template parameter."""
    return str(read()["Parameters"][parameter]["Default"])


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
