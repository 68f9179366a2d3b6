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

from understudy.actors.behaviors.code.context import current
from understudy.actors.behaviors.definitions.declare import define_workflow
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition
from understudy.actors.behaviors.definitions.job import JOB_TYPE, Job, activity_id_of, is_job, job_of
from understudy.events.activity import ActivityScheduled
from understudy.events.failures.exceptions import ActivityError, FailureError
from understudy.events.options.policies import ActivityCancellationType
from understudy.events.payloads.payload import RawValue
from understudy.events.workflow import WorkflowStarted

__all__ = ["job_definition"]


def job_definition(started: WorkflowStarted) -> WorkflowDefinition | None:
    """Return the code of a run that is a job; None: it is a workflow."""
    return _DEFINITION if started.workflow_type == JOB_TYPE and is_job(started.workflow_id) else None


def _scheduled(job: Job, started: WorkflowStarted, *, at: int, seq: int) -> ActivityScheduled:
    """Return the event that asks for the one activity of a job."""
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
    scheduled = _scheduled(job, started, at=context.recorder.now, seq=context.next_activity())
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
"""The guards do not watch it: they look for mistakes of users' code."""
