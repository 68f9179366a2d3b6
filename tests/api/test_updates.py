"""Updates: let in by their validators, answered once, whatever happens to the run or the worker meanwhile."""

from __future__ import annotations

import asyncio
import logging
import warnings
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness, eventually, failure_of, topics
from understudy import activity, workflow
from understudy.client import (
    Update,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from understudy.common import RetryPolicy
from understudy.exceptions import (
    ActivityError,
    ApplicationError,
    ArgumentTypeError,
    CancelledError,
    EngineStoppedError,
    InvalidArgumentError,
    PayloadDecodeError,
    PayloadEncodeError,
    QueryRefusedError,
    UpdateNotFoundError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)

ACCEPTED, COMPLETED = WorkflowUpdateStage.ACCEPTED, WorkflowUpdateStage.COMPLETED


@activity.defn
async def confirm(name: str) -> str:
    return f"confirmed {name}"


@activity.defn
async def refuse() -> None:
    raise ApplicationError("refused", non_retryable=True)


class SoldOutError(Exception):
    """Listed among the failures of `Table`."""


@workflow.defn(failure_exception_types=[SoldOutError])
class Table:
    """Takes bookings until it is closed."""

    def __init__(self) -> None:
        self.room = 4
        self.guests: list[str] = []
        self.closed = False
        self.open = asyncio.Event()
        self.tasks: list[asyncio.Task[Any]] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.closed)
        return self.guests

    @workflow.update
    def book(self, guest: str, seats: int = 1) -> int:
        self.room -= seats
        self.guests.append(guest)
        return self.room

    @book.validator
    def look(self, guest: str, seats: int = 1) -> None:
        if guest == "sneaky":
            self.guests.append("seen")
        if seats > self.room:
            raise ValueError(f"{seats} seats for {guest}")

    @workflow.update(name="book-surely")
    async def confirm(self, guest: str) -> str:
        said = await workflow.execute_activity(confirm, guest)
        self.guests.append(guest)
        return said

    @workflow.update
    async def wait(self, guest: str) -> str:
        await self.open.wait()
        self.guests.append(guest)
        return guest

    @workflow.update
    async def naps(self, seconds: float) -> list[Any]:
        await workflow.sleep(seconds)
        info = workflow.current_update_info()
        return [info.id, info.name] if info is not None else []

    @workflow.update
    async def stoppable(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        await asyncio.Event().wait()

    @workflow.update
    async def fail(self, kind: str) -> None:
        if kind == "listed":
            raise SoldOutError("sold out")
        if kind == "activity":
            await workflow.execute_activity(refuse, retry_policy=RetryPolicy(maximum_attempts=1))
        if kind == "again":
            workflow.continue_as_new()
        raise ApplicationError("full", 7, type="Full")

    @workflow.update
    def close(self) -> None:
        self.closed = True

    @workflow.signal
    def let_in(self) -> None:
        self.open.set()

    @workflow.signal
    def stop(self) -> None:
        for task in self.tasks:
            task.cancel()

    @workflow.query
    def names(self) -> list[str]:
        return self.guests


async def refusal(sent: Any) -> BaseException:
    """The cause of the failure that an update ends with."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await sent
    return caught.value.cause


async def accepted(
    handle: WorkflowHandle[Any, Any], update: Any, *args: Any, **options: Any
) -> WorkflowUpdateHandle[Any]:
    """Send an update and wait until it is accepted."""
    return await handle.start_update(update, args=args, wait_for_stage=ACCEPTED, **options)


def passivate(engine: Harness) -> None:
    """Let all runs leave memory that may."""
    engine.client.engine.workflows.passivate(0)


# -- sent and answered -----------------------------------------------------------------------------------------------


async def test_an_update_is_sent_by_its_method_and_its_result_comes_back(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    assert await handle.execute_update(Table.book, "kim") == 3
    assert await handle.execute_update(Table.book, args=["lee", 2]) == 1
    assert await handle.execute_update(Table.confirm, "max") == "confirmed max"
    assert await handle.execute_update(Table.close) is None
    assert await handle.result() == ["kim", "lee", "max"]


async def test_an_update_is_sent_by_its_name_and_its_result_is_read_as_wanted(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    assert await handle.execute_update("book", "kim") == 3
    found = await handle.execute_update("book", "lee", result_type=float)
    assert (found, type(found)) == (2.0, float)
    with pytest.raises(PayloadDecodeError, match="the result of update 'u-7'"):
        await handle.execute_update("book", "max", id="u-7", result_type=list)


async def test_a_handle_is_there_once_the_update_is_accepted_and_its_result_when_it_is_completed(
    engine: Harness,
) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    update = await accepted(handle, Table.wait, "kim", id="u-1")
    assert (await topics(handle))[-1] == "update.accepted"
    assert (update.id, update.workflow_id, update.workflow_run_id) == ("u-1", "table", handle.result_run_id)
    assert repr(update) == "<WorkflowUpdateHandle 'u-1' of 'table'>"
    waiting = asyncio.create_task(update.result())
    await handle.signal(Table.let_in)
    assert await waiting == await update.result() == "kim"


async def test_whoever_waits_for_the_completed_stage_gets_a_handle_that_has_the_result(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    update = await handle.start_update(Table.confirm, "kim", wait_for_stage=COMPLETED)
    assert (await topics(handle))[-1] == "update.completed"
    assert await update.result() == "confirmed kim"


async def test_an_update_has_an_id_of_its_own_if_none_is_given(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    ids = {(await accepted(handle, Table.book, guest)).id for guest in ("kim", "lee")}
    assert len(ids) == 2
    assert await handle.execute_update(Table.naps, 0, id="u-7") == ["u-7", "naps"]


async def test_updates_with_the_same_id_are_one_update_however_often_they_are_sent(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    sent = [handle.execute_update(Table.wait, "kim", id="u-1") for _ in range(3)]
    waiting = asyncio.gather(*sent)
    await handle.signal(Table.let_in)
    assert await waiting == ["kim"] * 3
    assert await handle.execute_update(Table.wait, "lee", id="u-1") == "kim"
    passivate(engine)
    assert await handle.execute_update(Table.wait, "lee", id="u-1") == "kim"
    await handle.execute_update(Table.close, id="u-2")
    assert await handle.result() == ["kim"]
    assert await handle.execute_update(Table.wait, "lee", id="u-1") == "kim"
    assert (await topics(handle)).count("update.accepted") == 2


async def test_a_handle_to_an_update_of_before_gives_its_result(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    await handle.execute_update(Table.book, "kim", id="u-1")
    passivate(engine)
    assert await handle.get_update_handle("u-1").result() == 3
    assert await handle.get_update_handle_for(Table.book, "u-1").result() == 3
    assert await handle.get_update_handle("u-1", workflow_run_id=handle.result_run_id, result_type=float).result() == 3
    with pytest.raises(UpdateNotFoundError, match="'u-2'"):
        await handle.get_update_handle("u-2").result()
    await handle.execute_update(Table.close)
    assert await handle.get_update_handle("u-1").result() == 3
    with pytest.raises(InvalidArgumentError):
        handle.get_update_handle("")


async def test_handlers_run_side_by_side(engine: Harness) -> None:
    await engine.work(Table, confirm)
    handle = await engine.start(Table.run)
    slow = await accepted(handle, Table.wait, "slow")
    assert await handle.execute_update(Table.confirm, "fast") == "confirmed fast"
    both = asyncio.gather(*(handle.execute_update(Table.confirm, str(n)) for n in range(20)))
    assert await both == [f"confirmed {n}" for n in range(20)]
    await handle.signal(Table.let_in)
    assert await slow.result() == "slow"


async def test_an_update_is_sent_through_a_reference_or_its_proxy(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    ref = engine.client.actor_ref("table")

    def talk() -> list[Any]:
        proxy = ref.proxy()
        return [
            proxy.book("kim").get(timeout=20),
            ref.ask(Update("book", ("lee",), "u-1", float), timeout=20),
            ref.ask(Update("book", ("lee",), "u-1"), timeout=20),
        ]

    assert await asyncio.to_thread(talk) == [3, 2.0, 2]
    assert await handle.query(Table.names) == ["kim", "lee"]


# -- not let in ------------------------------------------------------------------------------------------------------


async def test_a_validator_rejects_an_update_and_leaves_no_trace(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    cause = await refusal(handle.execute_update(Table.book, args=["kim", 5]))
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message) == ("ValueError", "5 seats for kim")
    update = await accepted(handle, Table.book, "kim", 5, id="u-1")
    assert isinstance(await refusal(update.result()), ApplicationError)
    assert await topics(handle) == ["workflow.started"]
    assert await handle.execute_update(Table.book, "kim", id="u-1") == 3


@pytest.mark.parametrize(
    ("update", "args", "reason"),
    [
        ("bok", ("kim",), "perhaps 'book' was meant"),
        ("book", (), "the number of arguments of update 'book'"),
        ("book", ("kim", "many"), "argument 2 ('seats') of update 'book'"),
    ],
)
async def test_an_update_that_fits_no_handler_is_rejected(
    engine: Harness, update: str, args: tuple[Any, ...], reason: str
) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    cause = await refusal(handle.execute_update(update, args=args))
    assert reason in str(cause)
    assert await topics(handle) == ["workflow.started"]


async def test_a_validator_that_changes_the_workflow_is_refused_and_the_change_is_gone(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    await handle.execute_update(Table.book, "kim")
    with pytest.raises(QueryRefusedError, match="its validator changed the workflow"):
        await handle.execute_update(Table.book, "sneaky")
    assert await handle.query(Table.names) == ["kim"]
    assert await handle.execute_update(Table.book, "lee") == 2


async def test_an_update_that_cannot_be_sent_is_refused_before_anything_is_stored(engine: Harness) -> None:
    handle = await engine.start(Table.run, id="table")
    with pytest.raises(ArgumentTypeError, match="update 'book'"):
        await handle.execute_update(Table.book)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(PayloadEncodeError, match=r"argument 1 \('guest'\) of update 'book' of workflow 'table'"):
        await handle.execute_update(Table.book, 7)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match=r"decorated with @workflow\.update"):
        await handle.execute_update(Table.names)  # type: ignore[call-overload]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match="arg is given"):
        await handle.execute_update(Table.book, "x", args=["y"])  # type: ignore[call-overload]  # wrong on purpose
    with pytest.raises(InvalidArgumentError, match="wait_for_stage is ADMITTED"):
        await handle.start_update(Table.book, "x", wait_for_stage=WorkflowUpdateStage.ADMITTED)
    with pytest.raises(ArgumentTypeError, match="wait_for_stage"):
        await handle.start_update(Table.book, "x", wait_for_stage=2)  # type: ignore[call-overload]  # the same
    with pytest.raises(InvalidArgumentError, match="id is ''"):
        await handle.execute_update(Table.book, "x", id="")
    assert await topics(handle) == ["workflow.started", "turn.deferred"]


async def test_a_workflow_that_there_is_not_or_no_more_takes_no_update(engine: Harness) -> None:
    with pytest.raises(WorkflowNotFoundError):
        await engine.client.get_workflow_handle("nobody").execute_update("book", "x")
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    await handle.execute_update(Table.close)
    await handle.result()
    with pytest.raises(WorkflowClosedError, match=r"'table' .* is closed: COMPLETED"):
        await handle.execute_update(Table.book, "late")


# -- failing ---------------------------------------------------------------------------------------------------------


async def test_a_declared_failure_of_the_handler_fails_the_update_and_not_the_workflow(engine: Harness) -> None:
    await engine.work(Table, refuse)
    handle = await engine.start(Table.run)
    declared = await refusal(handle.execute_update(Table.fail, "declared"))
    assert isinstance(declared, ApplicationError)
    assert (declared.type, declared.message, list(declared.details)) == ("Full", "full", [7])
    listed = await refusal(handle.execute_update(Table.fail, "listed"))
    assert isinstance(listed, ApplicationError)
    assert listed.type == "SoldOutError"
    of_activity = await refusal(handle.execute_update(Table.fail, "activity"))
    assert isinstance(of_activity, ActivityError)
    assert isinstance(of_activity.cause, ApplicationError)
    await handle.execute_update(Table.close)
    assert await handle.result() == []


async def test_a_handler_that_is_cancelled_fails_its_update(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.stoppable)
    await handle.signal(Table.stop)
    assert isinstance(await refusal(update.result()), CancelledError)
    assert await handle.execute_update(Table.book, "kim") == 3


async def test_a_bug_in_a_handler_holds_the_run_until_it_is_mended(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Buggy:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.update
        def divide(self, number: int) -> int:
            if broken:
                raise ZeroDivisionError("a bug")
            return 12 // number

    await engine.work(Buggy)
    handle = await engine.start(Buggy.run)
    update = await accepted(handle, Buggy.divide, 3)
    assert await topics(handle) == ["workflow.started", "update.accepted", "turn.deferred"]
    waiting = asyncio.create_task(update.result())

    async def stuck() -> bool:
        return (await handle.describe()).failed_turns > 0

    await eventually(stuck)
    other = asyncio.create_task(handle.execute_update(Buggy.divide, 4))
    broken = False
    assert [await waiting, await other] == [4, 3]
    passivate(engine)
    assert await handle.execute_update(Buggy.divide, 2) == 6


async def test_a_workflow_that_ends_first_fails_the_updates_that_are_not_completed(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    update = await accepted(handle, Table.wait, "kim", id="u-1")
    waiting = asyncio.create_task(refusal(update.result()))
    await handle.execute_update(Table.close)
    for cause in (await waiting, await refusal(update.result()), await refusal(accepted_result(handle, "u-1"))):
        assert isinstance(cause, ApplicationError)
        assert cause.type == "AcceptedUpdateCompletedWorkflow"
        assert cause.message == "workflow 'table' ended before its update 'u-1' was completed"


async def accepted_result(handle: WorkflowHandle[Any, Any], id: str) -> Any:  # noqa: A002 - as the handle's
    """The result of an update that is sent again."""
    return await handle.execute_update(Table.wait, "kim", id=id)


async def test_a_termination_fails_the_updates_that_are_not_completed(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(refusal(update.result()))
    await handle.terminate()
    assert "ended before" in str(await waiting)


async def test_a_handler_may_continue_the_workflow_as_new(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, id="table")
    await handle.execute_update(Table.book, "kim")
    cause = await refusal(handle.execute_update(Table.fail, "again"))
    assert "ended before its update" in str(cause)
    again = engine.client.get_workflow_handle("table")
    assert await again.execute_update(Table.book, "lee") == 3
    await again.execute_update(Table.close)
    assert await handle.result() == ["lee"]


# -- waiting for code ------------------------------------------------------------------------------------------------


async def test_an_update_waits_for_a_worker_that_comes_later(engine: Harness) -> None:
    handle = await engine.start(Table.run)
    sent = [asyncio.create_task(handle.execute_update(Table.book, guest)) for guest in ("kim", "lee")]
    rejected = asyncio.create_task(refusal(handle.execute_update(Table.book, args=["max", 9])))
    await handle.signal("unheard-of")
    assert "update.accepted" not in await topics(handle)
    await engine.work(Table)
    assert [await update for update in sent] == [3, 2]
    assert isinstance(await rejected, ApplicationError)


async def test_an_update_waits_for_the_first_turn_that_is_due_later(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run, start_delay=timedelta(milliseconds=50))
    assert await handle.execute_update(Table.book, "kim") == 3


async def test_an_update_waits_for_code_that_fails(engine: Harness) -> None:
    broken = True

    @workflow.defn
    class Fails:
        @workflow.run
        async def run(self) -> None:
            if broken:
                raise KeyError("a bug")
            await workflow.wait_condition(lambda: False)

        @workflow.update
        def hello(self) -> str:
            return "hello"

    await engine.work(Fails)
    handle = await engine.start(Fails.run)
    sent = asyncio.create_task(handle.execute_update(Fails.hello))
    await handle.signal("unheard-of")
    assert not sent.done()
    broken = False
    assert await sent == "hello"


@pytest.mark.parametrize("end", ["terminate", "run out"])
async def test_an_update_that_waits_for_code_is_refused_when_its_run_ends_meanwhile(engine: Harness, end: str) -> None:
    limit = timedelta(milliseconds=50) if end == "run out" else None
    handle = await engine.start(Table.run, run_timeout=limit)
    sent = asyncio.create_task(handle.execute_update(Table.book, "kim"))
    await handle.signal("unheard-of")
    if end == "terminate":
        await handle.terminate()
    with pytest.raises(WorkflowClosedError):
        await sent


async def test_an_update_that_waits_for_code_is_told_when_the_client_is_closed(engine: Harness) -> None:
    handle = await engine.start(Table.run)
    sent = asyncio.create_task(handle.execute_update(Table.book, "kim"))
    await handle.signal("unheard-of")
    await engine.close()
    with pytest.raises(EngineStoppedError):
        await asyncio.wait_for(sent, 5)
    await engine.open()


async def test_whoever_waits_for_an_update_is_told_when_the_client_is_closed(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(update.result())
    await handle.query(Table.names)
    await engine.close()
    with pytest.raises(EngineStoppedError):
        await asyncio.wait_for(waiting, 5)
    await engine.open()


async def test_whoever_gives_up_waiting_takes_nothing_with_him(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(update.result())
    await handle.query(Table.names)
    waiting.cancel()
    await handle.signal(Table.let_in)
    assert await update.result() == "kim"
    assert await handle.query(Table.names) == ["kim"]


# -- what a run survives ---------------------------------------------------------------------------------------------


async def test_an_update_goes_on_in_a_run_that_left_memory(engine: Harness) -> None:
    await engine.work(Table)
    handle = await engine.start(Table.run)
    update = await accepted(handle, Table.wait, "kim")
    waiting = asyncio.create_task(update.result())
    await handle.query(Table.names)
    passivate(engine)
    await handle.signal(Table.let_in)
    assert await waiting == "kim"


async def test_updates_are_answered_by_a_worker_that_keeps_no_run_in_memory(engine: Harness) -> None:
    await engine.work(Table, confirm, max_cached_workflows=0)
    handle = await engine.start(Table.run)
    slow = await accepted(handle, Table.wait, "slow")
    for guest in ("kim", "lee"):
        assert await handle.execute_update(Table.confirm, guest) == f"confirmed {guest}"
    assert await handle.execute_update(Table.naps, 0.001, id="u-1") == ["u-1", "naps"]
    assert isinstance(await refusal(handle.execute_update(Table.book, args=["max", 9])), ApplicationError)
    await handle.signal(Table.let_in)
    assert await slow.result() == "slow"
    await handle.execute_update(Table.close)
    assert await handle.result() == ["kim", "lee", "slow"]


async def test_an_update_that_was_accepted_is_finished_after_a_restart(durable: Harness) -> None:
    await durable.work(Table, confirm)
    handle = await durable.start(Table.run, id="table")
    await handle.execute_update(Table.book, "kim", id="u-1")
    await accepted(handle, Table.wait, "lee", id="u-2")
    await durable.restart()
    handle = durable.client.get_workflow_handle("table")
    assert await handle.get_update_handle_for(Table.book, "u-1").result() == 3
    waiting = asyncio.create_task(handle.get_update_handle("u-2").result())
    again = asyncio.create_task(handle.execute_update(Table.wait, "again", id="u-2"))
    await durable.work(Table, confirm)
    await handle.signal(Table.let_in)
    assert [await waiting, await again] == ["lee", "lee"]
    await handle.execute_update(Table.close)
    assert await handle.result() == ["kim", "lee"]


# -- the end ---------------------------------------------------------------------------------------------------------


@workflow.defn
class Hasty:
    """Ends when it is told to, whether its handlers have ended or not."""

    @workflow.init
    def __init__(self, waits: int) -> None:
        self.done = False
        self.lingering = 0.02 if waits else 3_600

    @workflow.run
    async def run(self, waits: int) -> bool:
        await workflow.wait_condition(lambda: self.done and (not waits or workflow.all_handlers_finished()))
        return workflow.all_handlers_finished()

    @workflow.signal
    def end(self) -> None:
        self.done = True

    @workflow.update
    async def lingers(self) -> None:
        await workflow.sleep(self.lingering)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def lingers_quietly(self) -> None:
        await workflow.sleep(self.lingering)

    @workflow.signal(name="lingers-on")
    async def signal_lingers(self) -> None:
        await workflow.sleep(self.lingering)


async def test_an_update_that_its_workflow_leaves_behind_is_warned_about(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.work(Hasty)
    handle = await engine.start(Hasty.run, 0)
    update = await accepted(handle, Hasty.lingers)
    quiet = await accepted(handle, Hasty.lingers_quietly)
    await handle.signal("lingers-on")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        await handle.signal(Hasty.end)
        assert await handle.result() is False
    kinds = {warning.category for warning in heard}
    assert kinds == {workflow.UnfinishedUpdateHandlersWarning, workflow.UnfinishedSignalHandlersWarning}
    said = [
        r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and "still running" in r.getMessage()
    ]
    assert len(said) == 2
    assert any("the handler of update 'lingers' was still running" in text for text in said)
    assert "ended before" in str(await refusal(update.result()))
    assert "ended before" in str(await refusal(quiet.result()))


async def test_a_workflow_that_waits_for_its_handlers_leaves_no_update_behind(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    await engine.work(Hasty)
    handle = await engine.start(Hasty.run, 1)
    update = await accepted(handle, Hasty.lingers)
    await handle.signal(Hasty.end)
    assert await handle.result() is True
    assert await update.result() is None
    assert not [record for record in caplog.records if "still running" in record.getMessage()]


async def test_a_workflow_that_fails_by_a_signal_fails_the_updates_that_wait(engine: Harness) -> None:
    @workflow.defn
    class Fails(Hasty):
        @workflow.run
        async def run(self, waits: int) -> bool:
            await workflow.wait_condition(lambda: self.done)
            raise ApplicationError("failed")

    await engine.work(Fails)
    handle = await engine.start(Fails.run, 0)
    update = await accepted(handle, Fails.lingers_quietly)
    await handle.signal(Fails.end)
    assert isinstance(await failure_of(handle.result()), ApplicationError)
    assert "ended before" in str(await refusal(update.result()))
