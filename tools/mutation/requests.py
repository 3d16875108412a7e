"""Mutants at AWS's door: every clause of what the store asks of DynamoDB, and every line of its transactions."""

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
ASKING: Final = "before-parameter-build.dynamodb"
ANSWERED: Final = "after-call.dynamodb"
ALWAYS: Final = "attribute_exists(pk) OR attribute_not_exists(pk)"

COMMITS: Final = "dynamo.commit"
LAST: Final = 2
"""Of those that are alike in one transaction, the third and all that follow are one."""
ALONG: Final = {"AUDIT", "CLEAN_UP ACT", "IDEMPOTENCY IDEMPOTENCY", "OUTBOX LETTER"}
"""What goes along with a decision; `commit` alone says on which condition."""

Asked = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A request, or a line of one, wherever it is made in the same words by the same function of the store."""

    asked_by: str
    action: str
    of: str
    update: str
    condition: str
    nth: int = 0
    """Of those in one transaction that are otherwise alike, such as two pins."""

    @property
    def in_common(self) -> "Site":
        """The same for whichever operation asks."""
        return replace(self, asked_by=COMMITS, nth=0) if self.of in ALONG else self

    @override
    def __str__(self) -> str:
        words = [f"{self.asked_by}: {self.action} {self.of}", self.update, self.condition and f"if {self.condition}"]
        return ", ".join(filter(None, words)) + (f" #{self.nth + 1}" if self.nth else "")


@dataclass(frozen=True, slots=True)
class RequestMutant:
    """What a site asks instead; `alters` is one of the words of its request, or `line`, which is then only a check."""

    site: Site
    kind: str
    alters: str
    was: str
    now: str
    whole: str | None

    @override
    def __str__(self) -> str:
        change = f"{self.was or self.kind} → {self.now or 'nothing'}"
        return f"{self.site} | {change}"


def mutants_of(site: Site) -> Iterator[RequestMutant]:
    """All, none twice; what `commit` says for every operation is changed for all of them at once."""
    if site.action == "Query":
        for each in expressions.key_changes(site.condition):
            yield _of(site, "KeyConditionExpression", each)
        return
    if site.asked_by != COMMITS:
        yield RequestMutant(site, "line taken out", "line", "the line", "", None)
        if site.condition and site.action != "ConditionCheck":
            yield RequestMutant(site, "checked, not written", "line", "written", "only checked", site.condition)
    if site.condition and site == site.in_common:
        for each in expressions.changes(site.condition):
            # a check without a condition is a line taken out
            if each.whole or site.action != "ConditionCheck":
                yield _of(site, "ConditionExpression", each)
    for each in expressions.update_changes(site.update):
        yield _of(site, "UpdateExpression", each)


def _of(site: Site, alters: str, change: expressions.Change) -> RequestMutant:
    return RequestMutant(site, change.kind, alters, change.was, change.now, change.whole)


def altered(mutant: RequestMutant, action: str, asked: Mapping[str, Any]) -> tuple[str, Asked]:
    """The line or query of a site as the mutant has it, without the values that it does not name any more."""
    line = dict(asked)
    if mutant.alters == "line":
        key = line.get("Key") or {name: line["Item"][name] for name in ("pk", "sk")}
        kept: Asked = {name: line[name] for name in ("TableName", "ExpressionAttributeValues") if name in line}
        action, line = "ConditionCheck", {**kept, "Key": key, "ConditionExpression": mutant.whole or ALWAYS}
        if mutant.whole:
            line["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    elif mutant.whole:
        line[mutant.alters] = mutant.whole
    else:
        del line[mutant.alters], line["ReturnValuesOnConditionCheckFailure"]
    words = " ".join(line[each] for each in line if each.endswith("Expression"))
    values = line.pop("ExpressionAttributeValues", {})
    left = {name: value for name, value in values.items() if name in expressions.names_in(words)}
    return action, {**line, "ExpressionAttributeValues": left} if left else line


class Requests:
    """An experiment: what tests ask of DynamoDB, and what becomes of them when it is asked something else."""

    def __init__(self, chosen: Callable[[RequestMutant], bool] = lambda _: True) -> None:
        self._chosen = chosen
        self._test = ""
        self._tests: defaultdict[Site, dict[str, None]] = defaultdict(dict)
        self._mutant: RequestMutant | None = None
        self._refused = False
        self._listens = False

    @contextmanager
    def watching(self, test: str) -> Iterator[None]:
        self._listen()
        self._test = test
        yield
        self._test = ""

    def mutants(self) -> Iterator[tuple[RequestMutant, Iterable[str]]]:
        for site, tests in sorted(self._tests.items()):
            *package, module, _ = ["", *site.asked_by.split(".")]
            own = "/".join(["store", *filter(None, package), f"test_{module}.py"])
            likeliest = sorted(tests, key=lambda test: (own not in test, "/store/" not in test))
            for mutant in mutants_of(site):
                if self._chosen(mutant):
                    yield mutant, likeliest

    def install(self, mutant: RequestMutant) -> bool:
        self._mutant = mutant
        return True

    def was_refused(self) -> bool:
        return self._refused

    def _listen(self) -> None:
        if not self._listens:
            events = dynamo.client().meta.events
            events.register(f"{ASKING}.TransactWriteItems", self._on_transaction)
            events.register(f"{ASKING}.Query", self._on_query)
            events.register(ANSWERED, self._on_answer)
            self._listens = True

    def _on_transaction(self, params: Asked, context: Asked, **_: object) -> None:
        asked_by, seen = _asked_by(), Counter[Site]()
        lines: list[Asked] = []
        for line in params["TransactItems"]:
            ((action, asked),) = line.items()
            alike = Site(asked_by, action, _kind(asked), _words(asked, "Update"), _words(asked, "Condition"))
            site = replace(alike, nth=min(seen[alike], LAST))
            seen[alike] += 1
            lines.append(dict([self._met(site, action, asked, context)]))
        params["TransactItems"] = lines

    def _on_query(self, params: Asked, context: Asked, **_: object) -> None:
        site = Site(_asked_by(), "Query", params.get("IndexName", ""), "", _words(params, "KeyCondition"))
        asked = self._met(site, "Query", dict(params), context)[1]
        params.clear()
        params.update(asked)

    def _met(self, site: Site, action: str, asked: Asked, context: Asked) -> tuple[str, Asked]:
        for each in (site, site.in_common):
            if each.asked_by and self._test:
                self._tests[each][self._test] = None
        if not self._mutant or self._mutant.site not in (site, site.in_common):
            return action, asked
        context["is_mutant"] = True
        return altered(self._mutant, action, asked)

    def _on_answer(self, parsed: Asked, context: Asked, **_: object) -> None:
        if context.get("is_mutant") and parsed.get("Error", {}).get("Code") == "ValidationException":
            self._refused = True


def _words(asked: Mapping[str, Any], which: str) -> str:
    found: str = asked.get(f"{which}Expression", "")
    return found


def _kind(asked: Mapping[str, Any]) -> str:
    """What an item is, by its key: `ACCOUNT MEMBER`."""
    key = asked.get("Key") or asked["Item"]
    words = (key[name]["S"].partition("#")[0] for name in ("pk", "sk"))
    return " ".join(word for word in words if word.isupper())


def _asked_by() -> str:
    """The operation of the store that leads here, or nothing where a test asks without one."""
    frame = sys._getframe()  # noqa: SLF001 – the one way to ask who calls
    while frame := frame.f_back:  # type: ignore[assignment]
        file, name = Path(frame.f_code.co_filename), frame.f_code.co_qualname
        if file.is_relative_to(STORE) and file.stem != "dynamo" and name[0] not in "_<" and "<" not in name:
            return ".".join([*file.relative_to(STORE).with_suffix("").parts, name])
    return ""
