"""Functions and layer that `make host` built, and helpers to run them as Lambda does.

A built function sees its own folder and the layer's, nothing else.
"""

import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import boto3

from tools import template

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam/host"
LAYER = BUILT / "CommonLayer/python"
REGION: Final = "eu-west-1"
LOOPBACK = "127.0.0.1"
START_TIMEOUT_SECONDS = 30.0

Json = dict[str, Any]

# Values in place of those that CloudFormation would fill in. The rest of the environment is the template's.
PARAMETER_VALUES = {
    "AUTHORIZATION_URL": "https://sign-in.example.com/oauth2/authorize",
    "BASE_URL": "https://access.example.com",
    "CURSOR_KEY": "a key for cursors",
    "DECIDE_SCOPE": "partner-access/decide",
    "DIRECTORY_SCOPE": "partner-access/directory",
    "EMAIL_CONFIGURATION_SET": "emails",
    "EMAIL_FROM": "access@vendor.example.com",
    "EVENT_BUS": "partner-access",
    "PAGES_CLIENT_ID": "pages",
    "SIGN_OUT_URL": "https://sign-in.example.com/logout",
    "TABLE_NAME": "partner-access",
    "TOKEN_URL": "https://sign-in.example.com/oauth2/token",
    "TREE_HEADS_BUCKET": "tree-heads",
    "TREE_HEAD_RETENTION_DAYS": "365",
    "TREE_HEAD_SIGNING_KEY": "alias/tree-heads",
    "USE_SCOPE": "partner-access/use",
    "USER_ID_CLAIM": "sub",
}


class ProgramNotStarted(Exception):
    """A program that a test started did not listen on its port in time."""


