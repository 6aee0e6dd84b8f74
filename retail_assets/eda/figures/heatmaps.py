"""Heat maps: revenue by hour of the week, and by category and month."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.patches import Rectangle

from retail_assets.eda.data import EdaData
from retail_assets.eda.figures.parts import footnote, month_ticks, unknown_days
from retail_assets.eda.findings import calendar
from retail_assets.eda.findings.products import chance_swing, dispersion
from retail_assets.plotting.axes import axis_title, money_axis
from retail_assets.plotting.color_maps import BELOW_TO_ABOVE, LITTLE_TO_MUCH, text_on
from retail_assets.plotting.labels import label
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.palette import INK, ORANGE
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS, LEAST, SMALL, TEXT
from retail_assets.wording import sales_readings as readings
from retail_assets.wording import sales_titles as titles
from retail_assets.wording.formats import WEEKDAYS, axis_number, percent
from retail_assets.wording.leading import sharing_the_lead

_BEYOND_CHANCE = 4
"""Deviations of chance from which a cell stands out: of 130 to 170 cells, some are three above the mean by chance."""
_LEAD_BEYOND_CHANCE = 2
"""Deviations of chance from which the lead of one cell over the next is more than chance."""
_MONTHS_SHOWN = 24
_FEWEST_MONTHS = 3


def weekday_hour(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw a heat map of mean revenue in each hour of the week."""
    timed = data.overview.timed_lines / data.overview.lines
    if timed < 0.5:
        raise NothingToShow(
            "the source has dates without a time of day"
            if timed == 0
            else f"only {percent(timed)} of the order lines have a time of day"
        )
    grid = _mean_by_hour(data)
    if grid.sum() <= 0:
        raise NothingToShow("no hour has sales above its returns")
    spread = _spread_of_hours(data)
    swing = chance_swing(spread, float(data.hours["revenue"].mean()))
    shown = swing if swing is not None and swing > 0.05 else None
    extra = readings.untimed(share=1 - timed).text if timed < 1 else ""
    sheet = Sheet(
        _busiest_title(data, grid, spread, currency),
        readings.hours(swing=shown).text,
        footnote(data, extra, unknown_days(data)),
    )
    axes = sheet.axes()
    axes.spines[:].set_visible(False)
    sold = np.flatnonzero(grid.sum(axis=0) != 0)
    low, high = int(sold.min()), int(sold.max())
    image = axes.imshow(
        grid[:, low : high + 1], cmap=LITTLE_TO_MUCH, aspect="auto", vmin=min(0.0, float(grid.min())),
        extent=(low - 0.5, high + 0.5, 6.5, -0.5),
    )  # fmt: skip
    axes.set_yticks(range(7), WEEKDAYS)
    axes.set_xticks(range(low, high + 1))
    axis_title(axes, "x", "start of the hour")
    row, column = divmod(int(np.argmax(grid)), 24)
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2))
    bar = sheet.figure.colorbar(image, ax=axes, pad=0.015, shrink=0.9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=SMALL, labelcolor=INK)
    money_axis(bar.ax, "y", f"revenue per hour ({currency})")
    return sheet


def _days_by_weekday(data: EdaData) -> np.ndarray:
    """The days whose sales are known, by weekday, (7,), at least one."""
    days = pd.DatetimeIndex(data.known["revenue"].dropna().index).day_of_week
    return np.array([max(int((days == d).sum()), 1) for d in range(7)])


def _spread_of_hours(data: EdaData) -> float | None:
    """How far the revenue of an hour differs between the days of its weekday."""
    hours = data.hours
    days = _days_by_weekday(data)[hours["weekday"].to_numpy(dtype=int)]
    return dispersion(hours["revenue"].to_numpy(dtype=float), hours["revenue_squared"].to_numpy(dtype=float), days)


def _mean_by_hour(data: EdaData) -> np.ndarray:
    """Mean revenue by weekday and hour, (7, 24)."""
    count = _days_by_weekday(data)
    grid = np.zeros((7, 24))
    for weekday, hour, revenue in data.hours[["weekday", "hour_of_day", "revenue"]].itertuples(index=False):
        grid[int(weekday), int(hour)] += revenue
    grid /= count[:, None]
    return grid


def _busiest_title(data: EdaData, grid: np.ndarray, spread: float | None, currency: str) -> str:
    by_hour = grid.sum(axis=0)
    total = float(by_hour.sum())
    # The shortest run of hours that brings half of the revenue; of several, the one that brings most.
    runs = [(n, s, float(by_hour[s : s + n].sum())) for n in range(1, 25) for s in range(25 - n)]
    span, start, _ = min((r for r in runs if r[2] >= total / 2 - 1e-9), key=lambda r: (r[0], -r[2], r[1]))
    row, column = divmod(int(np.argmax(grid)), 24)
    highest = float(grid[row, column])
    swing = chance_swing(spread, float(data.hours["revenue"].mean()))
    return titles.busy_hours(
        start=f"{start:02d}:00",
        end=f"{start + span:02d}:00",
        share=float(by_hour[start : start + span].sum() / total),
        weekday=WEEKDAYS[row],
        hour=f"{column:02d}:00-{column + 1:02d}:00",
        revenue=highest,
        clear=swing is not None and highest / float(grid[grid > 0].mean()) - 1 > _BEYOND_CHANCE * swing,
        alone=_leads(data, grid, spread),
        currency=currency,
    ).text


