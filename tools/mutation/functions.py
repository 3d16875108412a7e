"""Mutants of functions. The code object of a function is replaced by one with an expression that mutmut changed."""

import ast
import functools
import gc
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import partial
from pathlib import Path
from time import perf_counter
from types import CodeType, FunctionType
from typing import Any, Final

import libcst as cst
from mutmut.mutation.mutators import mutation_operators
from typing_extensions import override

from tools.template import ROOT

LAYER: Final = ROOT / "layers/common/partner_access"
monitoring: Any = getattr(sys, "monitoring", None)  # Python 3.11 does not have it
UNCHANGED_CALLS: Final = {"len", "isinstance", "cast"}


@dataclass(frozen=True, slots=True)
class CodeMutant:
    """A changed function: the original lines, the changed lines, and the source of the changed function alone."""

    file: Path
    function: str
    before: str
    after: str
    nth: int
    source: str
    module: Callable[[], str] = field(compare=False, repr=False)
    """Return the source of the whole module with the change."""

    @property
    def name(self) -> str:
        """A name that stays the same as long as the function contains the original lines."""
        number = f" #{self.nth + 1}" if self.nth else ""
        return f"{self.file.relative_to(ROOT)} {self.function}: {self.before} → {self.after}{number}"


def mutants_of(file: Path) -> Iterator[CodeMutant]:
    """Yield the mutants of all functions and methods of a module."""
    finder, module = _ChangeFinder(), cst.parse_module(file.read_text(encoding="utf-8"))
    module.visit(finder)
    seen: dict[tuple[str, str, str], int] = defaultdict(int)
    for names, function, node, changed in finder.found:
        source = _in_isolation(names, function)
        mutated = _in_isolation(names, cst.ensure_type(function.deep_replace(node, changed), cst.FunctionDef))
        if not _differs(source, mutated):
            continue
        was, now = _difference(source, mutated)
        name = ".".join(names)
        yield CodeMutant(file, name, was, now, seen[name, was, now], mutated, partial(_changed, module, node, changed))
        seen[name, was, now] += 1


def _changed(module: cst.Module, node: cst.CSTNode, changed: cst.CSTNode) -> str:
    return cst.ensure_type(module.deep_replace(node, changed), cst.Module).code


def _in_isolation(names: tuple[str, ...], function: cst.FunctionDef) -> str:
    """Return the source of the function alone, inside the classes that contain it."""
    node: cst.FunctionDef | cst.ClassDef = function
    for name in reversed(names[:-1]):
        node = cst.ClassDef(cst.Name(name), cst.IndentedBlock([node]))
    return cst.Module([node]).code


def _differs(source: str, mutated: str) -> bool:
    """Return whether the mutated source is valid Python with a different syntax tree."""
    try:
        return ast.dump(ast.parse(source)) != ast.dump(ast.parse(mutated))
    except SyntaxError:
        return False


def _difference(source: str, mutated: str) -> tuple[str, str]:
    lines = list(unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0))[3:]
    was = " ".join(line[1:].strip() for line in lines if line[0] == "-")
    now = " ".join(line[1:].strip() for line in lines if line[0] == "+")
    return was, now


