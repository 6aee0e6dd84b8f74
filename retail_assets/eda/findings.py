"""What the aggregates show, each with a test of whether it is more than noise. Figures and sentences draw on these.

A finding is None when there is too little data to have it. The unit of a test is what can be taken as independent:
weeks for what happens on days, customers for what they buy. From the p-value `NOISE` on, a difference counts as noise.
"""

from __future__ import annotations

import datetime as dt
import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import stats

from retail_assets.eda.data import Category, EdaData
from retail_assets.eda.queries import TOP_CATEGORIES

NOISE = 0.05
WORTH_ACTING_ON = 0.02  # of a customer's spending: a smaller gap in shares changes no merchant's plan
FEWEST_WEEKS = 8
FEWEST_ORDERS = 10  # a day, for one day to stand out by more than one large basket
FEWEST_BUYERS = 20  # of a group, for it to take part in a test


@dataclass(frozen=True)
class Weekdays:
    """Mean money a day by weekday (0 = Monday) over `weeks` full weeks; of all days when there are fewer than two.

    `mean` and `margin` (half a 95 % confidence interval) are arrays (7,), NaN for a weekday that has no day.
    `p` is that of a Friedman test over the weeks (Friedman 1937), None when there are fewer than `FEWEST_WEEKS`.
    `closed` are the weekdays that never sold anything; they take no part in the means of the others.
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
        return [d for d in range(7) if d not in self.closed and np.isfinite(self.mean[d])]

    @property
    def best(self) -> int:
        return max(self.open, key=lambda d: self.mean[d])

    @property
    def worst(self) -> int:
        return min(self.open, key=lambda d: self.mean[d])

    @property
    def real(self) -> bool:
        return self.p is not None and self.p < NOISE


@dataclass(frozen=True)
class Weekend:
    """Money of an average Saturday or Sunday against an average Monday to Friday, paired within `weeks` full weeks.

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
    """Money a full week: `slope` a week (Theil-Sen), `p` of Kendall's tau, `change` over all relative to `median`."""

    slope: float
    change: float
    median: float
    p: float
    weeks: int


@dataclass(frozen=True)
class Peak:
    """A day far above the same weekday of the weeks around it. `ratio` is to their median."""

    date: dt.date
    revenue: float
    ratio: float


@dataclass(frozen=True)
class Holiday:
    """One holiday's four days: `ratio` to what is usual, `rank` the share of ordinary spans of four days as high."""

    date: dt.date
    name: str
    ratio: float
    rank: float


