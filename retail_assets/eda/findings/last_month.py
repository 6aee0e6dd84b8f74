"""The last full month against the month before it and against the same month of the year before.

Months differ in length, in closed days and in their mix of weekdays. So days with sales are compared, not sums, and the
test compares like weekdays. Days whose rows were all rejected are unknown and in no mean.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.significance import defined_p


@dataclass(frozen=True)
class MonthSales:
    """The sales of one calendar month.

    Attributes:
        start: its first day.
        revenue: money of all its days.
        days: its calendar days.
        open_days: those with a sale.
        unknown: those whose rows were all rejected.
        orders: number of orders, counted by day.
        per_day: revenue per day with a sale; 0 without any.
    """

    start: dt.date
    revenue: float
    days: int
    open_days: int
    unknown: int
    orders: int
    per_day: float


@dataclass(frozen=True)
class Comparison:
    """An earlier month, and the p-value of the difference per day between like weekdays.

    `p` is None with too few days for a test; `same_way` says that like weekdays differ in the direction of the means.
    """

    earlier: MonthSales
    p: float | None
    same_way: bool


def last_full_month(data: EdaData) -> MonthSales | None:
    """Return the last month from whose first to whose last day the sales reach; None without one."""
    if data.daily.empty:
        return None
    last = data.daily.index[-1].date()
    start = last.replace(day=1)
    if (last + dt.timedelta(days=1)).day != 1:
        start = (start - dt.timedelta(days=1)).replace(day=1)
    return month_of(data, start)


def month_of(data: EdaData, start: dt.date) -> MonthSales | None:
    """Return the sales of the month that begins on `start`; None unless they reach from its first day to its last."""
    end = (start + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    if data.daily.empty or start < data.daily.index[0].date() or end > data.daily.index[-1].date():
        return None
    rows = _days(data, start)
    sold = rows["orders"].to_numpy() > 0
    revenue = float(rows["revenue"].sum())
    return MonthSales(
        start=start,
        revenue=revenue,
        days=len(rows),
        open_days=int(sold.sum()),
        unknown=sum(start <= day <= end for day in data.days_rejected),
        orders=int(rows["orders"].sum()),
        per_day=revenue / int(sold.sum()) if sold.any() else 0.0,
    )


def compare(data: EdaData, month: MonthSales, start: dt.date) -> Comparison | None:
    """Compare a month with the earlier one that begins on `start`; None if that has no sales, or not all of them."""
    earlier = month_of(data, start)
    if earlier is None or not earlier.open_days or not month.open_days:
        return None
    difference, p = _like_weekdays(data, month.start, start)
    return Comparison(earlier, p, same_way=difference * (month.per_day - earlier.per_day) > 0)


def month_before(start: dt.date) -> dt.date:
    """Return the first day of the month before.

    >>> month_before(dt.date(2024, 3, 1))
    datetime.date(2024, 2, 1)
    """
    return (start - dt.timedelta(days=1)).replace(day=1)


def _days(data: EdaData, start: dt.date) -> pd.DataFrame:
    days = pd.DatetimeIndex(data.daily.index)
    return data.daily[(days.year == start.year) & (days.month == start.month)]


def _like_weekdays(data: EdaData, start: dt.date, earlier: dt.date) -> tuple[float, float | None]:
    """The difference of the months in a regression of revenue on month and weekday, and the p-value of its t-test.

    Over days with a sale, which are taken as independent of each other; None with fewer than three degrees of freedom.
    """
    both = [rows[rows["orders"] > 0] for rows in (_days(data, earlier), _days(data, start))]
    revenue = np.concatenate([rows["revenue"].to_numpy() for rows in both])
    is_later = np.repeat([0.0, 1.0], [len(rows) for rows in both])
    weekdays = np.concatenate([pd.DatetimeIndex(rows.index).day_of_week.to_numpy() for rows in both])
    for weekday in np.unique(weekdays):  # within weekdays, as Frisch & Waugh (1933) do instead of a column for each
        of_weekday = weekdays == weekday
        revenue[of_weekday] -= revenue[of_weekday].mean()
        is_later[of_weekday] -= is_later[of_weekday].mean()
    spread = float(is_later @ is_later)
    freedom = len(revenue) - len(np.unique(weekdays)) - 1
    if spread < 1e-9 or freedom < 3:
        return 0.0, None
    difference = float(is_later @ revenue) / spread
    left = revenue - difference * is_later
    error = float(np.sqrt(left @ left / freedom / spread))
    if error <= 1e-9 * max(1.0, abs(difference)):
        return difference, 0.0 if abs(difference) > 1e-9 else 1.0
    return difference, defined_p(2 * stats.t.sf(abs(difference) / error, freedom))
