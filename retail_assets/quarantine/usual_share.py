"""Whether a landing has more rejected rows than usual: than the same weekday lately, and than the season a year before.

A fixed limit reports every Saturday of a shop whose Saturdays are dirty, and never a clean one that became five times
worse. Here a landing is compared with the medians of its own past, and with how much its days differ.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
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
from retail_assets.wording.alerts import rejected_share
from retail_assets.wording.statement import Statement

#: Rows and share above the usual one that are worth a look.
_FEWEST_ROWS, _TIMES = 10, 1.5

#: Rejected and landed rows by landing day.
History = Mapping[dt.date, tuple[int, int]]


def unusual_share(landed_on: dt.date, rejected: int, rows: int, history: History) -> Statement | None:
    """Return what is unusual about a landing's rejected rows; None if nothing is, or if its past is too short.

    `history` has other landings, before or after; those after `landed_on` are not looked at.

    >>> past = {dt.date(2024, 1, 1) + dt.timedelta(n): (5, 1000) for n in range(60)}
    >>> unusual_share(dt.date(2024, 3, 1), 6, 1000, past) is None
    True
    >>> print(unusual_share(dt.date(2024, 3, 1), 90, 1000, past))
    9.0 % of the rows of 1 Mar 2024 were rejected (90 of 1,000); on the 8 Fridays before it was 0.5 % (median).
    """
    if not rows:
        return None
    past = {day: history[day] for day in days_to_compare_with(landed_on) if day in history and history[day][1]}
    shares = {day: rejected / rows for day, (rejected, rows) in past.items()}
    lately, season = same_weekday(landed_on, shares), same_season(landed_on, shares)
    if len(lately) < FEWEST:
        return None
    spread = spread_of_days(
        landed_on,
        shares,
        lambda day: math.log((past[day][0] + 0.5) / (past[day][1] + 1)),
        lambda day: 1 / (past[day][0] + 0.5),
    )
    windows = [lately, season] if len(season) >= FEWEST else [lately]
    if not all(_is_above(rejected, rows, window, spread) for window in windows):
        return None
    return rejected_share(
        landed_on=landed_on,
        rejected=rejected,
        rows=rows,
        share=rejected / rows,
        weekday_landings=len(lately),
        weekday_share=median(lately),
        season_landings=len(season) if len(windows) > 1 else 0,
        season_share=median(season) if len(windows) > 1 else None,
    )


def _is_above(rejected: int, rows: int, shares: list[float], spread: float) -> bool:
    usual, uncertain, share = median(shares), uncertainty(len(shares)), rejected / rows
    chance = math.sqrt(max(usual, 1 / rows) * (1 - min(usual, 1 - 1 / rows)) / rows)
    days = usual * math.expm1(DAY_DEVIATIONS * uncertain * spread)
    return (
        share > usual + math.hypot(DEVIATIONS * uncertain * chance, days)
        and share >= _TIMES * usual
        and rejected - usual * rows >= _FEWEST_ROWS
    )
