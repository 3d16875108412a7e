"""One stack for all these tests, each of which has accounts of its own; the invariants are checked over all of them."""

import time
from collections.abc import Iterator

import pytest

from tests.stack.stack_users import StackUsers
from tools import invariants
from tools.local_stack import LocalStack, running_stack

SETTLED_AFTER = 1.0


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The shipped template on an emulator, with IAM enforced."""
    with running_stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def stack_users(stack: LocalStack) -> Iterator[StackUsers]:
    """People who can sign in, and a partner that employs some of them."""
    with StackUsers.of(stack) as stack_users:
        yield stack_users


@pytest.fixture(scope="session")
def reported_violations() -> set[str]:
    """What earlier tests broke: each is told of its own."""
    return set()


@pytest.fixture
def invariants_hold(stack: LocalStack, reported_violations: set[str]) -> Iterator[None]:
    """After the test, everything that must be true of the whole table is."""
    yield
    found = set(invariants.violations(stack.items())) - reported_violations
    if found:  # a scan may pass by while letters are being noted; what is broken stays so
        time.sleep(SETTLED_AFTER)
        found &= set(invariants.violations(stack.items()))
    reported_violations |= found
    assert sorted(found) == []
