"""Stored responses: no names and addresses of users are stored, and a replay has those of now (domain.md rule 27)."""

import json
from collections.abc import Iterator
from typing import Any
from zlib import decompress

import pytest

from partner_access.domain.errors import NoSeatLeft, StaleFacts
from partner_access.idempotency import StoredResponseFound, user_ids_in, with_names, without_names
from partner_access.store import keys
from tests.support import operations, set_versions
from tests.support.gateway import ApiResponse
from tests.support.operations.rows import OperationRow
from tests.support.seeded_table import seed
from tests.support.table import Table


def test_stale_facts_and_stored_response_carry_their_values() -> None:
    assert StaleFacts(NoSeatLeft).error is NoSeatLeft
    assert (str(StaleFacts(NoSeatLeft)), str(StoredResponseFound(201, "{}"))) == ("no_seat_left", "201")
    assert (StoredResponseFound(201, "{}").status, StoredResponseFound(201, "{}").body) == (201, "{}")


ANN = {"user_id": "ann", "name": "Ann", "email": "ann@bakery.example"}
WITHOUT_NAME = {"user_id": "ann", "name": None, "email": None}


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (ANN, WITHOUT_NAME),
        ({**ANN, "version": 3}, {**WITHOUT_NAME, "version": 3}),
        ({"link_id": "l", "employee": ANN}, {"link_id": "l", "employee": WITHOUT_NAME}),
        ({"items": [{"user_id": "ann", "name": ""}]}, {"items": [{"user_id": "ann", "name": None}]}),
        (
            {"items": [ANN, {"account_id": "a", "name": "A"}]},
            {"items": [WITHOUT_NAME, {"account_id": "a", "name": "A"}]},
        ),
        ({"user_id": "ann", "outcome": "done"}, {"user_id": "ann", "outcome": "done"}),
        ({"account_id": "a", "name": "The Bakery"}, {"account_id": "a", "name": "The Bakery"}),
    ],
)
def test_stored_response_has_no_names_of_users_and_a_replay_has(body: Any, stored: Any) -> None:
    text = json.dumps(body, separators=(",", ":"))
    kept = without_names(text)

    assert json.loads(kept) == stored
    assert user_ids_in(kept) == (["ann"] if "ann" in text and "name" in text else [])
    names = {"name": "" if '"name":""' in text else "Ann", "email": "ann@bakery.example"}
    assert with_names(kept, lambda _: names) == text


def test_replay_of_erased_user_has_empty_name_and_no_address() -> None:
    kept = without_names(json.dumps({"employee": ANN}))

    erased = json.loads(with_names(kept, lambda _: {"name": "", "email": None}))

    assert erased == {"employee": {"user_id": "ann", "name": ""}}


@pytest.fixture
def two_versions() -> Iterator[None]:
    with set_versions.two_set_versions():
        yield


def _personal_data(table: Table) -> set[str]:
    """Return the names and addresses of all users."""
    users = [item for item in table.items_with_prefix(keys.USER) if item["sk"] == "USER"]
    return {str(user[name]) for user in users for name in ("name", "email") if user.get(name)}


def _erase_everyone(table: Table) -> None:
    for item in table.items_with_prefix(keys.USER):
        if item["sk"] == "USER":
            table.change(keys.user(item["user_id"]), name="", email=None)


@pytest.mark.parametrize("row", operations.CHANGING, ids=lambda row: row.route)
@pytest.mark.usefixtures("two_versions")
def test_erasure_reaches_stored_response_of_every_operation(table: Table, row: OperationRow) -> None:
    assert row.under_fault
    seed(table, *row.under_fault.records())
    attempt = row.under_fault.attempt or row.attempt
    assert attempt
    first: ApiResponse = attempt("key")
    personal_data = _personal_data(table)
    stored = [decompress(bytes(item["response_body"])).decode() for item in table.items_with_prefix(keys.IDEMPOTENCY)]
    unchanged: ApiResponse = attempt("key")

    _erase_everyone(table)
    replay: ApiResponse = attempt("key")

    assert stored, "the operation stores its response"
    assert [name for name in personal_data if any(name in text for text in (*stored, replay.text))] == []
    assert (unchanged.replayed, replay.replayed) == (True, True)
    if "url" not in first.text:
        assert unchanged.text == first.text
