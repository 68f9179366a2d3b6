"""The shape of the house: folders that a reader can take in, names that mean one thing, classes that are one.

A mark of size can be met by cutting in two what is one. So a class counts with the bases that exist only for it, a
base class with one subclass is none, and a folder holds no more modules than a reader keeps in mind.
"""

from __future__ import annotations

import ast
import importlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from tests.house.test_doors import DOORS, FACADE
from tests.house.tree import Module, modules

FOLDER, SMALL, CLASS = 20, 60, 300
"""Modules in a folder at most; lines under which a module needs a reason; lines of a class with its own bases."""

FULL: dict[str, tuple[int, str]] = {
    "api/_workflow": (25, "to be cut"),
}
"""Folders with more modules than the mark: (how many at most, why it is better so)."""

MIXINS: dict[str, str] = {
    "understudy._client.async_activities.Activities": "to be cut",
    "understudy._client.handles.control.Operator": "to be cut",
    "understudy._client.handles.updates.UpdateSender": "to be cut",
    "understudy._client.history.reader.HistoryReader": "to be cut",
    "understudy._client.jobs.client.StandaloneActivities": "to be cut",
    "understudy._client.promises.Promises": "to be cut",
    "understudy._client.starts.with_start.UpdateWithStart": "to be cut",
    "understudy.actors.activities.attempt.Attempt": "to be cut",
    "understudy.actors.behaviors.code.handles.ChildHandle": "the core's side of a public handle that the door defines",
    "understudy.actors.behaviors.loop.refusals.InsideLoop": "the table of what no loop of a run may do, which is data",
    "understudy.actors.dispatch.LoopActor": "to be cut",
    "understudy.actors.relations.retried.UntilDone": "to be cut",
    "understudy.actors.requests.starts.Starts": "to be cut",
    "understudy.actors.runs.definitions.Definitions": "to be cut",
    "understudy.actors.runs.live_run.LiveRun": "to be cut",
    "understudy.actors.runs.registry.LiveRuns": "to be cut",
    "understudy.actors.runs.waiters.Outcomes": "to be cut",
    "understudy.actors.system.System": "to be cut",
    "understudy.events.errors.rpc.ExhaustedError": "to be cut",
}
"""Base classes with a single subclass, in another file, and why they are better so."""

LARGE: dict[str, tuple[int, str]] = {
    "understudy._client.client.Client": (648, "to be cut"),
    "understudy._client.handles.handle.WorkflowHandle": (568, "to be cut"),
    "understudy.actors.behaviors.code.run.Run": (349, "the code of one run: how it begins, takes facts, and ends"),
    "understudy.actors.behaviors.loop.loop.DeterministicLoop": (
        491,
        "asyncio's interface of an event loop, with its table of refusals",
    ),
    "understudy.actors.requests.service.Service": (339, "to be cut"),
    "understudy.actors.runs.actor.WorkflowActor": (604, "to be cut"),
    "understudy.actors.runs.supervisor.Workflows": (413, "to be cut"),
    "understudy.testing.activity_environment._EnvironmentAttempt": (335, "to be cut"),
}
"""Classes that are larger than the mark with their own bases: (lines at most, the one subject that they are)."""

TWINS: dict[str, str] = {
    "activities": "to be cut",
    "activity": "to be cut",
    "children": "to be cut",
    "client": "to be cut",
    "codec": "to be cut",
    "completion": "to be cut",
    "config": "to be cut",
    "continue_as_new": "to be cut",
    "current": "to be cut",
    "definition": "to be cut",
    "description": "to be cut",
    "errors": "to be cut",
    "exceptions": "to be cut",
    "handle": "to be cut",
    "info": "to be cut",
    "inputs": "to be cut",
    "interceptors": "to be cut",
    "job": "to be cut",
    "log": "to be cut",
    "outbound": "messages to other workflows: their facts, their delivery, and as the code sees them",
    "patches": "to be cut",
    "recorder": "records events: what code asks for; the rows of a store, by eventsourcing's word",
    "root": "to be cut",
    "service": "to be cut",
    "side_effects": "to be cut",
    "start": "to be cut",
    "store": "to be cut",
    "supervisor": "to be cut",
    "typed": "to be cut",
    "types": "to be cut",
    "upserts": "to be cut",
    "workflow": "to be cut",
}
"""Names of modules that are used more than once, and the one subject that all of them have."""

