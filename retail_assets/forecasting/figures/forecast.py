"""What is expected next, in total and by category, with prediction intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes

from retail_assets.forecasting.data.calendar import forecast_calendar
from retail_assets.forecasting.data.grain import unit_of
from retail_assets.forecasting.data.series import TOTAL, DailySales, by_grain, daily_sales, days_after, to_date
from retail_assets.forecasting.evaluation import comparison
from retail_assets.forecasting.figures.parts import revenue_axis, source
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.plotting import palette
from retail_assets.plotting.axes import number_ticks
from retail_assets.plotting.dates import date_ticks
from retail_assets.plotting.fitting import name_within, width
from retail_assets.plotting.left_out import Figures, draw_each, none_of
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS
from retail_assets.wording import forecast_titles as wording
from retail_assets.wording.forecast_models import in_short, in_words

STEPS_OF_ACTUALS = 56
MOST_PANELS = 12
_COLUMNS = 3
_PANEL_POINTS = 185
FIGURES = ("forecast_total.png", "forecast_categories.png")


def draw_figures(history: pd.DataFrame, table: pa.Table, report: dict[str, Any], *, currency: str = "") -> Figures:
    """Draw `FIGURES` as PNG by file name; none for an empty forecast.

    `history` is what the forecast `table` was made from, `report` that of the training behind it; `currency` (such as
    `USD`) labels the axis. Raises ValueError for a forecast of an empty history.
    """
    if not table.num_rows:
        return none_of(FIGURES, "there is no forecast")
    sales = daily_sales(history)
    if sales is None:
        raise ValueError("history is empty, but there is a forecast of it")
    frame = table.to_pandas()
    actual = by_grain(np.where(sales.unknown, np.nan, sales.revenue), sales.grain)
    return draw_each(
        {
            "forecast_total.png": lambda: _total(sales, actual, frame, report, currency).png(),
            "forecast_categories.png": lambda: _categories(sales, actual, frame, currency).png(),
        }
    )


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
    axes.plot(days[shown], past[shown], color=palette.SALES, lw=1.5 * weight, marker=".", ms=4 * weight, label="sales")
    naive = future["seasonal_naive"]
    axes.plot(ahead, naive, color=palette.BASELINE, lw=1.2 * weight, ls="--", label="last week repeated")
    axes.plot(ahead, future["mean"], color=color, lw=1.9 * weight, marker=".", ms=4 * weight, label="forecast")
    lowest = min(np.nanmin(past[shown], initial=0.0), float(future[["p025", "mean"]].to_numpy().min()))
    axes.set_ylim(bottom=None if lowest < 0 else 0)
    number_ticks(axes, "y")


def _total(sales: DailySales, actual: np.ndarray, frame: pd.DataFrame, report: dict[str, Any], currency: str) -> Sheet:
    future = frame[frame["product_category"] == TOTAL]
    past = actual.sum(axis=0)
    unit = unit_of(sales.grain)
    title = _total_title(sales, past, future, currency, report)
    sheet = Sheet(title, _evidence(report, unit), _source(sales))
    axes = sheet.axes("y")
    _fan(axes, _dates(sales), past, future)
    axes.axvline(sales.days[-1] + np.timedelta64(12, "h"), color=palette.MUTED, lw=0.8, ls=":")
    date_ticks(axes)
    revenue_axis(axes, currency, unit)
    sheet.legend(*axes.get_legend_handles_labels())
    return sheet


def _source(sales: DailySales) -> str:
    return source(to_date(sales.days[0]), to_date(sales.days[-1]))


def _total_title(
    sales: DailySales, past: np.ndarray, future: pd.DataFrame, currency: str, report: dict[str, Any]
) -> str:
    """What is expected; for a forecast that no backtest has measured, only what it is."""
    days = future["forecast_date"].to_numpy().astype("datetime64[D]")
    first, last = to_date(days[0] - (sales.grain - 1)), to_date(days[-1])
    if not report["evaluated"]:
        return str(wording.total_unmeasured(first_day=first, last_day=last))
    expected = future["mean"].to_numpy()
    compared: dict[str, Any] = {"ratio": None, "to_year_before": False, "closed_then": None}
    orders = 0.0
    names: tuple[list[str], list[str]] = ([], [])
    year = comparison.year_before(sales, first, last)
    if year is not None and year.total > 0:
        holidays = forecast_calendar(report["country"], sales, len(expected) * sales.grain)
        names = comparison.only_in(holidays, first, last, year)
        compared = _ratio(expected, year.total, year.open_days, sales.grain) | {"to_year_before": True}
        orders = _orders(sales, days_after(sales.days[0], year.first), days_after(sales.days[0], year.last) + 1)
    elif len(past) >= len(expected) and np.nansum(past[-len(expected) :]) > 0:
        before = past[-len(expected) :]
        open_days = int((~np.isnan(before)).sum())
        compared |= _ratio(expected, float(np.nansum(before)), open_days * sales.grain, sales.grain)
        orders = _orders(sales, len(sales.days) - len(expected) * sales.grain, len(sales.days))
    return str(
        wording.total(
            expected=round(float(expected.sum()), 2),
            first_day=first,
            last_day=last,
            currency=currency,
            unit=unit_of(sales.grain),
            steps=len(expected),
            only_now=names[0],
            only_then=names[1],
            within_chance=compared["ratio"] is not None and _within_chance(compared["ratio"], orders),
            **compared,
        )
    )


def _orders(sales: DailySales, start: int, end: int) -> float:
    """The orders of some days: those of each day's largest category."""
    return float(sales.orders[start:end].sum()) / sales.grain


