"""Measure the size of the layer that all functions share."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile

from tools.artifacts import BUILT
from tools.bench.figures import Figure
from tools.template import ROOT

LAYER: Final = ROOT / BUILT / "CommonLayer"
MEGABYTE: Final = 1 << 20


def figures(folder: Path = LAYER) -> Iterator[Figure]:
    """Yield the size of all files, zipped and unzipped."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    zipped = BytesIO()
    with ZipFile(zipped, "w", ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    unzipped = sum(file.stat().st_size for file in files)
    yield Figure(name="the layer, zipped", measured=zipped.tell() / MEGABYTE, target=8, unit="MB")
    yield Figure(name="the layer, unzipped", measured=unzipped / MEGABYTE, target=21, unit="MB")
