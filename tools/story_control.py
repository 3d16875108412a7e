"""The later chapters of the demo's story: control by the client, offboarding, reports, and the proof of the log."""

import io
import time
from datetime import UTC, datetime

from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from partner_access.store import keys
from tools import directory_sample as sample
from tools.api_client import Json
from tools.deployment import STACK
from tools.directory_sample import SampleUser
from tools.operate import audit_log
from tools.operate.audit_export import verify
from tools.operate.export_lines import AuditLogAltered
from tools.operate.formats import Format, write
from tools.operate.reports import COLUMNS, PARTITION_PREFIXES, report
from tools.operate.scan import scan
from tools.operate.stack import DeployedStack, emulator_clients
from tools.sign_in import DECIDE_SCOPE
from tools.story_steps import EMAIL_TIMEOUT, Story, StoryFailed, check_outcome, new_idempotency_key


def staying_in_control(story: Story) -> None:
    """Demonstrate client control: the client lists its users and removes permissions."""
    story.chapter("4. Staying in control: the client sees who has access, and edits permissions")
    alice, tom = story.api_client(sample.ALICE), story.users[sample.TOM.email].user_id
    users = f"/accounts/{sample.BRIGHTWATER}/users"

    story.announce("One request lists who has access now, with which set, since when, by which user, and until when.")
    listed = story.expect(alice.get(f"{users}?state=active&limit=100"), 200)
    for each in listed["items"]:
        since = f"since {each['since'][:10]}" + (f" by {each['granted_by_name']}" if "granted_by_name" in each else "")
        until = f", until {each['access_ends_on']}" if "access_ends_on" in each else ""
        story.console.print(f"    {escape(each['name'])}: {each['permission_set']}, {since}{until}")

    story.announce("Alice removes Tom's permission to import. An edit must name the version that it is based on.")
    change: Json = {"permissions": {"remove": ["account.website", "crm.export", "crm.import"]}}
    story.expect(
        alice.call("PATCH", f"{users}/{tom}", change, key=new_idempotency_key()), 428, "precondition_required", "detail"
    )
    version = alice.get(f"{users}/{tom}").headers["etag"]
    edited = alice.call("PATCH", f"{users}/{tom}", change, key=new_idempotency_key(), headers={"if-match": version})
    story.expect(edited, 200, "", "permissions", "expires_at")
    story.wait_for_email(sample.TOM, having=lambda email: email.subject.startswith("Changed"))

    story.announce("Tom cannot take it back: what the client took, only the client gives again.")
    version = edited.headers["etag"]
    change = {"permissions": {"add": ["crm.import"]}}
    again = story.api_client(sample.TOM).call(
        "PATCH", f"{users}/{tom}", change, key=new_idempotency_key(), headers={"if-match": version}
    )
    story.expect(again, 403, "forbidden", "detail")


def _evaluation_request(story: Story, user: SampleUser, permission: str, account_id: str) -> Json:
    """Return an AuthZEN request for a decision about this user, permission and account."""
    return {
        "subject": {"type": "user", "id": story.users[user.email].user_id},
        "action": {"name": permission},
        "resource": {"type": "account", "id": account_id},
    }


def offboarding(story: Story) -> None:
    """Demonstrate an offboarding: one call ends an employee's access to every client."""
    story.chapter("5. Offboarding: one call ends an employee's access everywhere")
    nora, priya = story.api_client(sample.NORA), story.api_client(sample.PRIYA)
    product = story.stack.machine_client(DECIDE_SCOPE)
    access = f"/partners/{sample.HARBOUR}/employees/{story.users[sample.PRIYA.email].user_id}/access"

    story.announce("Priya leaves Harbour & Finch. Nora previews what would end, and what only the client can end.")
    story.expect(nora.call("DELETE", f"{access}?dry_run=true"), 200, "", "items")

    story.announce("Meanwhile the vendor's product asks on every request: can Priya do this here?")
    evaluation = _evaluation_request(story, sample.PRIYA, "crm.contacts.edit", sample.OAK_AND_IRON)
    if not story.expect(product.post("/access/v1/evaluation", evaluation), 200, "", "decision", "context")["decision"]:
        raise StoryFailed("Priya is denied a permission that the grant includes")

    story.announce("Nora ends all access. It ends everywhere at once, with a receipt for each client.")
    receipt = story.expect(nora.call("DELETE", access, key=new_idempotency_key()), 200, "", "items")
    check_outcome(receipt, sample.OAK_AND_IRON, "ended")
    check_outcome(receipt, sample.SILVER_BIRCH, "ended")
    check_outcome(receipt, sample.JUNIPER_LANE, "retained")
    story.wait_for_email(sample.CLARA, having=lambda email: "no longer works on" in email.subject)

    story.announce("Priya's next request lists only the partner, and the client where Priya stays super admin.")
    remaining = story.expect(priya.get("/accounts"), 200, "", "items")
    if {each["account_id"] for each in remaining["items"]} != {sample.HARBOUR, sample.JUNIPER_LANE}:
        raise StoryFailed(f"access remains that should have ended: {remaining}")

    story.announce(
        "The product asks again, and asks why: which rule decided, who could change it, and with which request."
    )
    if story.expect(product.post("/access/v1/evaluation", evaluation), 200, "", "decision")["decision"]:
        raise StoryFailed("Priya still has access that was ended")
    story.expect(product.post("/access/v1/explanations", evaluation), 200, "", "rule", "changeable_by", "advice")

    story.announce("The client reads all this in its own audit log, with names.")
    audit_page = story.expect(story.api_client(sample.CLARA).get(f"/accounts/{sample.OAK_AND_IRON}/audit?limit=5"), 200)
    for entry in audit_page["items"]:
        actor = audit_page["names"].get(entry["actor_id"], entry["actor_id"])
        story.console.print(f"    {entry['at'][:19]}  {entry['event']}, by {escape(actor)}")


