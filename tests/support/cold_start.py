"""Program that handles one event as Lambda would: `cold_start.py FUNCTION LAYER REPORT < event`.

It writes the response, the compiled files and the loaded modules to the report.
"""

import json
import sys
from pathlib import Path

folder, layer, report = sys.argv[1:]
sys.path[:0] = [folder, layer]
compiled: list[str] = []


def record_compiled_file(event_name: str, details: tuple[object, ...]) -> None:
    if event_name == "compile" and str(details[1]).startswith((folder, layer)):
        compiled.append(str(details[1]))


class Context:
    """The part of Lambda's context object that a first call uses."""

    aws_request_id = "c0ffee00-0000-4000-8000-000000000000"
    function_name = "function"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:function"
    memory_limit_in_mb = 1024

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


sys.addaudithook(record_compiled_file)
from app import handler  # type: ignore[import-not-found] # noqa: E402 # found in the function's folder, once it is on the path

response = handler(json.load(sys.stdin), Context())
modules = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
Path(report).write_text(json.dumps({"response": response, "compiled": compiled, "modules": modules}), encoding="utf-8")
