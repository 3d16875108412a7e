"""One stack for all these tests, each of which has accounts of its own; the invariants are checked over all of them."""

import time
from collections.abc import Iterator

import pytest

from tests.stack.stack_users import Town
from tools import invariants
from tools.local_stack import Stack, running_stack

SETTLED_AFTER = 1.0


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The shipped template on an emulator, with IAM enforced."""
    with running_stack() as stack:
        yield stack


@pytest.fixture(scope="session")
def town(stack: Stack) -> Iterator[Town]:
    """People who can sign in, and a partner that employs some of them."""
    with Town.of(stack) as town:
        yield town


@pytest.fixture(scope="session")
def seen() -> set[str]:
    """What earlier tests broke: each is told of its own."""
    return set()


@pytest.fixture
def sound(stack: Stack, seen: set[str]) -> Iterator[None]:
    """After the test, everything that must be true of the whole table is."""
    yield
    found = set(invariants.broken(stack.items())) - seen
    if found:  # a scan may pass by while letters are being noted; what is broken stays so
        time.sleep(SETTLED_AFTER)
        found &= set(invariants.broken(stack.items()))
    seen |= found
    assert sorted(found) == []
