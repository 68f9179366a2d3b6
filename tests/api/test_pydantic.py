"""Pydantic: its models work unconfigured, and with its own data converter everything goes by its rules."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest
from annotated_types import Len
from pydantic import BaseModel, Field

from tests.api.harness import Harness
from understudy import activity, workflow
from understudy.client import Client
from understudy.contrib.pydantic import (
    PydanticJSONPlainPayloadConverter,
    PydanticPayloadConverter,
    ToJsonOptions,
    pydantic_data_converter,
)
from understudy.converter import DataConverter, PayloadConverter
from understudy.exceptions import PayloadDecodeError, PayloadEncodeError

T = TypeVar("T")


class Item(BaseModel):
    sku: str
    price: Decimal
    at: datetime


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tricks: list[str] = []


class Page(BaseModel, Generic[T]):
    entries: list[T]
    after: UUID | None = None


class Order(BaseModel):
    id: int
    items: list[Item]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    due: date = date(2020, 1, 1)
    every: timedelta = timedelta(hours=1)
    by_sku: dict[str, Item] = {}
    page: Page[Item] | None = None


@dataclass
class Mixed:
    order: Order
    note: str


ITEM = Item(sku="a", price=Decimal("1.10"), at=datetime(2020, 1, 1, tzinfo=UTC))
ORDER = Order(id=1, items=[ITEM], pet=Dog(tricks=["sit"]), by_sku={"a": ITEM}, page=Page(entries=[ITEM]))
VALUES = [
    (ORDER, Order),
    ([ORDER], list[Order]),
    ({"a": ITEM}, dict[str, Item]),
    ((ITEM, 3), tuple[Item, int]),
    (Page[Item](entries=[ITEM], after=UUID(int=1)), Page[Item]),
    (Dog(), Cat | Dog),
    (None, Cat | None),
    (Cat(), Cat | None),
    (Mixed(ORDER, "x"), Mixed),
    (b"\x00\xff", bytes),
]


@pytest.fixture(params=["unconfigured", "pydantic"])
def converter(request: pytest.FixtureRequest) -> PayloadConverter:
    data_converter = DataConverter.default if request.param == "unconfigured" else pydantic_data_converter
    return data_converter.payload_converter


@pytest.mark.parametrize(("value", "hint"), VALUES, ids=lambda part: repr(part)[:40])
def test_values_with_models_come_back(converter: PayloadConverter, value: Any, hint: Any) -> None:
    back = converter.decode(converter.encode(value, hint, fit=True), hint)
    assert back == value
    assert type(back) is type(value)


def test_both_ways_read_what_the_other_wrote() -> None:
    for value, hint in VALUES:
        ours, theirs = DataConverter.default.payload_converter, pydantic_data_converter.payload_converter
        assert theirs.decode(ours.encode(value), hint) == value
        assert ours.decode(theirs.encode(value), hint) == value


def test_what_is_not_valid_is_refused_with_the_field(converter: PayloadConverter) -> None:
    with pytest.raises(PayloadDecodeError, match="price"):
        converter.decode(converter.encode({"sku": "a", "at": "2020-01-01T00:00:00Z"}), Item)
    with pytest.raises(PayloadEncodeError):
        converter.encode(object())


def test_pydantics_own_rules_hold_for_everything() -> None:
    converter = PydanticPayloadConverter()
    assert converter.decode(converter.encode("3"), int) == 3
    with pytest.raises(PayloadDecodeError, match="at least 2"):
        converter.decode(converter.encode([1]), Annotated[list[int], Len(2)])
    assert converter.decode(converter.encode({"a": 1})) == {"a": 1}


def test_fields_that_nobody_set_can_be_left_out() -> None:
    link = PydanticJSONPlainPayloadConverter(ToJsonOptions(exclude_unset=True))
    payload = link.to_payload(Dog(tricks=["sit"]))
    assert payload is not None
    assert payload.data == b'{"tricks":["sit"]}'
    payload = PydanticJSONPlainPayloadConverter(ToJsonOptions()).to_payload(Dog())
    assert payload is not None
    assert payload.data == b'{"kind":"dog","tricks":[]}'


@pytest.mark.parametrize("most", [0, 1, None])
def test_a_hint_is_read_by_also_when_none_is_kept_ready(most: int | None) -> None:
    link = PydanticJSONPlainPayloadConverter(max_cached_type_adapters=most)
    for hint in (list[Cat], Annotated[list[Cat], ["unhashable"]], list[Cat]):
        payload = link.to_payload([Cat()])
        assert payload is not None
        assert link.from_payload(payload, hint) == [Cat()]  # type: ignore[arg-type]  # a hint


def test_a_number_of_hints_below_none_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be below 0"):
        PydanticPayloadConverter(max_cached_type_adapters=-1)


def test_a_link_pickles_by_its_settings() -> None:
    link = PydanticJSONPlainPayloadConverter(ToJsonOptions(exclude_unset=True), max_cached_type_adapters=7)
    again: PydanticJSONPlainPayloadConverter = pickle.loads(pickle.dumps(link))  # noqa: S301 - our own pickle
    payload = again.to_payload(Dog())
    assert payload is not None
    assert payload.data == b"{}"
    assert again.from_payload(payload, Dog) == Dog()


@activity.defn
async def price(order: Order) -> Item:
    return order.items[0]


@workflow.defn
class Shop:
    @workflow.run
    async def run(self, order: Order, orders: list[Order]) -> Page[Item]:
        found = await workflow.execute_activity(price, order)
        return Page[Item](entries=[found, *orders[0].items])


@pytest.fixture(params=[DataConverter.default, pydantic_data_converter], ids=["unconfigured", "pydantic"])
async def engine(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Harness]:
    class Converted(Harness):
        async def open(self) -> None:
            self._client = await Client.connect(url, data_converter=request.param)

    harness = Converted(url)
    await harness.open()
    yield harness
    await harness.close()


async def test_models_go_through_workflows_and_activities(engine: Harness) -> None:
    await engine.work(Shop, price)
    assert await engine.execute(Shop.run, ORDER, [ORDER]) == Page[Item](entries=[ITEM, ITEM])
