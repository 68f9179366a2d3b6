"""A shop that is asked, for the tests of queries."""

from __future__ import annotations

import asyncio
import operator
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from understudy import activity, workflow

__all__ = ["CHANGES", "REQUESTS", "Cart", "Shelf", "Shop", "noop"]


@dataclass
class Cart:
    items: list[str]
    limits: dict[str, int]

    @cached_property
    def size(self) -> int:
        return len(self.items)


@activity.defn
async def noop() -> None:
    pass


class Shelf:
    """An object of the user's own, with slots instead of a dict."""

    __slots__ = ("books",)

    def __init__(self) -> None:
        self.books = deque(["a", "b"])


@workflow.defn
class Shop:
    """Holds state of all kinds until it is closed."""

    def __init__(self) -> None:
        self.cart = Cart(["tea"], {"tea": 3})
        self.open = True
        self.visits = 0
        self.seen = {"kim"}
        self.shelf = Shelf()
        self.dice = Random(7)  # noqa: S311 - an object with hidden state
        self.bell = asyncio.Event()
        self.wish: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: not self.open)
        return "closed"

    @workflow.signal
    def put(self, item: str) -> None:
        self.cart.items.append(item)

    @workflow.signal
    def close(self) -> None:
        self.open = False

    @workflow.query
    def items(self) -> list[str]:
        return self.cart.items

    @workflow.query
    def find(self, item: str, default: str = "nothing") -> str:
        return item if item in self.cart.items else default

    @workflow.query
    def whole(self) -> Cart:
        return self.cart

    @workflow.query(name="how-many", description="Counts them.")
    def count(self) -> int:
        return self.cart.size

    @workflow.query
    def fail(self) -> None:
        raise KeyError("no such thing")

    @workflow.query
    def clock(self) -> float:
        return float(operator.methodcaller("time")(__import__("time")))

    @workflow.query
    def odd(self) -> Any:
        return object()

    @workflow.query
    def reads(self, what: str) -> Any:
        return {
            "now": workflow.now,
            "info": lambda: workflow.info().workflow_id,
            "memo": workflow.memo,
            "logs": lambda: workflow.logger.info("looked at"),
        }[what]()

    @workflow.query
    def changes(self, what: str) -> str:
        return str(CHANGES[what](self))

    @workflow.query
    def asks(self, what: str) -> str:
        return str(REQUESTS[what](self))


CHANGES: dict[str, Callable[[Shop], object]] = {
    "an attribute": lambda shop: setattr(shop, "visits", 1),
    "a new attribute": lambda shop: setattr(shop, "note", "new"),
    "a list": lambda shop: shop.cart.items.append("coffee"),
    "a dict": lambda shop: shop.cart.limits.update(tea=4),
    "a set": lambda shop: shop.seen.add("lee"),
    "a deque": lambda shop: shop.shelf.books.rotate(),
    "slots": lambda shop: setattr(shop.shelf, "books", deque()),
    "a generator of numbers": lambda shop: shop.dice.random(),
    "an event": lambda shop: shop.bell.set(),
    "a future": lambda shop: shop.wish.set_result("more tea"),
    "a change that is followed by an error": lambda shop: [shop.seen.clear(), shop.cart.items.pop(9)],
}

REQUESTS: dict[str, Callable[[Shop], object]] = {
    "an activity": lambda _: workflow.start_activity(noop),
    "a local activity": lambda _: workflow.start_local_activity(noop),
    "a random number": lambda _: workflow.random().random(),
    "a side effect": lambda _: workflow.side_effect(lambda: 1),
    "a timer": lambda _: asyncio.get_running_loop().call_later(1, print),
    "a task": lambda shop: asyncio.ensure_future(shop.bell.wait()),
}
