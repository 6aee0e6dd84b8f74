"""Which months or weekdays lead the others by more than chance: tests over whole weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from retail_assets.wording.thresholds import NOISE

WEEK_DAYS = 7

Amounts = Mapping[dt.date, float]


def weekday_weeks(amounts: Amounts, first: dt.date, last: dt.date) -> dict[int, np.ndarray]:
    """Return what each weekday (1 = Monday) brought in the weeks, from Monday on, that lie between two days.

    >>> weekday_weeks({dt.date(2024, 1, 2): 5.0}, dt.date(2024, 1, 1), dt.date(2024, 1, 8))[2].tolist()
    [5.0]
    """
    start = first + dt.timedelta(-first.weekday() % WEEK_DAYS)
    weeks = max(0, ((last - start).days + 1) // WEEK_DAYS)
    return {
        day + 1: np.array([amounts.get(start + dt.timedelta(WEEK_DAYS * week + day), 0.0) for week in range(weeks)])
        for day in range(WEEK_DAYS)
    }


def month_weeks(amounts: Amounts, first: dt.date, last: dt.date) -> dict[int, np.ndarray]:
    """Return what each month (1 to 12) brought in its four weeks, days 1 to 28, where these lie between two days."""
    sums: dict[int, list[float]] = {}
    day = first
    while day + dt.timedelta(WEEK_DAYS - 1) <= last:
        if day.day in (1, 8, 15, 22):
            week = [amounts.get(day + dt.timedelta(more), 0.0) for more in range(WEEK_DAYS)]
            sums.setdefault(day.month, []).append(sum(week))
        day += dt.timedelta(1)
    return {month: np.array(weeks) for month, weeks in sums.items()}


def leading(order: Sequence[int], weeks: Mapping[int, np.ndarray], *, paired: bool) -> tuple[int, ...]:
    """Return the first of `order` if it leads the second by more than chance; else both, if they so lead the third.

    Args:
        order: months or weekdays, by their share of the money, the largest first.
        weeks: what each brought, by week (n,).
        paired: whether these are the same weeks (Wilcoxon 1945), or others (Mann and Whitney 1947).

    >>> busy, usual = np.arange(20.0) + 9, np.arange(20.0)
    >>> leading([6, 7, 1], {6: busy, 7: busy, 1: usual}, paired=True)
    (6, 7)
    """
    if len(order) >= 2 and _more(weeks, order[0], order[1], paired):
        return (order[0],)
    if len(order) >= 3 and all(_more(weeks, each, order[2], paired) for each in order[:2]):
        return (order[0], order[1])
    return ()


def _more(weeks: Mapping[int, np.ndarray], one: int, other: int, paired: bool) -> bool:
    """Whether one brings more than the other, by more than chance."""
    a, b = weeks.get(one, np.array([])), weeks.get(other, np.array([]))
    if not len(a) or not len(b) or a.mean() <= b.mean():
        return False
    test = stats.wilcoxon(a, b) if paired else stats.mannwhitneyu(a, b)
    return bool(test.pvalue < NOISE)
