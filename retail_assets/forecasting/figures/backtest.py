"""The figures that show what the models were worth in the backtest, by file name."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.explanation import Explanation
from retail_assets.forecasting.figures.calibration import calibration
from retail_assets.forecasting.figures.drivers import drivers
from retail_assets.forecasting.figures.errors import against_actuals, error_by_week
from retail_assets.forecasting.figures.skill import skill
from retail_assets.plotting.image import png
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
) -> dict[str, bytes]:
    """Draw those of `FIGURES` that this backtest gives, as PNG by file name; none without a backtest."""
    if backtest is None:
        return {}
    figures = {
        "forecast_skill.png": skill(report, backtest.best_baseline),
        "forecast_backtest.png": against_actuals(backtest, currency),
        "forecast_error_by_horizon.png": error_by_week(backtest),
        "forecast_calibration.png": calibration(backtest),
        "forecast_features.png": _drivers(report, explanation),
    }
    return {name: png(figure) for name, figure in figures.items() if figure is not None}


def _drivers(report: dict[str, Any], explanation: Explanation | None) -> Figure | None:
    """What the boosted model uses; None where it has no skill, and so nothing that is worth reading."""
    if explanation is None or not report["has_skill"]:
        return None
    return drivers(explanation, published=explanation.model == in_words(report["champion"]))
