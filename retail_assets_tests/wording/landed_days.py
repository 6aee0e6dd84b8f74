"""Landings of each shop, as if each day of sales had landed on the next day: planted, because shops have no lake."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal

from retail_assets_tests.wording.shops import Shop


@functools.lru_cache(maxsize=16)
def landed_days(shop: Shop) -> tuple[tuple[dt.date, int, Decimal], ...]:
    """Return landing days with their lines and their money, in order."""
    rows = shop.ask(
        "SELECT sale_date + 1, count(*), sum(total_amount) FROM sales GROUP BY sale_date ORDER BY sale_date"
    )
    return tuple((day, lines, money) for day, lines, money in rows)


def planted_files(shop: Shop) -> list[tuple[dt.date, int, Decimal | None]]:
    """Return the files of the last three landings: day, lines, control total. The bakery's last file has no total."""
    files: list[tuple[dt.date, int, Decimal | None]] = [*landed_days(shop)[-3:]]
    if shop.name == "bakery":
        day, lines, _ = files[-1]
        files[-1] = (day, lines, None)
    return files
