"""Whether a landing has more rejected rows than usual: than the same weekday lately, and than the season a year before.

A fixed limit reports every Saturday of a shop whose Saturdays are dirty, and never a clean one that became five times
worse. Here a landing is compared with the medians of its own past.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from statistics import median

from retail_assets.wording.alerts import rejected_share
from retail_assets.wording.statement import Statement

_WEEK = dt.timedelta(weeks=1)
#: The same weekday of so many weeks before; and of the weeks around the same day a year before.
_WEEKS, _SEASON_WEEKS = 12, 4
_YEAR = dt.timedelta(weeks=52)
#: Landings that a median needs; rows and share above it that are worth a look; how far chance reaches.
_FEWEST, _FEWEST_ROWS, _TIMES, _DEVIATIONS = 4, 10, 1.5, 4.0
#: A median absolute deviation of normal values, in standard deviations (Hampel 1974).
_MAD = 1.4826

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
    lately = _shares(history, [landed_on - week * _WEEK for week in range(1, _WEEKS + 1)])
    if len(lately) < _FEWEST:
        return None
    season = _shares(history, [landed_on - _YEAR + week * _WEEK for week in range(-_SEASON_WEEKS, _SEASON_WEEKS + 1)])
    windows = [lately, season] if len(season) >= _FEWEST else [lately]
    share = rejected / rows
    if not all(_is_above(rejected, rows, window) for window in windows):
        return None
    return rejected_share(
        landed_on=landed_on,
        rejected=rejected,
        rows=rows,
        share=share,
        weekday_landings=len(lately),
        weekday_share=median(lately),
        season_landings=len(season) if len(windows) > 1 else 0,
        season_share=median(season) if len(windows) > 1 else None,
    )


def _shares(history: History, days: list[dt.date]) -> list[float]:
    return [rejected / rows for day in days for rejected, rows in [history.get(day, (0, 0))] if rows]


def _is_above(rejected: int, rows: int, shares: list[float]) -> bool:
    usual = median(shares)
    spread = _MAD * median(abs(share - usual) for share in shares)
    chance = math.sqrt(max(usual, 1 / rows) * (1 - min(usual, 1 - 1 / rows)) / rows)
    share = rejected / rows
    return (
        share > usual + _DEVIATIONS * max(spread, chance)
        and share >= _TIMES * usual
        and rejected - usual * rows >= _FEWEST_ROWS
    )
