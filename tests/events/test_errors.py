"""Every error makes its text of its fields, says what to do next, and comes back from a pickle as it was."""

from __future__ import annotations

import contextlib
import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest

import understudy.exceptions as door
from understudy import activity, workflow
from understudy.events.errors import (
    ClosedClientError,
    DeadlockError,
    DeterminismError,
    EngineError,
    FieldError,
    InvalidArgumentError,
    StopError,
    StoreError,
    StoreLockedError,
    StuckWorkflowError,
    UnderstudyError,
    UnknownWorkflowTypeError,
    UsageError,
    WorkflowNotFoundError,
    nearest_name,
)

EXAMPLES: dict[str, dict[str, Any]] = {
    "ActivityClosedError": {"activity_id": "bill-7", "run_id": "run-1", "outcome": "COMPLETED"},
    "ActivityExecutionNotFoundError": {"activity_id": "bill-7", "run_id": "run-1"},
    "ActivityNotFoundError": {"activity": "charge-1", "run_id": "run-1", "reason": "there is no such run"},
    "AlreadyOpenError": {"workflow_id": "order-1", "run_id": "run-1"},
    "ArgumentTypeError": {"what": "start_delay", "got": "5", "expected": "a timedelta"},
    "CodecDecodeError": {"run_id": "run-1", "version": 3, "codec": "Aes", "reason": "KeyError: 'k2'"},
    "CodecEncodeError": {"run_id": "run-1", "what": "event 3", "codec": "Aes", "reason": "KeyError: 'k2'"},
    "ClosedClientError": {"url": "sqlite:///orders.db"},
    "CorruptEventError": {"run_id": "run-1", "version": 7, "reason": "unknown topic 'x'"},
    "DeadlockError": {"workflow_id": "order-1", "run_id": "run-1", "seconds": 2.5, "stack": "in compute"},
    "DefinitionError": {"subject": "Order", "problem": "it has no run method", "fix": "add one"},
    "DeterminismError": {"call": "time.time()", "instead": "workflow.time()", "file": "order.py", "line": 12},
    "DuplicateDefinitionError": {"kind": "workflow", "name": "Order", "first": "a.py:1", "second": "b.py:2"},
    "EngineStoppedError": {"reason": "the loop was closed"},
    "IllegalTransitionError": {"state": "COMPLETED", "event": "timer.fired"},
    "InvalidArgumentError": {
        "what": "jitter",
        "got": "2",
        "expected": "a number between 0 and 1",
        "fix": "Pass a jitter of 0.2",
    },
    "MailboxFullError": {"workflow_id": "order-1", "limit": 1000},
    "MissingEventError": {"run_id": "run-1", "expected": 3, "found": 5},
    "NewerRunError": {"run_id": "run-1", "flags": 5, "known": 1},
    "NondeterminismError": {
        "run_id": "run-1",
        "position": 4,
        "recorded": "activity 'charge'",
        "produced": "timer 3 s",
        "recorded_source": "order.py:10",
        "produced_source": "order.py:11",
    },
    "NotInActivityError": {"call": "activity.info()"},
    "NotInWorkflowError": {"call": "workflow.now()"},
    "PayloadDecodeError": {"where": "argument 1", "got_type": "string", "hint": "int", "reason": "Expected `int`"},
    "PayloadEncodeError": {"where": "argument 1", "value_type": "str", "hint": "int", "reason": "Expected `int`"},
    "QueryRefusedError": {"query": "status", "workflow_id": "order-1", "reason": "it is closed"},
    "ReadOnlyContextError": {"call": "workflow.sleep()", "handler": "query 'status'"},
    "StoreBusyError": {"path": "orders.db"},
    "StoreFormatError": {"path": "orders.db", "reason": "not a database"},
    "StoreFullError": {"path": "orders.db"},
    "StoreLockedError": {"path": "orders.db", "pid": 4711},
    "StoreUnavailableError": {"path": "orders.db", "reason": "no such folder"},
    "StoreVersionError": {"path": "orders.db", "found": 9, "known": 1},
    "StuckWorkflowError": {"workflow_id": "order-1", "run_id": "run-1", "attempts": 3, "reason": "KeyError: 'x'"},
    "UnknownActivityTypeError": {"name": "chrage", "known": ("charge",), "nearest": "charge", "task_queue": "q"},
    "UnknownQueryError": {"name": "stauts", "known": ("status",), "nearest": "status", "workflow_type": "Order"},
    "UnknownSignalError": {"name": "aprove", "known": ("approve",), "nearest": "approve", "workflow_type": "Order"},
    "ResetRefusedError": {"workflow_id": "order-1", "run_id": "run-1", "open_run_id": "run-2"},
    "UpdateNotFoundError": {"update_id": "u-1", "run_id": "run-1"},
    "UnknownUpdateError": {"name": "ad", "known": ("add",), "nearest": "add", "workflow_type": "Order"},
    "UnknownWorkflowTypeError": {"name": "Ordr", "known": ("Order",), "nearest": "Order", "task_queue": "q"},
    "UnsupportedVersionError": {"change_id": "tax", "version": 1, "min_supported": 2, "max_supported": 3},
    "UnstorableError": {"run_id": "run-1", "version": 3, "reason": "not JSON"},
    "VersionConflictError": {"run_id": "run-1", "expected": 8},
    "WorkflowClosedError": {"workflow_id": "order-1", "run_id": "run-1", "outcome": "COMPLETED"},
    "WorkflowNotBegunError": {"workflow_id": "order-1", "run_id": "run-1", "due": "2030-01-01T00:00:00+00:00"},
    "WorkflowNotFoundError": {"workflow_id": "order-1", "run_id": "run-1"},
}

