"""Tests of the list of things that need AWS, each with its substitute here and a way to try it on AWS."""

from tests.proofs.untested_here import NOT_RUN_HERE
from tools.proof.notes import Notes


def test_elsewhere_entries_name_a_substitute_and_a_way_to_try_it(notes: Notes) -> None:
    for each in NOT_RUN_HERE:
        assert each.stands_in.endswith(".")
        assert each.to_try.endswith(".")
        notes.exception(each.what, f"{each.stands_in} *To try it:* {each.to_try}")
    assert len({each.what for each in NOT_RUN_HERE}) == len(NOT_RUN_HERE)
