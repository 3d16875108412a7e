"""The demo's story: three ways to become a partner admin, and the use of that access. Every response is checked."""

import io
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from partner_access.store import keys
from tools import directory_sample as sample
from tools.api_client import ApiClient, ApiResponse, Json
from tools.deployment import STACK
from tools.directory_sample import SampleUser
from tools.emails import SentEmail, sent_emails
from tools.local_stack import LocalStack
from tools.operate import audit_log
from tools.operate.audit_export import AuditLogAltered, verify
from tools.operate.formats import Format, write
from tools.operate.reports import COLUMNS, PARTITION_PREFIXES, report
from tools.operate.scan import scan
from tools.operate.stack import DeployedStack, emulator_clients
from tools.sign_in import DECIDE_SCOPE, SignInUser

SECRET_PATTERN = re.compile(r"#(pal_[\w.-]+_[0-9a-f]{8})", re.ASCII)
EMAIL_TIMEOUT = 30.0


class StoryFailed(Exception):
    """A response differs from the documented one. The message contains the request and the response."""


@dataclass(slots=True)
class Story:
    """The state of the demonstration: it prints, calls the API and checks responses."""

    stack: LocalStack
    users: Mapping[str, SignInUser]
    console: Console
    callers: dict[str, ApiClient]

    def chapter(self, title: str) -> None:
        """Print a chapter title."""
        self.console.print()
        self.console.print(Rule(title, align="left"))

    def announce(self, sentence: str) -> None:
        """Print a sentence about the next step."""
        self.console.print(f"\n[bold]{escape(sentence)}[/bold]")

    def api_client(self, user: SampleUser) -> ApiClient:
        """Return an API client with the user's token. The user signs in on first use."""
        if user.email not in self.callers:
            sign_in_user = self.users[user.email]
            token = self.stack.sign_in.user_token(self.stack.pool, sign_in_user.email, sign_in_user.password)
            self.callers[user.email] = self.stack.api_client(token)
        return self.callers[user.email]

    def expect(self, response: ApiResponse, status: int, code: str = "", *fields: str) -> Json:
        """Check and print a response. Raises `StoryFailed` if it is unexpected.

        Only the named fields of the body are printed.
        """
        if response.status != status or response.code != code:
            raise StoryFailed(f"expected {status} {code}".rstrip() + f", but got: {response}")
        colour = "green" if status < HTTPStatus.BAD_REQUEST else "yellow"
        self.console.print(f"  {response.method} {escape(response.path)} → [{colour}]{status} {code}[/{colour}]")
        body = response.json
        for name in fields:
            if name in body:
                self.console.print(Padding(Text.assemble((f"{name}: ", "dim"), _readable(body[name])), (0, 0, 0, 4)))
        return body

    def wait_for_email(self, to: SampleUser, *, having: Callable[[SentEmail], bool] = lambda _: True) -> SentEmail:
        """Wait for an email to this user."""
        deadline = time.monotonic() + EMAIL_TIMEOUT
        while time.monotonic() < deadline:
            for email in sent_emails(self.stack.pool, self.stack.aws.endpoint):
                if to.email in email.to and having(email):
                    self.console.print(f"  [cyan]✉[/cyan] {escape(email.subject)} → {escape(to.email)}")
                    return email
            time.sleep(0.2)
        raise StoryFailed(f"no email reached {to.email} within {EMAIL_TIMEOUT:.0f} seconds")


def _readable(value: object) -> str:
    """Return a JSON value in readable form."""
    match value:
        case str():
            return value
        case list() if not value:
            return "none"
        case list() if all(isinstance(each, str) for each in value):
            return ", ".join(value)
        case list():
            return "".join(f"\n· {_readable(each)}" for each in value)
        case dict():
            return "; ".join(f"{name} {_readable(each)}" for name, each in value.items())
    return json.dumps(value)


def _idempotency_key() -> str:
    return f"demo-{secrets.token_hex(8)}"


def run_story(stack: LocalStack, users: Mapping[str, SignInUser], console: Console) -> None:
    """Run all chapters in order."""
    story = Story(stack, users, console, {})
    by_access_link(story)
    by_migration(story)
    by_client_creation(story)
    staying_in_control(story)
    offboarding(story)
    reporting(story)
    proving(story)


