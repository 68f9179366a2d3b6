"""Find the functions of a workflow's source that only `side_effect` calls: they may do all.

A function is known by how it is written: `draw` is one that is defined inside, `self.draw` a method. One that is used
in any other way as well is read like the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import FunctionType
from typing import Final

from understudy.actors.behaviors.definitions.definition import HANDLER_MARK, RUN_MARK
from understudy.actors.behaviors.guard.names import Dotted, FunctionNode, Scope, unwrapped
from understudy.actors.behaviors.guard.rules import RECORDED

__all__ = ["Uses", "is_recorded", "methods_only_recorded"]

_SELF: Final = "self."
"""The prefix of names of methods, whatever the first parameter is called."""


def is_recorded(target: object) -> bool:
    """True if a resolved callable calls what it is given and records what comes out."""
    if isinstance(target, Dotted):
        return target.name.rpartition(".")[2] in RECORDED and target.name.startswith("understudy.")
    package = str(getattr(target, "__module__", "")).partition(".")[0]
    return getattr(target, "__name__", None) in RECORDED and package == "understudy"


class Uses(ast.NodeVisitor):
    """The uses of functions: given to `side_effect`, or otherwise; gathered from one function or from several."""

    def __init__(self) -> None:
        """Begin without any use."""
        self._given: set[str] = set()
        self._used: set[str] = set()
        self._first = ""
        self._resolve: Callable[[ast.expr], object] = id

    def gather(self, node: FunctionNode, resolve: Callable[[ast.expr], object]) -> None:
        """Look through a function; `resolve` says what an expression in it stands for."""
        arguments = [*node.args.posonlyargs, *node.args.args]
        self._first, self._resolve = arguments[0].arg if arguments else "", resolve
        for statement in node.body:
            self.visit(statement)

    def only_recorded(self, name: str, *, is_method: bool = False) -> bool:
        """True if a function is given to `side_effect` and used in no other way."""
        name = _SELF + name if is_method else name
        return name in self._given and name not in self._used

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is given to `side_effect`, and pass over it and over the body of a lambda there."""
        if not is_recorded(self._resolve(node.func)):
            self.generic_visit(node)
            return
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if name := self._name(argument):
                self._given.add(name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note a possible use of a method."""
        if name := self._name(node):
            self._used.add(name)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Note a possible use of a function."""
        if isinstance(node.ctx, ast.Load):
            self._used.add(node.id)

    def _name(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == self._first:
            return _SELF + node.attr
        return ""


def methods_only_recorded(target: type, node_of: Callable[[FunctionType], FunctionNode | None]) -> set[str]:
    """Return the names of a class's methods that are given to `side_effect` and used in no other way.

    Args:
        target: the workflow class.
        node_of: where a function stands in its source; None where that need not be read.
    """
    uses, names = Uses(), set[str]()
    for base in target.__mro__:
        for name, value in vars(base).items():
            function = unwrapped(value)
            if isinstance(function, FunctionType) and (node := node_of(function)) is not None:
                uses.gather(node, Scope(function, node, target).resolve)
                if not (name.startswith("__") or hasattr(value, HANDLER_MARK) or hasattr(value, RUN_MARK)):
                    names.add(name)
    return {name for name in names if uses.only_recorded(name, is_method=True)}
