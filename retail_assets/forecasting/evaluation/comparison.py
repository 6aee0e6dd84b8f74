"""The real past that a forecast is compared with: the same days a year before, and the weeks just before it.

The same dates a year before have every weekday as often, in whole weeks, and the same fixed holidays. Days on which the
shop was closed are counted, so that open days can be compared with open days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar, past_holidays
from retail_assets.forecasting.data.grain import DAY
from retail_assets.forecasting.data.series import WEEK, DailySales, Floats, days_after, to_date

#: The weeks just before a forecast that are averaged.
RECENT_WEEKS = 8


@dataclass(frozen=True)
class Past:
    """Sales of the days from `first` to `last`.

    Attributes:
        first, last: the days.
        revenue: (categories,), in money; NaN where a category was not sold yet on the first day.
        total: of all categories.
        open_days: days on which the shop was open.
        weeks: over which `revenue` is averaged; 1 where it is the sum of the days.
        left_out: weeks between the days that are not averaged, because the shop was closed on more days than usual.
    """

    first: date
    last: date
    revenue: Floats
    total: float
    open_days: int
    weeks: int = 1
    left_out: int = 0


def sold(sales: DailySales, first: date, last: date) -> Past | None:
    """Sum the sales of some days; None where the history does not have all of them."""
    start, end = days_after(sales.days[0], first), days_after(sales.days[0], last)
    if start < 0 or end >= len(sales.days) or end < start:
        return None
    days = slice(start, end + 1)
    begun = np.array([bool(each[: start + 1].any()) for each in sales.sold])
    by_category = sales.revenue[:, days].sum(axis=1)
    revenue = np.where(begun, by_category, np.nan)
    return Past(first, last, revenue, float(by_category.sum()), int((~sales.unknown[days]).sum()))


def year_before(sales: DailySales, first: date, last: date) -> Past | None:
    """Sum the sales of the same dates a year before; None where the history does not reach back as far.

    Where the source reports weeks, those are the same weeks 52 weeks before.

    >>> from retail_assets.forecasting.data.series import daily_sales
    >>> import pandas as pd
    >>> days = pd.date_range("2023-01-01", "2023-12-31")
    >>> rows = pd.DataFrame({"sale_date": days, "product_category": "a", "revenue": 1.0, "orders": 30})
    >>> past = year_before(daily_sales(rows), date(2024, 1, 1), date(2024, 1, 7))
    >>> past.first, past.last, past.revenue.tolist()
    (datetime.date(2023, 1, 1), datetime.date(2023, 1, 7), [7.0])
    """
    then = _a_year_before(first) if sales.grain == DAY else first - timedelta(weeks=52)
    return sold(sales, then, then + (last - first))


def recent_weeks(sales: DailySales) -> Past | None:
    """Average the last weeks of a history, counted back from its end; None with less than one week.

    Weeks in which the shop was closed on more days than in the others, as the week of Christmas, are left out.
    """
    weeks = min(RECENT_WEEKS, len(sales.days) // WEEK)
    if not weeks:
        return None
    days = slice(len(sales.days) - weeks * WEEK, None)
    by_week = sales.revenue[:, days].reshape(len(sales.categories), weeks, WEEK).sum(axis=2)
    shut = sales.unknown[days].reshape(weeks, WEEK).sum(axis=1)
    usual = shut == shut.min()
    begun = np.array([bool(each[: len(sales.days) - weeks * WEEK + 1].any()) for each in sales.sold])
    return Past(
        to_date(sales.days[days][0]),
        sales.last_day,
        np.where(begun, by_week[:, usual].mean(axis=1), np.nan),
        float(by_week[:, usual].sum(axis=0).mean()),
        WEEK - int(shut.min()),
        int(usual.sum()),
        int((~usual).sum()),
    )


def weak_holidays(sales: DailySales, holidays: HolidayCalendar, days: list[date]) -> dict[date, set[str]]:
    """Name the categories that cannot be expected to be strong on each of `days` that is a holiday.

    They sold no more than usual on that holiday before, or none of it is on record.
    """
    ahead = {day: name for day in days if (name := holidays.names.get(day)) is not None}
    if not ahead:
        return {}
    values = np.where(sales.unknown, np.nan, sales.revenue)
    past = past_holidays(values, sales.days, holidays)
    unknown = np.full(len(sales.categories), np.nan)
    ratios = {day: past[name].ratio if name in past else unknown for day, name in ahead.items()}
    return {
        day: {name for name, share in zip(sales.categories, ratio, strict=True) if not share > 1}
        for day, ratio in ratios.items()
    }


def _a_year_before(day: date) -> date:
    """The same date a year before; for the 29th of February the 28th."""
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def only_in(holidays: HolidayCalendar, first: date, last: date, past: Past) -> tuple[list[str], list[str]]:
    """Name the holidays that are among the days but not among those of `past`, and the other way round."""

    def names(first: date, last: date) -> list[str]:
        days = (first + timedelta(step) for step in range((last - first).days + 1))
        return list(dict.fromkeys(holidays.names[day] for day in days if day in holidays.names))

    now, then = names(first, last), names(past.first, past.last)
    return [name for name in now if name not in then], [name for name in then if name not in now]