def create_pending_requests(stack: LocalStack, users: Mapping[str, SignInUser]) -> dict[str, int]:
    """Create two requests for users who try the pages, one in each language.

    Return the index of the email in the inbox by its recipient.
    """
    story = Story(stack, users, Console(quiet=True), {})
    requests = (
        (sample.NORA, sample.HARBOUR, sample.LARS, sample.CLARA, "Move the spare-parts desk to the new inbox"),
        (sample.KEN, sample.MINATO, sample.KEN, sample.YUKI, "春の販促キャンペーンの準備"),
    )
    for manager, partner, employee, recipient, purpose in requests:
        body: Json = {
            "employee_id": users[employee.email].user_id,
            "recipient_email": recipient.email,
            "access_days": 180,
            "purpose": purpose,
            "locale": recipient.locale,
            "max_approvals": 5,
        }
        story.expect(
            story.api_client(manager).post(f"/partners/{partner}/access-links", body, key=_idempotency_key()), 201
        )
    for *_, recipient, purpose in requests:
        story.wait_for_email(recipient, having=lambda email, purpose=purpose: purpose in email.text)  # type: ignore[misc]
    emails = sent_emails(stack.pool, stack.aws.endpoint)
    return {
        recipient.email: next(nth for nth, email in enumerate(emails) if purpose in email.text)
        for *_, recipient, purpose in requests
    }


def by_access_link(story: Story) -> None:
    """Demonstrate an access link: a partner requests access and a client approves it."""
    story.chapter("1. An access link: the partner asks, the client approves")
    nora, alice, ben, ivy = (story.api_client(user) for user in (sample.NORA, sample.ALICE, sample.BEN, sample.IVY))
    tom = story.users[sample.TOM.email].user_id

    story.announce(
        "Nora manages client access at Harbour & Finch and requests access to Brightwater Clinics for Tom, a colleague."
    )
    link = story.expect(
        nora.post(
            f"/partners/{sample.HARBOUR}/access-links",
            {
                "employee_id": tom,
                "recipient_email": sample.ALICE.email,
                "permissions": {"remove": ["crm.export"]},
                "access_days": 365,
                "purpose": "Rebuild the booking campaigns for spring",
            },
            key=_idempotency_key(),
        ),
        201,
        "",
        "link_id",
        "state",
        "permissions",
        "expires_at",
    )

    story.announce("Alice at Brightwater gets an email with a separate link. Its secret is in no server log.")
    found = SECRET_PATTERN.search(
        story.wait_for_email(sample.ALICE, having=lambda email: bool(SECRET_PATTERN.search(email.text))).text
    )
    if not found:
        raise StoryFailed("the email has no link")
    secret = found.group(1)
    if secret in link["url"]:
        raise StoryFailed("the email repeats the secret that was returned to the partner")

    story.announce(
        "Alice opens the link. This changes nothing. It shows who asks, and what Tom will not be able to do."
    )
    story.expect(alice.post("/access-links/preview", {"secret": secret}), 200, "", "partner", "cannot", "accounts")

    story.announce("Ivy, a marketer at Brightwater, has the link too, but cannot approve it.")
    approval: Json = {"secret": secret, "account_id": sample.BRIGHTWATER}
    story.expect(
        ivy.post("/access-links/approvals", approval, key=_idempotency_key()), 403, "not_an_approver", "detail"
    )

    story.announce("Alice approves less than was requested: fewer permissions, and half a year instead of a whole one.")
    approval |= {"access_days": 180, "permissions": {"remove": ["account.website"]}}
    key = _idempotency_key()
    grant = story.expect(
        alice.post("/access-links/approvals", approval, key=key),
        201,
        "",
        "grant_id",
        "source",
        "state",
        "seat",
        "requested",
        "permissions",
        "expires_at",
    )

    story.announce(
        "The browser lost the response and retries with the same Idempotency-Key: the same response, one grant."
    )
    again = alice.post("/access-links/approvals", approval, key=key)
    replayed = story.expect(again, 201, "", "grant_id")
    if again.headers.get("idempotent-replayed") != "true" or replayed["grant_id"] != grant["grant_id"]:
        raise StoryFailed(f"the response was not a replay: {again}")
    story.console.print("  Idempotent-Replayed: true")

    story.announce("Ben, the other super admin, tries it a minute later.")
    story.expect(
        ben.post("/access-links/approvals", approval, key=_idempotency_key()), 409, "link_already_used", "detail"
    )
    story.wait_for_email(sample.TOM)

    story.announce("Tom now sees the account in the list of accounts.")
    story.expect(story.api_client(sample.TOM).get("/accounts"), 200, "", "items")


def by_migration(story: Story) -> None:
    """Demonstrate a migration: a super admin who works for the partner becomes a partner admin."""
    story.chapter("2. Migration: a super admin who works for the partner becomes a partner admin")
    priya, lars = story.api_client(sample.PRIYA), story.api_client(sample.LARS)
    body: Json = {"account_ids": [sample.OAK_AND_IRON, sample.SILVER_BIRCH, sample.JUNIPER_LANE]}

    story.announce("Priya of Harbour & Finch is super admin of three clients. A dry run shows what would be lost.")
    preview = story.expect(
        priya.post(f"/partners/{sample.HARBOUR}/migrations", body | {"dry_run": True}, key=_idempotency_key()),
        200,
        "",
        "items",
    )
    _check_outcome(preview, sample.OAK_AND_IRON, "would_migrate")
    if (
        "account.billing.manage"
        not in next(row for row in preview["items"] if row["account_id"] == sample.OAK_AND_IRON)["lost"]
    ):
        raise StoryFailed(f"the preview does not show what would be lost: {preview}")

    story.announce("Then Priya migrates. The product rejects only the account that would have no super admin left.")
    done = story.expect(
        priya.post(f"/partners/{sample.HARBOUR}/migrations", body, key=_idempotency_key()), 200, "", "items"
    )
    _check_outcome(done, sample.OAK_AND_IRON, "done")
    _check_outcome(done, sample.SILVER_BIRCH, "done")
    _check_outcome(done, sample.JUNIPER_LANE, "failed")
    story.wait_for_email(sample.CLARA)

    story.announce("Lars is now the last super admin of Silver Birch Travel, and so cannot migrate.")
    story.expect(
        lars.post(
            f"/accounts/{sample.SILVER_BIRCH}/migrations",
            {"user_id": story.users[sample.LARS.email].user_id},
            key=_idempotency_key(),
        ),
        409,
        "last_super_admin",
        "detail",
    )


