"""Hints that msgspec refuses are read by hand; what JSON cannot tell apart is refused before it is stored."""

from __future__ import annotations

import enum
from dataclasses import InitVar, dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar, cast

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.json_reader import Reader
from understudy.events.errors import PayloadDecodeError, PayloadEncodeError
from understudy.events.payloads.payload import Payload

if TYPE_CHECKING:
    from nowhere import Hidden  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]  # on purpose

T = TypeVar("T")
converter = JsonConverter()


@dataclass
class Card:
    number: str
    months: int = 0


@dataclass
class Cash:
    amount: Decimal


@dataclass
class Payment:
    by: Card | Cash
    parts: list[Payment] = field(default_factory=list["Payment"])


Alias = NewType("Alias", Payment)


@dataclass
class Approved:
    by: str
    kind: Literal["approved"] = "approved"


@dataclass
class Rejected:
    by: str
    kind: Literal["rejected"] = "rejected"


@dataclass
class Yes:
    by: str


@dataclass
class No:
    by: str


@dataclass
class Seeded:
    seed: InitVar[int]
    value: int = field(init=False, default=0)

    def __post_init__(self, seed: int) -> None:
        self.value = seed * 2


@dataclass
class Checked:
    choice: Card | Cash
    total: int = 1

    def __post_init__(self) -> None:
        if self.total < 0:
            raise ValueError("total is negative")


@attrs.define
class Crate:
    inside: Card | Cash
    _weight: int = attrs.field(default=1, alias="weight", validator=attrs.validators.gt(0))


class Pair(NamedTuple):
    left: Card | Cash
    right: int = 2


class Sheet(TypedDict, total=False):
    cell: Card | Cash


@dataclass
class Wrapper(Generic[T]):
    inside: T
    other: Card | Cash


@dataclass
class Listing(Generic[T]):
    insides: list[T]
    other: Card | Cash


class Cat(pydantic.BaseModel):
    meows: int


class Dog(pydantic.BaseModel):
    barks: int


class Ratio(enum.Enum):
    HALF = 0.5
    PAIR = (1, 2)
    LIST = [3]  # noqa: RUF012 - an enum's values are never changed


class Side(enum.Enum):
    LEFT = "l"
    RIGHT = "r"


ROUND_TRIPS: list[tuple[object, Any]] = [
    (Card("1"), Card | Cash),
    (Cash(Decimal("1.50")), Card | Cash),
    (None, Card | Cash | None),
    ([Card("1"), Cash(Decimal(2))], list[Card | Cash]),
    ({"a": Cash(Decimal(2))}, dict[str, Card | Cash | None]),
    (Payment(Cash(Decimal(1)), [Payment(Card("2", 3))]), Payment),
    (Payment(Cash(Decimal(1))), Alias),
    (Payment(Cash(Decimal(1))), Annotated[Payment, "note"]),
    (Approved("kim"), Approved | Rejected),
    (Rejected("kim"), Approved | Rejected),
    (Card("1"), Card | dict[str, int]),
    ({"a": 1}, Card | dict[str, int]),
    (Cat(meows=1), Cat | Dog),
    (Dog(barks=1), Cat | Dog),
    (Dog(barks=1), Cat | Card | Dog),
    (7, Cat | int),
    (date(2026, 1, 2), date | str),
    ("later", date | str),
    ("later", str | date | Decimal),
    (Ratio.HALF, Ratio),
    (Ratio.PAIR, Ratio),
    ([Ratio.LIST], list[Ratio]),
    (Side.LEFT, Literal[Side.LEFT, "x"]),
    ("x", Literal[Side.LEFT, "x"]),
    (Crate(Card("1"), weight=3), Crate),
    (Pair(Cash(Decimal(1)), 5), Pair),
    ({"cell": Card("1")}, Sheet),
    ({}, Sheet),
    (Wrapper(5, Card("1")), Wrapper[int]),
    (Wrapper(Cash(Decimal(2)), Card("1")), Wrapper[Card | Cash]),
    (Listing([5], Card("1")), Listing[int]),
    (Listing([5], Card("1")), Listing),
    ((Card("1"), 2), tuple[Card | Cash, int]),
    ([Card("1")], int | list[Card | Cash]),
    (3, int | list[Card | Cash]),
    ([1, 2], list[int] | dict[str, int] | set[str]),
    ({"a"}, set[str] | int),
]


@pytest.mark.parametrize(("value", "hint"), ROUND_TRIPS, ids=lambda part: repr(part)[:40])
def test_a_hint_that_msgspec_refuses_is_read_all_the_same(value: object, hint: Any) -> None:
    back = converter.decode(converter.encode(value, hint, fit=True), hint)
    assert back == value
    assert type(back) is type(value)


@given(st.lists(st.builds(Card, st.text(), st.integers()) | st.builds(Cash, st.decimals(allow_nan=False))))
def test_every_member_of_a_union_is_told_from_the_others(values: list[Card | Cash]) -> None:
    assert converter.decode(converter.encode(values), list[Card | Cash]) == values


def test_what_post_init_made_of_an_init_variable_is_stored() -> None:
    assert converter.decode(converter.encode(Seeded(seed=4)), Seeded).value == 8


