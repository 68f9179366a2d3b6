"""The client: the door to the engine.

`Client.connect("sqlite:///orders.db")` opens the embedded engine on the running event loop, or joins the one that this
process already has for that file. Coroutines may be awaited on any loop and in any thread; each request hops onto the
engine's loop and back if need be. `Client.open` is the same for programs without a loop: the engine gets a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar, Unpack, overload

from understudy.actors.behaviors.definition import workflow_of
from understudy.client_description import WorkflowExecutionDescription, WorkflowHistory
from understudy.client_errors import (
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from understudy.client_start import StartOptions, checked_id, checked_policies, find_workflow, start_event
from understudy.connection import Connection
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.policy import (
    Priority,
    RetryPolicy,
    WorkflowExecutionStatus,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from understudy.workflow_handle import WorkflowHandle
from understudy.workflow_ref import Cancel, Query, Result, Signal, Terminate, WorkflowRef

__all__ = [
    "Cancel",
    "Client",
    "Query",
    "Result",
    "Signal",
    "Terminate",
    "WorkflowContinuedAsNewError",
    "WorkflowExecutionDescription",
    "WorkflowExecutionStatus",
    "WorkflowFailureError",
    "WorkflowHandle",
    "WorkflowHistory",
    "WorkflowQueryFailedError",
    "WorkflowQueryRejectedError",
    "WorkflowRef",
]

R = TypeVar("R")

_NO_ARG: Final[Any] = object()


class Client(Connection):
    """A connection to one engine; cheap to keep, to be closed once."""

    # -- workflows ---------------------------------------------------------------------------------------------------

    @overload
    async def start_workflow(
        self,
        workflow: Callable[..., Awaitable[R]],
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[R]: ...
    @overload
    async def start_workflow(
        self,
        workflow: str | type,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any]: ...
    async def start_workflow(
        self,
        workflow: Any,
        arg: Any = _NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        result_type: type | None = None,
        execution_timeout: timedelta | None = None,
        run_timeout: timedelta | None = None,
        task_timeout: timedelta | None = None,
        id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy: WorkflowIDConflictPolicy = WorkflowIDConflictPolicy.UNSPECIFIED,
        retry_policy: RetryPolicy | None = None,
        memo: Mapping[str, Any] | None = None,
        search_attributes: Any = None,
        static_summary: str | None = None,
        static_details: str | None = None,
        request_id: str | None = None,
        priority: Priority | None = None,
    ) -> WorkflowHandle[Any]:
        """Start a workflow and return its handle once the start is on disk.

        Args:
            workflow: the run method of a workflow class, the class, a workflow function, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            id: the workflow id; at most one run with it is open at a time.
            task_queue: whose worker shall run it; it need not be there yet.
            result_type: what the result is decoded to, when the workflow is given by name.
            execution_timeout: for all runs that its retry policy makes, together.
            run_timeout: for one run.
            task_timeout: accepted so that programs run; a worker's `deadlock_timeout` limits a turn.
            id_reuse_policy: what closed runs with this id mean.
            id_conflict_policy: what an open run with this id means.
            retry_policy: whether a failed run is followed by another.
            memo: values kept with the run, for people.
            search_attributes: values kept with the run, for searching.
            static_summary: one line for people.
            static_details: more for people.
            request_id: starts with the same one give the same run, however often they are sent.
            priority: accepted so that programs run.

        Raises:
            InvalidArgumentError: an argument cannot be; nothing was stored.
            PayloadEncodeError: an argument of the workflow cannot be stored, or does not fit its hint.
            WorkflowAlreadyStartedError: the id is taken.
            EngineError: the store failed; nothing has started.
        """
        del priority
        if arg is not _NO_ARG:
            if args:
                raise InvalidArgumentError(
                    what="args", got=f"{len(args)} values", expected="nothing, since arg is given"
                )
            args = (arg,)
        name, definition = find_workflow(self.engine, workflow, task_queue)
        engine, service = self.engine, self.service
        started = start_event(
            self._data_converter.payload_converter,
            engine.clock(),
            workflow_type=name,
            definition=definition,
            args=args,
            id=id,
            task_queue=task_queue,
            execution_timeout=execution_timeout,
            run_timeout=run_timeout,
            task_timeout=task_timeout,
            retry_policy=retry_policy,
            memo=memo,
            search_attributes=search_attributes,
            summary=static_summary,
            details=static_details,
            request_id=request_id,
            identity=self._identity,
        )
        start = service.start(started, *checked_policies(id_reuse_policy, id_conflict_policy))
        run_id = await engine.dispatcher.run(start)
        hint = result_type if result_type is not None or definition is None else definition.signature.returns
        return WorkflowHandle(
            self, id, run_id=None, first_execution_run_id=run_id, result_run_id=run_id, result_type=hint
        )

    @overload
    async def execute_workflow(
        self,
        workflow: Callable[..., Awaitable[R]],
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> R: ...
    @overload
    async def execute_workflow(
        self,
        workflow: str | type,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> Any: ...
    async def execute_workflow(
        self,
        workflow: Any,
        arg: Any = _NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> Any:
        """Start a workflow and wait for its result; options and errors are those of `start_workflow`.

        Raises:
            WorkflowFailureError: it failed, was cancelled or terminated, or timed out; the reason is its `cause`.
        """
        handle = await self.start_workflow(workflow, arg, args=args, id=id, task_queue=task_queue, **options)
        return await handle.result()

    def start(
        self,
        workflow: Any,
        arg: Any = _NO_ARG,
        *,
        args: Sequence[Any] = (),
        id: str,
        task_queue: str,
        **options: Unpack[StartOptions],
    ) -> WorkflowRef:
        """Start a workflow from synchronous code and return a reference to it; see `start_workflow` and `actor_ref`.

        Raises:
            RuntimeError: called on the engine's own loop, where `await client.start_workflow(...)` is the way.
        """
        dispatcher = self.engine.dispatcher
        dispatcher.run_blocking(self.start_workflow(workflow, arg, args=args, id=id, task_queue=task_queue, **options))
        return self.actor_ref(id)

    def get_workflow_handle(
        self,
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: type | None = None,
    ) -> WorkflowHandle[Any]:
        """Return a handle to a workflow that was started before, by anybody; nothing is asked yet.

        Args:
            workflow_id: its id.
            run_id: which run; None: the open one, else the latest.
            first_execution_run_id: the first run of its chain.
            result_type: what the result is decoded to.

        Raises:
            InvalidArgumentError: the id cannot be.
        """
        return WorkflowHandle(
            self,
            checked_id(workflow_id),
            run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_run_id=run_id,
            result_type=result_type,
        )

    def get_workflow_handle_for(
        self,
        workflow: Callable[..., Awaitable[R]],
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[R]:
        """Return a handle that knows the result's type from `workflow`; see `get_workflow_handle`."""
        return WorkflowHandle(
            self,
            checked_id(workflow_id),
            run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_run_id=run_id,
            result_type=workflow_of(workflow).signature.returns,
        )

    def actor_ref(self, workflow_id: str, run_id: str | None = None) -> WorkflowRef:
        """Return a pykka reference to a workflow: `tell`, `ask` and `proxy()` from any thread.

        Args:
            workflow_id: its id.
            run_id: which run; None: the open one, else the latest.
        """
        if not isinstance(workflow_id, str):
            raise ArgumentTypeError(what="workflow_id", got=repr(workflow_id), expected="a str")
        return WorkflowRef(self, checked_id(workflow_id), run_id)
