"""The orders: what one is, how it may end, and how a CSV file of them is read.

These are plain dataclasses. They travel to workflows and activities and back as JSON, typed by hints, without a word
of configuration.

A file that cannot be read is refused as a whole, before anything has started, with file, line and column. An order
that can be read and makes no sense (nobody buys for minus five) is another matter: that is one order's outcome.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

__all__ = ["Order", "OrdersFileError", "Outcome", "Status", "money", "read_orders"]

COLUMNS: Final = ("order", "customer", "item", "quantity", "amount", "card", "city")
AMOUNT: Final = re.compile(r"-?\d{1,9}\.\d\d")
QUANTITY: Final = re.compile(r"-?\d{1,6}")


@dataclass(frozen=True)
class Order:
    """What a customer wants; money is in cents."""

    id: str
    customer: str
    item: str
    quantity: int
    cents: int
    card: str
    city: str

    def fault(self) -> str:
        """Return what is wrong with the order; nothing: an empty text."""
        if self.quantity < 1:
            return f"a quantity of {self.quantity}"
        if self.cents < 1:
            return f"an amount of {money(self.cents)}"
        return ""


class Status(StrEnum):
    """How an order may end."""

    SHIPPED = "shipped"
    REFUNDED = "refunded"
    """Paid, but it could not be delivered."""
    DECLINED = "card declined"
    OUT_OF_STOCK = "out of stock"
    INVALID = "invalid"


@dataclass(frozen=True)
class Outcome:
    """How an order ended: what its workflow returns."""

    order_id: str
    status: Status
    reason: str = ""


class OrdersFileError(Exception):
    """The file of orders cannot be read; the message says where and why."""


def money(cents: int) -> str:
    """Return an amount as people write it."""
    return f"{cents / 100:,.2f}"


def read_orders(path: Path) -> list[Order]:
    """Return the orders of a CSV file.

    Raises:
        OrdersFileError: the file cannot be read, or a row of it.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, list[str]())
            missing = [column for column in COLUMNS if column not in header]
            if missing:
                raise OrdersFileError(f'{path}, line 1: no column "{missing[0]}"; wanted are {", ".join(COLUMNS)}')
            orders: dict[str, Order] = {}
            for values in reader:
                row = Row(path, reader.line_num, header, values)
                order = row.order()
                if order.id in orders:
                    raise row.error("order", "was there before")
                orders[order.id] = order
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OrdersFileError(f"{path} cannot be read: {error}") from error
    return list(orders.values())


class Row:
    """One line of the file, which knows where it stands."""

    def __init__(self, path: Path, line: int, header: list[str], values: list[str]) -> None:
        self._where = f"{path}, line {line}"
        if len(values) != len(header):
            raise OrdersFileError(f"{self._where}: {len(values)} values, but the header has {len(header)} columns")
        self._values = dict(zip(header, values, strict=True))

    def order(self) -> Order:
        """Return the order."""
        text = {column: self._text(column) for column in COLUMNS}
        if not QUANTITY.fullmatch(text["quantity"]):
            raise self.error("quantity", "is not a whole number")
        if not AMOUNT.fullmatch(text["amount"]):
            raise self.error("amount", "is not an amount like 12.50")
        return Order(
            id=text["order"],
            customer=text["customer"],
            item=text["item"],
            quantity=int(text["quantity"]),
            cents=int(text["amount"].replace(".", "")),
            card=text["card"],
            city=text["city"],
        )

    def error(self, column: str, problem: str) -> OrdersFileError:
        """Return the error that says what is wrong here."""
        return OrdersFileError(f'{self._where}, column "{column}": {self._values[column]!r} {problem}')

    def _text(self, column: str) -> str:
        text = self._values[column].strip()
        if not text:
            raise self.error(column, "is empty")
        return text
