"""Requests made of openapi.json, valid and not, by schemathesis, against a product that runs."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.template import ROOT

PROGRAM: Final = Path(sys.executable).parent / "schemathesis"
STATUSES_OF_INVALID: Final = (400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422, 428, 429)
"""What a request may be answered that is not as the contract wants it: never 2xx, never 5xx."""
STATUSES_OF_VALID: Final = ("2xx", 400, 401, 403, 404, 409, 410, 412, 422, 428, 429)
"""And one that is: it may name what is not there, what the caller may not, or a link for a sixth mail; never 5xx."""
KNOWN_ID_PROBABILITY: Final = 0.8
"""How often an id is one that there is."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who comes to some of the paths, and the ids that there are for their parameters."""

    token: str
    ids: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the product is, and its doors by the beginnings of their paths."""

    url: str
    access_by_path: Mapping[str, Access]

    def settings(self) -> str:
        """As schemathesis reads them."""
        dictionaries, operations = ["[dictionaries]"], []
        for nth, (path, access) in enumerate(self.access_by_path.items()):
            parameters = []
            for name, ids in access.ids.items():
                dictionaries.append(f"{name}_{nth} = {{values = {json.dumps(ids)}}}")
                parameters.append(f'{name} = {{dictionary = "{name}_{nth}", probability = {KNOWN_ID_PROBABILITY}}}')
            operations += [
                "[[operations]]",
                f'include-path-regex = "^{path}"',
                f'headers = {{Authorization = "Bearer {access.token}"}}',
                f"parameters = {{{', '.join(parameters)}}}",
            ]
        checks = [
            "continue-on-failure = true",
            "[checks]",
            f"negative_data_rejection.expected-statuses = {json.dumps(STATUSES_OF_INVALID)}",
            f"positive_data_acceptance.expected-statuses = {json.dumps(STATUSES_OF_VALID)}",
            f"missing_required_header.expected-statuses = {json.dumps(STATUSES_OF_INVALID)}",
        ]
        return "\n".join([*checks, *dictionaries, *operations])


def fuzz(target: Target, phase: str, folder: Path, *, seed: int, examples: int) -> Mapping[str, Any]:
    """The report of one phase over the whole contract; what failed is told on standard output."""
    settings, report = folder / "settings.toml", folder / "report.json"
    settings.write_text(target.settings(), encoding="utf-8")
    arguments = ("run", str(ROOT / "openapi.json"), "--url", target.url, "--phases", phase, "--checks", "all")
    options = (
        "--seed",
        str(seed),
        "--max-examples",
        str(examples),
        "--report",
        "json",
        "--report-json-path",
        str(report),
    )
    done = subprocess.run(
        [str(PROGRAM), "--config-file", str(settings), *arguments, *options],
        env={**os.environ, "NO_COLOR": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201 pytest shows it with a failure
    results: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return results
