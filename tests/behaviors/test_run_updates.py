"""Updates in the code: looked at by their validators, handled as tasks beside the run function, and answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.behaviors.plays import charge, pack, step
from tests.behaviors.rehearsal import FINAL, Rehearsal, lead, payload, same_again, topics, value_of
from understudy import workflow
from understudy.actors.behaviors.run import Phase
from understudy.common import RawValue
from understudy.events.errors import QueryRefusedError, UnknownUpdateError
from understudy.events.failure import Failure
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.exceptions import ApplicationError
from understudy.workflow import HandlerUnfinishedPolicy


class OutOfRangeError(Exception):
    """Listed among the failures of `Shelf`."""


@workflow.defn(failure_exception_types=[OutOfRangeError])
class Shelf:
    """Holds so many things; everything about it is an update."""

    def __init__(self) -> None:
        self.things: list[str] = []
        self.seen: list[Any] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.lock = asyncio.Lock()
        self.closed = False

    @workflow.run
    async def run(self, room: int = 3) -> list[str]:
        self.room = room
        await workflow.wait_condition(lambda: self.closed)
        return self.things

    @workflow.update
    def put(self, thing: str, count: int = 1) -> int:
        self.things.extend([thing] * count)
        return len(self.things)

    @put.validator
    def look(self, thing: str, count: int = 1) -> None:
        if count < 1:
            raise ValueError(f"{count} times {thing}")

    @workflow.update(name="fetch-one")
    async def fetch(self, thing: str) -> str:
        found: str = await workflow.execute_activity(pack, thing)
        self.things.append(found)
        return f"{found} in place {len(self.things)}"

    @workflow.update
    async def one_by_one(self, thing: str) -> int:
        async with self.lock:
            await workflow.execute_activity(pack, thing)
            self.things.append(thing)
            return len(self.things)

    @workflow.update
    async def nap(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @workflow.update
    async def stoppable(self, activity: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        if activity:
            await workflow.execute_activity(activity, "x")
        await asyncio.Event().wait()

    @workflow.update
    def stop(self) -> None:
        for task in self.tasks:
            task.cancel("no longer wanted")

    @workflow.update
    async def who(self) -> list[Any]:
        before = workflow.current_update_info()
        await workflow.execute_activity(pack, "x")
        after = workflow.current_update_info()
        inner = await asyncio.create_task(self.in_a_task())
        assert before is not None
        return [before.id, before.name, after == before, inner]

    async def in_a_task(self) -> str:
        info = workflow.current_update_info()
        return info.id if info is not None else ""

    @workflow.update
    def close(self) -> str:
        self.closed = True
        return "closed"

    @workflow.update
    async def fail(self, kind: str) -> None:
        if kind == "bug":
            raise KeyError(kind)
        if kind == "listed":
            raise OutOfRangeError(kind)
        if kind == "time":
            async with asyncio.timeout(1):
                await workflow.execute_activity(pack, "x")
        if kind == "activity":
            await workflow.execute_activity(charge, 1)
        if kind == "again":
            workflow.continue_as_new(7)
        raise ApplicationError("refused", type="Refused")

    @workflow.update
    def fail_at_once(self, kind: str) -> None:
        raise KeyError(kind) if kind == "bug" else ApplicationError("refused", type="Refused")

    @workflow.update
    def unstorable(self) -> Any:
        return object()

    @workflow.query
    def count(self) -> int:
        return len(self.things)

    @workflow.query
    def updating(self) -> bool:
        return workflow.current_update_info() is not None


# -- three histories: it completed at once, it suspends, it is still waiting -----------------------------------------


def test_a_plain_handler_completes_an_update_in_the_turn_in_which_it_is_accepted() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("put", "box", 2)) == ["update.accepted", "update.completed"]
    assert run.outcome() == 2
    run.update("close", update_id="u-2")
    assert run.result == ["box", "box"]
    same_again(run)


def test_an_update_whose_handler_waits_is_completed_in_a_later_turn() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("fetch-one", "box")) == ["update.accepted", "activity.scheduled"]
    assert isinstance(run.outcome(), UpdateAccepted)
    assert topics(run.complete(1, "BOX")) == ["activity.completed", "update.completed"]
    assert run.outcome() == "BOX in place 1"
    same_again(run)


def test_an_update_that_still_waits_is_led_to_where_it_was() -> None:
    run = Rehearsal(Shelf)
    run.update("fetch-one", "box")
    run.update("nap", 5, update_id="u-2")
    same_again(run)
    run.rebuild()
    assert topics(run.fire()) == ["timer.fired", "update.completed"]
    assert run.outcome("u-2") is None
    run.complete(1, "BOX")
    assert run.outcome() == "BOX in place 1"
    same_again(run)


def test_a_workflow_that_ends_in_the_turn_of_an_update_has_answered_it_before() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("close")) == ["update.accepted", "update.completed", "workflow.completed"]
    assert run.outcome() == "closed"
    same_again(run)


def test_an_update_without_a_result_has_none() -> None:
    run = Rehearsal(Shelf)
    run.update("nap", 0)
    assert run.last == UpdateCompleted(at=run.now, update_id="u-1")
    same_again(run)


def test_handlers_run_interleaved_and_each_answers_its_own_update() -> None:
    run = Rehearsal(Shelf)
    for number, thing in enumerate(("a", "b", "c"), 1):
        run.update("fetch-one", thing, update_id=f"u-{number}")
    run.complete(3, "C")
    run.complete(1, "A")
    run.complete(2, "B")
    assert [run.outcome(f"u-{n}") for n in (1, 2, 3)] == ["A in place 2", "B in place 3", "C in place 1"]
    same_again(run)


def test_handlers_that_share_a_lock_run_one_behind_the_other() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("one_by_one", "a")) == ["update.accepted", "activity.scheduled"]
    assert topics(run.update("one_by_one", "b", update_id="u-2")) == ["update.accepted"]
    assert topics(run.complete(1)) == ["activity.completed", "update.completed", "activity.scheduled"]
    run.complete(2)
    assert [run.outcome("u-1"), run.outcome("u-2")] == [1, 2]
    same_again(run)


def test_once_recorded_an_update_that_is_sent_twice_is_handled_once() -> None:
    run = Rehearsal(Shelf)
    run.update("put", "box")
    assert run.update("put", "box") == []
    assert run.update("put", "box", update_id="u-2") != []
    assert run.query("count") == 2


def test_the_running_update_is_known_in_its_handler_and_in_the_tasks_that_it_starts_and_nowhere_else() -> None:
    run = Rehearsal(Shelf)
    run.update("who", update_id="u-7")
    run.complete(1)
    assert run.outcome("u-7") == ["u-7", "who", True, "u-7"]
    assert run.query("updating") is False
    same_again(run)


def test_the_dynamic_handler_takes_what_no_other_does_with_its_name_and_raw_values() -> None:
    @workflow.defn
    class Catch:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.update(dynamic=True)
        async def other(self, name: str, args: Sequence[RawValue]) -> list[Any]:
            return [name, [workflow.payload_converter().from_payload(arg.payload) for arg in args]]

    run = Rehearsal(Catch)
    run.update("anything", 1, "two")
    assert run.outcome() == ["anything", [1, "two"]]
    same_again(run)


# -- not let in ------------------------------------------------------------------------------------------------------


def rejected(run: Rehearsal, name: str, *args: Any) -> Failure:
    """Why an update is not let in; nothing is recorded of it."""
    before = list(run.events)
    refused = run.validate(name, *args)
    assert refused is not None
    assert (run.events, run.run.phase) == (before, Phase.RUNNING)
    return refused


def test_a_validator_keeps_an_update_out_and_leaves_no_trace() -> None:
    run = Rehearsal(Shelf)
    refused = rejected(run, "put", "box", 0)
    assert (refused.kind, refused.type, refused.message) == ("application", "ValueError", "0 times box")
    assert run.query("count") == 0
    same_again(run)


@pytest.mark.parametrize(
    ("args", "reason"),
    [((), "is 0, where 1 to 2"), (("a", 1, 2), "is 3, where"), (("a", "many"), "of type string")],
    ids=["too few", "too many", "does not decode"],
)
def test_an_update_whose_arguments_do_not_fit_is_rejected(args: tuple[Any, ...], reason: str) -> None:
    refused = rejected(Rehearsal(Shelf), "put", *args)
    assert "update 'put' of workflow 'Shelf'" in refused.message
    assert reason in refused.message


def test_an_update_that_no_handler_takes_is_rejected_and_told_which_there_are() -> None:
    refused = rejected(Rehearsal(Shelf), "putt", "box")
    assert refused.type == "UnknownUpdateError"
    assert "perhaps 'put' was meant" in refused.message
    assert "none is known" in rejected(Rehearsal(step, 3), "put").message


@workflow.defn
class Nosy:
    """Validators that do more than look."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.gate = asyncio.Event()
        self.known: list[Any] = []

    @workflow.run
    async def run(self) -> str:
        await self.gate.wait()
        return "woken"

    @workflow.update
    def ask(self, call: str) -> str:
        return call

    @ask.validator
    def look(self, call: str) -> None:
        calls: dict[str, Any] = {
            "activity": lambda: workflow.start_activity(charge, 1),
            "random": workflow.random,
            "handler": lambda: workflow.set_signal_handler("x", None),
            "receive": lambda: workflow.receive_nowait("x", default=None),
            "change": lambda: self.items.append("x"),
            "wake": self.gate.set,
            "info": self.check_info,
        }
        calls[call]()

    def check_info(self) -> None:
        info = workflow.current_update_info()
        assert info is not None
        raise ApplicationError(f"{info.id} {info.name}")


