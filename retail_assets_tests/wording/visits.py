"""The months in which each customer of a shop bought something, by dictionaries and sets."""

from __future__ import annotations

import datetime as dt
import functools

from retail_assets_tests.wording.shops import Shop

Month = tuple[int, int]


def after(month: Month, count: int = 1) -> Month:
    number = month[0] * 12 + month[1] - 1 + count
    return number // 12, number % 12 + 1


def between(one: Month, other: Month) -> int:
    return (other[0] - one[0]) * 12 + other[1] - one[1]


def first_of(month: Month) -> dt.date:
    return dt.date(*month, 1)


@functools.lru_cache(maxsize=16)
def visited(shop: Shop) -> dict[str, list[Month]]:
    """The months of purchases by customer, in order. An order counts in the month of its first line."""
    found: dict[str, set[Month]] = {}
    for customer, day in shop.ask(
        "SELECT customer_id, min(sale_date) FROM sales WHERE customer_id IS NOT NULL GROUP BY customer_id, order_id "
        "HAVING max(quantity) > 0"
    ):
        found.setdefault(customer, set()).add((day.year, day.month))
    return {customer: sorted(months) for customer, months in found.items()}


@functools.lru_cache(maxsize=16)
def whole_months(shop: Shop) -> list[Month]:
    """The months whose first and last day lie within the sales."""
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    months, month = [], (first.year, first.month)
    while first_of(month) <= last:
        if first <= first_of(month) and first_of(after(month)) - dt.timedelta(days=1) <= last:
            months.append(month)
        month = after(month)
    return months


@functools.lru_cache(maxsize=16)
def burn_in(shop: Shop) -> tuple[int, float | None]:
    """The first months that are not counted, and the share of those who look new after them and are old."""
    [first] = shop.ask("SELECT min(sale_date) FROM sales")[0]
    begin, whole = (first.year, first.month), whole_months(shop)
    tried = []
    for months in range(1, 100):
        judged = [m for m in whole if between(begin, m) >= 2 * months]
        if len(judged) < 3:
            break
        new = old = 0
        for mine in visited(shop).values():
            for month in set(judged) & set(mine):
                earlier = [m for m in mine if m < month]
                new += not earlier
                old += bool(earlier) and between(earlier[-1], month) > months
        tried.append((months, old / (old + new) if old + new else None))
        if not old or old / (old + new) <= 0.2:
            break
    return tried[-1]


@functools.lru_cache(maxsize=16)
def counted(shop: Shop) -> list[Month]:
    """The whole months after the burn-in."""
    [first] = shop.ask("SELECT min(sale_date) FROM sales")[0]
    return [m for m in whole_months(shop) if between((first.year, first.month), m) >= burn_in(shop)[0]]


@functools.lru_cache(maxsize=16)
def new(shop: Shop) -> set[str]:
    """The customers whose first purchase is in a month that counts."""
    return {customer for customer, mine in visited(shop).items() if mine[0] in counted(shop)}


@functools.lru_cache(maxsize=16)
def new_revenue(shop: Shop) -> float:
    """Share of new customers in the revenue of known customers in the months that count."""
    total = first = 0.0
    for customer, day, amount in shop.ask(
        "SELECT customer_id, min(sale_date), sum(total_amount) FROM sales WHERE customer_id IS NOT NULL "
        "GROUP BY customer_id, order_id"
    ):
        month = (day.year, day.month)
        if month in counted(shop):
            total += float(amount)
            first += float(amount) * (customer in new(shop))
    return first / total


def returns_next(shop: Shop) -> tuple[int, int, float, int]:
    """Of new customers: all and those back next month; of those seen before: the share, and the most of one month."""
    first = back = before = again = most = 0
    for month in counted(shop)[:-1]:
        known = 0
        for mine in visited(shop).values():
            if month in mine and mine[0] == month:
                first, back = first + 1, back + (after(month) in mine)
            elif month in mine:
                known, again = known + 1, again + (after(month) in mine)
        before, most = before + known, max(most, known)
    return first, back, again / before if before else 0.0, most