SHORT: dict[str, str] = {
    "actors/activities/current.py": "to be cut",
    "actors/activities/pickling.py": "to be cut",
    "actors/activities/token_bucket.py": "to be cut",
    "actors/activities/worker_options.py": "to be cut",
    "actors/behaviors/code/side_effects.py": "what runs live only; patches and side effects share it",
    "actors/behaviors/code/source_line.py": "a walk over the stack, of use to all that ask",
    "actors/behaviors/code/upserts.py": "the view of one subject, made for the few runs that ask",
    "actors/behaviors/definitions/interception.py": "imported late: few workers have interceptors",
    "actors/behaviors/loop/current.py": "the thread's side of a turn, which differs by version of Python",
    "actors/clock.py": "to be cut",
    "actors/guard/interrupt.py": "to be cut",
    "actors/ids.py": "to be cut",
    "actors/relations/delivered.py": "to be cut",
    "actors/requests/event_feed.py": "to be cut",
    "actors/runs/log_fields.py": "to be cut",
    "actors/runs/reset_check.py": "to be cut",
    "actors/stored_failures.py": "to be cut",
    "api/_calls/promise_token.py": "to be cut",
    "api/_calls/typed.py": "to be cut",
    "api/_client/handles/typed.py": "to be cut",
    "api/_client/jobs/typed.py": "to be cut",
    "api/_client/starts/typed.py": "to be cut",
    "api/_doors.py": "to be cut",
    "api/_workflow/typed.py": "to be cut",
    "api/testing/asserts.py": "to be cut",
    "api/worker/definition_check.py": "to be cut",
    "events/converters/refusal.py": "to be cut",
    "events/event.py": "to be cut",
    "events/options/durations.py": "to be cut",
    "events/public.py": "to be cut",
    "events/signal.py": "to be cut",
    "events/store/sqlite/border.py": "to be cut",
    "events/store/sqlite/readers.py": "to be cut",
    "events/transition.py": "to be cut",
    "events/upcast.py": "to be cut",
    "events/update.py": "to be cut",
    "events/upsert.py": "to be cut",
}
"""Modules below the mark that define no public type, and why they stand alone."""


class Class(NamedTuple):
    """A class of the product: where it stands, and the classes of the product that it derives from."""

    module: Module
    node: ast.ClassDef
    bases: tuple[str, ...]

    @property
    def lines(self) -> int:
        """How many lines it has, without its bases."""
        return (self.node.end_lineno or 0) - self.node.lineno + 1

    @property
    def is_a_port(self) -> bool:
        """True if it says what others do: a protocol, or a class with abstract methods."""
        named = {ast.unparse(base).split("[")[0] for base in self.node.bases}
        marks = {
            ast.unparse(mark)
            for part in self.node.body
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
            for mark in part.decorator_list
        }
        return bool({"Protocol", "ABC"} & named) or any("abstractmethod" in mark for mark in marks)


@cache
def classes() -> dict[str, Class]:
    """All classes at the top of a module, by module and name."""
    found: dict[str, Class] = {}
    for module in modules():
        local = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                plain = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
                names = [base.id for base in plain if isinstance(base, ast.Name)]
                bases = tuple(local.get(name, f"{module.name}.{name}") for name in names)
                found[f"{module.name}.{node.name}"] = Class(module, node, bases)
    return found


