"""Check the health of a deployed stack: AWS's view of its parts, and the invariants of the whole table."""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from partner_access.store import keys
from tools import invariants
from tools.operate import audit_log
from tools.operate.failed_records import failed_batches
from tools.operate.scan import Item, scan
from tools.operate.stack import DeployedStack, StackResource, StackUnavailable
from tools.operate.tree_head_list import read_tree_heads

ALARMS_PER_REQUEST: Final = 100
"""The maximum number of alarms in one response of CloudWatch."""
OVERDUE_AFTER: Final = timedelta(minutes=15)
"""The age after which a queued item is overdue. The scheduled jobs run more often than this."""
RECHECK_AFTER: Final = 2.0
"""The seconds to wait so that an operation which a scan saw half done is finished."""

READ_ERRORS: Final = (AttributeError, LookupError, TypeError, ValueError, zlib.error)
"""Exceptions that a rule may raise when an item is malformed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: its problems in sentences, or the reason why it could not run."""

    check: str
    problems: tuple[str, ...] = ()
    not_checked: str = ""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The stack under examination, with the AWS data that all checks share."""

    stack: DeployedStack
    resources: list[StackResource]
    table: str
    parameters: dict[str, str]
    email_settings: str
    at: datetime

    @classmethod
    def load(cls, stack: DeployedStack, at: datetime) -> "CheckContext":
        """Load the shared data of the stack."""
        resources = stack.resources()
        found = {each.kind: each.physical_id for each in resources}
        if "AWS::DynamoDB::Table" not in found:
            raise StackUnavailable(f"The stack {stack.name} has no table.")
        settings = found.get("AWS::SES::ConfigurationSet", "")
        return cls(stack, resources, found["AWS::DynamoDB::Table"], stack.parameters(), settings, at)

    def resources_of_type(self, kind: str) -> list[StackResource]:
        return [each for each in self.resources if each.kind == kind]


Problems = Iterator[str]


def alarms(context: CheckContext) -> Problems:
    """Check that no alarm of the stack is active, missing or muted."""
    name_by_id = {each.physical_id: each.name for each in context.resources_of_type("AWS::CloudWatch::Alarm")}
    if not name_by_id:
        yield "The stack has no alarms."
    client, names = context.stack.client("cloudwatch"), list(name_by_id)
    found: dict[str, Any] = {}
    for start in range(0, len(names), ALARMS_PER_REQUEST):
        response = client.describe_alarms(
            AlarmNames=names[start : start + ALARMS_PER_REQUEST], MaxRecords=ALARMS_PER_REQUEST
        )
        found |= {alarm["AlarmName"]: alarm for alarm in response["MetricAlarms"]}
    for physical_id, name in name_by_id.items():
        if physical_id not in found:
            yield f"The alarm {name} no longer exists."
        elif found[physical_id]["StateValue"] == "ALARM":
            yield f"The alarm {name} is in the ALARM state. {found[physical_id].get('AlarmDescription', '')}".rstrip()
        elif not found[physical_id].get("ActionsEnabled", True):
            yield f"The alarm {name} has its actions disabled."


def functions(context: CheckContext) -> Problems:
    """Check that every function exists and that its last update succeeded. Alarms report functions that fail."""
    client = context.stack.client("lambda")
    for each in context.resources_of_type("AWS::Lambda::Function"):
        try:
            configuration = client.get_function_configuration(FunctionName=each.physical_id)
        except client.exceptions.ResourceNotFoundException:
            yield f"The function {each.name} no longer exists."
            continue
        if configuration.get("State", "Active") not in {
            "Active",
            "Inactive",
        }:  # idle for weeks
            yield f"The function {each.name} is {configuration['State']}. {configuration.get('StateReason', '')}".rstrip()
        if configuration.get("LastUpdateStatus") == "Failed":
            yield f"The last update of the function {each.name} failed. {configuration.get('LastUpdateStatusReason', '')}".rstrip()


def recovery(context: CheckContext) -> Problems:
    """Check that point-in-time recovery of the table is on."""
    backups = context.stack.client("dynamodb").describe_continuous_backups(TableName=context.table)
    described = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if described.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield "The table's point-in-time recovery is off."


def expiry(context: CheckContext) -> Problems:
    """Check that expired items are removed from the table."""
    time_to_live = context.stack.client("dynamodb").describe_time_to_live(TableName=context.table)[
        "TimeToLiveDescription"
    ]
    if time_to_live.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        yield "The table's time to live is off: expired items are not deleted."
    elif time_to_live.get("AttributeName") != "ttl":
        yield f"The table's time to live uses {time_to_live.get('AttributeName')} instead of ttl."


def stream(context: CheckContext) -> Problems:
    """Check that the table's stream is on and that the table is protected against deletion."""
    table = context.stack.client("dynamodb").describe_table(TableName=context.table)["Table"]
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        yield "The table's stream is off: emails wait for the sweep."
    if not table.get("DeletionProtectionEnabled"):
        yield "The table has no deletion protection."


