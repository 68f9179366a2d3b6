"""Environments of a test's own: what ends in them, who shares them, and what programs bring with them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from tests.testing.skipping import MONTH, QUEUE, Sleeper, Waiter, execute, worker, yields
from understudy import workflow
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
from understudy.exceptions import ApplicationError, EngineStoppedError, InvalidArgumentError
from understudy.testing import WorkflowEnvironment
from understudy.testing.asserts import FinalAsserts

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
        other = DataConverter(payload_converter_class=CloudpickleConverter)
        assert (await env.connect_client(data_converter=other)).data_converter is other
