"""Matured forecasts: what earlier ones said of days that are now known, and whether that is worse than was promised.

A backtest says how good a forecast should be, this says how good it was. What a planner saw is scored, not a forecast
made again in hindsight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.series import TOTAL, Floats, Ints, closed_days, daily_sales
from retail_assets.plotting import palette
from retail_assets.plotting.axes import date_ticks, percent_ticks
from retail_assets.plotting.image import png
from retail_assets.plotting.panels import headline, one_panel
from retail_assets.tables import FORECAST_ACCURACY

if TYPE_CHECKING:
    import pyarrow as pa

FIGURE = "forecast_accuracy.png"
#: Days of forecasts that are judged together, and the fewest that can be judged.
RECENT_DAYS, FEWEST_DAYS = 28, 7
# Errors grow a half beyond the promised before anybody is woken: with fewer days chance alone does that.
TOLERATED = 1.5
LEAST_COVERAGE = 0.6
#: What forecasts of before units were forecast do not tell.
_OF_UNITS = ("units", "units_p10", "units_p90")
_READ = (
    "product_category",
    "forecast_date",
    "cutoff_date",
    "horizon_day",
    "mean",
    "p025",
    "p10",
    "p90",
    "p975",
    "seasonal_naive",
    "model_version",
    "issued_at",
    *_OF_UNITS,
)


@dataclass(frozen=True)
class Drift:
    """Recent accuracy of the category-days that matured: `days` calendar days, WAPE and coverage as shares.

    `alarm` says what is wrong, in words; None where nothing is, or too little has matured to tell. `units_wape` weighs
    units of unlike categories by what one brought; None where units were not forecast.
    """

    days: int
    wape: float | None
    naive_wape: float | None
    coverage80: float | None
    alarm: str | None
    units_wape: float | None = None


def matured(issued: Iterable[pa.Table], history: pd.DataFrame) -> pa.Table:
    """Earlier forecasts, each a table of `SALES_FORECAST`, joined to the days that came: `tables.FORECAST_ACCURACY`.

    Days the shop was closed and days beyond the last complete one are left out; a category without sales on an open
    day sold nothing. Units are scored where both the forecast and the history tell them.
    """
    import pyarrow as pa

    sales = daily_sales(history)
    schema = FORECAST_ACCURACY.arrow_schema()
    tables = [table.select([name for name in _READ if name in table.column_names]) for table in issued]
    if sales is None or not tables:
        return schema.empty_table()
    # Days as numbers: as objects, a thousand categories of half a year take a minute.
    said = pa.concat_tables(tables, promote_options="default").to_pandas(date_as_object=False)
    del tables
    said = said.sort_values("issued_at", kind="stable").drop_duplicates(
        ["product_category", "forecast_date", "cutoff_date"], keep="last"
    )
    open_days = ~closed_days(sales.traded, sales.orders)
    day = said["forecast_date"].to_numpy().astype("datetime64[D]")
    at = (day - sales.days[0]).astype(np.int64)
    known = (at >= 0) & (at < len(sales.days))
    known[known] = open_days[at[known]]
    said, at = said[known], at[known]
    actual = _came(said["product_category"], sales.categories, sales.revenue, at)
    units = (
        np.full(len(at), np.nan)
        if sales.units is None
        else _came(said["product_category"], sales.categories, sales.units, at)
    )
    said = said.reindex(columns=[*said.columns, *(name for name in _OF_UNITS if name not in said.columns)])
    ends = said["units_p10"].to_numpy(dtype=float), said["units_p90"].to_numpy(dtype=float)
    told = ~np.isnan(units) & ~np.isnan(ends[0]) & ~np.isnan(ends[1])
    within = (units >= ends[0] - 0.0005) & (units <= ends[1] + 0.0005)
    made = said.assign(
        actual=actual.round(2) + 0.0,
        error=(said["mean"].to_numpy() - actual).round(2) + 0.0,
        inside80=(actual >= said["p10"] - 0.005) & (actual <= said["p90"] + 0.005),
        inside95=(actual >= said["p025"] - 0.005) & (actual <= said["p975"] + 0.005),
        units_actual=np.where(said["units"].isna(), np.nan, units).round(3) + 0.0,
        units_inside80=pd.Series(within, said.index, dtype=object).where(told, None),
    ).sort_values(["product_category", "forecast_date", "cutoff_date"], kind="stable")
    return pa.Table.from_pandas(made[list(FORECAST_ACCURACY.names)], schema=schema, preserve_index=False)


def _came(names: pd.Series, categories: Sequence[str], values: Floats, at: Ints) -> Floats:
    """(rows,): what the days `at` brought of `values` (categories, days); TOTAL is the sum, an unknown category 0."""
    code, unique = pd.factorize(names)
    row = {name: number for number, name in enumerate(categories)}
    rows = np.array([len(categories) if name == TOTAL else row.get(name, -1) for name in unique], dtype=np.int64)[code]
    came = np.concatenate([values, values.sum(axis=0, keepdims=True)])[rows, at]
    return np.asarray(np.where(rows < 0, 0.0, came))


def judge(accuracy: pa.Table, promised_wape: float | None) -> Drift:
    """Recent accuracy against what the backtest of the model in use promised.

    Of days that several forecasts spoke of, the latest counts: it is the one a planner had.
    """
    import pyarrow.compute as pc

    days = pc.unique(accuracy.filter(pc.field("product_category") != TOTAL)["forecast_date"]).sort()
    recent = days[max(len(days) - RECENT_DAYS, 0) :]
    frame = _latest(accuracy.filter(pc.field("forecast_date").isin(recent)))
    sold = float(frame["actual"].sum())
    if not len(recent) or sold <= 0:
        return Drift(len(recent), None, None, None, None)
    wape = float(frame["error"].abs().sum()) / sold
    naive = float((frame["seasonal_naive"] - frame["actual"]).abs().sum()) / sold
    coverage = float(frame["inside80"].mean())
    alarm = None
    if len(recent) >= FEWEST_DAYS:
        if promised_wape is not None and wape > TOLERATED * promised_wape and wape > promised_wape + 0.02:
            alarm = (
                f"WAPE of the last {len(recent)} matured days is {wape:.1%}; the backtest promised {promised_wape:.1%}"
            )
        elif coverage < LEAST_COVERAGE:
            alarm = f"the 80 % intervals held only {coverage:.0%} of the last {len(recent)} matured days"
    return Drift(len(recent), wape, naive, coverage, alarm, _units_wape(frame))


def _latest(accuracy: pa.Table) -> pd.DataFrame:
    """Of each category's day, the TOTAL apart, the row of the latest cut-off."""
    import pyarrow.compute as pc

    frame = accuracy.filter(pc.field("product_category") != TOTAL).to_pandas(date_as_object=False)
    frame = frame.sort_values("cutoff_date", kind="stable")
    return frame.drop_duplicates(["product_category", "forecast_date"], keep="last")


