"""Resolve names in workflow source to the objects that they will meet at run time.

The lint has the function at hand, not only its text. So a name is looked up where Python will look: in the function's
own assignments and imports, its closure, its module, the builtins. An alias (`from datetime import datetime as dt`)
resolves to the very object that the table of calls names, and a helper to the function to follow.

What is not certain is UNKNOWN: a name that is assigned twice, a parameter without a type, an item of a container. The
lint is silent about what is unknown, for a wrong finding costs more trust than a missed one, and the guard and the
replay check stand behind it. Nothing is called, and no user code runs: attributes are read statically.
"""

from __future__ import annotations

import ast
import builtins
import sys
from functools import lru_cache
from types import ClassMethodDescriptorType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple

from understudy.actors.behaviors.guard.rules import loaded

__all__ = [
    "UNKNOWN",
    "Dotted",
    "FunctionNode",
    "Instance",
    "Scope",
    "attribute",
    "function_node",
    "unwrapped",
]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

UNKNOWN: Final = object()
"""The value of an expression that cannot be told from the source."""

_METHODS: Final = (staticmethod, classmethod, MethodType)
_DEPTH: Final = 20
"""The limit of aliases that are followed; an alias of itself ends here."""


class Instance(NamedTuple):
    """An instance of a class, as `Path("x")` or a parameter `path: Path` gives one."""

    of: type


class Dotted(NamedTuple):
    """A name of a module that is not loaded: only its text."""

    name: str


def unwrapped(value: Any) -> object:
    """Return the function inside decorators, static and class methods and bound methods."""
    for _ in range(_DEPTH):
        if isinstance(value, FunctionType):
            inside = value.__dict__.get("__wrapped__")
        else:
            inside = getattr(value, "__func__", None) if type(value) in _METHODS else None
        if inside is None:
            break
        value = inside
    return value


def attribute(base: object, name: str) -> object:
    """Return `base.name` without running code of the user's: no `__getattr__`, no property."""
    if isinstance(base, Dotted):
        return Dotted(f"{base.name}.{name}")
    if isinstance(base, ModuleType):
        found = vars(base).get(name, UNKNOWN)
        if found is not UNKNOWN:
            return found
        dotted = f"{base.__name__}.{name}"
        later = Dotted(dotted) if "__getattr__" in vars(base) else UNKNOWN  # it is loaded when it is first asked for
        return sys.modules.get(dotted, later)
    owner = base.of if isinstance(base, Instance) else base if isinstance(base, type) else type(base)
    if base is UNKNOWN or owner is object:
        return UNKNOWN
    found = next((vars(cls)[name] for cls in owner.__mro__ if name in vars(cls)), UNKNOWN)
    if isinstance(base, type) and isinstance(found, ClassMethodDescriptorType):
        return getattr(base, name)  # a class method in C has to be bound to be told from its siblings: `datetime.now`
    # Any other value of the class may be hidden by the instance's own.
    return found if not isinstance(base, Instance) or hasattr(found, "__get__") else UNKNOWN


def function_node(text: str, function: FunctionType) -> FunctionNode | None:
    """Return the node of `function` in the text of its module; None if the text has another function there."""
    return _function_at(_parsed(text), function.__code__.co_name, function.__code__.co_firstlineno)


