"""Whether the prediction intervals of the backtest cover as many days as they promise."""

from __future__ import annotations

import numpy as np

from retail_assets.forecasting.data.series import Floats
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.findings import end_in_words, intervals_in_words
from retail_assets.forecasting.evaluation.interval_ends import IntervalEnd, interval_ends, missed_ends, too_wide
from retail_assets.forecasting.figures.parts import source
from retail_assets.forecasting.models import intervals
from retail_assets.plotting import palette
from retail_assets.plotting.axes import axis_title, percent_ticks
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.sheet import Sheet
from retail_assets.wording import forecast_titles as wording


def calibration(backtest: Backtest) -> Sheet:
    """Draw the share of days below each quantile against the share that was promised."""
    quantiles = backtest.quantiles.get(backtest.champion)
    if quantiles is None or np.isnan(quantiles).all():
        raise NothingToShow("the model in use has no prediction intervals in the backtest")
    lines: tuple[tuple[str, Floats, Floats, str], ...] = (
        ("categories", backtest.actual, quantiles[:, :-1], palette.FORECAST),
        ("total", backtest.actual.sum(axis=1, keepdims=True), quantiles[:, -1:], palette.SALES),
    )
    evidence = intervals_in_words(backtest, backtest.champion)
    title = _title(interval_ends(backtest, backtest.champion), backtest.unit)
    sheet = Sheet(title, str(evidence), source(*backtest.days))
    axes = sheet.axes("both")
    promised = np.array(intervals.LEVELS)
    axes.plot([0, 1], [0, 1], color=palette.BASELINE, lw=1, ls="--", label="as promised")
    for name, actual, of_line, color in lines:
        below = [_share_below(actual, of_line[..., at], float(level)) for at, level in enumerate(promised)]
        axes.plot(promised, below, color=color, lw=1.6, marker="o", ms=6, label=name)
    percent_ticks(axes, "x")
    percent_ticks(axes, "y")
    axes.set_xticks(promised)
    axis_title(axes, "x", f"share of {backtest.unit}s promised to be below the quantile")
    axis_title(axes, "y", f"share of {backtest.unit}s below it; a tie is not beyond an end")
    sheet.legend(*axes.get_legend_handles_labels())
    return sheet


def _title(ends: list[IntervalEnd], unit: str) -> str:
    """Whether every end holds, or which one is missed most."""
    missed = missed_ends(ends)
    worst = max(missed, key=lambda end: (end.share - end.promised) / end.chance) if missed else None
    return str(
        wording.calibration(
            unit=unit,
            days=max(end.days for end in ends),
            worst=end_in_words(worst, unit) if worst else None,
            too_wide=too_wide(ends),
        )
    )


def _share_below(actual: Floats, quantile: Floats, promised: float) -> float:
    """Share of days below a quantile. A day that equals it, to the cent, is not beyond an end, as in the title.

    So it is not below a lower end, below an upper one, and half below the median.
    """
    known = ~np.isnan(actual) & ~np.isnan(quantile)
    of_equal = float(np.sign(promised - 0.5) + 1) / 2
    below = np.where(np.abs(actual - quantile) <= 0.005, of_equal, actual < quantile)
    return float(below[known].mean()) if known.any() else float("nan")
