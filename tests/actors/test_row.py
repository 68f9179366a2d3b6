"""The execution row: written when it changed, and it says when the run needs care by itself."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.actors.standing import Code, live_run
from tests.events.facts import example
from understudy.actors.runs.execution_row import STATUS_NAMES, row_of, wake_at
from understudy.events.activity import ActivityCompleted, ActivityCompletionDeferred, ActivityScheduled
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import WorkflowExecutionStatus as Status
from understudy.events.payloads.payload import Payload
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import apply
from understudy.events.store.port import OPEN_STATUS, ExecutionRow
from understudy.events.timer import TimerFired, TimerStarted
from understudy.events.workflow import (
    CLOSING,
    TurnDeferred,
    WorkflowCanceled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
    WorkflowTerminated,
    WorkflowTimedOut,
)

STARTED = WorkflowStarted(at=10, workflow_id="order-1", workflow_type="Order", task_queue="orders")
CHARGE = ActivityScheduled(at=20, seq=1, activity_type="charge")
TIMER = TimerStarted(at=20, seq=1, fire_at=500)
DEFERRED = TurnDeferred(at=30, since=1, reason="no worker knows the type")


def starting(**fields: int) -> WorkflowStarted:
    """A start with times."""
    return msgspec.structs.replace(STARTED, **fields)


def due(*events: Event, code: Code | None = None) -> int | None:
    """When a restart must bring back a run of which this has happened."""
    return wake_at(live_run(*events, code=code))


# -- when it needs care ----------------------------------------------------------------------------------------------


def test_a_run_that_waits_for_messages_is_brought_back_by_one() -> None:
    assert due(STARTED) is None
    assert due(STARTED, code=Code(waits_for_events_only=True)) is None


@pytest.mark.parametrize(
    ("close_by", "heartbeat", "at"), [(700, 0, 700), (0, 0, None), (700, 5, 0)], ids=["limit", "none", "heartbeats"]
)
def test_a_run_whose_activity_is_completed_from_outside_sleeps_unless_heartbeats_are_to_be_watched(
    close_by: int, heartbeat: int, at: int | None
) -> None:
    charge = msgspec.structs.replace(CHARGE, heartbeat=heartbeat)
    assert due(STARTED, charge, ActivityCompletionDeferred(at=30, seq=1, attempt=1, close_by=close_by)) == at


def test_a_run_that_sleeps_is_brought_back_when_its_first_timer_is_due() -> None:
    later = TimerStarted(at=20, seq=2, fire_at=900)
    assert due(STARTED, TIMER, later) == 500
    assert due(STARTED, TIMER, later, TimerFired(at=500, seq=1)) == 900


def test_a_run_with_an_activity_without_outcome_is_brought_back_at_once() -> None:
    assert due(STARTED, TIMER, CHARGE) == 0
    assert due(STARTED, TIMER, CHARGE, ActivityCompleted(at=30, seq=1)) == 500


def test_a_run_with_a_local_activity_under_way_is_brought_back_at_once() -> None:
    assert due(STARTED, TIMER, code=Code(waits_for_events_only=False)) == 0


def test_a_run_with_a_limit_is_brought_back_when_its_time_is_over() -> None:
    assert due(starting(run_timeout=90)) == 100


def test_a_run_whose_facts_wait_is_brought_back_at_once_or_when_its_first_turn_is_due() -> None:
    assert due(STARTED, DEFERRED) == 0
    assert due(starting(first_turn_at=700), DEFERRED) == 700
    assert due(starting(first_turn_at=25), DEFERRED) == 0


@pytest.mark.parametrize("closing", CLOSING, ids=lambda cls: cls.topic)
def test_closed_a_run_that_ended_needs_no_care(closing: type[Event]) -> None:
    assert due(STARTED, TIMER, CHARGE, example(closing)) is None


# -- what it says ----------------------------------------------------------------------------------------------------


def test_the_row_of_a_run_says_who_it_is_and_how_it_stands() -> None:
    assert row_of(live_run(STARTED, TIMER)) == ExecutionRow(
        run_id="run-1",
        workflow_id="order-1",
        workflow_type="Order",
        task_queue="orders",
        status=OPEN_STATUS,
        started_at=10,
        closed_at=None,
        wake_at=500,
        first_run_id="run-1",
        memo=None,
        search_attributes=None,
    )


def test_a_row_is_written_again_only_when_status_or_wake_up_changed() -> None:
    standing = live_run(STARTED, TIMER)
    rows = [row_of(standing), row_of(standing)]
    apply(standing.state, SignalReceived(at=40, name="add"))
    rows.append(row_of(standing))
    apply(standing.state, TimerFired(at=500, seq=1))
    rows.append(row_of(standing))
    apply(standing.state, WorkflowCompleted(at=600))
    rows.append(row_of(standing))
    rows.append(row_of(standing))
    assert [row and (row.status, row.wake_at, row.closed_at) for row in rows] == [
        ("Running", 500, None),
        None,
        None,
        ("Running", None, None),
        ("Completed", None, 600),
        None,
    ]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (WorkflowCompleted(at=50), "Completed"),
        (WorkflowFailed(at=50, failure=Failure(kind="application")), "Failed"),
        (WorkflowCanceled(at=50), "Canceled"),
        (WorkflowTerminated(at=50), "Terminated"),
        (WorkflowTimedOut(at=50), "TimedOut"),
    ],
)
def test_a_closed_run_says_how_and_when_it_ended(end: Event, status: str) -> None:
    row = row_of(live_run(STARTED, end))
    assert row is not None
    assert (row.status, row.closed_at) == (status, 50)


def test_every_status_has_a_name() -> None:
    assert set(STATUS_NAMES) == set(Status)


def test_memo_and_search_attributes_are_json_that_sql_can_read_and_the_chain_is_named() -> None:
    start = msgspec.structs.replace(
        STARTED,
        memo={"note": Payload(msgspec.Raw(b'"urgent"'))},
        search_attributes={"CustomerId": {"type": "Keyword", "value": "c-17"}},
        first_run_id="run-0",
    )
    row = row_of(live_run(start))
    assert row is not None
    assert json.loads(row.memo or "") == {"note": {"data": "urgent"}}
    assert json.loads(row.search_attributes or "") == {"CustomerId": {"type": "Keyword", "value": "c-17"}}
    assert row.first_run_id == "run-0"
