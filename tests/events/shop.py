"""The types of a small shop, one for each kind of class that users have, and values of them."""

from __future__ import annotations

import collections
import collections.abc
import enum
import fractions
import ipaddress
import pathlib
import zoneinfo
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic

T = TypeVar("T")
OrderId = NewType("OrderId", int)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Item:
    sku: str
    price: Decimal
    tags: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class Order:
    id: OrderId
    items: list[Item]
    colour: Colour = Colour.RED
    note: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Express(Order):
    courier: str = "bike"


@dataclass
class Box(Generic[T]):
    content: T


class Point(msgspec.Struct, frozen=True):
    x: int
    y: float = 0.0


class Address(pydantic.BaseModel):
    street: str
    house_number: int = pydantic.Field(alias="houseNumber", gt=0)
    since: date | None = None

    @pydantic.computed_field  # type: ignore[prop-decorator]  # pydantic's own documentation stacks them so
    @property
    def label(self) -> str:
        return f"{self.street} {self.house_number}"


class Pin(pydantic.BaseModel, strict=True, extra="forbid"):
    code: UUID
    blob: bytes


@attrs.define
class Parcel:
    weight: float
    _secret: int = attrs.field(default=3, alias="secret")


class Size(NamedTuple):
    width: int
    height: int = 1


class Movie(TypedDict, total=False):
    title: str
    year: int


@dataclass
class Delivery:
    address: Address
    stops: list[Address]


aware = datetime(2026, 3, 1, 12, 30, 1, 5, tzinfo=timezone(timedelta(hours=2)))
ADDRESS = Address(street="Main", houseNumber=3, since=date(2020, 1, 2))

ROUND_TRIPS: list[tuple[object, Any]] = [
    (None, type(None)),
    (True, bool),
    (2**70, int),
    (1.0, float),
    ("null", str),
    ([1, 2], list[int]),
    ({"a": None}, dict[str, None]),
    (Order(OrderId(1), [Item("a", Decimal("1.10"), {"x", "y"})], Colour.BLUE, "n", aware), Order),
    ({"k": [Order(OrderId(1), [])]}, dict[str, list[Order]]),
    (Box([1]), Box[list[int]]),
    (Box(Order(OrderId(1), [])), Box[Order]),
    (Point(1, 2.5), Point),
    (ADDRESS, Address),
    ([ADDRESS, None], list[Address | None]),
    (Delivery(ADDRESS, [ADDRESS]), Delivery),
    (Pin(code=UUID(int=7), blob=b"x"), Pin),
    ([Pin(code=UUID(int=7), blob=b"x")], list[Pin]),
    (Parcel(1.5), Parcel),
    (Parcel(1.5, secret=9), Parcel),
    ([Parcel(1.5, secret=9)], list[Parcel]),
    ({"a": (Parcel(2.0, secret=8),)}, dict[str, tuple[Parcel, ...]]),
    (Size(3), Size),
    ({"title": "M", "year": 1931}, Movie),
    (Colour.RED, Colour),
    (Level.HIGH, Level),
    (aware, datetime),
    (datetime(2026, 1, 1), datetime),  # noqa: DTZ001 - a naive one is what it tests
    (date(2026, 1, 1), date),
    (time(1, 2, 3, 4), time),
    (timedelta(days=-1, microseconds=1), timedelta),
    (UUID(int=5), UUID),
    (Decimal("0.10"), Decimal),
    (b"\x00\xff", bytes),
    (bytearray(b"ab"), bytearray),
    ([b"nested"], list[bytes]),
    ((1, "a"), tuple[int, str]),
    ((1, 2, 3), tuple[int, ...]),
    ({1, 2}, set[int]),
    (frozenset({"a"}), frozenset[str]),
    ({1: "a"}, dict[int, str]),
    ({UUID(int=1): 1}, dict[UUID, int]),
    ({Colour.RED: 1}, dict[Colour, int]),
    ({date(2026, 1, 1): 1}, dict[date, int]),
    ({"a": 1}, Optional[dict[str, int]]),  # noqa: UP045 - the old spelling is what it tests
    (3, int | str | None),
    ("a", Literal["a", "b"]),
    (5, Annotated[int, msgspec.Meta(gt=1)]),
    (5, Annotated[int, ["unhashable"]]),
    (OrderId(5), OrderId),
    (pathlib.PurePosixPath("/a/b"), pathlib.PurePosixPath),
    (ipaddress.ip_address("::1"), ipaddress.IPv6Address),
    (zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo),
    (fractions.Fraction(1, 3), fractions.Fraction),
    (collections.deque([1, 2]), collections.deque[int]),
    (collections.OrderedDict(a=1), collections.OrderedDict[str, int]),
    (collections.defaultdict(int, {1: 2}), collections.defaultdict[int, int]),
    (collections.Counter("aab"), collections.Counter[str]),
    ([collections.Counter("aab")], list[collections.Counter[str]]),
    (collections.deque([Order(OrderId(1), [])]), collections.deque[Order]),
    ([1, 2], collections.abc.Iterable[int]),
    ([[1], [2]], list[collections.abc.Iterable[int]]),
    (["a"], collections.abc.Iterable),
    (["a"], collections.abc.Iterable[str] | None),
]
