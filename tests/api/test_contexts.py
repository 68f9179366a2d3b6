"""Serialization contexts agree: whoever writes a value and whoever reads it name the same workflow or activity."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import msgspec
import pytest

from tests.api.harness import QUEUE
from understudy import Client, Worker, activity, workflow
from understudy.client import WorkflowFailureError
from understudy.converter import (
    ActivitySerializationContext,
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    Payload,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from understudy.exceptions import ActivityError, ApplicationError, ChildWorkflowError


class Marked(EncodingPayloadConverter, WithSerializationContext):
    """Writes who is meant into each payload, and refuses to read one that was meant for another."""

    def __init__(self, whose: str = "nobody") -> None:
        self.whose = whose
        self.json = JSONPlainPayloadConverter()

    @property
    def encoding(self) -> str:
        return "json/marked"

    def with_context(self, context: SerializationContext) -> Self:
        if isinstance(context, ActivitySerializationContext):
            return type(self)(f"{context.activity_type} {context.activity_id} of {context.workflow_id}")
        assert isinstance(context, WorkflowSerializationContext)
        return type(self)(context.workflow_id)

    def to_payload(self, value: Any) -> Payload | None:
        return Payload(
            metadata={"encoding": b"json/marked", "whose": self.whose.encode()}, data=msgspec.json.encode(value)
        )

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        whose = payload.metadata["whose"].decode()
        if whose != self.whose:
            raise RuntimeError(f"a value of {whose} was read as one of {self.whose}")
        return msgspec.json.decode(payload.data)


class MarkedConverter(CompositePayloadConverter):
    """Everything is marked."""

    def __init__(self) -> None:
        super().__init__(Marked())


def details_of(error: BaseException) -> list[Any]:
    """What was given with the application error that is the cause."""
    return list(getattr(error.__cause__, "details", ()))


@activity.defn
async def double(number: int) -> int:
    activity.heartbeat(number)
    if activity.info().attempt == 1:
        raise ApplicationError("once more", number)
    assert list(activity.info().heartbeat_details) == [number]
    return number * 2


@activity.defn
async def triple(number: int) -> int:
    return number * 3


@activity.defn
async def refuse() -> None:
    raise ApplicationError("never", "because", non_retryable=True)


@workflow.defn
async def child(number: int) -> int:
    if number < 0:
        raise ApplicationError("less than nothing", number)
    return number


@workflow.defn
class Parent:
    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, number: int) -> list[Any]:
        found: list[Any] = [await workflow.execute_activity(double, number)]
        try:
            await workflow.execute_activity(refuse, activity_id="no")
        except ActivityError as error:
            found += details_of(error)
        found.append(await workflow.execute_local_activity(triple, number))
        found.append(await workflow.execute_child_workflow(child, 3, id="kid"))
        try:
            await workflow.execute_child_workflow(child, -1, id="other kid")
        except ChildWorkflowError as error:
            found += details_of(error)
        await workflow.wait_condition(lambda: bool(self.words))
        return [*found, *self.words, workflow.memo_value("note")]

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)

    @workflow.query
    def said(self, so: str) -> str:
        return so

    @workflow.update
    def add(self, word: str) -> str:
        if not word:
            raise ApplicationError("nothing", "at all")
        return word


@pytest.mark.parametrize("cached", [0, 100])
async def test_every_value_is_read_as_whose_it_was_written(cached: int) -> None:
    converter = DataConverter(payload_converter_class=MarkedConverter)
    async with (
        await Client.connect("memory://", data_converter=converter) as client,
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[Parent, child],
            activities=[double, triple, refuse],
            max_cached_workflows=cached,
            debug_mode=True,
        ),
    ):
        handle = await client.start_workflow(Parent.run, 1, id="parent", task_queue=QUEUE, memo={"note": "kept"})
        assert await handle.query(Parent.said, "so") == "so"
        assert await handle.execute_update(Parent.add, "up") == "up"
        await handle.signal(Parent.say, "word")
        assert await handle.result() == [2, "because", 3, 3, -1, "word", "kept"]
        assert (await (await handle.describe()).memo())["note"] == "kept"
        failing = await client.start_workflow(child, -7, id="failing", task_queue=QUEUE)
        with pytest.raises(WorkflowFailureError) as caught:
            await failing.result()
        assert details_of(caught.value) == [-7]


@workflow.defn
async def echo(word: str) -> str:
    return word


class TellingChain(DefaultPayloadConverter):
    """A chain that asks for contexts itself, with links that do not."""

    told: ClassVar[list[SerializationContext]] = []

    def with_context(self, context: SerializationContext) -> Self:
        self.told.append(context)
        return self


class TellingLinks(DefaultPayloadConverter):
    """A chain that makes other links for a context."""

    told: ClassVar[list[SerializationContext]] = []

    def get_converters_with_context(self, context: SerializationContext) -> list[EncodingPayloadConverter] | None:
        self.told.append(context)
        return None


class TellingConverter(DataConverter):
    """A data converter that asks for contexts itself."""

    told: ClassVar[list[SerializationContext]] = []

    def with_context(self, context: SerializationContext) -> Self:
        self.told.append(context)
        return self


@pytest.mark.parametrize("chain", [TellingChain, TellingLinks])
async def test_a_chain_that_asks_itself_is_told_whose_values_it_converts(
    chain: type[TellingChain | TellingLinks],
) -> None:
    chain.told.clear()
    converter = DataConverter(payload_converter_class=chain)
    assert converter.takes_context
    async with (
        await Client.connect("memory://", data_converter=converter) as client,
        Worker(client, task_queue=QUEUE, workflows=[echo]),
    ):
        assert await client.execute_workflow(echo, "hi", id="w", task_queue=QUEUE) == "hi"
    assert set(chain.told) == {WorkflowSerializationContext("default", "w")}


def test_a_data_converter_that_asks_itself_is_told() -> None:
    assert TellingConverter().takes_context
    assert not DataConverter.default.takes_context
