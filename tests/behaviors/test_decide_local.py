"""Deciding about local activities: one event, when all is over, and only one (ONCE-RECORDED)."""

from __future__ import annotations

from typing import Final

import pytest

from tests.behaviors.given import FINAL, NOW, VALUE, given, started
from understudy.actors.behaviors.decisions.commands import Command, CompleteLocalActivity, FailLocalActivity
from understudy.events.activity import LocalActivityCompleted, LocalActivityFailed
from understudy.events.event import Event
from understudy.events.workflow import WorkflowCompleted

COMPLETE: Final = CompleteLocalActivity(seq=3, activity_type="add", activity_id="add-1", attempt=2, result=VALUE)
FAIL: Final = FailLocalActivity(seq=3, activity_type="add", activity_id="add-1", attempt=2, failure=FINAL)
COMPLETED: Final = LocalActivityCompleted(
    at=NOW, seq=3, activity_type="add", activity_id="add-1", attempt=2, result=VALUE
)
FAILED: Final = LocalActivityFailed(at=NOW, seq=3, activity_type="add", activity_id="add-1", attempt=2, failure=FINAL)


@pytest.mark.parametrize(("command", "then"), [(COMPLETE, COMPLETED), (FAIL, FAILED)], ids=["returned", "failed"])
def test_the_outcome_of_a_local_activity_is_its_whole_record(command: Command, then: Event) -> None:
    given(started()).when(command).then(then)


@pytest.mark.parametrize("late", [COMPLETE, FAIL], ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("recorded", [COMPLETED, FAILED], ids=lambda event: event.topic)
def test_once_recorded_a_second_outcome_of_a_local_activity_is_no_event(recorded: Event, late: Command) -> None:
    given(started(), recorded).when(late, at=2_000).then_nothing()


def test_the_outcome_of_another_local_activity_is_recorded_too() -> None:
    other = LocalActivityCompleted(at=50, seq=2, activity_type="add")
    given(started(), other).when(COMPLETE).then(COMPLETED)


@pytest.mark.parametrize("late", [COMPLETE, FAIL], ids=lambda command: type(command).__name__)
def test_closed_a_local_activity_that_ends_behind_its_run_is_no_event(late: Command) -> None:
    given(started(), WorkflowCompleted(at=50)).when(late).then_nothing()
