"""What became of the landed rows of each shop: planted, because the shops have no lake."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from retail_assets.eda.landed import NAMES, Landed
from retail_assets_tests.wording.shops import Shop


class Row(NamedTuple):
    """Rows of one kind that are no sales; `day` is that of a rejected row, where it could be read."""

    status: str
    rows: int
    amount: Decimal | None
    day: dt.date | None = None


#: The bakery's rejected days: Christmas of both years, and a Monday, on which it never sells.
ROWS: dict[str, tuple[Row, ...]] = {
    "complete_journey": (Row("quarantined", 8869, Decimal("0.01")),),
    "bakery": (
        Row("quarantined", 3, Decimal("7.50"), dt.date(2021, 12, 25)),
        Row("quarantined", 1, None, dt.date(2022, 12, 25)),
        Row("quarantined", 2, Decimal("4.10"), dt.date(2022, 5, 2)),
        Row("quarantined", 1, Decimal("4.10"), dt.date(2022, 5, 3)),
        Row("excluded", 12, Decimal("-1.25")),
    ),
    "wholesaler": (Row("quarantined", 1, None), Row("excluded", 1, Decimal("99.00")), Row("superseded", 5, None)),
}


@functools.lru_cache(maxsize=16)
def rows(shop: Shop) -> tuple[Row, ...]:
    """Return every landed row: the sales are the clean ones."""
    lines, revenue = shop.one("SELECT count(*), sum(total_amount) FROM sales")
    planted = ROWS.get(shop.name, ())
    return (*planted, Row("clean", lines - 1, Decimal(0)), Row("clean", 1, revenue)) if planted else ()


def landed(shop: Shop) -> Landed:
    """Return them as the product counts them."""
    counts: Counter[str] = Counter()
    amounts: dict[str, Decimal] = dict.fromkeys(NAMES, Decimal("0.00"))
    days: Counter[dt.date] = Counter()
    without = 0
    for row in rows(shop):
        counts[row.status] += row.rows
        amounts[row.status] += row.rows * (row.amount or 0)
        without += row.rows if row.status == "quarantined" and row.amount is None else 0
        if row.day:
            days[row.day] += row.rows
    return Landed({name: counts[name] for name in NAMES}, amounts, without, dict(days)) if counts else Landed()


@functools.lru_cache(maxsize=16)
def rejected_days(shop: Shop) -> set[dt.date]:
    """Return the days between the first and the last sale of which rows were rejected and nothing was sold."""
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    sold = {day for (day,) in shop.ask("SELECT DISTINCT sale_date FROM sales")}
    return {r.day for r in rows(shop) if r.day and r.day not in sold and first <= r.day <= last}


#: Guesses that nobody has confirmed, as a draft would write them.
ASSUMED = {"wholesaler": ("currency GBP (which currency? 2 columns name none)", "a return is a quantity below 0")}
