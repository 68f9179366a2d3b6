"""The replayer: a test holds recorded histories against the code of now, before a worker meets them.

It leads new code through a history exactly as an actor does that comes back to life, so what it refuses a worker would
refuse (SAME-AGAIN). Nothing is stored and no activity runs.
"""

# ruff: noqa: ARG002 - `keeps_config` reads the arguments, and some are accepted without effect

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypedDict

from msgspec.structs import replace

from understudy._calls.checked import checked_interceptors
from understudy._client.history.saved import WorkflowHistory
from understudy.actors.activities.worker_slots import registry
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, workflow_of
from understudy.actors.guard.turn_guard import TurnGuard
from understudy.events.converters.data_converter import DataConverter
from understudy.events.converters.in_context import for_workflow
from understudy.events.errors import ArgumentTypeError, InvalidArgumentError, UnknownWorkflowTypeError, nearest_name
from understudy.events.options.policies import HeaderCodecBehavior
from understudy.events.public import public
from understudy.events.state.evolve import fold
from understudy.worker.checks import keeps_config
from understudy.worker.definition_check import refuse_what_cannot_replay
from understudy.worker.interceptors import Interceptor, interception
from understudy.worker.sandbox import GUARDING, NOT_GUARDING, WorkflowRunner, is_guarding

if TYPE_CHECKING:
    from understudy.actors.behaviors.definitions.interception import Interception

__all__ = ["Replayer", "ReplayerConfig", "WorkflowReplayResult", "WorkflowReplayResults"]

_JSON: Final = DataConverter.default


class ReplayerConfig(TypedDict, total=False):
    """The arguments of a `Replayer`, by name."""

    workflows: Sequence[type | Callable[..., Any]]
    workflow_task_executor: ThreadPoolExecutor | None
    workflow_runner: WorkflowRunner
    unsandboxed_workflow_runner: WorkflowRunner
    namespace: str
    data_converter: DataConverter | None
    interceptors: Sequence[Any]
    plugins: Sequence[Any]
    build_id: str | None
    identity: str | None
    workflow_failure_exception_types: Sequence[type[BaseException]]
    debug_mode: bool
    runtime: Any
    disable_safe_workflow_eviction: bool
    header_codec_behavior: HeaderCodecBehavior


ReplayerConfig.__module__ = "understudy.worker"


@public("understudy.worker")
@dataclass(frozen=True)
class WorkflowReplayResult:
    """The result of the replay of one history."""

    history: WorkflowHistory
    """The history, as the caller gave it."""
    replay_failure: BaseException | None
    """The reason why the code cannot take the history: a NondeterminismError, as a rule; None: it can.

    How the workflow ended has nothing to do with it: a run that failed replays well if it fails again.
    """


@public("understudy.worker")
@dataclass(frozen=True)
class WorkflowReplayResults:
    """The results of the replays of many histories."""

    replay_failures: Mapping[str, BaseException]
    """Failures by run id; empty: all is well."""


