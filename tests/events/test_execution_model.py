"""The aggregate against a model of it: random commands and requests, in any order, lead both to the same state.

The model is written the long way round: it has the whole list of what has happened, and asks that list. What hypothesis
finds to do is whatever an actor might do: decide on a command, with numbers that exist and numbers that do not, or
record a request of the code.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from understudy.actors.behaviors.decisions.activities import attempts_due
from understudy.actors.behaviors.decisions.commands import (
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
from understudy.actors.behaviors.decisions.decide import decide
from understudy.events.activity import ActivityCancelRequested, ActivityPhase, ActivityScheduled
from understudy.events.catalogue import TOPICS, decode_event
from understudy.events.errors import WorkflowClosedError
from understudy.events.event import Event, encode_event
from understudy.events.failures.failure import Failure
from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.timer import TimerCanceled, TimerStarted
from understudy.events.workflow import CLOSING, WorkflowCompleted, WorkflowStarted

ANY_SEQ = st.integers(1, 6)
ANY_ATTEMPT = st.integers(1, 3)
OUTCOMES = {"activity.completed", "activity.failed", "activity.timed_out", "activity.canceled"}
PHASES = {
    "activity.scheduled": ActivityPhase.SCHEDULED,
    "activity.retry_scheduled": ActivityPhase.BACKING_OFF,
    "activity.cancel_requested": ActivityPhase.CANCELING,
}
FAILURES = st.sampled_from(
    [
        Failure(kind="application", message="try again"),
        Failure(kind="application", message="never", non_retryable=True),
        Failure(kind="canceled", message="Cancelled"),
    ]
)


class History(RuleBasedStateMachine):
    """One run from its start on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000
        self.events: list[Event] = []
        self.execution = WorkflowExecution("run-1")
        self.activities = self.timers = 0

    # -- what may happen ---------------------------------------------------------------------------------------------

    def record(self, event: Event) -> None:
        apply(self.execution, event)
        self.events.append(event)

    def do(self, command: Command) -> list[Event]:
        """Decide and record; a closed run may refuse."""
        was_open = self.execution.is_open
        try:
            events = decide(self.execution, command, self.now)
        except WorkflowClosedError:
            assert not was_open
            return []
        for event in events:
            if self.execution.is_open:  # the shell drops what falls due together with the end
                self.record(event)
        return events

    @initialize(timeout=st.sampled_from([0, 60]), request_id=st.sampled_from(["", "a"]))
    def start(self, timeout: int, request_id: str) -> None:
        self.record(
            WorkflowStarted(
                at=self.now,
                workflow_id="order-1",
                workflow_type="Order",
                task_queue="orders",
                run_timeout=timeout,
                request_id=request_id,
            )
        )

    @rule(by=st.integers(0, 40))
    def time_passes(self, by: int) -> None:
        self.now += by

    @precondition(lambda self: self.execution.is_open)
    @rule(limit=st.sampled_from([0, 30]), attempts=st.integers(0, 2))
    def code_schedules_an_activity(self, limit: int, attempts: int) -> None:
        self.activities += 1
        self.record(
            ActivityScheduled(
                at=self.now,
                seq=self.activities,
                activity_type="charge",
                schedule_to_close=limit,
                retry_policy=StoredRetryPolicy(initial_interval=5, maximum_attempts=attempts),
            )
        )

    @precondition(lambda self: self.execution.is_open)
    @rule(delay=st.integers(1, 50))
    def code_starts_a_timer(self, delay: int) -> None:
        self.timers += 1
        self.record(TimerStarted(at=self.now, seq=self.timers, fire_at=self.now + delay))

    @precondition(lambda self: self.execution.timers)
    @rule(data=st.data())
    def code_cancels_a_timer(self, data: st.DataObject) -> None:
        self.record(TimerCanceled(at=self.now, seq=data.draw(st.sampled_from(sorted(self.execution.timers)))))

    @rule(seq=ANY_SEQ)
    def code_no_longer_wants_an_activity(self, seq: int) -> None:
        pending = self.execution.activities.get(seq)
        if pending is not None and pending.phase is not ActivityPhase.CANCELING:
            self.record(ActivityCancelRequested(at=self.now, seq=seq))

    @precondition(lambda self: self.execution.is_open)
    @rule()
    def code_asks_for_a_local_activity(self) -> None:
        self.activities += 1  # it shares the numbers, and nothing is recorded

    @rule(seq=ANY_SEQ, attempt=ANY_ATTEMPT)
    def an_attempt_returns(self, seq: int, attempt: int) -> None:
        self.do(CompleteActivity(seq=seq, attempt=attempt))

    @rule(seq=ANY_SEQ, attempt=ANY_ATTEMPT, failure=FAILURES)
    def an_attempt_fails(self, seq: int, attempt: int, failure: Failure) -> None:
        self.do(FailActivity(seq=seq, attempt=attempt, failure=failure))

    @rule(seq=ANY_SEQ, attempt=ANY_ATTEMPT, details=st.integers(0, 3))
    def an_attempt_beats(self, seq: int, attempt: int, details: int) -> None:
        self.do(RecordHeartbeat(seq=seq, attempt=attempt, details=(Payload(msgspec.Raw(b"%d" % details)),)))

    @precondition(lambda self: self.locals_without_outcome() or not self.execution.is_open)
    @rule(data=st.data(), fails=st.booleans())
    def a_local_activity_ends(self, data: st.DataObject, *, fails: bool) -> None:
        asked = sorted(self.locals_without_outcome()) or [1]
        fields: dict[str, Any] = {"seq": data.draw(st.sampled_from(asked)), "activity_type": "add", "activity_id": ""}
        command: Command = CompleteLocalActivity(attempt=1, **fields)
        if fails:
            command = FailLocalActivity(attempt=1, failure=Failure(kind="activity"), **fields)
        was_open = self.execution.is_open
        assert len(self.do(command)) == was_open
        assert self.do(command) == []

    @rule(request_id=st.sampled_from(["", "a", "b"]))
    def somebody_signals(self, request_id: str) -> None:
        seen = bool(request_id) and any(getattr(event, "request_id", "") == request_id for event in self.events)
        was_open = self.execution.is_open
        assert len(self.do(SignalWorkflow(name="add", request_id=request_id))) == (was_open and not seen)

    @rule()
    def somebody_cancels(self) -> None:
        expected = self.execution.is_open and "workflow.cancel_requested" not in self.topics()
        assert len(self.do(CancelWorkflow())) == expected

    @rule()
    def what_is_due_happens(self) -> None:
        due = [fire_at for fire_at in self.open_timers().values() if fire_at <= self.now]
        timed_out = self.execution.start.run_timeout and self.now >= 1_000 + self.execution.start.run_timeout
        events = self.do(Wake()) if self.execution.is_open else []
        if events and not timed_out:
            assert sum(event.topic == "timer.fired" for event in events) == len(due)

    @precondition(lambda self: len(self.events) > 12)
    @rule(by_code=st.booleans())
    def the_run_ends(self, *, by_code: bool) -> None:
        if by_code and self.execution.is_open:
            self.record(WorkflowCompleted(at=self.now))
        else:
            self.do(TerminateWorkflow())

    # -- the model ---------------------------------------------------------------------------------------------------

    def topics(self) -> list[str]:
        return [event.topic for event in self.events]

    def of(self, machine: str, seq: int) -> list[str]:
        """What has happened to one activity or timer."""
        return [e.topic for e in self.events if e.topic.startswith(f"{machine}.") and getattr(e, "seq", 0) == seq]

    def locals_without_outcome(self) -> set[int]:
        numbers = range(1, self.activities + 1)
        return {seq for seq in numbers if not self.of("activity", seq) and not self.of("local_activity", seq)}

    def open_timers(self) -> dict[int, int]:
        if not self.execution.is_open:
            return {}
        started = [event for event in self.events if isinstance(event, TimerStarted)]
        return {event.seq: event.fire_at for event in started if self.of("timer", event.seq) == ["timer.started"]}

    @invariant()
    def no_gaps_the_version_counts_the_events(self) -> None:
        assert self.execution.version == len(self.events)

    @invariant()
    def once_recorded_an_activity_has_one_outcome_and_nothing_behind_it(self) -> None:
        still_open: set[int] = set()
        for seq in range(1, self.activities + 1):
            happened = self.of("activity", seq)
            outcomes = [topic for topic in happened if topic in OUTCOMES]
            assert len(outcomes) <= 1
            assert not outcomes or happened[-1] in OUTCOMES
            assert len(self.of("local_activity", seq)) <= 1
            if happened and not outcomes and self.execution.is_open:
                still_open.add(seq)
        assert set(self.execution.activities) == still_open

    @invariant()
    def the_phase_of_an_activity_is_what_has_happened_to_it(self) -> None:
        for seq, pending in self.execution.activities.items():
            happened = [topic for topic in self.of("activity", seq) if not topic.endswith("heartbeat_recorded")]
            assert pending.phase is PHASES[happened[-1]]
            assert pending.attempt == 1 + happened.count("activity.retry_scheduled")

    @invariant()
    def once_recorded_the_open_timers_are_those_that_neither_fired_nor_were_cancelled(self) -> None:
        assert {seq: timer.fire_at for seq, timer in self.execution.timers.items()} == self.open_timers()
        assert all(len(self.of("timer", seq)) <= 2 for seq in range(1, self.timers + 1))

    @invariant()
    def no_timer_is_forgotten_by_the_deadlines(self) -> None:
        deadline, waiting = self.execution.next_deadline(), self.open_timers().values()
        assert not waiting or (deadline is not None and deadline <= min(waiting))
        assert self.execution.is_open or deadline is None

    @invariant()
    def an_attempt_is_due_unless_its_activity_backs_off(self) -> None:
        due = {pending.scheduled.seq for pending in attempts_due(self.execution, self.now)}
        waits = {
            seq
            for seq, pending in self.execution.activities.items()
            if pending.phase is ActivityPhase.BACKING_OFF and pending.next_at > self.now
        }
        assert due == set(self.execution.activities) - waits

    @invariant()
    def closed_nothing_follows_a_closing_event(self) -> None:
        closing = [index for index, event in enumerate(self.events) if type(event) in CLOSING]
        assert closing in ([], [len(self.events) - 1])
        assert self.execution.is_open == (not closing)

    def teardown(self) -> None:
        """What went through the store leads to the same state."""
        stored = [(TOPICS[type(event)], encode_event(event)) for event in self.events]
        again = fold("run-1", [decode_event(topic, state) for topic, state in stored])
        assert repr(again) == repr(self.execution)
        assert again.next_deadline() in {self.execution.next_deadline(), *self.deadlines_handed_out()}
        assert {seq: repr(p) for seq, p in again.activities.items()} == {
            seq: repr(p) for seq, p in self.execution.activities.items()
        }

    def deadlines_handed_out(self) -> set[int]:
        """A wake-up is handed out once in an actor's life, so that the next actor has it again."""
        retries = {pending.next_at for pending in self.execution.activities.values()}
        return retries | {deadline for deadline in [self.execution.start.execution_deadline] if deadline}


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
