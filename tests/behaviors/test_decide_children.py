"""Decisions about children and messages: late, repeated and foolish news mean nothing (ONCE-RECORDED)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from tests.behaviors.given import AGAIN, FINAL, NOW, VALUE, given, started
from understudy.actors.behaviors.decisions.child_runs import child_run_id, child_start, end_of_child
from understudy.actors.behaviors.decisions.children import child_failure
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    CompleteChild,
    FailChild,
    NoteChild,
    NoteChildCanceling,
    NoteChildConflict,
    NoteMessage,
    SignalWorkflow,
)
from understudy.events.child import (
    ChildCancelDelivered,
    ChildCancelRequested,
    ChildCompleted,
    ChildFailed,
    ChildInitiated,
    ChildStarted,
    ChildStartFailed,
)
from understudy.events.errors import WorkflowClosedError
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import ChildWorkflowCancellationType as Type
from understudy.events.options.policies import RetryState
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.outbound import ExternalCancelRequested, ExternalSignalRequested, MessageDelivered, MessageFailed
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import fold
from understudy.events.state.pending import PendingChild
from understudy.events.workflow import (
    WorkflowCanceled,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowTerminated,
    WorkflowTimedOut,
)

RUN: Final = "9f2c9f9e-0000-4000-8000-000000000001"
COMPLETE: Final = CompleteChild(seq=1, run_id="child-1", result=VALUE)
FAIL: Final = FailChild(seq=1, run_id="child-1", failure=FINAL, retry_state=RetryState.RETRY_POLICY_NOT_SET)
BEGAN: Final = ChildStarted(at=30, seq=1, run_id="child-1")
ASKED: Final = ChildCancelRequested(at=40, seq=1, reason="late")
CLOSED: Final = WorkflowCompleted(at=60)
SIGNAL: Final = ExternalSignalRequested(at=20, seq=1, workflow_id="order-2", name="go")
CANCEL: Final = ExternalCancelRequested(at=20, seq=1, workflow_id="order-2")


def initiated(seq: int = 1, **fields: Any) -> ChildInitiated:
    """A request for a child at 20."""
    named: dict[str, Any] = {"at": 20, "workflow_id": "ship-1", "workflow_type": "Ship", "task_queue": "q", **fields}
    return ChildInitiated(seq=seq, **named)


def failed(command: FailChild = FAIL) -> ChildFailed:
    """The event that a failure of the child becomes."""
    return ChildFailed(at=NOW, seq=1, failure=child_failure(PendingChild(initiated()), command))


# -- what a parent is told -------------------------------------------------------------------------------------------


def test_a_start_is_recorded_once() -> None:
    news = NoteChild(seq=1, run_id="child-1")
    given(initiated()).when(news).then(ChildStarted(at=NOW, seq=1, run_id="child-1"))
    given(initiated(), BEGAN).when(news).then_nothing()


def test_a_start_is_recorded_also_of_a_child_that_is_to_cancel() -> None:
    given(initiated(), ASKED).when(NoteChild(seq=1, run_id="c")).then(ChildStarted(at=NOW, seq=1, run_id="c"))


def test_an_id_that_is_taken_is_recorded_unless_the_child_runs() -> None:
    news = NoteChildConflict(seq=1, run_id="other")
    given(initiated()).when(news).then(ChildStartFailed(at=NOW, seq=1, run_id="other"))
    given(initiated(), BEGAN).when(news).then_nothing()


@pytest.mark.parametrize("kind", Type)
def test_a_delivered_cancellation_is_recorded_for_who_waits_for_just_that(kind: Type) -> None:
    decision = given(initiated(cancellation_type=kind), BEGAN, ASKED).when(NoteChildCanceling(seq=1))
    if kind is Type.WAIT_CANCELLATION_REQUESTED:
        decision.then(ChildCancelDelivered(at=NOW, seq=1))
    else:
        decision.then_nothing()


def test_a_delivered_cancellation_is_recorded_once_and_only_if_it_was_asked_for() -> None:
    waits = initiated(cancellation_type=Type.WAIT_CANCELLATION_REQUESTED)
    delivered = ChildCancelDelivered(at=50, seq=1)
    given(waits, BEGAN, ASKED, delivered).when(NoteChildCanceling(seq=1)).then_nothing()
    given(waits, BEGAN).when(NoteChildCanceling(seq=1)).then_nothing()


def test_an_end_is_recorded_with_what_the_code_is_to_see() -> None:
    given(initiated(), BEGAN).when(COMPLETE).then(ChildCompleted(at=NOW, seq=1, result=VALUE))
    given(initiated(), BEGAN).when(FAIL).then(failed())
    failure = failed().failure
    assert (failure.kind, failure.seq, failure.workflow_id, failure.run_id) == ("child", 1, "ship-1", "child-1")
    assert (failure.cause, failure.retry_state) == (FINAL, RetryState.RETRY_POLICY_NOT_SET)


@pytest.mark.parametrize("end", [COMPLETE, FAIL])
def test_an_end_before_the_news_of_the_start_brings_that_along(end: Command) -> None:
    outcome = failed() if end is FAIL else ChildCompleted(at=NOW, seq=1, result=VALUE)
    given(initiated()).when(end).then(ChildStarted(at=NOW, seq=1, run_id="child-1"), outcome)


@pytest.mark.parametrize("end", [COMPLETE, FAIL])
def test_an_end_of_a_child_that_had_the_request_to_cancel_brings_that_along_for_who_waits_for_it(end: Any) -> None:
    waits = initiated(cancellation_type=Type.WAIT_CANCELLATION_REQUESTED)
    outcome = failed() if end is FAIL else ChildCompleted(at=NOW, seq=1, result=VALUE)
    delivered = ChildCancelDelivered(at=NOW, seq=1)
    canceling = msgspec.structs.replace(end, was_canceling=True)
    given(waits, BEGAN, ASKED).when(canceling).then(delivered, outcome)
    given(waits, ASKED).when(canceling).then(ChildStarted(at=NOW, seq=1, run_id="child-1"), delivered, outcome)
    given(waits, BEGAN, ASKED).when(end).then(outcome)
    given(waits, BEGAN).when(canceling).then(outcome)
    given(initiated(), BEGAN, ASKED).when(canceling).then(outcome)


NEWS: Final[tuple[Command, ...]] = (
    NoteChild(seq=1, run_id="child-1"),
    NoteChildConflict(seq=1),
    NoteChildCanceling(seq=1),
    COMPLETE,
    FAIL,
    NoteMessage(seq=1),
)


@pytest.mark.parametrize("news", NEWS, ids=lambda news: type(news).__name__)
def test_news_of_what_nobody_waits_for_means_nothing(news: Command) -> None:
    given(started()).when(news).then_nothing()
    given(initiated(), BEGAN, ChildCompleted(at=50, seq=1)).when(news).then_nothing()


@pytest.mark.parametrize("news", NEWS, ids=lambda news: type(news).__name__)
def test_closed_news_of_a_child_comes_too_late_for_a_closed_parent_and_is_no_error(news: Command) -> None:
    waits = initiated(cancellation_type=Type.WAIT_CANCELLATION_REQUESTED)
    given(waits, ASKED, CLOSED).when(news).then_nothing()


# -- messages to others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [SIGNAL, CANCEL])
def test_the_fate_of_a_message_is_recorded_once(asked: Event) -> None:
    delivered = MessageDelivered(at=NOW, seq=1)
    given(asked).when(NoteMessage(seq=1)).then(delivered)
    given(asked).when(NoteMessage(seq=1, failure=FINAL)).then(MessageFailed(at=NOW, seq=1, failure=FINAL))
    given(asked, MessageDelivered(at=50, seq=1)).when(NoteMessage(seq=1)).then_nothing()
    given(asked, MessageFailed(at=50, seq=1, failure=FINAL)).when(NoteMessage(seq=1)).then_nothing()


def test_once_recorded_a_signal_that_is_sent_again_is_known_also_by_a_closed_run() -> None:
    again = SignalWorkflow(name="go", request_id="run-2/1")
    received = SignalReceived(at=20, name="go", request_id="run-2/1")
    given(received).when(again).then_nothing()
    given(received, CLOSED).when(again).then_nothing()


def test_once_recorded_a_cancellation_that_is_sent_again_is_known_also_by_a_closed_run() -> None:
    again = CancelWorkflow(request_id="run-2/1")
    received = WorkflowCancelRequested(at=20, request_id="run-2/1")
    given(received).when(again).then_nothing()
    given(received, WorkflowCanceled(at=60)).when(again).then_nothing()


@pytest.mark.parametrize("request_id", ["", "run-2/2"])
def test_closed_another_cancellation_is_refused_by_a_closed_run(request_id: str) -> None:
    received = WorkflowCancelRequested(at=20, request_id="run-2/1" if request_id else "")
    another = CancelWorkflow(request_id=request_id)
    given(received, WorkflowCanceled(at=60)).when(another).then_refused(WorkflowClosedError)
    given(received).when(another).then_nothing()


# -- the child's side ------------------------------------------------------------------------------------------------


def test_the_run_id_of_a_child_follows_from_its_parents_and_its_number() -> None:
    parent = fold(RUN, [started()])
    ids = [child_run_id(parent, seq) for seq in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert child_run_id(fold(ids[0], [started()]), 1) not in ids


def test_a_child_starts_with_what_was_asked_for_and_knows_where_it_belongs() -> None:
    asked = initiated(
        2,
        input=(VALUE,),
        execution_timeout=500,
        run_timeout=50,
        task_timeout=5,
        retry_policy=StoredRetryPolicy(maximum_attempts=2),
        memo={"note": VALUE},
        search_attributes={"City": 1},
        headers={"trace": VALUE},
        summary="one",
        details="two",
        cron_schedule="@daily",
        priority=3,
        fairness_key="tenant",
        fairness_weight=2.0,
    )
    begun = child_start(fold(RUN, [started()]), asked, NOW)
    own = {
        "at",
        "execution_deadline",
        *(name for name in begun.__struct_fields__ if name.startswith(("parent", "root"))),
    }
    for name in set(asked.__struct_fields__) & set(begun.__struct_fields__) - own:
        assert getattr(begun, name) == getattr(asked, name), name
    assert (begun.at, begun.execution_deadline) == (NOW, NOW + 500)
    assert (begun.parent_workflow_id, begun.parent_run_id, begun.parent_seq) == ("order-1", RUN, 2)
    assert (begun.root_workflow_id, begun.root_run_id) == ("order-1", RUN)


def test_a_grandchild_has_the_root_of_its_parent_and_no_limit_where_none_was_given() -> None:
    parent = fold(RUN, [started(workflow_id="ship-1", root_workflow_id="order-1", root_run_id="run-0")])
    begun = child_start(parent, initiated(), NOW)
    assert (begun.parent_workflow_id, begun.root_workflow_id, begun.root_run_id) == ("ship-1", "order-1", "run-0")
    assert begun.execution_deadline == 0


WHY: Final = Failure(kind="canceled", message="as its parent wished")
LIMITED: Final = StoredRetryPolicy(maximum_attempts=1)
ENDS: Final[dict[str, tuple[dict[str, Any], Event, str, str, RetryState | None]]] = {
    "it failed": ({}, WorkflowFailed(at=60, failure=AGAIN), "application", "no stock", RetryState.RETRY_POLICY_NOT_SET),
    "its last attempt failed": (
        {"retry_policy": LIMITED, "execution_deadline": 1_000},
        WorkflowFailed(at=60, failure=AGAIN),
        "application",
        "no stock",
        RetryState.MAXIMUM_ATTEMPTS_REACHED,
    ),
    "it failed for good": (
        {"retry_policy": StoredRetryPolicy()},
        WorkflowFailed(at=60, failure=FINAL),
        "application",
        "never",
        RetryState.NON_RETRYABLE_FAILURE,
    ),
    "it was cancelled": ({}, WorkflowCanceled(at=60), "canceled", "Workflow execution canceled", None),
    "it was cancelled, and says so": ({}, WorkflowCanceled(at=60, failure=WHY), "canceled", WHY.message, None),
    "it was terminated": ({}, WorkflowTerminated(at=60), "terminated", "Workflow execution terminated", None),
    "it was terminated, and why": ({}, WorkflowTerminated(at=60, reason="no"), "terminated", "no", None),
    "its time ran out": ({}, WorkflowTimedOut(at=60), "timeout", "Workflow timed out", RetryState.TIMEOUT),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_parent_is_told_how_its_child_ended(how: str) -> None:
    fields, closing, kind, message, state = ENDS[how]
    child = fold("child-1", [started(parent_seq=3, **fields), closing])
    told = end_of_child(child, closing)
    assert isinstance(told, FailChild)
    assert (told.seq, told.run_id, told.retry_state) == (3, "child-1", state)
    assert (told.failure.kind, told.failure.message) == (kind, message)


def test_a_parent_is_told_whether_its_child_had_the_request_to_cancel() -> None:
    for closing in (WorkflowCompleted(at=60), WorkflowCanceled(at=60)):
        asked = fold("child-1", [started(parent_seq=3), WorkflowCancelRequested(at=50), closing])
        assert end_of_child(asked, closing).was_canceling
        assert not end_of_child(fold("child-1", [started(parent_seq=3), closing]), closing).was_canceling


def test_a_parent_is_told_the_result_under_the_first_run_of_its_child() -> None:
    closing = WorkflowCompleted(at=60, result=VALUE)
    child = fold("child-3", [started(parent_seq=3, first_run_id="child-1"), closing])
    assert end_of_child(child, closing) == CompleteChild(seq=3, run_id="child-1", result=VALUE)
