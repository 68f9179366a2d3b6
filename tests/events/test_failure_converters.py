"""Failure converters of users: what they change of an exception, they change of its causes, too."""

from __future__ import annotations

from understudy.events.converters.failure_converter import DefaultFailureConverter
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.failures.exceptions import ApplicationError, FailureError
from understudy.events.failures.failure import Failure

plain = JsonConverter()


class OutOfStockError(ApplicationError):
    def __init__(self, what: str) -> None:
        super().__init__(what, type="OutOfStock", non_retryable=True)


class Shop(DefaultFailureConverter):
    """Knows lookups that fail for what they mean, and gives callers the shop's own class."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
        if isinstance(exception, LookupError):
            meant = OutOfStockError(str(exception.args[0]))
            meant.__cause__ = exception.__cause__
            return super().to_failure(meant, payload_converter)
        return super().to_failure(exception, payload_converter)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        error = super().from_failure(failure, payload_converter)
        if failure.type != "OutOfStock":
            return error
        own = OutOfStockError(failure.message)
        own.__cause__ = error.__cause__
        return own


class Wrapping(DefaultFailureConverter):
    """Makes the exception itself the cause of what it means."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Failure:
        if isinstance(exception, LookupError):
            meant = OutOfStockError(str(exception.args[0]))
            meant.__cause__ = exception
            return super().to_failure(meant, payload_converter)
        return super().to_failure(exception, payload_converter)


def raised(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_a_converter_of_ones_own_takes_down_every_cause() -> None:
    error = raised(ValueError("no order"), raised(KeyError("tea"), OSError("shelf")))
    failure = Shop().to_failure(error, plain)
    assert failure.type == "ValueError"
    assert failure.cause is not None
    assert (failure.cause.type, failure.cause.message) == ("OutOfStock", "tea")
    assert failure.cause.cause is not None
    assert failure.cause.cause.type == "OSError"


def test_a_converter_of_ones_own_makes_every_cause() -> None:
    inner = Failure(kind="application", type="OutOfStock", message="tea")
    middle = Failure(kind="activity", message="failed", cause=inner)
    error = Shop().from_failure(Failure(kind="child", message="failed", cause=middle), plain)
    assert isinstance(error, FailureError)
    assert isinstance(error.cause, FailureError)
    assert type(error.cause.cause) is OutOfStockError


def test_what_is_its_own_meaning_s_cause_is_taken_down_no_further() -> None:
    failure = Wrapping().to_failure(KeyError("tea"), plain)
    types: list[str] = []
    below: Failure | None = failure
    while below is not None:
        types.append(below.type)
        below = below.cause
    assert types == ["OutOfStock", "OutOfStock"]
