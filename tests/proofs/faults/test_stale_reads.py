"""As stale as DynamoDB may be (guarantees.md F13, F14): decisions stay as things are, and sweeps break nothing."""

import os
from random import Random

import pytest

from tests.proofs.faults.operations import Stage
from tests.proofs.faults.stale import past
from tests.support import link_requests
from tests.support.authzen_requests import SHIPPED, action, resource, subject
from tests.support.random_operations import CLIENTS, FIRMS, PEOPLE, Acts
from tools.invariants import broken
from tools.proof.notes import Notes


def decisions(stage: Stage) -> list[bool]:
    """Who may look at contacts, and who manages users."""
    names = [action("crm.contacts.view"), action("account.users.manage")]
    return [
        SHIPPED.decides({"subject": subject(user_id), "action": name, "resource": resource(client, "account")})
        for client in CLIENTS
        for user_id in PEOPLE[::2]
        for name in names
    ]


@pytest.mark.parametrize("part", range(4))
def test_an_index_that_lags_changes_no_decision_and_breaks_nothing(
    stage: Stage, part: int, notes: Notes, *, whole: bool
) -> None:
    if not whole and part:
        pytest.skip("one part is tried: `make proof` tries all")
    chance = Random(f"{os.environ.get('SEED', 'of the gate')} {part}")
    acts = Acts(stage.table, stage.clock, chance)
    stage.table.clear()
    acts.begin()
    stale = 0
    for number in range(24 if whole else 4):
        with past(stage.table, chance) as before:
            before.passes()
            acts.one()
            before.passes()
            acts.one()
            acts.sweep()
            acts.clean_up()
            for firm in FIRMS:
                listed = link_requests.listed(acts.admin_of(firm), partner_id=firm)
                assert listed.status in {200, 403, 404}, listed
            told = decisions(stage) if number % 8 == 0 else []
            stale += before.stale
        assert broken(stage.table.items()) == []
        if told:
            assert told == decisions(stage)
    assert stale
    acts.settles()
    assert broken(stage.table.items()) == []
    notes.tried(
        f"F13, F14: acts and sweeps over a table that lags, part {part + 1}", stale_answers=stale, acts=acts.done
    )
