"""What the years before say of a day: how high its season stood above the level, and what the same holiday did.

A shop with a tourist summer or a Christmas peak repeats it, but with one or two years behind it nobody knows how well.
So both are shrunk as a mean of n values is: towards no season by n / (n + 2/3), and towards no effect of the holiday by
n / (n + 1), upward only as far as its orders speak for it (`holiday_evidence`). The rest is left to the trees, which
know the day of the year and the distance to any holiday.

Where nothing is shrunk twice: the rows of the first year, which a model learns from, have no year before them. They
take the season and the holidays of their own year instead, shrunk as well, so that the trees learn what remains of
them, as they have to add it to a forecast. A forecast itself only reads days up to its origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retail_assets.forecasting.data.calendar import HolidayCalendar
from retail_assets.forecasting.data.series import WEEK, WINDOW_DAYS, Days, Floats, Ints, days_after, total_of
from retail_assets.forecasting.models.holiday_evidence import limited_by_orders, weight_of_orders

# Whole weeks, so that a weekday meets itself.
YEAR = 52 * WEEK
# The year before, and the 8 weeks that describe an origin in it: with less, last year's level is that of an opening.
FEWEST_DAYS = YEAR + WINDOW_DAYS
MOST_YEARS = 4
#: What it adds to the features of an origin.
YEAR_FEATURES = ("day_of_year_sin", "day_of_year_cos", "last_year")
# Three weeks around the day: one unusual day of last year is no season.
_SMOOTHED = 10
_LEVEL_DAYS = 28
# Days around a holiday that people shop differently on, and that are no part of a season.
_AROUND_HOLIDAY = 2
# Same weekdays before and after a holiday that it is compared with, and how many of them must be ordinary days.
_WEEKS_COMPARED, _FEWEST_COMPARED = 3, 3
_SEASON_DOUBT, _HOLIDAY_DOUBT = 2 / 3, 1.0
_LARGEST = 1.5
_DAYS_BETWEEN_HOLIDAYS = 300


def has_year(days: Days) -> bool:
    """Whether a history is long enough to remember a year, 420 days."""
    return len(days) >= FEWEST_DAYS


@dataclass(frozen=True)
class LastYear:
    """The seasons and holidays of a history.

    Attributes:
        sums, counts: (series + 1, days + 1), cumulated over the ordinary days; the last series is the whole shop.
        label: (days + horizon,), which day of which holiday a day is; -1 on ordinary days.
        effect: (days + horizon,), log of the shop's sales over those of ordinary days; NaN where unknown.
        orders: (days + horizon,), of the shop; NaN where they are not counted, and an effect is believed as it is.
    """

    sums: Floats
    counts: Floats
    label: Ints
    effect: Floats
    orders: Floats

    def lift(self, series: Ints, origins: Ints, horizon: int, *, own_year: bool = False) -> tuple[Floats, Floats]:
        """Compute the log of the factor for the base of each day, and its season before it was shrunk.

        Args:
            series: (pairs,), rows of the history.
            origins: (pairs,), the last day that is known.
            horizon: days ahead.
            own_year: where there is no year before, use the day's own: for rows to learn from, never for a forecast.

        Returns:
            Both (pairs, horizon); zero where nothing is known.
        """
        season, years = self._season(series, origins, horizon, own_year)
        shrunk = season * years / (years + _SEASON_DOUBT)
        return shrunk + self._holidays(origins, horizon, own_year), season

    def _season(self, series: Ints, origins: Ints, horizon: int, own_year: bool) -> tuple[Floats, Floats]:
        shape = (len(series), horizon)
        total, years = np.zeros(shape), np.zeros(shape)
        for back in range(1, MOST_YEARS + 1):
            if back > 1 and (origins < back * YEAR).all():
                break
            season = self._of_year(series, origins, horizon, back)
            known = ~np.isnan(season)
            total += np.where(known, season, 0.0)
            years += known
        if own_year:
            season = self._of_year(series, origins, horizon, 0)
            take = (years == 0) & ~np.isnan(season)
            total, years = np.where(take, season, total), years + take
        return np.clip(total / np.maximum(years, 1), -_LARGEST, _LARGEST), years

    def _of_year(self, series: Ints, origins: Ints, horizon: int, back: int) -> Floats:
        """Season of one year: mean of a series and of the whole shop, or the shop's where the series is unknown."""
        day = origins[:, None] + np.arange(1, horizon + 1) - back * YEAR
        end = origins[:, None] - back * YEAR
        whole = np.full(len(series), len(self.sums) - 1)
        own, shop = (
            self._mean(rows, day - _SMOOTHED, day + _SMOOTHED, end - _LEVEL_DAYS + 1, end) for rows in (series, whole)
        )
        return np.where(np.isnan(own), shop, (own + shop) / 2)

    def _mean(self, rows: Ints, first: Ints, last: Ints, level_first: Ints, level_last: Ints) -> Floats:
        """Log of the mean of the days `first` to `last` over that of the level's days."""

        def mean(start: Ints, end: Ints) -> Floats:
            n = self.sums.shape[1] - 1
            low, high = np.clip(start, 0, n), np.clip(end + 1, 0, n)
            count = self.counts[rows[:, None], high] - self.counts[rows[:, None], low]
            total = self.sums[rows[:, None], high] - self.sums[rows[:, None], low]
            enough = (start >= 0) & (2 * count >= end - start + 1)
            return np.where(enough & (total > 0), total / np.maximum(count, 1), np.nan)

        return np.asarray(np.log(mean(first, last)) - np.log(mean(level_first, level_last)))

    def _holidays(self, origins: Ints, horizon: int, own_year: bool) -> Floats:
        """(pairs, horizon), the shrunk effect of the same day of the same holiday in the years before."""
        unique, at = np.unique(origins, return_inverse=True)
        effects = np.zeros((len(unique), horizon))
        past = np.flatnonzero((self.label >= 0) & ~np.isnan(self.effect))
        for row, origin in enumerate(unique):
            days = origin + np.arange(1, horizon + 1)
            for step in np.flatnonzero(self.label[days] >= 0):
                alike = past[self.label[past] == self.label[days[step]]]
                before = alike[alike <= days[step] - _DAYS_BETWEEN_HOLIDAYS]
                if own_year and not len(before):
                    before = alike[alike == days[step]]
                if len(before):
                    mean = float(np.clip(self.effect[before].mean(), -_LARGEST, _LARGEST))
                    counted = float(self.orders[before].sum())
                    mean *= 1.0 if np.isnan(counted) else weight_of_orders(mean, counted)
                    effects[row, step] = mean * len(before) / (len(before) + _HOLIDAY_DOUBT)
        return effects[at]


