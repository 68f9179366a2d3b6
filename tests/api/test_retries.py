"""Retries of activities and of workflows: how often, how long apart, and what ends them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.api.harness import AT_ONCE, Harness, eventually, failure_of, ms
from understudy import activity, workflow
from understudy.client import WorkflowContinuedAsNewError, WorkflowExecutionStatus, WorkflowHandle
from understudy.common import RetryPolicy
from understudy.exceptions import ActivityError, ApplicationError, InvalidArgumentError, RetryState


class Failing:
    """An activity that fails so many times, with an error of the test's choice."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.left = failures
        self.error = error or ApplicationError("not yet")
        self.attempts: list[int] = []

    @activity.defn(name="fail")
    async def __call__(self) -> int:
        self.attempts.append(activity.info().attempt)
        if self.left:
            self.left -= 1
            raise self.error
        return activity.info().attempt


@workflow.defn
class Retry:
    """Calls `fail` by a retry policy and tells why there was no further attempt."""

    @workflow.run
    async def run(self, policy: dict[str, Any]) -> Any:
        seconds = {"initial_interval", "maximum_interval"}
        fields: Any = {k: timedelta(seconds=v) if k in seconds else v for k, v in policy.items()}
        try:
            return await workflow.execute_activity(
                "fail", retry_policy=RetryPolicy(**fields), schedule_to_close_timeout=timedelta(seconds=30)
            )
        except ActivityError as error:
            state = error.retry_state
            assert state is not None
            return state.name


FAST = {"initial_interval": 0.001}


async def retries_of(handle: WorkflowHandle[Any, Any]) -> list[float]:
    """The back-offs that a run has recorded, in milliseconds."""
    events: Any = (await handle.fetch_history()).events
    return [(e.next_at - e.at) / 1e6 for e in events if e.topic == "activity.retry_scheduled"]


async def test_an_activity_is_tried_until_it_succeeds(engine: Harness) -> None:
    failing = Failing(3)
    await engine.work(Retry, failing)
    assert await engine.execute(Retry.run, FAST) == 4
    assert failing.attempts == [1, 2, 3, 4]


async def test_the_wait_grows_by_the_coefficient_up_to_the_maximum(engine: Harness) -> None:
    await engine.work(Retry, Failing(5))
    handle = await engine.start(Retry.run, {**FAST, "backoff_coefficient": 2.0, "maximum_interval": 0.005})
    await handle.result()
    assert await retries_of(handle) == [1, 2, 4, 5, 5]


async def test_the_next_attempt_does_not_come_before_its_time(engine: Harness) -> None:
    times: list[float] = []

    @activity.defn(name="fail")
    async def fail() -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 4:
            raise ApplicationError("not yet")

    await engine.work(Retry, fail)
    await engine.execute(Retry.run, {"initial_interval": 0.01, "backoff_coefficient": 1.0})
    assert all(after - before >= 0.009 for before, after in pairwise(times))


async def test_maximum_attempts_is_a_limit(engine: Harness) -> None:
    failing = Failing(100)
    await engine.work(Retry, failing)
    assert await engine.execute(Retry.run, {**FAST, "maximum_attempts": 3}) == "MAXIMUM_ATTEMPTS_REACHED"
    assert failing.attempts == [1, 2, 3]


async def test_jitter_only_shortens_the_wait(engine: Harness) -> None:
    await engine.work(Retry, Failing(20))
    handle = await engine.start(Retry.run, {**FAST, "backoff_coefficient": 1.0, "jitter": 0.5})
    await handle.result()
    waits = await retries_of(handle)
    assert all(0.5 <= wait <= 1 for wait in waits)
    assert len(set(waits)) > 1


@pytest.mark.parametrize(
    "error", [ApplicationError("no", type="Fatal"), type("Fatal", (Exception,), {})("no")], ids=["type", "class"]
)
async def test_listed_types_are_not_tried_again(engine: Harness, error: Exception) -> None:
    failing = Failing(1, error)
    await engine.work(Retry, failing)
    policy = {**FAST, "non_retryable_error_types": ["Fatal"]}
    assert await engine.execute(Retry.run, policy) == "NON_RETRYABLE_FAILURE"
    assert failing.attempts == [1]


