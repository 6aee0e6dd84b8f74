"""Who comes back: cohorts of customers by their first purchase, and new against returning customers by month.

At the start of the data every customer looks new. How long that lasts is measured: of the customers who would look new
with so many months of sales before, how many had bought earlier?
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from scipy import stats

from retail_assets.eda.data import EdaData
from retail_assets.wording.thresholds import NOISE

MOST_MISTAKEN = 0.2
"""Share of customers who look new but are not, from which new customers cannot be told from old ones."""
MOST_MONTHS = 24
"""Whole months from which cohorts are quarters."""
FEWEST_NEW = 20
"""Customers below which nothing is said of how many come back."""
_FEWEST_MONTHS_AFTER = 3


@dataclass(frozen=True)
class CustomerMonth:
    """The known customers of a month: those seen for the first time, and those seen before.

    Money is net of returns; that of customers who only returned something is with those seen before. `whole` says
    whether the data have all of the month, `burn_in` that it is too early to tell new customers from old ones.
    """

    start: dt.date
    first_seen: int
    seen_before: int
    first_orders: int
    orders_before: int
    first_revenue: float
    revenue_before: float
    whole: bool
    burn_in: bool


@dataclass(frozen=True)
class BurnIn:
    """The first `months`, in which a customer's first purchase says little; `mistaken` is the share measured for them.

    Of customers who look new with so many months before them, and whose earlier purchases are known from twice as many,
    the share `mistaken` had bought before. More may have, before the data begin. None where nobody looks new.
    """

    months: int
    mistaken: float | None

    @property
    def told_apart(self) -> bool:
        """Whether most of those who look new afterwards are new."""
        return self.mistaken is None or self.mistaken <= MOST_MISTAKEN


@dataclass(frozen=True)
class Newcomers:
    """The known customers by month, in order. There is a whole month after the burn-in at least.

    `returning` customers are active in the months that are counted, and were seen before these. `revenue_share` is what
    those first seen in these months bring of the known customers' revenue in them, None where that is not above zero.
    """

    months: tuple[CustomerMonth, ...]
    burn_in: BurnIn
    returning: int
    revenue_share: float | None

    @property
    def whole(self) -> tuple[CustomerMonth, ...]:
        return tuple(m for m in self.months if m.whole)

    @property
    def counted(self) -> tuple[CustomerMonth, ...]:
        """The whole months after the burn-in."""
        return tuple(m for m in self.months if m.whole and not m.burn_in)

    @property
    def anybody_returns(self) -> bool:
        """Whether any customer was active in two months."""
        return any(m.seen_before for m in self.months)

    @property
    def first_seen(self) -> int:
        return sum(m.first_seen for m in self.counted)


@dataclass(frozen=True)
class Cohort:
    """Customers of one first month or quarter: how many were `active`, and their revenue, by periods since the first.

    Only whole periods are there, but that the first period of the data may be cut off. `early` cohorts began in the
    burn-in: they hold customers who had bought before the data begin.
    """

    start: dt.date
    active: tuple[int, ...]
    revenue: tuple[float, ...]
    early: bool

    @property
    def customers(self) -> int:
        return self.active[0]

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the cohort that is active, by periods since."""
        return tuple(active / self.customers for active in self.active)


@dataclass(frozen=True)
class Cohorts:
    """The cohorts in order, by the month or, in a long history, by the quarter of the first purchase."""

    period: Literal["month", "quarter"]
    cohorts: tuple[Cohort, ...]
    burn_in: BurnIn


@dataclass(frozen=True)
class Comeback:
    """How many buy in the next month as well: customers seen for the first time, and those seen before.

    `back` of the `first` customers seen first from the month `start` to the month `end`, all after the burn-in, did; of
    the customers seen before them, the share `before` of each month did. `low` and `high` are the 95 % interval of
    back / first (Wilson 1927), `p` is that of Fisher's exact test, in which a customer seen before counts in one month
    only.
    """

    start: dt.date
    end: dt.date
    first: int
    back: int
    before: float
    low: float
    high: float
    p: float

    @property
    def clear(self) -> bool:
        """First-time customers come back more or less often than the others, by more than chance."""
        return self.p < NOISE


def newcomers(data: EdaData) -> Newcomers | None:
    """Split the known customers by month; None where no whole month is left after the burn-in."""
    months = _months(data)
    burn_in = _burn_in(data, [m for m in months if _whole(data, m)])
    if burn_in is None:
        return None
    frame = data.customer_months
    rows = []
    for at, start in enumerate(months):
        of_month = frame[frame["month_start"] == start]
        first = of_month[of_month["since"].isna() & (of_month["active"] == 1)]
        others = of_month.drop(first.index)
        rows.append(
            CustomerMonth(
                start=start,
                first_seen=int(first["customers"].sum()),
                seen_before=int(others.loc[others["active"] == 1, "customers"].sum()),
                first_orders=int(first["orders"].sum()),
                orders_before=int(others["orders"].sum()),
                first_revenue=float(first["revenue"].sum()),
                revenue_before=float(others["revenue"].sum()),
                whole=_whole(data, start),
                burn_in=at < burn_in.months,
            )
        )
    whole = [m.start for m in rows if m.whole and not m.burn_in]
    counted = frame[(frame["active"] == 1) & frame["month_start"].isin(whole) & frame["since"].notna()]
    before = sum(n for since, n in zip(counted["since"], counted["customers"], strict=True) if since < whole[0])
    monthly = data.cohorts[(data.cohorts["period"] == "month") & data.cohorts["period_start"].isin(whole)]
    revenue = float(monthly.loc[monthly["cohort"].isin(whole), "revenue"].sum())
    total = sum(m.first_revenue + m.revenue_before for m in rows if m.start in whole)
    return Newcomers(tuple(rows), burn_in, int(before), revenue / total if total > 0 else None)


