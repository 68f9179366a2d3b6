"""Asynchronous completion: results and heartbeats of attempts that are finished outside a worker.

The other side of `activity.raise_complete_async()`. What is said is an answer that somebody waits for: it is given once
what it means is on disk (ACKED), and refused if nobody waits for it. Heartbeats are the exception, as they are for
code in a worker: their details are written down now and then.
"""

from __future__ import annotations

from random import random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from understudy.actors.activities.assignment import assignment_of
from understudy.actors.activities.cancellation import CANCEL_REQUESTED, ActivityCancellationDetails
from understudy.actors.behaviors.decisions.activities import awaited
from understudy.actors.behaviors.decisions.commands import CompleteActivity, FailActivity, ReportActivity
from understudy.actors.runs.live_run import LiveRun, Read
from understudy.events.activity import ActivityPhase
from understudy.events.errors import ActivityNotFoundError

if TYPE_CHECKING:
    from understudy.actors.activities.supervisor import ActivitySupervisor
    from understudy.actors.requests.post import Post
    from understudy.actors.requests.service import Service
    from understudy.events.payloads.payload import Payload

__all__ = ["Completion", "Target"]


class Target(NamedTuple):
    """Names an attempt, by the ids of its workflow and its own, or by the contents of its token."""

    activity: str
    """The activity's id; for a token, the name of the activity in messages."""
    workflow_id: str = ""
    run_id: str = ""
    """Empty: the open run of the workflow, else the latest."""
    seq: int = 0
    attempt: int = 0


class _Found(NamedTuple):
    seq: int
    attempt: int
    unwritten: tuple[Payload, ...] | None


class Completion:
    """The reports that somebody outside may make about an attempt; used on the engine's loop.

    Args:
        post: the way to the runs.
        service: finds the run that is meant.
        activities: knows the attempts.
    """

    def __init__(self, post: Post, service: Service, activities: ActivitySupervisor) -> None:
        self._post = post
        self._service = service
        self._activities = activities

    async def report(
        self, target: Target, report: CompleteActivity | FailActivity, *, cancellation: bool = False
    ) -> None:
        """Tell the run how an attempt ended, and wait until that is on disk.

        Args:
            target: the attempt.
            report: how it ended; its numbers do not count. Without details, a failure hands on the latest heartbeat's.
            cancellation: it says that the activity was cancelled, as was asked.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: its run is closed.
            ActivityNotFoundError: nobody awaits that attempt's outcome.
            InvalidArgumentError: a cancellation is reported that nobody asked for.
            EngineError: it could not be stored.
        """
        run_id = self._run_of(target)
        activities = self._activities

        def find(run: LiveRun) -> _Found:
            pending = awaited(run.state, target.activity, seq=target.seq, attempt=target.attempt)
            seq = pending.scheduled.seq
            return _Found(seq, pending.attempt, activities.unwritten(run_id, seq))

        found: _Found = await self._post.ask(run_id, Read(find))
        if isinstance(report, FailActivity):
            details = found.unwritten if report.heartbeat_details is None else report.heartbeat_details
            report = msgspec.structs.replace(report, heartbeat_details=details, dice=random())  # noqa: S311 - jitter
        command = ReportActivity(
            report=report, activity=target.activity, seq=found.seq, attempt=found.attempt, cancellation=cancellation
        )
        await self._post.ask(run_id, command)
        activities.told_outside(run_id, found.seq, found.attempt)

    async def heartbeat(self, target: Target, details: tuple[Payload, ...]) -> ActivityCancellationDetails | None:
        """Tell the engine that an attempt goes on; return the reason why it shall stop, if it shall.

        Raises:
            WorkflowNotFoundError: there is no such workflow.
            WorkflowClosedError: its run is closed.
            ActivityNotFoundError: no such attempt is under way.
        """
        run_id = self._run_of(target)
        activities = self._activities

        def beat(run: LiveRun) -> ActivityCancellationDetails | None:
            pending = awaited(run.state, target.activity, seq=target.seq, attempt=target.attempt)
            start = run.state.start
            if pending.outside:
                activities.wait_outside(assignment_of(run.state, pending))
            if not activities.beat_outside(run_id, pending.scheduled.seq, pending.attempt, details):
                raise ActivityNotFoundError(
                    activity=target.activity,
                    workflow_id=start.workflow_id,
                    run_id=run_id,
                    reason=f"its attempt {pending.attempt} has not begun",
                )
            return CANCEL_REQUESTED if pending.phase is ActivityPhase.CANCELING else None

        why: ActivityCancellationDetails | None = await self._post.ask(run_id, Read(beat))
        return why

    def _run_of(self, target: Target) -> str:
        if target.workflow_id:
            return self._service.run_of(target.workflow_id, target.run_id or None)
        if target.run_id not in self._post.runs.live and self._service.row(target.run_id) is None:
            raise ActivityNotFoundError(activity=target.activity, run_id=target.run_id, reason="there is no such run")
        return target.run_id
