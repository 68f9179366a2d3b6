"""Workflows in an environment of a test's own: time jumps when only time is waited for, and passes otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from understudy import activity, workflow
from understudy.client import Client, WorkflowFailureError
from understudy.common import QueryRejectCondition, RetryPolicy, SearchAttributeKey
from understudy.converter import (
    CloudpickleConverter,
    DataConverter,
    DefaultFailureConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from understudy.exceptions import ActivityError, ApplicationError, EngineStoppedError, InvalidArgumentError
from understudy.exceptions import TimeoutError as WorkflowTimeoutError
from understudy.testing import WorkflowEnvironment
from understudy.testing.asserts import FinalAsserts
from understudy.worker import Worker

MONTH = timedelta(days=30)
QUEUE = "tests"


@pytest.fixture(params=["memory", "sqlite"])
async def env(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WorkflowEnvironment]:
    """A time-skipping environment on each kind of store."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/engine.db"
    async with await WorkflowEnvironment.start_time_skipping(url=url) as env:
        yield env


def worker(env: WorkflowEnvironment, *definitions: Any, **options: Any) -> Worker:
    """A worker of workflows, and of the activities among the definitions."""
    activities = [known for known in definitions if known in ACTIVITIES]
    workflows = [known for known in definitions if known not in ACTIVITIES]
    return Worker(env.client, task_queue=QUEUE, workflows=workflows, activities=activities, debug_mode=True, **options)


async def execute(env: WorkflowEnvironment, code: Any, *args: Any, id: str = "w", **options: Any) -> Any:  # noqa: A002 - as the client's
    return await env.client.execute_workflow(code, args=args, id=id, task_queue=QUEUE, **options)


@activity.defn
async def limp(failures: int) -> int:
    number = activity.info().attempt
    if number <= failures:
        raise ApplicationError("not yet")
    return number


@activity.defn
async def yields(turns: int) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return "done"


ACTIVITIES = [limp, yields]


@workflow.defn
class Sleeper:
    """Sleeps, however often it is told to, and says how long that was."""

    def __init__(self) -> None:
        self.woken = False

    @workflow.run
    async def run(self, days: int, times: int = 1) -> float:
        begun = workflow.now()
        for _ in range(times):
            await workflow.sleep(timedelta(days=days))
        return (workflow.now() - begun) / timedelta(days=1)

    @workflow.query
    def nothing(self) -> None:
        """Say nothing."""


@workflow.defn
class Waiter:
    """Waits for a word, for a month."""

    def __init__(self) -> None:
        self.word = ""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.wait_condition(lambda: bool(self.word), timeout=MONTH)
        except TimeoutError:
            return "nobody said anything"
        return self.word

    @workflow.signal
    def say(self, word: str) -> None:
        self.word = word


# -- jumping ---------------------------------------------------------------------------------------------------------


async def test_a_workflow_that_sleeps_for_a_month_ends_at_once(env: WorkflowEnvironment) -> None:
    assert env.supports_time_skipping
    before = await env.get_current_time()
    async with worker(env, Sleeper):
        assert await execute(env, Sleeper.run, 30) == pytest.approx(30, abs=0.001)
    assert await env.get_current_time() - before >= MONTH


async def test_each_of_many_sleeps_is_skipped(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper):
        assert await execute(env, Sleeper.run, 365, 100) == pytest.approx(36_500, abs=0.1)


async def test_runs_are_woken_in_the_order_of_their_time(env: WorkflowEnvironment) -> None:
    ended: list[int] = []

    async def result_of(days: int) -> None:
        await execute(env, Sleeper.run, days, id=f"w{days}")
        ended.append(days)

    async with worker(env, Sleeper):
        await asyncio.gather(*(result_of(days) for days in (5, 2, 9, 1)))
    assert ended == [1, 2, 5, 9]


async def test_runs_that_left_memory_are_found_again(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper, max_cached_workflows=0):
        handles = [
            await env.client.start_workflow(Sleeper.run, args=[days, 3], id=f"w{days}", task_queue=QUEUE)
            for days in (40, 2, 17)
        ]
        for handle in handles:
            await handle.result()


