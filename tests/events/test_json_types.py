"""JSON by Temporal's recipe: encoder classes, and type converters that are asked about every part of a hint."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from types import MappingProxyType
from typing import Annotated, Any, Generic, NewType, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest

from understudy.converter import AdvancedJSONEncoder, JSONTypeConverter, value_to_type

T = TypeVar("T")


@dataclass
class Host:
    address: IPv4Address
    names: list[str] = field(default_factory=list)
    parent: Host | None = None


@dataclass
class Box(Generic[T]):
    inside: T


@attrs.define
class Rack:
    hosts: list[Host]
    _shelf: int = 0


class Model(pydantic.BaseModel):
    at: datetime


class Struct(msgspec.Struct):
    price: Decimal


class Keyed(TypedDict):
    host: Host


class Colour(Enum):
    RED = "red"


Name = NewType("Name", str)


class Hex(JSONTypeConverter):
    """Reads integers from hexadecimal text, and says which hints it was asked about."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def to_typed_value(self, hint: Any, value: Any) -> Any:
        self.asked.append(hint)
        return int(value, 16) if hint is int and isinstance(value, str) else JSONTypeConverter.Unhandled


class Dots(JSONTypeConverter):
    """Reads addresses from numbers joined by commas."""

    def to_typed_value(self, hint: Any, value: Any) -> Any:
        if hint is IPv4Address:
            return IPv4Address(value.replace(",", "."))
        return JSONTypeConverter.Unhandled


LOCAL = IPv4Address("127.0.0.1")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Host(LOCAL, parent=None), {"address": "127.0.0.1", "names": [], "parent": None}),
        (Rack([Host(LOCAL)], 3), {"hosts": [{"address": "127.0.0.1", "names": [], "parent": None}], "_shelf": 3}),
        (Model(at=datetime(2020, 1, 1, tzinfo=UTC)), {"at": "2020-01-01T00:00:00Z"}),
        (Struct(Decimal("1.5")), {"price": "1.5"}),
        ({"a": {1}}, {"a": [1]}),
        ((number for number in (1, 2)), [1, 2]),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (b"\x00", "AA=="),
        (Colour.RED, "red"),
    ],
)
def test_the_encoder_writes_what_payloads_take(value: Any, written: Any) -> None:
    assert json.loads(json.dumps(value, cls=AdvancedJSONEncoder)) == written


class AddressEncoder(AdvancedJSONEncoder):
    def default(self, o: Any) -> Any:
        return "here" if o is ELSEWHERE else super().default(o)


ELSEWHERE = object()


def test_an_encoder_of_ones_own_is_asked_about_what_is_inside_of_others() -> None:
    values = {"a": deque([ELSEWHERE]), "b": Box(ELSEWHERE)}
    assert json.loads(json.dumps(values, cls=AddressEncoder)) == {"a": ["here"], "b": {"inside": "here"}}


def test_the_encoder_refuses_what_is_no_value() -> None:
    with pytest.raises(TypeError, match="objects of type object are not JSON"):
        json.dumps(object(), cls=AdvancedJSONEncoder)
    with pytest.raises(TypeError, match="objects of type object are not JSON"):
        json.dumps(MappingProxyType({"a": object()}), cls=AdvancedJSONEncoder)


@pytest.mark.parametrize(
    ("hint", "value", "typed"),
    [
        (int, "ff", 255),
        (int, 3, 3),
        (Any, "ff", "ff"),
        (None, "ff", "ff"),
        (type(None), None, None),
        (list[int], ["a", "b"], [10, 11]),
        (set[int], ["a"], {10}),
        (frozenset[int], ["a"], frozenset({10})),
        (deque[int], ["a"], deque([10])),
        (Sequence[int], ["a"], [10]),
        (tuple[int, ...], ["a", "b"], (10, 11)),
        (tuple[int, str], ["a", "b"], (10, "b")),
        (dict[str, int], {"x": "a"}, {"x": 10}),
        (dict[int, int], {"a": "b"}, {10: 11}),
        (Mapping[float, int], {"1.5": "b"}, {1.5: 11}),
        (int | None, None, None),
        (int | None, "a", 10),
        (Annotated[int, "hex"], "a", 10),
        (Name, "a", "a"),
        (Box[int], {"inside": "a"}, Box(10)),
        (Box[list[int]], {"inside": ["a"]}, Box([10])),
        (Colour, "red", Colour.RED),
        (datetime, "2020-01-01T00:00:00Z", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_type_converter_is_asked_about_every_part_of_a_hint(hint: Any, value: Any, typed: Any) -> None:
    converted = value_to_type(hint, value, [Hex()])
    assert converted == typed
    assert type(converted) is type(typed)


def test_a_type_converter_is_asked_inside_of_records() -> None:
    plain = {"address": "127,0,0,1", "names": ["a"], "parent": {"address": "10,0,0,1"}}
    host = Host(LOCAL, ["a"], Host(IPv4Address("10.0.0.1")))
    assert value_to_type(Host, plain, [Dots()]) == host
    assert value_to_type(Keyed, {"host": plain}, [Dots()]) == {"host": host}


def test_the_first_of_several_type_converters_that_knows_the_hint_decides() -> None:
    hexadecimal = Hex()
    assert value_to_type(Box[IPv4Address], {"inside": "1,2,3,4"}, [hexadecimal, Dots()]).inside == IPv4Address(
        "1.2.3.4"
    )
    assert hexadecimal.asked == [Box[IPv4Address], IPv4Address]


class Odd(msgspec.Struct):
    address: IPv4Address


def test_a_type_converter_is_asked_about_the_unknown_classes_of_a_struct() -> None:
    assert value_to_type(Odd, {"address": "1,2,3,4"}, [Dots()]) == Odd(IPv4Address("1.2.3.4"))


def test_what_a_decoder_has_made_already_is_taken() -> None:
    host = Host(LOCAL)
    assert value_to_type(Host, host, [Dots()]) is host
    assert value_to_type(list[Host], [host], [Hex()]) == [host]


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, "xyz"),
        (int | None, "xyz"),
        (list[int], {"a": 1}),
        (dict[str, int], [1]),
        (tuple[int, str], ["a"]),
        (Host, {"names": []}),
        (Host, "text"),
        (Colour, "blue"),
    ],
)
def test_what_does_not_fit_a_hint_is_refused(hint: Any, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        value_to_type(hint, value, [Hex()])


def test_without_type_converters_a_value_is_read_as_payloads_are() -> None:
    assert value_to_type(Host, {"address": "127.0.0.1"}) == Host(LOCAL)
    assert value_to_type(dict[int, datetime], {"1": "2020-01-01T00:00:00Z"}) == {1: datetime(2020, 1, 1, tzinfo=UTC)}
    with pytest.raises(ValueError, match="Expected `int`"):
        value_to_type(int, "x")