@dataclass(frozen=True)
class Holidays:
    """Sales from three days before a public holiday to the day itself, relative to the same weekdays around.

    `ratio` is all such days' revenue over what the same weekdays of the four weeks before and after would give. `p` is
    two-sided, from shifting the whole holiday calendar along the data: a circular-shift test, which keeps the
    autocorrelation of the series. `each` has every holiday, best first.
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
    """The average day of 24 November to 24 December `year` against all other days.

    `rank` is the share of all windows of 31 days in the data that sold at least as much.
    """

    year: int
    ratio: float
    rank: float


@dataclass(frozen=True)
class Month:
    """Mean money a day, `margin` half its 95 % interval (NaN for one day), `days` covered, `whole` if that is all."""

    start: dt.date
    mean: float
    margin: float
    days: int
    whole: bool


@dataclass(frozen=True)
class Months:
    """The calendar months in order. `p`: Kruskal-Wallis over the weeks' means, by the month of their Thursday.

    `p` is None when fewer than three months have three full weeks.
    """

    months: tuple[Month, ...]
    p: float | None

    @property
    def whole(self) -> tuple[Month, ...]:
        return tuple(m for m in self.months if m.whole)

    @property
    def real(self) -> bool:
        return self.p is not None and self.p < NOISE


@dataclass(frozen=True)
class Contrast:
    """One category between the groups of a trait (gender, age group).

    `share`, `spend` and their `_margin`s (half a 95 % interval) are by group: the mean share of a customer's spending,
    and mean money a customer, those who bought none of it included. `p_share` and `p_spend` are those of Welch's
    analysis of variance (Welch 1951) over customers, after Holm's correction over the categories.
    """

    category: str
    share: dict[str, float]
    share_margin: dict[str, float]
    spend: dict[str, float]
    spend_margin: dict[str, float]
    p_share: float | None
    p_spend: float | None

    @property
    def gap(self) -> float:
        return max(self.share.values()) - min(self.share.values())

    @property
    def worth_acting_on(self) -> bool:
        return self.p_share is not None and self.p_share < NOISE and self.gap >= WORTH_ACTING_ON


@dataclass(frozen=True)
class Groups:
    """The groups of a trait that have at least `FEWEST_BUYERS`, and how they differ by category (most revenue first).

    `total` compares all their spending (`share` is then 1). `small` are the groups left out.
    """

    members: tuple[str, ...]
    buyers: dict[str, int]
    contrasts: tuple[Contrast, ...]
    total: Contrast
    small: tuple[str, ...]


@dataclass(frozen=True)
class Concentration:
    """Cumulative share of customers (best first) and of their revenue, from (0, 0) to (1, 1)."""

    customers: np.ndarray
    revenue: np.ndarray
    once: int
    known: int

    def of_best(self, share: float) -> float:
        """Share of revenue of the best `share` of customers."""
        return float(np.interp(share, self.customers, self.revenue))

    def half(self) -> float:
        """Least share of customers that brings half of the revenue."""
        return float(np.interp(0.5, self.revenue, self.customers))


def full_weeks(daily: pd.DataFrame) -> pd.DataFrame:
    """Revenue as one row a week that has all its days, Monday to Sunday: index its Monday, columns 0 to 6."""
    if daily.empty:
        return pd.DataFrame(columns=range(7), dtype="float64")
    days = pd.DatetimeIndex(daily.index)
    table = pd.DataFrame(
        {
            "week": days - pd.to_timedelta(days.day_of_week, unit="D"),
            "weekday": days.day_of_week,
            "revenue": daily["revenue"].to_numpy(),
        }
    ).pivot(index="week", columns="weekday", values="revenue")
    return table.reindex(columns=list(range(7))).dropna()


def _margin(values: np.ndarray) -> float:
    """Half of the 95 % interval of the mean (Student's t); NaN below two values."""
    if len(values) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))


def _p(value: float) -> float:
    """A test that cannot tell anything apart (all values equal) gives NaN: that is no evidence of a difference."""
    return float(value) if np.isfinite(value) else 1.0


def weekdays(data: EdaData) -> Weekdays | None:
    """None without sales."""
    if data.daily.empty:
        return None
    days = pd.DatetimeIndex(data.daily.index)
    revenue = data.daily["revenue"].to_numpy()
    sold = data.daily["orders"].to_numpy() > 0
    closed = tuple(d for d in range(7) if np.any(days.day_of_week == d) and not np.any(sold[days.day_of_week == d]))
    weeks = full_weeks(data.daily)
    columns = (
        [weeks[d].to_numpy() for d in range(7)]
        if len(weeks) > 1
        else [revenue[days.day_of_week == d] for d in range(7)]
    )
    p = None
    opened = [columns[d] for d in range(7) if d not in closed]
    if len(weeks) >= FEWEST_WEEKS and len(opened) >= 3:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            p = _p(stats.friedmanchisquare(*opened).pvalue)
    return Weekdays(
        mean=np.array([c.mean() if len(c) else np.nan for c in columns]),
        margin=np.array([_margin(c) for c in columns]),
        weeks=len(weeks) if len(weeks) > 1 else 0,
        p=p,
        closed=closed,
    )


