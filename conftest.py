"""How the tests are shared out among workers; what they stand on is in tests/."""

import pytest
from typing_extensions import override
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it comes without types
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # for the same reason

STACK = "tests/stack/"


class StackTogether(LoadScopeScheduling):  # type: ignore[misc]  # for the same reason
    """Each test by itself, but all on the stack in one worker, so that one stack is started for them.

    This is what `--dist loadgroup` is for; xdist 3.8 cannot tell pytest 9.2 of a test's group any more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else nodeid

    @override
    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Forget what is done: xdist would go through all of it again after every test."""
        group = self._split_scope(self.registered_collections[node][item_index])
        tests = self.assigned_work[node][group]
        super().mark_test_complete(node, item_index, duration)
        if all(tests.values()):
            del self.assigned_work[node][group]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Whatever `--dist` says."""
    return StackTogether(config, log)
