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

FOLDER, SMALL, CLASS, SUBJECT = 20, 60, 300, 450
"""Modules in a folder at most; lines under which a module needs a reason; lines of a class with its own bases at most,
and of one that is a single subject by a row."""

MIXINS: dict[str, str] = {
    "understudy._client.async_activities.Activities": "a subject of the client: completion from outside",
    "understudy._client.handles.control.Operator": "a subject of a workflow's handle: pause, reset",
    "understudy._client.handles.updates.UpdateSender": "a subject of a workflow's handle: updates",
    "understudy._client.history.reader.HistoryReader": "a subject of a workflow's handle: its history",
    "understudy._client.jobs.client.StandaloneActivities": "a subject of the client: jobs without a workflow",
    "understudy._client.promises.Promises": "a subject of the client: durable promises",
    "understudy._client.starts.with_start.UpdateWithStart": "a subject of the client: update-with-start",
    "understudy.actors.behaviors.code.handles.ChildHandle": "the core's side of a public handle that the door defines",
    "understudy.actors.behaviors.loop.refusals.InsideLoop": "the table of what no loop of a run may do, which is data",
    "understudy.events.errors.rpc.ExhaustedError": "a status of gRPC, as `NotFoundError` beside it",
}
"""Base classes with a single subclass, in another file, and why they are better so."""

LARGE: dict[str, tuple[int, str]] = {
    "understudy.actors.behaviors.code.run.Run": (349, "the code of one run: how it begins, takes facts, and ends"),
    "understudy.actors.behaviors.loop.loop.DeterministicLoop": (
        434,
        "asyncio's interface of an event loop, with its table of refusals",
    ),
}
"""Classes that are larger than the mark with their own bases: (lines at most, the one subject that they are)."""

TWINS: dict[str, str] = {
    "activities": "activities as workflow code asks for them, and decisions about them",
    "activity": "activities: their facts, their errors, their door",
    "children": "children of a workflow",
    "client": "the client, or its part in that room",
    "codec": "codecs of payloads, and how they fail",
    "completion": "completion of activities from outside",
    "config": "the config of that room's main class",
    "continue_as_new": "continue-as-new, as a request and as users ask for it",
    "current": "what runs on this thread now: the loop of a run, an attempt",
    "definition": "definitions of workflows and activities, and their decorators",
    "description": "what `describe` returns",
    "errors": "the errors of that room",
    "exceptions": "exceptions that users meet",
    "handle": "the handle of that room",
    "info": "what `info()` returns",
    "inputs": "calls as interceptors see them",
    "interceptors": "interceptors of that room",
    "job": "stand-alone activities, declared and as the code of a run",
    "log": "the logger of that door",
    "outbound": "messages to other workflows: their facts, their delivery, and as the code sees them",
    "patches": "patches of workflow code",
    "recorder": "records events: what code asks for; the rows of a store, by eventsourcing's word",
    "root": "the end of a chain of interceptors; of errors, the class at the root of all",
    "service": "what a client can ask; the door has the name that Temporal gave it",
    "side_effects": "side effects of workflow code",
    "start": "the start of what that room is about",
    "store": "the event store: an adapter, and how it fails",
    "supervisor": "the supervisor of that room, and the class that it is of",
    "typed": "methods with the types that type checkers read",
    "types": "the forms of a call, for type checkers",
    "upserts": "memo and search attributes that the code changes",
    "workflow": "workflows: their facts, and their door",
}
"""Names of modules that are used more than once, and the one subject that all of them have."""

