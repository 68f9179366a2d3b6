"""Ids that workflow code gives to activities: no two open ones of a run have the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.behaviors.rehearsal import START, Rehearsal, lead, payloads
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.events.activity import ActivityScheduled
from understudy.events.errors import InvalidArgumentError
from understudy.events.event import Event
from understudy.events.marker import VersionRecorded
from understudy.events.timer import TimerStarted
from understudy.events.workflow import WorkflowStarted


@workflow.defn
class Asks:
    """Asks for activities at once, each with an id or none, and tells which of them were refused and why."""

    @workflow.run
    async def run(self, ids: Sequence[str | None]) -> list[str]:
        refused: list[str] = []
        for wanted in ids:
            try:
                workflow.start_activity("step", activity_id=wanted)
            except InvalidArgumentError as error:
                refused.append(str(error))
        return refused


@pytest.mark.parametrize(
    ("ids", "whose"),
    [
        (["x", "x"], ["'x', the id of activity #1"]),
        (["x", "y", "x", "y"], ["'x', the id of activity #1", "'y', the id of activity #2"]),
        ([None, "1"], ["'1', the id of activity #1"]),
        (["2", None], ["'2', the id of activity #1"]),
        ([None, None, "3", "x"], []),
        (["2", "1", "7"], []),
        ([None, "01", "9", "²"], []),
        (["9" * 5000, None], []),
    ],
)
def test_the_id_of_an_open_activity_is_refused_to_another(ids: list[str | None], whose: list[str]) -> None:
    run = Rehearsal(Asks, ids)
    assert len(run.result) == len(whose)
    for text, part in zip(run.result, whose, strict=True):
        assert part in text
        assert "still open" in text
        assert "an id of its own" in text
    same_again(run)


def test_an_id_is_free_again_when_its_activity_has_ended() -> None:
    @workflow.defn
    async def again() -> list[Any]:
        return [await workflow.execute_activity("step", activity_id="x") for _ in range(2)]

    run = Rehearsal(again)
    run.complete(1, "one")
    run.complete(2, "two")
    assert run.result == ["one", "two"]
    same_again(run)


def test_an_activity_that_was_cancelled_keeps_its_id_until_it_has_ended() -> None:
    @workflow.defn
    async def again() -> str:
        first = workflow.start_activity("step", activity_id="x")
        await workflow.sleep(1)
        first.cancel()
        with pytest.raises(InvalidArgumentError, match="still open"):
            workflow.start_activity("step", activity_id="x")
        await workflow.sleep(1)
        return str(await workflow.execute_activity("step", activity_id="x"))

    run = Rehearsal(again)
    run.fire()
    run.end_canceled(1)
    run.fire()
    run.complete(2, "two")
    assert run.result == "two"
    same_again(run)


def test_a_history_in_which_two_open_activities_have_an_id_is_replayed() -> None:
    @workflow.defn
    async def both(ids: list[str]) -> Any:
        return await asyncio.gather(*(workflow.execute_activity("step", activity_id=each) for each in ids))

    def scheduled(seq: int) -> ActivityScheduled:
        return ActivityScheduled(at=START, seq=seq, activity_type="step", activity_id="x", start_to_close=1)

    started = WorkflowStarted(
        at=START, workflow_id="w", workflow_type="both", task_queue="q", input=payloads([["x", "x"]])
    )
    events: list[Event] = [started, scheduled(1), scheduled(2)]
    assert not lead(both, events).warnings
    taken_out = VersionRecorded(at=START, change_id="tax", version=1)
    assert not lead(both, [started, scheduled(1), taken_out, scheduled(2)]).warnings
    with pytest.raises(InvalidArgumentError, match="still open"):
        lead(both, [started, scheduled(1), TimerStarted(at=START, seq=1, fire_at=START)])


def test_a_query_that_asks_for_an_activity_takes_no_id() -> None:
    @workflow.defn
    class Asked:
        @workflow.query
        def ask(self) -> str:
            try:
                workflow.start_activity("step", activity_id="x")
            except RuntimeError as error:
                return type(error).__name__
            return "let in"

        @workflow.run
        async def run(self) -> None:
            await workflow.receive("go")
            workflow.start_activity("other")
            workflow.start_activity("step", activity_id="x")

    run = Rehearsal(Asked)
    assert run.query("ask") == "ReadOnlyContextError"
    run.signal("go")
    assert run.result is None
    same_again(run)
