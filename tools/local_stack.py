"""Run the whole product on this machine: the real template, deployed to an emulator."""

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
from boto3.dynamodb.conditions import Key

from tools.api_client import ApiClient, ApiResponse, connection_pool
from tools.artifacts import build, prepare_artifacts
from tools.demo_file import Demo
from tools.deployment import Aws, DeployedResources, DeploymentFailed, deploy, upload
from tools.emulator import Emulator, running_emulator
from tools.local_proxy import running_proxy
from tools.sign_in import DIRECTORY_SCOPE, SignIn, SignInUser, sign_in_of

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(".venvs/local/bin/python")
API_ID = "a11ce551"  # fixed by a tag on the stack, so that the address is known before the API exists
API_PATH = f"/_aws/execute-api/{API_ID}/%24default"
SENDER = "access@vendor.example"
READY_TIMEOUT = 30.0


class StackNotReady(Exception):
    """The stack is deployed, but the API does not respond as the product does. The message contains its response."""


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A running stack. `origin` is the URL for users, and `base_url` is the API behind it."""

    emulator: Emulator
    aws: Aws
    base_url: str
    origin: str
    deployed: DeployedResources
    sign_in: SignIn
    pool: urllib3.PoolManager

    @property
    def table(self) -> str:
        """The name of the stack's only table."""
        return self.deployed.only("AWS::DynamoDB::Table")

    def api_client(self, token: str | None = None) -> ApiClient:
        """Return a client of the API with this token."""
        return ApiClient(self.base_url, self.pool, token)

    def machine_client(self, scope: str = DIRECTORY_SCOPE) -> ApiClient:
        """Return a client of the vendor's back end or, with the decision scope, of the vendor's product."""
        return self.api_client(self.sign_in.machine_token(self.pool, scope))

    def items(self) -> list[dict[str, Any]]:
        """Return all items of the table with consistent reads."""
        return _all_pages(_table(self.aws, self.table).scan)

    def items_of(self, partition: str) -> list[dict[str, Any]]:
        """Return all items of one partition with consistent reads."""
        return _all_pages(_table(self.aws, self.table).query, KeyConditionExpression=Key("pk").eq(partition))

    def log(self) -> str:
        """Return the log of all functions. Each line starts with the name of its log group."""
        logs = self.aws.session().client("logs", endpoint_url=self.aws.endpoint)
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return "\n".join(
            f"{group} {event['message']}"
            for group in groups
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        )


@cache
def _table(aws: Aws, name: str) -> Any:
    """Return the table resource. It is cached, since loading the service model takes longer than reading the table."""
    return aws.session().resource("dynamodb", endpoint_url=aws.endpoint).Table(name)


def _all_pages(read: Callable[..., Any], **arguments: Any) -> list[dict[str, Any]]:
    page = read(ConsistentRead=True, **arguments)
    items: list[dict[str, Any]] = page["Items"]
    while "LastEvaluatedKey" in page:
        page = read(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"], **arguments)
        items += page["Items"]
    return items


@contextlib.contextmanager
def running_stack(*, port: int | None = None, report: Callable[[str], None] = lambda _: None) -> Iterator[LocalStack]:
    """Build, start and deploy the stack, and wait until it is ready. At the end, stop only what was started here."""
    report("Building the layer and the functions, as `sam build` does")
    build(ROOT)
    python = ROOT / PYTHON
    built = prepare_artifacts(ROOT, python)
    report("Starting AWS on loopback, with IAM enforced")
    with (
        running_emulator(python) as emulator,
        contextlib.closing(_Connections(connection_pool())) as connections_to_close,
        running_proxy(connections_to_close.pool, emulator.endpoint, API_PATH, port=port) as origin,
    ):
        aws = Aws(emulator.endpoint)
        base_url = f"{emulator.endpoint}{API_PATH}"
        ses = aws.session().client("sesv2", endpoint_url=aws.endpoint, config=aws.settings)
        ses.create_email_identity(EmailIdentity=SENDER)
        report("Deploying the template through CloudFormation")
        upload(aws, built.archives)
        parameters = {
            "BaseUrl": origin,
            "AuthorizationUrl": f"{origin}/oauth2/authorize",
            "TokenUrl": f"{origin}/oauth2/token",
            "SignOutUrl": f"{origin}/logout",
            "EmailFrom": SENDER,
            "EmailIdentityArn": "*",  # sending is not restricted to an identity here
            "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        }
        try:
            deployed = deploy(aws, built.template, parameters, tags={"ms-custom-id": API_ID})
        except DeploymentFailed as failed:
            raise DeploymentFailed(f"{failed}\n{emulator.error_lines()}") from failed
        _turn_on_object_lock(aws, deployed.outputs["TreeHeadsBucket"])
        stack = LocalStack(
            emulator=emulator,
            aws=aws,
            base_url=base_url,
            origin=origin,
            deployed=deployed,
            sign_in=sign_in_of(aws, deployed.only("AWS::Cognito::UserPool")),
            pool=connections_to_close.pool,
        )
        _wait_until_ready(stack)
        yield stack


@dataclass(frozen=True, slots=True)
class _Connections:
    pool: urllib3.PoolManager

    def close(self) -> None:
        self.pool.clear()


def _turn_on_object_lock(aws: Aws, bucket: str) -> None:
    """Turn on object lock for the bucket. The template does so too, but the emulator's CloudFormation ignores it."""
    s3 = aws.session().client("s3", endpoint_url=aws.endpoint, config=aws.settings)
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def _wait_until_ready(stack: LocalStack) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    response: ApiResponse | None = None
    while time.monotonic() < deadline:
        response = stack.api_client().get("/nothing-is-here")
        if response.status == HTTPStatus.NOT_FOUND and response.code == "not_found":
            return
        time.sleep(0.2)
    raise StackNotReady(f"the API does not respond as expected: {response}\n{stack.emulator.log.read_text()[-2000:]}")


def demo_of(stack: LocalStack, inbox_url: str, people: dict[str, SignInUser]) -> Demo:
    """Describe the running stack for the tools that use the demo."""
    return Demo(
        base_url=stack.base_url,
        aws_endpoint=stack.aws.endpoint,
        region=stack.emulator.region,
        table=stack.table,
        inbox_url=inbox_url,
        people={person.email: {"user_id": person.user_id, "password": person.password} for person in people.values()},
        sign_in=stack.sign_in.to_json(),
        process=os.getpid(),
    )
