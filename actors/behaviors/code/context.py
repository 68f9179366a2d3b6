"""All that workflow code can reach: the clock, timers, activities, side effects, handlers and facts about the run.

The functions of `understudy.workflow` find their context through the running loop, so they need no global and no
context variable. Whatever the code asks for goes through the `Recorder`, which records it or compares it with the
record; the context has one, and hands it to what it is made of: activities, children, messages, patches, upserts.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

import msgspec

from understudy.actors.behaviors.code.activities import (
    Activities,
    LocalActivities,
    LocalActivity,
    canceled_activity,
    tell_converters,
)
from understudy.actors.behaviors.code.handles import ActivityHandle
from understudy.actors.behaviors.code.recorder import Recorder
from understudy.actors.behaviors.code.source_line import source_line
from understudy.actors.behaviors.loop.loop import DeterministicLoop
from understudy.events.activity import ACTIVITY_ENDS, ActivityCancelRequested, ActivityScheduled
from understudy.events.errors import NotInWorkflowError, ReadOnlyContextError
from understudy.events.marker import SideEffectRecorded
from understudy.events.payloads.payload import Payload
from understudy.events.timer import TimerCanceled, TimerFired, TimerStarted

if TYPE_CHECKING:
    from understudy.actors.behaviors.code.children import Children
    from understudy.actors.behaviors.code.inbox import Inbox
    from understudy.actors.behaviors.code.outbound import Outbound
    from understudy.actors.behaviors.code.patches import Patches
    from understudy.actors.behaviors.code.upserts import Upserts
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.workflow import WorkflowCancelRequested

__all__ = ["Context", "Intercepted", "OutboundCalls", "current"]

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


class OutboundCalls(Protocol):
    """The calls of workflow code that interceptors stand around; their inputs are values of `understudy.workflow`."""

    def start_activity(self, given: Any, /) -> ActivityHandle[Any]:
        """Start an activity, and return its handle."""
        ...

    def start_local_activity(self, given: Any, /) -> ActivityHandle[Any]:
        """Start a local activity, and return its handle."""
        ...

    def start_child_workflow(self, given: Any, /) -> Awaitable[Any]:
        """Start a child workflow, and return its handle once it runs."""
        ...

    def signal_child_workflow(self, given: Any, /) -> Awaitable[None]:
        """Signal a child workflow."""
        ...

    def signal_external_workflow(self, given: Any, /) -> Awaitable[None]:
        """Signal a workflow that somebody else has started."""
        ...

    def continue_as_new(self, given: Any, /) -> NoReturn:
        """End the run, and let another one follow it."""
        ...

    def info(self) -> Any:
        """Return facts about the run."""
        ...


class Intercepted(Protocol):
    """The interceptors of one run: around its run function, and around the calls of its code."""

    @property
    def outbound(self) -> OutboundCalls:
        """The outermost interceptor of those around the code's own calls."""
        ...

    def execute(self, args: Sequence[Any], headers: Mapping[str, Payload]) -> Coroutine[Any, Any, Any]:
        """Return the coroutine that runs the workflow."""
        ...