TEMPLATE = template.read()


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """A built function."""

    logical_id: str
    resource: Mapping[str, Any]

    @property
    def operation(self) -> str:
        """The function's folder under functions/."""
        words = "".join(f"_{each.lower()}" if each.isupper() else each for each in self.logical_id)
        return words.removeprefix("_").removesuffix("_function")

    @property
    def folder(self) -> Path:
        folder = BUILT / self.logical_id
        assert folder.is_dir(), f"{self.logical_id} is not built: run `make host`"
        return folder

    @property
    def triggers(self) -> set[str]:
        return {event["Type"] for event in self.resource["Events"].values()}

    @property
    def serves_pages(self) -> bool:
        """True if the function returns HTML pages instead of JSON."""
        return (ROOT / "functions" / self.operation / "static").is_dir()

    @property
    def uses_table(self) -> bool:
        return bool({"Policies", "Role"} & set(self.resource))

    @property
    def sends_emails(self) -> bool:
        return "EMAIL_FROM" in self.environment

    @property
    def publishes_events(self) -> bool:
        return "EVENT_BUS" in self.environment

    @property
    def signs_tree_heads(self) -> bool:
        return "TREE_HEADS_BUCKET" in self.environment

    @property
    def sample(self) -> str:
        return (ROOT / "events" / f"{self.operation}.json").read_text(encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        declared = {
            **TEMPLATE["Globals"]["Function"]["Environment"]["Variables"],
            **self.resource.get("Environment", {}).get("Variables", {}),
        }
        return {name: value if isinstance(value, str) else PARAMETER_VALUES[name] for name, value in declared.items()}


FUNCTIONS = [
    BuiltFunction(name, resource["Properties"])
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
]


@contextmanager
def running_program(command: list[str], *, port: int, **settings: Any) -> Iterator[None]:
    """Run a program until the block ends. The block starts when the program listens on the port."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **settings) as program:
        try:
            deadline = time.monotonic() + START_TIMEOUT_SECONDS
            while not _is_listening(port):
                if time.monotonic() > deadline or program.poll() is not None:
                    raise ProgramNotStarted(command[0])
                time.sleep(0.05)
            yield
        finally:
            program.terminate()


def _is_listening(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex((LOOPBACK, port)) == 0


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind((LOOPBACK, 0))
        return int(attempt.getsockname()[1])


def credentials(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }


@contextmanager
def moto_server() -> Iterator[str]:
    """Yield the address of a moto server with the template's resources.

    The table holds one chain head, so that there is something to sign.
    """
    port = free_port()
    with running_program([sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)], port=port):
        endpoint = f"http://{LOOPBACK}:{port}"
        table = TEMPLATE["Resources"]["Table"]["Properties"]
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        session.client("events", endpoint_url=endpoint).create_event_bus(Name=PARAMETER_VALUES["EVENT_BUS"])
        session.client("s3", endpoint_url=endpoint).create_bucket(
            Bucket=PARAMETER_VALUES["TREE_HEADS_BUCKET"],
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        kms = session.client("kms", endpoint_url=endpoint)
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=PARAMETER_VALUES["TREE_HEAD_SIGNING_KEY"], TargetKeyId=key)
        dynamodb = session.client("dynamodb", endpoint_url=endpoint)
        dynamodb.create_table(
            TableName=PARAMETER_VALUES["TABLE_NAME"],
            **{
                name: table[name]
                for name in ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
            },
        )
        head = {"pk": "CHAIN_HEAD#0", "sk": "ACCOUNT#client", "account_id": "client", "chain_hash": "00"}
        dynamodb.put_item(
            TableName=PARAMETER_VALUES["TABLE_NAME"],
            Item={"entries": {"N": "1"}, **{name: {"S": value} for name, value in head.items()}},
        )
        yield endpoint


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The result of a new process from its start to its first response."""

    response: Any
    compiled: list[str]
    modules: dict[str, str | None]

    @property
    def top_level(self) -> set[str]:
        return {name.partition(".")[0] for name, file in self.modules.items() if file and file.startswith(str(LAYER))}


def cold_start(function: BuiltFunction, endpoint: str, report: Path) -> ColdStart:
    """Invoke the sample in an isolated interpreter that sees only the function, the layer and the standard library."""
    subprocess.run(
        [sys.executable, "-I", "-S", "-B", Path(__file__).with_name("cold_start.py"), function.folder, LAYER, report],
        input=function.sample,
        text=True,
        check=True,
        env={**function.environment, **credentials(endpoint), "AWS_LAMBDA_FUNCTION_NAME": function.logical_id},
        stdout=subprocess.DEVNULL,
    )
    return ColdStart(**json.loads(report.read_text(encoding="utf-8")))


def runtime_interface_emulator() -> Path | None:
    """Return the path of AWS's Lambda runtime emulator, or None on a system other than Linux.

    It is installed with the SAM command line.
    """
    if sys.platform != "linux":
        return None
    machine = "arm64" if platform.machine() == "aarch64" else "x86_64"
    (found,) = ROOT.glob(f".venvs/sam/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
    return found


def invoke_under_lambda_runtime(emulator: Path, function: BuiltFunction, endpoint: str) -> Any:
    """Return the response to the sample from AWS's runtime client under AWS's runtime interface emulator."""
    port, inner_port = free_port(), free_port()
    command = [
        str(emulator),
        *("--runtime-interface-emulator-address", f"{LOOPBACK}:{port}"),
        *("--runtime-api-address", f"{LOOPBACK}:{inner_port}"),
        *(sys.executable, "-m", "awslambdaric", "app.handler"),
    ]
    environment = {
        **function.environment,
        **credentials(endpoint),
        "AWS_LAMBDA_FUNCTION_NAME": function.logical_id,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{function.folder}:{LAYER}",
    }
    with running_program(command, port=port, env=environment, cwd=function.folder):
        connection = HTTPConnection(LOOPBACK, port, timeout=30)
        connection.request("POST", "/2015-03-31/functions/function/invocations", function.sample.encode())
        response_body = connection.getresponse().read()
        connection.close()
    return json.loads(response_body)
