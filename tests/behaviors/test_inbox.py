"""The inbox: handlers that come and go while the run goes on, and signals that are received without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.behaviors.plays import pack
from tests.behaviors.rehearsal import START, Rehearsal, payloads, same_again, topics, value_of
from understudy import workflow
from understudy.actors.behaviors.context import current
from understudy.actors.behaviors.run import Phase
from understudy.common import RawValue
from understudy.events.errors import (
    ArgumentTypeError,
    DefinitionError,
    InvalidArgumentError,
    PayloadDecodeError,
    QueryRefusedError,
    ReadOnlyContextError,
    UnknownQueryError,
)
from understudy.events.signal import SignalReceived
from understudy.exceptions import ApplicationError, NotInWorkflowError

Handler = Callable[..., Any]


@workflow.defn
class Switchboard:
    """Sets the handler that its signal `plug` names, and takes away the one that `unplug` names."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.closed = False

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: self.closed and workflow.all_handlers_finished())
        return self.heard

    @workflow.signal
    def plug(self, name: str | None, how: str = "plain") -> None:
        handlers: dict[str, Handler] = {
            "plain": self.heard.append,
            "later": self.fetch,
            "dynamic": self.any,
            "chain": self.chain,
        }
        if name is None:
            workflow.set_dynamic_signal_handler(handlers[how])
        else:
            workflow.set_signal_handler(name, handlers[how])

    @workflow.signal
    def unplug(self, name: str | None) -> None:
        if name is None:
            workflow.set_dynamic_signal_handler(None)
        else:
            workflow.set_signal_handler(name, None)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def so_far(self) -> list[Any]:
        return self.heard

    async def fetch(self, thing: str) -> None:
        self.heard.append(await workflow.execute_activity(pack, thing))

    def any(self, name: str, args: Sequence[RawValue]) -> None:
        self.heard.append([name, [workflow.payload_converter().from_payload(arg.payload) for arg in args]])

    def chain(self, word: str) -> None:
        self.heard.append(f"chained {word}")
        workflow.set_signal_handler("b", self.heard.append)


def plugged(*names: str, how: str = "plain") -> Rehearsal:
    """A switchboard with handlers of these names."""
    run = Rehearsal(Switchboard)
    for name in names:
        run.signal("plug", name, how)
    return run


# -- signal handlers at run time -------------------------------------------------------------------------------------


def test_signals_that_came_before_their_handler_are_handled_when_it_is_set_in_their_order() -> None:
    run = Rehearsal(Switchboard)
    for name, word in (("a", "one"), ("b", "two"), ("a", "three")):
        assert topics(run.signal(name, word)) == ["signal.received"]
    run.signal("plug", "a")
    assert run.query("so_far") == ["one", "three"]
    run.signal("plug", "b")
    run.signal("a", "four")
    run.signal("close")
    assert run.result == ["one", "three", "two", "four"]
    same_again(run)


def test_a_coroutine_may_be_a_handler_that_is_set() -> None:
    run = plugged("a", how="later")
    assert topics(run.signal("a", "box")) == ["signal.received", "activity.scheduled"]
    run.signal("close")
    assert topics(run.complete(1, "BOX")) == ["activity.completed", "workflow.completed"]
    assert run.result == ["BOX"]
    same_again(run)


def test_signals_wait_again_when_their_handler_is_taken_away() -> None:
    run = plugged("a")
    run.signal("a", "one")
    run.signal("unplug", "a")
    run.signal("a", "two")
    assert run.query("so_far") == ["one"]
    assert [fact.name for fact in run.run.unconsumed()] == ["a"]
    run.signal("plug", "a")
    assert run.query("so_far") == ["one", "two"]
    same_again(run)


def test_a_handler_of_the_class_can_be_replaced_and_taken_away() -> None:
    run = plugged("close")
    run.signal("close", "not yet")
    assert run.query("so_far") == ["not yet"]
    run.signal("unplug", "close")
    run.signal("close")
    assert run.run.phase is Phase.RUNNING
    assert Rehearsal(Switchboard).signal("close")[-1].topic == "workflow.completed"
    same_again(run)


def test_to_take_away_a_handler_that_there_is_not_is_no_trouble() -> None:
    run = Rehearsal(Switchboard)
    run.signal("unplug", "nobody")
    run.signal("unplug", None)
    same_again(run)


