"""Sentences about all sales: what they come to, and how far to trust what is said of them."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import day, money, percent, plural, span
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


@phrase("sales.span")
def span_of_days(*, days: int, years: int) -> str:
    """Say that the data are shorter than `years`, one or two, and what cannot be known from them."""
    if years == 1:
        return f"The data span {plural(days, 'day')}, less than a year, so nothing can be said about the seasons."
    return f"The data span {plural(days, 'day')}, less than two years: a season seen only once may be a coincidence."


@phrase("sales.few_orders")
def few_orders(*, per_day: float) -> str:
    """Say that few orders swing by chance."""
    return f"There are {per_day:.1f} orders per day on average, so single days and months swing widely by chance."


@phrase("sales.once_only")
def once_only(*, share: float, customers: int) -> str:
    """Say that most customers ordered once."""
    return (
        f"{percent(share)} of the {plural(customers, 'known customer')} ordered only once: what looks like good "
        "customers are large orders."
    )


@phrase("sales.anonymous")
def anonymous(*, share: float) -> str:
    """Say what share of the order lines has no customer."""
    return (
        f"{percent(share)} of the order lines have no customer; they count as sales, but belong to no known customer."
    )


@phrase("sales.noise")
def noise(*, p: float, points: float) -> str:
    """Say what counts as more than chance, and as worth acting on."""
    return (
        f"A difference counts as more than chance below p = {p:.2f}, which one in 20 comparisons of equal things "
        f"reaches too, and a preference as worth acting on from {points:.0f} percentage points of the spending. No "
        "difference shows what causes it."
    )
