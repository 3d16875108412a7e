"""Valid and invalid requests that Schemathesis generates from openapi.json and sends to the running product."""

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
"""Permitted statuses of the response to an invalid request: never 2xx and never 5xx."""
STATUSES_OF_VALID: Final = ("2xx", 400, 401, 403, 404, 409, 410, 412, 422, 428, 429)
"""Permitted statuses of the response to a valid request: never 5xx.

A valid request may name a missing record, lack a permission, or ask for a sixth email.
"""
KNOWN_ID_PROBABILITY: Final = 0.8
"""Probability with which an id is that of an existing record."""


@dataclass(frozen=True, slots=True)
class Access:
    """The token for some of the paths, and existing ids for their parameters."""

    token: str
    ids: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """The URL of the product, and the settings for its paths by their prefixes."""

    url: str
    access_by_path: Mapping[str, Access]

    def settings(self) -> str:
        """Return the settings as Schemathesis reads them."""
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
    """Run one phase over the whole contract and return its report. Failures are printed to standard output."""
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
