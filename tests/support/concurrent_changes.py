"""Concurrent changes between the read and the commit of an operation.

Each writes what another operation would write, with a new version.
"""

from collections.abc import Callable

from partner_access.store import keys
from tests.support.builders import CLIENT
from tests.support.table import Table

Change = Callable[[Table], None]
NEXT_VERSION = 9


def member(user_id: str, account_id: str = CLIENT, **values: object) -> Change:
    return lambda table: table.change(keys.member(account_id, user_id), version=NEXT_VERSION, **values)


def user(user_id: str, **values: object) -> Change:
    return lambda table: table.change(keys.user(user_id), version=NEXT_VERSION, **values)


def account(account_id: str, **values: object) -> Change:
    return lambda table: table.change(keys.account(account_id), version=NEXT_VERSION, **values)


def super_admins(*user_ids: str, account_id: str = CLIENT) -> Change:
    return lambda table: table.put(keys.super_admins(account_id), {"user_ids": set(user_ids)})


def partner_seats_used(number: int, account_id: str = CLIENT) -> Change:
    """Change the seats used, which does not change the account's version."""
    return lambda table: table.change(keys.account(account_id), partner_seats_used=number)


def both_changes(first: Change, second: Change) -> Change:
    def apply_both(table: Table) -> None:
        first(table)
        second(table)

    return apply_both
