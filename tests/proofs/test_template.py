"""Security scan of the template. Each finding is fixed, or accepted with a reason."""

from pathlib import Path

import pytest

from tests.proofs.scanner import ACCEPTED, CHECKOV, failed_checks
from tools.proof.notes import Notes
from tools.template import ROOT

NAIVE = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      BillingMode: PAY_PER_REQUEST
  Bucket: {Type: AWS::S3::Bucket, Properties: {AccessControl: PublicRead}}
"""


@pytest.fixture
def scanner_only(*, whole: bool) -> None:
    """Skip the scan in the short form.

    A scan takes half a minute and needs a virtual environment that only `make proof` creates.
    """
    if not whole:
        pytest.skip("the template is scanned by make proof")
    assert CHECKOV.exists(), "make .venvs/scan/.made"


@pytest.mark.usefixtures("scanner_only")
def test_scan_of_template_finds_exactly_the_accepted_checks(notes: Notes) -> None:
    here = failed_checks(ROOT / "template.yaml")

    assert {check for check, _ in here} == ACCEPTED.keys()
    for (check, name), resources in here.items():
        notes.exception(f"{check} {name}, on {resources}", ACCEPTED[check])
    notes.passed("accepted findings of the scanner", checks=len(here), resources=sum(here.values()))


@pytest.mark.usefixtures("scanner_only")
def test_scan_of_careless_template_finds_public_bucket_and_no_backups(tmp_path: Path, notes: Notes) -> None:
    (tmp_path / "template.yaml").write_text(NAIVE)

    caught = {check for check, _ in failed_checks(tmp_path / "template.yaml")}

    assert caught - ACCEPTED.keys() >= {"CKV_AWS_20", "CKV_AWS_28"}, "a public bucket, and no backups"
    notes.passed("control: a careless template", findings=len(caught))
