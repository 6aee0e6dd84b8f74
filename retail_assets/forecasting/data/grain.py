"""The grain of a history: days, or weeks that a source reports under one date each. Months are too coarse to forecast.

A shop that reports once a week has a row on every seventh day. Read as days it would be closed on six days of seven.
Its weeks are spread evenly over the seven days that end on the reported date, forecast by the same models, and summed
to weeks again before anything is measured or published. A market stall that opens once a week is the same case.

A month has four or five Saturdays, and two years of months are 24 numbers: a source that has nothing else is refused
in words, instead of a forecast that takes 29 days of 30 for days without a sale.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

#: Days that one row of a history stands for.
DAY, WEEK_OF_DAYS = 1, 7
# Fewer reports than this do not show a rhythm.
FEWEST_REPORTS = 8
# Reports of a month, or of longer, are never nearer to each other: February less a weekend. Two sales of a daily source
# nearly always are.
FEWEST_MONTHS, DAYS_OF_SHORTEST_MONTH = 5, 26
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


def why_too_coarse(days: pd.Series) -> str | None:
    """Say why a source cannot be forecast, where its dates are those of months or longer periods; else None.

    Args:
        days: dates of the rows, in any order, repeated or not.

    >>> why_too_coarse(pd.Series(pd.date_range("2023-01-31", periods=24, freq="ME")))[:49]
    'The source reports months or longer periods: its '
    """
    distinct = np.unique(pd.to_datetime(days).to_numpy().astype("datetime64[D]"))
    if len(distinct) < FEWEST_MONTHS or np.diff(distinct).astype(int).min() < DAYS_OF_SHORTEST_MONTH:
        return None
    return (
        f"The source reports months or longer periods: its {len(distinct)} dates are {DAYS_OF_SHORTEST_MONTH} days "
        "apart or more. A forecast needs daily or weekly sales: land those."
    )


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
