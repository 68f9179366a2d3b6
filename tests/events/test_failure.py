"""An exception is taken down and made again with its causes; taking it down never fails, whatever it is."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import temporalio.exceptions
from hypothesis import given
from hypothesis import strategies as st

import understudy.exceptions as door
from understudy.events.converters.data_converter import CloudpickleConverter
from understudy.events.converters.failure_converter import (
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
)
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.errors import UnderstudyError
from understudy.events.failures import exceptions
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
    is_cancelled_exception,
)
from understudy.events.failures.failure import ApplicationErrorCategory, Failure
from understudy.events.options.policies import RetryState, TimeoutType
from understudy.events.payloads.payload import Payload, RawValue

converter = JsonConverter()
failures = FailureConverter.default


def activity_error(message: str = "Activity task failed", **changes: Any) -> ActivityError:
    fields: dict[str, Any] = {
        "scheduled_event_id": 3,
        "started_event_id": 0,
        "identity": "worker-1",
        "activity_type": "charge",
        "activity_id": "3",
        "retry_state": RetryState.MAXIMUM_ATTEMPTS_REACHED,
    }
    return ActivityError(message, **{**fields, **changes})


def child_error(message: str = "Child failed") -> ChildWorkflowError:
    return ChildWorkflowError(
        message,
        namespace="default",
        workflow_id="child-1",
        run_id="run-2",
        workflow_type="Ship",
        initiated_event_id=4,
        started_event_id=9,
        retry_state=None,
    )


EXAMPLES: list[FailureError] = [
    ApplicationError("no money"),
    ApplicationError(
        "no money",
        {"short": 3},
        "now",
        type="Broke",
        non_retryable=True,
        next_retry_delay=timedelta(seconds=5),
        category=ApplicationErrorCategory.BENIGN,
    ),
    CancelledError(),
    CancelledError("by kim", 1, [2]),
    TerminatedError("enough", "why"),
    TimeoutError("too late", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[7]),
    TimeoutError("too late", type=None, last_heartbeat_details=[]),
    ServerError("broken", non_retryable=True),
    activity_error(),
    child_error(),
    WorkflowAlreadyStartedError("order-1", "Order", run_id="run-1"),
    FailureError("whatever"),
]


def facts(error: BaseException) -> dict[str, Any]:
    """What an error says of itself, its causes apart."""
    names = [name for name, member in inspect.getmembers(type(error)) if isinstance(member, property)]
    values: dict[str, Any] = {
        name: getattr(error, name) for name in (*names, "workflow_id", "run_id") if hasattr(error, name)
    }
    for name in {"details", "last_heartbeat_details"} & values.keys():
        values[name] = tuple(values[name])
    return values | {
        "class": type(error),
        "failure": None,
        "cause": None,
        "text": str(error),
        "args": error.args,
    }


def stored(failure: Failure) -> Failure:
    """The failure after its way through the store."""
    return msgspec.json.decode(msgspec.json.encode(failure), type=Failure)


def round_trip(error: BaseException) -> BaseException:
    return failures.to_exception(stored(failures.to_failure(error, converter)), converter)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_failure_error_comes_back_as_it_was(error: FailureError) -> None:
    assert facts(round_trip(error)) == facts(error)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_failure_error_pickles_with_its_cause(error: FailureError) -> None:
    error.__cause__ = ApplicationError("deep down", type="Deep")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own pickle
    error.__cause__, cause = None, back.__cause__
    assert facts(back) == facts(error)
    assert facts(cause) == facts(ApplicationError("deep down", type="Deep"))


def test_every_kind_of_failure_error_has_an_example() -> None:
    kinds = {thing for thing in vars(exceptions).values() if isinstance(thing, type)} | {WorkflowAlreadyStartedError}
    assert {type(error) for error in EXAMPLES} == {
        kind for kind in kinds if issubclass(kind, FailureError) and kind is not exceptions.DetailedError
    }


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_the_names_and_parameters_are_those_of_the_interface_that_is_followed(error: FailureError) -> None:
    ours, theirs = type(error), getattr(temporalio.exceptions, type(error).__name__)
    assert ours.__module__ == "understudy.exceptions"
    assert getattr(door, ours.__name__) is ours
    mine, their = (inspect.signature(cls).parameters.values() for cls in (ours, theirs))
    assert [(p.name, p.kind, repr(p.default)) for p in mine] == [(p.name, p.kind, repr(p.default)) for p in their]
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public <= {name for name in dir(ours) if not name.startswith("_")}


def test_a_failure_error_is_one_of_ours_and_an_exception() -> None:
    assert issubclass(FailureError, UnderstudyError)
    assert issubclass(FailureError, Exception)
    assert not issubclass(CancelledError, asyncio.CancelledError)


def test_the_chain_of_causes_comes_back() -> None:
    def work() -> None:
        raise KeyError("sku-1")

    def attempt() -> None:
        try:
            work()
        except KeyError as error:
            raise ApplicationError("no such item", type="Missing") from error

    def activity() -> None:
        try:
            attempt()
        except ApplicationError as error:
            raise activity_error() from error

    with pytest.raises(ActivityError) as caught:
        activity()
    back = round_trip(caught.value)
    assert isinstance(back, ActivityError)
    assert isinstance(back.cause, ApplicationError)
    assert back.cause.type == "Missing"
    deepest = back.cause.cause
    assert isinstance(deepest, ApplicationError)
    assert (deepest.type, deepest.message, deepest.cause) == ("KeyError", "'sku-1'", None)
    assert deepest.failure is not None
    assert "in work" in deepest.failure.stack_trace
    assert "in work" in deepest.__notes__[0]


def test_a_context_counts_as_cause_unless_it_was_suppressed() -> None:
    error, context = ApplicationError("outer"), ValueError("inner")
    error.__context__ = context
    assert failures.to_failure(error, converter).cause is not None
    error.__suppress_context__ = True
    assert failures.to_failure(error, converter).cause is None


def test_a_cycle_of_causes_is_cut() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    failure = failures.to_failure(one, converter)
    assert failure.cause is not None
    assert failure.cause.cause is None


def test_a_long_chain_of_causes_is_cut() -> None:
    error: Exception = ValueError("0")
    for number in range(1, 100):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer
    back: BaseException | None = round_trip(error)
    depth = 0
    while back is not None:
        depth, back = depth + 1, back.__cause__
    assert depth == 20


def test_what_was_stored_is_stored_again_as_it_is() -> None:
    failure = stored(failures.to_failure(ApplicationError("x", 1, type="T"), converter))
    again = failures.to_exception(failure, converter)
    wrapped = activity_error()
    wrapped.__cause__ = again
    assert failures.to_failure(again, converter) is failure
    assert failures.to_failure(wrapped, converter).cause is failure


def test_any_other_exception_becomes_an_application_error_of_its_name() -> None:
    back = round_trip(ZeroDivisionError("division by zero"))
    assert isinstance(back, ApplicationError)
    assert (back.type, back.message, back.non_retryable) == ("ZeroDivisionError", "division by zero", False)
    assert str(back) == "ZeroDivisionError: division by zero"


class PaymentDeclinedError(ApplicationError):
    def __init__(self, amount: int) -> None:
        super().__init__(f"{amount} declined", amount)


def test_a_users_own_application_error_is_named_after_its_class() -> None:
    back = round_trip(PaymentDeclinedError(5))
    assert isinstance(back, ApplicationError)
    assert (back.type, back.details) == ("PaymentDeclinedError", (5,))
    assert PaymentDeclinedError.__module__ == __name__


def test_a_users_own_application_error_pickles() -> None:
    back = pickle.loads(pickle.dumps(PaymentDeclinedError(5)))  # noqa: S301 - our own pickle
    assert type(back) is PaymentDeclinedError
    assert back.details == (5,)


class HollowError(ApplicationError):
    def __init__(self) -> None:
        """Leave out what the base class does."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class OpaqueDetail:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