def test_the_dynamic_handler_that_is_set_gets_all_that_waited_and_what_no_other_takes() -> None:
    run = Rehearsal(Switchboard)
    run.signal("a", "one")
    run.signal("b", "two", 2)
    run.signal("plug", "c")
    run.signal("plug", None, "dynamic")
    run.signal("c", "three")
    run.signal("d")
    run.signal("unplug", None)
    run.signal("e")
    run.signal("close")
    assert run.result == [["a", ["one"]], ["b", ["two", 2]], "three", ["d", []]]
    same_again(run)


def test_a_handler_that_sets_another_one_does_not_disturb_the_order_of_what_waited() -> None:
    run = Rehearsal(Switchboard)
    for name, word in (("b", "one"), ("a", "two"), ("b", "three"), ("c", "four")):
        run.signal(name, word)
    run.signal("plug", "a", "chain")
    assert run.query("so_far") == ["chained two", "one", "three"]
    assert [fact.name for fact in run.run.unconsumed()] == ["c"]
    same_again(run)


def test_a_signal_that_waited_and_does_not_fit_is_dropped_with_a_warning() -> None:
    @workflow.defn
    class Typed:
        @workflow.run
        async def run(self) -> list[int]:
            found: list[int] = []

            def count(number: int) -> None:
                found.append(number)

            await workflow.sleep(1)
            workflow.set_signal_handler("count", count)
            return found

    run = Rehearsal(Typed)
    run.signal("count", "many")
    run.signal("count", 7)
    run.fire()
    assert run.result == [7]
    [warning] = run.run.warnings
    assert str(warning).startswith("signal 'count' was dropped: argument 1 ('number')")
    same_again(run)


# -- queries, updates, and what there is -----------------------------------------------------------------------------


@workflow.defn
class Notice:
    """A query and an update that are there for a second."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def show(self, number: int = 0) -> str:
        return self.texts[number]

    def pin(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts)

    def look(self, text: str) -> None:
        if not text:
            raise ValueError("empty")

    def anything(self, name: str, args: Sequence[RawValue]) -> str:
        return f"{name}{len(args)}"

    def nothing(self, name: str, args: Sequence[RawValue]) -> None:
        if name == "none":
            raise ValueError("none")

    @workflow.run
    async def run(self) -> None:
        workflow.set_query_handler("show", self.show)
        workflow.set_dynamic_query_handler(self.anything)
        workflow.set_update_handler("pin", self.pin, validator=self.look)
        workflow.set_dynamic_update_handler(self.anything, validator=self.nothing)
        await workflow.sleep(1)
        workflow.set_query_handler("show", None)
        workflow.set_dynamic_query_handler(None)
        workflow.set_update_handler("pin", None)
        workflow.set_dynamic_update_handler(None)
        await workflow.sleep(1)


def test_queries_and_updates_are_answered_by_handlers_that_were_set() -> None:
    run = Rehearsal(Notice)
    run.update("pin", "hello")
    assert run.outcome() == 1
    assert run.query("show") == "hello"
    assert run.query("what", 1, 2) == "what2"
    run.update("what", update_id="u-2")
    assert run.outcome("u-2") == "what0"
    for name, args in (("pin", [""]), ("none", [])):
        refused = run.validate(name, *args)
        assert refused is not None
        assert refused.type == "ValueError"
    same_again(run)
    run.fire()
    with pytest.raises(UnknownQueryError):
        run.query("show")
    refused = run.validate("pin", "late")
    assert refused is not None
    assert refused.type == "UnknownUpdateError"
    same_again(run)


@workflow.defn
class Listed:
    """Tells which handlers it has."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @workflow.run
    async def run(self) -> list[Any]:
        before = self.found()
        bound = workflow.get_signal_handler("note")
        assert bound is not None
        bound("by hand")
        for setter in (workflow.set_signal_handler, workflow.set_query_handler, workflow.set_update_handler):
            setter("extra", self.extra)
        workflow.set_dynamic_signal_handler(self.extra)
        workflow.set_dynamic_query_handler(self.extra)
        workflow.set_dynamic_update_handler(self.extra)
        same = [handler == self.extra for handler in self.handlers("extra")]
        return [before, self.log, same]

    def handlers(self, name: str) -> list[Handler | None]:
        return [
            workflow.get_signal_handler(name),
            workflow.get_query_handler(name),
            workflow.get_update_handler(name),
            workflow.get_dynamic_signal_handler(),
            workflow.get_dynamic_query_handler(),
            workflow.get_dynamic_update_handler(),
        ]

    def found(self) -> list[bool]:
        return [handler is not None for handler in self.handlers("note")]

    def extra(self, *args: Any) -> None:
        """Do nothing."""

    @workflow.signal(name="note")
    def signal_note(self, text: str) -> None:
        self.log.append(text)

    @workflow.update(name="note")
    def update_note(self) -> None:
        """Do nothing."""


