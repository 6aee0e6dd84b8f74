"""Pictures of what the models were worth on days they had not seen: against actuals, by horizon, calibration, and why.

The title of a figure states what it shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from retail_assets.forecasting.data.series import WEEK, Floats
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.explanation import Explanation
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.wording import in_words
from retail_assets.plotting import palette
from retail_assets.plotting.axes import date_ticks, number_ticks, percent_ticks
from retail_assets.plotting.image import png
from retail_assets.plotting.labels import label
from retail_assets.plotting.panels import grid_of_panels, headline, one_panel

MOST_BARS = 20
NAMES = (
    "forecast_skill.png",
    "forecast_backtest.png",
    "forecast_error_by_horizon.png",
    "forecast_calibration.png",
    "forecast_features.png",
)
#: Below this distance of measured and promised coverage, in shares, a calibration is called kept.
KEPT = 0.03


def figures(
    backtest: Backtest | None, report: dict[str, Any], explanation: Explanation | None, *, currency: str = ""
) -> dict[str, bytes]:
    """PNG by file name: those of NAMES that this backtest gives; none without one."""
    if backtest is None:
        return {}
    drawn = {"forecast_backtest.png": _against_actuals(backtest, currency)}
    best = backtest.best_baseline
    if bars := _bars(report, best):
        drawn["forecast_skill.png"] = _skill(report, bars, best)
    if (horizons := _by_horizon(backtest)) is not None:
        drawn["forecast_error_by_horizon.png"] = horizons
    if (calibration := _calibration(backtest)) is not None:
        drawn["forecast_calibration.png"] = calibration
    if explanation is not None:
        drawn["forecast_features.png"] = _features(explanation)
    return {name: png(drawn[name]) for name in NAMES if name in drawn}


def _against_actuals(backtest: Backtest, currency: str) -> Figure:
    """The total of each cut-off's forecast beside what came."""
    figure, axes = one_panel(11, 4.8)
    champion = backtest.champion
    point = backtest.forecasts[champion].sum(axis=1)
    actual = backtest.actual.sum(axis=1)
    ends = backtest.quantiles.get(champion)
    horizon = actual.shape[1]
    for at, cutoff in enumerate(backtest.cutoffs):
        days = np.datetime64(cutoff) + np.arange(1, horizon + 1)
        named = at == len(backtest.cutoffs) - 1
        if ends is not None:
            for (low, high), alpha, name in (
                (intervals.OUTER, palette.OUTER_BAND, "95 % interval"),
                (intervals.INNER, palette.INNER_BAND, "80 % interval"),
            ):
                axes.fill_between(
                    days, ends[at, -1, :, low], ends[at, -1, :, high], color=palette.FORECAST, alpha=alpha, lw=0,
                    label=name if named else None,
                )  # fmt: skip
        axes.plot(days, actual[at], color=palette.ACTUAL, lw=1.3, marker=".", ms=3, label="sales" if named else None)
        axes.plot(days, point[at], color=palette.FORECAST, lw=1.5, label="forecast" if named else None)
        axes.axvline(date2num(cutoff) + 0.5, color=palette.ACTUAL, lw=0.7, ls=":")
    axes.set_ylim(bottom=0 if np.nanmin(actual, initial=0.0) >= 0 else None)
    number_ticks(axes)
    date_ticks(axes, year_size=8)
    axes.set_ylabel(f"revenue a day{f', {currency}' if currency else ''}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=4, fontsize=9)
    measured = backtest.metrics(champion)
    wape, bias = measured["total_wape"], measured["bias"]
    finding = "The total as it was forecast, and as it came"
    if wape is not None and bias is not None:
        lean = "without leaning" if abs(bias) <= 0.02 else f"{'too high' if bias > 0 else 'too low'} by {abs(bias):.0%}"
        finding = f"A day's total was missed by {wape:.1%} on average, {lean}"
    cuts = f"{len(backtest.cutoffs)} cut-off{'s' if len(backtest.cutoffs) > 1 else ''} (dotted)"
    headline(figure, finding, f"{_said(champion)}, each line drawn from data up to its cut-off; {cuts}.", axes)
    return figure


def _by_horizon(backtest: Backtest) -> Figure | None:
    """WAPE of category-days by week ahead, a line a model."""
    horizon = backtest.actual.shape[2]
    starts = range(0, horizon, WEEK)
    steps = np.arange(horizon)[None, :] * np.ones((len(backtest.cutoffs), 1))
    masks = [(steps >= start) & (steps < start + WEEK) for start in starts]
    lines = {name: [backtest.metrics(name, days=mask)["wape"] for mask in masks] for name in backtest.forecasts}
    if any(value is None for values in lines.values() for value in values):
        return None
    figure, axes = one_panel(9, 4.6)
    champion = backtest.champion
    weeks = np.arange(1, len(masks) + 1)
    order = sorted(lines, key=lambda name: (name != champion, np.mean(np.array(lines[name], float))))
    for name in reversed(order):
        chosen = name == champion
        color = palette.FORECAST if chosen else palette.BASELINE if name in BASELINE_NAMES else palette.OTHER
        style = "--" if name in BASELINE_NAMES else "-"
        axes.plot(
            weeks,
            np.array(lines[name], dtype=float),
            color=color,
            lw=2.4 if chosen else 1.2,
            ls=style,
            marker="o",
            ms=4,
        )
    _name_lines(axes, {name: float(lines[name][-1] or 0.0) for name in order}, weeks[-1], champion)
    axes.set_xticks(weeks, [f"week {week}" for week in weeks])
    axes.set_xlim(0.8, len(masks) + 0.15 + 0.36 * max(len(masks) - 1, 1))
    percent_ticks(axes)
    axes.set_ylim(0, 1.2 * max(max(map(float, values)) for values in lines.values()))  # type: ignore[arg-type]
    axes.set_ylabel("WAPE of a category's day")
    ours = np.array(lines[champion], dtype=float)
    finding = f"Days are missed by {ours[0]:.1%} in week 1"
    if len(ours) > 1:
        finding += f", and by {ours.max():.1%} in week {1 + int(ours.argmax())}, the hardest"
    headline(figure, finding, f"Σ|error| / Σ sales over {len(backtest.cutoffs)} cut-offs, unseen days.", axes)
    return figure


def _name_lines(axes: Any, ends: dict[str, float], x: float, champion: str) -> None:
    """Names at the ends of lines, moved apart where they would stand on each other."""
    gap = 0.052 * max(max(ends.values()), 1e-9)
    at = -np.inf
    for name in sorted(ends, key=lambda name: ends[name]):
        at = max(ends[name], at + gap)
        bold = "bold" if name == champion else "normal"
        color = palette.FORECAST if name == champion else palette.ACTUAL
        axes.annotate(
            name.replace("_", " "), (x, ends[name]), (x + 0.08, at), fontsize=8.5, va="center", color=color,
            fontweight=bold, arrowprops={"arrowstyle": "-", "color": palette.PANEL_GRID, "lw": 0.8},
        )  # fmt: skip


def _calibration(backtest: Backtest) -> Figure | None:
    """Share of days below each quantile, against the share that was promised.

    Quantiles of exactly zero are left out: no day can be below, and a day without a sale proves nothing.
    """
    ends = backtest.quantiles.get(backtest.champion)
    if ends is None or np.isnan(ends).all():
        return None
    rows: tuple[tuple[str, Floats, Floats, str], ...] = (
        ("categories", backtest.actual, ends[:, :-1], palette.FORECAST),
        ("total", backtest.actual.sum(axis=1, keepdims=True), ends[:, -1:], palette.ACTUAL),
    )
    figure, axes = one_panel(6.4, 5.6)
    promised = np.array(intervals.LEVELS)
    axes.plot([0, 1], [0, 1], color=palette.BASELINE, lw=1, ls="--", label="as promised")
    for name, actual, quantiles, color in rows:
        below = [_share_below(actual, quantiles[..., level]) for level in range(len(promised))]
        axes.plot(promised, below, color=color, lw=1.6, marker="o", ms=6, label=name)
    percent_ticks(axes, "x")
    percent_ticks(axes, "y")
    axes.set_xticks(promised)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("promised share of days below the quantile")
    axes.set_ylabel("measured share")
    axes.legend(frameon=False, loc="upper left")
    measured = backtest.metrics(backtest.champion)
    inner, outer = float(measured["coverage80"] or 0.0), float(measured["coverage95"] or 0.0)
    kept = abs(inner - 0.8) <= KEPT and abs(outer - 0.95) <= KEPT
    finding = "The intervals keep what they promise" if kept else "The intervals do not keep what they promise"
    if not kept and inner > 0.8 and outer > 0.95:
        finding = "The intervals are wider than they need be"
    headline(figure, finding, f"80 % held {inner:.1%} of category-days, 95 % held {outer:.1%}.", axes)
    return figure


def _share_below(actual: Floats, quantile: Floats) -> float:
    judged = ~np.isnan(actual) & ~np.isnan(quantile) & (quantile != 0)
    return float((actual <= quantile)[judged].mean()) if judged.any() else float("nan")


def _features(explanation: Explanation) -> Figure:
    """Permutation importance, and how the forecast bends with the features that matter most."""
    figure, panels = grid_of_panels(1, 1 + len(explanation.curves), 4.2 + 2.5 * len(explanation.curves), 4.8)
    order = np.argsort(explanation.importance)[-12:]
    names = [explanation.features[at].replace("_", " ") for at in order]
    panels[0].barh(names, explanation.importance[order], color=palette.FORECAST, height=0.7)
    panels[0].set_xlabel("error added by shuffling it")
    percent_ticks(panels[0], "x")
    panels[0].tick_params(labelsize=8.5)
    lows = [curve.ratio.min() for curve in explanation.curves]
    highs = [curve.ratio.max() for curve in explanation.curves]
    for axes, curve in zip(panels[1:], explanation.curves, strict=True):
        axes.plot(curve.values, curve.ratio, color=palette.FORECAST, lw=1.8, marker="o", ms=3)
        axes.axhline(1, color=palette.BASELINE, lw=1, ls="--")
        axes.set_ylim(min(lows) - 0.02, max(highs) + 0.02)
        axes.set_xlabel(curve.feature.replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=8.5)
    if explanation.curves:
        panels[1].set_ylabel("forecast, as a multiple of the seasonal base")
    first, second = names[-1], names[-2] if len(names) > 1 else names[-1]
    finding = f"What moves the forecast off its seasonal base: {first}, then {second}"
    headline(figure, finding, f"{explanation.model}; permutation importance and partial dependence, training rows.")
    return figure


def _bars(report: dict[str, Any], best: str) -> list[tuple[str, float, float | None]]:
    """Skill of modelled categories over naive and the best rule; the largest error of seasonal naive first."""
    bars = []
    model = report["best_model"]
    for name, entry in report["by_category"].items():
        naive = entry["models"]["seasonal_naive"]["rmse"]
        if not entry.get("modelled_in_backtest") or entry["skill_vs_seasonal_naive"] is None:
            continue
        rule = entry["models"][best]["rmse"]
        over_best = 1 - entry["models"][model]["rmse"] / rule if rule else None
        bars.append((-naive, name, entry["skill_vs_seasonal_naive"], over_best))
    return [bar[1:] for bar in sorted(bars, key=lambda bar: bar[:2])]


def _skill(report: dict[str, Any], bars: list[tuple[str, float, float | None]], best: str) -> Figure:
    shown = bars[:MOST_BARS]
    model = in_words(report["best_model"])
    figure, axes = one_panel(10, 2.3 + 0.3 * len(shown))
    rows = np.arange(len(shown))
    skills = np.array([over_naive for _, over_naive, _ in shown])
    colors = np.where(skills > 0, palette.FORECAST, palette.WORSE)
    axes.barh(rows, skills, color=colors, height=0.7, label="against seasonal naive")
    if best != "seasonal_naive":
        dots = [np.nan if over_best is None else over_best for _, _, over_best in shown]
        named = f"against {in_words(best)}, the best simple rule"
        axes.plot(dots, rows, "D", color=palette.ACTUAL, mec="white", ms=7, label=named)
    axes.set_yticks(rows, [label(name, 28, keep_end=False) for name, _, _ in shown], fontsize=9)
    axes.invert_yaxis()
    axes.axvline(0, color=palette.ACTUAL, lw=1)
    percent_ticks(axes, "x")
    axes.set_xlabel(f"RMSE saved by {model} (right of zero: it is better)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=2, fontsize=9)
    gain = report["skill"][best]["rmse_reduction"]
    if not report["has_skill"] or gain is None:
        finding = f"No skill: {model} does not beat {in_words(best)}"
    else:
        interval = report["skill"][best]["interval90"]
        proven = "" if interval and interval[0] > 0 else ", which may be chance"
        finding = f"{model[0].upper()}{model[1:]}: error {100 * gain:.0f} % below the best simple rule's{proven}"
    better, cutoffs = sum(over_naive > 0 for _, over_naive, _ in bars), len(report["cutoffs"])
    days = f"{report['horizon']} unseen days at {cutoffs} cut-off{'s' if cutoffs > 1 else ''}"
    rest = f" The {MOST_BARS} with the largest errors are shown." if len(bars) > MOST_BARS else ""
    evidence = f"{days}: better than seasonal naive in {better} of {len(bars)} modelled categories.{rest}"
    headline(figure, finding, evidence, axes)
    return figure


def _said(model: str) -> str:
    words = in_words(model)
    return words[0].upper() + words[1:]
