"""Tests that the template says what each resource is for: in its description, or in a comment above it."""

import re
from pathlib import Path
from typing import Final

import pytest

LINES: Final = (Path(__file__).parents[2] / "template.yaml").read_text(encoding="utf-8").splitlines()
DESCRIPTION: Final = re.compile(r" {6}(Alarm)?Description: \S")
STARTS: Final = {
    line.strip(" :"): number
    for number, line in enumerate(LINES)
    if LINES.index("Resources:") < number < LINES.index("Outputs:") and re.fullmatch(r"  \w+:", line)
}


@pytest.mark.parametrize("resource", STARTS)
def test_resource_has_description_or_comment(resource: str) -> None:
    start = STARTS[resource]
    properties = LINES[start + 1 : LINES.index("", start)]

    has_comment = LINES[start - 1].startswith("  # ")
    assert has_comment or any(DESCRIPTION.match(line) for line in properties), "say above it what the resource is for"
