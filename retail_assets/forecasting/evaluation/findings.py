"""What a backtest compared with what, and where the published model fails, in sentences for people.

Errors by horizon are those of ordinary days: near a holiday the calendar explains an error and not its place in the
horizon. A number that rests on few cases says so in the same sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retail_assets.forecasting.data.series import WEEK, Bools
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.forecasting.models.wording import in_words
from retail_assets.wording.formats import day, listed, percent, plural

FEW_CASES = 50
# Categories that are named, the largest errors first.
_MOST_NAMED = 3
# From this share of sales on, an error is one to name a category by: half of what it sells.
_LARGE = 0.5


def findings(backtest: Backtest, model: str | None = None) -> list[str]:
    """State what was compared, how large the errors are, and where the model fails.

    Args:
        backtest: one with at least one cut-off.
        model: the model that is spoken of; the published one by default.
    """
    name = model or backtest.champion
    told = [
        _compared(backtest, name),
        _overall(backtest, name),
        _by_horizon(backtest, name),
        _near_holidays(backtest, name),
        _intervals(backtest, name),
        _lost(backtest, name),
        _categories(backtest, name),
    ]
    return [sentence for sentence in told if sentence]


def weeks_ahead(backtest: Backtest) -> list[Bools]:
    """Make masks, (cut-offs, steps), of each week ahead without the days near holidays."""
    cutoffs, _, steps = backtest.actual.shape
    week = (np.arange(steps) * backtest.grain // WEEK)[None, :] * np.ones((cutoffs, 1), dtype=np.int64)
    ordinary = np.ones((cutoffs, steps), dtype=bool) if backtest.holiday is None else ~backtest.holiday
    return [(week == number) & ordinary for number in range(int(week.max()) + 1)]


def cases(backtest: Backtest, days: Bools) -> int:
    """Count the category-days (or weeks) with a known outcome on the days that are marked."""
    return int((~np.isnan(np.where(days[:, None, :], backtest.actual, np.nan))).sum())


def _compared(backtest: Backtest, name: str) -> str:
    models = [in_words(other) for other in backtest.forecasts if other not in BASELINE_NAMES and other != name]
    rules = [in_words(other) for other in backtest.forecasts if other in BASELINE_NAMES and other != name]
    unit, steps = backtest.unit, backtest.actual.shape[2]
    where = f"the {plural(steps, unit)} after {plural(len(backtest.cutoffs), 'cut-off')}"
    if len(backtest.cutoffs) > 1:
        where += f" ({day(backtest.cutoffs[0])} to {day(backtest.cutoffs[-1])})"
    others = [f"the models {listed(models)}"] if models else []
    others += [f"the rules {listed(rules)}"] if rules else []
    against = f" with {' and with '.join(others)}" if others else ""
    return f"Compared: {in_words(name)}{against}, each on {where}, of which it had seen nothing."


def _overall(backtest: Backtest, name: str) -> str | None:
    ours = backtest.metrics(name)
    if ours["wape"] is None:
        return None
    text = f"It missed a category's {backtest.unit} by {percent(ours['wape'])} of sales"
    if ours["total_wape"] is not None:
        text += f" and the total of a {backtest.unit} by {percent(ours['total_wape'])}"
    rules = [rule for rule in BASELINE_NAMES if rule in backtest.forecasts and rule != name]
    if rules:
        best = min(rules, key=backtest.score)
        of = "other rules" if name in BASELINE_NAMES else "rules"
        wape, total = (backtest.metrics(best)[key] for key in ("wape", "total_wape"))
        if wape is not None and total is not None:
            text += f"; the best of the {of}, {in_words(best)}, by {percent(wape)} and {percent(total)}"
    return f"{text}{_few(backtest, np.ones(backtest.actual[:, 0].shape, dtype=bool))}."


def _by_horizon(backtest: Backtest, name: str) -> str | None:
    weeks = weeks_ahead(backtest)
    errors = [backtest.metrics(name, days=mask)["wape"] if mask.any() else None for mask in weeks]
    if len(weeks) < 2 or errors[0] is None or errors[-1] is None:
        return None
    ordinary = "On days that are not near a holiday" if backtest.holiday is not None else "By week ahead"
    return (
        f"{ordinary} the error is {percent(errors[0])} of sales in the first week ahead and {percent(errors[-1])} in "
        f"week {len(weeks)}{_few(backtest, weeks[-1])}."
    )


def _near_holidays(backtest: Backtest, name: str) -> str | None:
    if backtest.holiday is None or not backtest.holiday.any():
        return "No holiday fell on the days that were compared: how it does on holidays is not known."
    near = backtest.metrics(name, days=backtest.holiday)
    far = backtest.metrics(name, days=~backtest.holiday) if not backtest.holiday.all() else {"wape": None}
    if near["wape"] is None or far["wape"] is None:
        return None
    where = "In weeks with a holiday or next to one" if backtest.grain > 1 else "Within a day of a holiday"
    text = f"{where} the error is {percent(near['wape'])}, else {percent(far['wape'])}"
    if near.get("coverage80") is not None:
        text += f"; the 80 % interval held {percent(near['coverage80'] or 0.0, 0)} of {backtest.unit}s there"
    return f"{text}{_few(backtest, backtest.holiday)}."


def _intervals(backtest: Backtest, name: str) -> str | None:
    measured = backtest.metrics(name)
    inner, total = measured.get("coverage80"), measured.get("total_coverage80")
    if inner is None:
        return "How often the intervals hold was not measured: there is no earlier cut-off to learn them from."
    text = f"The 80 % interval held {percent(inner, 0)} of category-{backtest.unit}s"
    return f"{text}." if total is None else f"{text} and {percent(total, 0)} of the total's {backtest.unit}s."


def _lost(backtest: Backtest, name: str) -> str | None:
    """The cut-offs at which the best rule was better."""
    rules = [rule for rule in BASELINE_NAMES if rule in backtest.forecasts and rule != name]
    if not rules or name in BASELINE_NAMES or len(backtest.cutoffs) < 2:
        return None
    best = min(rules, key=backtest.score)
    lost = []
    for at, cutoff in enumerate(backtest.cutoffs):
        ours, theirs = (backtest.metrics(each, cutoff=at)["rmse"] for each in (name, best))
        if ours is not None and theirs is not None and ours > theirs:
            lost.append(day(cutoff))
    if not lost:
        return None
    shown = f"after {listed(lost[:4])}" + (" and others" if len(lost) > 4 else "")
    return f"{in_words(best).capitalize()} was better at {plural(len(lost), 'cut-off')}: {shown}."


def _categories(backtest: Backtest, name: str) -> str | None:
    errors = [
        (wape, category)
        for at, category in enumerate(backtest.categories)
        if (wape := backtest.metrics(name, category=at)["wape"]) is not None
    ]
    worst = sorted((-wape, category) for wape, category in errors if wape >= _LARGE)
    if not worst:
        return None
    named: Sequence[str] = [f"{category} ({percent(-wape, 0)})" for wape, category in worst[:_MOST_NAMED]]
    more = f" and {len(worst) - _MOST_NAMED} more" if len(worst) > _MOST_NAMED else ""
    return f"It misses half of sales or more per {backtest.unit} in {listed(named)}{more}."


def _few(backtest: Backtest, days: Bools) -> str:
    """A remark where a number rests on few cases."""
    count = cases(backtest, days)
    return f" (only {plural(count, f'category-{backtest.unit}')})" if count < FEW_CASES else ""