@pytest.mark.parametrize("call", ["activity", "random", "handler", "receive"])
def test_what_a_validator_asks_for_keeps_its_update_out(call: str) -> None:
    run = Rehearsal(Nosy)
    assert rejected(run, "ask", call).type == "ReadOnlyContextError"
    same_again(run)


@pytest.mark.parametrize("call", ["change", "wake"])
def test_a_validator_that_changes_the_workflow_is_refused_and_the_run_is_to_be_built_anew(call: str) -> None:
    run = Rehearsal(Nosy)
    with pytest.raises(QueryRefusedError, match="its validator changed the workflow") as caught:
        run.validate("ask", call)
    assert caught.value.fields()["query"] == "ask"
    assert run.run.is_broken
    assert run.rebuild().phase is Phase.RUNNING
    assert run.validate("ask", "info") is not None


def test_a_validator_knows_which_update_it_looks_at_and_nobody_behind_it_does() -> None:
    run = Rehearsal(Nosy)
    refused = run.validate("ask", "info", update_id="u-7")
    assert refused is not None
    assert refused.message == "u-7 ask"
    assert run.run.phase is Phase.RUNNING


def test_a_validator_sees_what_the_updates_before_it_did() -> None:
    @workflow.defn
    class Once:
        def __init__(self) -> None:
            self.taken = False

        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.update
        def take(self) -> None:
            self.taken = True

        @take.validator
        def look(self) -> None:
            if self.taken:
                raise ApplicationError("taken")

    run = Rehearsal(Once)
    run.update("take")
    refused = run.validate("take", update_id="u-2")
    assert refused is not None
    assert refused.message == "taken"


