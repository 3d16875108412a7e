"""A list of everything that was not run here, with its substitute and a way to try it on AWS."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class NotRunHere:
    """Something that needs AWS or people."""

    what: str
    stands_in: str
    to_try: str


NOT_RUN_HERE: Final = (
    NotRunHere(
        "Anything on AWS at all",
        "The template that ships is deployed to an emulator with IAM enforced, without a change.",
        "make deploy into an account of its own, import a directory, go the three ways, then `operate doctor`.",
    ),
    NotRunHere(
        "IAM's conditions on keys of the table (LeadingKeys) and on the sender (FromAddress)",
        "The emulator never sets them; the built template is compared with a table of what each function may.",
        "With a function's role, read an item of another kind and send from another address: both are denied.",
    ),
    NotRunHere(
        "Conflicts, throttling and latency of DynamoDB under load",
        "The tests inject each at every call; races run on real threads on the emulator, whose conflicts differ.",
        "100 callers on one seat for ten minutes; watch TransactionConflict, 503s and p99 on the dashboard.",
    ),
    NotRunHere(
        "Reads that are behind, as an index or an inconsistent read may be",
        "They return the oldest snapshot that may still be seen.",
        "Nothing to try: no decision reads so, which a test of the code ensures.",
    ),
    NotRunHere(
        "Deletion by TTL, which may take days",
        "Items past their time are left in place in the tests; nothing trusts that they are gone.",
        "Look for IDEMPOTENCY items older than 25 hours two days later.",
    ),
    NotRunHere(
        "Batches of the stream that fail in part, are split, and end in the bucket of failed records",
        "The handler's response names the records that failed; records come again, late and out of order. "
        "The emulator knows no partial responses.",
        "Deny publish_audit_events its rights for an hour, give them back, compare `audit-log verify` and the bucket, then `audit-log replay`.",
    ),
    NotRunHere(
        "SES: its reports of sending, bounces and complaints, its limits, paused sending",
        "Recorded reports are published to the topic; its errors are simulated with SES's own texts.",
        "Send to success@ and bounce@simulator.amazonses.com; pause sending for an hour.",
    ),
    NotRunHere(
        "The signing keys of an issuer: rotated, out of reach",
        "Tokens with 16 kinds of forgery are rejected by the emulator's authorizer, which reads real keys.",
        "Rotate the issuer's key: old tokens go on for at most two hours, the locks of people and programs at once.",
    ),
    NotRunHere(
        "A way back from a backup (PITR), torn between two transactions",
        "Items are deleted from a sound table, and the invariants name what is broken.",
        "Restore into a new table, run `operate doctor` on it before admitting users.",
    ),
    NotRunHere(
        "Object locks on signed tree heads that CloudFormation sets, enforced against the account's root user",
        "The emulator keeps objects under lock; the lock of the bucket is set after deploying there.",
        "Try to delete a version of a signed tree head as root: it is denied until its retention ends.",
    ),
    NotRunHere(
        "The webhook: connection, API destination, rule, dead-letter queue",
        "Their resources are linted and compared with the test's table; the emulator knows none of them.",
        "Set WebhookUrl to a collector, approve a link, then let the collector reject requests for a day.",
    ),
    NotRunHere(
        "A host of one's own with its certificate; managed sign-in pages; alarms that send email",
        "Resources are linted and compared; the demo serves pages and API under one origin.",
        "Set CertificateArn and AlarmEmail; sign in by a phone; set an alarm off by a wrong sender.",
    ),
    NotRunHere(
        "Cold starts and latency of Lambda itself, arm64",
        "Built artifacts under AWS's runtime interface client on this machine, as ratios; the layer for arm64 is built, not run.",
        "Invoke after an update; compare Init Duration with a bare handler's in the same account.",
    ),
    NotRunHere(
        "The limit of functions that run at once",
        "ApprovalReservedConcurrency and the routes' throttles are compared in the template.",
        "Flood /access/v1/evaluation and approve a link meanwhile.",
    ),
    NotRunHere(
        "Screen readers, phones and mail programs themselves",
        "axe on every page and state, the keyboard alone, 320 to 1280 px in Chromium, emails at phone and desktop width.",
        "VoiceOver and NVDA through an approval; the emails in Outlook, Gmail and Apple Mail.",
    ),
    NotRunHere(
        "The certification of OpenID AuthZEN",
        "Each of its checks is a test.",
        "Apply at the OpenID Foundation with a deployed stack.",
    ),
)
