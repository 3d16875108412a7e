"""The three ways to become a partner admin and life with one, told as they happen: real requests, every answer checked."""

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
from tools.api_client import Answer, Caller, Json
from tools.deployment import STACK
from tools.directory_sample import Resident
from tools.emails import Letter, sent_letters
from tools.local_stack import Stack
from tools.operate import audit_log
from tools.operate.audit_export import Broken, verified
from tools.operate.formats import Format, write
from tools.operate.reports import COLUMNS, PARTITIONS, report
from tools.operate.scan import scan
from tools.operate.stack import Site, clients_of
from tools.sign_in import DECIDE, Person

SECRET = re.compile(r"#(pal_[\w.-]+_[0-9a-f]{8})", re.ASCII)
LETTER_WITHIN = 30.0


class StoryFailed(Exception):
    """A step was answered otherwise than the product promises; the message says which and how."""


@dataclass(slots=True)
class Story:
    """Tells, calls, and checks."""

    stack: Stack
    people: Mapping[str, Person]
    console: Console
    callers: dict[str, Caller]

    def chapter(self, title: str) -> None:
        """Begin one of the three ways."""
        self.console.print()
        self.console.print(Rule(title, align="left"))

    def tell(self, sentence: str) -> None:
        """Say what happens next."""
        self.console.print(f"\n[bold]{escape(sentence)}[/bold]")

    def caller(self, who: Resident) -> Caller:
        """Somebody, signed in."""
        if who.email not in self.callers:
            person = self.people[who.email]
            token = self.stack.sign_in.as_person(self.stack.pool, person.email, person.password)
            self.callers[who.email] = self.stack.caller(token)
        return self.callers[who.email]

    def expect(self, answer: Answer, status: int, code: str = "", *shown: str) -> Json:
        """Show an answer, or fail; of a long one only the named fields are shown."""
        if answer.status != status or answer.code != code:
            raise StoryFailed(f"expected {status} {code}".rstrip() + f", and got: {answer}")
        colour = "green" if status < HTTPStatus.BAD_REQUEST else "yellow"
        self.console.print(f"  {answer.method} {escape(answer.path)} → [{colour}]{status} {code}[/{colour}]")
        body = answer.json
        for name in shown:
            if name in body:
                self.console.print(Padding(Text.assemble((f"{name}: ", "dim"), _written(body[name])), (0, 0, 0, 4)))
        return body

    def letter(self, to: Resident, *, having: Callable[[Letter], bool] = lambda _: True) -> Letter:
        """Wait for a letter to somebody."""
        patience = time.monotonic() + LETTER_WITHIN
        while time.monotonic() < patience:
            for letter in sent_letters(self.stack.pool, self.stack.aws.endpoint):
                if to.email in letter.to and having(letter):
                    self.console.print(f"  [cyan]✉[/cyan] {escape(letter.subject)} → {escape(to.email)}")
                    return letter
            time.sleep(0.2)
        raise StoryFailed(f"no letter came to {to.email} within {LETTER_WITHIN:.0f} seconds")


def _written(value: object) -> str:
    """A value of JSON as a person would write it down."""
    match value:
        case str():
            return value
        case list() if not value:
            return "none"
        case list() if all(isinstance(each, str) for each in value):
            return ", ".join(value)
        case list():
            return "".join(f"\n· {_written(each)}" for each in value)
        case dict():
            return "; ".join(f"{name} {_written(each)}" for name, each in value.items())
    return json.dumps(value)


def _key() -> str:
    return f"demo-{secrets.token_hex(8)}"


def tell_story(stack: Stack, people: Mapping[str, Person], console: Console) -> None:
    """All three ways, one after the other, and what comes after."""
    story = Story(stack, people, console, {})
    by_access_link(story)
    by_migration(story)
    by_client_creation(story)
    staying_in_control(story)
    leaving(story)
    reporting(story)
    proving(story)


def letters_to_answer(stack: Stack, people: Mapping[str, Person]) -> dict[str, int]:
    """Two requests that wait for whoever tries the pages, one in each language: to whom, and which letter it is."""
    story = Story(stack, people, Console(quiet=True), {})
    asked = (
        (sample.NORA, sample.HARBOUR, sample.LARS, sample.CLARA, "Move the spare-parts desk to the new inbox"),
        (sample.KEN, sample.MINATO, sample.KEN, sample.YUKI, "春の販促キャンペーンの準備"),
    )
    for manager, partner, employee, recipient, purpose in asked:
        wanted: Json = {
            "employee_id": people[employee.email].user_id,
            "recipient_email": recipient.email,
            "access_days": 180,
            "purpose": purpose,
            "locale": recipient.locale,
            "max_approvals": 5,
        }
        story.expect(story.caller(manager).post(f"/partners/{partner}/access-links", wanted, key=_key()), 201)
    for *_, recipient, purpose in asked:
        story.letter(recipient, having=lambda letter, purpose=purpose: purpose in letter.text)  # type: ignore[misc]
    letters = sent_letters(stack.pool, stack.aws.endpoint)
    return {
        recipient.email: next(nth for nth, letter in enumerate(letters) if purpose in letter.text)
        for *_, recipient, purpose in asked
    }


