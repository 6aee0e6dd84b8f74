"""Titles of the forecast's figures, and the lines of evidence below them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from retail_assets.wording.formats import compared, listed, money, percent, plural, short, span
from retail_assets.wording.statement import phrase

FEW_DAYS = 50
"""With fewer days than this a number says so."""


@phrase("forecast.note.source")
def source(*, first_day: dt.date, last_day: dt.date) -> str:
    """State the sales that a figure of the forecast is made from."""
    return f"Source: daily sales by category, {span(first_day, last_day)}."


@phrase("forecast.note.past")
def past_source(*, first_day: dt.date, last_day: dt.date) -> str:
    """State the days of sales with which past forecasts are compared."""
    return f"Source: daily sales by category, and the forecasts issued before each day, {span(first_day, last_day)}."


@phrase("forecast.title.calibration")
def calibration(*, unit: str, days: int, worst: tuple[str, str, float, float, float] | None, too_wide: bool) -> str:
    """State whether the ends of the intervals hold; `worst` is the end missed most, as in `forecast.intervals`."""
    few = f", as far as {plural(days, unit)} can show" if days < FEW_DAYS else ""
    if worst is not None:
        whose, side, interval, promised, share = worst
        return (
            f"Too many {whose} are {side} the {percent(interval, 0)} interval: {percent(share)} instead of "
            f"{percent(promised)}{few}"
        )
    if too_wide:
        return f"Prediction intervals are wider than necessary{few}"
    return f"Prediction intervals hold at both ends{few}"


@phrase("forecast.title.actuals")
def actuals(*, unit: str, total_wape: float | None, total_bias: float | None, scored: int) -> str:
    """State how far the forecast totals were from what was sold; a bias of up to 2 % is none."""
    if total_wape is None or total_bias is None:
        return f"Total revenue per {unit}: forecast and sales"
    bias = "unbiased"
    if abs(total_bias) > 0.02:
        bias = f"{percent(abs(total_bias), 0)} too {'high' if total_bias > 0 else 'low'} in sum"
    few = f" (only {plural(scored, unit)})" if scored < FEW_DAYS else ""
    return f"Forecasts of the total of a {unit} missed by {percent(total_wape)} of sales, {bias}{few}"


@phrase("forecast.evidence.actuals")
def actuals_evidence(*, model: str, cutoffs: int) -> str:
    """State whose forecasts are drawn, from how many cut-offs."""
    return (
        f"{model[:1].upper()}{model[1:]}; {plural(cutoffs, 'cut-off')} (dotted). Each forecast uses the sales up to "
        "its cut-off."
    )


@phrase("forecast.title.by_week")
def by_week(*, unit: str, weeks: Sequence[int], first: float, last: float) -> str:
    """State the error in the first and in the last week ahead."""
    title = f"Errors per category and {unit} add up to {percent(first)} of sales in week {weeks[0]}"
    return f"{title} ahead and to {percent(last)} in week {weeks[-1]}" if len(weeks) > 1 else f"{title} ahead"


@phrase("forecast.evidence.by_week")
def by_week_evidence(
    *, unit: str, cutoffs: int, days: Sequence[int], near: float | None, near_days: int, apart: bool
) -> str:
    """State what the errors by week rest on: `days` of each week; `near` is the error within a day of a holiday."""
    counted = listed([f"{count:,}" for count in days])
    text = f"Sum of absolute errors / sum of sales after {plural(cutoffs, 'cut-off')}: {counted} {unit}s."
    if not apart:
        return text
    text += f" {unit.capitalize()}s around major holidays (7 days before to 3 after) are left out"
    return f"{text}." if near is None else f"{text}; within a day of one: {percent(near)} ({plural(near_days, unit)})."


@phrase("forecast.title.total")
def total(
    *,
    expected: float,
    first_day: dt.date,
    last_day: dt.date,
    currency: str,
    unit: str,
    ratio: float | None,
    to_year_before: bool,
    steps: int,
    closed_then: int | None,
    within_chance: bool,
    only_now: Sequence[str],
    only_then: Sequence[str],
) -> str:
    """State what is expected, compared with the same days a year before, else with as many days before.

    `closed_then` is the number of closed days then, where the shop was open on another number of days than is expected:
    the ratio is then that of open days. `within_chance` says that so few orders differ as much by chance.
    """
    title = f"{money(expected, currency)} expected from {span(first_day, last_day)}"
    if ratio is None:
        return title
    then = f"the same {unit}s a year before" if to_year_before else f"the {steps} {unit}s before"
    notes = [] if closed_then is None else [f"{plural(closed_then, f'{unit} closed', f'{unit}s closed')} then"]
    notes += ["so few orders that this may be chance"] if within_chance else []
    notes += [f"{listed(only_then)} only then"] if only_then else []
    notes += [f"{listed(only_now)} only now"] if only_now else []
    note = f" ({'; '.join(notes)})" if notes else ""
    per = "" if closed_then is None else f" per open {unit}"
    return f"{title},{per} {compared(ratio)} in {then}{note}"


@phrase("forecast.title.total_unmeasured")
def total_unmeasured(*, first_day: dt.date, last_day: dt.date) -> str:
    """State that no backtest has measured the forecast."""
    return f"Fallback rules carried on from {span(first_day, last_day)}: the accuracy of this forecast is not known"


@phrase("forecast.evidence.total")
def total_evidence(
    *, model: str, is_rule: bool, unit: str, total_wape: float | None, total_coverage80: float | None, cutoffs: int
) -> str:
    """State which model forecasts, and how good its forecasts of the total were in the backtest.

    With no `cutoffs` their number is not known, as of models of earlier releases.
    """
    who = f"{model[:1].upper()}{model[1:]}" + (" (no model was better)" if is_rule else "")
    results = []
    if total_wape is not None:
        results.append(f"totals of a {unit} missed by {percent(total_wape, 0)} of sales")
    if total_coverage80 is not None:
        results.append(f"the 80 % interval held {percent(total_coverage80, 0)} of {unit}s")
    backtest = f"Backtest at {plural(cutoffs, 'cut-off')}" if cutoffs else "Backtest"
    return f"{who}. {backtest}: {'; '.join(results)}." if results else f"{who}."


@phrase("forecast.title.categories")
def categories(*, category: str, share: float) -> str:
    """Name the category that is expected to bring most."""
    return f"{short(category, 28, keep_end=False)} is expected to bring {percent(share, 0)} of revenue"


@phrase("forecast.evidence.categories")
def categories_evidence(*, unit: str, currency: str, shown: int, categories: int) -> str:
    """State what each panel shows, and how many of the categories have one."""
    rest = f"; the {shown} largest of {categories} categories" if categories > shown else ""
    per = f" ({currency})" if currency else ""
    return f"Revenue per {unit}{per}, each panel on its own scale{rest}."


@phrase("forecast.title.skill")
def skill(*, model: str, rule: str, gain: float | None, claim: str) -> str:
    """State by how much the RMSE of the best model is below that of the best baseline, as a share.

    `claim` is that of `forecast.verdict`: the title and the verdict use the same words.
    """
    if gain is None or claim == "exact":
        return f"No skill: {rule} was already exact"
    error = f"{percent(abs(gain))} {'below' if gain >= 0 else 'above'} that of {rule}"
    if claim == "skill":
        return f"{model[:1].upper()}{model[1:]} has skill: its error is {error}"
    says = {"low": "No proven skill", "unproven": "Skill not proven, too few cut-offs"}.get(claim, "No skill")
    chance = ", within chance" if claim == "chance" else ""
    return f"{says}: the error of {model} is {error}{chance}"


@phrase("forecast.evidence.skill")
def skill_evidence(
    *,
    model: str,
    steps: int,
    unit: str,
    cutoffs: int,
    better: int,
    modeled: int,
    rule: str | None,
    better_than_rule: int,
    shown: int,
) -> str:
    """State in how many of the categories that models forecast the best one has the smaller error.

    `rule` is the best baseline, where that is not seasonal naive.
    """
    rest = f" The {shown} with the largest errors are shown." if modeled > shown else ""
    of = plural(modeled, "modeled category", "modeled categories")
    also = f", and than {rule} in {better_than_rule}" if rule is not None else ""
    return (
        f"Tested on the {plural(steps, unit)} after {plural(cutoffs, 'cut-off')}: {model} is better than seasonal "
        f"naive in {better} of {of}{also}.{rest}"
    )


@phrase("forecast.title.past")
def past_forecasts(*, days: int, wape: float, promised: float | None) -> str:
    """State how large the errors of past forecasts were, next to what the backtest promised."""
    promise = "" if promised is None else f"; the backtest promised {percent(promised)}"
    few = f" (only {plural(days, 'day')})" if days < 7 else ""
    return f"Errors of the last {plural(days, 'forecast day')} add up to {percent(wape)} of sales{few}{promise}"


@phrase("forecast.alarm.errors")
def alarm_of_errors(*, days: int, wape: float, promised: float) -> str:
    """State that errors of past forecasts are far above what the backtest promised."""
    return (
        f"the errors of the last {plural(days, 'forecast day')} add up to {percent(wape)} of sales; the backtest "
        f"promised {percent(promised)}"
    )


@phrase("forecast.alarm.intervals")
def alarm_of_intervals(*, days: int, coverage80: float) -> str:
    """State that the intervals of past forecasts held too rarely."""
    return (
        f"the 80 % intervals held only {percent(coverage80, 0)} of the categories' sales of the last "
        f"{plural(days, 'forecast day')}"
    )
