"""The aggregates that the analysis works on: results of `queries`, read once.

Money is exact where it is reported (`overview`, `categories`), and double precision where it is only drawn or tested.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from retail_assets.eda.landed import Landed
from retail_assets.eda.queries import QUERIES, STATISTICS

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Overview:
    """Counts and sums over all current sales. Dates are None without sales; money is net of returns."""

    lines: int
    orders: int
    customers: int  # known ones
    products: int  # known ones
    first_date: dt.date | None
    last_date: dt.date | None
    revenue: Decimal
    returned: Decimal  # zero or negative
    return_lines: int
    anonymous_lines: int
    anonymous_revenue: Decimal
    timed_lines: int  # with a time of day
    gender_lines: int
    age_lines: int
    gender_revenue: Decimal
    age_revenue: Decimal


@dataclass(frozen=True)
class Category:
    """One category. `revenue` and `returned` are exact money; `orders` counts the orders that contain it."""

    name: str
    revenue: Decimal
    units: float
    orders: int
    lines: int
    returned: Decimal


@dataclass(frozen=True)
class EdaData:
    """The aggregates.

    overview : Overview
    categories : tuple of Category, by revenue descending
    daily : frame (n days,), index: every calendar day from the first to the last sale (DatetimeIndex); columns revenue
        (money), orders. Days without a sale are zero, also those of which rows were rejected (`days_rejected`); `known`
        has NaN there.
    category_months : category_rank (1 = most revenue), product_category, month_start, revenue, orders, revenue_squared
        (sum over days); top categories
    hours : weekday (0 = Monday), hour_of_day, revenue, orders, revenue_squared (sum over days); only lines that have a
        time of day
    customer_tiles : tile (1 = the best hundredth), customers, customers_once (those with one order), orders, revenue
    basket_amounts : amount (three significant digits, rounded down), orders; orders of positive amount
    basket_lines : line_count (100 stands for 100 and more), orders
    customer_groups : trait (gender, age_group), member, product_category (null: all), buyers, and over the buyers of
        the group the sums and sums of squares of amount (money) and of share (of the buyer's own spending, 0 to 1)
    traits_known : trait (gender, age_group), known (0, 1), anonymous (0: customers, 1: orders without one), buyers, and
        the sum and sum of squares of what they spent: amount, amount_squared (money)
    customer_months : month_start, active (1: with a purchase, 0: returns only), since (month of the latest purchase
        before, None for none), customers, orders, revenue; known customers
    cohorts : period (month, quarter), cohort (start of the period of the first purchase), period_start, customers (with
        a purchase in this period), revenue
    product_tiles : part (1 = the best hundredth of the products that bring money, 0 = those that do not), products,
        revenue; products with an id
    product_shares : one row: products that bring money, their revenue, and how many bring half and four_fifths of it
    categories_together, products_together : how often the most frequent items are in one order; see `basket_queries`
    statistics : measure, product_category (null: all), n, mean, std, minimum, p25, p50, p75, maximum
    landed : Landed, what became of the landed rows
    """

    overview: Overview
    categories: tuple[Category, ...]
    daily: pd.DataFrame
    category_months: pd.DataFrame
    hours: pd.DataFrame
    customer_tiles: pd.DataFrame
    basket_amounts: pd.DataFrame
    basket_lines: pd.DataFrame
    customer_groups: pd.DataFrame
    traits_known: pd.DataFrame
    customer_months: pd.DataFrame
    cohorts: pd.DataFrame
    product_tiles: pd.DataFrame
    product_shares: pd.DataFrame
    categories_together: pd.DataFrame
    products_together: pd.DataFrame
    statistics: pd.DataFrame
    landed: Landed = field(default_factory=Landed)

    @property
    def empty(self) -> bool:
        return self.overview.lines == 0

    @functools.cached_property
    def known(self) -> pd.DataFrame:
        """`daily` with NaN on the days whose rows were all rejected: their sales are unknown, not zero."""
        if not self.days_rejected:
            return self.daily
        frame = self.daily.copy()
        frame.loc[pd.DatetimeIndex(self.days_rejected), :] = float("nan")
        return frame

    @property
    def days_rejected(self) -> tuple[dt.date, ...]:
        """Days between the first and the last sale that have rejected rows and no sale."""
        return tuple(d for d in self._unsold if d in self.landed.rejected_days)

    @property
    def days_without_sale(self) -> tuple[dt.date, ...]:
        """Days between the first and the last sale that have neither a sale nor a rejected row."""
        return tuple(d for d in self._unsold if d not in self.landed.rejected_days)

    @property
    def _unsold(self) -> list[dt.date]:
        return [at.date() for at in self.daily.index[self.daily["orders"] == 0]]


def load(query: Callable[[str], pa.Table], landed: Landed | None = None) -> EdaData:
    """Run every query through `query` (SQL in, Arrow table out); `landed` is kept next to the results.

    Raises whatever `query` raises. Without sales the frames are empty; that is not an error.
    """
    results = {name: query(sql) for name, sql in QUERIES.items()}
    return EdaData(
        overview=_overview(results["overview"].to_pylist()[0]),
        categories=tuple(
            Category(
                name=str(row["product_category"]),
                revenue=_money(row["revenue"]),
                units=float(row["units"]),
                orders=int(row["orders"]),
                lines=int(row["line_count"]),
                returned=_money(row["returned"]),
            )
            for row in results["categories"].to_pylist()
        ),
        daily=_every_day(_frame(results["daily"], text=("sale_date",))),
        category_months=_frame(results["category_months"], text=("product_category", "month_start")),
        hours=_by_weekday(_frame(results["hours"])),
        customer_tiles=_frame(results["customer_tiles"]),
        basket_amounts=_frame(results["basket_amounts"]),
        basket_lines=_frame(results["basket_lines"]),
        customer_groups=_frame(results["customer_groups"], text=("trait", "member", "product_category")),
        traits_known=_frame(results["traits_known"], text=("trait",)),
        customer_months=_frame(results["customer_months"], text=("month_start", "since")),
        cohorts=_frame(results["cohorts"], text=("period", "cohort", "period_start")),
        product_tiles=_frame(results["product_tiles"]),
        product_shares=_frame(results["product_shares"]),
        categories_together=_frame(results["categories_together"], text=_ITEMS),
        products_together=_frame(results["products_together"], text=_ITEMS),
        statistics=pd.concat(
            [_quartiles(_frame(results[name], text=_NAMES)) for name in STATISTICS], ignore_index=True
        ),
        landed=landed or Landed(),
    )


_NAMES = ("measure", "product_category")
_ITEMS = ("buyers", "item", "product_category")


def _money(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


def _overview(row: dict[str, Any]) -> Overview:
    def count(name: str) -> int:
        return int(row[name] or 0)

    return Overview(
        lines=count("line_count"),
        orders=count("order_count"),
        customers=count("customer_count"),
        products=count("product_count"),
        first_date=row["first_date"],
        last_date=row["last_date"],
        revenue=_money(row["revenue"]),
        returned=_money(row["returned"]),
        return_lines=count("return_lines"),
        anonymous_lines=count("anonymous_lines"),
        anonymous_revenue=_money(row["anonymous_revenue"]),
        timed_lines=count("timed_lines"),
        gender_lines=count("gender_lines"),
        age_lines=count("age_lines"),
        gender_revenue=_money(row["gender_revenue"]),
        age_revenue=_money(row["age_revenue"]),
    )


def _frame(table: pa.Table, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """A frame with all columns but those in `text` as float64: warehouses differ in the types of their sums."""
    columns: dict[str, Any] = {}
    for name in table.column_names:
        values = table.column(name).to_pylist()
        if name in text:
            columns[name] = pd.Series(values, dtype="object")
        else:
            columns[name] = pd.Series([None if v is None else float(v) for v in values], dtype="float64")
    return pd.DataFrame(columns)


def _every_day(daily: pd.DataFrame) -> pd.DataFrame:
    days = pd.DatetimeIndex(pd.to_datetime(daily["sale_date"]), name="sale_date")
    frame = daily[["revenue", "orders"]].set_axis(days, axis=0).sort_index()
    if frame.empty:
        return frame
    return frame.reindex(pd.date_range(days.min(), days.max(), freq="D", name="sale_date"), fill_value=0.0)


def _by_weekday(hours: pd.DataFrame) -> pd.DataFrame:
    """Count weekdays from Monday = 0; SQL counts them from Sunday = 0."""
    weekday = (hours["day_of_week"] + 6) % 7
    return hours.drop(columns="day_of_week").assign(weekday=weekday)


def _quartiles(counted: pd.DataFrame) -> pd.DataFrame:
    """Interpolate between the two values that enclose a quartile (Hyndman & Fan 1996, type 7)."""
    frame = counted[["measure", "product_category", "n", "mean", "std", "minimum", "maximum"]].copy()
    for percent in (25, 50, 75):
        place = (frame["n"] - 1) * percent / 100
        low, high = counted[f"p{percent}_low"], counted[f"p{percent}_high"]
        frame[f"p{percent}"] = low + (high - low) * (place % 1)
    return frame
