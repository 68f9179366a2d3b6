"""Read the source of a workflow, when it is registered, for what a replay would not repeat.

Starting from the workflow function, or from all methods of the workflow class, it follows the helpers that are called
directly and live in the same top-level package, and holds each call against the table in `guard.rules`. Names are
resolved through the real functions (`guard.names`), so aliases do not hide anything and look-alikes do not alarm.

An `error` would break a replay: registration refuses it, unless the workflow says `sandboxed=False`. A `warning` may:
an order that differs between processes, state that runs share, the environment; the worker logs it. Passed over:
activities, other workflows, what stands under `with workflow.unsafe...` or inside `workflow.side_effect(...)`.

The lint advises, it does not guard: it misses what it cannot resolve, and trouble of its own ends it, not the
registration. Pure: the text of a file comes from the `source_provider`. Measured on CPython 3.11 for a workflow class
of 40 lines: 1.5 ms, and as much again for the first one of a file, which has to be parsed.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from random import Random
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple, cast

from understudy.actors.behaviors.definitions.definition import ACTIVITY_MARK, WORKFLOW_MARK
from understudy.actors.behaviors.guard.exempt import Uses, is_recorded, methods_only_recorded
from understudy.actors.behaviors.guard.names import Dotted, FunctionNode, Instance, Scope, function_node, unwrapped
from understudy.actors.behaviors.guard.rules import RULES, Rule, Severity, rules_by_object

__all__ = ["Finding", "SourceProvider", "lint"]

SourceProvider = Callable[[str, dict[str, Any]], str | None]
"""From a file's name (as in the code object) and the module's names to the module's text; None: there is none."""

_DEPTH: Final = 5
_FUNCTIONS: Final = 200
"""The limits of how deep helpers are followed, and how many: a bound for odd code, not a promise."""

_MUTATORS: Final = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "insert"}
    | {"pop", "popitem", "popleft", "remove", "setdefault", "update"}
)
_MUTABLE: Final = (dict, list, set, bytearray, deque)
_ORDERING: Final = (list, tuple, enumerate, iter)
_ORDERLESS: Final = (sorted, set, frozenset, any, all, sum, min, max)
"""Callables whose result does not depend on the order of their input."""
_SORTED: Final = "sorted(...): the order of a set differs between processes"
_STATE: Final = "an attribute of the workflow: module state is shared by all runs and is not replayed"
_EFFECT: Final = "side_effect"
_EXECUTOR: Final = Rule("loop.run_in_executor", "an activity (workflow.execute_activity)")


class Finding(NamedTuple):
    """A place in the source that a replay would not, or may not, repeat."""

    file: str
    line: int
    call: str
    instead: str
    severity: Severity

    def __str__(self) -> str:
        """Return one line for a message."""
        return f"{self.file}:{self.line}: {self.severity}: {self.call}: use {self.instead}"


def lint(target: type | Callable[..., Any], *, source_provider: SourceProvider) -> list[Finding]:
    """Return what is not deterministic in a workflow class or function, by file and line; never raises.

    Args:
        target: the class or function, decorated or not.
        source_provider: where the text of a module comes from.
    """
    walk = _Walk(target, source_provider)
    with suppress(Exception):  # advice that failed must not cost the registration
        walk.run()
    return sorted(set(walk.findings))


class _Visit:
    """A function to read, the class whose method it is, and how many calls away from the workflow."""

    __slots__ = ("depth", "function", "owner")

    def __init__(self, function: FunctionType, owner: type | None, depth: int) -> None:
        self.function = function
        self.owner = owner
        self.depth = depth


