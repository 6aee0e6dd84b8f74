"""Calendar features, known long before a day, and what the shop did on each holiday before.

Known are the weekday, the place in the month and the distance to holidays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from dateutil.easter import easter

from retail_assets.forecasting.data.regressors import NONE, Regressors
from retail_assets.forecasting.data.series import (
    WEEK,
    Bools,
    DailySales,
    Days,
    Floats,
    Ints,
    days_after,
    to_date,
    weekday,
)

# Shoppers stock up for about a week before a holiday and return within days: farther away, a holiday has no effect.
DAYS_BEFORE_HOLIDAY = 8
DAYS_AFTER_HOLIDAY = 4

# Public holidays that most private employers do not observe and few shoppers plan for (US Bureau of Labor Statistics,
# National Compensation Survey: nearly all grant six paid holidays, and these are not among them). As features they
# would be taken for Thanksgiving: Veterans Day falls twelve days before it.
MINOR_HOLIDAYS = {
    "US": (
        "Martin Luther King Jr. Day",
        "Washington's Birthday",
        "Juneteenth National Independence Day",
        "Columbus Day",
        "Veterans Day",
    )
}

# Holidays that families spend at home: many shops close or are quiet, and people stock up in the week before. On others
# they go out or shop. Names of the package `holidays` contain these words in every country.
FAMILY_HOLIDAYS = ("Christmas", "Easter", "New Year", "Thanksgiving")
# No such holiday near: beyond the last day after one, so that the trees can tell it from the days before one.
NO_FAMILY_HOLIDAY = DAYS_BEFORE_HOLIDAY + 1

# A usual day is the mean of the same weekday up to four weeks before and after, at least three of them.
USUAL_WEEKS = 4
FEWEST_USUAL_DAYS = 3

CALENDAR_FEATURES = (
    "weekday",
    "day_of_month",
    "week_of_month",
    "weekend",
    "days_to_holiday",
    "days_since_holiday",
    "holiday",
)


@dataclass(frozen=True)
class HolidayCalendar:
    """Holidays of a country by date, and the user's events. `note` says what is missing, if anything."""

    country: str
    names: dict[date, str]
    note: str | None = None
    regressors: Regressors = NONE

    def name(self, day: np.datetime64) -> str | None:
        """Return the holiday on a day; None on other days."""
        return self.names.get(to_date(day))


@dataclass(frozen=True)
class HolidayPast:
    """What was sold on one holiday before, relative to usual days.

    Attributes:
        ratio: (series,), Σ sold / Σ usual over the past occasions; NaN where none is known.
        occasions: (series,), number of past occasions that are known.
        sum: (series,), Σ sold over them.
    """

    ratio: Floats
    occasions: Ints
    sum: Floats


def holiday_calendar(country: str, first: date, last: date) -> HolidayCalendar:
    """Make the calendar of the public holidays that affect the days `first` to `last`.

    Substitute days of a holiday are left out, because shops close on the day itself, and so are MINOR_HOLIDAYS. Easter
    Sunday is added where Christmas is a holiday, because few countries list a Sunday. Black Friday is added unless the
    day before it is a holiday: there it is already the day after one. (Paydays were tried on the Complete Journey, as
    days since the 15th or the last: the day of the month says as much.)

    Args:
        country: ISO 3166-1 code, as `US`. An unknown one yields no holidays, and a note.
        first: first day of the history.
        last: last day that is forecast.

    >>> from datetime import date
    >>> holiday_calendar("US", date(2024, 11, 20), date(2024, 12, 20)).names[date(2024, 11, 28)]
    'Thanksgiving Day'
    """
    import holidays

    first, last = first - timedelta(days=DAYS_AFTER_HOLIDAY), last + timedelta(days=DAYS_BEFORE_HOLIDAY)
    years, code = range(first.year, last.year + 1), country.strip().upper()
    try:
        names = dict(holidays.country_holidays(code, years=years, observed=False, language="en_US"))
    except NotImplementedError:
        return HolidayCalendar(
            country,
            {},
            f"No holiday calendar for country {country!r}: holidays are not among the features. "
            "RETAIL_COUNTRY takes an ISO 3166-1 code such as US, GB or DE.",
        )
    names = {day: name for day, name in names.items() if name not in MINOR_HOLIDAYS.get(code, ())}
    if any("Christmas" in name for name in names.values()):
        names |= {easter(year): "Easter Sunday" for year in years if easter(year) not in names}
    for friday in map(black_friday, years):
        if friday - timedelta(days=1) not in names:
            names.setdefault(friday, "Black Friday")
    return HolidayCalendar(country, {day: names[day] for day in sorted(names) if first <= day <= last})


def forecast_calendar(country: str, sales: DailySales, horizon: int, regressors: Regressors = NONE) -> HolidayCalendar:
    """Make the calendar of a history and the `horizon` days after it, with what the user knows of these days."""
    calendar = holiday_calendar(country, sales.first_day, sales.last_day + timedelta(days=horizon))
    return replace(calendar, regressors=regressors)


def black_friday(year: int) -> date:
    """Compute the day after the fourth Thursday of November.

    >>> black_friday(2024)
    datetime.date(2024, 11, 29)
    """
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 3 * 7 + 1)


