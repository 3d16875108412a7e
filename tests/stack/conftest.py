"""One stack for all these tests.

Each test has accounts of its own, and the invariants are checked over all accounts.
"""

import time
from collections.abc import Iterator

import pytest

from tests.stack.stack_users import StackUsers
from tools import invariants
from tools.local_stack import LocalStack, running_stack

SETTLED_AFTER = 1.0


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """Run the shipped template on an emulator with IAM enforced."""
    with running_stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def stack_users(stack: LocalStack) -> Iterator[StackUsers]:
    """Create users who can sign in, and a partner that employs some of them."""
    with StackUsers.of(stack) as stack_users:
        yield stack_users


@pytest.fixture(scope="session")
def reported_violations() -> set[str]:
    """Return the violations that earlier tests reported, so that each is reported once."""
    return set()


@pytest.fixture
def invariants_hold(stack: LocalStack, reported_violations: set[str]) -> Iterator[None]:
    """Check all invariants of the whole table after the test."""
    yield
    found = set(invariants.violations(stack.items())) - reported_violations
    if found:  # a scan may overlap with deliveries being recorded, while a real violation remains
        time.sleep(SETTLED_AFTER)
        found &= set(invariants.violations(stack.items()))
    reported_violations |= found
    assert sorted(found) == []
