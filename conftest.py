"""Distribution of the tests among xdist workers.

The fixtures are in tests/.
"""

import pytest
from typing_extensions import override
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist has no type annotations
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # xdist has no type annotations

STACK = "tests/stack/"


class StackTogether(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no type annotations
    """A scheduler that distributes tests one by one, except that all tests of the stack run in one worker.

    One worker is enough for them, so that only one stack is started. `--dist loadgroup` is meant for this, but xdist
    3.8 cannot read the group of a test from pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else nodeid

    @override
    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Delete the group once all its tests are done. Otherwise, xdist iterates over all groups after every test."""
        group = self._split_scope(self.registered_collections[node][item_index])
        tests = self.assigned_work[node][group]
        super().mark_test_complete(node, item_index, duration)
        if all(tests.values()):
            del self.assigned_work[node][group]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Use this scheduler for every value of `--dist`."""
    return StackTogether(config, log)
