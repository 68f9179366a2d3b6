"""The tests themselves: none waits for time to pass, none swaps out the inside of what it tests.

The clock is a parameter, so a test turns it instead of sleeping; a seam is a parameter, too, so nothing needs to be
patched. Files whose tests run real processes (`pytestmark = pytest.mark.processes`) may wait for them. What a test
defines for the engine to run, a workflow that sleeps durably or an activity that is slow, is not the test's own wait.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import FOLDERS, ROOT, python_files, relative

SLEEPERS = frozenset({"anyio.sleep", "asyncio.sleep", "sleep"})
"""What waits when a test awaits it; handed to the engine's loop instead, it is a durable timer like any other."""
PATCHES = frozenset({"patch", "setattr", "setitem", "delattr", "delitem"})

IGNORE = re.compile(
    r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore)\b(?P<codes>:\s*[A-Z][\w, ]*|\[[\w, -]+\])?(?P<why>.*)"
)


def bare_ignores(text: str) -> Iterator[int]:
    """Lines with an ignore that has no code, or a code for which no reason stands there or further up."""
    reasoned: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        seen = IGNORE.search(line)
        if seen is None:
            continue
        codes = set(re.findall(r"[\w-]+", seen["codes"] or ""))
        if seen["why"].strip(" #-:"):
            reasoned |= codes
        if not codes or codes - reasoned:
            yield number


def runs_processes(tree: ast.Module) -> bool:
    """Whether the whole file is marked as one that runs real processes."""
    marks = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    )
    return any("mark.processes" in ast.unparse(value) for value in marks)


def is_test_or_fixture(node: ast.AST) -> bool:
    """Whether a node is a function that pytest runs."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name.startswith("test_") or any("fixture" in ast.unparse(mark) for mark in node.decorator_list)
        case _:
            return False


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What a function does itself, without the functions and classes that it defines."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from own_nodes(child)


def waits(node: ast.AST) -> bool:
    """Whether a node waits for time to pass; `sleep(0)` only lets others go first."""
    match node:
        case ast.Await(value=ast.Call(func=function, args=[ast.Constant(value=0), *_])):
            return False
        case ast.Await(value=ast.Call(func=function)):
            return ast.unparse(function) in SLEEPERS
        case ast.Call(func=function):
            return ast.unparse(function) == "time.sleep"
        case _:
            return False


def sleeps(tree: ast.Module) -> Iterator[int]:
    """Lines on which a test or a fixture waits for time to pass."""
    for function in ast.walk(tree):
        if is_test_or_fixture(function):
            yield from (node.lineno for node in own_nodes(function) if waits(node) and isinstance(node, ast.expr))


def patches(tree: ast.Module) -> Iterator[int]:
    """Lines that swap out the inside of something."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="unittest.mock" | "mock") | ast.Import(names=[ast.alias(name="unittest.mock")]):
                yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id="monkeypatch" | "mocker"), attr=name)) if (
                name in PATCHES
            ):
                yield node.lineno
            case _:
                continue


@pytest.mark.parametrize("path", python_files("tests"), ids=relative)
def test_a_test_turns_the_clock_instead_of_sleeping(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert runs_processes(tree) or list(sleeps(tree)) == []


@pytest.mark.parametrize("path", python_files("tests"), ids=relative)
def test_a_test_patches_nothing(path: Path) -> None:
    assert list(patches(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", python_files(*FOLDERS, "tests", "benchmarks", "examples"), ids=relative)
def test_an_ignore_carries_its_code_and_its_reason(path: Path) -> None:
    found = list(bare_ignores(path.read_text(encoding="utf-8")))
    assert found == [], "write `# noqa: CODE - why` or `# type: ignore[code]  # why`"


def test_every_rule_that_is_off_says_why_on_its_line() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.ruff.lint]")[1]
    rows = re.findall(r'^    ("[A-Z]+\d*",.*)$', lines.split("[tool.ruff.lint.flake8")[0], flags=re.MULTILINE)
    assert rows
    assert [row for row in rows if not re.search(r"#\s*\S", row)] == []
