"""The report of a training, `output/forecast/backtest.json`: its data, what was measured, and the verdict."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.grain import unit_of, why_too_coarse
from retail_assets.forecasting.data.series import UNITS, DailySales, closed_days, to_date
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.report import models_of, report
from retail_assets.forecasting.evaluation.verdict import verdict
from retail_assets.forecasting.models.fallback import FEWEST_DAYS_FOR_MODELS
from retail_assets.forecasting.models.forecast_model import ForecastModel
from retail_assets.wording import forecast_card as wording
from retail_assets.wording.formats import WEEKDAYS

# A weekday on which the shop was closed this often is named in place of its dates, of which only the first are.
_OFTEN, _MOST_DATES = 8, 10


def of_nothing(history: pd.DataFrame) -> dict[str, Any]:
    """Report a training without sales, or on those of months."""
    coarse = why_too_coarse(history["sale_date"]) if len(history) else None
    reason = coarse or "There are no sales: land and load some first."
    return {"evaluated": False, "reason": reason, "verdict": _unmeasured(reason)}


def of_revenue(
    sales: DailySales, holidays: HolidayCalendar, tested: Backtest | None, model: ForecastModel, fallbacks: list[str]
) -> dict[str, Any]:
    """Report the training of revenue.

    Args:
        sales: the history.
        holidays: its calendar.
        tested: the backtest; None where there was none.
        model: the model that is published.
        fallbacks: of the categories of `sales`, on its last day.
    """
    shut = closed_days(sales.traded, sales.orders) if sales.rejected is None else sales.unknown & ~sales.rejected
    closed = [str(to_date(day)) for day in sales.days[shut]]
    common = {
        "horizon": model.horizon,
        "seed": model.seed,
        "country": holidays.country,
        "data": {
            "first_day": str(sales.first_day),
            "last_day": str(sales.last_day),
            "days": len(sales.days),
            "categories": len(sales.categories),
            "grain": unit_of(sales.grain),
            "closed_days": closed,
        },
        "notes": _notes(sales, holidays, closed),
    }
    methods = dict(zip(sales.categories, model.published_methods(fallbacks), strict=True))
    if tested is not None:
        measured = report(tested, methods, seed=model.seed)
        return {"evaluated": True, **common, **measured, "verdict": verdict(tested, seed=model.seed)}
    reason = _why_not_tested(sales, model.horizon)
    by_category = {name: {"method": method} for name, method in methods.items()}
    return {"evaluated": False, "reason": reason, **common, "by_category": by_category, "verdict": _unmeasured(reason)}


def of_units(tested: Backtest | None, seed: int) -> dict[str, Any]:
    """Report the training of units in short; their numbers by category are in the table `forecast_backtest`."""
    at_prices = "Units are scored in money, at the mean price of the 8 weeks before each cut-off."
    if tested is None:
        return {
            "evaluated": False,
            "note": at_prices,
            "verdict": "Units are forecast by fallback rules; their accuracy was not measured.",
        }
    return {
        "evaluated": True,
        "models": models_of(tested),
        "champion": tested.champion,
        "has_skill": tested.has_skill,
        "note": at_prices,
        "verdict": verdict(tested, seed=seed, measure=UNITS),
    }


def _notes(sales: DailySales, holidays: HolidayCalendar, closed: list[str]) -> list[str]:
    notes = [*sales.notes, *([holidays.note] if holidays.note else [])]
    if closed:
        notes.append(_closed_in_words([date.fromisoformat(day) for day in closed]))
    return notes


def _closed_in_words(closed: list[date]) -> str:
    """Name the closed days: weekdays on which the shop was closed often, and the first of the other days."""
    often = [name for at, name in enumerate(WEEKDAYS) if sum(day.weekday() == at for day in closed) >= _OFTEN]
    others = [day for day in closed if WEEKDAYS[day.weekday()] not in often]
    dates, more = others[:_MOST_DATES], max(len(others) - _MOST_DATES, 0)
    return str(wording.closed_days(closed=len(closed), weekdays=often, dates=dates, more=more))


def _why_not_tested(sales: DailySales, horizon: int) -> str:
    needed = FEWEST_DAYS_FOR_MODELS + horizon
    if len(sales.days) < needed:
        return str(wording.too_short(days=len(sales.days), horizon=horizon, needed=needed))
    return (
        f"At no cut-off had any category {FEWEST_DAYS_FOR_MODELS} days of history, sales on at least half of its "
        "days, and revenue that is above zero and changes."
    )


def _unmeasured(reason: str) -> str:
    return f"Skill was not measured. {reason} Published: fallback rules only."