def _within_chance(ratio: float, orders: float) -> bool:
    """Whether a ratio to what so many orders brought is within two standard errors of 1, were they all alike."""
    return abs(ratio - 1.0) <= 2.0 / max(orders, 1.0) ** 0.5


def _ratio(expected: np.ndarray, sold: float, open_days: int, grain: int) -> dict[str, Any]:
    """The ratio to what was sold then; that of open days where the shop was open on another number of them."""
    ahead = int((expected > 0).sum())
    if open_days == ahead * grain or not ahead or not open_days:
        return {"ratio": float(expected.sum()) / sold, "closed_then": None}
    ratio = float(expected.sum()) / ahead / (sold / (open_days / grain))
    return {"ratio": ratio, "closed_then": len(expected) - open_days // grain}


def _evidence(report: dict[str, Any], unit: str) -> str:
    if not report["evaluated"]:
        return "The history is too short or too sparse to train and test a model."
    measured = report["models"][report["champion"]]
    return str(
        wording.total_evidence(
            model=in_words(report["champion"]),
            is_rule=report["champion"] in BASELINE_NAMES,
            unit=unit,
            total_wape=measured["total_wape"],
            total_coverage80=measured.get("total_coverage80"),
            cutoffs=len(report["cutoffs"]),
        )
    )


def _categories(sales: DailySales, actual: np.ndarray, frame: pd.DataFrame, currency: str) -> Sheet:
    """Draw one fan per category, the largest first."""
    expected = frame[frame["product_category"] != TOTAL].groupby("product_category")["mean"].sum()
    ordered = sorted(expected.index, key=lambda name: (-expected[name], name))
    shown = ordered[:MOST_PANELS]
    rows = -(-len(shown) // _COLUMNS)
    total = float(expected.sum())
    per = unit_of(sales.grain)
    finding = f"Expected revenue per {per}, with prediction intervals"
    if total > 0 and len(shown) > 1:
        finding = str(wording.categories(category=shown[0], share=float(expected[shown[0]]) / total))
    evidence = wording.categories_evidence(unit=per, currency=currency, shown=len(shown), categories=len(ordered))
    sheet = Sheet(finding, str(evidence), _source(sales), height=2.1 + 1.9 * rows)
    panels = sheet.small_panels(rows, min(len(shown), _COLUMNS))
    for axes, name in zip(panels, shown, strict=False):
        future = frame[frame["product_category"] == name]
        _fan(axes, _dates(sales), actual[sales.categories.index(name)], future, weight=0.75)
        date_ticks(axes, most=4)
        rule = _fallback(future)
        title = name_within(name, _PANEL_POINTS - width(rule, AXIS), AXIS)
        axes.set_title(title + rule, loc="left", fontsize=AXIS, color=palette.INK)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    sheet.legend(*panels[0].get_legend_handles_labels())
    return sheet


def _fallback(future: pd.DataFrame) -> str:
    """The rule that forecasts a category in place of a model, for its title."""
    rule, colon, _ = str(future["method"].iloc[0]).partition(":")
    return f"  ({in_short(rule)})" if colon else ""