def by_access_link(story: Story) -> None:
    """A partner asks, a client approves."""
    story.chapter("1. An access link: the partner asks, the client approves")
    nora, alice, ben, ivy = (story.caller(who) for who in (sample.NORA, sample.ALICE, sample.BEN, sample.IVY))
    tom = story.people[sample.TOM.email].user_id

    story.tell(
        "Nora manages client access at Harbour & Finch. She asks Brightwater Clinics to let her colleague Tom in."
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
            key=_key(),
        ),
        201,
        "",
        "link_id",
        "state",
        "permissions",
        "expires_at",
    )

    story.tell("The letter to Alice at Brightwater holds a link of its own; its secret is in no server's log.")
    found = SECRET.search(story.letter(sample.ALICE, having=lambda letter: bool(SECRET.search(letter.text))).text)
    if not found:
        raise StoryFailed("the letter holds no link")
    secret = found.group(1)
    if secret in link["url"]:
        raise StoryFailed("the letter repeats the secret that was answered to the partner")

    story.tell("Alice opens it. Nothing changes yet: she sees who asks, and what Tom will not be able to do.")
    story.expect(alice.post("/access-links/preview", {"secret": secret}), 200, "", "partner", "cannot", "accounts")

    story.tell("Ivy, a marketer at Brightwater, has the link too. She may not decide.")
    approval: Json = {"secret": secret, "account_id": sample.BRIGHTWATER}
    story.expect(ivy.post("/access-links/approvals", approval, key=_key()), 403, "not_an_approver", "detail")

    story.tell("Alice makes a counter-offer: less than was asked for, and half a year instead of a whole one.")
    approval |= {"access_days": 180, "permissions": {"remove": ["account.website"]}}
    key = _key()
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

    story.tell("Her browser lost the answer and asks again with the same Idempotency-Key: the same answer, one grant.")
    again = alice.post("/access-links/approvals", approval, key=key)
    replayed = story.expect(again, 201, "", "grant_id")
    if again.headers.get("idempotent-replayed") != "true" or replayed["grant_id"] != grant["grant_id"]:
        raise StoryFailed(f"the answer was not a replay: {again}")
    story.console.print("  Idempotent-Replayed: true")

    story.tell("Ben, the other super admin, comes a minute later.")
    story.expect(ben.post("/access-links/approvals", approval, key=_key()), 409, "link_already_used", "detail")
    story.letter(sample.TOM)

    story.tell("Tom sees the account among his own.")
    story.expect(story.caller(sample.TOM).get("/accounts"), 200, "", "items")


def by_migration(story: Story) -> None:
    """A super admin of the partner gives up what he should not have."""
    story.chapter("2. Migration: a super admin who works for the partner becomes a partner admin")
    priya, lars = story.caller(sample.PRIYA), story.caller(sample.LARS)
    wanted: Json = {"account_ids": [sample.OAK_AND_IRON, sample.TWO_OF_A_FIRM, sample.NOBODY_ELSE]}

    story.tell("Priya of Harbour & Finch is super admin of three clients. First she looks at what she would lose.")
    shown = story.expect(
        priya.post(f"/partners/{sample.HARBOUR}/migrations", wanted | {"dry_run": True}, key=_key()), 200, "", "items"
    )
    _must_be(shown, sample.OAK_AND_IRON, "would_migrate")
    if (
        "account.billing.manage"
        not in next(row for row in shown["items"] if row["account_id"] == sample.OAK_AND_IRON)["lost"]
    ):
        raise StoryFailed(f"the preview does not tell what would be lost: {shown}")

    story.tell("Then she does it. Where nobody else is left to be super admin, the product says no to that one alone.")
    done = story.expect(priya.post(f"/partners/{sample.HARBOUR}/migrations", wanted, key=_key()), 200, "", "items")
    _must_be(done, sample.OAK_AND_IRON, "done")
    _must_be(done, sample.TWO_OF_A_FIRM, "done")
    _must_be(done, sample.NOBODY_ELSE, "failed")
    story.letter(sample.CLARA)

    story.tell("Lars is now the last super admin of Silver Birch Travel. He cannot go the same way.")
    story.expect(
        lars.post(
            f"/accounts/{sample.TWO_OF_A_FIRM}/migrations",
            {"user_id": story.people[sample.LARS.email].user_id},
            key=_key(),
        ),
        409,
        "last_super_admin",
        "detail",
    )


