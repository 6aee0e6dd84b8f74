"""What sentences of alerts and of the digest are made from, recomputed from the sales and from planted landings."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from statistics import median

import holidays
import numpy as np

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.landed_days import landed_days, planted_files
from retail_assets_tests.wording.shops import Shop


@recomputes("alerts.landed")
def _landed(shop: Shop, facts: Facts) -> Facts:
    files = planted_files(shop)
    return {
        "landings": len({day for day, _, _ in files}),
        "files": len(files),
        "lines": sum(lines for _, lines, _ in files),
        "amount": None if any(total is None for *_, total in files) else sum((t for *_, t in files if t), Decimal(0)),
        "currency": shop.currency,
    }


@recomputes("alerts.not_registered")
def _not_registered(shop: Shop, facts: Facts) -> Facts:
    """The files of the first two landings were registered."""
    files = planted_files(shop)
    days = sorted({day for day, _, _ in files})
    return {"waiting": sum(day not in days[:2] for day, _, _ in files), "files": len(files)}


@recomputes("alerts.rejected")
def _rejected(shop: Shop, facts: Facts) -> Facts:
    """One row per line of sale was rejected, with the money of the lines, on each of the last three landings.

    On each of these the money of one more could not be read.
    """
    last = landed_days(shop)[-3:]
    return {
        "rejected": sum(lines for _, lines, _ in last),
        "rows": sum(lines * 100 for _, lines, _ in last),
        "amount": sum(money for *_, money in last),
        "without_amount": len(last),
        "currency": shop.currency,
    }


@recomputes("alerts.table")
def _table(shop: Shop, facts: Facts) -> Facts:
    name = facts["name"]
    money = {"sales": "total_amount", "daily_category_sales": "revenue"}.get(name)
    rows, revenue = shop.one(f"SELECT count(*), {f'sum({money})' if money else 'NULL'} FROM {name}")
    return {"name": name, "rows": rows, "revenue": revenue, "currency": shop.currency}


@recomputes("alerts.usual_landing")
def _usual_landing(shop: Shop, facts: Facts) -> Facts:
    """Each day of sales landed on the next day; the day asked for is the one after the last landing on that weekday."""
    same = [(lines, money) for day, lines, money in landed_days(shop) if day.weekday() == facts["weekday"]][-8:]
    return {
        "weekday": facts["weekday"],
        "landings": len(same),
        "lines": sum(lines for lines, _ in same) / len(same),
        "revenue": sum(money for _, money in same) / len(same),
        "currency": shop.currency,
    }


@recomputes("alerts.rejected_share")
def _rejected_share(shop: Shop, facts: Facts) -> Facts:
    """100 rows landed per line of sale; one of these was rejected, and 50 of them on the last landing."""
    days = {day: lines for day, lines, _ in landed_days(shop)}
    on = max(days)

    def shares(offsets: range) -> list[float]:
        dates = [on - dt.timedelta(days=offset) for offset in offsets]
        return [days[day] / (days[day] * 100) for day in dates if day in days]

    lately, season = shares(range(7, 85, 7)), shares(range(364 - 28, 364 + 29, 7))
    return {
        "landed_on": on,
        "rejected": days[on] * 50,
        "rows": days[on] * 100,
        "share": 0.5,
        "weekday_landings": len(lately),
        "weekday_share": median(lately),
        "season_landings": len(season) if len(season) >= 4 else 0,
        "season_share": median(season) if len(season) >= 4 else None,
    }


@recomputes("alerts.small_landing")
def _small_landing(shop: Shop, facts: Facts) -> Facts:
    """The last landing brought a tenth of the lines of its day; landings before it all of theirs."""
    days = {day: lines for day, lines, _ in landed_days(shop)}
    on = max(days)
    lately, season = (
        [days[day] for offset in offsets if (day := on - dt.timedelta(offset)) in days]
        for offsets in (range(7, 85, 7), range(364 - 28, 364 + 29, 7))
    )
    usual = float(min(np.median(lately), np.median(lately[:4])))
    return {
        "landed_on": on,
        "rows": days[on] // 10,
        "usual": usual,
        "ratio": days[on] // 10 / usual,
        "weekday_landings": len(lately),
        "season_landings": len(season) if len(season) >= 4 else 0,
        "season_rows": float(np.median(season)) if len(season) >= 4 else None,
    }


@recomputes("digest.sold")
def _sold(shop: Shop, facts: Facts) -> Facts:
    """The day of the digest is chosen: `age` days after the last day with sales, which has to be the last before it."""
    today = facts["last_day"] + dt.timedelta(facts["age"])
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FILTER (sale_date < ?) FROM sales", today)
    lines = shop.ask("SELECT order_id, total_amount, quantity FROM sales WHERE sale_date = ?", last)
    by_order: dict[str, Decimal] = {}
    for order, amount, _ in lines:
        by_order[order] = by_order.get(order, Decimal(0)) + amount
    revenue, largest = sum(by_order.values()), max(by_order.values())
    same = [last - dt.timedelta(7 * weeks) for weeks in range(1, 9)]
    sums = dict(shop.ask("SELECT sale_date, sum(total_amount) FROM sales GROUP BY sale_date"))
    before = [float(sums[day]) for day in same if day in sums]
    usual = float(np.median(before)) if len(before) >= 4 and np.median(before) > 0 else None
    return {
        "last_day": last,
        "age": (today - last).days,
        "holiday": _public_holidays(shop.country, last.year).get(last),
        "revenue": revenue,
        "returned": -sum(amount for _, amount, quantity in lines if quantity < 0),
        "orders": len(by_order),
        "largest": largest if len(by_order) >= 5 and largest * 2 > revenue > 0 else None,
        "weekdays": len(before),
        "weeks": sum(day >= first for day in same),
        "usual": usual,
        "ratio": None if usual is None else float(revenue) / usual,
        "currency": shop.currency,
    }


@recomputes("digest.so_far")
def _so_far(shop: Shop, facts: Facts) -> Facts:
    revenue, orders = shop.one(
        "SELECT sum(total_amount), count(DISTINCT order_id) FROM sales WHERE sale_date = ?", facts["today"]
    )
    return {"today": facts["today"], "revenue": revenue, "orders": orders, "currency": shop.currency}


def _public_holidays(country: str, year: int) -> dict[dt.date, str]:
    return dict(holidays.country_holidays(country, years=[year], language="en_US"))


@recomputes("digest.week")
def _week(shop: Shop, facts: Facts) -> Facts:
    """It ends on the day that `digest.sold` is about."""
    last = facts["last_day"]
    assert shop.one("SELECT count(*) FROM sales WHERE sale_date = ?", last)

    def sold(first_back: int, last_back: int) -> tuple[float, int]:
        revenue, days = shop.one(
            "SELECT coalesce(sum(total_amount), 0), count(DISTINCT sale_date) FROM sales "
            "WHERE sale_date BETWEEN ? AND ?",
            last - dt.timedelta(first_back),
            last - dt.timedelta(last_back),
        )
        return float(revenue), days

    (week, days), (before, before_days) = sold(6, 0), sold(13, 7)
    if shop.one("SELECT min(sale_date) FROM sales") > last - dt.timedelta(13):
        before_days = 0  # it opened within that week
    return {
        "first_day": last - dt.timedelta(6),
        "last_day": last,
        "revenue": week,
        "days": days,
        "before": before if before_days else None,
        "before_days": before_days,
        "ratio": week / before if before_days and before > 0 else None,
        "holidays": tuple(
            (day, names[day])
            for day in sorted(last - dt.timedelta(back) for back in range(14 if before_days else 7))
            if day in (names := _public_holidays(shop.country, day.year))
        ),
        "currency": shop.currency,
    }


@recomputes("digest.categories")
def _categories(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        "SELECT product_category, sum(total_amount) AS r FROM sales "
        "WHERE sale_date = ? GROUP BY ALL HAVING r > 0 ORDER BY r DESC, 1 LIMIT 3",
        facts["last_day"],
    )
    return {
        "names": tuple(name for name, _ in rows),
        "revenues": tuple(float(revenue) for _, revenue in rows),
        "last_day": facts["last_day"],
        "currency": shop.currency,
    }


@recomputes("digest.forecast")
def _forecast(shop: Shop, facts: Facts) -> Facts:
    """The TOTAL of each day is the sum of its categories, and so is the sum of all of them; `next_date` is chosen."""
    first = facts["next_date"]
    begin, cutoff = shop.one("SELECT min(forecast_date), min(cutoff_date) FROM sales_forecast")
    low, high = shop.one(
        "SELECT p10, p90 FROM sales_forecast WHERE product_category = 'TOTAL' AND forecast_date = ?", first
    )
    of_categories = "FROM sales_forecast WHERE product_category <> 'TOTAL'"
    return {
        "cutoff": cutoff,
        "next_date": first,
        "mean": shop.one(f"SELECT sum(mean) {of_categories} AND forecast_date = ?", first),
        "low": low,
        "high": high,
        "last_date": shop.one("SELECT max(forecast_date) FROM sales_forecast"),
        "total": shop.one(f"SELECT sum(mean) {of_categories} AND forecast_date >= ?", first),
        "unit": "day" if begin - cutoff == dt.timedelta(1) else "week",
        "is_past": facts["is_past"],
        "currency": shop.currency,
    }


@recomputes("digest.attention")
def _attention(shop: Shop, facts: Facts) -> Facts:
    """Three causes are planted: two errors and a warning, or none."""
    return {"errors": 2, "warnings": 1} if facts["errors"] or facts["warnings"] else {"errors": 0, "warnings": 0}