DOORS = {"workflow": workflow, "activity": activity}
"""Where advice sends people."""

BRANCHES = {
    "CodecError",
    "EngineError",
    "FieldError",
    "PayloadError",
    "StopError",
    "StoreError",
    "UnknownNameError",
    "UsageError",
}


def below(cls: type[UnderstudyError]) -> Iterator[type[UnderstudyError]]:
    for child in cls.__subclasses__():
        yield child
        yield from below(child)


OURS = sorted(
    {cls for cls in below(FieldError) if cls.__module__.startswith("understudy.")}, key=lambda cls: cls.__name__
)
KINDS = [cls for cls in OURS if cls.__name__ not in BRANCHES]


def example(cls: type[UnderstudyError]) -> UnderstudyError:
    return cls(**EXAMPLES[cls.__name__])


def test_every_error_with_fields_has_an_example() -> None:
    assert {cls.__name__ for cls in KINDS} == set(EXAMPLES)


@pytest.mark.parametrize("cls", KINDS)
def test_an_error_says_its_fields_and_what_to_do_next(cls: type[FieldError]) -> None:
    error = example(cls)
    assert isinstance(error, FieldError)
    problem = cls.statement.format_map({name: getattr(error, name) for name in dir(error)})
    advice = cls.advice.format_map({name: getattr(error, name) for name in dir(error)})
    assert f"{problem}. {advice}." == str(error).partition(" It was at:\n")[0]
    assert len(advice) > 10
    for value in EXAMPLES[cls.__name__].values():
        assert (value[0] if isinstance(value, tuple) else str(value)) in str(error)


@pytest.mark.parametrize("cls", KINDS)
def test_an_error_advises_only_what_there_is(cls: type[FieldError]) -> None:
    text = f"{cls.statement} {cls.advice}"
    named = re.findall(r"\b(workflow|activity)\.(\w+)", text)
    assert [f"{module}.{name}" for module, name in named if not hasattr(DOORS[module], name)] == []
    assert re.findall(r"HTTP|PostgreSQL|ActivityEnvironment|child workflow|continue", text) == []


@pytest.mark.parametrize("cls", KINDS)
def test_an_error_comes_back_from_a_pickle_as_it_was(cls: type[UnderstudyError]) -> None:
    error = example(cls)
    error.add_note("seen on tuesday")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own pickle
    assert type(back) is cls
    assert str(back) == str(error)
    assert repr(back) == repr(error)
    assert back.args == error.args == (str(error),)
    assert {name: getattr(back, name) for name in EXAMPLES[cls.__name__]} == EXAMPLES[cls.__name__]
    assert back.__notes__ == ["seen on tuesday"]


@pytest.mark.parametrize("cls", OURS)
def test_an_error_shows_the_door_that_it_is_imported_by(cls: type[UnderstudyError]) -> None:
    assert cls.__module__ == "understudy.exceptions"
    if cls is not FieldError:
        assert getattr(door, cls.__name__) is cls
        assert cls.__name__ in door.__all__


def test_the_door_is_sorted_and_opens() -> None:
    assert door.__all__ == sorted(door.__all__, key=lambda name: (not name[0].isupper(), name))
    assert all(hasattr(door, name) for name in door.__all__)


@pytest.mark.parametrize("cls", KINDS)
def test_an_error_belongs_to_one_branch(cls: type[UnderstudyError]) -> None:
    assert sum(issubclass(cls, branch) for branch in (UsageError, EngineError, StopError)) == 1


@pytest.mark.parametrize("cls", [UnderstudyError, FieldError, UsageError, EngineError, StopError, StoreError])
def test_a_branch_is_never_raised_itself(cls: type[BaseException]) -> None:
    with pytest.raises(TypeError, match="never raised itself"):
        cls()


