"""Holidays and closed days of a shop, found without the product."""

from __future__ import annotations

import datetime as dt
import functools
import statistics

import holidays
from dateutil.easter import easter

from retail_assets_tests.wording.shops import Shop

_NOT_SHOPPED_FOR = ("Martin Luther King", "Washington", "Juneteenth", "Columbus", "Veterans")


@functools.cache
def holidays_of(country: str, year: int) -> dict[dt.date, str]:
    """The holidays that people shop for: no substitute days, and Easter Sunday and Black Friday besides."""
    names = dict(holidays.country_holidays(country, years=[year], observed=False, language="en_US"))
    names = {day: name for day, name in names.items() if not (country == "US" and name.startswith(_NOT_SHOPPED_FOR))}
    names.setdefault(easter(year), "Easter Sunday")
    november = [dt.date(year, 11, day) for day in range(1, 31)]
    thursday = [day for day in november if day.weekday() == 3][3]
    if thursday not in names:
        names.setdefault(thursday + dt.timedelta(days=1), "Black Friday")
    return names


def holiday(shop: Shop, day: dt.date) -> str | None:
    return holidays_of(shop.country, day.year).get(day)


def near_holiday(shop: Shop, day: dt.date, before: int = 1, after: int = 1) -> bool:
    """Whether a holiday is at most `before` days ahead or `after` days ago."""
    return any(holiday(shop, day + dt.timedelta(days=step)) for step in range(-after, before + 1))


@functools.cache
def days_of(shop: Shop) -> tuple[dt.date, dt.date]:
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    return first, last


@functools.cache
def closed_days(shop: Shop) -> frozenset[dt.date]:
    """Days without a sale on weekdays on which the shop hardly ever sells, or in a shop that is busy every day."""
    busy = dict(
        shop.ask(
            "SELECT day, max(orders) FROM (SELECT sale_date AS day, product_category, count(DISTINCT order_id) AS "
            "orders FROM sales GROUP BY ALL) GROUP BY day"
        )
    )
    first, last = days_of(shop)
    silent = {first + dt.timedelta(days=n) for n in range((last - first).days + 1)} - set(busy)
    weeks = (last - first).days / 7
    off = {day.weekday() for day in silent if sum(s.weekday() == day.weekday() for s in silent) > 0.9 * weeks}
    always = statistics.median(busy.values()) >= 20
    return frozenset(day for day in silent if always or day.weekday() in off)
