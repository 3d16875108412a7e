"""The rows of the register of operations, and their columns.

A function has a row with its permissions. It contains one row for each operation, which has a column for each test or
proof that needs a case. All cases are written by hand: they are the expectation, and nothing derives them from the code.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from partner_access.domain.records import Record
from tests.support.builders import APPROVER, EMPLOYEE
from tests.support.environment import Environment
from tests.support.gateway import VENDOR, ApiResponse
from tests.support.random_accounts import RandomAccounts
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER
from tests.support.table import Item

ROLES: Final = {
    "partner super admin": MANAGER,
    "client access manager": "user-access",
    "other partner employee": EMPLOYEE,
    "partner admin": COLLEAGUE,
    "client super admin": APPROVER,
    "client user manager": "user-users",
    "other client user": CLERK,
    "super admin of the partner": "user-both",
    "former member": "user-former",
    "deactivated": "user-gone",
    "stranger": "user-stranger",
    "operator": VENDOR,
}
"""The users of the matrix of authority. A comment above the statuses of a row abbreviates them: PSA to OP."""

REJECTED_BY_GATEWAY: Final = 0
"""Stands for a request that API Gateway rejects, because its token lacks the scope. A row writes `---`."""

PEOPLE: Final = frozenset({"UseScope"})
BACK_END: Final = frozenset({"DirectoryScope"})
PRODUCT: Final = frozenset({"DecideScope"})
OPEN: Final[frozenset[str]] = frozenset()
"""The scope of a route without an authorizer."""

Permissions = frozenset[tuple[str, str]]
Attempt = Callable[[str | None], ApiResponse]
"""One request under an idempotency key. Without a key, each attempt gets a new one where the route needs one."""
SendRequest = Callable[[], ApiResponse]


@dataclass(frozen=True, slots=True)
class AuthorityCase:
    """A request to the route, with the expected status for each role in the order of `ROLES`."""

    statuses_by_role: str
    body: object = None
    what: str = ""
    user_id: str = CLERK

    @property
    def statuses(self) -> tuple[int, ...]:
        written = self.statuses_by_role.split()
        assert len(written) == len(ROLES), f"Write a status or --- for each of {', '.join(ROLES)}."
        return tuple(REJECTED_BY_GATEWAY if each == "---" else int(each) for each in written)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostCase:
    """One request on one set of records. `max_units` is the cost today, so that an increase does not go unnoticed.

    Without `send_request`, it is the row's attempt.
    """

    name: str
    max_units: int
    send_request: SendRequest | None = None
    target: int | None = None
    stretch: int | None = None
    others: tuple[Record, ...] = ()
    reads: int = 2
    reason: str = ""
    why_so_many: str = ""


@dataclass(frozen=True, slots=True)
class ConcurrentCase:
    """A request on the records of tests/support/busy_table.py. The interleavings run it with every other one.

    Without `run`, it is the row's attempt. `later` is the lead of its clock. `in_parts` is true if its reads or writes
    are not all at one instant. `has_effect` is false if it only reads, or has nothing to do on these records.
    """

    name: str
    run: Callable[[str], ApiResponse | None] | None = None
    in_parts: bool = False
    decides: bool = False
    is_keyed: bool = True
    has_effect: bool = True
    later: timedelta = timedelta()


def _no_records() -> tuple[Record, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """A request that succeeds with these records beside the usual ones, and is repeated with each fault.

    Without `attempt`, it is the row's attempt. `in_parts` is true if it uses several transactions.
    """

    attempt: Attempt | None = None
    records: Callable[[], tuple[Record, ...]] = _no_records
    in_parts: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """A random request on random accounts.

    `often` is its weight among the random operations of tests, and `with_model` among those that the model checks. Both
    are 0 if the row of another operation counts the same draw.
    """

    name: str
    run: Callable[[RandomAccounts], object]
    often: int = 1
    with_model: int = 1


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation. `reads` is true for a POST that changes nothing, which needs no case of the proofs."""

    route: str
    scopes: frozenset[str] = PEOPLE
    attempt: Attempt | None = None
    reads: bool = False
    authority: tuple[AuthorityCase, ...] = ()
    costs: tuple[CostCase, ...] = ()
    concurrent: tuple[ConcurrentCase, ...] = ()
    under_fault: FaultCase | None = None
    draws: tuple[Draw, ...] = ()

    @property
    def changes(self) -> bool:
        """True if the operation changes something, so that the proofs need a case of each kind."""
        return not self.reads and not self.route.startswith("GET ")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItems:
    """The items of a table that its stream delivers: the audit entries, those without a hash, and an email."""

    entries: list[Item]
    new_entries: list[Item]
    email: Item
    delivery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundRow:
    """The cases of a background function.

    `under_fault` has a function that prepares the environment and returns one run, by the trigger of the run.
    """

    concurrent: Callable[[StreamItems], Iterable[ConcurrentCase]]
    under_fault: dict[str, Callable[[Environment], Callable[[str], Any]]]
    draws: tuple[Draw, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A function with everything that its role permits.

    `sample_status` is the status of the sample event with an empty table. Most samples name records that do not exist.
    """

    name: str
    permissions: Permissions
    operations: tuple[OperationRow, ...] = ()
    sample_status: int = 404
    background: BackgroundRow | None = None
