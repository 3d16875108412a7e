"""Mutants of DynamoDB requests: each clause of the store's conditions and updates, and each transaction item."""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from partner_access import store
from partner_access.store import dynamo
from tools.mutation import expressions

STORE: Final = Path(store.__file__).parent
BEFORE_REQUEST: Final = "before-parameter-build.dynamodb"
AFTER_CALL: Final = "after-call.dynamodb"
ALWAYS_TRUE: Final = "attribute_exists(pk) OR attribute_not_exists(pk)"

PLACEHOLDERS: Final = ("ExpressionAttributeNames", "ExpressionAttributeValues")

COMMIT: Final = "dynamo.commit"
MAX_INDEX: Final = 2
"""The highest index that is counted. In one transaction, the third and later items that are alike count as one."""
COMMON_ITEMS: Final = {"AUDIT", "RECONCILIATION ACT", "IDEMPOTENCY IDEMPOTENCY", "OUTBOX NOTIFICATION"}
"""The items that accompany every decision. Their conditions are set in `commit` alone."""

Params = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class RequestSite:
    """A request or transaction item, identified by the store function that sends it and by its expressions."""

    operation: str
    action: str
    item_type: str
    update: str
    condition: str
    nth: int = 0
    """The index among the items of one transaction that are otherwise alike, such as two version checks."""

    @property
    def shared(self) -> "RequestSite":
        """The same site for every operation that sends this item."""
        return replace(self, operation=COMMIT, nth=0) if self.item_type in COMMON_ITEMS else self

    @override
    def __str__(self) -> str:
        words = [
            f"{self.operation}: {self.action} {self.item_type}",
            self.update,
            self.condition and f"if {self.condition}",
        ]
        return ", ".join(filter(None, words)) + (f" #{self.nth + 1}" if self.nth else "")


@dataclass(frozen=True, slots=True)
class RequestMutant:
    """A change to the request of a site.

    `alters` is the name of an expression, or `line` when the whole item becomes a condition check.
    """

    site: RequestSite
    kind: str
    alters: str
    before: str
    after: str
    whole: str | None

    @override
    def __str__(self) -> str:
        change = f"{self.before or self.kind} → {self.after or 'nothing'}"
        return f"{self.site} | {change}"


def mutants_of(site: RequestSite) -> Iterator[RequestMutant]:
    """Yield all mutants of a site without duplicates.

    An item that `commit` adds is changed for all operations at once.
    """
    if site.action == "Query":
        for each in expressions.key_changes(site.condition):
            yield _mutant(site, "KeyConditionExpression", each)
        return
    if site.operation != COMMIT:
        yield RequestMutant(site, "line taken out", "line", "the line", "", None)
        if site.condition and site.action != "ConditionCheck":
            yield RequestMutant(site, "checked, not written", "line", "written", "only checked", site.condition)
    if site.condition and site == site.shared:
        for each in expressions.changes(site.condition):
            # dropping the condition of a condition check equals dropping the whole item, which is a mutant already
            if each.result or site.action != "ConditionCheck":
                yield _mutant(site, "ConditionExpression", each)
    for each in expressions.update_changes(site.update):
        yield _mutant(site, "UpdateExpression", each)


def _mutant(site: RequestSite, alters: str, change: expressions.Change) -> RequestMutant:
    return RequestMutant(site, change.kind, alters, change.was, change.now, change.result)


