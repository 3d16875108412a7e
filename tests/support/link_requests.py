"""Knocking at the doors of access links: a good request by default, a test names only what it is about."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from partner_access.store.keys import Key
from tests.support import races
from tests.support.builders import APPROVER, CLIENT, LINK, PARTNER, SECRET_TEXT
from tests.support.gateway import Answer, call, tell
from tests.support.seeded_table import MANAGER
from tests.support.table import Item, Table, differences

LINKS = "/partners/{partner_id}/access-links"
ONE = LINKS + "/{link_id}"
APPROVALS = "POST /access-links/approvals"
REFUSALS = "POST /access-links/declines"
RENEWALS = "POST /access-links/renewals"
PREVIEW = "POST /access-links/preview"

Knock = Callable[[], Answer]


def keyed(key: str | None) -> Mapping[str, str] | None:
    """The header that names an attempt; without a name each attempt has its own."""
    return {"idempotency-key": key} if key else None


def create(by: str = MANAGER, *, partner_id: str = PARTNER, key: str | None = None, **wished: object) -> Answer:
    return call(f"POST {LINKS}", by, wished, partner_id=partner_id, headers=keyed(key))


def listed(by: str = MANAGER, *, partner_id: str = PARTNER, **query: str) -> Answer:
    return call(f"GET {LINKS}", by, partner_id=partner_id, query=query)


def view(by: str = MANAGER, *, link_id: str = LINK, partner_id: str = PARTNER) -> Answer:
    return call(f"GET {ONE}", by, partner_id=partner_id, link_id=link_id)


def revoke(by: str = MANAGER, *, link_id: str = LINK, partner_id: str = PARTNER, **how: Any) -> Answer:
    return call(f"DELETE {ONE}", by, partner_id=partner_id, link_id=link_id, **how)


def resend(by: str = MANAGER, *, link_id: str = LINK, partner_id: str = PARTNER, key: str | None = None) -> Answer:
    return call(f"POST {ONE}/resend", by, partner_id=partner_id, link_id=link_id, headers=keyed(key))


def preview(by: str = APPROVER, *, secret: object = SECRET_TEXT, **more: object) -> Answer:
    return call(PREVIEW, by, {"secret": secret, **more})


def approve(
    by: str = APPROVER,
    *,
    secret: object = SECRET_TEXT,
    account_id: str = CLIENT,
    key: str | None = None,
    **more: object,
) -> Answer:
    return call(APPROVALS, by, {"secret": secret, "account_id": account_id, **more}, headers=keyed(key))


def decline(
    by: str = APPROVER,
    *,
    secret: object = SECRET_TEXT,
    account_id: str = CLIENT,
    key: str | None = None,
    **more: object,
) -> Answer:
    return call(REFUSALS, by, {"secret": secret, "account_id": account_id, **more}, headers=keyed(key))


def renew(by: str = APPROVER, *, secret: object = SECRET_TEXT, key: str | None = None, **more: object) -> Answer:
    return call(RENEWALS, by, {"secret": secret, **more}, headers=keyed(key))


def tell_account(account_id: str, **told: object) -> Answer:
    """The vendor tells something new of an account."""
    return _told(tell("PUT /directory/accounts/{account_id}", told, account_id=account_id))


def tell_user(user_id: str, **told: object) -> Answer:
    return _told(tell("PUT /directory/users/{user_id}", told, user_id=user_id))


def tell_member(account_id: str, user_id: str, **told: object) -> Answer:
    route = "PUT /directory/accounts/{account_id}/members/{user_id}"
    return _told(tell(route, told, account_id=account_id, user_id=user_id))


def _told(answer: Answer) -> Answer:
    assert answer.status in {200, 201}, answer
    return answer


def secret_of(answer: Answer) -> str:
    """The secret in the address that was told, this once."""
    return str(answer.body["url"]).rpartition("#")[2]


@contextmanager
def nothing_changes(table: Table) -> Iterator[None]:
    """What happens here leaves the whole table as it is."""
    before = table.items()
    yield
    assert differences(before, table.items()) == []


def refused(table: Table, knock: Knock, status: int, code: str) -> Answer:
    """The answer to a knock that is refused so, and changes nothing."""
    with nothing_changes(table):
        answer = knock()
    assert (answer.status, answer.code) == (status, code), answer
    return answer


def overtaken(table: Table, happens: Callable[[], object], knock: Knock) -> Answer:
    """The answer to a knock when this happens between its reading and its committing; a refusal changes nothing more."""
    seen: list[list[Item]] = []

    def happen() -> None:
        happens()
        seen.append(table.items())

    with races.before_commit(happen):
        answer = knock()
    assert seen, "nothing was committed, so that nothing could happen before"
    if answer.status >= 400:
        assert differences(seen[0], table.items()) == []
    return answer


def replays(table: Table, knock: Callable[[str], Answer], *, told_once: frozenset[str] = frozenset()) -> None:
    """The same key brings the same answer again, but for what is told only once, and nothing more happens."""
    first = knock("the-same-key")
    assert not first.replayed
    assert first.status < 300, first
    with nothing_changes(table):
        again, quoted = knock("the-same-key"), knock('"the-same-key"')
    for answer in (again, quoted):
        assert answer.replayed
        assert answer.status == first.status
        if first.text:
            assert answer.body == {name: value for name, value in first.body.items() if name not in told_once}
        else:
            assert answer.text == ""


def a_day_later(table: Table) -> None:
    """As if every key had been used more than 25 hours ago."""
    for item in table.under("IDEMPOTENCY#"):
        table.change(Key(item["pk"], item["sk"]), ttl=1)
