"""A small initial state in which all operations can run at once, and these operations.

They belong to users, the vendor and background jobs. There is one free partner seat. A colleague is partner admin of
the client. Another partner admin is suspended there. A consultant of the partner is a super admin. One employee was
offboarded and their reconciliation has not run. One grant has expired. One email is pending.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from partner_access.domain.email_delivery import Delivery, DeliveryStatus
from partner_access.domain.links.links import LinkDeliveryStatus
from partner_access.domain.links.secrets import LinkSecret
from partner_access.domain.memberships.members import SuspensionReason
from partner_access.domain.records import Record
from partner_access.store import keys
from partner_access.store.outbox import delivery_id
from tests.proofs.interleavings.attempts import Operation
from tests.support import background_functions, fake_ses, link_requests, membership_facts
from tests.support.authzen_requests import action, resource, subject
from tests.support.background_functions import (
    EXPIRE_LINKS,
    PUBLISH_AUDIT_EVENTS,
    RECONCILE_ACCESS,
    RECORD_EMAIL_FEEDBACK,
    SEND_EMAILS,
    SIGN_AUDIT_LOG,
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
from tests.support.gateway import DECIDE, VENDOR, ApiResponse, call, call_as_vendor
from tests.support.link_requests import idempotency_header
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, a_partner_account_member, store_records
from tests.support.table import Item, Table

OWNER: Final = "user-owner"
CONSULTANT: Final = "user-consultant"
SUSPENDED: Final = "user-stopped"
OFFBOARDED: Final = "user-leaver"
ENDING: Final = "user-ending"
FLORIST: Final = "client-florist"
FLORA: Final = "user-flora"
MULTI_USE_LINK: Final = f"lnk_{'4' * 32}"
MULTI_USE_SECRET: Final = LinkSecret.write(PARTNER, MULTI_USE_LINK, "m" * 43)
EXPIRED_LINK: Final = f"lnk_{'5' * 32}"
EXPIRED_SECRET: Final = LinkSecret.write(PARTNER, EXPIRED_LINK, "o" * 43)
ADDRESS: Final = "desk@bakery.example"
SENT_DELIVERY: Final = "d" * 32
WEEK: Final = timedelta(days=8)


def grant_of(digit: str, **changes: Any) -> Any:
    return a_grant(grant_id=f"grt_{digit * 32}", **changes)


def fill_table(table: Table) -> None:
    """Create all accounts, users, members, links and deliveries."""
    opened_by = {text: frozenset({LinkSecret.read(text).fingerprint}) for text in (MULTI_USE_SECRET, EXPIRED_SECRET)}
    records: tuple[Record, ...] = (
        the_partner(),
        the_client(partner_seat_limit=3),
        the_client(account_id=FLORIST, name="The Florist"),
        *map(an_employee, (MANAGER, EMPLOYEE, COLLEAGUE, CONSULTANT, SUSPENDED, OFFBOARDED, ENDING)),
        *map(a_user, (APPROVER, OWNER, CLERK, FLORA)),
        a_partner_account_member(MANAGER, "super_admin"),
        *map(a_partner_account_member, (EMPLOYEE, COLLEAGUE, CONSULTANT, SUSPENDED, OFFBOARDED, ENDING)),
        a_member(APPROVER),
        a_member(OWNER),
        a_member(CONSULTANT),
        a_member(CLERK, "view_only"),
        a_partner_admin(COLLEAGUE, set_version=1, grant=grant_of("6")),
        a_partner_admin(
            SUSPENDED, set_version=1, grant=grant_of("7"), suspended_by=frozenset({SuspensionReason.CLIENT})
        ),
        a_custom_set(),
        a_member(FLORA, account_id=FLORIST),
        a_member(CONSULTANT, account_id=FLORIST),
        a_partner_admin(OFFBOARDED, account_id=FLORIST, grant=grant_of("8")),
        a_partner_admin(
            ENDING, account_id=FLORIST, grant=grant_of("9", expires_at=NOW - timedelta(minutes=1), last_warning_days=1)
        ),
        a_link(created_by=MANAGER, delivery_status=LinkDeliveryStatus.SENT, recipient=ADDRESS),
        a_link(link_id=MULTI_USE_LINK, max_approvals=2, secrets=opened_by[MULTI_USE_SECRET]),
        a_link(
            link_id=EXPIRED_LINK,
            created_at=NOW - timedelta(days=8),
            expires_at=NOW - timedelta(days=1),
            secrets=opened_by[EXPIRED_SECRET],
        ),
    )
    store_records(table, records)
    sent = Delivery(
        delivery_id=SENT_DELIVERY,
        outbox_id="0" * 32,
        delivery_status=DeliveryStatus.SENT,
        next_at=NOW,
        attempt="0" * 32,
        attempts=1,
        partner_id=PARTNER,
        link_id=LINK,
    )
    table.put(keys.delivery(SENT_DELIVERY), dict(sent))


# operations that ran before the initial state

INVITE: Final = Operation(
    "invite",
    "before",
    lambda key: link_requests.create(employee_id=EMPLOYEE, recipient_email=ADDRESS, key=key),
)
OFFBOARD_AT_ONCE: Final = Operation("leave at once", "before", lambda key: offboard(OFFBOARDED, key=key))


# routes without a helper in link_requests and membership_facts


def create_user(actor_id: str, email: str, key: str, **fields: object) -> ApiResponse:
    body = {"email": email, "permission_set": "partner_admin", **fields}
    return call("POST /accounts/{account_id}/users", actor_id, body, account_id=CLIENT, headers=idempotency_header(key))


def add_colleagues(key: str) -> ApiResponse:
    route = "POST /partners/{partner_id}/clients/{account_id}/users"
    body = {"employee_ids": [EMPLOYEE, MANAGER], "permission_set": "view_only"}
    return call(route, COLLEAGUE, body, partner_id=PARTNER, account_id=CLIENT, headers=idempotency_header(key))


def migrate(actor_id: str, key: str) -> ApiResponse:
    body = {"user_id": CONSULTANT}
    return call(
        "POST /accounts/{account_id}/migrations", actor_id, body, account_id=CLIENT, headers=idempotency_header(key)
    )


def migrate_self(key: str) -> ApiResponse:
    body = {"account_ids": [CLIENT, FLORIST]}
    return call(
        "POST /partners/{partner_id}/migrations", CONSULTANT, body, partner_id=PARTNER, headers=idempotency_header(key)
    )


def offboard(user_id: str, key: str, actor_id: str = MANAGER) -> ApiResponse:
    route = "DELETE /partners/{partner_id}/employees/{user_id}/access"
    return call(route, actor_id, partner_id=PARTNER, user_id=user_id, headers=idempotency_header(key))


def put_account(account_id: str, key: str, **fields: object) -> ApiResponse:
    return call_as_vendor(
        "PUT /directory/accounts/{account_id}", fields, account_id=account_id, headers=idempotency_header(key)
    )


def put_user(user_id: str, key: str, **fields: object) -> ApiResponse:
    return call_as_vendor("PUT /directory/users/{user_id}", fields, user_id=user_id, headers=idempotency_header(key))


def put_member(account_id: str, user_id: str, key: str, **fields: object) -> ApiResponse:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return call_as_vendor(route, fields, account_id=account_id, user_id=user_id, headers=idempotency_header(key))


def erase(user_id: str, key: str) -> ApiResponse:
    return call_as_vendor("POST /directory/users/{user_id}/erasure", user_id=user_id, headers=idempotency_header(key))


SETS: Final = "/accounts/{account_id}/permission-sets"
DESK: Final = {"name": "Desk", "permissions": ["crm.tickets.view", "service.access"]}


def create_set(key: str) -> ApiResponse:
    return call(f"POST {SETS}", APPROVER, DESK, account_id=CLIENT, headers=idempotency_header(key))


def set_request(verb: str, key: str, body: object = None) -> ApiResponse:
    headers = {"if-match": '"1"', "idempotency-key": key}
    return call(f"{verb} {SETS}/{{set_id}}", APPROVER, body, account_id=CLIENT, set_id=CUSTOM_SET, headers=headers)


def accept_set_updates(key: str) -> ApiResponse:
    body = {"permission_set": "partner_admin", "version": 2, "user_ids": [COLLEAGUE, SUSPENDED]}
    return call(f"POST {SETS}/updates", APPROVER, body, account_id=CLIENT, headers=idempotency_header(key))


def decide(user_id: str = COLLEAGUE) -> ApiResponse:
    request = {"subject": subject(user_id), "action": action("crm.deals.edit"), "resource": resource(CLIENT, "account")}
    return call("POST /access/v1/evaluation", VENDOR, request, scope=DECIDE)


DECISION: Final = Operation("decide", "POST /access/v1/evaluation", lambda _: decide(), decides=True, is_keyed=False)
SUSPENSION: Final = membership_facts.SUSPENSION
USER: Final = membership_facts.USER
ACCESS: Final = "DELETE /partners/{partner_id}/employees/{user_id}/access"
DIRECTORY: Final = "PUT /directory"
ONE_SET: Final = f"{SETS}/{{set_id}}"
MEMBERS: Final = f"{DIRECTORY}/accounts/{{account_id}}/members/{{user_id}}"
CREATE: Final = "POST /accounts/{account_id}/users"

USER_OPERATIONS: Final = (
    Operation("create a link", f"POST {link_requests.LINKS}", lambda key: link_requests.create(employee_id=EMPLOYEE, key=key)),
    Operation("resend", f"POST {link_requests.ONE_LINK}/resend", lambda key: link_requests.resend(key=key)),
    Operation("revoke", f"DELETE {link_requests.ONE_LINK}", lambda key: link_requests.revoke(headers=idempotency_header(key))),
    Operation("revoke the link for many", f"DELETE {link_requests.ONE_LINK}",
              lambda key: link_requests.revoke(link_id=MULTI_USE_LINK, headers=idempotency_header(key))),
    Operation("request renewal", link_requests.RENEWALS, lambda key: link_requests.request_renewal(secret=EXPIRED_SECRET, key=key)),
    Operation("approve", link_requests.APPROVALS, lambda key: link_requests.approve(key=key)),
    Operation("approve as the owner", link_requests.APPROVALS, lambda key: link_requests.approve(OWNER, key=key)),
    Operation("approve elsewhere", link_requests.APPROVALS, lambda key: link_requests.approve(FLORA, account_id=FLORIST, key=key)),
    Operation("approve the link for many", link_requests.APPROVALS, lambda key: link_requests.approve(secret=MULTI_USE_SECRET, key=key)),
    Operation("approve the link for many elsewhere", link_requests.APPROVALS,
              lambda key: link_requests.approve(FLORA, secret=MULTI_USE_SECRET, account_id=FLORIST, key=key)),
    Operation("decline", link_requests.DECLINES, lambda key: link_requests.decline(OWNER, key=key)),
    Operation("decline the link for many", link_requests.DECLINES,
              lambda key: link_requests.decline(OWNER, secret=MULTI_USE_SECRET, key=key)),
    Operation("migrate", "POST /accounts/{account_id}/migrations", lambda key: migrate(OWNER, key)),
    Operation("migrate oneself", "POST /partners/{partner_id}/migrations", migrate_self, in_parts=True),
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
    Operation("end the colleague", f"DELETE {USER}", lambda key: membership_facts.remove(APPROVER, COLLEAGUE, key=key)),
    Operation("the approver goes", f"DELETE {USER}", lambda key: membership_facts.remove(APPROVER, APPROVER, key=key)),
    Operation("the owner goes", f"DELETE {USER}", lambda key: membership_facts.remove(OWNER, OWNER, key=key)),
    Operation("suspend the colleague", f"PUT {SUSPENSION}", lambda key: membership_facts.suspend(OWNER, COLLEAGUE, key=key)),
    Operation("the partner suspends the colleague", f"PUT {SUSPENSION}",
              lambda key: membership_facts.suspend(MANAGER, COLLEAGUE, key=key)),
    Operation("resume", f"DELETE {SUSPENSION}", lambda key: membership_facts.resume(OWNER, SUSPENDED, key=key)),
    Operation("end the colleague everywhere", ACCESS, lambda key: offboard(COLLEAGUE, key), in_parts=True),
    Operation("end the newcomer everywhere", ACCESS, lambda key: offboard(EMPLOYEE, key), in_parts=True),
    Operation("the manager goes everywhere", ACCESS, lambda key: offboard(MANAGER, key), in_parts=True),
    Operation("make a set", f"POST {SETS}", create_set),
    Operation("change a set", f"PUT {ONE_SET}", lambda key: set_request("PUT", key, DESK)),
    Operation("drop a set", f"DELETE {ONE_SET}", lambda key: set_request("DELETE", key)),
    Operation("accept a newer set", f"POST {SETS}/updates", accept_set_updates, in_parts=True),
)  # fmt: skip
VENDOR_OPERATIONS: Final = (
    Operation("fewer seats", f"{DIRECTORY}/accounts/{{account_id}}",
              lambda key: put_account(CLIENT, key, partner_seat_limit=2)),
    Operation("the client is closed", f"{DIRECTORY}/accounts/{{account_id}}",
              lambda key: put_account(CLIENT, key, state="closed")),
    Operation("the program is suspended", f"{DIRECTORY}/accounts/{{account_id}}",
              lambda key: put_account(PARTNER, key, program="suspended")),
    Operation("the program is terminated", f"{DIRECTORY}/accounts/{{account_id}}",
              lambda key: put_account(PARTNER, key, program="terminated")),
    Operation("the partner loses its domain", f"{DIRECTORY}/accounts/{{account_id}}",
              lambda key: put_account(PARTNER, key, domains=["elsewhere.example"])),
    Operation("deactivate the approver", f"{DIRECTORY}/users/{{user_id}}",
              lambda key: put_user(APPROVER, key, active=False)),
    Operation("deactivate the newcomer", f"{DIRECTORY}/users/{{user_id}}",
              lambda key: put_user(EMPLOYEE, key, active=False)),
    Operation("deactivate the colleague", f"{DIRECTORY}/users/{{user_id}}",
              lambda key: put_user(COLLEAGUE, key, active=False)),
    Operation("the vendor demotes the approver", MEMBERS,
              lambda key: put_member(CLIENT, APPROVER, key, permission_set="view_only")),
    Operation("the newcomer leaves the partner", MEMBERS,
              lambda key: put_member(PARTNER, EMPLOYEE, key, active=False)),
    Operation("the colleague leaves the partner", MEMBERS,
              lambda key: put_member(PARTNER, COLLEAGUE, key, active=False)),
    Operation("erase the newcomer", "POST /directory/users/{user_id}/erasure", lambda key: erase(EMPLOYEE, key)),
    Operation("erase the colleague", "POST /directory/users/{user_id}/erasure", lambda key: erase(COLLEAGUE, key)),
)  # fmt: skip
READ_OPERATIONS: Final = (
    Operation("preview", link_requests.PREVIEW, lambda _: link_requests.preview(), in_parts=True, is_keyed=False),
    DECISION,
)


def background_operations(items: Iterable[Item]) -> tuple[Operation, ...]:
    """Return the operations of background functions. Their streams deliver the items that are in the table."""
    there = sorted(items, key=lambda item: (item["pk"], item["sk"]))
    entries = [item for item in there if item["pk"].startswith("AUDIT#")]
    chained = {(item["pk"].removeprefix("CHAIN#"), item["sk"]) for item in there if item["pk"].startswith("CHAIN#")}
    new = [item for item in entries if (item["pk"].removeprefix("AUDIT#"), item["sk"]) not in chained]
    (outbox_item,) = (
        item for item in there if item["pk"].startswith("OUTBOX#") and item["notification"]["kind"] == "link_to_approve"
    )
    delivery = delivery_id(outbox_item["outbox_id"], ADDRESS)
    return (
        Operation(
            "send emails by schedule",
            SEND_EMAILS,
            lambda _: background_functions.run_send_emails(),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "send emails from the stream",
            SEND_EMAILS,
            lambda _: send_by_stream([outbox_item]),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "the email bounces",
            RECORD_EMAIL_FEEDBACK,
            lambda _: report_delivery("Bounce", delivery),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "the email was sent",
            RECORD_EMAIL_FEEDBACK,
            lambda _: report_delivery("Send", delivery),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "an older email bounces",
            RECORD_EMAIL_FEEDBACK,
            lambda _: report_delivery("Bounce", SENT_DELIVERY),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "reconcile",
            RECONCILE_ACCESS,
            lambda _: background_functions.run_reconcile_access(),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "the sweep of what is due",
            EXPIRE_LINKS,
            lambda _: run_schedule(EXPIRE_LINKS),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "the sweep a week later",
            EXPIRE_LINKS,
            lambda _: run_schedule(EXPIRE_LINKS),
            in_parts=True,
            is_keyed=False,
            later=WEEK,
        ),
        Operation(
            "publish audit events",
            PUBLISH_AUDIT_EVENTS,
            lambda _: background_functions.publish_audit_events([*new[:2], *entries[:1]]),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "publish more audit events",
            PUBLISH_AUDIT_EVENTS,
            lambda _: background_functions.publish_audit_events(new[1:3]),
            in_parts=True,
            is_keyed=False,
        ),
        Operation(
            "sign the audit log", SIGN_AUDIT_LOG, lambda _: run_schedule(SIGN_AUDIT_LOG), in_parts=True, is_keyed=False
        ),
    )


def send_by_stream(items: list[Item]) -> None:
    """Deliver stream records. Raise the error of the first record if no record succeeds."""
    try:
        response = background_functions.send_emails_from_stream(items)
    except BatchProcessingError as failed:
        _, error, _ = failed.child_exceptions[0]
        assert error
        raise error from failed
    assert response == {"batchItemFailures": []}


def run_schedule(module: str) -> None:
    assert background_functions.run_function(module, {}) is None


def report_delivery(kind: str, copy: str) -> None:
    bounce = {"bounce": {"bounceType": "Permanent"}} if kind == "Bounce" else {}
    assert (
        background_functions.run_function(RECORD_EMAIL_FEEDBACK, fake_ses.feedback(kind, copy, ADDRESS, **bounce))
        is None
    )
