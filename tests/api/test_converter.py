"""The doors of values and errors: common, exceptions and converter offer what a user needs, under Temporal's names."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import temporalio.common
import temporalio.converter
import temporalio.exceptions
from hypothesis import given
from hypothesis import strategies as st

import understudy.common
import understudy.converter
import understudy.exceptions
from understudy.common import RawValue
from understudy.converter import (
    BinaryPlainPayloadConverter,
    CloudpickleConverter,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    FailureConverter,
    JsonConverter,
    JSONPlainPayloadConverter,
    Payload,
    PayloadCodec,
    PayloadConverter,
    binary_of,
    binary_payload,
    default,
)
from understudy.exceptions import PayloadDecodeError, PayloadEncodeError


@dataclass
class Order:
    id: int


# -- doors


@pytest.mark.parametrize("door", [understudy.common, understudy.exceptions, understudy.converter])
def test_what_a_door_offers_shows_that_door(door: Any) -> None:
    for name in door.__all__:
        thing = getattr(door, name)
        if isinstance(thing, type):
            assert thing.__module__ == door.__name__, name


@pytest.mark.parametrize(
    ("ours", "theirs", "missing"),
    [
        (
            understudy.common,
            temporalio.common,
            # metrics, versioning by build ids and stand-alone activities are not there yet
            r"Metric|Version|Nexus|ActivityID|HeaderCodec",
        ),
        (understudy.exceptions, temporalio.exceptions, r"Nexus|Versioning|Temporal|ActivityAlreadyStarted"),
        (
            understudy.converter,
            temporalio.converter,
            # nothing is sent as protobuf, and storage drivers are not there yet
            r"Proto|Storage|Nexus|search_attribute",
        ),
    ],
)
def test_a_name_of_the_interface_that_is_followed_is_there(ours: Any, theirs: Any, missing: str) -> None:
    own = [name for name in dir(theirs) if getattr(getattr(theirs, name), "__module__", "") == theirs.__name__]
    public = {name for name in getattr(theirs, "__all__", own) if not name.startswith("_")}
    assert {name for name in public - set(ours.__all__) if not re.search(missing, name)} == set()


# -- data converters


async def test_the_default_data_converter_is_json_without_a_codec() -> None:
    assert default() is DataConverter.default
    assert isinstance(DataConverter.default.payload_converter, DefaultPayloadConverter)
    assert isinstance(DataConverter.default.failure_converter, DefaultFailureConverter)
    payloads = await default().encode([Order(1), b"x"])
    assert await default().decode(payloads, [Order, bytes]) == [Order(1), b"x"]
    assert await default().decode(payloads) == [{"id": 1}, b"x"]


class Zip(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [binary_payload(zlib.compress(msgspec.json.encode(payload)), "binary/zlib") for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            msgspec.json.decode(zlib.decompress(binary_of(payload)), type=Payload)
            if payload.encoding == "binary/zlib"
            else payload
            for payload in payloads
        ]


async def test_a_codec_comes_after_the_converter() -> None:
    zipping = DataConverter(payload_codec=Zip())
    payloads = await zipping.encode([{"a": "x" * 1000}, b"bytes"])
    assert [payload.encoding for payload in payloads] == ["binary/zlib"] * 2
    assert len(bytes(payloads[0].data)) < 200
    assert await zipping.decode(payloads, [dict[str, str], bytes]) == [{"a": "x" * 1000}, b"bytes"]
    assert await zipping.decode(await default().encode([1])) == [1]


def test_a_zipped_payload_without_its_codec_names_its_encoding() -> None:
    with pytest.raises(PayloadDecodeError, match="binary/zlib"):
        PayloadConverter.default.decode(binary_payload(b"x", "binary/zlib"))


class Loud(JsonConverter):
    def __init__(self) -> None:
        super().__init__(to_json=lambda value: "loud" if isinstance(value, complex) else NotImplemented)


def test_a_converter_class_of_ones_own_is_made_without_arguments() -> None:
    converter = DataConverter(payload_converter_class=Loud).payload_converter
    assert converter.decode(converter.encode([1j, None])) == ["loud", None]


def test_the_defaults_are_there() -> None:
    assert isinstance(PayloadConverter.default, JsonConverter)
    assert isinstance(FailureConverter.default, DefaultFailureConverter)


# -- converters by Temporal's recipe


class Reversed(PayloadConverter):
    """Text, backwards."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        return [binary_payload(value[::-1].encode(), "text/reversed") for value in values]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        if type_hints not in (None, [None], [str]):
            raise ValueError("only text")
        return [binary_of(payload).decode()[::-1] for payload in payloads]


