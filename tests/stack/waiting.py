"""Waiting for effects of background functions on the emulator."""

import time
from collections.abc import Callable

WITHIN = 30.0


def eventually(attempt: Callable[[], bool]) -> bool:
    """Retry until the attempt succeeds, and return whether it did within 30 seconds."""
    deadline = time.monotonic() + WITHIN
    while not (succeeded := attempt()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return succeeded
