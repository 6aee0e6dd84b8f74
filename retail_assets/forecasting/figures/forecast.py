"""Pictures of a forecast: what is expected next, by category and in all, and between what and what.

The title of a figure states what it shows. What the models were worth on days they had not seen is drawn in
`backtest_figures`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure

from retail_assets.forecasting.data.series import TOTAL, DailySales, closed_days, daily_sales, to_date
from retail_assets.forecasting.models.wording import in_words
from retail_assets.plotting import palette
from retail_assets.plotting.axes import date_ticks, number_ticks
from retail_assets.plotting.image import png
from retail_assets.plotting.labels import label
from retail_assets.plotting.panels import grid_of_panels, headline, one_panel
from retail_assets.plotting.wording import short

DAYS_OF_ACTUALS = 56
MOST_PANELS = 12
_COLUMNS = 3
NAMES = ("forecast_total.png", "forecast_categories.png")


def figures(history: pd.DataFrame, table: pa.Table, report: dict[str, Any], *, currency: str = "") -> dict[str, bytes]:
    """PNG by file name, for a forecast that holds anything: `forecast_total.png` and `forecast_categories.png`.

    `history` is what the forecast `table` was made from, `report` that of the training behind it; `currency` (as `USD`)
    labels the axis.
    """
    if not table.num_rows:
        return {}
    sales = daily_sales(history)
    if sales is None:
        raise ValueError("history is empty, yet there is a forecast of it")
    frame = table.to_pandas()
    actual = np.where(closed_days(sales.traded, sales.orders), np.nan, sales.revenue)
    return {
        "forecast_total.png": png(_total(sales, actual, frame, report, currency)),
        "forecast_categories.png": png(_categories(sales, actual, frame, currency)),
    }


def _fan(axes: Any, days: np.ndarray, past: np.ndarray, future: pd.DataFrame, weight: float = 1.0) -> None:
    """Sales of the last 8 weeks, then the forecast with its 80 and 95 % intervals, and seasonal naive beside it."""
    ahead = future["forecast_date"].to_numpy().astype("datetime64[D]")
    shown = slice(-DAYS_OF_ACTUALS, None)
    outer, inner = palette.OUTER_BAND, palette.INNER_BAND
    color = palette.FORECAST
    axes.fill_between(ahead, future["p025"], future["p975"], color=color, alpha=outer, lw=0, label="95 % interval")
    axes.fill_between(ahead, future["p10"], future["p90"], color=color, alpha=inner, lw=0, label="80 % interval")
    axes.plot(days[shown], past[shown], color=palette.ACTUAL, lw=1.5 * weight, marker=".", ms=4 * weight, label="sales")
    axes.plot(ahead, future["seasonal_naive"], color=palette.BASELINE, lw=1.2 * weight, ls="--", label="seasonal naive")
    axes.plot(ahead, future["mean"], color=color, lw=1.9 * weight, marker=".", ms=4 * weight, label="forecast")
    lowest = min(np.nanmin(past[shown], initial=0.0), float(future[["p025", "mean"]].to_numpy().min()))
    axes.set_ylim(bottom=None if lowest < 0 else 0)
    number_ticks(axes)


def _total(sales: DailySales, actual: np.ndarray, frame: pd.DataFrame, report: dict[str, Any], currency: str) -> Figure:
    figure, axes = one_panel(10, 4.8)
    future = frame[frame["product_category"] == TOTAL]
    past = actual.sum(axis=0)
    _fan(axes, sales.days, past, future)
    axes.axvline(sales.days[-1] + np.timedelta64(12, "h"), color=palette.ACTUAL, lw=0.8, ls=":")
    date_ticks(axes, year_size=8)
    axes.set_ylabel(f"revenue a day{f', {currency}' if currency else ''}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=5, fontsize=9)
    days = future["forecast_date"].to_numpy().astype("datetime64[D]")
    span = f"{to_date(days[0]):%-d %b} to {to_date(days[-1]):%-d %b %Y}"
    measured = bool(report["evaluated"])
    finding = _finding(past, float(future["mean"].sum()), span, len(future), currency, measured)
    headline(figure, finding, _evidence(report), axes)
    return figure


def _finding(past: np.ndarray, expected: float, span: str, horizon: int, currency: str, measured: bool) -> str:
    """The finding; where no backtest stands behind the forecast, only what the picture shows."""
    if not measured:
        return f"Simple rules carried on, {span}: not a measured forecast"
    money = f"{currency} {expected:,.0f}".strip()
    before = float(np.nansum(past[-horizon:]))
    if len(past) < horizon or before <= 0:
        return f"{money} expected from {span}"
    change = 100 * (expected / before - 1)
    if abs(change) < 0.5:
        return f"{money} expected from {span}, about as much as in the {horizon} days before"
    more = "more" if change > 0 else "less"
    return f"{money} expected from {span}, {abs(change):,.0f} % {more} than in the {horizon} days before"


def _evidence(report: dict[str, Any]) -> str:
    if not report["evaluated"]:
        return "Simple rules; the history is too short or too sparse to measure a model's skill."
    measured = report["models"][report["champion"]]
    error = "" if measured["total_wape"] is None else f"; off by {100 * measured['total_wape']:.0f} % of a day's total"
    covered = measured.get("total_coverage80")
    held = "" if covered is None else f", and its 80 % interval held {100 * covered:.0f} % of days"
    said = in_words(report["champion"]) + ("" if report["has_skill"] else " (no model was better)")
    return f"Forecast by {said}{error}{held} in the backtest." if error or held else f"Forecast by {said}."


def _categories(sales: DailySales, actual: np.ndarray, frame: pd.DataFrame, currency: str) -> Figure:
    """A fan a category, the largest first."""
    expected = frame[frame["product_category"] != TOTAL].groupby("product_category")["mean"].sum()
    ordered = sorted(expected.index, key=lambda name: (-expected[name], name))
    shown = ordered[:MOST_PANELS]
    rows = -(-len(shown) // _COLUMNS)
    figure, panels = grid_of_panels(rows, min(len(shown), _COLUMNS), 12, 1.4 + 2.1 * rows)
    for axes, name in zip(panels, shown, strict=False):
        future = frame[frame["product_category"] == name]
        at = sales.categories.index(name)
        _fan(axes, sales.days, actual[at], future, weight=0.75)
        date_ticks(axes, most=5, year_size=8)
        axes.tick_params(labelsize=8)
        method = str(future["method"].iloc[0])
        how = f"  ({method.partition(':')[0].replace('_', ' ')})" if ":" in method else ""
        axes.set_title(label(name, 28, keep_end=False) + how, loc="left", fontsize=9.5)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=5, fontsize=9)
    whole = float(expected.sum())
    finding = "What is expected, and between what and what"
    if whole > 0 and len(shown) > 1:
        largest = short(shown[0], 28, keep_end=False)
        finding = f"{largest} is expected to bring {100 * expected[shown[0]] / whole:.0f} % of revenue"
    rest = f"; the {MOST_PANELS} largest of {len(ordered)} categories" if len(ordered) > MOST_PANELS else ""
    unit = f", {currency}" if currency else ""
    headline(figure, finding, f"Revenue a day{unit}, each on its own scale{rest}.")
    return figure
