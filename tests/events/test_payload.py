"""Values go into payloads and come out by their hints as they went in."""

from __future__ import annotations

import pickle
import types
from datetime import date, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.shop import ADDRESS, ROUND_TRIPS, Address, Colour, Express, Item, Order, OrderId
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.errors import PayloadDecodeError, PayloadEncodeError
from understudy.events.payloads.payload import BINARY, Payload, RawValue, binary_of, binary_payload

converter = JsonConverter()


@pytest.mark.parametrize(("value", "hint"), ROUND_TRIPS, ids=lambda part: repr(part)[:40])
def test_a_value_comes_back_by_its_hint_as_it_went_in(value: object, hint: Any) -> None:
    payload = converter.encode(value, hint, fit=True)
    back = converter.decode(payload, hint)
    assert back == value
    assert type(back) is type(value)
    assert converter.fits(value, hint)
    assert converter.fits(payload, hint)


@pytest.mark.parametrize(("value", "hint"), ROUND_TRIPS, ids=lambda part: repr(part)[:40])
def test_a_payload_embeds_in_an_event_as_json(value: object, hint: Any) -> None:
    payload = converter.encode(value, hint)
    stored = msgspec.json.encode(payload)
    assert msgspec.json.decode(stored)["data"] == msgspec.json.decode(payload.raw)
    assert msgspec.json.decode(stored, type=Payload) == payload


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_json_comes_back_untyped_as_it_went_in(value: object) -> None:
    back = converter.decode(converter.encode(value))
    assert back == value
    assert repr(back) == repr(value)


@given(st.binary())
def test_bytes_come_back_untyped_as_bytes(value: bytes) -> None:
    payload = converter.encode(value)
    assert payload.encoding == BINARY
    assert converter.decode(payload) == converter.decode(payload, Any) == value
    assert converter.decode(payload, bytearray) == bytearray(value)
    assert converter.decode(payload, memoryview) == value
    assert converter.decode(payload, bytes | None) == value


items = st.builds(Item, st.text(), st.decimals(allow_nan=False, allow_infinity=False), st.sets(st.text()))
whole_minutes = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=st.none() | whole_minutes).map(lambda at: at.replace(fold=0))
orders = st.builds(
    Order,
    st.integers().map(OrderId),
    st.lists(items),
    st.sampled_from(Colour),
    st.none() | st.text(),
    st.none() | times,
)


@given(orders)
def test_a_nested_dataclass_comes_back_as_it_went_in(order: Order) -> None:
    assert converter.decode(converter.encode(order, Order), Order) == order


@given(st.timedeltas(), st.dates(), st.times(), st.uuids(), st.decimals(allow_nan=False))
def test_scalars_come_back_as_they_went_in(
    span: timedelta, day: date, clock: time, identity: UUID, number: Decimal
) -> None:
    value = (span, day, clock.replace(fold=0), identity, number)
    assert converter.decode(converter.encode(value), tuple[timedelta, date, time, UUID, Decimal]) == value


def numbers(value: Any) -> list[float]:
    """The numbers in a value, whatever its keys are."""
    if isinstance(value, float):
        return [value]
    items: Any = value
    return list(items.values()) if isinstance(value, dict) else list(items)


@given(st.dictionaries(st.integers() | st.none(), st.floats()) | st.lists(st.floats()) | st.floats())
def test_a_float_is_stored_as_it_is_or_refused(value: object) -> None:
    try:
        back = converter.decode(converter.encode(value))
    except PayloadEncodeError:
        return
    text = repr(value)
    assert "nan" not in text
    assert "inf" not in text
    assert numbers(back) == numbers(value)


def test_a_model_is_read_by_names_and_by_aliases() -> None:
    assert bytes(converter.encode(ADDRESS).data) == b'{"street":"Main","house_number":3,"since":"2020-01-02"}'
    sent = Payload(msgspec.Raw(b'{"street":"Main","houseNumber":3}'))
    assert converter.decode(sent, Address).house_number == 3


def test_a_model_says_in_one_line_what_does_not_fit() -> None:
    sent = Payload(msgspec.Raw(b'{"street":1,"houseNumber":0}'))
    with pytest.raises(PayloadDecodeError) as caught:
        converter.decode(sent, Address, where="the result of activity 'find'")
    assert "`$.street`" in caught.value.reason
    assert "`$.houseNumber`" in caught.value.reason or "`$.house_number`" in caught.value.reason
    assert "\n" not in str(caught.value)


def test_a_model_that_was_made_without_validation_is_refused() -> None:
    with pytest.raises(PayloadEncodeError):
        converter.encode(Address.model_construct(street=object(), house_number="x"))


def test_a_subclass_instance_is_stored_whole_and_read_as_what_the_hint_says() -> None:
    payload = converter.encode(Express(OrderId(1), [], courier="van"), Order, fit=True)
    assert b'"courier":"van"' in bytes(payload.data)
    assert type(converter.decode(payload, Order)) is Order
    assert converter.decode(payload, Express) == Express(OrderId(1), [], courier="van")


class Name(str):  # noqa: SLOT000 - a user's class
    pass


class Count(int):
    pass


def test_a_scalar_with_a_class_of_its_own_is_stored_as_what_it_is() -> None:
    assert converter.decode(converter.encode([Name("a"), Count(3)])) == ["a", 3]
    assert type(converter.decode(converter.encode(Name("a")), Name)) is Name
    assert type(converter.decode(converter.encode(Count(3)), Count)) is Count


def test_a_value_of_numpy_is_stored_as_what_it_lists() -> None:
    def three(_self: object) -> int:
        return 3

    number = type("int64", (), {"__module__": "numpy", "tolist": three})
    assert converter.decode(converter.encode([number(), None])) == [3, None]


def test_a_container_of_an_unhashable_hint_is_stored() -> None:
    hint = list[Annotated[int, ["unhashable"]]]
    assert converter.decode(converter.encode([1], hint, fit=True), hint) == [1]


def test_any_number_of_types_can_be_stored() -> None:
    own = JsonConverter()
    for number in range(4200):
        assert own.encode(type(f"Name{number}", (str,), {})("x")).data == converter.encode("x").data
    assert own.encode(b"x").encoding == BINARY


def test_what_is_like_a_container_is_stored_as_one() -> None:
    mapping = types.MappingProxyType({"a": range(3)})
    assert converter.decode(converter.encode([mapping, {"k": 1}.keys()])) == [{"a": [0, 1, 2]}, ["k"]]


def test_a_raw_value_is_passed_on_as_it_is() -> None:
    secret = binary_payload(b"x", "binary/encrypted")
    assert converter.encode(RawValue(secret)) is secret
    assert converter.decode(secret, RawValue) == RawValue(secret)
    assert converter.raw([secret]) == [RawValue(secret)]
    assert binary_of(secret) == b"x"


def test_a_payload_shows_its_json_and_not_too_much_of_it() -> None:
    assert repr(converter.encode({"a": 1})) == 'Payload({"a":1})'
    assert repr(converter.encode(b"x")) == """Payload("eA==", {'encoding': 'binary/plain'})"""
    assert repr(converter.encode("x" * 200)).endswith("… (202 characters))")


def test_a_payload_and_a_raw_value_pickle() -> None:
    payload = converter.encode(Order(OrderId(1), []))
    assert pickle.loads(pickle.dumps(RawValue(payload))) == RawValue(payload)  # noqa: S301 - our own pickle


def test_two_payloads_do_not_share_their_metadata() -> None:
    assert converter.encode(1).metadata is not converter.encode(1).metadata
