"""Signals in the code: handlers of both colours, the dynamic one, those that fail, and messages that fit nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.behaviors.plays import Cart, charge, pack, step
from tests.behaviors.rehearsal import Rehearsal, topics
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.exceptions import ApplicationError
from understudy.workflow import HandlerUnfinishedPolicy


@workflow.defn
class Touchy:
    """Handlers that fail in several ways while the run waits, works, or ends with them."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.may_end = False

    @workflow.run
    async def run(self) -> int:
        await self.woken.wait()
        return await workflow.execute_activity(charge, 1)

    def shout(self, kind: str) -> None:
        if kind == "declared":
            raise ApplicationError("refused", type="Refused")
        raise KeyError(kind)

    @workflow.signal
    def now(self, kind: str, *, wake: bool = False) -> None:
        self.shout(kind)

    @workflow.signal
    def wake_and_fail(self, kind: str) -> None:
        self.woken.set()
        self.shout(kind)

    @workflow.signal
    async def later(self, kind: str) -> None:
        await workflow.execute_activity(pack, kind)
        self.shout(kind)


# -- handlers --------------------------------------------------------------------------------------------------------


def test_a_signal_is_handled_in_the_turn_in_which_it_comes_and_conditions_are_looked_at_behind_it() -> None:
    run = Rehearsal(Cart)
    assert topics(run.signal("put", "a", 2)) == ["signal.received"]
    assert run.query("count") == 2
    assert topics(run.signal("close")) == ["signal.received", "workflow.completed"]
    assert run.result == ["a", "a"]
    same_again(run)


def test_an_async_handler_may_wait_and_the_run_knows_that_it_does() -> None:
    run = Rehearsal(Cart)
    assert topics(run.signal("fetch", "a")) == ["signal.received", "activity.scheduled"]
    assert topics(run.signal("close")) == ["signal.received"]
    same_again(run)
    assert topics(run.complete(1, "A")) == ["activity.completed", "workflow.completed"]
    assert run.result == ["A"]
    assert run.run.warnings == []
    same_again(run)


def test_async_handlers_run_side_by_side() -> None:
    run = Rehearsal(Cart)
    for item in ("a", "b", "c"):
        run.signal("fetch", item)
    run.complete(3, "C")
    run.complete(1, "A")
    run.signal("close")
    run.complete(2, "B")
    assert run.result == ["C", "A", "B"]
    same_again(run)


def test_the_dynamic_handler_takes_what_no_other_does_with_its_name_and_raw_values() -> None:
    run = Rehearsal(Cart)
    run.signal("anything", 1, "two")
    run.signal("close")
    assert run.result == [["anything", [1, "two"]]]
    same_again(run)


def test_signals_that_find_no_handler_wait_without_a_word() -> None:
    run = Rehearsal(step, 3)
    assert topics(run.signal("anything", 1)) == ["signal.received"]
    assert run.run.warnings == []
    run.complete(1, 7)
    assert run.result == 7
    same_again(run)


@pytest.mark.parametrize(
    ("args", "reason"),
    [((), "0"), (("a", 1, 2), "3"), (("a", "many"), "of type string")],
    ids=["too few", "too many", "does not decode"],
)
def test_a_signal_whose_arguments_do_not_fit_is_dropped_with_a_warning(args: tuple[Any, ...], reason: str) -> None:
    run = Rehearsal(Cart)
    run.signal("put", *args)
    (warning,) = map(str, run.run.warnings)
    assert warning.startswith("signal 'put' was dropped: ")
    assert "signal 'put' of workflow 'Cart'" in warning
    assert reason in warning
    assert run.run.phase is Phase.RUNNING
    run.signal("close")
    assert run.result == []
    same_again(run)


def test_once_recorded_a_signal_that_is_sent_twice_is_handled_once() -> None:
    run = Rehearsal(Cart)
    run.signal("put", "a", request_id="1")
    assert run.signal("put", "a", request_id="1") == []
    assert run.query("count") == 1


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_declared_failure_of_a_handler_ends_the_run() -> None:
    run = Rehearsal(Touchy)
    assert topics(run.signal("now", "declared")) == ["signal.received", "workflow.failed"]
    assert run.failure.type == "Refused"
    assert run.run.phase is Phase.CLOSED
    same_again(run)