@cache
def subclasses() -> dict[str, set[str]]:
    """The classes of the product that derive from each, by name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, each in classes().items():
        for base in each.bases:
            if base in classes():
                found[base].add(name)
    return found


@cache
def public() -> frozenset[int]:
    """What the doors offer, by identity."""
    doors = [importlib.import_module(name) for name in (FACADE, *sorted(DOORS))]
    return frozenset(id(getattr(door, name)) for door in doors for name in door.__all__)


def is_public(name: str) -> bool:
    """True if a class is offered at a door."""
    module, _, short = name.rpartition(".")
    return id(getattr(importlib.import_module(module), short)) in public()


def is_a_pair_of_scissors(name: str) -> bool:
    """True if a base class has one subclass, in another file, and nobody else may derive from it."""
    heirs = [heir for heir in subclasses().get(name, ()) if classes()[heir].module is not classes()[name].module]
    return len(heirs) == 1 == len(subclasses()[name]) and not classes()[name].is_a_port and not is_public(name)


def own_lines(name: str) -> int:
    """Lines of a class with the bases that exist only for it."""
    alone = [base for base in classes()[name].bases if len(subclasses().get(base, ())) == 1]
    return classes()[name].lines + sum(own_lines(base) for base in alone if not is_public(base))


def in_folders() -> Counter[str]:
    """How many modules each folder of the product has, its `__init__` not counted."""
    return Counter(module.where.rpartition("/")[0] for module in modules() if not module.is_package)


def test_a_folder_holds_what_a_reader_keeps_in_mind() -> None:
    full = {folder: count for folder, count in in_folders().items() if count > FULL.get(folder, (FOLDER, ""))[0]}
    assert full == {}
    assert [folder for folder in FULL if in_folders()[folder] <= FOLDER] == [], "a row that is not needed any more"


def test_no_class_is_cut_in_two_by_a_base_class() -> None:
    found = {name for name in classes() if is_a_pair_of_scissors(name)}
    assert sorted(found - MIXINS.keys()) == []
    assert sorted(MIXINS.keys() - found) == [], "a row that is not needed any more"


def test_a_class_with_the_bases_that_exist_only_for_it_keeps_the_mark() -> None:
    large = {name: lines for name in classes() if (lines := own_lines(name)) > LARGE.get(name, (CLASS, ""))[0]}
    assert large == {}
    assert [name for name in LARGE if own_lines(name) <= CLASS] == [], "a row that is not needed any more"


def test_a_name_that_is_used_twice_means_the_same_subject() -> None:
    names = Counter(module.path.stem for module in modules() if not module.is_package)
    twice = {name for name, count in names.items() if count > 1}
    assert sorted(twice - TWINS.keys()) == []
    assert sorted(TWINS.keys() - twice) == [], "a row that is not needed any more"


def test_a_module_is_long_enough_to_stand_alone() -> None:
    short = {
        module.where
        for module in modules()
        if not module.is_package
        and len(module.path.read_text(encoding="utf-8").splitlines()) < SMALL
        and not any(is_public(f"{module.name}.{name}") for name in defined(module))
        and module.name not in DOORS
    }
    assert sorted(short - SHORT.keys()) == []
    assert sorted(SHORT.keys() - short) == [], "a row that is not needed any more"


def defined(module: Module) -> Iterator[str]:
    """The classes and functions that a module defines."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_a_module_hides_no_class_of_ours_behind_any(module: Module) -> None:
    hidden = [
        f"line {node.lineno}: {ast.unparse(node.target)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Attribute)
        and ast.unparse(node.annotation) == "Any"
    ]
    assert [line for line in hidden if f"{module.where} {line.split(': ')[1]}" not in USERS_VALUES] == []


USERS_VALUES: dict[str, str] = {
    "actors/activities/attempt.py self.info": "to be cut",
    "actors/activities/attempt.py self.outbound": "to be cut",
    "actors/behaviors/code/context.py self.instance": "the instance of the user's class",
    "events/converters/signature.py self._returns": "to be cut",
    "events/converters/signature.py self._varargs": "to be cut",
}
"""Attributes that hold whatever a user gave us."""


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_no_module_passes_on_all_its_local_variables(module: Module) -> None:
    calls = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "locals"
    ]
    assert len(calls) <= LOCALS.get(module.where, 0)


LOCALS: dict[str, int] = {
    "api/_client/client.py": 1,
    "api/_client/handles/completion.py": 4,
    "api/_client/handles/handle.py": 5,
    "api/_client/handles/updates.py": 1,
    "api/_client/history/reader.py": 1,
    "api/_client/jobs/client.py": 3,
    "api/_client/jobs/handle.py": 3,
    "api/_client/starts/with_start.py": 1,
    "api/worker/replayer.py": 1,
    "api/worker/worker.py": 1,
}
"""Calls of `locals()` that are still there."""
