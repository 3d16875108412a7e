"""Finding a deployed stack, and a token of its pool."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.aws import Asked, Refused, clients
from tests.tools.token_endpoint import token_endpoint
from tools import demo_file
from tools.operate.stack import Demo, NoSite, Resource, Site, must_be_safe, the_demo
from tools.sign_in import DIRECTORY


def a_stack(*, secret: str = "s", **outputs: str) -> Site:
    described = {
        "StackName": "here",
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        "Parameters": [{"ParameterKey": "EmailFrom", "ParameterValue": "a@vendor.example"}],
    }

    def page(asked: Asked) -> Any:
        rest = {} if "NextToken" in asked else {"NextToken": "more"}
        nth = len(asked)
        made = {"LogicalResourceId": f"Part{nth}", "ResourceType": "AWS::SNS::Topic", "PhysicalResourceId": f"p{nth}"}
        return {"StackResourceSummaries": [made], **rest}

    client = {"ClientId": "client-1", "ClientSecret": secret}
    return Site(
        "here",
        clients(
            {
                "cloudformation.DescribeStacks": lambda _: {"Stacks": [described]},
                "cloudformation.ListStackResources": page,
                "cognito-idp.DescribeUserPoolClient": lambda _: {"UserPoolClient": client},
            }
        ),
    )


def test_a_stack_tells_its_outputs_its_parameters_and_all_its_resources() -> None:
    site = a_stack(TableName="table-1")

    assert site.output("TableName") == "table-1"
    assert site.parameters() == {"EmailFrom": "a@vendor.example"}
    assert site.resources() == [Resource(f"Part{nth}", "AWS::SNS::Topic", f"p{nth}") for nth in (1, 2)]
    with pytest.raises(NoSite, match="no output ApiUrl"):
        site.output("ApiUrl")


def test_a_stack_that_is_not_there_is_said() -> None:
    def refuse(_: Asked) -> Any:
        raise Refused("ValidationError")

    site = Site("gone", clients({"cloudformation.DescribeStacks": refuse}))
    with pytest.raises(NoSite, match=r"The stack gone cannot be looked at: .*ValidationError"):
        site.output("TableName")
    with pytest.raises(NoSite, match="The resources of the stack gone cannot be listed"):
        site.resources()


def test_the_pool_gives_a_token_and_another_when_its_time_is_over() -> None:
    with token_endpoint() as (address, given):
        token = a_stack(UserPoolId="pool", BackEndClientId="client-1", SignInUrl=address).token()

        assert (token.text, given) == ("token-1", ["partner-access/directory"])
        assert token.instead_of("token-1") == "token-2"
        assert token.instead_of("token-1") == "token-2"


def test_a_sign_in_that_gives_no_token_is_said() -> None:
    with token_endpoint() as (address, _), pytest.raises(NoSite, match="gives no token: 400"):
        a_stack(secret="wrong", UserPoolId="pool", BackEndClientId="client-1", SignInUrl=address).token()


def test_a_stack_with_an_issuer_of_its_own_gives_no_token() -> None:
    with pytest.raises(NoSite, match="give a token of its issuer by --token"):
        a_stack(Issuer="https://issuer.example").token()


@pytest.mark.parametrize(
    "address", ["https://api.example/", "http://localhost:1", "http://127.0.0.1/", "http://[::1]:8"]
)
def test_a_token_may_go_where_nobody_reads_along(address: str) -> None:
    assert must_be_safe(address) == address.rstrip("/")


@pytest.mark.parametrize(
    "address", ["http://api.example", "http://127.0.0.1.example", "ftp://localhost", "api.example"]
)
def test_a_token_may_not_go_in_the_clear(address: str) -> None:
    with pytest.raises(NoSite, match="no https address"):
        must_be_safe(address)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A demo's file, and a token endpoint beside it."""
    with token_endpoint() as (address, given):
        door = dict.fromkeys(("authorization_endpoint", "user_pool", "people_client", "redirect_uri"), "")
        sign_in = {**door, "token_endpoint": f"{address}/oauth2/token"}
        told = {
            "base_url": "http://127.0.0.1:1/api",
            "aws_endpoint": "http://127.0.0.1:1",
            "region": "eu-west-1",
            "table": "table-1",
            "inbox_url": "",
            "people": {},
            "sign_in": {**sign_in, "machines": {DIRECTORY: ["client-1", "s"]}},
            "process": 1,
        }
        monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")
        (tmp_path / "demo.json").write_text(json.dumps(told))
        yield given


def test_the_demo_tells_where_it_is_and_gives_tokens(demo: list[str], tmp_path: Path) -> None:
    site = the_demo()

    assert isinstance(site, Demo)
    assert (site.base_url, site.table) == ("http://127.0.0.1:1/api", "table-1")
    assert site.client("dynamodb").meta.endpoint_url == "http://127.0.0.1:1"
    token = site.token()
    assert (token.text, token.instead_of("token-1")) == ("token-1", "token-2")

    text = (tmp_path / "demo.json").read_text()
    (tmp_path / "demo.json").write_text(text.replace('["client-1", "s"]', '["client-1", "x"]'))
    with pytest.raises(NoSite, match="no token"):
        site.token()


def test_without_a_demo_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")
    with pytest.raises(SystemExit):
        the_demo()
