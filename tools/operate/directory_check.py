"""Compare an import with the directory before anything is sent, and find addresses that cannot change their owner."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

from tools.api_client import Json
from tools.operate.rows import RecordType, RowError

REQUIRED: Final[Mapping[RecordType, tuple[str, ...]]] = {
    RecordType.ACCOUNT: ("kind", "name"),
    RecordType.USER: ("email", "name"),
    RecordType.MEMBER: ("permission_set",),
}
"""The fields that a new record needs, and a user who was erased."""
BATCH_SIZE: Final = 200


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """A row as it is planned: the fields that it lacks for a new record, and a user's address after it, if named."""

    row: int
    kind: RecordType
    path: str
    name: str
    missing: tuple[str, ...]
    email: str | None


@dataclass(frozen=True, slots=True)
class AddressMove:
    """The address of a user before and after an import. `after` is None if the import does not name one."""

    row: int
    user_id: str
    before: str
    after: str | None

    @property
    def leaves(self) -> bool:
        """True if the user's address is free afterwards."""
        return self.after not in {None, self.before}


class DirectoryReader(Protocol):
    """A source of the records of the directory by their path."""

    def read(self, path: str) -> Json | None: ...


def errors_against_directory(
    records: Iterator[Sequence[PlannedRecord]], directory: DirectoryReader, parallel: int
) -> Iterator[tuple[int, RowError]]:
    """Yield the errors that the directory would report because of what it contains now."""
    moves: list[AddressMove] = []
    new: list[PlannedRecord] = []
    with ThreadPoolExecutor(parallel, "directory") as threads:
        for batch in records:
            for record, now in zip(batch, threads.map(lambda each: directory.read(each.path), batch), strict=True):
                address = now.get("email") if now and record.kind is RecordType.USER else None
                if now is None or (record.kind is RecordType.USER and address is None):
                    yield from (
                        (record.row, RowError(name, f"is missing, and the directory has no such {record.kind} yet"))
                        for name in record.missing
                    )
                    new += [record] if record.email else []
                elif address:
                    moves.append(AddressMove(record.row, record.name, address, record.email))
    yield from blocked_moves([*moves, *(AddressMove(each.row, each.name, "", each.email) for each in new)])


def blocked_moves(moves: Sequence[AddressMove]) -> Iterator[tuple[int, RowError]]:
    """Yield an error for each address that another of these users keeps, or that users give each other in a circle."""
    owners = {move.before: move for move in moves if move.before}
    for move in moves:
        others: list[AddressMove] = []
        owner = owners.get(move.after or "") if move.leaves else None
        while owner and owner.leaves and owner not in others and owner is not move:
            others.append(owner)
            owner = owners.get(owner.after or "")
        if owner is move:
            yield move.row, RowError("email", _circle(move, others))
        elif owner and not others:
            yield move.row, RowError("email", kept_by(owner.user_id))


def kept_by(user: str) -> str:
    """Return the reason why an address cannot pass to another user, and what to do."""
    return (
        f"is also the address of {user}. An address belongs to one user, even to a deactivated one: give {user} "
        "another address, or erase that user first"
    )


def _circle(move: AddressMove, others: Sequence[AddressMove]) -> str:
    users = ", ".join(sorted({move.user_id, *(each.user_id for each in others)}))
    return (
        f"{users} exchange addresses, and the directory gives an address away only when it is free. Import one of them "
        "with a third address first, then these rows again"
    )
