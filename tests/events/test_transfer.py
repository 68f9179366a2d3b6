"""A class can say which other type travels in its place, whatever the converter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args

import pytest

from understudy.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JsonConverter,
    Payload,
    PayloadConverter,
    TransferTypeConverter,
    transfer_type_convertible,
)

T = TypeVar("T")


class AsList(TransferTypeConverter["Money", list[int]]):
    transfer_type = list[int]

    def to_transfer_type(self, value: Money) -> list[int]:
        return [value.euros, value.cents]

    def from_transfer_type(self, value: list[int], type_hint: type[Money]) -> Money:
        return type_hint(*value)


@transfer_type_convertible(AsList)
class Money:
    """Knows nothing of JSON."""

    def __init__(self, euros: int, cents: int) -> None:
        self.euros, self.cents = euros, cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and (self.euros, self.cents) == (other.euros, other.cents)

    __hash__ = None  # type: ignore[assignment]  # it is not hashed


class AsBytes(TransferTypeConverter["Box[Any]", bytes]):
    transfer_type = bytes

    def to_transfer_type(self, value: Box[Any]) -> bytes:
        return str(value.inside).encode()

    def from_transfer_type(self, value: bytes, type_hint: type[Box[Any]]) -> Box[Any]:
        (of,) = get_args(type_hint)
        return Box(of(value.decode()))


@transfer_type_convertible(AsBytes)
@dataclass
class Box(Generic[T]):
    inside: T


class Plain(PayloadConverter):
    """A converter of a user's that knows nothing of it."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        return PayloadConverter.default.to_payloads(values)

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        return PayloadConverter.default.from_payloads(payloads, type_hints)


CONVERTERS = [
    JsonConverter(),
    DefaultPayloadConverter(),
    CompositePayloadConverter(*DefaultPayloadConverter.default_encoding_payload_converters),
    Plain(),
]


@pytest.mark.parametrize("converter", CONVERTERS, ids=lambda converter: type(converter).__name__)
def test_a_value_travels_as_its_class_says(converter: PayloadConverter) -> None:
    payload = converter.encode(Money(1, 50), Money, fit=True)
    assert payload.data == b"[1,50]"
    assert converter.decode(payload, Money) == Money(1, 50)
    assert converter.decode(payload) == [1, 50]
    boxed = converter.encode(Box(7), Box[int], fit=True)
    assert (boxed.encoding, boxed.data) == ("binary/plain", b"7")
    assert converter.decode(boxed, Box[int]) == Box(7)
    assert converter.decode(boxed, Box[str]) == Box("7")


async def test_a_data_converter_takes_it_to_both_ends() -> None:
    payloads = await DataConverter.default.encode([Money(2, 0), Box("x")])
    assert await DataConverter.default.decode(payloads, [Money, Box[str]]) == [Money(2, 0), Box("x")]


def test_a_class_has_one_such_converter() -> None:
    with pytest.raises(TypeError, match="Money has a transfer type converter already"):
        transfer_type_convertible(AsList)(Money)


def test_a_chain_that_is_called_directly_does_the_same() -> None:
    chain = CompositePayloadConverter(*DefaultPayloadConverter.default_encoding_payload_converters)
    assert chain.from_payloads(chain.to_payloads([Money(1, 2), 3]), [Money, int]) == [Money(1, 2), 3]
