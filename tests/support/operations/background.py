"""Functions that no request starts: schedules, streams and delivery reports."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from tests.support import fake_ses, link_requests
from tests.support.background_functions import (
    EXPIRE_LINKS,
    RECONCILE_ACCESS,
    RECORD_EMAIL_FEEDBACK,
    SIGN_AUDIT_LOG,
    publish_audit_events,
    run_expire_links,
    run_function,
    run_reconcile_access,
    run_send_emails,
    send_emails_from_stream,
)
from tests.support.builders import EMPLOYEE, a_grant, a_partner_admin
from tests.support.busy_table import ADDRESS, SENT_DELIVERY, WEEK
from tests.support.environment import RECIPIENT, Environment
from tests.support.fake_tree_head_store import fake_tree_head_store
from tests.support.operations.permissions import (
    CHAIN,
    DELETE,
    PUBLISH,
    QUERY,
    QUERY_DUE,
    QUERY_LISTING,
    READ,
    SEND,
    SIGN_TREE_HEAD,
    STREAM,
    WRITE,
)
from tests.support.operations.relationships import admin_of_two_clients
from tests.support.operations.rows import BackgroundRow, ConcurrentCase, Draw, FunctionRow
from tests.support.seeded_table import COLLEAGUE, MANAGER, an_open_link
from tests.support.table import Item


def case(
    name: str, run: Callable[[], object], *, has_effect: bool = True, later: timedelta = timedelta()
) -> ConcurrentCase:
    """Return a case without an idempotency key, whose reads and writes are not at one instant."""

    def run_without_response(_: str) -> None:
        run()

    return ConcurrentCase(name, run_without_response, in_parts=True, is_keyed=False, has_effect=has_effect, later=later)


def send_by_stream(items: list[Item]) -> None:
    """Deliver stream records. Raise the error of the first record if no record succeeds."""
    try:
        response = send_emails_from_stream(items)
    except BatchProcessingError as failed:
        _, error, _ = failed.child_exceptions[0]
        assert error
        raise error from failed
    assert response == {"batchItemFailures": []}


def run_schedule(module: str) -> None:
    assert run_function(module, {}) is None


def report_delivery(kind: str, copy: str) -> None:
    bounce = {"bounce": {"bounceType": "Permanent"}} if kind == "Bounce" else {}
    assert run_function(RECORD_EMAIL_FEEDBACK, fake_ses.feedback(kind, copy, ADDRESS, **bounce)) is None


# the environments of the runs with faults


def _queue_two_emails(environment: Environment) -> None:
    """Create two pending emails: one with a link, one about an approval."""
    environment.reset()
    assert link_requests.approve().status == 201
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    environment.clock.catch_up()


def _send_by_sweep(environment: Environment) -> Callable[[str], Any]:
    _queue_two_emails(environment)
    return lambda _: run_send_emails()


def _send_by_stream(environment: Environment) -> Callable[[str], Any]:
    _queue_two_emails(environment)
    records = environment.table.items_with_prefix("OUTBOX#")

    def attempt(_: str) -> None:
        send_emails_from_stream(records)

    return attempt


def _expire(environment: Environment) -> Callable[[str], Any]:
    over = environment.clock.time - timedelta(hours=2)
    due = a_partner_admin(COLLEAGUE, grant=a_grant(expires_at=over), due_at=over)
    environment.reset(an_open_link(expires_at=over, created_by=MANAGER), due)
    return lambda _: run_function(EXPIRE_LINKS, {})


def _reconcile(environment: Environment) -> Callable[[str], Any]:
    environment.reset(*admin_of_two_clients())
    link_requests.put_user(EMPLOYEE, active=False)
    environment.clock.catch_up()
    return lambda _: run_function(RECONCILE_ACCESS, {})


def _publish_audit_events(environment: Environment) -> Callable[[str], Any]:
    environment.reset()
    assert link_requests.approve().status == 201
    records = environment.audit_entries()

    def attempt(_: str) -> None:
        publish_audit_events(records)

    return attempt


def _sign_audit_log(environment: Environment) -> Callable[[str], Any]:
    """Use a new tree head store, because the old one contains earlier tree heads."""
    environment.tree_head_stores.enter_context(fake_tree_head_store())
    _publish_audit_events(environment)("")
    return lambda _: run_function(SIGN_AUDIT_LOG, {})


def _record_bounce(environment: Environment) -> Callable[[str], Any]:
    """Send an email that bounces."""
    environment.reset(an_open_link(created_by=MANAGER))
    assert link_requests.create(employee_id=COLLEAGUE, recipient_email=RECIPIENT).status == 201
    environment.clock.catch_up()
    run_send_emails()
    (copy,) = environment.mailbox.sent
    bounce = fake_ses.feedback("Bounce", copy.delivery, copy.address, bounce={"bounceType": "Permanent"})
    return lambda _: run_function(RECORD_EMAIL_FEEDBACK, bounce)


FUNCTIONS: Final = (
    FunctionRow(
        "send_emails",
        READ | WRITE | DELETE | QUERY | STREAM | SEND,
        background=BackgroundRow(
            concurrent=lambda items: (
                case("send emails by schedule", run_send_emails),
                case("send emails from the stream", lambda: send_by_stream([items.email])),
            ),
            under_fault={"": _send_by_sweep, "by the stream": _send_by_stream},
        ),
    ),
    FunctionRow(
        "expire_links",
        READ | WRITE | QUERY_DUE,
        background=BackgroundRow(
            concurrent=lambda _: (
                case("the sweep of what is due", run_expire_links),
                case("the sweep a week later", run_expire_links, later=WEEK),
            ),
            under_fault={"": _expire},
            draws=(Draw("expire_links", lambda _: run_expire_links(), with_model=0),),
        ),
    ),
    FunctionRow(
        "reconcile_access",
        READ | WRITE | DELETE | QUERY | QUERY_LISTING,
        background=BackgroundRow(
            concurrent=lambda _: (case("reconcile", run_reconcile_access),),
            under_fault={"": _reconcile},
            draws=(Draw("reconcile_access", lambda _: run_reconcile_access(), often=3, with_model=0),),
        ),
    ),
    FunctionRow(
        "publish_audit_events",
        READ | STREAM | CHAIN | PUBLISH,
        background=BackgroundRow(
            concurrent=lambda items: (
                case(
                    "publish audit events",
                    lambda: publish_audit_events([*items.new_entries[:2], *items.entries[:1]]),
                ),
                case("publish more audit events", lambda: publish_audit_events(items.new_entries[1:3])),
            ),
            under_fault={"": _publish_audit_events},
        ),
    ),
    FunctionRow(
        "sign_audit_log",
        SIGN_TREE_HEAD,
        background=BackgroundRow(
            concurrent=lambda _: (case("sign the audit log", lambda: run_schedule(SIGN_AUDIT_LOG)),),
            under_fault={"": _sign_audit_log},
        ),
    ),
    FunctionRow(
        "record_email_feedback",
        READ | WRITE,
        background=BackgroundRow(
            concurrent=lambda items: (
                case("the email bounces", lambda: report_delivery("Bounce", items.delivery), has_effect=False),
                case("the email was sent", lambda: report_delivery("Send", items.delivery), has_effect=False),
                case("an older email bounces", lambda: report_delivery("Bounce", SENT_DELIVERY)),
            ),
            under_fault={"": _record_bounce},
        ),
    ),
)
