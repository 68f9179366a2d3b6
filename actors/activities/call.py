"""Calls the user's function of one attempt: decodes its arguments, calls it where it belongs, encodes its result.

Async functions run where this is awaited, plain ones in the worker's executor: in a thread, where a cancellation is
raised in them, or in another process, which gets function and arguments by cloudpickle.
"""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import BrokenExecutor
from typing import TYPE_CHECKING, Any, Protocol

from understudy.actors.activities.current import RunningAttempt, converter_of
from understudy.actors.activities.thread_cancel import ThreadCancel
from understudy.actors.activities.worker_slots import is_process_pool
from understudy.actors.behaviors.definitions.definition import is_async
from understudy.events.payloads.payload import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from understudy.actors.activities.assignment import Assignment
    from understudy.actors.activities.cancellation import Cancellation
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import ActivityDefinition
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.failures.failure import Failure
    from understudy.events.payloads.payload import Payload

__all__ = ["CalledAttempt", "call_function", "execute", "failure_of"]


class CalledAttempt(RunningAttempt, Protocol):
    """An attempt whose function is called from this process, which also knows the reason of its cancellation."""

    @property
    def cancellation(self) -> Cancellation:
        """The request to stop, with its reason."""
        ...


def failure_of(assignment: Assignment, worker: WorkerSlots, error: BaseException) -> Failure:
    """Return the failure that is stored for what an attempt raised, by the worker's converters for this activity."""
    try:
        return assignment.as_of(worker.failures).to_failure(error, converter_of(assignment, worker))
    except Exception as raised:  # noqa: BLE001 - the attempt must end all the same
        from understudy.actors.stored_failures import unconverted

        return unconverted(error, raised, worker.failures)


async def execute(attempt: CalledAttempt, worker: WorkerSlots, definition: ActivityDefinition) -> Payload | None:
    """Run the function and return its result as a payload; on the engine's loop.

    Raises:
        BaseException: what the function raised, or that its arguments or its result do not fit.
    """
    assignment = attempt.assignment
    converter = converter_of(assignment, worker)
    args = _arguments(assignment, converter, definition)
    if worker.intercept is not None:
        result = await worker.intercept(attempt, worker, definition, args)
    elif definition.is_async:
        result = await definition.fn(*args)
    else:
        result = await _in_executor(attempt, worker, definition, definition.fn, args, worker.executor_for_plain())
    if result is None:
        return None
    where = Phrase("the result of {}", (assignment.label,))
    return converter.encode(result, definition.signature.returns, where=where)


def _arguments(assignment: Assignment, converter: PayloadConverter, definition: ActivityDefinition) -> Any:
    payloads = assignment.scheduled.input
    if definition.name is None:
        return [converter.raw(payloads)]
    where = assignment.label
    definition.signature.check(len(payloads), where=where)
    return converter.decode_args(payloads, definition.signature, where=where)


async def call_function(  # noqa: PLR0913 - a call, and where it is made
    attempt: CalledAttempt,
    worker: WorkerSlots,
    definition: ActivityDefinition,
    fn: Callable[..., Any],
    args: Sequence[Any],
    *,
    executor: Executor | None,
) -> Any:
    """Call a function for an attempt, with the arguments that interceptors left; on the engine's loop.

    Raises:
        BaseException: what the function raised.
    """
    if is_async(fn):
        return await fn(*args)
    return await _in_executor(attempt, worker, definition, fn, args, executor or worker.executor_for_plain())


async def _in_executor(  # noqa: PLR0913, PLR0917 - as `call_function`
    attempt: CalledAttempt,
    worker: WorkerSlots,
    definition: ActivityDefinition,
    fn: Callable[..., Any],
    args: Sequence[Any],
    executor: Executor,
) -> Any:
    loop = worker.loop
    if is_process_pool(executor):
        from understudy.actors.activities.process_pool import run_in_process
        from understudy.actors.activities.remote import AttemptServer

        server = AttemptServer(attempt, worker)
        try:
            return await run_in_process(server, loop, executor, fn, args)
        except BrokenExecutor as error:  # what the function raises comes as a value
            worker.fail(error)
            raise
    variables = contextvars.copy_context()
    cancel = attempt.thread_cancel = None if definition.no_thread_cancel_exception else ThreadCancel()

    def work() -> Any:
        if attempt.cancellation.details is not None:  # it waited for a thread, and nobody wants it any more
            raise asyncio.CancelledError(attempt.cancellation.reason)
        if cancel is None:
            return variables.run(fn, *args)
        return cancel.run(variables.run, fn, *args)

    try:
        running = loop.run_in_executor(executor, work)
    except BrokenExecutor as error:
        worker.fail(error)
        raise
    return await running
