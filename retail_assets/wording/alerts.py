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


@phrase("alerts.not_registered")
def not_registered(*, waiting: int, files: int) -> str:
    """State how many of the files of landings are not registered as they are now; nobody has counted their lines."""
    if files == 1:
        return "The file is not registered: its lines and money are not known."
    if waiting == files:
        return f"None of the {files:,} files is registered: their lines and money are not known."
    verb, whose = ("is", "its") if waiting == 1 else ("are", "their")
    return f"{waiting:,} of {files:,} files {verb} not registered: {whose} lines and money are not known."


@phrase("alerts.rejected")
def rejected(*, rejected: int, rows: int, amount: Decimal, without_amount: int, currency: str) -> str:
    """State the rejected rows of landings, of all that landed, with their money, and how many have none to be read."""
    text = f"{rejected:,} of {plural(rows, 'row')} {'was' if rejected == 1 else 'were'} rejected"
    if without_amount < rejected:
        text += f", with {money(float(amount), currency)}"
    return f"{text}; the money of {plural(without_amount, 'row')} could not be read." if without_amount else f"{text}."


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


@phrase("alerts.small_landing")
def small_landing(
    *,
    landed_on: dt.date,
    rows: int,
    usual: float,
    ratio: float,
    weekday_landings: int,
    season_landings: int,
    season_rows: float | None,
) -> str:
    """State the rows of a landing against the `usual` ones: the median of its weekday, or of its last four if lower.

    `season_rows` is the median of the landings around the same day a year before, None where there are too few.
    """
    weekdays = plural(weekday_landings, WEEKDAYS[landed_on.weekday()])
    text = (
        f"{day(landed_on)} has {plural(rows, 'row')}, {compared(ratio)} the usual {number(usual)} (the median "
        f"of the {weekdays} before, or of the last 4 of them if that is lower)"
    )
    if season_rows is None:
        return f"{text}."
    return (
        f"{text}; the median of the {plural(season_landings, 'landing')} around that day a year before is "
        f"{number(season_rows)}."
    )


@phrase("digest.sold")
def sold(
    *,
    last_day: dt.date,
    age: int,
    holiday: str | None,
    revenue: float,
    returned: float,
    orders: int,
    largest: float | None,
    weekdays: int,
    weeks: int,
    usual: float | None,
    ratio: float | None,
    currency: str,
) -> str:
    """State the sales of the last day with sales, `age` days before the digest, against the median of its weekday.

    Of the same weekday in the `weeks` weeks before, at most eight, `weekdays` days had sales; `usual`, their median,
    and `ratio` are None where fewer than four had, or where the median is not above zero. `returned` is the money of
    returns, which `revenue` is net of; `largest` that of the largest order, if it is more than half of the day.
    """
    name = WEEKDAYS[last_day.weekday()]
    notes = [holiday] if holiday else []
    if age > 1:
        notes.append(f"the newest day with sales, {plural(age, 'day')} ago")
    text = f"{name}, {day(last_day)}{f' ({listed(notes)})' if notes else ''}: {money(revenue, currency)}"
    text += f" net of {money(returned, currency)} of returns" if returned else ""
    text += f" in {plural(orders, 'order')}"
    if largest is not None:
        text += f", of which one has {money(largest, currency)}"
    if usual is None or ratio is None:
        return f"{text}."
    base = f"{weekdays} {name}s before" if weekdays == weeks else f"{weekdays} of {weeks} {name}s before that had sales"
    if ratio < 0:
        return f"{text}; the median of the {base} is {money(usual, currency)}."
    return f"{text}, {compared(ratio)} the median of the {base} ({money(usual, currency)})."


@phrase("digest.so_far")
def so_far(*, today: dt.date, revenue: float, orders: int, currency: str) -> str:
    """State what a day that is not over has sold so far; it is compared with nothing."""
    return f"Today, {day(today)}, is not over: {money(revenue, currency)} in {plural(orders, 'order')} so far."


@phrase("digest.week")
def week(
    *,
    first_day: dt.date,
    last_day: dt.date,
    revenue: float,
    days: int,
    before: float | None,
    before_days: int,
    ratio: float | None,
    holidays: tuple[tuple[dt.date, str], ...],
    currency: str,
) -> str:
    """State the revenue of the last seven days with that of the seven days `before`, and how many had sales.

    `before` is None where these had no sales, or the first sale is later than their first day; `ratio` is None also
    where it is not above zero. `holidays` are those of the weeks that are stated, which may be why they differ.
    """
    text = f"The week, {span(first_day, last_day)}: {money(revenue, currency)} on {plural(days, 'day')} with sales"
    if before is None:
        text += "; there is no whole week of sales before it."
    else:
        base = f"{money(before, currency)} on {plural(before_days, 'day')}"
        if ratio is None or ratio < 0:
            text += f"; the week before: {base}."
        else:
            text += f", {compared(ratio)} the week before ({base})."
    if holidays:
        weeks = "this week" if before is None else "these two weeks"
        text += f" Holidays in {weeks}: {listed(f'{name} ({day_of_year(date)})' for date, name in holidays)}."
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
    is_past: bool,
    currency: str,
) -> str:
    """State the forecast of one `unit` (day or week) with its 80 % interval, and the sum from it up to `last_date`.

    `is_past`: all of the forecast lies before the day of the digest.
    """
    when = f"{WEEKDAYS[next_date.weekday()]}, {day(next_date)}" if unit == "day" else f"the week to {day(next_date)}"
    text = (
        f"Forecast for {when}: {money(mean, currency)}, 80 % interval from {money(low, currency)} to "
        f"{money(high, currency)}; {money(total, currency)} in sum from then until {day(last_date)}. It is made "
        f"from the sales up to {day(cutoff)}."
    )
    return f"{text} All of it is past by now: later days need newer sales." if is_past else text


@phrase("digest.attention")
def attention(*, errors: int, warnings: int) -> str:
    """State how many causes are open: errors, which keep something from being computed, and warnings."""
    if not errors and not warnings:
        return "Nothing is open."
    parts = [plural(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n]
    return f"Open: {listed(parts)}."
