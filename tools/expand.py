"""Expand a built template for the emulator: `python -m tools.expand TEMPLATE LOCATIONS.json > expanded.json`.

This script runs in the emulator's Python environment, because SAM's own transform is installed there.
"""

import json
import sys
from pathlib import Path

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]  # see above
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found]

from tools.expansion import with_code, with_routes, without_metric_math, without_tls_requirement


class NoManagedPolicies:
    """A source of the names of AWS managed policies, which the transform requires. The template uses none."""

    def load(self) -> dict[str, str]:
        """Return an empty mapping."""
        return {}


def main() -> None:
    """Write the expanded template to standard output.

    The first argument is the template. The second is a JSON file with the location of each resource's built code.
    """
    template = with_code(yaml_parse(Path(sys.argv[1]).read_text()), json.loads(Path(sys.argv[2]).read_text()))
    expanded = without_metric_math(with_routes(transform(template, {}, NoManagedPolicies())))
    json.dump(without_tls_requirement(expanded), sys.stdout)


if __name__ == "__main__":
    main()
