"""How far chance moves what is sold by hour and by month, as days differ: recomputed."""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import math
from statistics import fmean, median, variance
from typing import Any

from retail_assets_tests.wording.buyers import largest_categories
from retail_assets_tests.wording.days import by_day, whole_months
from retail_assets_tests.wording.shops import Shop


def spread_of(cells: list[list[float]]) -> float:
    """By how much the days of cells vary, in parts of what a day brings: of lists of days, all cells together."""
    longer = [days for days in cells if len(days) > 1]
    return sum(map(variance, longer)) / sum(map(fmean, longer))


@functools.lru_cache(maxsize=16)
def hours(shop: Shop) -> dict[tuple[int, int], list[float]]:
    """What each hour of a weekday (Monday 0) brought, by day; nothing on days without a sale in it."""
    known = [day for day, amount in by_day(shop).items() if amount is not None]
    sold = {
        (day, hour): float(revenue)
        for day, hour, revenue in shop.ask(
            "SELECT sale_date, hour(sold_at), sum(total_amount) FROM sales "
            "WHERE sold_at <> CAST(sale_date AS TIMESTAMP) GROUP BY 1, 2"
        )
    }
    cells = {(day.weekday(), hour) for day, hour in sold}
    return {
        (weekday, hour): [sold.get((day, hour), 0.0) for day in known if day.weekday() == weekday]
        for weekday, hour in sorted(cells)
    }


def by_hour(shop: Shop) -> tuple[dict[tuple[int, int], float], float]:
    """Revenue of an hour of a weekday per day of that weekday, and how far chance moves the sum of a mean cell."""
    cells = hours(shop)
    return {at: fmean(days) for at, days in cells.items()}, math.sqrt(
        spread_of([*cells.values()]) / fmean(map(sum, cells.values()))
    )


def leads(shop: Shop) -> bool:
    """Whether the busiest cell is above the next by two deviations of their difference."""
    cells = hours(shop)
    spread = spread_of([*cells.values()])
    best, *rest = sorted(((fmean(days), len(days)) for days in cells.values()), reverse=True)
    if not rest or rest[0][0] <= 0:
        return True
    return best[0] - rest[0][0] > 2 * math.sqrt(sum(spread * mean / days for mean, days in (best, rest[0])))


@functools.lru_cache(maxsize=16)
def seasons(shop: Shop) -> tuple[tuple[dt.date, ...], dict[str, tuple[list[float], float]]]:
    """The whole months, and by category each one's revenue per day over its average, and how far chance moves it."""
    months = tuple(sorted(whole_months(shop)))[-24:]
    known = {m: sum(d.replace(day=1) == m and a is not None for d, a in by_day(shop).items()) for m in months}
    assert all(known[m] <= calendar.monthrange(m.year, m.month)[1] for m in months)
    days = {m: [d for d, a in by_day(shop).items() if d.replace(day=1) == m and a is not None] for m in months}
    sold = {
        (category, day): float(revenue)
        for category, day, revenue in shop.ask(
            "SELECT product_category, sale_date, sum(total_amount) FROM sales GROUP BY ALL"
        )
    }
    found: dict[str, Any] = {}
    for category in largest_categories(shop):
        of_month = [[sold.get((category, day), 0.0) for day in days[m]] for m in months]
        revenue = sum(map(sum, of_month))
        if revenue > 0:
            average = revenue / sum(known.values())
            index = [sum(amounts) / known[m] / average for m, amounts in zip(months, of_month, strict=True)]
            found[category] = index, math.sqrt(spread_of(of_month) / (revenue / len(months)))
    return months, found


def typical_swing(shop: Shop) -> float:
    """In points of an index of 100, at least one."""
    return max(100 * median(chance for _, chance in seasons(shop)[1].values()), 1.0)
