"""Texts and shops that pictures broke on, or might: as names of categories, groups, segments and currencies."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any

from retail_assets_tests.eda.conftest import sale

LONG = [f"Household cleaning supplies and everything else that is needed in a home, part {n}" for n in range(1, 9)]
CAPITALS = [f"WOMENSWEAR, MENSWEAR AND CHILDRENSWEAR {n}" for n in range(1, 9)]
LETTERS = list("abcdefgh")
RIGHT_TO_LEFT = ["\u0645\u0644\u0627\u0628\u0633 \u0646\u0633\u0627\u0626\u064a\u0629", "\u05de\u05d6\u05d5\u05df",
                 "\u0623\u062d\u0630\u064a\u0629", "\u05d0\u05dc\u05e7\u05d8\u05e8\u05d5\u05df"]  # fmt: skip
HAN = [
    "\u5973\u88c5" * 20,
    "\u98df\u54c1\u3068\u98f2\u6599",
    "\u96fb\u5b50\u7522\u54c1",
    "\u6bcd\u5a74\u7528\u54c1" * 6,
]
EMOJI = ["\U0001f455 Clothes", "\u2764\ufe0f", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f6d2" * 30]
FORMULAS = [r"$\frac{1}{2}$ off", "$x_2$", r"\alpha^{", "100 % $", "_under_", "a$b$c"]
BREAKS = ["two\nlines", "a\ttab", "  ", "zero\u200bwidth", "e\u0301\u0302\u0303"]
NAMES: dict[str, list[str]] = {
    "long": LONG,
    "capitals": CAPITALS,
    "Han": HAN,
    "mixed": [*LETTERS[:3], *RIGHT_TO_LEFT, *EMOJI, *FORMULAS, *BREAKS],
    "one": ["Books"],
    "forty": [f"{LONG[0]}{n}" for n in range(1, 41)],
}
START = dt.datetime(2022, 1, 3, 10, 30)


def shop(
    names: Sequence[str], days: int = 200, scale: float = 20, *, returns: float = 0.03, each: int = 4, seed: int = 5
) -> list[dict[str, Any]]:
    """Lines of `sales` in which categories, genders and age groups bear `names`, with `each` orders a day."""
    rng = random.Random(seed)
    rows = []
    for i in range(days * each):
        customer = rng.randrange(120)
        amount = max(round(rng.lognormvariate(0, 0.8) * scale, 2), 0.01)
        peak = 4 if i // each % 97 in (40, 41, 60) else 1
        back = rng.random() < returns
        rows.append(
            sale(
                i,
                order_id=f"O{i // 2}",
                customer_id=f"C{customer}",
                sold_at=START + dt.timedelta(days=i // each, hours=rng.randrange(12), seconds=1),
                gender=names[customer % min(len(names), 3)],
                age_group=names[customer % min(len(names), 5)],
                product_category=names[min(int(rng.expovariate(4 / len(names))), len(names) - 1)],
                quantity=-1 if back else 1,
                total_amount=round((-1 if back else peak) * amount, 2),
            )
        )
    return rows


def together(names: Sequence[str]) -> list[dict[str, Any]]:
    """Lines of `sales` of orders in which products and categories bear `names`, and the first two go together."""
    rng = random.Random(9)
    rows = []
    for order in range(2400):
        held = set(rng.sample(range(len(names)), rng.randint(1, 4)))
        held |= {1} if 0 in held and rng.random() < 0.7 else set()
        rows += [
            sale(
                order * 100 + item,
                order_id=f"O{order}",
                customer_id=f"C{rng.randrange(200)}",
                sold_at=START + dt.timedelta(days=order // 12),
                product_category=names[item],
                product_id=names[-1 - item],
            )
            for item in sorted(held)
        ]
    return rows


def shops() -> dict[str, Any]:
    """Makers of shops by what is strange about them."""
    made: dict[str, Any] = {name: (lambda names=names: shop(names)) for name, names in NAMES.items()}
    ordinary = ["Food", "Garden", "Toys"]
    return made | {
        "one day": lambda: shop(ordinary, 1, each=40),
        "three days": lambda: shop(ordinary, 3, each=20),
        "two weeks": lambda: shop(ordinary, 14),
        "two years": lambda: shop(ordinary, 720, 5e5),
        "four years": lambda: shop(ordinary, 1461, each=2),
        "busy for two years": lambda: shop(ordinary, 720, each=24),
        "negative": lambda: shop(ordinary, returns=0.9),
        "tiny money": lambda: shop(ordinary, scale=0.03),
        "huge money": lambda: shop(ordinary, scale=5e9),
        "one price": lambda: [sale(i, sold_at=START + dt.timedelta(days=i), total_amount=10) for i in range(100)],
        "high prices": lambda: [
            sale(i, sold_at=START + dt.timedelta(days=i), total_amount=100 + i % 7) for i in range(100)
        ],
        "together": lambda: together(NAMES["mixed"][::2]),
    }
