"""What several figures have in common: the footnote, bars with their intervals, names of months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from retail_assets.eda.data import EdaData
from retail_assets.plotting.fitting import width
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import INK, ON_WHITE
from retail_assets.plotting.typography import LEAST, SMALL, TEXT
from retail_assets.wording import sales_readings as readings
from retail_assets.wording.formats import MONTHS, money

AXIS_POINTS = 620
"""Width of the one panel of a sheet, at least, in points."""


def footnote(data: EdaData, *extra: str) -> str:
    """Say what the figure is made from, followed by `extra` sentences about it; empty ones are left out."""
    o = data.overview
    if o.first_date is None or o.last_date is None:
        raise NothingToShow("there are no sales yet")
    left_out = [(name, data.landed.count(name)) for name in ("quarantined", "excluded")]
    left_out.append(("erased", data.landed.erased))
    source = readings.source(
        first_day=o.first_date,
        last_day=o.last_date,
        orders=o.orders,
        lines=o.lines,
        left_out=tuple((name, count) for name, count in left_out if count),
        landed=data.landed.total,
    )
    return " ".join(sentence for sentence in (source.text, *extra) if sentence)


def unknown_days(data: EdaData) -> str:
    """Say that days whose rows were all rejected are in no average; empty without such days."""
    count = len(data.days_rejected)
    return readings.days_rejected(days=count).text if count else ""


def bars_with_intervals(
    axes: Axes, names: list[str], values: np.ndarray, margins: np.ndarray, colors: list[str]
) -> None:
    """Draw vertical bars, each with its value and a whisker of `margins` (NaN: none) up and down.

    Where the values would touch, only the highest and the lowest are written.
    """
    places = np.arange(len(names))
    margins = np.nan_to_num(margins)
    axes.bar(places, values, color=colors, width=0.68)
    axes.errorbar(places, values, yerr=margins, fmt="none", ecolor=INK, elinewidth=1, capsize=3, zorder=2)
    write_values(axes, places, values, margins, [int(np.argmax(values)), int(np.argmin(values))])
    axes.set_xticks(places, names)
    high = max(float(np.max(values + margins)), 1e-9)
    low = min(float(np.min(values - margins)), 0.0) if np.any(values < 0) else 0.0
    axes.set_ylim(low * 1.1, high + (high - low) * 0.12)


def write_values(
    axes: Axes, places: np.ndarray, values: np.ndarray, margins: np.ndarray, else_only: Sequence[int] = ()
) -> None:
    """Write money above its bars and whiskers, as large as fits; where nothing does, that of `else_only` alone."""
    texts = [money(float(value), None) for value in values]
    spans = np.ptp(places) + 1.6 * (float(np.min(np.diff(places))) if len(places) > 1 else 1.0)
    slot = AXIS_POINTS * (float(np.min(np.diff(places))) if len(places) > 1 else 1.0) / spans
    size = next((s for s in (TEXT, SMALL, LEAST) if max(width(text, s) for text in texts) + 3 <= slot), None)
    shown = range(len(texts)) if size else sorted(set(else_only))
    if size is None and len(shown) == 2 and shown[1] - shown[0] < 3:
        shown = list(else_only)[:1]
    for at in shown:
        axes.annotate(
            texts[at], (places[at], max(values[at] + margins[at], 0)), xytext=(0, 4), textcoords="offset points",
            ha="center", va="bottom", size=size or LEAST, color=INK, bbox=ON_WHITE, zorder=4,
        )  # fmt: skip


def month_ticks(starts: list[dt.date]) -> list[str]:
    """Return short names of months, with the year below the first one and each January."""
    return [
        f"{MONTHS[m.month - 1]}\n{m.year}" if i == 0 or m.month == 1 else MONTHS[m.month - 1]
        for i, m in enumerate(starts)
    ]
