"""The proof of the trail on the template that ships: chained by the stream, sealed by the schedule's function, verified offline."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.stack_users import FIRM, Town, a_key
from tools.deployment import STACK
from tools.local_stack import Stack
from tools.operate import audit_log
from tools.operate.audit_export import Broken, Evidence, proof, verified
from tools.operate.stack import Site, clients_of

pytestmark = pytest.mark.usefixtures("sound")

WITHIN = 30.0


def eventually(attempt: Callable[[], bool]) -> bool:
    """Whether it comes true in good time."""
    patience = time.monotonic() + WITHIN
    while not (came := attempt()) and time.monotonic() < patience:
        time.sleep(0.2)
    return came


def call(stack: Stack, function: str) -> None:
    """Do not wait for the schedule."""
    client: Any = stack.aws.session().client("lambda", endpoint_url=stack.aws.endpoint)
    answer = client.invoke(FunctionName=stack.deployed.resources[function], Payload=b"{}")
    assert not answer.get("FunctionError"), answer["Payload"].read()


def an_approval(town: Town) -> str:
    admin = town.clients[3]
    account_id = town.a_client(admin)
    _, secret = town.a_link(town.employees[2])
    told = {"secret": secret, "account_id": account_id}
    approved = admin.caller.post("/access-links/approvals", told, key=a_key())
    assert approved.status == 201, approved
    return account_id


def test_an_approval_is_chained_sealed_and_verified_and_whoever_alters_it_is_found(town: Town) -> None:
    stack = town.stack
    site = Site(STACK, clients_of(stack.aws))
    account_id = an_approval(town)

    def is_chained() -> bool:
        return audit_log.export(site, stack.table, account_id).waiting == 0

    assert eventually(is_chained), "the stream brings every entry into its chain"
    call(stack, "SignAuditLogFunction")

    exported = audit_log.export(site, stack.table, account_id)
    found = exported.found
    assert exported.wrong == ()
    key = audit_log.public_key(site)
    assert verified(found.written(), key) == found
    assert found.sealed == len(found.links)
    assert "link.approved" in {link.entry.event for link in found.links}
    assert json.loads(proof(found, found.links[-1].entry.audit_id))["place"] == len(found.links)
    assert eventually(lambda: audit_log.export(site, stack.table, FIRM).waiting == 0)

    _must_be_locked(stack, found)
    _must_be_found_out(stack, site, account_id)


def _must_be_locked(stack: Stack, found: Evidence) -> None:
    """Not even the root of the account deletes a seal."""
    storage: Any = stack.aws.session().client("s3", endpoint_url=stack.aws.endpoint)
    where = {
        "Bucket": stack.deployed.outputs["TreeHeadsBucket"],
        "Key": f"tree-heads/{found.seals[0].seal.number}.json",
    }
    told = storage.head_object(**where)
    assert told["ObjectLockMode"] == "COMPLIANCE"
    assert (told["ObjectLockRetainUntilDate"] - datetime.now(UTC)).days in {363, 364}
    with pytest.raises(ClientError, match="AccessDenied"):
        storage.delete_object(**where, VersionId=told["VersionId"])


def _must_be_found_out(stack: Stack, site: Site, account_id: str) -> None:
    table = stack.aws.session().resource("dynamodb", endpoint_url=stack.aws.endpoint).Table(stack.table)
    (item,) = (
        each for each in stack.items() if each["pk"] == f"AUDIT#{account_id}" and each["event"] == "link.approved"
    )
    table.put_item(Item={**item, "actor_id": "somebody-else"})
    try:
        with pytest.raises(Broken, match=rf"^Entry \d+, {item['sk']}, was altered\.$"):
            verified(audit_log.export(site, stack.table, account_id).found.written())
    finally:
        table.put_item(Item=item)
