"""Whatever is asked is answered as the contract says: nothing of it is a fault, and nothing that it forbids is taken."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proofs.fuzz.fuzzer import Target, fuzz
from tests.stack.town import FIRM, Town
from tools import invariants
from tools.local_stack import running_stack
from tools.proof.notes import Notes
from tools.sign_in import DECIDE, DIRECTORY

WHO = ("client", "manager", "employee", "newcomer")
EXAMPLES = {"coverage": 1, "fuzzing": 40, "stateful": 20}
SEED = int(os.environ.get("SEED", "1"))


@pytest.fixture(scope="module")
def town(*, whole: bool) -> Iterator[Town]:
    """Of a stack of its own: what is made up here is nobody else's business."""
    if not whole:
        pytest.skip(
            "the running product is asked at length by make proof; tests/functions/test_contract.py asks in short"
        )
    with running_stack() as stack, Town.of(stack) as town:
        yield town


def target(town: Town, who: str) -> Target:
    """The product as one of these finds it, with a client, a partner admin and an open link of its own."""
    admin, employee = town.clients[0], town.employees[0]
    people = {"client": admin, "manager": town.manager, "employee": employee, "newcomer": town.newcomer}
    client = town.a_client(admin)
    link, _ = town.a_link(employee, max_approvals=1000)
    machine = {scope: town.stack.sign_in.as_machine(town.stack.pool, scope) for scope in (DIRECTORY, DECIDE)}
    person = people[who].person
    token = town.stack.sign_in.as_person(town.stack.pool, person.email, person.password)
    return Target(
        url=town.stack.base_url,
        tokens={
            "/(accounts|partners|access-links)": token,
            "/directory": machine[DIRECTORY],
            "/access/": machine[DECIDE],
        },
        ids={
            "account_id": [client, FIRM],
            "partner_id": [FIRM],
            "user_id": [admin.user_id, town.newcomer.user_id, *(each.user_id for each in town.employees)],
            "link_id": [str(link["link_id"])],
        },
    )


@pytest.mark.parametrize("phase", EXAMPLES)
@pytest.mark.parametrize("who", WHO)
def test_whatever_is_asked_is_answered_as_the_contract_says(
    town: Town, notes: Notes, tmp_path: Path, who: str, phase: str
) -> None:
    report = fuzz(target(town, who), phase, tmp_path, seed=SEED, examples=EXAMPLES[phase])

    assert (report["failures"], report["errors"]) == ([], [])
    assert report["operations"]["tested"] == report["operations"]["total"]
    assert invariants.broken(town.stack.items()) == []
    notes.tried(
        f"{phase}, asked by {who}",
        operations=report["operations"]["tested"],
        requests=report["test_cases"]["generated"],
    )


def test_an_answer_that_the_contract_does_not_know_is_caught(town: Town, notes: Notes, tmp_path: Path) -> None:
    """The control: a product that is not there answers 404 to what needs no id at all."""
    made = target(town, "client")
    elsewhere = Target(f"{made.url}/nowhere", made.tokens, made.ids)

    report = fuzz(elsewhere, "coverage", tmp_path, seed=SEED, examples=1)

    assert report["failures"]
    notes.tried("control: another product at the same address", failures=len(report["failures"]))