@pytest.mark.parametrize("cls", KINDS)
def test_only_what_stops_a_workflow_passes_through_except_exception(cls: type[UnderstudyError]) -> None:
    assert issubclass(cls, Exception) is not issubclass(cls, StopError)
    assert issubclass(cls, UnderstudyError)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InvalidArgumentError", ValueError),
        ("ArgumentTypeError", TypeError),
        ("ArgumentTypeError", ValueError),
        ("PayloadEncodeError", TypeError),
        ("PayloadDecodeError", ValueError),
        ("DefinitionError", ValueError),
        ("UnknownQueryError", KeyError),
        ("ActivityExecutionNotFoundError", LookupError),
        ("ActivityNotFoundError", LookupError),
        ("WorkflowNotFoundError", LookupError),
        ("ClosedClientError", RuntimeError),
        ("NotInWorkflowError", RuntimeError),
    ],
)
def test_an_error_is_the_builtin_one_of_the_same_meaning(name: str, builtin: type[Exception]) -> None:
    assert issubclass(getattr(door, name), builtin)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match=r"ClosedClientError\(\) misses its field 'url'"):
        ClosedClientError()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(TypeError, match=r"ClosedClientError\(\) has no field 'port'"):
        ClosedClientError(url="x", port=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_the_repr_shows_the_fields() -> None:
    assert repr(WorkflowNotFoundError(workflow_id="a")) == "WorkflowNotFoundError(workflow_id='a', run_id='')"


def test_braces_in_a_field_are_text() -> None:
    error = StuckWorkflowError(workflow_id="{run_id}", run_id="r", attempts=1, reason="KeyError: {'a': 1}")
    assert "'{run_id}'" in str(error)
    assert "{'a': 1}" in str(error)


def test_the_cause_is_the_python_cause() -> None:
    error = ClosedClientError(url="x")
    assert error.cause is None
    error.__cause__ = KeyError("x")
    assert error.cause is error.__cause__


def test_without_a_fix_the_advice_is_to_pass_what_is_expected() -> None:
    assert str(InvalidArgumentError(what="x", got="1", expected="2")).endswith("Pass 2.")


def test_the_nearest_name_is_found_when_nobody_gave_one() -> None:
    assert "perhaps 'Order' was meant" in str(UnknownWorkflowTypeError(name="Ordre", known=("Order", "Refund")))
    assert "perhaps" not in str(UnknownWorkflowTypeError(name="Zzz", known=("Order",)))


def test_without_known_names_it_says_that_there_are_none() -> None:
    assert "none is known" in str(UnknownWorkflowTypeError(name="Order"))


def test_of_many_known_names_the_first_ten_are_listed() -> None:
    error = UnknownWorkflowTypeError(name="x", known=tuple(f"Workflow{number:03}" for number in range(300)))
    assert "'Workflow009' and 290 more" in str(error)
    assert "Workflow010" not in str(error)


def test_the_nearest_of_no_names_is_none() -> None:
    assert nearest_name("x", ()) == ""


def test_a_deadlock_can_be_raised_as_a_bare_class() -> None:
    # Python's asynchronous exceptions take a class and call it without arguments.
    assert "did not yield for 0 s" in str(DeadlockError())


def test_a_deadlock_shows_its_stack_behind_what_it_says() -> None:
    error = DeadlockError(workflow_id="order-1", run_id="run-1", seconds=2.0, stack="  File 'a.py', line 1\n    f()\n")
    first, *stack = str(error).splitlines()
    assert first.endswith("did not yield for 2 s. " + DeadlockError.advice + ". It was at:")
    assert stack == ["  File 'a.py', line 1", "    f()"]
    assert str(DeadlockError(workflow_id="order-1")).endswith(DeadlockError.advice + ".")


def test_a_locked_store_tells_its_owner_apart_from_the_caller() -> None:
    other = str(StoreLockedError(path="a.db", pid=7))
    own = str(StoreLockedError(path="a.db", pid=7, in_this_process=True))
    assert "is open in the process with pid 7. Stop that process first" in other
    assert "is open in this process already (pid 7). Close the client that has it first" in own
    assert "is open in another process." in str(StoreLockedError(path="a.db"))


def test_what_stops_a_workflow_is_not_caught_by_except_exception() -> None:
    def look_at_the_clock() -> None:
        raise DeterminismError(call="time.time()", instead="workflow.time()")

    def user_code() -> None:
        with contextlib.suppress(Exception):
            look_at_the_clock()

    with pytest.raises(DeterminismError):
        user_code()


def test_a_users_own_error_keeps_its_module() -> None:
    class OwnError(UsageError):
        statement = "own"
        advice = "none"

    assert OwnError.__module__ == __name__
    assert str(OwnError()) == "own. none."
