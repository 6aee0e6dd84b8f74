"""What sentences about sales over time are made from, recomputed."""

from __future__ import annotations

import datetime as dt
import functools
from itertools import combinations
from statistics import fmean, median
from typing import Any

import holidays
import numpy as np
from scipy import stats

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import (
    CHANCE,
    WEEKDAYS,
    by_day,
    closed_weekdays,
    full_weeks,
    month_test,
    p_of,
    season,
    usual,
    whole_months,
)
from retail_assets_tests.wording.landings import rejected_days
from retail_assets_tests.wording.shops import Shop


def near_the_end(means: dict[Any, float], end: float) -> tuple[Any, ...]:
    """Whose mean is the highest or lowest, or within 5 % of another such."""
    near = {name for name, mean in means.items() if mean == end}
    while more := {
        name
        for name, mean in means.items()
        if name not in near and any(abs(mean - means[other]) <= abs(means[other]) / 20 for other in near)
    }:
        near |= more
    return tuple(name for name in means if name in near)


@recomputes("sales.days_rejected")
def _days_rejected(shop: Shop, facts: Facts) -> Facts:
    return {"days": len(rejected_days(shop))}


@recomputes("sales.trend")
def _trend(shop: Shop, facts: Facts) -> Facts:
    weeks = full_weeks(shop)
    at = [(monday - min(weeks)).days / 7 for monday in weeks]
    totals = [sum(week) for week in weeks.values()]
    slope = median((totals[j] - totals[i]) / (at[j] - at[i]) for i, j in combinations(range(len(at)), 2))
    p = p_of(stats.kendalltau(at, totals))
    return {
        "slope": slope,
        "share": slope * max(at) / median(totals),
        "weeks": len(weeks),
        "p": p,
        "clear": p < CHANCE,
        "currency": shop.currency,
    }


@recomputes("sales.trend_not_known")
def _trend_not_known(shop: Shop, facts: Facts) -> Facts:
    weeks = len(full_weeks(shop))
    assert weeks < 12
    return {"weeks": weeks, "fewest": 12}


@recomputes("sales.weekend")
def _weekend(shop: Shop, facts: Facts) -> Facts:
    closed = closed_weekdays(shop)
    free, work = ([d for d in those if d not in closed] for those in (range(5, 7), range(5)))
    weekend, weekday = (
        np.array([fmean(week[d] for d in those) for week in full_weeks(shop).values()]) for those in (free, work)
    )
    test = stats.ttest_rel(weekend, weekday)
    interval = test.confidence_interval(0.95)
    return {
        "weekend": weekend.mean(),
        "weekday": weekday.mean(),
        "ratio": weekend.mean() / weekday.mean(),
        "low": interval.low,
        "high": interval.high,
        "p": p_of(test),
        "clear": p_of(test) < CHANCE,
        "weeks": len(weekend),
        "free": tuple(WEEKDAYS[d] for d in free),
        "work": tuple(WEEKDAYS[d] for d in work),
        "currency": shop.currency,
    }


@recomputes("sales.weekend_closed")
def _weekend_closed(shop: Shop, facts: Facts) -> Facts:
    closed = closed_weekdays(shop)
    assert {5, 6} <= set(closed) or set(range(5)) <= set(closed)
    lost = {day.weekday() for day in rejected_days(shop)} & set(closed)
    return {
        "closed": tuple(WEEKDAYS[d] for d in closed),
        "rejected": tuple(WEEKDAYS[d] for d in sorted(lost)),
    }


@recomputes("sales.weekend_not_known")
def _weekend_not_known(shop: Shop, facts: Facts) -> Facts:
    weeks = len(full_weeks(shop))
    assert weeks < 8
    return {"weeks": weeks, "fewest": 8}


@recomputes("sales.weekdays")
def _weekdays(shop: Shop, facts: Facts) -> Facts:
    closed = closed_weekdays(shop)
    weeks = list(full_weeks(shop).values())
    columns = {WEEKDAYS[d]: [week[d] for week in weeks] for d in range(7) if d not in closed}
    means = {name: fmean(column) for name, column in columns.items()}
    p = p_of(stats.friedmanchisquare(*columns.values()))
    return {
        "best": near_the_end(means, max(means.values())),
        "worst": near_the_end(means, min(means.values())),
        "high": max(means.values()) / fmean(means.values()),
        "low": min(means.values()) / fmean(means.values()),
        "p": p,
        "clear": p < CHANCE,
        "weeks": len(weeks),
        "closed": tuple(WEEKDAYS[d] for d in closed),
    }


