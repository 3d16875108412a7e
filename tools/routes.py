"""Write the routes of the template as a module of the layer: `python -m tools.routes`, or `--check` to compare.

A function never reads the template. So the module api/routes.py is written when a route changes.
"""

import json
import sys
from typing import Final

from tools import template

MODULE: Final = template.ROOT / "layers/common/partner_access/api/routes.py"
HEAD: Final = '''"""The route of each operation, from template.yaml. Run `make openapi` after you change a route there."""

from typing import Final

ROUTES: Final = {
'''


def source() -> str:
    """Return the source of the module."""
    rows = (f"    {json.dumps(route.operation_id)}: {json.dumps(route.key)},\n" for route in template.routes())
    return HEAD + "".join(sorted(rows)) + "}\n"


def main(*arguments: str) -> int:
    """Write the module. With `--check`, return 1 if it differs from the template."""
    if "--check" not in arguments:
        MODULE.write_text(source(), encoding="utf-8")
        return 0
    if MODULE.read_text(encoding="utf-8") == source():
        return 0
    print(f"{MODULE.relative_to(template.ROOT)} differs from the template. Run make openapi.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
