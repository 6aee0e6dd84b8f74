"""Daily series on a complete calendar: which days are known, which are closed, which are zero.

A day without a row is ambiguous: nothing was sold, the shop was shut, or the day is not over. Counting a shut day as
zero costs more than the choice of a model, so each case is told apart where the data prove it, and left at zero where
they do not. What a panel of series says of the days up to its cut-off depends on those days alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

# A shop with this many orders on a usual day sells nothing by chance once in half a billion days (Poisson, e^-20).
ORDERS_THAT_PROVE_CLOSURE = 20.0
# Five years: older days would slow training without describing today's shop.
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


@dataclass(frozen=True)
class DailySales:
    """Sales on a complete calendar, as recorded: a day without a row is zero.

    `revenue`, `units` and `sold` are (categories, days); `orders`, (days,), is the largest category's number of orders:
    a lower bound of the shop's, because an order may hold several categories. `units` is None where the history does
    not tell them.
    """

    categories: tuple[str, ...]
    days: Days
    revenue: Floats
    sold: Bools
    orders: Floats
    notes: tuple[str, ...]
    units: Floats | None = None

    @property
    def first_day(self) -> date:
        return to_date(self.days[0])

    @property
    def traded(self) -> Bools:
        """(days,): anything was sold or returned."""
        return np.asarray(self.sold.any(axis=0))

    @property
    def last_day(self) -> date:
        return to_date(self.days[-1])


@dataclass(frozen=True)
class Panel:
    """What is known at a cut-off, the last of `days`.

    `values` is (categories, days): revenue, NaN where unknown (before a category's first sale; on a closed day).
    `first` is the index of each category's first sale, `sold` marks days with a row, `closed` the shop's closed days.
    A panel of units holds them at the price of the cut-off, `price` (categories,), so that pieces and thousandths of a
    gallon weigh as they do in the till; in one of revenue it is 1.
    """

    categories: tuple[str, ...]
    days: Days
    values: Floats
    sold: Bools
    first: Ints
    closed: Bools
    price: Floats

    @property
    def cutoff(self) -> date:
        return to_date(self.days[-1])

    @property
    def origin(self) -> int:
        """Index of the cut-off."""
        return len(self.days) - 1

    def select(self, keep: Bools) -> Panel:
        """The panel of the categories that `keep`, (categories,), marks."""
        names = tuple(name for name, kept in zip(self.categories, keep, strict=True) if kept)
        kept = self.values[keep], self.sold[keep], self.first[keep]
        return Panel(names, self.days, *kept, self.closed, self.price[keep])

    def future_days(self, horizon: int) -> Days:
        return self.days[-1] + np.arange(1, horizon + 1)

    def weekdays_closed(self) -> Bools:
        """(7,), Monday first: weekdays on which the shop was closed each time in the last 8 weeks, as on Sundays."""
        recent = slice(-WINDOW_DAYS, None)
        closed, day = self.closed[recent], weekday(self.days[recent])
        return np.array([closed[day == w].size > 1 and bool(closed[day == w].all()) for w in range(WEEK)])


def to_date(day: np.datetime64) -> date:
    return pd.Timestamp(day).date()


def weekday(days: Days) -> Ints:
    """0 = Monday … 6 = Sunday; 1970-01-01 was a Thursday."""
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % WEEK


def daily_sales(history: pd.DataFrame) -> DailySales | None:
    """Put rows of `daily_category_sales` on a complete calendar; None where there is no row.

    A last day that looks partial is left out, and so are days more than five years before the last; `notes` says so.
    Raises ValueError for a missing column, a missing value or an amount that is not a number.
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
    rows["category"] = rows["category"].astype(str)

    rows, notes = _without_strays(rows)
    rows, partial = _without_partial_last_day(rows)
    notes += partial
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
    return DailySales(tuple(names.tolist()), days, revenue, sold, orders.max(axis=0), tuple(notes), units)


def panel_at(sales: DailySales, cutoff: date, measure: str = REVENUE) -> Panel:
    """What `sales` says up to and including `cutoff`; later days are cut off before anything is computed.

    `measure` is REVENUE, or UNITS at the price of the cut-off. Raises ValueError where `cutoff` is not among the days.
    """
    end = int((np.datetime64(cutoff, "D") - sales.days[0]).astype(int)) + 1
    if not 1 <= end <= len(sales.days):
        raise ValueError(f"cut-off {cutoff} is outside {sales.first_day} to {sales.last_day}")
    known: Bools = np.asarray(sales.sold[:, :end].any(axis=1))
    sold, days = sales.sold[known, :end], sales.days[:end]
    closed = closed_days(sales.traded[:end], sales.orders[:end])
    first = sold.argmax(axis=1)
    price = prices_at(sales, end, measure)[known]
    values = recorded(sales, measure)[known, :end] * price[:, None]
    values[np.arange(end) < first[:, None]] = np.nan
    values[:, closed] = np.nan
    names = tuple(name for name, keep in zip(sales.categories, known, strict=True) if keep)
    return Panel(names, days, values, sold, first, closed, price)


def recorded(sales: DailySales, measure: str) -> Floats:
    """(categories, days): revenue in money, or units. Raises ValueError for units that the history does not tell."""
    values = {REVENUE: sales.revenue, UNITS: sales.units}[measure]
    if values is None:
        raise ValueError("daily_category_sales: column 'units' is missing")
    return values


def prices_at(sales: DailySales, end: int, measure: str) -> Floats:
    """(categories,): the mean price of a unit in the 8 weeks before day `end`; 1 for revenue.

    Where those weeks give none that is above zero, all days before `end` do; where they do not either, it is 1.
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
    """Days, (days,), on which the shop was shut: nothing sold at all where a usual day brings many orders.

    In a small shop a day without a sale proves nothing and stays a day of zero.
    """
    if not traded.any() or np.median(orders[traded]) < ORDERS_THAT_PROVE_CLOSURE:
        return np.zeros(len(traded), dtype=bool)
    return ~traded


def _without_strays(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop days far from all others, as a mistyped year makes: they would set the cut-off, or the first day.

    Far is 28 days of silence; stray are the days on the smaller side of it that together have fewer orders than a usual
    day. A shop that opens again has more within days.
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
    told = ", ".join(_iso(day) for day in dropped[:5])
    note = (
        f"Left out as stray, more than {_DAYS_OF_SILENCE} days from all others and with fewer orders than a usual day: "
        f"{told}{' …' if len(dropped) > 5 else ''}."
    )
    return rows[(rows["day"] >= days[low]) & (rows["day"] <= days[high - 1])], [note]


def _without_partial_last_day(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop the last day where it has under half the orders of the poorest of up to 8 like weekdays before it."""
    orders = _orders_by_day(rows)
    last = int(orders.index.max())
    before = orders[orders.index < last]
    alike = before[(last - before.index) % WEEK == 0].tail(WINDOW_WEEKS)
    # Four like weekdays, each busy: fewer, or quieter ones, cannot tell a partial day from a poor one.
    if len(alike) < 4 or alike.min() < ORDERS_THAT_PROVE_CLOSURE or orders[last] >= 0.5 * alike.min():
        return rows, []
    note = (
        f"{_iso(last)} looks like a partial day ({orders[last]:.0f} orders; the poorest of the last {len(alike)} like "
        f"weekdays had {alike.min():.0f}) and is left out."
    )
    return rows[rows["day"] < last], [note]


def _orders_by_day(rows: pd.DataFrame) -> pd.Series:
    """By day, the orders of its largest category."""
    return rows.groupby(["day", "category"])["orders"].sum().groupby("day").max()


def _iso(day: int) -> str:
    return str(np.datetime64(int(day), "D"))
