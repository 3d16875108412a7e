"""The accepted findings of the template scanner, each with its reason."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Final

from tools.template import ROOT

CHECKOV: Final = ROOT / ".venvs/scan/bin/checkov"

ACCEPTED: Final = {
    "CKV_AWS_18": "Who reads and writes objects is for CloudTrail to record; a log in another bucket would be one more to guard. "
    "Signed tree heads cannot be altered or deleted by anyone, and failed records hold ids.",
    "CKV_AWS_21": "The bucket of failed records: each has a name of its own and is forgotten after 30 days. "
    "The bucket of signed tree heads has versions.",
    "CKV_AWS_26": "SES and CloudWatch cannot publish to a topic under the AWS managed key, and a key of one's own costs more than "
    "all else here; alarms hold no personal data, reports of emails are only passed on, in transit by TLS.",
    "CKV_AWS_27": "The queue is encrypted by SQS's own key, which this check does not count; it holds events, which hold ids.",
    "CKV_AWS_115": "A limit for each function would take its share from all others in the account. Routes are throttled at the "
    "gateway; what approvals need can be reserved by ApprovalReservedConcurrency.",
    "CKV_AWS_116": "Functions of the API are called synchronously. What a schedule missed, its next run does; records that the stream "
    "could not deliver are stored in a bucket.",
    "CKV_AWS_117": "They talk to AWS's public endpoints by TLS and IAM alone; a network of its own would add a way out, not close one.",
    "CKV_AWS_119": "The table is encrypted by the AWS managed key of KMS, whose use is recorded. A key of one's own adds a way to "
    "lose all, and a request to pay for.",
    "CKV_AWS_149": "The key for cursors is encrypted by the AWS managed key; a person who can read it can only forge cursors of lists "
    "that they can see anyway.",
    "CKV_AWS_158": "Logs hold ids, no names, addresses or secrets (searched for, see Hostile input), and are encrypted by AWS's key.",
    "CKV_AWS_173": "The variables hold names of resources and scopes; the key for cursors comes from Secrets Manager when the stack "
    "is deployed, and opens nothing but cursors.",
}
"""Checks that the template fails on purpose, with the reason for each."""


def failed_checks(template: Path) -> dict[tuple[str, str], int]:
    """Return the failed checks, by id and name, with the number of affected resources."""
    options = (
        "-f",
        str(template),
        "--framework",
        "cloudformation",
        "--skip-download",
        "-o",
        "json",
        "--quiet",
        "--compact",
    )
    output = subprocess.run([str(CHECKOV), *options], capture_output=True, text=True, check=False).stdout
    failed = json.loads(output)["results"]["failed_checks"]
    return Counter((each["check_id"], each["check_name"]) for each in failed)
