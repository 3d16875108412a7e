"""Run AWS on this machine: one ministack process on loopback, with IAM enforced. It leaves no files behind."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import urllib3

REGION: Final = "eu-west-1"
ACCOUNT = "000000000000"
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105  not secret: the root key of the emulator's only account
READY_TIMEOUT = 30.0
STOP_TIMEOUT = 1.0  # the emulator stores no state, so a forced stop loses nothing
LOOPBACK = "127.0.0.1"


class EmulatorFailed(Exception):
    """The emulator did not start. The message gives the reason and the end of the log."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """The address and log file of a running emulator."""

    port: int
    log: Path
    region: str = REGION

    @property
    def endpoint(self) -> str:
        """The URL of every AWS service of this emulator."""
        return f"http://{LOOPBACK}:{self.port}"

    def signing_key(self, user_pool: str) -> Path:
        """Return the path of the private key (PEM) that signs the access tokens of a user pool."""
        return self.log.parent / "state" / "cognito-pool-keys" / f"{user_pool}-access.pem"

    def error_lines(self) -> str:
        """Return the log lines with level ERROR so far."""
        return "\n".join(line for line in self.log.read_text(errors="replace").splitlines() if " ERROR " in line)


def is_free(port: int) -> bool:
    """Return whether a server can listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.bind((LOOPBACK, 0))
        port: int = attempt.getsockname()[1]
        return port


@contextlib.contextmanager
def running_emulator(python: Path, *, port: int | None = None) -> Iterator[Emulator]:
    """Start ministack with this interpreter, wait until it is ready, and stop it at the end."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="partner-access-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "emulator.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [
                    python,
                    "-P",
                    *(str(Path(__file__).with_name(name)) for name in ("child_process.py", "quick_ministack.py")),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(port, Path(folder)),
                cwd=folder,
                start_new_session=True,  # so that Ctrl-C reaches only this process, which stops it in order
            )
        emulator = Emulator(port=port, log=log)
        try:
            _wait_until_ready(emulator, child)
            yield emulator
        finally:
            _stop(child)


def _environment(port: int, folder: Path) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "VIRTUAL_ENV"))
    }
    (folder / "tmp").mkdir()
    return inherited | {
        "AUTH": "true",
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PERSIST_STATE": "0",
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
    }


def _wait_until_ready(emulator: Emulator, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    with urllib3.PoolManager(retries=False, timeout=1.0) as web:
        while time.monotonic() < deadline:
            if child.poll() is not None:
                break
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if web.request("GET", f"{emulator.endpoint}/_ministack/ready").status == HTTPStatus.OK:
                    return
            time.sleep(0.05)
    log_tail = emulator.log.read_text(errors="replace")[-1500:]
    raise EmulatorFailed(f"ministack did not come up on port {emulator.port}. The end of its log:\n{log_tail}")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Stop the emulator and its function workers. All of them are in one process group, which holds nothing else."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdin:
            child.stdin.close()