def _units_wape(frame: pd.DataFrame) -> float | None:
    """WAPE of units over the categories, each valued at what a unit of it brought on these days."""
    if "units_actual" not in frame:  # the table of an earlier version, until it is made again
        return None
    sold = frame[frame["units_actual"].notna()].assign(missed=lambda f: (f["units"] - f["units_actual"]).abs())
    sums = sold.groupby("product_category")[["actual", "units_actual", "missed"]].sum()
    sums = sums[(sums["actual"] > 0) & (sums["units_actual"] > 0)]
    if sums.empty:
        return None
    return float((sums["missed"] * sums["actual"] / sums["units_actual"]).sum() / sums["actual"].sum())


def figure(accuracy: pa.Table, promised_wape: float | None) -> bytes | None:
    """Error of the total's matured days by week, against the promise; None with less than two days."""
    frame = _latest(accuracy)
    days = frame.assign(
        error=frame["error"].abs(), naive=(frame["seasonal_naive"] - frame["actual"]).abs()
    ).groupby("forecast_date")[["error", "naive", "actual"]].sum()  # fmt: skip
    days = days[days["actual"] > 0].tail(91)
    if len(days) < 2:
        return None
    drawn, axes = one_panel(10, 4.4)
    when = days.index.to_numpy().astype("datetime64[D]")
    rolling = days.rolling(7, min_periods=1).sum()
    axes.plot(when, days["error"] / days["actual"], ".", color=palette.FORECAST, ms=6, alpha=0.6, label="a day")
    axes.plot(when, rolling["error"] / rolling["actual"], color=palette.FORECAST, lw=2, label="forecast, 7 days")
    naive = rolling["naive"] / rolling["actual"]
    axes.plot(when, naive, color=palette.BASELINE, lw=1.3, ls="--", label="seasonal naive, 7 days")
    if promised_wape is not None:
        axes.axhline(promised_wape, color=palette.ACTUAL, lw=1.2, ls=":", label="promised by the backtest")
    date_ticks(axes, year_size=8)
    percent_ticks(axes)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("WAPE of category-days")
    drawn.legend(*axes.get_legend_handles_labels(), loc="outside lower left", frameon=False, ncols=4, fontsize=9)
    drift = judge(accuracy, promised_wape)
    finding = "What was forecast, and came: " + (drift.alarm or "no sign of decay")
    if drift.wape is not None and drift.alarm is None:
        promise = "" if promised_wape is None else f"; {promised_wape:.1%} were promised"
        finding = f"Category-days were missed by {drift.wape:.1%} in the last {drift.days} matured days{promise}"
    headline(drawn, finding, "The latest forecast of each day, as it was issued.", axes)
    return png(drawn)
