"""The audit of a store that a killed process left behind: each invariant of the design, checked on every run.

It reads the store as any adapter's user would, folds each stream, replays each history on the workflows' code, and
holds the execution rows, the acknowledgements and the ledger against that. A history that has not grown since the last
audit is not replayed again. Failures name the invariant and the run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.recovery.acks import Ack
from tests.recovery.again import definitions, perform, replay
from tests.recovery.ledger import Effect, Ledger
from tests.recovery.plans import plan, workflow_id
from understudy.events import activity as act
from understudy.events.event import Event
from understudy.events.options.policies import WorkflowExecutionStatus as Status
from understudy.events.signal import SignalReceived
from understudy.events.state.evolve import fold
from understudy.events.state.execution import WorkflowExecution
from understudy.events.store.port import EventStore, ExecutionRow
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted
from understudy.events.workflow import CLOSING, WorkflowCancelRequested

__all__ = ["Audit", "histories"]

Histories = dict[str, list[Event]]

OUTCOMES: Final = (
    *(act.ActivityCompleted, act.ActivityFailed, act.ActivityTimedOut, act.ActivityCanceled),
    *(act.LocalActivityCompleted, act.LocalActivityFailed),
)
STATUS: Final = {
    Status.RUNNING: "Running",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
    Status.CANCELED: "Canceled",
    Status.CONTINUED_AS_NEW: "ContinuedAsNew",
    Status.TERMINATED: "Terminated",
    Status.TIMED_OUT: "TimedOut",
}


def histories(store: EventStore, page: int = 10_000) -> Histories:
    """Read all streams by the global sequence, and check its numbers and theirs (NO-GAPS)."""
    streams: Histories = defaultdict(list)
    position = 0
    while recorded := store.recorded(position, page):
        for each in recorded:
            assert each.position > position, f"NO-GAPS: position {each.position} behind {position}"
            position = each.position
            streams[each.run_id].append(each.event)
            assert each.version == len(streams[each.run_id]), f"NO-GAPS: run {each.run_id} has version {each.version}"
    assert position == store.last_position()
    return dict(streams)


class Audit:
    """Audits one store again and again, as it grows.

    Args:
        workflows: The code that the runs were made by.
        seed: That the plans were drawn from.
    """

    def __init__(self, workflows: Sequence[Any], seed: int) -> None:
        self._known = definitions(workflows)
        self._seed = seed
        self._replayed: dict[str, int] = {}

    def check(self, store: EventStore, said: Sequence[Ack], ledger: Ledger) -> Histories:
        """Check everything that holds at any moment.

        Raises:
            AssertionError: an invariant is broken, and which.
        """
        streams = histories(store)
        rows = {row.run_id: row for row in store.executions(limit=1_000_000)}
        assert rows.keys() == streams.keys(), "VIEW-ONCE: there are rows without events, or events without a row"
        for run_id, events in streams.items():
            state = fold(run_id, events)
            closed_once(run_id, events)
            recorded_once(run_id, events)
            if self._replayed.get(run_id) != len(events):
                self._replay(state, events, rows[run_id])
        one_open_run(rows.values())
        acked(streams, rows.values(), said)
        effects_after(streams, ledger.attempts())
        return streams

    def _replay(self, state: WorkflowExecution, events: Sequence[Event], row: ExecutionRow) -> None:
        run = replay(self._known, state.run_id, events)
        view_once(state, row, idle=run.waits_for_events_only)
        run.close()
        perform(self._known, state.run_id, events)
        self._replayed[state.run_id] = len(events)

    def check_end(self, streams: Histories, said: Sequence[Ack], ledger: Ledger) -> None:
        """Check what holds once every run that was begun has ended.

        Raises:
            AssertionError: an invariant is broken, and which.
        """
        results = {ack.number: ack.value for ack in said if ack.what == "result"}
        assert results.keys() == {ack.number for ack in said if ack.what == "intend"}
        for number, result in results.items():
            assert result == plan(self._seed, number).expected, f"{workflow_id(number)} gave {result!r}"
        keys = Counter(ledger.keys())
        attempted = {effect.key for effect in ledger.attempts()}
        for run_id, events in streams.items():
            for seq in scheduled(events) | outcomes(events).keys():
                key = f"{run_id}/{seq}"
                assert outcomes(events)[seq] == 1, f"ONCE-RECORDED: {key} has {outcomes(events)[seq]} outcomes"
                ran = key in attempted
                assert ran or canceled(events, seq), f"AT-LEAST: {key} was never attempted"
                assert keys[key] == int(ran), f"the effect of {key} is in the ledger {keys[key]} times"


def scheduled(events: Iterable[Event]) -> set[int]:
    """Return the numbers of the activities that a history asks for."""
    return {event.seq for event in events if isinstance(event, act.ActivityScheduled)}


def outcomes(events: Iterable[Event]) -> Counter[int]:
    """Return how many outcomes each activity has."""
    return Counter(event.seq for event in events if isinstance(event, OUTCOMES))


def canceled(events: Iterable[Event], seq: int) -> bool:
    """Whether an activity ended by its cancellation, perhaps before its first attempt."""
    return any(isinstance(event, act.ActivityCanceled) and event.seq == seq for event in events)


def closed_once(run_id: str, events: Sequence[Event]) -> None:
    """Check CLOSED: a closing event is the last one."""
    behind = [event for event in events[:-1] if type(event) in CLOSING]
    assert not behind, f"CLOSED: run {run_id} goes on behind {behind[0]}"


def recorded_once(run_id: str, events: Sequence[Event]) -> None:
    """Check ONCE-RECORDED: outcomes, timers, messages."""
    twice = [seq for seq, times in outcomes(events).items() if times > 1]
    assert not twice, f"ONCE-RECORDED: activities {twice} of run {run_id} have several outcomes"
    started = [event.seq for event in events if isinstance(event, TimerStarted)]
    ended = [event.seq for event in events if isinstance(event, TimerFired | TimerCanceled)]
    for numbers in (started, ended):
        assert len(set(numbers)) == len(numbers), f"ONCE-RECORDED: timers of run {run_id}: {numbers}"
    assert set(ended) <= set(started), f"ONCE-RECORDED: timers of run {run_id} ended that were never started"
    requests = [event.request_id for event in events if isinstance(event, SignalReceived) and event.request_id]
    assert len(set(requests)) == len(requests), f"ONCE-RECORDED: signals of run {run_id}: {requests}"
    cancels = sum(isinstance(event, WorkflowCancelRequested) for event in events)
    assert cancels <= 1, f"ONCE-RECORDED: run {run_id} was asked to cancel {cancels} times"


def view_once(state: WorkflowExecution, row: ExecutionRow, *, idle: bool) -> None:
    """Check VIEW-ONCE: the execution row is what the events say.

    Args:
        state: Folded from the events.
        row: As it is stored.
        idle: Whether the replayed code has no local activity under way.
    """
    start = state.start
    status = STATUS[state.status or Status.RUNNING]
    told = (row.workflow_id, row.workflow_type, row.task_queue, row.status, row.started_at, row.closed_at, row.wake_at)
    closed_at = state.closed.at if state.closed is not None else None
    due = wake_at(state, idle=idle)
    facts = (start.workflow_id, start.workflow_type, start.task_queue, status, start.at, closed_at, due)
    assert told == facts, f"VIEW-ONCE: the row of {state} says {told}, the events {facts}"
    assert row.first_run_id == (start.first_run_id or state.run_id), f"VIEW-ONCE: {row}"


def wake_at(state: WorkflowExecution, *, idle: bool) -> int | None:
    """Return when a restart has to bring a run back by itself, told from its events."""
    if not state.is_open:
        return None
    if state.deferred is not None:
        return state.first_turn_at if state.first_turn_at > state.deferred.at else 0
    busy = any(not pending.outside or pending.scheduled.heartbeat for pending in state.activities.values())
    busy = busy or bool(state.children or state.outbound)
    return 0 if busy or not idle else state.next_deadline()


def one_open_run(rows: Iterable[ExecutionRow]) -> None:
    """Check that at most one run of each workflow id is open."""
    held = Counter(row.workflow_id for row in rows if row.status == "Running")
    assert all(count == 1 for count in held.values()), f"several open runs: {held.most_common(3)}"


def acked(streams: Histories, rows: Iterable[ExecutionRow], said: Sequence[Ack]) -> None:
    """Check ACKED: whatever the child was told is in the store, once."""
    runs_of: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        runs_of[row.workflow_id].append(row.run_id)
    for ack in said:
        if ack.what == "intend":
            continue
        name = workflow_id(ack.number)
        events = [event for run_id in runs_of[name] for event in streams[run_id]]
        first = [streams[run_id][0] for run_id in runs_of[name]]
        assert first, f"ACKED: {ack}, and there is no such run"
        _CHECKS[ack.what](ack, events)
        starts = {getattr(event, "request_id", "") for event in first} - {""}
        assert starts == {f"start-{ack.number}"}, f"ACKED: {name} was started by {starts}"
        assert not ack.run_id or ack.run_id in runs_of[name], f"ACKED: {ack}, and there is no such run"


def _check_start(_ack: Ack, _events: Sequence[Event]) -> None:
    """Nothing more: that there is such a run is asked of every acknowledgement."""


def _check_signal(ack: Ack, events: Sequence[Event]) -> None:
    request = f"{ack.number}/{ack.index}"
    found = [event for event in events if isinstance(event, SignalReceived) and event.request_id == request]
    assert len(found) == 1, f"ACKED: signal {request} is recorded {len(found)} times"


def _check_cancel(ack: Ack, events: Sequence[Event]) -> None:
    asked = any(isinstance(event, WorkflowCancelRequested) for event in events)
    assert asked, f"ACKED: {ack}, and no cancellation is recorded"


def _check_seen(ack: Ack, events: Sequence[Event]) -> None:
    signals = sum(isinstance(event, SignalReceived) for event in events)
    assert ack.value <= signals, f"ACKED: a query of {ack.number} saw {ack.value} signals, {signals} are recorded"


def _check_result(ack: Ack, events: Sequence[Event]) -> None:
    assert type(events[-1]) in CLOSING, f"ACKED: {ack}, and its run is open"


_CHECKS: Final[Mapping[str, Any]] = {
    "start": _check_start,
    "signal": _check_signal,
    "cancel": _check_cancel,
    "seen": _check_seen,
    "result": _check_result,
}


def effects_after(streams: Histories, attempts: Iterable[Effect]) -> None:
    """Check EFFECT-AFTER: whatever was attempted is recorded as asked for, and no life made an attempt twice."""
    made: Counter[Effect] = Counter()
    for effect in attempts:
        made[effect] += 1
        run_id, _, seq = effect.key.rpartition("/")
        assert run_id in streams, f"EFFECT-AFTER: {effect} belongs to no recorded run"
        if effect.activity not in LOCAL:
            asked = scheduled(streams[run_id])
            assert int(seq) in asked, f"EFFECT-AFTER: {effect} is not recorded as scheduled"
    twice = [effect for effect, times in made.items() if times > 1 and effect.activity not in LOCAL]
    assert not twice, f"made twice in one life: {twice[:3]}"


LOCAL: Final = frozenset({"look_up", "stumble"})
"""Activities that the load calls as local ones: of those only the outcome is recorded."""