class _Walk:
    """One lint: the functions still to read, and what was found."""

    def __init__(self, target: type | Callable[..., Any], source_provider: SourceProvider) -> None:
        self.findings: list[Finding] = []
        self._target = target
        self._source = source_provider
        self._package = _package(unwrapped(target))
        self._rules = rules_by_object()
        self._waiting: deque[_Visit] = deque()
        self._seen: set[FunctionType] = set()

    def run(self) -> None:
        """Read all functions that can be reached from the target."""
        if isinstance(self._target, type):
            recorded = methods_only_recorded(self._target, self._node_with_effects)
            for base in self._target.__mro__:
                for name, value in vars(base).items():
                    if name not in recorded:
                        self.follow(value, self._target, 0)
        else:
            self._add(unwrapped(self._target), None, 0)
        while self._waiting:
            visit = self._waiting.popleft()
            node = self._node(visit.function)
            if node is not None:
                _Reader(self, visit, node).read()

    def follow(self, value: object, owner: type | None, depth: int) -> None:
        """Read a helper later: a function, a method, or what runs when a class is called; of our package only."""
        if isinstance(value, type):
            if _package(value) == self._package:
                for name in ("__new__", "__init__", "__post_init__"):
                    self.follow(vars(value).get(name), value, depth)
            return
        if isinstance(value, property):
            value = value.fget
        if hasattr(value, ACTIVITY_MARK) or hasattr(value, WORKFLOW_MARK):
            return
        self._add(unwrapped(value), None if isinstance(value, staticmethod) else owner, depth)

    def _add(self, function: object, owner: type | None, depth: int) -> None:
        if not isinstance(function, FunctionType) or function in self._seen or _package(function) != self._package:
            return
        if depth <= _DEPTH and len(self._seen) < _FUNCTIONS:
            self._seen.add(function)
            self._waiting.append(_Visit(function, owner, depth))

    def _node(self, function: FunctionType) -> FunctionNode | None:
        text = self._source(function.__code__.co_filename, function.__globals__)
        return function_node(text, function) if text else None

    def _node_with_effects(self, function: FunctionType) -> FunctionNode | None:
        if _package(function) != self._package:
            return None
        text = self._source(function.__code__.co_filename, function.__globals__)
        return function_node(text, function) if text and _EFFECT in text else None

    def rule_of(self, target: object) -> Rule | None:
        """Return the rule for a resolved callable."""
        if isinstance(target, Dotted):
            return RULES.get(target.name)
        if isinstance(target, type):
            return next((self._rules[id(base)][0] for base in target.__mro__ if id(base) in self._rules), None)
        known = self._rules.get(id(target))
        if known is None and isinstance(target, BuiltinFunctionType):
            return self._rule_of_builtin(target)
        return known[0] if known else None

    def _rule_of_builtin(self, target: BuiltinFunctionType) -> Rule | None:
        """Return the rule for a class method in C, a new object at each access, by its names."""
        owner: Any = target.__self__
        if not isinstance(owner, type):
            return None
        names = (f"{base.__module__}.{base.__qualname__}.{target.__name__}" for base in owner.__mro__)
        return next((RULES[name] for name in names if name in RULES), None)


def _package(value: object) -> str:
    return str(getattr(value, "__module__", "")).partition(".")[0]


