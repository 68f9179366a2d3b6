"""Failures: exceptions as events hold them, and the way from one to the other.

An exception cannot be stored; what is worth keeping of it can: its kind, message, type, details, where it was raised,
and the same of what caused it. `to_failure` takes that down and never fails itself: what cannot be stored is stored as
its `repr`, cycles of causes are cut, a chain is followed only so far. `to_exception` makes Temporal's exceptions of it
again, with their causes; what was not one of these comes back as an ApplicationError named after its class.

The exceptions are in `events.failures.exceptions`. Formatting a traceback reads source files; it is the one thing here
that looks outside, and nothing but the text of `stack_trace` depends on it.
"""

from __future__ import annotations

import asyncio
import linecache
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.failures.already_started import WorkflowAlreadyStartedError
from understudy.events.failures.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    ServerError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - the interface that is followed
    set_failure,
)
from understudy.events.failures.failure import Failure
from understudy.events.options.durations import from_ns, to_ns
from understudy.events.payloads.payload import Payload, RawValue
from understudy.events.public import public

if TYPE_CHECKING:
    from types import FrameType

__all__ = [
    "DefaultFailureConverter",
    "DefaultFailureConverterWithEncodedAttributes",
    "FailureConverter",
]

_MOST_CAUSES: Final = 20
"""A longer chain of causes is cut: nobody reads it, and every level of children adds to it."""
_MOST_FRAMES: Final = 40
_MOST_TEXT: Final = 20_000
"""Characters of a message or a stack trace; some libraries put whole documents in their messages."""
_DETAIL: Final = "a detail of a failure"
_json: Final = JsonConverter()
_seen: Final[ContextVar[frozenset[int]]] = ContextVar("seen", default=frozenset())
"""The exceptions above the one that is being taken down, by identity: a chain may be a cycle."""


@public("understudy.converter")
class FailureConverter(ABC):
    """Turns exceptions into failures and back; called on any thread."""

    default: ClassVar[FailureConverter]
    """The one that is used when none is given."""

    @abstractmethod
    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
        """Return what is to be stored of `exception`, which is not changed."""

    @abstractmethod
    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Return an exception that says what `failure` does, with its causes."""

    def to_exception(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Do what `from_failure` does."""
        return self.from_failure(failure, payload_converter)


@public("understudy.converter")
class DefaultFailureConverter(FailureConverter):
    """Failures in plain sight, as far as their details are.

    Args:
        encode_common_attributes: True to move message and stack trace into a payload, where a codec hides them.
    """

    def __init__(self, *, encode_common_attributes: bool = False) -> None:
        self._hides = encode_common_attributes

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
        """Return what is to be stored of `exception`; one that came from a failure is that failure again.

        Causes pass this method, too, so a class that overrides it is asked about each of them.
        """
        stored = exception.failure if isinstance(exception, FailureError) else None
        if stored is not None:
            return stored
        seen, cause, below = {*_seen.get(), id(exception)}, _cause_of(exception), None
        if cause is not None and id(cause) not in seen and len(seen) < _MOST_CAUSES:
            token = _seen.set(frozenset({*seen, id(cause)}))
            try:
                below = self.to_failure(cause, payload_converter)
            finally:
                _seen.reset(token)
        return self._hide(_taken_down(exception, below, payload_converter), payload_converter)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Return an exception that says what `failure` does, with its causes; each of them passes this method."""
        error = _made(_shown(failure, payload_converter), failure, payload_converter)
        if failure.cause is not None:
            error.__cause__ = self.from_failure(failure.cause, payload_converter)
        return error

    def _hide(self, failure: Failure, converter: PayloadConverter) -> Failure:
        if not self._hides:
            return failure
        secret = converter.encode({"message": failure.message, "stack_trace": failure.stack_trace})
        return msgspec.structs.replace(failure, message="Encoded failure", stack_trace="", encoded=secret)


@public("understudy.converter")
class DefaultFailureConverterWithEncodedAttributes(DefaultFailureConverter):
    """Failures whose message and stack trace are hidden with the payloads, by a codec."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)