def event_sources(context: CheckContext) -> Problems:
    """Check the event source mappings that deliver the stream to the functions."""
    client = context.stack.client("lambda")
    for each in context.resources_of_type("AWS::Lambda::EventSourceMapping"):
        mapping = client.get_event_source_mapping(UUID=each.physical_id)
        if mapping["State"] not in {"Enabled", "Enabling", "Updating"}:
            yield f"The event source {each.name} is {mapping['State']}: emails wait for the sweep."
        elif "PROBLEM" in mapping.get("LastProcessingResult", ""):
            yield f"The event source {each.name} has a problem. {mapping['LastProcessingResult']}"


def schedules(context: CheckContext) -> Problems:
    """Check the schedules that start the periodic jobs."""
    client = context.stack.client("scheduler")
    found = context.resources_of_type("AWS::Scheduler::Schedule")
    if not found:
        yield "The stack has no schedule: nothing starts the sweeps."
    for each in found:
        if client.get_schedule(Name=each.physical_id)["State"] != "ENABLED":
            yield f"The schedule {each.name} is off: its sweep does not run."


def email_sending(context: CheckContext) -> Problems:
    """Check that SES can send emails for this AWS account and for the product's configuration set."""
    client = context.stack.client("sesv2")
    account = client.get_account()
    if not account.get("SendingEnabled"):
        yield "SES sends nothing for this AWS account: sending is paused."
    if not account.get("ProductionAccessEnabled", True):
        yield "SES is in its sandbox: it sends to verified addresses only."
    settings = client.get_configuration_set(ConfigurationSetName=context.email_settings)
    if not settings.get("SendingOptions", {}).get("SendingEnabled", True):
        yield f"The configuration set {context.email_settings} sends nothing."


def email_sender(context: CheckContext) -> Problems:
    """Check that SES has verified the sender's address or domain."""
    client = context.stack.client("sesv2")
    address = context.parameters.get("EmailFrom", "")
    named = context.parameters.get("EmailIdentityArn", "").partition(":identity/")[2]
    for identity in filter(None, (named, address, address.rpartition("@")[2])):
        try:
            status = client.get_email_identity(EmailIdentity=identity)
        except client.exceptions.NotFoundException:
            continue
        if status.get("VerifiedForSendingStatus"):
            return
    yield f"SES has not verified the sender {address}."


def tree_heads(context: CheckContext) -> Problems:
    """Check that the signed tree heads are complete, valid and visible, and that the table records the latest one.

    Only the names of old tree heads are checked.
    """
    stack, dynamodb = context.stack, context.stack.client("dynamodb")
    latest = audit_log.latest_in_table(dynamodb, context.table)
    found = read_tree_heads(stack.client("s3"), stack.output("TreeHeadsBucket"), audit_log.public_key(stack))
    if found.newest < latest:
        yield f"The latest signed tree head in the table is {latest}, but {found.bucket} has only {found.newest}."
    yield from found.manipulations(audit_log.latest_in_table(dynamodb, context.table))
    yield from found.defects()


