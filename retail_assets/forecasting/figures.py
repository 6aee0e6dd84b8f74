"""Pictures of a forecast: what is expected next, and what the model was worth on days it had not seen.

The title of a figure states what it shows. Drawn with matplotlib's objects, without pyplot and its global state, so
that figures can be made in any thread and the same forecast gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from retail_assets.forecasting.methods import BOOSTING
from retail_assets.forecasting.series import daily_sales, to_date

if TYPE_CHECKING:
    from retail_assets.forecasting.forecast import Forecast

DAYS_OF_ACTUALS = 56
MOST_BARS = 20
_LONGEST_LABEL = 28
_ACTUAL, _FORECAST, _NAIVE, _WORSE, _GRID = "#33415c", "#0b7a75", "#9aa5b1", "#b3541e", "#e4e7eb"


def figures(history: pd.DataFrame, forecast: Forecast, *, currency: str = "") -> dict[str, bytes]:
    """PNG by file name: `forecast_total.png` if anything was forecast, `forecast_skill.png` if skill was measured.

    `history` is what the forecast was made from; `currency` (as `USD`) labels the axis.
    """
    drawn = {}
    if forecast.table.num_rows:
        drawn["forecast_total.png"] = _png(_total(history, forecast, currency))
    if forecast.backtest["evaluated"]:
        best = forecast.backtest["best_simple_rule"]
        if bars := _bars(forecast.backtest, best):
            drawn["forecast_skill.png"] = _png(_skill(forecast.backtest, bars, best))
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
    figure.legend(loc="outside lower left", frameon=False, ncols=3, fontsize=9)
    expected = float(future["revenue"].sum())
    measured = bool(forecast.backtest["evaluated"])
    span = f"{to_date(days[0]):%-d %b} to {to_date(days[-1]):%-d %b %Y}"
    _title(figure, axes, _total_title(actual, expected, span, horizon, currency, measured), _evidence(forecast))
    return figure


def _total_title(actual: np.ndarray, expected: float, span: str, horizon: int, currency: str, measured: bool) -> str:
    """The finding; where no backtest stands behind the forecast, only what the picture shows."""
    if not measured:
        return f"Simple rules carried on, {span}: not a measured forecast"
    money = f"{currency} {expected:,.0f}".strip()
    before = float(np.nansum(actual[-horizon:]))
    if len(actual) < horizon or before <= 0:
        return f"{money} expected from {span}"
    change = 100 * (expected / before - 1)
    if abs(change) < 0.5:
        return f"{money} expected from {span}, about as much as in the {horizon} days before"
    more = "more" if change > 0 else "less"
    return f"{money} expected from {span}, {abs(change):,.0f} % {more} than in the {horizon} days before"


def _evidence(forecast: Forecast) -> str:
    backtest = forecast.backtest
    if not backtest["evaluated"]:
        return "Simple rules; the history is too short or too sparse to measure the model's skill."
    champion = backtest["champion"]
    wape = backtest["models"][champion]["total_wape"]
    error = "" if wape is None else f"; off by {100 * wape:.0f} % of a day's total in the backtest"
    name = "gradient boosting" if champion == BOOSTING else f"{_words(champion)} (boosting was no better)"
    return f"Forecast by {name}{error}."


@dataclass(frozen=True)
class _Bar:
    category: str
    over_naive: float
    over_best: float | None


def _bars(backtest: dict[str, Any], best: str) -> list[_Bar]:
    """Skill of the modelled categories, the largest error of seasonal naive first: where there is most to gain."""
    bars = []
    for name, entry in backtest["by_category"].items():
        naive = entry["models"]["seasonal_naive"]["rmse"]
        if not entry["boosted_in_backtest"] or entry["skill_vs_seasonal_naive"] is None:
            continue
        rule = entry["models"][best]["rmse"]
        over_best = 1 - entry["models"][BOOSTING]["rmse"] / rule if rule else None
        bars.append((-naive, _Bar(name, entry["skill_vs_seasonal_naive"], over_best)))
    return [bar for _, bar in sorted(bars, key=lambda pair: (pair[0], pair[1].category))]


def _skill(backtest: dict[str, Any], bars: list[_Bar], best: str) -> Figure:
    shown = bars[:MOST_BARS]
    figure, axes = _figure(10, 2.3 + 0.3 * len(shown))
    rows = np.arange(len(shown))
    skills = np.array([bar.over_naive for bar in shown])
    axes.barh(rows, skills, color=np.where(skills > 0, _FORECAST, _WORSE), height=0.7, label="against seasonal naive")
    if best != "seasonal_naive":
        dots = [np.nan if bar.over_best is None else bar.over_best for bar in shown]
        axes.plot(
            dots, rows, "D", color=_ACTUAL, mec="white", ms=7, label=f"against {_words(best)}, the best simple rule"
        )
    axes.set_yticks(rows, [_label(bar.category) for bar in shown], fontsize=9)
    # Category names are data: a dollar sign in one must not start mathematical text.
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.invert_yaxis()
    axes.axvline(0, color=_ACTUAL, lw=1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("RMSE saved by gradient boosting (right of zero: it is better)")
    figure.legend(loc="outside lower left", frameon=False, ncols=2, fontsize=9)
    _title(figure, axes, _skill_title(backtest, best), _skill_evidence(backtest, bars))
    return figure


def _skill_title(backtest: dict[str, Any], best: str) -> str:
    gain = backtest["skill"][best]["rmse_reduction"]
    if backtest["champion"] != BOOSTING or gain is None:
        return f"No skill: gradient boosting does not beat {_words(best)}"
    interval = backtest["skill"][best]["interval90"]
    proven = "" if interval and interval[0] > 0 else ", which may be chance"
    return f"Gradient boosting's error is {100 * gain:.0f} % below the best simple rule's{proven}"


def _skill_evidence(backtest: dict[str, Any], bars: list[_Bar]) -> str:
    better, cutoffs = sum(bar.over_naive > 0 for bar in bars), len(backtest["cutoffs"])
    days = f"{backtest['horizon']} unseen days at {cutoffs} cut-off{'s' if cutoffs > 1 else ''}"
    rest = f" The {MOST_BARS} with the largest errors are shown." if len(bars) > MOST_BARS else ""
    return f"{days}: better than seasonal naive in {better} of {len(bars)} modelled categories.{rest}"


def _words(model: str) -> str:
    return model.replace("_", " ")


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
