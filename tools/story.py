"""The demo's story: three ways to become a partner admin, and the use of that access. Every response is checked."""

import re
from collections.abc import Mapping

from rich.console import Console

from tools import directory_sample as sample
from tools.api_client import Json
from tools.emails import sent_emails
from tools.local_stack import LocalStack
from tools.sign_in import SignInUser
from tools.story_control import offboarding, proving, reporting, staying_in_control
from tools.story_steps import Story, StoryFailed, check_outcome, new_idempotency_key

SECRET_PATTERN = re.compile(r"#(pal_[\w.-]+_[0-9a-f]{8})", re.ASCII)


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
            story.api_client(manager).post(f"/partners/{partner}/access-links", body, key=new_idempotency_key()), 201
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
            key=new_idempotency_key(),
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
        ivy.post("/access-links/approvals", approval, key=new_idempotency_key()), 403, "not_an_approver", "detail"
    )

    story.announce("Alice approves less than was requested: fewer permissions, and half a year instead of a whole one.")
    approval |= {"access_days": 180, "permissions": {"remove": ["account.website"]}}
    key = new_idempotency_key()
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
        ben.post("/access-links/approvals", approval, key=new_idempotency_key()), 409, "link_already_used", "detail"
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
        priya.post(f"/partners/{sample.HARBOUR}/migrations", body | {"dry_run": True}, key=new_idempotency_key()),
        200,
        "",
        "items",
    )
    check_outcome(preview, sample.OAK_AND_IRON, "would_migrate")
    if (
        "account.billing.manage"
        not in next(row for row in preview["items"] if row["account_id"] == sample.OAK_AND_IRON)["lost"]
    ):
        raise StoryFailed(f"the preview does not show what would be lost: {preview}")

    story.announce("Then Priya migrates. The product rejects only the account that would have no super admin left.")
    done = story.expect(
        priya.post(f"/partners/{sample.HARBOUR}/migrations", body, key=new_idempotency_key()), 200, "", "items"
    )
    check_outcome(done, sample.OAK_AND_IRON, "done")
    check_outcome(done, sample.SILVER_BIRCH, "done")
    check_outcome(done, sample.JUNIPER_LANE, "failed")
    story.wait_for_email(sample.CLARA)

    story.announce("Lars is now the last super admin of Silver Birch Travel, and so cannot migrate.")
    story.expect(
        lars.post(
            f"/accounts/{sample.SILVER_BIRCH}/migrations",
            {"user_id": story.users[sample.LARS.email].user_id},
            key=new_idempotency_key(),
        ),
        409,
        "last_super_admin",
        "detail",
    )


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
        yuki.post(users, {"email": sample.AOI.email, "permission_set": "partner_admin"}, key=new_idempotency_key()),
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
        yuki.post(users, {"email": sample.SAM.email, "permission_set": "partner_admin"}, key=new_idempotency_key()),
        409,
        "not_eligible",
        "detail",
    )
