"""Fixtures of the in-process tests: a clean environment and the template's table in moto."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.retries.quota import RetryQuota
from botocore.validate import ParamValidator
from hypothesis import settings
from moto import mock_aws
from moto.dynamodb import responses

from partner_access import event_bus, tree_head_store
from partner_access.emails import transport
from partner_access.store import dynamo
from tests.support.fast_moto import speed_up_moto
from tests.support.table import Table
from tools import template

# the gate runs the same cases every time, `fresh` runs new ones, and `unit` (make unit) runs few of them
settings.register_profile("fresh", derandomize=False)
settings.register_profile("gate", derandomize=True)
settings.register_profile("unit", derandomize=True, max_examples=10)
settings.load_profile("gate")

UNMEASURED = {"proofs", "stack", "template", "tools"}
"""Folders of tests without coverage, which would make them slower. The tests of each module cover all its branches."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "BASE_URL": "https://access.example.com",
    "CURSOR_KEY": "a key for cursors",
    "DECIDE_SCOPE": "partner-access/decide",
    "DIRECTORY_SCOPE": "partner-access/directory",
    "EMAIL_CONFIGURATION_SET": "emails",
    "EMAIL_FROM": "access@vendor.example",
    "EVENT_BUS": "partner-access",
    "POWERTOOLS_METRICS_NAMESPACE": "PartnerAccess",
    "POWERTOOLS_SERVICE_NAME": "partner-access",
    "TABLE_NAME": "partner-access",
    "USER_ID_CLAIM": "sub",
}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Measure no coverage in tests that search for counterexamples, or that test the tools and the stack."""
    if item.path.relative_to(Path(__file__).parent).parts[0] in UNMEASURED:
        item.add_marker("no_cover")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def session_table() -> Iterator[Table]:
    """Yield the template's table, created once: creating it and the clients takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        speed_up_moto(patch)
        # moto still enforces a quarter of the items per transaction that DynamoDB allows
        patch.setattr(responses, "TRANSACTION_MAX_ITEMS", dynamo.MAX_BATCH_ITEMS)
        # the SDK limits the retries of all calls in a process, and no test may use up those of another
        patch.setattr(RetryQuota, "acquire", lambda *_: True)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        dynamo.client().meta.events.register("before-parameter-build.dynamodb", _validate_params)
        client = boto3.client("dynamodb")
        client.create_table(TableName=ENVIRONMENT["TABLE_NAME"], **_table_definition())
        boto3.client("sesv2").create_email_identity(EmailIdentity="vendor.example")
        boto3.client("sesv2").create_configuration_set(ConfigurationSetName="emails")
        boto3.client("events").create_event_bus(Name=ENVIRONMENT["EVENT_BUS"])
        yield Table(client, ENVIRONMENT["TABLE_NAME"])
    dynamo.client.cache_clear()
    transport.client.cache_clear()
    tree_head_store.kms_client.cache_clear()
    tree_head_store.s3_client.cache_clear()
    event_bus.client.cache_clear()


@pytest.fixture
def table(environment: None, session_table: Table) -> Table:
    """Return the empty table. Only one thread ever uses moto."""
    session_table.clear()
    return session_table


def _validate_params(params: Any, model: Any, **_: Any) -> None:
    """Validate the parameters of a request, because the product's client skips the SDK's validation."""
    report = ParamValidator().validate(params, model.input_shape)
    assert not report.has_errors(), report.generate_report()


def _table_definition() -> dict[str, Any]:
    (properties,) = (
        resource["Properties"]
        for resource in template.read()["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    )
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {name: properties[name] for name in wanted}
