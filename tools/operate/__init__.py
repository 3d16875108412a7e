"""The operator's command for a deployed stack: directory imports, reports, health checks and the audit log."""

import sys

from tools import template

sys.path.insert(0, str(template.ROOT / "layers/common"))
