"""How far the forecasts of the backtest were from what was sold: day by day, and by week ahead."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from retail_assets.forecasting.data.series import Bools
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.findings import scored_days, weeks_ahead
from retail_assets.forecasting.figures.parts import revenue_axis, source
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.plotting import palette
from retail_assets.plotting.axes import axis_title, percent_ticks
from retail_assets.plotting.dates import date_ticks
from retail_assets.plotting.fitting import spread, width
from retail_assets.plotting.left_out import NothingToShow
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import SMALL
from retail_assets.wording import forecast_titles as wording
from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.formats import short

_PANEL_WIDTH, _PANEL_HEIGHT = 570, 225
"""Size of the panel of errors by week, at least, in points."""
_NAME_POINTS, _NAMES_APART = 11.5, 24
"""Height of a line of text there, and the way from the end of a line to its name."""


def against_actuals(backtest: Backtest, currency: str) -> Sheet:
    """Draw the total that was forecast at each cut-off, and what was sold."""
    champion = backtest.champion
    evidence = wording.actuals_evidence(model=in_words(champion), cutoffs=len(backtest.cutoffs))
    sheet = Sheet(_actuals_title(backtest), str(evidence), source(*backtest.days))
    axes = sheet.axes("y")
    point = backtest.forecasts[champion].sum(axis=1)
    actual = backtest.actual.sum(axis=1)
    quantiles = backtest.quantiles.get(champion)
    horizon = actual.shape[1]
    for at, cutoff in enumerate(backtest.cutoffs):
        days = np.datetime64(cutoff) + np.arange(1, horizon + 1) * backtest.grain
        in_legend = at == len(backtest.cutoffs) - 1
        if quantiles is not None:
            for (low, high), alpha, name in (
                (intervals.OUTER, palette.OUTER_BAND, "95 % prediction interval"),
                (intervals.INNER, palette.INNER_BAND, "80 % prediction interval"),
            ):
                axes.fill_between(
                    days, quantiles[at, -1, :, low], quantiles[at, -1, :, high], color=palette.FORECAST, alpha=alpha,
                    lw=0, label=name if in_legend else None,
                )  # fmt: skip
        sales, forecast = ("sales", "forecast") if in_legend else (None, None)
        axes.plot(days, actual[at], color=palette.SALES, lw=1.3, marker=".", ms=3, label=sales)
        axes.plot(days, point[at], color=palette.FORECAST, lw=1.5, label=forecast)
        axes.axvline(date2num(cutoff) + 0.5, color=palette.MUTED, lw=0.7, ls=":")
    axes.set_ylim(bottom=0 if np.nanmin(actual, initial=0.0) >= 0 else None)
    revenue_axis(axes, currency, backtest.unit)
    date_ticks(axes)
    sheet.legend(*axes.get_legend_handles_labels())
    return sheet


def _actuals_title(backtest: Backtest) -> str:
    of_total = backtest.metrics(backtest.champion, category=len(backtest.categories))
    scored = int((~np.isnan(backtest.actual.sum(axis=1))).sum())
    return str(
        wording.actuals(unit=backtest.unit, total_wape=of_total["wape"], total_bias=of_total["bias"], scored=scored)
    )


def error_by_week(backtest: Backtest) -> Sheet:
    """Draw the WAPE of category-days by week ahead, one line per model.

    Days around holidays are left out: what is hard in the weeks of Christmas is Christmas, and not their distance.
    """
    numbered = [(week, mask) for week, mask in enumerate(weeks_ahead(backtest), start=1) if scored_days(backtest, mask)]
    masks = [mask for _, mask in numbered]
    if not masks:
        raise NothingToShow("every day of the backtest is close to a holiday")
    measured = {name: [backtest.metrics(name, days=mask)["wape"] for mask in masks] for name in backtest.forecasts}
    if any(value is None for values in measured.values() for value in values):
        raise NothingToShow("nothing was sold in one of the weeks ahead, so its error is no share of sales")
    lines = {name: np.array(values, dtype=float) for name, values in measured.items()}
    champion = backtest.champion
    weeks = np.array([week for week, _ in numbered])
    title = wording.by_week(
        unit=backtest.unit,
        weeks=[week for week, _ in numbered],
        first=float(lines[champion][0]),
        last=float(lines[champion][-1]),
    )
    days = source(*backtest.days)
    sheet = Sheet(str(title), _weeks_evidence(backtest, masks), days)
    axes = sheet.axes("y")
    order = sorted(lines, key=lambda name: (name != champion, np.mean(lines[name])))
    for name in reversed(order):
        color = palette.OTHER
        if name == champion:
            color = palette.FORECAST
        elif name in BASELINE_NAMES:
            color = palette.BASELINE
        style = "--" if name in BASELINE_NAMES else "-"
        axes.plot(weeks, lines[name], color=color, lw=2.4 if name == champion else 1.2, ls=style, marker="o", ms=4)
    axes.set_xticks(weeks)
    axis_title(axes, "x", "weeks ahead")
    names = max(width(_name(name), SMALL, bold=name == champion) for name in lines) + _NAMES_APART + 4
    axes.set_xlim(0.8, (weeks[-1] - 0.8 * names / _PANEL_WIDTH) / (1 - names / _PANEL_WIDTH))
    percent_ticks(axes)
    axes.set_ylim(0, 1.2 * max(float(values.max()) for values in lines.values()))
    _name_lines(axes, {name: float(lines[name][-1]) for name in order}, float(weeks[-1]), champion)
    axis_title(axes, "y", "error, as a share of sales")
    return sheet


def _weeks_evidence(backtest: Backtest, masks: list[Bools]) -> str:
    near = backtest.holiday if backtest.holiday is not None and scored_days(backtest, backtest.holiday) else None
    return str(
        wording.by_week_evidence(
            unit=backtest.unit,
            cutoffs=len(backtest.cutoffs),
            days=[scored_days(backtest, mask) for mask in masks],
            near=None if near is None else backtest.metrics(backtest.champion, days=near)["wape"],
            near_days=0 if near is None else scored_days(backtest, near),
            apart=backtest.holiday is not None,
        )
    )


def _name_lines(axes: Axes, ends: dict[str, float], x: float, champion: str) -> None:
    """Write names at the ends of lines, in their order, and as near to them as their height allows."""
    names = sorted(ends, key=lambda name: ends[name])
    high = axes.get_ylim()[1]
    gap = _NAME_POINTS / _PANEL_HEIGHT * high
    places = spread(np.array([ends[name] for name in names]), gap, gap / 2, high)
    for name, place in zip(names, places, strict=True):
        chosen = name == champion
        axes.annotate(
            _name(name), (x, ends[name]), (_NAMES_APART, place), textcoords=("offset points", "data"), fontsize=SMALL,
            va="center", color=palette.INK if chosen else palette.MUTED,
            fontweight="bold" if chosen else "normal",
            arrowprops={
                "arrowstyle": "-", "color": palette.BASELINE, "lw": 0.6, "shrinkA": 0, "shrinkB": 3, "relpos": (0, 0.5),
            },
        )  # fmt: skip


def _name(model: str) -> str:
    return short(in_words(model), 44, keep_end=False)