def test_taking_down_never_fails() -> None:
    hollow = failures.to_failure(HollowError(), converter)
    assert (hollow.kind, hollow.type) == ("application", "HollowError")
    assert failures.to_failure(MuteError(), converter).message == "<MuteError that cannot be shown>"
    assert stored(failures.to_failure(ValueError("\ud800"), converter)).message == "\\ud800"


def test_a_detail_that_cannot_be_stored_is_stored_as_its_repr() -> None:
    back = round_trip(ApplicationError("x", OpaqueDetail(), float("nan"), 3))
    assert isinstance(back, ApplicationError)
    assert back.details == ("<OpaqueDetail that cannot be shown>", "nan", 3)


def test_a_detail_that_cannot_be_read_is_given_as_it_is() -> None:
    failure = failures.to_failure(ApplicationError("x", {1}), CloudpickleConverter())
    back = failures.to_exception(failure, converter)
    assert isinstance(back, ApplicationError)
    assert back.details == (RawValue(failure.details[0]),)


def test_a_long_message_is_cut_in_the_middle() -> None:
    failure = failures.to_failure(ValueError("a" * 50_000 + "end"), converter)
    assert len(failure.message) < 21_000
    assert "30003 characters are left out" in failure.message
    assert failure.message.endswith("end")


def test_a_deep_recursion_leaves_a_short_stack_trace() -> None:
    def down(depth: int) -> None:
        if depth == 0:
            raise ValueError("bottom")
        down(depth - 1)

    with pytest.raises(ValueError, match="bottom") as caught:
        down(200)
    assert failures.to_failure(caught.value, converter).stack_trace.count("in down") <= 40


