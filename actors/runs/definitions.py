"""The definitions that workers bring, by task queue, and the parts of which the code of runs is made.

Who wakes or stops runs when a worker comes or goes is their supervisor (`runs.supervisor`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from understudy.actors.behaviors.code.job import job_definition
from understudy.actors.behaviors.code.run import Run
from understudy.actors.behaviors.definitions.job import JOB_TYPE
from understudy.actors.stored_failures import failure_in_workflow
from understudy.events.converters.in_context import for_workflow, takes_context
from understudy.events.errors import UnknownWorkflowTypeError

if TYPE_CHECKING:
    from understudy.actors.activities.worker_slots import WorkerSlots
    from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
    from understudy.events.converters.failure_converter import FailureConverter
    from understudy.events.converters.payload_converter import PayloadConverter
    from understudy.events.failures.failure import Failure
    from understudy.events.state.execution import WorkflowExecution
    from understudy.events.workflow import WorkflowStarted

__all__ = ["Definitions"]


class Definitions:
    """The workers' definitions; used on the engine's loop.

    Args:
        converter: of payloads, for runs whose worker says nothing else.
        failures: of failures, likewise.
    """

    def __init__(self, converter: PayloadConverter, failures: FailureConverter) -> None:
        self._converters = converter, failures, takes_context(converter) or takes_context(failures)
        self.workers: dict[str, list[WorkerSlots]] = {}
        """The workers that run workflows, by task queue."""

    def of(self, started: WorkflowStarted) -> WorkflowDefinition | None:
        """Return the definition that a worker of the run's task queue has for its type; a job brings its own along."""
        if started.workflow_type == JOB_TYPE:
            return job_definition(started)
        for worker in self.workers.get(started.task_queue, ()):
            found = worker.workflow(started.workflow_type)
            if found is not None:
                return found
        return None

    def unknown_type(self, started: WorkflowStarted) -> UnknownWorkflowTypeError:
        """Return the error that names the missing worker."""
        for worker in self.workers.get(started.task_queue, ()):
            return worker.unknown_workflow(started.workflow_type)
        return UnknownWorkflowTypeError(name=started.workflow_type, task_queue=started.task_queue)

    def new_code(self, definition: WorkflowDefinition, state: WorkflowExecution) -> Run:
        """Make the coroutine side of a run."""
        converter, failures, in_context = definition.converters or self._converters
        if not in_context:
            return Run(definition, state, converter, failures, in_context=False)
        workflow_id = state.start.workflow_id
        return Run(definition, state, for_workflow(converter, workflow_id), for_workflow(failures, workflow_id))

    def failure_of(self, workflow_id: str, error: BaseException) -> Failure:
        """Return the failure that is stored for an error among the events of a run of a workflow."""
        converter, failures, _ = self._converters
        return failure_in_workflow(error, workflow_id, failures, converter)

    def add_worker(self, worker: WorkerSlots) -> None:
        """Use the definitions of a worker."""
        self.workers.setdefault(worker.task_queue, []).append(worker)

    def remove_worker(self, worker: WorkerSlots) -> None:
        """Use the definitions of a worker no more; harmless if they are not used."""
        with suppress(ValueError):
            self.workers.get(worker.task_queue, []).remove(worker)
