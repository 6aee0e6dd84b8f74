"""The figures: one function a figure, each with a title that says what the data show.

A function returns the PNG, or raises `NothingToShow` with the reason when the data lack what it would show.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.patches import Rectangle

from retail_assets.eda import findings
from retail_assets.eda.data import EdaData
from retail_assets.eda.queries import TOP_CATEGORIES
from retail_assets.plotting.axes import date_axis, money_axis, percent_axis
from retail_assets.plotting.labels import label, plain
from retail_assets.plotting.palette import BLUE, GREEN, INK, MUTED, ORANGE, PALE, PURPLE, SERIES
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.wording import (
    MONTHS,
    WEEKDAYS,
    age_order,
    axis_number,
    change,
    compared,
    day,
    money,
    month,
    number,
    p_value,
    percent,
    plural,
    short,
)

_BELOW_AND_ABOVE = LinearSegmentedColormap.from_list("below_and_above", [BLUE, "#F7F7F7", ORANGE])


class NothingToShow(Exception):  # noqa: N818 - not an error: the data lack what the figure is about
    """Why there is no such figure of these data."""


def render_all(data: EdaData, *, currency: str, country: str | None = None) -> dict[str, bytes]:
    """PNG bytes by file stem, in the order of `FIGURES`; figures that the data cannot give are left out.

    `currency` is the unit of money as it is to be printed (such as `USD`), `country` the code whose public holidays are
    marked. The same data give the same bytes.
    """
    return _render(data, currency, country)[0]


def skipped(data: EdaData) -> dict[str, str]:
    """The figures that `render_all` leaves out, by file stem, each with its reason."""
    return _render(data, "", None, draw=False)[1]


def _render(
    data: EdaData, currency: str, country: str | None, draw: bool = True
) -> tuple[dict[str, bytes], dict[str, str]]:
    drawn: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    for stem, figure in FIGURES.items():
        try:
            if data.empty:
                raise NothingToShow("there are no sales yet")
            sheet = figure(data, currency, country)
        except NothingToShow as reason:
            reasons[stem] = str(reason)
        else:
            if draw:
                drawn[stem] = sheet.png()
    return drawn, reasons


def _footnote(data: EdaData, extra: str = "") -> str:
    o = data.overview
    if o.first_date is None or o.last_date is None:
        raise NothingToShow("there are no sales yet")
    span = day(o.first_date) if o.first_date == o.last_date else f"{day(o.first_date)} to {day(o.last_date)}"
    note = f"Source: sales, {span}: {plural(o.orders, 'order')}, {plural(o.lines, 'line')}, net of returns."
    return f"{note} {extra}".strip()


def daily_revenue(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Revenue of every day, its seven-day mean, the days that stand out, and public holidays."""
    revenue = data.daily["revenue"]
    trend, peaks = findings.trend(data), findings.peaks(data)
    average = money(float(revenue.mean()), currency)
    if len(revenue) == 1:
        title = f"One day of sales: {average}"
    elif trend is None:
        title = f"An average day brings {average}"
    elif trend.p < findings.NOISE:
        grew = "grew" if trend.slope > 0 else "fell"
        title = (
            f"Sales {grew} by about {abs(trend.change) * 100:.0f} % over {trend.weeks} weeks; a day averages {average}"
        )
    else:
        title = f"Sales show no clear trend over {trend.weeks} weeks; a day averages {average}"
    top = int(revenue.to_numpy().argmax())
    if peaks:
        best = max(peaks, key=lambda p: p.ratio)
        title += f"; {day(best.date)} stood out at {best.ratio:.1f} times its usual"
    first, last = revenue.index[0].date(), revenue.index[-1].date()
    calendar = findings.public_holidays(country, first, last)
    long = len(revenue) > 800
    reading = "Thin: revenue a day. Thick: mean of seven days round it." if len(revenue) >= 7 else "Revenue a day."
    if peaks:
        reading += " Dots: days at least 1.5 times the usual for their weekday and season."
    if calendar and not long:
        reading += f" Dotted lines: public holidays ({plain(country or '').upper()})."
    closed = int((data.daily["orders"] == 0).sum())
    sheet = Sheet(title, reading, _footnote(data, f"{plural(closed, 'day')} without a sale." if closed else ""))
    axes = sheet.axes("y")
    marker = "o" if len(revenue) < 30 else None
    axes.plot(revenue.index, revenue, color=PALE, linewidth=0.5 if long else 1.0, marker=marker, markersize=4)
    if len(revenue) >= 7:
        axes.plot(revenue.index, revenue.rolling(7, center=True).mean(), color=BLUE, linewidth=1.2 if long else 2.4)
    if calendar and not long:
        for date in calendar:
            axes.axvline(mdates.date2num(date), color=PURPLE, linestyle=":", linewidth=0.9, zorder=0.5)
    marks = [(p.date, p.revenue, f"{p.ratio:.1f} x usual") for p in peaks] or [
        (first + dt.timedelta(top), float(revenue.iloc[top]), "highest")
    ]
    low, high = min(0.0, float(revenue.min())), max(float(revenue.max()), 1e-9)
    lines = _mark(axes, marks, calendar or {}, (first, last), (low, high))
    axes.set_ylim(low * 1.05, high + (high - low) * (0.06 + 0.1 * lines))
    money_axis(axes, "y", f"revenue a day ({currency})")
    date_axis(axes, first, last)
    return sheet