def _months(data: EdaData) -> list[dt.date]:
    """Every month from the first sale to the last, also those without one."""
    o = data.overview
    if o.first_date is None or o.last_date is None:
        return []
    last = o.last_date.replace(day=1)
    return [at.date() for at in pd.date_range(o.first_date.replace(day=1), last, freq="MS")]


def _whole(data: EdaData, start: dt.date, months: int = 1) -> bool:
    """Whether the sales go from the first day to the last of a month, or of so many."""
    first, last = data.overview.first_date, data.overview.last_date
    return first is not None and last is not None and first <= start and _last_day(start, months) <= last


def _last_day(start: dt.date, months: int) -> dt.date:
    year, month = divmod(start.year * 12 + start.month - 1 + months - 1, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _burn_in(data: EdaData, whole: list[dt.date]) -> BurnIn | None:
    """The fewest months after which most who look new are; where none are enough, the most that can be judged.

    None where there are too few whole months to judge even one.
    """
    frame = data.customer_months
    active = frame[(frame["active"] == 1) & frame["month_start"].isin(whole)]
    if active.empty or data.overview.first_date is None:
        return None
    start = data.overview.first_date.replace(day=1)
    at = [_months_between(start, month) for month in active["month_start"]]
    away = [
        None if since is None else _months_between(since, month)
        for since, month in zip(active["since"], active["month_start"], strict=True)
    ]
    last = _months_between(start, whole[-1])
    judged = None
    for months in range(1, last + 1):
        if last - 2 * months + 1 < _FEWEST_MONTHS_AFTER:
            break
        new = old = 0.0
        for place, gap, customers in zip(at, away, active["customers"], strict=True):
            if place >= 2 * months:
                new += customers if gap is None else 0
                old += customers if gap is not None and gap > months else 0
        judged = BurnIn(months, old / (old + new) if old + new else None)
        if judged.told_apart:
            return judged
    return judged


def _months_between(one: dt.date, other: dt.date) -> int:
    return (other.year - one.year) * 12 + other.month - one.month


def cohorts(data: EdaData) -> Cohorts | None:
    """Follow the cohorts; None where there are too few months, or nobody is seen in a second one."""
    seen = newcomers(data)
    if seen is None:
        return None
    quarters = sum(m.whole for m in seen.months) > MOST_MONTHS
    period: Literal["month", "quarter"] = "quarter" if quarters else "month"
    length = 3 if quarters else 1
    starts = dict.fromkeys(m.start.replace(month=m.start.month - (m.start.month - 1) % length) for m in seen.months)
    # The first period may be cut off: its customers are those of the burn-in. The last one may not.
    periods = [start for start in starts if _last_day(start, length) <= _last_day(seen.whole[-1].start, 1)]
    frame = data.cohorts[data.cohorts["period"] == period]
    known = {
        (cohort, start): (int(customers), float(revenue))
        for _, cohort, start, customers, revenue in frame.itertuples(index=False)
    }
    made = []
    for at, cohort in enumerate(periods):
        counts = [known.get((cohort, later), (0, 0.0)) for later in periods[at:]]
        if counts[0][0]:
            active, revenue = zip(*counts, strict=True)
            made.append(Cohort(cohort, active, revenue, early=cohort < seen.counted[0].start))
    if not any(sum(c.active[1:]) for c in made):
        return None
    return Cohorts(period, tuple(made), seen.burn_in)


def comeback(data: EdaData) -> Comeback | None:
    """Compare how many buy in the next month as well; None below `FEWEST_NEW` customers on either side."""
    seen = newcomers(data)
    if seen is None:
        return None
    frame = data.customer_months[data.customer_months["active"] == 1]
    monthly = data.cohorts[data.cohorts["period"] == "month"]
    first = back = before = again = most = 0
    counted = seen.counted[:-1]
    for month, following in itertools.pairwise(seen.counted):
        of_next = frame[(frame["month_start"] == following.start) & (frame["since"] == month.start)]
        of_cohort = monthly[(monthly["cohort"] == month.start) & (monthly["period_start"] == following.start)]
        returned = int(of_cohort["customers"].sum())
        first, back = first + month.first_seen, back + returned
        before, again = before + month.seen_before, again + int(of_next["customers"].sum()) - returned
        most = max(most, month.seen_before)
    if first < FEWEST_NEW or most < FEWEST_NEW:
        return None
    share = again / before
    once = round(share * most)
    interval = stats.binomtest(back, first).proportion_ci(method="wilson")
    test = stats.fisher_exact([[back, first - back], [once, most - once]])
    return Comeback(
        start=counted[0].start,
        end=counted[-1].start,
        first=first,
        back=back,
        before=share,
        low=float(interval.low),
        high=float(interval.high),
        p=float(test.pvalue),
    )
