"""Sentences about the sales: what `insights.md` says."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import day, money, plural, span
from retail_assets.wording.statement import phrase


@phrase("sales.overview")
def overview(
    *,
    revenue: float,
    first_day: dt.date,
    last_day: dt.date,
    days: int,
    days_without_sale: int,
    days_rejected: int,
    orders: int,
    lines: int,
    customers: int,
    currency: str,
) -> str:
    """State what the sales come to: `days` from the first to the last, `customers` that are known."""
    when = f"on {day(first_day)}" if first_day == last_day else f"from {span(first_day, last_day)}"
    without = f", {days_without_sale:,} of them without a sale" if days_without_sale else ""
    rejected = f", {days_rejected:,} of them with rejected rows only" if days_rejected else ""
    who = f" from {plural(customers, 'known customer')}" if customers else ""
    return (
        f"**{money(revenue, currency)}** net of returns {when} ({plural(days, 'day')}{without}{rejected}): "
        f"{plural(orders, 'order')} with {plural(lines, 'order line')}{who}."
    )
