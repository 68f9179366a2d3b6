"""Errors that Temporal's clients catch: `RPCError` with a status, and `WorkflowQueryFailedError`; ours are that, too.

A program that catches one of them finds what it looks for, and one written for this library the error of its own name.
Nothing is called remotely: what has no status that fits is no `RPCError`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from understudy.events.errors.root import UnderstudyError
from understudy.events.public import public

__all__ = ["ExhaustedError", "NotFoundError", "RPCError", "RPCStatusCode", "WorkflowQueryFailedError"]


@public("understudy.service")
class RPCStatusCode(IntEnum):
    """The kinds of failure of a call to a server, by gRPC's numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@public("understudy.service")
class RPCError(UnderstudyError, Exception):
    """A call of a client failed, for a reason that a server would have, too; what is raised is one of its kinds."""

    def __init__(self, message: str, status: RPCStatusCode, raw_grpc_status: bytes) -> None:
        """Make the error of its message and status."""
        super().__init__(message)
        self._message = message
        self._status = status
        self._raw_grpc_status = raw_grpc_status

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the arguments of the constructor."""
        return type(self), (self._message, self._status, self._raw_grpc_status)

    @property
    def message(self) -> str:
        """The message, which says what went wrong."""
        return self._message

    @property
    def status(self) -> RPCStatusCode:
        """The status, which says what kind of failure it is."""
        return self._status

    @property
    def raw_grpc_status(self) -> bytes:
        """The status as a server would have sent it; empty for our own errors."""
        return self._raw_grpc_status


class WorkflowQueryFailedError(UnderstudyError, Exception):
    """A query has no answer: its handler raised (the `cause`), is not there, or tried to do more than read."""

    __module__ = "understudy.client"

    def __init__(self, message: str) -> None:
        """Make the error of its message."""
        super().__init__(message)

    @property
    def message(self) -> str:
        """The message, which says what went wrong."""
        return str(self.args[0])


class NotFoundError(RPCError, abstract=True):
    """Base of errors about something that is not there, or not any more; it stands behind `UsageError`."""

    def __init__(self, message: str) -> None:
        super().__init__(message, RPCStatusCode.NOT_FOUND, b"")


class ExhaustedError(RPCError, abstract=True):
    """Base of errors about a lack of room; it stands behind `UsageError`."""

    def __init__(self, message: str) -> None:
        super().__init__(message, RPCStatusCode.RESOURCE_EXHAUSTED, b"")
