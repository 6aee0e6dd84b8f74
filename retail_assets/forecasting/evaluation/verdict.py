"""What a backtest is worth, in one paragraph for people."""

from __future__ import annotations

from retail_assets.forecasting.data.series import REVENUE
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.wording import forecast as wording
from retail_assets.wording.forecast_models import in_words


def claim(backtest: Backtest) -> str:
    """Name what may be said of the best model's skill, in the terms of `forecast.verdict`."""
    rule = backtest.best_baseline
    if backtest.skill("seasonal_naive") is None or backtest.skill(rule) is None:
        return "exact"
    if not backtest.is_ahead:
        return "none" if backtest.champion == rule else "chance"
    if backtest.skill_interval(rule, seed=0) is None:
        return "unproven"
    return "skill" if backtest.has_skill else "low"


def verdict(backtest: Backtest, *, seed: int, measure: str = REVENUE) -> str:
    """Write the verdict: skill is claimed only where it was measured at 3 cut-offs or more and exceeds chance."""
    rule = backtest.best_baseline
    naive, over_rule = backtest.skill("seasonal_naive"), backtest.skill(rule)
    interval = backtest.skill_interval(rule, seed=seed)
    return wording.verdict(
        measure=measure,
        model=in_words(backtest.best_model),
        published=in_words(backtest.champion),
        rule=in_words(rule),
        cutoffs=len(backtest.cutoffs),
        over_naive=naive,
        over_rule=over_rule,
        claim=claim(backtest),
        interval=interval,
        better_at=backtest.cutoffs_better(rule),
    ).text