FailureConverter.default = DefaultFailureConverter()


# ------------------------------------------------------------------------------------------- from exceptions


def _cause_of(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    if error.__context__ is not None and not error.__suppress_context__:
        return error.__context__
    # A group says less than its members; its text lists them all, its cause can be but one.
    members: Sequence[BaseException] = getattr(error, "exceptions", ()) if _is_group(error) else ()
    return members[0] if members else None


def _is_group(error: BaseException) -> bool:
    return isinstance(error, BaseExceptionGroup)


def _taken_down(error: BaseException, cause: Failure | None, converter: PayloadConverter) -> Failure:
    try:
        kind, fields = next((_TAKEN_DOWN[cls] for cls in type(error).__mro__ if cls in _TAKEN_DOWN), _foreign)(error)
        message = error.message if isinstance(error, FailureError) else error
        fields["details"] = tuple(_detail(value, converter) for value in fields.get("details", ()))
    except Exception:  # noqa: BLE001 - a user's subclass may lack what its base promises; it failed all the same
        kind, fields = _foreign(error)
        message = error
    return Failure(kind=kind, message=_text(message), stack_trace=_stack(error), cause=cause, **fields)


def _detail(value: Any, converter: PayloadConverter) -> Payload:
    try:
        return converter.encode(value, where=_DETAIL)
    except Exception:  # noqa: BLE001 - a failure must be stored, whatever somebody put into it
        return _json.encode(_text(value, by=repr))


def _text(value: object, *, by: Callable[[object], str] = str) -> str:
    """Return the text of something, in what UTF-8 can hold and of a length that can be kept."""
    try:
        text = by(value)
    except Exception:  # noqa: BLE001 - the __str__ of a user's class may raise
        text = f"<{type(value).__name__} that cannot be shown>"
    if len(text) > _MOST_TEXT:
        half = _MOST_TEXT // 2
        text = f"{text[:half]}\n… {len(text) - _MOST_TEXT} characters are left out …\n{text[-half:]}"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _stack(error: BaseException) -> str:
    if _is_group(error):
        return _text("".join(traceback.format_exception(error, limit=-_MOST_FRAMES)))
    # Not `format_tb`: since 3.11 it parses each line to underline a part of it, which costs 60 µs a frame.
    frames = deque(traceback.walk_tb(error.__traceback__), maxlen=_MOST_FRAMES)
    return _text("".join(_frame(frame, line) for frame, line in frames))


def _frame(frame: FrameType, line: int) -> str:
    code = frame.f_code
    source = linecache.getline(code.co_filename, line, frame.f_globals).strip()
    return f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' + (f"    {source}\n" if source else "")


Taken = tuple[str, dict[str, Any]]


def _foreign(error: BaseException) -> Taken:
    return "application", {"type": type(error).__name__}


def _application(error: ApplicationError) -> Taken:
    own = "" if type(error) is ApplicationError else type(error).__name__
    return "application", {
        "type": _text(error.type or own),
        "details": error.details,
        "non_retryable": bool(error.non_retryable),
        "next_retry_delay": to_ns(error.next_retry_delay, name="next_retry_delay"),
        "category": error.category,
    }


def _timeout(error: TimeoutError) -> Taken:
    return "timeout", {"timeout_type": error.type, "details": error.last_heartbeat_details}


def _activity(error: ActivityError) -> Taken:
    return "activity", {
        "seq": error.scheduled_event_id,
        "started_seq": error.started_event_id,
        "identity": error.identity,
        "activity_type": error.activity_type,
        "activity_id": error.activity_id,
        "retry_state": error.retry_state,
    }


def _child(error: ChildWorkflowError) -> Taken:
    return "child", {
        "seq": error.initiated_event_id,
        "started_seq": error.started_event_id,
        "namespace": error.namespace,
        "workflow_id": error.workflow_id,
        "run_id": error.run_id,
        "workflow_type": error.workflow_type,
        "retry_state": error.retry_state,
    }


_TAKEN_DOWN: Final[dict[type, Callable[[Any], Taken]]] = {
    ApplicationError: _application,
    CancelledError: lambda error: ("canceled", {"details": error.details}),
    asyncio.CancelledError: lambda _: ("canceled", {}),
    TerminatedError: lambda error: ("terminated", {"details": error.details}),
    TimeoutError: _timeout,
    ServerError: lambda error: ("server", {"non_retryable": error.non_retryable}),
    ActivityError: _activity,
    ChildWorkflowError: _child,
    WorkflowAlreadyStartedError: lambda error: (
        "already_started",
        {"workflow_id": error.workflow_id, "workflow_type": error.workflow_type, "run_id": error.run_id or ""},
    ),
    FailureError: lambda _: ("failure", {}),
}


# ------------------------------------------------------------------------------------------- to exceptions


def _shown(failure: Failure, converter: PayloadConverter) -> Failure:
    """Return the failure with the message and the stack trace that it may have hidden."""
    if failure.encoded is None:
        return failure
    try:
        secret = converter.decode(failure.encoded, dict[str, str])
    except Exception:  # noqa: BLE001 - without its codec's key a failure is still a failure
        return failure
    return msgspec.structs.replace(
        failure, message=secret.get("message", ""), stack_trace=secret.get("stack_trace", "")
    )


def _made(failure: Failure, stored: Failure, converter: PayloadConverter) -> FailureError:
    error = _MADE.get(failure.kind, _other)(failure, [_value(detail, converter) for detail in failure.details])
    set_failure(error, stored)
    if failure.stack_trace:
        error.add_note(f"It was raised at:\n{failure.stack_trace.rstrip()}")
    return error


def _value(detail: Payload, converter: PayloadConverter) -> Any:
    try:
        return converter.decode(detail, where=_DETAIL)
    except Exception:  # noqa: BLE001 - a detail that cannot be read must not hide the failure that it belongs to
        return RawValue(detail)


def _other(failure: Failure, _: list[Any]) -> FailureError:
    return FailureError(failure.message or "Failure error")


def _to_application(failure: Failure, details: list[Any]) -> FailureError:
    return ApplicationError(
        failure.message,
        *details,
        type=failure.type or None,
        non_retryable=failure.non_retryable,
        next_retry_delay=None if failure.next_retry_delay is None else from_ns(failure.next_retry_delay),
        category=failure.category,
    )


def _to_timeout(failure: Failure, details: list[Any]) -> FailureError:
    return TimeoutError(failure.message or "Timeout", type=failure.timeout_type, last_heartbeat_details=details)


def _to_activity(failure: Failure, _: list[Any]) -> FailureError:
    return ActivityError(
        failure.message or "Activity error",
        scheduled_event_id=failure.seq,
        started_event_id=failure.started_seq,
        identity=failure.identity,
        activity_type=failure.activity_type,
        activity_id=failure.activity_id,
        retry_state=failure.retry_state,
    )


def _to_child(failure: Failure, _: list[Any]) -> FailureError:
    return ChildWorkflowError(
        failure.message or "Child workflow error",
        namespace=failure.namespace,
        workflow_id=failure.workflow_id,
        run_id=failure.run_id,
        workflow_type=failure.workflow_type,
        initiated_event_id=failure.seq,
        started_event_id=failure.started_seq,
        retry_state=failure.retry_state,
    )


_MADE: Final[dict[str, Callable[[Failure, list[Any]], FailureError]]] = {
    "application": _to_application,
    "canceled": lambda failure, details: CancelledError(failure.message or "Cancelled", *details),
    "terminated": lambda failure, details: TerminatedError(failure.message or "Terminated", *details),
    "timeout": _to_timeout,
    "server": lambda failure, _: ServerError(failure.message, non_retryable=failure.non_retryable),
    "activity": _to_activity,
    "child": _to_child,
    "already_started": lambda failure, _: WorkflowAlreadyStartedError(
        failure.workflow_id, failure.workflow_type, run_id=failure.run_id or None
    ),
}
