"""What moves on between a reading and its committing, as another operation would leave it: with a new version."""

from collections.abc import Callable

from partner_access.store import keys
from tests.support.builders import CLIENT
from tests.support.table import Table

Move = Callable[[Table], None]
LATER = 9


def member(user_id: str, account_id: str = CLIENT, **values: object) -> Move:
    return lambda table: table.change(keys.member(account_id, user_id), version=LATER, **values)


def user(user_id: str, **values: object) -> Move:
    return lambda table: table.change(keys.user(user_id), version=LATER, **values)


def account(account_id: str, **values: object) -> Move:
    return lambda table: table.change(keys.account(account_id), version=LATER, **values)


def super_admins(*user_ids: str, account_id: str = CLIENT) -> Move:
    return lambda table: table.put(keys.super_admins(account_id), {"user_ids": set(user_ids)})


def partner_seats_used(number: int, account_id: str = CLIENT) -> Move:
    """Seats come and go without a new version of the account."""
    return lambda table: table.change(keys.account(account_id), partner_seats_used=number)


def both(first: Move, second: Move) -> Move:
    def move(table: Table) -> None:
        first(table)
        second(table)

    return move
