"""Parse DynamoDB expressions into clauses and generate the changes of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from typing_extensions import override

TOKEN: Final = re.compile(r"<>|<=|>=|[()<>=,]|[\w:#.]+")
OTHER_OPERATORS: Final = {
    "=": ("<>",),
    "<>": ("=",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
}
OPPOSITE: Final = {"attribute_exists": "attribute_not_exists", "attribute_not_exists": "attribute_exists"}
OTHER_WORD: Final = {"AND": "OR", "OR": "AND"}
ACTIONS: Final = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")


@dataclass(frozen=True, slots=True)
class Comparison:
    left: str
    operator: str
    right: str

    @override
    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[str, ...]

    @override
    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"


@dataclass(frozen=True, slots=True)
class In:
    operand: str
    members: tuple[str, ...]

    @override
    def __str__(self) -> str:
        return f"{self.operand} IN ({', '.join(self.members)})"


@dataclass(frozen=True, slots=True)
class Between:
    operand: str
    low: str
    high: str

    @override
    def __str__(self) -> str:
        return f"{self.operand} BETWEEN {self.low} AND {self.high}"


@dataclass(frozen=True, slots=True)
class Not:
    clause: "Clause"

    @override
    def __str__(self) -> str:
        return f"NOT ({self.clause})"


@dataclass(frozen=True, slots=True)
class Joined:
    """Two or more clauses joined by the same operator."""

    word: str
    clauses: tuple["Clause", ...]

    @override
    def __str__(self) -> str:
        each_of = (f"({clause})" if isinstance(clause, Joined) else str(clause) for clause in self.clauses)
        return f" {self.word} ".join(each_of)


Clause = Comparison | Call | In | Between | Not | Joined


def parse(text: str) -> Clause:
    """Parse a condition. Raises ValueError when it is not valid."""
    reader = _Parser(text)
    clause = reader.joined("OR")
    reader.expect_end()
    return clause


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = TOKEN.findall(text)
        if "".join(self._tokens) != re.sub(r"\s", "", text):
            raise ValueError(text)

    def expect_end(self) -> None:
        if self._tokens:
            raise ValueError(self._tokens)

    def joined(self, word: str) -> Clause:
        """Parse clauses joined by this operator. AND binds more tightly than OR."""
        clauses = [self._part_of(word)]
        while self._accept(word):
            clauses.append(self._part_of(word))
        return Joined(word, tuple(clauses)) if len(clauses) > 1 else clauses[0]

    def _part_of(self, word: str) -> Clause:
        return self.joined("AND") if word == "OR" else self._clause()

    def _clause(self) -> Clause:
        if self._accept("NOT"):
            return Not(self._clause())
        if self._accept("("):
            inside = self.joined("OR")
            self._expect(")")
            return inside
        return self._simple()

    def _simple(self) -> Clause:
        name = self._next()
        if self._accept("("):
            call = Call(name, self._list())
            if name != "size":
                return call
            name = str(call)
        if self._accept("BETWEEN"):
            low = self._next()
            self._expect("AND")
            return Between(name, low, self._next())
        if self._accept("IN"):
            self._expect("(")
            return In(name, self._list())
        operator = self._next()
        if operator not in OTHER_OPERATORS:
            raise ValueError(operator)
        return Comparison(name, operator, self._next())

    def _list(self) -> tuple[str, ...]:
        found = [self._next()]
        while self._accept(","):
            found.append(self._next())
        self._expect(")")
        return tuple(found)

    def _accept(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        self._next()
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise ValueError(token)

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError("the expression ends too early")
        found: str = self._tokens.pop(0)
        return found


@dataclass(frozen=True, slots=True)
class Change:
    """A change: its kind, the part before and after, and the whole expression after the change (`result`).

    `result` is None when nothing remains.
    """

    kind: str
    was: str
    now: str
    result: str | None


def changes(condition: str) -> Iterator[Change]:
    """Yield all changes of a condition. A change with `result` None removes the condition."""
    clause = parse(condition)
    yield Change("dropped", str(clause), "", None)
    for kind, was, now, whole in _changes(clause):
        yield Change(kind, was, now, str(whole))


def _changes(clause: Clause) -> Iterator[tuple[str, str, str, Clause]]:
    was = str(clause)
    for kind, changed in _own_changes(clause):
        yield kind, was, str(changed), changed
    if isinstance(clause, Joined):
        for position, part in enumerate(clause.clauses):
            before, after = clause.clauses[:position], clause.clauses[position + 1 :]
            left = (*before, *after)
            yield "dropped", str(part), "", left[0] if len(left) == 1 else replace(clause, clauses=left)
            for kind, changed_part, now, changed in _changes(part):
                yield kind, changed_part, now, replace(clause, clauses=(*before, changed, *after))


def _own_changes(clause: Clause) -> Iterator[tuple[str, Clause]]:
    match clause:
        case Joined():
            yield "joined otherwise", replace(clause, word=OTHER_WORD[clause.word])
        case Comparison():
            for operator in OTHER_OPERATORS[clause.operator]:
                yield "turned", replace(clause, operator=operator)
        case Call() if clause.name in OPPOSITE:
            yield "turned", replace(clause, name=OPPOSITE[clause.name])
        case In():
            for member in clause.members if len(clause.members) > 1 else ():
                rest = tuple(each for each in clause.members if each != member)
                yield "dropped", replace(clause, members=rest)
            yield "turned", Not(clause)
        case Not():
            yield "turned", clause.clause
        case _:
            yield "turned", Not(clause)


def key_changes(condition: str) -> Iterator[Change]:
    """Yield the changes of a key condition. Only its sort key part can be changed, and only to valid key conditions."""
    clause = parse(condition)
    if not isinstance(clause, Joined):
        return
    partition, sort_key = clause.clauses
    yield Change("dropped", str(sort_key), "", str(partition))
    if isinstance(sort_key, Comparison):
        for operator in OTHER_OPERATORS[sort_key.operator]:
            turned = replace(sort_key, operator=operator)
            yield Change("turned", str(sort_key), str(turned), f"{partition} AND {turned}")


def update_changes(update: str) -> Iterator[Change]:
    """Yield the update without each one of its actions. Yield nothing for an update with a single action."""
    parts = ACTIONS.split(update)[1:]
    actions = [
        (word, action.strip()) for word, rest in zip(parts[::2], parts[1::2], strict=True) for action in rest.split(",")
    ]
    for dropped in actions if len(actions) > 1 else ():
        left: dict[str, list[str]] = {}
        for word, action in actions:
            if (word, action) != dropped:
                left.setdefault(word, []).append(action)
        whole = " ".join(f"{word} {', '.join(each)}" for word, each in left.items())
        yield Change("dropped", " ".join(dropped), "", whole)


def placeholders(expression: str) -> set[str]:
    """Return the placeholders in an expression: `:values` and `#names`."""
    return {token for token in TOKEN.findall(expression) if token[0] in ":#"}
