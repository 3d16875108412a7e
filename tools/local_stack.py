"""The whole product on this machine: the shipped template, deployed to an emulator of its own, ready to be called."""

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

from tools.api_client import Answer, Caller, connections
from tools.artifacts import artefacts, build
from tools.demo_file import Demo
from tools.deployment import Aws, Deployed, DeploymentFailed, deploy, upload
from tools.emulator import Emulator, running_emulator
from tools.local_proxy import running_front
from tools.sign_in import DIRECTORY, Person, SignIn, sign_in_of

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(".venvs/local/bin/python")
API_ID = "a11ce551"  # pinned by a tag on the stack, so that the address is known before the API is there
API_PATH = f"/_aws/execute-api/{API_ID}/%24default"
SENDER = "access@vendor.example"
READY_WITHIN = 30.0


class StackNotReady(Exception):
    """The stack stands but does not answer as the product does; the message holds what it answered."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running product; `front_url` is what people know of it, `base_url` the API behind that."""

    emulator: Emulator
    aws: Aws
    base_url: str
    front_url: str
    deployed: Deployed
    sign_in: SignIn
    pool: urllib3.PoolManager

    @property
    def table(self) -> str:
        """Name of the one table."""
        return self.deployed.only("AWS::DynamoDB::Table")

    def caller(self, token: str | None = None) -> Caller:
        """Somebody at the door of the API."""
        return Caller(self.base_url, self.pool, token)

    def machine(self, scope: str = DIRECTORY) -> Caller:
        """The vendor's back end, or with the scope for decisions its product."""
        return self.caller(self.sign_in.as_machine(self.pool, scope))

    def items(self) -> list[dict[str, Any]]:
        """Everything in the table, read consistently."""
        return _to_the_end(_table(self.aws, self.table).scan)

    def items_of(self, partition: str) -> list[dict[str, Any]]:
        """Everything under one partition key of the table, read consistently."""
        return _to_the_end(_table(self.aws, self.table).query, KeyConditionExpression=Key("pk").eq(partition))

    def log(self) -> str:
        """What the functions have written, each line after the name of its group."""
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
    """Made once: reading what boto3 knows of a service takes longer than reading the table."""
    return aws.session().resource("dynamodb", endpoint_url=aws.endpoint).Table(name)


def _to_the_end(read: Callable[..., Any], **asked: Any) -> list[dict[str, Any]]:
    page = read(ConsistentRead=True, **asked)
    found: list[dict[str, Any]] = page["Items"]
    while "LastEvaluatedKey" in page:
        page = read(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"], **asked)
        found += page["Items"]
    return found


@contextlib.contextmanager
def running_stack(*, port: int | None = None, tell: Callable[[str], None] = lambda _: None) -> Iterator[Stack]:
    """Build, start, deploy, wait until it answers; at the end stop what was started and nothing else."""
    tell("Building the layer and the functions, as `sam build` does")
    build(ROOT)
    python = ROOT / PYTHON
    made = artefacts(ROOT, python)
    tell("Starting AWS on loopback, with IAM enforced")
    with (
        running_emulator(python) as emulator,
        contextlib.closing(_Connections(connections())) as web,
        running_front(web.pool, emulator.endpoint, API_PATH, port=port) as front_url,
    ):
        aws = Aws(emulator.endpoint)
        base_url = f"{emulator.endpoint}{API_PATH}"
        ses = aws.session().client("sesv2", endpoint_url=aws.endpoint, config=aws.settings)
        ses.create_email_identity(EmailIdentity=SENDER)
        tell("Deploying the template through CloudFormation")
        upload(aws, made.archives)
        parameters = {
            "BaseUrl": front_url,
            "AuthorizationUrl": f"{front_url}/oauth2/authorize",
            "TokenUrl": f"{front_url}/oauth2/token",
            "SignOutUrl": f"{front_url}/logout",
            "EmailFrom": SENDER,
            "EmailIdentityArn": "*",  # sending is authorised on no particular identity here
            "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        }
        try:
            deployed = deploy(aws, made.template, parameters, tags={"ms-custom-id": API_ID})
        except DeploymentFailed as failed:
            raise DeploymentFailed(f"{failed}\n{emulator.errors()}") from failed
        _lock(aws, deployed.outputs["TreeHeadsBucket"])
        stack = Stack(
            emulator=emulator,
            aws=aws,
            base_url=base_url,
            front_url=front_url,
            deployed=deployed,
            sign_in=sign_in_of(aws, deployed.only("AWS::Cognito::UserPool")),
            pool=web.pool,
        )
        _wait_until_ready(stack)
        yield stack


@dataclass(frozen=True, slots=True)
class _Connections:
    pool: urllib3.PoolManager

    def close(self) -> None:
        self.pool.clear()


def _lock(aws: Aws, bucket: str) -> None:
    """The template says it, and the emulator's CloudFormation leaves it out."""
    s3 = aws.session().client("s3", endpoint_url=aws.endpoint, config=aws.settings)
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def _wait_until_ready(stack: Stack) -> None:
    patience = time.monotonic() + READY_WITHIN
    answer: Answer | None = None
    while time.monotonic() < patience:
        answer = stack.caller().get("/nothing-is-here")
        if answer.status == HTTPStatus.NOT_FOUND and answer.code == "not_found":
            return
        time.sleep(0.2)
    raise StackNotReady(f"the API does not answer as it should: {answer}\n{stack.emulator.log.read_text()[-2000:]}")


def demo_of(stack: Stack, inbox_url: str, people: dict[str, Person]) -> Demo:
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
