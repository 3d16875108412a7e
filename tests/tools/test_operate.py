"""The operator's command on a stack of AWS, from the stack's name to the exit code."""

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from tests.tools import fake_aws
from tests.tools.fake_directory import running_directory
from tests.tools.test_doctor import HEALTHY, responses
from tests.tools.token_endpoint import token_endpoint
from tools import demo_file, template, token
from tools.operate.__main__ import app


def run_operate(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200", "STACK": "", "TOKEN": ""})


@pytest.fixture(autouse=True)
def on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "Session", fake_aws.Session)


def a_stack(**outputs: str) -> fake_aws.Responses:
    described = {"Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]}
    client = {"ClientId": "client-1", "ClientSecret": "s"}
    return {
        **responses(HEALTHY),
        "cloudformation.DescribeStacks": lambda _: {"Stacks": [described]},
        "cognito-idp.DescribeUserPoolClient": lambda _: {"UserPoolClient": client},
    }


def test_import_with_stack_name_finds_api_and_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("users.csv").write_text("user_id,email,name\nusr_1,one@a.example,One\n")
    with running_directory() as directory, token_endpoint() as (address, _):
        directory.token = "token-1"
        outputs = {"ApiUrl": directory.base_url, "SignInUrl": address, "UserPoolId": "p", "BackEndClientId": "client-1"}
        fake_aws.fake_clients(a_stack(**outputs))

        assert (
            run_operate("import", "users.csv", "--journal", "import.journal", "--stack", "here", "--dry-run").exit_code
            == 0
        )
        assert directory.stored == {}
        directory.token = "token-2"
        assert run_operate("import", "users.csv", "--journal", "import.journal", "--stack", "here").exit_code == 0
        assert list(directory.stored) == ["/directory/users/usr_1"]


def test_report_with_stack_name_finds_table() -> None:
    fake_aws.fake_clients(a_stack(TableName="table-1"))

    result = run_operate("report", "seats", "--stack", "here", "--format", "csv")

    assert (result.exit_code, result.output) == (0, "\ufeffaccount_id,account,limit,taken,free,state\n")


@pytest.mark.parametrize(("changes", "code", "output"), [
    ({}, 0, "✓ alarms\n"),
    ({}, 0, "\nNothing is wrong.\n"),
    ({"schedule": {"State": "DISABLED"}}, 1, "✗ schedules: The schedule Sweep is off"),
    ({"schedule": {"State": "DISABLED"}, "table": {}}, 1, "\n3 things are wrong.\n"),
    ({"schedule": {"State": "DISABLED"}}, 1, "\n1 thing is wrong.\n"),
    ({"schedule": "UnknownOperationException"}, 0, "? schedules: not checked. An error occurred"),
])  # fmt: skip
def test_doctor_prints_problems_and_exits_accordingly(changes: dict[str, Any], code: int, output: str) -> None:
    fake_aws.fake_clients(responses({**HEALTHY, **changes}))

    result = run_operate("doctor", "--stack", "here")

    assert (result.exit_code, output in result.output) == (code, True), result.output


def test_product_never_imports_tools_or_tests() -> None:
    for folder in ("functions", "layers/common/partner_access"):
        for path in (template.ROOT / folder).rglob("*.py"):
            assert not re.search(r"^\s*(from|import) (tools|tests)\b", path.read_text(), re.MULTILINE), path


def test_doctor_without_stack_fails() -> None:
    fake_aws.fake_clients({})

    result = run_operate("doctor", "--stack", "gone")

    assert (result.exit_code, "The resources of the stack gone cannot be listed" in result.output) == (1, True)
    assert "Pass either" in run_operate("doctor").output


def test_doctor_without_running_demo_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_file, "FILE", tmp_path / "demo.json")

    result = run_operate("doctor", "--demo")

    assert (result.exit_code, "No demo is running here" in result.output) == (1, True)


def test_token_command_says_how_long_its_tokens_are_valid() -> None:
    resources = template.read()["Resources"].values()
    clients = (each["Properties"] for each in resources if each["Type"] == "AWS::Cognito::UserPoolClient")
    (minutes,) = {each["AccessTokenValidity"] for each in clients}

    assert f"valid for {minutes} minutes" in (token.main.__doc__ or "")
