"""Whether a deployed stack is well: what AWS says of its parts, and what must be true of the whole table."""

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
from tools.operate.failed_records import given_up
from tools.operate.scan import Item, scan
from tools.operate.stack import NoSite, Resource, Site
from tools.operate.tree_head_list import row

AT_ONCE: Final = 100
"""How many alarms CloudWatch tells in one answer."""
OLD: Final = timedelta(minutes=15)
"""What is older waits for something: the sweeps come by more often."""
SETTLED_AFTER: Final = 2.0
"""Seconds until what a scan saw half done is done."""

UNREADABLE: Final = (AttributeError, LookupError, TypeError, ValueError, zlib.error)
"""What becomes of a rule that meets an item which is not as it should be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to: `wrong` in sentences, or why it could not be made."""

    check: str
    wrong: tuple[str, ...] = ()
    not_checked: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The stack, and what is asked of AWS once for all checks."""

    site: Site
    resources: list[Resource]
    table: str
    parameters: dict[str, str]
    mail_settings: str
    at: datetime

    @classmethod
    def of(cls, site: Site, at: datetime) -> "Patient":
        """Look the stack up."""
        resources = site.resources()
        found = {each.kind: each.physical_id for each in resources}
        if "AWS::DynamoDB::Table" not in found:
            raise NoSite(f"The stack {site.stack} has no table.")
        settings = found.get("AWS::SES::ConfigurationSet", "")
        return cls(site, resources, found["AWS::DynamoDB::Table"], site.parameters(), settings, at)

    def all(self, kind: str) -> list[Resource]:
        return [each for each in self.resources if each.kind == kind]


Sentences = Iterator[str]


def alarms(patient: Patient) -> Sentences:
    """Every alarm of the stack."""
    wanted = {each.physical_id: each.name for each in patient.all("AWS::CloudWatch::Alarm")}
    if not wanted:
        yield "The stack has no alarms."
    client, names = patient.site.client("cloudwatch"), list(wanted)
    found: dict[str, Any] = {}
    for start in range(0, len(names), AT_ONCE):
        answer = client.describe_alarms(AlarmNames=names[start : start + AT_ONCE], MaxRecords=AT_ONCE)
        found |= {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}
    for physical_id, name in wanted.items():
        if physical_id not in found:
            yield f"The alarm {name} is not there any more."
        elif found[physical_id]["StateValue"] == "ALARM":
            yield f"The alarm {name} rings. {found[physical_id].get('AlarmDescription', '')}".rstrip()
        elif not found[physical_id].get("ActionsEnabled", True):
            yield f"The alarm {name} is kept from telling anybody."


def functions(patient: Patient) -> Sentences:
    """Every function is there, and its last change came through; whether it fails is for its alarms to say."""
    client = patient.site.client("lambda")
    for each in patient.all("AWS::Lambda::Function"):
        try:
            told = client.get_function_configuration(FunctionName=each.physical_id)
        except client.exceptions.ResourceNotFoundException:
            yield f"The function {each.name} is not there any more."
            continue
        if told.get("State", "Active") not in {"Active", "Inactive"}:  # asleep after weeks without a call, it wakes
            yield f"The function {each.name} is {told['State']}. {told.get('StateReason', '')}".rstrip()
        if told.get("LastUpdateStatus") == "Failed":
            yield f"The last change of the function {each.name} failed. {told.get('LastUpdateStatusReason', '')}".rstrip()


def recovery(patient: Patient) -> Sentences:
    """The table can be brought back to any second of the last weeks."""
    told = patient.site.client("dynamodb").describe_continuous_backups(TableName=patient.table)
    described = told["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if described.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield "The table's point-in-time recovery is off."


def expiry(patient: Patient) -> Sentences:
    """What has had its time leaves the table."""
    told = patient.site.client("dynamodb").describe_time_to_live(TableName=patient.table)["TimeToLiveDescription"]
    if told.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"}:
        yield "The table's time to live is off: what has had its time stays."
    elif told.get("AttributeName") != "ttl":
        yield f"The table's time to live looks at {told.get('AttributeName')} instead of ttl."


def stream(patient: Patient) -> Sentences:
    """The table tells of its changes, and is no one's to delete by mistake."""
    told = patient.site.client("dynamodb").describe_table(TableName=patient.table)["Table"]
    if not told.get("StreamSpecification", {}).get("StreamEnabled"):
        yield "The table's stream is off: letters wait for the sweep."
    if not told.get("DeletionProtectionEnabled"):
        yield "The table is not protected against being deleted."


def event_sources(patient: Patient) -> Sentences:
    """What brings the stream to the functions."""
    client = patient.site.client("lambda")
    for each in patient.all("AWS::Lambda::EventSourceMapping"):
        told = client.get_event_source_mapping(UUID=each.physical_id)
        if told["State"] not in {"Enabled", "Enabling", "Updating"}:
            yield f"The event source {each.name} is {told['State']}: letters wait for the sweep."
        elif "PROBLEM" in told.get("LastProcessingResult", ""):
            yield f"The event source {each.name} has trouble. {told['LastProcessingResult']}"


def schedules(patient: Patient) -> Sentences:
    """What starts the sweeps."""
    client = patient.site.client("scheduler")
    found = patient.all("AWS::Scheduler::Schedule")
    if not found:
        yield "The stack has no schedule: nothing starts the sweeps."
    for each in found:
        if client.get_schedule(Name=each.physical_id)["State"] != "ENABLED":
            yield f"The schedule {each.name} is off: its sweep does not run."


