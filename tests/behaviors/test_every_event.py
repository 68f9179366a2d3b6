"""Every event has its place: in the aggregate, in the code, in the encoding; and every command has its decision."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from tests.behaviors.plays import step
from tests.behaviors.rehearsal import CANCELED, FINAL, START, new_run
from tests.events.facts import EXAMPLES, example
from understudy.actors.behaviors.code.run import Phase
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    CompleteActivity,
    CompleteChild,
    CompleteLocalActivity,
    DeferActivity,
    FailActivity,
    FailChild,
    FailLocalActivity,
    NoteChild,
    NoteChildCanceling,
    NoteChildConflict,
    NoteMessage,
    PauseWorkflow,
    RecordHeartbeat,
    ReportActivity,
    ResetWorkflow,
    SignalWorkflow,
    TerminateWorkflow,
    UnpauseWorkflow,
    UpdateWorkflow,
    Wake,
)
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.behaviors.decisions.reset import reset
from understudy.events.activity import (
    ActivityCanceled,
    ActivityCancelRequested,
    ActivityScheduled,
    LocalActivityCompleted,
    LocalActivityFailed,
)
from understudy.events.catalogue import CATALOGUE
from understudy.events.child import (
    ChildCancelDelivered,
    ChildCancelRequested,
    ChildCompleted,
    ChildFailed,
    ChildInitiated,
    ChildStarted,
)
from understudy.events.errors import NondeterminismError, UnknownUpdateError
from understudy.events.event import Event, Fact, Request
from understudy.events.failures.failure import Failure
from understudy.events.marker import PatchRecorded, SideEffectRecorded, VersionRecorded
from understudy.events.options.policies import ChildWorkflowCancellationType
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested, MessageDelivered, MessageFailed
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.upsert import MemoUpserted, SearchAttributesUpserted
from understudy.events.workflow import WorkflowFailed, WorkflowPaused, WorkflowStarted

FACTS: Final = [cls for cls in CATALOGUE.values() if issubclass(cls, Fact)]
REQUESTS: Final = [event for event in EXAMPLES if isinstance(event, Request)]
COMMANDS: Final[tuple[Command, ...]] = (
    SignalWorkflow(name="add"),
    CancelWorkflow(),
    TerminateWorkflow(),
    PauseWorkflow(),
    UnpauseWorkflow(),
    ResetWorkflow(event_id=2),
    Wake(),
    CompleteActivity(seq=1, attempt=1),
    FailActivity(seq=1, attempt=1, failure=FINAL),
    RecordHeartbeat(seq=1, attempt=1, details=(example(SideEffectRecorded).value,)),
    DeferActivity(seq=1, attempt=1),
    ReportActivity(report=CompleteActivity(seq=0, attempt=0), activity="1"),
    CompleteLocalActivity(seq=2, activity_type="add", activity_id="", attempt=1),
    FailLocalActivity(seq=2, activity_type="add", activity_id="", attempt=1, failure=FINAL),
    UpdateWorkflow(update_id="update-1", name="price"),
    NoteChild(seq=1, run_id="run-3"),
    NoteChildConflict(seq=1),
    NoteChildCanceling(seq=2),
    CompleteChild(seq=1, run_id="run-3"),
    FailChild(seq=1, run_id="run-3", failure=FINAL),
    NoteMessage(seq=1),
)

before: Final[dict[type[Event], tuple[Event, ...]]] = {
    cls: (ActivityScheduled(at=20, seq=3, activity_type="charge"),)
    for cls in CATALOGUE.values()
    if cls.topic.startswith("activity.") and cls is not ActivityScheduled
}
before[ActivityCanceled] = (*before[ActivityCanceled], ActivityCancelRequested(at=21, seq=3))
first_of: Final[dict[str, type[Event]]] = {"child": ChildInitiated, "update": UpdateAccepted}
for room, first in first_of.items():
    before.update(
        {
            each: (example(first),)
            for each in CATALOGUE.values()
            if each.topic.split(".")[0] == room and each is not first
        }
    )
before[ChildCancelDelivered] = (example(ChildInitiated), example(ChildCancelRequested))
before[ChildCompleted] = before[ChildFailed] = (example(ChildInitiated), example(ChildStarted))
before[MessageDelivered] = before[MessageFailed] = (example(ExternalSignalRequested),)
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
    if isinstance(fact, LocalActivityCompleted | LocalActivityFailed | UpdateAccepted):
        with pytest.raises((NondeterminismError, UnknownUpdateError)):
            run.activate(fact, START)
    elif cls.topic == "workflow.cancel_requested":
        assert [request.topic for request in run.activate(fact, START)][-1] == "workflow.canceled"
    else:
        assert run.activate(fact, START) == []
        assert run.phase is Phase.RUNNING
    run.close()


def payload_of(value: object) -> Any:
    """A value as it is stored."""
    return msgspec.structs.replace(example(SideEffectRecorded).value, raw=msgspec.Raw(msgspec.json.encode(value)))


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
    UpdateCompleted: [{"update_id": "update-2"}],
    ChildInitiated: [{"seq": 4}, {"workflow_type": "Letter"}, {"workflow_id": "parcel-2"}],
    ChildCancelRequested: [{"seq": 4}],
    ExternalSignalRequested: [{"seq": 4}, {"name": "other"}, {"workflow_id": "order-3"}],
    ExternalCancelRequested: [{"seq": 4}, {"workflow_id": "order-3"}],
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


def decided(command: Command, history: list[Event], now: int) -> list[Event]:
    """What a command means. A reset is decided from the whole stream: its events are those of another run."""
    if isinstance(command, ResetWorkflow):
        return reset("run-1", history, command, "run-2", now).events[1:]
    return decide(fold("run-1", history), command, now)


@pytest.mark.parametrize("command", COMMANDS, ids=name)
def test_every_command_has_a_decision_whose_events_the_aggregate_takes(command: Command) -> None:
    history: list[Event] = [
        WorkflowStarted(at=10, workflow_id="order-1", workflow_type="Order", task_queue="orders", run_timeout=50),
        ActivityScheduled(at=20, seq=1, activity_type="charge"),
        ChildInitiated(at=20, seq=1, workflow_id="parcel-1", workflow_type="Parcel", task_queue="q"),
        ChildInitiated(
            at=20,
            seq=2,
            workflow_id="parcel-2",
            workflow_type="Parcel",
            task_queue="q",
            cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_REQUESTED,
        ),
        ChildCancelRequested(at=20, seq=2),
        ExternalCancelRequested(at=20, seq=1, workflow_id="order-2"),
    ]
    if isinstance(command, UnpauseWorkflow):
        history.append(WorkflowPaused(at=20))
    events = decided(command, history, 100)
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
    apply(state, start)
    run = new_run(step, state)
    for request in run.activate(start, START):
        apply(state, request)
    apply(state, ActivityCancelRequested(at=START, seq=1))
    (event,) = decide(state, FailActivity(seq=1, attempt=1, failure=CANCELED), START)
    assert isinstance(event, ActivityCanceled)
    apply(state, event)
    assert [request.topic for request in run.activate(event, START)] == ["workflow.failed"]
    run.close()
