"""Pictures of a forecast: what is expected next, and what the model was worth on days it had not seen.

The title of a figure states what it shows. Drawn with matplotlib's objects, without pyplot and its global state, so
that figures can be made in any thread and the same forecast gives the same bytes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from retail_assets.forecasting.methods import BOOSTING
from retail_assets.forecasting.series import daily_sales

if TYPE_CHECKING:
    from retail_assets.forecasting.forecast import Forecast

DAYS_OF_ACTUALS = 56
MOST_BARS = 20
_LONGEST_LABEL = 28
_ACTUAL, _FORECAST, _NAIVE, _WORSE, _GRID = "#33415c", "#0b7a75", "#9aa5b1", "#b3541e", "#e4e7eb"


def figures(history: pd.DataFrame, forecast: Forecast, *, currency: str = "") -> dict[str, bytes]:
    """PNG by file name: `forecast_total.png` where anything was forecast, `forecast_skill.png` where skill was measured.

    `history` is what the forecast was made from; `currency` (as `USD`) labels the axis.
    """
    drawn = {}
    if forecast.table.num_rows:
        drawn["forecast_total.png"] = _png(_total(history, forecast, currency))
    if forecast.backtest["evaluated"] and (bars := _bars(forecast.backtest)):
        drawn["forecast_skill.png"] = _png(_skill(forecast.backtest, bars))
    return drawn


def _total(history: pd.DataFrame, forecast: Forecast, currency: str) -> Figure:
    sales = daily_sales(history)
    if sales is None:
        raise ValueError("history is empty, yet there is a forecast of it")
    closed = np.isin(sales.days, np.array(forecast.backtest["data"]["closed_days"], dtype="datetime64[D]"))
    actual = np.where(closed, np.nan, sales.revenue.sum(axis=0))
    future = forecast.table.to_pandas().groupby("forecast_date")[["revenue", "seasonal_naive"]].sum()
    horizon = len(future)

    figure, axes = _figure(10, 4.8)
    axes.plot(sales.days[-DAYS_OF_ACTUALS:], actual[-DAYS_OF_ACTUALS:], color=_ACTUAL, lw=1.6, marker=".", ms=4)
    days = future.index.to_numpy().astype("datetime64[D]")
    axes.plot(days, future["seasonal_naive"], color=_NAIVE, lw=1.3, ls="--", label="seasonal naive (last week again)")
    axes.plot(days, future["revenue"], color=_FORECAST, lw=2, marker=".", ms=4, label="forecast")
    axes.lines[0].set_label("sales")
    axes.axvline(sales.days[-1] + np.timedelta64(12, "h"), color=_ACTUAL, lw=0.8, ls=":")
    locator = mdates.AutoDateLocator(minticks=5, maxticks=12)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylabel(f"revenue a day{f', {currency}' if currency else ''}")
    lowest = min(np.nanmin(actual[-DAYS_OF_ACTUALS:], initial=0.0), float(future.to_numpy().min()))
    axes.set_ylim(bottom=None if lowest < 0 else 0)
    axes.legend(loc="lower left", frameon=False, ncols=3, fontsize=9)
    _title(figure, axes, _total_title(actual, float(future["revenue"].sum()), horizon, currency), _evidence(forecast))
    return figure


def _total_title(actual: np.ndarray, expected: float, horizon: int, currency: str) -> str:
    money = f"{expected:,.0f}{f' {currency}' if currency else ''}"
    days = "day" if horizon == 1 else f"{horizon} days"
    before = float(np.nansum(actual[-horizon:]))
    if len(actual) < horizon or before <= 0:
        return f"{money} expected in the next {days}"
    change = 100 * (expected / before - 1)
    if abs(change) < 0.5:
        return f"{money} expected in the next {days}, about as much as in the last"
    return f"{money} expected in the next {days}, {abs(change):.0f} % {'more' if change > 0 else 'less'} than in the last"


def _evidence(forecast: Forecast) -> str:
    backtest = forecast.backtest
    if not backtest["evaluated"]:
        return "Simple rules; the history is too short or too sparse to measure the model's skill."
    champion = backtest["champion"]
    wape = backtest["models"][champion]["total_wape"]
    error = "" if wape is None else f"; off by {100 * wape:.0f} % of a day's total in the backtest"
    name = "gradient boosting" if champion == BOOSTING else f"{champion.replace('_', ' ')} (boosting was no better)"
    return f"Forecast by {name}{error}."


def _bars(backtest: dict[str, Any]) -> list[tuple[str, float]]:
    """Skill by category, the largest error first: where there is most to gain."""
    measured = [
        (name, entry["skill_vs_seasonal_naive"], entry["models"]["seasonal_naive"]["rmse"])
        for name, entry in backtest["by_category"].items()
        if entry["boosted_in_backtest"] and entry["skill_vs_seasonal_naive"] is not None
    ]
    measured.sort(key=lambda bar: (-bar[2], bar[0]))
    return [(name, skill) for name, skill, _ in measured]


def _skill(backtest: dict[str, Any], bars: list[tuple[str, float]]) -> Figure:
    shown = bars[:MOST_BARS]
    figure, axes = _figure(10, 1.9 + 0.3 * len(shown))
    skills = np.array([skill for _, skill in shown])
    axes.barh(np.arange(len(shown)), skills, color=np.where(skills > 0, _FORECAST, _WORSE), height=0.7)
    for row, skill in enumerate(skills):
        sign, align = ("+", "left") if skill > 0 else ("", "right")
        axes.annotate(f"{sign}{100 * skill:.0f} %", (skill, row), (4 if skill > 0 else -4, 0), textcoords="offset points",
                      ha=align, va="center", fontsize=9)
    # Category names are data: a dollar sign in one must not start mathematical text.
    axes.set_yticks(np.arange(len(shown)), [_label(name) for name, _ in shown], fontsize=9)
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.invert_yaxis()
    axes.axvline(0, color=_ACTUAL, lw=1)
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("RMSE saved against seasonal naive (right of zero: better)")
    better, cutoffs = sum(skill > 0 for _, skill in bars), len(backtest["cutoffs"])
    title = f"Gradient boosting beats seasonal naive in {better} of {len(bars)} categories"
    best = min((n for n in backtest["models"] if n != BOOSTING), key=lambda n: backtest["models"][n]["rmse"] or 0.0)
    gain = backtest["skill"][best]["rmse_reduction"]
    against = "" if gain is None else (
        f" Overall RMSE {abs(100 * gain):.0f} % {'below' if gain > 0 else 'above'} the best simple rule, {best.replace('_', ' ')}."
    )
    rest = f" The {MOST_BARS} with the largest errors of {len(bars)}." if len(bars) > MOST_BARS else ""
    days = f"{backtest['horizon']} unseen days at {cutoffs} cut-off{'s' if cutoffs > 1 else ''}."
    _title(figure, axes, title, f"{days}{against}{rest}")
    return figure


def _label(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color=_GRID, lw=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _title(figure: Figure, axes: Any, finding: str, evidence: str) -> None:
    figure.suptitle(finding, x=0.01, ha="left", fontsize=13, fontweight="bold")
    axes.set_title(evidence, loc="left", fontsize=9.5, color="#52606d")


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    # Without the version of matplotlib in its metadata, the same figure is the same file.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
