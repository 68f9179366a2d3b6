"""A failure as events hold it: its kind, message, stack and cause, and the values that users gave with it."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.payloads.payload import Payload
from understudy.events.public import public

__all__ = ["ApplicationErrorCategory", "Failure"]


@public("understudy.exceptions")
class ApplicationErrorCategory(IntEnum):
    """The attention that an application error asks for."""

    UNSPECIFIED = 0
    BENIGN = 1
    """Expected: logged at debug level and left out of the failure counts."""


@public("understudy.converter")
class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The stored form of an exception; `kind` decides which of the fields have a meaning."""

    kind: str
    """application, canceled, terminated, timeout, server, activity, child, already_started, or failure for others."""
    message: str = ""
    type: str = ""
    """application: the name of the kind of error."""
    stack_trace: str = ""
    cause: Failure | None = None
    details: tuple[Payload, ...] = ()
    """application, canceled, terminated: the user's values; timeout: of the last heartbeat."""
    non_retryable: bool = False
    next_retry_delay: int | None = None
    """application: ns."""
    category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED
    timeout_type: TimeoutType | None = None
    retry_state: RetryState | None = None
    """activity, child: why there is no further attempt."""
    seq: int = 0
    """activity, child: its number in the run."""
    started_seq: int = 0
    identity: str = ""
    activity_type: str = ""
    activity_id: str = ""
    namespace: str = ""
    workflow_id: str = ""
    run_id: str = ""
    workflow_type: str = ""
    encoded: Payload | None = None
    """Message and stack trace, where they are to be hidden with the payloads."""
