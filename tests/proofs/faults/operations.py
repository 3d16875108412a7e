"""All operations that change something, each with a setup in which it succeeds: routes and background functions."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from tests.support import link_requests, membership_facts
from tests.support.background_functions import (
    EXPIRE_LINKS,
    PUBLISH_AUDIT_EVENTS,
    RECONCILE_ACCESS,
    RECORD_EMAIL_FEEDBACK,
    SEND_EMAILS,
    SIGN_AUDIT_LOG,
    Clock,
    publish_audit_events,
    run_function,
    run_send_emails,
    send_emails_from_stream,
)
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    PARTNER,
    a_custom_set,
    a_grant,
    a_member,
    a_partner_admin,
    the_client,
)
from tests.support.fake_event_bus import FakeEventBus
from tests.support.fake_ses import FakeSes, feedback
from tests.support.fake_tree_head_store import fake_tree_head_store
from tests.support.gateway import DIRECTORY, VENDOR, ApiResponse, call
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, an_open_link, now, seed
from tests.support.table import Item, Table

SECOND: Final = "client-second"
RECIPIENT: Final = "admin@client.example"
SETS: Final = "/accounts/{account_id}/permission-sets"
SET_UPDATES: Final = f"{SETS}/updates"
ACCESS: Final = "/partners/{partner_id}/employees/{user_id}/access"
MEMBER: Final = "/directory/accounts/{account_id}/members/{user_id}"
ADD_COLLEAGUES: Final = "POST /partners/{partner_id}/clients/{account_id}/users"
OTHER_GRANT: Final = a_grant(grant_id=f"grt_{'8' * 32}")


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of the operations: the table and the fakes around it.

    `mailbox` has the emails sent, and `clock` is the clock of the background functions. `tree_head_stores` holds the
    fake stores for signed tree heads.
    """

    table: Table
    mailbox: FakeSes
    event_bus: FakeEventBus
    clock: Clock
    tree_head_stores: ExitStack

    def reset(self, *others: Any) -> None:
        """Reset the table to the usual records plus these, and forget everything that was sent or published."""
        self.table.clear()
        self.clock.time = now()
        seed(self.table, *others)
        self.mailbox.sent.clear()
        self.event_bus.accepted.clear()

    def audit_entries(self) -> list[Item]:
        """Return the audit entries that operations wrote, as the table's stream delivers them."""
        return [item for item in self.table.items_with_prefix("AUDIT#") if item["event"] != "grant.given"]


Attempt = Callable[[str], ApiResponse | None]
"""One attempt under an idempotency key. A background function ignores the key and returns no response."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, named by its route or by the module of its background function.

    `sets` prepares the environment and returns the attempt.
    """

    route: str
    prepare: Callable[[Environment], Attempt]
    in_parts: bool = False
    """True if the operation uses several transactions, each of which is atomic."""


def _with_records(attempt: Attempt, *records: Any) -> Callable[[Environment], Attempt]:
    def prepare(fault_environment: Environment) -> Attempt:
        fault_environment.reset(*records)
        return attempt

    return prepare


def _with_link(attempt: Attempt, **changes: Any) -> Callable[[Environment], Attempt]:
    def prepare(fault_environment: Environment) -> Attempt:
        fault_environment.reset(an_open_link(created_by=MANAGER, **changes))
        return attempt

    return prepare


def _directory_put(route: str, body: object, **path_parameters: str) -> Attempt:
    return lambda key: call(
        route, VENDOR, body, scope=DIRECTORY, headers=link_requests.idempotency_header(key), **path_parameters
    )


def _set_request(method: str, key: str, body: object = None, **path_parameters: str) -> ApiResponse:
    path = f"{SETS}/{{set_id}}" if path_parameters else SETS
    headers = {"if-match": '"1"', "idempotency-key": key} if path_parameters else link_requests.idempotency_header(key)
    return call(f"{method} {path}", APPROVER, body, headers=headers, account_id=CLIENT, **path_parameters)


def _two_clients() -> tuple[Any, ...]:
    second = the_client(account_id=SECOND, name="The Second")
    return second, a_member(APPROVER, account_id=SECOND)


def _admin_of_two_clients() -> tuple[Any, ...]:
    """Return records in which the employee is partner admin of two clients."""
    second = a_partner_admin(account_id=SECOND, grant=OTHER_GRANT)
    return (a_partner_admin(), *_two_clients(), second)


