"""A model beside the product: hypothesis acts at every door, and both agree after each act."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proofs.model import machine
from tests.proofs.model.model import ROUTES, Model
from tests.proofs.model.town import Town, town
from tests.table import Table
from tools.proof.notes import Notes

CHUNKS = 4
WORKERS = 2


@pytest.fixture
def here(table: Table) -> Iterator[Town]:
    with town(table, Model()) as found:
        yield found


def run(here: Town, examples: int, steps: int, number: int) -> None:
    """So many days of so many steps."""
    run_state_machine_as_test(
        seed(number)(machine.of_the(here)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_product_does_what_the_model_says(here: Town, whole: bool, notes: Notes, chunk: int) -> None:
    run(here, 30, 40, int(os.environ.get("SEED", "1")) + chunk)
    print(here.done, here.refused, here.troubled)
