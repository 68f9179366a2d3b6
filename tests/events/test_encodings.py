"""Chains of encodings: each link by itself, the default chain, and links that are told a context."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, get_args

import cloudpickle
import pytest

from tests.events.shop import ROUND_TRIPS
from understudy.common import RawValue
from understudy.converter import (
    AdvancedJSONEncoder,
    BinaryNullPayloadConverter,
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JsonConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    Payload,
    PayloadCodec,
    Payloads,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
    create_payload_validation_error,
)
from understudy.events.converters.payload_converter import PayloadConverter
from understudy.exceptions import ApplicationError, PayloadDecodeError, PayloadEncodeError

LINKS = DefaultPayloadConverter.default_encoding_payload_converters
SHOP = WorkflowSerializationContext("default", "shop")


# -- links


def test_none_is_a_link_of_its_own() -> None:
    link = BinaryNullPayloadConverter()
    payload = link.to_payload(None)
    assert payload is not None
    assert (payload.encoding, payload.data) == ("binary/null", b"")
    assert link.from_payload(payload) is None
    assert link.to_payload(0) is None
    with pytest.raises(RuntimeError, match="this one has 1 bytes"):
        link.from_payload(Payload(metadata={"encoding": b"binary/null"}, data=b"x"))


class AddressEncoder(AdvancedJSONEncoder):
    def default(self, o: Any) -> Any:
        return f"IPv4 {o}" if isinstance(o, IPv4Address) else super().default(o)


class AddressType(JSONTypeConverter):
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        return IPv4Address(value.removeprefix("IPv4 ")) if hint is IPv4Address else JSONTypeConverter.Unhandled


class Lenient(json.JSONDecoder):
    def decode(self, s: str, *args: Any) -> Any:  # type: ignore[override]  # whatever it is called with
        return super().decode(s.lower(), *args)


@dataclass
class Host:
    address: IPv4Address


HOST = Host(IPv4Address("127.0.0.1"))


def test_a_json_link_with_an_encoder_and_a_type_converter_goes_their_way() -> None:
    link = JSONPlainPayloadConverter(encoder=AddressEncoder, custom_type_converters=[AddressType()])
    payload = link.to_payload({"b": HOST, "a": 1})
    assert payload is not None
    assert payload.data == b'{"a":1,"b":{"address":"IPv4 127.0.0.1"}}'
    assert link.from_payload(payload, dict[str, Host | int])["b"] == HOST  # type: ignore[arg-type]  # a hint
    assert link.from_payload(payload) == {"a": 1, "b": {"address": "IPv4 127.0.0.1"}}


def test_a_json_link_may_have_an_encoding_and_a_decoder_of_its_own() -> None:
    link = JSONPlainPayloadConverter(encoding="json/loud", decoder=Lenient)
    payload = link.to_payload(["A"])
    assert payload is not None
    assert (payload.encoding, link.encoding) == ("json/loud", "json/loud")
    assert link.from_payload(payload, list[str]) == ["a"]  # type: ignore[arg-type]  # a hint
    with pytest.raises(RuntimeError, match="it is no JSON"):
        link.from_payload(Payload(metadata={"encoding": b"json/loud"}, data=b"{"))


def test_a_json_link_with_the_encoder_of_python_writes_what_that_does() -> None:
    link = JSONPlainPayloadConverter(encoder=None)
    payload = link.to_payload([float("nan")])
    assert payload is not None
    assert payload.data == b"[NaN]"
    assert str(link.from_payload(payload)) == "[nan]"
    with pytest.raises(TypeError):
        link.to_payload(HOST)


def test_a_json_link_writes_bytes_when_none_before_it_does() -> None:
    link = JSONPlainPayloadConverter()
    payload = link.to_payload(b"\x00")
    assert payload is not None
    assert payload.data == b'"AA=="'
    assert link.from_payload(payload, bytes) == b"\x00"


# -- the default chain


WRITTEN_WITHOUT_HINTS = [trip for trip in ROUND_TRIPS if not ("Parcel" in str(trip[1]) and get_args(trip[1]))]
"""A link does not see the hint, so it does not know that private attributes hide in a list."""


@pytest.mark.parametrize(("value", "hint"), WRITTEN_WITHOUT_HINTS, ids=lambda part: repr(part)[:40])
def test_the_chain_and_the_one_pass_read_each_other(value: object, hint: Any) -> None:
    chain, once = CompositePayloadConverter(*LINKS), DefaultPayloadConverter()
    for writer, reader in ((chain, once), (once, chain)):
        back = reader.decode(writer.encode(value, hint), hint)
        assert back == value
        assert type(back) is type(value)


def test_the_default_is_a_chain_whose_links_can_be_asked() -> None:
    converter = DataConverter.default.payload_converter
    assert isinstance(converter, DefaultPayloadConverter | CompositePayloadConverter)
    assert isinstance(converter, CompositePayloadConverter)
    assert isinstance(converter, JsonConverter)
    assert PayloadConverter.default is converter
    assert list(converter.converters) == [b"binary/null", b"binary/plain", b"json/plain"]
    assert converter.with_context(SHOP) is converter


def test_a_chain_with_own_links_in_front_of_the_defaults_works() -> None:
    class Addresses(EncodingPayloadConverter):
        @property
        def encoding(self) -> str:
            return "text/ipv4"

        def to_payload(self, value: Any) -> Payload | None:
            if not isinstance(value, IPv4Address):
                return None
            return Payload(metadata={"encoding": self.encoding.encode()}, data=str(value).encode())

        def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
            assert not type_hint or type_hint is IPv4Address
            return IPv4Address(payload.data.decode())

    class Chain(CompositePayloadConverter):
        def __init__(self) -> None:
            super().__init__(Addresses(), *LINKS)

    chain = DataConverter(payload_converter_class=Chain).payload_converter
    values = [HOST.address, None, b"x", HOST, RawValue(Payload(data=b"1"))]
    payloads = chain.to_payloads(values)
    assert [payload.encoding for payload in payloads] == [
        "text/ipv4",
        "binary/null",
        "binary/plain",
        "json/plain",
        "json/plain",
    ]
    assert chain.from_payloads(payloads, [IPv4Address, None, bytes, Host, RawValue]) == values
    assert chain.encode(HOST.address, IPv4Address, fit=True).data == b"127.0.0.1"


def test_what_no_link_takes_or_reads_is_refused_under_the_names_that_temporal_has() -> None:
    chain = CompositePayloadConverter(BinaryNullPayloadConverter())
    with pytest.raises(RuntimeError, match="no encoding of binary/null takes it"):
        chain.to_payloads([1])
    with pytest.raises(KeyError, match="json/plain"):
        chain.from_payloads([Payload(data=b"1")])
    with pytest.raises(PayloadEncodeError, match="no encoding of binary/null takes it"):
        chain.encode(1)
    with pytest.raises(PayloadDecodeError, match="as int: no link of the chain reads the encoding 'json/plain'"):
        chain.decode(Payload(data=b"1"), int)


class Shouting(DefaultPayloadConverter):
    """Overrides what Temporal's interface has."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        return super().to_payloads([value.upper() if isinstance(value, str) else value for value in values])


