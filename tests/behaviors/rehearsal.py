"""A run without an engine: decisions, the fold and the code, led by hand through a scripted sequence of facts.

`Rehearsal.do` takes a command as an actor does: `decide` says which events it means, the aggregate folds them in, each
fact among them is activated in the code, and what the code asks for follows it. The clock is a number that the script
turns. `tests.behaviors.same_again` holds the law of that name against what came out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.decisions.activities import activity_failure
from understudy.actors.behaviors.decisions.commands import (
    CancelWorkflow,
    Command,
    CompleteActivity,
    CompleteChild,
    CompleteLocalActivity,
    FailActivity,
    FailChild,
    FailLocalActivity,
    NoteChild,
    NoteChildCanceling,
    NoteChildConflict,
    NoteMessage,
    SignalWorkflow,
    UpdateWorkflow,
    Wake,
)
from understudy.actors.behaviors.decisions.decide import decide
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, workflow_of
from understudy.events.converters.failure_converter import FailureConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.event import Event, Fact, Request
from understudy.events.failures.failure import Failure
from understudy.events.options.policies import RetryState
from understudy.events.payloads.payload import Payload
from understudy.events.state.evolve import apply, fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.state.pending import PendingActivity
from understudy.events.update import UpdateAccepted, UpdateCompleted
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
        messages: Signals and updates that come with the start; the validator has let the updates in.
        **started: Further fields of the first event.
    """

    def __init__(
        self, code: Any, *args: Any, run_id: str = "run-1", messages: Sequence[Fact] = (), **started: Any
    ) -> None:
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
            ),
            messages,
        )

    # -- what happens ------------------------------------------------------------------------------------------------

    def take(self, fact: Fact, messages: Sequence[Fact] = ()) -> list[Request]:
        """Record a fact and what came with it, let the code take it, and record what the code asks for."""
        for event in (fact, *messages):
            self.record(event)
        requests = self.run.activate(fact, fact.at, messages)
        for request in requests:
            self.record(request)
        return requests

    def record(self, event: Event) -> None:
        """Fold an event in and put it behind the others."""
        apply(self.execution, event)
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

    def child_started(self, seq: int) -> list[Event]:
        """Child number `seq` runs."""
        return self.do(NoteChild(seq=seq, run_id=f"child-{seq}"))

    def child_refused(self, seq: int) -> list[Event]:
        """The id of child number `seq` is taken."""
        return self.do(NoteChildConflict(seq=seq, run_id="other-1"))

    def child_canceling(self, seq: int) -> list[Event]:
        """Child number `seq` has the request to cancel."""
        return self.do(NoteChildCanceling(seq=seq))

    def complete_child(self, seq: int, value: Any = None) -> list[Event]:
        """Child number `seq` returns."""
        result = None if value is None else payload(value)
        return self.do(CompleteChild(seq=seq, run_id=f"child-{seq}", result=result))

    def fail_child(self, seq: int, failure: Failure = FINAL, retry_state: RetryState | None = None) -> list[Event]:
        """Child number `seq` ends otherwise."""
        return self.do(FailChild(seq=seq, run_id=f"child-{seq}", failure=failure, retry_state=retry_state))

    def deliver(self, seq: int, failure: Failure | None = None) -> list[Event]:
        """Message number `seq` to another workflow is delivered, or fails."""
        return self.do(NoteMessage(seq=seq, failure=failure))

    def signal(self, name: str, *args: Any, request_id: str = "") -> list[Event]:
        """Somebody sends a signal."""
        return self.do(SignalWorkflow(name=name, input=payloads(args), request_id=request_id))

    def update(self, name: str, *args: Any, update_id: str = "u-1") -> list[Event]:
        """Somebody sends an update, and it is let in."""
        refused = self.validate(name, *args, update_id=update_id)
        assert refused is None, f"{name} is rejected: {refused}"
        return self.do(UpdateWorkflow(update_id=update_id, name=name, input=payloads(args)))

    def validate(self, name: str, *args: Any, update_id: str = "u-1") -> Failure | None:
        """Why an update is not let in; None: it is."""
        return self.run.validate(update_id, name, payloads(args))

    def outcome(self, update_id: str = "u-1") -> Any:
        """What an update came to: its result, or its failure; the acceptance while its handler runs."""
        known = self.execution.updates[update_id]
        if isinstance(known, UpdateAccepted):
            return known
        assert isinstance(known, UpdateCompleted)
        return known.failure or value_of(known.result)

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

    def resume(self, count: int = 1, *, one_by_one: bool = False) -> list[Event]:
        """Let the code take what waits, in so many activations; `one_by_one`: each of one fact."""
        before = len(self.events)
        for _ in range(count):
            waiting = self.run.deferred
            taken = waiting.take(waiting[0][0] if one_by_one else None)
            requests = self.run.activate(taken.fact, self.now, taken.messages)
            self.record(TurnResumed(at=self.now, through=taken.through))
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