async def test_the_back_off_of_an_activity_is_skipped(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def retries() -> int:
        policy = RetryPolicy(initial_interval=timedelta(hours=1), maximum_interval=timedelta(days=1))
        return await workflow.execute_activity(limp, 5, retry_policy=policy)

    async with worker(env, retries, limp):
        assert await execute(env, retries) == 6


async def test_the_back_off_of_a_local_activity_is_skipped(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def retries() -> int:
        policy = RetryPolicy(initial_interval=timedelta(hours=1))
        return await workflow.execute_local_activity(
            limp, 3, retry_policy=policy, schedule_to_close_timeout=timedelta(days=30)
        )

    async with worker(env, retries, limp):
        assert await execute(env, retries) == 4


async def test_an_activity_that_no_worker_takes_times_out_at_once(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def calls() -> None:
        await workflow.execute_activity(
            "limp", 0, task_queue="nobody", schedule_to_start_timeout=MONTH, schedule_to_close_timeout=2 * MONTH
        )

    async with worker(env, calls):
        with pytest.raises(WorkflowFailureError) as caught:
            await execute(env, calls)
    assert isinstance(caught.value.cause, ActivityError)
    assert isinstance(caught.value.cause.cause, WorkflowTimeoutError)


async def test_the_time_out_of_a_run_is_skipped_to(env: WorkflowEnvironment) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        await execute(env, "Nobody", execution_timeout=MONTH)
    assert isinstance(caught.value.cause, WorkflowTimeoutError)


async def test_the_retries_of_a_workflow_are_skipped_to(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def limps() -> int:
        if workflow.info().attempt < 4:
            raise ApplicationError("not yet")
        return workflow.info().attempt

    policy = RetryPolicy(initial_interval=timedelta(hours=1))
    async with worker(env, limps):
        assert await execute(env, limps, retry_policy=policy) == 4


async def test_a_month_to_wait_passes_if_nobody_says_anything(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        assert await execute(env, Waiter.run) == "nobody said anything"


# -- not jumping -----------------------------------------------------------------------------------------------------


async def test_time_passes_as_usual_while_an_activity_runs(env: WorkflowEnvironment) -> None:
    @workflow.defn
    async def races() -> str:
        async with asyncio.timeout(3_600):
            return await workflow.execute_activity(yields, 1_000)

    async with worker(env, races, yields):
        assert await execute(env, races) == "done"


async def test_time_passes_as_usual_while_nobody_waits(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper):
        before = await env.get_current_time()
        handle = await env.client.start_workflow(Sleeper.run, 30, id="w", task_queue=QUEUE)
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert await env.get_current_time() - before < timedelta(hours=1)
        assert (await handle.describe()).pending_timers == 1


async def test_a_test_may_wait_for_a_result_without_jumps(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        with env.auto_time_skipping_disabled():
            handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
            waiting = asyncio.create_task(handle.result())
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert not waiting.done()
            await handle.signal(Waiter.say, "hello")
            assert await waiting == "hello"


async def test_jumps_begin_when_they_are_allowed_again(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper):
        with env.auto_time_skipping_disabled():
            handle = await env.client.start_workflow(Sleeper.run, 30, id="w", task_queue=QUEUE)
            waiting = asyncio.create_task(handle.result())
            await handle.query(Sleeper.nothing)
        assert await waiting == pytest.approx(30, abs=0.001)


async def test_a_message_that_is_on_its_way_comes_before_a_jump(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
        waiting = asyncio.create_task(handle.result())
        await handle.signal(Waiter.say, "hello")
        assert await waiting == "hello"


# -- sleeping in the test --------------------------------------------------------------------------------------------


async def test_a_test_lets_time_pass_and_what_was_due_has_happened(env: WorkflowEnvironment) -> None:
    async with worker(env, Sleeper, Waiter):
        await env.client.start_workflow(Sleeper.run, 1, id="s", task_queue=QUEUE)
        handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
        before = await env.get_current_time()
        await env.sleep(timedelta(days=2))
        assert timedelta(days=2) <= await env.get_current_time() - before < timedelta(days=2, hours=1)
        assert await env.client.get_workflow_handle("s").result() == pytest.approx(1, abs=0.001)
        assert (await handle.describe()).pending_timers == 1
        await handle.signal(Waiter.say, "hello")
        assert await handle.result() == "hello"


async def test_a_test_that_sleeps_meanwhile_wakes_in_between(env: WorkflowEnvironment) -> None:
    async with worker(env, Waiter):
        handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)

        async def says() -> None:
            await env.sleep(7 * 24 * 3_600)
            await handle.signal(Waiter.say, "after a week")

        assert (await asyncio.gather(handle.result(), says()))[0] == "after a week"


async def test_a_sleep_that_cannot_be_is_refused(env: WorkflowEnvironment) -> None:
    with pytest.raises(InvalidArgumentError, match="duration"):
        await env.sleep(-1)


# -- the environment -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [WorkflowEnvironment.start_local, WorkflowEnvironment.start_time_skipping])
async def test_a_failed_assert_ends_the_workflow(start: Any) -> None:
    @workflow.defn
    async def checks(number: int) -> None:
        assert number == 17, "it is seventeen"

    async with await start() as env, worker(env, checks):
        with pytest.raises(WorkflowFailureError) as caught:
            await execute(env, checks, 4, retry_policy=RetryPolicy())
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "AssertionError"
    assert caught.value.cause.non_retryable, "or the run would be tried again for ever"


async def test_a_failed_assert_in_a_handler_ends_the_workflow() -> None:
    @workflow.defn
    class Checks:
        @workflow.run
        async def run(self) -> None:
            await workflow.wait_condition(lambda: False)

        @workflow.signal
        async def check(self, number: int) -> None:
            assert number == 17, "it is seventeen"

    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env, Checks):
        handle = await env.client.start_workflow(Checks.run, id="w", task_queue=QUEUE)
        await handle.signal(Checks.check, 4)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
    assert "it is seventeen" in str(caught.value.cause)


def test_the_failure_converter_of_an_environment_is_told_whose_failure_it_is() -> None:
    told: list[SerializationContext] = []

    class Told(DefaultFailureConverter, WithSerializationContext):
        def with_context(self, context: SerializationContext) -> Self:
            told.append(context)
            return self

    context, values = WorkflowSerializationContext("default", "w"), DataConverter.default.payload_converter
    asks, does_not = FinalAsserts(Told()), FinalAsserts(DefaultFailureConverter())
    assert asks.takes_context
    assert not does_not.takes_context
    does_not.with_context(context)
    failure = asks.with_context(context).to_failure(AssertionError("no"), values)
    assert told == [context]
    assert failure.non_retryable
    assert not asks.to_failure(ValueError("no"), values).non_retryable
    assert "no" in str(asks.from_failure(failure, values))


async def test_a_local_environment_has_the_time_of_the_machine() -> None:
    async with await WorkflowEnvironment.start_local() as env, worker(env, yields, Waiter):
        assert not env.supports_time_skipping
        before = datetime.now(UTC)
        assert before - timedelta(milliseconds=1) <= await env.get_current_time() <= datetime.now(UTC)
        await env.sleep(timedelta(0))
        with env.auto_time_skipping_disabled():
            handle = await env.client.start_workflow(Waiter.run, id="w", task_queue=QUEUE)
        await handle.signal(Waiter.say, "hello")
        assert await handle.result() == "hello"


async def test_two_environments_know_nothing_of_each_other() -> None:
    async with (
        await WorkflowEnvironment.start_time_skipping() as one,
        await WorkflowEnvironment.start_time_skipping() as two,
        worker(one, Sleeper),
        worker(two, Sleeper),
    ):
        await execute(one, Sleeper.run, 30)
        assert await one.get_current_time() - await two.get_current_time() > timedelta(days=29)
        await execute(two, Sleeper.run, 30)


async def test_who_still_waits_when_the_environment_ends_is_told() -> None:
    env = await WorkflowEnvironment.start_time_skipping()
    handle = await env.client.start_workflow("Nobody", id="w", task_queue=QUEUE)
    waiting = asyncio.create_task(handle.result())
    for _ in range(20):
        await asyncio.sleep(0)
    await env.shutdown()
    await env.shutdown()
    with pytest.raises(EngineStoppedError):
        await waiting


async def test_who_still_sleeps_when_the_environment_ends_is_cancelled() -> None:
    env = await WorkflowEnvironment.start_time_skipping()
    sleeping = asyncio.create_task(env.sleep(MONTH))
    await asyncio.sleep(0)
    await env.shutdown()
    with pytest.raises(asyncio.CancelledError):
        await sleeping


async def test_an_environment_around_a_client_leaves_it_open() -> None:
    async with await Client.connect("memory://") as client:
        async with WorkflowEnvironment.from_client(client) as env:
            assert env.client is client
            assert not env.supports_time_skipping
        await client.start_workflow("Nobody", id="w", task_queue=QUEUE)


async def test_an_environment_applies_a_codec_as_a_client_does() -> None:
    seen: list[str] = []

    class Codec(PayloadCodec):
        async def encode(self, payloads: Any) -> Any:
            seen.extend(payload.data.decode() for payload in payloads)
            return payloads

        async def decode(self, payloads: Any) -> Any:
            return payloads

    async with await WorkflowEnvironment.start_local(data_converter=DataConverter(payload_codec=Codec())) as env:
        await env.client.start_workflow("Nobody", "secret", id="w", task_queue=QUEUE)
    assert seen == ['"secret"']


async def test_an_environment_shows_what_it_is() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        assert repr(env) == "<WorkflowEnvironment of <Client of 'memory://'>, time-skipping>"


# -- what programs bring with them -----------------------------------------------------------------------------------


async def test_what_is_about_a_server_is_taken_and_ignored(tmp_path: Path) -> None:
    async with await WorkflowEnvironment.start_local(
        namespace="shop", ui=True, port=7233, search_attributes=[SearchAttributeKey.for_keyword("CustomerId")],
        dev_server_database_filename=f"{tmp_path}/dev.db", dev_server_extra_args=["--headless"],
    ) as env:  # fmt: skip
        assert (tmp_path / "dev.db").exists()
        assert not env.supports_time_skipping_v1
    async with await WorkflowEnvironment.start_time_skipping(test_server_extra_args=["-v"]) as skipping:
        assert skipping.supports_time_skipping_v1
        assert not skipping.supports_time_skipping_v2


@pytest.mark.parametrize(
    "options",
    [
        {"plugins": [object()]},
        {"default_workflow_query_reject_condition": QueryRejectCondition.NOT_OPEN},
    ],
)
@pytest.mark.parametrize("start", [WorkflowEnvironment.start_local, WorkflowEnvironment.start_time_skipping])
async def test_what_would_make_another_test_of_it_is_refused(start: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^{next(iter(options))} is .* not applied"):
        await start(**options)


async def test_another_client_of_an_environment_does_not_end_it() -> None:
    async with await WorkflowEnvironment.start_time_skipping() as env, worker(env, Sleeper):
        async with await env.connect_client(identity="second") as second:
            assert second.identity == "second"
            handle = await second.start_workflow(Sleeper.run, 30, id="w", task_queue=QUEUE)
        assert await env.client.get_workflow_handle("w").result() >= 30
        assert await env.get_current_time(handle) - datetime.now(UTC) > timedelta(days=29)
        same = await env.connect_client(data_converter=env.client.data_converter, rpc_metadata={})
        assert same.identity == env.client.identity
        with pytest.raises(InvalidArgumentError, match=r"^data_converter is"):
            await env.connect_client(data_converter=DataConverter(payload_converter_class=CloudpickleConverter))
