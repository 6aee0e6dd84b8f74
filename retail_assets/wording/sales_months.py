"""Sentences about the last full month, and how it compares with the month before and with a year before."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import compared, day, money, month, p_value, plural
from retail_assets.wording.statement import phrase

#: Orders of a month below which a comparison says how many there are.
FEW_ORDERS = 50


@phrase("sales.last_month")
def last_month(
    *,
    start: dt.date,
    revenue: float,
    days: int,
    open_days: int,
    unknown: int,
    orders: int,
    partial: dt.date | None,
    partial_days: int,
    currency: str,
) -> str:
    """State what the last full month brought; `partial` is the month after it, of which there are `partial_days`."""
    text = (
        f"**{month(start)}, the last full month: {money(revenue, currency)}** in {plural(orders, 'order')}, with sales "
        f"on {open_days} of {plural(days, 'day')}."
    )
    if unknown:
        text += f" What {plural(unknown, 'day')} sold is missing: only rejected rows."
    if partial is not None:
        text += f" {month(partial)} has {plural(partial_days, 'day')} so far and is not compared."
    return text


@phrase("sales.month_against")
def month_against(
    *,
    start: dt.date,
    earlier: dt.date,
    per_day: float,
    earlier_per_day: float,
    open_days: int,
    earlier_open_days: int,
    orders: int,
    earlier_orders: int,
    ratio: float | None,
    p: float | None,
    clear: bool,
    currency: str,
) -> str:
    """Compare a month with an `earlier` one by the revenue per day with sales.

    `ratio` is None unless both are positive. `p` is that of like weekdays, None with too few days. A month `earlier` by
    less than a year is of another season.
    """
    season = "" if start.month == earlier.month else ", a different time of year"
    test = "; too few days to tell it from chance"
    if p is not None:
        test = f", which may be chance ({p_value(p)}, like weekdays compared)"
    if clear and p is not None:
        test = f"; like weekdays differ by more than chance would explain ({p_value(p)})"
    size = "against" if ratio is None else f"{compared(ratio)} in"
    if clear and ratio is not None:
        head = f"**{month(start)} was {'better' if ratio > 1 else 'worse'} than {month(earlier)}**{season}"
    else:
        head = f"**{month(start)} does not clearly differ from {month(earlier)}**{season}"
    text = (
        f"{head}: {money(per_day, currency)} per day with sales ({plural(open_days, 'day')}), {size} {month(earlier)} "
        f"({money(earlier_per_day, currency)}, {plural(earlier_open_days, 'day')}){test}."
    )
    if min(orders, earlier_orders) < FEW_ORDERS:
        text += f" Few orders: {orders:,} and {earlier_orders:,}."
    return text


@phrase("sales.month_not_compared")
def month_not_compared(*, earlier: dt.date, first_day: dt.date) -> str:
    """Say that an earlier month cannot be compared with."""
    return (
        f"**No comparison with {month(earlier)}**: it has no sales, or not all of it; the sales begin on "
        f"{day(first_day)}."
    )


@phrase("sales.last_month_not_known")
def last_month_not_known(*, first_day: dt.date, last_day: dt.date) -> str:
    """Say that there is no full month."""
    when = f"of {day(first_day)}" if first_day == last_day else f"from {day(first_day)} to {day(last_day)}"
    return f"**Last month: not known.** The sales {when} have no full calendar month."
