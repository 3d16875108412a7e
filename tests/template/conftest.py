"""Fixture with the template as CloudFormation gets it, expanded by SAM's own transform in its environment."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

Json = dict[str, Any]


@pytest.fixture(scope="session")
def template() -> Json:
    expanded = subprocess.run(
        [ROOT / ".venvs/sam/bin/python", "-P", Path(__file__).with_name("expand.py"), ROOT / "template.yaml"],
        check=True,
        env={"AWS_DEFAULT_REGION": "eu-west-1"},
        stdout=subprocess.PIPE,
    )
    found: Json = json.loads(expanded.stdout)
    return found
