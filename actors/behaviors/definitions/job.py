"""Jobs as data: a stand-alone activity is the one activity of a run whose id and type say so."""

from __future__ import annotations

from typing import Final

import msgspec

from understudy.events.options.retry_policy import StoredRetryPolicy
from understudy.events.payloads.payload import Payload
from understudy.events.workflow import WorkflowStarted

__all__ = [
    "JOB_PREFIX",
    "JOB_TYPE",
    "Job",
    "activity_id_of",
    "is_job",
    "job_id",
    "job_input",
    "job_of",
]

JOB_TYPE: Final = "understudy.activity"
"""The workflow type of the runs of all jobs."""


JOB_PREFIX: Final = "understudy.activity/"
"""The prefix of a job's id in the workflow id of its run."""


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The task of a job without its arguments, in the terms of `ActivityScheduled`: durations in ns, 0: none."""

    activity_type: str
    start_delay: int = 0
    """The time that the activity waits before the workflow asks for it."""
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
    """True if a workflow id is that of a job."""
    return workflow_id.startswith(JOB_PREFIX)


def activity_id_of(workflow_id: str) -> str:
    """Return the id by which users know the job with this workflow id."""
    return workflow_id.removeprefix(JOB_PREFIX)


def job_input(job: Job, args: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """Return the input of the run of a job."""
    return Payload(msgspec.Raw(msgspec.json.encode(job))), *args


def job_of(started: WorkflowStarted) -> Job:
    """Return the task of the job that began with this event."""
    return _decode(started.input[0].raw)
