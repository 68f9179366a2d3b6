"""Deciding about messages: recorded once per message id (ONCE-RECORDED), refused behind the end (CLOSED)."""

from __future__ import annotations

from typing import Final

import pytest

from tests.behaviors.given import NOW, VALUE, given, started
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    SignalWorkflow,
    TerminateWorkflow,
    UpdateWorkflow,
)
from understudy.events.errors import WorkflowClosedError
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.signal import SignalReceived
from understudy.events.update import UpdateAccepted, UpdateCompleted
from understudy.events.workflow import (
    WorkflowCanceled,
    WorkflowCancelRequested,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowTerminated,
    WorkflowTimedOut,
)

ENDS: Final[tuple[tuple[Event, str], ...]] = (
    (WorkflowCompleted(at=50), "COMPLETED"),
    (WorkflowFailed(at=50, failure=Failure(kind="application")), "FAILED"),
    (WorkflowCanceled(at=50), "CANCELED"),
    (WorkflowTerminated(at=50), "TERMINATED"),
    (WorkflowTimedOut(at=50), "TIMED_OUT"),
)
MESSAGES: Final[tuple[Command, ...]] = (
    SignalWorkflow(name="add"),
    UpdateWorkflow(update_id="u", name="add"),
    CancelWorkflow(),
    TerminateWorkflow(),
)


def test_a_signal_is_recorded_as_it_came() -> None:
    command = SignalWorkflow(name="add", input=(VALUE,), headers={"trace": VALUE}, identity="42@host", request_id="a")
    then = SignalReceived(
        at=NOW, name="add", input=(VALUE,), headers={"trace": VALUE}, identity="42@host", request_id="a"
    )
    given(started()).when(command).then(then)


def test_once_recorded_a_signal_with_the_same_message_id_is_no_event() -> None:
    before = SignalReceived(at=50, name="add", request_id="a")
    given(started(), before).when(SignalWorkflow(name="add", request_id="a")).then_nothing()


def test_once_recorded_the_signal_that_started_the_run_is_not_recorded_again() -> None:
    given(started(request_id="a")).when(SignalWorkflow(name="add", request_id="a")).then_nothing()


def test_once_recorded_a_signal_that_is_sent_again_behind_the_end_is_acknowledged() -> None:
    before = SignalReceived(at=40, name="add", request_id="a")
    given(started(), before, WorkflowCompleted(at=50)).when(SignalWorkflow(name="add", request_id="a")).then_nothing()


def test_signals_without_a_message_id_or_with_another_are_all_recorded() -> None:
    before = SignalReceived(at=50, name="add", request_id="a")
    given(started(), before).when(SignalWorkflow(name="add")).then(SignalReceived(at=NOW, name="add"))
    other = SignalReceived(at=NOW, name="add", request_id="b")
    given(started(), before).when(SignalWorkflow(name="add", request_id="b")).then(other)
    given(started(), SignalReceived(at=50, name="add")).when(SignalWorkflow(name="add")).then(
        SignalReceived(at=NOW, name="add")
    )


def test_an_update_that_was_let_in_is_recorded_as_it_came() -> None:
    command = UpdateWorkflow(update_id="u", name="add", input=(VALUE,), headers={"trace": VALUE}, identity="42@host")
    then = UpdateAccepted(
        at=NOW, update_id="u", name="add", input=(VALUE,), headers={"trace": VALUE}, identity="42@host"
    )
    given(started()).when(command).then(then)


def test_once_recorded_an_update_with_the_same_id_is_no_event_whether_it_is_completed_or_not() -> None:
    accepted, again = UpdateAccepted(at=40, update_id="u", name="add"), UpdateWorkflow(update_id="u", name="add")
    given(started(), accepted).when(again).then_nothing()
    given(started(), accepted, UpdateCompleted(at=50, update_id="u")).when(again).then_nothing()
    given(started(), accepted).when(UpdateWorkflow(update_id="v", name="add")).then(
        UpdateAccepted(at=NOW, update_id="v", name="add")
    )


def test_once_recorded_an_update_that_is_sent_again_behind_the_end_is_acknowledged() -> None:
    history = (started(), UpdateAccepted(at=40, update_id="u", name="add"), WorkflowCompleted(at=50))
    given(*history).when(UpdateWorkflow(update_id="u", name="add")).then_nothing()


def test_an_update_and_a_signal_may_have_the_same_id() -> None:
    before = SignalReceived(at=40, name="add", request_id="u")
    given(started(), before).when(UpdateWorkflow(update_id="u", name="add")).then(
        UpdateAccepted(at=NOW, update_id="u", name="add")
    )


def test_a_cancellation_is_recorded_as_it_came() -> None:
    command = CancelWorkflow(reason="no longer wanted", identity="42@host", request_id="a")
    then = WorkflowCancelRequested(at=NOW, reason="no longer wanted", identity="42@host", request_id="a")
    given(started()).when(command).then(then)


def test_once_recorded_a_run_is_asked_to_cancel_once() -> None:
    given(started(), WorkflowCancelRequested(at=50)).when(CancelWorkflow(request_id="b")).then_nothing()


def test_a_termination_ends_the_run_and_says_why() -> None:
    command = TerminateWorkflow(reason="stuck", details=(VALUE,), identity="42@host")
    then = WorkflowTerminated(at=NOW, reason="stuck", details=(VALUE,), identity="42@host")
    given(started()).when(command).then(then)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize(("end", "status"), ENDS, ids=lambda value: getattr(value, "topic", ""))
def test_closed_a_message_behind_the_end_is_refused_and_told_how_it_ended(
    end: Event, status: str, message: Command
) -> None:
    caught = given(started(), end).when(message).then_refused(WorkflowClosedError)
    assert caught.value.fields() == {"workflow_id": "order-1", "run_id": "run-1", "outcome": status}


def test_closed_a_run_that_was_asked_to_cancel_refuses_a_cancellation_behind_its_end() -> None:
    history = (started(), WorkflowCancelRequested(at=40), WorkflowCanceled(at=50))
    given(*history).when(CancelWorkflow()).then_refused(WorkflowClosedError)