async def test_an_error_can_say_itself_that_it_is_final(engine: Harness) -> None:
    failing = Failing(1, ApplicationError("no", non_retryable=True))
    await engine.work(Retry, failing)
    assert await engine.execute(Retry.run, FAST) == "NON_RETRYABLE_FAILURE"


async def test_an_error_can_choose_the_next_delay(engine: Harness) -> None:
    await engine.work(Retry, Failing(2, ApplicationError("busy", next_retry_delay=ms(3))))
    handle = await engine.start(Retry.run, {"initial_interval": 3600})
    assert await handle.result() == 3
    assert await retries_of(handle) == [3, 3]


async def test_no_attempt_is_planned_behind_schedule_to_close(engine: Harness) -> None:
    await engine.work(Retry, Failing(1))
    assert await engine.execute(Retry.run, {"initial_interval": 3600}) == RetryState.TIMEOUT.name


async def test_describe_shows_the_attempts_so_far_and_the_last_failure(engine: Harness) -> None:
    await engine.work(Retry, Failing(1))
    handle = await engine.start(Retry.run, {"initial_interval": 20})

    async def backing_off() -> Any:
        return [p for p in (await handle.describe()).pending_activities if p.attempt == 2]

    (pending,) = await eventually(backing_off)
    assert (pending.activity_type, pending.phase, pending.last_failure) == ("fail", "backing off", "not yet")
    assert pending.next_attempt_at > (await handle.describe()).start_time + timedelta(seconds=19)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("initial_interval", ms(-1)),
        ("backoff_coefficient", 0.5),
        ("maximum_attempts", -1),
        ("maximum_interval", ms(1)),
        ("jitter", 2.0),
    ],
)
def test_a_policy_that_cannot_be_is_refused_where_it_is_written(field: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        RetryPolicy(**{field: value})


# -- workflows -------------------------------------------------------------------------------------------------------


@workflow.defn
class Fails:
    """Fails until the attempt that it is told."""

    @workflow.run
    async def run(self, until: int) -> list[Any]:
        info = workflow.info()
        if info.attempt < until:
            raise ApplicationError(f"attempt {info.attempt} failed")
        return [info.attempt, info.run_id, info.first_execution_run_id, info.continued_run_id]


async def test_a_workflow_is_not_tried_again_unless_it_has_a_policy(engine: Harness) -> None:
    await engine.work(Fails)
    error = await failure_of(engine.execute(Fails.run, 2))
    assert isinstance(error, ApplicationError)
    assert error.message == "attempt 1 failed"


async def test_a_failed_workflow_is_followed_by_another_run(engine: Harness) -> None:
    await engine.work(Fails)
    handle = await engine.start(Fails.run, 3, retry_policy=AT_ONCE)
    attempt, run_id, first, before = await handle.result()
    assert attempt == 3
    assert first == handle.first_execution_run_id
    assert len({run_id, first, before}) == 3
    assert (await handle.describe()).run_id == run_id
    first_run = engine.client.get_workflow_handle(handle.id, run_id=first)
    assert (await first_run.describe()).status is WorkflowExecutionStatus.FAILED


async def test_who_does_not_follow_runs_is_told_which_one_comes_next(engine: Harness) -> None:
    await engine.work(Fails)
    handle = await engine.start(Fails.run, 2, retry_policy=AT_ONCE)
    _, run_id, _, _ = await handle.result()
    with pytest.raises(WorkflowContinuedAsNewError) as caught:
        await handle.result(follow_runs=False)
    assert caught.value.new_execution_run_id == run_id


async def test_the_last_failure_is_the_result_when_the_attempts_are_used_up(engine: Harness) -> None:
    await engine.work(Fails)
    policy = RetryPolicy(initial_interval=ms(1), maximum_attempts=2)
    error = await failure_of(engine.execute(Fails.run, 9, retry_policy=policy))
    assert isinstance(error, ApplicationError)
    assert error.message == "attempt 2 failed"


async def test_a_run_that_waits_for_its_first_turn_says_so(engine: Harness) -> None:
    await engine.work(Fails)
    handle = await engine.start(Fails.run, 9, retry_policy=RetryPolicy(initial_interval=timedelta(hours=1)))

    async def second() -> Any:
        found = await handle.describe()
        return found if found.attempt == 2 else None

    description = await eventually(second)
    assert description.status is WorkflowExecutionStatus.RUNNING
    assert description.waiting_for == "the first turn is due later"
    assert description.execution_time > description.start_time + timedelta(minutes=59)
