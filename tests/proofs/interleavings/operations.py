"""A small world in which everything can happen at once, and every deed of people, the vendor and the workers in it.

There is one free seat. A colleague of the firm is partner admin of the client, another was stopped there, a consultant of
the firm runs it. One has left, and nobody has tidied up behind him; the grant of one is over; a letter waits.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from partner_access.domain.email_delivery import Delivery, Standing
from partner_access.domain.links.links import LinkDeliveryStatus
from partner_access.domain.links.secrets import Secret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Kept
from partner_access.store import keys
from partner_access.store.outbox import delivery_id
from tests.proofs.interleavings.attempts import Operation
from tests.support import background_functions, fake_ses, link_requests, membership_facts
from tests.support.authzen_requests import action, resource, subject
from tests.support.background_functions import (
    CLEAN_UP,
    EXPIRE_LINKS,
    FOLLOW_TRAIL,
    RECORD_DELIVERY,
    SEAL_TRAIL,
    SEND_LETTERS,
)
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    NOW,
    PARTNER,
    a_custom_set,
    a_grant,
    a_link,
    a_member,
    a_partner_admin,
    a_user,
    an_employee,
    the_client,
    the_partner,
)
from tests.support.gateway import DECIDE, VENDOR, Answer, call, tell
from tests.support.link_requests import keyed
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, keep, staff
from tests.support.table import Item, Table

OWNER: Final = "user-owner"
CONSULTANT: Final = "user-consultant"
STOPPED: Final = "user-stopped"
LEAVER: Final = "user-leaver"
ENDING: Final = "user-ending"
FLORIST: Final = "client-florist"
FLORA: Final = "user-flora"
MANY: Final = f"lnk_{'4' * 32}"
MANY_TEXT: Final = Secret.write(PARTNER, MANY, "m" * 43)
OVER: Final = f"lnk_{'5' * 32}"
OVER_TEXT: Final = Secret.write(PARTNER, OVER, "o" * 43)
ADDRESS: Final = "desk@bakery.example"
SENT: Final = "d" * 32
WEEK: Final = timedelta(days=8)


def grant_of(digit: str, **changes: Any) -> Any:
    return a_grant(grant_id=f"grt_{digit * 32}", **changes)


def fill(table: Table) -> None:
    """Let everybody be there."""
    opened_by = {text: frozenset({Secret.read(text).fingerprint}) for text in (MANY_TEXT, OVER_TEXT)}
    records: tuple[Kept, ...] = (
        the_partner(),
        the_client(partner_seat_limit=3),
        the_client(account_id=FLORIST, name="The Florist"),
        *map(an_employee, (MANAGER, EMPLOYEE, COLLEAGUE, CONSULTANT, STOPPED, LEAVER, ENDING)),
        *map(a_user, (APPROVER, OWNER, CLERK, FLORA)),
        staff(MANAGER, "super_admin"),
        *map(staff, (EMPLOYEE, COLLEAGUE, CONSULTANT, STOPPED, LEAVER, ENDING)),
        a_member(APPROVER),
        a_member(OWNER),
        a_member(CONSULTANT),
        a_member(CLERK, "view_only"),
        a_partner_admin(COLLEAGUE, set_version=1, grant=grant_of("6")),
        a_partner_admin(STOPPED, set_version=1, grant=grant_of("7"), suspended_by=frozenset({SuspensionReason.CLIENT})),
        a_custom_set(),
        a_member(FLORA, account_id=FLORIST),
        a_member(CONSULTANT, account_id=FLORIST),
        a_partner_admin(LEAVER, account_id=FLORIST, grant=grant_of("8")),
        a_partner_admin(
            ENDING, account_id=FLORIST, grant=grant_of("9", expires_at=NOW - timedelta(minutes=1), last_warning_days=1)
        ),
        a_link(created_by=MANAGER, delivery_status=LinkDeliveryStatus.SENT, recipient=ADDRESS),
        a_link(link_id=MANY, max_approvals=2, secrets=opened_by[MANY_TEXT]),
        a_link(
            link_id=OVER,
            created_at=NOW - timedelta(days=8),
            expires_at=NOW - timedelta(days=1),
            secrets=opened_by[OVER_TEXT],
        ),
    )
    keep(table, records)
    sent = Delivery(
        delivery_id=SENT,
        outbox_id="0" * 32,
        delivery_status=Standing.SENT,
        next_at=NOW,
        attempt="0" * 32,
        attempts=1,
        partner_id=PARTNER,
        link_id=LINK,
    )
    table.put(keys.delivery(SENT), dict(sent))


# what happened before

INVITE: Final = Operation(
    "invite",
    "before",
    lambda key: link_requests.create(employee_id=EMPLOYEE, recipient_email=ADDRESS, key=key),
)
LEFT_AT_ONCE: Final = Operation("leave at once", "before", lambda key: end_access(LEAVER, key=key))


# the doors that knocks and hands have not


def create_user(by: str, email: str, key: str, **wish: object) -> Answer:
    body = {"email": email, "permission_set": "partner_admin", **wish}
    return call("POST /accounts/{account_id}/users", by, body, account_id=CLIENT, headers=keyed(key))


def add_colleagues(key: str) -> Answer:
    route = "POST /partners/{partner_id}/clients/{account_id}/users"
    wish = {"employee_ids": [EMPLOYEE, MANAGER], "permission_set": "view_only"}
    return call(route, COLLEAGUE, wish, partner_id=PARTNER, account_id=CLIENT, headers=keyed(key))


def migrate(by: str, key: str) -> Answer:
    wish = {"user_id": CONSULTANT}
    return call("POST /accounts/{account_id}/migrations", by, wish, account_id=CLIENT, headers=keyed(key))


def migrate_oneself(key: str) -> Answer:
    wish = {"account_ids": [CLIENT, FLORIST]}
    return call("POST /partners/{partner_id}/migrations", CONSULTANT, wish, partner_id=PARTNER, headers=keyed(key))


def end_access(user_id: str, key: str, by: str = MANAGER) -> Answer:
    route = "DELETE /partners/{partner_id}/employees/{user_id}/access"
    return call(route, by, partner_id=PARTNER, user_id=user_id, headers=keyed(key))


def account_is_told(account_id: str, key: str, **told: object) -> Answer:
    return tell("PUT /directory/accounts/{account_id}", told, account_id=account_id, headers=keyed(key))


def user_is_told(user_id: str, key: str, **told: object) -> Answer:
    return tell("PUT /directory/users/{user_id}", told, user_id=user_id, headers=keyed(key))


def member_is_told(account_id: str, user_id: str, key: str, **told: object) -> Answer:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return tell(route, told, account_id=account_id, user_id=user_id, headers=keyed(key))


def erase(user_id: str, key: str) -> Answer:
    return tell("POST /directory/users/{user_id}/erasure", user_id=user_id, headers=keyed(key))


SETS: Final = "/accounts/{account_id}/permission-sets"
DESK: Final = {"name": "Desk", "permissions": ["crm.tickets.view", "service.access"]}


def make_set(key: str) -> Answer:
    return call(f"POST {SETS}", APPROVER, DESK, account_id=CLIENT, headers=keyed(key))


def of_set(verb: str, key: str, wish: object = None) -> Answer:
    headers = {"if-match": '"1"', "idempotency-key": key}
    return call(f"{verb} {SETS}/{{set_id}}", APPROVER, wish, account_id=CLIENT, set_id=CUSTOM_SET, headers=headers)


def accept(key: str) -> Answer:
    wish = {"permission_set": "partner_admin", "version": 2, "user_ids": [COLLEAGUE, STOPPED]}
    return call(f"POST {SETS}/updates", APPROVER, wish, account_id=CLIENT, headers=keyed(key))


def decides(user_id: str = COLLEAGUE) -> Answer:
    asked = {"subject": subject(user_id), "action": action("crm.deals.edit"), "resource": resource(CLIENT, "account")}
    return call("POST /access/v1/evaluation", VENDOR, asked, scope=DECIDE)


DECISION: Final = Operation("decide", "POST /access/v1/evaluation", lambda _: decides(), decides=True, is_keyed=False)
SUSPENSION: Final = membership_facts.SUSPENSION
USER: Final = membership_facts.USER
ACCESS: Final = "DELETE /partners/{partner_id}/employees/{user_id}/access"
TOLD: Final = "PUT /directory"
OF_A_SET: Final = f"{SETS}/{{set_id}}"
MEMBERS: Final = f"{TOLD}/accounts/{{account_id}}/members/{{user_id}}"
CREATE: Final = "POST /accounts/{account_id}/users"

OF_PEOPLE: Final = (
    Operation("create a link", f"POST {link_requests.LINKS}", lambda key: link_requests.create(employee_id=EMPLOYEE, key=key)),
    Operation("resend", f"POST {link_requests.ONE}/resend", lambda key: link_requests.resend(key=key)),
    Operation("revoke", f"DELETE {link_requests.ONE}", lambda key: link_requests.revoke(headers=keyed(key))),
    Operation("revoke the link for many", f"DELETE {link_requests.ONE}",
              lambda key: link_requests.revoke(link_id=MANY, headers=keyed(key))),
    Operation("ask anew", link_requests.RENEWALS, lambda key: link_requests.renew(secret=OVER_TEXT, key=key)),
    Operation("approve", link_requests.APPROVALS, lambda key: link_requests.approve(key=key)),
    Operation("approve as the owner", link_requests.APPROVALS, lambda key: link_requests.approve(OWNER, key=key)),
    Operation("approve elsewhere", link_requests.APPROVALS, lambda key: link_requests.approve(FLORA, account_id=FLORIST, key=key)),
    Operation("approve the link for many", link_requests.APPROVALS, lambda key: link_requests.approve(secret=MANY_TEXT, key=key)),
    Operation("approve the link for many elsewhere", link_requests.APPROVALS,
              lambda key: link_requests.approve(FLORA, secret=MANY_TEXT, account_id=FLORIST, key=key)),
    Operation("decline", link_requests.REFUSALS, lambda key: link_requests.decline(OWNER, key=key)),
    Operation("decline the link for many", link_requests.REFUSALS,
              lambda key: link_requests.decline(OWNER, secret=MANY_TEXT, key=key)),
    Operation("migrate", "POST /accounts/{account_id}/migrations", lambda key: migrate(OWNER, key)),
    Operation("migrate oneself", "POST /partners/{partner_id}/migrations", migrate_oneself, in_parts=True),
    Operation("create a partner admin", CREATE, lambda key: create_user(OWNER, f"{EMPLOYEE}@north.example", key)),
    Operation("create a user with an own set", CREATE,
              lambda key: create_user(APPROVER, f"{FLORA}@bakery.example", key, permission_set=CUSTOM_SET)),
    Operation("add colleagues", "POST /partners/{partner_id}/clients/{account_id}/users", add_colleagues,
              in_parts=True),
    Operation("edit the colleague", f"PATCH {USER}",
              lambda key: membership_facts.edit(APPROVER, COLLEAGUE, key=key, permissions={"remove": ["crm.import"]})),
    Operation("demote the owner", f"PATCH {USER}",
              lambda key: membership_facts.edit(APPROVER, OWNER, key=key, permission_set="view_only")),
    Operation("demote the approver", f"PATCH {USER}",
              lambda key: membership_facts.edit(OWNER, APPROVER, key=key, permission_set="view_only")),
    Operation("the consultant demotes the approver", f"PATCH {USER}",
              lambda key: membership_facts.edit(CONSULTANT, APPROVER, key=key, permission_set="view_only")),
    Operation("promote the clerk", f"PATCH {USER}",
              lambda key: membership_facts.edit(OWNER, CLERK, key=key, permission_set="super_admin")),
    Operation("give the clerk an own set", f"PATCH {USER}",
              lambda key: membership_facts.edit(OWNER, CLERK, key=key, permission_set=CUSTOM_SET)),
    Operation("end the colleague", f"DELETE {USER}", lambda key: membership_facts.end(APPROVER, COLLEAGUE, key=key)),
    Operation("the approver goes", f"DELETE {USER}", lambda key: membership_facts.end(APPROVER, APPROVER, key=key)),
    Operation("the owner goes", f"DELETE {USER}", lambda key: membership_facts.end(OWNER, OWNER, key=key)),
    Operation("suspend the colleague", f"PUT {SUSPENSION}", lambda key: membership_facts.suspend(OWNER, COLLEAGUE, key=key)),
    Operation("the firm suspends the colleague", f"PUT {SUSPENSION}",
              lambda key: membership_facts.suspend(MANAGER, COLLEAGUE, key=key)),
    Operation("resume", f"DELETE {SUSPENSION}", lambda key: membership_facts.resume(OWNER, STOPPED, key=key)),
    Operation("end the colleague everywhere", ACCESS, lambda key: end_access(COLLEAGUE, key), in_parts=True),
    Operation("end the newcomer everywhere", ACCESS, lambda key: end_access(EMPLOYEE, key), in_parts=True),
    Operation("the manager goes everywhere", ACCESS, lambda key: end_access(MANAGER, key), in_parts=True),
    Operation("make a set", f"POST {SETS}", make_set),
    Operation("change a set", f"PUT {OF_A_SET}", lambda key: of_set("PUT", key, DESK)),
    Operation("drop a set", f"DELETE {OF_A_SET}", lambda key: of_set("DELETE", key)),
    Operation("accept a newer set", f"POST {SETS}/updates", accept, in_parts=True),
)  # fmt: skip
OF_THE_VENDOR: Final = (
    Operation("fewer seats", f"{TOLD}/accounts/{{account_id}}",
              lambda key: account_is_told(CLIENT, key, partner_seat_limit=2)),
    Operation("the client is closed", f"{TOLD}/accounts/{{account_id}}",
              lambda key: account_is_told(CLIENT, key, state="closed")),
    Operation("the program is suspended", f"{TOLD}/accounts/{{account_id}}",
              lambda key: account_is_told(PARTNER, key, program="suspended")),
    Operation("the program is terminated", f"{TOLD}/accounts/{{account_id}}",
              lambda key: account_is_told(PARTNER, key, program="terminated")),
    Operation("the firm loses its domain", f"{TOLD}/accounts/{{account_id}}",
              lambda key: account_is_told(PARTNER, key, domains=["elsewhere.example"])),
    Operation("deactivate the approver", f"{TOLD}/users/{{user_id}}",
              lambda key: user_is_told(APPROVER, key, active=False)),
    Operation("deactivate the newcomer", f"{TOLD}/users/{{user_id}}",
              lambda key: user_is_told(EMPLOYEE, key, active=False)),
    Operation("deactivate the colleague", f"{TOLD}/users/{{user_id}}",
              lambda key: user_is_told(COLLEAGUE, key, active=False)),
    Operation("the vendor demotes the approver", MEMBERS,
              lambda key: member_is_told(CLIENT, APPROVER, key, permission_set="view_only")),
    Operation("the newcomer leaves the firm", MEMBERS,
              lambda key: member_is_told(PARTNER, EMPLOYEE, key, active=False)),
    Operation("the colleague leaves the firm", MEMBERS,
              lambda key: member_is_told(PARTNER, COLLEAGUE, key, active=False)),
    Operation("erase the newcomer", "POST /directory/users/{user_id}/erasure", lambda key: erase(EMPLOYEE, key)),
    Operation("erase the colleague", "POST /directory/users/{user_id}/erasure", lambda key: erase(COLLEAGUE, key)),
)  # fmt: skip
READING: Final = (
    Operation("preview", link_requests.PREVIEW, lambda _: link_requests.preview(), in_parts=True, is_keyed=False),
    DECISION,
)


def of_workers(items: Iterable[Item]) -> tuple[Operation, ...]:
    """What nobody asks for; the streams bring what is in the table."""
    there = sorted(items, key=lambda item: (item["pk"], item["sk"]))
    entries = [item for item in there if item["pk"].startswith("AUDIT#")]
    chained = {(item["pk"].removeprefix("CHAIN#"), item["sk"]) for item in there if item["pk"].startswith("CHAIN#")}
    new = [item for item in entries if (item["pk"].removeprefix("AUDIT#"), item["sk"]) not in chained]
    (letter,) = (
        item for item in there if item["pk"].startswith("OUTBOX#") and item["notification"]["kind"] == "link_to_approve"
    )
    copy = delivery_id(letter["outbox_id"], ADDRESS)
    return (
        Operation(
            "the mailer's sweep", SEND_LETTERS, lambda _: background_functions.sweep(), in_parts=True, is_keyed=False
        ),
        Operation("the mailer's stream", SEND_LETTERS, lambda _: streamed([letter]), in_parts=True, is_keyed=False),
        Operation(
            "the letter bounces", RECORD_DELIVERY, lambda _: reported("Bounce", copy), in_parts=True, is_keyed=False
        ),
        Operation(
            "the letter was sent", RECORD_DELIVERY, lambda _: reported("Send", copy), in_parts=True, is_keyed=False
        ),
        Operation(
            "an older letter bounces",
            RECORD_DELIVERY,
            lambda _: reported("Bounce", SENT),
            in_parts=True,
            is_keyed=False,
        ),
        Operation("clean-up", CLEAN_UP, lambda _: background_functions.clean_up(), in_parts=True, is_keyed=False),
        Operation("the sweep of what is due", EXPIRE_LINKS, lambda _: ran(EXPIRE_LINKS), in_parts=True, is_keyed=False),
        Operation(
            "the sweep a week later",
            EXPIRE_LINKS,
            lambda _: ran(EXPIRE_LINKS),
            in_parts=True,
            is_keyed=False,
            later=WEEK,
        ),
        Operation(
            "follow the trail",
            FOLLOW_TRAIL,
            lambda _: background_functions.publish_audit_events([*new[:2], *entries[:1]]),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "follow the trail further",
            FOLLOW_TRAIL,
            lambda _: background_functions.publish_audit_events(new[1:3]),
            in_parts=True,
            is_keyed=False,
        ),
        Operation("seal", SEAL_TRAIL, lambda _: ran(SEAL_TRAIL), in_parts=True, is_keyed=False),
    )


def streamed(items: list[Item]) -> None:
    """A batch of which nothing was done is raised as a whole, for whatever it was that went wrong."""
    try:
        answer = background_functions.stream(items)
    except BatchProcessingError as failed:
        _, error, _ = failed.child_exceptions[0]
        assert error
        raise error from failed
    assert answer == {"batchItemFailures": []}


def ran(module: str) -> None:
    assert background_functions.run(module, {}) is None


def reported(kind: str, copy: str) -> None:
    bounce = {"bounce": {"bounceType": "Permanent"}} if kind == "Bounce" else {}
    assert background_functions.run(RECORD_DELIVERY, fake_ses.report(kind, copy, ADDRESS, **bounce)) is None