def weekend(data: EdaData) -> Weekend | None:
    """None below `FEWEST_WEEKS` full weeks, or when the weekend or all other days never sell."""
    found = weekdays(data)
    weeks = full_weeks(data.daily)
    if found is None or len(weeks) < FEWEST_WEEKS:
        return None
    free = [d for d in (5, 6) if d not in found.closed]
    work = [d for d in range(5) if d not in found.closed]
    if not free or not work:
        return None
    difference = (weeks[free].mean(axis=1) - weeks[work].mean(axis=1)).to_numpy()
    mean, margin = float(difference.mean()), _margin(difference)
    if margin == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        p = _p(2 * stats.t.sf(abs(mean) * stats.t.ppf(0.975, len(difference) - 1) / margin, len(difference) - 1))
    return Weekend(
        weekend=float(weeks[free].mean(axis=1).mean()),
        weekday=float(weeks[work].mean(axis=1).mean()),
        low=mean - margin,
        high=mean + margin,
        p=p,
        weeks=len(weeks),
    )


def trend(data: EdaData) -> Trend | None:
    """None below twelve full weeks, or when the median week is not above zero."""
    totals = full_weeks(data.daily).sum(axis=1).to_numpy()
    if len(totals) < 12 or np.median(totals) <= 0:
        return None
    slope = float(stats.theilslopes(totals).slope)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        p = _p(stats.kendalltau(np.arange(len(totals)), totals).pvalue)
    median = float(np.median(totals))
    return Trend(slope=slope, change=slope * (len(totals) - 1) / median, median=median, p=p, weeks=len(totals))


def same_weekday_around(daily: pd.DataFrame) -> pd.DataFrame:
    """Revenue of the same weekday in the four weeks before and after: (n days, 8), NaN outside the data.

    A day with fewer than four such neighbours has none.
    """
    around = pd.concat({k: daily["revenue"].shift(7 * k) for k in (-4, -3, -2, -1, 1, 2, 3, 4)}, axis=1)
    return around.where(around.notna().sum(axis=1) >= 4)


def peaks(data: EdaData, most: int = 6) -> tuple[Peak, ...]:
    """Days at least 1.5 times their expected revenue and beyond four robust deviations, the farthest `most` by date.

    Expected is the median of the same weekday around. Where the usual day has fewer than `FEWEST_ORDERS` orders, one
    large basket makes a peak of any day, so that there are none.
    """
    if len(data.daily) < 28 or data.daily["orders"].median() < FEWEST_ORDERS:
        return ()
    expected = same_weekday_around(data.daily).median(axis=1)
    residual = (data.daily["revenue"] - expected).where(expected > 0)
    known = residual.dropna()
    if len(known) < 28:
        return ()
    spread = 1.4826 * float((known - known.median()).abs().median())
    far = known[(known > 4 * spread) & (data.daily["revenue"] >= 1.5 * expected).reindex(known.index)]
    best = far.sort_values(ascending=False, kind="stable").head(most).index.sort_values()
    revenue = data.daily["revenue"]
    return tuple(Peak(d.date(), float(revenue[d]), float(revenue[d] / expected[d])) for d in best)