def test_the_code_sees_which_handlers_there_are_and_can_call_them() -> None:
    run = Rehearsal(Listed)
    assert run.result == [[True, False, True, False, False, False], ["by hand"], [True] * 6]
    same_again(run)


def tried(call: Callable[[], Any]) -> Exception | None:
    """What a call in a workflow raises."""

    @workflow.defn
    class Tries:
        @workflow.run
        async def run(self) -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - it is what the test wants to see
                caught.append(error)

    caught: list[Exception] = []
    assert Rehearsal(Tries).result is None
    return caught[0] if caught else None


async def in_time() -> None:
    """Do nothing, later."""


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: workflow.set_signal_handler("", print), InvalidArgumentError, "name"),
        (lambda: workflow.set_update_handler(7, print), InvalidArgumentError, "name"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: workflow.set_query_handler("a", 7), ArgumentTypeError, "query handler is 7"),  # type: ignore[arg-type]  # the same
        (lambda: workflow.set_update_handler("a", print, validator=7), ArgumentTypeError, "update validator is 7"),  # type: ignore[arg-type]  # the same
        (lambda: workflow.set_query_handler("a", in_time), DefinitionError, "a query handler cannot be a coroutine"),
        (
            lambda: workflow.set_update_handler("a", print, validator=in_time),
            DefinitionError,
            "the validator of an update cannot be a coroutine",
        ),
        (lambda: workflow.receive_nowait(""), InvalidArgumentError, "name"),
    ],
    ids=["no name", "number as name", "no query", "no validator", "async query", "async validator", "no topic"],
)
def test_a_handler_that_cannot_be_is_refused_where_it_is_set(
    call: Callable[[], Any], error: type[Exception], text: str
) -> None:
    caught = tried(call)
    assert isinstance(caught, error)
    assert text in str(caught)


def test_handlers_belong_to_workflow_code() -> None:
    with pytest.raises(NotInWorkflowError):
        workflow.set_signal_handler("a", print)
    assert workflow.current_update_info() is None


def test_a_query_or_a_condition_sets_no_handler() -> None:
    @workflow.defn
    class Sets:
        def __init__(self) -> None:
            self.by_condition = False

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(self.condition)

        def condition(self) -> bool:
            if self.by_condition:
                workflow.set_query_handler("a", print)
            return False

        @workflow.signal
        def let(self) -> None:
            self.by_condition = True

        @workflow.query
        def sets(self) -> None:
            workflow.set_update_handler("a", print)

    run = Rehearsal(Sets)
    with pytest.raises(QueryRefusedError, match=r"workflow\.set_update_handler"):
        run.query("sets")
    with pytest.raises(ReadOnlyContextError, match=r"workflow\.set_query_handler"):
        run.signal("let")


# -- receive ---------------------------------------------------------------------------------------------------------


@workflow.defn
class Till:
    """Receives so many coins, and each of them for so many seconds at most."""

    @workflow.run
    async def run(self, count: int, seconds: float | None = None) -> list[Any]:
        found: list[Any] = []
        for _ in range(count):
            try:
                found.append(await workflow.receive("coin", type=int, timeout=seconds))
            except TimeoutError:
                found.append("late")
        return found


def test_what_came_before_is_received_in_order_and_then_what_comes() -> None:
    @workflow.defn
    class Waits:
        @workflow.run
        async def run(self) -> list[Any]:
            await workflow.sleep(1)
            return [await workflow.receive("coin") for _ in range(3)]

    run = Rehearsal(Waits)
    run.signal("coin", 1)
    run.signal("other", 7)
    run.signal("coin", 2)
    run.fire()
    same_again(run)
    assert topics(run.signal("coin", 3)) == ["signal.received", "workflow.completed"]
    assert run.result == [1, 2, 3]
    assert [fact.name for fact in run.run.unconsumed()] == ["other"]
    same_again(run)


