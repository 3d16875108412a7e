"""Tests that run random operations on the product and the model, which must agree after each operation."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from partner_access.store import dynamo, writes
from tests.proofs.model import state_machine
from tests.proofs.model.full_day import full_day
from tests.proofs.model.model import ROUTES, Model, reject
from tests.proofs.model.system import FAULTS, System, running_system
from tests.support import gateway, operations
from tests.support.races import BEFORE_TRANSACTION
from tests.support.reference_policy import State
from tests.support.table import Table
from tools.proof.notes import Notes

SEED: Final = int(os.environ.get("SEED", "1"))
CHUNKS: Final = 2 if "PROOFS" in os.environ else 1
STEPS: Final = 40
DAYS, MANY_DAYS = 2, 40
FULL_DAY: Final = "tests/proofs/model/full_day.py"
READ_ONLY_POSTS: Final = frozenset({"POST /access-links/preview"})
"""Routes with POST that change nothing, like those under /access/v1/."""


@pytest.fixture
def system(table: Table) -> Iterator[System]:
    with running_system(table, Model()) as found:
        yield found


def run_random_days(system: System, number: int, days: int, *phases: Phase) -> None:
    """Run this number of random days with the given seed."""
    run_state_machine_as_test(
        seed(number)(state_machine.machine_of(system)),
        settings=settings(
            max_examples=days,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=phases or (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_product_under_random_operations_agrees_with_model(
    system: System, whole: bool, notes: Notes, chunk: int
) -> None:
    run_random_days(system, SEED * 1000 + chunk, MANY_DAYS if whole else DAYS)

    for what in sorted({*system.done, *system.rejected}):
        notes.passed(f"{what} (seed {chunk + 1} of {CHUNKS})", done=system.done[what], rejected=system.rejected[what])
    if whole:
        assert set(ROUTES) <= {*system.done, *system.rejected}
        assert set(system.faulted) == set(FAULTS)


def run_full_day(system: System) -> None:
    """Run the full day and check each response."""
    system.restart()
    system.done.clear()
    for response, code in full_day(system):
        assert code == (response.code if response.status >= 400 else ""), response
    system.finish_pending_work()


def test_full_day_has_success_and_error_of_every_operation(system: System, notes: Notes) -> None:
    run_full_day(system)

    missing = [
        f"Add {what} of {route} to {FULL_DAY}."
        for what, found in (("a success", system.done), ("an error", system.rejected))
        for route in ROUTES
        if not found[route]
    ]
    assert missing == []
    notes.passed("operations that succeed and fail on a full day", operations=len(ROUTES))


def test_routes_that_change_something_are_all_in_model() -> None:
    gateway.app_for_route("")
    changing = {route for route in gateway.ROUTES if route.startswith(("POST ", "PUT ", "PATCH ", "DELETE "))}

    assert operations.problems("draws") == []
    assert all(Model().rule_of(route) for route in ROUTES)
    assert {route for route in changing - READ_ONLY_POSTS if "/access/v1/" not in route} == set(ROUTES), (
        "a POST that changes nothing has reads=True in its row, and is in READ_ONLY_POSTS here"
    )


# controls: a wrong model or a broken product is detected


class UnlimitedSeats(Model):
    @override
    def must_have_seat(self, account_id: str) -> None: ...


class OwnPartnerApproves(Model):
    @override
    def must_be_approver(
        self, account_id: str, user_id: str | None, partner_id: str | None, since: int | None = None
    ) -> None:
        super().must_be_approver(account_id, None, None)


class NamedPartnerDecides(Model):
    @override
    def is_own_partner(self, user_id: str | None, partner_id: str | None, since: int | None = None) -> bool:
        return super().is_own_partner(None, partner_id, since)


class PastEmploymentIsForgotten(Model):
    @override
    def is_own_partner(self, user_id: str | None, partner_id: str | None, since: int | None = None) -> bool:
        return super().is_own_partner(user_id, partner_id)


class PartnerAdminsApprove(Model):
    @override
    def can_approve(self, account_id: str) -> bool:
        return "account.users.manage" in self.held_rights(account_id, self.actor_id)


class LastSuperAdminLeaves(Model):
    @override
    def must_keep_super_admin(self, account_id: str, but: str) -> None: ...


class EveryoneIsEligible(Model):
    @override
    def is_eligible(self, user_id: str, partner_id: str | None) -> bool:
        return user_id in self.users


class LinksOfOffboardedStayOpen(Model):
    @override
    def link_state(self, link: State, *, with_access_generation: bool = True) -> str:
        return super().link_state(link, with_access_generation=False)


class EveryLinkIsSingleUse(Model):
    @override
    def approve_link(self) -> None:
        super().approve_link()
        self.link_by_secret()["approvals"] = self.link_by_secret()["max_approvals"]


class RevocationNotShared(Model):
    """A model in which the partner receives no entry about the end of its grant."""

    @override
    def expect_event(self, event: str, *accounts: str | None) -> None:
        super().expect_event(event, *(accounts[:1] if event == "grant.revoked" else accounts))


class ClosedAccountsStayOpen(Model):
    @override
    def must_be_open(self, account_id: str) -> None: ...


class SelfRemovalRejected(Model):
    @override
    def remove_user(self, account_id: str, user_id: str) -> None:
        if user_id == self.actor_id:
            reject("forbidden")
        super().remove_user(account_id, user_id)


WRONG_MODELS: Final[tuple[type[Model], ...]] = (
    UnlimitedSeats, OwnPartnerApproves, NamedPartnerDecides, PastEmploymentIsForgotten, PartnerAdminsApprove, LastSuperAdminLeaves, EveryoneIsEligible,
    LinksOfOffboardedStayOpen, EveryLinkIsSingleUse, RevocationNotShared, ClosedAccountsStayOpen, SelfRemovalRejected,
)  # fmt: skip


QUICKLY_DETECTED: Final = frozenset({EveryLinkIsSingleUse, OwnPartnerApproves})


def must_be_detected(system: System, what: str, notes: Notes) -> None:
    with pytest.raises(AssertionError) as caught:
        run_full_day(system)
    assert str(caught.traceback[-1].path).endswith("system.py"), caught
    acts = sum(system.done.values()) + sum(system.rejected.values())
    notes.passed(f"caught: {what}", acts=acts)


@pytest.mark.parametrize("kind", WRONG_MODELS)
def test_full_day_with_wrong_model_is_detected(table: Table, kind: type[Model], whole: bool, notes: Notes) -> None:
    if not whole and kind not in QUICKLY_DETECTED:
        pytest.skip("looked for in the long form")
    with running_system(table, kind()) as system:
        must_be_detected(system, re.sub("(?<!^)(?=[A-Z])", " ", kind.__name__).lower(), notes)


OMITTED_ITEMS: Final = {
    "no key is remembered": ("IDEMPOTENCY#", ""),
    "nothing is in the audit log of a client": ("AUDIT#client", ""),
    "no email is queued": ("OUTBOX#", ""),
    "no seat is counted": ("ACCOUNT#client", "ACCOUNT"),
}
"""Transaction items, as prefixes of partition key and sort key, that a broken product leaves out."""


@contextmanager
def omitting(pk: str, sk: str) -> Iterator[None]:
    """Replace each matching transaction item with a condition check that always passes."""

    def forget(params: Mapping[str, Any], **_: Any) -> None:
        for item in params["TransactItems"]:
            ((action, request),) = item.items()
            key = request.get("Key") or request["Item"]
            if action in {"Put", "Update"} and key["pk"]["S"].startswith(pk) and key["sk"]["S"].startswith(sk):
                nowhere = {"pk": {"S": "NOWHERE"}, "sk": {"S": "NOWHERE"}}
                item.clear()
                item["ConditionCheck"] = {
                    "TableName": request["TableName"],
                    "Key": nowhere,
                    "ConditionExpression": writes.NOT_EXISTS,
                }

    events = dynamo.client().meta.events
    events.register(BEFORE_TRANSACTION, forget)
    try:
        yield
    finally:
        events.unregister(BEFORE_TRANSACTION, forget)


@pytest.mark.parametrize("what", OMITTED_ITEMS)
def test_full_day_with_broken_product_is_detected(table: Table, what: str, whole: bool, notes: Notes) -> None:
    if not whole and what != "nothing is in the audit log of a client":
        pytest.skip("looked for in the long form")
    with running_system(table, Model()) as system, omitting(*OMITTED_ITEMS[what]):
        must_be_detected(system, what, notes)


def test_random_operations_on_broken_product_detect_missing_audit_entry(
    system: System, whole: bool, notes: Notes
) -> None:
    if not whole:
        pytest.skip("looked for in the long form")
    with omitting(*OMITTED_ITEMS["nothing is in the audit log of a client"]), pytest.raises(AssertionError):
        run_random_days(system, SEED * 1000, MANY_DAYS, Phase.generate)
    notes.passed("found at random: nothing is in the audit log of a client", acts=sum(system.done.values()))