def calendar_features(days: Days, holidays: HolidayCalendar) -> Floats:
    """Make the columns of CALENDAR_FEATURES, (days, 7).

    Distances are capped, so that no holiday and one far away are the same.
    """
    days = days.astype("datetime64[D]")
    day_of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    dow = weekday(days)
    to_next, since_last = _distances(days, holidays.names)
    columns = (dow, day_of_month, (day_of_month - 1) // 7, dow >= 5, to_next, since_last, to_next == 0)
    return np.column_stack(columns).astype(np.float64)


def family_holiday(days: Days, holidays: HolidayCalendar) -> Floats:
    """Make the feature of FAMILY_HOLIDAYS, (days,): -7 to -1 before one, 0 on it, 1 to 3 after it, else 9.

    Between two, the one to come counts. One ordered number, so that a single split finds the week before: a year has
    few such days to learn from. (Two columns, as for any holiday, helped nobody.)

    >>> days = np.array(["2024-11-15", "2024-11-26", "2024-11-28", "2024-12-01"], dtype="datetime64[D]")
    >>> family_holiday(days, HolidayCalendar("US", {date(2024, 11, 28): "Thanksgiving Day"})).tolist()
    [9.0, -2.0, 0.0, 3.0]
    """
    names = [day for day, name in holidays.names.items() if any(word in name for word in FAMILY_HOLIDAYS)]
    to_next, since_last = _distances(days.astype("datetime64[D]"), names)
    after = np.where(since_last < DAYS_AFTER_HOLIDAY, since_last, NO_FAMILY_HOLIDAY)
    return np.where(to_next < DAYS_BEFORE_HOLIDAY, -to_next, after).astype(np.float64)


def _distances(days: Days, dates_of: Iterable[date]) -> tuple[Ints, Ints]:
    """Count the days, (days,), to the next and since the last of some dates, capped."""
    to_next = np.full(len(days), DAYS_BEFORE_HOLIDAY, dtype=np.int64)
    since_last = np.full(len(days), DAYS_AFTER_HOLIDAY, dtype=np.int64)
    dates = np.array(sorted(dates_of), dtype="datetime64[D]")
    if not len(dates):
        return to_next, since_last
    after = np.searchsorted(dates, days, side="left")
    before = np.searchsorted(dates, days, side="right") - 1
    gap = (dates[np.minimum(after, len(dates) - 1)] - days).astype(np.int64)
    to_next = np.where((after < len(dates)) & (gap < DAYS_BEFORE_HOLIDAY), gap, DAYS_BEFORE_HOLIDAY)
    gap = (days - dates[np.maximum(before, 0)]).astype(np.int64)
    return to_next, np.where((before >= 0) & (gap < DAYS_AFTER_HOLIDAY), gap, DAYS_AFTER_HOLIDAY)


def near_holiday(days: Days, holidays: HolidayCalendar, before: int = 1, after: int = 1) -> Bools:
    """Mark the days, (days,), of a holiday, and those before and after it, when people shop for it."""
    steps = range(-before, after + 1)
    near = {day + timedelta(days=step) for day in holidays.names for step in steps}
    return np.isin(days.astype("datetime64[D]"), np.array(sorted(near), dtype="datetime64[D]"))


def holiday_season(days: Days, holidays: HolidayCalendar) -> Bools:
    """Mark the days, (days,), from a week before a holiday to three days after it."""
    return near_holiday(days, holidays, DAYS_BEFORE_HOLIDAY - 1, DAYS_AFTER_HOLIDAY - 1)


def usual_sales(values: Floats, days: Days, holidays: HolidayCalendar) -> Floats:
    """Compute the usual sales of each day, (series, days): the mean of ordinary same weekdays within four weeks.

    Days within a day of a holiday are not ordinary. NaN where fewer than three such days are known. The days after a
    day count too: give no values after the cut-off.

    Args:
        values: (series, days), NaN where unknown.
        days: (days,), all consecutive.
        holidays: the calendar of the days.
    """
    ordinary = np.where(near_holiday(days, holidays), np.nan, values)
    reach = USUAL_WEEKS * WEEK
    padded = np.pad(ordinary, ((0, 0), (reach, reach)), constant_values=np.nan)
    known, total = np.zeros(values.shape), np.zeros(values.shape)
    for shift in range(-reach, reach + 1, WEEK):
        if shift:
            other = padded[:, reach + shift : reach + shift + values.shape[1]]
            known += ~np.isnan(other)
            total += np.nan_to_num(other)
    return np.where(known >= FEWEST_USUAL_DAYS, total / np.maximum(known, 1), np.nan)


def past_holidays(values: Floats, days: Days, holidays: HolidayCalendar) -> dict[str, HolidayPast]:
    """Measure what the shop did on each holiday before, by the holiday's name.

    A holiday without a known past is missing.

    Args:
        values: (series, days) up to the cut-off and no later, NaN where unknown; one row of totals, or one by category.
        days: (days,), all consecutive.
        holidays: the calendar of the days.

    >>> days = np.datetime64("2023-06-01") + np.arange(70)
    >>> values = np.where(days == np.datetime64("2023-07-04"), 30.0, 100.0)[None]
    >>> fourth = HolidayCalendar("US", {date(2023, 7, 4): "Independence Day"})
    >>> past_holidays(values, days, fourth)["Independence Day"].ratio.tolist()
    [0.3]
    """
    at: dict[str, list[int]] = {}
    for day, name in holidays.names.items():
        index = days_after(days[0], day)
        if 0 <= index < len(days):
            at.setdefault(name, []).append(index)
    usual = usual_sales(values, days, holidays)
    past = {}
    for name, indices in at.items():
        sold, expected = values[:, indices], usual[:, indices]
        known = ~np.isnan(sold) & (expected > 0)
        if known.any():
            usually = np.where(known, expected, 0.0).sum(axis=1)
            total = np.where(known, sold, 0.0).sum(axis=1)
            share = total / np.where(usually > 0, usually, np.nan)
            past[name] = HolidayPast(share, known.sum(axis=1), total)
    return past
