"""What is expected next, in total and by category, with prediction intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retail_assets.forecasting.data.grain import unit_of
from retail_assets.forecasting.data.series import TOTAL, DailySales, by_grain, daily_sales, to_date
from retail_assets.forecasting.figures.parts import capitalized, revenue_axis
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.wording import in_words
from retail_assets.plotting import palette
from retail_assets.plotting.axes import number_ticks
from retail_assets.plotting.dates import date_ticks
from retail_assets.plotting.fitting import name_within, width
from retail_assets.plotting.image import png
from retail_assets.plotting.panels import grid_of_panels, headline, one_panel
from retail_assets.wording.formats import compared, money, percent, plural, short, span

STEPS_OF_ACTUALS = 56
MOST_PANELS = 12
_COLUMNS = 3
_PANEL_POINTS = 220
FIGURES = ("forecast_total.png", "forecast_categories.png")


def draw_figures(
    history: pd.DataFrame, table: pa.Table, report: dict[str, Any], *, currency: str = ""
) -> dict[str, bytes]:
    """Draw `FIGURES` as PNG by file name; none for an empty forecast.

    `history` is what the forecast `table` was made from, `report` that of the training behind it; `currency` (such as
    `USD`) labels the axis. Raises ValueError for a forecast of an empty history.
    """
    if not table.num_rows:
        return {}
    sales = daily_sales(history)
    if sales is None:
        raise ValueError("history is empty, but there is a forecast of it")
    frame = table.to_pandas()
    actual = by_grain(np.where(sales.unknown, np.nan, sales.revenue), sales.grain)
    return {
        "forecast_total.png": png(_total(sales, actual, frame, report, currency)),
        "forecast_categories.png": png(_categories(sales, actual, frame, currency)),
    }


def _dates(sales: DailySales) -> np.ndarray:
    """The dates of the actuals that are drawn: all days, or the last days of the weeks."""
    return sales.days[sales.grain - 1 :: sales.grain]


def _fan(axes: Axes, days: np.ndarray, past: np.ndarray, future: pd.DataFrame, weight: float = 1.0) -> None:
    """Draw the sales of the last 56 days or weeks, then the forecast with its intervals, and last week repeated."""
    ahead = future["forecast_date"].to_numpy().astype("datetime64[D]")
    shown = slice(-STEPS_OF_ACTUALS, None)
    color = palette.FORECAST
    for low, high, alpha, name in (
        ("p025", "p975", palette.OUTER_BAND, "95 % prediction interval"),
        ("p10", "p90", palette.INNER_BAND, "80 % prediction interval"),
    ):
        axes.fill_between(ahead, future[low], future[high], color=color, alpha=alpha, lw=0, label=name)
    axes.plot(days[shown], past[shown], color=palette.ACTUAL, lw=1.5 * weight, marker=".", ms=4 * weight, label="sales")
    naive = future["seasonal_naive"]
    axes.plot(ahead, naive, color=palette.BASELINE, lw=1.2 * weight, ls="--", label="last week repeated")
    axes.plot(ahead, future["mean"], color=color, lw=1.9 * weight, marker=".", ms=4 * weight, label="forecast")
    lowest = min(np.nanmin(past[shown], initial=0.0), float(future[["p025", "mean"]].to_numpy().min()))
    axes.set_ylim(bottom=None if lowest < 0 else 0)
    number_ticks(axes, "y")


def _total(sales: DailySales, actual: np.ndarray, frame: pd.DataFrame, report: dict[str, Any], currency: str) -> Figure:
    figure, axes = one_panel(10, 4.8)
    future = frame[frame["product_category"] == TOTAL]
    past = actual.sum(axis=0)
    unit = unit_of(sales.grain)
    _fan(axes, _dates(sales), past, future)
    axes.axvline(sales.days[-1] + np.timedelta64(12, "h"), color=palette.ACTUAL, lw=0.8, ls=":")
    date_ticks(axes)
    revenue_axis(axes, currency, unit)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=5, fontsize=9)
    title = _total_title(past, future, currency, bool(report["evaluated"]), sales.grain)
    headline(figure, title, _evidence(report, unit))
    return figure


def _total_title(past: np.ndarray, future: pd.DataFrame, currency: str, measured: bool, grain: int) -> str:
    """What is expected; for a forecast that no backtest has measured, only what it is."""
    days = future["forecast_date"].to_numpy().astype("datetime64[D]")
    when = span(to_date(days[0] - (grain - 1)), to_date(days[-1]))
    if not measured:
        return f"Fallback rules carried on from {when}: the accuracy of this forecast is not known"
    title = f"{money(float(future['mean'].sum()), currency)} expected from {when}"
    change = _against_before(past, future["mean"].to_numpy(), unit_of(grain))
    return f"{title}{change}"


def _against_before(past: np.ndarray, expected: np.ndarray, unit: str) -> str:
    """Compare what is expected with as many days before; per open day where the shop was closed on more of either."""
    before, horizon = past[-len(expected) :], len(expected)
    if len(before) < horizon or not np.nansum(before) > 0:
        return ""
    open_before, open_ahead = int((~np.isnan(before)).sum()), int((expected > 0).sum())
    if open_before == open_ahead:
        return f", {compared(expected.sum() / np.nansum(before))} in the {horizon} {unit}s before"
    ratio = (expected.sum() / max(open_ahead, 1)) / np.nanmean(before)
    unsold = f"{plural(horizon - open_before, unit)} of them without sales"
    return f"; per open {unit} {compared(ratio)} in the {horizon} {unit}s before ({unsold})"


def _evidence(report: dict[str, Any], unit: str) -> str:
    if not report["evaluated"]:
        return "The history is too short or too sparse to train and test a model."
    measured = report["models"][report["champion"]]
    model = capitalized(in_words(report["champion"])) + (
        " (no model was better)" if report["champion"] in BASELINE_NAMES else ""
    )
    results = []
    if measured["total_wape"] is not None:
        results.append(
            f"{'daily' if unit == 'day' else 'weekly'} totals missed by {percent(measured['total_wape'], 0)}"
        )
    if measured.get("total_coverage80") is not None:
        results.append(f"the 80 % interval covered {percent(measured['total_coverage80'], 0)} of {unit}s")
    return f"{model}. Backtest: {'; '.join(results)}." if results else f"{model}."


def _categories(sales: DailySales, actual: np.ndarray, frame: pd.DataFrame, currency: str) -> Figure:
    """Draw one fan per category, the largest first."""
    expected = frame[frame["product_category"] != TOTAL].groupby("product_category")["mean"].sum()
    ordered = sorted(expected.index, key=lambda name: (-expected[name], name))
    shown = ordered[:MOST_PANELS]
    rows = -(-len(shown) // _COLUMNS)
    figure, panels = grid_of_panels(rows, min(len(shown), _COLUMNS), 12, 1.4 + 2.1 * rows)
    for axes, name in zip(panels, shown, strict=False):
        future = frame[frame["product_category"] == name]
        _fan(axes, _dates(sales), actual[sales.categories.index(name)], future, weight=0.75)
        date_ticks(axes, most=5)
        axes.tick_params(labelsize=8)
        rule = _fallback(future)
        title = name_within(name, _PANEL_POINTS - width(rule, 9.5), 9.5)
        axes.set_title(title + rule, loc="left", fontsize=9.5)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=5, fontsize=9)
    total = float(expected.sum())
    per = unit_of(sales.grain)
    finding = f"Expected revenue per {per}, with prediction intervals"
    if total > 0 and len(shown) > 1:
        largest = short(shown[0], 28, keep_end=False)
        finding = f"{largest} is expected to bring {percent(expected[shown[0]] / total, 0)} of revenue"
    rest = f"; the {MOST_PANELS} largest of {len(ordered)} categories" if len(ordered) > MOST_PANELS else ""
    unit = f" ({currency})" if currency else ""
    headline(figure, finding, f"Revenue per {per}{unit}, each panel on its own scale{rest}.")
    return figure


def _fallback(future: pd.DataFrame) -> str:
    """The rule that forecasts a category in place of a model, for its title."""
    rule, colon, _ = str(future["method"].iloc[0]).partition(":")
    return f"  ({rule.replace('_', ' ')})" if colon else ""
