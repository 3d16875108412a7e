"""Run a program that must not outlive the process that started it: `python lifeline.py PROGRAM`.

The parent process holds the other end of standard input. This process stops when that end is closed for any reason.
"""

import os
import runpy
import signal
import sys
import threading


def stop_with_parent() -> None:
    """Wait for the end of standard input, then send SIGTERM to this process."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Start the watcher thread and run the given program in this process."""
    program = sys.argv[1]
    sys.argv = [program]
    threading.Thread(target=stop_with_parent, name="lifeline", daemon=True).start()
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
