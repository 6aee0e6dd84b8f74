"""The planted shoppers of generated sales: how often each kind buys, what, and for how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shopper:
    """A planted kind of customer: `slots` of every 20 customer numbers, `lines` of 100 sales lines on a usual day.

    `items` are (category, price in cents, weight); `most` is the largest quantity of a line.
    """

    name: str
    slots: range
    lines: int
    items: tuple[tuple[str, int, int], ...]
    most: int


#: Budget shoppers come often and spend little. High-value ones buy electronics. Seasonal ones come in one season of
#: four weeks per year (and more of them before Christmas), and then spend a lot.
SHOPPERS: tuple[Shopper, ...] = (
    Shopper(
        "budget",
        range(0, 8),
        72,
        (
            ("Beauty", 599, 30),
            ("Beauty", 1250, 20),
            ("Clothing", 999, 25),
            ("Clothing", 3000, 15),
            ("Electronics", 1999, 10),
        ),
        2,
    ),
    Shopper(
        "high-value",
        range(8, 13),
        20,
        (("Electronics", 30000, 40), ("Electronics", 50000, 30), ("Electronics", 89999, 10), ("Beauty", 5000, 20)),
        3,
    ),
    Shopper(
        "seasonal",
        range(13, 20),
        8,
        (("Clothing", 12000, 35), ("Clothing", 30000, 25), ("Beauty", 8950, 25), ("Electronics", 30000, 15)),
        4,
    ),
)

CATEGORIES = ("Beauty", "Clothing", "Electronics")
ITEMS = tuple((s, category, cents) for s, shopper in enumerate(SHOPPERS) for category, cents, _ in shopper.items)
ITEM_CENTS = np.array([cents for _, _, cents in ITEMS], dtype=np.int64)
ITEM_CATEGORY = np.array([CATEGORIES.index(category) for _, category, _ in ITEMS], dtype=np.int64)
MOST_UNITS = max(shopper.most for shopper in SHOPPERS)


def shopper_of(customer_id: str) -> str:
    """Return the planted kind of a generated customer: "budget", "high-value" or "seasonal".

    >>> shopper_of("CUST000009")
    'high-value'
    """
    slot = int(customer_id.removeprefix("CUST")) % 20
    return next(shopper.name for shopper in SHOPPERS if slot in shopper.slots)
