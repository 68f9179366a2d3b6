"""Clients that are made of another's config: of the same engine, with settings of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness
from understudy import Client, Worker, activity, workflow
from understudy.common import QueryRejectCondition
from understudy.converter import (
    CompositePayloadConverter,
    DataConverter,
    JSONPlainPayloadConverter,
    Payload,
    PayloadCodec,
)
from understudy.exceptions import ClosedClientError, InvalidArgumentError


class Shouting(JSONPlainPayloadConverter):
    """Writes texts in capitals."""

    def to_payload(self, value: Any) -> Payload | None:
        return super().to_payload(value.upper() if isinstance(value, str) else value)


class Loud(CompositePayloadConverter):
    """Another converter than the default one."""

    def __init__(self) -> None:
        super().__init__(Shouting())


class Codec(PayloadCodec):
    """Changes nothing."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


@activity.defn
async def says(what: str) -> str:
    return f"{what} there"


@workflow.defn
class Says:
    """Hands its argument to an activity."""

    @workflow.run
    async def run(self, what: str) -> str:
        return await workflow.execute_activity(says, f"{what} and", start_to_close_timeout=timedelta(seconds=10))


@workflow.defn
class Waits:
    """Runs until it is told to end."""

    done = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.done)
        return "done"

    @workflow.signal
    def end(self) -> None:
        self.done = True


async def test_a_client_made_of_a_config_has_the_engine_of_the_first(engine: Harness) -> None:
    await engine.work(Waits)
    handle = await engine.start(Waits.run, id="w")
    config = engine.client.config()
    config["default_workflow_query_reject_condition"] = QueryRejectCondition.NOT_OPEN
    async with Client(**config) as other:
        await other.get_workflow_handle("w").signal(Waits.end)
        assert other.default_workflow_query_reject_condition is QueryRejectCondition.NOT_OPEN
        assert other.identity == engine.client.identity
    assert await handle.result() == "done", "closing the second client leaves the engine to the first"
    assert "closed" not in repr(engine.client)
    assert repr(other).endswith(", closed>")


async def test_the_engine_ends_with_the_client_that_opened_it() -> None:
    async with await Client.connect("memory://") as first:
        other = Client(first.service_client)
    with pytest.raises(ClosedClientError):
        await other.get_workflow_handle("w").describe()


async def test_a_client_and_its_workers_have_their_own_converter(engine: Harness) -> None:
    loud = Client(engine.client.service_client, data_converter=DataConverter(payload_converter_class=Loud))
    await engine.work(Says, says)
    async with loud, Worker(loud, task_queue="loud", workflows=[Says], activities=[says]):
        assert await loud.execute_workflow(Says.run, "here", id="loud", task_queue="loud") == "HERE AND THERE"
        assert await engine.execute(Says.run, "here") == "here and there"


async def test_another_codec_or_namespace_is_refused(engine: Harness) -> None:
    shared = engine.client.service_client
    with pytest.raises(InvalidArgumentError, match="data_converter"):
        Client(shared, data_converter=DataConverter(payload_codec=Codec()))
    with pytest.raises(InvalidArgumentError, match="namespace"):
        Client(shared, namespace="another")
    with pytest.raises(InvalidArgumentError, match="plugins"):
        Client(shared, plugins=[object()])
