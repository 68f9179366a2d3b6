"""Signal handlers that are set and taken away while the run goes on, and the signals that waited for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.behaviors.plays import pack
from tests.behaviors.rehearsal import Rehearsal, payloads, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.common import RawValue
from understudy.exceptions import ApplicationError


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
        handlers: dict[str, Callable[..., Any]] = {
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