def _must_be(report: Json, account_id: str, outcome: str) -> None:
    (row,) = (row for row in report["items"] if row["account_id"] == account_id)
    if row["outcome"] != outcome:
        raise StoryFailed(f"{account_id}: expected {outcome}, and got {row}")


def by_client_creation(story: Story) -> None:
    """A client adds the partner's employee directly."""
    story.chapter("3. Client creation: the client adds the partner's employee itself")
    yuki = story.caller(sample.YUKI)
    users = f"/accounts/{sample.AOZORA}/users"

    story.tell("小林 由紀, super admin of あおぞらフーズ, asks which sets she may give to 鈴木 葵 of みなと企画.")
    sets = story.expect(yuki.get(f"/accounts/{sample.AOZORA}/permission-sets?email={sample.AOI.email}"), 200)
    story.console.print(f"    {', '.join(choice['permission_set'] for choice in sets['items'])}")

    story.tell("She adds her as partner admin.")
    story.expect(
        yuki.post(users, {"email": sample.AOI.email, "permission_set": "partner_admin"}, key=_key()),
        201,
        "",
        "user_id",
        "permission_set",
        "seat",
        "state",
        "partner_id",
    )
    story.letter(sample.AOI)

    story.tell("Sam works for Harbour & Finch, but with an address outside of its verified domains.")
    story.expect(
        yuki.post(users, {"email": sample.SAM.email, "permission_set": "partner_admin"}, key=_key()),
        409,
        "not_eligible",
        "detail",
    )


def staying_in_control(story: Story) -> None:
    """The client sees who is in, and takes something away."""
    story.chapter("4. Staying in control: the client sees who is in, and edits what they may do")
    alice, tom = story.caller(sample.ALICE), story.people[sample.TOM.email].user_id
    users = f"/accounts/{sample.BRIGHTWATER}/users"

    story.tell("Who can get in right now, with what, since when and by whom, until when? One request.")
    listed = story.expect(alice.get(f"{users}?state=active&limit=100"), 200)
    for each in listed["items"]:
        since = f"since {each['since'][:10]}" + (f" by {each['granted_by_name']}" if "granted_by_name" in each else "")
        until = f", until {each['expires_at'][:10]}" if "expires_at" in each else ""
        story.console.print(f"    {escape(each['name'])}: {each['permission_set']}, {since}{until}")

    story.tell(
        "Tom shall not import any more. An edit names the version that Alice saw; without it nothing is changed."
    )
    change: Json = {"permissions": {"remove": ["account.website", "crm.export", "crm.import"]}}
    story.expect(alice.call("PATCH", f"{users}/{tom}", change, key=_key()), 428, "precondition_required", "detail")
    seen = alice.get(f"{users}/{tom}").headers["etag"]
    edited = alice.call("PATCH", f"{users}/{tom}", change, key=_key(), headers={"if-match": seen})
    story.expect(edited, 200, "", "permissions", "expires_at")
    story.letter(sample.TOM, having=lambda letter: letter.subject.startswith("Changed"))

    story.tell("Tom cannot take it back: nobody gives what he does not hold.")
    seen = edited.headers["etag"]
    again = story.caller(sample.TOM).call(
        "PATCH", f"{users}/{tom}", {"permissions": {}}, key=_key(), headers={"if-match": seen}
    )
    story.expect(again, 403, "permission_not_held", "detail")


def _question(story: Story, who: Resident, permission: str, account_id: str) -> Json:
    """Whether somebody may do this there, as AuthZEN asks it."""
    return {
        "subject": {"type": "user", "id": story.people[who.email].user_id},
        "action": {"name": permission},
        "resource": {"type": "account", "id": account_id},
    }


