"""The feature of holidays that families spend at home, for shops on whose sales they show.

On Thanksgiving, Christmas, Easter and New Year many shops close or are quiet after a week of stocking up, while on
other holidays people go out and shop: one distance to any holiday cannot say both. A shop that sells by mail sees
neither, and for its trees such a feature is noise. So it is given only where the sales near past family holidays
differed from usual days by clearly more than ordinary days do:

    mean of (sold / usual - 1)² / σ² over the days from three before to one after  >  3

with σ the relative spread of ordinary days around their usual. On noise the mean is about 1.
"""

from __future__ import annotations

import numpy as np

from retail_assets.forecasting.data.calendar import NO_FAMILY_HOLIDAY, HolidayCalendar, family_holiday, usual_sales
from retail_assets.forecasting.data.series import Days, Floats
from retail_assets.forecasting.models.holiday_memory import spread_of_ordinary_days

#: The column that is added to the features.
FAMILY_FEATURES = ("family_holiday",)
# The days that are tested; fewer than three known ones prove nothing.
_BEFORE, _AFTER, _FEWEST_DAYS = 3, 1, 3
_CLEARLY = 3.0


def family_feature(sold: Floats, known: int, days: Days, holidays: HolidayCalendar) -> Floats:
    """Make the distance from family holidays, (days,), as `calendar.family_holiday`; 9 everywhere where none shows.

    Args:
        sold: (history,), the whole shop's sales, NaN where unknown.
        known: number of days of `sold` that may be read: those up to the latest origin.
        days: (days,), all consecutive, the history first.
        holidays: calendar of the days.
    """
    distance = family_holiday(days, holidays)
    past = slice(0, known)
    if shows(sold[past], days[past], distance[past], holidays):
        return distance
    return np.full(len(days), float(NO_FAMILY_HOLIDAY))


def shows(sold: Floats, days: Days, distance: Floats, holidays: HolidayCalendar) -> bool:
    """Whether sales near family holidays differed from usual days by clearly more than chance: all (days,)."""
    near = (distance >= -_BEFORE) & (distance <= _AFTER) & ~np.isnan(sold)
    if near.sum() < _FEWEST_DAYS:
        return False
    usual = usual_sales(sold[None], days, holidays)[0]
    near &= usual > 0
    spread = spread_of_ordinary_days(sold, usual, days, holidays)
    if near.sum() < _FEWEST_DAYS or spread is None:
        return False
    differences = sold[near] / usual[near] - 1.0
    return bool((differences**2).mean() > _CLEARLY * spread**2)
