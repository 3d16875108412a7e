"""The audit log on the shipped template: hash-chained by the stream, signed by the function, and verified offline."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.stack_users import PARTNER, StackUsers, new_key
from tests.stack.waiting import eventually
from tools.deployment import STACK
from tools.local_stack import LocalStack
from tools.operate import audit_log
from tools.operate.audit_export import AuditExport, inclusion_proof, verify
from tools.operate.export_lines import AuditLogAltered
from tools.operate.stack import DeployedStack, emulator_clients

pytestmark = pytest.mark.usefixtures("invariants_hold")


def invoke(stack: LocalStack, function: str) -> None:
    """Invoke a function instead of waiting for its schedule."""
    client: Any = stack.aws.session().client("lambda", endpoint_url=stack.aws.endpoint)
    response = client.invoke(FunctionName=stack.deployed.resources[function], Payload=b"{}")
    assert not response.get("FunctionError"), response["Payload"].read()


def an_approved_account(stack_users: StackUsers) -> str:
    admin = stack_users.clients[3]
    account_id = stack_users.a_client(admin)
    _, secret = stack_users.a_link(stack_users.employees[2])
    body = {"secret": secret, "account_id": account_id}
    approved = admin.caller.post("/access-links/approvals", body, key=new_key())
    assert approved.status == 201, approved
    return account_id


def test_audit_log_of_approval_verifies_and_reveals_altered_entry(stack_users: StackUsers) -> None:
    stack = stack_users.stack
    site = DeployedStack(STACK, emulator_clients(stack.aws))
    account_id = an_approved_account(stack_users)

    def is_chained() -> bool:
        return audit_log.export_account(site, stack.table, account_id).pending == 0

    assert eventually(is_chained), "the stream brings every entry into its chain"
    invoke(stack, "SignAuditLogFunction")

    exported = audit_log.export_account(site, stack.table, account_id)
    found = exported.export
    assert exported.problems == ()
    key = audit_log.public_key(site)
    assert verify(found.to_bytes(), key) == found
    assert found.signed_count == len(found.links)
    assert "link.approved" in {link.entry.event for link in found.links}
    assert json.loads(inclusion_proof(found, found.links[-1].entry.audit_id))["position"] == len(found.links)
    assert eventually(lambda: audit_log.export_account(site, stack.table, PARTNER).pending == 0)

    _must_be_locked(stack, found)
    _must_reveal_alteration(stack, site, account_id)


def _must_be_locked(stack: LocalStack, found: AuditExport) -> None:
    """Assert that the signed tree head cannot be deleted, not even by the root user of the AWS account."""
    storage: Any = stack.aws.session().client("s3", endpoint_url=stack.aws.endpoint)
    location = {
        "Bucket": stack.deployed.outputs["TreeHeadsBucket"],
        "Key": f"tree-heads/{found.tree_heads[0].tree_head.number}.json",
    }
    head = storage.head_object(**location)
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert (head["ObjectLockRetainUntilDate"] - datetime.now(UTC)).days in {363, 364}
    with pytest.raises(ClientError, match="AccessDenied"):
        storage.delete_object(**location, VersionId=head["VersionId"])


def _must_reveal_alteration(stack: LocalStack, site: DeployedStack, account_id: str) -> None:
    table = stack.aws.session().resource("dynamodb", endpoint_url=stack.aws.endpoint).Table(stack.table)
    (item,) = (
        each for each in stack.items() if each["pk"] == f"AUDIT#{account_id}" and each["event"] == "link.approved"
    )
    table.put_item(Item={**item, "actor_id": "other-user"})
    try:
        with pytest.raises(AuditLogAltered, match=rf"^Entry \d+, {item['sk']}, was altered\.$"):
            verify(audit_log.export_account(site, stack.table, account_id).export.to_bytes())
    finally:
        table.put_item(Item=item)
