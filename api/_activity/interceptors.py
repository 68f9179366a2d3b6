"""Interceptors of activities: around an attempt, and around the calls of its code to the engine.

The chain is made anew for each attempt, on the engine's loop, and runs in the attempt's own task: variables that an
interceptor sets are seen by the function, also in a thread. Into another process they do not go, only function and
arguments do. The first interceptor is the outermost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy._activity.info import info_of
from understudy.actors.activities.call import call_function
from understudy.events.payloads.payload import Payload
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._activity.info import Info
    from understudy.actors.activities.call import CalledAttempt
    from understudy.actors.activities.current import RunningAttempt
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import ActivityDefinition

__all__ = [
    "ActivityInboundInterceptor",
    "ActivityOutboundInterceptor",
    "ExecuteActivityInput",
    "activity_runner",
]


@public("understudy.worker")
@dataclass
class ExecuteActivityInput:
    """The call of an activity's function, as interceptors see it."""

    fn: Callable[..., Any]
    args: Sequence[Any]
    executor: Executor | None
    """The executor of a plain function; None: the code is a coroutine function, and runs on the loop."""
    headers: Mapping[str, Payload]


@public("understudy.worker")
class ActivityOutboundInterceptor:
    """Stands around the calls of an activity's code: extend it; called on the thread of that code."""

    def __init__(self, next: ActivityOutboundInterceptor) -> None:
        """Stand in front of `next`."""
        self.next = next

    def info(self) -> Info:
        """Return facts about the attempt."""
        return self.next.info()

    def heartbeat(self, *details: Any) -> None:
        """Give a sign of life."""
        self.next.heartbeat(*details)


@public("understudy.worker")
class ActivityInboundInterceptor:
    """Stands around an attempt of an activity: extend it."""

    def __init__(self, next: ActivityInboundInterceptor) -> None:
        """Stand in front of `next`."""
        self.next = next

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        """Take the interceptor of the code's own calls; pass on another one to stand around them, too."""
        self.next.init(outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Run the activity's function and return what it returns."""
        return await self.next.execute_activity(input)


class _OutboundRoot(ActivityOutboundInterceptor):
    """The end of the outbound chain: it asks the attempt."""

    def __init__(self, attempt: RunningAttempt) -> None:
        self._attempt = attempt

    def info(self) -> Info:
        return info_of(self._attempt)

    def heartbeat(self, *details: Any) -> None:
        self._attempt.beat(details)


class _InboundRoot(ActivityInboundInterceptor):
    """The end of the inbound chain: it calls the function."""

    def __init__(self, attempt: CalledAttempt, worker: WorkerSlots, definition: ActivityDefinition) -> None:
        self._attempt = attempt
        self._worker = worker
        self._definition = definition

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._attempt.outbound = outbound

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await call_function(
            self._attempt, self._worker, self._definition, input.fn, input.args, executor=input.executor
        )


def activity_runner(
    links: Sequence[Callable[[ActivityInboundInterceptor], ActivityInboundInterceptor]],
) -> Callable[..., Any]:
    """Return the function that calls an attempt's function through interceptors: a `WorkerSlots.intercept`.

    Args:
        links: each stands one interceptor in front of what is behind it; the first is the outermost.
    """

    async def run(
        attempt: CalledAttempt, worker: WorkerSlots, definition: ActivityDefinition, args: Sequence[Any]
    ) -> Any:
        inbound: ActivityInboundInterceptor = _InboundRoot(attempt, worker, definition)
        for link in reversed(links):
            inbound = link(inbound)
        inbound.init(_OutboundRoot(attempt))
        executor = None if definition.is_async else worker.executor_for_plain()
        try:
            return await inbound.execute_activity(
                ExecuteActivityInput(definition.fn, args, executor, attempt.assignment.scheduled.headers)
            )
        finally:
            attempt.outbound = None  # it knows the attempt: no cycle is left to the collector

    return run
