"""What a backtest compared with what, and where the published model fails, in sentences for people.

Holidays are those of `holiday_calendar`, without the ones that few shoppers plan for: sentences call them major.

Errors by horizon are those of days apart from them: around a holiday the calendar explains an error, and not its
place in the horizon. A number that rests on few days says so in the same sentence.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from retail_assets.forecasting.data.series import WEEK, Bools
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.interval_ends import IntervalEnd, interval_ends, missed_ends, too_wide
from retail_assets.forecasting.models.baselines import BASELINE_NAMES
from retail_assets.wording import forecast as wording
from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.statement import Statement

# Categories that are named, the largest errors first.
_MOST_NAMED = 3
# From this share of sales on, an error is one to name a category by: half of what it sells.
_LARGE = 0.5
# A category with less of the sales on the days compared is too small to be named by its errors.
_SMALLEST = 0.001


def findings(backtest: Backtest, model: str | None = None) -> list[str]:
    """State what was compared, how large the errors are, and where the model fails.

    Args:
        backtest: one with at least one cut-off.
        model: the model that is spoken of; the published one by default.
    """
    name = model or backtest.champion
    statements = [
        _compared(backtest, name),
        _overall(backtest, name),
        _by_horizon(backtest, name),
        _near_holidays(backtest, name),
        intervals_in_words(backtest, name),
        _lost(backtest, name),
        _categories(backtest, name),
    ]
    return [str(statement) for statement in statements if statement]


def weeks_ahead(backtest: Backtest) -> list[Bools]:
    """Make masks, (cut-offs, steps), of each week ahead without the days around holidays."""
    cutoffs, _, steps = backtest.actual.shape
    week = (np.arange(steps) * backtest.grain // WEEK)[None, :] * np.ones((cutoffs, 1), dtype=np.int64)
    around = backtest.holiday if backtest.season is None else backtest.season
    ordinary = np.ones((cutoffs, steps), dtype=bool) if around is None else ~around
    return [(week == number) & ordinary for number in range(int(week.max()) + 1)]


def scored_days(backtest: Backtest, days: Bools) -> int:
    """Count the days (or weeks), of every cut-off, that are marked and have a known outcome of any category."""
    return int((~np.isnan(backtest.actual).all(axis=1) & days).sum())


def _all_days(backtest: Backtest) -> Bools:
    return np.ones((len(backtest.cutoffs), backtest.actual.shape[2]), dtype=bool)


def _compared(backtest: Backtest, name: str) -> Statement:
    others = [other for other in backtest.forecasts if other != name]
    return wording.compared_with(
        model=in_words(name),
        models=[in_words(other) for other in others if other not in BASELINE_NAMES],
        rules=[in_words(other) for other in others if other in BASELINE_NAMES],
        steps=backtest.actual.shape[2],
        unit=backtest.unit,
        cutoffs=len(backtest.cutoffs),
        first_cutoff=backtest.cutoffs[0],
        last_cutoff=backtest.cutoffs[-1],
    )


def _overall(backtest: Backtest, name: str) -> Statement | None:
    ours = backtest.metrics(name)
    if ours["wape"] is None:
        return None
    best = _best_rule(backtest, name)
    theirs = backtest.metrics(best) if best else {"wape": None, "total_wape": None}
    return wording.errors(
        unit=backtest.unit,
        wape=ours["wape"],
        total_wape=ours["total_wape"],
        rule=in_words(best) if best else None,
        is_rule=name in BASELINE_NAMES,
        rule_wape=theirs["wape"],
        rule_total_wape=theirs["total_wape"],
        scored=scored_days(backtest, _all_days(backtest)),
    )


def _best_rule(backtest: Backtest, name: str) -> str | None:
    """The best of the rules that are not the model itself."""
    rules = [rule for rule in BASELINE_NAMES if rule in backtest.forecasts and rule != name]
    return min(rules, key=backtest.score) if rules else None


def _by_horizon(backtest: Backtest, name: str) -> Statement | None:
    weeks = [
        (number, mask) for number, mask in enumerate(weeks_ahead(backtest), start=1) if scored_days(backtest, mask)
    ]
    if len(weeks) < 2:
        return None
    (first, early), (last, late) = weeks[0], weeks[-1]
    errors = [backtest.metrics(name, days=mask)["wape"] for mask in (early, late)]
    if None in errors:
        return None
    return wording.by_week_ahead(
        unit=backtest.unit,
        first_week=first,
        last_week=last,
        first=errors[0],
        last=errors[1],
        first_days=scored_days(backtest, early),
        last_days=scored_days(backtest, late),
        apart=backtest.holiday is not None,
    )


def _near_holidays(backtest: Backtest, name: str) -> Statement | str | None:
    if backtest.holiday is None or not scored_days(backtest, backtest.holiday):
        return "No major holiday fell on the days that were compared: how it does on holidays is not known."
    near = backtest.metrics(name, days=backtest.holiday)
    if near["wape"] is None:
        return None
    return wording.near_holidays(
        unit=backtest.unit,
        near=near["wape"],
        near_days=scored_days(backtest, backtest.holiday),
        names=holidays_compared(backtest),
        far=backtest.metrics(name, days=~backtest.holiday)["wape"],
        coverage80=near.get("coverage80"),
    )


def holidays_compared(backtest: Backtest) -> list[str]:
    """Name the holidays of which a day that was scored is at most a day away, in the order of their dates."""
    outcome: Bools = np.logical_not(np.isnan(backtest.actual).all(axis=1))
    ends = [
        cutoff + timedelta(days=(int(step) + 1) * backtest.grain)
        for at, cutoff in enumerate(backtest.cutoffs)
        for step in np.flatnonzero(outcome[at])
    ]
    scored = {end - timedelta(days=back) for end in ends for back in range(backtest.grain)}
    near = {day + timedelta(days=step) for day in scored for step in (-1, 0, 1)}
    return list(dict.fromkeys(name for day, name in sorted(backtest.holidays.items()) if day in near))


def intervals_in_words(backtest: Backtest, name: str) -> Statement | str:
    """State how often the intervals of a model held, and which ends did not."""
    measured, ends = backtest.metrics(name), interval_ends(backtest, name)
    if measured.get("coverage80") is None:
        return "How often the intervals hold was not measured: there is no earlier cut-off to learn them from."
    return wording.intervals(
        unit=backtest.unit,
        days=max(end.days for end in ends),
        **{key: measured.get(key) for key in ("coverage80", "coverage95", "total_coverage80", "total_coverage95")},
        missed=[end_in_words(end, backtest.unit) for end in missed_ends(ends)],
        too_wide=too_wide(ends),
    )


def end_in_words(end: IntervalEnd, unit: str) -> tuple[str, str, float, float, float]:
    """Name an end as `forecast.intervals` does: whose, the side, the interval, and the shares promised and measured."""
    whose = f"{unit}s of the total" if end.of_total else f"category-{unit}s"
    return (whose, end.side, end.interval, end.promised, end.share)


def _lost(backtest: Backtest, name: str) -> Statement | None:
    """The cut-offs at which the best rule was better."""
    best = _best_rule(backtest, name)
    if best is None or name in BASELINE_NAMES or len(backtest.cutoffs) < 2:
        return None
    lost = []
    for at, cutoff in enumerate(backtest.cutoffs):
        ours, theirs = (backtest.metrics(each, cutoff=at)["rmse"] for each in (name, best))
        if ours is not None and theirs is not None and ours > theirs:
            lost.append(cutoff)
    return wording.lost(rule=in_words(best), cutoffs=len(backtest.cutoffs), at=lost) if lost else None


def _categories(backtest: Backtest, name: str) -> Statement | None:
    sold = np.nansum(backtest.actual, axis=(0, 2))
    errors = [
        (wape, category)
        for at, category in enumerate(backtest.categories)
        if sold[at] >= _SMALLEST * sold.sum() and (wape := backtest.metrics(name, category=at)["wape"]) is not None
    ]
    worst = sorted((-wape, category) for wape, category in errors if wape >= _LARGE)
    if not worst:
        return None
    named = [(category, -wape) for wape, category in worst[:_MOST_NAMED]]
    return wording.large_errors(unit=backtest.unit, smallest=_SMALLEST, categories=named, more=len(worst) - len(named))
