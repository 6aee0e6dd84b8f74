"""A backtest as JSON-able numbers: by model, cut-off, category, horizon and kind of day, and the skill."""

from __future__ import annotations

from typing import Any

import numpy as np

from retail_assets.forecasting.data.series import WEEK, Bools
from retail_assets.forecasting.evaluation.backtest import MARGIN_OF_MEAN, MARGIN_OF_ONE, MODEL_NAMES, Backtest, Metrics
from retail_assets.forecasting.evaluation.findings import findings, weeks_ahead
from retail_assets.forecasting.evaluation.verdict import claim


def report(backtest: Backtest, methods: dict[str, str], *, seed: int) -> dict[str, Any]:
    """Report a backtest.

    Args:
        backtest: what was measured.
        methods: the published method of each category, by its name.
        seed: of the bootstrap of the skill.
    """
    names, count = [name for name in MODEL_NAMES if name in backtest.forecasts], len(backtest.categories)
    best = backtest.best_model
    return {
        "in_words": findings(backtest),
        "cutoffs": [str(day) for day in backtest.cutoffs],
        "unscored_days": [str(day) for day in backtest.unscored_days],
        "models": models_of(backtest),
        "champion": backtest.champion,
        "has_skill": backtest.has_skill,
        "claim": claim(backtest),
        "best_model": best,
        "best_simple_rule": backtest.best_baseline,
        "ranked_by": "geometric mean of the RMSE of categories and of their total; "
        f"{backtest.preferred_model} unless a mean of models is more than {MARGIN_OF_MEAN:.1%} better, or a single "
        f"model more than {MARGIN_OF_ONE:.0%}",
        "skill": {
            name: {
                "rmse_reduction": _round(backtest.skill(name)),
                "interval90": [_round(end) for end in backtest.skill_interval(name, seed=seed) or ()] or None,
                "cutoffs_better": backtest.cutoffs_better(name),
            }
            for name in names
            if name != best
        },
        "by_cutoff": {
            str(day): {name: _rounded(backtest.metrics(name, cutoff=at)) for name in names}
            for at, day in enumerate(backtest.cutoffs)
        },
        "by_horizon": {
            label: {name: _rounded(backtest.metrics(name, days=mask)) for name in names}
            for label, mask in backtest_horizons(backtest).items()
        },
        "by_week_ahead_without_holidays": {
            str(number): {name: _rounded(backtest.metrics(name, days=mask)) for name in names}
            for number, mask in enumerate(weeks_ahead(backtest), start=1)
            if mask.any()
        },
        "by_kind_of_day": {
            label: {name: _rounded(backtest.metrics(name, days=mask)) for name in names}
            for label, mask in kinds_of_day(backtest).items()
        },
        "total": {name: _rounded(backtest.metrics(name, category=count)) for name in names},
        "by_category": {
            name: {
                "method": methods.get(name),
                "modelled_in_backtest": bool(backtest.modeled[at]),
                "skill_vs_seasonal_naive": _round(backtest.skill("seasonal_naive", category=at)),
                "models": {model: _rounded(backtest.metrics(model, category=at)) for model in names},
            }
            for at, name in enumerate(backtest.categories)
        },
    }


def models_of(backtest: Backtest) -> dict[str, Metrics]:
    """Compute the metrics of each model that took part, rounded for a report."""
    return {name: _rounded(backtest.metrics(name)) for name in MODEL_NAMES if name in backtest.forecasts}


def backtest_horizons(backtest: Backtest) -> dict[str, Bools]:
    """Make masks, (cut-offs, horizon), of the first week and of all days, by the number of days."""
    cutoffs, _, steps = backtest.actual.shape
    day = np.broadcast_to(np.arange(1, steps + 1) * backtest.grain, (cutoffs, steps))
    horizon = steps * backtest.grain
    return {str(days): day <= days for days in sorted({min(WEEK, horizon), horizon})}


def kinds_of_day(backtest: Backtest) -> dict[str, Bools]:
    """Make masks, (cut-offs, horizon), of holidays with the days around them and of ordinary days, as there are any."""
    if backtest.holiday is None:
        return {}
    kinds = {"ordinary": ~backtest.holiday, "holiday": backtest.holiday}
    return {name: mask for name, mask in kinds.items() if mask.any()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _rounded(metrics: Metrics) -> Metrics:
    return {name: _round(value) for name, value in metrics.items()}
