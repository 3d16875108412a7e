"""Read and write `.local/demo.json`, which describes a running demo to scripts and other commands."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from tools.sign_in import SignIn
from tools.template import ROOT

FILE = ROOT / ".local" / "demo.json"


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo. Its secrets are valid on this machine only."""

    base_url: str
    aws_endpoint: str
    region: str
    table: str
    inbox_url: str
    people: dict[str, dict[str, str]]
    sign_in: dict[str, Any]
    process: int

    @property
    def sign_in_client(self) -> SignIn:
        """The sign-in that returns tokens."""
        return SignIn(**self.sign_in)


def write_demo(demo: Demo) -> None:
    """Write the file so that only its owner can read it."""
    FILE.parent.mkdir(exist_ok=True)
    unfinished = FILE.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(asdict(demo), ensure_ascii=False, indent=2) + "\n")
    unfinished.replace(FILE)


def remove_demo() -> None:
    """Remove the file when its demo ends. The file of a later demo stays."""
    if FILE.exists() and json.loads(FILE.read_text())["process"] == os.getpid():
        FILE.unlink()


def read_demo() -> Demo:
    """Read the file. Prints a message and exits with 1 if no demo is running."""
    if not FILE.exists():
        _no_demo()
    return Demo(**json.loads(FILE.read_text()))


def _no_demo() -> NoReturn:
    print("No demo is running here. Start one with `make demo`, and leave it running.", file=sys.stderr)
    raise SystemExit(1)
