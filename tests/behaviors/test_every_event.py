"""Every event has its place: in the aggregate, in the code, in the encoding; and every command has its decision."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from tests.behaviors.plays import step
from tests.behaviors.rehearsal import CANCELED, FINAL, START, new_run
from tests.events.facts import EXAMPLES, example
from understudy.actors.behaviors.command import (
    CancelWorkflow,
    Command,
    CompleteActivity,
    CompleteLocalActivity,
    FailActivity,
    FailLocalActivity,
    RecordHeartbeat,
    SignalWorkflow,
    TerminateWorkflow,
    Wake,
)
from understudy.actors.behaviors.decide import decide
from understudy.actors.behaviors.run import Phase
from understudy.events.activity import (
    ActivityCanceled,
    ActivityCancelRequested,
    ActivityScheduled,
    LocalActivityCompleted,
    LocalActivityFailed,
)
from understudy.events.catalogue import CATALOGUE
from understudy.events.errors import NondeterminismError
from understudy.events.event import Event, Fact, Request
from understudy.events.execution import WorkflowExecution, fold
from understudy.events.failure import Failure
from understudy.events.marker import PatchRecorded, SideEffectRecorded, VersionRecorded
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.upsert import MemoUpserted, SearchAttributesUpserted
from understudy.events.workflow import WorkflowFailed, WorkflowStarted

FACTS: Final = [cls for cls in CATALOGUE.values() if issubclass(cls, Fact)]
REQUESTS: Final = [event for event in EXAMPLES if isinstance(event, Request)]
COMMANDS: Final[tuple[Command, ...]] = (
    SignalWorkflow(name="add"),
    CancelWorkflow(),
    TerminateWorkflow(),
    Wake(),
    CompleteActivity(seq=1, attempt=1),
    FailActivity(seq=1, attempt=1, failure=FINAL),
    RecordHeartbeat(seq=1, attempt=1, details=(example(SideEffectRecorded).value,)),
    CompleteLocalActivity(seq=2, activity_type="add", activity_id="", attempt=1),
    FailLocalActivity(seq=2, activity_type="add", activity_id="", attempt=1, failure=FINAL),
)

before: Final[dict[type[Event], tuple[Event, ...]]] = {
    cls: (ActivityScheduled(at=20, seq=3, activity_type="charge"),)
    for cls in CATALOGUE.values()
    if cls.topic.startswith("activity.") and cls is not ActivityScheduled
}
before[ActivityCanceled] = (*before[ActivityCanceled], ActivityCancelRequested(at=21, seq=3))
before[TimerFired] = before[TimerCanceled] = (TimerStarted(at=20, seq=2, fire_at=30),)
"""What has to stand in front of an example, beside the start."""


def name(value: Any) -> str:
    """An event or a command as a word."""
    return str(getattr(value, "topic", type(value).__name__))


@pytest.mark.parametrize("event", EXAMPLES, ids=name)
def test_every_event_is_taken_by_the_aggregate(event: Event) -> None:
    start = () if isinstance(event, WorkflowStarted) else (example(WorkflowStarted),)
    history = (*start, *before.get(type(event), ()))
    assert fold("run-1", [*history, event]).version == len(history) + 1


@pytest.mark.parametrize("cls", FACTS, ids=name)
def test_every_fact_is_taken_by_the_code_and_one_that_means_nothing_to_it_changes_nothing(cls: type[Event]) -> None:
    start = WorkflowStarted(
        at=START, workflow_id="order-1", workflow_type="step", task_queue="q", input=(payload_of(3),)
    )
    state = fold("run-1", [start])
    run = new_run(step, state)
    asked = run.activate(start, START)
    assert [request.topic for request in asked] == ["activity.scheduled"]
    fact = example(cls)
    assert isinstance(fact, Fact)
    if isinstance(fact, WorkflowStarted):
        return
    if isinstance(fact, LocalActivityCompleted | LocalActivityFailed):
        with pytest.raises(NondeterminismError):
            run.activate(fact, START)
    elif cls.topic == "workflow.cancel_requested":
        assert [request.topic for request in run.activate(fact, START)][-1] == "workflow.canceled"
    else:
        assert run.activate(fact, START) == []
        assert run.phase is Phase.RUNNING
    run.close()


def payload_of(value: object) -> Any:
    """A value as it is stored."""
    return msgspec.structs.replace(example(SideEffectRecorded).value, data=msgspec.Raw(msgspec.json.encode(value)))


@pytest.mark.parametrize("event", REQUESTS, ids=name)
def test_every_request_is_the_same_as_itself_at_another_time_and_from_another_line(event: Request) -> None:
    changed: dict[str, Any] = {"at": 99}
    if "source" in event.__struct_fields__:
        changed["source"] = "elsewhere.py:1"
    assert event.same_request(msgspec.structs.replace(event, **changed))


@pytest.mark.parametrize("event", REQUESTS, ids=name)
@pytest.mark.parametrize("other", EXAMPLES, ids=name)
def test_no_request_is_the_same_as_an_event_of_another_class(event: Request, other: Event) -> None:
    assert event.same_request(other) == (type(event) is type(other))


DIFFERENT: Final[dict[type[Request], list[dict[str, Any]]]] = {
    ActivityScheduled: [{"seq": 4}, {"activity_type": "pack"}, {"activity_id": "other"}],
    ActivityCancelRequested: [{"seq": 4}],
    TimerStarted: [{"seq": 4}],
    TimerCanceled: [{"seq": 4}],
    SideEffectRecorded: [{"seq": 5}],
    PatchRecorded: [{"patch_id": "pounds"}],
    VersionRecorded: [{"change_id": "toll"}],
    MemoUpserted: [{"memo": {"stage": None}}],
    SearchAttributesUpserted: [{"search_attributes": {"City": None}}],
}


@pytest.mark.parametrize(
    ("cls", "changes"), [(cls, change) for cls, changes in DIFFERENT.items() for change in changes], ids=str
)
def test_a_request_is_another_when_what_it_is_about_is_another(cls: type[Request], changes: dict[str, Any]) -> None:
    event = example(cls)
    other = msgspec.structs.replace(event, **changes)
    assert not event.same_request(other)
    assert not other.same_request(event)


def test_a_request_whose_identity_is_a_number_is_among_those_that_are_compared_by_it() -> None:
    numbered = {cls for cls in CATALOGUE.values() if issubclass(cls, Request) and "seq" in cls.__struct_fields__}
    assert numbered <= set(DIFFERENT)


def test_a_closing_request_may_close_otherwise_than_before_only_in_its_fields() -> None:
    failed = example(WorkflowFailed)
    assert failed.same_request(WorkflowFailed(at=1, failure=Failure(kind="application", message="another")))


# -- commands --------------------------------------------------------------------------------------------------------


def commands_below(cls: type[Command]) -> set[type[Command]]:
    """All commands there are."""
    return {below for each in cls.__subclasses__() for below in {each, *commands_below(each)}}


def test_every_command_has_an_example_here() -> None:
    assert commands_below(Command) == set(map(type, COMMANDS))


@pytest.mark.parametrize("command", COMMANDS, ids=name)
def test_every_command_has_a_decision_whose_events_the_aggregate_takes(command: Command) -> None:
    history: list[Event] = [
        WorkflowStarted(at=10, workflow_id="order-1", workflow_type="Order", task_queue="orders", run_timeout=50),
        ActivityScheduled(at=20, seq=1, activity_type="charge"),
    ]
    events = decide(fold("run-1", history), command, 100)
    assert events
    assert all(event.at == 100 for event in events)
    assert fold("run-1", [*history, *events]).version == len(history) + len(events)


@pytest.mark.parametrize("command", COMMANDS, ids=name)
def test_every_command_is_frozen_and_says_in_the_imperative_what_to_do(command: Command) -> None:
    assert not type(command).__name__.endswith("ed")
    for field in msgspec.structs.fields(command):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(command, field.name, None)


def test_a_decision_about_a_cancelled_attempt_is_an_event_that_the_code_takes() -> None:
    state = WorkflowExecution("run-1")
    start = WorkflowStarted(
        at=START, workflow_id="order-1", workflow_type="step", task_queue="q", input=(payload_of(3),)
    )
    state.apply(start)
    run = new_run(step, state)
    for request in run.activate(start, START):
        state.apply(request)
    state.apply(ActivityCancelRequested(at=START, seq=1))
    (event,) = decide(state, FailActivity(seq=1, attempt=1, failure=CANCELED), START)
    assert isinstance(event, ActivityCanceled)
    state.apply(event)
    assert [request.topic for request in run.activate(event, START)] == ["workflow.failed"]
    run.close()
