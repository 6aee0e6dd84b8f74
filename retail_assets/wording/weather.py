"""Sentences about weather: whether a forecast has any, and whether the backtest found that it helps."""

from __future__ import annotations

import datetime as dt

from retail_assets.wording.formats import day, number, percent, plural
from retail_assets.wording.statement import phrase


@phrase("weather.none")
def none(*, last_day: dt.date) -> str:
    """State that no weather forecast was issued by the last day of sales."""
    return (
        f"No weather forecast was issued by {day(last_day)}, the last day of sales. The sales forecast takes the "
        "weather to be as usual"
    )


@phrase("weather.old")
def old(*, newest: dt.date, age: int, days: int, horizon: int) -> str:
    """State that the newest weather forecast is `age` days older than the sales; `days` of the horizon are in it."""
    within = f"It reaches {days} of the {plural(horizon, 'day')} that are forecast" if days else "It reaches none"
    return (
        f"The newest weather forecast was issued on {day(newest)}, {plural(age, 'day')} before the last day of sales. "
        f"{within}; on the others the weather is taken to be as usual"
    )


@phrase("weather.helps")
def helps(*, with_weather: float, without: float, gain: float, cutoffs: int) -> str:
    """State that the backtest was better with weather; `gain` is the share by which the score is lower."""
    return (
        f"Weather forecasts are used: with what was forecast at each of {plural(cutoffs, 'cut-off')}, the score of the "
        f"backtest, an error, was {number(with_weather)}, {percent(gain)} lower than without ({number(without)}), on "
        "the same days."
    )


@phrase("weather.no_help")
def no_help(*, with_weather: float, without: float, bar: float, cutoffs: int) -> str:
    """State that the backtest was not better with weather by the bar, a share of the score."""
    size = "no lower than" if with_weather >= without else f"not more than {percent(bar)} lower than"
    return (
        f"Weather forecasts are not used: with what was forecast at each of {plural(cutoffs, 'cut-off')}, the score of "
        f"the backtest, an error, was {number(with_weather)}, which is {size} without ({number(without)}), on the same "
        "days."
    )
