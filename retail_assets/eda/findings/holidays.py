"""What public holidays and the weeks before Christmas do to sales."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.calendar import same_weekday_around
from retail_assets.wording.thresholds import NOISE

FEWEST_DAYS = 120
FEWEST_HOLIDAYS = 3
_DAYS_BEFORE = 3
"""Days before a holiday that belong to it."""
_SPAN = _DAYS_BEFORE + 1
_SEASON_DAYS = 31


@dataclass(frozen=True)
class Holiday:
    """The four days of one holiday.

    `ratio` is to what is usual, `rank` the share of ordinary spans of four days that are as high.
    """

    date: dt.date
    name: str
    ratio: float
    rank: float


@dataclass(frozen=True)
class Holidays:
    """Sales from three days before a public holiday to the day itself, relative to the same weekdays around them.

    `ratio` is the revenue of all these days over what the same weekdays of the four weeks before and after would give.
    `p` is two-sided, from shifting the whole holiday calendar along the data (a circular-shift test, which keeps the
    autocorrelation of the series). `each` has every holiday, best first.
    """

    ratio: float
    p: float
    each: tuple[Holiday, ...]

    @property
    def standing_out(self) -> tuple[Holiday, ...]:
        """The holidays above what chance gives to the best of so many (Bonferroni)."""
        return tuple(h for h in self.each if h.ratio > 1 and h.rank * len(self.each) < NOISE)


@dataclass(frozen=True)
class Season:
    """The average day from 24 November to 24 December of `year` against the days outside such weeks of any year.

    `rank` is the share of all windows of 31 days in the data that sold at least as much. Of the `seen` seasons that are
    wholly in the data, `above` sold more than the days outside.
    """

    year: int
    ratio: float
    rank: float
    seen: int
    above: int

    @property
    def stands_out(self) -> bool:
        """Hardly any other window of the same length sold as much."""
        return self.rank <= NOISE and self.ratio > 1


@functools.lru_cache(maxsize=16)
def public_holidays(country: str | None, first: dt.date, last: dt.date) -> Mapping[dt.date, str] | None:
    """Return the English names of the public holidays by day; None without a known country code.

    >>> public_holidays("US", dt.date(2017, 12, 1), dt.date(2017, 12, 31))
    mappingproxy({datetime.date(2017, 12, 25): 'Christmas Day'})
    """
    if not country:
        return None
    import holidays

    years = range(first.year, last.year + 1)
    try:
        calendar = holidays.country_holidays(country.strip().upper(), years=years, observed=False, language="en_US")
    except NotImplementedError:
        return None
    return MappingProxyType({d: str(calendar[d]) for d in sorted(calendar) if first <= d <= last})


def holiday_effect(data: EdaData, country: str | None) -> Holidays | None:
    """Measure what holidays do to sales.

    None without a known country, below `FEWEST_HOLIDAYS` holidays, or below `FEWEST_DAYS` days to compare them with.
    """
    first, last = data.overview.first_date, data.overview.last_date
    calendar = public_holidays(country, first, last) if first and last else None
    if not calendar:
        return None
    revenue = data.known["revenue"].to_numpy()
    expected = same_weekday_around(data.known).mean(axis=1).to_numpy()
    known = np.isfinite(expected) & np.isfinite(revenue)
    place = {d.date(): i for i, d in enumerate(data.daily.index)}
    windows = {h: list(range(place[h] - _DAYS_BEFORE, place[h] + 1)) for h in calendar if place[h] >= _DAYS_BEFORE}
    windows = {h: w for h, w in windows.items() if known[w].all() and expected[w].sum() > 0}
    if len(windows) < FEWEST_HOLIDAYS or known.sum() < FEWEST_DAYS:
        return None
    near = np.zeros(len(revenue), dtype=bool)
    near[sorted({i for w in windows.values() for i in w})] = True

    def relative(days: np.ndarray | list[int]) -> float:
        total = expected[days].sum()
        return float(revenue[days].sum() / total) if total > 0 else float("nan")

    observed = relative(near)
    shifted = np.array([relative(np.roll(near, k) & known) for k in range(_SPAN, len(revenue) - _DAYS_BEFORE)])
    shifted = shifted[np.isfinite(shifted)]
    p_high = (1 + np.sum(shifted >= observed)) / (1 + len(shifted))
    p_low = (1 + np.sum(shifted <= observed)) / (1 + len(shifted))
    spans = [list(range(i, i + _SPAN)) for i in range(len(revenue) - _DAYS_BEFORE)]
    ordinary = np.array([relative(s) for s in spans if known[s].all() and not near[s].any()])
    each = [(h, relative(w)) for h, w in windows.items()]
    return Holidays(
        ratio=observed,
        p=float(min(1.0, 2 * min(p_high, p_low))),
        each=tuple(
            Holiday(h, calendar[h], ratio, float((1 + np.sum(ordinary >= ratio)) / (1 + len(ordinary))))
            for h, ratio in sorted(each, key=lambda e: (-e[1], e[0]))
        ),
    )


def christmas_season(data: EdaData, country: str | None) -> Season | None:
    """Measure the last Christmas season that is wholly in the data.

    None without one, where 25 December is not a public holiday, or below `FEWEST_DAYS` days of sales.
    """
    first, last = data.overview.first_date, data.overview.last_date
    calendar = public_holidays(country, first, last) if first and last else None
    if not calendar or first is None or last is None or len(data.daily) < FEWEST_DAYS:
        return None
    of_last_year = public_holidays(country, dt.date(last.year, 1, 1), dt.date(last.year, 12, 31)) or {}
    if dt.date(last.year, 12, 25) not in of_last_year:
        return None
    revenue = data.known["revenue"]
    days = pd.DatetimeIndex(revenue.index)
    outside = ~(((days.month == 11) & (days.day >= 24)) | ((days.month == 12) & (days.day <= 24)))
    other = float(revenue[outside].mean())
    seasons = {}
    for year in range(first.year, last.year + 1):
        start, end = dt.date(year, 11, 24), dt.date(year, 12, 24)
        inside = revenue[pd.Timestamp(start) : pd.Timestamp(end)]
        if first <= start and end <= last and inside.count() > _SEASON_DAYS / 2:
            seasons[year] = float(inside.mean())
    if not seasons or not other > 0:
        return None
    year, season = max(seasons.items())
    # Half of a window's days have to be known; the first windows would lie partly before the data.
    windows = revenue.rolling(_SEASON_DAYS, min_periods=_SEASON_DAYS // 2 + 1).mean()
    windows = windows[_SEASON_DAYS - 1 :].dropna()
    return Season(
        year=year,
        ratio=season / other,
        rank=float((windows >= season - 1e-9).mean()),
        seen=len(seasons),
        above=sum(mean > other for mean in seasons.values()),
    )
