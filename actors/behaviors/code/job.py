"""Stand-alone activities: a job with no workflow around it is a run whose code the engine brings along.

The run asks for that one activity and ends as it does, so a job has all that an activity of a workflow has: retries,
time-outs, heartbeats, completion from outside, and a place on disk. No worker registers its code, and none is needed
for it. Its ids are in a room of their own: what a user calls `bill-7` is the workflow id `understudy.activity/bill-7`,
which no workflow may have.

What the activity is stands in front of its arguments, as the first value of the run's input (`Job`).
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, define_workflow
from understudy.events.activity import ActivityScheduled
from understudy.events.failures.exceptions import ActivityError, FailureError
from understudy.events.options.policies import ActivityCancellationType, StoredRetryPolicy
from understudy.events.payloads.payload import Payload, RawValue
from understudy.events.workflow import WorkflowStarted

__all__ = [
    "JOB_PREFIX",
    "JOB_TYPE",
    "Job",
    "activity_id_of",
    "is_job",
    "job_definition",
    "job_id",
    "job_input",
    "job_of",
]

JOB_TYPE: Final = "understudy.activity"
"""The workflow type of the runs of all jobs."""
JOB_PREFIX: Final = "understudy.activity/"
"""In front of a job's id in the workflow id of its run."""


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a job is to do, but for its arguments; as `ActivityScheduled` has it, durations in ns, 0: none."""

    activity_type: str
    start_delay: int = 0
    """How long the activity waits before it is asked for."""
    schedule_to_close: int = 0
    schedule_to_start: int = 0
    start_to_close: int = 0
    heartbeat: int = 0
    retry_policy: StoredRetryPolicy | None = None
    summary: str = ""
    priority: int = 0
    fairness_key: str = ""
    fairness_weight: float | None = None


_decode: Final = msgspec.json.Decoder(Job).decode


def job_id(activity_id: str) -> str:
    """Return the workflow id of a job."""
    return JOB_PREFIX + activity_id


def is_job(workflow_id: str) -> bool:
    """Whether a workflow id is that of a job."""
    return workflow_id.startswith(JOB_PREFIX)


def activity_id_of(workflow_id: str) -> str:
    """Return what its user calls the job whose workflow id this is."""
    return workflow_id.removeprefix(JOB_PREFIX)


def job_input(job: Job, args: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """Return the input of the run of a job."""
    return Payload(msgspec.Raw(msgspec.json.encode(job))), *args


def job_of(started: WorkflowStarted) -> Job:
    """Return what the job that began like this is to do."""
    return _decode(started.input[0].raw)


def job_definition(started: WorkflowStarted) -> WorkflowDefinition | None:
    """Return the code of a run that is a job; None: it is a workflow."""
    return _DEFINITION if started.workflow_type == JOB_TYPE and is_job(started.workflow_id) else None


def _scheduled(job: Job, started: WorkflowStarted, *, at: int, seq: int) -> ActivityScheduled:
    """Return the one activity of a job."""
    return ActivityScheduled(
        at=at,
        seq=seq,
        activity_type=job.activity_type,
        activity_id=activity_id_of(started.workflow_id),
        input=started.input[1:],
        schedule_to_close=job.schedule_to_close,
        schedule_to_start=job.schedule_to_start,
        start_to_close=job.start_to_close,
        heartbeat=job.heartbeat,
        retry_policy=job.retry_policy,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        headers=started.headers,
        summary=job.summary,
        priority=job.priority,
        fairness_key=job.fairness_key,
        fairness_weight=job.fairness_weight,
    )


async def _run(*_payloads: RawValue) -> RawValue | None:
    """Ask for the activity of a job, and end as it does."""
    context = current()
    started = context.execution.start
    job = job_of(started)
    if job.start_delay:
        await asyncio.sleep(job.start_delay / 1_000_000_000)
    scheduled = _scheduled(job, started, at=context.now, seq=context.next_activity())
    handle = context.start_activity(scheduled, RawValue)
    try:
        await asyncio.wait([handle])
    except asyncio.CancelledError:
        handle.cancel()  # and then it ends as the activity makes of that
    try:
        result: RawValue | None = await handle
    except ActivityError as error:  # there is nobody to whom the activity is one of many: what it raised counts
        cause = error.cause
        raise (cause if isinstance(cause, FailureError) else error) from None
    return result


_DEFINITION: Final = define_workflow(
    _run, name=JOB_TYPE, dynamic=False, failure_exception_types=(), sandboxed=False, deadlock_timeout=None
)
"""Not watched by the guards, which look for what users' code may do wrong."""