def test_a_converter_of_ones_own_has_the_engines_calls_and_errors() -> None:
    converter = Reversed()
    payload = converter.encode("abc", str, fit=True)
    assert binary_of(payload) == b"cba"
    assert converter.decode(payload) == converter.decode(payload, str) == converter.from_payload(payload) == "abc"
    assert converter.from_payload(converter.to_payload("x"), str) == "x"
    assert converter.decode(payload, RawValue) == RawValue(payload)
    assert converter.decode_args(converter.encode_args(("a", "b"))) == ["a", "b"]
    with pytest.raises(PayloadEncodeError, match="the result of it: a value of type int"):
        converter.encode(3, where="the result of it")
    with pytest.raises(PayloadEncodeError, match="only text"):
        converter.encode("abc", int, fit=True)
    with pytest.raises(PayloadDecodeError, match="text/reversed and cannot be read as int: only text"):
        converter.decode(payload, int)
    assert converter.fits("abc", str)
    assert not converter.fits("abc", int)


class Complex(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return "json/complex"

    def to_payload(self, value: Any) -> Payload | None:
        if not isinstance(value, complex):
            return None
        return Payload(msgspec.Raw(msgspec.json.encode([value.real, value.imag])), {"encoding": self.encoding})

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        return complex(*msgspec.json.decode(payload.data))


def test_the_first_link_of_a_chain_that_takes_a_value_stores_it() -> None:
    chain = CompositePayloadConverter(Complex(), BinaryPlainPayloadConverter(), JSONPlainPayloadConverter())
    values = [1 + 2j, b"x", bytearray(b"y"), Order(3), None]
    payloads = chain.to_payloads(values)
    assert [payload.encoding for payload in payloads] == [
        "json/complex",
        "binary/plain",
        "binary/plain",
        "json/plain",
        "json/plain",
    ]
    assert chain.from_payloads(payloads, [complex, None, bytearray, Order, None]) == values
    assert chain.from_payloads(payloads[:2]) == [1 + 2j, b"x"]
    raw = RawValue(payloads[0])
    assert chain.from_payloads(chain.to_payloads([raw]), [RawValue]) == [raw]


def test_what_no_link_of_a_chain_takes_is_refused() -> None:
    chain = CompositePayloadConverter(Complex())
    with pytest.raises(PayloadEncodeError, match="no encoding of json/complex takes it"):
        chain.encode("text")
    with pytest.raises(PayloadDecodeError, match="no link of the chain reads the encoding 'json/plain'"):
        chain.decode(PayloadConverter.default.encode("text"))
    with pytest.raises(PayloadEncodeError, match="no encoding of none"):
        CompositePayloadConverter().encode(1)


# -- cloudpickle


def test_a_closure_goes_through_cloudpickle() -> None:
    factor = 3

    def triple(number: int) -> int:
        return number * factor

    converter = CloudpickleConverter()
    payload = converter.encode(triple)
    assert payload.encoding == "python/cloudpickle"
    assert msgspec.json.decode(msgspec.json.encode(payload), type=Payload) == payload
    assert converter.decode(payload)(2) == 6
    assert converter.to_payloads([1])[0].encoding == "python/cloudpickle"


@given(st.recursive(st.complex_numbers(allow_nan=False) | st.binary(), lambda inner: st.tuples(inner, inner)))
def test_any_value_comes_back_from_cloudpickle_with_its_type(value: Any) -> None:
    converter = CloudpickleConverter()
    back = converter.decode(converter.encode(value, Any, fit=True), Any)
    assert back == value
    assert type(back) is type(value)


def test_cloudpickle_reads_what_json_wrote_and_passes_raw_values_on() -> None:
    converter, json = CloudpickleConverter(), JsonConverter()
    assert converter.decode(json.encode(Order(1)), Order) == Order(1)
    assert converter.decode(json.encode(b"x")) == b"x"
    raw = RawValue(converter.encode(1))
    assert converter.encode(raw) is raw.payload
    assert converter.decode(raw.payload, RawValue) == raw


def test_json_does_not_unpickle() -> None:
    with pytest.raises(PayloadDecodeError, match="JsonConverter does not know the encoding 'python/cloudpickle'"):
        JsonConverter().decode(CloudpickleConverter().encode(1))
