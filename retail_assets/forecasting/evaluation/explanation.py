"""Why a boosted model predicts what it predicts: the features that matter, and how its forecast changes with them.

Importance is the error added by shuffling a feature (Breiman 2001; Fisher, Rudin & Dominici 2019); partial dependence
is the mean prediction with the feature held at a value (Friedman 2001). Both are computed on rows that the model was
trained on: they describe the model, not the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import Floats, Panel
from retail_assets.forecasting.models.boosting import BoostedRatio, training_rows
from retail_assets.forecasting.models.features import feature_names
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.wording.forecast_models import in_words

MOST_ROWS = 3000
REPEATS = 3
CURVES = 4
_POINTS = 9
_MOST_ROWS_PER_POINT = 800


@dataclass(frozen=True)
class Curve:
    """Mean predicted ratio to the seasonal base, (points,), with a feature held at `values`, (points,)."""

    feature: str
    values: Floats
    ratio: Floats


@dataclass(frozen=True)
class Explanation:
    """`importance`, (features,), is the relative increase of the mean absolute error by shuffling each feature."""

    model: str
    features: tuple[str, ...]
    importance: Floats
    curves: tuple[Curve, ...]


def explain(model: ForecastModel, panel: Panel, holidays: HolidayCalendar) -> Explanation | None:
    """Explain the boosted part of a model; None where it has none, or no errors on the training rows.

    Args:
        model: a trained model.
        panel: the categories that it was trained on, at the last day it has seen.
        holidays: the calendar and events of its training.
    """
    boosted = [fit for fit in model.fitted.values() if isinstance(fit, BoostedRatio)]
    regressor = boosted[0].model_ if boosted else None
    if regressor is None:
        return None
    rows = training_rows(panel, holidays, horizon=model.horizon, random_state=model.seed)
    draw = np.random.default_rng(model.seed)
    kept = np.sort(draw.choice(len(rows.y), min(MOST_ROWS, len(rows.y)), replace=False))
    features, lifted = boosted[0].inputs(rows)
    x, base, y = features[kept], lifted[kept], rows.y[kept]
    if len(y) == 0:
        return None

    def error(features: Floats) -> float:
        return float(np.abs(regressor.predict(features) * base - y).mean())

    importance = _importance(error, x, draw)
    if importance is None:
        return None
    names = feature_names(holidays, year=boosted[0].reads_year)
    strongest = np.argsort(-importance, kind="stable")[:CURVES]
    curves = tuple(_curve(names[column], regressor.predict, x, int(column)) for column in strongest)
    return Explanation(in_words(boosted[0].name), names, importance, curves)


def _importance(error: Callable[[Floats], float], x: Floats, draw: np.random.Generator) -> Floats | None:
    """(features,): relative error added by shuffling each; None without any error to add to."""
    usual = error(x)
    if usual <= 0:
        return None
    importance = np.zeros(x.shape[1])
    for column in range(x.shape[1]):
        worse = []
        for _ in range(REPEATS):
            shuffled = x.copy()
            shuffled[:, column] = draw.permutation(shuffled[:, column])
            worse.append(error(shuffled))
        importance[column] = max(float(np.mean(worse)) / usual - 1.0, 0.0)
    return importance


def _curve(name: str, predict: Callable[[Floats], Floats], x: Floats, column: int) -> Curve:
    values = np.unique(x[:, column])
    if len(values) > 2 * _POINTS:
        values = np.unique(np.quantile(x[:, column], np.linspace(0.02, 0.98, _POINTS)))
    ratio = []
    for value in values:
        held = x[:: max(len(x) // _MOST_ROWS_PER_POINT, 1)].copy()
        held[:, column] = value
        ratio.append(float(predict(held).mean()))
    return Curve(name, np.asarray(values), np.array(ratio))
