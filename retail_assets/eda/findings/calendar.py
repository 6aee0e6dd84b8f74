"""How sales depend on the calendar: weekdays, weekends, months, the trend, and days that stand out."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.significance import defined_p, margin
from retail_assets.wording.leading import sharing_the_lead
from retail_assets.wording.thresholds import NOISE

FEWEST_WEEKS = 8
FEWEST_WEEKS_FOR_TREND = 12
FEWEST_ORDERS = 10
"""Orders per day below which one large basket makes any day stand out."""


@dataclass(frozen=True)
class Weekdays:
    """Mean revenue per day by weekday (0 = Monday) over `weeks` full weeks; over all days below two full weeks.

    `mean` and `margin` (half of a 95 % interval) are arrays (7,), NaN for a weekday that is not in the data. `p` is
    that of a Friedman test over the weeks (Friedman 1937), None below `FEWEST_WEEKS`. `closed` are the weekdays that
    never sold anything; the average does not count them.
    """

    mean: np.ndarray
    margin: np.ndarray
    weeks: int
    p: float | None
    closed: tuple[int, ...]

    @property
    def average(self) -> float:
        """Mean of the open weekdays, each counting once."""
        return float(np.nanmean(self.mean[self.open]))

    @property
    def open(self) -> list[int]:
        """Weekdays that ever sold something."""
        return [d for d in range(7) if d not in self.closed and np.isfinite(self.mean[d])]

    @property
    def best(self) -> tuple[int, ...]:
        """The open weekday of the highest mean, or those that share the lead."""
        return sharing_the_lead({d: float(self.mean[d]) for d in self.open})

    @property
    def worst(self) -> tuple[int, ...]:
        """The open weekday of the lowest mean, or those that share it."""
        return sharing_the_lead({d: float(self.mean[d]) for d in self.open}, lowest=True)

    @property
    def ends(self) -> tuple[float, float]:
        """The highest and the lowest mean of the open weekdays."""
        means = [float(self.mean[d]) for d in self.open]
        return max(means), min(means)

    @property
    def real(self) -> bool:
        """Weekdays differ by more than chance."""
        return self.p is not None and self.p < NOISE


@dataclass(frozen=True)
class Weekend:
    """Revenue of the average Saturday or Sunday against the average Monday to Friday, paired within `weeks` full weeks.

    `low` and `high` are the 95 % interval of the difference (Student's t over weeks).
    """

    weekend: float
    weekday: float
    low: float
    high: float
    p: float
    weeks: int


@dataclass(frozen=True)
class Trend:
    """How revenue per full week develops.

    `slope` is money per week (Theil-Sen), `change` the slope over all weeks relative to the `median` week, `p` that of
    Kendall's tau.
    """

    slope: float
    change: float
    median: float
    p: float
    weeks: int


@dataclass(frozen=True)
class Peak:
    """A day far above the same weekday in the weeks around it; `ratio` is to their median."""

    date: dt.date
    revenue: float
    ratio: float


@dataclass(frozen=True)
class Month:
    """Mean revenue per day of one month.

    `margin` is half of its 95 % interval (NaN for one day), `days` the days whose sales are known, `whole` whether the
    data have all of the month.
    """

    start: dt.date
    mean: float
    margin: float
    days: int
    whole: bool


@dataclass(frozen=True)
class Months:
    """The calendar months in order.

    `p` is that of a Kruskal-Wallis test over the means of `weeks` full weeks, each in the month of its Thursday; None
    when fewer than three months have three full weeks.
    """

    months: tuple[Month, ...]
    p: float | None
    weeks: int

    @property
    def whole(self) -> tuple[Month, ...]:
        """The months whose every day is in the data."""
        return tuple(m for m in self.months if m.whole)

    @property
    def best(self) -> tuple[dt.date, ...]:
        """The whole month of the highest mean, or those that share the lead."""
        return sharing_the_lead({m.start: m.mean for m in self.whole})

    @property
    def worst(self) -> tuple[dt.date, ...]:
        """The whole month of the lowest mean, or those that share it."""
        return sharing_the_lead({m.start: m.mean for m in self.whole}, lowest=True)

    @property
    def real(self) -> bool:
        """Months differ by more than chance."""
        return self.p is not None and self.p < NOISE


def full_weeks(daily: pd.DataFrame) -> pd.DataFrame:
    """Return revenue of the weeks that have all days: (n weeks, 7), indexed by Monday, columns 0 (Monday) to 6.

    A week with an unknown day is none, unless that weekday never sold anything: then it is zero like the others.
    """
    if daily.empty:
        return pd.DataFrame(columns=range(7), dtype="float64")
    days = pd.DatetimeIndex(daily.index)
    revenue = daily["revenue"].to_numpy().copy()
    for of_weekday in (days.day_of_week == d for d in range(7)):
        if not np.any(daily["orders"].to_numpy()[of_weekday] > 0):
            revenue[of_weekday] = np.nan_to_num(revenue[of_weekday])
    table = pd.DataFrame(
        {
            "week": days - pd.to_timedelta(days.day_of_week, unit="D"),
            "weekday": days.day_of_week,
            "revenue": revenue,
        }
    ).pivot(index="week", columns="weekday", values="revenue")
    return table.reindex(columns=list(range(7))).dropna()


def same_weekday_around(daily: pd.DataFrame) -> pd.DataFrame:
    """Return revenue of the same weekday in the four weeks before and after: (n days, 8), NaN outside the data.

    All eight are NaN for a day that has fewer than four of them.
    """
    around = pd.concat({k: daily["revenue"].shift(7 * k) for k in (-4, -3, -2, -1, 1, 2, 3, 4)}, axis=1)
    return around.where(around.notna().sum(axis=1) >= 4)


def weekdays(data: EdaData) -> Weekdays | None:
    """Compare the weekdays; None without sales."""
    if data.daily.empty:
        return None
    days = pd.DatetimeIndex(data.daily.index)
    revenue = data.known["revenue"].to_numpy()
    sold = data.daily["orders"].to_numpy() > 0
    closed = tuple(d for d in range(7) if np.any(days.day_of_week == d) and not np.any(sold[days.day_of_week == d]))
    weeks = full_weeks(data.known)
    columns = (
        [weeks[d].to_numpy() for d in range(7)]
        if len(weeks) > 1
        else [revenue[(days.day_of_week == d) & np.isfinite(revenue)] for d in range(7)]
    )
    p = None
    opened = [columns[d] for d in range(7) if d not in closed]
    if len(weeks) >= FEWEST_WEEKS and len(opened) >= 3:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            p = defined_p(stats.friedmanchisquare(*opened).pvalue)
    return Weekdays(
        mean=np.array([c.mean() if len(c) else np.nan for c in columns]),
        margin=np.array([margin(c) for c in columns]),
        weeks=len(weeks) if len(weeks) > 1 else 0,
        p=p,
        closed=closed,
    )


def weekend(data: EdaData) -> Weekend | None:
    """Compare weekends with the other days; None below `FEWEST_WEEKS` full weeks, or when either never sells."""
    pattern = weekdays(data)
    weeks = full_weeks(data.known)
    if pattern is None or len(weeks) < FEWEST_WEEKS:
        return None
    free = [d for d in (5, 6) if d not in pattern.closed]
    work = [d for d in range(5) if d not in pattern.closed]
    if not free or not work:
        return None
    difference = (weeks[free].mean(axis=1) - weeks[work].mean(axis=1)).to_numpy()
    mean, half = float(difference.mean()), margin(difference)
    if half == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        t = abs(mean) * stats.t.ppf(0.975, len(difference) - 1) / half
        p = defined_p(2 * stats.t.sf(t, len(difference) - 1))
    return Weekend(
        weekend=float(weeks[free].mean(axis=1).mean()),
        weekday=float(weeks[work].mean(axis=1).mean()),
        low=mean - half,
        high=mean + half,
        p=p,
        weeks=len(weeks),
    )


def trend(data: EdaData) -> Trend | None:
    """Measure the trend; None below `FEWEST_WEEKS_FOR_TREND` full weeks, or when the median week is not above zero."""
    full = full_weeks(data.known)
    totals = full.sum(axis=1).to_numpy()
    if len(totals) < FEWEST_WEEKS_FOR_TREND or np.median(totals) <= 0:
        return None
    weeks = (pd.DatetimeIndex(full.index) - full.index[0]).days.to_numpy() // 7  # without those of unknown days
    slope = float(stats.theilslopes(totals, weeks).slope)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        p = defined_p(stats.kendalltau(weeks, totals).pvalue)
    median = float(np.median(totals))
    return Trend(slope=slope, change=slope * int(weeks[-1]) / median, median=median, p=p, weeks=len(totals))


def peaks(data: EdaData, most: int = 6) -> tuple[Peak, ...]:
    """Find the `most` days farthest above the expected: at least 1.5 times it and four robust deviations; by date.

    What is expected is the median of the same weekday in the weeks around. There are no peaks where the median day has
    fewer than `FEWEST_ORDERS` orders.
    """
    if len(data.daily) < 28 or data.known["orders"].median() < FEWEST_ORDERS:
        return ()
    expected = same_weekday_around(data.known).median(axis=1)
    residual = (data.known["revenue"] - expected).where(expected > 0).dropna()
    if len(residual) < 28:
        return ()
    spread = 1.4826 * float((residual - residual.median()).abs().median())
    far = residual[(residual > 4 * spread) & (data.daily["revenue"] >= 1.5 * expected).reindex(residual.index)]
    best = far.sort_values(ascending=False, kind="stable").head(most).index.sort_values()
    revenue = data.daily["revenue"]
    return tuple(Peak(d.date(), float(revenue[d]), float(revenue[d] / expected[d])) for d in best)


def months(data: EdaData) -> Months | None:
    """Compare the months; None without sales."""
    if data.daily.empty:
        return None
    revenue = data.known["revenue"]
    days = pd.DatetimeIndex(revenue.index)
    by_month = []
    for start in sorted({dt.date(d.year, d.month, 1) for d in days}):
        values = revenue[(days.year == start.year) & (days.month == start.month)].to_numpy()
        whole = len(values) == pd.Timestamp(start).days_in_month
        if len(values := values[np.isfinite(values)]):
            by_month.append(Month(start, float(values.mean()), margin(values), len(values), whole))
    p, weeks = _difference_of_months(data)
    return Months(months=tuple(by_month), p=p, weeks=weeks)


def _difference_of_months(data: EdaData) -> tuple[float | None, int]:
    """The p-value, and the number of weeks it is over."""
    weeks = full_weeks(data.known).mean(axis=1)
    thursdays = pd.DatetimeIndex(weeks.index) + pd.Timedelta(days=3)
    samples = [w.to_numpy() for _, w in weeks.groupby(thursdays.to_period("M"))]
    samples = [w for w in samples if len(w) >= 3]
    if len(samples) < 3:
        return None, 0
    values = np.concatenate(samples)
    return 1.0 if np.all(values == values[0]) else defined_p(stats.kruskal(*samples).pvalue), len(values)
