"""Clients that are made of another's config: of the same engine, with settings of their own."""

from __future__ import annotations

import pytest

from tests.api.harness import Harness
from understudy import Client, workflow
from understudy.common import QueryRejectCondition
from understudy.converter import DataConverter, JSONPlainPayloadConverter, PayloadConverter
from understudy.exceptions import ClosedClientError, InvalidArgumentError


class Other(PayloadConverter):
    """Another converter than the default one."""

    to_payloads = from_payloads = JSONPlainPayloadConverter.to_payload  # type: ignore[assignment]  # never called


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


async def test_another_converter_or_namespace_is_refused(engine: Harness) -> None:
    shared = engine.client.service_client
    with pytest.raises(InvalidArgumentError, match="data_converter"):
        Client(shared, data_converter=DataConverter(payload_converter_class=Other))
    with pytest.raises(InvalidArgumentError, match="namespace"):
        Client(shared, namespace="another")
    with pytest.raises(InvalidArgumentError, match="plugins"):
        Client(shared, plugins=[object()])
