"""Workflows as pykka actors: tell, ask and proxy, from plain synchronous code in any thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pykka
import pytest

from tests.api.harness import PATIENCE, Harness, eventually, topics
from understudy import workflow
from understudy._client.actor_ref import Cancel, Query, Result, Signal, Terminate, WorkflowRef
from understudy.client import WorkflowExecutionStatus, WorkflowFailureError
from understudy.common import RawValue
from understudy.exceptions import (
    CancelledError,
    InvalidArgumentError,
    UnknownSignalError,
    UnknownWorkflowTypeError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)

T = TypeVar("T")


@workflow.defn
class Order:
    """Waits for an approval."""

    def __init__(self) -> None:
        self.approved: list[str] = []
        self.wanted = 1

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.approved) >= self.wanted)
        return self.approved

    @workflow.signal
    def approve(self, who: str) -> None:
        self.approved.append(who)

    @workflow.signal(name="need-more")
    def need(self, wanted: int) -> None:
        self.wanted = wanted

    @workflow.query
    def who(self) -> list[str]:
        return self.approved

    @workflow.query
    def approved_by(self, who: str) -> bool:
        return who in self.approved


async def in_thread(fn: Callable[..., T], *args: object) -> T:
    """Run plain code where users run it: in a thread without an event loop."""
    return await asyncio.to_thread(fn, *args)


async def reference(engine: Harness, workflow_id: str = "order-17") -> WorkflowRef:
    await engine.work(Order)
    await engine.start(Order.run, id=workflow_id)
    return engine.client.actor_ref(workflow_id)


async def test_a_proxy_signals_queries_and_waits_for_the_result(engine: Harness) -> None:
    ref = await reference(engine)

    def program() -> list[Any]:
        proxy = ref.proxy()
        nobody = proxy.who().get()
        approved = proxy.approve("kim").get()
        return [nobody, approved, proxy.approved_by("kim").get(), proxy.result().get(timeout=PATIENCE)]

    assert await in_thread(program) == [[], None, True, ["kim"]]


async def test_ask_waits_for_the_answer(engine: Harness) -> None:
    ref = await reference(engine)

    def program() -> list[Any]:
        return [
            ref.ask(Query("who")),
            ref.ask(Signal("approve", ("kim",))),
            ref.ask(Query("approved_by", ("kim",))),
            ref.ask(Result(), timeout=PATIENCE),
        ]

    assert await in_thread(program) == [[], None, True, ["kim"]]


async def test_ask_gives_the_future_of_pykka_at_once(engine: Harness) -> None:
    ref = await reference(engine)

    def program() -> list[Any]:
        result = ref.ask(Result(), block=False)
        assert isinstance(result, pykka.Future)
        answers = pykka.get_all([ref.proxy().approve("kim"), ref.proxy().who()], timeout=PATIENCE)
        return [*answers, result.map(len).get(timeout=PATIENCE)]

    assert await in_thread(program) == [None, ["kim"], 1]


async def test_tell_does_not_wait(engine: Harness) -> None:
    ref = await reference(engine)
    ref.tell(Signal("need-more", (2,)))
    ref.tell(Signal("approve", ("kim",)))
    ref.tell(Signal("approve", ("lee",)))
    assert await in_thread(lambda: ref.ask(Result(), timeout=PATIENCE)) == ["kim", "lee"]


async def test_messages_of_one_thread_arrive_in_their_order(engine: Harness) -> None:
    ref = await reference(engine)
    names = [str(number) for number in range(100)]

    def program() -> Any:
        ref.tell(Signal("need-more", (len(names),)))
        for name in names:
            ref.tell(Signal("approve", (name,)))
        return ref.ask(Result(), timeout=PATIENCE)

    assert await in_thread(program) == names


async def test_many_threads_talk_to_one_workflow(engine: Harness) -> None:
    ref = await reference(engine)
    await engine.client.get_workflow_handle("order-17").signal("need-more", 40)

    def program(name: str) -> None:
        proxy = ref.proxy()
        for number in range(10):
            proxy.approve(f"{name}{number}").get(timeout=PATIENCE)

    await asyncio.gather(*(in_thread(program, name) for name in "abcd"))
    result = await in_thread(lambda: ref.ask(Result(), timeout=PATIENCE))
    assert len(result) == 40
    for name in "abcd":
        assert [who for who in result if who.startswith(name)] == [f"{name}{number}" for number in range(10)]


async def test_an_answer_that_does_not_come_in_time_is_a_time_out_of_pykka(engine: Harness) -> None:
    ref = await reference(engine)

    def program() -> None:
        with pytest.raises(pykka.Timeout):
            ref.ask(Result(), timeout=0.01)
        with pytest.raises(pykka.Timeout):
            ref.proxy().result().get(timeout=0.01)

    await in_thread(program)
    await eventually(ref.is_alive)


async def test_cancel_and_terminate_are_messages_too(engine: Harness) -> None:
    ref = await reference(engine, "a")
    await engine.start(Order.run, id="b")

    def program() -> None:
        ref.ask(Cancel("no longer needed"))
        with pytest.raises(WorkflowFailureError) as caught:
            ref.ask(Result(), timeout=PATIENCE)
        assert isinstance(caught.value.cause, CancelledError)
        engine.client.actor_ref("b").ask(Terminate("over"))

    await in_thread(program)
    description = await engine.client.get_workflow_handle("b").describe()
    assert description.status is WorkflowExecutionStatus.TERMINATED


async def test_stopping_the_actor_terminates_the_workflow(engine: Harness) -> None:
    ref = await reference(engine)
    await in_thread(ref.stop)
    description = await engine.client.get_workflow_handle("order-17").describe()
    assert description.status is WorkflowExecutionStatus.TERMINATED


async def test_a_reference_outlives_the_memory_of_its_actor(engine: Harness) -> None:
    ref = await reference(engine)
    await in_thread(lambda: ref.ask(Signal("need-more", (2,))))
    engine.client.engine.runs.passivate(0)
    await in_thread(lambda: ref.proxy().approve("kim").get())
    engine.client.engine.runs.passivate(0)
    assert await in_thread(lambda: ref.proxy().who().get()) == ["kim"]


async def test_errors_arrive_where_the_answer_is_awaited(engine: Harness) -> None:
    ref = await reference(engine)

    def program() -> None:
        proxy = ref.proxy()
        with pytest.raises(UnknownSignalError, match="perhaps 'approve' was meant"):
            proxy.aprove("kim").get(timeout=PATIENCE)
        with pytest.raises(InvalidArgumentError, match="'approve'"):
            proxy.approve().get(timeout=PATIENCE)
        with pytest.raises(InvalidArgumentError, match="a Signal, Query, Update, Cancel, Terminate or Result"):
            ref.ask("hello")
        proxy.approve("kim").get(timeout=PATIENCE)
        proxy.result().get(timeout=PATIENCE)
        with pytest.raises(WorkflowClosedError):
            proxy.approve("late").get(timeout=PATIENCE)
        with pytest.raises(WorkflowNotFoundError, match="'nobody'"):
            engine.client.actor_ref("nobody").proxy().who().get(timeout=PATIENCE)

    await in_thread(program)


@workflow.defn
class Poll:
    """Has messages that a proxy cannot tell from others by their names."""

    def __init__(self) -> None:
        self.votes: list[str] = []

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: len(self.votes) > 1)
        return len(self.votes)

    @workflow.query
    def result(self) -> str:
        return max(self.votes, default="none")

    @workflow.signal(name="votes")
    def vote(self, *names: str) -> None:
        self.votes += names

    @workflow.query(name="votes")
    def all_votes(self) -> list[str]:
        return self.votes

    @workflow.query
    def _ref(self) -> str:
        return "a name of its own"


async def test_a_name_that_means_two_things_is_refused_by_a_proxy_and_not_by_ask(engine: Harness) -> None:
    await engine.work(Poll)
    await engine.start(Poll.run, id="poll")
    ref = engine.client.actor_ref("poll")

    def program() -> list[Any]:
        proxy = ref.proxy()
        ends = r"the end of the run and query 'result' of .* ask\(Result\(\)\) or ask\(Query\('result', \.\.\.\)\)"
        with pytest.raises(InvalidArgumentError, match=ends):
            proxy.result().get(timeout=PATIENCE)
        both = r"signal 'votes' and query 'votes' of .* ask\(Signal\('votes', \.\.\.\)\) or ask\(Query"
        with pytest.raises(InvalidArgumentError, match=both):
            proxy.votes().get(timeout=PATIENCE)
        before = ref.ask(Query("result"))
        ref.ask(Signal("votes", ("kim", "lee")))
        return [before, ref.ask(Query("votes")), ref.ask(Query("result")), ref.ask(Result(), timeout=PATIENCE)]

    assert await in_thread(program) == ["none", ["kim", "lee"], "lee", 2]


async def test_a_proxy_reaches_handlers_whose_names_begin_with_an_underscore(engine: Harness) -> None:
    await engine.work(Poll)
    await engine.start(Poll.run, id="poll")
    proxy, name = engine.client.actor_ref("poll").proxy(), "_ref"
    assert await in_thread(lambda: getattr(proxy, name)().get(timeout=PATIENCE)) == "a name of its own"
    with pytest.raises(AttributeError):
        _ = proxy.__wrapped__


async def test_a_proxy_cannot_tell_a_signal_from_a_query_while_no_worker_knows_the_type(engine: Harness) -> None:
    handle = await engine.start(Order.run, id="order-17")
    ref = engine.client.actor_ref("order-17")
    with pytest.raises(UnknownWorkflowTypeError, match="has no worker with a workflow 'Order'"):
        await in_thread(lambda: ref.proxy().who().get(timeout=PATIENCE))
    assert "signal.received" not in await topics(handle)
    result = ref.proxy().result()
    await in_thread(lambda: ref.ask(Signal("approve", ("kim",))))
    await engine.work(Order)
    assert await in_thread(lambda: result.get(timeout=PATIENCE)) == ["kim"]


@workflow.defn
class Echo:
    """Takes every query, and every signal if asked for."""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(hours=1))

    @workflow.query(dynamic=True)
    def any_query(self, name: str, args: Sequence[RawValue]) -> str:
        return f"{name} with {len(args)}"


async def test_a_proxy_reaches_dynamic_handlers(engine: Harness) -> None:
    @workflow.defn
    class Both(Echo):
        @workflow.signal(dynamic=True)
        def any_signal(self, name: str, args: Sequence[RawValue]) -> None: ...

    await engine.work(Echo, Both)
    await engine.start(Echo.run, id="echo")
    await engine.start(Both, id="both")

    def program() -> Any:
        with pytest.raises(InvalidArgumentError, match="signal 'size' and query 'size' of workflow 'Both'"):
            engine.client.actor_ref("both").proxy().size(1).get(timeout=PATIENCE)
        return engine.client.actor_ref("echo").proxy().size(1).get(timeout=PATIENCE)

    assert await in_thread(program) == "size with 1"


async def test_a_reference_of_a_closed_client_is_dead(engine: Harness) -> None:
    ref = await reference(engine)
    proxy = ref.proxy()
    await engine.close()
    assert not ref.is_alive()
    with pytest.raises(pykka.ActorDeadError):
        proxy.who().get(timeout=PATIENCE)
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(Signal("approve", ("kim",)))
    with pytest.raises(pykka.ActorDeadError):
        ref.ask(Query("who"))
    with pytest.raises(pykka.ActorDeadError):
        ref.proxy()
    await engine.open()


async def test_blocking_on_the_engines_own_loop_is_refused(engine: Harness) -> None:
    ref = await reference(engine)
    with pytest.raises(RuntimeError, match="use block=False, or a WorkflowHandle"):
        ref.ask(Query("who"))
    assert await asyncio.wrap_future(_as_concurrent(ref.ask(Query("who"), block=False))) == []


def _as_concurrent(future: pykka.Future[Any]) -> Any:
    """Wait for a future of pykka in a thread, so that the loop goes on."""
    from concurrent.futures import Future

    done: Future[Any] = Future()
    threading.Thread(target=lambda: done.set_result(future.get(timeout=PATIENCE)), daemon=True).start()
    return done


async def test_the_start_of_a_workflow_may_come_after_its_reference(engine: Harness) -> None:
    ref = engine.client.actor_ref("order-17")
    await engine.work(Order)
    await engine.start(Order.run, id="order-17", execution_timeout=timedelta(minutes=1))
    assert await in_thread(lambda: ref.proxy().approve("kim").get(timeout=PATIENCE)) is None
    assert repr(ref) == "<WorkflowRef for 'order-17'>"
    assert repr(ref.proxy()) == "<WorkflowProxy for 'order-17'>"


async def test_a_message_that_nobody_waits_for_and_that_cannot_be_delivered_is_logged(
    engine: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    engine.client.actor_ref("nobody").tell(Signal("approve", ("kim",)))
    await eventually(lambda: caplog.records)
    assert "a message was not delivered: there is no workflow 'nobody'" in caplog.records[0].getMessage()