def _queue_two_emails(fault_environment: Environment) -> None:
    """Create two pending emails: one with a link, one about an approval."""
    fault_environment.reset()
    assert link_requests.approve().status == 201
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    fault_environment.clock.catch_up()


def _send_by_sweep(fault_environment: Environment) -> Attempt:
    _queue_two_emails(fault_environment)
    return lambda _: run_send_emails()


def _send_by_stream(fault_environment: Environment) -> Attempt:
    _queue_two_emails(fault_environment)
    records = fault_environment.table.items_with_prefix("OUTBOX#")

    def attempt(_: str) -> None:
        send_emails_from_stream(records)

    return attempt


def _expire(fault_environment: Environment) -> Attempt:
    over = fault_environment.clock.time - timedelta(hours=2)
    due = a_partner_admin(COLLEAGUE, grant=a_grant(expires_at=over), due_at=over)
    fault_environment.reset(an_open_link(expires_at=over, created_by=MANAGER), due)
    return lambda _: run_function(EXPIRE_LINKS, {})


def _reconcile(fault_environment: Environment) -> Attempt:
    fault_environment.reset(*_admin_of_two_clients())
    link_requests.put_user(EMPLOYEE, active=False)
    fault_environment.clock.catch_up()
    return lambda _: run_function(RECONCILE_ACCESS, {})


def _publish_audit_events(fault_environment: Environment) -> Attempt:
    fault_environment.reset()
    assert link_requests.approve().status == 201
    records = fault_environment.audit_entries()

    def attempt(_: str) -> None:
        publish_audit_events(records)

    return attempt


def _sign_audit_log(fault_environment: Environment) -> Attempt:
    """Use a new tree head store, because the old one contains earlier tree heads."""
    fault_environment.tree_head_stores.enter_context(fake_tree_head_store())
    _publish_audit_events(fault_environment)("")
    return lambda _: run_function(SIGN_AUDIT_LOG, {})


def _record_bounce(fault_environment: Environment) -> Attempt:
    """Send an email that bounces."""
    fault_environment.reset(an_open_link(created_by=MANAGER))
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    fault_environment.clock.catch_up()
    run_send_emails()
    (copy,) = fault_environment.mailbox.sent
    bounce = feedback("Bounce", copy.delivery, copy.address, bounce={"bounceType": "Permanent"})
    return lambda _: run_function(RECORD_EMAIL_FEEDBACK, bounce)


