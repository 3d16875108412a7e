"""Whatever is asked is answered as the contract says: nothing of it is a fault, and nothing that it forbids is taken."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_hex

import pytest

from tests.proofs.fuzz.fuzzer import Door, Target, fuzz
from tests.stack.stack_users import FIRM, Town
from tools import invariants
from tools.local_stack import running_stack
from tools.proof.notes import Notes
from tools.sign_in import DECIDE, DIRECTORY
from tools.whole_table import Item

WHO = ("client", "manager", "employee", "newcomer")
EXAMPLES = {"coverage": 1, "fuzzing": 25, "stateful": 15}
OF_EACH_OPERATION = {"coverage", "fuzzing"}
"""Stories go from an answer to what can be done with it, and only some operations have such."""
FOLLOWED_WITHIN = 60
"""Seconds in which what follows from a departure is done."""
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
    """The product as one of these finds it, with a client, a partner admin and an open link of its own.

    The directory has accounts and people to itself: what becomes of them there shuts no door to the others.
    """
    town.tell_all()
    admin, employee = town.clients[0], town.an_employee()
    people = {"client": admin, "manager": town.manager, "employee": employee, "newcomer": town.newcomer}
    client = town.a_client(admin)
    link, _ = town.a_link(employee, max_approvals=1000)
    machine = {scope: town.stack.sign_in.as_machine(town.stack.pool, scope) for scope in (DIRECTORY, DECIDE)}
    person = people[who].person
    everybody = {
        "account_id": [client, FIRM],
        "partner_id": [FIRM],
        "user_id": [each.user_id for each in (admin, town.newcomer, employee, *town.employees)],
        "link_id": [str(link["link_id"])],
    }
    nobody = f"user_{token_hex(4)}"
    town.tell(f"/directory/users/{nobody}", {"email": f"{nobody}@clients.example", "name": "Nobody Else"})
    known_to_the_directory = {"account_id": [town.a_client()], "user_id": [nobody]}
    return Target(
        url=town.stack.base_url,
        doors={
            "/(accounts|partners|access-links)": Door(
                town.stack.sign_in.as_person(town.stack.pool, person.email, person.password), everybody
            ),
            "/directory": Door(machine[DIRECTORY], known_to_the_directory),
            "/access/": Door(machine[DECIDE], everybody),
        },
    )


def items_when_all_is_tidied_up(town: Town) -> Sequence[Item]:
    """The whole table, as soon as nothing that follows from a departure is left to do."""
    patience = time.monotonic() + FOLLOWED_WITHIN
    while True:
        items = town.stack.items()
        if not any(item["pk"].startswith("RECONCILIATION#") for item in items):
            return items
        assert time.monotonic() < patience, "it is not tidied up"
        time.sleep(1)


@pytest.mark.parametrize("phase", EXAMPLES)
@pytest.mark.parametrize("who", WHO)
def test_whatever_is_asked_is_answered_as_the_contract_says(
    town: Town, notes: Notes, tmp_path: Path, who: str, phase: str
) -> None:
    report = fuzz(target(town, who), phase, tmp_path, seed=SEED, examples=EXAMPLES[phase])

    assert (report["failures"], report["errors"]) == ([], [])
    tested, total = report["operations"]["tested"], report["operations"]["total"]
    assert tested == total if phase in OF_EACH_OPERATION else tested
    assert invariants.broken(items_when_all_is_tidied_up(town)) == []
    notes.tried(
        f"{phase}, asked by {who}",
        operations=tested,
        requests=report["test_cases"]["generated"],
    )


def test_an_answer_that_the_contract_does_not_know_is_caught(town: Town, notes: Notes, tmp_path: Path) -> None:
    """The control: a product that is not there answers 404 to what needs no id at all."""
    made = target(town, "client")
    elsewhere = Target(f"{made.url}/nowhere", made.doors)

    report = fuzz(elsewhere, "coverage", tmp_path, seed=SEED, examples=1)

    assert report["failures"]
    notes.tried("control: another product at the same address", failures=len(report["failures"]))
