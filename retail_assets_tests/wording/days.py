"""Revenue by day, week and month of a shop, by other code than the product's: SQL rows, dictionaries and numpy."""

from __future__ import annotations

import datetime as dt
import functools
from statistics import fmean
from typing import Any

import numpy as np
from scipy import stats

from retail_assets_tests.wording.landings import rejected_days
from retail_assets_tests.wording.shops import Shop

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY = dt.timedelta(days=1)
CHANCE = 0.05


def near(given: float, expected: float, relative: float = 1e-4, absolute: float = 1e-6) -> float:
    """Return what was given where it is as near as sums of squares and p-values of them can be."""
    return given if abs(given - expected) <= max(relative * abs(expected), absolute) else expected


def p_of(test: Any) -> float:
    """Return the p-value of a test; where all values are equal there is none, and nothing differs."""
    return 1.0 if np.isnan(test.pvalue) else float(test.pvalue)


@functools.lru_cache(maxsize=16)
def by_day(shop: Shop) -> dict[dt.date, float | None]:
    """Revenue of every day from the first to the last sale; None where rows were rejected and none is left."""
    sold = {day: float(amount) for day, amount in shop.ask("SELECT sale_date, sum(total_amount) FROM sales GROUP BY 1")}
    unknown = rejected_days(shop)
    days, day = {}, min(sold)
    while day <= max(sold):
        days[day] = sold.get(day, None if day in unknown else 0.0)
        day += DAY
    return days


@functools.lru_cache(maxsize=16)
def closed_weekdays(shop: Shop) -> list[int]:
    """Weekdays, Monday being 0, on which nothing was ever sold."""
    sold = {(number - 1) % 7 for (number,) in shop.ask("SELECT DISTINCT isodow(sale_date) FROM sales")}
    return [d for d in range(7) if d not in sold]


@functools.lru_cache(maxsize=16)
def full_weeks(shop: Shop) -> dict[dt.date, list[float]]:
    """Seven amounts by the Monday of each week of which every day is known."""
    days, closed = by_day(shop), closed_weekdays(shop)
    weeks = {}
    for monday in (d for d in days if d.weekday() == 0):
        week = [days.get(monday + n * DAY, None) for n in range(7)]
        if monday + 6 * DAY in days:
            week = [0.0 if amount is None and n in closed else amount for n, amount in enumerate(week)]
            if None not in week:
                weeks[monday] = week
    return weeks  # type: ignore[return-value]


@functools.lru_cache(maxsize=16)
def usual(shop: Shop) -> dict[dt.date, list[float]]:
    """By day, the known amounts of the same weekday of four weeks before and after, where there are at least four."""
    days = by_day(shop)
    around = {}
    for day in days:
        near = [days.get(day + 7 * k * DAY) for k in (-4, -3, -2, -1, 1, 2, 3, 4)]
        known = [amount for amount in near if amount is not None]
        if len(known) >= 4:
            around[day] = known
    return around


def by_month(shop: Shop) -> dict[dt.date, list[float]]:
    """The known amounts of each day, by the first of the month."""
    months: dict[dt.date, list[float]] = {}
    for day, amount in by_day(shop).items():
        months.setdefault(day.replace(day=1), []).extend([] if amount is None else [amount])
    return months


def whole_months(shop: Shop) -> dict[dt.date, list[float]]:
    """As `by_month`, the months from whose first to whose last day the data reach."""
    days = by_day(shop)
    last = {start: (start + 31 * DAY).replace(day=1) - DAY for start in by_month(shop)}
    return {start: amounts for start, amounts in by_month(shop).items() if start in days and last[start] in days}


@functools.lru_cache(maxsize=16)
def month_test(shop: Shop) -> tuple[float, int] | None:
    """The p-value of the Kruskal-Wallis test over means of weeks by the month of their Thursday, and the weeks."""
    means: dict[tuple[int, int], list[float]] = {}
    for monday, week in full_weeks(shop).items():
        thursday = monday + 3 * DAY
        means.setdefault((thursday.year, thursday.month), []).append(fmean(week))
    samples = [m for m in means.values() if len(m) >= 3]
    return (p_of(stats.kruskal(*samples)), sum(map(len, samples))) if len(samples) >= 3 else None


@functools.lru_cache(maxsize=16)
def season(shop: Shop) -> dict[str, Any] | None:
    """The weeks before Christmas, where all are in the data, against the days outside; None without any."""
    days = by_day(shop)

    def before_christmas(day: dt.date) -> bool:
        return (11, 24) <= (day.month, day.day) <= (12, 24)

    means = {}
    for year in sorted({d.year for d in days}):
        amounts = [days.get(dt.date(year, 11, 24) + n * DAY, "outside") for n in range(31)]
        known = [a for a in amounts if isinstance(a, float)]
        if "outside" not in amounts and len(known) > 15:
            means[year] = fmean(known)
    if not means or len(days) < 120:
        return None
    outside = fmean(a for d, a in days.items() if a is not None and not before_christmas(d))
    year = max(means)
    each = [np.nan if a is None else a for a in days.values()]
    runs = np.array([np.nanmean(each[i : i + 31]) for i in range(len(each) - 30)])
    rank = float(np.mean(runs >= means[year] * (1 - 1e-12)))
    return {
        "year": year,
        "ratio": means[year] / outside,
        "rank": rank,
        "clear": rank <= CHANCE and means[year] > outside,
        "seen": len(means),
        "above": sum(m > outside for m in means.values()),
    }
