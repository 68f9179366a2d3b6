"""Each public symbol has exactly one door.

Doors are the modules that users import from. What stands behind a door, on any floor, is offered by the module that
defines it and by no other. Two doors to one thing make two spellings of it in every code base that uses us. What is
used in every program may also be taken from `understudy` itself.
"""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from types import FunctionType

import pytest

from tests.house.tree import FOLDERS, Import, Module, exported, imports, modules, under

FACADE = "understudy"

DOORS = frozenset(
    f"understudy.{door}"
    for door in (
        *("activity", "client", "common", "converter", "exceptions", "service", "testing", "worker", "workflow"),
        "worker.workflow_sandbox",
    )
)
"""The modules users import from, beside the facade: the names of the interface that we follow."""

CONTRIB = "understudy.contrib"
"""What is for users of another library: it is made of what the doors offer."""

EVERYDAY: dict[str, str] = {
    "Client": "every program connects",
    "UnderstudyError": "what a caller catches",
    "Worker": "every program runs one",
    "WorkflowFailureError": "what waiting for a result raises",
    "WorkflowHandle": "what starting a workflow gives back",
}
"""Names that `understudy` itself may offer beside their own door."""

TWO_DOORS: dict[str, str] = {
    "NondeterminismError": "the interface that we follow has it in `workflow`; all our errors are in `exceptions`",
    "ReadOnlyContextError": "the same",
    "DeterminismError": "the interface that we follow has it in the sandbox; all our errors are in `exceptions`",
    "RestrictedWorkflowAccessError": "its name in the sandbox",
    **dict.fromkeys(
        (
            *("DnsLoadBalancingConfig", "GrpcCompression", "HttpConnectProxyConfig", "KeepAliveConfig"),
            *("PayloadLimitsConfig", "RPCError", "RPCStatusCode", "RetryConfig", "TLSConfig"),
        ),
        "the interface that we follow has it in `client` and in `service`",
    ),
    "WorkerDeploymentVersion": "the interface that we follow has it in `worker` and in `common`",
}
"""Names that stand at two doors, and why."""

COLLECTIONS: dict[str, str] = {
    "understudy.events.errors": "all errors of the engine on one page, so that nobody has to know their families",
}
"""Modules behind the doors that offer what others define, and why."""

behind_the_doors = pytest.mark.parametrize(
    "module",
    [module for module in modules() if module.name not in DOORS | {FACADE} | COLLECTIONS.keys()],
    ids=lambda module: module.where,
)


def offered(module: Module) -> dict[str, object]:
    """The classes and functions of ours that a module lists in its `__all__`."""
    loaded = importlib.import_module(module.name)
    found = {name: getattr(loaded, name, None) for name in exported(module) or []}
    return {
        name: thing
        for name, thing in found.items()
        if isinstance(thing, type | FunctionType) and under(str(thing.__module__), "understudy")
    }


def imported_names(module: Module) -> Iterator[str]:
    """The names a module takes from elsewhere at its top level."""
    for node in module.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def beside_imports(module: Module) -> list[str]:
    """What a module holds beside its docstring, imports and `__all__`; `later` stands in an `if TYPE_CHECKING`."""
    plain = ast.Import | ast.ImportFrom | ast.Expr
    return [
        ast.unparse(node)
        for node in module.tree.body
        if not isinstance(node, plain)
        and not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        and not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
    ]


@pytest.mark.parametrize(
    "door", [module for module in modules() if module.name in DOORS | {FACADE}], ids=lambda module: module.where
)
def test_a_door_only_imports(door: Module) -> None:
    assert beside_imports(door) == []


def test_a_public_symbol_has_one_door() -> None:
    doors: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for module in modules():
        if module.name in DOORS:
            for name, thing in offered(module).items():
                doors[id(thing)][module.name] = name  # a second name at the same door is an alias, not a door
    doubled = [paths for paths in doors.values() if len(paths) > 1]
    assert [paths for paths in doubled if not TWO_DOORS.keys() >= set(paths.values())] == []
    assert {name for paths in doubled for name in paths.values()} == TWO_DOORS.keys()


def test_the_facade_repeats_only_everyday_names() -> None:
    behind = {id(thing) for module in modules() if module.name in DOORS for thing in offered(module).values()}
    facade = [thing for module in modules() if module.name == FACADE for thing in offered(module).items()]
    assert sorted(name for name, thing in facade if id(thing) in behind and name not in EVERYDAY) == []


@behind_the_doors
def test_behind_the_doors_a_symbol_is_offered_where_it_is_defined(module: Module) -> None:
    assert sorted(set(exported(module) or []) & set(imported_names(module))) == []


def test_every_collection_still_collects() -> None:
    collecting = {module.name for module in modules() if set(exported(module) or []) & set(imported_names(module))}
    assert sorted(COLLECTIONS.keys() - collecting) == []


def test_no_module_imports_its_own_facade() -> None:
    facades = {module.name for module in modules() if module.is_package and exported(module)}

    def through_the_facade(module: Module, seen: Import) -> bool:
        return seen.target in facades and module.name.startswith(seen.target + ".")

    knots = [
        f"{module.where}:{seen.line} imports {seen.target}"
        for module in modules()
        for seen in imports(module)
        if through_the_facade(module, seen)
    ]
    assert knots == [], "import from the module that defines it"


@pytest.mark.parametrize(
    "module",
    [module for module in modules() if module.name not in DOORS | {FACADE} and not under(module.name, CONTRIB)],
    ids=lambda module: module.where,
)
def test_nothing_behind_the_doors_imports_a_door(module: Module) -> None:
    through = [f"line {seen.line}: {seen.target}" for seen in imports(module) if seen.target in DOORS | {FACADE}]
    assert through == [], "import from the module that defines it"


def test_no_module_uses_the_bare_name_of_a_folder() -> None:
    bare = [
        f"{module.where}:{seen.line} imports {seen.target}"
        for module in modules()
        for seen in imports(module)
        if seen.target.split(".")[0] in FOLDERS
    ]
    assert bare == [], "a bare folder is a second copy of every class in it"
