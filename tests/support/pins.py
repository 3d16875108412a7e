"""Record which items an operation read and which of them its transactions pin.

A transaction pins an item whose version it checks. An item without a version is pinned by any condition.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from partner_access.domain.records import Decision
from partner_access.idempotency import StorableResponse
from partner_access.store import dynamo, keys, writes
from partner_access.store.attribute_values import from_attribute_values
from partner_access.store.keys import Key
from tests.support.table import Item, Table

VERSION_CHECK: Final = ":seen_version"
BEFORE: Final = "before-parameter-build.dynamodb"
AFTER: Final = "after-call.dynamodb"
NAMES: Final = {
    "EMAIL": "address",
    "IDEMPOTENCY": "stored response",
    "LINK": "reply",
    "PARTNER": "link",
    "RECONCILIATION": "queued reconciliation",
    "SET": "custom set",
    "SUPER_ADMINS": "super admins' ids",
    "SUPPRESSED": "suppressed address",
    "USER": "account of the user",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedItem:
    """An item that a decision read, and how its transaction treats it. `label` says what it is, and whose."""

    label: str
    is_pinned: bool
    has_condition: bool


@dataclass(frozen=True, slots=True)
class TracedDecision:
    """A committed decision: its event, the items that were read for it, and whether it needs a witness.

    `loses` says whose user loses the role of a super admin: the caller's, or another one.
    """

    event: str
    items: tuple[TracedItem, ...]
    loses: str | None

    @property
    def pinned(self) -> frozenset[str]:
        return frozenset(item.label for item in self.items if item.is_pinned)

    @property
    def lacks_witness(self) -> bool:
        """True if a super admin loses the role, and the transaction pins no other user with their membership."""
        witnesses = {"caller's", "other"} - {self.loses}
        return self.loses is not None and not any(
            f"{whose} user" in self.pinned and self.pinned & {f"{whose} membership", f"{whose} membership elsewhere"}
            for whose in witnesses
        )

    @property
    def with_own_condition(self) -> frozenset[str]:
        """The labels of the items that are written on a condition, but not on their version."""
        return frozenset(item.label for item in self.items if item.has_condition and not item.is_pinned)

    @property
    def without_condition(self) -> frozenset[str]:
        return frozenset(item.label for item in self.items if not item.has_condition)


@dataclass(slots=True)
class Trace:
    """The decisions that an operation committed. `read` are the keys since the start or since the last decision."""

    table: Table
    decisions: list[TracedDecision] = field(default_factory=list)
    read: dict[Key, None] = field(default_factory=dict)

    def add_request(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Note the keys that a request reads, or the decision that it commits."""
        match model.name:
            case "BatchGetItem":
                (request,) = params["RequestItems"].values()
                self.read.update(dict.fromkeys(map(_key, request["Keys"])))
            case "TransactWriteItems":
                self._add_transaction([request for item in params["TransactItems"] for request in item.values()])

    def add_response(self, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Note the items of a list, which only the response names."""
        if model.name == "Query":
            self.read.update(dict.fromkeys(map(_key, parsed["Items"])))

    def _add_transaction(self, requests: list[Mapping[str, Any]]) -> None:
        written = {_key(request.get("Item") or request["Key"]): request for request in requests}
        entry = next((from_attribute_values(each["Item"]) for key, each in written.items() if _is_audit(key)), None)
        if not entry:
            return
        stored = {Key(item["pk"], item["sk"]): item for item in self.table.items()}
        # The entry of a reply names only the link, and the link names the employee.
        subjects = {stored[key]["employee_id"] for key in self.read if key.sk.startswith(keys.LINK) and key in stored}
        subjects |= {entry["details"].get(name) for name in ("user_id", "employee_id")}
        roles = {**dict.fromkeys(subjects, "subject's"), entry["actor_id"]: "caller's"}
        traced = (
            _traced(key, stored.get(key), written.get(key, {}), entry, roles) for key in self.read if not _is_audit(key)
        )
        self.decisions.append(TracedDecision(str(entry["event"]), tuple(traced), _loser(written, stored, roles)))
        self.read.clear()


def _traced(
    key: Key, stored: Item | None, request: Mapping[str, Any], entry: Item, roles: Mapping[str, str]
) -> TracedItem:
    has_condition = "ConditionExpression" in request
    checks_version = VERSION_CHECK in request.get("ExpressionAttributeValues", {})
    is_versioned = stored is not None and "version" in stored
    return TracedItem(
        label=_label(key, stored, entry, roles) if stored else f"missing {_label(key, stored, entry, roles)}",
        is_pinned=has_condition and (checks_version or not is_versioned),
        has_condition=has_condition,
    )


def _loser(
    written: Mapping[Key, Mapping[str, Any]], stored: Mapping[Key, Item], roles: Mapping[str, str]
) -> str | None:
    """Return whose user leaves a list of super admins, or is listed there and deactivated by the vendor."""
    listed = set().union(*(item["user_ids"] for key, item in stored.items() if key.sk == "SUPER_ADMINS"))
    for key, request in written.items():
        if key.sk == "SUPER_ADMINS" and request["UpdateExpression"].startswith("DELETE"):
            (user_id,) = request["ExpressionAttributeValues"][":one"]["SS"]
            return roles.get(user_id, "other")
        if key.sk == "USER" and not request.get("Item", {}).get("active", {}).get("BOOL", True):
            user_id = key.pk.removeprefix(keys.USER)
            return roles.get(user_id, "other") if user_id in listed else None
    return None


def _is_audit(key: Key) -> bool:
    return key.pk.startswith(keys.AUDIT)


def _key(item: Mapping[str, Any]) -> Key:
    return Key(item["pk"]["S"], item["sk"]["S"])


def _label(key: Key, stored: Item | None, entry: Item, roles: Mapping[str, str]) -> str:
    """Return what the item is, and whose it is in the act that the audit entry records."""
    kind, _, user_id = key.sk.partition("#")
    match key.pk.partition("#")[0], kind:
        case "ACCOUNT", "ACCOUNT":
            return f"{stored['kind'] if stored else ''} account".strip()
        case "ACCOUNT", "MEMBER":
            is_elsewhere = key.pk.removeprefix(keys.ACCOUNT) != entry["pk"].removeprefix(keys.AUDIT)
            return f"{roles.get(user_id, 'other')} membership{' elsewhere' * is_elsewhere}"
        case "USER", "USER":
            return f"{roles.get(key.pk.removeprefix(keys.USER), 'other')} user"
        case of, _:
            return {**NAMES, "ACCOUNT": NAMES.get(kind, kind)}.get(of, of)


@contextmanager
def trace(table: Table) -> Iterator[Trace]:
    """Record the reads and the decisions in the block."""
    traced, events = Trace(table), dynamo.client().meta.events
    events.register(BEFORE, traced.add_request)
    events.register(AFTER, traced.add_response)
    try:
        yield traced
    finally:
        events.unregister(BEFORE, traced.add_request)
        events.unregister(AFTER, traced.add_response)


@contextmanager
def without_pin(position: int) -> Iterator[set[Key]]:
    """Leave one record out of `relies_on` of each decision in the block: the one at this position.

    The set that is yielded gets the keys of the records that were left out.
    """
    left_out: set[Key] = set()
    commit = dynamo.commit

    def commit_less(decision: Decision, response: StorableResponse | None, *items: writes.TransactionItem) -> None:
        found = list({keys.of(record): record for record in decision.relies_on}.items())
        left_out.update(key for key, _ in found[position : position + 1])
        kept = tuple(record for _, record in (*found[:position], *found[position + 1 :]))
        commit(replace(decision, relies_on=kept), response, *items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamo, "commit", commit_less)
        yield left_out
