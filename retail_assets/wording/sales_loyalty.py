"""Sentences, titles and notes about who comes back: new against returning customers, and cohorts."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import month, p_value, percent, plural, rough_percent
from retail_assets.wording.statement import phrase

EARLY = "When the sales begin, every customer looks new, also those who bought before."
"""Why the first months are not counted."""


def _from_to(first: dt.date, last: dt.date) -> str:
    return f"in {month(first)}" if (first.year, first.month) == (last.year, last.month) else _months(first, last)


def _before(mistaken: float, months: int) -> str:
    """Say how many of the customers who look new with so many months to look back had bought, where that is known."""
    lookback = "month" if months == 1 else f"{months} months"
    return (
        f"in later months, {rough_percent(mistaken)} of a month's customers who had bought nothing in the "
        f"{lookback} before had bought earlier"
    )


def _some_old(first: dt.date) -> str:
    return f"so some of those first seen in {month(first)} may be old, fewer of the later ones"


def _months(first: dt.date, last: dt.date) -> str:
    return f"from {month(first)} to {month(last)}"


@phrase("sales.new_customers")
def new_customers(
    *,
    first_month: dt.date,
    last_month: dt.date,
    customers: int,
    active: int,
    customers_share: float,
    share: float | None,
    burn_in: int,
    mistaken: float | None,
    told_apart: bool,
) -> str:
    """State how many `customers` are new, their share of the `active` ones, and that of the known customers' revenue.

    The first months of the data, `burn_in`, are not counted; `mistaken` is the share of those who look new with so many
    months to look back, and are not. `told_apart` says that it is small.
    """
    when = _from_to(first_month, last_month)
    brings = "" if share is None else f" and bring {rough_percent(share)} of what known customers spent in these months"
    skipped = f"the first {plural(burn_in, 'month')} of the data {'is' if burn_in == 1 else 'are'} not counted"
    if not customers:
        return (
            f"**No customer is new** {when}: all {active:,} known customers of these months were seen before "
            f"({skipped}, because everybody looks new then)."
        )
    if told_apart:
        wrong = f"; {_before(mistaken, burn_in)}" if mistaken else ""
        return (
            f"**{plural(customers, 'customer is', 'customers are')} new** {when}: they are "
            f"{rough_percent(customers_share)} of the known customers of these months{brings} "
            f"({skipped}, because everybody looks new then{wrong})."
        )
    seen = plural(customers, "customer appears", "customers appear")
    return (
        f"**Some of the customers who look new may be old ones**: {seen} for the first time {when}{brings}, but "
        f"{_before(mistaken or 0.0, burn_in)}; {_some_old(first_month)}."
    )


@phrase("sales.comeback")
def comeback(
    *,
    first_month: dt.date,
    last_month: dt.date,
    customers: int,
    share: float,
    before: float,
    low: float,
    high: float,
    p: float,
) -> str:
    """Compare the `share` of first-time customers who buy in the next month too with that of those seen `before`."""
    few = ", so few that it is rough" if customers < 50 else ""
    interval = f"95 % confidence interval: {percent(low)} to {percent(high)}{few}"
    return (
        f"**{percent(share)} of the {customers:,} customers first seen {_from_to(first_month, last_month)} bought "
        f"again in the next month** ({interval}); of those seen before, {percent(before)} did in an average month. The "
        f"difference is more than chance explains ({p_value(p)}, Fisher's exact test)."
    )


@phrase("title.new_customers")
def new_customers_title(
    *, first_month: dt.date, last_month: dt.date, customers: int, share: float | None, told_apart: bool
) -> str:
    """State how many customers are new, or first seen where that does not make them new."""
    when = _from_to(first_month, last_month)
    if not customers:
        return f"No customer is new {when}"
    if not told_apart:
        seen = plural(customers, "customer appears", "customers appear")
        return f"{seen} for the first time {when}; some of them may be old ones"
    brings = "" if share is None else f" and bring {rough_percent(share)} of known customers' revenue"
    return f"{plural(customers, 'customer is', 'customers are')} new {when}{brings}"


@phrase("note.burn_in")
def burn_in(*, months: int, first_month: dt.date, mistaken: float | None) -> str:
    """Say why the first months are not counted, and that some of those who look new from `first_month` may be old."""
    if not mistaken:
        return EARLY
    later = _before(mistaken, months)
    return f"{EARLY} {later[:1].upper()}{later[1:]}; {_some_old(first_month)}."


@phrase("title.cohorts")
def cohorts_title(
    *, first_month: dt.date | None, last_month: dt.date | None, share: float | None, before: float | None
) -> str:
    """Compare how many come back after their first month with customers seen `before`, where that is no chance."""
    if first_month is None or last_month is None or share is None or before is None:
        return "How many customers come back after their first purchase"
    when = _from_to(first_month, last_month)
    return (
        f"{percent(share, 0)} of customers first seen {when} bought again in the next month, {percent(before, 0)} of "
        "those seen before"
    )


@phrase("reading.cohorts")
def cohorts_reading(*, period: str, shown: int, cohorts: int) -> str:
    """Say how to read the heat map, and which of the `cohorts` it shows."""
    text = f"Of the customers first seen in a {period} (a row), the percentage who bought so many {period}s later."
    return text if shown == cohorts else f"{text} The latest {shown} of {cohorts} rows."


@phrase("note.anonymous_not_shown")
def anonymous_not_shown(*, share: float) -> str:
    """Say that lines without a customer are not in the figure."""
    return f"{rough_percent(share)} of the order lines have no customer and are not in it."
