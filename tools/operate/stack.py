"""Where a deployed stack is, and the operator's own credentials for it: on AWS, or on this machine for the demo."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from typing_extensions import override

from tools import deployment
from tools.api_client import connection_pool
from tools.demo_file import read_demo
from tools.deployment import Aws
from tools.operate.directory_client import AccessToken
from tools.sign_in import DIRECTORY_SCOPE, SignInFailed

SETTINGS: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60, max_pool_connections=32
)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

UNSUPPORTED_CHECKS: Final = frozenset({"point-in-time recovery", "time to live"})
"""What the template says of the table and the emulator's CloudFormation leaves out."""


class StackUnavailable(Exception):
    """The stack, its token or its table cannot be found; the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class StackResource:
    """One resource of the stack."""

    name: str
    kind: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack by its name, and a way to each AWS service as the operator; `unknown` is what AWS here cannot tell."""

    name: str
    client: Callable[[str], Any]
    unsupported_checks: frozenset[str] = frozenset()

    def description(self) -> Mapping[str, Any]:
        """The stack as CloudFormation tells it."""
        with translate_errors(f"The stack {self.name} cannot be looked at"):
            (found,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        stack: Mapping[str, Any] = found
        return stack

    def output(self, name: str) -> str:
        """An output that the stack must have."""
        found = {each["OutputKey"]: each["OutputValue"] for each in self.description().get("Outputs", ())}
        if name not in found:
            raise StackUnavailable(f"The stack {self.name} has no output {name}.")
        return str(found[name])

    def parameters(self) -> dict[str, str]:
        return {each["ParameterKey"]: each["ParameterValue"] for each in self.description().get("Parameters", ())}

    def resources(self) -> list[StackResource]:
        """All of them, however many."""
        with translate_errors(f"The resources of the stack {self.name} cannot be listed"):
            pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
            return [
                StackResource(each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
                for page in pages
                for each in page["StackResourceSummaries"]
            ]

    def token(self) -> AccessToken:
        """The directory's token by the client credentials of the stack's own pool; it is asked for anew when it ends."""
        fetch = partial(self._fetch_token, connection_pool())
        return AccessToken(fetch(), fetch)

    def _fetch_token(self, pool: urllib3.PoolManager) -> str:
        outputs = {each["OutputKey"]: each["OutputValue"] for each in self.description().get("Outputs", ())}
        if "UserPoolId" not in outputs:
            raise StackUnavailable("The stack has no user pool of its own: give a token of its issuer by --token.")
        client_id = outputs["BackEndClientId"]
        with translate_errors("The client of the back end cannot be looked at"):
            client = self.client("cognito-idp").describe_user_pool_client(
                UserPoolId=outputs["UserPoolId"], ClientId=client_id
            )["UserPoolClient"]
        credentials = base64.b64encode(f"{client_id}:{client['ClientSecret']}".encode()).decode()
        response = pool.request(
            "POST",
            f"{outputs['SignInUrl']}/oauth2/token",
            body=urlencode({"grant_type": "client_credentials", "scope": DIRECTORY_SCOPE}),
            headers={"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {credentials}"},
        )
        if response.status != HTTPStatus.OK:
            raise StackUnavailable(
                f"The sign-in gives no token: {response.status} {response.data[:200].decode(errors='replace')}"
            )
        return str(json.loads(response.data)["access_token"])


@dataclass(frozen=True, slots=True)
class DemoStack(DeployedStack):
    """The demo that runs on this machine, by what its file tells."""

    base_url: str = ""
    table: str = ""

    @override
    def token(self) -> AccessToken:
        pool = connection_pool()

        def fetch() -> str:
            try:
                return read_demo().sign_in_client.machine_token(pool, DIRECTORY_SCOPE)
            except SignInFailed as failed:
                raise StackUnavailable(str(failed)) from failed

        return AccessToken(fetch(), fetch)


def stack_on_aws(stack: str, region: str | None, profile: str | None) -> DeployedStack:
    """A stack on AWS."""
    with translate_errors("There are no credentials"):
        session: Any = boto3.Session(region_name=region, profile_name=profile)
    return DeployedStack(stack, lambda name: session.client(name, config=SETTINGS))


def demo_stack() -> DemoStack:
    """The stack of the demo; SystemExit when none runs."""
    demo = read_demo()
    return DemoStack(
        deployment.STACK, emulator_clients(Aws(demo.aws_endpoint)), UNSUPPORTED_CHECKS, demo.base_url, demo.table
    )


def emulator_clients(aws: Aws) -> Callable[[str], Any]:
    """The ways to the services of an emulator."""
    session: Any = aws.session()
    return lambda name: session.client(name, endpoint_url=aws.endpoint, config=SETTINGS)


def require_safe_url(base_url: str) -> str:
    """A token goes over the network encrypted only."""
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise StackUnavailable(
            f"{base_url} is no https address: nobody but this machine itself is sent a token without."
        )
    return base_url.rstrip("/")


@contextmanager
def translate_errors(action: str) -> Iterator[None]:
    """Says in a sentence what AWS did not do."""
    try:
        yield
    except (BotoCoreError, ClientError) as failed:
        raise StackUnavailable(f"{action}: {failed}") from failed
