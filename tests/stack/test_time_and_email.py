"""What nobody calls: reports of the mail system, and the sweep of links whose time is over, with the rights they have."""

import json
import time
from collections.abc import Callable

import pytest

from tests.stack.stack_users import FIRM, Town, a_key
from tools.api_client import Json
from tools.local_stack import ROOT

pytestmark = pytest.mark.usefixtures("sound")

WITHIN = 30.0


def eventually(attempt: Callable[[], bool]) -> bool:
    """Whether it comes true in good time."""
    patience = time.monotonic() + WITHIN
    while not (came := attempt()) and time.monotonic() < patience:
        time.sleep(0.2)
    return came


def letter_state(town: Town, link: Json) -> str:
    """What became of the letter with a link, as the partner is shown."""
    shown = town.manager.caller.get(f"/partners/{FIRM}/access-links/{link['link_id']}")
    return str(shown.json["delivery_status"])


def test_a_letter_that_bounces_leaves_the_link_open_and_is_the_last_to_its_address(town: Town) -> None:
    address = "has-left@clients.example"
    link, secret = town.a_link(town.employees[0], recipient_email=address)
    assert link["delivery_status"] == "queued"
    assert eventually(lambda: letter_state(town, link) == "sent")

    _report_bounce(town, link, address)
    assert eventually(lambda: letter_state(town, link) == "bounced")

    admin = town.clients[0]
    town.a_client(admin)
    assert admin.caller.post("/access-links/preview", {"secret": secret}).status == 200, "the copied link still works"
    again = town.manager.caller.post(
        f"/partners/{FIRM}/access-links",
        {"employee_id": town.employees[0].user_id, "recipient_email": address},
        key=a_key(),
    )
    assert (again.status, again.code) == (409, "recipient_suppressed")


def _report_bounce(town: Town, link: Json, address: str) -> None:
    """SES keeps its events to itself on this emulator: the sample that was recorded goes to the topic in its place."""
    sample = json.loads((ROOT / "events" / "record_email_feedback.json").read_text())
    report = json.loads(sample["Records"][0]["Sns"]["Message"])
    (delivery,) = (
        item for item in town.stack.items() if item.get("link_id") == link["link_id"] and "delivery_id" in item
    )
    report["mail"]["tags"]["delivery"] = [delivery["delivery_id"]]
    report["mail"]["destination"] = [address]
    aws = town.stack.aws
    aws.session().client("sns", endpoint_url=aws.endpoint).publish(
        TopicArn=town.stack.deployed.outputs["EmailFeedbackTopicArn"], Message=json.dumps(report)
    )


def test_a_link_whose_time_is_over_is_swept_and_its_creator_told(town: Town) -> None:
    link, secret = town.a_link(town.employees[1])
    admin = town.clients[0]
    account_id = town.a_client(admin)
    _let_time_pass(town, link)

    late = admin.caller.post("/access-links/approvals", {"secret": secret, "account_id": account_id}, key=a_key())
    assert (late.status, late.code) == (410, "link_expired"), "the truth is in the link, sweep or no sweep"

    aws = town.stack.aws
    swept = (
        aws.session()
        .client("lambda", endpoint_url=aws.endpoint)
        .invoke(FunctionName=town.stack.deployed.resources["ExpireLinksFunction"], Payload=b"{}")
    )
    assert not swept.get("FunctionError"), swept["Payload"].read()
    (kept,) = (item for item in town.stack.items() if item["sk"] == f"LINK#{link['link_id']}")
    assert kept["stored_state"] == "expired"
    letter = town.letter_to(town.manager, having="expired")
    assert "pal_" not in letter.text


def _let_time_pass(town: Town, link: Json) -> None:
    """The one thing that a test cannot do over HTTP."""
    aws = town.stack.aws
    table = aws.session().resource("dynamodb", endpoint_url=aws.endpoint).Table(town.stack.table)
    table.update_item(
        Key={"pk": f"PARTNER#{FIRM}", "sk": f"LINK#{link['link_id']}"},
        UpdateExpression="SET expires_at = :past, due_at = :past",
        ExpressionAttributeValues={":past": int(time.time()) - 1},
    )
