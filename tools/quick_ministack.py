"""Ministack as it is, but for two things that cost time and change no answer; the emulator runs this in its place.

An archive is unpacked once, and each worker of a function is shown that copy: as on AWS, where a layer is mounted, not
copied. And an answer waits five milliseconds for the last line of a function's log, not fifty.
"""

import os
import runpy
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

from ministack.core.lambda_runtime import Worker  # type: ignore[import-not-found]  # of the emulator's own environment

FIRST_LINE_TIMEOUT = 0.005
LINE_TIMEOUT = 0.005
TOTAL_TIMEOUT = 0.25

_unpack = zipfile.ZipFile.extractall
_unpacked: dict[int, Path] = {}
_unpack_lock = threading.Lock()


def unpack_once(
    archive: zipfile.ZipFile,
    path: str | os.PathLike[str] | None = None,
    members: Iterable[str | zipfile.ZipInfo] | None = None,
    pwd: bytes | None = None,
) -> None:
    """Let an empty folder be the copy that is there; the archive itself has served."""
    if path is None or members is not None or os.listdir(path):  # noqa: PTH208  a name is enough
        _unpack(archive, path, members, pwd)
        return
    content = hash(tuple((each.filename, each.CRC, each.file_size) for each in archive.infolist()))
    with _unpack_lock:
        if content not in _unpacked:
            copy = tempfile.mkdtemp(prefix="unpacked-")
            _unpack(archive, copy)
            _unpacked[content] = Path(copy)
    Path(path).rmdir()
    Path(path).symlink_to(_unpacked[content])
    if archive.filename:
        Path(archive.filename).unlink()


def main() -> None:
    """Change what was said above, and become ministack."""
    setattr(zipfile.ZipFile, "extractall", unpack_once)  # noqa: B010  so that its new type is nobody's business
    Worker._drain_stderr_bounded.__defaults__ = (FIRST_LINE_TIMEOUT, LINE_TIMEOUT, TOTAL_TIMEOUT)  # noqa: SLF001
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