def leaving(story: Story) -> None:
    """Somebody leaves: one call, every client."""
    story.chapter("5. Leaving: one call ends a person's access everywhere")
    nora, priya = story.caller(sample.NORA), story.caller(sample.PRIYA)
    product = story.stack.machine(DECIDE)
    access = f"/partners/{sample.HARBOUR}/employees/{story.people[sample.PRIYA.email].user_id}/access"

    story.tell("Priya leaves Harbour & Finch. Nora looks at what would end, and at what only the client can take.")
    story.expect(nora.call("DELETE", f"{access}?dry_run=true"), 200, "", "items")

    story.tell("Meanwhile the vendor's product asks at every request: may Priya do this here?")
    question = _question(story, sample.PRIYA, "crm.contacts.edit", sample.OAK_AND_IRON)
    if not story.expect(product.post("/access/v1/evaluation", question), 200, "", "decision", "context")["decision"]:
        raise StoryFailed("Priya may not do what she may")

    story.tell("She ends it: gone everywhere from this instant, with a receipt for each client.")
    receipt = story.expect(nora.call("DELETE", access, key=_key()), 200, "", "items")
    _must_be(receipt, sample.OAK_AND_IRON, "ended")
    _must_be(receipt, sample.TWO_OF_A_FIRM, "ended")
    _must_be(receipt, sample.NOBODY_ELSE, "retained")
    story.letter(sample.CLARA, having=lambda letter: "no longer works on" in letter.subject)

    story.tell("Priya's next request finds only her own firm, and the client that made her its super admin.")
    left = story.expect(priya.get("/accounts"), 200, "", "items")
    if {each["account_id"] for each in left["items"]} != {sample.HARBOUR, sample.NOBODY_ELSE}:
        raise StoryFailed(f"access is left that should be gone: {left}")

    story.tell("The product asks again, and why: what decided, who could change it, and by which request.")
    if story.expect(product.post("/access/v1/evaluation", question), 200, "", "decision")["decision"]:
        raise StoryFailed("Priya may still do what she may not any more")
    story.expect(product.post("/access/v1/explanations", question), 200, "", "rule", "changeable_by", "advice")

    story.tell("The client reads it in its own trail, with names.")
    told = story.expect(story.caller(sample.CLARA).get(f"/accounts/{sample.OAK_AND_IRON}/audit?limit=5"), 200)
    for entry in told["items"]:
        who = told["names"].get(entry["actor_id"], entry["actor_id"])
        story.console.print(f"    {entry['at'][:19]}  {entry['event']}, by {escape(who)}")


def reporting(story: Story) -> None:
    """The vendor's operator asks the whole table."""
    story.chapter("6. Reports: what the vendor's operator asks")
    aws = story.stack.aws
    items = scan(aws.session().client("dynamodb", endpoint_url=aws.endpoint), story.stack.table, *PARTITIONS)
    for told, what, asked in (
        ("Whose access ends within half a year?", "ending", "ending --days 183"),
        ("Which accounts hang on one super admin, who is partner staff?", "sole", "sole"),
    ):
        story.tell(told)
        story.console.print(f"  $ python -m tools.operate report {asked} --demo")
        printed = io.StringIO()
        write(report(what, items, datetime.now(UTC), 183), COLUMNS[what], Format.TABLE, printed)
        story.console.print(Padding(Text(printed.getvalue().rstrip()), (0, 0, 0, 2)), soft_wrap=True)


def proving(story: Story) -> None:
    """The trail proves itself, and whoever rewrites the table is found."""
    story.chapter("7. Proof: the trail is chained and sealed, and nobody rewrites it unseen")
    stack, account_id = story.stack, sample.BRIGHTWATER
    site = Site(STACK, clients_of(stack.aws))
    patience = time.monotonic() + LETTER_WITHIN
    while audit_log.export(site, stack.table, account_id).waiting:
        if time.monotonic() > patience:
            raise StoryFailed(f"entries of {account_id} are not in its chain after {LETTER_WITHIN:.0f} seconds")
        time.sleep(0.2)

    story.tell("Every five minutes all trails get one signed seal, locked away for a year. Here it is made at once.")
    function = stack.deployed.resources["SignAuditLogFunction"]
    sealed = site.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    if "FunctionError" in sealed:
        raise StoryFailed(f"nothing was sealed: {sealed['Payload'].read().decode()}")

    story.tell("The client's trail is exported; anybody checks it offline, with the public key of the seals.")
    story.console.print(f"  $ python -m tools.operate audit-log export {account_id} --demo")
    story.console.print("  $ python -m tools.operate audit-log verify audit-log.jsonl")
    key, found = audit_log.public_key(site), audit_log.export(site, stack.table, account_id).found
    seal = verified(found.written(), key).seals[0].seal
    story.console.print(
        f"    [green]✓[/green] {len(found.links)} entries, {found.sealed} of them under seal {seal.number}"
    )

    story.tell("Somebody with the run of the table makes it look as if another had approved.")
    table = stack.aws.session().resource("dynamodb", endpoint_url=stack.aws.endpoint).Table(stack.table)
    approval = next(link.entry for link in found.links if link.entry.event == "link.approved")
    place = {"pk": f"{keys.AUDIT}{account_id}", "sk": approval.audit_id}
    item = table.get_item(Key=place, ConsistentRead=True)["Item"]
    table.put_item(Item={**item, "actor_id": "somebody-else"})
    try:
        verified(audit_log.export(site, stack.table, account_id).found.written(), key)
    except Broken as broken:
        story.console.print(f"    [red]✗[/red] {escape(str(broken))}")
    else:
        raise StoryFailed("an altered trail passed for the one that was sealed")
    finally:
        table.put_item(Item=item)
