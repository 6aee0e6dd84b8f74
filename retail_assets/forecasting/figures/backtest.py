"""The figures that show what the models were worth in the backtest, by file name."""

from __future__ import annotations

import datetime as dt
from typing import Any

from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.explanation import Explanation
from retail_assets.forecasting.figures.calibration import calibration
from retail_assets.forecasting.figures.drivers import drivers
from retail_assets.forecasting.figures.errors import against_actuals, error_by_week
from retail_assets.forecasting.figures.skill import skill
from retail_assets.plotting.left_out import Figures, NothingToShow, draw_each, none_of
from retail_assets.plotting.sheet import Sheet
from retail_assets.wording.forecast_models import in_words

FIGURES = (
    "forecast_skill.png",
    "forecast_backtest.png",
    "forecast_error_by_horizon.png",
    "forecast_calibration.png",
    "forecast_features.png",
)


def draw_figures(
    backtest: Backtest | None, report: dict[str, Any], explanation: Explanation | None, *, currency: str = ""
) -> Figures:
    """Draw those of `FIGURES` that this backtest gives, as PNG by file name; none without a backtest."""
    if backtest is None:
        return none_of(FIGURES, "the history is too short or too sparse to test a model")
    return draw_each(
        {
            "forecast_skill.png": lambda: skill(report, backtest.best_baseline).png(),
            "forecast_backtest.png": lambda: against_actuals(backtest, currency).png(),
            "forecast_error_by_horizon.png": lambda: error_by_week(backtest).png(),
            "forecast_calibration.png": lambda: calibration(backtest).png(),
            "forecast_features.png": lambda: _drivers(report, explanation).png(),
        }
    )


def _drivers(report: dict[str, Any], explanation: Explanation | None) -> Sheet:
    """What the boosted model uses, where it has skill: else there is nothing that is worth reading."""
    if explanation is None:
        raise NothingToShow("the model uses no features that could be shown")
    if not report["has_skill"]:
        raise NothingToShow("no model is better than the simple rules, so what it uses explains nothing")
    days = (dt.date.fromisoformat(report["data"]["first_day"]), dt.date.fromisoformat(report["data"]["last_day"]))
    return drivers(explanation, days, published=explanation.model == in_words(report["champion"]))