def _mark(
    axes: Axes,
    marks: list[tuple[dt.date, float, str]],
    calendar: Mapping[dt.date, str],
    dates: tuple[dt.date, dt.date],
    values: tuple[float, float],
) -> int:
    """Dots, each with a text above the highest value and a line to it; texts that would touch go on lines of their own.

    Returns the number of lines of text.
    """
    first, last = dates
    span = max((last - first).days, 1)
    low, high = values
    ends: list[float] = []  # where the text in each line ends, as a share of the axis
    for date, value, note in marks:
        near = next((calendar[d] for d in (date + dt.timedelta(k) for k in range(4)) if d in calendar), None)
        if near:
            note = f"{'' if date in calendar else 'before '}{short(near, 18)}"
        shown = day(date) if span > 366 else f"{date.day} {MONTHS[date.month - 1]}"
        text = f"{shown}: {number(value)}\n{note}"
        width = 0.0085 * max(len(line) for line in text.split("\n"))
        x = (date - first).days / span
        left = min(max(x - width / 2, 0.0), 1 - width)
        line = next((i for i, end in enumerate(ends) if end < left), len(ends))
        ends[line : line + 1] = [left + width + 0.01]
        at, y = mdates.date2num(date), high + (high - low) * (0.05 + 0.1 * line)
        middle = mdates.date2num(first) + (left + width / 2) * span
        axes.plot([at, middle], [value, y], color=MUTED, linewidth=0.6, zorder=4)
        axes.plot([at], [value], "o", color=ORANGE, markersize=6, zorder=5)
        axes.text(
            middle, y, plain(text), ha="center", va="bottom", size=8.5, color=INK, linespacing=1.15, zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    return len(ends)


def revenue_by_category(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Money of each category and its share, the smallest together."""
    top, rest = data.categories[:TOP_CATEGORIES], data.categories[TOP_CATEGORIES:]
    if len(rest) == 1:
        top, rest = data.categories, ()
    bars = [(label(c.name, 26), float(c.revenue), BLUE) for c in top]
    if rest:
        bars.append((f"Other ({len(rest)} categories)", float(sum(c.revenue for c in rest)), PALE))
    total = float(data.overview.revenue)
    first = data.categories[0]
    share = findings.revenue_share(data, first)
    name = short(first.name, 40)
    if len(data.categories) == 1:
        title = f"All sales are in one category, {name}: {money(total, currency)}"
    elif share is None:
        title = f"{name} brings most, {money(float(first.revenue), currency)}; in all, returns outweigh sales"
    else:
        second = data.categories[1]
        lead = f"{percent(share)} of {money(total, currency)}"
        other = findings.revenue_share(data, second)
        title = f"{name} brings {lead}; next is {short(second.name, 30)} with {percent(other or 0.0)}"
    sheet = Sheet(title, "Revenue of the whole period by category, with its share of the total.", _footnote(data))
    axes = sheet.axes("x")
    values = [v for _, v, _ in bars]
    places = np.arange(len(bars))
    axes.barh(places, values, color=[ORANGE if v < 0 else c for _, v, c in bars], height=0.72)
    for place, value in zip(places, values, strict=True):
        text = money(value, currency) + (f"  ({percent(value / total)})" if total > 0 else "")
        axes.annotate(
            plain(text),
            (max(value, 0), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            size=9,
            color=INK,
        )
    axes.set_yticks(places, [n for n, _, _ in bars])
    axes.set_ylim(max(len(bars), 3) - 0.4, -0.6)
    high, low = max(*values, 0.0, 1e-9), min(*values, 0.0)
    axes.set_xlim(low * 1.05, high + (high - low) * 0.24)
    money_axis(axes, "x", f"revenue ({currency})")
    return sheet


def weekday_pattern(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Mean revenue a day by weekday, with the uncertainty of each mean."""
    found = findings.weekdays(data)
    if found is None or len(data.daily) < 7:
        raise NothingToShow(f"the sales span {plural(len(data.daily), 'day')}, less than a week")
    best, worst, average = found.best, found.worst, found.average
    if average <= 0:
        title = "No weekday has sales above its returns"
    elif found.p is None:
        title = f"{WEEKDAYS[best]} is highest so far, but there are too few weeks to call it a pattern"
    elif found.real:
        title = f"{WEEKDAYS[best]} brings {compared(found.mean[best] / average)} the average day"
        if worst != best:
            title += f", {WEEKDAYS[worst]} {change(found.mean[worst] / average)}"
    else:
        title = f"No weekday clearly differs: {WEEKDAYS[best]}'s lead is within what chance gives"
    reading = "Mean revenue a day."
    if found.weeks:
        reading = f"Mean revenue a day over {found.weeks} full weeks (Monday to Sunday)."
    if found.p is not None:
        reading += f" Whiskers: 95 % confidence. Friedman test over weeks: {p_value(found.p)}."
    extra = f"Never open: {', '.join(WEEKDAYS[d] for d in found.closed)}." if found.closed else ""
    sheet = Sheet(title, reading, _footnote(data, extra))
    axes = sheet.axes("y")
    colours = [(ORANGE if d == best else BLUE) if found.real else PALE for d in range(7)]
    _bars_with_margin(axes, list(WEEKDAYS), np.nan_to_num(found.mean), found.margin, colours)
    if average > 0:
        axes.axhline(average, color=MUTED, linestyle="--", linewidth=1)
        axes.annotate(
            "average day", (1, average), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            va="center", size=8.5, color=MUTED,
        )  # fmt: skip
    money_axis(axes, "y", f"revenue a day ({currency})")
    return sheet


def _bars_with_margin(
    axes: Axes, names: list[str], values: np.ndarray, margins: np.ndarray, colours: list[str]
) -> None:
    places = np.arange(len(names))
    margins = np.nan_to_num(margins)
    axes.bar(places, values, color=colours, width=0.68)
    axes.errorbar(places, values, yerr=margins, fmt="none", ecolor=INK, elinewidth=1, capsize=3)
    for place, value, margin in zip(places, values, margins, strict=True):
        axes.annotate(
            number(float(value)), (place, max(value + margin, 0)), xytext=(0, 4), textcoords="offset points",
            ha="center", va="bottom", size=9, color=INK,
        )  # fmt: skip
    axes.set_xticks(places, names)
    high = max(float(np.max(values + margins)), 1e-9)
    low = min(float(np.min(values - margins)), 0.0) if np.any(values < 0) else 0.0
    axes.set_ylim(low * 1.1, high * 1.12)


def month_pattern(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Mean revenue a day by month: bars up to two years, a line a year beyond."""
    found = findings.months(data)
    if found is None or len(found.whole) < 2:
        raise NothingToShow("the sales cover fewer than two whole months")
    whole = found.whole
    best = max(whole, key=lambda m: m.mean)
    average = sum(m.mean * m.days for m in whole) / sum(m.days for m in whole)
    if average <= 0:
        title = "No month on average has sales above its returns"
    elif found.real:
        title = f"{month(best.start)} is the strongest month: a day brings {compared(best.mean / average)} the average"
    else:
        title = f"No month clearly differs; {month(best.start)} is highest with {money(best.mean, currency)} a day"
    reading = "Mean revenue a day in each month."
    if found.p is not None:
        reading += f" Kruskal-Wallis test over weeks: {p_value(found.p)}."
    if len(found.months) <= 24:
        partial = [month(m.start) for m in found.months if not m.whole]
        extra = f"Pale: month not wholly covered ({', '.join(partial)})." if partial else ""
        sheet = Sheet(title, reading + " Whiskers: 95 % confidence.", _footnote(data, extra))
        axes = sheet.axes("y")
        colours = [(ORANGE if m == best and found.real else BLUE) if m.whole else PALE for m in found.months]
        margins = np.array([m.margin if m.days >= 7 else np.nan for m in found.months])
        means = np.array([m.mean for m in found.months])
        _bars_with_margin(axes, _month_ticks([m.start for m in found.months]), means, margins, colours)
    else:
        sheet = Sheet(title, reading + " One line a year.", _footnote(data, "Whole months only."))
        axes = sheet.axes("y")
        years = sorted({m.start.year for m in whole})[-len(SERIES) :]
        for colour, year in zip(SERIES, years, strict=False):
            part = [m for m in whole if m.start.year == year]
            width = 3 if year == years[-1] else 1.6
            at = [m.start.month - 1 for m in part]
            axes.plot(at, [m.mean for m in part], color=colour, linewidth=width, marker="o", markersize=4)
        _legend(axes, [(str(y), c) for c, y in zip(SERIES, years, strict=False)])
        axes.set_xticks(range(12), MONTHS)
        low, high = min(0.0, *(m.mean for m in whole)), max(1e-9, *(m.mean for m in whole))
        axes.set_ylim(low * 1.1, high * 1.12)
    money_axis(axes, "y", f"revenue a day ({currency})")
    return sheet


def _month_ticks(starts: list[dt.date]) -> list[str]:
    """Short names, with the year under the first month and each January."""
    return [
        f"{MONTHS[m.month - 1]}\n{m.year}" if i == 0 or m.month == 1 else MONTHS[m.month - 1]
        for i, m in enumerate(starts)
    ]


def _legend(axes: Axes, names: list[tuple[str, str]]) -> None:
    handles = [axes.plot([], [], color=c, linewidth=4, label=n)[0] for n, c in names]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), frameon=False, fontsize=9.5,
        borderaxespad=0.2, handlelength=1.2,
    )  # fmt: skip


def weekday_hour(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Heat map of mean revenue in each hour of the week."""
    timed = data.overview.timed_lines / data.overview.lines
    if timed < 0.5:
        raise NothingToShow(
            "the source has dates without a time of day"
            if timed == 0
            else f"only {percent(timed)} of the sales lines have a time of day"
        )
    days = pd.DatetimeIndex(data.daily.index).day_of_week
    count = np.array([max(int((days == d).sum()), 1) for d in range(7)])
    grid = np.zeros((7, 24))
    for weekday, hour, revenue in data.hours[["weekday", "hour_of_day", "revenue"]].itertuples(index=False):
        grid[int(weekday), int(hour)] += revenue
    grid /= count[:, None]
    row, column = divmod(int(np.argmax(grid)), 24)
    by_hour = grid.sum(axis=0)
    total = float(by_hour.sum())
    if total <= 0:
        raise NothingToShow("no hour has sales above its returns")
    # The shortest run of hours that brings half of the money.
    span, start = min(
        (n, s) for n in range(1, 25) for s in range(25 - n) if by_hour[s : s + n].sum() >= total / 2 - 1e-9
    )
    busy = (
        f"{start:02d}-{start + span:02d} h bring {by_hour[start : start + span].sum() / total * 100:.0f} % of the money"
    )
    orders = float(data.hours["orders"].mean())
    swing = findings.chance_swing(data, None, orders)
    peak = f"{WEEKDAYS[row]} {column:02d}-{column + 1:02d} h"
    # Of 168 cells the best is two to three deviations of chance above the mean even where all are alike.
    if swing is not None and grid[row, column] / grid[grid > 0].mean() - 1 > 4 * swing:
        title = f"{peak} is the busiest hour ({money(grid[row, column], currency)}); {busy}"
    else:
        title = f"{busy}; no single hour stands out by more than chance gives"
    reading = "Mean revenue in that hour of such a weekday, in shop time. Darker is more; framed: the highest."
    if swing is not None and swing > 0.05:
        reading += f" By chance alone a typical cell is off by ±{swing * 100:.0f} %."
    extra = f"{percent(1 - timed)} of the lines have no time of day and are left out." if timed < 1 else ""
    sheet = Sheet(title, reading, _footnote(data, extra))
    axes = sheet.axes()
    axes.spines[:].set_visible(False)
    sold = np.flatnonzero(by_hour != 0)
    low, high = int(sold.min()), int(sold.max())
    image = axes.imshow(
        grid[:, low : high + 1], cmap="Blues", aspect="auto", vmin=min(0.0, float(grid.min())),
        extent=(low - 0.5, high + 0.5, 6.5, -0.5),
    )  # fmt: skip
    axes.set_yticks(range(7), WEEKDAYS)
    axes.set_xticks(range(low, high + 1))
    axes.set_xlabel("hour of the day (start)", color=MUTED, size=9.5)
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2))
    bar = sheet.figure.colorbar(image, ax=axes, pad=0.015, shrink=0.9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=9)
    money_axis(bar.ax, "y", f"revenue an hour ({currency})")
    return sheet


def category_months(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Heat map of each category's months against its own average month, 100 being its average day."""
    found = findings.months(data)
    whole = [m.start for m in found.whole][-24:] if found is not None else []
    if len(whole) < 3:
        raise NothingToShow("the sales cover fewer than three whole months")
    length = np.array([pd.Timestamp(m).days_in_month for m in whole])
    names, rows, typical = [], [], []
    best, title = 0.0, "No category has a clear season: its swings are within what chance gives"
    for name, frame in data.category_months.groupby("product_category", sort=False):
        monthly = frame.set_index("month_start")[["revenue", "orders"]].reindex(whole, fill_value=0.0)
        revenue = monthly["revenue"].to_numpy()
        if revenue.sum() <= 0:
            continue
        index = revenue / length * length.sum() / revenue.sum()
        names.append(str(name))
        rows.append(index)
        swing = findings.chance_swing(data, str(name), float(monthly["orders"].mean()))
        if swing is None:
            continue
        typical.append(swing)
        top = int(index.argmax())
        # Four deviations of chance: among some 130 cells three are not rare.
        if index[top] - 1 > 4 * swing and index[top] > best:
            best = float(index[top])
            title = (
                f"{short(str(name), 36)} peaks in {month(whole[top])}: a day brings {compared(best)} its own average"
            )
    if not rows:
        raise NothingToShow("no category has sales above its returns")
    grid = np.array(rows)
    reading = "Revenue a day, 100 = the category's own average. Orange: above, blue: below."
    if typical:
        reading += f" By chance alone a typical cell is off by ±{max(float(np.median(typical)) * 100, 1):.0f}."
    sheet = Sheet(title, reading, _footnote(data, "Whole months only; categories by revenue, largest first."))
    axes = sheet.axes()
    axes.spines[:].set_visible(False)
    limit = max(0.3, min(1.0, float(np.quantile(np.abs(grid - 1), 0.97))))
    axes.imshow(
        np.clip(grid, 1 - limit, 1 + limit), cmap=_BELOW_AND_ABOVE, aspect="auto",
        norm=TwoSlopeNorm(1, 1 - limit, 1 + limit),
    )  # fmt: skip
    size = 9 if len(whole) <= 14 else 7
    for (row, column), value in np.ndenumerate(grid):
        text = f"{value * 100:,.0f}" if abs(value) < 100 else axis_number(round(value * 100))
        colour = "white" if abs(value - 1) > limit * 0.75 else INK
        axes.text(column, row, text, ha="center", va="center", size=size, color=colour)
    axes.set_yticks(range(len(names)), [label(n) for n in names])
    axes.set_xticks(range(len(whole)), _month_ticks(whole), size=9.5 if len(whole) <= 14 else 8)
    return sheet


def _known(data: EdaData, lines: int, what: str) -> None:
    if lines == 0:
        raise NothingToShow(f"the source does not know the {what} of customers")


def spend_by_gender(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Mean spending a customer on each category, by gender."""
    _known(data, data.overview.gender_lines, "gender")
    found = findings.groups(data, "gender")
    if found is None:
        raise NothingToShow(f"fewer than two genders have {findings.FEWEST_BUYERS} customers")
    contrasts = found.contrasts[:8]
    real = [c for c in contrasts if c.p_spend is not None and c.p_spend < findings.NOISE]
    if real:
        best = max(real, key=lambda c: max(c.spend.values()) - min(c.spend.values()))
        high, low = max(best.spend, key=best.spend.__getitem__), min(best.spend, key=best.spend.__getitem__)
        some, none = best.spend[high], best.spend[low]
        more = (
            f"{compared(some / none)} {low} ones" if none > 0 else f"{money(some, currency)} each, {low} ones nothing,"
        )
        title = f"{high} customers spend {more} on {short(best.category, 30)}"
    else:
        title = "Genders spend alike: no category differs by more than chance gives"
    reading = "Mean money a customer over the whole period, those who bought none included. Whiskers: 95 % confidence."
    sheet = Sheet(title, reading, _footnote(data, _group_note(data, found, data.overview.gender_lines, "gender")))
    axes = sheet.axes("y")
    places = np.arange(len(contrasts))
    width = 0.8 / len(found.members)
    for i, member in enumerate(found.members):
        at = places + (i - (len(found.members) - 1) / 2) * width
        values = np.array([c.spend[member] for c in contrasts])
        margins = np.array([c.spend_margin[member] for c in contrasts])
        axes.bar(at, values, width * 0.92, color=SERIES[i % 6])
        axes.errorbar(at, values, yerr=margins, fmt="none", ecolor=INK, elinewidth=1, capsize=2.5)
        for x, value, margin in zip(at, values, margins, strict=True):
            axes.annotate(
                number(value), (x, max(value + margin, 0)), xytext=(0, 3), textcoords="offset points", ha="center",
                size=9 if len(contrasts) <= 5 else 7.5, color=INK,
            )  # fmt: skip
    _legend(axes, [(f"{label(m)} ({found.buyers[m]:,})", SERIES[i % 6]) for i, m in enumerate(found.members)])
    axes.set_xticks(places, [label(c.category, 30 if len(contrasts) < 4 else 14) for c in contrasts])
    money_axis(axes, "y", f"spending a customer ({currency})")
    return sheet


def _group_note(data: EdaData, found: findings.Groups, lines: int, what: str) -> str:
    known = lines / data.overview.lines
    note = f"The {what} is known for {percent(known)} of the lines." if known < 1 else ""
    if found.small:
        note += f" Left out, under {findings.FEWEST_BUYERS} customers: {', '.join(short(s, 12) for s in found.small)}."
    return note.strip()


def spend_by_age(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Mean spending a customer by age group."""
    _known(data, data.overview.age_lines, "age")
    found = findings.groups(data, "age_group")
    if found is None:
        raise NothingToShow(f"fewer than two age groups have {findings.FEWEST_BUYERS} customers")
    members = sorted(found.members, key=age_order)[:12]
    spend, p = found.total.spend, found.total.p_spend
    best, worst = max(members, key=spend.__getitem__), min(members, key=spend.__getitem__)
    real = p is not None and p < findings.NOISE
    if real and spend[worst] > 0:
        title = f"Customers aged {best} spend most: {compared(spend[best] / spend[worst])} those aged {worst}"
    elif real:
        title = f"Customers aged {best} spend most: {money(spend[best], currency)} each"
    else:
        title = f"Age groups spend alike: the lead of {best} is within what chance gives"
    reading = "Mean money a customer over the whole period. Whiskers: 95 % confidence."
    if p is not None:
        reading += f" Welch's analysis of variance: {p_value(p)}."
    sheet = Sheet(title, reading, _footnote(data, _group_note(data, found, data.overview.age_lines, "age")))
    axes = sheet.axes("y")
    names = [f"{label(m, 12)}\n{plural(found.buyers[m], 'customer')}" for m in members]
    margins = np.array([found.total.spend_margin[m] for m in members])
    colours = [(ORANGE if m == best else BLUE) if real else PALE for m in members]
    _bars_with_margin(axes, names, np.array([spend[m] for m in members]), margins, colours)
    axes.set_xlabel("age group", color=MUTED, size=9.5)
    money_axis(axes, "y", f"spending a customer ({currency})")
    return sheet


def basket_size(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Distribution of the money of an order."""
    frame = data.basket_amounts
    if frame.empty:
        raise NothingToShow("no order has a positive amount")
    amounts, orders = frame["amount"].to_numpy(), frame["orders"].to_numpy()
    total = orders.sum()
    cut = float(amounts[np.searchsorted(np.cumsum(orders) / total, 0.98)])
    if amounts[-1] <= cut * 1.6:
        cut = float(amounts[-1])
    step = _round_step(cut / 30)
    edges = np.arange(0, cut + 1.5 * step, step)
    inside = amounts < edges[-1]
    heights, _ = np.histogram(amounts[inside], edges, weights=orders[inside] / total)
    # Of all orders, as in the table of statistics: the histogram alone leaves out what is not above zero.
    median = findings.quartile(data, "basket_amount", "p50") or 0.0
    mean = findings.quartile(data, "basket_amount", "mean") or 0.0
    if findings.quartile(data, "basket_amount", "minimum") == findings.quartile(data, "basket_amount", "maximum"):
        title = f"Every order brings {money(median, currency)}"
    else:
        title = f"The median order brings {money(median, currency)}, the mean {money(mean, currency)}"
    beyond = 1 - heights.sum()
    extra = f"Not shown: {percent(beyond)} of the orders, above {money(edges[-1], currency)}." if beyond > 1e-9 else ""
    positive = int(total)
    if positive < data.overview.orders:
        extra += f" {plural(data.overview.orders - positive, 'order')} of zero or negative amount: not drawn."
    lines = data.basket_lines
    reading = f"Share of orders by what they bring, in steps of {money(step, currency)}."
    if len(lines):
        at = np.searchsorted(lines["orders"].cumsum() / lines["orders"].sum(), 0.5)
        single = float(lines.loc[lines["line_count"] == 1, "orders"].sum() / lines["orders"].sum())
        reading += (
            f" The median order has {plural(lines['line_count'].iloc[at], 'line')}; {percent(single)} have just one."
        )
    sheet = Sheet(title, reading, _footnote(data, extra))
    axes = sheet.axes("y")
    axes.bar(edges[:-1], heights, width=step * 0.94, align="edge", color=BLUE)
    axes.set_ylim(0, float(heights.max()) * 1.14)
    marks = [("median", median, ORANGE)] + ([("mean", mean, GREEN)] if mean != median else [])
    marks = [m for m in marks if 0 <= m[1] <= edges[-1]]
    left = min((m[1] for m in marks), default=0.0)
    for name, at_value, colour in marks:
        axes.axvline(at_value, color=colour, linewidth=1.8)
        to_left = at_value == left and len(marks) > 1 and at_value > edges[-1] * 0.12
        axes.annotate(
            f"{name} {number(at_value)}",
            (at_value, 0.99 if name == "median" else 0.93), xycoords=("data", "axes fraction"),
            xytext=(-5 if to_left else 5, 0), textcoords="offset points", va="top", ha="right" if to_left else "left",
            size=9.5, color=colour, weight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )  # fmt: skip
    money_axis(axes, "x", f"amount of the order ({currency})", most=10)
    percent_axis(axes, "y", "share of orders")
    return sheet


def _round_step(raw: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `raw`, and no finer than a hundredth."""
    if raw <= 0.01:
        return 0.01
    power = 10.0 ** np.floor(np.log10(raw))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9)))


def product_performance(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Share of revenue against share of orders, by category."""
    shown = [c for c in data.categories[: TOP_CATEGORIES + 1] if c.revenue > 0]
    if data.overview.revenue <= 0 or not shown:
        raise NothingToShow("no category has sales above its returns")
    first = shown[0]
    frequent = max(data.categories, key=lambda c: c.orders)
    share, often = findings.revenue_share(data, first) or 0.0, findings.order_share(data, first)
    if len(data.categories) == 1:
        title = f"{short(first.name, 40)} is the only category, in all orders"
    elif frequent.orders > first.orders:
        title = (
            f"{short(first.name, 30)} earns most ({percent(share)}) but {short(frequent.name, 30)} is bought more often"
        )
        title += f" ({plural(frequent.orders, 'order')} against {first.orders:,})"
    else:
        title = (
            f"{short(first.name, 40)} earns most ({percent(share)}) and is bought most often, in {percent(often)} "
            "of orders"
        )
    reading = "How often a category is bought against what it earns. An order can hold several categories."
    left_out = len(data.categories) - len(shown)
    extra = f"The {left_out} smallest categories are not shown." if left_out else ""
    sheet = Sheet(title, reading, _footnote(data, extra))
    axes = sheet.axes("x")
    places = np.arange(len(shown))
    orders = [findings.order_share(data, c) for c in shown]
    revenue = [findings.revenue_share(data, c) or 0.0 for c in shown]
    axes.hlines(places, np.minimum(orders, revenue), np.maximum(orders, revenue), color=PALE, linewidth=2.5, zorder=2)
    axes.scatter(orders, places, s=62, color=ORANGE, zorder=3, marker="D")
    axes.scatter(revenue, places, s=75, color=BLUE, zorder=4)
    far = max(*orders, *revenue)
    for place, category, o, r in zip(places, shown, orders, revenue, strict=True):
        each = money(float(category.revenue) / max(category.orders, 1), currency)
        axes.annotate(
            plain(f"{percent(r)} of revenue, {percent(o)} of orders; {each} an order"),
            (max(o, r), place), xytext=(10, 0), textcoords="offset points", va="center", size=8.5, color=INK,
        )  # fmt: skip
    axes.set_yticks(places, [label(c.name, 26) for c in shown])
    axes.set_ylim(max(len(shown), 3) - 0.4, -0.6)
    axes.set_xlim(0, far * 1.75)
    handles = [
        axes.scatter([], [], s=75, color=BLUE, label="share of revenue"),
        axes.scatter([], [], s=62, color=ORANGE, marker="D", label="share of orders that contain it"),
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        frameon=False,
        fontsize=9.5,
        borderaxespad=0.2,
    )
    percent_axis(axes, "x", "share of revenue; share of orders")
    axes.set_xticks([t for t in axes.get_xticks() if t <= min(1.0, far * 1.25)])
    return sheet


def customer_pareto(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Cumulative share of revenue by share of customers, best first."""
    found = findings.concentration(data)
    if found is None:
        known = data.overview.customers
        raise NothingToShow(
            "the source does not know its customers" if known == 0 else f"only {plural(known, 'known customer')}"
        )
    top = found.of_best(0.2)
    title = (
        f"The best 20 % of customers bring {top * 100:.0f} % of revenue; {found.half() * 100:.0f} % bring half of it"
    )
    reading = "Customers from the best to the least. The straight line: all customers spend alike."
    extra = ""
    if found.once / found.known > 0.5:
        extra = (
            f"{percent(found.once / found.known)} of the customers ordered once: this is how orders differ, not "
            "loyalty."
        )
    if data.overview.anonymous_lines:
        extra += (
            f" Without {percent(data.overview.anonymous_lines / data.overview.lines)} of the lines, of unknown "
            "customers."
        )
    sheet = Sheet(title, reading, _footnote(data, extra.strip()))
    axes = sheet.axes("y")
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.2, linestyle="--")
    axes.fill_between(found.customers, found.revenue, found.customers, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(found.customers, found.revenue, color=BLUE, linewidth=2.6)
    for share in (0.1, 0.2, 0.5):
        value = found.of_best(share)
        axes.plot([share, share, 0], [0, value, value], color=MUTED, linewidth=0.8, linestyle=":")
        axes.plot([share], [value], "o", color=ORANGE, markersize=7, zorder=5)
        axes.annotate(
            f"best {share * 100:.0f} %: {value * 100:.0f} % of revenue", (share, value), xytext=(9, -4),
            textcoords="offset points", va="top", size=10, color=INK,
        )  # fmt: skip
    axes.set_xlim(0, 1.005)
    axes.set_ylim(0, max(1.02, float(found.revenue.max()) * 1.02))
    percent_axis(axes, "x", f"share of the {found.known:,} known customers")
    percent_axis(axes, "y", "share of their revenue")
    return sheet


FIGURES: MappingProxyType[str, Callable[[EdaData, str, str | None], Sheet]] = MappingProxyType(
    {
        "daily_revenue": daily_revenue,
        "revenue_by_category": revenue_by_category,
        "weekday_pattern": weekday_pattern,
        "month_pattern": month_pattern,
        "weekday_hour": weekday_hour,
        "category_months": category_months,
        "spend_by_gender": spend_by_gender,
        "spend_by_age": spend_by_age,
        "basket_size": basket_size,
        "product_performance": product_performance,
        "customer_pareto": customer_pareto,
    }
)
