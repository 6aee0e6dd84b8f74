"""What sentences about the backtest are made from, recomputed from what each model forecast and what was sold."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.wording.forecast_models import in_words
from retail_assets_tests.wording.backtests import (
    RULES,
    best_rule,
    claim_of,
    cutoffs,
    ends,
    inside,
    missed,
    models,
    number_of_days,
    published,
    resampled_gains,
    rmse,
    rows_of,
    too_wide,
    wape,
)
from retail_assets_tests.wording.calendars import holiday
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop


@recomputes("forecast.compared")
def _compared(shop: Shop, facts: Facts) -> Facts:
    model, days = published(shop), cutoffs(shop)
    others = {in_words(name): name for name in models(shop) if name != model}
    rules = {words for words, name in others.items() if name in RULES}
    return {
        "model": in_words(model),
        "models": [*_in_order(facts["models"], set(others) - rules)],
        "rules": [*_in_order(facts["rules"], rules)],
        "steps": int(rows_of(shop, model)["ahead"].max()),
        "unit": "day",
        "cutoffs": len(days),
        "first_cutoff": days[0],
        "last_cutoff": days[-1],
    }


def _in_order(given: list[str], expected: set[str]) -> list[str]:
    """The expected names, in the order of the sentence as far as it has them."""
    return [name for name in given if name in expected] + sorted(expected - set(given))


@recomputes("forecast.errors")
def _errors(shop: Shop, facts: Facts) -> Facts:
    model = published(shop)
    rule = best_rule(shop, but=model)
    return {
        "unit": "day",
        "wape": wape(rows_of(shop, model)),
        "total_wape": wape(rows_of(shop, model, total=True)),
        "rule": in_words(rule),
        "is_rule": model in RULES,
        "rule_wape": wape(rows_of(shop, rule)),
        "rule_total_wape": wape(rows_of(shop, rule, total=True)),
        "scored": number_of_days(rows_of(shop, model)),
    }


@recomputes("forecast.by_week_ahead")
def _by_week_ahead(shop: Shop, facts: Facts) -> Facts:
    rows = rows_of(shop, published(shop))
    ordinary = rows[~rows["season"]]
    first, last = int(ordinary["week"].min()), int(ordinary["week"].max())
    early, late = ordinary[ordinary["week"] == first], ordinary[ordinary["week"] == last]
    return {
        "unit": "day",
        "first_week": first,
        "last_week": last,
        "first": wape(early),
        "last": wape(late),
        "first_days": number_of_days(early),
        "last_days": number_of_days(late),
        "apart": True,
    }


@recomputes("forecast.near_holidays")
def _near_holidays(shop: Shop, facts: Facts) -> Facts:
    rows = rows_of(shop, published(shop))
    near = rows[rows["near"]]
    return {
        "unit": "day",
        "near": wape(near),
        "near_days": number_of_days(near),
        "names": _holidays_near(shop, rows),
        "far": wape(rows[~rows["near"]]),
        "coverage80": inside(near, "p10", "p90"),
    }


def _holidays_near(shop: Shop, rows: pd.DataFrame) -> list[str]:
    """The holidays on or next to a day that was scored, in order."""
    days = {pd.Timestamp(day).date() for day in rows["day"]}
    around = sorted({day + dt.timedelta(days=step) for day in days for step in (-1, 0, 1)})
    return list(dict.fromkeys(name for day in around if (name := holiday(shop, day))))


@recomputes("forecast.intervals")
def _intervals(shop: Shop, facts: Facts) -> Facts:
    model = published(shop)
    rows, total = rows_of(shop, model), rows_of(shop, model, total=True)
    return {
        "unit": "day",
        "days": max(end[5] for end in ends(shop, model)),
        "coverage80": inside(rows, "p10", "p90"),
        "coverage95": inside(rows, "p025", "p975"),
        "total_coverage80": inside(total, "p10", "p90"),
        "total_coverage95": inside(total, "p025", "p975"),
        "missed": [list(end[:5]) for end in missed(shop, model)],
        "too_wide": too_wide(shop, model),
    }


def _by_cutoff(shop: Shop, model: str, measure: str = "revenue") -> dict[Any, float]:
    return {day: rmse(each) for day, each in rows_of(shop, model, measure=measure).groupby("cutoff")}


@recomputes("forecast.lost")
def _lost(shop: Shop, facts: Facts) -> Facts:
    model = published(shop)
    rule = best_rule(shop, but=model)
    ours, theirs = (_by_cutoff(shop, each) for each in (model, rule))
    return {
        "rule": in_words(rule),
        "cutoffs": len(ours),
        "at": [day.date() for day in sorted(ours) if ours[day] > theirs[day]],
    }


@recomputes("forecast.large_errors")
def _large_errors(shop: Shop, facts: Facts) -> Facts:
    days = rows_of(shop, published(shop))
    errors = {
        category: wape(rows)
        for category, rows in days.groupby("category")
        if rows["sold"].sum() >= days["sold"].sum() / 1000
    }
    worst = sorted(((-e, category) for category, e in errors.items() if e is not None and e >= 0.5))
    return {
        "unit": "day",
        "smallest": 0.001,
        "categories": [[category, -e] for e, category in worst[:3]],
        "more": max(len(worst) - 3, 0),
    }


@recomputes("forecast.verdict")
def _verdict(shop: Shop, facts: Facts) -> Facts:
    measure = facts["measure"]
    rule, champion = best_rule(shop, measure), published(shop, measure)
    [model] = [name for name in models(shop, measure) if in_words(name) == facts["model"] and name not in RULES]
    ours, theirs = (rows_of(shop, name, measure=measure) for name in (model, rule))
    naive = rows_of(shop, "seasonal_naive", measure=measure)
    interval = None
    if (gains := resampled_gains(shop, model, rule, measure)) is not None:
        interval = tuple(np.quantile(gains, [0.05, 0.95]))
    by_cutoff = [_by_cutoff(shop, name, measure) for name in (model, rule)]
    return {
        "measure": measure,
        "model": in_words(model),
        "published": in_words(champion),
        "rule": in_words(rule),
        "cutoffs": len(by_cutoff[0]),
        "over_naive": 1 - rmse(ours) / rmse(naive),
        "over_rule": 1 - rmse(ours) / rmse(theirs),
        "claim": claim_of(shop, model, rule, measure),
        "interval": interval,
        "better_at": sum(by_cutoff[0][day] < by_cutoff[1][day] for day in by_cutoff[0]),
    }