@lru_cache(maxsize=16)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _function_at(tree: ast.AST, name: str, line: int) -> FunctionNode | None:
    """Find a function by its line, going down only there: a walk over the whole module would cost ten times as much."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            continue
        first = getattr(node, "lineno", 0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            # code begins at the first decorator
            first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
            if first == line and node.name == name and not isinstance(node, ast.ClassDef):
                return node
        if first <= line <= getattr(node, "end_lineno", line):
            found = _function_at(node, name, line)
            if found is not None:
                return found
    return None


class Scope:
    """The names of one function; `owner` is the class whose method it is, if any."""

    def __init__(self, function: FunctionType, node: FunctionNode, owner: type | None) -> None:
        self._function = function
        self._bound = _Bindings(node, method=owner is not None).found
        self._owner = owner
        self._closure = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))

    def resolve(self, node: ast.expr | None, depth: int = 0) -> object:
        """Return the object that `node` will evaluate to, an `Instance`, a `Dotted`, or UNKNOWN."""
        if depth > _DEPTH:
            return UNKNOWN
        if isinstance(node, ast.Name):
            return self._name(node.id, depth)
        if isinstance(node, ast.Attribute):
            return attribute(self.resolve(node.value, depth + 1), node.attr)
        if isinstance(node, ast.Call):
            made = self.resolve(node.func, depth + 1)
            return Instance(made) if isinstance(made, type) else UNKNOWN
        return self._set(node, depth)

    def _set(self, node: ast.expr | None, depth: int) -> object:
        """Tell sets apart from all other values, for their order."""
        if isinstance(node, (ast.Set, ast.SetComp)):
            return Instance(set)
        left = self.resolve(node.left, depth + 1) if isinstance(node, ast.BinOp) else UNKNOWN
        return left if isinstance(left, Instance) and issubclass(left.of, (set, frozenset)) else UNKNOWN

    def _name(self, name: str, depth: int) -> object:
        if name in self._bound:
            return self._local(self._bound[name], depth)
        if name in self._closure:
            try:
                return self._closure[name].cell_contents
            except ValueError:  # not filled yet
                return UNKNOWN
        names = self._function.__globals__
        return names[name] if name in names else vars(builtins).get(name, UNKNOWN)

    def _local(self, binding: object, depth: int) -> object:
        if isinstance(binding, ast.expr):
            return self.resolve(binding, depth + 1)
        if isinstance(binding, Dotted):
            found = loaded(binding.name)
            return binding if found is None else found
        if isinstance(binding, ast.arg):
            return self._argument(binding, depth)
        return UNKNOWN

    def _argument(self, argument: ast.arg, depth: int) -> object:
        if self._owner is not None and argument.annotation is None:
            return Instance(self._owner)  # only the first argument of a method is noted without a type
        hint = argument.annotation
        if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
            try:
                hint = ast.parse(hint.value, mode="eval").body
            except SyntaxError:
                return UNKNOWN
        if isinstance(hint, ast.Subscript):
            hint = hint.value  # set[str] is a set
        found = self.resolve(hint, depth + 1)
        return Instance(found) if isinstance(found, type) else UNKNOWN


class _Bindings(ast.NodeVisitor):
    """The bindings of the names of a function: an expression, an import, a parameter; UNKNOWN if bound twice.

    Functions inside it are read as part of it: a name that they bind, too, is bound twice.
    """

    def __init__(self, node: FunctionNode, *, method: bool) -> None:
        self.found: dict[str, object] = {}
        self._global: set[str] = set()
        self._bind_arguments(node.args, method=method)
        for statement in node.body:
            self.visit(statement)
        for name in self._global:
            self.found.pop(name, None)

    def _bind(self, name: str, value: object) -> None:
        self.found[name] = UNKNOWN if name in self.found else value

    def _bind_arguments(self, args: ast.arguments, *, method: bool = False) -> None:
        for argument in (*args.posonlyargs, *args.args, *args.kwonlyargs):
            typed = argument.annotation is not None or method
            self._bind(argument.arg, argument if typed else UNKNOWN)
            method = False  # only the first argument is the instance
        for collected in (args.vararg, args.kwarg):
            if collected is not None:
                self._bind(collected.arg, UNKNOWN)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Bind an alias, `x = expression`; all other targets are bound by their names below."""
        self.visit(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self._bind(node.targets[0].id, node.value)
        else:
            for target in node.targets:
                self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Bind an alias with a type, `x: T = expression`."""
        if node.value is not None:
            self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._bind(node.target.id, node.value or UNKNOWN)

    def visit_Name(self, node: ast.Name) -> None:
        """Bind a name that is stored to in any other way: a loop, `with`, `del`, unpacking."""
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id, UNKNOWN)

    def visit_Import(self, node: ast.Import) -> None:
        """Bind an import inside the function."""
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self._bind(alias.asname or name, Dotted(name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Bind a `from` import inside the function."""
        for alias in node.names:
            value = Dotted(f"{node.module}.{alias.name}") if node.module and not node.level else UNKNOWN
            self._bind(alias.asname or alias.name, value)

    def visit_Global(self, node: ast.Global) -> None:
        """Take a name for the module's, though it is assigned to."""
        self._global.update(node.names)

    def _visit_capture(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
        """Bind a name that captures: `except E as name`, `case name`, `case [*name]`."""
        if node.name:
            self._bind(node.name, UNKNOWN)
        self.generic_visit(node)

    visit_ExceptHandler = _visit_capture  # noqa: N815 - ast calls by this name
    visit_MatchAs = _visit_capture  # noqa: N815 - ast calls by this name
    visit_MatchStar = _visit_capture  # noqa: N815 - ast calls by this name

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        """Bind the rest of a mapping: `case {**name}`."""
        if node.rest:
            self._bind(node.rest, UNKNOWN)
        self.generic_visit(node)

    def _visit_function(self, node: FunctionNode) -> None:
        self._bind(node.name, UNKNOWN)
        self._bind_arguments(node.args)
        for statement in node.body:
            self.visit(statement)

    visit_FunctionDef = _visit_function  # noqa: N815 - ast calls by this name
    visit_AsyncFunctionDef = _visit_function  # noqa: N815 - ast calls by this name

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Pass over a lambda: it has names of its own."""
        self._bind_arguments(node.args)
        self.visit(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Bind the name of a class inside the function, and pass over its body."""
        self._bind(node.name, UNKNOWN)
