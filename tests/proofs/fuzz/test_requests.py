"""Fuzz tests of the running product: it returns no server error and accepts nothing that the contract forbids."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_hex

import pytest

from tests.proofs.fuzz.fuzzer import Access, Target, fuzz
from tests.stack.stack_users import PARTNER, StackUsers
from tools import invariants
from tools.local_stack import running_stack
from tools.proof.notes import Notes
from tools.sign_in import DECIDE_SCOPE, DIRECTORY_SCOPE
from tools.whole_table import Item

WHO = ("client", "manager", "employee", "newcomer")
EXAMPLES = {"coverage": 1, "fuzzing": 25, "stateful": 15}
PHASES_OF_EACH_OPERATION = {"coverage", "fuzzing"}
"""Phases that try every operation.

Stateful tests follow links from one response to another request, and only some operations have such links.
"""
RECONCILED_WITHIN = 60
"""Seconds in which the reconciliation of an offboarding is complete."""
SEED = int(os.environ.get("SEED", "1"))


@pytest.fixture(scope="module")
def stack_users(*, whole: bool) -> Iterator[StackUsers]:
    """Yield users of a separate stack, so that generated records affect no other test."""
    if not whole:
        pytest.skip(
            "`make proof` tests the running product at length; tests/functions/test_contract.py has a short form"
        )
    with running_stack() as stack, StackUsers.of(stack) as stack_users:
        yield stack_users


def target(stack_users: StackUsers, who: str) -> Target:
    """Return the product from the point of view of one user, who has a client, a partner admin and an open link.

    The directory API gets accounts and users of its own, so that changes to them block no other request.
    """
    stack_users.put_everyone()
    admin, employee = stack_users.clients[0], stack_users.an_employee()
    users = {"client": admin, "manager": stack_users.manager, "employee": employee, "newcomer": stack_users.newcomer}
    client = stack_users.a_client(admin)
    link, _ = stack_users.a_link(employee, max_approvals=1000)
    machine = {
        scope: stack_users.stack.sign_in.machine_token(stack_users.stack.pool, scope)
        for scope in (DIRECTORY_SCOPE, DECIDE_SCOPE)
    }
    person = users[who].person
    known_ids = {
        "account_id": [client, PARTNER],
        "partner_id": [PARTNER],
        "user_id": [each.user_id for each in (admin, stack_users.newcomer, employee, *stack_users.employees)],
        "link_id": [str(link["link_id"])],
    }
    unused_user_id = f"user_{token_hex(4)}"
    stack_users.put(
        f"/directory/users/{unused_user_id}", {"email": f"{unused_user_id}@clients.example", "name": "Nobody Else"}
    )
    directory_ids = {"account_id": [stack_users.a_client()], "user_id": [unused_user_id]}
    return Target(
        url=stack_users.stack.base_url,
        access_by_path={
            "/(accounts|partners|access-links)": Access(
                stack_users.stack.sign_in.user_token(stack_users.stack.pool, person.email, person.password), known_ids
            ),
            "/directory": Access(machine[DIRECTORY_SCOPE], directory_ids),
            "/access/": Access(machine[DECIDE_SCOPE], known_ids),
        },
    )


def items_after_reconciliation(stack_users: StackUsers) -> Sequence[Item]:
    """Return the whole table, as soon as no reconciliation is pending."""
    deadline = time.monotonic() + RECONCILED_WITHIN
    while True:
        items = stack_users.stack.items()
        if not any(item["pk"].startswith("RECONCILIATION#") for item in items):
            return items
        assert time.monotonic() < deadline, "it is not tidied up"
        time.sleep(1)


@pytest.mark.parametrize("phase", EXAMPLES)
@pytest.mark.parametrize("who", WHO)
def test_fuzzed_requests_get_responses_of_the_contract(
    stack_users: StackUsers, notes: Notes, tmp_path: Path, who: str, phase: str
) -> None:
    report = fuzz(target(stack_users, who), phase, tmp_path, seed=SEED, examples=EXAMPLES[phase])

    assert (report["failures"], report["errors"]) == ([], [])
    tested, total = report["operations"]["tested"], report["operations"]["total"]
    assert tested == total if phase in PHASES_OF_EACH_OPERATION else tested
    assert invariants.violations(items_after_reconciliation(stack_users)) == []
    notes.passed(
        f"{phase}, as {who}",
        operations=tested,
        requests=report["test_cases"]["generated"],
    )


def test_fuzzing_of_wrong_base_path_reports_failures(stack_users: StackUsers, notes: Notes, tmp_path: Path) -> None:
    """Check the control: a wrong base path, where even requests without an id get 404."""
    made = target(stack_users, "client")
    elsewhere = Target(f"{made.url}/nowhere", made.access_by_path)

    report = fuzz(elsewhere, "coverage", tmp_path, seed=SEED, examples=1)

    assert report["failures"]
    notes.passed("control: another product at the same address", failures=len(report["failures"]))
