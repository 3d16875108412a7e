"""The operator's command for a deployed stack: what is told to the directory, reports, and a look at its health."""

import sys

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))
