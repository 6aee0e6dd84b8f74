"""Revenue per day over time, by weekday and by month."""

from __future__ import annotations

import datetime as dt

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.marked_days import Mark, mark_days
from retail_assets.eda.figures.parts import (
    bars_with_intervals,
    footnote,
    month_ticks,
    unknown_days,
)
from retail_assets.eda.findings import calendar, holidays
from retail_assets.eda.findings.calendar import Months, Peak, Weekdays
from retail_assets.plotting.axes import money_axis
from retail_assets.plotting.dates import date_axis
from retail_assets.plotting.labels import plain
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import BLUE, MUTED, ORANGE, PALE, PURPLE, SERIES
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import SMALL
from retail_assets.wording import sales_readings as readings
from retail_assets.wording import sales_titles as titles
from retail_assets.wording.formats import MONTHS, WEEKDAYS, plural
from retail_assets.wording.thresholds import NOISE

_DAYS_WITH_HOLIDAYS = 800
"""Days beyond which lines are thin and holidays would hide them."""
_MONTHS_AS_BARS = 24


def daily_revenue(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw revenue of every day, its seven-day mean, the days that stand out, and public holidays."""
    revenue = data.known["revenue"]
    peaks = calendar.peaks(data)
    first, last = revenue.index[0].date(), revenue.index[-1].date()
    long = len(revenue) > _DAYS_WITH_HOLIDAYS
    free_days = holidays.public_holidays(country, first, last) or {}
    lined_days = {} if long else free_days
    smoothed = len(revenue) >= 7
    closed, rejected = len(data.days_without_sale), len(data.days_rejected)
    reading = readings.daily_revenue(
        smoothed=smoothed,
        peaks=bool(peaks),
        country=plain(country or "").upper() if lined_days else None,
        rejected=rejected > 0,
    )
    gaps = readings.days_without_sale(days=closed).text if closed else ""
    sheet = Sheet(_trend_title(data, peaks, currency), reading.text, footnote(data, gaps, unknown_days(data)))
    axes = sheet.axes("y")
    marker = "o" if len(revenue) < 30 else None
    axes.plot(revenue.index, revenue, color=PALE, linewidth=0.5 if long else 1.0, marker=marker, markersize=4)
    if smoothed:
        smooth = revenue.rolling(7, center=True, min_periods=4 if rejected else 7).mean()
        axes.plot(revenue.index, smooth, color=BLUE, linewidth=1.2 if long else 2.4)
    if data.days_rejected:
        axes.plot(mdates.date2num(data.days_rejected), np.zeros(rejected), "x", color=ORANGE, markersize=5, zorder=4)
    highest = np.flatnonzero(revenue.to_numpy() == np.nanmax(revenue.to_numpy()))
    marks = [Mark(p.date, p.revenue, f"{p.ratio:.1f} × usual", p.ratio) for p in peaks]
    if not marks and len(highest) == 1:
        marks = [Mark(first + dt.timedelta(int(highest[0])), float(revenue.iloc[highest[0]]), "highest")]
    low, high = min(0.0, float(revenue.min())), max(float(revenue.max()), 1e-9)
    top = mark_days(axes, marks, free_days, (first, last), (low, high))
    holidays_at = [mdates.date2num(date) for date in lined_days]
    axes.vlines(holidays_at, low * 1.05, high, color=PURPLE, linestyle=":", linewidth=0.9, zorder=0.5)
    axes.set_ylim(low * 1.05, top)
    money_axis(axes, "y", f"revenue per day ({currency})")
    date_axis(axes, first, last)
    return sheet


def _trend_title(data: EdaData, peaks: tuple[Peak, ...], currency: str) -> str:
    trend = calendar.trend(data)
    best = max(peaks, key=lambda p: p.ratio) if peaks else None
    return titles.daily_revenue(
        average=float(data.known["revenue"].mean()),
        days=len(data.daily),
        days_without_sale=len(data.days_without_sale),
        trend=trend and trend.change,
        weeks=trend and trend.weeks,
        clear=trend is not None and trend.p < NOISE,
        peak=best and best.date,
        peak_ratio=best and best.ratio,
        currency=currency,
    ).text


def weekday_pattern(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw mean revenue per day by weekday, with the uncertainty of each mean."""
    pattern = calendar.weekdays(data)
    if pattern is None or len(data.daily) < 7:
        raise NothingToShow(f"the sales span {plural(len(data.daily), 'day')}, less than a week")
    rejected = {date.weekday() for date in data.days_rejected}
    closed = f"No sales on any {', '.join(WEEKDAYS[d] for d in pattern.closed)}." if pattern.closed else ""
    if unknown := [WEEKDAYS[d] for d in pattern.closed if d in rejected]:
        closed += f" Rows of {', '.join(unknown)} were rejected."
    reading = readings.weekdays(weeks=pattern.weeks, p=pattern.p)
    sheet = Sheet(_weekday_title(pattern), reading.text, footnote(data, closed, unknown_days(data)))
    axes = sheet.axes("y")
    colors = [(ORANGE if d in pattern.best else BLUE) if pattern.real else PALE for d in range(7)]
    bars_with_intervals(axes, list(WEEKDAYS), np.nan_to_num(pattern.mean), pattern.margin, colors)
    if pattern.average > 0:
        axes.axhline(pattern.average, color=MUTED, linestyle="--", linewidth=1)
        axes.annotate(
            "average day", (1, pattern.average), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", size=SMALL, color=MUTED,
        )  # fmt: skip
    money_axis(axes, "y", f"revenue per day ({currency})")
    return sheet


def _weekday_title(pattern: Weekdays) -> str:
    high, low = (end / pattern.average if pattern.average > 0 else None for end in pattern.ends)
    return titles.weekdays(
        best=tuple(WEEKDAYS[d] for d in pattern.best),
        worst=tuple(WEEKDAYS[d] for d in pattern.worst),
        high=high,
        low=low,
        weeks=pattern.weeks,
        tested=pattern.p is not None,
        clear=pattern.real,
        closed=bool(pattern.closed),
    ).text


def month_pattern(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw mean revenue per day by month: bars up to two years, one line per year beyond."""
    pattern = calendar.months(data)
    if pattern is None or len(pattern.whole) < 2:
        raise NothingToShow("the sales cover fewer than two whole months")
    title = _month_title(pattern, currency)
    as_bars = len(pattern.months) <= _MONTHS_AS_BARS
    reading = readings.months(p=pattern.p, weeks=pattern.weeks, whiskers=as_bars).text
    if as_bars:
        partial = tuple(m.start for m in pattern.months if not m.whole)
        extra = readings.partial_months(months=partial).text if partial else ""
        sheet = Sheet(title, reading, footnote(data, extra, unknown_days(data)))
        axes = sheet.axes("y")
        _month_bars(axes, pattern)
    else:
        sheet = Sheet(title, reading, footnote(data, "Whole months only.", unknown_days(data)))
        axes = sheet.axes("y")
        _year_lines(sheet, axes, pattern)
    money_axis(axes, "y", f"revenue per day ({currency})")
    return sheet


def _month_title(pattern: Months, currency: str) -> str:
    whole = pattern.whole
    highest = max(m.mean for m in whole)
    average = sum(m.mean * m.days for m in whole) / sum(m.days for m in whole)
    return titles.months(
        best=pattern.best,
        best_mean=highest,
        worst_mean=min(m.mean for m in whole),
        months=len(whole),
        ratio=highest / average if average > 0 else None,
        clear=pattern.real,
        currency=currency,
    ).text


def _month_bars(axes: Axes, pattern: Months) -> None:
    best = pattern.best
    colors = [(ORANGE if m.start in best and pattern.real else BLUE) if m.whole else PALE for m in pattern.months]
    margins = np.array([m.margin if m.days >= 7 else np.nan for m in pattern.months])
    means = np.array([m.mean for m in pattern.months])
    bars_with_intervals(axes, month_ticks([m.start for m in pattern.months]), means, margins, colors)


def _year_lines(sheet: Sheet, axes: Axes, pattern: Months) -> None:
    whole = pattern.whole
    years = sorted({m.start.year for m in whole})[-len(SERIES) :]
    for color, year in zip(SERIES, years, strict=False):
        of_year = [m for m in whole if m.start.year == year]
        width = 3 if year == years[-1] else 1.6
        at = [m.start.month - 1 for m in of_year]
        axes.plot(
            at, [m.mean for m in of_year], color=color, linewidth=width, marker="o", markersize=4, label=str(year)
        )
    sheet.legend(*axes.get_legend_handles_labels())
    axes.set_xticks(range(12), MONTHS)
    low, high = min(0.0, *(m.mean for m in whole)), max(1e-9, *(m.mean for m in whole))
    axes.set_ylim(low * 1.1, high * 1.12)
