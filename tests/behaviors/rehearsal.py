"""A run without an engine: decisions, the fold and the code, led by hand through a scripted sequence of facts.

`Rehearsal.do` takes a command as an actor does: `decide` says which events it means, the aggregate folds them in, each
fact among them is activated in the code, and what the code asks for follows it. The clock is a number that the script
turns. `same_again` holds the law of that name against what came out: replayed whole, and cut behind every activation,
with new code going on live from there, the recorded facts lead to the same events, result and state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from understudy.actors.behaviors.command import (
    CancelWorkflow,
    Command,
    CompleteActivity,
    CompleteLocalActivity,
    FailActivity,
    FailLocalActivity,
    SignalWorkflow,
    Wake,
)
from understudy.actors.behaviors.decide import activity_failure, decide
from understudy.actors.behaviors.definition import WorkflowDefinition, workflow_of
from understudy.actors.behaviors.run import Run
from understudy.events.event import Event, Fact, Request
from understudy.events.execution import PendingActivity, WorkflowExecution, fold
from understudy.events.failure import Failure, FailureConverter
from understudy.events.marker import SideEffectRecorded
from understudy.events.payload import Payload, PayloadConverter
from understudy.events.policy import RetryState
from understudy.events.workflow import TurnDeferred, TurnResumed, WorkflowCompleted, WorkflowFailed, WorkflowStarted

__all__ = [
    "CANCELED",
    "FINAL",
    "SECOND",
    "START",
    "Rehearsal",
    "lead",
    "new_run",
    "payload",
    "payloads",
    "same_again",
    "topics",
    "value_of",
]

SECOND = 1_000_000_000
START = 1_763_771_696 * SECOND
"""When every rehearsal begins, ns since the epoch."""

FINAL = Failure(kind="application", message="no stock", type="NoStock", non_retryable=True)
"""A failure after which no attempt is made."""

CANCELED = Failure(kind="canceled", message="Cancelled")


def payload(value: Any) -> Payload:
    """A value as it is stored."""
    return PayloadConverter.default.encode(value)


def payloads(values: Sequence[Any]) -> tuple[Payload, ...]:
    """Values as they are stored."""
    return tuple(payload(value) for value in values)


def value_of(stored: Payload | None) -> Any:
    """The value of a payload, as JSON says it."""
    return None if stored is None else PayloadConverter.default.decode(stored, Any)


def topics(events: Sequence[Event]) -> list[str]:
    """What happened, by name."""
    return [event.topic for event in events]


def new_run(code: Any, execution: WorkflowExecution) -> Run:
    """The coroutine side of a run, as an actor makes it."""
    definition = code if isinstance(code, WorkflowDefinition) else workflow_of(code)
    return Run(definition, execution, PayloadConverter.default, FailureConverter.default)


class Rehearsal:
    """One run, its aggregate, its code and its stream so far.

    Args:
        code: A workflow class or function.
        *args: Its arguments.
        run_id: The run's id, which seeds its dice.
        **started: Further fields of the first event.
    """

    def __init__(self, code: Any, *args: Any, run_id: str = "run-1", **started: Any) -> None:
        self.code = code
        self.events: list[Event] = []
        self.execution = WorkflowExecution(run_id)
        self.run = new_run(code, self.execution)
        self.now = START
        self.take(
            WorkflowStarted(
                at=self.now,
                workflow_id="order-1",
                workflow_type=self.run.definition.label,
                task_queue="orders",
                input=payloads(args),
                **started,
            )
        )

    # -- what happens ------------------------------------------------------------------------------------------------

    def take(self, fact: Fact) -> list[Request]:
        """Record a fact, let the code take it, and record what the code asks for."""
        self.record(fact)
        requests = self.run.activate(fact, fact.at)
        for request in requests:
            self.record(request)
        return requests

    def record(self, event: Event) -> None:
        """Fold an event in and put it behind the others."""
        self.execution.apply(event)
        self.events.append(event)

    def do(self, command: Command) -> list[Event]:
        """Take a command; return all events that came of it."""
        before = len(self.events)
        for event in decide(self.execution, command, self.now):
            if isinstance(event, Fact):
                self.take(event)
            else:
                self.record(event)
        return self.events[before:]

    def complete(self, seq: int, value: Any = None) -> list[Event]:
        """An attempt of activity number `seq` returns."""
        result = None if value is None else payload(value)
        return self.do(CompleteActivity(seq=seq, attempt=self.pending(seq).attempt, result=result))

    def fail(self, seq: int, failure: Failure = FINAL) -> list[Event]:
        """An attempt of activity number `seq` fails."""
        return self.do(FailActivity(seq=seq, attempt=self.pending(seq).attempt, failure=failure))

    def end_canceled(self, seq: int) -> list[Event]:
        """An attempt of activity number `seq` ends as cancelled."""
        return self.fail(seq, CANCELED)

    def complete_local(self, seq: int, value: Any = None) -> list[Event]:
        """Local activity number `seq` returns."""
        scheduled = self.local(seq)
        result = None if value is None else payload(value)
        return self.do(
            CompleteLocalActivity(
                seq=seq,
                activity_type=scheduled.activity_type,
                activity_id=scheduled.activity_id,
                attempt=1,
                result=result,
            )
        )

    def fail_local(self, seq: int, failure: Failure = FINAL) -> list[Event]:
        """Local activity number `seq` fails for good."""
        scheduled = self.local(seq)
        canceled = failure.kind == "canceled"
        state = RetryState.CANCEL_REQUESTED if canceled else RetryState.NON_RETRYABLE_FAILURE
        wrapped = activity_failure(PendingActivity(scheduled), failure, state, "Activity task failed")
        return self.do(
            FailLocalActivity(
                seq=seq,
                activity_type=scheduled.activity_type,
                activity_id=scheduled.activity_id,
                attempt=1,
                failure=wrapped,
            )
        )

    def signal(self, name: str, *args: Any, request_id: str = "") -> list[Event]:
        """Somebody sends a signal."""
        return self.do(SignalWorkflow(name=name, input=payloads(args), request_id=request_id))

    def cancel(self, reason: str = "") -> list[Event]:
        """Somebody asks the run to cancel."""
        return self.do(CancelWorkflow(reason=reason))

    def fire(self) -> list[Event]:
        """Turn the clock to what is due next, and wake the run."""
        due = self.execution.next_deadline()
        if due is None:
            raise AssertionError(f"nothing is due in {self.execution}")
        self.now = max(self.now, due)
        return self.do(Wake())

    def defer(self, *facts: Fact, reason: str = "no worker knows the type") -> None:
        """Record facts that no code can take now."""
        first, *others = facts
        self.record(first)
        if self.execution.deferred is None:
            self.record(TurnDeferred(at=self.now, since=self.execution.version, reason=reason))
        for fact in others:
            self.record(fact)

    def rebuild(self, code: Any = None) -> Run:
        """Throw the code away and lead new code through the stream."""
        self.code = code or self.code
        self.run.close()
        self.run = lead(self.code, self.events, run_id=self.execution.run_id, execution=self.execution)
        return self.run

    def resume(self, count: int = 1) -> list[Event]:
        """Let the code take so many of the deferred facts, each in an activation of its own."""
        before = len(self.events)
        for _ in range(count):
            version, fact = self.run.deferred.popleft()
            requests = self.run.activate(fact, self.now)
            self.record(TurnResumed(at=self.now, through=version))
            for request in requests:
                self.record(request)
        return self.events[before:]

    # -- how it stands -----------------------------------------------------------------------------------------------

    @property
    def topics(self) -> list[str]:
        """The stream by name."""
        return topics(self.events)

    @property
    def last(self) -> Event:
        """The newest event."""
        return self.events[-1]

    @property
    def result(self) -> Any:
        """What the run returned."""
        last = self.last
        assert isinstance(last, WorkflowCompleted), f"{self.execution}: {last}"
        return value_of(last.result)

    @property
    def failure(self) -> Failure:
        """What the run failed with."""
        last = self.last
        assert isinstance(last, WorkflowFailed), f"{self.execution}: {last}"
        return last.failure

    def pending(self, seq: int) -> PendingActivity:
        """An activity without an outcome."""
        return self.execution.activities[seq]

    def local(self, seq: int) -> Any:
        """The options of a local activity without an outcome."""
        local = self.run.local(seq)
        assert local is not None, f"no local activity #{seq} waits"
        return local.scheduled

    def query(self, name: str, *args: Any) -> Any:
        """What a query is answered."""
        return value_of(self.run.query(name, payloads(args)))


def lead(
    code: Any, events: Sequence[Event], *, run_id: str = "run-1", execution: WorkflowExecution | None = None
) -> Run:
    """Lead new code through a recorded stream."""
    run = new_run(code, execution or fold(run_id, events))
    run.replay(events)
    return run


def same_again(rehearsal: Rehearsal, *, most: int = 100) -> None:
    """Check SAME-AGAIN: the stream leads new code to the same requests, result and state, from wherever it is cut.

    Args:
        rehearsal: The run as it stands.
        most: In how many places, spread evenly, it is cut; beside the beginning and the end.

    Raises:
        AssertionError: another event came at some place.
        NondeterminismError: the product's own check says so.
    """
    events, run_id = rehearsal.events, rehearsal.execution.run_id
    # A deferral is stored together with the fact that it is about, and requests with the fact that led to them.
    cuts = [at for at, event in enumerate(events) if at and not isinstance(event, Request | TurnDeferred)]
    for cut in [0, *cuts[:: max(1, len(cuts) // most)], len(events)]:
        run = _go_on(rehearsal.code, run_id, events, cut)
        assert run.phase is rehearsal.run.phase, f"SAME-AGAIN: {run} after a cut behind event {cut}"
        assert [fact for _, fact in run.deferred] == [fact for _, fact in rehearsal.run.deferred]
        run.close()


def _go_on(code: Any, run_id: str, events: Sequence[Event], cut: int) -> Run:
    """Replay `events` up to `cut`, and activate the facts behind it live."""
    state = fold(run_id, events[:cut])
    run = new_run(code, state)
    run.replay(events[:cut])
    run.take_local()
    produced = list(events[:cut])
    waits = {event.since for event in events if isinstance(event, TurnDeferred)}
    for event in events[cut:]:
        if isinstance(event, Request):
            continue
        resumed = isinstance(event, TurnResumed)  # it is recorded behind the activation, and stands in front of it
        asked: list[Request] = []
        if not resumed:
            state.apply(event)
        waiting = state.deferred is not None or state.version in waits
        for fact in _to_activate(run.deferred, event, state.version, waiting=waiting):
            asked += run.activate(fact, event.at)
        if resumed:
            state.apply(event)
        for request in asked:
            state.apply(request)
        produced += [event, *asked]
    assert list(map(shape, produced)) == list(map(shape, events)), f"SAME-AGAIN: after a cut behind event {cut}"
    return run


def _to_activate(deferred: deque[tuple[int, Fact]], event: Event, version: int, *, waiting: bool) -> list[Fact]:
    if isinstance(event, Fact):
        if not deferred and not waiting:
            return [event]
        deferred.append((version, event))
    facts: list[Fact] = []
    if isinstance(event, TurnResumed):
        while deferred and deferred[0][0] <= event.through:
            facts.append(deferred.popleft()[1])
    return facts


def shape(event: Event) -> Event:
    """An event without what a second performance may have otherwise: a side effect is computed anew."""
    return msgspec.structs.replace(event, value=payload(None)) if isinstance(event, SideEffectRecorded) else event
