"""What a backtest is worth, in one paragraph for people."""

from __future__ import annotations

from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.models.wording import in_words


def verdict(backtest: Backtest, *, seed: int) -> str:
    """Write the verdict: skill is claimed only where it was measured at 3 cut-offs or more and exceeds chance."""
    best, count = backtest.best_baseline, len(backtest.cutoffs)
    model = in_words(backtest.best_model)
    naive, over_best = backtest.skill("seasonal_naive"), backtest.skill(best)
    where = f"over {count} cut-offs" if count > 1 else "at the only cut-off the history allows"
    published = f"Published: {in_words(backtest.champion)}."
    if naive is None or over_best is None:
        return f"No skill of {model}: {in_words(best)} was already exact {where}. {published}"
    against_naive = f"its RMSE is {_percent(naive)} seasonal naive's {where}"
    interval = backtest.skill_interval(best, seed=seed)
    if best == "seasonal_naive":
        against_best = ""
    else:
        joined = "and" if (naive >= 0) == (over_best >= 0) else "but"
        against_best = f", {joined} {_percent(over_best)} that of {in_words(best)}, the best baseline"
    if not backtest.is_ahead:
        lesson = " There is no pattern to learn beyond that baseline." if best != "seasonal_naive" else ""
        if backtest.champion != best:
            lesson = f" The lead of {in_words(best)} is within chance."
        return f"No skill of {model}: {against_naive}{against_best}.{lesson} {published}"
    if interval is None:
        return f"Skill not proven, too few cut-offs: {against_naive}{against_best}. {published}"
    chance = f"90 % interval of the gain over {in_words(best)}: {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"
    wins = f"better at {backtest.cutoffs_better(best)} of {count} cut-offs"
    claim = f"{model[0].upper()}{model[1:]} has skill" if backtest.has_skill else "Low skill, within chance"
    return f"{claim}: {against_naive}{against_best} ({chance}; {wins}). {published}"


def _percent(skill: float) -> str:
    return f"{abs(100 * skill):.1f} % {'below' if skill >= 0 else 'above'}"
