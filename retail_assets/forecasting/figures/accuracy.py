"""The picture of past forecasts against actuals. Its title states the finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retail_assets.forecasting.data.series import to_date
from retail_assets.forecasting.evaluation.accuracy import accuracy_drift, latest_forecasts
from retail_assets.plotting import palette
from retail_assets.plotting.axes import axis_title, percent_ticks
from retail_assets.plotting.dates import date_ticks
from retail_assets.plotting.left_out import Figures, NothingToShow, draw_each
from retail_assets.plotting.sheet import Sheet
from retail_assets.wording import forecast_titles as wording

if TYPE_CHECKING:
    import pyarrow as pa

FIGURE = "forecast_accuracy.png"


def draw_figures(accuracy: pa.Table, promised_wape: float | None) -> Figures:
    """Draw `FIGURE`, as PNG by its file name; it is left out with fewer than two days."""
    return draw_each({FIGURE: lambda: _draw(accuracy, promised_wape)})


def _draw(accuracy: pa.Table, promised_wape: float | None) -> bytes:
    """Draw the error of the latest forecast of each day, by week, against what the backtest promised."""
    frame = latest_forecasts(accuracy)
    days = frame.assign(
        error=frame["error"].abs(), naive=(frame["seasonal_naive"] - frame["actual"]).abs()
    ).groupby("forecast_date")[["error", "naive", "actual"]].sum()  # fmt: skip
    days = days[days["actual"] > 0].tail(91)
    if len(days) < 2:
        raise NothingToShow("fewer than two days with sales have a past forecast")
    when = days.index.to_numpy().astype("datetime64[D]")
    weekly = bool((np.diff(when) % np.timedelta64(7, "D") == np.timedelta64(0, "D")).all())
    unit, window = ("week", 4) if weekly else ("day", 7)
    drift = accuracy_drift(accuracy, promised_wape)
    finding = "Past forecasts against actuals: " + (drift.alarm or "no sales to compare with")
    if drift.wape is not None and drift.alarm is None:
        finding = str(wording.past_forecasts(days=drift.days, wape=drift.wape, promised=promised_wape))
    source = wording.past_source(first_day=to_date(when[0]), last_day=to_date(when[-1]))
    sheet = Sheet(finding, f"The latest forecast of each {unit}, as it was issued.", str(source))
    axes = sheet.axes("y")
    rolling = days.rolling(window, min_periods=1).sum()
    axes.plot(when, days["error"] / days["actual"], ".", color=palette.FORECAST, ms=6, alpha=0.6, label=f"one {unit}")
    axes.plot(
        when, rolling["error"] / rolling["actual"], color=palette.FORECAST, lw=2, label=f"forecast, {window} {unit}s"
    )
    naive = rolling["naive"] / rolling["actual"]
    axes.plot(when, naive, color=palette.BASELINE, lw=1.3, ls="--", label=f"seasonal naive, {window} {unit}s")
    if promised_wape is not None:
        axes.axhline(promised_wape, color=palette.SALES, lw=1.2, ls=":", label="promised by the backtest")
    date_ticks(axes)
    percent_ticks(axes)
    axes.set_ylim(bottom=0)
    axis_title(axes, "y", "error, as a share of sales")
    sheet.legend(*axes.get_legend_handles_labels())
    return sheet.png()
