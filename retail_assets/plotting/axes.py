"""Axes: frame and grid, and ticks for money, numbers, percent and dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator

from retail_assets.plotting.labels import plain
from retail_assets.plotting.palette import FAINT, INK, MUTED, PALE, PANEL_GRID
from retail_assets.wording.formats import MONTHS, WEEKDAYS, axis_number

Grid = Literal["x", "y", "both", ""]
Which = Literal["x", "y"]

_LABEL_SIZE = 9.5
_ROUND_STEPS = [1, 2, 2.5, 5, 10]


def style_axes(axes: Axes, grid: Grid, *, hidden: Iterable[str] = ("top", "right"), tick_size: float = 9.5) -> None:
    """Style the axes of a sheet: pale frame without the `hidden` sides, no tick marks, grid lines where asked for."""
    axes.spines[list(hidden)].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(PALE)
    axes.tick_params(length=0, labelsize=tick_size, labelcolor=INK)
    if grid:
        axes.grid(axis=grid, color=FAINT, linewidth=0.7)
        axes.set_axisbelow(True)


def style_panel(axes: Axes) -> None:
    """Style one panel of a forecast: open at the top and right, grid lines both ways."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color=PANEL_GRID, lw=0.7)
    axes.set_axisbelow(True)


def axis_title(axes: Axes, which: Which, title: str) -> None:
    """Write what an axis shows: a quantity and its unit."""
    _axis(axes, which).set_label_text(plain(title), color=MUTED, size=_LABEL_SIZE)


def money_axis(axes: Axes, which: Which, title: str, most: int = 6) -> None:
    """Round ticks such as `12 k`, `most` of them; the title names the quantity and its currency."""
    axis = _axis(axes, which)
    axis.set_major_formatter(FuncFormatter(lambda value, _: axis_number(value)))
    axis.set_major_locator(MaxNLocator(most, steps=_ROUND_STEPS))
    axis_title(axes, which, title)


def percent_axis(axes: Axes, which: Which, title: str) -> None:
    """Round ticks such as `20 %` for values from 0 to 1."""
    percent_ticks(axes, which)
    _axis(axes, which).set_major_locator(MaxNLocator(6, steps=_ROUND_STEPS))
    axis_title(axes, which, title)


def number_ticks(axes: Axes, which: Which = "y") -> None:
    """Write ticks as whole numbers with thousands: `12,000`."""
    _axis(axes, which).set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def percent_ticks(axes: Axes, which: Which = "y") -> None:
    """Write ticks of values from 0 to 1 as percent: `20 %`, `2.5 %`."""
    _axis(axes, which).set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.10g} %"))


def date_ticks(axes: Axes, least: int = 3, most: int = 12, *, year_size: float | None = None) -> None:
    """Put `least` to `most` ticks at round places of the calendar; `year_size` is the type size of the year."""
    locator = mdates.AutoDateLocator(minticks=least, maxticks=most)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    if year_size is not None:
        axes.xaxis.get_offset_text().set_fontsize(year_size)


def date_axis(axes: Axes, first: dt.date, last: dt.date) -> None:
    """Set date ticks from `first` to `last`; up to two weeks are written as weekday and day."""
    span = (last - first).days
    if span <= 14:
        axes.xaxis.set_major_locator(mdates.DayLocator(interval=1 if span <= 7 else 2))
        axes.xaxis.set_major_formatter(FuncFormatter(_weekday_and_day))
    else:
        date_ticks(axes, least=4, most=13)
    pad = max(span * 0.01, 0.5)
    axes.set_xlim(mdates.date2num(first) - pad, mdates.date2num(last) + pad)


def _axis(axes: Axes, which: Which) -> Axis:
    return axes.yaxis if which == "y" else axes.xaxis


def _weekday_and_day(at: float, _: int | None = None) -> str:
    date = mdates.num2date(at)
    return f"{WEEKDAYS[date.weekday()][:3]} {date.day} {MONTHS[date.month - 1]}"