@functools.lru_cache(maxsize=16)
def public_holidays(country: str | None, first: dt.date, last: dt.date) -> Mapping[dt.date, str] | None:
    """Public holidays (name by day) from `first` to `last`, in English; None for no or an unknown country code."""
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
    """None when the country is unknown, or below three holidays or 120 days that can be compared."""
    first, last = data.overview.first_date, data.overview.last_date
    calendar = public_holidays(country, first, last) if first and last else None
    if not calendar:
        return None
    revenue = data.daily["revenue"].to_numpy()
    expected = same_weekday_around(data.daily).mean(axis=1).to_numpy()
    known = np.isfinite(expected)
    place = {d.date(): i for i, d in enumerate(data.daily.index)}
    windows = {h: list(range(place[h] - 3, place[h] + 1)) for h in calendar if place[h] >= 3}
    windows = {h: w for h, w in windows.items() if known[w].all() and expected[w].sum() > 0}
    if len(windows) < 3 or known.sum() < 120:
        return None
    mask = np.zeros(len(revenue), dtype=bool)
    mask[sorted({i for w in windows.values() for i in w})] = True

    def relative(days: np.ndarray | list[int]) -> float:
        total = expected[days].sum()
        return float(revenue[days].sum() / total) if total > 0 else float("nan")

    observed = relative(mask)
    shifted = np.array([relative(np.roll(mask, k) & known) for k in range(4, len(revenue) - 3)])
    shifted = shifted[np.isfinite(shifted)]
    p_high = (1 + np.sum(shifted >= observed)) / (1 + len(shifted))
    p_low = (1 + np.sum(shifted <= observed)) / (1 + len(shifted))
    spans = [
        list(range(i, i + 4)) for i in range(len(revenue) - 3) if known[i : i + 4].all() and not mask[i : i + 4].any()
    ]
    ordinary = np.array([relative(s) for s in spans])
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
    """Of the last season that the data cover. None without one, where 25 December is no holiday, or below 120 days."""
    first, last = data.overview.first_date, data.overview.last_date
    calendar = public_holidays(country, first, last) if first and last else None
    if not calendar or first is None or last is None or len(data.daily) < 120:
        return None
    known = public_holidays(country, dt.date(last.year, 1, 1), dt.date(last.year, 12, 31)) or {}
    if dt.date(last.year, 12, 25) not in known:
        return None
    for year in range(last.year, first.year - 1, -1):
        start, end = dt.date(year, 11, 24), dt.date(year, 12, 24)
        if first <= start and end <= last:
            revenue = data.daily["revenue"]
            inside = (revenue.index >= pd.Timestamp(start)) & (revenue.index <= pd.Timestamp(end))
            other, season = float(revenue[~inside].mean()), float(revenue[inside].mean())
            if other <= 0:
                return None
            windows = revenue.rolling(31).mean().dropna()
            return Season(year=year, ratio=season / other, rank=float((windows >= season - 1e-9).mean()))
    return None


def months(data: EdaData) -> Months | None:
    """None without sales."""
    if data.daily.empty:
        return None
    revenue = data.daily["revenue"]
    days = pd.DatetimeIndex(revenue.index)
    found = []
    for start in sorted({dt.date(d.year, d.month, 1) for d in days}):
        values = revenue[(days.year == start.year) & (days.month == start.month)].to_numpy()
        whole = len(values) == pd.Timestamp(start).days_in_month
        found.append(Month(start, float(values.mean()), _margin(values), len(values), whole))
    weeks = full_weeks(data.daily).mean(axis=1)
    thursdays = pd.DatetimeIndex(weeks.index) + pd.Timedelta(days=3)
    by_month = [w.to_numpy() for _, w in weeks.groupby(thursdays.to_period("M"))]
    samples = [w for w in by_month if len(w) >= 3]
    p = None
    if len(samples) >= 3:
        values = np.concatenate(samples)
        p = 1.0 if np.all(values == values[0]) else _p(stats.kruskal(*samples).pvalue)
    return Months(months=tuple(found), p=p)


def groups(data: EdaData, trait: str) -> Groups | None:
    """`trait` is `gender` or `age_group`. None when fewer than two groups have `FEWEST_BUYERS`."""
    frame = data.customer_groups[data.customer_groups["trait"] == trait]
    totals = frame[frame["product_category"].isna()].set_index("member")
    size = {str(m): int(n) for m, n in totals["buyers"].items()}
    buyers = {m: n for m, n in size.items() if n >= FEWEST_BUYERS}
    if len(buyers) < 2:
        return None
    contrasts = []
    for category in data.categories[:TOP_CATEGORIES]:
        rows = frame[frame["product_category"] == category.name].set_index("member")
        contrasts.append(_contrast(category.name, rows, buyers))
    p_share = _holm([c.p_share for c in contrasts])
    p_spend = _holm([c.p_spend for c in contrasts])
    return Groups(
        members=tuple(buyers),
        buyers=buyers,
        contrasts=tuple(
            Contrast(c.category, c.share, c.share_margin, c.spend, c.spend_margin, share, spend)
            for c, share, spend in zip(contrasts, p_share, p_spend, strict=True)
        ),
        total=_contrast("", totals, buyers),
        small=tuple(m for m in size if m not in buyers),
    )


