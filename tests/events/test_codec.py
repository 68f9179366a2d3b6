"""A codec sees every payload inside of an event, wherever it is, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.events.facts import EXAMPLES
from tests.store.codecs import Masking
from understudy.converter import Payloads
from understudy.events.converters.codec import coded, coded_map
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.events.event import Event
from understudy.events.failures.failure import Failure
from understudy.events.payloads.payload import Payload

ONE = PayloadConverter.default.encode("one")
TWO = PayloadConverter.default.encode("two")


async def tick(payloads: Sequence[Payload]) -> list[Payload]:
    return [Payload(metadata={"encoding": b"binary/seen"}, data=payload.data) for payload in payloads]


def seen(payload: Payload) -> Payload:
    return Payload(metadata={"encoding": b"binary/seen"}, data=payload.data)


def payloads_in(plain: Any) -> list[dict[str, Any]]:
    """What looks like a payload in the JSON of an event."""
    if isinstance(plain, dict):
        own = [plain] if "data" in plain and set(plain) <= {"data", "metadata"} else []
        return own + [found for value in plain.values() for found in payloads_in(value)]
    return [found for value in plain for found in payloads_in(value)] if isinstance(plain, list) else []


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.topic)
async def test_every_payload_of_an_event_is_coded_and_comes_back(event: Event) -> None:
    codec = Masking()
    hidden = await coded(event, codec.encode)
    inside = payloads_in(msgspec.json.decode(msgspec.json.encode(hidden)))
    assert len(inside) == len(payloads_in(msgspec.json.decode(msgspec.json.encode(event))))
    assert all(payload["metadata"]["encoding"] == "binary/masked" for payload in inside)
    assert await coded(hidden, codec.decode) == event


async def test_an_event_without_payloads_stays_the_same_object() -> None:
    failure = Failure(kind="failure", message="none inside")
    assert await coded(failure, tick) is failure or await coded(failure, tick) == failure
    bare = Bare(number=1)
    assert await coded(bare, tick) is bare


async def test_a_failure_is_coded_with_its_causes() -> None:
    failure = Failure(kind="application", details=(ONE,), cause=Failure(kind="failure", encoded=TWO))
    hidden = await Masking().encode_failure(failure)
    assert hidden.details[0].encoding == "binary/masked"
    assert hidden.cause is not None
    assert hidden.cause.encoded is not None
    assert hidden.cause.encoded.encoding == "binary/masked"
    assert await Masking().decode_failure(hidden) == failure


async def test_a_wrapper_is_coded_in_place() -> None:
    wrapper = Payloads([ONE, TWO])
    await Masking().encode_wrapper(wrapper)
    assert [payload.encoding for payload in wrapper.payloads] == ["binary/masked"] * 2
    await Masking().decode_wrapper(wrapper)
    assert wrapper == Payloads([ONE, TWO])
    assert Payloads() == Payloads([])


async def test_a_dict_of_payloads_is_coded_and_none_stays() -> None:
    assert await coded_map({"a": ONE, "gone": None}, tick) == {"a": seen(ONE), "gone": None}


class Bare(msgspec.Struct):
    number: int
    text: list[str] = []


class Item(msgspec.Struct):
    value: Payload | None = None
    inner: Item | None = None


class Order(msgspec.Struct):
    number: int
    items: tuple[Item, ...] = ()
    by_name: dict[str, Item | None] = {}
    lists: dict[str, tuple[Payload, ...]] = {}
    fixed: tuple[Payload] | None = None


async def test_structs_inside_of_structs_are_walked() -> None:
    order = Order(
        number=1,
        items=(Item(ONE, Item(TWO)), Item()),
        by_name={"a": Item(ONE), "b": None},
        lists={"c": (ONE, TWO), "d": ()},
        fixed=(TWO,),
    )
    assert await coded(order, tick) == Order(
        number=1,
        items=(Item(seen(ONE), Item(seen(TWO))), Item()),
        by_name={"a": Item(seen(ONE)), "b": None},
        lists={"c": (seen(ONE), seen(TWO)), "d": ()},
        fixed=(seen(TWO),),
    )


class Listless(msgspec.Struct):
    value: Payload


class Fixed(msgspec.Struct):
    values: tuple[Payload, ...]


class Listed(msgspec.Struct):
    values: list[Payload]


class Either(msgspec.Struct):
    value: Payload | Item


class Pairs(msgspec.Struct):
    values: tuple[list[Payload], ...]


class Lists(msgspec.Struct):
    values: dict[str, list[Payload]]


@pytest.mark.parametrize("struct", [Listed([ONE]), Either(ONE), Pairs(([ONE],)), Lists({"a": [ONE]})])
async def test_a_shape_that_is_not_known_is_refused_and_not_left_in_clear(struct: msgspec.Struct) -> None:
    with pytest.raises(TypeError, match=r"\.value.* holds payloads in a shape that codecs do not know"):
        await coded(struct, tick)


@pytest.mark.parametrize(("count", "struct"), [(0, Listless(ONE)), (2, Listless(ONE)), (0, Fixed((ONE, TWO)))])
async def test_another_number_of_payloads_than_there_may_be_is_refused(count: int, struct: msgspec.Struct) -> None:
    async def odd(_: Sequence[Payload]) -> list[Payload]:
        return [ONE] * count

    with pytest.raises(ValueError, match=f"it returned ({count} payloads|no payload) for"):
        await coded(struct, odd)