class _Reader(ast.NodeVisitor):
    """Reads one function and everything that is written inside it."""

    def __init__(self, walk: _Walk, visit: _Visit, node: FunctionNode) -> None:
        self._walk = walk
        self._visit = visit
        self._node = node
        self._scope = Scope(visit.function, node, visit.owner)
        self._excused: set[ast.comprehension] = set()
        self._uses: Uses | None = None

    def read(self) -> None:
        """Read the body; decorators and defaults ran when the module was imported."""
        for statement in self._node.body:
            self.visit(statement)

    def _report(self, node: ast.AST, call: str, instead: str, severity: Severity = "warning") -> None:
        line = getattr(node, "lineno", self._node.lineno)
        self._walk.findings.append(Finding(self._visit.function.__code__.co_filename, line, call, instead, severity))

    def _is_only_recorded(self, name: str) -> bool:
        if self._uses is None:
            self._uses = Uses()
            self._uses.gather(self._node, self._scope.resolve)
        return self._uses.only_recorded(name)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Read a function inside, unless only a side effect calls it."""
        if not self._is_only_recorded(node.name):
            self.generic_visit(node)

    visit_FunctionDef = _visit_function  # noqa: N815 - ast calls by this name
    visit_AsyncFunctionDef = _visit_function  # noqa: N815 - ast calls by this name

    # -- calls and references ------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        """Look at a call: the table knows it, or it is a helper to follow, or it changes module state."""
        target = self._scope.resolve(node.func)
        if is_recorded(target):
            return
        rule = self._walk.rule_of(target)
        if rule is None and isinstance(node.func, ast.Attribute) and node.func.attr == "run_in_executor":
            rule = _EXECUTOR
        if rule is not None:
            if rule.harmless_from is None or len(node.args) + len(node.keywords) < rule.harmless_from:
                self._report(node, f"{rule.call}()", rule.instead, rule.severity)
        else:
            self._walk.follow(target, self._owner_of(node.func, target), self._visit.depth + 1)
            self._check_state(node)
            self._check_ordering(node, target)
        if any(target is kind for kind in _ORDERLESS) and node.args:
            self._excuse(node.args[0])
        self._visit_inside(node.func)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def _owner_of(self, func: ast.expr, target: object) -> type | None:
        if not isinstance(func, ast.Attribute) or isinstance(target, type):
            return None
        base = self._scope.resolve(func.value)
        return base.of if isinstance(base, Instance) else base if isinstance(base, type) else None

    def _visit_inside(self, func: ast.expr) -> None:
        """Read the inside of a callee, itself no mere reference: `open(p).read()`, `random.Random(1).random()`."""
        if isinstance(func, ast.Attribute):
            self._visit_inside(func.value)
        elif not isinstance(func, ast.Name):
            self.visit(func)
        if isinstance(func, (ast.Attribute, ast.Name)):
            self._check_object(func)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Look at a reference: handed on to be called later, or a property."""
        self._check_reference(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Look at a reference by a plain name."""
        self._check_reference(node)

    def _check_reference(self, node: ast.Attribute | ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            return
        target = self._scope.resolve(node)
        if isinstance(target, property) and isinstance(node, ast.Attribute):
            self._walk.follow(target, self._owner_of(node, target), self._visit.depth + 1)
        elif isinstance(target, (FunctionType, BuiltinFunctionType, MethodType)):
            rule = self._walk.rule_of(target)
            if rule is not None and rule.harmless_from is None:
                self._report(node, rule.call, rule.instead)
        else:
            self._check_object(node)

    def _check_object(self, node: ast.Attribute | ast.Name) -> None:
        """Report objects that are themselves in the table, whatever is done with them: `os.environ`."""
        target = self._scope.resolve(node)
        if isinstance(target, (type, FunctionType, BuiltinFunctionType, MethodType, Dotted)):
            return
        rule = self._walk.rule_of(target)
        if rule is not None:
            self._report(node, rule.call, rule.instead, rule.severity)
        elif isinstance(target, Random):
            self._report(node, f"{ast.unparse(node)}, a generator that all runs share", "workflow.random()", "error")

    # -- state that runs would share -----------------------------------------------------------------------------------

    def visit_Global(self, node: ast.Global) -> None:
        """Report `global x`, which is only ever written to assign it."""
        self._report(node, f"global {', '.join(node.names)}", _STATE)

    def _check_state(self, node: ast.Call) -> None:
        func = node.func
        if (
            isinstance(func, ast.Attribute)
            and func.attr in _MUTATORS
            and isinstance(self._scope.resolve(func.value), _MUTABLE)
        ):
            self._report(node, f"{ast.unparse(func)}()", _STATE)
        elif isinstance(func, ast.Name) and func.id == "next" and node.args:
            shared = self._scope.resolve(node.args[0])
            if isinstance(shared, (count, Iterator)):
                self._report(node, ast.unparse(node), _STATE)

    def _check_target(self, node: ast.expr) -> None:
        if isinstance(node, (ast.Tuple, ast.List)):
            for element in node.elts:
                self._check_target(element)
        elif isinstance(node, (ast.Subscript, ast.Attribute)):
            shared = _MUTABLE if isinstance(node, ast.Subscript) else (type, ModuleType)
            if isinstance(self._scope.resolve(node.value), shared):
                self._report(node, f"{ast.unparse(node)} = ...", _STATE)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Look at an assignment: into module state, or of a lambda."""
        for target in node.targets:
            self._check_target(target)
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if not (isinstance(node.value, ast.Lambda) and names and all(map(self._is_only_recorded, names))):
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Look at an augmented assignment: `COUNTS[key] += 1`."""
        self._check_target(node.target)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        """Look at a deletion: `del CACHE[key]`."""
        for target in node.targets:
            self._check_target(target)
        self.generic_visit(node)

    # -- order ---------------------------------------------------------------------------------------------------------

    def _check_ordering(self, node: ast.Call, target: object) -> None:
        if any(target is kind for kind in _ORDERING) and node.args and self._is_unordered(node.args[0]):
            self._report(node, f"{ast.unparse(node.func)}() of a set", _SORTED)

    def _check_iteration(self, node: ast.expr) -> None:
        if self._is_unordered(node):
            self._report(node, "iteration over a set", _SORTED)

    def _is_unordered(self, node: ast.expr) -> bool:
        value: Any = self._scope.resolve(node)
        if isinstance(value, (set, frozenset)):
            return any(not isinstance(item, (int, float)) for item in cast("set[object]", value))
        if not isinstance(value, Instance) or not issubclass(value.of, (set, frozenset)):
            return False
        # Numbers hash to themselves, in every process.
        return not (isinstance(node, ast.Set) and all(_is_number(element) for element in node.elts))

    def _visit_loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        if node not in self._excused:
            self._check_iteration(node.iter)
        self.generic_visit(node)

    visit_For = _visit_loop  # noqa: N815 - ast calls by this name
    visit_AsyncFor = _visit_loop  # noqa: N815 - ast calls by this name
    visit_comprehension = _visit_loop

    def visit_SetComp(self, node: ast.SetComp) -> None:
        """Excuse a set that is made of a set."""
        self._excuse(node)
        self.generic_visit(node)

    def _excuse(self, node: ast.expr) -> None:
        """Allow a comprehension over a set, if nobody sees its order and it can start nothing."""
        if isinstance(node, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
            targets = (name for each in node.generators for name in ast.walk(each.target))
            items = {name.id for name in targets if isinstance(name, ast.Name)}
            if not any(self._may_start(part, items) for part in ast.walk(node)):
                self._excused.update(node.generators)

    def _may_start(self, node: ast.AST, items: set[str]) -> bool:
        """True if a call may ask for something, in the order of the loop; builtins and methods of the items do not."""
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.Await)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id in items:
            return False
        target = self._scope.resolve(node.func)
        return not isinstance(target, (type, BuiltinFunctionType)) or target.__module__ != "builtins"

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _visit_with(self, node: ast.With | ast.AsyncWith) -> None:
        if not any(self._is_unsafe(item.context_expr) for item in node.items):
            self.generic_visit(node)

    visit_With = _visit_with  # noqa: N815 - ast calls by this name
    visit_AsyncWith = _visit_with  # noqa: N815 - ast calls by this name

    def _is_unsafe(self, node: ast.expr) -> bool:
        """True for `workflow.unsafe.sandbox_unrestricted()` and kin, under whatever alias of `workflow`."""
        callee = node.func if isinstance(node, ast.Call) else node
        if not isinstance(callee, ast.Attribute):
            return False
        owner = callee.value
        name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
        return name == "unsafe"


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
