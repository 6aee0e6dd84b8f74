"""Whether a landing has far fewer rows than usual: one of two files is missing, or a file or an export was cut.

Such a landing is neither empty nor late, and every row of it may be clean. It is compared with the same weekday of its
own past. Around holidays nothing is usual, so those days are not judged.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from statistics import median

from retail_assets.landing.usual_days import (
    DAY_DEVIATIONS,
    DEVIATIONS,
    FEWEST,
    days_to_compare_with,
    same_season,
    same_weekday,
    spread_of_days,
    uncertainty,
)
from retail_assets.wording.alerts import small_landing
from retail_assets.wording.statement import Statement

#: A landing is small below this part of what is usual, and so many rows less.
_PART, _FEWEST_ROWS = 0.6, 10
#: The latest landings of the weekday, whose level counts if it is lower: after Christmas everybody sells less.
_LATEST = 4
#: Days that sell otherwise, before and after a holiday; their sales may land a day later.
_BEFORE, _AFTER = 1, 2


def unusual_size(
    landed_on: dt.date, rows: int, history: Mapping[dt.date, int], holidays: Collection[dt.date] = ()
) -> Statement | None:
    """Return how small a landing is; None if it is not, if its past is too short, or next to one of the `holidays`.

    `history` has the rows of other landings, before or after; those after `landed_on` are not looked at. Landings
    without rows say nothing about the size of one.

    >>> past = {dt.date(2024, 1, 1) + dt.timedelta(n): 1000 for n in range(60)}
    >>> unusual_size(dt.date(2024, 3, 1), 950, past) is None
    True
    >>> print(str(unusual_size(dt.date(2024, 3, 1), 480, past)).partition(" (")[0])
    1 Mar 2024 has 480 rows, 52 % less than the usual 1,000
    """
    near = (landed_on + dt.timedelta(n) for n in range(-_AFTER, _BEFORE + 1))
    if not set(holidays).isdisjoint(near):
        return None
    sizes = {day: n for day in days_to_compare_with(landed_on) if (n := history.get(day))}
    lately, season = same_weekday(landed_on, sizes), same_season(landed_on, sizes)
    if len(lately) < FEWEST:
        return None
    usual = min(median(lately), median(lately[:_LATEST]))
    spread = spread_of_days(landed_on, sizes, lambda day: math.log(sizes[day]), lambda day: 1 / sizes[day])
    seasonal = median(season) if len(season) >= FEWEST else None
    if not all(_is_below(rows, level, spread, len(lately)) for level in (usual, seasonal) if level is not None):
        return None
    return small_landing(
        landed_on=landed_on,
        rows=rows,
        usual=usual,
        ratio=rows / usual,
        weekday_landings=len(lately),
        season_landings=len(season) if seasonal is not None else 0,
        season_rows=seasonal,
    )


def _is_below(rows: int, usual: float, spread: float, landings: int) -> bool:
    reach = uncertainty(landings) * math.hypot(DAY_DEVIATIONS * spread, DEVIATIONS / math.sqrt(usual))
    return rows < usual * math.exp(-reach) and rows <= _PART * usual and usual - rows >= _FEWEST_ROWS