def _check_outcome(report: Json, account_id: str, outcome: str) -> None:
    (row,) = (row for row in report["items"] if row["account_id"] == account_id)
    if row["outcome"] != outcome:
        raise StoryFailed(f"{account_id}: expected {outcome}, but got {row}")


def by_client_creation(story: Story) -> None:
    """Demonstrate client creation: a client adds a partner employee directly."""
    story.chapter("3. Client creation: the client adds the partner's employee itself")
    yuki = story.api_client(sample.YUKI)
    users = f"/accounts/{sample.AOZORA}/users"

    story.announce(
        "小林 由紀, super admin of あおぞらフーズ, lists the permission sets to choose from for 鈴木 葵 of みなと企画."
    )
    sets = story.expect(yuki.get(f"/accounts/{sample.AOZORA}/permission-sets?email={sample.AOI.email}"), 200)
    story.console.print(f"    {', '.join(choice['permission_set'] for choice in sets['items'])}")

    story.announce("Then 小林 由紀 adds 鈴木 葵 as a partner admin.")
    story.expect(
        yuki.post(users, {"email": sample.AOI.email, "permission_set": "partner_admin"}, key=_idempotency_key()),
        201,
        "",
        "user_id",
        "permission_set",
        "seat",
        "state",
        "partner_id",
    )
    story.wait_for_email(sample.AOI)

    story.announce("Sam works for Harbour & Finch, but with an address outside its verified domains.")
    story.expect(
        yuki.post(users, {"email": sample.SAM.email, "permission_set": "partner_admin"}, key=_idempotency_key()),
        409,
        "not_eligible",
        "detail",
    )


def staying_in_control(story: Story) -> None:
    """Demonstrate client control: the client lists its users and removes permissions."""
    story.chapter("4. Staying in control: the client sees who has access, and edits permissions")
    alice, tom = story.api_client(sample.ALICE), story.users[sample.TOM.email].user_id
    users = f"/accounts/{sample.BRIGHTWATER}/users"

    story.announce("One request lists who has access now, with which set, since when, by which user, and until when.")
    listed = story.expect(alice.get(f"{users}?state=active&limit=100"), 200)
    for each in listed["items"]:
        since = f"since {each['since'][:10]}" + (f" by {each['granted_by_name']}" if "granted_by_name" in each else "")
        until = f", until {each['expires_at'][:10]}" if "expires_at" in each else ""
        story.console.print(f"    {escape(each['name'])}: {each['permission_set']}, {since}{until}")

    story.announce("Alice removes Tom's permission to import. An edit must name the version that it is based on.")
    change: Json = {"permissions": {"remove": ["account.website", "crm.export", "crm.import"]}}
    story.expect(
        alice.call("PATCH", f"{users}/{tom}", change, key=_idempotency_key()), 428, "precondition_required", "detail"
    )
    version = alice.get(f"{users}/{tom}").headers["etag"]
    edited = alice.call("PATCH", f"{users}/{tom}", change, key=_idempotency_key(), headers={"if-match": version})
    story.expect(edited, 200, "", "permissions", "expires_at")
    story.wait_for_email(sample.TOM, having=lambda email: email.subject.startswith("Changed"))

    story.announce("Tom cannot take it back: you can only grant permissions that you hold.")
    version = edited.headers["etag"]
    again = story.api_client(sample.TOM).call(
        "PATCH", f"{users}/{tom}", {"permissions": {}}, key=_idempotency_key(), headers={"if-match": version}
    )
    story.expect(again, 403, "permission_not_held", "detail")


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
    receipt = story.expect(nora.call("DELETE", access, key=_idempotency_key()), 200, "", "items")
    _check_outcome(receipt, sample.OAK_AND_IRON, "ended")
    _check_outcome(receipt, sample.SILVER_BIRCH, "ended")
    _check_outcome(receipt, sample.JUNIPER_LANE, "retained")
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
    story.console.print("  $ python -m tools.operate audit-log verify audit-log.jsonl")
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
