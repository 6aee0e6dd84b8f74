"""Why a boosted model says what it says: which features it leans on, and how its forecast bends with them.

Importance is the error added by shuffling a feature (Breiman 2001; Fisher, Rudin & Dominici 2019); partial dependence
is the mean prediction with the feature held at a value (Friedman 2001). Both on rows the model was trained on: they
describe the model, not the world.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.calendar import HolidayCalendar, holiday_calendar
from retail_assets.forecasting.data.regressors import NONE, Regressors
from retail_assets.forecasting.data.series import DailySales, Floats, daily_sales, panel_at
from retail_assets.forecasting.models.boosting import GradientBoosting, HistGradientBoosting, training_rows
from retail_assets.forecasting.models.fallback import choose_methods, modelled
from retail_assets.forecasting.models.features import feature_names
from retail_assets.forecasting.models.serialization import ForecastModel

MOST_ROWS = 3000
REPEATS = 3
CURVES = 4
_POINTS = 9


@dataclass(frozen=True)
class Curve:
    """Mean predicted ratio to the seasonal base, (points,), with a feature held at `values`, (points,)."""

    feature: str
    values: Floats
    ratio: Floats


@dataclass(frozen=True)
class Explanation:
    """`importance`, (features,), is the relative increase of the mean absolute error."""

    model: str
    features: tuple[str, ...]
    importance: Floats
    curves: tuple[Curve, ...]


def explain_history(model: ForecastModel, history: pd.DataFrame, regressors: Regressors = NONE) -> Explanation | None:
    """`explain` by the rows of `daily_category_sales` that the model was trained on."""
    sales = daily_sales(history)
    if sales is None:
        return None
    calendar = holiday_calendar(model.country, sales.first_day, sales.last_day)
    return explain(model, sales, replace(calendar, regressors=regressors))


def explain(model: ForecastModel, sales: DailySales, holidays: HolidayCalendar) -> Explanation | None:
    """Explain the boosted part of a model by rows of the history it was trained on; None where there is none."""
    boosted = [fit for fit in model.fitted.values() if isinstance(fit, (GradientBoosting, HistGradientBoosting))]
    regressor = boosted[0].model_ if boosted else None
    if regressor is None:
        return None
    panel = panel_at(sales, sales.last_day)
    largest = panel.select(modelled(choose_methods(panel)))
    rows = training_rows(largest, holidays, horizon=model.horizon, random_state=model.seed)
    draw = np.random.default_rng(model.seed)
    kept = np.sort(draw.choice(len(rows.y), min(MOST_ROWS, len(rows.y)), replace=False))
    x, base, y = rows.x[kept], rows.base[kept], rows.y[kept]
    if len(y) == 0:
        return None

    def error(features: Floats) -> float:
        return float(np.abs(regressor.predict(features) * base - y).mean())

    names = feature_names(holidays)
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
    curves = []
    for column in np.argsort(-importance, kind="stable")[:CURVES]:
        known = np.unique(x[:, column])
        values = (
            known
            if len(known) <= 2 * _POINTS
            else np.unique(np.quantile(x[:, column], np.linspace(0.02, 0.98, _POINTS)))
        )
        ratio = []
        for value in values:
            held = x[:: max(len(x) // 800, 1)].copy()
            held[:, column] = value
            ratio.append(float(regressor.predict(held).mean()))
        curves.append(Curve(names[column], np.asarray(values), np.array(ratio)))
    return Explanation(boosted[0].name.replace("_", " "), names, importance, tuple(curves))
