"""Writes orders.csv: 500 orders of a shop, most of them fine, each kind of trouble among them.

The dice are seeded, so the file comes out the same every time: `python make_orders.py`.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Final

from ledger import STOCK
from orders import COLUMNS, money

__all__ = ["make_orders"]

ORDERS: Final = 500
SEED: Final = 209
"""With these dice, the first 40 orders have each kind of trouble, too."""

PRICES: Final = {
    "kettle": 34_90,
    "teapot": 27_50,
    "lantern": 45_00,
    "blanket": 59_95,
    "compass": 18_20,
    "hammock": 72_00,
    "sundial": 99_00,
    "sextant": 249_00,
}
"""In cents."""

FIRST_NAMES: Final = ("Ada", "Chen", "Edsger", "Femi", "Grace", "Ines", "Kenji", "Maya", "Noor", "Omar", "Rosa")
LAST_NAMES: Final = ("Abara", "Berg", "Costa", "Evans", "Garcia", "Haddad", "Ito", "Kim", "Moreau", "Novak")
CITIES: Final = ("Bergen", "Cork", "Ghent", "Graz", "Lisbon", "Lyon", "Malaga", "Porto", "Siena", "Zagreb")

TROUBLES: Final = (
    (40, {"card": "tok_flaky"}),
    (25, {"card": "tok_declined"}),
    (10, {"card": "tok_no_funds"}),
    (15, {"item": "sundial"}),
    (10, {"item": "sextant"}),
    (25, {"city": "Atlantis"}),
    (5, {"quantity": "0"}),
    (5, {"amount": "-5.00"}),
)
"""How many orders have which values in place of good ones."""


def make_orders() -> list[dict[str, str]]:
    """Return the rows of the file."""
    dice = random.Random(SEED)  # noqa: S311 - an example's data, not a secret
    good = [item for item, quantity in STOCK.items() if quantity]
    troubles = [trouble for count, trouble in TROUBLES for _ in range(count)]
    troubles += [{}] * (ORDERS - len(troubles))
    dice.shuffle(troubles)
    return [make_order(1_001 + place, dice, good, trouble) for place, trouble in enumerate(troubles)]


def make_order(number: int, dice: random.Random, items: list[str], trouble: dict[str, str]) -> dict[str, str]:
    """Return one row."""
    item = trouble.get("item") or dice.choice(items)
    quantity = dice.choice((1, 1, 1, 2, 2, 3, 4))
    row = {
        "order": f"order-{number}",
        "customer": f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}",
        "item": item,
        "quantity": str(quantity),
        "amount": money(PRICES[item] * quantity).replace(",", ""),
        "card": dice.choice(("tok_visa", "tok_mastercard")),
        "city": dice.choice(CITIES),
    }
    return row | trouble


def main() -> None:
    """Write the file."""
    with Path(__file__).with_name("orders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter[str](file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(make_orders())


if __name__ == "__main__":
    main()
