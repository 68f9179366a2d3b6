"""The product's source as the house tests see it: files, their import names, their syntax trees.

The folders at the root are subpackages of one name (`api/` is `understudy` itself), so a file's import name is not
its path. This module is the one place that translates.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "FOLDERS",
    "ROOT",
    "Import",
    "Module",
    "exported",
    "has_code",
    "imports",
    "modules",
    "product_files",
    "pyproject",
    "python_files",
    "relative",
    "under",
]

ROOT = Path(__file__).resolve().parents[2]

FOLDERS = {
    "api": "understudy",
    "actors": "understudy.actors",
    "events": "understudy.events",
    "projections": "understudy.projections",
}
"""Folders at the root and the import names they are installed under."""


@dataclass(frozen=True)
class Module:
    """One source file of the product."""

    path: Path
    name: str
    tree: ast.Module

    @property
    def where(self) -> str:
        """The path as a person would type it."""
        return relative(self.path)

    @property
    def is_package(self) -> bool:
        """Whether this is the `__init__.py` of a package."""
        return self.path.name == "__init__.py"


@dataclass(frozen=True)
class Import:
    """One imported module: `from a import b` counts as `a`, and as `a.b` where that is a module."""

    target: str
    line: int
    for_types: bool
    """Whether it stands under `if TYPE_CHECKING:`."""
    inside: bool
    """Whether it runs when a function is called, not when the module is imported."""


def relative(path: Path) -> str:
    """A path as a person would type it."""
    return path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[Path]:
    """The Python files below folders of the checkout, generated ones left out, in a stable order."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "__pycache__" not in path.parts)


def product_files() -> list[Path]:
    """Every file that belongs into the installed package, in a stable order."""
    found = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file())
    return sorted(file for file in found if "__pycache__" not in file.parts)


@cache
def modules() -> tuple[Module, ...]:
    """All Python modules of the product."""
    return tuple(
        Module(path, import_name(path), ast.parse(path.read_text(encoding="utf-8"), str(path)))
        for path in product_files()
        if path.suffix == ".py"
    )


@cache
def pyproject() -> dict[str, Any]:
    """The parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def import_name(path: Path) -> str:
    """The dotted name a product file is imported by."""
    folder, *rest = path.relative_to(ROOT).with_suffix("").parts
    names = [FOLDERS[folder], *rest]
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def under(name: str, package: str) -> bool:
    """Whether a dotted name is a package or something in it."""
    return name == package or name.startswith(package + ".")


def has_code(module: Module) -> bool:
    """Whether a module holds more than a docstring and its future import."""
    return any(
        not isinstance(node, ast.Expr) and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        for node in module.tree.body
    )


def exported(module: Module) -> list[str] | None:
    """The literal `__all__` of a module, or None where it has none."""
    for node in module.tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                return [str(name) for name in ast.literal_eval(value)]
            case _:
                continue
    return None


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module, wherever in the file it stands."""
    return visit_imports(module.tree, frozenset(known.name for known in modules()), for_types=False, inside=False)


def visit_imports(node: ast.AST, known: frozenset[str], *, for_types: bool, inside: bool) -> Iterator[Import]:
    """Walk down from a node and yield its imports."""
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield Import(alias.name, node.lineno, for_types, inside)
        case ast.ImportFrom(module=str(source), names=names):
            # `from a import b` takes a module b from package a without needing anything else of a.
            targets = {name if (name := f"{source}.{alias.name}") in known else source for alias in names}
            for target in sorted(targets):
                yield Import(target, node.lineno, for_types, inside)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            for branch, typed in ((node.body, True), (node.orelse, for_types)):
                for statement in branch:
                    yield from visit_imports(statement, known, for_types=typed, inside=inside)
        case _:
            inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from visit_imports(child, known, for_types=for_types, inside=inside)
