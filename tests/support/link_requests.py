"""Requests about access links: valid by default, so that a test states only the values that it is about."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from partner_access.store.keys import Key
from tests.support import races
from tests.support.builders import APPROVER, CLIENT, LINK, PARTNER, SECRET_TEXT
from tests.support.gateway import ApiResponse, call, call_as_vendor
from tests.support.seeded_table import MANAGER
from tests.support.table import Item, Table, differences

LINKS = "/partners/{partner_id}/access-links"
ONE_LINK = LINKS + "/{link_id}"
APPROVALS = "POST /access-links/approvals"
DECLINES = "POST /access-links/declines"
RENEWALS = "POST /access-links/renewals"
PREVIEW = "POST /access-links/preview"

SendRequest = Callable[[], ApiResponse]


def idempotency_header(key: str | None) -> Mapping[str, str] | None:
    """Return the header with the idempotency key. Without a key, each attempt gets a new one."""
    return {"idempotency-key": key} if key else None


def create(by: str = MANAGER, *, partner_id: str = PARTNER, key: str | None = None, **new_link: object) -> ApiResponse:
    return call(f"POST {LINKS}", by, new_link, partner_id=partner_id, headers=idempotency_header(key))


def list_links(by: str = MANAGER, *, partner_id: str = PARTNER, **query: str) -> ApiResponse:
    return call(f"GET {LINKS}", by, partner_id=partner_id, query=query)


def view(by: str = MANAGER, *, link_id: str = LINK, partner_id: str = PARTNER) -> ApiResponse:
    return call(f"GET {ONE_LINK}", by, partner_id=partner_id, link_id=link_id)


def revoke(by: str = MANAGER, *, link_id: str = LINK, partner_id: str = PARTNER, **how: Any) -> ApiResponse:
    return call(f"DELETE {ONE_LINK}", by, partner_id=partner_id, link_id=link_id, **how)


def resend(by: str = MANAGER, *, link_id: str = LINK, partner_id: str = PARTNER, key: str | None = None) -> ApiResponse:
    return call(f"POST {ONE_LINK}/resend", by, partner_id=partner_id, link_id=link_id, headers=idempotency_header(key))


def preview(by: str = APPROVER, *, secret: object = SECRET_TEXT, **more: object) -> ApiResponse:
    return call(PREVIEW, by, {"secret": secret, **more})


def approve(
    by: str = APPROVER,
    *,
    secret: object = SECRET_TEXT,
    account_id: str = CLIENT,
    key: str | None = None,
    **more: object,
) -> ApiResponse:
    return call(APPROVALS, by, {"secret": secret, "account_id": account_id, **more}, headers=idempotency_header(key))


def decline(
    by: str = APPROVER,
    *,
    secret: object = SECRET_TEXT,
    account_id: str = CLIENT,
    key: str | None = None,
    **more: object,
) -> ApiResponse:
    return call(DECLINES, by, {"secret": secret, "account_id": account_id, **more}, headers=idempotency_header(key))


def request_renewal(
    by: str = APPROVER, *, secret: object = SECRET_TEXT, key: str | None = None, **more: object
) -> ApiResponse:
    return call(RENEWALS, by, {"secret": secret, **more}, headers=idempotency_header(key))


def put_account(account_id: str, **fields: object) -> ApiResponse:
    """Store new fields of an account, as the vendor's back end."""
    return _assert_saved(call_as_vendor("PUT /directory/accounts/{account_id}", fields, account_id=account_id))


def put_user(user_id: str, **fields: object) -> ApiResponse:
    return _assert_saved(call_as_vendor("PUT /directory/users/{user_id}", fields, user_id=user_id))


def put_member(account_id: str, user_id: str, **fields: object) -> ApiResponse:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return _assert_saved(call_as_vendor(route, fields, account_id=account_id, user_id=user_id))


def _assert_saved(answer: ApiResponse) -> ApiResponse:
    assert answer.status in {200, 201}, answer
    return answer


def secret_of(answer: ApiResponse) -> str:
    """Return the secret in the URL of a response, which only the first response has."""
    return str(answer.body["url"]).rpartition("#")[2]


@contextmanager
def assert_unchanged(table: Table) -> Iterator[None]:
    """Assert that the whole table is unchanged after the block."""
    before = table.items()
    yield
    assert differences(before, table.items()) == []


def assert_error(table: Table, send_request: SendRequest, status: int, code: str) -> ApiResponse:
    """Send a request, assert that it fails with this error and changes nothing, and return the response."""
    with assert_unchanged(table):
        answer = send_request()
    assert (answer.status, answer.code) == (status, code), answer
    return answer


def send_during_change(table: Table, change: Callable[[], object], send_request: SendRequest) -> ApiResponse:
    """Send a request while `change` runs between its read and its commit, and return the response.

    If the request fails, assert that it changed nothing after that.
    """
    items_after_change: list[list[Item]] = []

    def apply_change() -> None:
        change()
        items_after_change.append(table.items())

    with races.before_commit(apply_change):
        answer = send_request()
    assert items_after_change, "nothing was committed, so that nothing could happen before"
    if answer.status >= 400:
        assert differences(items_after_change[0], table.items()) == []
    return answer


def assert_replayed(
    table: Table, send_request: Callable[[str], ApiResponse], *, only_in_first_response: frozenset[str] = frozenset()
) -> None:
    """Assert that a second request with the same key returns the stored response and changes nothing.

    Fields that only the first response has are missing in it.
    """
    first = send_request("the-same-key")
    assert not first.replayed
    assert first.status < 300, first
    with assert_unchanged(table):
        again, quoted = send_request("the-same-key"), send_request('"the-same-key"')
    for answer in (again, quoted):
        assert answer.replayed
        assert answer.status == first.status
        if first.text:
            assert answer.body == {
                name: value for name, value in first.body.items() if name not in only_in_first_response
            }
        else:
            assert answer.text == ""


def expire_idempotency_keys(table: Table) -> None:
    """Expire all idempotency keys, as if they had been used more than 25 hours ago."""
    for item in table.items_with_prefix("IDEMPOTENCY#"):
        table.change(Key(item["pk"], item["sk"]), ttl=1)