def _contrast(category: str, rows: pd.DataFrame, buyers: dict[str, int]) -> Contrast:
    means: dict[str, dict[str, float]] = {"share": {}, "amount": {}}
    margins: dict[str, dict[str, float]] = {"share": {}, "amount": {}}
    p: dict[str, float | None] = {}
    n = np.array(list(buyers.values()), dtype=float)
    for value in ("share", "amount"):
        total = np.array([rows.at[m, value] if m in rows.index else 0.0 for m in buyers])
        squared = np.array([rows.at[m, f"{value}_squared"] if m in rows.index else 0.0 for m in buyers])
        mean = total / n
        variance = np.maximum(squared - n * mean**2, 0.0) / (n - 1)
        variance[variance <= 1e-12 * np.maximum(mean**2, 1e-12)] = 0.0  # what cancellation leaves of equal values
        margin = stats.t.ppf(0.975, n - 1) * np.sqrt(variance / n)
        means[value] = dict(zip(buyers, mean.tolist(), strict=True))
        margins[value] = dict(zip(buyers, margin.tolist(), strict=True))
        p[value] = welch_anova(mean, variance, n)
    return Contrast(
        category, means["share"], margins["share"], means["amount"], margins["amount"], p["share"], p["amount"]
    )


def welch_anova(mean: np.ndarray, variance: np.ndarray, n: np.ndarray) -> float | None:
    """p-value that k groups have one mean, variances free (Welch 1951, Biometrika 38). Arrays (k,).

    None when a group does not vary at all, for then its weight has no bound.
    """
    if np.any(variance <= 0):
        return 1.0 if np.allclose(mean, mean[0]) else None
    k = len(mean)
    weight = n / variance
    centre = np.sum(weight * mean) / np.sum(weight)
    lack = np.sum((1 - weight / np.sum(weight)) ** 2 / (n - 1))
    f = (np.sum(weight * (mean - centre) ** 2) / (k - 1)) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return float(stats.f.sf(f, k - 1, (k**2 - 1) / (3 * lack)))


def _holm(values: list[float | None]) -> list[float | None]:
    """Holm (1979): the i-th smallest of m p-values times m - i, never falling."""
    tested = sorted((p, i) for i, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    running = 0.0
    for rank, (p, i) in enumerate(tested):
        running = max(running, min(1.0, p * (len(tested) - rank)))
        adjusted[i] = running
    return adjusted


def concentration(data: EdaData) -> Concentration | None:
    """None below ten known customers, or when they brought no money in all."""
    tiles = data.customer_tiles
    if tiles.empty or tiles["customers"].sum() < 10 or tiles["revenue"].sum() <= 0:
        return None
    return Concentration(
        customers=np.concatenate([[0.0], tiles["customers"].cumsum() / tiles["customers"].sum()]),
        revenue=np.concatenate([[0.0], tiles["revenue"].cumsum() / tiles["revenue"].sum()]),
        once=int(tiles["customers_once"].sum()),
        known=int(tiles["customers"].sum()),
    )


def revenue_share(data: EdaData, category: Category) -> float | None:
    """Share of all revenue; None when the total is not above zero, for then a share means nothing."""
    total = data.overview.revenue
    return float(category.revenue / total) if total > 0 else None


def order_share(data: EdaData, category: Category) -> float:
    """Share of all orders that contain the category: its purchase frequency."""
    return category.orders / data.overview.orders if data.overview.orders else 0.0


def quartile(data: EdaData, measure: str, column: str, category: str | None = None) -> float | None:
    """One value of the summary statistics; None when there is none."""
    frame = data.statistics[data.statistics["measure"] == measure]
    rows = frame[frame["product_category"].isna() if category is None else frame["product_category"] == category]
    return float(rows[column].iloc[0]) if len(rows) and pd.notna(rows[column].iloc[0]) else None


def chance_swing(data: EdaData, category: str | None, orders: float) -> float | None:
    """Relative deviation by chance alone of the money of about `orders` orders: a Poisson number of baskets of varying
    amount, sqrt((1 + cv^2) / orders). None when it cannot be said."""
    mean = quartile(data, "basket_amount", "mean", category)
    std = quartile(data, "basket_amount", "std", category)
    if not mean or mean <= 0 or std is None or orders <= 0:
        return None
    return float(np.sqrt((1 + (std / mean) ** 2) / orders))
