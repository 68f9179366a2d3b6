"""Children and messages, over a file: the process dies just there, and the next one makes up for it.

A life ends behind one commit, which is on disk while nobody was told. The next life opens the file again; what it finds
to do, it finds by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from tests.recovery.lives import NEVER, QUEUE, FaultyStore, MortalStore, live
from understudy import Client, workflow
from understudy.client import WorkflowHandle
from understudy.common import WorkflowIDReusePolicy
from understudy.events.child import ChildCancelRequested, ChildInitiated, ChildStarted
from understudy.events.error_root import EngineError
from understudy.events.event import Event
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested, MessageDelivered
from understudy.events.signal import SignalReceived
from understudy.events.store.port import EventStore, ExecutionRow, Unit
from understudy.events.store.sqlite import SqliteStore
from understudy.events.workflow import CLOSING, WorkflowCancelRequested, WorkflowCompleted, WorkflowStarted
from understudy.exceptions import ApplicationError, ChildWorkflowError
from understudy.workflow import ChildWorkflowCancellationType as Type
from understudy.workflow import ParentClosePolicy as Policy

FOREVER: Final = 2**62


# -- the workflows ---------------------------------------------------------------------------------------------------


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


# -- lives -----------------------------------------------------------------------------------------------------------

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


async def to_death(client: Client, _store: MortalStore, what: Any, *args: Any) -> None:
    """Start a run, and wait for what comes."""
    await start(client, what, *args)
    await asyncio.Event().wait()


def looking(path: Path, look: Callable[[EventStore], Any]) -> Any:
    """Look into the file while nobody lives."""
    store = SqliteStore(path)
    try:
        return look(store)
    finally:
        store.close()


def row_of(store: EventStore, name: str) -> ExecutionRow:
    """The row of the latest run of a workflow id."""
    row = store.latest(name)
    assert row is not None, f"there is no {name!r}"
    return row


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


@pytest.fixture(name="path")
def a_path(tmp_path: Path) -> Path:
    """A file that outlives the engine."""
    return tmp_path / "lives.db"


# -- the end of a parent ---------------------------------------------------------------------------------------------

WAYS: Final = ("complete", "fail", "cancel", "terminate", "time out", "continue")


async def end_parent(client: Client, store: MortalStore, how: str, policy: Policy) -> None:
    """Start a parent, wait for its child, and end it."""
    options: Any = {"run_timeout": timedelta(milliseconds=60)} if how == "time out" else {}
    handle = await start(client, Parent.run, policy, **options)
    await store.until(lambda: status(store) == "Running")
    if how in {"cancel", "terminate"}:
        await getattr(handle, how)()
    elif how != "time out":
        await handle.signal(Parent.end, how)
    await asyncio.Event().wait()


@pytest.mark.parametrize("policy", [Policy.TERMINATE, Policy.REQUEST_CANCEL, Policy.ABANDON])
@pytest.mark.parametrize("how", WAYS)
def test_a_parent_that_closed_just_before_the_crash_is_due_until_its_children_are_left_as_they_are_to_be(
    path: Path, how: str, policy: Policy
) -> None:
    a_life(path, partial(end_parent, how=how, policy=policy), behind(tuple(CLOSING), "parent"))
    assert looking(path, status) == "Running"
    assert "parent" in looking(path, due)

    async def made_up(_client: Client, store: MortalStore) -> None:
        await store.until(lambda: not [row for row in store.due(FOREVER, 100) if row.status != "Running"])
        if policy is not Policy.ABANDON:
            await store.until(lambda: status(store) != "Running")
        await store.until(lambda: status(store, "parent") != "Running")

    a_life(path, made_up)
    after = {Policy.TERMINATE: "Terminated", Policy.REQUEST_CANCEL: "Canceled", Policy.ABANDON: "Running"}[policy]
    assert looking(path, status) == after
    assert looking(path, due) == set()


@pytest.mark.parametrize("policy", [Policy.TERMINATE, Policy.REQUEST_CANCEL, Policy.ABANDON])
def test_a_child_that_the_crash_kept_from_starting_is_started_only_if_it_outlives_its_parent(
    path: Path, policy: Policy
) -> None:
    a_life(path, _dies(hasty, policy), behind(ChildInitiated, "parent"))
    assert looking(path, lambda store: status(store, "parent")) == "Completed"
    assert looking(path, status) == ""

    async def made_up(_client: Client, store: MortalStore) -> None:
        await store.until(lambda: "parent" not in due(store))

    a_life(path, made_up)
    assert looking(path, status) == ("Running" if policy is Policy.ABANDON else "")


def _dies(what: Any, *args: Any) -> Script:
    """Start a run, and wait for the death."""
    return lambda client, store: to_death(client, store, what, *args)


def test_who_looks_at_a_closed_parent_does_not_disturb_the_children_it_left(path: Path) -> None:
    async def leaves(client: Client, store: MortalStore) -> list[int]:
        handle = await start(client, Parent.run, Policy.ABANDON)
        await store.until(lambda: status(store) == "Running")
        await handle.signal(Parent.end, "complete")
        await handle.result()
        await store.until(lambda: "parent" not in due(store))
        before = store.commits
        with pytest.raises(Exception, match="no query"):
            await handle.query("nothing")
        return [before, store.commits]

    before, after = a_life(path, leaves)
    assert before == after


# -- the end of a child ----------------------------------------------------------------------------------------------


async def tell_child(client: Client, store: MortalStore) -> None:
    """Start a parent, and let its child end."""
    await start(client, executes)
    await store.until(lambda: count(store, "child", WorkflowStarted))
    await client.get_workflow_handle("child").signal(Waiter.tell, "go")
    await asyncio.Event().wait()


async def parents_result(client: Client, _store: MortalStore) -> Any:
    """Wait for the parent."""
    return await client.get_workflow_handle("parent").result()


def test_a_parent_hears_after_the_crash_how_its_child_ended_just_before(path: Path) -> None:
    a_life(path, tell_child, behind(WorkflowCompleted, "child"))
    assert looking(path, lambda store: status(store, "parent")) == "Running"
    assert a_life(path, parents_result) == ["go"]


@pytest.mark.parametrize("fatal", [behind(ChildInitiated, "parent"), behind(WorkflowStarted, "child")])
def test_a_crash_around_the_start_of_a_child_leads_to_one_child(path: Path, fatal: Fatal) -> None:
    a_life(path, _dies(executes), fatal)

    async def goes_on(client: Client, store: MortalStore) -> Any:
        await store.until(lambda: status(store) == "Running")
        await client.get_workflow_handle("child").signal(Waiter.tell, "go")
        return await parents_result(client, store)

    assert a_life(path, goes_on) == ["go"]
    assert looking(path, lambda store: len(store.executions(workflow_id="child"))) == 1


def test_a_child_that_was_to_cancel_when_the_process_died_is_asked_to(path: Path) -> None:
    a_life(path, _dies(drops), behind(ChildCancelRequested, "parent"))
    assert looking(path, lambda store: count(store, "child", WorkflowCancelRequested)) == 0
    assert a_life(path, parents_result) == "CancelledError"
    assert looking(path, status) == "Canceled"


# -- messages --------------------------------------------------------------------------------------------------------


async def send(client: Client, _store: MortalStore, what: str) -> None:
    """Let one workflow send another one a message."""
    await start(client, Waiter.run, name="child")
    await start(client, sends, what)
    await asyncio.Event().wait()


MESSAGES: Final = [
    ("hello", ExternalSignalRequested, "parent"),
    ("hello", SignalReceived, "child"),
    ("hello", MessageDelivered, "parent"),
    ("cancel", ExternalCancelRequested, "parent"),
    ("cancel", WorkflowCancelRequested, "child"),
    ("cancel", MessageDelivered, "parent"),
]


@pytest.mark.parametrize(("what", "kind", "whose"), MESSAGES)
def test_once_recorded_a_message_that_a_crash_has_cut_off_arrives_once_and_its_sender_is_told(
    path: Path, what: str, kind: type[Event], whose: str
) -> None:
    a_life(path, partial(send, what=what), behind(kind, whose))
    assert a_life(path, parents_result) == "sent"
    received = WorkflowCancelRequested if what == "cancel" else SignalReceived
    assert looking(path, lambda store: count(store, "child", received)) == 1
    assert looking(path, status) == ("Canceled" if what == "cancel" else "Completed")


# -- a store that says no --------------------------------------------------------------------------------------------


async def all_along(client: Client, store: MortalStore) -> Any:
    """A parent, its child, and the end of both, in one life."""
    once = WorkflowIDReusePolicy.REJECT_DUPLICATE
    while True:
        try:
            await start(client, executes, id_reuse_policy=once, request_id="begin")
        except EngineError:
            continue
        break
    await store.until(lambda: count(store, "parent", ChildStarted))
    while True:
        try:
            await client.get_workflow_handle("child").signal(Waiter.tell, "go", request_id="go")
        except EngineError:
            continue
        break
    return await parents_result(client, store)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 8))
def test_a_commit_that_went_wrong_and_killed_nobody_changes_nothing(path: Path, number: int, when: Any) -> None:
    store = SqliteStore(path)
    try:
        result, _ = live(all_along, WORKFLOWS, [], lambda: FaultyStore(store, {number}, when))
        assert result == ["go"]
        assert len(store.executions(workflow_id="child")) == 1
        assert due(store) == set()
    finally:
        store.close()


# -- many ------------------------------------------------------------------------------------------------------------

SIZE: Final = 5_000


@pytest.mark.slow
def test_five_thousand_children_are_ended_after_the_crash_of_their_parents_process(path: Path) -> None:
    async def begin(client: Client, store: MortalStore) -> None:
        handle = await start(client, crowd, SIZE)
        await store.until(lambda: status(store, f"child-{SIZE - 1}"))
        await handle.terminate()
        await asyncio.Event().wait()

    a_life(path, begin, behind(tuple(CLOSING), "parent"))

    async def made_up(_client: Client, store: MortalStore) -> None:
        await store.until(lambda: store.execution(parent) is not None and "parent" not in due(store))

    parent = looking(path, lambda store: row_of(store, "parent").run_id)
    a_life(path, made_up)
    ended = looking(path, lambda store: store.executions(status="Terminated", limit=2 * SIZE))
    assert len(ended) == SIZE + 1