def last_year(
    values: Floats, days: Days, horizon: int, holidays: HolidayCalendar, orders: Floats | None = None
) -> LastYear:
    """Summarize a history for `LastYear`.

    Args:
        values: (series, days), NaN where unknown.
        days: (days,).
        horizon: days ahead.
        holidays: calendar of these days and the `horizon` days after.
        orders: (days,), of the shop; None where they are not counted.
    """
    label = _holiday_labels(days, horizon, holidays)
    shop = total_of(values)
    ordinary = np.concatenate([values, shop[None]])
    ordinary[:, label[: len(days)] >= 0] = np.nan
    counted = ~np.isnan(ordinary)
    start = np.zeros((len(ordinary), 1))
    counts = np.full(len(label), np.nan)
    if orders is not None:
        counts[: len(days)] = orders
    return LastYear(
        np.concatenate([start, np.cumsum(np.where(counted, ordinary, 0.0), axis=1)], axis=1),
        np.concatenate([start, np.cumsum(counted, axis=1)], axis=1),
        label,
        _holiday_effects(shop, ordinary[-1], label, counts),
        counts,
    )


def _holiday_labels(days: Days, horizon: int, holidays: HolidayCalendar) -> Ints:
    """(days + horizon,): one number per holiday's name and distance from it; of two holidays the nearer counts."""
    count = len(days) + horizon
    label, nearest = np.full(count, -1), np.full(count, _AROUND_HOLIDAY + 1)
    numbers = {name: number for number, name in enumerate(sorted(set(holidays.names.values())))}
    width = 2 * _AROUND_HOLIDAY + 1
    for day, name in sorted(holidays.names.items()):
        at = days_after(days[0], day)
        for off in range(-_AROUND_HOLIDAY, _AROUND_HOLIDAY + 1):
            if 0 <= at + off < count and abs(off) < nearest[at + off]:
                nearest[at + off] = abs(off)
                label[at + off] = numbers[name] * width + off + _AROUND_HOLIDAY
    return label


def _holiday_effects(shop: Floats, ordinary: Floats, label: Ints, orders: Floats) -> Floats:
    """(days + horizon,): log of a day near a holiday over the ordinary same weekdays of three weeks on either side.

    It is known only where all these weeks are past, so that the same day's effect is the same at every later origin.
    """
    effect = np.full(len(label), np.nan)
    reach = _WEEKS_COMPARED * WEEK
    for day in np.flatnonzero(label[: len(shop)] >= 0):
        if day + reach >= len(shop):
            continue
        alike = day + WEEK * np.arange(-_WEEKS_COMPARED, _WEEKS_COMPARED + 1)
        alike = alike[alike >= 0]
        alike = alike[~np.isnan(ordinary[alike])]
        usual = float(ordinary[alike].mean()) if len(alike) >= _FEWEST_COMPARED else 0.0
        if usual > 0 and shop[day] > 0:
            ratio, counted = float(shop[day] / usual), float(orders[alike].mean())
            if not np.isnan(orders[day]) and counted > 0:
                ratio = limited_by_orders(ratio, float(orders[day]) / counted)
            effect[day] = np.log(ratio)
    return effect


def day_of_year(days: Days) -> Floats:
    """Make the sine and cosine of the day of the year, (…, 2).

    >>> day_of_year(np.array(["2024-01-01"], dtype="datetime64[D]")).round(3).tolist()
    [[0.0, 1.0]]
    """
    days = days.astype("datetime64[D]")
    angle = 2 * np.pi * (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float) / 365.25
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def seasonal(season: Floats, days: Days) -> Floats:
    """Put the columns of YEAR_FEATURES together, (pairs, horizon, 3)."""
    return np.concatenate([day_of_year(days), season[..., None]], axis=-1)
