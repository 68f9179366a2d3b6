"""Events and behaviours are pure: no thread, clock, socket, file, database, log or randomness.

That is what makes replay, time travel, crash exploration and tests without sleeps possible. import-linter forbids
the imports; this second guard reads the syntax trees, so that it sees calls, too: the clock of `datetime`, the
randomness of `uuid`, a plain `open`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.tree import Module, imports, modules, pyproject, under

PURE = ("understudy.events", "understudy.actors.behaviors")
BORDER = "understudy.events.store"

# fmt: off
IMPURE = frozenset({
    "asyncio", "concurrent", "eventsourcing", "glob", "http", "importlib", "io", "logging", "multiprocessing",
    "opentelemetry", "os", "pathlib", "psutil", "psycopg", "pykka", "queue", "random", "sched", "secrets", "select",
    "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile",
    "threading", "time", "urllib",
})
# fmt: on
"""Modules that own what the pure floors must be handed as data."""

ALLOWED = {
    ("understudy.actors.behaviors", "asyncio"): "workflow code runs on an asyncio loop whose clock and queue are data",
    ("understudy.actors.behaviors", "random"): "only the class Random, seeded by the run",
    ("understudy.events.converters.data_converter", "importlib"): "cloudpickle is loaded only for those who opt in",
    (
        "understudy.events.converters.failure_converter",
        "asyncio",
    ): "asyncio's cancellation and time-out are failures, too",
    ("understudy.events.failures.exceptions", "asyncio"): "a cancellation arrives as asyncio's own exception",
}
"""A module or package, what it may import all the same, and why; pyproject.toml has the same rows."""

CALLS = frozenset({"__import__", "breakpoint", "exec", "eval", "input", "open", "print"})
METHODS = frozenset({"getnode", "now", "today", "urandom", "utcnow", "uuid1", "uuid4"})
CLOCKS = frozenset({"date", "datetime", "uuid"})
"""`datetime.now` reads a clock; `info.now` may be data, so the name in front of the dot counts."""


def pure_modules() -> list[Module]:
    """The modules of the pure floors."""
    return [
        module
        for module in modules()
        if any(under(module.name, floor) for floor in PURE) and not under(module.name, BORDER)
    ]


def impure_calls(module: Module) -> Iterator[str]:
    """Calls by which a module would touch the outside."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield f"line {node.lineno}: {name}(...)"
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id=owner) | ast.Attribute(attr=owner))) if (
                name in METHODS and owner in CLOCKS
            ):
                yield f"line {node.lineno}: {owner}.{name}(...)"
            case ast.Call(func=ast.Name(id="Random"), args=[], keywords=[]):
                yield f"line {node.lineno}: Random() without a seed"
            case ast.ImportFrom(module="random", names=names) if {alias.name for alias in names} != {"Random"}:
                yield f"line {node.lineno}: a generator that all runs share"
            case _:
                continue


def impure_imports(module: Module) -> set[str]:
    """The outside that a module imports when it runs."""
    return {seen.target.split(".")[0] for seen in imports(module) if not seen.for_types} & IMPURE


def allowed(module: Module) -> set[tuple[str, str]]:
    """The rows of ALLOWED that speak for a module."""
    return {(name, root) for name, root in ALLOWED if under(module.name, name)}


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.where)
def test_a_pure_module_imports_nothing_of_the_outside(module: Module) -> None:
    assert sorted(impure_imports(module) - {root for _, root in allowed(module)}) == []


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.where)
def test_a_pure_module_calls_no_clock_no_file_and_no_randomness(module: Module) -> None:
    assert list(impure_calls(module)) == []


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.where)
def test_a_pure_module_knows_nothing_of_the_store(module: Module) -> None:
    assert [f"line {seen.line}: {seen.target}" for seen in imports(module) if under(seen.target, BORDER)] == []


def test_no_exception_from_purity_outlives_its_use() -> None:
    used = {row for module in pure_modules() for row in allowed(module) if row[1] in impure_imports(module)}
    assert sorted(ALLOWED.keys() - used) == []


def test_both_guards_of_purity_forbid_the_same() -> None:
    contract = next(c for c in pyproject()["tool"]["importlinter"]["contracts"] if c["id"] == "purity")
    rows = (str(row).replace(".**", "").split(" -> ") for row in contract["ignore_imports"])
    ignored = {(name, root) for name, root in rows if name != BORDER}
    assert set(contract["forbidden_modules"]) == IMPURE
    assert ignored == ALLOWED.keys()
