"""Random operations of users and the vendor that change who has access to an account, called through the API."""

from datetime import timedelta
from typing import Final

from tests.support import operations
from tests.support.background_functions import run_expire_links, run_reconcile_access
from tests.support.gateway import ApiResponse
from tests.support.operations.rows import Draw
from tests.support.random_accounts import RandomAccounts


class RandomOperations(RandomAccounts):
    """A generator of random operations on random accounts, and of the time that passes between them."""

    def run_one(self) -> None:
        """Run one random operation and assert that it returns no server error. Client errors are expected."""
        draw = self.random.choice(ALL_DRAWS)
        answer = draw.run(self)
        if isinstance(answer, ApiResponse):
            assert answer.status < 500, answer
            self.succeeded += answer.status < 300

    def run_scheduled_jobs(self) -> None:
        """Run the scheduled jobs until no reconciliation is queued."""
        for _ in range(5):
            self.clock.time += timedelta(minutes=5)
            run_expire_links()
            run_reconcile_access()
            if not self.table.items_with_prefix("RECONCILIATION#"):
                return
        raise AssertionError(self.table.items_with_prefix("RECONCILIATION#"))


def pass_time(accounts: RandomAccounts) -> None:
    accounts.clock.advance(hours=accounts.choose(1, 12, 30, 24 * 8))


ALL_DRAWS: Final[tuple[Draw, ...]] = (
    *(draw for draw in operations.all_draws() for _ in range(draw.often)),
    Draw("time_passes", pass_time),
)
"""Every draw, as often as its weight."""
