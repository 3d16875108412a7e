"""The stack of the operator's commands and the token of its user pool."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.fake_aws import AwsError, Params, fake_clients
from tests.tools.token_endpoint import token_endpoint
from tools import demo_file
from tools.operate.stack import DemoStack, DeployedStack, StackResource, StackUnavailable, demo_stack, require_safe_url
from tools.sign_in import DIRECTORY_SCOPE


def a_stack(*, secret: str = "s", **outputs: str) -> DeployedStack:
    described = {
        "StackName": "here",
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        "Parameters": [{"ParameterKey": "EmailFrom", "ParameterValue": "a@vendor.example"}],
    }

    def page(parameters: Params) -> Any:
        rest = {} if "NextToken" in parameters else {"NextToken": "more"}
        nth = len(parameters)
        resource = {
            "LogicalResourceId": f"Part{nth}",
            "ResourceType": "AWS::SNS::Topic",
            "PhysicalResourceId": f"p{nth}",
        }
        return {"StackResourceSummaries": [resource], **rest}

    client = {"ClientId": "client-1", "ClientSecret": secret}
    return DeployedStack(
        "here",
        fake_clients(
            {
                "cloudformation.DescribeStacks": lambda _: {"Stacks": [described]},
                "cloudformation.ListStackResources": page,
                "cognito-idp.DescribeUserPoolClient": lambda _: {"UserPoolClient": client},
            }
        ),
    )


def test_stack_of_deployed_stack_returns_outputs_parameters_and_resources() -> None:
    site = a_stack(TableName="table-1")

    assert site.output("TableName") == "table-1"
    assert site.parameters() == {"EmailFrom": "a@vendor.example"}
    assert site.resources() == [StackResource(f"Part{nth}", "AWS::SNS::Topic", f"p{nth}") for nth in (1, 2)]
    with pytest.raises(StackUnavailable, match="no output ApiUrl"):
        site.output("ApiUrl")


def test_stack_of_missing_stack_raises_stack_unavailable() -> None:
    def deny(_: Params) -> Any:
        raise AwsError("ValidationError")

    site = DeployedStack("gone", fake_clients({"cloudformation.DescribeStacks": deny}))
    with pytest.raises(StackUnavailable, match=r"The stack gone cannot be read: .*ValidationError"):
        site.output("TableName")
    with pytest.raises(StackUnavailable, match="The resources of the stack gone cannot be listed"):
        site.resources()


def test_stack_token_is_requested_again_once_when_rejected() -> None:
    with token_endpoint() as (address, given):
        token = a_stack(UserPoolId="pool", BackEndClientId="client-1", SignInUrl=address).token()

        assert (token.text, given) == ("token-1", ["partner-access/directory"])
        assert token.replacement_for("token-1") == "token-2"
        assert token.replacement_for("token-1") == "token-2"


def test_stack_token_with_wrong_client_secret_raises_stack_unavailable() -> None:
    with token_endpoint() as (address, _), pytest.raises(StackUnavailable, match="returned no token: 400"):
        a_stack(secret="wrong", UserPoolId="pool", BackEndClientId="client-1", SignInUrl=address).token()


def test_stack_token_of_stack_with_external_issuer_raises_stack_unavailable() -> None:
    with pytest.raises(StackUnavailable, match="Pass a token of its issuer with --token"):
        a_stack(Issuer="https://issuer.example").token()


@pytest.mark.parametrize(
    "address", ["https://api.example/", "http://localhost:1", "http://127.0.0.1/", "http://[::1]:8"]
)
def test_must_be_safe_with_https_or_loopback_returns_url(address: str) -> None:
    assert require_safe_url(address) == address.rstrip("/")


@pytest.mark.parametrize(
    "address", ["http://api.example", "http://127.0.0.1.example", "ftp://localhost", "api.example"]
)
def test_must_be_safe_with_plain_http_or_other_scheme_raises_stack_unavailable(address: str) -> None:
    with pytest.raises(StackUnavailable, match="not an https URL"):
        require_safe_url(address)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A demo file and its token endpoint. Yields the scopes of the issued tokens."""
    with token_endpoint() as (address, given):
        endpoints = dict.fromkeys(("authorization_endpoint", "user_pool", "people_client", "redirect_uri"), "")
        sign_in = {**endpoints, "token_endpoint": f"{address}/oauth2/token"}
        document = {
            "base_url": "http://127.0.0.1:1/api",
            "aws_endpoint": "http://127.0.0.1:1",
            "region": "eu-west-1",
            "table": "table-1",
            "inbox_url": "",
            "people": {},
            "sign_in": {**sign_in, "machines": {DIRECTORY_SCOPE: ["client-1", "s"]}},
            "process": 1,
        }
        monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")
        (tmp_path / "demo.json").write_text(json.dumps(document))
        yield given


def test_demo_stack_returns_addresses_and_tokens(demo: list[str], tmp_path: Path) -> None:
    site = demo_stack()

    assert isinstance(site, DemoStack)
    assert (site.base_url, site.table) == ("http://127.0.0.1:1/api", "table-1")
    assert site.client("dynamodb").meta.endpoint_url == "http://127.0.0.1:1"
    token = site.token()
    assert (token.text, token.replacement_for("token-1")) == ("token-1", "token-2")

    text = (tmp_path / "demo.json").read_text()
    (tmp_path / "demo.json").write_text(text.replace('["client-1", "s"]', '["client-1", "x"]'))
    with pytest.raises(StackUnavailable, match="no token"):
        site.token()


def test_demo_stack_without_running_demo_exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")
    with pytest.raises(SystemExit):
        demo_stack()
