"""The audit event publisher with its own IAM rights: an approval reaches an event bus target once for each account."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.stack.stack_users import PARTNER, StackUsers, new_key
from tests.support.schemas import validation_errors
from tools.api_client import Json
from tools.local_stack import LocalStack

pytestmark = pytest.mark.usefixtures("invariants_hold")

WITHIN = 30.0


@pytest.fixture
def queue(stack: LocalStack) -> Iterator[str]:
    """Create a queue that receives approval events by a rule on the stack's event bus."""
    session, endpoint = stack.aws.session(), stack.aws.endpoint
    events, sqs = session.client("events", endpoint_url=endpoint), session.client("sqs", endpoint_url=endpoint)
    bus, rule = stack.deployed.outputs["EventBusName"], "approvals-to-a-user"
    url = sqs.create_queue(QueueName=rule)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["partner-access"], "detail-type": ["link.approved"]}
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=rule, EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name=rule, EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)


def received(stack: LocalStack, queue: str, source: str) -> Json:
    """Return the event of this account, or fail after 30 seconds."""
    sqs = stack.aws.session().client("sqs", endpoint_url=stack.aws.endpoint)
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get(
            "Messages", []
        ):
            event: Json = json.loads(message["Body"])["detail"]
            if event["source"] == source:
                return event
        time.sleep(0.2)
    raise AssertionError(f"no event of {source} within {WITHIN:.0f} seconds")


def test_approval_is_published_to_event_bus_for_client_and_partner(stack_users: StackUsers, queue: str) -> None:
    employee, admin = stack_users.employees[2], stack_users.clients[1]
    account_id = stack_users.a_client(admin)
    _, secret = stack_users.a_link(employee)
    approval = {"secret": secret, "account_id": account_id}
    approved = admin.caller.post("/access-links/approvals", approval, key=new_key())
    assert approved.status == 201, approved

    of_client, of_partner = (received(stack_users.stack, queue, f"/accounts/{each}") for each in (account_id, PARTNER))

    assert validation_errors(of_client) == validation_errors(of_partner) == []
    assert of_client["id"] == of_partner["id"]
    assert of_client["subject"] == employee.user_id
    assert of_client["data"]["details"]["grant_id"] == approved.json["grant_id"]
    assert of_client["data"]["now"]["member"]["state"] == "active"
    assert of_client["sequence"] == "000000000003", "after the account and its first member"
