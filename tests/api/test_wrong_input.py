"""Wrong input gets a clear error, before anything is stored."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import ONCE, QUEUE, Harness, eventually, failure_of, ms
from understudy import Worker, activity, workflow
from understudy.common import RetryPolicy
from understudy.exceptions import (
    ApplicationError,
    ArgumentTypeError,
    DefinitionError,
    DuplicateDefinitionError,
    InvalidArgumentError,
    PayloadEncodeError,
    UnderstudyError,
    UsageError,
    WorkflowNotFoundError,
)


@dataclass
class Order:
    id: int


@workflow.defn
class Ship:
    """Takes an order and a number."""

    @workflow.run
    async def run(self, order: Order, count: int = 1) -> int:
        return order.id * count


@activity.defn
async def weigh(order: Order, unit: str = "kg") -> str:
    return unit


# -- definitions -----------------------------------------------------------------------------------------------------


def no_run() -> object:
    @workflow.defn
    class NoRun:
        async def run(self) -> None: ...

    return NoRun


def two_runs() -> object:
    @workflow.defn
    class TwoRuns:
        @workflow.run
        async def one(self) -> None: ...

        @workflow.run
        async def two(self) -> None: ...

    return TwoRuns


def plain_run() -> object:
    @workflow.defn
    class PlainRun:
        @workflow.run
        def run(self) -> None: ...

    return PlainRun


def plain_function() -> object:
    @workflow.defn
    def plain() -> None: ...

    return plain


def unmarked_override() -> object:
    @workflow.defn
    class Override(Ship):
        async def run(self, order: Order, count: int = 1) -> int:
            return 0

    return Override


def two_handlers_of_one_name() -> object:
    @workflow.defn
    class TwoHandlers:
        @workflow.run
        async def run(self) -> None: ...

        @workflow.signal(name="go")
        def one(self) -> None: ...

        @workflow.signal(name="go")
        def two(self) -> None: ...

    return TwoHandlers


def constructor_with_arguments() -> object:
    @workflow.defn
    class Needy:
        def __init__(self, order: Order) -> None: ...

        @workflow.run
        async def run(self, order: Order) -> None: ...

    return Needy


def init_that_differs_from_run() -> object:
    @workflow.defn
    class Differs:
        @workflow.init
        def __init__(self, order: Order, more: int) -> None: ...

        @workflow.run
        async def run(self, order: Order) -> None: ...

    return Differs


def class_as_activity() -> object:
    @activity.defn
    class Weigh:
        pass

    return Weigh


def without_addresses(value: object) -> str:
    """Name a case the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize(
    ("define", "message"),
    [
        (no_run, r"NoRun: it has no @workflow\.run method.*decorate"),
        (two_runs, r"TwoRuns: it has two @workflow\.run methods, 'one' and 'two'"),
        (plain_run, r"'run' is not a coroutine function.*async def run"),
        (plain_function, r"'plain' is not a coroutine function"),
        (unmarked_override, r"overrides 'run'.* without the decorator"),
        (two_handlers_of_one_name, r"two signal handlers are called 'go'"),
        (constructor_with_arguments, r"its __init__ needs \('order',\).*@workflow\.init"),
        (init_that_differs_from_run, r"@workflow\.init takes .*'more'.* needs 2 of them.* needs 1"),
        (class_as_activity, r"Weigh: an activity is a function, a method, or a class .*__call__"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_definition_that_cannot_work_is_refused_where_it_stands(define: Callable[[], object], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        define()


# -- workers ---------------------------------------------------------------------------------------------------------


async def test_two_definitions_of_one_name_are_refused_and_both_are_named(engine: Harness) -> None:
    @workflow.defn(name="Ship")
    async def other(order: Order) -> None: ...

    @activity.defn(name="weigh")
    async def also_weigh(order: Order) -> None: ...

    with pytest.raises(DuplicateDefinitionError, match="two definitions of workflow 'Ship'") as caught:
        await engine.work(Ship, other)
    assert "test_wrong_input.py:" in caught.value.first
    assert "test_wrong_input.py:" in caught.value.second
    assert caught.value.first != caught.value.second
    with pytest.raises(DuplicateDefinitionError, match="two definitions of activity 'weigh'"):
        await engine.work(weigh, also_weigh)


async def test_what_is_no_definition_is_refused(engine: Harness) -> None:
    async def bare() -> None: ...

    class Bare:
        @activity.defn
        async def charge(self) -> None: ...

    @activity.defn
    class Weigh:
        async def __call__(self) -> None: ...

    given: Any
    for given, message in (
        ({"workflows": [bare]}, r"bare: it is not a workflow.*@workflow\.defn"),
        ({"workflows": [Ship()]}, "it is an instance, where its class is meant.* pass the class"),
        ({"activities": [bare]}, r"bare: it is not an activity.*@activity\.defn"),
        ({"activities": [Bare.charge]}, "charge: it is a method without its object"),
        ({"activities": [Weigh]}, r"Weigh: it is a class without its object.* pass an object"),
    ):
        with pytest.raises(DefinitionError, match=message):
            Worker(engine.client, task_queue=QUEUE, **given)


async def test_a_worker_of_something_else_than_a_client_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match=r"client is 'memory://', where an understudy\.client\.Client"):
        Worker("memory://", task_queue=QUEUE, workflows=[Ship])  # type: ignore[arg-type]  # wrong on purpose


async def test_a_workflow_that_would_not_replay_is_refused_with_the_line_and_what_to_use(engine: Harness) -> None:
    @workflow.defn
    async def late() -> float:
        return time.time()

    line = late.__code__.co_firstlineno + 2
    with pytest.raises(DefinitionError, match=rf"'late'.*test_wrong_input\.py:{line} calls time\.time.*workflow\.time"):
        await engine.work(late)


async def test_an_unknown_activity_is_told_the_nearest_name(engine: Harness) -> None:
    @workflow.defn
    async def calls() -> None:
        await workflow.execute_activity(
            "weight", Order(1), retry_policy=RetryPolicy(initial_interval=timedelta(hours=1))
        )

    await engine.work(calls, weigh)
    handle = await engine.start(calls)

    async def failure() -> str | None:
        pending = (await handle.describe()).pending_activities
        return pending[0].last_failure if pending else None

    text = str(await eventually(failure))
    assert "no worker with an activity 'weight'" in text
    assert "perhaps 'weigh' was meant" in text


# -- starts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": ""}, "id is ''"),
        ({"id": "x" * 1001}, r"1,001 characters"),
        ({"id": 7}, "id is 7, where a str is expected"),
        ({"task_queue": ""}, "task_queue is ''"),
        ({"execution_timeout": ms(-1)}, "execution_timeout is .* zero or more"),
        ({"run_timeout": ms(-1)}, "run_timeout is .* zero or more"),
        ({"run_timeout": 5}, r"run_timeout is 5, where a datetime\.timedelta is expected"),
        ({"retry_policy": 3}, "retry_policy is 3"),
        ({"id_reuse_policy": 2}, r"id_reuse_policy is 2, where an understudy\.common\.WorkflowIDReusePolicy"),
        ({"id_conflict_policy": "fail"}, "id_conflict_policy is 'fail', where an"),
        ({"memo": {7: "x"}}, "a key of memo is 7"),
        ({"args": []}, r"the number of arguments of workflow 'Ship' is 0, where 1 to 2 \(order, count\)"),
        ({"args": [Order(1), 2, 3]}, "is 3, where 1 to 2"),
        ({"args": [7]}, r"argument 1 \('order'\) of workflow 'Ship': a value of type int cannot be stored as .*Order"),
        ({"args": [Order(1), "two"]}, r"argument 2 \('count'\) of workflow 'Ship': .* type str .* as int"),
        ({"args": [object()]}, r"argument 1 \('order'\) of workflow 'Ship': a value of type object"),
        ({"memo": {"x": object()}}, "memo 'x': a value of type object cannot be stored"),
    ],
    ids=without_addresses,
)
async def test_a_start_that_cannot_be_is_refused_before_anything_is_stored(
    engine: Harness, options: dict[str, Any], message: str
) -> None:
    given: Any = {"id": "order", "task_queue": QUEUE, "args": [Order(1)], **options}
    with pytest.raises(UsageError, match=message) as caught:
        await engine.client.start_workflow(Ship.run, **given)
    assert isinstance(caught.value, InvalidArgumentError | PayloadEncodeError)
    with pytest.raises(WorkflowNotFoundError):
        await engine.client.get_workflow_handle("order").describe()
    assert engine.client.engine.store.last_position() == 0


async def test_arg_and_args_are_not_given_together(engine: Harness) -> None:
    with pytest.raises(InvalidArgumentError, match="since arg is given"):
        await engine.client.start_workflow(Ship.run, Order(1), args=[2], id="x", task_queue=QUEUE)  # type: ignore[call-overload]  # wrong on purpose


async def test_a_start_by_name_is_checked_when_a_worker_here_knows_the_type(engine: Harness) -> None:
    await engine.work(Ship)
    with pytest.raises(ArgumentTypeError, match="the number of arguments of workflow 'Ship' is 0"):
        await engine.start("Ship")


async def test_what_is_no_workflow_cannot_be_started(engine: Harness) -> None:
    async def bare() -> None: ...

    for thing in (bare, Order, weigh):
        with pytest.raises(DefinitionError, match="it is not a workflow"):
            await engine.start(thing)
    with pytest.raises(InvalidArgumentError, match="workflow is ''"):
        await engine.start("")


# -- inside of workflows ---------------------------------------------------------------------------------------------


CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "negative time-out": (
        lambda: workflow.start_activity(weigh, Order(1), start_to_close_timeout=ms(-1)),
        "start_to_close",
    ),
    "no name": (lambda: workflow.start_activity(""), "activity is ''"),
    "no activity": (
        lambda: workflow.start_activity(len),  # type: ignore[arg-type]  # wrong on purpose
        "it is not an activity",
    ),
    "too few arguments": (
        lambda: workflow.start_activity(weigh),  # type: ignore[arg-type]  # wrong on purpose
        "the number of arguments of activity 'weigh'",
    ),
    "too many arguments": (lambda: workflow.start_activity(weigh, args=[1, 2, 3]), "is 3, where 1 to 2"),
    "arg and args": (
        lambda: workflow.start_activity(weigh, Order(1), args=["g"]),  # type: ignore[call-overload]  # wrong on purpose
        "since arg is given",
    ),
    "wrong cancellation": (
        lambda: workflow.start_activity(weigh, Order(1), cancellation_type=1),  # type: ignore[call-overload]  # what this is about
        "cancellation_type is 1, where a workflow.ActivityCancellationType is expected",
    ),
    "wrong id": (lambda: workflow.start_activity(weigh, Order(1), activity_id=7), "activity_id is 7"),  # type: ignore[call-overload]  # what this is about
}


