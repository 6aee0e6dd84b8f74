"""Daily series on a complete calendar: which days are known, which are closed, which are zero.

A day without a row is ambiguous: nothing was sold, the shop was closed, or the day is not over. Counting a closed day
as zero costs more accuracy than the choice of a model, so the cases are distinguished where the data prove them, and
the day is zero where they do not. A day whose rows were all rejected is unknown, not zero. The content of a panel
depends only on the days up to its cut-off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail_assets.forecasting.data.grain import DAY, WEEK_OF_DAYS, grain_of, spread_weeks, why_too_coarse

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

# A shop with this many orders on a usual day has a day without any by chance once in half a billion days (e^-20).
ORDERS_THAT_PROVE_CLOSURE = 20.0
# A weekday that was silent at least this many times in a row is closed, where chance would hardly do that.
FEWEST_SILENT_WEEKS = 8
CHANCE_OF_SILENT_WEEKS = 1e-4
# Five years: older days would slow down training without describing today's shop.
LONGEST_HISTORY_DAYS = 1827
_DAYS_OF_SILENCE = 28
WEEK = 7
# The last 8 weeks describe a series: every baseline and feature reads this window.
WINDOW_WEEKS = 8
WINDOW_DAYS = WINDOW_WEEKS * WEEK

#: Name of the sum of all categories in every table of the forecast.
TOTAL = "TOTAL"

REVENUE, UNITS = "revenue", "units"
_COLUMNS = ("sale_date", "product_category", "revenue", "orders")
#: In the `attrs` of a history: days of sale of rejected rows. Without a sale, such a day is unknown.
REJECTED_DAYS = "rejected_days"


@dataclass(frozen=True)
class DailySales:
    """Sales on a complete calendar, as recorded: a day without a row is zero.

    Attributes:
        categories: names, sorted.
        days: all days from the first to the last.
        revenue: (categories, days), in money.
        sold: (categories, days), marks the days with a row.
        orders: (days,), the number of orders of the largest category: a lower bound of the shop's orders, because one
            order can contain several categories.
        notes: what was left out, for people.
        units: (categories, days); None where the history has no units.
        rejected: (days,), marks the days without a sale of which rows were rejected: their sales are not known. None
            is no such day.
        grain: days that one row of the history stands for: 1, or 7 where the source reports weeks, which are spread
            evenly over their days.
    """

    categories: tuple[str, ...]
    days: Days
    revenue: Floats
    sold: Bools
    orders: Floats
    notes: tuple[str, ...]
    units: Floats | None = None
    rejected: Bools | None = None
    grain: int = DAY

    @property
    def first_day(self) -> date:
        return to_date(self.days[0])

    @property
    def traded(self) -> Bools:
        """Marks the days, (days,), on which anything was sold or returned."""
        return np.asarray(self.sold.any(axis=0))

    @property
    def last_day(self) -> date:
        return to_date(self.days[-1])

    @property
    def unknown(self) -> Bools:
        """Marks the days, (days,), without a value: the shop was closed, or all rows were rejected."""
        closed = closed_days(self.traded, self.orders)
        return closed if self.rejected is None else closed | self.rejected


@dataclass(frozen=True)
class Panel:
    """What is known at a cut-off, the last of `days`.

    Attributes:
        categories: those sold up to the cut-off.
        days: all days up to the cut-off.
        values: (categories, days), revenue; NaN where unknown (before a category's first sale; on a closed day; on a
            day whose rows were all rejected). Units are valued at `price`, so that pieces and gallons count as much as
            they bring.
        sold: (categories, days), marks the days with a row.
        first: (categories,), index of each category's first sale.
        closed: (days,), marks the days on which the shop was closed, as far as that is known at the cut-off.
        price: (categories,), the price of a unit at the cut-off; 1 in a panel of revenue.
        orders: (days,), a lower bound of the shop's orders, as in `DailySales`.
    """

    categories: tuple[str, ...]
    days: Days
    values: Floats
    sold: Bools
    first: Ints
    closed: Bools
    price: Floats
    orders: Floats

    @property
    def cutoff(self) -> date:
        return to_date(self.days[-1])

    @property
    def origin(self) -> int:
        """Index of the cut-off."""
        return len(self.days) - 1

    @property
    def known(self) -> Bools:
        """Marks the days, (days,), that were closed or have a value; the others had rejected rows only."""
        return np.asarray(self.closed | ~np.isnan(self.values).all(axis=0))

    def select(self, keep: Bools) -> Panel:
        """Make the panel of the categories that `keep`, (categories,), marks."""
        names = tuple(name for name, kept in zip(self.categories, keep, strict=True) if kept)
        kept = self.values[keep], self.sold[keep], self.first[keep]
        return Panel(names, self.days, *kept, self.closed, self.price[keep], self.orders)

    def future_days(self, horizon: int) -> Days:
        """List the days after the cut-off, (horizon,)."""
        return self.days[-1] + np.arange(1, horizon + 1)

    def weekdays_closed(self) -> Bools:
        """Mark the weekdays, (7,), Monday first, on which the shop was closed every time in the last 8 weeks."""
        recent = np.flatnonzero(self.known[-WINDOW_DAYS:]) + max(len(self.days) - WINDOW_DAYS, 0)
        closed, day = self.closed[recent], weekday(self.days[recent])
        return np.array([closed[day == w].size > 1 and bool(closed[day == w].all()) for w in range(WEEK)])


def to_date(day: np.datetime64) -> date:
    """Convert a day of numpy.

    >>> to_date(np.datetime64("2024-02-29"))
    datetime.date(2024, 2, 29)
    """
    return pd.Timestamp(day).date()


def days_after(first: np.datetime64, day: date) -> int:
    """Count the days from `first` to `day`.

    >>> days_after(np.datetime64("2024-02-28"), date(2024, 3, 1))
    2
    """
    return int((np.datetime64(day, "D") - first.astype("datetime64[D]")).astype(int))


def total_of(values: Floats) -> Floats:
    """Sum the rows, (…, rows, days), to (…, days). The sum is NaN only where no row is known.

    >>> total_of(np.array([[1.0, np.nan], [2.0, np.nan]])).tolist()
    [3.0, nan]
    """
    return np.where(np.isnan(values).all(axis=-2), np.nan, np.nansum(values, axis=-2))


def by_grain(values: Floats, grain: int) -> Floats:
    """Sum days, (…, days), to rows of the grain, (…, days / grain). A sum with an unknown day is unknown.

    >>> by_grain(np.arange(14.0), 7).tolist()
    [21.0, 70.0]
    """
    whole = values.shape[-1] // grain
    if grain == DAY:
        return values
    return np.asarray(values[..., : whole * grain].reshape(*values.shape[:-1], whole, grain).sum(axis=-1))


def weekday(days: Days) -> Ints:
    """Number the weekdays, 0 = Monday … 6 = Sunday.

    >>> weekday(np.array(["2024-01-01", "2024-01-07"], dtype="datetime64[D]")).tolist()
    [0, 6]
    """
    # 1970-01-01, day 0, was a Thursday.
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % WEEK


def daily_sales(history: pd.DataFrame) -> DailySales | None:
    """Put rows of `daily_category_sales` on a complete calendar; None without rows, or where they are months.

    A last day that looks partial is left out, and so are days more than five years before the last; `notes` says so.

    Args:
        history: rows with `sale_date`, `product_category`, `revenue`, `orders` and optionally `units`, in any order;
            its attribute REJECTED_DAYS, if any, lists days of rejected rows.

    Raises:
        ValueError: a column or a value is missing, or an amount is not a number.
    """
    if missing := [name for name in _COLUMNS if name not in history.columns]:
        raise ValueError(f"daily_category_sales: columns {missing} are missing; found {list(history.columns)}")
    given = [name for name in (REVENUE, "orders", UNITS) if name in history.columns]
    rows = history
    if rows.empty:
        return None
    rows = pd.DataFrame(
        {
            "day": pd.to_datetime(rows["sale_date"]).to_numpy().astype("datetime64[D]").astype(np.int64),
            "category": rows["product_category"].astype(object),
            **{name: rows[name].astype("float64") for name in given},
        }
    )
    unknown_days = history["sale_date"].isna().any()
    if unknown_days or rows["category"].isna().any() or not np.isfinite(rows[given].to_numpy()).all():
        raise ValueError(f"daily_category_sales: a sale_date, product_category, {' or '.join(given)} is missing")
    if why_too_coarse(history["sale_date"]):
        return None
    rows["category"] = rows["category"].astype(str)

    rows, notes = _without_strays(rows)
    rows, partial = _without_partial_last_day(rows)
    notes += partial
    if (grain := grain_of(rows["day"].to_numpy())) == WEEK_OF_DAYS:
        rows, weekly = spread_weeks(rows, [name for name in given if name != "orders"])
        # A week without any row is a report that is missing, however many orders it would have had.
        rows["orders"] = rows["orders"].clip(lower=ORDERS_THAT_PROVE_CLOSURE)
        notes.append(weekly)
    if (rows["category"] == TOTAL).any():
        name = f"{TOTAL} (category)"
        while (rows["category"] == name).any():
            name += "*"
        rows["category"] = rows["category"].replace(TOTAL, name)
        notes.append(f"The category {TOTAL!r} is called {name!r} here: {TOTAL} is the sum of all.")
    last = int(rows["day"].max())
    start = last - LONGEST_HISTORY_DAYS + 1
    if rows["day"].min() < start:
        notes.append(f"Days before {_iso(start)} are left out: the last five years describe today's shop.")
        rows = rows[rows["day"] >= start]
    first = int(rows["day"].min())

    names, code = np.unique(rows["category"].to_numpy(dtype=object).astype(str), return_inverse=True)
    at = (code, rows["day"].to_numpy() - first)
    shape = (len(names), last - first + 1)
    revenue, sold, orders = np.zeros(shape), np.zeros(shape, dtype=bool), np.zeros(shape)
    units = np.zeros(shape) if UNITS in rows.columns else None
    np.add.at(revenue, at, rows["revenue"].to_numpy())
    if units is not None:
        np.add.at(units, at, rows[UNITS].to_numpy())
    np.add.at(orders, at, rows["orders"].to_numpy())
    sold[at] = True
    days = np.datetime64(first, "D") + np.arange(shape[1])
    rejected = np.isin(days, np.array(history.attrs.get(REJECTED_DAYS, ()), dtype="datetime64[D]")) & ~sold.any(axis=0)
    if rejected.any():
        one = rejected.sum() == 1
        notes.append(
            f"All rows of {rejected.sum():,} day{'' if one else 's'} were rejected: the sales of "
            f"{'this day are' if one else 'these days are'} unknown, not zero."
        )
    most = orders.max(axis=0)
    return DailySales(tuple(names.tolist()), days, revenue, sold, most, tuple(notes), units, rejected, grain)


def panel_at(sales: DailySales, cutoff: date, measure: str = REVENUE) -> Panel:
    """Make the panel of what is known at a cut-off. Later days are cut off before anything is computed.

    Args:
        sales: the history.
        cutoff: the last day that is known.
        measure: REVENUE, or UNITS at the price of the cut-off.

    Raises:
        ValueError: the cut-off is not among the days, or the history has no units.
    """
    end = days_after(sales.days[0], cutoff) + 1
    if not 1 <= end <= len(sales.days):
        raise ValueError(f"cut-off {cutoff} is outside {sales.first_day} to {sales.last_day}")
    known: Bools = np.asarray(sales.sold[:, :end].any(axis=1))
    sold, days = sales.sold[known, :end], sales.days[:end]
    closed = closed_days(sales.traded[:end], sales.orders[:end])
    rejected = np.zeros(end, dtype=bool) if sales.rejected is None else sales.rejected[:end]
    closed &= ~rejected
    first = sold.argmax(axis=1)
    price = prices_at(sales, end, measure)[known]
    values = recorded(sales, measure)[known, :end] * price[:, None]
    values[np.arange(end) < first[:, None]] = np.nan
    values[:, closed | rejected] = np.nan
    names = tuple(name for name, keep in zip(sales.categories, known, strict=True) if keep)
    return Panel(names, days, values, sold, first, closed, price, sales.orders[:end])


def recorded(sales: DailySales, measure: str) -> Floats:
    """Get revenue in money or units, (categories, days). Raises ValueError where the history has no units."""
    values = {REVENUE: sales.revenue, UNITS: sales.units}[measure]
    if values is None:
        raise ValueError("daily_category_sales: column 'units' is missing")
    return values


def prices_at(sales: DailySales, end: int, measure: str) -> Floats:
    """Compute the mean price of a unit, (categories,), in the 8 weeks before the day with index `end`; 1 for revenue.

    Where these weeks give no price above zero, all days before `end` are used; where they give none either, it is 1.
    """
    values = recorded(sales, measure)
    price = np.ones(len(values))
    if measure == REVENUE:
        return price
    for days in (slice(0, end), slice(max(end - WINDOW_DAYS, 0), end)):
        money, units = sales.revenue[:, days].sum(axis=1), values[:, days].sum(axis=1)
        usable = (money > 0) & (units > 0)
        price[usable] = money[usable] / units[usable]
    return price


def closed_days(traded: Bools, orders: Floats) -> Bools:
    """Mark the days, (days,), on which the shop was closed: nothing was sold, and that was hardly chance.

    Where a usual day has many orders, one silent day proves it. In a quiet shop a single day without a sale proves
    nothing and stays a day of zero; a weekday that was silent 8 times in a row or more is a day off.

    Args:
        traded: (days,), marks consecutive days with any sale or return.
        orders: (days,), number of orders.
    """
    if not traded.any():
        return np.zeros(len(traded), dtype=bool)
    if np.median(orders[traded]) >= ORDERS_THAT_PROVE_CLOSURE:
        return ~traded
    return _weekdays_off(traded)


def _weekdays_off(traded: Bools) -> Bools:
    """Mark the days, (days,), of weekdays that a quiet shop kept closed for 8 weeks or more.

    The chance of such a silence follows from the share of days traded in the same weeks, on the weekdays on which the
    shop traded at all: a shop that sells every third day is silent on eight Mondays in a row now and then.
    """
    off = np.zeros(len(traded), dtype=bool)
    for start in range(min(WEEK, len(traded))):
        for first, last in _runs(~traded[start::WEEK]):
            weeks = last - first
            if weeks < FEWEST_SILENT_WEEKS:
                continue
            span = traded[start + first * WEEK : start + last * WEEK]
            share = np.array([span[weekday_::WEEK].mean() for weekday_ in range(WEEK)])
            share = share[share > 0]
            if (1 - (share.mean() if share.size else traded.mean())) ** weeks < CHANCE_OF_SILENT_WEEKS:
                off[start + first * WEEK : start + last * WEEK : WEEK] = True
    return off


def _runs(marked: Bools) -> list[tuple[int, int]]:
    """List the runs of marked entries as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _without_strays(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop days far from all others, as from a mistyped year: they would set the cut-off, or the first day.

    Far means 28 days without sales; stray are the days on the smaller side of that gap which together have fewer orders
    than a usual day. A shop that reopens has more within a few days.
    """
    orders = _orders_by_day(rows)
    usual = float(orders.median())
    days, many = orders.index.to_numpy(), orders.to_numpy()
    low, high = 0, len(days)
    gaps = np.flatnonzero(np.diff(days) > _DAYS_OF_SILENCE) + 1
    for gap in gaps:
        if gap < len(days) / 2 and many[:gap].sum() < usual:
            low = int(gap)
    for gap in gaps[::-1]:
        if gap > max(len(days) / 2, low) and many[gap:].sum() < usual:
            high = int(gap)
    dropped = [*days[:low], *days[high:]]
    if not dropped:
        return rows, []
    shown = ", ".join(_iso(day) for day in dropped[:5])
    note = (
        f"Left out as stray, more than {_DAYS_OF_SILENCE} days from all others and with fewer orders than a usual day: "
        f"{shown}{' …' if len(dropped) > 5 else ''}."
    )
    return rows[(rows["day"] >= days[low]) & (rows["day"] <= days[high - 1])], [note]


def _without_partial_last_day(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop the last day where it has under half the orders of the poorest of up to 8 same weekdays before it."""
    orders = _orders_by_day(rows)
    last = int(orders.index.max())
    before = orders[orders.index < last]
    alike = before[(last - before.index) % WEEK == 0].tail(WINDOW_WEEKS)
    # With fewer than four same weekdays, or quiet ones, a partial day cannot be distinguished from a poor one.
    if len(alike) < 4 or alike.min() < ORDERS_THAT_PROVE_CLOSURE or orders[last] >= 0.5 * alike.min():
        return rows, []
    note = (
        f"{_iso(last)} looks like a partial day ({orders[last]:.0f} orders; the poorest of the last {len(alike)} same "
        f"weekdays had {alike.min():.0f}) and is left out."
    )
    return rows[rows["day"] < last], [note]


def _orders_by_day(rows: pd.DataFrame) -> pd.Series:
    """By day, the orders of its largest category."""
    return rows.groupby(["day", "category"])["orders"].sum().groupby("day").max()


def _iso(day: int) -> str:
    return str(np.datetime64(int(day), "D"))
