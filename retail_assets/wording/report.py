"""Sentences of the report: what its charts show, for those who do not see them, and what its tables leave out."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import day, money, month, percent, plural, quarter, rough_percent, span
from retail_assets.wording.sales_products import ALMOST_EQUAL
from retail_assets.wording.statement import phrase

_MOST_SILENT = 14
"""Days of 28 without a sale beyond which a source reports weeks or months, and no day of it is closed."""


@phrase("report.sales_by_day")
def sales_by_day(
    *, first_day: dt.date, last_day: dt.date, best_day: dt.date, best: float, best_days: int, currency: str
) -> str:
    """Describe the line of daily revenue; `best` is the revenue of the `best_day`, the first of so many `best_days`."""
    when = f"on {day(first_day)}" if first_day == last_day else f"from {span(first_day, last_day)}"
    if best_days > 1:
        on = f"on {best_days} days, first on {day(best_day)}"
        return f"Revenue by day {when}. The highest of a day, {money(best, currency)}, was reached {on}."
    return f"Revenue by day {when}. The highest day is {day(best_day)} with {money(best, currency)}."


@phrase("report.largest_category")
def largest_category(
    *, category: str, revenue: float, share: float, second: str | None, second_revenue: float | None, currency: str
) -> str:
    """Name the first bar of the categories, and the `second` where that brings about as much."""
    alike = second is not None and second_revenue is not None and revenue < second_revenue * ALMOST_EQUAL
    most = f"brings about as much as {second}" if alike else "brings most"
    return f"{category} {most}: {money(revenue, currency)}, {percent(share)} of all revenue."


@phrase("report.forecast")
def forecast(*, last_day: dt.date, total: float, currency: str, unit: str) -> str:
    """State the sum of the forecast; `unit` is the `day` or `week` that its intervals are for."""
    return (
        f"Past revenue, and the forecast until {day(last_day)}: {money(total, currency)} in sum. The bands are the "
        f"80 % and 95 % prediction intervals of single {unit}s."
    )


@phrase("report.largest_segment")
def largest_segment(*, persona: str, customers_share: float, revenue_share: float | None, days: int) -> str:
    """State the shares of the segment with most revenue, which is that of the last `days`.

    The share of revenue is None where the revenue is not above zero.
    """
    if revenue_share is None:
        return f"{persona}: they are {rough_percent(customers_share)} of the known customers."
    return (
        f"{persona}: they are {rough_percent(customers_share)} of the known customers and bring "
        f"{rough_percent(revenue_share)} of the revenue of all known customers in the last {plural(days, 'day')}."
    )


@phrase("report.segments_scope")
def segments_scope(*, last_day: dt.date, days: int) -> str:
    """Say which sales the table of the segments is of."""
    return (
        f"Known customers of the sales up to {day(last_day)}, with their revenue, purchases and baskets in the last "
        f"{plural(days, 'day')}. Typical: the median, of each number by itself."
    )


@phrase("report.models_compared")
def models_compared(
    *,
    models: int,
    best: str,
    lowest: float,
    published: str | None,
    error: float | None,
    total_error: float | None,
    cutoffs: int,
    unit: str,
) -> str:
    """State how many models the backtest compares, the error of the `published` one, and the lowest of the `best`.

    Errors are per category and `unit`, `day` or `week`; the `total_error` is that of the sum of all categories. The
    published model's are None where it took no part.
    """
    what = (
        f"{plural(models, 'model')} compared on the {unit}s after {plural(cutoffs, 'cut-off')} in the past, by the sum "
        f"of errors per category and {unit} relative to sales"
    )
    if published is None or error is None:
        return f"{what}: the lowest error is {percent(lowest)}, of {best}."
    total = "" if total_error is None else f" ({percent(total_error)} for the total per {unit})"
    rank = (
        "no other has a lower one"
        if published == best or error <= lowest
        else f"the lowest is {percent(lowest)}, of {best} (models are ranked by their squared errors instead)"
    )
    return f"{what}: the published one, {published}, has an error of {percent(error)}{total}; {rank}."


@phrase("report.rejected_by_landing")
def rejected_by_landing(
    *,
    landings: int,
    share: float,
    worst_day: dt.date,
    worst: float,
    worst_days: int,
    rejected: int,
    landed: int,
) -> str:
    """State the `share` of all rows that were rejected, and the highest of a landing day: `rejected` of `landed` ones.

    That is `worst`, of so many `worst_days`, the first of which is named.
    """
    if not worst:
        return f"{plural(landings, 'landing day')}. No row was rejected."
    most = f"{rejected:,} of {plural(landed, 'row')}"
    if landings == 1:
        return f"1 landing day, {day(worst_day)}. {rough_percent(share)} of its rows were rejected ({most})."
    on = f"on {worst_days} of them, first on" if worst_days > 1 else "on"
    return (
        f"{plural(landings, 'landing day')}. {rough_percent(share)} of all rows were rejected; of one day's rows at "
        f"most {rough_percent(worst)}, {on} {day(worst_day)} ({most})."
    )


@phrase("report.forecast_made")
def forecast_made(
    *,
    first_day: dt.date,
    last_day: dt.date,
    cutoff: dt.date,
    method: str,
    categories: int,
    by_rule: int,
    version: str,
) -> str:
    """State what the forecast covers and what made it.

    The `method` is that of the categories that bring most; `by_rule` of the `categories` are forecast by a rule.
    """
    if by_rule == categories:
        how = f"{method}, a simple rule; no category has a learned model"
    elif by_rule:
        how = f"{method}; {by_rule} of {plural(categories, 'category', 'categories')} by a simple rule"
    else:
        how = f"{method} for every category"
    return f"Expected revenue from {span(first_day, last_day)}, from sales up to {day(cutoff)}. Model {version}: {how}."


@phrase("report.no_change_shown")
def no_change_shown(*, categories: int, fewest: int) -> str:
    """State of how many categories no change is shown, for want of orders in 28 days."""
    return (
        f"No change is shown of {plural(categories, 'category', 'categories')} with fewer than {fewest} orders in one "
        "of the two."
    )


@phrase("report.last_28_days")
def last_28_days(*, without_sale: int, without_sale_before: int) -> str:
    """Say what the last 28 days are compared with, and on how many days of both nothing was sold."""
    text = "The last 28 days of the sales are compared with the 28 days before them; the season is not taken out."
    if without_sale == without_sale_before or min(without_sale, without_sale_before) > _MOST_SILENT:
        return text
    have = plural(without_sale, "day")
    return f"{text} {have} of the last 28 and {without_sale_before} of the 28 before are without a sale."


@phrase("report.segments_stayed")
def segments_stayed(*, before: dt.date, after: dt.date, stayed: int) -> str:
    """State how many customers are in the segment that they were in."""
    return f"From {day(before)} to {day(after)}; {plural(stayed, 'customer')} stayed where they were."


@phrase("report.left_out")
def left_out(*, count: int, what: str, many: str) -> str:
    """State how many rows a table leaves out; `many` is the plural of `what`."""
    return f"{plural(count, what, many)} left out."


@phrase("report.cohorts")
def cohorts(
    *,
    period: str,
    first: dt.date | None,
    last: dt.date | None,
    customers: int,
    share: float | None,
    early: bool,
) -> str:
    """Describe the cohorts: how many of those that began after the burn-in buy in the next period, if there are any."""
    text = f"Percentage of the customers of each row who bought so many {period}s after their first purchase."
    if first is not None and last is not None and share is not None:
        name = month if period == "month" else quarter
        begun = f"from {name(first)} to {name(last)}" if first < last else f"in {name(first)}"
        bought = f"{percent(share)} bought again in the next {period}"
        text += f" Of the {plural(customers, 'customer')} first seen {begun}, {bought}."
    return f"{text} Rows with a star may hold customers who had bought before the sales begin." if early else text