def test_who_waits_for_a_signal_suspends_the_run() -> None:
    run = Rehearsal(Till, 1)
    assert run.topics == ["workflow.started"]
    same_again(run)
    run.signal("coin", 5)
    assert run.result == [5]
    same_again(run)


def test_a_time_limit_ends_the_wait_and_the_signal_behind_it_is_received_by_the_next() -> None:
    run = Rehearsal(Till, 2, 10)
    assert topics(run.fire())[:2] == ["timer.fired", "timer.started"]
    run.signal("coin", 5)
    assert run.result == ["late", 5]
    same_again(run)


def test_a_time_limit_may_be_a_timedelta() -> None:
    @workflow.defn
    async def waits() -> str:
        try:
            await workflow.receive("coin", timeout=timedelta(minutes=1))
        except TimeoutError:
            return "late"
        return "in time"

    run = Rehearsal(waits)
    begun = run.now
    run.fire()
    assert run.now - begun == 60_000_000_000
    assert run.result == "late"
    same_again(run)


def test_several_who_wait_get_one_signal_each_in_the_order_in_which_they_came() -> None:
    @workflow.defn
    async def queue() -> list[Any]:
        async def wait(name: str) -> list[Any]:
            return [name, await workflow.receive("coin")]

        return list(await asyncio.gather(wait("a"), wait("b"), wait("c")))

    run = Rehearsal(queue)
    for coin in (1, 2, 3):
        run.signal("coin", coin)
    assert run.result == [["a", 1], ["b", 2], ["c", 3]]
    same_again(run)


def test_who_stops_waiting_takes_no_signal() -> None:
    @workflow.defn
    async def gives_up() -> list[Any]:
        first = asyncio.create_task(workflow.receive("coin"))
        await workflow.sleep(1)
        first.cancel()
        return [await workflow.receive("coin"), first.cancelled()]

    run = Rehearsal(gives_up)
    run.fire()
    run.signal("coin", 5)
    assert run.result == [5, True]
    same_again(run)


@pytest.mark.parametrize("others", [0, 1], ids=["nobody else waits", "another waits"])
def test_a_signal_that_comes_in_the_turn_in_which_its_receiver_is_cancelled_is_not_lost(others: int) -> None:
    @workflow.defn
    async def races(others: int) -> list[Any]:
        tasks = [asyncio.create_task(workflow.receive("coin")) for _ in range(1 + others)]
        await asyncio.sleep(0)
        current().inbox.signal(SignalReceived(at=START, name="coin", input=payloads([5])))
        _ = tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        return [await workflow.receive("coin"), tasks[0].cancelled()] if not others else [await tasks[1]]

    assert Rehearsal(races, others).result == [5, True][: 2 - others]


def test_a_signal_that_is_put_back_is_the_first_of_all() -> None:
    @workflow.defn
    async def races() -> list[Any]:
        first = asyncio.create_task(workflow.receive("coin"))
        await asyncio.sleep(0)
        for coin in (1, 2):
            current().inbox.signal(SignalReceived(at=START, name="coin", input=payloads([coin])))
        _ = first.cancel()
        await asyncio.wait([first])
        return [await workflow.receive("coin"), await workflow.receive("coin")]

    assert Rehearsal(races).result == [1, 2]


def test_a_signal_without_an_argument_is_none_and_one_with_several_is_a_list() -> None:
    @workflow.defn
    async def takes() -> list[Any]:
        return [await workflow.receive("a"), await workflow.receive("a"), await workflow.receive("a", type=str)]

    run = Rehearsal(takes)
    run.signal("a")
    run.signal("a", 1, "two")
    run.signal("a", "three")
    assert run.result == [None, [1, "two"], "three"]
    same_again(run)


def test_a_signal_that_does_not_fit_what_is_wanted_is_an_error_where_it_is_received() -> None:
    @workflow.defn
    async def typed() -> Any:
        try:
            return await workflow.receive("coin", type=int)
        except PayloadDecodeError:
            return await workflow.receive("coin", type=int)

    run = Rehearsal(typed)
    run.signal("coin", "five")
    assert run.run.phase is Phase.RUNNING
    run.signal("coin", 5)
    assert run.result == 5
    same_again(run)


