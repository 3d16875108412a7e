"""Every record that a decision read is pinned in its transaction, or stands in one of two lists with its reason.

A fact that no transaction pins passes the interleavings where the order "this act, then the change of the fact" is
allowed. So the pins are checked by themselves, for each changing operation of the register.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count, product
from typing import Final

import pytest

from partner_access.domain.records import Record
from partner_access.store import keys
from partner_access.store.keys import Key
from tests.proofs.interleavings.operations import INVITE
from tests.proofs.interleavings.operations import OPERATIONS as CONCURRENT
from tests.support import busy_table, operations, pins, set_versions
from tests.support.background_functions import WORKER, Clock, run_expire_links, run_reconcile_access
from tests.support.builders import CLIENT, NOW, PARTNER
from tests.support.busy_table import OFFBOARDED, OWNER
from tests.support.operations.directory import put_account, put_user
from tests.support.pins import TracedDecision
from tests.support.seeded_table import now, seed
from tests.support.table import Table

ANY: Final = "*"
NO_POSITION: Final = 1_000
JOB: Final = "a job"
"""Stands for all events of background functions, which record what is already so."""
CANDIDATES: Final = "it only finds candidates for the witness, and the transaction pins the witness"
WITNESS: Final = "one of them is pinned as the witness, and no rule depends on the others"
ENDED: Final = "access that has ended never revives, so the stored membership is enough"
GIVES_NOTHING: Final = "the act gives nothing, so a fact that changes meanwhile makes it at most unnecessary"
KIND: Final = "only its kind counts, which never changes"
OTHER_ACCOUNT: Final = "it belongs to another account of the same list, which has a decision of its own"
LIST: Final = "it lists accounts to look at, and the user's version rises when they become super admin"
MANAGES: Final = "whether the caller manages client access counts only for a person kept out, and is pinned then"
NARROWS: Final = "an edit that only takes away gives nothing, and a wider one pins it, as test_edits.py checks"
PARTNERS: Final = (
    "a colleague adds colleagues: who adds them without end cannot keep the account busy, and a closed one is read"
)
PART: Final = "each part of the request stores a response of its own"
QUEUE: Final = "it is the task itself, and a second run of it does nothing"
RECEIPT: Final = "the response lists it, and its own reconciliation decides about it"
NOT_PINNED: Final = {
    (ANY, "super admins' ids"): CANDIDATES,
    (ANY, "other user"): WITNESS,
    (ANY, "other membership"): WITNESS,
    (ANY, "missing stored response"): PART,
    (ANY, "account of the user"): LIST,
    ("member.created", "caller's membership elsewhere"): MANAGES,
    ("link.created", "missing suppressed address"): "a suppression that comes later stops the email when it is sent",
    ("link.resent", "missing suppressed address"): "a suppression that comes later stops the email when it is sent",
    ("link.approved", "missing reply"): "a link for one account has no replies, and a link for several writes one",
    ("link.declined", "missing reply"): "a link for one account has no replies, and a link for several writes one",
    ("link.declined", "client account"): GIVES_NOTHING,
    ("link.declined", "partner account"): GIVES_NOTHING,
    ("link.declined", "subject's user"): GIVES_NOTHING,
    ("link.declined", "missing subject's membership"): GIVES_NOTHING,
    ("link.renewal_requested", "partner account"): GIVES_NOTHING,
    ("link.renewal_requested", "subject's user"): GIVES_NOTHING,
    ("link.revoked", "partner account"): KIND,
    ("member.created", "address"): "it only leads to the user, whose record has the address too",
    ("employee.offboarded", "partner account"): KIND,
    ("grant.revoked", "partner account"): GIVES_NOTHING,
    ("grant.revoked", "subject's user"): GIVES_NOTHING,
    ("member.removed", "client account"): KIND,
    ("member.suspended", "client account"): KIND,
    ("member.suspended", "partner account"): GIVES_NOTHING,
    ("member.suspended", "subject's user"): GIVES_NOTHING,
    ("member.updated that narrows", "client account"): NARROWS,
    ("member.updated that narrows", "partner account"): NARROWS,
    ("member.updated that narrows", "subject's user"): NARROWS,
    ("member.created by a colleague", "client account"): PARTNERS,
    ("super_admin.migrated", "caller's membership elsewhere"): OTHER_ACCOUNT,
    ("member.suspended", "missing caller's membership"): "a partner's manager acts without a membership in the client",
    ("employee.offboarded", "subject's membership"): "who was ever an employee stays a present or former one",
    ("employee.offboarded", "client account"): RECEIPT,
    ("employee.offboarded", "subject's membership elsewhere"): RECEIPT,
    ("access.ended", "client account"): KIND,
    ("access.ended", "partner account"): ENDED,
    ("access.ended", "subject's user"): ENDED,
    ("access.ended", "subject's membership elsewhere"): OTHER_ACCOUNT,
    ("user.erased", "subject's membership elsewhere"): LIST,
    ("user.updated", "subject's membership elsewhere"): LIST,
    ("user.updated", "other membership elsewhere"): WITNESS,
    (JOB, "other membership elsewhere"): OTHER_ACCOUNT,
    (JOB, "queued reconciliation"): QUEUE,
    (JOB, "client account"): KIND,
    (JOB, "subject's membership elsewhere"): OTHER_ACCOUNT,
    ("access.ended by a job", "partner account"): ENDED,
    ("access.ended by a job", "subject's user"): ENDED,
    ("grant.expired by a job", "partner account"): ENDED,
    ("grant.expired by a job", "subject's user"): ENDED,
    ("link.revoked by a job", "partner account"): ENDED,
    ("link.revoked by a job", "subject's membership"): ENDED,
}
"""The records that a decision with this event read and does not pin, with the reason."""
OWN_CONDITION: Final = {
    (ANY, "link"): "its state, secret and approvals still allow the act",
    ("link.declined", "subject's user"): "the user has an open link to count less",
    ("link.revoked by a job", "subject's user"): "the user has an open link to count less",
    ("grant.revoked", "client account"): "the account has a taken seat to count less",
    ("access.ended", "client account"): "the account has a taken seat to count less",
    (JOB, "client account"): "the account has a taken seat to count less",
}
"""The records that are written on a condition of their own instead of their version, with what it requires."""


VARIANTS: Final = {
    "add colleagues": "by a colleague",
    "POST /partners/{partner_id}/clients/{account_id}/users": "by a colleague",
    "demote the approver": "that narrows",
    "demote the owner": "that narrows",
    "edit the colleague": "that narrows",
    "PATCH /accounts/{account_id}/users/{user_id}": "that narrows",
    "the consultant demotes the approver": "that narrows",
}
"""The cases whose events also have other forms, which pin more."""
CALLER_STAYS: Final = "the consultant demotes the approver"
"""A case with two witnesses: the preferred one, and the caller, who is pinned anyway."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request that changes something, after a preparation of the table. `later` is the lead of its clock."""

    name: str
    prepare: Callable[[Table], object]
    run: Callable[[], object]
    later: timedelta = timedelta()
    is_job: bool = False
    uses_real_time: bool = False


