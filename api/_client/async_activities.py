"""The part of a client that gives handles of activities that somebody completes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from understudy._client.connection import Connection
from understudy.events.errors import InvalidArgumentError

if TYPE_CHECKING:
    from understudy._client.handles.completion import AsyncActivityHandle

__all__ = ["Activities"]


class Activities(Connection):
    """Gives handles of activities to those who complete them from outside; a part of the client."""

    @overload
    def get_async_activity_handle(self, *, activity_id: str, run_id: str | None = None) -> AsyncActivityHandle: ...
    @overload
    def get_async_activity_handle(
        self, *, workflow_id: str, run_id: str | None, activity_id: str
    ) -> AsyncActivityHandle: ...
    @overload
    def get_async_activity_handle(self, *, task_token: bytes) -> AsyncActivityHandle: ...
    def get_async_activity_handle(
        self,
        *,
        workflow_id: str | None = None,
        run_id: str | None = None,
        activity_id: str | None = None,
        task_token: bytes | None = None,
    ) -> AsyncActivityHandle:
        """Return a handle to an activity that you complete from outside of its code; nothing is asked yet.

        Args:
            workflow_id: of the workflow that asked for the activity; None: it stands alone, see `start_activity`.
            run_id: the run that is meant; None: the open one, else the latest.
            activity_id: the activity's id in that run; of one that stands alone, its id.
            task_token: in place of all of these, what `activity.info().task_token` gave; it names one attempt.

        Raises:
            InvalidArgumentError: they name no activity.
        """
        from understudy._client.handles.activity_reference import AsyncActivityIDReference
        from understudy._client.handles.completion import AsyncActivityHandle

        if task_token is not None:
            if workflow_id is not None or run_id is not None or activity_id is not None:
                raise InvalidArgumentError(
                    what="task_token", got="given with ids", expected="one or the other", fix="Pass task_token alone"
                )
            return AsyncActivityHandle(self, task_token)
        if activity_id is None:
            raise InvalidArgumentError(
                what="activity_id",
                got="None",
                expected="the activity's id",
                fix="Pass workflow_id, run_id and activity_id, or task_token alone",
            )
        return AsyncActivityHandle(self, AsyncActivityIDReference(workflow_id, run_id, activity_id))
