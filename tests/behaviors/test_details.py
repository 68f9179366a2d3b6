"""The current details of a run: what it says about itself to people, changed by its code, the same at every replay."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviors.plays import pack
from tests.behaviors.rehearsal import Rehearsal, lead
from tests.behaviors.same_again import same_again
from understudy import workflow
from understudy.actors.behaviors.code.run import Phase
from understudy.events.errors import ArgumentTypeError, NondeterminismError, QueryRefusedError
from understudy.events.upsert import CurrentDetailsUpserted


@workflow.defn
class Parcel:
    """Says where it is, step by step."""

    @workflow.run
    async def run(self) -> list[str]:
        told = [workflow.get_current_details()]
        for step in ("packed", "shipped"):
            workflow.set_current_details(f"to be {step}")
            told.append(workflow.get_current_details())
            await workflow.execute_activity(pack, step)
        workflow.set_current_details("")
        return [*told, workflow.get_current_details()]

    @workflow.query
    def where(self) -> str:
        return workflow.get_current_details()

    @workflow.query
    def meddle(self) -> None:
        workflow.set_current_details("read")


def details(run: Rehearsal) -> list[str]:
    """What the run said about itself, in order."""
    return [event.details for event in run.events if isinstance(event, CurrentDetailsUpserted)]


# -- three histories -------------------------------------------------------------------------------------------------


def test_details_are_recorded_before_the_run_waits() -> None:
    run = Rehearsal(Parcel)
    assert run.topics == ["workflow.started", "current_details.upserted", "activity.scheduled"]
    assert run.execution.current_details == "to be packed"
    told = run.events[1]
    assert isinstance(told, CurrentDetailsUpserted)
    assert told.source.startswith("test_details.py:")
    same_again(run)


def test_details_that_stand_in_front_of_a_wait_that_is_over_are_the_same_again() -> None:
    run = Rehearsal(Parcel)
    run.complete(1, "packed")
    run.complete(2, "shipped")
    assert run.result == ["", "to be packed", "to be shipped", ""]
    assert details(run) == ["to be packed", "to be shipped", ""]
    assert run.execution.current_details == ""
    same_again(run)


def test_a_replay_that_still_waits_knows_the_details_as_they_were_then() -> None:
    run = Rehearsal(Parcel)
    run.complete(1, "packed")
    assert run.rebuild().phase is Phase.RUNNING
    assert run.query("where") == "to be shipped"
    assert lead(Parcel, run.events[:3]).phase is Phase.RUNNING
    assert run.execution.current_details == "to be shipped"


# -- what is recorded holds ------------------------------------------------------------------------------------------


def reporting(text: str) -> Any:
    """A workflow that says something about itself, and then repeats it."""

    @workflow.defn(name="Reporting")
    async def code() -> str:
        workflow.set_current_details(text)
        await workflow.execute_activity(pack, "a")
        return workflow.get_current_details()

    return code


def test_words_may_change_while_runs_are_open_and_the_recorded_ones_hold() -> None:
    run = Rehearsal(reporting("old words"))
    run.rebuild(reporting("new words"))
    run.complete(1, "a")
    assert run.result == "old words"


def test_details_that_the_code_no_longer_tells_are_a_difference() -> None:
    @workflow.defn(name="Reporting")
    async def silent() -> None:
        await workflow.execute_activity(pack, "a")

    with pytest.raises(NondeterminismError, match=r"current_details\.upserted"):
        lead(silent, Rehearsal(reporting("words")).events)


def test_a_query_may_read_details_and_not_change_them() -> None:
    run = Rehearsal(Parcel)
    with pytest.raises(QueryRefusedError, match=r"current_details\.upserted"):
        run.query("meddle")
    assert run.query("where") == "to be packed"


def test_what_is_no_text_is_refused() -> None:
    @workflow.defn(failure_exception_types=[ArgumentTypeError])
    async def wrong() -> None:
        workflow.set_current_details(7)  # type: ignore[arg-type]  # that is the point

    failure = Rehearsal(wrong).failure
    assert failure.type == "ArgumentTypeError"
    assert "description" in failure.message


def test_the_details_that_a_run_was_started_with_are_others() -> None:
    run = Rehearsal(Parcel, details="a parcel")
    assert (run.execution.start.details, run.execution.current_details) == ("a parcel", "to be packed")
