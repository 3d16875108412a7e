"""Maximum staleness of DynamoDB (consistency.md F13, F14): decisions remain correct, and sweeps break nothing."""

import os
from random import Random

import pytest

from tests.proofs.faults.stale_reads import stale_reads
from tests.support import link_requests
from tests.support.authzen_requests import DEPLOYED, action, resource, subject
from tests.support.background_functions import run_expire_links, run_reconcile_access
from tests.support.environment import Environment
from tests.support.random_accounts import CLIENTS, DOMAIN_OF_PARTNER, USERS
from tests.support.random_operations import RandomOperations
from tools.invariants import violations
from tools.proof.notes import Notes


def decisions(fault_environment: Environment) -> list[bool]:
    """Return decisions about viewing contacts and managing users, for several users and clients."""
    names = [action("crm.contacts.view"), action("account.users.manage")]
    return [
        DEPLOYED.decide({"subject": subject(user_id), "action": name, "resource": resource(client, "account")})
        for client in CLIENTS
        for user_id in USERS[::2]
        for name in names
    ]


@pytest.mark.parametrize("part", range(4))
def test_decisions_and_sweeps_with_stale_index_remain_correct(
    fault_environment: Environment, part: int, notes: Notes, *, whole: bool
) -> None:
    if not whole and part:
        pytest.skip("one part is tried: `make proof` tries all")
    random = Random(f"{os.environ.get('SEED', 'of the gate')} {part}")
    operations = RandomOperations(fault_environment.table, fault_environment.clock, random)
    fault_environment.table.clear()
    operations.create_accounts()
    stale = 0
    for number in range(24 if whole else 4):
        with stale_reads(fault_environment.table, random) as past_states:
            past_states.remember()
            operations.run_one()
            past_states.remember()
            operations.run_one()
            run_expire_links()
            run_reconcile_access()
            for partner_id in DOMAIN_OF_PARTNER:
                listed = link_requests.list_links(operations.admin_of(partner_id), partner_id=partner_id)
                assert listed.status in {200, 403, 404}, listed
            decided = decisions(fault_environment) if number % 8 == 0 else []
            stale += past_states.stale
        assert violations(fault_environment.table.items()) == []
        if decided:
            assert decided == decisions(fault_environment)
    assert stale
    operations.run_scheduled_jobs()
    assert violations(fault_environment.table.items()) == []
    notes.passed(
        f"F13, F14: acts and sweeps over a table that lags, part {part + 1}",
        stale_answers=stale,
        acts=operations.succeeded,
    )
