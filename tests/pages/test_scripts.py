"""Run the unit tests of the scripts of the pages in Node.js, against the scripts as they are served."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from functions.serve_pages import app

HERE = Path(__file__).parent
NO_NODE = "NO NODE: Node.js is not here, so dates, rights and texts of the pages are NOT tested"


@pytest.fixture(scope="module")
def served_assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all assets into a folder, under the names in their URLs."""
    folder = tmp_path_factory.mktemp("assets")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    for name, asset in app.assets().items():
        (folder / name).write_bytes(asset.content)
    return folder


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.js")), ids=lambda file: file.name.partition(".")[0])
def test_script_passes_its_unit_tests(file: Path, served_assets: Path) -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip(NO_NODE)
    environment = os.environ | {"SERVED_ASSETS": str(served_assets)}
    run = subprocess.run([node, "--test", str(file)], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
