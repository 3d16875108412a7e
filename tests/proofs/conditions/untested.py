"""The control for the mutation tests: it retires a link and asserts nothing, so that each mutant must survive."""

from partner_access.store.links import links
from tests.support.builders import NOW, a_link
from tests.support.seeded_table import seed
from tests.support.table import Table


def test_record_retirement_without_assertions_passes(table: Table) -> None:
    used = a_link(max_approvals=2, approvals=2, expires_at=NOW)
    seed(table, used)

    links.record_used_up(used)
