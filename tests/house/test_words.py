"""Docstrings that a programmer who reads English as a second language understands at the first reading.

A tool cannot tell a good sentence. It can tell a summary that is too short to be one, a relative clause without a
subject ("What is …", "Whether …"), a name of a module that is gone, and a public method that nothing documents.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Callable, Iterator

import pytest

from tests.house.test_shape import Class, classes
from tests.house.tree import ROOT, Module, modules, under

WORDS = 4
"""Words of a summary at least."""

CLAUSE = re.compile(r"(What|Whether|Who|Whose|Which|Where|When|How|Why)\b")
"""How a relative clause begins; a bool is "True if …", and all else has a subject, or says what to do."""

NAMED: dict[str, str] = {
    "understudy.lint": "the name of a logger",
}
"""What docstrings call by a dotted name of ours although it is no module, and what it is."""

DOTTED = re.compile(r"`((?:understudy|events|actors|projections|behaviors|_[a-z]+)(?:\.\w+)+)`")
PATH = re.compile(r"`([\w./-]+/[\w-]+\.(?:py|json|md|toml))`")

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def summaries(module: Module) -> Iterator[tuple[str, str]]:
    """Where each docstring of a module stands, and its first paragraph."""
    for node in ast.walk(module.tree):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        if text is not None:
            yield f"{module.where}:{getattr(node, 'lineno', 1)}", text.split("\n\n")[0]


def is_short(summary: str) -> bool:
    """True if a summary has too few words to be a sentence."""
    return len(summary.split()) < WORDS


def is_a_clause(summary: str) -> bool:
    """True if a summary begins like a relative clause."""
    return CLAUSE.match(summary) is not None


@pytest.mark.parametrize("is_wrong", [is_short, is_a_clause])
def test_a_summary_is_a_sentence(is_wrong: Callable[[str], bool]) -> None:
    assert [where for module in modules() for where, summary in summaries(module) if is_wrong(summary)] == []


def texts(module: Module) -> Iterator[tuple[int, str]]:
    """The docstrings and comments of a module, and their lines."""
    source = module.path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.string.endswith('"""')):
            yield token.start[0], token.string


def is_there(name: str) -> bool:
    """True if a dotted name is a module of ours, or something in one."""
    path = name if under(name, "understudy") else f"understudy.{name}"
    known = {module.name for module in modules()}
    parts = path.split(".")
    depth = max(n for n in range(1, len(parts) + 1) if ".".join(parts[:n]) in known)
    found: object = importlib.import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        found = getattr(found, part, None)
    return found is not None


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_a_docstring_names_only_modules_that_are_there(module: Module) -> None:
    gone = [
        f"line {line}: {name}"
        for line, text in texts(module)
        for name in DOTTED.findall(text)
        if name not in NAMED and not is_there(name)
    ]
    assert gone == []
    files = [(line, path) for line, text in texts(module) for path in PATH.findall(text)]
    assert [f"line {line}: {path}" for line, path in files if not (ROOT / path).exists()] == []


def test_every_name_that_is_no_module_is_still_used() -> None:
    used = {name for module in modules() for _, text in texts(module) for name in DOTTED.findall(text)}
    assert NAMED.keys() - used == set()
    assert [name for name in NAMED if is_there(name)] == []


def methods(node: ast.ClassDef) -> dict[str, bool]:
    """The methods of a class by name, each with True if it has a docstring; overloads are documented in one place."""
    found: dict[str, bool] = {}
    for part in node.body:
        marks = {ast.unparse(mark) for mark in getattr(part, "decorator_list", ())}
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and "overload" not in marks:
            found[part.name] = found.get(part.name, False) or ast.get_docstring(part) is not None
    return found


def documented_below(each: Class) -> set[str]:
    """The methods that bases of ours document for a class."""
    found: set[str] = set()
    for name in each.bases:
        if name in classes():
            base = classes()[name]
            found |= {method for method, has_docs in methods(base.node).items() if has_docs} | documented_below(base)
    return found


LISTS: dict[str, str] = {
    "understudy._client.interceptors.chain.Chain": "its methods are those of `OutboundInterceptor`, documented there",
}
"""Protocols that list methods which another class documents."""


def test_a_public_method_is_documented_by_its_class_or_by_a_base_of_ours() -> None:
    bare = [
        f"{name}.{method}"
        for name, each in classes().items()
        if not each.node.name.startswith("_") and name not in LISTS
        for method, has_docs in methods(each.node).items()
        if not method.startswith("_") and not has_docs and method not in documented_below(each)
    ]
    assert bare == []
