"""A model beside the product: hypothesis acts at every door, and both agree after each act."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from partner_access.store import dynamo
from tests.proofs.model import machine
from tests.proofs.model.full_day import a_full_day
from tests.proofs.model.model import ROUTES, Model, refuse
from tests.proofs.model.system import TROUBLES, Town, town
from tests.support import gateway
from tests.support.races import COMMITTING
from tests.support.reference_policy import State
from tests.support.table import Table
from tools.proof.notes import Notes

SEED: Final = int(os.environ.get("SEED", "1"))
CHUNKS: Final = 2 if "PROOFS" in os.environ else 1
STEPS: Final = 40
DAYS, MANY_DAYS = 2, 40
LOOK: Final = frozenset({"POST /access-links/preview"})
"""What is posted and changes nothing, like all that is asked under /access/v1/."""


@pytest.fixture
def here(table: Table) -> Iterator[Town]:
    with town(table, Model()) as found:
        yield found


def live(here: Town, number: int, days: int, *phases: Phase) -> None:
    """So many days, by this seed."""
    run_state_machine_as_test(
        seed(number)(machine.of_the(here)),
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
def test_the_product_does_what_the_model_says(here: Town, whole: bool, notes: Notes, chunk: int) -> None:
    live(here, SEED * 1000 + chunk, MANY_DAYS if whole else DAYS)

    for what in sorted({*here.done, *here.refused}):
        notes.tried(f"{what} (seed {chunk + 1} of {CHUNKS})", done=here.done[what], refused=here.refused[what])
    if whole:
        assert set(ROUTES) <= {*here.done, *here.refused}
        assert set(here.troubled) == set(TROUBLES)


def spend(here: Town) -> None:
    """A full day."""
    here.begin_anew()
    here.done.clear()
    for answer, code in a_full_day(here):
        assert code == (answer.code if answer.status >= 400 else ""), answer
    here.settles()


def test_on_a_full_day_every_operation_succeeds_and_is_refused(here: Town, notes: Notes) -> None:
    spend(here)

    for route in ROUTES:
        assert here.done[route], route
        assert here.refused[route], route
    notes.tried("operations that succeed and are refused on a full day", operations=len(ROUTES))


def test_every_route_that_changes_something_is_in_the_model() -> None:
    gateway.function_of("")
    changing = {route for route in gateway.ROUTES if route.startswith(("POST ", "PUT ", "PATCH ", "DELETE "))}

    assert {route for route in changing - LOOK if "/access/v1/" not in route} == set(ROUTES)


# what is wrong is told apart


class SeatsWithoutEnd(Model):
    @override
    def must_have_a_seat(self, account_id: str) -> None: ...


class OwnFirmApproves(Model):
    @override
    def must_be_approver(self, account_id: str, asked_by: str | None) -> None:
        super().must_be_approver(account_id, None)


class PartnerAdminsApprove(Model):
    @override
    def can_approve(self, account_id: str) -> bool:
        return "account.users.manage" in self.held(account_id, self.by)


class TheLastSuperAdminGoes(Model):
    @override
    def must_keep_a_super_admin(self, account_id: str, but: str) -> None: ...


class EverybodyIsEligible(Model):
    @override
    def is_eligible(self, user_id: str, firm: str | None) -> bool:
        return user_id in self.users


class LinksOfWhoeverLeftStayOpen(Model):
    @override
    def state(self, link: State, *, with_tenure: bool = True) -> str:
        return super().state(link, with_tenure=False)


class AnyLinkIsForOne(Model):
    @override
    def approve(self) -> None:
        super().approve()
        self.opened()["approvals"] = self.opened()["max_approvals"]


class AnEndIsSharedByNobody(Model):
    """The partner does not hear of the end of its grant."""

    @override
    def happens(self, event: str, *accounts: str | None) -> None:
        super().happens(event, *(accounts[:1] if event == "grant.revoked" else accounts))


class ClosedAccountsGoOn(Model):
    @override
    def must_be_open(self, account_id: str) -> None: ...


class NobodyMayLeave(Model):
    @override
    def end(self, account_id: str, user_id: str) -> None:
        if user_id == self.by:
            refuse("forbidden")
        super().end(account_id, user_id)


WRONG: Final[tuple[type[Model], ...]] = (
    SeatsWithoutEnd, OwnFirmApproves, PartnerAdminsApprove, TheLastSuperAdminGoes, EverybodyIsEligible,
    LinksOfWhoeverLeftStayOpen, AnyLinkIsForOne, AnEndIsSharedByNobody, ClosedAccountsGoOn, NobodyMayLeave,
)  # fmt: skip


TOLD_QUICKLY: Final = frozenset({AnyLinkIsForOne, OwnFirmApproves})


def must_be_caught(here: Town, what: str, notes: Notes) -> None:
    with pytest.raises(AssertionError) as caught:
        spend(here)
    assert str(caught.traceback[-1].path).endswith("town.py"), caught
    acts = sum(here.done.values()) + sum(here.refused.values())
    notes.tried(f"caught: {what}", acts=acts)


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_model_is_told_apart(table: Table, kind: type[Model], whole: bool, notes: Notes) -> None:
    if not whole and kind not in TOLD_QUICKLY:
        pytest.skip("looked for in the long form")
    with town(table, kind()) as here:
        must_be_caught(here, re.sub("(?<!^)(?=[A-Z])", " ", kind.__name__).lower(), notes)


LOST: Final = {
    "no key is remembered": ("IDEMPOTENCY#", ""),
    "nothing is in the trail of a client": ("AUDIT#client", ""),
    "no letter is queued": ("OUTBOX#", ""),
    "no seat is counted": ("ACCOUNT#client", "ACCOUNT"),
}
"""Which lines of transactions a broken product forgets."""


@contextmanager
def forgetting(pk: str, sk: str) -> Iterator[None]:
    """Only that there is nothing where nothing ever is, is looked at in the place of such a line."""

    def forget(params: Mapping[str, Any], **_: Any) -> None:
        for line in params["TransactItems"]:
            ((action, asked),) = line.items()
            key = asked.get("Key") or asked["Item"]
            if action in {"Put", "Update"} and key["pk"]["S"].startswith(pk) and key["sk"]["S"].startswith(sk):
                nowhere = {"pk": {"S": "NOWHERE"}, "sk": {"S": "NOWHERE"}}
                line.clear()
                line["ConditionCheck"] = {
                    "TableName": asked["TableName"],
                    "Key": nowhere,
                    "ConditionExpression": dynamo.ABSENT,
                }

    events = dynamo.client().meta.events
    events.register(COMMITTING, forget)
    try:
        yield
    finally:
        events.unregister(COMMITTING, forget)


@pytest.mark.parametrize("what", LOST)
def test_a_broken_product_is_told_apart(table: Table, what: str, whole: bool, notes: Notes) -> None:
    if not whole and what != "nothing is in the trail of a client":
        pytest.skip("looked for in the long form")
    with town(table, Model()) as here, forgetting(*LOST[what]):
        must_be_caught(here, what, notes)


def test_the_machine_finds_what_is_broken_by_itself(here: Town, whole: bool, notes: Notes) -> None:
    if not whole:
        pytest.skip("looked for in the long form")
    with forgetting(*LOST["nothing is in the trail of a client"]), pytest.raises(AssertionError):
        live(here, SEED * 1000, MANY_DAYS, Phase.generate)
    notes.tried("found at random: nothing is in the trail of a client", acts=sum(here.done.values()))
