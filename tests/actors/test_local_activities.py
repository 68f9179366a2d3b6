"""Local activities: retries stay in memory, the end is told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.actors.office import NEVER, SOON, Office, fail, greet, limp, linger, settle
from tests.turn import on_turned_loop, turn_loop
from understudy.actors.behaviors.decisions.commands import CompleteLocalActivity, FailLocalActivity
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.options.policies import RetryState
from understudy.events.options.retry_policy import StoredRetryPolicy


async def test_a_local_activity_that_returns_is_told_as_one_command(office: Office) -> None:
    office.work()
    office.dispatch_local(1, greet, "kim", activity_id="hello")
    assert await office.next() == CompleteLocalActivity(
        seq=1,
        activity_type="greet",
        activity_id="hello",
        attempt=1,
        result=PayloadConverter.default.encode("hello kim"),
    )


async def test_the_retries_of_a_local_activity_stay_in_memory(office: Office) -> None:
    office.work()
    office.dispatch_local(1, limp, 3, retry_policy=SOON)
    command = await office.next()
    assert isinstance(command, CompleteLocalActivity)
    assert (command.attempt, command.result) == (4, PayloadConverter.default.encode(4))
    assert office.nothing_told()


@pytest.mark.parametrize(
    ("how", "options", "state"),
    [
        ("for good", {}, RetryState.NON_RETRYABLE_FAILURE),
        ("for now", {"retry_policy": StoredRetryPolicy(maximum_attempts=1)}, RetryState.MAXIMUM_ATTEMPTS_REACHED),
        ("for now", {"retry_policy": NEVER, "schedule_to_close": 3_600 * 10**9}, RetryState.TIMEOUT),
    ],
)
async def test_a_local_activity_that_fails_for_good_is_told_with_the_reason(
    office: Office, how: str, options: dict[str, Any], state: RetryState
) -> None:
    office.work()
    office.dispatch_local(1, fail, how, **options)
    command = await office.next()
    assert isinstance(command, FailLocalActivity)
    assert (command.failure.kind, command.failure.retry_state) == ("activity", state)
    assert command.failure.cause is not None
    assert command.failure.cause.type == "NoStock"
    assert len(office.activities) == 0


async def test_a_local_activity_that_waits_too_long_for_a_worker_is_not_tried_again(office: Office) -> None:
    office.dispatch_local(1, greet, "kim", schedule_to_start=1, retry_policy=SOON)
    command = await office.next()
    assert isinstance(command, FailLocalActivity)
    assert command.failure.retry_state is RetryState.TIMEOUT


async def test_a_local_activity_that_runs_is_asked_to_stop(office: Office) -> None:
    office.work()
    office.dispatch_local(1, linger)
    await settle()
    office.activities.cancel_local("run-1", 1, "no longer wanted")
    command = await office.next()
    assert isinstance(command, FailLocalActivity)
    assert command.failure.retry_state is RetryState.CANCEL_REQUESTED
    assert command.failure.cause is not None
    assert command.failure.cause.kind == "canceled"


async def test_a_local_activity_that_has_not_begun_ends_as_cancelled_at_once(office: Office) -> None:
    office.dispatch_local(1, greet, "kim")
    office.activities.cancel_local("run-1", 1, "no longer wanted")
    command = await office.next()
    assert command.failure.cause.kind == "canceled"
    assert len(office.activities) == 0


def test_a_local_activity_that_backs_off_ends_as_cancelled_at_once() -> None:
    hourly = StoredRetryPolicy(initial_interval=3_600 * 10**9, backoff_coefficient=1.0)

    async def script() -> None:
        office = Office()
        worker = office.work()
        office.dispatch_local(1, fail, "for now", retry_policy=hourly)
        await settle()
        assert office.nothing_told()
        assert not worker.running
        assert len(office.activities) == 1
        office.activities.cancel_local("run-1", 1, "no longer wanted")
        assert (await office.next()).failure.cause.kind == "canceled"
        office.dispatch_local(2, limp, 2, retry_policy=hourly)
        for _ in range(2):
            await settle()
            turn_loop(timedelta(hours=1))
        assert (await office.next()).seq == 2  # by then the back-off of the first is over, too
        assert office.nothing_told()

    on_turned_loop(script)
