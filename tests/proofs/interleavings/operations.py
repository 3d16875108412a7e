"""All operations that run at once on the table of tests/support/busy_table.py, from the register of operations.

They belong to users, the vendor and background jobs. Before the initial state, an employee is invited and gets a pending
email. Another is offboarded, and their reconciliation does not run.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from partner_access.store.outbox import delivery_id
from tests.proofs.interleavings.attempts import Operation
from tests.support import link_requests, operations
from tests.support.builders import EMPLOYEE
from tests.support.busy_table import ADDRESS, OFFBOARDED
from tests.support.gateway import ApiResponse
from tests.support.operations.relationships import offboard
from tests.support.operations.rows import ConcurrentCase, StreamItems
from tests.support.table import Item

INVITE: Final = Operation(
    "invite",
    "before",
    lambda key: link_requests.create(employee_id=EMPLOYEE, recipient_email=ADDRESS, key=key),
)
OFFBOARD_AT_ONCE: Final = Operation("leave at once", "before", lambda key: offboard(OFFBOARDED, key=key))


def _operation(case: ConcurrentCase, where: str, run: Callable[[str], ApiResponse | None] | None) -> Operation:
    assert run, f"{case.name} has no request. Write `run` in the case, or `attempt` in the row of {where}."
    return Operation(
        case.name,
        where,
        run,
        in_parts=case.in_parts,
        decides=case.decides,
        is_keyed=case.is_keyed,
        has_effect=case.has_effect,
        later=case.later,
    )


def _of_routes() -> Iterator[Operation]:
    for row in operations.OPERATIONS:
        for case in row.concurrent:
            yield _operation(case, row.route, case.run or row.attempt)


OPERATIONS: Final = tuple(_of_routes())
"""The operations of users and of the vendor, with a few reads."""
(DECISION,) = (operation for operation in OPERATIONS if operation.decides)


def background_operations(items: Iterable[Item]) -> Iterator[Operation]:
    """Yield the operations of background functions. Their streams deliver the items that are in the table."""
    there = sorted(items, key=lambda item: (item["pk"], item["sk"]))
    entries = [item for item in there if item["pk"].startswith("AUDIT#")]
    chained = {(item["pk"].removeprefix("CHAIN#"), item["sk"]) for item in there if item["pk"].startswith("CHAIN#")}
    (email,) = (
        item for item in there if item["pk"].startswith("OUTBOX#") and item["notification"]["kind"] == "link_to_approve"
    )
    stream = StreamItems(
        entries=entries,
        new_entries=[item for item in entries if (item["pk"].removeprefix("AUDIT#"), item["sk"]) not in chained],
        email=email,
        delivery=delivery_id(email["outbox_id"], ADDRESS),
    )
    for row in operations.FUNCTIONS:
        for case in row.background.concurrent(stream) if row.background else ():
            yield _operation(case, f"functions.{row.name}.app", case.run)
