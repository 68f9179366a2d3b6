"""What workflow code can reach: the clock, timers, activities, side effects, handlers and facts about the run.

The functions of `understudy.workflow` find their context through the running loop, so they need no global and no
context variable. Whatever the code asks for becomes a request, an event that is only proposed: in a live activation it
is collected and recorded; in a replay it is held against the event at its place, and a difference is an error at the
very line that made it (SAME-AGAIN).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from understudy.actors.behaviors.code.activities import (
    Activities,
    LocalActivities,
    LocalActivity,
    canceled_activity,
    tell_converters,
)
from understudy.actors.behaviors.code.children import Related
from understudy.actors.behaviors.code.handles import ActivityHandle
from understudy.actors.behaviors.code.patches import Changes
from understudy.actors.behaviors.code.side_effects import once
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.code.upserts import Kept
from understudy.actors.behaviors.decisions.activation import Deferred
from understudy.actors.behaviors.loop.loop import DeterministicLoop
from understudy.events.activity import ACTIVITY_ENDS, ActivityCancelRequested, ActivityScheduled
from understudy.events.errors import NondeterminismError, NotInWorkflowError, ReadOnlyContextError
from understudy.events.event import Event, Fact, Request, encode_event
from understudy.events.marker import SideEffectRecorded
from understudy.events.payloads.payload import Payload
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.inbox import Inbox
    from understudy.actors.behaviors.code.interceptors import Chain
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.workflow import WorkflowCancelRequested

__all__ = ["Context", "current"]

_RECORDED: Final = Payload(msgspec.Raw(b"null"))
"""Stands for the value of a side effect in a replay, which takes the recorded one."""


def current() -> Context:
    """Return the context of the workflow whose code is running.

    Raises:
        NotInWorkflowError: no workflow code is running on this thread.
    """
    loop = asyncio._get_running_loop()  # noqa: SLF001 - the public twin raises, and this is asked at every call
    if type(loop) is DeterministicLoop:
        host = loop.host
        if isinstance(host, Context):
            return host
    raise NotInWorkflowError(call=f"workflow.{sys._getframe(1).f_code.co_name}()")  # noqa: SLF001 - as in `source_line`


class Context:
    """One run's side of the boundary between workflow code and engine; owned by its `Run`."""

    __slots__ = (
        "_activity_seq",
        "_changes",
        "_cursor",
        "_effect_seq",
        "_hidden",
        "_history",
        "_kept",
        "_related",
        "_timer_seq",
        "activities",
        "cancel_requested",
        "chain",
        "closed",
        "conditions",
        "converter",
        "deferred",
        "definition",
        "dice",
        "dropped",
        "execution",
        "failures",
        "in_context",
        "inbox",
        "instance",
        "local",
        "loop",
        "mismatch",
        "now",
        "read_only",
        "requests",
        "timers",
    )

    def __init__(
        self,
        definition: WorkflowDefinition,
        execution: WorkflowExecution,
        converter: PayloadConverter,
        failures: FailureConverter,
    ) -> None:
        """Begin before the first activation."""
        self.definition = definition
        self.execution = execution
        self.converter = converter
        self.failures = failures
        self.loop = DeterministicLoop(self)
        self.deferred = Deferred()
        self.instance: Any = None
        self.now = 0
        self.requests: list[Request] = []
        self.activities = Activities()
        self.local: LocalActivities | None = None
        self.timers: dict[int, Callable[[], None]] = {}
        self.conditions: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self.inbox: Inbox
        self.in_context = False
        """Whether its converters may want to know whose values they convert; both are set by the run."""
        self._related: Related | None = None
        self.chain: Chain | None = None
        self.read_only = ""
        self.closed = False
        """Whether the run has asked for its end, or is dropped; what the code asks for behind it is lost (CLOSED)."""
        self.dropped = False
        """Whether its code leaves memory, and its `finally` blocks run although nothing has ended."""
        self.cancel_requested: WorkflowCancelRequested | None = None
        """What the code knows of it; in a replay the aggregate may know more."""
        self._changes: Changes | None = None
        self._kept: Kept | None = None
        self.mismatch: NondeterminismError | None = None
        self._activity_seq = self._timer_seq = self._effect_seq = 0
        self.dice: Random | None = None
        """The generator of `random`, once it was asked for."""
        self._history: Sequence[Event] = ()
        self._cursor = -1
        self._hidden = 0

    # -- replay ------------------------------------------------------------------------------------------------------

    @property
    def is_replaying(self) -> bool:
        """Whether the code is led through recorded events, or leaves memory: it runs, and nothing happens."""
        return self._cursor >= 0 or self.dropped

    @property
    def history_length(self) -> int:
        """How many events the run has, those of this activation included."""
        return self._cursor - self._hidden if self._cursor >= 0 else self.execution.version + len(self.requests)

    @property
    def history_size(self) -> int:
        """How many bytes the run's events have, those of this activation included, as they are encoded."""
        if self._cursor >= 0:
            return sum(len(encode_event(event)) for event in self._history[: self._cursor - self._hidden])
        return self.execution.size + sum(len(encode_event(event)) for event in self.requests)

    def expect(self, history: Sequence[Event], cursor: int, *, hidden: int = 0) -> None:
        """Hold requests against `history` from index `cursor` on; -1: collect them instead.

        Args:
            history: the run's stream from its first event on.
            cursor: the index of the first event to compare with.
            hidden: how many events in front of it were not yet there when the code ran.
        """
        self._history = history
        self._cursor = cursor
        self._hidden = hidden

    @property
    def history(self) -> Sequence[Event]:
        """What a replay is held against, the whole of it; empty otherwise."""
        return self._history

    @property
    def cursor(self) -> int:
        """The index of the event behind the last one that a request was held against."""
        return self._cursor

    def ask(self, request: Request) -> Request:
        """Take in one request of the code and return the event that holds: in a replay, the recorded one.

        Raises:
            ReadOnlyContextError: a query, a condition or a side effect asked for something.
            NondeterminismError: the replay does something else than the record says.
        """
        if self.read_only:
            raise ReadOnlyContextError(call=request.topic, handler=self.read_only)
        if self.closed:
            return request
        cursor = self._cursor
        if cursor < 0:
            self.requests.append(request)
            return request
        recorded = self._history[cursor] if cursor < len(self._history) else None
        while recorded is None or not request.same_request(recorded):
            if not (isinstance(recorded, Request) and recorded.may_be_missing):
                self.refuse(cursor, recorded, request)
            cursor += 1
            recorded = self._history[cursor] if cursor < len(self._history) else None
        self._cursor = cursor + 1
        return recorded  # type: ignore[return-value]  # same_request saw that the classes are the same

    def refuse(self, index: int, recorded: Event | None, produced: Request | None) -> None:
        """Raise the NondeterminismError for event number `index + 1` and remember it, in case the code swallows it."""
        if self.mismatch is None:  # what comes behind the first difference follows from it
            self.mismatch = NondeterminismError(
                run_id=self.execution.run_id,
                position=index + 1,
                recorded=_describe(recorded),
                produced=_describe(produced),
                recorded_source=getattr(recorded, "source", ""),
                produced_source=(getattr(produced, "source", "") or source_line()) if produced is not None else "",
            )
        self.loop.abort(self.mismatch)
        raise self.mismatch

    def let_go(self) -> None:
        """Drop all that refers back to the run, once its code is dropped: no cycle is left to the collector."""
        self.inbox.close()
        if self._related is not None:
            self._related.let_go()
        self.chain = self._changes = self._kept = self._related = self.local = None
        self.activities.clear()
        self.timers.clear()
        self.conditions.clear()

    # -- clock and dice ----------------------------------------------------------------------------------------------

    def now_ns(self) -> int:
        """Return the time of the activation, ns since the epoch: the same at every replay."""
        return self.now

    def random(self) -> Random:
        """Return the run's generator, seeded by its run id; made when first asked for (it weighs 2.5 KB)."""
        if self.read_only:
            raise ReadOnlyContextError(call="workflow.random()", handler=self.read_only)
        if self.dice is None:
            self.dice = Random(self.seed)  # noqa: S311 - repeatable, not secret
        return self.dice

    @property
    def seed(self) -> str:
        """What the dice of this run are seeded with."""
        execution = self.execution
        return (execution.start.seed if execution.version else "") or execution.run_id

    # -- timers (the host of the deterministic loop) -----------------------------------------------------------------

    def start_timer(self, delay_ns: int, fire: Callable[[], None], summary: str = "") -> int:
        """Start a durable timer that calls `fire` in the activation in which it fires; return its number."""
        seq = self._timer_seq + 1
        self.ask(TimerStarted(at=self.now, seq=seq, fire_at=self.now + delay_ns, summary=summary, source=source_line()))
        self._timer_seq = seq
        self.timers[seq] = fire
        return seq

    def cancel_timer(self, number: int) -> None:
        """Cancel a timer; one that has fired is left alone."""
        if self.timers.pop(number, None) is not None and not self.ends_behind(number, (TimerFired,)):
            self.ask(TimerCanceled(at=self.now, seq=number, source=source_line()))

    def ends_behind(self, seq: int, ends: tuple[type[Fact], ...]) -> bool:
        """Whether the end of what is to be cancelled is recorded already, and waits behind a deferred turn."""
        return any(isinstance(fact, ends) and getattr(fact, "seq", 0) == seq for _, fact in self.deferred)

    # -- activities --------------------------------------------------------------------------------------------------

    def next_activity(self) -> int:
        """Return the number for the next activity."""
        return self._activity_seq + 1

    def start_activity(self, scheduled: ActivityScheduled, result_hint: Any) -> ActivityHandle[Any]:
        """Ask for an activity; `scheduled.seq` comes from `next_activity`."""
        self.activities.name(self, scheduled)
        self.ask(scheduled)
        seq = self._activity_seq = scheduled.seq
        handle = self._handle(scheduled, result_hint, lambda: self._cancel_activity(seq), is_local=False)
        self.activities[seq] = handle
        return handle

    def start_local_activity(self, scheduled: ActivityScheduled, result_hint: Any) -> ActivityHandle[Any]:
        """Ask for a local activity; only its outcome is recorded."""
        if self.read_only:
            raise ReadOnlyContextError(call="a local activity", handler=self.read_only)
        seq = self._activity_seq = scheduled.seq
        local = self.local = self.local or LocalActivities()
        handle = self._handle(scheduled, result_hint, lambda: local.drop(seq), is_local=True)
        local.ask(LocalActivity(scheduled, handle))
        return handle

    def _handle(
        self, scheduled: ActivityScheduled, result_hint: Any, stop: Callable[[], None], *, is_local: bool
    ) -> ActivityHandle[Any]:
        handle: ActivityHandle[Any] = ActivityHandle(loop=self.loop)
        handle.converter, handle.failures = self.converter, self.failures
        if self.in_context:
            tell_converters(self, handle, scheduled, is_local=is_local)
        handle.prepare(
            result_hint,
            scheduled.cancellation_type,
            stop,
            lambda: canceled_activity(scheduled),
        )
        return handle

    def _cancel_activity(self, seq: int) -> None:
        if seq in self.activities and not self.ends_behind(seq, ACTIVITY_ENDS):
            self.ask(ActivityCancelRequested(at=self.now, seq=seq, source=source_line()))

    # -- other workflows ---------------------------------------------------------------------------------------------

    @property
    def related(self) -> Related:
        """The children of this run, and its messages to other workflows; made when first asked for."""
        if self._related is None:
            self._related = Related(self)
        return self._related

    # -- changes of the code -----------------------------------------------------------------------------------------

    @property
    def changes(self) -> Changes:
        """The patches and versions that this run has come to; made when first asked for."""
        if self._changes is None:
            self._changes = Changes(self)
        return self._changes

    # -- what is kept with the run -----------------------------------------------------------------------------------

    @property
    def kept(self) -> Kept:
        """Memo, search attributes and details, as the code knows them; made when first asked for."""
        if self._kept is None:
            self._kept = Kept(self)
        return self._kept

    # -- side effects ------------------------------------------------------------------------------------------------

    def side_effect(self, value: Callable[[], Payload]) -> Payload:
        """Return the payload of the next side effect: computed now, or as recorded."""
        seq = self._effect_seq + 1
        payload = once(self, value, "a side_effect") if self._cursor < 0 else _RECORDED
        event = self.ask(SideEffectRecorded(at=self.now, seq=seq, value=payload, source=source_line()))
        self._effect_seq = seq
        return event.value  # type: ignore[attr-defined, no-any-return]  # same_request saw that it is one


def _describe(event: Event | None) -> str:
    if event is None:
        return "nothing"
    parts = [event.topic]
    for name in ("seq", "activity_type", "activity_id", "name", "patch_id", "change_id"):
        value = getattr(event, name, "")
        if value != "":
            parts.append(f"{name}={value!r}")
    return " ".join(parts)
