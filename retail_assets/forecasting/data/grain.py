"""The grain of a history: days, or weeks that a source reports under one date each.

A shop that reports once a week has a row on every seventh day. Read as days it would be closed on six days of seven.
Its weeks are spread evenly over the seven days that end on the reported date, forecast by the same models, and summed
to weeks again before anything is measured or published. A market stall that opens once a week is the same case.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

#: Days that one row of a history stands for.
DAY, WEEK_OF_DAYS = 1, 7
# Fewer reports than this do not show a rhythm.
FEWEST_REPORTS = 8
# A holiday moves a report now and then.
LEAST_SHARE_ON_ONE_WEEKDAY = 0.95
_WEEKDAYS = ("Thursdays", "Fridays", "Saturdays", "Sundays", "Mondays", "Tuesdays", "Wednesdays")


def grain_of(days: npt.NDArray[np.int64]) -> int:
    """Detect the grain from the days that have rows: WEEK_OF_DAYS where they are all on one weekday; else DAY.

    Args:
        days: numbers of days since 1970-01-01, in any order, repeated or not.

    >>> grain_of(np.arange(4, 104, 7)), grain_of(np.arange(100))
    (7, 1)
    """
    distinct = np.unique(days)
    if len(distinct) < FEWEST_REPORTS:
        return DAY
    share = np.bincount(distinct % 7, minlength=7).max() / len(distinct)
    return WEEK_OF_DAYS if share >= LEAST_SHARE_ON_ONE_WEEKDAY else DAY


def whole_horizon(horizon: int, grain: int) -> int:
    """Round a horizon in days down to whole steps, at least one.

    >>> whole_horizon(5, WEEK_OF_DAYS), whole_horizon(28, WEEK_OF_DAYS), whole_horizon(5, DAY)
    (7, 28, 5)
    """
    return max(horizon // grain, 1) * grain


def unit_of(grain: int) -> str:
    """Name the step of a forecast: `day` or `week`."""
    return "day" if grain == DAY else "week"


def spread_weeks(rows: pd.DataFrame, amounts: list[str]) -> tuple[pd.DataFrame, str]:
    """Spread each row evenly over the seven days that end on its date; return the rows and a note for people.

    Args:
        rows: with `day`, a number since 1970-01-01, and the columns `amounts`. A row dated on another weekday than
            the others counts as reported on the next regular date.
        amounts: columns whose sum stays.
    """
    distinct = np.unique(rows["day"])
    regular = int(np.bincount(distinct % 7, minlength=7).argmax())
    end = rows["day"] + (regular - rows["day"]) % 7
    spread = rows.assign(day=end).iloc[np.repeat(np.arange(len(rows)), 7)].reset_index(drop=True)
    spread["day"] -= np.tile(np.arange(6, -1, -1), len(rows))
    for name in amounts:
        spread[name] /= 7
    note = (
        f"The source reports weeks: its dates are {_WEEKDAYS[regular]}. The forecast is in weeks, and a row stands for "
        "the seven days that end on its date."
    )
    return spread, note