def test_a_declared_failure_of_an_async_handler_ends_the_run() -> None:
    run = Rehearsal(Touchy)
    run.signal("later", "declared")
    assert topics(run.complete(1, "box")) == ["activity.completed", "workflow.failed"]
    same_again(run)


def test_closed_what_the_code_asks_for_behind_the_failure_of_a_handler_is_dropped() -> None:
    run = Rehearsal(Touchy)
    assert topics(run.signal("wake_and_fail", "declared")) == ["signal.received", "workflow.failed"]
    same_again(run)


def test_closed_a_main_task_that_ends_behind_the_failure_of_a_handler_changes_nothing() -> None:
    @workflow.defn
    class Both:
        def __init__(self) -> None:
            self.woken = asyncio.Event()

        @workflow.run
        async def run(self) -> str:
            await self.woken.wait()
            return "done"

        @workflow.signal
        def wake_and_fail(self) -> None:
            self.woken.set()
            raise ApplicationError("refused")

        @workflow.signal
        async def wake_and_fail_twice(self) -> None:
            self.wake_and_fail()

    for name in ("wake_and_fail", "wake_and_fail_twice"):
        run = Rehearsal(Both)
        assert topics(run.signal(name)) == ["signal.received", "workflow.failed"]
        same_again(run)


def test_a_bug_in_a_handler_breaks_the_turn() -> None:
    run = Rehearsal(Touchy)
    with pytest.raises(KeyError, match="bug"):
        run.signal("now", "bug")
    assert run.run.phase is Phase.BROKEN


def test_a_bug_in_an_async_handler_breaks_the_turn_in_which_it_shows() -> None:
    run = Rehearsal(Touchy)
    run.signal("later", "bug")
    with pytest.raises(KeyError, match="bug"):
        run.complete(1, "box")
    assert run.run.phase is Phase.BROKEN


def test_of_several_bugs_in_one_turn_the_first_is_told() -> None:
    @workflow.defn
    class Twice:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.signal
        async def bugs(self) -> None:
            self.second = asyncio.create_task(self.bug("two"))
            raise KeyError("one")

        @workflow.signal
        async def bug(self, which: str) -> None:
            raise KeyError(which)

    run = Rehearsal(Twice)
    with pytest.raises(KeyError, match="one"):
        run.signal("bugs")


def test_of_several_handlers_that_have_a_bug_in_one_turn_the_first_is_told() -> None:
    @workflow.defn
    class Gate:
        def __init__(self) -> None:
            self.open = asyncio.Event()

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.signal
        async def wait(self, which: str) -> None:
            await self.open.wait()
            raise KeyError(which)

        @workflow.signal
        def let_go(self) -> None:
            self.open.set()

    run = Rehearsal(Gate)
    run.signal("wait", "one")
    run.signal("wait", "two")
    with pytest.raises(KeyError, match="one"):
        run.signal("let_go")


# -- behind the end --------------------------------------------------------------------------------------------------


@workflow.defn
class Leaves:
    """Ends while handlers run."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    @workflow.run
    async def run(self) -> str:
        await self.done.wait()
        return "done"

    @workflow.signal
    async def slow(self) -> None:
        await workflow.execute_activity(pack, "x")

    @workflow.signal(unfinished_policy=HandlerUnfinishedPolicy.ABANDON)
    async def unimportant(self) -> None:
        await workflow.execute_activity(pack, "y")

    @workflow.signal
    async def end(self, *, fails: bool = False) -> None:
        self.done.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise ApplicationError("too late to matter")


def test_a_handler_that_still_runs_when_the_workflow_ends_is_warned_about_unless_it_is_to_be_abandoned() -> None:
    @workflow.defn
    class Hasty(Leaves):
        @workflow.signal
        def stop(self) -> None:
            self.done.set()

    run = Rehearsal(Hasty)
    run.signal("unimportant")
    run.signal("slow")
    run.signal("stop")
    assert run.result == "done"
    [warning] = run.run.warnings
    assert isinstance(warning, workflow.UnfinishedSignalHandlersWarning)
    assert "the handler of signal 'slow' was still running" in str(warning)
    same_again(run)


def test_a_handler_that_fails_when_the_workflow_has_ended_does_not_change_how_it_ended() -> None:
    run = Rehearsal(Leaves)
    run.signal("end")
    assert run.result == "done"
    (warning,) = run.run.warnings
    assert str(warning).startswith("a handler failed when the workflow had ended: ApplicationError")
    same_again(run)