@functools.lru_cache(maxsize=16)
def _around_holidays(shop: Shop) -> dict[str, Any] | None:
    """Ratio and p-value of the days around holidays, and of each: day, name, ratio and share of ordinary spans."""
    days, around = by_day(shop), usual(shop)
    dates = list(days)
    names = holidays.country_holidays(shop.country, years={d.year for d in dates}, observed=False, language="en_US")
    sold = np.array([np.nan if a is None else a for a in days.values()])
    expected = np.array([fmean(around[d]) if d in around else np.nan for d in dates])
    usable = ~np.isnan(sold + expected)
    spans = {}
    for number, date in enumerate(dates):
        span = list(range(number - 3, number + 1))
        if date in names and number >= 3 and usable[span].all() and expected[span].sum() > 0:
            spans[number] = span
    if len(spans) < 3 or usable.sum() < 120:
        return None
    near = sorted({i for span in spans.values() for i in span})
    ratio = sold[near].sum() / expected[near].sum()
    shifted = []
    for by in range(4, len(dates) - 3):
        moved = [i for i in ((i + by) % len(dates) for i in near) if usable[i]]
        shifted.append(sold[moved].sum() / expected[moved].sum())
    p = 2 * min(1 + sum(s >= ratio for s in shifted), 1 + sum(s <= ratio for s in shifted)) / (1 + len(shifted))
    ordinary = []
    for start in range(len(dates) - 3):
        span = list(range(start, start + 4))
        if usable[span].all() and not set(span) & set(near):
            ordinary.append(sold[span].sum() / expected[span].sum())
    each = []
    for number, span in spans.items():
        own = sold[span].sum() / expected[span].sum()
        rank = (1 + sum(o >= own for o in ordinary)) / (1 + len(ordinary))
        each.append((dates[number], str(names[dates[number]]), own, rank))
    return {"ratio": ratio, "p": min(1.0, p), "each": sorted(each, key=lambda e: -e[2])}


@recomputes("sales.holidays")
def _holidays(shop: Shop, facts: Facts) -> Facts:
    found = _around_holidays(shop)
    assert found is not None
    sold = {day for (day,) in shop.ask("SELECT DISTINCT sale_date FROM sales")}
    rise = bool(found["ratio"] > 1)
    extreme = sorted(found["each"], key=lambda e: e[2], reverse=rise)
    against = [e for e in extreme[::-1] if (e[2] < 0.995 if rise else e[2] > 1.005)]
    return {
        "country": shop.country,
        "ratio": found["ratio"],
        "p": found["p"],
        "clear": found["p"] < CHANCE,
        "count": len(found["each"]),
        "closed": sum(day not in sold for day, *_ in found["each"]),
        "extreme": tuple((name, day.year, ratio) for day, name, ratio, _ in extreme[:3]),
        "against": len(against),
        "opposite": tuple((name, day.year, ratio) for day, name, ratio, _ in against[:3]),
    }


@recomputes("sales.holidays_not_known")
def _holidays_not_known(shop: Shop, facts: Facts) -> Facts:
    assert _around_holidays(shop) is None
    return {"country": shop.country, "calendar": True, "fewest": 3, "fewest_days": 120}


@recomputes("sales.single_holidays")
def _single_holidays(shop: Shop, facts: Facts) -> Facts:
    found = _around_holidays(shop)
    assert found is not None
    alone = [e for e in found["each"] if e[2] > 1 and e[3] * len(found["each"]) < CHANCE]
    return {"highest": tuple((name, day.year, ratio) for day, name, ratio, _ in alone[:8])}


@recomputes("sales.peaks")
def _peaks(shop: Shop, facts: Facts) -> Facts:
    around = usual(shop)
    days = {d: amount for d, amount in by_day(shop).items() if amount is not None}
    rest = {d: days[d] - median(around[d]) for d in around if d in days and median(around[d]) > 0}
    center = median(rest.values())
    spread = 1.4826 * median(abs(r - center) for r in rest.values())
    far = [d for d, r in rest.items() if r > 4 * spread and days[d] >= 1.5 * median(around[d])]
    most = sorted(sorted(far, key=lambda d: -rest[d])[:6])
    return {"days": tuple((d, days[d] / median(around[d])) for d in most)}


@recomputes("sales.season")
def _season(shop: Shop, facts: Facts) -> Facts:
    found = season(shop)
    assert found is not None
    return found


@recomputes("sales.season_not_known")
def _season_not_known(shop: Shop, facts: Facts) -> Facts:
    assert season(shop) is None
    return {"fewest_days": 120}


@recomputes("sales.months")
def _months(shop: Shop, facts: Facts) -> Facts:
    means = {start: fmean(amounts) for start, amounts in whole_months(shop).items()}
    best, worst = max(means.values()), min(means.values())
    tested, before_christmas = month_test(shop), season(shop)
    assert tested is not None
    first, last = min(by_day(shop)), max(by_day(shop))
    return {
        "best": near_the_end(dict(sorted(means.items())), best),
        "best_mean": best,
        "worst": near_the_end(dict(sorted(means.items())), worst),
        "worst_mean": worst,
        "p": tested[0],
        "clear": tested[0] < CHANCE,
        "weeks": tested[1],
        "season_clear": before_christmas is not None and before_christmas["clear"],
        "seen_once": last < dt.date(first.year + 1, first.month, 1),
        "currency": shop.currency,
    }