# -- handlers that fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "cause"),
    [
        ("fail", "declared", "Refused"),
        ("fail", "listed", "OutOfRangeError"),
        ("fail_at_once", "declared", "Refused"),
    ],
)
def test_a_declared_failure_of_a_handler_completes_its_update_and_the_run_goes_on(
    name: str, kind: str, cause: str
) -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update(name, kind)) == ["update.accepted", "update.completed"]
    assert run.outcome().type == cause
    assert run.run.phase is Phase.RUNNING
    same_again(run)


def test_an_activity_that_fails_for_good_fails_the_update_that_awaits_it() -> None:
    run = Rehearsal(Shelf)
    run.update("fail", "activity")
    run.fail(1, FINAL)
    failure = run.outcome()
    assert (failure.kind, failure.cause.type) == ("activity", "NoStock")
    same_again(run)


def test_a_limit_that_has_passed_fails_the_update() -> None:
    run = Rehearsal(Shelf)
    run.update("fail", "time")
    assert topics(run.fire()) == ["timer.fired", "activity.cancel_requested", "update.completed"]
    assert run.outcome().type == "TimeoutError"
    same_again(run)


def test_a_handler_that_is_cancelled_fails_its_update_and_the_run_goes_on() -> None:
    run = Rehearsal(Shelf)
    run.update("stoppable", pack.__name__)
    run.update("stoppable", "", update_id="u-2")
    assert topics(run.update("stop", update_id="u-3"))[-2:] == ["update.completed", "update.completed"]
    assert [run.outcome("u-1").kind, run.outcome("u-2").kind] == ["canceled", "canceled"]
    assert run.outcome("u-2").message == "no longer wanted"
    assert run.outcome("u-3") is None
    assert run.run.phase is Phase.RUNNING
    same_again(run)


