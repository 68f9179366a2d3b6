"""What cannot be stored, or does not fit the hint of its reader, is refused with its place, both types and a reason."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
import pydantic
import pytest

from tests.events.shop import Address, Box, Colour, Item, Order, OrderId, Parcel, Point
from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.refusal import Where
from understudy.events.errors import PayloadDecodeError, PayloadEncodeError
from understudy.events.payloads.payload import BINARY, Payload, binary_payload

converter = JsonConverter()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (float("nan"), "$"),
        (float("-inf"), "$"),
        ({"a": [1.0, {"b": float("inf")}]}, "$.a[1].b"),
        (Parcel(float("nan")), "$.weight"),
        (Point(1, float("nan")), "$.y"),
        ([Box(float("nan"))], "$[0].content"),
    ],
)
def test_a_number_that_json_has_not_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(PayloadEncodeError) as caught:
        converter.encode(value)
    assert caught.value.reason == f"JSON has no NaN and no infinity - at `{path}`"


def test_a_huge_number_is_not_taken_for_infinity() -> None:
    assert converter.decode(converter.encode([None, 1.7e308, -1.7e308, 2**90])) == [None, 1.7e308, -1.7e308, 2**90]


class Reading(pydantic.BaseModel):
    value: float


class Bare(pydantic.BaseModel, ser_json_inf_nan="constants"):
    value: float


def test_a_number_that_json_has_not_is_found_in_a_model() -> None:
    with pytest.raises(PayloadEncodeError, match=r"\$\[0\]\.value"):
        converter.encode([Reading(value=float("nan"))])
    with pytest.raises(PayloadEncodeError):
        converter.encode(Bare(value=float("inf")))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "objects of type object are not JSON"),
        (lambda: 1, "objects of type function are not JSON"),
        (KeyError("x"), "objects of type KeyError are not JSON"),
        ({(1, 2): 3}, "a dict key of type tuple"),
        ({True: 1}, "a dict key of type bool"),
        ("\ud800", "surrogates not allowed"),
    ],
)
def test_what_json_cannot_say_is_refused_with_the_reason(value: object, reason: str) -> None:
    with pytest.raises(PayloadEncodeError, match=reason):
        converter.encode(value, where="the result of workflow 'Order'")


def test_a_cycle_is_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(PayloadEncodeError, match="recursion"):
        converter.encode(cycle)


MISFITS: list[tuple[object, Any]] = [
    ("1", int),
    (1, str),
    (True, int),
    (1.5, int),
    ("text", bytes),
    (b"bytes", str),
    (b"bytes", int | None),
    ({"id": 1}, Order),
    (Order(OrderId(1), [Item("a", "x")]), Order),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (None, int),
    (["a"], list[int]),
    ("green", Colour),
    (1, type(None)),
    (1, Annotated[int, msgspec.Meta(gt=1)]),
    ({"street": "x"}, Address),
    (-1, Annotated[int, pydantic.Field(gt=0), msgspec.Meta(gt=0)]),
]


@pytest.mark.parametrize(("value", "hint"), MISFITS, ids=lambda part: repr(part)[:40])
def test_a_value_that_does_not_fit_its_hint_is_refused_where_that_is_asked_for(value: object, hint: Any) -> None:
    assert not converter.fits(value, hint)
    with pytest.raises(PayloadEncodeError):
        converter.encode(value, hint, fit=True)
    assert converter.encode(value, hint) is not None


@pytest.mark.parametrize(("value", "hint"), [(1, float), ("2026-01-01", date), (1, Any), (1, None), (1, object)])
def test_what_json_reads_as_the_hint_fits(value: object, hint: Any) -> None:
    assert converter.fits(value, hint)


def test_a_payload_that_does_not_fit_its_hint_names_both_types() -> None:
    with pytest.raises(PayloadDecodeError) as caught:
        converter.decode(converter.encode({"a": 1}), list[int], where="the result of activity 'charge'")
    assert str(caught.value) == (
        "the result of activity 'charge': what is stored is of type object and cannot be read as list[int]: "
        "Expected `array`, got `object`. Make the hint agree with what was stored; a field that came later needs a "
        "default."
    )


def test_a_value_that_does_not_fit_its_hint_names_both_types() -> None:
    with pytest.raises(PayloadEncodeError) as caught:
        converter.encode(Box(1), Order, where=Where("workflow 'Order'", 1, "order"), fit=True)
    assert str(caught.value).startswith(
        "argument 2 ('order') of workflow 'Order': a value of type tests.events.shop.Box cannot be stored as "
        "tests.events.shop.Order: Object missing required field `id`"
    )


@pytest.mark.parametrize(
    ("data", "kind"), [(b"{}", "object"), (b"[]", "array"), (b'"a"', "string"), (b"null", "null"), (b"true", "boolean")]
)
def test_the_stored_type_is_named_as_json_names_it(data: bytes, kind: str) -> None:
    with pytest.raises(PayloadDecodeError) as caught:
        converter.decode(Payload(msgspec.Raw(data)), int)
    assert caught.value.got_type == kind


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(PayloadDecodeError, match="does not know the encoding 'binary/encrypted'"):
        converter.decode(binary_payload(b"x", "binary/encrypted"))


def test_json_may_say_that_it_is_json() -> None:
    assert converter.decode(Payload(msgspec.Raw(b"1"), {"encoding": "json/plain"}), int) == 1


def test_a_damaged_payload_is_refused() -> None:
    with pytest.raises(PayloadDecodeError):
        converter.decode(Payload(msgspec.Raw(b'"*"'), {"encoding": BINARY}))
