"""Tests of the state machines: every act in every state, on the product, leads to the state in the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from partner_access.domain.email_delivery import (
    Delivery,
    DeliveryStatus,
    QueuedNotification,
    SendResult,
    status_after,
    status_without_secret,
)
from partner_access.domain.memberships.members import Member, SuspensionReason
from partner_access.domain.notifications import Notification, NotificationKind
from partner_access.store import keys, outbox
from partner_access.store.memberships import members
from tests.support import link_requests
from tests.support.background_functions import EXPIRE_LINKS, run_function
from tests.support.builders import (
    APPROVER,
    CLIENT,
    EMPLOYEE,
    LINK,
    PARTNER,
    a_grant,
    a_member,
    a_partner_admin,
    the_partner,
)
from tests.support.gateway import call, call_as_vendor
from tests.support.link_requests import put_account, put_member, put_user
from tests.support.membership_facts import edit, remove, resume, suspend
from tests.support.seeded_table import CLERK, MANAGER, an_open_link, now, seed
from tests.support.table import Table
from tools.state_machines import DELIVERY, GRANT, MEMBER, PROGRAM, STATE_MACHINES, StateMachine
from tools.state_machines import LINK as LINK_MACHINE

DELIVERY_ID = "d" * 32
BY_CLIENT = frozenset({SuspensionReason.CLIENT})

Perform = Callable[[Table], object]


@dataclass(frozen=True, slots=True)
class Product:
    """The product as a state machine: how to reach a state, perform an act and read the state."""

    reach: Callable[[Table, str, str], object]
    acts: Mapping[str, Perform]
    read: Callable[[Table], str]


def offboard(_: Table) -> object:
    return call(
        "DELETE /partners/{partner_id}/employees/{user_id}/access", MANAGER, partner_id=PARTNER, user_id=EMPLOYEE
    )


def expire(_: Table) -> object:
    return run_function(EXPIRE_LINKS, {})


# link


def reach_link(table: Table, state: str, act: str) -> None:
    approvals = 3 if "several" in act else 1
    used = {"approvals": approvals} if state == "approved" else {}
    stored = {"stored_state": state} if state not in {"open", "approved"} else {}
    seed(table, an_open_link(max_approvals=approvals, **used, **stored))


def end_link_days(table: Table) -> None:
    table.change(keys.link(PARTNER, LINK), expires_at=now(), due_at=now())
    expire(table)


def approve_for_ineligible(_: Table) -> None:
    put_user(EMPLOYEE, active=False)
    link_requests.approve()


# grant and member


def reach_grant(table: Table, state: str, _: str) -> None:
    seed(table, a_partner_admin(suspended_by=BY_CLIENT if state == "suspended" else frozenset()))
    if state == "revoked":
        assert remove().status == 200
    if state == "expired":
        end_grant(table)


def end_grant(table: Table) -> None:
    key = keys.member(CLIENT, EMPLOYEE)
    member = Member.model_validate(table.get(key))
    if member.grant:
        table.put(key, members.item(member.model_copy(update={"grant": a_grant(expires_at=now())})))
    expire(table)


def view_member(user_id: str) -> Any:
    return call("GET /accounts/{account_id}/users/{user_id}", APPROVER, account_id=CLIENT, user_id=user_id).body


def read_grant(table: Table) -> str:
    member = view_member(EMPLOYEE)
    if "grant_id" in member:
        return str(member["state"])
    ended_by_time = any(item["event"] == "grant.expired" for item in table.items_with_prefix("AUDIT#"))
    return "expired" if ended_by_time else "revoked"


def reach_member(table: Table, state: str, _: str) -> None:
    suspended_by = BY_CLIENT if state == "suspended" else frozenset()
    seed(table, a_member(CLERK, "view_only", active=state != "deactivated", suspended_by=suspended_by))


def create_clerk(_: Table) -> None:
    body = {"email": f"{CLERK}@bakery.example", "permission_set": "view_only"}
    call("POST /accounts/{account_id}/users", APPROVER, body, account_id=CLIENT)


# delivery


def a_delivery(status: str) -> Delivery:
    return Delivery(
        version=1,
        delivery_id=DELIVERY_ID,
        outbox_id="email",
        delivery_status=DeliveryStatus(status),
        next_at=now(),
        attempt="first",
        attempts=1,
    )


def reach_delivery(table: Table, state: str, _: str) -> None:
    table.put(keys.delivery(DELIVERY_ID), dict(a_delivery(state)))


def read_delivery(table: Table) -> str:
    return str((table.get(keys.delivery(DELIVERY_ID)) or {})["delivery_status"])


def claim(_: Table) -> None:
    notification = Notification(kind=NotificationKind.LINK_EXPIRED, employee_id=EMPLOYEE)
    queued = QueuedNotification(version=1, outbox_id="email", queued_at=now(), next_at=now(), notification=notification)
    outbox.claim(queued, None, DELIVERY_ID, "second", now())


def record(*results: SendResult) -> Perform:
    """Return the act that records the status after a response of SES. All these responses lead to the same status."""
    (status,) = {status_after(result, 1, now())[0] for result in results}
    return lambda _: outbox.record_result(a_delivery("sending"), status, now())


def drop(**link: Any) -> Perform:
    """Return the act that records a copy without a secret."""
    status = status_without_secret(an_open_link(**link), now())
    return lambda _: outbox.record_result(a_delivery("sending"), status, now())


def report(status: DeliveryStatus) -> Perform:
    return lambda _: outbox.record_feedback(a_delivery("sent"), status, ())


# program


def read_program(_: Table) -> str:
    return str(call_as_vendor("GET /directory/accounts/{account_id}", account_id=PARTNER).body["program"])


PRODUCT: dict[str, Product] = {
    LINK_MACHINE.name: Product(
        reach_link,
        {
            "resend": lambda _: link_requests.resend(),
            "approval, several left": lambda _: link_requests.approve(),
            "decline of a link with several approvals": lambda _: link_requests.decline(),
            "last approval": lambda _: link_requests.approve(),
            "decline of a link with one approval": lambda _: link_requests.decline(),
            "revocation": lambda _: link_requests.revoke(),
            "approval when the employee is not eligible": approve_for_ineligible,
            "end of all access of the employee": offboard,
            "end of its days": end_link_days,
        },
        lambda _: str(link_requests.view().body["state"]),
    ),
    GRANT.name: Product(
        reach_grant,
        {
            "suspension by the client": lambda _: suspend(APPROVER),
            "suspension by the partner": lambda _: suspend(MANAGER),
            "employee or program suspended": lambda _: put_account(PARTNER, program="suspended"),
            "end of the last suspension": lambda _: resume(APPROVER),
            "removal": lambda _: remove(),
            "promotion to super admin": lambda _: edit(permission_set="super_admin"),
            "end of all access of the employee": offboard,
            "end by time": end_grant,
        },
        read_grant,
    ),
    MEMBER.name: Product(
        reach_member,
        {
            "suspension": lambda _: suspend(APPROVER, CLERK),
            "end of the suspension": lambda _: resume(APPROVER, CLERK),
            "removal": lambda _: remove(APPROVER, CLERK),
            "creation again": create_clerk,
            "deactivation by the vendor": lambda _: put_member(CLIENT, CLERK, active=False),
            "activation by the vendor": lambda _: put_member(CLIENT, CLERK, permission_set="sales", active=True),
        },
        lambda _: str(view_member(CLERK)["state"]),
    ),
    DELIVERY.name: Product(
        reach_delivery,
        {
            "claim": claim,
            "SES accepts it": record(SendResult.SENT),
            "SES rejects it": record(SendResult.REJECTED),
            "SES throttles or pauses": record(SendResult.THROTTLED, SendResult.PAUSED),
            "no response": record(SendResult.UNCLEAR),
            "link ended or resent": drop(stored_state="revoked"),
            "all secrets of the link in use": drop(secrets=frozenset({"one", "two", "three"})),
            "report of sending": report(DeliveryStatus.SENT),
            "report of a bounce": report(DeliveryStatus.BOUNCED),
            "report of a complaint": report(DeliveryStatus.COMPLAINED),
            "report of a rejection": report(DeliveryStatus.FAILED),
        },
        read_delivery,
    ),
    PROGRAM.name: Product(
        lambda table, state, _: seed(table, the_partner(program=state)),
        {
            "activation": lambda _: put_account(PARTNER, program="active"),
            "suspension": lambda _: put_account(PARTNER, program="suspended"),
            "termination": lambda _: put_account(PARTNER, program="terminated"),
        },
        read_program,
    ),
}
CASES = [(machine, act, state) for machine in STATE_MACHINES for act in machine.acts for state in machine.states]


@pytest.mark.parametrize(
    ("machine", "act", "state"), CASES, ids=[f"{machine.name}: {act}, {state}" for machine, act, state in CASES]
)
def test_act_in_state_leads_to_state_of_table(
    table: Table, monkeypatch: pytest.MonkeyPatch, machine: StateMachine, act: str, state: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    product = PRODUCT[machine.name]
    product.reach(table, state, act)
    assert product.read(table) == state

    product.acts[act](table)

    assert product.read(table) == machine.acts[act].get(state, state)


@pytest.mark.parametrize("machine", STATE_MACHINES, ids=lambda each: each.name)
def test_state_machine_has_only_known_states_and_acts(machine: StateMachine) -> None:
    named = {state for changes in machine.acts.values() for pair in changes.items() for state in pair}

    assert named | set(machine.starts.values()) <= set(machine.states)
    assert machine.acts.keys() == PRODUCT[machine.name].acts.keys()


@pytest.mark.parametrize(
    ("machine", "final_states"),
    [
        (LINK_MACHINE, {"approved", "declined", "revoked", "expired"}),
        (GRANT, {"revoked", "expired"}),
        (MEMBER, set()),
        (DELIVERY, {"bounced", "complained", "failed", "cancelled"}),
        (PROGRAM, set()),
    ],
    ids=lambda each: each.name if isinstance(each, StateMachine) else "",
)
def test_final_states_are_left_by_no_act(machine: StateMachine, final_states: set[str]) -> None:
    assert machine.final_states == final_states