class Whispering(DefaultPayloadConverter):
    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[Any] | None = None) -> list[Any]:
        return [f"({value})" for value in super().from_payloads(payloads, type_hints)]


def test_a_subclass_of_the_default_is_asked_whatever_it_overrides() -> None:
    loud, quiet = Shouting(), Whispering()
    assert loud.encode("a", str, fit=True).data == b'"A"'
    assert loud.encode_args(["a", 1])[0].data == b'"A"'
    assert quiet.decode(loud.encode("a"), str) == "(A)"
    assert quiet.decode_args(quiet.encode_args(["a"])) == ["(a)"]


# -- contexts


class Signed(EncodingPayloadConverter, WithSerializationContext):
    """Writes whose the value is."""

    def __init__(self, whose: str = "") -> None:
        self.whose = whose

    @property
    def encoding(self) -> str:
        return "text/signed"

    def to_payload(self, value: Any) -> Payload | None:
        if not isinstance(value, str):
            return None
        return Payload(metadata={"encoding": b"text/signed"}, data=f"{value} of {self.whose}".encode())

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        return f"{payload.data.decode()}, read by {self.whose}"

    def with_context(self, context: SerializationContext) -> Signed:
        return Signed(context.workflow_id) if isinstance(context, WorkflowSerializationContext) else self


