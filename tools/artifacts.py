"""Turn the output of `make host` into deployable artifacts: archived code and the expanded template, both cached."""

import hashlib
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import template
from tools.deployment import BUCKET
from tools.emulator import REGION

ROOT = Path(__file__).resolve().parent.parent
BUILT = Path(".aws-sam/host")
CACHE = Path(".local/artifacts")
CODE_PROPERTY = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}
MAX_AGE_SECONDS = 3600.0
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class BuildFailed(Exception):
    """The code could not be built, or the template could not be expanded. The message contains the output."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The expanded template and the archives that it references."""

    template: Path
    archives: Mapping[str, Path]


def build(root: Path) -> None:
    """Build all prerequisites of the stack. Under make this does nothing, since make has built them already."""
    if "MAKELEVEL" in os.environ:
        return
    finished = subprocess.run(
        ["make", "--no-print-directory", "environments", "host"], cwd=root, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise BuildFailed(f"`make environments host` failed:\n{finished.stdout}{finished.stderr}")


def prepare_artifacts(root: Path, python: Path) -> Artifacts:
    """Archive the built code and expand the built template. Unchanged artifacts come from the cache."""
    built = root / BUILT
    cache = root / CACHE
    cache.mkdir(parents=True, exist_ok=True)
    source = built / "template.yaml"
    resources = template.read(source)["Resources"]
    archives: dict[str, Path] = {}
    locations: dict[str, str] = {}
    for logical_id, resource in resources.items():
        if code_property := CODE_PROPERTY.get(resource["Type"]):
            folder = built / resource["Properties"][code_property]
            archive = _archive(folder, cache)
            archives[archive.name] = archive
            locations[logical_id] = f"s3://{BUCKET}/{archive.name}"
    expanded = _expand(source, locations, cache, python)
    _delete_old(cache, {expanded, *archives.values()})
    return Artifacts(expanded, archives)


def _delete_old(cache: Path, needed: set[Path]) -> None:
    """Delete old artifacts that are not needed. Recent ones may belong to another stack that is starting."""
    for path in set(cache.iterdir()) - needed:
        if time.time() - path.stat().st_mtime > MAX_AGE_SECONDS:
            path.unlink(missing_ok=True)


def _archive(folder: Path, cache: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    archive = cache / f"{digest.hexdigest()[:32]}.zip"
    if not archive.exists():
        unfinished = archive.with_suffix(f".{os.getpid()}")
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as packed:
            for path in files:
                packed.writestr(zipfile.ZipInfo(str(path.relative_to(folder)), FIXED_TIME), path.read_bytes())
        unfinished.replace(archive)
    return archive


def _expand(source: Path, locations: Mapping[str, str], cache: Path, python: Path) -> Path:
    programs = [Path(__file__).with_name(name).read_bytes() for name in ("expand.py", "expansion.py")]
    written = json.dumps(locations, sort_keys=True)
    digest = hashlib.sha256(source.read_bytes() + b"".join(programs) + written.encode()).hexdigest()[:32]
    expanded = cache / f"{digest}.json"
    if not expanded.exists():
        where = cache / f"{digest}.locations.{os.getpid()}"
        where.write_text(written)
        finished = subprocess.run(
            [python, "-m", "tools.expand", source, where],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": REGION},
        )
        where.unlink()
        if finished.returncode:
            raise BuildFailed(f"the template could not be expanded:\n{finished.stderr[-3000:]}")
        unfinished = expanded.with_suffix(f".{os.getpid()}")
        unfinished.write_text(finished.stdout)
        unfinished.replace(expanded)
    return expanded
