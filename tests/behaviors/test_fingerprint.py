"""Digests of what a workflow holds: the same while nothing changes, another once something did."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from threading import Lock
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.behaviors.stage import Stage
from understudy.actors.behaviors.code.fingerprint import fingerprint


@dataclass
class Cart:
    """What a workflow may hold."""

    items: list[Any] = field(default_factory=list[Any])
    prices: dict[str, float] = field(default_factory=dict[str, float])
    tags: set[str] = field(default_factory=set[str])

    @cached_property
    def total(self) -> float:
        return sum(self.prices.values())


class Slim:
    """State in slots, and a value that is kept beside."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Locked:
    """Holds what cannot be taken apart."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.name = "a"
        self.numbers: Iterator[int] = iter(lambda: 1, 2)


class Prickly:
    """Cannot be asked at all."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise ValueError("no")


class Named:
    """A global: what `__reduce__` returns is its name."""

    def __reduce__(self) -> str:
        return "NAMED"


class Derived(list[int]):
    """State in a class of Python's own, and a value that is kept beside."""

    @cached_property
    def first(self) -> int:
        return self[0]

    def __reduce__(self) -> Any:
        return Derived, (), None, iter(self)


class Bare:
    """Reduces to two parts, and keeps a value."""

    @cached_property
    def kept(self) -> int:
        return 1

    def __reduce__(self) -> Any:
        return Bare, ()


NAMED: Final = Named()


def cyclic() -> Cart:
    """Something that holds itself."""
    cart = Cart()
    cart.items.append(cart)
    return cart


CHANGES: Final[dict[str, tuple[Callable[[], Any], Callable[[Any], object]]]] = {
    "a list": (Cart, lambda cart: cart.items.append(1)),
    "a dict": (Cart, lambda cart: cart.prices.update(a=1.0)),
    "a set": (Cart, lambda cart: cart.tags.add("x")),
    "an attribute": (Cart, lambda cart: setattr(cart, "more", 1)),
    "a slot": (Slim, lambda slim: setattr(slim, "count", 1)),
    "something within": (lambda: Cart([Cart([Slim()])]), lambda cart: setattr(cart.items[0].items[0], "count", 1)),
    "a cycle": (cyclic, lambda cart: cart.items.append(1)),
    "what stands beside a lock": (Locked, lambda locked: setattr(locked, "name", "b")),
    "another lock": (Locked, lambda locked: setattr(locked, "lock", Lock())),
    "an order": (partial(OrderedDict[str, int], a=1, b=2), lambda ordered: ordered.move_to_end("a")),
    "a queue": (lambda: deque([1]), lambda queue: queue.append(2)),
    "a list of one's own": (lambda: Derived([1, 2]), lambda derived: derived.append(3)),
}


@pytest.mark.parametrize(("make", "change"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_and_none_where_there_is_none(
    make: Callable[[], Any], change: Callable[[Any], object]
) -> None:
    thing = make()
    before = fingerprint(thing)
    assert before
    assert fingerprint(thing) == before
    change(thing)
    assert fingerprint(thing) != before


@pytest.mark.parametrize(
    "thing", [Cart(prices={"a": 1.0}), Derived([1]), Bare()], ids=lambda thing: type(thing).__name__
)
def test_a_value_that_was_kept_counts_for_nothing(thing: Any) -> None:
    before = fingerprint(thing)
    _ = [getattr(thing, name) for name in ("total", "first", "kept") if hasattr(thing, name)]
    assert fingerprint(thing) == before


@pytest.mark.parametrize("thing", [None, 1, "text", len, Cart, asyncio, NAMED, Prickly(), lambda: 1, Lock()])
def test_everything_has_a_digest_and_keeps_it(thing: Any) -> None:
    assert fingerprint(thing) == fingerprint(thing) != b""


def test_a_future_that_gets_its_result_has_changed() -> None:
    stage = Stage()
    held = {"future": stage.loop.create_future()}
    before = fingerprint(held)
    assert fingerprint(held) == before
    held["future"].set_result(1)
    assert fingerprint(held) != before
    stage.loop.close_run()


def test_what_is_nested_too_deeply_has_no_digest() -> None:
    nested: list[Any] = []
    for _ in range(20_000):
        nested = [nested]
    assert fingerprint(nested) == b""
    while nested:  # unwound by hand: freeing it in one go would need as deep a stack
        nested = nested.pop()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_reading_changes_no_digest(value: Any) -> None:
    cart = Cart([value])
    before = fingerprint(cart)
    _ = [repr(cart), cart == Cart(), list(cart.items), sorted(map(str, cart.items))]
    assert fingerprint(cart) == before
