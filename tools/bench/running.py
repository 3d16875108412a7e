"""Handlers that run, each in a process of its own which sees nothing but its path (`warm_child.py`)."""

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
    """A handler in a process of its own; `first` are its answers, with what it asked of DynamoDB for each."""

    program: "subprocess.Popen[str]"
    first_responses: Sequence[Any]

    def nanoseconds(self, calls: int) -> int:
        """Of the processor, for so many calls."""
        return int(_exchange(self.program, calls))


def _exchange(program: "subprocess.Popen[str]", line: object) -> Any:
    assert program.stdin  # noqa: S101  as it was started
    program.stdin.write(f"{json.dumps(line)}\n")
    program.stdin.flush()
    return _read_line(program)


def _read_line(program: "subprocess.Popen[str]") -> Any:
    assert program.stdout  # noqa: S101  as it was started
    return json.loads(program.stdout.readline())


@contextmanager
def run_handler(handler: ComparedHandler, events: Sequence[Json]) -> Iterator[RunningHandler]:
    """Each event has been answered once; the first of them is what is answered again and again."""
    command = [sys.executable, "-I", "-S", "-B", str(CHILD), *map(str, handler.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=link_creation.ENVIRONMENT
    ) as program:
        first_input = {
            "events": [handler.convert_event(event) for event in events],
            "answers": link_creation.dynamodb_responses(),
        }
        yield RunningHandler(program, _exchange(program, first_input))
