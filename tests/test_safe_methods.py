"""Tests that reads change nothing (consistency.md G5): every GET by every caller leaves the whole table unchanged."""

from collections.abc import Iterator
from itertools import product
from typing import Final

import pytest

from tests.support import gateway
from tests.support.builders import (
    APPROVER,
    CLIENT,
    CUSTOM_SET,
    EMPLOYEE,
    LINK,
    PARTNER,
    SECRET_TEXT,
    a_custom_set,
    a_partner_admin,
)
from tests.support.gateway import DIRECTORY, USE, VENDOR, call
from tests.support.link_requests import assert_unchanged
from tests.support.seeded_table import CLERK, COLLEAGUE, MANAGER, seed
from tests.support.table import Table

ROUTES: Final = sorted(route for operation in gateway.OPERATIONS for route in gateway.app(operation).routes)
GET_ROUTES: Final = [route for route in ROUTES if route.startswith("GET ")]
PATHS: Final = sorted({route.partition(" ")[2] for route in ROUTES} - {""})
CALLERS: Final = (APPROVER, CLERK, MANAGER, EMPLOYEE, COLLEAGUE, "user-nobody")
IDS: Final = {
    "account_id": (CLIENT, PARTNER, "nowhere"),
    "partner_id": (PARTNER, CLIENT, "nowhere"),
    "link_id": (LINK, "lnk_none"),
    "user_id": (EMPLOYEE, "user-nobody"),
    "set_id": (CUSTOM_SET, "set_none"),
}


@pytest.fixture
def seeded(table: Table) -> Table:
    seed(table, a_partner_admin(COLLEAGUE), a_custom_set())
    return table


def path_parameters(path: str) -> Iterator[dict[str, str]]:
    """Yield every combination of ids in the path."""
    names = [name for name in IDS if f"{{{name}}}" in path]
    for values in product(*(IDS[name] for name in names)):
        yield dict(zip(names, values, strict=True))


@pytest.mark.parametrize("route", GET_ROUTES)
def test_get_request_changes_nothing(seeded: Table, route: str) -> None:
    # domain.md rule 1
    people = [(VENDOR, DIRECTORY)] if "/directory/" in route else [(each, USE) for each in CALLERS]
    statuses = set()

    with assert_unchanged(seeded):
        for (by, scope), where in product(people, list(path_parameters(route))):
            answer = call(route, by, scope=scope, headers={"idempotency-key": "looking"}, **where)
            assert answer.status in {200, 403, 404}, answer
            statuses.add(answer.status)

    assert 200 in statuses, "nobody gets 200: add the records that the route needs to `seeded`, or their ids to IDS"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET"])
def test_other_safe_method_returns_405_and_changes_nothing(seeded: Table, method: str, path: str) -> None:
    # domain.md rule 1
    if f"{method} {path}" in GET_ROUTES:
        return

    with assert_unchanged(seeded):
        assert call(f"{method} {path}", None, **next(path_parameters(path))).status == 405


@pytest.mark.parametrize("by", CALLERS)
def test_preview_link_changes_nothing(seeded: Table, by: str) -> None:
    with assert_unchanged(seeded):
        assert call("POST /access-links/preview", by, {"secret": SECRET_TEXT}).status == 200
