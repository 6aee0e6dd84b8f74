"""What the calendar says of a day, known long before it: weekday, place in the month, distance to holidays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from dateutil.easter import easter

from retail_assets.forecasting.data.regressors import NONE, Regressors
from retail_assets.forecasting.data.series import DailySales, Days, Floats, to_date, weekday

# Shoppers stock up for about a week before a holiday and are back within days: farther away, a holiday says nothing.
DAYS_BEFORE_HOLIDAY = 8
DAYS_AFTER_HOLIDAY = 4

# Public holidays that most private employers do not keep and few shoppers plan for (US Bureau of Labor Statistics,
# National Compensation Survey: nearly all grant six paid holidays, and these are not among them). As features they
# would pass for Thanksgiving: Veterans Day falls twelve days before it.
MINOR_HOLIDAYS = {
    "US": (
        "Martin Luther King Jr. Day",
        "Washington's Birthday",
        "Juneteenth National Independence Day",
        "Columbus Day",
        "Veterans Day",
    )
}

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
    """Holidays of a country by date, and what the user knows besides. `note` says what is missing, if anything."""

    country: str
    names: dict[date, str]
    note: str | None = None
    regressors: Regressors = NONE

    def name(self, day: np.datetime64) -> str | None:
        return self.names.get(to_date(day))


def holiday_calendar(country: str, first: date, last: date) -> HolidayCalendar:
    """Public holidays of `country` (ISO 3166-1 code, as `US`) that bear on the days `first` to `last`.

    Days on which a holiday is merely observed are left out, for shops keep the day itself, and so are MINOR_HOLIDAYS.
    Easter Sunday is added where Christmas is a holiday, since few countries list a Sunday, and Black Friday everywhere
    but where the day before it is one: there it is known as the day after. An unknown country yields no holidays, and a
    note. (Paydays were tried on the Complete Journey, as days since the 15th or the last: the day of the month tells as
    much.)
    """
    import holidays

    first, last = first - timedelta(days=DAYS_AFTER_HOLIDAY), last + timedelta(days=DAYS_BEFORE_HOLIDAY)
    years, code = range(first.year, last.year + 1), country.strip().upper()
    try:
        found = dict(holidays.country_holidays(code, years=years, observed=False, language="en_US"))
    except NotImplementedError:
        return HolidayCalendar(
            country,
            {},
            f"No holiday calendar for country {country!r}: holidays are not among the features. "
            "RETAIL_COUNTRY takes an ISO 3166-1 code such as US, GB or DE.",
        )
    found = {day: name for day, name in found.items() if name not in MINOR_HOLIDAYS.get(code, ())}
    if any("Christmas" in name for name in found.values()):
        found |= {easter(year): "Easter Sunday" for year in years if easter(year) not in found}
    for friday in map(black_friday, years):
        if friday - timedelta(days=1) not in found:
            found.setdefault(friday, "Black Friday")
    return HolidayCalendar(country, {day: found[day] for day in sorted(found) if first <= day <= last})


def forecast_calendar(country: str, sales: DailySales, horizon: int, regressors: Regressors = NONE) -> HolidayCalendar:
    """Make the calendar of a history and the `horizon` days after it, with what the user knows of these days."""
    calendar = holiday_calendar(country, sales.first_day, sales.last_day + timedelta(days=horizon))
    return replace(calendar, regressors=regressors)


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 3 * 7 + 1)


def calendar_features(days: Days, holidays: HolidayCalendar) -> Floats:
    """(days, 7): the columns of CALENDAR_FEATURES. Distances are capped, so that none and far away are the same."""
    days = days.astype("datetime64[D]")
    day_of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    dow = weekday(days)
    to_next = np.full(len(days), DAYS_BEFORE_HOLIDAY, dtype=np.int64)
    since_last = np.full(len(days), DAYS_AFTER_HOLIDAY, dtype=np.int64)
    if holidays.names:
        dates = np.array(sorted(holidays.names), dtype="datetime64[D]")
        after = np.searchsorted(dates, days, side="left")
        before = np.searchsorted(dates, days, side="right") - 1
        gap = (dates[np.minimum(after, len(dates) - 1)] - days).astype(np.int64)
        to_next = np.where((after < len(dates)) & (gap < DAYS_BEFORE_HOLIDAY), gap, DAYS_BEFORE_HOLIDAY)
        gap = (days - dates[np.maximum(before, 0)]).astype(np.int64)
        since_last = np.where((before >= 0) & (gap < DAYS_AFTER_HOLIDAY), gap, DAYS_AFTER_HOLIDAY)
    columns = (dow, day_of_month, (day_of_month - 1) // 7, dow >= 5, to_next, since_last, to_next == 0)
    return np.column_stack(columns).astype(np.float64)
