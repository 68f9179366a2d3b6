"""Recorded histories replay for ever (SAME-AGAIN), and every feature has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.histories import programs
from tests.histories.record import STORIES, record
from understudy.client import WorkflowHistory
from understudy.events.catalogue import CATALOGUE
from understudy.worker import Replayer

HERE = Path(__file__).parent
RECORDED = sorted(HERE.glob("*/*.json"))
VERSION = "0.1"
"""The release that is being worked on."""

REPLAYER = Replayer(workflows=programs.WORKFLOWS)


def read(path: Path) -> WorkflowHistory:
    """A history from its file."""
    return WorkflowHistory.from_json(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    await REPLAYER.replay_workflow(read(path))


@pytest.mark.parametrize("name", STORIES)
async def test_a_story_of_today_leads_to_the_events_that_were_recorded(name: str) -> None:
    for number, history in enumerate(await record(name), 1):
        recorded = read(HERE / VERSION / f"{name}-{number}.json")
        assert sorted(event.topic for event in history.events) == sorted(event.topic for event in recorded.events)


def test_every_kind_of_event_is_in_some_history() -> None:
    found = {event.topic for path in RECORDED for event in read(path).events}
    elsewhere = {  # these need a crash, a broken code, a time-out or an end from outside; `tests/recovery` has them
        "workflow.timed_out",
        "activity.timed_out",
        "local_activity.failed",
        "child.start_failed",
        "child.cancel_delivered",
        "activity.completion_deferred",
    }
    assert {cls.topic for cls in CATALOGUE.values()} - elsewhere <= found
