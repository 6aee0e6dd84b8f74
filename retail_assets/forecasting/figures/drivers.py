"""What the forecast of a boosted model relies on: the features that matter most, and how the forecast follows them."""

from __future__ import annotations

import datetime as dt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from retail_assets.forecasting.data.calendar import NO_FAMILY_HOLIDAY
from retail_assets.forecasting.evaluation.explanation import Curve, Explanation
from retail_assets.forecasting.figures.parts import capitalized, source
from retail_assets.plotting import palette
from retail_assets.plotting.axes import axis_title, number_ticks, percent_axis, percent_ticks
from retail_assets.plotting.fitting import lines
from retail_assets.plotting.labels import plain
from retail_assets.plotting.sheet import Sheet
from retail_assets.plotting.typography import AXIS, SMALL
from retail_assets.wording.formats import WEEKDAYS, listed, short
from retail_assets.wording.leading import NAMED, sharing_the_lead

_MOST_FEATURES = 12
_ROUND = [1, 2, 5, 10]
FEATURE_WORDS = {
    "step": "days ahead",
    "weekday_last": "sales on this weekday last week",
    "weekday_mean2": "sales on this weekday, last 2 weeks",
    "weekday_mean4": "sales on this weekday, last 4 weeks",
    "weekday_mean8": "sales on this weekday, last 8 weeks",
    "weekday_median8": "usual sales on this weekday, last 8 weeks",
    "mean7": "sales of the last week",
    "mean14": "sales of the last 2 weeks",
    "mean56": "sales of the last 8 weeks",
    "last": "sales of the last day",
    "seasonal_index": "this weekday against the average day",
    "cv28": "ups and downs of the last 4 weeks",
    "weekday": "day of the week",
    "day_of_month": "day of the month",
    "week_of_month": "week of the month",
    "weekend": "weekend",
    "days_to_holiday": "days to the next holiday",
    "days_since_holiday": "days since the last holiday",
    "holiday": "holiday",
    "day_of_year_sin": "time of the year (April or October)",
    "day_of_year_cos": "time of the year (January or July)",
    "last_year": "the same season of earlier years",
    "shop_mean7": "sales of the whole shop, last week",
    "shop_mean14": "sales of the whole shop, last 2 weeks",
    "shop_mean56": "sales of the whole shop, last 8 weeks",
    "shop_seasonal_index": "whole shop, this weekday against others",
    "family_holiday": "days from Christmas, New Year, Easter or Thanksgiving",
}
"""What readers call the features of `models.features`."""
_OF_LAST_FOUR_WEEKS = {
    name for name in FEATURE_WORDS if name.startswith(("weekday_", "mean", "last", "cv", "shop_mean"))
} - {"last_year"}
"""Features that are shares of the mean day of the last 28 days."""
_COLUMNS = 2
_NAME_POINTS, _PANEL_POINTS = 190, 150
"""Room for a feature to the left of the first panel, and below one of the others."""


def drivers(explanation: Explanation, days: tuple[dt.date, dt.date], *, published: bool = True) -> Sheet:
    """Draw permutation importance, and partial dependence on the features that matter most.

    `days` are the first and the last of the sales behind the model. With `published` the model is the forecast itself;
    else it is a part of it, as in a mean of models.
    """
    order = np.argsort(explanation.importance, kind="stable")[-_MOST_FEATURES:]
    names = [_feature(explanation.features[at]) for at in order]
    evidence = (
        f"{capitalized(explanation.model)}. Left: what it relies on (permutation importance). Right: how the forecast "
        "changes with it while all else stays the same (partial dependence); the dashed line is no change."
    )
    subject = "the forecast" if published else explanation.model
    sheet = Sheet(_title(subject, explanation), evidence, source(*days), height=6.6)
    bars, panels = sheet.first_and_others(-(-len(explanation.curves) // _COLUMNS), _COLUMNS)
    for axes in panels[len(explanation.curves) :]:
        axes.set_visible(False)
    places = np.arange(len(order))
    bars.barh(places, explanation.importance[order], color=palette.FORECAST, height=0.7)
    bars.set_yticks(places, ["\n".join(map(plain, lines(name, _NAME_POINTS, SMALL, most=2))) for name in names])
    bars.set_xlim(0, max(float(explanation.importance[order].max()) * 1.05, 1e-3))
    percent_axis(bars, "x", "by how much the error\ngrows without it", most=3)
    # The line of no change is always within sight.
    lows = [min(float(curve.ratio.min()), 1.0) for curve in explanation.curves]
    highs = [max(float(curve.ratio.max()), 1.0) for curve in explanation.curves]
    for axes, curve in zip(panels, explanation.curves, strict=False):
        axes.axhline(1, color=palette.BASELINE, lw=1, ls="--")
        axes.set_ylim(min(lows) - 0.02, max(highs) + 0.02)
        percent_ticks(axes)
        _draw(axes, curve)
    for axes in panels[: len(explanation.curves) : _COLUMNS]:
        axis_title(axes, "y", "forecast, as a share of\nthis weekday's usual sales")
    return sheet


def _title(subject: str, explanation: Explanation) -> str:
    """Name what matters most, and what comes next, as far as each is clearly ahead of the following."""
    left = dict(zip(explanation.features, explanation.importance.tolist(), strict=True))
    groups: list[str] = []
    while left and len(groups) < 2 and len(leaders := sharing_the_lead(left)) <= NAMED:
        groups.append(listed(map(_feature, sorted(leaders, key=left.__getitem__, reverse=True))))
        left = {name: value for name, value in left.items() if name not in leaders}
    if not groups:
        return f"{capitalized(subject)} relies on many inputs, none clearly more than the next"
    return f"What {subject} relies on most: {', then '.join(groups)}"


def _draw(axes: Axes, curve: Curve) -> None:
    """Draw how the forecast follows one feature, whose values are written as readers know them."""
    name, values = curve.feature, curve.values
    title = _feature(name)
    if name == "week_of_month":
        values = values + 1
    axes.plot(values, curve.ratio, color=palette.FORECAST, lw=1.8, marker="o", ms=3)
    number_ticks(axes, "x")
    if name == "family_holiday":
        # "None near" is a number to the trees, beyond the last day after one.
        axes.set_xticks([-7, -4, 0, 3, NO_FAMILY_HOLIDAY], ["-7", "-4", "0", "3", "none"])
    elif name in ("weekend", "holiday"):
        axes.set_xticks([0, 1], ["no", "yes"])
        axes.set_xlim(-0.3, 1.3)
    elif name == "weekday":
        axes.set_xticks(range(7), [day[:2] for day in WEEKDAYS])
    elif name in _OF_LAST_FOUR_WEEKS:
        title += ", in percent of the last 4 weeks"
        percent_ticks(axes, "x")
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=_ROUND))
    elif name in ("seasonal_index", "shop_seasonal_index"):
        percent_ticks(axes, "x")
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=_ROUND))
    elif name in FEATURE_WORDS:
        axes.xaxis.set_major_locator(
            MaxNLocator(5, steps=_ROUND, integer=not name.startswith(("day_of_year", "last_year")))
        )
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=_ROUND))
    axis_title(axes, "x", "\n".join(lines(title, _PANEL_POINTS, AXIS)))


def _feature(name: str) -> str:
    """The words for a feature; those that users bring are named by themselves."""
    return FEATURE_WORDS.get(name) or short(name.replace("_", " "), 40)
