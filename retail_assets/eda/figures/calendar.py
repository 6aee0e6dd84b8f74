"""Revenue per day over time, by weekday and by month."""

from __future__ import annotations

import datetime as dt

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.marked_days import Mark, mark_days
from retail_assets.eda.figures.parts import (
    NothingToShow,
    bars_with_intervals,
    footnote,
    legend_above,
    month_ticks,
    unknown_days,
)
from retail_assets.eda.findings import calendar, holidays
from retail_assets.eda.findings.calendar import Months, Peak, Weekdays
from retail_assets.eda.findings.significance import NOISE
from retail_assets.plotting.axes import money_axis
from retail_assets.plotting.dates import date_axis
from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import BLUE, MUTED, ORANGE, PALE, PURPLE, SERIES
from retail_assets.plotting.sheet import Sheet
from retail_assets.wording.formats import (
    MONTHS,
    WEEKDAYS,
    change,
    compared,
    day,
    money,
    month,
    p_value,
    plural,
)

_DAYS_WITH_HOLIDAYS = 800
"""Days beyond which lines are thin and holidays would hide them."""
_MONTHS_AS_BARS = 24
_WHISKERS = "Whiskers: 95 % confidence interval."


def daily_revenue(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw revenue of every day, its seven-day mean, the days that stand out, and public holidays."""
    revenue = data.known["revenue"]
    peaks = calendar.peaks(data)
    first, last = revenue.index[0].date(), revenue.index[-1].date()
    long = len(revenue) > _DAYS_WITH_HOLIDAYS
    free_days = holidays.public_holidays(country, first, last) or {}
    lined_days = {} if long else free_days
    smoothed = len(revenue) >= 7
    reading = "Revenue per day."
    if smoothed:
        reading = "Thin line: revenue per day. Thick line: mean of the seven days around each day."
    if peaks:
        reading += " Dots: days of at least 1.5 times the usual revenue of that weekday in the weeks around."
    if lined_days:
        reading += f" Dotted lines: public holidays ({plain(country or '').upper()})."
    if data.days_rejected:
        reading += " Crosses: days without a sale of which rows were rejected."
    closed, rejected = len(data.days_without_sale), len(data.days_rejected)
    gaps = [f"{plural(closed, 'day')} without a sale."] if closed else []
    gaps += [unknown_days(data)] if rejected else []
    sheet = Sheet(_trend_title(data, peaks, currency), reading, footnote(data, " ".join(gaps)))
    axes = sheet.axes("y")
    marker = "o" if len(revenue) < 30 else None
    axes.plot(revenue.index, revenue, color=PALE, linewidth=0.5 if long else 1.0, marker=marker, markersize=4)
    if smoothed:
        smooth = revenue.rolling(7, center=True, min_periods=4 if rejected else 7).mean()
        axes.plot(revenue.index, smooth, color=BLUE, linewidth=1.2 if long else 2.4)
    if data.days_rejected:
        axes.plot(mdates.date2num(data.days_rejected), np.zeros(rejected), "x", color=ORANGE, markersize=5, zorder=4)
    highest = int(np.nanargmax(revenue.to_numpy()))
    marks = [Mark(p.date, p.revenue, f"{p.ratio:.1f} × usual", p.ratio) for p in peaks] or [
        Mark(first + dt.timedelta(highest), float(revenue.iloc[highest]), "highest")
    ]
    low, high = min(0.0, float(revenue.min())), max(float(revenue.max()), 1e-9)
    top = mark_days(axes, marks, free_days, (first, last), (low, high))
    holidays_at = [mdates.date2num(date) for date in lined_days]
    axes.vlines(holidays_at, low * 1.05, high, color=PURPLE, linestyle=":", linewidth=0.9, zorder=0.5)
    axes.set_ylim(low * 1.05, top)
    money_axis(axes, "y", f"revenue per day ({currency})")
    date_axis(axes, first, last)
    return sheet


def _trend_title(data: EdaData, peaks: tuple[Peak, ...], currency: str) -> str:
    average = money(float(data.known["revenue"].mean()), currency)
    trend = calendar.trend(data)
    if len(data.daily) == 1:
        title = f"One day of sales: {average}"
    elif trend is None:
        title = f"The average day brings {average}"
    elif trend.p < NOISE:
        direction = "grew" if trend.slope > 0 else "fell"
        size = f"{abs(trend.change) * 100:.0f} % over {trend.weeks} weeks"
        title = f"Sales {direction} by about {size}; the average day brings {average}"
    else:
        title = f"Sales show no clear trend over {trend.weeks} weeks; the average day brings {average}"
    if peaks:
        best = max(peaks, key=lambda p: p.ratio)
        title += f"; {day(best.date)} brought {best.ratio:.1f} times the usual"
    return title


def weekday_pattern(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw mean revenue per day by weekday, with the uncertainty of each mean."""
    pattern = calendar.weekdays(data)
    if pattern is None or len(data.daily) < 7:
        raise NothingToShow(f"the sales span {plural(len(data.daily), 'day')}, less than a week")
    reading = "Mean revenue per day."
    if pattern.weeks:
        reading = f"Mean revenue per day over {pattern.weeks} full weeks (Monday to Sunday)."
    if pattern.p is not None:
        reading += f" {_WHISKERS} Friedman test over weeks: {p_value(pattern.p)}."
    rejected = {date.weekday() for date in data.days_rejected}
    closed = f"No sales on any {', '.join(WEEKDAYS[d] for d in pattern.closed)}." if pattern.closed else ""
    if unknown := [WEEKDAYS[d] for d in pattern.closed if d in rejected]:
        closed += f" Rows of {', '.join(unknown)} were rejected."
    if data.days_rejected:
        closed = f"{closed} {unknown_days(data)}".strip()
    sheet = Sheet(_weekday_title(pattern), reading, footnote(data, closed))
    axes = sheet.axes("y")
    colors = [(ORANGE if d == pattern.best else BLUE) if pattern.real else PALE for d in range(7)]
    bars_with_intervals(axes, list(WEEKDAYS), np.nan_to_num(pattern.mean), pattern.margin, colors)
    if pattern.average > 0:
        axes.axhline(pattern.average, color=MUTED, linestyle="--", linewidth=1)
        axes.annotate(
            "average day", (1, pattern.average), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", size=8.5, color=MUTED,
        )  # fmt: skip
    money_axis(axes, "y", f"revenue per day ({currency})")
    return sheet


def _weekday_title(pattern: Weekdays) -> str:
    best, worst, average = pattern.best, pattern.worst, pattern.average
    if average <= 0:
        return "The average weekday brings nothing once returns are deducted"
    if pattern.p is None:
        return f"{WEEKDAYS[best]} is the strongest day so far, but the weeks are too few to call it a pattern"
    if not pattern.real:
        return f"No weekday clearly differs; the lead of {WEEKDAYS[best]} may be chance"
    title = f"{WEEKDAYS[best]} brings {compared(pattern.mean[best] / average)} the average day"
    return title if worst == best else f"{title}, {WEEKDAYS[worst]} {change(pattern.mean[worst] / average)}"


def month_pattern(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw mean revenue per day by month: bars up to two years, one line per year beyond."""
    pattern = calendar.months(data)
    if pattern is None or len(pattern.whole) < 2:
        raise NothingToShow("the sales cover fewer than two whole months")
    title = _month_title(pattern, currency)
    reading = "Mean revenue per day in each month."
    if pattern.p is not None:
        reading += f" Kruskal-Wallis test over weeks: {p_value(pattern.p)}."
    if len(pattern.months) <= _MONTHS_AS_BARS:
        partial = ", ".join(month(m.start) for m in pattern.months if not m.whole)
        extra = f"Pale: only part of the month is in the data ({partial})." if partial else ""
        extra = f"{extra} {unknown_days(data)}".strip()
        sheet = Sheet(title, f"{reading} {_WHISKERS}", footnote(data, extra))
        axes = sheet.axes("y")
        _month_bars(axes, pattern)
    else:
        note = f"Whole months only. {unknown_days(data)}".strip()
        sheet = Sheet(title, f"{reading} One line per year.", footnote(data, note))
        axes = sheet.axes("y")
        _year_lines(axes, pattern)
    money_axis(axes, "y", f"revenue per day ({currency})")
    return sheet


def _month_title(pattern: Months, currency: str) -> str:
    whole = pattern.whole
    best = max(whole, key=lambda m: m.mean)
    average = sum(m.mean * m.days for m in whole) / sum(m.days for m in whole)
    if average <= 0:
        return "The average month brings nothing once returns are deducted"
    if pattern.real:
        return f"{month(best.start)} is the strongest month: its days bring {compared(best.mean / average)} the average"
    return f"No month clearly differs; {month(best.start)} is highest with {money(best.mean, currency)} per day"


def _month_bars(axes: Axes, pattern: Months) -> None:
    best = max(pattern.whole, key=lambda m: m.mean)
    colors = [(ORANGE if m == best and pattern.real else BLUE) if m.whole else PALE for m in pattern.months]
    margins = np.array([m.margin if m.days >= 7 else np.nan for m in pattern.months])
    means = np.array([m.mean for m in pattern.months])
    bars_with_intervals(axes, month_ticks([m.start for m in pattern.months]), means, margins, colors)


def _year_lines(axes: Axes, pattern: Months) -> None:
    whole = pattern.whole
    years = sorted({m.start.year for m in whole})[-len(SERIES) :]
    for color, year in zip(SERIES, years, strict=False):
        of_year = [m for m in whole if m.start.year == year]
        width = 3 if year == years[-1] else 1.6
        at = [m.start.month - 1 for m in of_year]
        axes.plot(at, [m.mean for m in of_year], color=color, linewidth=width, marker="o", markersize=4)
    legend_above(axes, [(str(y), c) for c, y in zip(SERIES, years, strict=False)])
    axes.set_xticks(range(12), MONTHS)
    low, high = min(0.0, *(m.mean for m in whole)), max(1e-9, *(m.mean for m in whole))
    axes.set_ylim(low * 1.1, high * 1.12)
