"""Which rule forecasts which category, and why: a learned model where it can be trusted, a plain rule elsewhere.

A method is MODELLED, or `rule: reason`; what is published names the model that won the backtest. It is chosen from
what is known at the cut-off, so that the backtest applies the very rules that the published forecast does.
"""

from __future__ import annotations

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import WINDOW_DAYS, Bools, Floats, Panel, weekday
from retail_assets.forecasting.models.boosting import BASELINES, Forecaster

MODELLED = "model"
# Ten weeks: eight for the features of an origin and two of days to learn from.
FEWEST_DAYS_FOR_MODELS = 70
FEWEST_DAYS_FOR_WEEKDAYS = 14
# Of a category that sells on fewer days, the day without a sale is the rule and its ratio to a mean says little.
LEAST_SHARE_OF_DAYS_SOLD = 0.5
# The largest categories that make up this share of the last 8 weeks' revenue are modelled. On Complete Journey the
# crumbs beyond it cost a third of the time and move the RMSE less than another seed does. (Sparse ones did harm: the
# model that learnt from them too had 28 % instead of 32 % less RMSE than seasonal naive.)
SHARE_OF_REVENUE_MODELLED = 0.995
# A silence this unlikely, and at least two weeks long, is an end and no accident.
CHANCE_OF_SILENCE = 1e-6
FEWEST_DAYS_OF_SILENCE = 14

ENDED = "zero: no longer sold"
TOO_SHORT = "recent_mean: fewer than 14 days of history"
SHORT = "weekday_mean: fewer than 70 days of history"
NO_LEVEL = "weekday_mean: revenue of the last 28 days not above zero"
SMALL = "weekday_mean: not among the largest, 99.5 % of revenue"
CONSTANT = "recent_mean: the same every day"
SPARSE = "recent_mean: sold on fewer than half of the days"
UNTESTED = "weekday_mean: history too short to test a model"


def choose_methods(panel: Panel) -> list[str]:
    """The method of each category at the panel's cut-off."""
    large = _largest(panel)
    return [_method(panel, row, bool(large[row])) for row in range(len(panel.categories))]


def modelled(methods: list[str]) -> Bools:
    """(categories,): which of them a model forecasts, and learns from."""
    return np.array([method == MODELLED for method in methods], dtype=bool)


def _largest(panel: Panel) -> Bools:
    revenue = np.maximum(np.nansum(panel.values[:, -WINDOW_DAYS:], axis=1), 0.0)
    order = np.argsort(-revenue, kind="stable")
    larger = np.cumsum(revenue[order]) - revenue[order]
    large = np.zeros(len(revenue), dtype=bool)
    large[order] = larger < SHARE_OF_REVENUE_MODELLED * revenue.sum()
    return large


def _method(panel: Panel, row: int, large: bool) -> str:
    trading = np.flatnonzero(~panel.closed)
    since_first = trading[trading >= panel.first[row]]
    sold = panel.sold[row, since_first]
    silence = int(sold[::-1].argmax())
    share_before = sold.sum() / (len(sold) - silence)
    surely_ended = silence >= FEWEST_DAYS_OF_SILENCE and (1 - share_before) ** silence < CHANCE_OF_SILENCE
    if silence >= WINDOW_DAYS or surely_ended:
        return ENDED
    days = panel.origin - int(panel.first[row]) + 1
    if days < FEWEST_DAYS_FOR_WEEKDAYS:
        return TOO_SHORT
    if days < FEWEST_DAYS_FOR_MODELS:
        return SHORT
    month = panel.values[row, -28:]
    if not np.nansum(month) > 0 or np.isnan(month).sum() > 14:
        return NO_LEVEL
    window = panel.values[row, -WINDOW_DAYS:]
    if np.nanmax(window) == np.nanmin(window):
        return CONSTANT
    recent = sold[-WINDOW_DAYS:]
    if recent.mean() < LEAST_SHARE_OF_DAYS_SOLD:
        return SPARSE
    return MODELLED if large else SMALL


def baseline_forecasts(panel: Panel, holidays: HolidayCalendar, horizon: int) -> dict[str, Floats]:
    """(categories, horizon) of each baseline, every category by that baseline alone."""
    models: list[Forecaster] = [kind() for kind in BASELINES]
    return {
        m.name: plausible(panel, holidays, m.fit(panel, holidays).predict(panel, holidays, horizon)) for m in models
    }


def apply_methods(
    panel: Panel, holidays: HolidayCalendar, methods: list[str], baselines: dict[str, Floats], predicted: Floats | None
) -> Floats:
    """(categories, horizon): each category by its own method.

    `predicted` is (modelled categories, horizon) as a model gave it; None exactly where no category is modelled.
    """
    horizon = next(iter(baselines.values())).shape[1]
    candidates = {**baselines, "zero": np.zeros((len(panel.categories), horizon))}
    forecast = np.zeros((len(panel.categories), horizon))
    for row, method in enumerate(methods):
        if method != MODELLED:
            forecast[row] = candidates[method.split(":")[0]][row]
    if predicted is not None:
        of_model = modelled(methods)
        forecast[of_model] = plausible(panel.select(of_model), holidays, predicted)
    return forecast


def plausible(panel: Panel, holidays: HolidayCalendar, forecast: Floats) -> Floats:
    """Zero on days the shop will be closed; nowhere below zero unless returns exceeded sales in the last 8 weeks."""
    floored = np.where(returns_dominate(panel)[:, None], forecast, np.maximum(forecast, 0.0))
    return np.where(open_days(panel, holidays, forecast.shape[1]), floored, 0.0)


def returns_dominate(panel: Panel) -> Bools:
    """(categories,): returns exceeded sales in the last 8 weeks, so that a forecast below zero is no mistake."""
    return np.asarray(np.nansum(panel.values[:, -WINDOW_DAYS:], axis=1) < 0)


def open_days(panel: Panel, holidays: HolidayCalendar, horizon: int) -> Bools:
    """(horizon,): False on weekdays the shop keeps closed, and on holidays it has closed on each time so far."""
    past = [
        (name, bool(shut)) for day, shut in zip(panel.days, panel.closed, strict=True) if (name := holidays.name(day))
    ]
    shut_on = {name for name, _ in past} - {name for name, shut in past if not shut}
    future = panel.future_days(horizon)
    on_holiday = np.array([holidays.name(day) in shut_on for day in future])
    return ~(panel.weekdays_closed()[weekday(future)] | on_holiday)