@pytest.mark.parametrize("name", ["fail", "fail_at_once"])
def test_a_bug_in_a_handler_breaks_the_turn(name: str) -> None:
    run = Rehearsal(Shelf)
    with pytest.raises(KeyError, match="bug"):
        run.update(name, "bug")
    assert run.run.phase is Phase.BROKEN


def test_a_result_that_cannot_be_stored_is_a_bug() -> None:
    run = Rehearsal(Shelf)
    with pytest.raises(Exception, match="the result of update 'unstorable' of workflow 'Shelf'"):
        run.update("unstorable")
    assert run.run.phase is Phase.BROKEN


def test_a_handler_may_continue_the_run_as_new() -> None:
    run = Rehearsal(Shelf)
    assert topics(run.update("fail", "again")) == ["update.accepted", "workflow.continued_as_new"]
    last: Any = run.last
    assert last.input == (payload(7),)
    assert run.run.phase is Phase.CLOSED
    same_again(run)


def test_an_accepted_update_whose_handler_is_gone_breaks_the_replay() -> None:
    @workflow.defn(name="Shelf")
    class Bare:
        @workflow.run
        async def run(self, room: int = 3) -> None:
            await workflow.wait_condition(lambda: False)

    run = Rehearsal(Shelf)
    run.update("put", "box")
    with pytest.raises(UnknownUpdateError, match="has no update 'put'"):
        lead(Bare, run.events)


# -- behind the end --------------------------------------------------------------------------------------------------


def test_an_update_that_still_runs_when_the_workflow_ends_is_warned_about_unless_it_is_to_be_abandoned() -> None:
    @workflow.defn
    class Hasty(Shelf):
        @workflow.run
        async def run(self, room: int = 3) -> str:
            await workflow.wait_condition(lambda: self.closed)
            return "done"

        @workflow.update(unfinished_policy=HandlerUnfinishedPolicy.ABANDON)
        async def unimportant(self) -> None:
            await workflow.execute_activity(pack, "x")

    run = Rehearsal(Hasty)
    run.update("unimportant")
    run.update("fetch-one", "x", update_id="u-2")
    run.update("close", update_id="u-3")
    assert run.result == "done"
    [warning] = run.run.warnings
    assert isinstance(warning, workflow.UnfinishedUpdateHandlersWarning)
    assert "the handler of update 'fetch-one' was still running" in str(warning)
    assert isinstance(run.outcome("u-2"), UpdateAccepted)
    same_again(run)


def test_an_update_counts_as_a_handler_that_is_waited_for() -> None:
    @workflow.defn
    class Patient(Shelf):
        @workflow.run
        async def run(self, room: int = 3) -> list[str]:
            await workflow.wait_condition(lambda: self.closed and workflow.all_handlers_finished())
            return self.things

    run = Rehearsal(Patient)
    run.update("fetch-one", "x")
    run.update("close", update_id="u-2")
    assert topics(run.complete(1, "X")) == ["activity.completed", "update.completed", "workflow.completed"]
    assert run.result == ["X"]
    same_again(run)


def test_the_outcome_of_an_update_is_stored_by_the_handlers_hint() -> None:
    run = Rehearsal(Shelf)
    run.update("put", "box")
    last = run.last
    assert isinstance(last, UpdateCompleted)
    assert value_of(last.result) == 1
