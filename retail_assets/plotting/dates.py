"""Dates on an axis: ticks at round places of the calendar, each read without the others, the year once below them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter

from retail_assets.wording.formats import MONTHS, WEEKDAYS, day_of_year

_A_FORTNIGHT = 14.5


def date_ticks(axes: Axes, least: int = 3, most: int = 12) -> None:
    """Put `least` to `most` ticks at round places of the calendar: days, months or years."""
    axes.xaxis.set_major_locator(_WholeDays(minticks=least, maxticks=most))
    axes.xaxis.set_major_formatter(_Calendar())


def date_axis(axes: Axes, first: dt.date, last: dt.date) -> None:
    """Set date ticks from `first` to `last`; up to two weeks are written as weekday and day."""
    span = (last - first).days
    if span <= 14:
        axes.xaxis.set_major_locator(mdates.DayLocator(interval=1 if span <= 7 else 2))
        axes.xaxis.set_major_formatter(_Weekdays())
    else:
        date_ticks(axes, least=4, most=13)
    pad = padding(first, last)
    axes.set_xlim(mdates.date2num(first) - pad, mdates.date2num(last) + pad)


def padding(first: dt.date, last: dt.date) -> float:
    """Return the days that `date_axis` leaves free on both sides.

    >>> padding(dt.date(2024, 1, 1), dt.date(2024, 1, 2))
    0.5
    """
    return max((last - first).days * 0.01, 0.5)


class _WholeDays(mdates.AutoDateLocator):
    """Ticks that are never finer than days, however few days there are."""

    def get_locator(self, dmin: dt.datetime, dmax: dt.datetime) -> mdates.DateLocator:
        span = abs((dmax - dmin).total_seconds()) / 86_400
        if span > _A_FORTNIGHT:
            return super().get_locator(dmin, dmax)
        locator = mdates.DayLocator(interval=max(1, -int(-span // self.maxticks[mdates.DAILY])))
        locator.set_axis(self.axis)
        return locator


class _Calendar(Formatter):
    """`15 Nov`, or `Nov` where all ticks begin a month, or `2017` where all begin a year."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        return day_of_year(mdates.num2date(value).date())

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        low, high = sorted(self.axis.get_view_interval()) if self.axis is not None else (-float("inf"), float("inf"))
        dates = [mdates.num2date(value).date() for value in values]
        if all((date.month, date.day) == (1, 1) for date in dates) and len(dates) > 1:
            return [str(date.year) for date in dates]
        monthly = all(date.day == 1 for date in dates)
        texts, year = [], None
        for value, date in zip(values, dates, strict=True):
            text = MONTHS[date.month - 1] if monthly else day_of_year(date)
            if low <= value <= high and date.year != year:
                text, year = f"{text}\n{date.year}", date.year
            texts.append(text)
        return texts


class _Weekdays(Formatter):
    """`Mon 2 Jan`."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        date = mdates.num2date(value).date()
        return f"{WEEKDAYS[date.weekday()][:3]} {day_of_year(date)}"