def sending(patient: Patient) -> Sentences:
    """SES sends for this account and for these letters."""
    client = patient.site.client("sesv2")
    told = client.get_account()
    if not told.get("SendingEnabled"):
        yield "SES sends nothing for this AWS account: sending is paused."
    if not told.get("ProductionAccessEnabled", True):
        yield "SES is in its sandbox: it sends to verified addresses only."
    settings = client.get_configuration_set(ConfigurationSetName=patient.mail_settings)
    if not settings.get("SendingOptions", {}).get("SendingEnabled", True):
        yield f"The configuration set {patient.mail_settings} sends nothing."


def sender(patient: Patient) -> Sentences:
    """SES knows that the sender's address, or its domain, is the vendor's."""
    client = patient.site.client("sesv2")
    address = patient.parameters.get("EmailFrom", "")
    named = patient.parameters.get("EmailIdentityArn", "").partition(":identity/")[2]
    for identity in filter(None, (named, address, address.rpartition("@")[2])):
        try:
            told = client.get_email_identity(EmailIdentity=identity)
        except client.exceptions.NotFoundException:
            continue
        if told.get("VerifiedForSendingStatus"):
            return
    yield f"SES has not verified that letters may come from {address}."


def seals(patient: Patient) -> Sentences:
    """The row of seals has no gap, is signed, hidden nowhere, and the one that the table knows; of old ones only the names."""
    site, dynamodb = patient.site, patient.site.client("dynamodb")
    noted = audit_log.latest(dynamodb, patient.table)
    found = row(site.client("s3"), site.output("TreeHeadsBucket"), audit_log.public_key(site))
    if found.newest < noted:
        yield f"The table says that seal {noted} is the latest, and {found.bucket} has seal {found.newest} at most."
    yield from found.wrong(audit_log.latest(dynamodb, patient.table))
    yield from found.broken()


def given_up_records(patient: Patient) -> Sentences:
    """What readers of the stream set aside after a day."""
    names = {each.physical_id: each.name for each in patient.resources}
    for bucket in (each.physical_id for each in patient.resources if each.name == "FailedRecords"):
        found = given_up(patient.site.client("s3"), bucket)
        for function in dict.fromkeys(batch.function for batch in found):
            batches = [batch for batch in found if batch.function == function]
            name = names.get(function, function or "nobody knows who")
            yield (
                f"{sum(len(batch.records) for batch in batches)} records in {len(batches)} batches that {name} gave up, "
                f"since {batches[0].since.isoformat()}, lie in {bucket}: "
                f"{'run `audit-log replay`' if name == audit_log.FOLLOWER else 'look at them'}."
            )


CHECKS: Final[tuple[tuple[str, Callable[[Patient], Sentences]], ...]] = (
    ("alarms", alarms),
    ("functions", functions),
    ("point-in-time recovery", recovery),
    ("time to live", expiry),
    ("stream", stream),
    ("event sources", event_sources),
    ("schedules", schedules),
    ("sending", sending),
    ("sender", sender),
    ("tree heads", seals),
    ("failed records", given_up_records),
)


def examine(site: Site, at: datetime, *, settled_after: float = SETTLED_AFTER) -> Iterator[Finding]:
    """Each finding as it comes."""
    patient = Patient.of(site, at)
    for name, check in CHECKS:
        known = name not in site.unknown
        yield _made(name, check, patient) if known else Finding(name, not_checked="the emulator does not know it")
    yield from _table(site.client("dynamodb"), patient, settled_after)


def _table(dynamodb: Any, patient: Patient, settled_after: float) -> Iterator[Finding]:
    try:
        items = scan(dynamodb, patient.table)
    except NoSite as unread:
        yield Finding("outbox", not_checked=str(unread))
        yield Finding("audit log", not_checked=str(unread))
        yield Finding("invariants", not_checked=str(unread))
        return
    yield Finding("outbox", tuple(waiting(items, patient.at)))
    yield Finding("audit log", tuple(unchained(items, patient.at)))
    found = _broken(items, patient.at)
    if found:  # a scan may pass by while something is being done; what is broken stays so
        time.sleep(settled_after)
        again = set(_broken(scan(dynamodb, patient.table), patient.at))
        found = [sentence for sentence in found if sentence in again]
    yield Finding("invariants", tuple(found))


def _broken(items: list[Item], at: datetime) -> list[str]:
    """What is not true of the table; a rule that cannot even read it says so."""
    try:
        return invariants.broken(items, at=at)
    except UNREADABLE as unreadable:
        return [f"The table holds what this version cannot read: {unreadable!r}"]


def _made(name: str, check: Callable[[Patient], Sentences], patient: Patient) -> Finding:
    try:
        return Finding(name, tuple(check(patient)))
    except (BotoCoreError, ClientError, NoSite) as unknown:
        return Finding(name, not_checked=str(unknown))
    except KeyError as untold:
        return Finding(name, not_checked=f"the answer does not tell {untold}")


def unchained(items: list[Item], at: datetime) -> Sentences:
    """What no chain has taken up, though the stream has had its time."""
    found = audit_log.lost(items, at, older_than=OLD)
    if found:
        since = datetime.fromtimestamp(min(float(item["at"]) for item in found), UTC).isoformat()
        yield f"{len(found)} entries of trails, since {since}, are in no chain: run `audit-log mend`."


QUEUES: Final = {keys.OUTBOX: "letters", keys.RECONCILIATION: "clean-ups"}


def waiting(items: list[Item], at: datetime) -> Sentences:
    """What nobody could send or clean up yet."""
    for prefix, what in QUEUES.items():
        queued = [float(item["queued_at"]) for item in items if item["pk"].startswith(prefix) and "queued_at" in item]
        oldest = datetime.fromtimestamp(min(queued, default=at.timestamp()), UTC)
        if at - oldest > OLD:
            minutes = int((at - oldest).total_seconds() // 60)
            yield f"The oldest of {len(queued)} {what} has waited for {minutes} minutes."
