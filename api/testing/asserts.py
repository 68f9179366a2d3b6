"""Failed asserts of workflows in tests: an outcome, and a final one.

In a worker elsewhere an AssertionError is a bug, and the turn is tried again until the code is mended. A test wants to
hear of it at once. So in an environment it ends the run, and no retry policy makes another one: with time that skips,
the retries would go on for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from understudy.events.converters.failure_converter import FailureConverter
from understudy.events.converters.in_context import WithSerializationContext, in_context, takes_context
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.failures.failure import Failure

if TYPE_CHECKING:
    from understudy.events.converters.contexts import SerializationContext

__all__ = ["FinalAsserts"]


class FinalAsserts(FailureConverter, WithSerializationContext):
    """A failure converter that marks a failed assert as final: trying again is of no use; else the one it was given."""

    def __init__(self, converter: FailureConverter) -> None:
        """Leave the conversion to `converter`."""
        self._converter = converter

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
        """Return the failure to be stored for `exception`."""
        failure = self._converter.to_failure(exception, payload_converter)
        if isinstance(exception, AssertionError):
            return msgspec.structs.replace(failure, non_retryable=True)
        return failure

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Return the exception that `failure` describes."""
        return self._converter.from_failure(failure, payload_converter)

    @property
    def takes_context(self) -> bool:
        """True if the converter that does the work asks for a context."""
        return takes_context(self._converter)

    def with_context(self, context: SerializationContext) -> Self:
        """Return the same around the converter in its context."""
        return type(self)(in_context(self._converter, context))
