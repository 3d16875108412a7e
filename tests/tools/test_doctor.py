"""Health checks of a stack: a healthy stack, one problem at a time, and checks that cannot run."""

import copy
import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.tools.fake_aws import AwsError, Params, Responses, fake_clients
from tools.operate.doctor import CHECKS, Finding, examine
from tools.operate.stack import DeployedStack, StackUnavailable

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RESOURCES = {
    "Table": ("AWS::DynamoDB::Table", "table-1"),
    "Rings": ("AWS::CloudWatch::Alarm", "alarm-1"),
    "PublishAuditEventsFunction": ("AWS::Lambda::Function", "function-1"),
    "Outbox": ("AWS::Lambda::EventSourceMapping", "00000000-0000-0000-0000-000000000001"),
    "FailedRecords": ("AWS::S3::Bucket", "bucket-1"),
    "Sweep": ("AWS::Scheduler::Schedule", "schedule-1"),
    "EmailConfigurationSet": ("AWS::SES::ConfigurationSet", "settings-1"),
}
PUBLIC_KEY = (
    ec.derive_private_key(7, ec.SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
HEALTHY: dict[str, Any] = {
    "resources": RESOURCES,
    "parameters": {"EmailFrom": "access@vendor.example", "EmailIdentityArn": ""},
    "alarm": {"AlarmName": "alarm-1", "StateValue": "OK", "AlarmDescription": "It failed.", "ActionsEnabled": True},
    "function": {"State": "Active", "LastUpdateStatus": "Successful"},
    "recovery": {"PointInTimeRecoveryStatus": "ENABLED"},
    "expiry": {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"},
    "table": {"StreamSpecification": {"StreamEnabled": True}, "DeletionProtectionEnabled": True},
    "source": {"State": "Enabled", "LastProcessingResult": "OK"},
    "schedule": {"State": "ENABLED"},
    "account": {"SendingEnabled": True, "ProductionAccessEnabled": True},
    "settings": {"SendingOptions": {"SendingEnabled": True}},
    "identities": {"vendor.example": {"VerifiedForSendingStatus": True}},
    "items": [],
    "noted": [],
    "tree_heads": {},
    "given_up": [],
}


def responses(stack: Mapping[str, Any]) -> Responses:
    """Return the AWS responses of a stack. A string instead of a value is an error code."""

    def of(name: str, wrap: Callable[[Any], Any] = lambda value: value) -> Callable[[Params], Any]:
        return lambda _: wrap(_value_or_error(stack[name]))

    def alarms(params: Params) -> Any:
        alarm = _value_or_error(stack["alarm"])
        return {"MetricAlarms": [alarm] if alarm.get("AlarmName") in params["AlarmNames"] else []}

    def identity(params: Params) -> Any:
        return _value_or_error(stack["identities"].get(params["EmailIdentity"], "NotFoundException"))

    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in stack["parameters"].items()]
    outputs = [{"OutputKey": name, "OutputValue": name} for name in ("TreeHeadsBucket", "TreeHeadSigningKeyArn")]
    resources = [
        {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical_id}
        for name, (kind, physical_id) in stack["resources"].items()
    ]
    return {
        "cloudformation.DescribeStacks": lambda _: {"Stacks": [{"Parameters": parameters, "Outputs": outputs}]},
        "cloudformation.ListStackResources": lambda _: {"StackResourceSummaries": resources},
        "cloudwatch.DescribeAlarms": alarms,
        "lambda.GetFunctionConfiguration": of("function"),
        "lambda.GetEventSourceMapping": of("source"),
        "dynamodb.DescribeContinuousBackups": of(
            "recovery", lambda value: {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": value}}
        ),
        "dynamodb.DescribeTimeToLive": of("expiry", lambda value: {"TimeToLiveDescription": value}),
        "dynamodb.DescribeTable": of("table", lambda value: {"Table": value}),
        "dynamodb.Query": of("noted", lambda value: {"Items": value}),
        "kms.GetPublicKey": lambda _: {"PublicKey": PUBLIC_KEY},
        "s3.ListObjectVersions": of("tree_heads"),
        "s3.ListObjectsV2": of(
            "given_up", lambda value: {"Contents": [listed_object(name) for name, _ in enumerate(value)]}
        ),
        "s3.GetObject": lambda params: {"Body": io.BytesIO(stack["given_up"][int(params["Key"])])},
        "dynamodb.Scan": of("items", lambda value: {"Items": value}),
        "scheduler.GetSchedule": of("schedule"),
        "sesv2.GetAccount": of("account"),
        "sesv2.GetConfigurationSet": of("settings"),
        "sesv2.GetEmailIdentity": identity,
    }


def listed_object(name: int) -> dict[str, Any]:
    return {"Key": str(name), "LastModified": NOW}


def a_batch(function: str, records: int) -> bytes:
    """Return a batch of records that a stream consumer could not process."""
    return json.dumps(
        {
            "requestContext": {"functionArn": f"arn:aws:lambda:eu-west-1:000000000000:function:{function}"},
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": json.dumps({"Records": [{}] * records}),
        }
    ).encode()


def _value_or_error(value: Any) -> Any:
    if isinstance(value, str):
        raise AwsError(value)
    return value


def findings_of(**changes: Any) -> list[Finding]:
    stack = {**copy.deepcopy(HEALTHY), **changes}
    return list(examine(DeployedStack("here", fake_clients(responses(stack))), NOW, recheck_after=0))


def resources_without(name: str) -> dict[str, tuple[str, str]]:
    return {each: what for each, what in RESOURCES.items() if each != name}


def a_notification(minutes: int, queue: str = "OUTBOX") -> dict[str, Any]:
    queued_at = int((NOW - timedelta(minutes=minutes)).timestamp())
    return {"pk": {"S": f"{queue}#1"}, "sk": {"S": f"NOTIFICATION#{minutes}"}, "queued_at": {"N": str(queued_at)}}


def an_entry(minutes: int) -> dict[str, Any]:
    at = int((NOW - timedelta(minutes=minutes)).timestamp())
    text_attributes = {"audit_id": f"aud_{minutes:02}", "event": "link.revoked", "actor_id": "user"}
    return {
        "pk": {"S": "AUDIT#a"},
        "sk": {"S": text_attributes["audit_id"]},
        "at": {"N": str(at)},
        "accounts": {"L": [{"S": "a"}]},
        "details": {"M": {"link_id": {"S": "l"}}},
        **{name: {"S": value} for name, value in text_attributes.items()},
    }


def test_examine_healthy_stack_reports_no_problem() -> None:
    findings = findings_of()

    assert [each.check for each in findings] == [*(name for name, _ in CHECKS), "outbox", "audit log", "invariants"]
    assert all((each.problems, each.not_checked) == ((), "") for each in findings)


@pytest.mark.parametrize(("changes", "check", "sentence"), [
    ({"alarm": HEALTHY["alarm"] | {"StateValue": "ALARM"}}, "alarms", "The alarm Rings is in the ALARM state. It failed."),
    ({"alarm": HEALTHY["alarm"] | {"ActionsEnabled": False}}, "alarms", "The alarm Rings has its actions disabled."),
    ({"alarm": HEALTHY["alarm"] | {"AlarmName": "other"}}, "alarms", "The alarm Rings no longer exists."),
    ({"resources": resources_without("Rings")}, "alarms", "The stack has no alarms."),
    ({"function": "ResourceNotFoundException"}, "functions", "The function PublishAuditEventsFunction no longer exists."),
    ({"function": {"State": "Failed", "StateReason": "No role."}}, "functions",
     "The function PublishAuditEventsFunction is Failed. No role."),
    ({"function": {"LastUpdateStatus": "Failed"}}, "functions", "The last update of the function PublishAuditEventsFunction failed."),
    ({"recovery": {"PointInTimeRecoveryStatus": "DISABLED"}}, "point-in-time recovery",
     "The table's point-in-time recovery is off."),
    ({"recovery": {}}, "point-in-time recovery", "The table's point-in-time recovery is off."),
    ({"expiry": {"TimeToLiveStatus": "DISABLED"}}, "time to live",
     "The table's time to live is off: expired items are not deleted."),
    ({"expiry": {"TimeToLiveStatus": "ENABLED", "AttributeName": "kept_until"}}, "time to live",
     "The table's time to live uses kept_until instead of ttl."),
    ({"table": {"DeletionProtectionEnabled": True}}, "stream", "The table's stream is off: emails wait for the sweep."),
    ({"table": {"StreamSpecification": {"StreamEnabled": True}}}, "stream",
     "The table has no deletion protection."),
    ({"source": {"State": "Disabled"}}, "event sources",
     "The event source Outbox is Disabled: emails wait for the sweep."),
    ({"source": {"State": "Enabled", "LastProcessingResult": "PROBLEM: no right"}}, "event sources",
     "The event source Outbox has a problem. PROBLEM: no right"),
    ({"schedule": {"State": "DISABLED"}}, "schedules", "The schedule Sweep is off: its sweep does not run."),
    ({"resources": resources_without("Sweep")}, "schedules", "The stack has no schedule: nothing starts the sweeps."),
    ({"account": {"SendingEnabled": False}}, "sending", "SES sends nothing for this AWS account: sending is paused."),
    ({"account": {"SendingEnabled": True, "ProductionAccessEnabled": False}}, "sending",
     "SES is in its sandbox: it sends to verified addresses only."),
    ({"settings": {"SendingOptions": {"SendingEnabled": False}}}, "sending",
     "The configuration set settings-1 sends nothing."),
    ({"identities": {}}, "sender", "SES has not verified the sender access@vendor.example."),
    ({"identities": {"vendor.example": {"VerifiedForSendingStatus": False}}}, "sender",
     "SES has not verified the sender access@vendor.example."),
    ({"noted": [{"pk": {"S": "TREE_HEAD"}, "sk": {"S": "LATEST"}, "number": {"N": "7"}}]}, "signed tree heads",
     "The latest signed tree head in the table is 7, but TreeHeadsBucket has only 0."),
    ({"given_up": [a_batch("function-1", 3), a_batch("function-1", 1)]}, "failed records",
     ("4 records in 2 batches, failed in PublishAuditEventsFunction, since 2026-11-21T08:00:00+00:00, are in bucket-1: "
      "run `audit-log replay`.")),
    ({"given_up": [a_batch("function-9", 3)]}, "failed records",
     "3 records in 1 batches, failed in function-9, since 2026-11-21T08:00:00+00:00, are in bucket-1: inspect them."),
    ({"given_up": [b"{}"]}, "failed records",
     ("0 records in 1 batches, failed in an unknown function, since 2026-11-22T09:00:00+00:00, are in bucket-1: "
      "inspect them.")),
    ({"items": [a_notification(16), a_notification(3)]}, "outbox",
     "The oldest of 2 emails has waited for 16 minutes."),
    ({"items": [a_notification(90, "RECONCILIATION")]}, "outbox", "The oldest of 1 reconciliations has waited for 90 minutes."),
    ({"items": [an_entry(16), an_entry(20), an_entry(3)]}, "audit log",
     "2 audit entries, since 2026-11-22T08:40:00+00:00, are in no hash chain: run `audit-log mend`."),
    ({"items": [{"pk": {"S": "USER#u"}, "sk": {"S": "ACCOUNT#a"}}]}, "invariants",
     "u in a: the membership and its mirror do not agree"),
])  # fmt: skip
def test_examine_stack_with_one_problem_reports_it(changes: dict[str, Any], check: str, sentence: str) -> None:
    findings = {each.check: each.problems for each in findings_of(**changes)}

    assert findings.pop(check) == (sentence,)
    assert {check: problems for check, problems in findings.items() if problems and check != "invariants"} == {}


@pytest.mark.parametrize("changes", [
    {"alarm": HEALTHY["alarm"] | {"StateValue": "INSUFFICIENT_DATA"}},
    {"function": {}},
    {"function": {"State": "Inactive"}},
    {"expiry": {"TimeToLiveStatus": "ENABLING", "AttributeName": "ttl"}},
    {"source": {"State": "Updating"}},
    {"account": {"SendingEnabled": True}},
    {"settings": {}},
    {"identities": {"access@vendor.example": {"VerifiedForSendingStatus": True}}},
    {"identities": {"mail.example": {"VerifiedForSendingStatus": True}},
     "parameters": {"EmailFrom": "a@b.example", "EmailIdentityArn": "arn:aws:ses:eu-west-1:1:identity/mail.example"}},
    {"items": [{"pk": {"S": "OUTBOX#1"}, "sk": {"S": "OTHER"}}]},
])  # fmt: skip
def test_examine_stack_in_acceptable_state_reports_no_problem(changes: dict[str, Any]) -> None:
    assert [each for each in findings_of(**changes) if each.problems or each.not_checked] == []


def test_examine_outbox_with_recent_email_reports_no_problem() -> None:
    assert [each.problems for each in findings_of(items=[a_notification(15)]) if each.check == "outbox"] == [()]


def test_examine_chained_or_recent_entries_reports_no_problem() -> None:
    items = [an_entry(90), {"pk": {"S": "CHAIN#a"}, "sk": {"S": "aud_90"}}, an_entry(14)]

    assert [each.problems for each in findings_of(items=items) if each.check == "audit log"] == [()]


def test_examine_many_alarms_requests_them_in_batches_of_100() -> None:
    many = {f"Alarm{nth}": ("AWS::CloudWatch::Alarm", f"alarm-{nth}") for nth in range(150)}
    sizes: list[int] = []

    def alarms(params: Params) -> Any:
        sizes.append(len(params["AlarmNames"]))
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": "OK"} for name in params["AlarmNames"]]}

    stack = {**HEALTHY, "resources": {**RESOURCES, **many}}
    aws = fake_clients({**responses(stack), "cloudwatch.DescribeAlarms": alarms})

    assert next(examine(DeployedStack("here", aws), NOW)) == Finding("alarms")
    assert sizes == [100, 50]


def test_examine_failing_check_is_not_checked_and_others_run() -> None:
    unknown = {"schedule": "UnknownOperationException", "items": "AccessDeniedException", "source": {}}
    findings = {each.check: each.not_checked for each in findings_of(**unknown)}

    assert "UnknownOperation" in findings.pop("schedules")
    assert "AccessDenied" in findings.pop("outbox")
    assert "AccessDenied" in findings.pop("audit log")
    assert "AccessDenied" in findings.pop("invariants")
    assert findings.pop("event sources") == "the response does not have 'State'"
    assert set(findings.values()) == {""}


def test_examine_invariant_violated_in_first_scan_only_is_not_reported() -> None:
    half = [{"pk": {"S": "USER#u"}, "sk": {"S": "ACCOUNT#a"}}]
    scans = iter([*([half] * 4), *([[]] * 4)])
    aws = fake_clients({**responses(HEALTHY), "dynamodb.Scan": lambda _: {"Items": next(scans)}})

    *_, last = examine(DeployedStack("here", aws), NOW, recheck_after=0)

    assert last == Finding("invariants")


def test_examine_table_with_unreadable_item_reports_it() -> None:
    (last,) = (
        each for each in findings_of(items=[{"pk": {"S": "ACCOUNT#a"}, "sk": {"S": "ACCOUNT"}}]) if each.problems
    )

    assert last.problems == ("The table has an item that this version cannot read: KeyError('kind')",)


def test_examine_check_unknown_to_emulator_is_not_checked() -> None:
    site = DeployedStack("here", fake_clients(responses({**HEALTHY, "expiry": {}})), frozenset({"time to live"}))

    findings = {each.check: each for each in examine(site, NOW)}

    assert findings["time to live"] == Finding("time to live", not_checked="the emulator does not support it")


def test_examine_stack_without_table_raises_stack_unavailable() -> None:
    with pytest.raises(StackUnavailable, match="The stack here has no table"):
        findings_of(resources=resources_without("Table"))