OPERATIONS: Final = (
    Operation(
        f"POST {link_requests.LINKS}",
        _with_records(lambda key: link_requests.create(key=key, employee_id=EMPLOYEE, recipient_email=RECIPIENT)),
    ),
    Operation(link_requests.APPROVALS, _with_link(lambda key: link_requests.approve(key=key))),
    Operation(link_requests.DECLINES, _with_link(lambda key: link_requests.decline(key=key))),
    Operation(
        link_requests.RENEWALS, _with_link(lambda key: link_requests.request_renewal(key=key), stored_state="revoked")
    ),
    Operation(
        f"POST {link_requests.ONE_LINK}/resend",
        _with_link(lambda key: link_requests.resend(key=key), recipient=RECIPIENT, delivery_status="sent"),
    ),
    Operation(
        f"DELETE {link_requests.ONE_LINK}",
        _with_link(lambda key: link_requests.revoke(headers=link_requests.idempotency_header(key))),
    ),
    Operation(
        "POST /accounts/{account_id}/users",
        _with_records(
            lambda key: call(
                "POST /accounts/{account_id}/users",
                APPROVER,
                {"email": f"{EMPLOYEE}@north.example", "permission_set": "partner_admin"},
                headers=link_requests.idempotency_header(key),
                account_id=CLIENT,
            )
        ),
    ),
    Operation(
        ADD_COLLEAGUES,
        _with_records(
            lambda key: call(
                ADD_COLLEAGUES,
                EMPLOYEE,
                {"employee_ids": [COLLEAGUE, MANAGER], "permission_set": "view_only"},
                headers=link_requests.idempotency_header(key),
                partner_id=PARTNER,
                account_id=CLIENT,
            ),
            a_partner_admin(),
        ),
        in_parts=True,
    ),
    Operation(
        "POST /accounts/{account_id}/migrations",
        _with_records(
            lambda key: call(
                "POST /accounts/{account_id}/migrations",
                EMPLOYEE,
                {"user_id": EMPLOYEE},
                headers=link_requests.idempotency_header(key),
                account_id=CLIENT,
            ),
            a_member(EMPLOYEE),
        ),
    ),
    Operation(
        "POST /partners/{partner_id}/migrations",
        _with_records(
            lambda key: call(
                "POST /partners/{partner_id}/migrations",
                EMPLOYEE,
                {"account_ids": [CLIENT, SECOND]},
                headers=link_requests.idempotency_header(key),
                partner_id=PARTNER,
            ),
            a_member(EMPLOYEE),
            *_two_clients(),
            a_member(EMPLOYEE, account_id=SECOND),
        ),
        in_parts=True,
    ),
    Operation(
        f"PATCH {membership_facts.USER}",
        _with_records(
            lambda key: membership_facts.edit(key=key, permissions={"remove": ["reports.view"]}), a_partner_admin()
        ),
    ),
    Operation(
        f"DELETE {membership_facts.USER}",
        _with_records(lambda key: membership_facts.remove(key=key), a_partner_admin()),
    ),
    Operation(
        f"PUT {membership_facts.SUSPENSION}",
        _with_records(lambda key: membership_facts.suspend(key=key), a_partner_admin()),
    ),
    Operation(
        f"DELETE {membership_facts.SUSPENSION}",
        _with_records(
            lambda key: membership_facts.resume(key=key), a_partner_admin(suspended_by=frozenset({"client"}))
        ),
    ),
    Operation(
        f"DELETE {ACCESS}",
        _with_records(
            lambda key: call(
                f"DELETE {ACCESS}",
                MANAGER,
                partner_id=PARTNER,
                user_id=EMPLOYEE,
                headers=link_requests.idempotency_header(key),
            ),
            *_admin_of_two_clients(),
        ),
        in_parts=True,
    ),
    Operation(
        f"POST {SET_UPDATES}",
        _with_records(
            lambda key: call(
                f"POST {SET_UPDATES}",
                APPROVER,
                {"permission_set": "partner_admin", "version": 2, "user_ids": [EMPLOYEE, COLLEAGUE]},
                account_id=CLIENT,
                headers=link_requests.idempotency_header(key),
            ),
            a_partner_admin(set_version=1),
            a_partner_admin(COLLEAGUE, set_version=1, grant=OTHER_GRANT),
        ),
        in_parts=True,
    ),
    Operation(
        f"POST {SETS}",
        _with_records(lambda key: _set_request("POST", key, {"name": "Desk", "permissions": ["crm.tickets.view"]})),
    ),
    Operation(
        f"PUT {SETS}/{{set_id}}",
        _with_records(
            lambda key: _set_request(
                "PUT", key, {"name": "Desk", "permissions": ["crm.tickets.view"]}, set_id=CUSTOM_SET
            ),
            a_custom_set(),
        ),
    ),
    Operation(
        f"DELETE {SETS}/{{set_id}}",
        _with_records(lambda key: _set_request("DELETE", key, set_id=CUSTOM_SET), a_custom_set()),
    ),
    Operation(
        "PUT /directory/accounts/{account_id}",
        _with_records(
            _directory_put("PUT /directory/accounts/{account_id}", {"program": "terminated"}, account_id=PARTNER),
            *_admin_of_two_clients(),
        ),
    ),
    Operation(
        "PUT /directory/users/{user_id}",
        _with_records(
            _directory_put("PUT /directory/users/{user_id}", {"active": False}, user_id=EMPLOYEE),
            *_admin_of_two_clients(),
        ),
    ),
    Operation(
        "POST /directory/users/{user_id}/erasure",
        _with_records(
            _directory_put("POST /directory/users/{user_id}/erasure", {}, user_id=EMPLOYEE), a_partner_admin()
        ),
    ),
    Operation(
        f"PUT {MEMBER}",
        _with_records(_directory_put(f"PUT {MEMBER}", {"permission_set": "sales"}, account_id=CLIENT, user_id=CLERK)),
    ),
    Operation(SEND_EMAILS, _send_by_sweep, in_parts=True),
    Operation(f"{SEND_EMAILS}, by the stream", _send_by_stream, in_parts=True),
    Operation(EXPIRE_LINKS, _expire, in_parts=True),
    Operation(RECONCILE_ACCESS, _reconcile, in_parts=True),
    Operation(PUBLISH_AUDIT_EVENTS, _publish_audit_events, in_parts=True),
    Operation(SIGN_AUDIT_LOG, _sign_audit_log, in_parts=True),
    Operation(RECORD_EMAIL_FEEDBACK, _record_bounce, in_parts=True),
)
