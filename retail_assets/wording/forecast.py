"""Sentences about a backtest of the forecast: what was compared, how large the errors are, and where it fails.

Errors are sums of absolute errors as a share of the sum of sales (WAPE). Models are named in the words of
`forecast_models`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from retail_assets.wording.forecast_models import RULES, in_words
from retail_assets.wording.formats import day, listed, markdown, percent, plural
from retail_assets.wording.statement import phrase

FEW_DAYS = 50
FEW_CUTOFFS = 5
"""With fewer cut-offs than this no interval of the gain is stated: resamples of 3 or 4 scatter too little."""
#: Categories and cut-offs that are named.
_MOST_NAMED, _MOST_CUTOFFS = 3, 4
#: Rules whose forecast of a holiday is nearer to what the shop did on it before.
_REMEMBERING = {in_words(rule) for rule in RULES if rule != "seasonal_naive"}


@phrase("forecast.compared")
def compared_with(
    *,
    model: str,
    models: Sequence[str],
    rules: Sequence[str],
    steps: int,
    unit: str,
    cutoffs: int,
    first_cutoff: dt.date,
    last_cutoff: dt.date,
) -> str:
    """State which models and rules took part, and on which days, or weeks, they were compared."""
    others = [f"the model{'s' if len(models) > 1 else ''} {listed(models)}"] if models else []
    others += [f"the rule{'s' if len(rules) > 1 else ''} {listed(rules)}"] if rules else []
    against = f" with {' and with '.join(others)}" if others else ""
    when = f" ({day(first_cutoff)} to {day(last_cutoff)})" if cutoffs > 1 else f" ({day(first_cutoff)})"
    remember = (
        " The rules other than seasonal naive remember what the shop did on holidays before."
        if {*rules, model} & _REMEMBERING
        else ""
    )
    return (
        f"Compared: {model}{against}, each on the {plural(steps, unit)} after {plural(cutoffs, 'cut-off')}{when}, of "
        f"which it had seen nothing.{remember}"
    )


@phrase("forecast.errors")
def errors(
    *,
    unit: str,
    wape: float,
    total_wape: float | None,
    rule: str | None,
    is_rule: bool,
    rule_wape: float | None,
    rule_total_wape: float | None,
    scored: int,
) -> str:
    """State how large the errors are, next to those of the best rule; `scored` days or weeks have a known outcome.

    `is_rule` says that the model is a rule itself.
    """
    text = f"The errors per category and {unit} add up to {percent(wape)} of sales"
    if total_wape is not None:
        text += f", those of the total per {unit} to {percent(total_wape)}"
    if rule is not None and rule_wape is not None and rule_total_wape is not None:
        best = f"{rule}, the best-ranked {'other ' if is_rule else ''}rule"
        text += f"; those of {best}, to {percent(rule_wape)} and {percent(rule_total_wape)}"
    return f"{text}{_few(scored, unit)}."


@phrase("forecast.by_week_ahead")
def by_week_ahead(
    *,
    unit: str,
    first_week: int,
    last_week: int,
    first: float,
    last: float,
    first_days: int,
    last_days: int,
    apart: bool,
) -> str:
    """State the errors of the first and of the last week ahead; `apart` says that holidays are left out."""
    where = (
        f"On {unit}s apart from major holidays (more than 7 days before and 3 days after one)"
        if apart
        else "By week ahead"
    )
    return (
        f"{where}, the errors per category and {unit} add up to {percent(first)} of sales in week {first_week} ahead "
        f"({plural(first_days, unit)}) and to {percent(last)} in week {last_week} ({plural(last_days, unit)})."
    )


@phrase("forecast.near_holidays")
def near_holidays(
    *, unit: str, near: float, near_days: int, names: Sequence[str], far: float | None, coverage80: float | None
) -> str:
    """State the errors within a day of a major holiday, next to those of all other days; `names` are these holidays."""
    which = f": {listed(map(markdown, names))}" if names else ""
    days = f"{plural(near_days, unit)}{which}"
    text = f"Within a day of a major holiday ({days}) the errors add up to {percent(near)} of sales"
    text += "" if far is None else f", else to {percent(far)}"
    if coverage80 is not None:
        text += f"; the 80 % interval held {percent(coverage80, 0)} of category-{unit}s there"
    return f"{text}."


@phrase("forecast.intervals")
def intervals(
    *,
    unit: str,
    days: int,
    coverage80: float,
    coverage95: float | None,
    total_coverage80: float | None,
    total_coverage95: float | None,
    missed: Sequence[tuple[str, str, float, float, float]],
    too_wide: bool,
) -> str:
    """State how often the intervals held, and which of their ends are passed more often than chance allows.

    `missed` lists those ends: whose, the side (or `outside`), the interval, and the shares promised and measured.
    """
    text = f"Over {plural(days, unit)}, the 80 % interval held {percent(coverage80, 0)} of category-{unit}s"
    if total_coverage80 is not None:
        text += f" and {percent(total_coverage80, 0)} of {unit}s of the total"
    if coverage95 is not None:
        text += f", the 95 % interval {percent(coverage95, 0)}"
        text += "" if total_coverage95 is None else f" and {percent(total_coverage95, 0)}"
    if missed:
        ends = [
            f"{percent(share)} of {whose} are {side} the {percent(interval, 0)} interval, where {percent(promised)} "
            "were promised"
            for whose, side, interval, promised, share in missed
        ]
        return f"{text}. More often than chance allows, {', and '.join(ends)}{_few(days, unit)}."
    if too_wide:
        return f"{text}: wider than necessary{_few(days, unit)}."
    return f"{text}; no end is passed more often than chance allows{_few(days, unit)}."


@phrase("forecast.lost")
def lost(*, rule: str, cutoffs: int, at: Sequence[dt.date]) -> str:
    """State at which of the cut-offs the best rule was better."""
    shown = listed([day(cutoff) for cutoff in at[:_MOST_CUTOFFS]]) + (" and others" if len(at) > _MOST_CUTOFFS else "")
    return f"{rule[:1].upper()}{rule[1:]} was better at {len(at)} of {plural(cutoffs, 'cut-off')}: after {shown}."


@phrase("forecast.large_errors")
def large_errors(*, unit: str, smallest: float, categories: Sequence[tuple[str, float]], more: int) -> str:
    """Name the categories whose errors are half of their sales or more; `more` are not named.

    Only categories that bring at least the share `smallest` of all sales on the days compared count.
    """
    named = [f"{category} ({percent(wape, 0)})" for category, wape in categories]
    named += [f"{more} more"] if more else []
    return (
        f"Among the categories with at least {percent(smallest)} of sales on the {unit}s compared, the errors per "
        f"{unit} add up to half of sales or more in {listed(named)}."
    )


@phrase("forecast.verdict")
def verdict(
    *,
    measure: str,
    model: str,
    published: str,
    rule: str,
    cutoffs: int,
    over_naive: float | None,
    over_rule: float | None,
    claim: str,
    interval: tuple[float, float] | None,
    better_at: int,
) -> str:
    """State what the best model is worth: `over_naive` and `over_rule` are the shares by which its RMSE is lower.

    `claim` is one of `skill`, `low` (no more than chance), `unproven` (too few cut-offs), `chance` (the rule's lead
    may be luck), `none` and `exact` (the rule was never wrong). `interval` is the 90 % range of the gain
    over the rule, the best one; it is stated from `FEW_CUTOFFS` on.
    """
    of = "" if measure == "revenue" else f"{measure[:1].upper()}{measure[1:]}: "
    where = f"over {plural(cutoffs, 'cut-off')}" if cutoffs > 1 else "at the only cut-off the history allows"
    end = f"Published: {published}."
    if claim == "exact" or over_naive is None or over_rule is None:
        return f"{of}No skill of {model}: {rule} was already exact {where}. {end}"
    against = f"its RMSE is {_gain(over_naive)} seasonal naive's {where}"
    if rule != "seasonal naive":
        joined = "and" if (over_naive >= 0) == (over_rule >= 0) else "but"
        against += f", {joined} {_gain(over_rule)} that of {rule}, the best baseline"
    if claim == "chance":
        return f"{of}No skill of {model}: {against}. The lead of {rule} is within chance. {end}"
    if claim == "none":
        lesson = " No pattern beyond that baseline was found." if rule != "seasonal naive" else ""
        return f"{of}No skill of {model}: {against}.{lesson} {end}"
    if claim == "unproven" or interval is None:
        return f"{of}Skill not proven, too few cut-offs: {against}. {end}"
    chance = f"better at {better_at} of {plural(cutoffs, 'cut-off')}"
    if cutoffs >= FEW_CUTOFFS:
        chance = f"90 % interval of the gain over {rule}: {percent(interval[0])} to {percent(interval[1])}; {chance}"
    else:
        chance += ", too few for an interval of the gain"
    says = f"{of}{model[:1].upper()}{model[1:]} has skill" if claim == "skill" else f"{of}No proven skill of {model}"
    return f"{says}: {against} ({chance}). {end}"


def _gain(share: float) -> str:
    return f"{percent(abs(share))} {'below' if share >= 0 else 'above'}"


def _few(days: int, unit: str) -> str:
    """A remark where a number rests on few days."""
    return f" (only {plural(days, unit)})" if days < FEW_DAYS else ""
