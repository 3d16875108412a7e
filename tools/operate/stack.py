"""Find a deployed stack and use it with the operator's own credentials. The stack is on AWS or is the local demo."""

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
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
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
"""Settings of the table that are in the template but that the emulator's CloudFormation does not apply."""


class StackUnavailable(Exception):
    """The stack, its token or its table cannot be found. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class StackResource:
    """A resource of the stack."""

    name: str
    kind: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack and its AWS clients, which use the operator's credentials.

    `unsupported_checks` names the health checks that this AWS endpoint cannot answer.
    """

    name: str
    client: Callable[[str], Any]
    unsupported_checks: frozenset[str] = frozenset()

    def description(self) -> Mapping[str, Any]:
        """Return the stack's description from CloudFormation."""
        with translate_errors(f"The stack {self.name} cannot be read"):
            (found,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        stack: Mapping[str, Any] = found
        return stack

    def output(self, name: str) -> str:
        """Return a required output of the stack. Raises `StackUnavailable` if the stack does not have it."""
        found = {each["OutputKey"]: each["OutputValue"] for each in self.description().get("Outputs", ())}
        if name not in found:
            raise StackUnavailable(f"The stack {self.name} has no output {name}.")
        return str(found[name])

    def parameters(self) -> dict[str, str]:
        return {each["ParameterKey"]: each["ParameterValue"] for each in self.description().get("Parameters", ())}

    def resources(self) -> list[StackResource]:
        """Return all resources of the stack, across all pages of the list."""
        with translate_errors(f"The resources of the stack {self.name} cannot be listed"):
            pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
            return [
                StackResource(each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
                for page in pages
                for each in page["StackResourceSummaries"]
            ]

    def token(self) -> AccessToken:
        """Return a directory token by the client credentials of the stack's own user pool.

        The token is requested again when it expires.
        """
        fetch = partial(self._fetch_token, connection_pool())
        return AccessToken(fetch(), fetch)

    def _fetch_token(self, pool: urllib3.PoolManager) -> str:
        outputs = {each["OutputKey"]: each["OutputValue"] for each in self.description().get("Outputs", ())}
        if "UserPoolId" not in outputs:
            raise StackUnavailable("The stack has no user pool of its own. Pass a token of its issuer with --token.")
        client_id = outputs["BackEndClientId"]
        with translate_errors("The app client of the back end cannot be read"):
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
                f"Sign-in returned no token: {response.status} {response.data[:200].decode(errors='replace')}"
            )
        return str(json.loads(response.data)["access_token"])


@dataclass(frozen=True, slots=True)
class DemoStack(DeployedStack):
    """The demo that runs on this machine, as described by the demo file."""

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
    """Return a stack on AWS."""
    with translate_errors("There are no AWS credentials"):
        session: Any = boto3.Session(region_name=region, profile_name=profile)

    def client(service: str) -> Any:
        with translate_errors(f"There is no client of {service}"):
            try:
                return session.client(service, config=SETTINGS)
            except NoRegionError as nowhere:
                raise StackUnavailable("Your AWS settings name no region. Pass the stack's with --region.") from nowhere

    return DeployedStack(stack, client)


def demo_stack() -> DemoStack:
    """Return the demo's stack. Raises SystemExit when no demo is running."""
    demo = read_demo()
    return DemoStack(
        deployment.STACK, emulator_clients(Aws(demo.aws_endpoint)), UNSUPPORTED_CHECKS, demo.base_url, demo.table
    )


def emulator_clients(aws: Aws) -> Callable[[str], Any]:
    """Return a factory of AWS clients for an emulator."""
    session: Any = aws.session()
    return lambda name: session.client(name, endpoint_url=aws.endpoint, config=SETTINGS)


def require_safe_url(base_url: str) -> str:
    """Return the URL without a trailing slash. Raises `StackUnavailable` for plain HTTP to another machine.

    Tokens are only sent over an encrypted connection or over loopback.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise StackUnavailable(f"{base_url} is not an https URL. Without TLS, tokens are sent only to this machine.")
    return base_url.rstrip("/")


@contextmanager
def translate_errors(action: str) -> Iterator[None]:
    """Turn an AWS error into a `StackUnavailable` error with a readable sentence."""
    try:
        yield
    except (BotoCoreError, ClientError) as failed:
        raise StackUnavailable(f"{action}: {failed}") from failed