def _busy(table: Table) -> None:
    busy_table.fill_table(table)
    INVITE.run("before")


def _seed(records: Callable[[], tuple[Record, ...]], table: Table) -> None:
    seed(table, *records())


def _busy_after(change: Callable[[], object]) -> Callable[[Table], None]:
    def prepare(table: Table) -> None:
        _busy(table)
        change()

    return prepare


def _cases() -> Iterator[Case]:
    for each in CONCURRENT:
        if each.has_effect:
            yield Case(each.name, _busy, partial(each.run, "key"), each.later)
    for row in operations.CHANGING:
        assert row.under_fault, row.route
        attempt, records = row.under_fault.attempt or row.attempt, row.under_fault.records
        assert attempt, row.route
        yield Case(row.route, partial(_seed, records), partial(attempt, "key"), uses_real_time=True)
    yield Case("expire what is due", _busy, run_expire_links, is_job=True)
    yield Case("warn of what ends", _busy, run_expire_links, busy_table.WEEK, is_job=True)
    for name, change in {
        "a suspended program": lambda: put_account(PARTNER, None, program="suspended"),
        "a terminated program": lambda: put_account(PARTNER, None, program="terminated"),
        "a deactivated employee": lambda: put_user(OFFBOARDED, None, active=False),
    }.items():
        yield Case(f"reconcile {name}", _busy_after(change), run_reconcile_access, is_job=True)