SHORT: dict[str, str] = {
    "actors/activities/pickling.py": "what crosses to another process, imported there alone",
    "actors/activities/token_bucket.py": "imported late: few workers have a rate",
    "actors/activities/worker_options.py": "data that stands below all that reads it",
    "actors/behaviors/code/side_effects.py": "what runs live only; patches and side effects share it",
    "actors/behaviors/code/source_line.py": "a walk over the stack, of use to all that ask",
    "actors/behaviors/code/upserts.py": "the view of one subject, made for the few runs that ask",
    "actors/behaviors/definitions/interception.py": "imported late: few workers have interceptors",
    "actors/behaviors/loop/current.py": "the thread's side of a turn, which differs by version of Python",
    "actors/clock.py": "the lowest module of the shell",
    "actors/guard/interrupt.py": "used by the watchdog and by cancellation, which do not know each other",
    "actors/ids.py": "how run ids are made, with the source of the algorithm",
    "actors/relations/delivered.py": "one question, with the reason why it is asked so",
    "actors/requests/event_feed.py": "one request that stands on no other",
    "actors/runs/log_fields.py": "imported late: by who logs",
    "actors/runs/reset_check.py": "imported late: few runs are reset",
    "actors/stored_failures.py": "what runs and attempts share about failures",
    "actors/supervision/backoff.py": "data that each strategy has",
    "api/_calls/promise_token.py": "the form of a token, which workflow code writes and clients read",
    "api/_calls/typed.py": "only type checkers need it whole",
    "api/_client/handles/typed.py": "the same",
    "api/_client/jobs/typed.py": "the same",
    "api/_client/starts/typed.py": "the same",
    "api/_doors.py": "how doors import late, and why a cancellation waits for it",
    "api/_workflow/typed.py": "the same",
    "api/testing/asserts.py": "a failure converter of tests, which no other room needs",
    "api/worker/definition_check.py": "the lint, imported by the worker and the replayer alike",
    "events/converters/refusal.py": "the words of two errors, which all converters share",
    "events/event.py": "the root of all facts, below each of their modules",
    "events/options/durations.py": "all options and doors turn durations by it",
    "events/public.py": "the lowest module of all",
    "events/signal.py": "a fact has a module of its own",
    "events/store/sqlite/border.py": "the one place that knows the errors of sqlite3",
    "events/store/sqlite/readers.py": "connections for reading, without a word about events",
    "events/transition.py": "the driver of all tables, below each of them",
    "events/upcast.py": "the one place that knows old shapes",
    "events/update.py": "a machine has a module of its own",
    "events/upsert.py": "facts of one subject have a module of their own",
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
    """Lines of a class with the bases that exist only for it; mixins that have a row in MIXINS count for themselves."""
    alone = [base for base in classes()[name].bases if len(subclasses().get(base, ())) == 1 and base not in MIXINS]
    return classes()[name].lines + sum(own_lines(base) for base in alone if not is_public(base))


def in_folders() -> Counter[str]:
    """How many modules each folder of the product has, its `__init__` not counted."""
    return Counter(module.where.rpartition("/")[0] for module in modules() if not module.is_package)


def test_a_folder_holds_what_a_reader_keeps_in_mind() -> None:
    assert {folder: count for folder, count in in_folders().items() if count > FOLDER} == {}


def test_no_class_is_cut_in_two_by_a_base_class() -> None:
    found = {name for name in classes() if is_a_pair_of_scissors(name)}
    assert sorted(found - MIXINS.keys()) == []
    assert sorted(MIXINS.keys() - found) == [], "a row that is not needed any more"


def test_a_class_with_the_bases_that_exist_only_for_it_keeps_the_mark() -> None:
    large = {name: lines for name in classes() if (lines := own_lines(name)) > LARGE.get(name, (CLASS, ""))[0]}
    assert large == {}
    assert [name for name in LARGE if own_lines(name) <= CLASS] == [], "a row that is not needed any more"


def test_no_row_lets_a_class_grow_beyond_the_mark_of_one_subject() -> None:
    assert [name for name, (lines, _) in LARGE.items() if lines > SUBJECT] == []


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
    "actors/behaviors/code/context.py self.instance": "the instance of the user's class",
    "events/converters/signature.py self._returns": "a hint that a user wrote",
    "events/converters/signature.py self._varargs": "a hint that a user wrote",
}
"""Attributes that hold whatever a user gave us."""


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_no_module_passes_on_all_its_local_variables(module: Module) -> None:
    calls = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "locals"
    ]
    assert calls == []
