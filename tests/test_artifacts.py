"""Tests of the built functions and the built layer, run as they ship, without the rest of the project."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.support import built_artifacts
from tests.support.built_artifacts import FUNCTIONS, LAYER, BuiltFunction, ColdStart

EVERY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS, ids=[each.operation for each in FUNCTIONS])
MEGABYTE = 1 << 20

AWS = {"boto3", "dateutil", "s3transfer", "six", "urllib3"}
OURS = {"partner_access"}
ALLOWED_PACKAGES = {
    "annotated_types",
    "aws_lambda_powertools",
    "botocore",  # Powertools only looks up its name
    "email_validator",
    "idna",
    "jmespath",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "uuid_utils",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with built_artifacts.moto_server() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@cache
def cached_cold_start(function_name: str, endpoint: str, reports: Path) -> ColdStart:
    (function,) = (each for each in FUNCTIONS if each.operation == function_name)
    return built_artifacts.cold_start(function, endpoint, reports / f"{function_name}.json")


@pytest.fixture
def cold_start(function: BuiltFunction, endpoint: str, reports: Path) -> ColdStart:
    return cached_cold_start(function.operation, endpoint, reports)


def is_success(answer: Any, function: BuiltFunction) -> bool:
    """Return whether the response is a success that the function's trigger can read."""
    if "HttpApi" not in function.triggers:
        return answer in (None, {"batchItemFailures": []})
    if function.serves_pages:
        return answer["statusCode"] == HTTPStatus.OK and bool(answer["body"])
    if answer["statusCode"] == HTTPStatus.NO_CONTENT:
        return not answer.get("body")
    return answer["statusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(json.loads(answer["body"]), dict)


@EVERY_FUNCTION
def test_cold_start_compiles_no_module_from_source(function: BuiltFunction, cold_start: ColdStart) -> None:
    assert cold_start.compiled == []
    assert {"app", "partner_access"} <= set(cold_start.modules)


@EVERY_FUNCTION
def test_cold_start_loads_only_modules_in_use(function: BuiltFunction, cold_start: ColdStart) -> None:
    expensive_modules = {
        "botocore.client": function.uses_table,
        "partner_access.api.routing": "HttpApi" in function.triggers and not function.serves_pages,
        "partner_access.tree_head_store": function.signs_tree_heads,
        "partner_access.event_bus": function.publishes_events,
        "partner_access.emails.transport": function.sends_emails,
    }

    in_use = (AWS if function.uses_table else set()) | (
        {"tzdata"} if function.operation == "manage_directory" else set()
    )
    assert cold_start.top_level - ALLOWED_PACKAGES - OURS - in_use == set(), "its sample event names a time zone"
    assert expensive_modules.keys() & cold_start.modules.keys() == {
        module for module, used in expensive_modules.items() if used
    }


@EVERY_FUNCTION
def test_sample_event_in_isolated_process_succeeds(function: BuiltFunction, cold_start: ColdStart) -> None:
    assert is_success(cold_start.response, function)


@pytest.mark.skipif(built_artifacts.runtime_interface_emulator() is None, reason="AWS's runtime emulator runs on Linux")
@EVERY_FUNCTION
def test_sample_event_under_lambda_runtime_emulator_succeeds(function: BuiltFunction, endpoint: str) -> None:
    emulator = built_artifacts.runtime_interface_emulator()
    assert emulator

    assert is_success(built_artifacts.invoke_under_lambda_runtime(emulator, function, endpoint), function)


@EVERY_FUNCTION
def test_built_function_contains_only_app_and_static_files(function: BuiltFunction) -> None:
    shipped = {path.relative_to(function.folder).parts[0] for path in function.folder.rglob("*") if path.is_file()}

    assert shipped == {"app.py", "__pycache__"} | ({"static"} if function.serves_pages else set())


def test_layer_is_smaller_than_limit() -> None:
    size = sum(path.stat().st_size for path in LAYER.rglob("*") if path.is_file())

    assert size < 21 * MEGABYTE


def test_layer_encrypts_and_decrypts_cursors() -> None:
    """A first page with no further one does not load the cipher, so that no sample event shows that it is there."""
    program = (
        "from datetime import UTC, datetime; from partner_access.api import cursors; from partner_access.domain.act import Act;"
        "act = Act(actor_id='user', at=datetime.now(UTC), id='act');"
        "print(cursors.decrypt(cursors.encrypt('position', {}, '/list', act), {}, '/list', act))"
    )
    finished = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(LAYER), "CURSOR_KEY": "a key for cursors"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert finished.stdout == "position\n"


def test_layer_trusts_only_certificate_authorities_of_aws() -> None:
    trusted: Any = ssl.create_default_context(cafile=LAYER / "botocore/cacert.pem").get_ca_certs()

    assert sorted(map(_organization, trusted)) == ["Amazon"] * 4 + ["Starfield Technologies, Inc."] * 2


def _organization(certificate: Any) -> str:
    named = {name: value for ((name, value),) in certificate["subject"]}
    return str(named["organizationName"])


def test_layer_contains_only_models_of_services_in_use() -> None:
    models = {path.name for path in (LAYER / "botocore/data").iterdir() if path.is_dir()}

    assert models == {"dynamodb", "events", "kms", "s3", "sesv2"}
