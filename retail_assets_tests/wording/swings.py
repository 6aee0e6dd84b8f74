"""How far chance moves the revenue of some orders, and what is sold by hour and by month: recomputed."""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import math
from statistics import median
from typing import Any

from retail_assets_tests.wording.buyers import largest_categories
from retail_assets_tests.wording.days import by_day, whole_months
from retail_assets_tests.wording.shops import Shop


def swing(shop: Shop, category: str | None, orders: float) -> float:
    """The relative standard deviation of the sum of a Poisson number of baskets."""
    of_category = "" if category is None else "WHERE product_category = ?"
    mean, deviation = shop.one(
        "SELECT avg(CAST(amount AS DOUBLE)), stddev_samp(CAST(amount AS DOUBLE)) "
        f"FROM (SELECT sum(total_amount) AS amount FROM sales {of_category} GROUP BY order_id)",
        *([] if category is None else [category]),
    )
    return math.sqrt((1 + (deviation / mean) ** 2) / orders)


@functools.lru_cache(maxsize=16)
def by_hour(shop: Shop) -> tuple[dict[tuple[int, int], float], float]:
    """Revenue of an hour of a weekday (Monday 0) per day of that weekday, and how far chance moves a mean cell."""
    days = [day.weekday() for day, amount in by_day(shop).items() if amount is not None]
    cells, orders = {}, []
    for weekday, hour, revenue, count in shop.ask(
        "SELECT isodow(sale_date) - 1, hour(sold_at), sum(total_amount), count(DISTINCT order_id) FROM sales "
        "WHERE sold_at <> CAST(sale_date AS TIMESTAMP) GROUP BY 1, 2"
    ):
        cells[weekday, hour] = float(revenue) / days.count(weekday)
        orders.append(count)
    return cells, swing(shop, None, sum(orders) / len(orders))


def leads(shop: Shop) -> bool:
    """Whether the busiest cell is above the next by two deviations of their difference."""
    counts = {
        (weekday, hour): count
        for weekday, hour, count in shop.ask(
            "SELECT isodow(sale_date) - 1, hour(sold_at), count(DISTINCT order_id) FROM sales "
            "WHERE sold_at <> CAST(sale_date AS TIMESTAMP) GROUP BY 1, 2"
        )
    }
    cells, _ = by_hour(shop)
    (best, cell), *rest = sorted(((revenue, cell) for cell, revenue in cells.items()), reverse=True)
    if not rest or rest[0][0] <= 0:
        return True
    variance = sum((revenue * swing(shop, None, counts[at])) ** 2 for revenue, at in ((best, cell), rest[0]))
    return best - rest[0][0] > 2 * math.sqrt(variance)


@functools.lru_cache(maxsize=16)
def seasons(shop: Shop) -> tuple[tuple[dt.date, ...], dict[str, tuple[list[float], float]]]:
    """The whole months, and by category each one's revenue per day over its average, and how far chance moves it."""
    months = tuple(sorted(whole_months(shop)))[-24:]
    known = {m: sum(d.replace(day=1) == m and a is not None for d, a in by_day(shop).items()) for m in months}
    assert all(known[m] <= calendar.monthrange(m.year, m.month)[1] for m in months)
    sold: dict[tuple[str, dt.date], tuple[float, int]] = {}
    for category, month, revenue, orders in shop.ask(
        "SELECT product_category, CAST(date_trunc('month', sale_date) AS DATE), sum(revenue), sum(orders) "
        "FROM (SELECT product_category, sale_date, sum(total_amount) AS revenue, count(DISTINCT order_id) AS orders "
        "FROM sales GROUP BY ALL) GROUP BY ALL"
    ):
        sold[category, month] = float(revenue), int(orders)
    found: dict[str, Any] = {}
    for category in largest_categories(shop):
        of_month = [sold.get((category, m), (0.0, 0)) for m in months]
        revenue = sum(r for r, _ in of_month)
        if revenue > 0:
            average = revenue / sum(known.values())
            index = [r / known[m] / average for m, (r, _) in zip(months, of_month, strict=True)]
            found[category] = index, swing(shop, category, sum(o for _, o in of_month) / len(months))
    return months, found


def typical_swing(shop: Shop) -> float:
    """In points of an index of 100, at least one."""
    return max(100 * median(chance for _, chance in seasons(shop)[1].values()), 1.0)
