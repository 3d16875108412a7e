"""Takes out of a built layer what no function of the product can reach: most of it is models of other AWS services."""

import gzip
import json
import re
import shutil
import sys
from pathlib import Path

SERVICES = ("dynamodb", "events", "kms", "s3", "sesv2")

UNREACHABLE = (
    "bin",
    ".lock",
    "boto3/data",  # resources; the product uses clients
    "boto3/examples",
    "dns",  # email-validator looks a domain up only when asked whether mail can be delivered
    # of Powertools, all but its batches, logs and metrics
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/auth_alpha",
    "aws_lambda_powertools/utilities/circuit_breaker",
    "aws_lambda_powertools/utilities/feature_flags",
    "aws_lambda_powertools/utilities/idempotency",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parameters",
    "aws_lambda_powertools/utilities/parser",
    "aws_lambda_powertools/utilities/streaming",
    "pydantic/v1",
    "**/__pycache__",  # what a tool left; the recipe compiles afterwards
    "**/tests",
    "**/*.pyi",
)

# of the ciphers, the one of cursors (partner_access/api/cursors.py)
CIPHERS_KEPT = (
    "__init__.py",
    "Cipher/__init__.py",
    "Cipher/ChaCha20.py",
    "Cipher/ChaCha20_Poly1305.py",
    "Cipher/_chacha20.abi3.so",
    "Hash/__init__.py",
    "Hash/BLAKE2s.py",
    "Hash/Poly1305.py",
    "Hash/_BLAKE2s.abi3.so",
    "Hash/_poly1305.abi3.so",
    "Random/__init__.py",
    "Util/__init__.py",
    "Util/_file_system.py",
    "Util/_raw_api.py",
    "Util/number.py",
    "Util/py3compat.py",
)

# who vouches for AWS's endpoints; every new connection reads all that is here
AUTHORITIES = re.compile(
    r"^# Subject: (CN=Amazon Root CA \d |CN=Starfield Services Root |.*OU=Starfield Class 2 )", re.MULTILINE
)
ROOTS = 6

# pydantic asks for the version of this one, and looks for plugins in every other that it finds
KEPT_METADATA = "email_validator-"


def prune(layer: Path) -> None:
    for pattern in UNREACHABLE:
        for found in sorted(layer.glob(pattern)):
            _remove(found)
    for metadata in layer.glob("*.dist-info"):
        if not metadata.name.startswith(KEPT_METADATA):
            _remove(metadata)
    _keep_ciphers(layer / "Cryptodome")
    _keep_models(layer / "botocore" / "data")
    _keep_authorities(layer / "botocore" / "cacert.pem")


def _keep_ciphers(ciphers: Path) -> None:
    """Keep the files of one cipher. A missing one is an error here, instead of at the first cursor."""
    kept = {ciphers / name for name in CIPHERS_KEPT}
    if missing := [each for each in kept if not each.exists()]:
        sys.exit(f"{ciphers}: not found: {missing}")
    for found in sorted(ciphers.rglob("*"), reverse=True):
        if found.is_file() and found not in kept:
            found.unlink()
        elif found.is_dir() and not any(found.iterdir()):
            found.rmdir()


def _keep_models(models: Path) -> None:
    """Keep the newest model of each service that is used, and of the list of endpoints what those services need."""
    prefixes = set()
    for folder in [each for each in models.iterdir() if each.is_dir()]:
        if folder.name not in SERVICES:
            _remove(folder)
            continue
        *older, newest = sorted(folder.iterdir())
        for each in (*older, *newest.glob("examples-*")):
            _remove(each)
        prefixes.add(
            json.loads(gzip.decompress((newest / "service-2.json.gz").read_bytes()))["metadata"]["endpointPrefix"]
        )

    endpoints = json.loads((models / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in prefixes}
    (models / "endpoints.json").write_text(json.dumps(endpoints, separators=(",", ":")))


def _keep_authorities(bundle: Path) -> None:
    """Keep the roots of Amazon Trust Services, which AWS asks its clients to trust; too few would be no bundle of AWS's."""
    kept = [each for each in bundle.read_text().split("\n\n") if AUTHORITIES.search(each)]
    if len(kept) != ROOTS:
        sys.exit(f"{bundle}: of the {ROOTS} roots of Amazon Trust Services {len(kept)} were found")
    bundle.write_text("\n\n".join(kept) + "\n")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    prune(Path(sys.argv[1]))
