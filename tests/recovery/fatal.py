"""Lives of a process that end behind a chosen commit, and the parents and children that live through them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.recovery.lives import NEVER, QUEUE, MortalStore, live
from understudy import Client, workflow
from understudy.client import WorkflowHandle
from understudy.events.errors.root import EngineError
from understudy.events.event import Event
from understudy.events.store.port import EventStore, Unit
from understudy.events.store.sqlite.store import SqliteStore
from understudy.exceptions import ApplicationError, ChildWorkflowError
from understudy.workflow import ChildWorkflowCancellationType as Type
from understudy.workflow import ParentClosePolicy as Policy

__all__ = [
    "FOREVER",
    "WORKFLOWS",
    "Fatal",
    "FatalStore",
    "Parent",
    "Script",
    "Waiter",
    "a_life",
    "behind",
    "count",
    "crowd",
    "drops",
    "due",
    "executes",
    "hasty",
    "looking",
    "never",
    "parents_result",
    "sends",
    "start",
    "status",
]

FOREVER: Final = 2**62


@workflow.defn
class Waiter:
    """Waits to be told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: bool(self.words))
        return self.words

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)


@workflow.defn
class Parent:
    """Has a child, and ends in the way that it is told."""

    def __init__(self) -> None:
        self.how = ""

    @workflow.run
    async def run(self, policy: int, last: bool = False) -> str:  # noqa: FBT001, FBT002 - an argument of a workflow
        if last:
            return "again"
        kind = Type.ABANDON
        child = await workflow.start_child_workflow(
            Waiter.run, id="child", parent_close_policy=Policy(policy), cancellation_type=kind
        )
        await workflow.wait_condition(lambda: bool(self.how))
        if self.how == "fail":
            raise ApplicationError(f"beside {child.id}")
        if self.how == "continue":
            workflow.continue_as_new(args=[policy, True])
        return "done"

    @workflow.signal
    def end(self, how: str) -> None:
        self.how = how


@workflow.defn
async def hasty(policy: int) -> str:
    """Ask for a child and end in one turn."""
    task = asyncio.create_task(
        workflow.start_child_workflow(Waiter.run, id="child", parent_close_policy=Policy(policy))
    )
    await asyncio.sleep(0)
    return str(task.done())


@workflow.defn
async def executes() -> Any:
    """Wait for a child."""
    try:
        return await workflow.execute_child_workflow(Waiter.run, id="child")
    except ChildWorkflowError as error:
        return type(error.cause).__name__


@workflow.defn
async def drops() -> str:
    """Cancel a child, and wait for its end."""
    handle = await workflow.start_child_workflow(Waiter.run, id="child")
    handle.cancel()
    try:
        return f"returned {await handle}"
    except ChildWorkflowError as error:
        return type(error.cause).__name__


@workflow.defn
async def sends(what: str) -> str:
    """Send a message, and say what came of it."""
    other = workflow.get_external_workflow_handle("child")
    try:
        await (other.cancel() if what == "cancel" else other.signal(Waiter.tell, what))
    except ApplicationError as error:
        return str(error)
    return "sent"


@workflow.defn
async def crowd(size: int) -> None:
    """Have many children that wait."""
    await asyncio.gather(*(workflow.execute_child_workflow(Waiter.run, id=f"child-{n}") for n in range(size)))


WORKFLOWS: Final = [Waiter, Parent, hasty, executes, drops, sends, crowd]

Fatal = Callable[[str, Event], bool]
"""Whether a process dies with an event of a workflow (by its id) in its commit."""


class FatalStore(MortalStore):
    """A store that dies behind the first commit with an event of a kind."""

    def __init__(self, inner: EventStore, fatal: Fatal) -> None:
        super().__init__(inner, NEVER, "after")
        self._fatal = fatal
        self._names: dict[str, str] = {}

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        for unit in units:
            self._names.update((row.run_id, row.workflow_id) for row in unit.rows)
        fatal = any(self._fatal(self._name(a.run_id), e) for unit in units for a in unit.appends for e in a.events)
        if fatal and not self.crashed:
            self.fail_at = self.commits + 1
        return super().commit(units)

    def _name(self, run_id: str) -> str:
        if run_id not in self._names:
            row = self.inner.execution(run_id)
            self._names[run_id] = row.workflow_id if row is not None else ""
        return self._names[run_id]


def never(_name: str, _event: Event) -> bool:
    """Live on."""
    return False


def behind(kinds: type[Event] | tuple[type[Event], ...], name: str) -> Fatal:
    """Die behind the first event of a kind of the workflow with that id."""
    return lambda of, event: of == name and isinstance(event, kinds)


Script = Callable[[Client, MortalStore], Awaitable[Any]]


def a_life(path: Path, script: Script, fatal: Fatal = never) -> Any:
    """Live once, to the end or to the death that was meant."""
    store = SqliteStore(path)
    try:
        result, died = live(script, WORKFLOWS, [], lambda: FatalStore(store, fatal))
    finally:
        store.close()
    assert died == (fatal is not never)
    return result


async def start(
    client: Client, what: Any, *args: Any, name: str = "parent", **options: Any
) -> WorkflowHandle[Any, Any]:
    """Start a run."""
    return await client.start_workflow(what, args=args, id=name, task_queue=QUEUE, **options)


def looking(path: Path, look: Callable[[EventStore], Any]) -> Any:
    """Look into the file while nobody lives."""
    store = SqliteStore(path)
    try:
        return look(store)
    finally:
        store.close()


def status(store: EventStore, name: str = "child") -> str:
    """How a workflow stands."""
    row = store.latest(name)
    return row.status if row is not None else ""


def due(store: EventStore) -> set[str]:
    """The workflow ids of the runs that a start brings back."""
    return {row.workflow_id for row in store.due(FOREVER, 100)}


def count(store: EventStore, name: str, kind: type[Event]) -> int:
    """How many events of a kind are recorded of a workflow id."""
    rows = store.executions(workflow_id=name)
    return sum(isinstance(event, kind) for row in rows for event in store.load(row.run_id))


async def parents_result(client: Client, _store: MortalStore) -> Any:
    """Wait for the parent."""
    return await client.get_workflow_handle("parent").result()