class Context:
    """The boundary between the workflow code of one run and the engine; owned by its `Run`."""

    __slots__ = (
        "_activity_seq",
        "_children",
        "_effect_seq",
        "_outbound",
        "_patches",
        "_timer_seq",
        "_upserts",
        "activities",
        "cancel_requested",
        "chain",
        "conditions",
        "converter",
        "definition",
        "execution",
        "failures",
        "in_context",
        "inbox",
        "instance",
        "local",
        "loop",
        "recorder",
        "timers",
    )

    def __init__(
        self,
        definition: WorkflowDefinition,
        execution: WorkflowExecution,
        converter: PayloadConverter,
        failures: FailureConverter,
    ) -> None:
        """Set up the state before the first activation."""
        self.definition = definition
        self.execution = execution
        self.converter = converter
        self.failures = failures
        self.loop = DeterministicLoop(self)
        self.recorder = Recorder(execution, self.loop)
        self.instance: Any = None
        self.activities = Activities()
        self.local: LocalActivities | None = None
        self.timers: dict[int, Callable[[], None]] = {}
        self.conditions: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self.inbox: Inbox
        self.in_context = False
        """True if its converters may want to know whose values they convert; both are set by the run."""
        self.chain: Intercepted | None = None
        self.cancel_requested: WorkflowCancelRequested | None = None
        """The request that the code knows of; in a replay the aggregate may know more."""
        self._children: Children | None = None
        self._outbound: Outbound | None = None
        self._patches: Patches | None = None
        self._upserts: Upserts | None = None
        self._activity_seq = self._timer_seq = self._effect_seq = 0

    def let_go(self) -> None:
        """Drop all that refers back to the run, once its code is dropped: no cycle is left to the collector."""
        self.inbox.close()
        if self._children is not None:
            self._children.let_go()
        if self._outbound is not None:
            self._outbound.let_go()
        self.chain = self._children = self._outbound = self._patches = self._upserts = self.local = None
        self.activities.clear()
        self.timers.clear()
        self.conditions.clear()

    # -- timers (the host of the deterministic loop) -----------------------------------------------------------------

    def now_ns(self) -> int:
        """Return the time of the activation, ns since the epoch: the same at every replay."""
        return self.recorder.now

    def start_timer(self, delay_ns: int, fire: Callable[[], None], summary: str = "") -> int:
        """Start a durable timer that calls `fire` in the activation in which it fires; return its number."""
        seq, recorder = self._timer_seq + 1, self.recorder
        now = recorder.now
        recorder.ask(TimerStarted(at=now, seq=seq, fire_at=now + delay_ns, summary=summary, source=source_line()))
        self._timer_seq = seq
        self.timers[seq] = fire
        return seq

    def cancel_timer(self, number: int) -> None:
        """Cancel a timer that has not fired."""
        recorder = self.recorder
        if self.timers.pop(number, None) is not None and not recorder.ends_behind(number, (TimerFired,)):
            recorder.ask(TimerCanceled(at=recorder.now, seq=number, source=source_line()))

    # -- activities --------------------------------------------------------------------------------------------------

    def next_activity(self) -> int:
        """Return the number for the next activity."""
        return self._activity_seq + 1

    def start_activity(self, scheduled: ActivityScheduled, result_hint: Any) -> ActivityHandle[Any]:
        """Ask for an activity; `scheduled.seq` comes from `next_activity`."""
        self.activities.name(self.recorder, scheduled)
        self.recorder.ask(scheduled)
        seq = self._activity_seq = scheduled.seq
        handle = self._handle(scheduled, result_hint, lambda: self._cancel_activity(seq), is_local=False)
        self.activities[seq] = handle
        return handle

    def start_local_activity(self, scheduled: ActivityScheduled, result_hint: Any) -> ActivityHandle[Any]:
        """Ask for a local activity; only its outcome is recorded."""
        if reader := self.recorder.read_only:
            raise ReadOnlyContextError(call="a local activity", handler=reader)
        seq = self._activity_seq = scheduled.seq
        local = self.local = self.local or LocalActivities()
        handle = self._handle(scheduled, result_hint, lambda: local.cancel(seq), is_local=True)
        local.ask(LocalActivity(scheduled, handle))
        return handle

    def _handle(
        self, scheduled: ActivityScheduled, result_hint: Any, stop: Callable[[], None], *, is_local: bool
    ) -> ActivityHandle[Any]:
        handle: ActivityHandle[Any] = ActivityHandle(loop=self.loop)
        handle.converter, handle.failures = self.converter, self.failures
        if self.in_context:
            tell_converters(self.execution.start, handle, scheduled, is_local=is_local)
        handle.prepare(
            result_hint,
            scheduled.cancellation_type,
            stop,
            lambda: canceled_activity(scheduled),
        )
        return handle

    def _cancel_activity(self, seq: int) -> None:
        recorder = self.recorder
        if seq in self.activities and not recorder.ends_behind(seq, ACTIVITY_ENDS):
            recorder.ask(ActivityCancelRequested(at=recorder.now, seq=seq, source=source_line()))

    # -- parts that few runs have, made when first asked for -----------------------------------------------------------

    @property
    def children(self) -> Children:
        """The children of this run."""
        if self._children is None:
            from understudy.actors.behaviors.code.children import Children

            self._children = Children(self.recorder, self.converter, self.failures, self._cancel_reason)
        return self._children

    def _cancel_reason(self) -> str:
        return self.cancel_requested.reason if self.cancel_requested is not None else ""

    @property
    def outbound(self) -> Outbound:
        """The messages of this run to other workflows."""
        if self._outbound is None:
            from understudy.actors.behaviors.code.outbound import Outbound

            self._outbound = Outbound(self.recorder)
        return self._outbound

    @property
    def patches(self) -> Patches:
        """The patches and versions that this run has come to."""
        if self._patches is None:
            from understudy.actors.behaviors.code.patches import Patches

            self._patches = Patches(self.recorder, self.definition.activates_patch)
        return self._patches

    @property
    def upserts(self) -> Upserts:
        """Memo, search attributes and details, as the code knows them."""
        if self._upserts is None:
            from understudy.actors.behaviors.code.upserts import Upserts

            self._upserts = Upserts(self.recorder)
        return self._upserts

    # -- side effects ------------------------------------------------------------------------------------------------

    def side_effect(self, value: Callable[[], Payload]) -> Payload:
        """Return the payload of the next side effect: computed now, or as recorded."""
        seq, recorder, payload = self._effect_seq + 1, self.recorder, _RECORDED
        if recorder.cursor < 0:
            from understudy.actors.behaviors.code.side_effects import live_only

            payload = live_only(recorder, value, "a side_effect")
        event = recorder.ask(SideEffectRecorded(at=recorder.now, seq=seq, value=payload, source=source_line()))
        self._effect_seq = seq
        return event.value  # type: ignore[attr-defined, no-any-return]  # same_request saw that it is one
