"""Whether the prediction intervals of the backtest cover as many days as they promise."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from retail_assets.forecasting.data.series import Floats
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.models import intervals
from retail_assets.plotting import palette
from retail_assets.plotting.axes import axis_title, percent_ticks
from retail_assets.plotting.panels import headline, one_panel
from retail_assets.wording.formats import percent

TOLERANCE = 0.03
"""Difference of measured and promised coverage up to which the promise is called kept."""


def calibration(backtest: Backtest) -> Figure | None:
    """Draw the share of days below each quantile against the share that was promised; None without quantiles."""
    quantiles = backtest.quantiles.get(backtest.champion)
    if quantiles is None or np.isnan(quantiles).all():
        return None
    lines: tuple[tuple[str, Floats, Floats, str], ...] = (
        ("categories", backtest.actual, quantiles[:, :-1], palette.FORECAST),
        ("total", backtest.actual.sum(axis=1, keepdims=True), quantiles[:, -1:], palette.ACTUAL),
    )
    figure, axes = one_panel(7.6, 5.6)
    promised = np.array(intervals.LEVELS)
    axes.plot([0, 1], [0, 1], color=palette.BASELINE, lw=1, ls="--", label="as promised")
    for name, actual, of_line, color in lines:
        below = [_share_below(actual, of_line[..., level]) for level in range(len(promised))]
        axes.plot(promised, below, color=color, lw=1.6, marker="o", ms=6, label=name)
    percent_ticks(axes, "x")
    percent_ticks(axes, "y")
    axes.set_xticks(promised)
    axes.tick_params(axis="x", labelsize=8)
    axis_title(axes, "x", f"share of {backtest.unit}s promised to be below the quantile")
    axis_title(axes, "y", f"share of {backtest.unit}s below it")
    axes.legend(frameon=False, loc="upper left")
    measured = backtest.metrics(backtest.champion)
    inner, outer = float(measured["coverage80"] or 0.0), float(measured["coverage95"] or 0.0)
    evidence = (
        f"The 80 % interval covered {percent(inner)} of category-{backtest.unit}s, the 95 % interval {percent(outer)}."
    )
    headline(figure, _title(inner, outer), evidence)
    return figure


def _title(inner: float, outer: float) -> str:
    if abs(inner - 0.8) <= TOLERANCE and abs(outer - 0.95) <= TOLERANCE:
        return "Prediction intervals cover what they promise"
    if inner > 0.8 and outer > 0.95:
        return "Prediction intervals are wider than necessary"
    return "Prediction intervals do not cover what they promise"


def _share_below(actual: Floats, quantile: Floats) -> float:
    """Share of days at or below a quantile.

    Quantiles of exactly zero are left out: no day can be below them, and a day without a sale proves nothing.
    """
    judged = ~np.isnan(actual) & ~np.isnan(quantile) & (quantile != 0)
    return float((actual <= quantile)[judged].mean()) if judged.any() else float("nan")
