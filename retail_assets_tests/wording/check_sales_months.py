"""What sentences about the last full month are made from, recomputed by dictionaries and a least-squares fit."""

from __future__ import annotations

import datetime as dt

import numpy as np
from scipy import stats

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import CHANCE, DAY, by_day, near
from retail_assets_tests.wording.shops import Shop


def _month(shop: Shop, start: dt.date) -> dict[dt.date, tuple[float, int]]:
    """Revenue and orders of the days with a sale, by the database's own calendar."""
    rows = shop.ask(
        "SELECT sale_date, sum(total_amount), count(DISTINCT order_id) FROM sales "
        "WHERE date_trunc('month', sale_date) = ? GROUP BY 1 ORDER BY 1",
        start,
    )
    return {day: (float(amount), orders) for day, amount, orders in rows}


def _span(shop: Shop) -> tuple[dt.date, dt.date]:
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    return first, last


def _last_full(shop: Shop) -> dt.date:
    first, last = _span(shop)
    starts = sorted({day.replace(day=1) for day in by_day(shop)})
    return max(s for s in starts if s >= first and (s + 31 * DAY).replace(day=1) - DAY <= last)


@recomputes("sales.last_month")
def _last_month(shop: Shop, facts: Facts) -> Facts:
    start, (_, last) = _last_full(shop), _span(shop)
    following = (start + 31 * DAY).replace(day=1)
    sold = _month(shop, start)
    days = [day for day in by_day(shop) if start <= day < following]
    return {
        "start": start,
        "revenue": sum(amount for amount, _ in sold.values()),
        "days": len(days),
        "open_days": len(sold),
        "unknown": sum(by_day(shop)[day] is None for day in days),
        "orders": sum(orders for _, orders in sold.values()),
        "partial": following if last >= following else None,
        "partial_days": max(0, (last - following).days + 1),
        "currency": shop.currency,
    }


@recomputes("sales.month_against")
def _month_against(shop: Shop, facts: Facts) -> Facts:
    start = _last_full(shop)
    earlier = facts["earlier"]
    assert earlier in ((start - DAY).replace(day=1), dt.date(start.year - 1, start.month, 1))
    later, before = _month(shop, start), _month(shop, earlier)
    means = [np.mean([amount for amount, _ in month.values()]) for month in (later, before)]
    days = [*before, *later]
    x = np.array([[d.weekday() == w for w in range(7)] + [d in later] for d in days], float)
    x = x[:, x.any(axis=0)]
    y = np.array([amount for amount, _ in [*before.values(), *later.values()]])
    fit = np.linalg.lstsq(x, y, rcond=None)[0]
    left = len(days) - np.linalg.matrix_rank(x)
    p, same_way = None, False
    if left >= 3:
        variance = np.sum((y - x @ fit) ** 2) / left * np.linalg.pinv(x.T @ x)[-1, -1]
        p = 2 * stats.t.sf(abs(fit[-1]) / np.sqrt(variance), left) if variance > 1e-12 else float(abs(fit[-1]) < 1e-9)
        p = near(facts["p"], float(p)) if facts["p"] is not None else p
        same_way = fit[-1] * (means[0] - means[1]) > 0
    positive = min(means) > 0
    return {
        "start": start,
        "earlier": earlier,
        "per_day": means[0],
        "earlier_per_day": means[1],
        "open_days": len(later),
        "earlier_open_days": len(before),
        "orders": sum(orders for _, orders in later.values()),
        "earlier_orders": sum(orders for _, orders in before.values()),
        "ratio": means[0] / means[1] if positive else None,
        "p": p,
        "clear": bool(positive and p is not None and p < CHANCE and same_way),
        "currency": shop.currency,
    }


@recomputes("sales.month_not_compared")
def _month_not_compared(shop: Shop, facts: Facts) -> Facts:
    start, (first, _) = _last_full(shop), _span(shop)
    earlier = [s for s in ((start - DAY).replace(day=1), dt.date(start.year - 1, start.month, 1))
               if s < first or not _month(shop, s)]  # fmt: skip
    return {"earlier": facts["earlier"] if facts["earlier"] in earlier else None, "first_day": first}


@recomputes("sales.last_month_not_known")
def _last_month_not_known(shop: Shop, facts: Facts) -> Facts:
    first, last = _span(shop)
    full = [d for d in by_day(shop) if d.day == 1 and (d + 31 * DAY).replace(day=1) - DAY <= last]
    return {"first_day": first, "last_day": last} if not full else {"first_day": None, "last_day": None}
