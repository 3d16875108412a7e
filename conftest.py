"""How the tests are shared out among workers; what they stand on is in tests/."""

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it comes without types

STACK = "tests/stack/"


class StackTogether(LoadScopeScheduling):  # type: ignore[misc]  # for the same reason
    """Each test by itself, but all on the stack in one worker, so that one stack is started for them.

    This is what `--dist loadgroup` is for; xdist 3.8 cannot tell pytest 9.2 of a test's group any more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Whatever `--dist` says."""
    return StackTogether(config, log)