class _ChangeFinder(cst.CSTVisitor):
    """A visitor that collects possible changes. Annotations, decorators and docstrings are never changed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[tuple[str, ...], cst.FunctionDef, cst.CSTNode, cst.CSTNode]] = []
        self._function: cst.FunctionDef | None = None
        self._inside: list[str] = []

    @override
    def on_visit(self, node: cst.CSTNode) -> bool:
        match node:
            case cst.ClassDef() | cst.FunctionDef():
                return self._enter(node)
            case cst.Annotation() | cst.Decorator() | cst.Parameters():
                return False
            case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
                return False
            case cst.Call(func=cst.Name(value=name)) if name in UNCHANGED_CALLS:
                return False
        if self._function:
            names = tuple(self._inside)
            for kind, operator in mutation_operators:
                if isinstance(node, kind):
                    self.found += ((names, self._function, node, changed) for changed in operator(node))
        return True

    def _enter(self, node: cst.ClassDef | cst.FunctionDef) -> bool:
        """Visit the body. Code in a nested function counts as code of the outer function."""
        if self._function:
            node.body.visit(self)
            return False
        self._inside.append(node.name.value)
        self._function = node if isinstance(node, cst.FunctionDef) else None
        node.body.visit(self)
        self._function = None
        self._inside.pop()
        return False


class FunctionExperiment:
    """An experiment on code. It records which tests run which functions, and installs mutants of these functions."""

    def __init__(self, files: Iterable[Path], chosen: Callable[[CodeMutant], bool]) -> None:
        self._files = list(files)
        self._chosen = chosen
        self._caches: list[Any] = []
        self._codes: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
        self._tests: dict[CodeType, dict[str, None]] = defaultdict(dict)
        self._seconds: dict[str, float] = {}
        self._test = ""

    @contextmanager
    def recording(self, test: str) -> Iterator[None]:
        self._listen()
        self._test = test
        monitoring.restart_events()
        began = perf_counter()
        yield
        self._seconds[test] = perf_counter() - began
        self._test = ""

    def _listen(self) -> None:
        """Register for the start of each function.

        There is at most one event per function and test, so that the cost is small.
        """
        if self._codes:
            return
        if not monitoring:
            raise RuntimeError("mutants of functions need Python 3.12 or later")
        chosen = {str(file) for file in self._files}
        for each in gc.get_objects():
            if type(each) is FunctionType and each.__code__.co_filename in chosen:
                self._codes[each.__code__.co_filename, each.__code__.co_qualname].append(each)
            elif isinstance(each, functools._lru_cache_wrapper) and _belongs_to_domain(each):  # noqa: SLF001
                self._caches.append(each)
        tool = monitoring.PROFILER_ID
        monitoring.use_tool_id(tool, __name__)
        monitoring.register_callback(tool, monitoring.events.PY_START, self._on_start)
        for functions in self._codes.values():
            for function in functions:
                monitoring.set_local_events(tool, function.__code__, monitoring.events.PY_START)

    def _on_start(self, code: CodeType, _: int) -> Any:
        self._tests[code][self._test] = None
        return monitoring.DISABLE

    def mutants(self) -> Iterator[tuple[CodeMutant, Iterable[str]]]:
        for file in self._files:
            for mutant in mutants_of(file):
                if self._chosen(mutant):
                    yield mutant, self._tests_by_likelihood(mutant)

    def _tests_by_likelihood(self, mutant: CodeMutant) -> list[str]:
        covering = {test for each in self._functions_of(mutant) for test in self._tests[each.__code__] if test}
        test_folder = f"tests/{mutant.file.parent.relative_to(LAYER)}/"
        own_test_file = f"{test_folder}test_{mutant.file.stem}.py"
        return sorted(
            covering,
            key=lambda test: (
                not test.startswith(own_test_file),
                not test.startswith(test_folder),
                self._seconds[test],
            ),
        )

    def _functions_of(self, mutant: CodeMutant) -> list[FunctionType]:
        return self._codes[str(mutant.file), mutant.function]

    def install(self, mutant: CodeMutant) -> bool:
        codes = list(_codes_of(compile(mutant.source, str(mutant.file), "exec", dont_inherit=True)))
        for function in self._functions_of(mutant):
            (changed,) = (each for each in codes if each.co_qualname == mutant.function)
            if len(changed.co_freevars) != len(function.__code__.co_freevars):
                return False
            function.__code__ = changed
        for each in self._caches:
            each.cache_clear()
        return True

    def was_rejected(self) -> bool:
        return False


def _codes_of(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes_of(each)


def _belongs_to_domain(cached: Any) -> bool:
    """Return whether this cache belongs to the domain rules.

    It may hold results from before the mutant was installed.
    """
    return str(cached.__wrapped__.__code__.co_filename).startswith(str(LAYER / "domain"))
