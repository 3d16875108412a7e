"""Runs a module that must not outlive the process which started it: `python lifeline.py MODULE`.

The starter holds the other end of standard input; when it is gone, however it went, this process stops.
"""

import os
import runpy
import signal
import sys
import threading


def stop_when_abandoned() -> None:
    """Wait for the end of standard input, then stop this process as a person would."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Watch the lifeline and become the module that was named."""
    module = sys.argv[1]
    sys.argv = [module]
    threading.Thread(target=stop_when_abandoned, name="lifeline", daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