@public("understudy.worker")
class Replayer:
    """Replays histories of the workflows that it is given."""

    @keeps_config
    def __init__(
        self,
        *,
        workflows: Sequence[type | Callable[..., Any]],
        workflow_task_executor: ThreadPoolExecutor | None = None,
        workflow_runner: WorkflowRunner = GUARDING,
        unsandboxed_workflow_runner: WorkflowRunner = NOT_GUARDING,
        namespace: str = "ReplayNamespace",
        data_converter: DataConverter | None = _JSON,
        interceptors: Sequence[Any] = (),
        plugins: Sequence[Any] = (),
        build_id: str | None = None,
        identity: str | None = None,
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        debug_mode: bool = False,
        runtime: Any = None,
        disable_safe_workflow_eviction: bool = False,
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
    ) -> None:
        """Check the definitions, as a worker does; pass the same arguments as to its worker and client.

        Args:
            workflows: classes or async functions decorated with `@workflow.defn`.
            workflow_task_executor: ignored: a replay runs on the running loop.
            workflow_runner: an UnsandboxedWorkflowRunner switches guards and lint off for all of the workflows.
            unsandboxed_workflow_runner: ignored: what says `sandboxed=False` runs without guards and lint.
            namespace: ignored: a history knows its own.
            data_converter: turns payloads into values; None: JSON, typed by hints.
            interceptors: they stand around the workflows, the first outermost.
            plugins: refused unless empty: they are not applied.
            build_id: ignored: it is this build of the code that is tried.
            identity: ignored: a replay writes nothing.
            workflow_failure_exception_types: exceptions that end any run as failed, besides the workflow's own.
            debug_mode: ignored: a replay has no watchdog anyway.
            runtime: ignored: there is no core.
            disable_safe_workflow_eviction: ignored: a replay always cleans up.
            header_codec_behavior: ignored: headers are encoded like all other values.

        Raises:
            InvalidArgumentError: there is no workflow, or a plugin.
            DefinitionError: one of the definitions is none, or would not replay.
            DuplicateDefinitionError: two definitions have one name.
        """
        self._config: ReplayerConfig  # what `keeps_config` has kept
        if not workflows:
            raise InvalidArgumentError(
                what="workflows", got="nothing", expected="at least one definition", fix="Pass workflows=[...]"
            )
        if plugins:
            raise InvalidArgumentError(
                what="plugins",
                got=repr(plugins),
                expected="nothing, since they are not applied,",
                fix="Set what the plugin would set",
            )
        types, guarding = tuple(workflow_failure_exception_types), is_guarding(workflow_runner)
        around = interception(checked_interceptors(interceptors, Interceptor, "understudy.worker"))
        self._workflows = registry("workflow", (_adapted(workflow_of(w), types, guarding, around) for w in workflows))
        self._converter = data_converter if data_converter is not None else DataConverter.default
        for definition in self._workflows.values():
            refuse_what_cannot_replay(definition)
        self._guard = TurnGuard()
        self._guard.close()  # no watchdog: a replay takes as long as its history is
        self._is_guarding = False

    def __repr__(self) -> str:
        """Show the number of workflows that it knows."""
        return f"<Replayer of {len(self._workflows)} workflows>"

    def config(self, *, active_config: bool = False) -> ReplayerConfig:
        """Return the arguments of this replayer, by name.

        Args:
            active_config: accepted so that programs run: without plugins the active config is that of the start.
        """
        del active_config
        config = self._config.copy()
        config["workflows"] = list(config.get("workflows", ()))
        return config

    async def replay_workflow(
        self, history: WorkflowHistory, *, raise_on_replay_failure: bool = True
    ) -> WorkflowReplayResult:
        """Replay one history; the loop stands still meanwhile, as in a worker.

        Args:
            history: from `WorkflowHandle.fetch_history` or `WorkflowHistory.from_json`.
            raise_on_replay_failure: raise the failure; False: return it.

        Raises:
            NondeterminismError: the code asks for something else than the history says.
            UnknownWorkflowTypeError: none of the workflows is of its type.
            ArgumentTypeError: it is no history.
            BaseException: what else the code did that is no outcome of a workflow.
        """
        if not isinstance(history, WorkflowHistory):
            raise ArgumentTypeError(what="history", got=repr(history), expected="a WorkflowHistory")
        failure = await self._replay(history)
        if failure is not None and raise_on_replay_failure:
            raise failure
        return WorkflowReplayResult(history, failure)

    async def replay_workflows(
        self, histories: AsyncIterator[WorkflowHistory], *, raise_on_replay_failure: bool = True
    ) -> WorkflowReplayResults:
        """Replay many histories, one by one.

        Args:
            histories: from wherever they are kept.
            raise_on_replay_failure: raise the first failure; False: go on, and return all of them.

        Raises:
            BaseException: as `replay_workflow`.
        """
        failures: dict[str, BaseException] = {}
        async with self.workflow_replay_iterator(histories) as results:
            async for result in results:
                if result.replay_failure is None:
                    continue
                if raise_on_replay_failure:
                    raise result.replay_failure
                failures[result.history.run_id] = result.replay_failure
        return WorkflowReplayResults(failures)

    def workflow_replay_iterator(
        self, histories: AsyncIterator[WorkflowHistory]
    ) -> AbstractAsyncContextManager[AsyncIterator[WorkflowReplayResult]]:
        """Return a context manager of an iterator over the results, each replayed when it is asked for.

        Args:
            histories: from wherever they are kept.
        """
        return self._iterator(histories)

    @asynccontextmanager
    async def _iterator(
        self, histories: AsyncIterator[WorkflowHistory]
    ) -> AsyncGenerator[AsyncIterator[WorkflowReplayResult]]:
        async def results() -> AsyncGenerator[WorkflowReplayResult]:
            async for history in histories:
                yield await self.replay_workflow(history, raise_on_replay_failure=False)

        iterator = results()
        try:
            yield iterator
        finally:
            await iterator.aclose()

    def _replay(self, history: WorkflowHistory) -> asyncio.Future[BaseException | None]:
        """Replay in a callback of the running loop: a workflow's own loop cannot run inside a task."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[BaseException | None] = loop.create_future()

        def replay() -> None:
            if not done.cancelled():
                done.set_result(self._failure_of(history))

        loop.call_soon(replay)
        return done

    def _failure_of(self, history: WorkflowHistory) -> BaseException | None:
        if not self._is_guarding:
            self._is_guarding = True
            self._guard.install(self._workflows.values())
        run: Run | None = None
        try:
            run = self._new_run(history)
            ids = history.workflow_id, history.run_id
            self._guard(*ids, run.definition, run.replay, history.events, replay=True)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what was asked for
            return error
        finally:
            if run is not None:
                run.close()
        return None

    def _new_run(self, history: WorkflowHistory) -> Run:
        if not history.events:
            raise InvalidArgumentError(
                what="history.events", got="()", expected="the events of a run", fix="Pass a history that was fetched"
            )
        state = fold(history.run_id, history.events)
        wanted = state.start.workflow_type
        definition = self._workflows.get(wanted) or self._workflows.get(None)
        if definition is None:
            known = tuple(name for name in self._workflows if name)
            raise UnknownWorkflowTypeError(
                name=wanted, known=known, nearest=nearest_name(wanted, known), task_queue=state.start.task_queue
            )
        converter, workflow_id = self._converter, state.start.workflow_id
        return Run(
            definition,
            state,
            for_workflow(converter.payload_converter, workflow_id),
            for_workflow(converter.failure_converter, workflow_id),
        )


def _adapted(
    definition: WorkflowDefinition,
    types: tuple[type[BaseException], ...],
    guarding: bool,  # noqa: FBT001 - one of the replayer's settings
    around: Interception | None,
) -> WorkflowDefinition:
    return replace(
        definition,
        failure_exception_types=(*definition.failure_exception_types, *types),
        sandboxed=definition.sandboxed and guarding,
        interception=around,
    )