@pytest.mark.parametrize("what", CALLS)
async def test_a_call_that_cannot_be_is_refused_at_its_line(engine: Harness, what: str) -> None:
    call, message = CALLS[what]

    @workflow.defn(failure_exception_types=[UnderstudyError])
    async def calls() -> str:
        with pytest.raises(UsageError, match=message):
            call()
        return "refused"

    await engine.work(calls, weigh)
    assert await engine.execute(calls) == "refused"


async def test_an_argument_that_does_not_fit_fails_the_attempt_and_names_both_types(engine: Harness) -> None:
    @workflow.defn(name="Weighs")
    async def weighs() -> None:
        await workflow.execute_activity(weigh, 7, retry_policy=ONCE)  # type: ignore[arg-type]  # wrong on purpose

    await engine.work(weighs, weigh)
    error = await failure_of(engine.execute(weighs, id="w"))
    cause = error.__cause__
    assert isinstance(cause, ApplicationError)
    assert cause.type == "PayloadDecodeError"
    assert "argument 1 ('order') of activity 'weigh' of workflow 'w'" in cause.message
    assert re.search("of type number and cannot be read as .*Order", cause.message)


@pytest.mark.parametrize("duration", [-1, ms(-1), float("nan"), float("inf"), 1e300, "1"], ids=without_addresses)
async def test_a_sleep_that_cannot_be_is_refused(engine: Harness, duration: Any) -> None:
    @workflow.defn
    async def naps() -> str:
        with pytest.raises(InvalidArgumentError, match="duration is"):
            await workflow.sleep(duration)
        with pytest.raises(InvalidArgumentError, match="timeout is"):
            await workflow.wait_condition(lambda: False, timeout=duration)
        return "refused"

    await engine.work(naps)
    assert await engine.execute(naps) == "refused"


async def test_an_id_for_a_handle_is_checked_at_once(engine: Harness) -> None:
    for wrong in ("", "x" * 1001):
        with pytest.raises(InvalidArgumentError, match="1 to 1,000 characters"):
            engine.client.get_workflow_handle(wrong)
        with pytest.raises(InvalidArgumentError, match="1 to 1,000 characters"):
            engine.client.actor_ref(wrong)


async def test_nothing_waits_for_what_was_refused(engine: Harness) -> None:
    for _ in range(3):
        with pytest.raises(PayloadEncodeError):
            await engine.start(Ship.run, 7)
    assert len(engine.client.engine.runs.live) == 0
    await asyncio.sleep(0)
