"""How a module begins and what it offers: the theory first, deferred hints, a sorted `__all__` that resolves."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from tests.house.tree import Module, exported, has_code, modules

PROGRAMS = {"__main__"}
"""Modules that are run, not imported: they offer nothing."""

each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)


def order(name: str) -> tuple[int, list[tuple[int, int, str]]]:
    """The order ruff's RUF022 keeps: constants, then classes, then the rest, numbers by value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return kind, [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


@each_module
def test_a_module_says_its_theory_before_its_code(module: Module) -> None:
    assert ast.get_docstring(module.tree), f"{module.where} has no docstring"


@each_module
def test_a_module_defers_its_annotations(module: Module) -> None:
    futures = [node for node in module.tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    deferred = any(alias.name == "annotations" for node in futures for alias in node.names)
    assert deferred or not has_code(module), f"{module.where} lacks `from __future__ import annotations`"


@each_module
def test_a_module_with_code_lists_what_it_offers(module: Module) -> None:
    needs = has_code(module) and module.path.stem not in PROGRAMS
    assert exported(module) is not None or not needs, f"{module.where} has no __all__"


@each_module
def test_what_a_module_offers_is_sorted_and_said_once(module: Module) -> None:
    names = exported(module) or []
    assert names == sorted(set(names), key=order)


@each_module
def test_every_offered_name_resolves(module: Module) -> None:
    if module.path.stem in PROGRAMS:
        return
    loaded = importlib.import_module(module.name)
    assert [name for name in exported(module) or [] if not hasattr(loaded, name)] == []
