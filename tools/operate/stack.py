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
from tools.api_client import connections
from tools.demo_file import read_demo
from tools.deployment import Aws
from tools.operate.directory_client import Token
from tools.sign_in import DIRECTORY, SignInFailed

SETTINGS: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60, max_pool_connections=32
)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

NOT_DEPLOYED: Final = frozenset({"point-in-time recovery", "time to live"})
"""What the template says of the table and the emulator's CloudFormation leaves out."""


class NoSite(Exception):
    """The stack, its token or its table cannot be found; the message says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the stack."""

    name: str
    kind: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class Site:
    """A stack by its name, and a way to each AWS service as the operator; `unknown` is what AWS here cannot tell."""

    stack: str
    client: Callable[[str], Any]
    unknown: frozenset[str] = frozenset()

    def described(self) -> Mapping[str, Any]:
        """The stack as CloudFormation tells it."""
        with explained(f"The stack {self.stack} cannot be looked at"):
            (found,) = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        told: Mapping[str, Any] = found
        return told

    def output(self, name: str) -> str:
        """An output that the stack must have."""
        found = {each["OutputKey"]: each["OutputValue"] for each in self.described().get("Outputs", ())}
        if name not in found:
            raise NoSite(f"The stack {self.stack} has no output {name}.")
        return str(found[name])

    def parameters(self) -> dict[str, str]:
        return {each["ParameterKey"]: each["ParameterValue"] for each in self.described().get("Parameters", ())}

    def resources(self) -> list[Resource]:
        """All of them, however many."""
        with explained(f"The resources of the stack {self.stack} cannot be listed"):
            pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
            return [
                Resource(each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
                for page in pages
                for each in page["StackResourceSummaries"]
            ]

    def token(self) -> Token:
        """The directory's token by the client credentials of the stack's own pool; it is asked for anew when it ends."""
        ask = partial(self._ask_for_a_token, connections())
        return Token(ask(), ask)

    def _ask_for_a_token(self, pool: urllib3.PoolManager) -> str:
        outputs = {each["OutputKey"]: each["OutputValue"] for each in self.described().get("Outputs", ())}
        if "UserPoolId" not in outputs:
            raise NoSite("The stack has no user pool of its own: give a token of its issuer by --token.")
        client_id = outputs["BackEndClientId"]
        with explained("The client of the back end cannot be looked at"):
            client = self.client("cognito-idp").describe_user_pool_client(
                UserPoolId=outputs["UserPoolId"], ClientId=client_id
            )["UserPoolClient"]
        credentials = base64.b64encode(f"{client_id}:{client['ClientSecret']}".encode()).decode()
        answer = pool.request(
            "POST",
            f"{outputs['SignInUrl']}/oauth2/token",
            body=urlencode({"grant_type": "client_credentials", "scope": DIRECTORY}),
            headers={"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {credentials}"},
        )
        if answer.status != HTTPStatus.OK:
            raise NoSite(f"The sign-in gives no token: {answer.status} {answer.data[:200].decode(errors='replace')}")
        return str(json.loads(answer.data)["access_token"])


@dataclass(frozen=True, slots=True)
class Demo(Site):
    """The demo that runs on this machine, by what its file tells."""

    base_url: str = ""
    table: str = ""

    @override
    def token(self) -> Token:
        pool = connections()

        def ask() -> str:
            try:
                return read_demo().door.as_machine(pool, DIRECTORY)
            except SignInFailed as failed:
                raise NoSite(str(failed)) from failed

        return Token(ask(), ask)


def the_site(stack: str, region: str | None, profile: str | None) -> Site:
    """A stack on AWS."""
    with explained("There are no credentials"):
        session: Any = boto3.Session(region_name=region, profile_name=profile)
    return Site(stack, lambda name: session.client(name, config=SETTINGS))


def the_demo() -> Demo:
    """The stack of the demo; SystemExit when none runs."""
    told = read_demo()
    return Demo(deployment.STACK, clients_of(Aws(told.aws_endpoint)), NOT_DEPLOYED, told.base_url, told.table)


def clients_of(aws: Aws) -> Callable[[str], Any]:
    """The ways to the services of an emulator."""
    session: Any = aws.session()
    return lambda name: session.client(name, endpoint_url=aws.endpoint, config=SETTINGS)


def must_be_safe(base_url: str) -> str:
    """A token goes over the network encrypted only."""
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise NoSite(f"{base_url} is no https address: nobody but this machine itself is sent a token without.")
    return base_url.rstrip("/")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Says in a sentence what AWS did not do."""
    try:
        yield
    except (BotoCoreError, ClientError) as failed:
        raise NoSite(f"{what}: {failed}") from failed
