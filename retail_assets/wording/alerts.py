"""Sentences of alerts and of the daily digest: the rows and the money concerned, what sold, what is forecast."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from retail_assets.wording.formats import (
    WEEKDAYS,
    compared,
    day,
    day_of_year,
    listed,
    money,
    number,
    percent,
    plural,
    span,
)
from retail_assets.wording.statement import phrase


@phrase("alerts.landed")
def landed(*, landings: int, files: int, lines: int, amount: Decimal | None, currency: str) -> str:
    """State what has landed: lines of files, and their money by the control totals, None where one has no total."""
    size = f"{plural(lines, 'line')} in {plural(files, 'file')}"
    if landings != 1:
        size += f" of {plural(landings, 'landing')}"
    return f"{size}, {money(float(amount), currency)}." if amount is not None else f"{size}; their money is not known."


@phrase("alerts.rejected")
def rejected(*, rejected: int, rows: int, amount: Decimal, currency: str) -> str:
    """State the rejected rows of landings, of all that landed, and their money as far as it could be read."""
    size = f"{rejected:,} of {plural(rows, 'row')} were rejected"
    return f"{size}, with {money(float(amount), currency)} as far as it could be read."


@phrase("alerts.table")
def table(*, name: str, rows: int, revenue: float | None, currency: str) -> str:
    """State the size of a table as it is now, and its revenue where it has one."""
    if revenue is None:
        return f"{name} has {plural(rows, 'row')}."
    return f"{name} has {plural(rows, 'row')} with {money(revenue, currency)} of revenue."


@phrase("alerts.usual_landing")
def usual_landing(*, weekday: int, landings: int, lines: float, revenue: float, currency: str) -> str:
    """State the mean of the latest landings on a weekday (0 is Monday), by their clean lines and their revenue."""
    return (
        f"The last {plural(landings, 'landing')} on a {WEEKDAYS[weekday]} had {number(round(lines))} clean lines and "
        f"{money(revenue, currency)} on average."
    )


@phrase("alerts.rejected_share")
def rejected_share(
    *,
    landed_on: dt.date,
    rejected: int,
    rows: int,
    share: float,
    weekday_landings: int,
    weekday_share: float,
    season_landings: int,
    season_share: float | None,
) -> str:
    """State the share of rejected rows of a landing against the medians of the same weekday and of the season.

    The `weekday_share` is the median of the same weekday's latest landings, the `season_share` that of the landings
    around the same day a year before, None where there are too few.
    """
    text = (
        f"{percent(share)} of the rows of {day(landed_on)} were rejected ({rejected:,} of {rows:,}); on the "
        f"{plural(weekday_landings, WEEKDAYS[landed_on.weekday()])} before it was {percent(weekday_share)} (median)"
    )
    if season_share is None:
        return f"{text}."
    return f"{text}, and {percent(season_share)} in {plural(season_landings, 'landing')} around that day a year before."


@phrase("digest.sold")
def sold(
    *,
    last_day: dt.date,
    revenue: float,
    orders: int,
    weekdays: int,
    usual: float | None,
    ratio: float | None,
    currency: str,
) -> str:
    """State the sales of the last day with sales, against the mean of the same weekday in the eight weeks before.

    Of these, `weekdays` days had sales; `usual` and `ratio` are None where fewer than four had, or where their mean is
    not above zero.
    """
    name = WEEKDAYS[last_day.weekday()]
    text = f"{name}, {day(last_day)}: {money(revenue, currency)} net of returns in {plural(orders, 'order')}"
    if usual is None or ratio is None:
        return f"{text}."
    if ratio < 0:
        return f"{text}; the mean of the {weekdays} {name}s before is {money(usual, currency)}."
    return f"{text}, {compared(ratio)} the mean of the {weekdays} {name}s before ({money(usual, currency)})."


@phrase("digest.week")
def week(
    *,
    first_day: dt.date,
    last_day: dt.date,
    revenue: float,
    before: float,
    ratio: float | None,
    holidays: tuple[tuple[dt.date, str], ...],
    currency: str,
) -> str:
    """State the revenue of the last seven days with that of the seven days `before`; `ratio` is None without those.

    `holidays` are those of the two weeks, which may be why they differ.
    """
    text = f"The week, {span(first_day, last_day)}: {money(revenue, currency)}"
    if ratio is None or ratio < 0:
        text += f"; the week before: {money(before, currency)}."
    else:
        text += f", {compared(ratio)} the week before ({money(before, currency)})."
    if holidays:
        text += f" Holidays in these two weeks: {listed(f'{name} ({day_of_year(date)})' for date, name in holidays)}."
    return text


@phrase("digest.categories")
def categories(*, names: tuple[str, ...], revenues: tuple[float, ...], last_day: dt.date, currency: str) -> str:
    """Name the categories with the highest revenue of the last day, at most three."""
    parts = [f"{name} {money(revenue, currency)}" for name, revenue in zip(names, revenues, strict=True)]
    if len(parts) == 1:
        return f"The category with the highest revenue on {day(last_day)} is {parts[0]}."
    return f"The {len(parts)} categories with the highest revenue on {day(last_day)} are {listed(parts)}."


@phrase("digest.forecast")
def forecast(
    *,
    cutoff: dt.date,
    next_date: dt.date,
    mean: float,
    low: float,
    high: float,
    last_date: dt.date,
    total: float,
    unit: str,
    currency: str,
) -> str:
    """State the forecast of the next `unit` (day or week) with its 80 % interval, and the sum up to `last_date`."""
    when = f"{WEEKDAYS[next_date.weekday()]}, {day(next_date)}" if unit == "day" else f"the week to {day(next_date)}"
    return (
        f"Forecast for {when}: {money(mean, currency)}, with 80 % probability between {money(low, currency)} and "
        f"{money(high, currency)}; {money(total, currency)} in sum until {day(last_date)}. It has seen the sales up to "
        f"{day(cutoff)}."
    )


@phrase("digest.attention")
def attention(*, errors: int, warnings: int) -> str:
    """State how many causes are open: errors, which keep something from being computed, and warnings."""
    if not errors and not warnings:
        return "No cause is open."
    parts = [plural(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n]
    return f"Open: {listed(parts)}."
