"""Where no model can be used: which fallback rule forecasts a category instead, and why.

A category's choice is `MODELED`, or the fallback as `rule: reason`. It depends only on what is known at the cut-off,
so that the backtest applies exactly the rules that the published forecast does.
"""

from __future__ import annotations

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import WINDOW_DAYS, Bools, Floats, Panel, weekday
from retail_assets.forecasting.models.baselines import BASELINES, SeasonalNaive
from retail_assets.forecasting.models.forecaster import Forecaster
from retail_assets.forecasting.models.holiday_memory import remember_holidays

MODELED = "model"
# Ten weeks: eight for the features of an origin and two of days to learn from.
FEWEST_DAYS_FOR_MODELS = 70
FEWEST_DAYS_FOR_WEEKDAYS = 14
# For a category that sells on fewer days, a day without a sale is normal, and its ratio to a mean says little.
LEAST_SHARE_OF_DAYS_SOLD = 0.5
# The largest categories that make up this share of the last 8 weeks' revenue are modeled. On The Complete Journey
# (simulated) the small rest costs a third of the time and moves the RMSE less than another seed does. (Sparse
# categories did harm: the model that learned from them too had an RMSE 28 % below seasonal naive's instead of 32 %.)
SHARE_OF_REVENUE_MODELED = 0.995
# A silence this unlikely, and at least two weeks long, is an end and not chance.
CHANCE_OF_SILENCE = 1e-6
FEWEST_DAYS_OF_SILENCE = 14

ENDED = "zero: no longer sold"
TOO_SHORT = "recent_mean: fewer than 14 days of history"
SHORT = "weekday_mean: fewer than 70 days of history"
NO_LEVEL = "weekday_mean: revenue of the last 28 days not above zero"
SMALL = "weekday_mean: not among the largest, 99.5 % of revenue"
CONSTANT = "recent_mean: the same every day"
SPARSE = "recent_mean: sold on fewer than half of the days"
NO_MODEL_BETTER = "no model is better in the backtest"
UNTESTED = "weekday_mean: history too short to test a model"


def choose_fallbacks(panel: Panel) -> list[str]:
    """Choose for each category, at the panel's cut-off, `MODELED` or its fallback as `rule: reason`."""
    large = _largest(panel)
    return [_fallback(panel, row, bool(large[row])) for row in range(len(panel.categories))]


def modeled(fallbacks: list[str]) -> Bools:
    """Mark the categories, (categories,), that a model forecasts and learns from.

    >>> modeled([MODELED, ENDED]).tolist()
    [True, False]
    """
    return np.array([fallback == MODELED for fallback in fallbacks], dtype=bool)


def _largest(panel: Panel) -> Bools:
    revenue = np.maximum(np.nansum(panel.values[:, -WINDOW_DAYS:], axis=1), 0.0)
    order = np.argsort(-revenue, kind="stable")
    larger = np.cumsum(revenue[order]) - revenue[order]
    large = np.zeros(len(revenue), dtype=bool)
    large[order] = larger < SHARE_OF_REVENUE_MODELED * revenue.sum()
    return large


def _fallback(panel: Panel, row: int, large: bool) -> str:
    sold = panel.sold[row, ~np.isnan(panel.values[row])]
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
    return MODELED if large else SMALL


def baseline_forecasts(panel: Panel, holidays: HolidayCalendar, horizon: int) -> dict[str, Floats]:
    """Forecast every category by each baseline alone: (categories, horizon) by the baseline's name.

    Seasonal naive, the yardstick, repeats the last week as it was; the others remember holidays.
    """
    models: list[Forecaster] = [kind() for kind in BASELINES]
    forecasts = {
        m.name: plausible(panel, holidays, m.fit(panel, holidays).predict(panel, holidays, horizon)) for m in models
    }
    return {
        name: values if name == SeasonalNaive.name else remember_holidays(panel, holidays, values)
        for name, values in forecasts.items()
    }


def apply_fallbacks(
    panel: Panel,
    holidays: HolidayCalendar,
    fallbacks: list[str],
    baselines: dict[str, Floats],
    predicted: Floats | None,
) -> Floats:
    """Forecast each category by the model or by its fallback: (categories, horizon).

    On holidays the sum remembers what the shop did before.

    Args:
        panel: the days up to the cut-off.
        holidays: calendar of the days forecast.
        fallbacks: as `choose_fallbacks` returns them.
        baselines: as `baseline_forecasts` returns them.
        predicted: (modeled categories, horizon), the model's own numbers; None exactly where no category is modeled.
    """
    horizon = next(iter(baselines.values())).shape[1]
    rules = {**baselines, "zero": np.zeros((len(panel.categories), horizon))}
    forecast = np.zeros((len(panel.categories), horizon))
    for row, fallback in enumerate(fallbacks):
        if fallback != MODELED:
            forecast[row] = rules[fallback.split(":")[0]][row]
    if predicted is not None:
        of_model = modeled(fallbacks)
        forecast[of_model] = plausible(panel.select(of_model), holidays, predicted)
    return remember_holidays(panel, holidays, forecast)


def plausible(panel: Panel, holidays: HolidayCalendar, forecast: Floats) -> Floats:
    """Limit a forecast, (categories, horizon), to what is plausible.

    It is zero on days the shop will be closed, and not below zero unless returns exceeded sales in the last 8 weeks.
    """
    floored = np.where(returns_dominate(panel)[:, None], forecast, np.maximum(forecast, 0.0))
    return np.where(open_days(panel, holidays, forecast.shape[1]), floored, 0.0)


def returns_dominate(panel: Panel) -> Bools:
    """Mark the categories, (categories,), whose returns exceeded sales in the last 8 weeks.

    A forecast below zero is then not a mistake.
    """
    return np.asarray(np.nansum(panel.values[:, -WINDOW_DAYS:], axis=1) < 0)


def open_days(panel: Panel, holidays: HolidayCalendar, horizon: int) -> Bools:
    """Mark the days, (horizon,), on which the shop will be open.

    It is closed on weekdays that it has kept closed, and on holidays on which it has closed each time so far.
    """
    days = zip(panel.days[panel.known], panel.closed[panel.known], strict=True)
    past = [(name, bool(shut)) for day, shut in days if (name := holidays.name(day))]
    shut_on = {name for name, _ in past} - {name for name, shut in past if not shut}
    future = panel.future_days(horizon)
    on_holiday = np.array([holidays.name(day) in shut_on for day in future])
    return ~(panel.weekdays_closed()[weekday(future)] | on_holiday)
