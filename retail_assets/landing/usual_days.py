"""What is usual of a landing day: the same weekday lately and in the season a year before, and how days differ.

A weekday alone has twelve landings at most, too few to see how much days differ: a deviation from so few is often small
by chance, and then everything is unusual. So the spread is that of all landings of the twelve weeks, each compared with
the median of its own weekday.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Mapping
from statistics import median
from typing import TypeVar

_WEEK = dt.timedelta(weeks=1)
#: The same weekday of so many weeks before; and of the weeks around the same day a year before.
WEEKS, _SEASON_WEEKS = 12, 4
_YEAR = dt.timedelta(weeks=52)
#: Landings that a median needs; of a weekday, those that say something of the spread.
FEWEST, _FEWEST_OF_WEEKDAY = 4, 3
#: How far chance reaches, in standard deviations: of a count, and of days that differ (on the logarithm).
DEVIATIONS, DAY_DEVIATIONS = 4.0, 2.75
#: A median absolute deviation of normal values, in standard deviations (Hampel 1974).
_MAD = 1.4826
#: The variance of a median of n normal values is that of their mean times this (asymptotically).
_OF_MEDIAN = math.pi / 2
#: A spread of few landings is uncertain: it counts as larger, by this many parts of one landing.
_UNCERTAIN = 6.0

T = TypeVar("T")


def days_to_compare_with(day: dt.date) -> list[dt.date]:
    """Return all days that are looked at to judge a day: the twelve weeks before it, and its season a year before."""
    lately = [day - dt.timedelta(n) for n in range(1, 7 * WEEKS + 1)]
    return lately + [day - _YEAR + week * _WEEK for week in range(-_SEASON_WEEKS, _SEASON_WEEKS + 1)]


def same_weekday(day: dt.date, known: Mapping[dt.date, T]) -> list[T]:
    """Return what is known of the same weekday in the twelve weeks before, the latest first."""
    return [known[on] for week in range(1, WEEKS + 1) if (on := day - week * _WEEK) in known]


def same_season(day: dt.date, known: Mapping[dt.date, T]) -> list[T]:
    """Return what is known of the same weekday in the nine weeks around the same day a year before."""
    weeks = range(-_SEASON_WEEKS, _SEASON_WEEKS + 1)
    return [known[on] for week in weeks if (on := day - _YEAR + week * _WEEK) in known]


def spread_of_days(
    day: dt.date, days: Collection[dt.date], logarithm: Callable[[dt.date], float], chance: Callable[[dt.date], float]
) -> float:
    """Return the standard deviation of the logarithm between days of one weekday, beyond what chance explains.

    Parameters
    ----------
    day
        The day that is judged; the twelve weeks before it are looked at.
    days
        Those with a value.
    logarithm
        Of a day's value.
    chance
        The variance of a day's logarithm that counting alone explains.
    """
    deviations, variances = [], []
    for weekday in range(7):
        on = [date for week in range(WEEKS) if (date := day - dt.timedelta(7 - weekday) - week * _WEEK) in days]
        if len(on) < _FEWEST_OF_WEEKDAY:
            continue
        middle = median(map(logarithm, on))
        # Values lie nearer to their own median than to the one of many.
        widened = math.sqrt(len(on) / (len(on) - _OF_MEDIAN))
        deviations += [abs(logarithm(date) - middle) * widened for date in on]
        variances += [chance(date) for date in on]
    if not deviations:
        return 0.0
    beyond = (_MAD * median(deviations)) ** 2 - median(variances)
    return math.sqrt(max(beyond, 0.0)) * (1 + _UNCERTAIN / len(deviations))


def uncertainty(values: int) -> float:
    """Return by how much a deviation from the median of so many values is larger than one from the true median.

    >>> round(uncertainty(4), 2), round(uncertainty(12), 2)
    (1.18, 1.06)
    """
    return math.sqrt(1 + _OF_MEDIAN / values)
