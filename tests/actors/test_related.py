"""What runs have to do with each other, on an engine whose store can be held, refused and blinded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from tests.api.harness import eventually
from tests.recovery.lives import ON_A_THREAD, QUEUE, work_for
from tests.recovery.stage import HeldStore, others_first
from understudy import Client, workflow
from understudy._client.config import ServiceClient
from understudy.actors.behaviors.decisions.commands import SignalWorkflow
from understudy.actors.system import System
from understudy.converter import DataConverter
from understudy.events.child import ChildStarted
from understudy.events.errors.root import EngineError
from understudy.events.errors.store import StoreUnavailableError
from understudy.events.event import Event
from understudy.events.outbound import MessageDelivered
from understudy.events.store.memory import MemoryStore
from understudy.events.store.port import ExecutionRow, Unit
from understudy.exceptions import WorkflowNotFoundError
from understudy.workflow import ParentClosePolicy as Policy

PATIENCE: Final = 20.0
FOREVER: Final = 2**62


@workflow.defn
class Waiter:
    """Waits to be told, and goes on as a new run when it is told to."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.again = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.again or bool(self.words))
        if self.again:
            workflow.continue_as_new()
        return self.words

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)

    @workflow.signal
    def renew(self) -> None:
        self.again = True


@workflow.defn
class Many:
    """Takes what it is told, until it has enough."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, enough: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) >= enough)
        return sorted(self.words)

    @workflow.signal
    def tell(self, word: str) -> None:
        self.words.append(word)


@workflow.defn
async def executes(policy: int = Policy.TERMINATE) -> Any:
    """Wait for a child."""
    return await workflow.execute_child_workflow(Waiter.run, id="child", parent_close_policy=Policy(policy))


@workflow.defn
async def sends(word: str) -> None:
    """Signal another workflow."""
    await workflow.get_external_workflow_handle("many").signal(Many.tell, word)


class BlindStore(HeldStore):
    """A store of which the rows of some workflows cannot be read for a while."""

    blind = ""
    refuse_rows = False
    """Whether units of rows alone are refused."""

    def commit(self, units: Sequence[Unit]) -> list[EngineError | None]:
        if self.refuse_rows and not any(unit.appends for unit in units):
            return [StoreUnavailableError(path=self.url, reason="no ink") for _ in units]
        return super().commit(units)

    def execution(self, run_id: str) -> ExecutionRow | None:
        return self._seen(super().execution(run_id))

    def latest(self, workflow_id: str) -> ExecutionRow | None:
        return self._seen(super().latest(workflow_id))

    def _seen(self, row: ExecutionRow | None) -> ExecutionRow | None:
        if row is not None and row.workflow_id == self.blind:
            raise StoreUnavailableError(path=self.url, reason="no eyes")
        return row


class Stage:
    """An engine with a worker."""

    def __init__(self, client: Client, store: BlindStore) -> None:
        self.client = client
        self.store = store
        self.engine = client.engine

    async def start(self, what: Any, *args: Any, name: str = "parent") -> Any:
        """Start a run."""
        return await self.client.start_workflow(what, args=args, id=name, task_queue=QUEUE)

    def has(self, kind: type[Event], name: str = "parent") -> bool:
        """Whether an event is on disk."""
        row = self.store.inner.latest(name)
        return row is not None and any(isinstance(event, kind) for event in self.store.inner.load(row.run_id))

    def status(self, name: str = "child") -> str:
        """How a workflow stands on disk."""
        row = self.store.inner.latest(name)
        return row.status if row is not None else ""

    def due(self) -> set[str]:
        """What a start would bring back."""
        return {row.workflow_id for row in self.store.inner.due(FOREVER, 100)}

    async def quiet(self) -> None:
        """Wait until nothing is under way."""
        await eventually(lambda: self.engine.is_quiet)


@asynccontextmanager
async def engine(mailbox_limit: int = 10_000) -> AsyncGenerator[Stage]:
    """An engine whose commits are made on a thread, so that they can be held."""
    store = BlindStore(MemoryStore())
    converter = DataConverter.default
    system = System(
        store,
        converter.payload_converter,
        converter.failure_converter,
        inline_seconds=ON_A_THREAD,
        mailbox_limit=mailbox_limit,
    )
    workflows = [Waiter, Many, executes, sends]
    async with (
        asyncio.timeout(PATIENCE),
        Client.owning(ServiceClient(system, store.url, "tester", converter)) as client,
        work_for(client, workflows, []),
    ):
        yield Stage(client, store)


async def test_a_child_is_reached_in_a_run_that_is_not_on_disk_yet() -> None:
    async with engine() as stage:
        handle = await stage.start(executes)
        await stage.store.until(lambda: stage.has(ChildStarted))
        first = stage.engine.service.run_of("child")
        stage.store.hold()
        renewing = asyncio.create_task(stage.client.get_workflow_handle("child").signal(Waiter.renew))
        await stage.store.held.wait()
        assert stage.engine.service.run_of("child") != first
        told = SignalWorkflow(name="tell", input=DataConverter.default.payload_converter.encode_args(["go"]))
        telling = asyncio.create_task(stage.engine.service.send_to("child", None, told, first_run_id=first))
        await others_first()
        stage.store.free.set()
        await renewing
        await telling
        assert await handle.result() == ["go"]


async def test_a_chain_that_is_not_meant_is_not_reached() -> None:
    async with engine() as stage:
        await stage.start(Waiter.run, name="child")
        told = SignalWorkflow(name="tell")
        for live in (True, False):
            if not live:
                await stage.quiet()
                assert stage.engine.runs.passivate(0) == 1
            with pytest.raises(WorkflowNotFoundError):
                await stage.engine.service.send_to("child", None, told, first_run_id="another")


async def test_a_message_waits_for_room_in_a_full_mailbox(caplog: pytest.LogCaptureFixture) -> None:
    async with engine(mailbox_limit=1) as stage:
        many = await stage.start(Many.run, 3, name="many")
        stage.store.hold()
        words = [str(number) for number in range(3)]
        starting = [asyncio.create_task(stage.start(sends, word, name=f"sender-{word}")) for word in words]
        await stage.store.held.wait()
        await others_first()
        stage.store.free.set()
        senders = await asyncio.gather(*starting)
        assert await many.result() == words
        await asyncio.gather(*(sender.result() for sender in senders))
    assert "the mailbox of workflow 'many' is full" in caplog.text


async def left(stage: Stage, *names: str) -> Any:
    """A parent and its child, some of them out of memory."""
    handle = await stage.start(executes)
    await stage.store.until(lambda: stage.has(ChildStarted))
    await stage.quiet()
    for name in names:
        assert stage.engine.runs.passivate_if_quiet(stage.engine.runs.open_ids[name])
    return handle


async def test_a_child_hears_of_the_end_of_its_parent_when_the_store_is_back() -> None:
    async with engine() as stage:
        handle = await left(stage, "child")
        stage.store.blind = "child"
        await handle.terminate()
        await others_first()
        assert (stage.due(), stage.status()) == ({"parent"}, "Running")
        stage.store.blind = ""
        await stage.store.until(lambda: stage.status() == "Terminated" and not stage.due())


async def test_an_engine_that_stops_leaves_what_is_under_way_to_the_next() -> None:
    async with engine() as stage:
        handle = await left(stage, "child")
        stage.store.blind = "child"
        await handle.terminate()
        await others_first()
        assert stage.engine.tasks_between_runs
        await stage.client.close()
        assert (stage.due(), stage.status()) == ({"parent"}, "Running")


async def test_a_row_that_cannot_be_written_is_written_when_the_store_is_back() -> None:
    async with engine() as stage:
        handle = await left(stage, "child")
        stage.store.refuse_rows = True
        await handle.terminate()
        await stage.store.until(lambda: stage.status() == "Terminated")
        await others_first()
        assert stage.due() == {"parent"}
        assert stage.engine.tasks_between_runs == 1
        stage.store.refuse_rows = False
        await stage.store.until(lambda: not stage.due())
        await stage.quiet()
        assert handle.result_run_id not in stage.engine.runs.live


async def test_a_parent_that_left_memory_hears_of_the_end_of_its_child_when_its_row_can_be_read() -> None:
    async with engine() as stage:
        handle = await left(stage, "parent")
        stage.store.blind = "parent"
        await stage.client.get_workflow_handle("child").signal(Waiter.tell, "go")
        await stage.store.until(lambda: stage.status() == "Completed")
        await others_first()
        assert "child" not in stage.engine.runs.open_ids
        stage.store.blind = ""
        assert await handle.result() == ["go"]


async def test_a_closed_run_that_is_woken_does_not_run_its_code_again() -> None:
    async with engine() as stage:
        handle = await stage.start(Waiter.run, name="child")
        await handle.signal(Waiter.tell, "go")
        await handle.result()
        await stage.quiet()
        run_id = handle.result_run_id
        stage.engine.runs.wake(run_id)
        actor = stage.engine.runs.actor(run_id)
        await others_first()
        assert actor.run.code is None


async def test_messages_in_flight_are_counted_and_then_forgotten() -> None:
    async with engine() as stage:
        await stage.start(Many.run, 1, name="many")
        await stage.start(sends, "go", name="sender")
        await stage.store.until(lambda: stage.has(MessageDelivered, "sender"))
        await stage.quiet()
        assert stage.engine.tasks_between_runs == 0
