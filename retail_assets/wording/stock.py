"""Sentences about what to have in stock: what `recommendations.md` says of the forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from retail_assets.wording.formats import compared, day, day_of_year, listed, money, percent, plural, span
from retail_assets.wording.statement import phrase

FEW_ORDERS = 50


@phrase("stock.week")
def week(
    *,
    category: str,
    first_day: dt.date,
    last_day: dt.date,
    forecast_weeks: int,
    others_alike: int,
    alike: float,
    expected: float,
    units: float | None,
    more_than_usual: bool | None,
    year_before: float | None,
    of_year_before: float | None,
    year_before_orders: int,
    year_before_first: dt.date | None,
    year_before_last: dt.date | None,
    only_now: Sequence[str],
    only_then: Sequence[str],
    recent: float | None,
    of_recent: float | None,
    recent_orders: int,
    recent_weeks: int,
    recent_first: dt.date | None,
    recent_last: dt.date | None,
    recent_left_out: int,
    recent_near: Sequence[str],
    currency: str,
) -> str:
    """State what the strongest week of the forecast brings, compared with what was sold in the past.

    `others_alike` of the other weeks are expected to bring as much, but for the share `alike`: then none is called the
    strongest. `recent_near` are holidays among the recent weeks that the week itself does not have.
    `of_year_before` and `of_recent` are the ratios to what was sold then. `more_than_usual` says whether the
    week is clearly above all that it is compared with; None where that is not judged.
    """
    amount = money(expected, currency) + ("" if units is None else f" (about {plural(units, 'unit')})")
    which = ""
    if others_alike == forecast_weeks - 1 > 0:
        which = f", much like each of the {forecast_weeks} forecast weeks"
    elif others_alike:
        which = f", the highest in money of the {forecast_weeks} forecast weeks, but with "
        which += f"{plural(others_alike, 'other')} within {percent(alike, 0)}"
    elif forecast_weeks > 1:
        which = f", the strongest in money of the {forecast_weeks} forecast weeks"
    when = f"{span(first_day, last_day)}{which}"
    then = []
    if year_before and of_year_before and year_before_first and year_before_last:
        holidays = [f"{listed(only_then)} fell in it"] if only_then else []
        holidays += [f"{listed(only_now)} did not"] if only_now else []
        note = f"; {', '.join(holidays)}" if holidays else ""
        then.append(
            f"{compared(of_year_before)} in the same days a year before ({money(year_before, currency)} from "
            f"{span(year_before_first, year_before_last)}{_few(year_before_orders)}{note})"
        )
    if recent and of_recent and recent_first and recent_last:
        left_out = f", without {plural(recent_left_out, 'week')} with closed days" if recent_left_out else ""
        near = f"; with weeks near {listed(recent_near)}" if recent_near else ""
        of = "average week" if recent_weeks > 1 else "week"
        then.append(
            f"{compared(of_recent)} in the {of} before the forecast ({money(recent, currency)}; "
            f"{span(recent_first, recent_last)}{_few(recent_orders)}{left_out}{near})"
        )
    against = f", {' and '.join(then)}" if then else ""
    if more_than_usual:
        return f"{category}: stock up for {when}: {amount} expected{against}."
    if more_than_usual is None:
        return f"{category}: {amount} expected from {when}{against}."
    return f"{category}: no clear reason to stock up. From {when}, {amount} is expected{against}."


def _few(orders: int) -> str:
    """A remark where a past rests on few orders."""
    return f", only {plural(orders, 'order')}" if orders < FEW_ORDERS else ""


def _days(dates: Sequence[dt.date]) -> str:
    """Write dates with their year once where it is the same: `13 Jan and 14 Jan 2018`."""
    *before, last = dates
    write = day_of_year if len({date.year for date in dates}) == 1 else day
    return listed([*map(write, before), day(last)])


@phrase("stock.strongest_day")
def strongest_day(
    *,
    category: str,
    dates: Sequence[dt.date],
    date: dt.date,
    apart: Sequence[dt.date],
    expected: float,
    least: float,
    p90: float,
    currency: str,
) -> str:
    """State on which `dates` of that week a category is expected to sell most; `date` is the highest, `expected`.

    They are several where they lead together, and none where no few days are clearly ahead of the others. `least` is
    the lowest of them, of all days where none leads. A holiday is never among them where it was weak before or is not
    on record: `apart` are those that the forecast puts higher.
    """
    where = "In that week"
    if apart:
        what = "holiday, weak before or without a precedent" if len(apart) == 1 else "holidays, weak or new before"
        where += f", apart from {_days(apart)} ({what}),"
    else:
        where += ","
    chance = f"with a forecast chance of 10 % of more than {money(p90, currency)}"
    low, high = money(least, currency), money(expected, currency)
    if not dates:
        each = high if low == high else f"{low} to {high}"
        return f"{where} no day is clearly the strongest for {category}: {each} a day, {chance} on {day(date)}."
    if len(dates) == 1:
        return f"{where} {category} is expected to sell most on {day(date)}: {high}, {chance}."
    each = f"{high} on each" if low == high else f"from {low} to {high}"
    return f"{where} {category} is expected to sell most on {_days(dates)}: {each}, {chance} on {day(date)}."


@phrase("stock.chance_of_more")
def chance_of_more(*, category: str, p90: float, currency: str) -> str:
    """State what a week, of a source that reports weeks, may bring at most."""
    return f"The forecast chance is 10 % that {category} sells more than {money(p90, currency)} in it."


@phrase("stock.out_of_date")
def out_of_date(*, forecast_until: dt.date, segments_until: dt.date) -> str:
    """State that the segments have seen later sales than the forecast."""
    return (
        f"The forecast has seen sales until {day(forecast_until)}, the segments until {day(segments_until)}: "
        "materialize sales_forecast to bring the stock recommendations up to date."
    )
