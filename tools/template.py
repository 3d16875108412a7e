"""Reading template.yaml as it stands: an intrinsic function becomes a mapping of its name to what it is given."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]

Json = dict[str, Any]


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: node.value}


Loader.add_multi_constructor("!", _intrinsic)


@cache
def read(path: Path = ROOT / "template.yaml") -> Json:
    """A template, the project's own unless another is named."""
    found: Json = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506  a safe loader, with tags
    return found


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the API: which function takes it, for tokens with which scopes, by the parameters' names; none if open."""

    key: str
    operation: str
    scopes: tuple[str, ...]


def routes() -> tuple[Route, ...]:
    """Every route of the API but `$default`, in the template's order."""
    found = read()
    return tuple(
        Route(
            key=f"{event['Properties']['Method']} {event['Properties']['Path']}",
            operation=_snake(logical_id.removesuffix("Function")),
            scopes=tuple(scope["Ref"] for scope in event["Properties"]["Auth"].get("AuthorizationScopes", ())),
        )
        for logical_id, resource in found["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "HttpApi" and "Path" in event["Properties"]
    )


def parameter_default(parameter: str) -> str:
    """What a parameter of the template is when nobody names it."""
    return str(read()["Parameters"][parameter]["Default"])


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
