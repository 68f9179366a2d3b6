"""A run is led as the engine worked that began it: its first event says how, and what it says has to be known."""

from __future__ import annotations

import pytest

from tests.behaviors.rehearsal import Rehearsal
from understudy import workflow
from understudy.client import WorkflowHistory
from understudy.events.event import Event
from understudy.events.workflow import BEHAVIOUR_FLAGS, WorkflowStarted
from understudy.exceptions import NewerRunError
from understudy.worker import Replayer

LATER = BEHAVIOUR_FLAGS << 1 | 1
"""With a flag that this release does not know."""


@workflow.defn
async def nothing() -> None:
    await workflow.wait_condition(lambda: False)


def first_event(flags: int) -> tuple[Event, ...]:
    return (WorkflowStarted(at=1, workflow_id="w", workflow_type="nothing", task_queue="q", flags=flags),)


def test_a_run_of_a_later_release_is_not_led_by_guesswork() -> None:
    with pytest.raises(NewerRunError, match=f"'run-1' .* flags {LATER} this one knows {BEHAVIOUR_FLAGS}"):
        Rehearsal(nothing, flags=LATER)


def test_a_run_with_the_flags_of_this_release_is_led() -> None:
    assert Rehearsal(nothing, flags=BEHAVIOUR_FLAGS).execution.is_open


async def test_a_replayer_says_so() -> None:
    replayer = Replayer(workflows=[nothing])
    later = await replayer.replay_workflow(
        WorkflowHistory("w", "run-1", first_event(LATER)), raise_on_replay_failure=False
    )
    assert isinstance(later.replay_failure, NewerRunError)
    own = await replayer.replay_workflow(WorkflowHistory("w", "run-1", first_event(BEHAVIOUR_FLAGS)))
    assert own.replay_failure is None
