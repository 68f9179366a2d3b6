"""The client itself: it starts workflows and gives handles of them, through its interceptors where it has some.

It is the face that Temporal's surface wants as one class. Each further subject is a mixin that rests on `Connection`
alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from understudy._calls.checked import checked_id
from understudy._calls.targets import NO_ARG, NO_METADATA, arguments, as_it_is
from understudy._client.async_activities import Activities
from understudy._client.config import ServiceClient
from understudy._client.handles.handle import WorkflowHandle
from understudy._client.jobs.client import StandaloneActivities
from understudy._client.promises import Promises
from understudy._client.starts.start import (
    DEFAULT_VALUES,
    NO_OPTIONS,
    StartOptions,
    WantedStart,
    named_options,
    start_workflow,
)
from understudy._client.starts.with_start import UpdateWithStart
from understudy.actors.behaviors.definitions.definition import workflow_of
from understudy.events.converters.data_converter import DataConverter
from understudy.events.errors import ArgumentTypeError
from understudy.events.options.policies import (
    HeaderCodecBehavior,
    QueryRejectCondition,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from understudy.events.options.priority import Priority
from understudy.events.options.retry_policy import RetryPolicy
from understudy.events.public import public

if TYPE_CHECKING:
    from understudy._client.actor_ref import WorkflowRef
    from understudy._client.starts.typed import typed_execute, typed_start
else:
    typed_execute = as_it_is
    typed_start = as_it_is

__all__ = ["Client"]

R = TypeVar("R")


@public("understudy.client")
class Client(UpdateWithStart, Promises, StandaloneActivities, Activities):
    """A connection to one engine; cheap to keep, to be closed once."""

    def __init__(
        self,
        service_client: ServiceClient,
        *,
        namespace: str = "default",
        data_converter: DataConverter = DataConverter.default,
        plugins: Sequence[Any] = (),
        interceptors: Sequence[Any] = (),
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
    ) -> None:
        """Make another client of an engine, as `Client(**client.config())`; `Client.connect` opens one.

        It is a guest: the client that opened the engine ends it, and should be closed last.

        Args:
            service_client: of a client that is open.
            namespace: accepted so that programs run; there is one.
            data_converter: turns values into payloads, also in the client's workers; its codec has to be the first's.
            plugins: refused unless empty: they are not applied.
            interceptors: they stand around the client's calls, the first outermost.
            default_workflow_query_reject_condition: statuses in which queries are not asked that say none themselves.
            header_codec_behavior: no effect: headers go the way of all values.

        Raises:
            InvalidArgumentError: the engine has another codec, or an argument cannot be.
        """
        super().__init__(
            service_client,
            namespace=namespace,
            data_converter=data_converter,
            plugins=plugins,
            interceptors=interceptors,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
            header_codec_behavior=header_codec_behavior,
        )
        if interceptors:
            from understudy._client.interceptors.root import chain_of

            self.chain = chain_of(self, interceptors)

    # -- workflows ---------------------------------------------------------------------------------------------------

    @typed_start
    async def start_workflow(
        self,
        workflow: Any,
        arg: Any = NO_ARG,
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
        cron_schedule: str = "",
        memo: Mapping[str, Any] | None = None,
        search_attributes: Any = None,
        static_summary: str | None = None,
        static_details: str | None = None,
        start_delay: timedelta | None = None,
        start_signal: str | None = None,
        start_signal_args: Sequence[Any] = (),
        rpc_metadata: Mapping[str, str | bytes] = NO_METADATA,
        rpc_timeout: timedelta | None = None,
        request_eager_start: bool = False,
        priority: Priority = Priority.default,
        versioning_override: object = None,
        stack_level: int = 2,
        request_id: str | None = None,
    ) -> WorkflowHandle[Any, Any]:
        """Start a workflow and return its handle once the start is on disk.

        Args:
            workflow: the run method of a workflow class, the class, a workflow function, or a name.
            arg: the argument, if there is just one.
            args: the arguments, if there are several.
            id: the workflow id; at most one run with it is open at a time.
            task_queue: whose worker shall run it; it need not be there yet.
            result_type: the type that the result is decoded to, when the workflow is given by name.
            execution_timeout: for all runs that its retry policy makes, together.
            run_timeout: for one run.
            task_timeout: accepted so that programs run; a worker's `deadlock_timeout` limits a turn.
            id_reuse_policy: what closed runs with this id mean.
            id_conflict_policy: what an open run with this id means.
            retry_policy: says if another run follows a failed one.
            cron_schedule: when the workflow runs, again and again, as a cron expression (UTC, or `CRON_TZ=` in front).
            memo: values kept with the run, for people.
            search_attributes: values kept with the run, for searching.
            static_summary: one line for people.
            static_details: more for people.
            start_delay: how long the first turn of the run waits.
            start_signal: a signal that goes with the start, in one commit; an open run with this id gets it instead.
            start_signal_args: its arguments.
            rpc_metadata: accepted so that programs run: no call leaves the process.
            rpc_timeout: accepted so that programs run; `asyncio.timeout` limits any wait.
            request_eager_start: accepted so that programs run: every start is as eager as can be.
            priority: recorded with the run.
            versioning_override: accepted so that programs run: workers have no versions.
            stack_level: accepted so that programs run.
            request_id: starts with the same one give the same run, however often they are sent.

        Raises:
            InvalidArgumentError: an argument cannot be; nothing was stored.
            PayloadEncodeError: an argument of the workflow cannot be stored, or does not fit its hint.
            WorkflowAlreadyStartedError: the id is taken.
            EngineError: the store failed; nothing has started.
        """
        del stack_level
        given = (
            result_type,
            execution_timeout,
            run_timeout,
            task_timeout,
            id_reuse_policy,
            id_conflict_policy,
            retry_policy,
            cron_schedule,
            memo,
            search_attributes,
            static_summary,
            static_details,
            start_delay,
            start_signal,
            start_signal_args,
            rpc_metadata,
            rpc_timeout,
            request_eager_start,
            request_id,
            priority,
            versioning_override,
        )
        options = NO_OPTIONS if given == DEFAULT_VALUES else named_options(given)
        wanted = WantedStart(workflow, arguments(arg, args), id, task_queue, options)
        if self.chain is not None:
            from understudy._client.interceptors.start_inputs import input_of_start

            handle: WorkflowHandle[Any, Any] = await self.chain.start_workflow(input_of_start(wanted))
            return handle
        return await start_workflow(self, wanted)

    @typed_execute
    async def execute_workflow(
        self,
        workflow: Any,
        arg: Any = NO_ARG,
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
        arg: Any = NO_ARG,
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
    ) -> WorkflowHandle[Any, Any]:
        """Return a handle to a workflow that was started before, by anybody; nothing is asked yet.

        Args:
            workflow_id: its id.
            run_id: the run that is meant; None: the open one, else the latest.
            first_execution_run_id: the first run of its chain.
            result_type: the type that the result is decoded to.

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
    ) -> WorkflowHandle[Any, R]:
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
            run_id: the run that is meant; None: the open one, else the latest.
        """
        if not isinstance(workflow_id, str):
            raise ArgumentTypeError(what="workflow_id", got=repr(workflow_id), expected="a str")
        from understudy._client.actor_ref import WorkflowRef  # only who has no loop talks to actors

        return WorkflowRef(self, checked_id(workflow_id), run_id)
