"""Runs a program that must not outlive the process which started it: `python lifeline.py PROGRAM`.

The starter holds the other end of standard input; when it is gone, however it went, this process stops.
"""

import os
import runpy
import signal
import sys
import threading


def stop_with_parent() -> None:
    """Wait for the end of standard input, then stop this process as a person would."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Watch the lifeline and become the program that was named."""
    program = sys.argv[1]
    sys.argv = [program]
    threading.Thread(target=stop_with_parent, name="lifeline", daemon=True).start()
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
