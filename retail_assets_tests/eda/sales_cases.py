"""Sales that have broken analyses before: each small, each odd in one way."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

from retail_assets_tests.eda.conftest import sale

Rows = list[dict[str, Any]]
START = dt.datetime(2023, 1, 2, 10, 30)  # a Monday


def days(count: int, step: int = 1, **known: Any) -> Rows:
    return [sale(i, sold_at=START + dt.timedelta(days=i * step), **known) for i in range(count)]


def lively(count: int = 900, span: int = 420, seed: int = 7) -> Rows:
    """Demographics known, several lines per order, repeat customers, returns, every hour."""
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        customer = rng.randrange(150)
        amount = round(rng.lognormvariate(3, 0.8), 2)
        back = rng.random() < 0.03
        rows.append(
            sale(
                i,
                order_id=f"O{i // 2}",
                customer_id=f"C{customer}",
                sold_at=START + dt.timedelta(days=rng.randrange(span), hours=rng.randrange(12), seconds=1),
                gender=("Female", "Male")[customer % 2],
                age_group=("<18", "18-24", "25-34", "65+")[customer % 4],
                product_category=rng.choice(["Food", "Garden", "Toys"]),
                quantity=-1 if back else rng.randint(1, 5),
                total_amount=-amount if back else amount,
            )
        )
    return rows


def many_categories() -> Rows:
    names = [f"{'Very ' * 30}long category name {i} $x_{i}$ <b>|*_[" for i in range(30)]
    names += ["=cmd|' /C calc'!A0", "@sum", "日本語のカテゴリ", "Ünïcödé", "Other", "  ", "a\tb"]
    return [
        sale(i, sold_at=START + dt.timedelta(days=i % 100), product_category=names[i % len(names)], total_amount=5 + i)
        for i in range(4 * len(names))
    ]


CASES: dict[str, Callable[[], Rows]] = {
    "nothing": list,
    "one row": lambda: days(1),
    "one return": lambda: days(1, quantity=-1, total_amount=-5),
    "free of charge": lambda: days(20, total_amount=0),
    "one day": lambda: [sale(i, order_id=f"O{i // 3}") for i in range(30)],
    "one customer": lambda: days(100, customer_id="C"),
    "all identical": lambda: days(120, gender="Female", age_group="25-34"),
    "two equal genders": lambda: [
        sale(i, sold_at=START + dt.timedelta(days=i // 2), gender=("Female", "Male")[i % 2]) for i in range(200)
    ],
    "returns outweigh": lambda: [*days(40, total_amount=5), sale(99, quantity=-1, total_amount=-1000)],
    "gaps": lambda: days(30, step=17),
    "huge outlier": lambda: [*days(100), sale(999, sold_at=START + dt.timedelta(days=50), total_amount=999_999_999)],
    "anonymous": lambda: days(60, customer_id=None, gender="Male"),
    "no time of day": lambda: [sale(i, sold_at=dt.datetime(2024, 1, 1) + dt.timedelta(days=i)) for i in range(70)],
    "five years": lambda: days(1826, product_category="Food"),
    "names": many_categories,
    "lively": lively,
}
