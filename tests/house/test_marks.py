"""The marks of size: files and functions that fit a reader's head; classes are measured in `test_shape.py`.

What is not the product, tests above all, keeps the mark of files: one that is longer has more than one subject.

They are marks, not a corset: where one is better broken, it gets a row in EXCEPTIONS with its size and its subject. The
row is a ceiling, and it goes when the code fits again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import Module, modules, python_files, relative

FILE, SUBJECT, FUNCTION = 400, 600, 40
"""Lines at most: of a file, of a file that is one subject by a row, of a function's body without its docstring."""

EXCEPTIONS: dict[str, tuple[int, str]] = {
    "actors/behaviors/loop/loop.py": (600, "the event loop of a run"),
    "actors/behaviors/code/run.py": (450, "the code of one run"),
}
"""`path` or `path:qualified.name` to (lines at most, the one subject that it is)."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Every function and class below a node with its qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield f"{prefix}{child.name}", child
            yield from definitions(child, f"{prefix}{child.name}.")
        else:
            yield from definitions(child, prefix)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def file_lines(path: Path) -> int:
    """Lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def sizes(module: Module) -> Iterator[tuple[str, int, int]]:
    """What is measured in a module: (its key in EXCEPTIONS, lines, mark)."""
    yield module.where, file_lines(module.path), FILE
    for name, node in definitions(module.tree):
        if not isinstance(node, ast.ClassDef):
            yield f"{module.where}:{name}", body_lines(node), FUNCTION


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_a_module_keeps_the_marks_of_size(module: Module) -> None:
    over = [
        f"{key} has {lines} lines, the mark is {EXCEPTIONS.get(key, (mark, ''))[0]}"
        for key, lines, mark in sizes(module)
        if lines > EXCEPTIONS.get(key, (mark, ""))[0]
    ]
    assert over == []


@pytest.mark.parametrize("path", python_files("tests", "benchmarks", "examples"), ids=relative)
def test_a_file_beside_the_product_keeps_the_mark_of_files(path: Path) -> None:
    assert file_lines(path) <= FILE, "cut it by subject, and put what the parts share into a module of its own"


def test_every_exception_is_still_needed_and_names_its_subject() -> None:
    marks = {key: (lines, mark) for module in modules() for key, lines, mark in sizes(module)}
    idle = [key for key in EXCEPTIONS if key not in marks or marks[key][0] <= marks[key][1]]
    assert idle == []
    assert [key for key, (_, subject) in EXCEPTIONS.items() if not subject.strip()] == []


def test_no_row_lets_a_file_grow_beyond_the_mark_of_one_subject() -> None:
    assert [key for key, (lines, _) in EXCEPTIONS.items() if ":" not in key and lines > SUBJECT] == []