def apply_mutant(mutant: RequestMutant, action: str, params: Mapping[str, Any]) -> tuple[str, Params]:
    """Return the changed item or query, without placeholders that are no longer used: DynamoDB rejects those."""
    line = dict(params)
    if mutant.alters == "line":
        key = line.get("Key") or {name: line["Item"][name] for name in ("pk", "sk")}
        common: Params = {name: line[name] for name in ("TableName", *PLACEHOLDERS) if name in line}
        action, line = "ConditionCheck", {**common, "Key": key, "ConditionExpression": mutant.whole or ALWAYS_TRUE}
        if mutant.whole:
            line["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    elif mutant.whole:
        line[mutant.alters] = mutant.whole
    else:
        del line[mutant.alters], line["ReturnValuesOnConditionCheckFailure"]
    used = expressions.placeholders(" ".join(line[each] for each in line if each.endswith("Expression")))
    for kind in PLACEHOLDERS:
        left = {name: meaning for name, meaning in line.pop(kind, {}).items() if name in used}
        line.update({kind: left} if left else {})
    return action, line


class RequestExperiment:
    """An experiment on requests. It records which tests send which requests, and installs mutants of these requests."""

    def __init__(self, chosen: Callable[[RequestMutant], bool] = lambda _: True) -> None:
        self._chosen = chosen
        self._test = ""
        self._tests: defaultdict[RequestSite, dict[str, None]] = defaultdict(dict)
        self._mutant: RequestMutant | None = None
        self._rejected = False
        self._is_listening = False

    @contextmanager
    def recording(self, test: str) -> Iterator[None]:
        self._listen()
        self._test = test
        yield
        self._test = ""

    def mutants(self) -> Iterator[tuple[RequestMutant, Iterable[str]]]:
        for site, tests in sorted(self._tests.items()):
            *package, module, _ = ["", *site.operation.split(".")]
            own = "/".join(["store", *filter(None, package), f"test_{module}.py"])
            likeliest = sorted(tests, key=lambda test: (own not in test, "/store/" not in test))
            for mutant in mutants_of(site):
                if self._chosen(mutant):
                    yield mutant, likeliest

    def install(self, mutant: RequestMutant) -> bool:
        self._mutant = mutant
        return True

    def was_rejected(self) -> bool:
        return self._rejected

    def _listen(self) -> None:
        if not self._is_listening:
            events = dynamo.client().meta.events
            events.register(f"{BEFORE_REQUEST}.TransactWriteItems", self._on_transaction)
            events.register(f"{BEFORE_REQUEST}.Query", self._on_query)
            events.register(AFTER_CALL, self._on_response)
            self._is_listening = True

    def _on_transaction(self, params: Params, context: Params, **_: object) -> None:
        operation, seen = _calling_operation(), Counter[RequestSite]()
        lines: list[Params] = []
        for line in params["TransactItems"]:
            ((action, item),) = line.items()
            alike = RequestSite(
                operation, action, _item_type(item), _expression(item, "Update"), _expression(item, "Condition")
            )
            site = replace(alike, nth=min(seen[alike], MAX_INDEX))
            seen[alike] += 1
            lines.append(dict([self._visit(site, action, item, context)]))
        params["TransactItems"] = lines

    def _on_query(self, params: Params, context: Params, **_: object) -> None:
        site = RequestSite(
            _calling_operation(), "Query", params.get("IndexName", ""), "", _expression(params, "KeyCondition")
        )
        changed = self._visit(site, "Query", dict(params), context)[1]
        params.clear()
        params.update(changed)

    def _visit(self, site: RequestSite, action: str, params: Params, context: Params) -> tuple[str, Params]:
        for each in (site, site.shared):
            if each.operation and self._test:
                self._tests[each][self._test] = None
        if not self._mutant or self._mutant.site not in (site, site.shared):
            return action, params
        context["is_mutant"] = True
        return apply_mutant(self._mutant, action, params)

    def _on_response(self, parsed: Params, context: Params, **_: object) -> None:
        if context.get("is_mutant") and parsed.get("Error", {}).get("Code") == "ValidationException":
            self._rejected = True


def _expression(params: Mapping[str, Any], which: str) -> str:
    found: str = params.get(f"{which}Expression", "")
    return found


def _item_type(params: Mapping[str, Any]) -> str:
    """Return the type of an item according to its key, such as `ACCOUNT MEMBER`."""
    key = params.get("Key") or params["Item"]
    prefixes = (key[name]["S"].partition("#")[0] for name in ("pk", "sk"))
    return " ".join(word for word in prefixes if word.isupper())


def _calling_operation() -> str:
    """Return the store operation on the call stack, or an empty string when a test calls DynamoDB directly."""
    frame = sys._getframe()  # noqa: SLF001 – there is no other way to find the caller
    while frame := frame.f_back:  # type: ignore[assignment]
        file, name = Path(frame.f_code.co_filename), frame.f_code.co_qualname
        if (
            file.is_relative_to(STORE)
            and file.stem not in {"dynamo", "queries"}
            and name[0] not in "_<"
            and "<" not in name
        ):
            return ".".join([*file.relative_to(STORE).with_suffix("").parts, name])
    return ""