class SignedChain(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(Signed(), *LINKS)


def test_a_chain_tells_its_links_the_context() -> None:
    chain = SignedChain()
    assert chain.takes_context
    told = chain.with_context(SHOP)
    assert told.to_payloads(["x"])[0].data == b"x of shop"
    assert told.from_payloads(told.to_payloads(["x", 1])) == ["x of shop, read by shop", 1]
    assert chain.to_payloads(["x"])[0].data == b"x of "
    assert chain.with_context(SerializationContext()) is chain
    assert CompositePayloadConverter(*LINKS).get_converters_with_context(SHOP) is None


class Plain(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload(metadata={"encoding": b"binary/x"}, data=payload.data) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload(data=payload.data) for payload in payloads]


class SignedFailures(DefaultFailureConverter, WithSerializationContext):
    def with_context(self, context: SerializationContext) -> SignedFailures:
        return SignedFailures()


def test_a_data_converter_tells_its_parts_the_context() -> None:
    converter = DataConverter(SignedChain, Plain(), SignedFailures)
    assert converter.takes_context
    told = converter.with_context(SHOP)
    assert told.payload_converter.to_payloads(["x"])[0].data == b"x of shop"
    assert told.failure_converter is not converter.failure_converter
    assert told.payload_codec is converter.payload_codec
    assert DataConverter.default.with_context(SHOP) is DataConverter.default


def test_a_payload_converter_has_wrappers() -> None:
    wrapper = PayloadConverter.default.to_payloads_wrapper([1, "a"])
    assert PayloadConverter.default.from_payloads_wrapper(wrapper) == [1, "a"]
    assert PayloadConverter.default.from_payloads_wrapper(None) == []
    assert PayloadConverter.default.from_payloads_wrapper(Payloads()) == []


async def test_a_data_converter_has_wrappers_and_failures() -> None:
    converter = DataConverter(payload_codec=Plain())
    wrapper = await converter.encode_wrapper([1, "a"])
    assert [payload.encoding for payload in wrapper.payloads] == ["binary/x"] * 2
    assert await converter.decode_wrapper(wrapper, [int, str]) == [1, "a"]
    assert await converter.decode_wrapper(None) == await converter.decode_wrapper(Payloads()) == []
    for own in (converter, DataConverter.default):
        failure = await own.encode_failure(ApplicationError("no", 7))
        assert failure.details[0].encoding == ("binary/x" if own is converter else "json/plain")
        error = await own.decode_failure(failure)
        assert isinstance(error, ApplicationError)
        assert list(error.details) == [7]


def test_an_error_of_validation_is_not_tried_again() -> None:
    error = create_payload_validation_error({"field": "price"})
    assert (error.type, error.non_retryable, error.details) == ("PayloadValidationError", True, ({"field": "price"},))
    assert create_payload_validation_error(None).details == ()


# -- copies


class ReadsAddresses(JSONTypeConverter):
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        return IPv4Address(value) if hint is IPv4Address else JSONTypeConverter.Unhandled


class Addresses(CompositePayloadConverter):
    """A chain that reads addresses."""

    def __init__(self) -> None:
        super().__init__(JSONPlainPayloadConverter(custom_type_converters=[ReadsAddresses()]))


@pytest.mark.parametrize(
    "converter",
    [
        DefaultPayloadConverter(),
        JsonConverter(to_json=str, from_json=lambda cls, plain: cls(plain)),
        Addresses(),
    ],
    ids=lambda converter: type(converter).__name__,
)
def test_a_copy_from_another_process_converts_as_the_original_does(converter: PayloadConverter) -> None:
    copied: PayloadConverter = cloudpickle.loads(cloudpickle.dumps(converter))
    address = IPv4Address("127.0.0.1")
    payloads = copied.to_payloads([{"at": "here"}, address])
    assert payloads == converter.to_payloads([{"at": "here"}, address])
    assert copied.from_payloads(payloads, [dict, IPv4Address]) == [{"at": "here"}, address]
