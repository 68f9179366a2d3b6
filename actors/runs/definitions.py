"""The code of runs: the definitions that workers bring, and what their values and failures are converted by.

The base of the supervisor of workflow actors (`actors.runs.supervisor`), above the runs that are in memory.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from understudy.actors.behaviors.code.job import job_definition
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.definitions.job import JOB_TYPE
from understudy.actors.runs.registry import LiveRuns
from understudy.actors.stored_failures import failure_in_workflow
from understudy.events.converters.in_context import for_workflow, takes_context
from understudy.events.errors import UnknownWorkflowTypeError

if TYPE_CHECKING:
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.actors.dispatch import Dispatcher
    from understudy.actors.runs.live_run import LiveRun
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.failures.failure import Failure
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Definitions"]


class Definitions(LiveRuns):
    """The workers' definitions by task queue; used on the engine's loop."""

    def __init__(self, dispatcher: Dispatcher, converter: PayloadConverter, failures: FailureConverter) -> None:
        """Begin with no worker."""
        super().__init__(dispatcher)
        self.converter = converter
        self.failures = failures
        self._converters = converter, failures, takes_context(converter) or takes_context(failures)
        self.workers: dict[str, list[WorkerSlots]] = {}

    def definition_of(self, started: WorkflowStarted) -> WorkflowDefinition | None:
        """Return the definition that a worker of the run's task queue has for its type; a job brings its own along."""
        if started.workflow_type == JOB_TYPE:
            return job_definition(started)
        for worker in self.workers.get(started.task_queue, ()):
            found = worker.workflow(started.workflow_type)
            if found is not None:
                return found
        return None

    def unknown_type(self, started: WorkflowStarted) -> UnknownWorkflowTypeError:
        """Return the error that says which worker is missing."""
        for worker in self.workers.get(started.task_queue, ()):
            return worker.unknown_workflow(started.workflow_type)
        return UnknownWorkflowTypeError(name=started.workflow_type, task_queue=started.task_queue)

    def new_run(self, definition: WorkflowDefinition, state: WorkflowExecution) -> Run:
        """Make the coroutine side of a run."""
        converter, failures, in_context = definition.converters or self._converters
        if not in_context:
            return Run(definition, state, converter, failures, in_context=False)
        workflow_id = state.start.workflow_id
        return Run(definition, state, for_workflow(converter, workflow_id), for_workflow(failures, workflow_id))

    def failure_of(self, actor: LiveRun, error: BaseException) -> Failure:
        """Return what is stored of an error among the events of a run."""
        return failure_in_workflow(error, actor.name, self.failures, self.converter)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Use the worker's definitions no more; runs that only it had code for wait for another that has."""
        with suppress(ValueError):  # it is taken out once
            self.workers.get(worker.task_queue, []).remove(worker)
        for actor in self.live.values():
            if actor.run is not None and self.definition_of(actor.state.start) is None:
                actor.lose_code()