def test_a_stack_trace_without_source_names_its_places() -> None:
    with pytest.raises(NameError) as caught:
        exec(compile("nothing", "<made up>", "exec"), {})  # noqa: S102 - code without a source file
    trace = failures.to_failure(caught.value, converter).stack_trace
    assert trace.endswith('  File "<made up>", line 1, in <module>\n')
    assert "exec(compile(" in trace


def test_the_first_of_a_group_is_its_cause_and_all_are_in_its_stack_trace() -> None:
    group = ExceptionGroup("two failed", [ValueError("one"), KeyError("two")])
    failure = failures.to_failure(group, converter)
    assert (failure.type, failure.message) == ("ExceptionGroup", "two failed (2 sub-exceptions)")
    assert failure.cause is not None
    assert failure.cause.message == "one"
    assert "KeyError: 'two'" in failure.stack_trace


def test_a_cancellation_of_asyncio_is_taken_down_as_one() -> None:
    back = round_trip(asyncio.CancelledError("by kim"))
    assert isinstance(back, CancelledError)
    assert back.message == "by kim"
    assert str(round_trip(asyncio.CancelledError())) == "Cancelled"


def test_a_kind_from_a_later_release_comes_back_as_a_failure() -> None:
    back = failures.to_exception(Failure(kind="quantum", message="spooky"), converter)
    assert type(back) is FailureError
    assert str(back) == "spooky"


def test_a_failure_holds_nothing_but_what_differs_from_the_defaults() -> None:
    failure = failures.to_failure(ApplicationError("no"), converter)
    assert msgspec.json.encode(failure) == b'{"kind":"application","message":"no"}'


def test_message_and_stack_trace_can_be_hidden_with_the_payloads() -> None:
    hiding = DefaultFailureConverterWithEncodedAttributes()
    error = activity_error("secret outside")
    error.__cause__ = ApplicationError("secret inside")
    failure = stored(hiding.to_failure(error, converter))
    in_the_open = msgspec.json.encode(msgspec.structs.replace(failure, encoded=None, cause=None))
    assert b"secret" not in in_the_open
    assert failure.message == "Encoded failure"
    back = failures.to_exception(failure, converter)
    assert str(back) == "secret outside"
    assert str(back.__cause__) == "secret inside"
    assert failures.to_failure(back, converter) is failure


def test_what_stays_hidden_is_still_a_failure() -> None:
    sealed = Payload(msgspec.Raw(b'"x"'), {"encoding": "binary/encrypted"})
    back = failures.to_exception(Failure(kind="application", message="Encoded failure", encoded=sealed), converter)
    assert str(back) == "Encoded failure"


@pytest.mark.parametrize(
    ("error", "cancelled"),
    [
        (asyncio.CancelledError(), True),
        (CancelledError(), True),
        (activity_error(), False),
        (ApplicationError("x"), False),
        (ValueError("x"), False),
    ],
)
def test_a_cancellation_is_told_from_a_failure(error: BaseException, *, cancelled: bool) -> None:
    assert is_cancelled_exception(error) is cancelled


@pytest.mark.parametrize("outer", [activity_error, child_error])
def test_what_was_cancelled_inside_counts_as_cancelled(outer: Any) -> None:
    error = outer()
    error.__cause__ = CancelledError()
    assert is_cancelled_exception(error)


json_values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())


@given(
    st.text(),
    st.lists(json_values),
    st.none() | st.text(min_size=1),
    st.booleans(),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=99)),
)
def test_an_application_error_comes_back_as_it_was(
    message: str,
    details: list[Any],
    kind: str | None,
    non_retryable: bool,  # noqa: FBT001 - generated
    delay: timedelta | None,
) -> None:
    error = ApplicationError(message, *details, type=kind, non_retryable=non_retryable, next_retry_delay=delay)
    assert facts(round_trip(error)) == facts(error)
