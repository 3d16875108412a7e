"""Run handlers, each in a process of its own that sees only its own path (`warm_child.py`)."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.bench import link_creation
from tools.bench.compared_handlers import ComparedHandler
from tools.bench.link_creation import Json

CHILD: Final = Path(__file__).with_name("warm_child.py")


@dataclass(frozen=True, slots=True)
class RunningHandler:
    """A handler in a process of its own.

    `first_responses` contains its responses and its DynamoDB requests for each event.
    """

    program: "subprocess.Popen[str]"
    first_responses: Sequence[Any]

    def nanoseconds(self, calls: int) -> int:
        """Return the processor time of this number of calls in nanoseconds."""
        return int(_exchange(self.program, calls))


def _exchange(program: "subprocess.Popen[str]", line: object) -> Any:
    assert program.stdin  # noqa: S101  the process was started with a pipe
    program.stdin.write(f"{json.dumps(line)}\n")
    program.stdin.flush()
    return _read_line(program)


def _read_line(program: "subprocess.Popen[str]") -> Any:
    assert program.stdout  # noqa: S101  the process was started with a pipe
    return json.loads(program.stdout.readline())


@contextmanager
def run_handler(handler: ComparedHandler, events: Sequence[Json]) -> Iterator[RunningHandler]:
    """Start a handler and process each event once. All measured calls use the first event."""
    command = [sys.executable, "-I", "-S", "-B", str(CHILD), *map(str, handler.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=link_creation.ENVIRONMENT
    ) as program:
        first_input = {
            "events": [handler.convert_event(event) for event in events],
            "responses": link_creation.dynamodb_responses(),
        }
        yield RunningHandler(program, _exchange(program, first_input))