CASES: Final = tuple(_cases())


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Clock(monkeypatch, "partner_access.api.routing", WORKER)


def _decisions(case: Case, table: Table, clock: Clock) -> list[TracedDecision]:
    """Return the decisions that the case commits on a table of its own."""
    return _decisions_without_pin(case, table, clock, NO_POSITION)[0]


def _decisions_without_pin(
    case: Case, table: Table, clock: Clock, position: int
) -> tuple[list[TracedDecision], set[Key]]:
    """Return the same when one record of `relies_on` is left out, with the keys of these records."""
    table.clear()
    clock.time = now() if case.uses_real_time else NOW
    with set_versions.two_set_versions():
        case.prepare(table)
        clock.time += case.later
        with pins.trace(table) as traced, pins.without_pin(position) as left_out:
            case.run()
    return traced.decisions, left_out


Entry = tuple[str, str]


def _entries(listed: Mapping[Entry, str], case: Case, event: str, labels: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries of a list that are about these records of a decision."""
    variant = f"{event} {VARIANTS.get(case.name, '')}".strip()
    events = (f"{event} by {JOB}", JOB, ANY) if case.is_job else (variant, event, ANY)
    yield from (entry for entry in product(events, labels) if entry in listed)


def _used_entries(case: Case, decision: TracedDecision) -> set[Entry]:
    return {
        *_entries(NOT_PINNED, case, decision.event, decision.without_condition),
        *_entries(OWN_CONDITION, case, decision.event, decision.with_own_condition),
    }


def _problems(case: Case, decision: TracedDecision) -> list[str]:
    """Return a sentence for each record that was read and is neither pinned nor listed."""
    listed = {label for _, label in _used_entries(case, decision)}
    unpinned = (decision.without_condition | decision.with_own_condition) - listed
    sentences = [
        f"{decision.event} read the {label} and does not pin it: add it to `relies_on`, or its reason to a list"
        for label in sorted(unpinned)
    ]
    return [*sentences, *([f"{decision.event} pins no super admin who stays"] if decision.lacks_witness else [])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_decision_pins_or_lists_every_record_that_it_read(table: Table, clock: Clock, case: Case) -> None:
    decisions = _decisions(case, table, clock)

    assert [problem for decision in decisions for problem in _problems(case, decision)] == []
    assert decisions, "a case that changes nothing proves nothing"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pin_left_out_of_a_decision_is_found(table: Table, clock: Clock, case: Case) -> None:
    for position in count():
        decisions, left_out = _decisions_without_pin(case, table, clock, position)
        if not left_out:
            return
        is_second_witness = case.name == CALLER_STAYS and left_out <= {keys.user(OWNER), keys.member(CLIENT, OWNER)}
        assert is_second_witness or any(_problems(case, decision) for decision in decisions), left_out


def test_every_reason_is_needed(table: Table, clock: Clock) -> None:
    used = {
        entry
        for case in CASES
        for decision in _decisions(case, table, clock)
        for entry in _used_entries(case, decision)
    }

    assert {*NOT_PINNED, *OWN_CONDITION} == used
