"""Expands a built template for the emulator: `python -m tools.expand TEMPLATE LOCATIONS.json > expanded.json`.

Runs in the emulator's environment, where SAM's own transform is.
"""

import json
import sys
from pathlib import Path

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]  # see above
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found]

from tools.expansion import with_code, with_routes, without_metric_math, without_tls_requirement


class NoManagedPolicies:
    """What the transform asks for the names of AWS's own policies; the template names none."""

    def load(self) -> dict[str, str]:
        """None."""
        return {}


def main() -> None:
    """Write the expanded template of the first argument, with code where the second says."""
    template = with_code(yaml_parse(Path(sys.argv[1]).read_text()), json.loads(Path(sys.argv[2]).read_text()))
    expanded = without_metric_math(with_routes(transform(template, {}, NoManagedPolicies())))
    json.dump(without_tls_requirement(expanded), sys.stdout)


if __name__ == "__main__":
    main()
