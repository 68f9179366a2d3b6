"""Many actors on one loop: turns take what waits, messages come from any thread, a full mailbox refuses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pykka
import pytest
from pykka._envelope import Envelope

from understudy.actors.dispatch import Dispatcher, LoopActor, Reply
from understudy.events.errors import EngineStoppedError, MailboxFullError

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after which what is waited for will not happen."""


class Parrot(LoopActor):
    """Repeats what it hears, and notes its turns."""

    def __init__(self, dispatcher: Dispatcher, mailbox_limit: int = 100) -> None:
        super().__init__(dispatcher, "parrot", mailbox_limit)
        self.turns: list[list[Any]] = []
        self.threads: set[int] = set()

    def on_turn(self, envelopes: list[Envelope[Any]]) -> None:
        self.turns.append([envelope.message for envelope in envelopes])
        self.threads.add(threading.get_ident())
        for envelope in envelopes:
            if envelope.reply_to is not None:
                envelope.reply_to.set(envelope.message)


class Quiet(LoopActor):
    """Keeps what pykka would have it do with a message."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(dispatcher, "quiet")
        self.received: list[Any] = []

    def on_receive(self, message: Any) -> None:
        self.received.append(message)


@pytest.fixture(name="dispatcher")
async def a_dispatcher() -> Dispatcher:
    return Dispatcher(asyncio.get_running_loop())


async def in_thread(fn: Callable[..., T], *args: Any) -> T:
    """Call a function on another thread, while the loop goes on."""
    return await asyncio.to_thread(fn, *args)


async def soon() -> None:
    """Let all that is ready run."""
    for _ in range(5):
        await asyncio.sleep(0)


# -- turns -----------------------------------------------------------------------------------------------------------


async def test_a_turn_takes_everything_that_waits_in_the_order_of_arrival(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    for word in ("a", "b", "c"):
        parrot.actor_ref.tell(word)
    assert parrot.turns == []
    await soon()
    parrot.actor_ref.tell("d")
    await soon()
    assert parrot.turns == [["a", "b", "c"], ["d"]]


async def test_a_turn_is_a_plain_callback_and_no_task(dispatcher: Dispatcher) -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    class Looking(LoopActor):
        def on_turn(self, envelopes: list[Envelope[Any]]) -> None:
            tasks.append(asyncio.current_task())

    Looking(dispatcher, "looking").actor_ref.tell("look")
    await soon()
    assert tasks == [None]


async def test_a_turn_for_which_nothing_waits_any_more_is_none(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    parrot.actor_ref.tell("a")
    parrot.actor_inbox.take_turn()
    await soon()
    assert parrot.turns == [["a"]]


async def test_an_actor_that_says_nothing_of_turns_receives_as_pykka_has_it(dispatcher: Dispatcher) -> None:
    quiet = Quiet(dispatcher)
    quiet.actor_ref.tell(1)
    quiet.actor_ref.tell(2)
    await soon()
    assert quiet.received == [1, 2]


async def test_a_message_from_another_thread_is_taken_on_the_loops(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    assert await in_thread(lambda: parrot.actor_ref.ask("hello", timeout=PATIENCE)) == "hello"
    assert parrot.threads == {threading.get_ident()}


async def test_messages_of_one_thread_keep_their_order_among_those_of_many(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher, mailbox_limit=10_000)

    def send(sender: int) -> None:
        for number in range(200):
            parrot.actor_ref.tell((sender, number))

    await asyncio.gather(*(in_thread(send, sender) for sender in range(4)))
    await soon()
    heard = [message for turn in parrot.turns for message in turn]
    assert len(heard) == 800
    for sender in range(4):
        assert [number for who, number in heard if who == sender] == list(range(200))


# -- mailboxes -------------------------------------------------------------------------------------------------------


async def test_a_full_mailbox_refuses_who_waits_for_an_answer(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher, mailbox_limit=2)
    parrot.actor_ref.tell("a")
    parrot.actor_ref.tell("b")
    with pytest.raises(MailboxFullError) as caught:
        _ = parrot.actor_ref.ask("c", block=False)
    assert caught.value.fields() == {"workflow_id": "parrot", "limit": 2}
    await soon()
    assert parrot.turns == [["a", "b"]]
    answer = parrot.actor_ref.ask("d", block=False)
    await soon()
    assert answer.get(timeout=0) == "d"


async def test_what_nobody_waits_for_is_never_refused(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher, mailbox_limit=2)
    for word in "abcd":
        parrot.actor_ref.tell(word)
    await soon()
    assert parrot.turns == [list("abcd")]


async def test_a_mailbox_that_filled_while_a_message_was_on_its_way_refuses_by_its_answer(
    dispatcher: Dispatcher,
) -> None:
    parrot = Parrot(dispatcher, mailbox_limit=2)

    def send() -> list[Any]:
        return [parrot.actor_ref.ask(word, block=False) for word in "abcd"]

    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(send).result(PATIENCE)  # the loop cannot run meanwhile, so that all four are under way
    await soon()
    assert [answer.get(timeout=PATIENCE) for answer in answers[:2]] == ["a", "b"]
    for answer in answers[2:]:
        with pytest.raises(MailboxFullError):
            answer.get(timeout=PATIENCE)


async def test_a_mailbox_is_read_as_pykka_reads_one(dispatcher: Dispatcher) -> None:
    inbox = Parrot(dispatcher).actor_inbox
    assert inbox.empty()
    one, two = Envelope("one"), Envelope("two")
    inbox.put(one)
    inbox.put(two)
    assert not inbox.empty()
    assert inbox.get() is one
    assert inbox.get() is two
    assert inbox.empty()


# -- pykka's seams ---------------------------------------------------------------------------------------------------


async def test_an_actor_is_none_of_pykkas_registry_and_shows_its_name(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    assert pykka.ActorRegistry.get_all() == []
    assert str(parrot) == "Parrot (urn:understudy:parrot)"
    assert parrot.actor_ref.actor_urn == "urn:understudy:parrot"


async def test_an_actor_is_alive_until_it_is_said_to_have_stopped(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    alive = [parrot.actor_ref.is_alive()]
    parrot.actor_stopped.set()
    alive.append(parrot.actor_ref.is_alive())
    assert alive == [True, False]
    with pytest.raises(pykka.ActorDeadError):
        parrot.actor_ref.tell("too late")


async def test_what_pykka_would_start_for_an_actor_is_not_needed(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    parrot._start_actor_loop()  # noqa: SLF001 - pykka's seam for implementors
    assert isinstance(parrot._create_future(), pykka.ThreadingFuture)  # noqa: SLF001 - the same
    with pytest.raises(RuntimeError, match="given its mailbox"):
        Parrot._create_actor_inbox()  # noqa: SLF001 - the same


async def test_a_reply_is_pykkas_future_outside_and_asyncios_within() -> None:
    loop = asyncio.get_running_loop()
    answered, failed = Reply(loop.create_future()), Reply(loop.create_future())
    answered.set(1)
    answered.set(2)
    answered.set_exception((KeyError, KeyError("late"), None))
    error = KeyError("sku")
    failed.set_exception((KeyError, error, None))
    failed.set(1)
    assert isinstance(answered, pykka.Future)
    assert await answered.future == 1
    assert failed.future.exception() is error


# -- onto the loop ---------------------------------------------------------------------------------------------------


async def test_a_call_on_the_loops_own_thread_is_made_at_once(dispatcher: Dispatcher) -> None:
    called: list[int] = []
    dispatcher.call(called.append, 1)
    assert called == [1]


async def test_a_call_from_another_thread_is_made_soon_and_the_loop_is_woken_once_for_many(
    dispatcher: Dispatcher,
) -> None:
    called: list[tuple[int, int]] = []

    def note(number: int) -> None:
        called.append((number, threading.get_ident()))

    def send() -> None:
        for number in range(5):
            dispatcher.call(note, number)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(send).result(PATIENCE)
    assert called == []
    await asyncio.sleep(0)
    assert called == [(number, threading.get_ident()) for number in range(5)]


async def test_a_call_that_raises_does_not_cost_those_behind_it(dispatcher: Dispatcher) -> None:
    told: list[Any] = []
    called: list[int] = []
    dispatcher.loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    error = KeyError("sku")

    def fail() -> None:
        raise error

    def send() -> None:
        dispatcher.call(called.append, 1)
        dispatcher.call(fail)
        dispatcher.call(called.append, 2)

    await in_thread(send)
    await soon()
    assert called == [1, 2]
    assert told == [error]


async def test_an_engine_that_was_stopped_takes_no_calls_from_other_threads(dispatcher: Dispatcher) -> None:
    dispatcher.stopped = True
    with pytest.raises(EngineStoppedError, match="the client was closed"):
        await in_thread(dispatcher.call, print)


async def test_an_engine_that_was_stopped_tells_who_waits_and_drops_the_rest(dispatcher: Dispatcher) -> None:
    parrot = Parrot(dispatcher)
    dispatcher.stopped = True
    answer = parrot.actor_ref.ask("a", block=False)
    parrot.actor_ref.tell("b")
    await soon()
    assert parrot.turns == []
    with pytest.raises(EngineStoppedError):
        answer.get(timeout=0)


def closed() -> Dispatcher:
    """A dispatcher of a loop that is closed, made on a thread that is gone."""

    def make() -> Dispatcher:
        loop = asyncio.new_event_loop()
        loop.close()
        return Dispatcher(loop)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(make).result(PATIENCE)


def test_each_call_to_a_loop_that_was_closed_is_told_so() -> None:
    dispatcher = closed()
    dispatcher.thread = -1  # thread ids are given again, and ours may be that of the thread that is gone
    for _ in range(2):
        with pytest.raises(EngineStoppedError, match="its event loop was closed"):
            dispatcher.call(print)


# -- coroutines ------------------------------------------------------------------------------------------------------


async def where() -> tuple[int, asyncio.AbstractEventLoop]:
    """Which thread and loop run this."""
    return threading.get_ident(), asyncio.get_running_loop()


async def test_a_coroutine_on_the_engines_own_loop_is_simply_awaited(dispatcher: Dispatcher) -> None:
    assert await dispatcher.run(where()) == (threading.get_ident(), dispatcher.loop)


async def test_a_coroutine_from_another_loop_runs_on_the_engines(dispatcher: Dispatcher) -> None:
    async def elsewhere() -> Any:
        return await dispatcher.run(where())

    assert await in_thread(lambda: asyncio.run(elsewhere())) == (threading.get_ident(), dispatcher.loop)


async def test_a_thread_may_wait_for_a_coroutine_on_the_engines_loop(dispatcher: Dispatcher) -> None:
    found = await in_thread(lambda: dispatcher.run_blocking(where(), PATIENCE))
    assert found == (threading.get_ident(), dispatcher.loop)


async def test_a_thread_waits_no_longer_than_it_says(dispatcher: Dispatcher) -> None:
    never = asyncio.Event()
    with pytest.raises(TimeoutError):
        await in_thread(lambda: dispatcher.run_blocking(never.wait(), 0.001))
    never.set()
    await soon()


async def test_to_block_the_engines_own_loop_is_refused(dispatcher: Dispatcher) -> None:
    with pytest.raises(RuntimeError, match="use await there"):
        dispatcher.run_blocking(where())


@pytest.mark.parametrize("blocks", [True, False])
def test_a_coroutine_for_a_loop_that_was_closed_is_refused(*, blocks: bool) -> None:
    dispatcher = closed()
    dispatcher.thread = -1

    async def run(coroutine: Coroutine[Any, Any, T]) -> T:
        return await dispatcher.run(coroutine)

    def send(coroutine: Coroutine[Any, Any, T]) -> T:
        return dispatcher.run_blocking(coroutine) if blocks else asyncio.run(run(coroutine))

    with pytest.raises(EngineStoppedError, match="its event loop was closed"):
        send(where())
