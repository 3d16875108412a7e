"""Background functions with their own IAM rights: SES feedback and the expiry of links."""

import json
import time

import pytest

from tests.stack.stack_users import PARTNER, StackUsers, new_key
from tests.stack.waiting import eventually
from tools.api_client import Json
from tools.local_stack import ROOT

pytestmark = pytest.mark.usefixtures("invariants_hold")


def delivery_status(stack_users: StackUsers, link: Json) -> str:
    """Return the delivery status of a link's email, as the partner sees it."""
    shown = stack_users.manager.caller.get(f"/partners/{PARTNER}/access-links/{link['link_id']}")
    return str(shown.json["delivery_status"])


def test_bounced_email_leaves_link_open_and_suppresses_address(stack_users: StackUsers) -> None:
    address = "has-left@clients.example"
    link, secret = stack_users.a_link(stack_users.employees[0], recipient_email=address)
    assert link["delivery_status"] == "queued"
    assert eventually(lambda: delivery_status(stack_users, link) == "sent")

    _report_bounce(stack_users, link, address)
    assert eventually(lambda: delivery_status(stack_users, link) == "bounced")

    admin = stack_users.clients[0]
    stack_users.a_client(admin)
    assert admin.caller.post("/access-links/preview", {"secret": secret}).status == 200, "the copied link still works"
    again = stack_users.manager.caller.post(
        f"/partners/{PARTNER}/access-links",
        {"employee_id": stack_users.employees[0].user_id, "recipient_email": address},
        key=new_key(),
    )
    assert (again.status, again.code) == (409, "recipient_suppressed")


def _report_bounce(stack_users: StackUsers, link: Json, address: str) -> None:
    """Publish a recorded SES event to the topic, because this emulator publishes none."""
    sample = json.loads((ROOT / "events" / "record_email_feedback.json").read_text())
    report = json.loads(sample["Records"][0]["Sns"]["Message"])
    (delivery,) = (
        item for item in stack_users.stack.items() if item.get("link_id") == link["link_id"] and "delivery_id" in item
    )
    report["mail"]["tags"]["delivery"] = [delivery["delivery_id"]]
    report["mail"]["destination"] = [address]
    aws = stack_users.stack.aws
    aws.session().client("sns", endpoint_url=aws.endpoint).publish(
        TopicArn=stack_users.stack.deployed.outputs["EmailFeedbackTopicArn"], Message=json.dumps(report)
    )


def test_expired_link_is_recorded_and_its_creator_notified(stack_users: StackUsers) -> None:
    link, secret = stack_users.a_link(stack_users.employees[1])
    admin = stack_users.clients[0]
    account_id = stack_users.a_client(admin)
    _expire_link(stack_users, link)

    late = admin.caller.post("/access-links/approvals", {"secret": secret, "account_id": account_id}, key=new_key())
    assert (late.status, late.code) == (410, "link_expired"), "the truth is in the link, sweep or no sweep"

    aws = stack_users.stack.aws
    swept = (
        aws.session()
        .client("lambda", endpoint_url=aws.endpoint)
        .invoke(FunctionName=stack_users.stack.deployed.resources["ExpireLinksFunction"], Payload=b"{}")
    )
    assert not swept.get("FunctionError"), swept["Payload"].read()
    (stored,) = (item for item in stack_users.stack.items() if item["sk"] == f"LINK#{link['link_id']}")
    assert stored["stored_state"] == "expired"
    email = stack_users.email_to(stack_users.manager, having="expired")
    assert "pal_" not in email.text


def _expire_link(stack_users: StackUsers, link: Json) -> None:
    """Move the expiry of a link into the past. This is not possible over HTTP."""
    aws = stack_users.stack.aws
    table = aws.session().resource("dynamodb", endpoint_url=aws.endpoint).Table(stack_users.stack.table)
    table.update_item(
        Key={"pk": f"PARTNER#{PARTNER}", "sk": f"LINK#{link['link_id']}"},
        UpdateExpression="SET expires_at = :past, due_at = :past",
        ExpressionAttributeValues={":past": int(time.time()) - 1},
    )