def reporting(story: Story) -> None:
    """Demonstrate the operator's reports on the whole table."""
    story.chapter("6. Reports for the vendor's operator")
    aws = story.stack.aws
    items = scan(aws.session().client("dynamodb", endpoint_url=aws.endpoint), story.stack.table, *PARTITION_PREFIXES)
    for question, name, arguments in (
        ("Whose access ends within half a year?", "ending", "ending --days 183"),
        ("Which accounts have only one super admin, who is a partner employee?", "sole", "sole"),
    ):
        story.announce(question)
        story.console.print(f"  $ python -m tools.operate report {arguments} --demo")
        printed = io.StringIO()
        write(report(name, items, datetime.now(UTC), 183), COLUMNS[name], Format.TABLE, printed)
        story.console.print(Padding(Text(printed.getvalue().rstrip()), (0, 0, 0, 2)), soft_wrap=True)


def proving(story: Story) -> None:
    """Demonstrate the proof of the audit log, which reveals a changed entry."""
    story.chapter("7. Proof: the audit log is hash-chained and signed, so that every change is detected")
    stack, account_id = story.stack, sample.BRIGHTWATER
    deployed = DeployedStack(STACK, emulator_clients(stack.aws))
    deadline = time.monotonic() + EMAIL_TIMEOUT
    while audit_log.export_account(deployed, stack.table, account_id).pending:
        if time.monotonic() > deadline:
            raise StoryFailed(f"entries of {account_id} are not in its hash chain after {EMAIL_TIMEOUT:.0f} seconds")
        time.sleep(0.2)

    story.announce(
        "Every five minutes, one tree head of all audit logs is signed, and locked for a year. Here it is signed now."
    )
    function = stack.deployed.resources["SignAuditLogFunction"]
    response = deployed.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    if "FunctionError" in response:
        raise StoryFailed(f"nothing was signed: {response['Payload'].read().decode()}")

    story.announce("The client's audit log is exported. Anyone can verify it offline with the public key.")
    story.console.print(f"  $ python -m tools.operate audit-log export {account_id} --demo")
    story.console.print("  $ python -m tools.operate audit-log key --demo > key.pem")
    story.console.print("  $ python -m tools.operate audit-log verify audit-log.jsonl --key key.pem")
    key, export = audit_log.public_key(deployed), audit_log.export_account(deployed, stack.table, account_id).export
    tree_head = verify(export.to_bytes(), key).tree_heads[0].tree_head
    story.console.print(
        f"    [green]✓[/green] {len(export.links)} entries, {export.signed_count} of them in signed tree head {tree_head.number}"
    )

    story.announce("Someone with write access to the table changes the approver of an entry.")
    table = stack.aws.session().resource("dynamodb", endpoint_url=stack.aws.endpoint).Table(stack.table)
    approval = next(link.entry for link in export.links if link.entry.event == "link.approved")
    key_of_entry = {"pk": f"{keys.AUDIT}{account_id}", "sk": approval.audit_id}
    item = table.get_item(Key=key_of_entry, ConsistentRead=True)["Item"]
    table.put_item(Item={**item, "actor_id": "other-user"})
    try:
        verify(audit_log.export_account(deployed, stack.table, account_id).export.to_bytes(), key)
    except AuditLogAltered as altered:
        story.console.print(f"    [red]✗[/red] {escape(str(altered))}")
    else:
        raise StoryFailed("an altered audit log passed the verification")
    finally:
        table.put_item(Item=item)
