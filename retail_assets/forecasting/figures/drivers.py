"""What moves the forecast of a boosted model: the features that matter most, and how the forecast follows them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from retail_assets.forecasting.evaluation.explanation import Explanation
from retail_assets.forecasting.figures.parts import capitalized
from retail_assets.plotting import palette
from retail_assets.plotting.axes import percent_ticks
from retail_assets.plotting.labels import label
from retail_assets.plotting.panels import grid_of_panels, headline

_MOST_FEATURES = 12
FEATURE_WORDS = {
    "step": "days ahead",
    "weekday_last": "same weekday, last week",
    "weekday_mean2": "same weekday, 2 weeks",
    "weekday_mean4": "same weekday, 4 weeks",
    "weekday_mean8": "same weekday, 8 weeks",
    "weekday_median8": "same weekday, 8-week median",
    "mean7": "mean of 7 days",
    "mean14": "mean of 14 days",
    "mean56": "mean of 56 days",
    "last": "last day",
    "seasonal_index": "weekday pattern",
    "cv28": "variation over 28 days",
    "weekday": "weekday (0 = Monday)",
    "day_of_month": "day of the month",
    "week_of_month": "week of the month",
    "weekend": "weekend",
    "days_to_holiday": "days to the next holiday",
    "days_since_holiday": "days since a holiday",
    "holiday": "holiday",
}
"""What readers call the features of `models.features`; amounts of past sales are relative to the mean of 28 days."""


def drivers(explanation: Explanation) -> Figure:
    """Draw permutation importance, and partial dependence on the features that matter most."""
    figure, panels = grid_of_panels(1, 1 + len(explanation.curves), 4.2 + 2.5 * len(explanation.curves), 4.8)
    order = np.argsort(explanation.importance)[-_MOST_FEATURES:]
    names = [_feature(explanation.features[at]) for at in order]
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
        axes.set_xlabel(_feature(curve.feature), fontsize=9)
        axes.tick_params(labelsize=8.5)
    if explanation.curves:
        panels[1].set_ylabel("forecast / recent level of the weekday")
    first, second = names[-1], names[-2] if len(names) > 1 else names[-1]
    evidence = f"{capitalized(explanation.model)}; permutation importance and partial dependence on the training data."
    headline(figure, f"What moves the forecast most: {first}, then {second}", evidence)
    return figure


def _feature(name: str) -> str:
    """The words for a feature; those that users bring are named by themselves."""
    return FEATURE_WORDS.get(name) or label(name.replace("_", " "), 28)
