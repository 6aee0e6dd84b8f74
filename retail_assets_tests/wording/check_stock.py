"""What sentences about stock are made from, recomputed."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from retail_assets_tests.wording.calendars import closed_days, days_of, holiday, near_holiday
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop

WEEK = dt.timedelta(days=7)
DAY = dt.timedelta(days=1)


@recomputes("stock.week")
def _week(shop: Shop, facts: Facts) -> Facts:
    category = facts["category"]
    first, last, expected, weeks, alike = _peak(shop, category)
    units = shop.one(
        "SELECT CASE WHEN count(units) = 7 THEN round(sum(units)) END FROM sales_forecast "
        "WHERE product_category = ? AND forecast_date BETWEEN ? AND ?",
        category,
        first,
        last,
    )
    then = first.replace(year=first.year - 1), first.replace(year=first.year - 1) + (last - first)
    year_ago = _sold(shop, category, *then) if then[0] >= _begin(shop, category) else None
    spans = _span(first, last), _span(*then)
    names = [list(dict.fromkeys(filter(None, (holiday(shop, d) for d in days)))) for days in spans]
    in_history = then[0] >= days_of(shop)[0]
    end = days_of(shop)[1]
    count = min(8, ((end - days_of(shop)[0]).days + 1) // 7)
    starts = [end - WEEK * n + DAY for n in range(count, 0, -1)]
    shut = {start: sum(day in closed_days(shop) for day in _span(start, start + WEEK - DAY)) for start in starts}
    kept = [start for start in starts if shut[start] == min(shut.values())]
    recent = None
    if starts[0] >= _begin(shop, category):
        recent = round(sum(_sold(shop, category, start, start + WEEK - DAY) for start in kept) / len(kept), 2)
    of_recent = [holiday(shop, d) for d in _span(starts[0], end)] if recent else []
    near = [name for name in dict.fromkeys(filter(None, of_recent)) if name not in names[0]]
    orders = (
        _orders(shop, category, *then) if year_ago else 0,
        _orders(shop, category, starts[0], end) if recent else 0,
    )
    known = [(amount, count) for amount, count in zip((year_ago, recent), orders, strict=True) if amount]
    above = all(expected / amount > 1 + max(0.05, 2 / count**0.5) for amount, count in known)
    return {
        "category": category,
        "first_day": first,
        "last_day": last,
        "forecast_weeks": weeks,
        "others_alike": alike - 1,
        "alike": 0.05,
        "expected": expected,
        "units": units,
        "more_than_usual": above if known and _a_year(shop) else None,
        "year_before": year_ago or None,
        "year_before_orders": orders[0],
        "of_year_before": expected / year_ago if year_ago else None,
        "year_before_first": None if year_ago is None else then[0],
        "year_before_last": None if year_ago is None else then[1],
        "only_now": [name for name in names[0] if name not in names[1]] if in_history else [],
        "only_then": [name for name in names[1] if name not in names[0]] if in_history else [],
        "recent": recent,
        "recent_orders": orders[1],
        "of_recent": expected / recent if recent else None,
        "recent_weeks": len(kept),
        "recent_first": None if recent is None else starts[0],
        "recent_last": None if recent is None else end,
        "recent_left_out": count - len(kept),
        "recent_near": near,
        "currency": shop.currency,
    }


@recomputes("stock.strongest_day")
def _strongest_day(shop: Shop, facts: Facts) -> Facts:
    category = facts["category"]
    first, last, *_ = _peak(shop, category)
    rows = shop.ask(
        "SELECT mean, forecast_date, p90, p90 - p10 FROM sales_forecast WHERE product_category = ? "
        "AND forecast_date BETWEEN ? AND ? ORDER BY mean DESC, forecast_date",
        category,
        first,
        last,
    )
    known = [row for row in rows if not holiday(shop, row[1]) or _was_strong(shop, category, row[1])]
    mean, date, p90, _ = known[0]
    ahead = [
        above[0] - below[0] > max(0.05 * above[0], 0.25 * above[3])  # two to one, of normal sales
        for above, below in itertools.pairwise(known)
    ]
    lead = 1 + ahead.index(True) if True in ahead else len(known)
    dates = sorted(row[1] for row in known[:lead]) if lead <= 3 and (lead < len(known) or lead == 1) else []
    return {
        "category": category,
        "dates": dates,
        "date": date,
        "apart": sorted(row[1] for row in rows if row[0] > mean),
        "expected": mean,
        "least": known[lead - 1][0] if dates else known[-1][0],
        "p90": p90,
        "currency": shop.currency,
    }


@recomputes("stock.chance_of_more")
def _chance_of_more(shop: Shop, facts: Facts) -> Facts:
    _, p90 = shop.ask(
        "SELECT mean, p90 FROM sales_forecast WHERE product_category = ? ORDER BY mean DESC, forecast_date",
        facts["category"],
    )[0]
    return {"category": facts["category"], "p90": p90, "currency": shop.currency}


@recomputes("stock.out_of_date")
def _out_of_date(shop: Shop, facts: Facts) -> Facts:
    until = shop.one("SELECT DISTINCT cutoff_date FROM sales_forecast")
    return {"forecast_until": until, "segments_until": days_of(shop)[1]}


def _peak(shop: Shop, category: str) -> tuple[dt.date, dt.date, float, int, int]:
    """The strongest whole week of a category's forecast, how many there are, and how many are within 5 % of it."""
    weeks = shop.ask(
        "SELECT min(forecast_date), max(forecast_date), round(sum(mean), 2) FROM sales_forecast "
        "WHERE product_category = ? GROUP BY (horizon_day - 1) // 7 HAVING count(*) = 7 "
        "ORDER BY round(sum(mean), 2) DESC, 1",
        category,
    )
    return (*weeks[0], len(weeks), sum(week[2] >= weeks[0][2] * 0.95 for week in weeks))


def _sold(shop: Shop, category: str, first: dt.date, last: dt.date) -> Any:
    return float(
        shop.one(
            "SELECT coalesce(sum(total_amount), 0) FROM sales WHERE product_category = ? AND sale_date BETWEEN ? AND ?",
            category,
            first,
            last,
        )
    )


def _orders(shop: Shop, category: str, first: dt.date, last: dt.date) -> int:
    count: int = shop.one(
        "SELECT count(DISTINCT (order_id, sale_date)) FROM sales "
        "WHERE product_category = ? AND sale_date BETWEEN ? AND ?",
        category,
        first,
        last,
    )
    return count


def _begin(shop: Shop, category: str) -> dt.date:
    begin: dt.date = shop.one("SELECT min(sale_date) FROM sales WHERE product_category = ?", category)
    return begin


def _a_year(shop: Shop) -> bool:
    first, last = days_of(shop)
    return (last - first).days + 1 >= 365


def _span(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + DAY * n for n in range((last - first).days + 1)]


def _was_strong(shop: Shop, category: str, day: dt.date) -> bool:
    """Whether more than usual was sold on the same holiday before."""
    sold = usual = 0.0
    for past in _span(*days_of(shop)):
        if holiday(shop, past) != holiday(shop, day) or past in closed_days(shop):
            continue
        alike = [past + WEEK * n for n in range(-4, 5) if n]
        alike = [d for d in alike if d in _span(*days_of(shop)) and d not in closed_days(shop)]
        alike = [d for d in alike if not near_holiday(shop, d)]
        if len(alike) >= 3:
            sold += _sold(shop, category, past, past)
            usual += sum(_sold(shop, category, d, d) for d in alike) / len(alike)
    return usual > 0 and sold > usual