def test_post_init_runs_on_what_is_read_by_hand() -> None:
    stored = Payload(msgspec.Raw(b'{"choice":{"number":"1"},"total":-1}'))
    with pytest.raises(PayloadDecodeError, match="total is negative"):
        converter.decode(stored, Checked)


def test_a_validator_runs_on_what_is_read_by_hand() -> None:
    stored = Payload(msgspec.Raw(b'{"inside":{"number":"1"},"_weight":-1}'))
    with pytest.raises(PayloadDecodeError, match="_weight"):
        converter.decode(stored, Crate)


def test_defaults_fill_what_is_not_there() -> None:
    stored = Payload(msgspec.Raw(b'{"by":{"number":"1"}}'))
    assert converter.decode(stored, Payment) == Payment(Card("1"))
    assert converter.decode(Payload(msgspec.Raw(b'[{"number":"1"}]')), Pair) == Pair(Card("1"))
    assert converter.decode(Payload(msgspec.Raw(b'{"choice":{"number":"1"}}')), Checked) == Checked(Card("1"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"parts":[]}', "Object missing required field `by`"),
        (b"3", "got `int`"),
        (b'{"by":{"x":1}}', r"it fits no member of .*Card.*Cash.* at `\.by`"),
        (b'{"by":{"number":"1"},"parts":[{"by":3}]}', r"at `\.parts`"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(data: bytes, reason: str) -> None:
    with pytest.raises(PayloadDecodeError, match=reason):
        converter.decode(Payload(msgspec.Raw(data)), Payment)


@pytest.mark.parametrize(("data", "hint"), [(b"0.7", Ratio), (b'"r"', Literal[Side.LEFT]), (b"[1,3]", list[Ratio])])
def test_a_choice_that_is_not_offered_is_refused(data: bytes, hint: Any) -> None:
    with pytest.raises(PayloadDecodeError, match="is not one of"):
        converter.decode(Payload(msgspec.Raw(data)), hint)


class Sparse(msgspec.Struct, omit_defaults=True):
    a: int = 0


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        (Yes | No, "have the same fields"),
        (list[Yes | No | None], "have the same fields"),
        (list[bytes | str], "bytes are strings in JSON"),
        (Sparse | Card, "leaves out its defaults"),
    ],
)
def test_a_union_that_json_cannot_tell_apart_is_refused_before_anything_is_stored(hint: Any, reason: str) -> None:
    with pytest.raises(PayloadEncodeError, match=reason):
        converter.encode([], hint, fit=True)


def test_bytes_or_text_can_be_told_apart_where_they_are_alone() -> None:
    assert converter.decode(converter.encode(b"abcd"), bytes | str) == b"abcd"
    assert converter.decode(converter.encode("abcd"), bytes | str) == "abcd"


class Opaque:
    pass


class Tight(msgspec.Struct):
    by: Card | Cash


@pytest.mark.parametrize("hint", [Opaque, list[Opaque], type[int], Tight, TypeVar, "Card"])
def test_a_hint_that_nothing_can_read_is_refused(hint: Any) -> None:
    assert not converter.fits([{}], hint)
    assert not converter.fits({"by": {"number": "1"}}, hint)


@dataclass
class HalfKnown:
    what: Hidden


def test_an_annotation_that_is_there_only_for_type_checkers_is_named() -> None:
    with pytest.raises(PayloadDecodeError, match="'Hidden' is not defined"):
        converter.decode(Payload(msgspec.Raw(b'{"what":1}')), HalfKnown)
    assert converter.encode([HalfKnown(1)], list[HalfKnown]) is not None
    with pytest.raises(PayloadEncodeError, match="'Hidden' is not defined"):
        converter.encode([HalfKnown(1)], list[HalfKnown], fit=True)


class Stubborn(pydantic.BaseModel):
    @classmethod
    def model_validate_json(cls, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("not today")


def test_what_a_model_says_on_its_own_account_is_passed_on() -> None:
    with pytest.raises(PayloadDecodeError, match="not today"):
        converter.decode(converter.encode({}), Stubborn)


def test_the_cache_of_hints_does_not_grow_without_end() -> None:
    reader, made_up = Reader(), cast("Any", Literal)
    for number in range(5000):
        reader.reading(made_up[number])
    assert len(reader.by_hint) < 5000
    assert reader.reading(int)(b"1") == 1
    assert reader.reading(None)(b"[1]") == [1]


def test_a_custom_type_can_be_taught_in_both_directions() -> None:
    def to_json(value: Any) -> Any:
        return ["opaque"] if isinstance(value, Opaque) else NotImplemented

    def from_json(cls: Any, plain: Any) -> Any:
        return Opaque() if cls is Opaque and plain == ["opaque"] else NotImplemented

    taught = JsonConverter(to_json=to_json, from_json=from_json)
    payload = taught.encode({"a": Opaque()}, dict[str, Opaque], fit=True)
    assert isinstance(taught.decode(payload, dict[str, Opaque])["a"], Opaque)
    assert taught.decode(taught.encode(Cat(meows=1)), Cat) == Cat(meows=1)
    assert taught.decode(taught.encode([Card("1")]), list[Card | Cash]) == [Card("1")]
