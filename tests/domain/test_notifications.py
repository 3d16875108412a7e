"""Reconciliations: which of them end access, and which follow a change of the partner program."""

import pytest

from partner_access.domain.notifications import Reconciliation, ReconciliationReason

ENDS = {ReconciliationReason.OFFBOARDED, ReconciliationReason.ERASED, ReconciliationReason.PROGRAM_ENDED}
OF_THE_PROGRAM = {
    ReconciliationReason.PROGRAM_STOPPED,
    ReconciliationReason.PROGRAM_RESUMED,
    ReconciliationReason.PROGRAM_ENDED,
}


@pytest.mark.parametrize("reason", ReconciliationReason)
def test_reconciliation_reason_decides_end_and_program_change(
    reason: ReconciliationReason,
) -> None:
    reconciliation = Reconciliation(reason=reason)

    assert reconciliation.ends_access is (reason in ENDS)
    assert reconciliation.is_program_change is (reason in OF_THE_PROGRAM)