def test_what_a_handler_takes_cannot_be_received() -> None:
    @workflow.defn
    class Handles:
        @workflow.run
        async def run(self) -> list[str]:
            texts: list[str] = []
            for take in (workflow.receive_nowait, self.wait):
                try:
                    _ = take("note")
                except InvalidArgumentError as error:
                    texts.append(str(error))
            return texts

        def wait(self, topic: str) -> None:
            workflow.receive(topic).send(None)

        @workflow.signal
        def note(self) -> None:
            """Do nothing."""

    @workflow.defn
    class Catches(Handles):
        @workflow.run
        async def run(self) -> list[str]:
            workflow.set_signal_handler("note", None)
            return await super().run()

        @workflow.signal(dynamic=True)
        def other(self, name: str, args: Sequence[RawValue]) -> None:
            """Do nothing."""

    for code, whose in ((Handles, "handler 'note'"), (Catches, "the dynamic handler")):
        texts = Rehearsal(code).result
        assert len(texts) == 2
        assert all(f"Its signals go to {whose}; take that away" in text for text in texts)


def test_to_try_gives_what_waits_or_the_default_or_says_that_nothing_does() -> None:
    @workflow.defn
    async def tries() -> list[Any]:
        found: list[Any] = [workflow.receive_nowait("coin", default="nothing")]
        try:
            workflow.receive_nowait("coin")
        except asyncio.QueueEmpty as error:
            found.append(str(error))
        await workflow.sleep(1)
        found += [workflow.receive_nowait("coin", type=int), workflow.receive_nowait("coin")]
        found.append(workflow.receive_nowait("coin", type=int, default=0))
        return found

    run = Rehearsal(tries)
    run.signal("coin", 1)
    run.signal("coin", 2)
    run.fire()
    assert run.result == ["nothing", "no signal called 'coin' waits", 1, 2, 0]
    same_again(run)


def test_signals_that_wait_for_a_receiver_are_what_the_next_run_gets() -> None:
    run = Rehearsal(Till, 1)
    run.signal("note", 1)
    run.signal("note", 2)
    run.signal("coin", 3)
    assert [value_of(fact.input[0]) for fact in run.run.unconsumed()] == [1, 2]


def test_a_handler_that_is_set_takes_the_signals_from_who_waits_for_them() -> None:
    @workflow.defn
    async def both() -> list[Any]:
        heard: list[Any] = []
        waiting = asyncio.create_task(workflow.receive("coin"))
        await workflow.receive("go")
        workflow.set_signal_handler("coin", heard.append)
        await workflow.receive("go")
        workflow.set_signal_handler("coin", None)
        return [heard, await waiting]

    run = Rehearsal(both)
    run.signal("go")
    run.signal("coin", 1)
    run.signal("go")
    run.signal("coin", 2)
    assert run.result == [[1], 2]
    same_again(run)


# -- how handlers end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fails", "topic"), [(True, "workflow.failed"), (False, "workflow.continued_as_new")], ids=["fails", "goes on"]
)
def test_a_signal_that_waited_for_its_handler_may_end_the_run(fails: bool, topic: str) -> None:  # noqa: FBT001 - which
    @workflow.defn
    class Ends:
        @workflow.run
        async def run(self) -> None:
            await workflow.sleep(1)
            workflow.set_signal_handler("end", self.end)
            await workflow.sleep(1)

        def end(self) -> None:
            if fails:
                raise ApplicationError("refused")
            workflow.continue_as_new()

    run = Rehearsal(Ends)
    run.signal("end")
    assert topics(run.fire())[-1] == topic
    assert run.run.phase is Phase.CLOSED
    same_again(run)


def test_payloads_of_a_raw_value_are_those_that_came() -> None:
    run = Rehearsal(Switchboard)
    run.signal("plug", None, "dynamic")
    run.signal("x", 1, "two")
    assert run.query("so_far") == [["x", [1, "two"]]]
    assert [fact.input for fact in run.events if getattr(fact, "name", "") == "x"] == [payloads([1, "two"])]  # type: ignore[attr-defined]  # a signal