def _leads(data: EdaData, grid: np.ndarray, spread: float | None) -> bool:
    """Whether the highest cell is above the next by more than chance, as the days of both differ."""
    first, second = (int(cell) for cell in np.argsort(-grid, axis=None, kind="stable")[:2])
    if grid.flat[second] <= 0:
        return True
    if spread is None:
        return False
    days = _days_by_weekday(data)
    chance = np.sqrt(sum(spread * grid.flat[cell] / days[cell // 24] for cell in (first, second)))
    return bool(grid.flat[first] - grid.flat[second] > _LEAD_BEYOND_CHANCE * chance)


def category_months(data: EdaData, currency: str, country: str | None) -> Sheet:
    """Draw a heat map of the months of each category against its own average, 100 being its average day."""
    pattern = calendar.months(data)
    whole = [m.start for m in pattern.whole][-_MONTHS_SHOWN:] if pattern is not None else []
    if len(whole) < _FEWEST_MONTHS:
        raise NothingToShow("the sales cover fewer than three whole months")
    rows = _seasons(data, whole)
    if not rows:
        raise NothingToShow("no category has sales above its returns")
    grid = np.array([row.index for row in rows])
    named = _standing_out(rows)
    swings = [row.swing for row in ([named] if named else rows) if row.swing is not None]
    swing = max(float(np.median(swings)) * 100, 1.0) if swings else None
    reading = readings.category_months(category=named and named.category, swing=swing, months=len(whole))
    note = footnote(data, "Whole months only; categories by revenue, largest first.", unknown_days(data))
    sheet = Sheet(_season_title(named, whole), reading.text, note)
    axes = sheet.axes()
    axes.spines[:].set_visible(False)
    limit = max(0.3, min(1.0, float(np.quantile(np.abs(grid - 1), 0.97))))
    image = axes.imshow(
        np.clip(grid, 1 - limit, 1 + limit), cmap=BELOW_TO_ABOVE, aspect="auto",
        norm=TwoSlopeNorm(1, 1 - limit, 1 + limit),
    )  # fmt: skip
    size = TEXT if len(whole) <= 14 else LEAST
    for (row, column), value in np.ndenumerate(grid):
        text = axis_number(round(value * 100))
        color = text_on(image, value)
        axes.text(column, row, text, ha="center", va="center", size=size, color=color)
    axes.set_yticks(range(len(rows)), [label(row.category) for row in rows])
    axes.set_xticks(range(len(whole)), month_ticks(whole), size=AXIS if len(whole) <= 14 else LEAST)
    return sheet


@dataclass(frozen=True)
class _Season:
    """One category's revenue per day by month, relative to its average; `swing` is what chance alone gives."""

    category: str
    index: np.ndarray
    swing: float | None


def _seasons(data: EdaData, months: list[dt.date]) -> list[_Season]:
    """The seasons of the categories that have sales above their returns, largest first."""
    length = np.array([pd.Timestamp(m).days_in_month for m in months])
    length = length - [sum((d.year, d.month) == (m.year, m.month) for d in data.days_rejected) for m in months]
    rows = []
    for name, frame in data.category_months.groupby("product_category", sort=False):
        monthly = frame.set_index("month_start")[["revenue", "revenue_squared"]].reindex(months, fill_value=0.0)
        revenue, squared = (monthly[column].to_numpy(dtype=float) for column in ("revenue", "revenue_squared"))
        if revenue.sum() > 0:
            index = revenue / length * length.sum() / revenue.sum()
            swing = chance_swing(dispersion(revenue, squared, length), float(revenue.mean()))
            rows.append(_Season(str(name), index, swing))
    return rows


def _standing_out(rows: list[_Season]) -> _Season | None:
    """The category of the highest cell that stands out beyond chance, if any."""
    clear = [r for r in rows if r.swing is not None and r.index.max() - 1 > _BEYOND_CHANCE * r.swing]
    return max(clear, key=lambda r: float(r.index.max())) if clear else None


def _season_title(best: _Season | None, months: list[dt.date]) -> str:
    """Name the highest cell of the category that stands out."""
    return titles.category_season(
        category=best.category if best else None,
        best=sharing_the_lead(dict(zip(months, best.index.tolist(), strict=True))) if best else (),
        ratio=float(best.index.max()) if best else None,
    ).text
