"""Reconciliations: which of them end access, and which follow a change of the partner program."""

import pytest

from partner_access.domain.notifications import CleanUp, Occasion

ENDS = {Occasion.OFFBOARDED, Occasion.ERASED, Occasion.PROGRAM_ENDED}
OF_THE_PROGRAM = {Occasion.PROGRAM_STOPPED, Occasion.PROGRAM_RESUMED, Occasion.PROGRAM_ENDED}


@pytest.mark.parametrize("reason", Occasion)
def test_reconciliation_reason_states_whether_access_ends_and_whether_the_program_changed(reason: Occasion) -> None:
    reconciliation = CleanUp(reason=reason)

    assert reconciliation.ends is (reason in ENDS)
    assert reconciliation.is_of_the_program is (reason in OF_THE_PROGRAM)