def failed_records(context: CheckContext) -> Problems:
    """Check that no stream consumer has failed records in the bucket."""
    names = {each.physical_id: each.name for each in context.resources}
    for bucket in (each.physical_id for each in context.resources if each.name == "FailedRecords"):
        found = failed_batches(context.stack.client("s3"), bucket)
        for function in dict.fromkeys(batch.function for batch in found):
            batches = [batch for batch in found if batch.function == function]
            name = names.get(function, function or "an unknown function")
            yield (
                f"{sum(len(batch.records) for batch in batches)} records in {len(batches)} batches, failed in {name}, "
                f"since {batches[0].since.isoformat()}, are in {bucket}: "
                f"{'run `audit-log replay`' if name == audit_log.PUBLISHER else 'inspect them'}."
            )


CHECKS: Final[tuple[tuple[str, Callable[[CheckContext], Problems]], ...]] = (
    ("alarms", alarms),
    ("functions", functions),
    ("point-in-time recovery", recovery),
    ("time to live", expiry),
    ("stream", stream),
    ("event sources", event_sources),
    ("schedules", schedules),
    ("sending", email_sending),
    ("sender", email_sender),
    ("signed tree heads", tree_heads),
    ("failed records", failed_records),
)


def examine(stack: DeployedStack, at: datetime, *, recheck_after: float = RECHECK_AFTER) -> Iterator[Finding]:
    """Yield the finding of each check as soon as it is available."""
    context = CheckContext.load(stack, at)
    for name, check in CHECKS:
        is_supported = name not in stack.unsupported_checks
        yield (
            _run_check(name, check, context)
            if is_supported
            else Finding(name, not_checked="the emulator does not support it")
        )
    yield from _table_findings(stack.client("dynamodb"), context, recheck_after)


def _table_findings(dynamodb: Any, context: CheckContext, settled_after: float) -> Iterator[Finding]:
    try:
        items = scan(dynamodb, context.table)
    except StackUnavailable as unread:
        yield Finding("outbox", not_checked=str(unread))
        yield Finding("audit log", not_checked=str(unread))
        yield Finding("invariants", not_checked=str(unread))
        return
    yield Finding("outbox", tuple(overdue_queues(items, context.at)))
    yield Finding("audit log", tuple(unchained_entries(items, context.at)))
    found = _invariant_violations(items, context.at)
    if found:  # a scan may see an operation half done, whereas real violations remain
        time.sleep(settled_after)
        again = set(_invariant_violations(scan(dynamodb, context.table), context.at))
        found = [sentence for sentence in found if sentence in again]
    yield Finding("invariants", tuple(found))


def _invariant_violations(items: list[Item], at: datetime) -> list[str]:
    """Return the violated invariants of the table. A rule that cannot read the table is reported too."""
    try:
        return invariants.violations(items, at=at)
    except READ_ERRORS as unreadable:
        return [f"The table has an item that this version cannot read: {unreadable!r}"]


def _run_check(name: str, check: Callable[[CheckContext], Problems], context: CheckContext) -> Finding:
    try:
        return Finding(name, tuple(check(context)))
    except (BotoCoreError, ClientError, StackUnavailable) as unknown:
        return Finding(name, not_checked=str(unknown))
    except KeyError as missing:
        return Finding(name, not_checked=f"the response does not have {missing}")


def unchained_entries(items: list[Item], at: datetime) -> Problems:
    """Report audit entries that are in no hash chain although the stream has had time to deliver them."""
    found = audit_log.missing_entries(items, at, older_than=OVERDUE_AFTER)
    if found:
        since = datetime.fromtimestamp(min(float(item["at"]) for item in found), UTC).isoformat()
        yield f"{len(found)} audit entries, since {since}, are in no hash chain: run `audit-log mend`."


QUEUE_LABELS: Final = {keys.OUTBOX: "emails", keys.RECONCILIATION: "reconciliations"}


def overdue_queues(items: list[Item], at: datetime) -> Problems:
    """Report emails and reconciliations that have waited too long."""
    for prefix, label in QUEUE_LABELS.items():
        queued = [float(item["queued_at"]) for item in items if item["pk"].startswith(prefix) and "queued_at" in item]
        oldest = datetime.fromtimestamp(min(queued, default=at.timestamp()), UTC)
        if at - oldest > OVERDUE_AFTER:
            minutes = int((at - oldest).total_seconds() // 60)
            yield f"The oldest of {len(queued)} {label} has waited for {minutes} minutes."
