"""Past forecasts scored against actuals, and whether the recent ones are worse than the backtest promised.

A backtest says how good a forecast should be; this says how good it was. The forecast that a planner saw is scored, not
one made again in hindsight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.series import TOTAL, Floats, Ints, daily_sales
from retail_assets.tables import FORECAST_ACCURACY
from retail_assets.wording import forecast_titles as wording

if TYPE_CHECKING:
    import pyarrow as pa

#: Days of forecasts that are judged together, and the fewest that can be judged.
RECENT_DAYS, FEWEST_DAYS = 28, 7
# Errors may exceed the promise by half before anybody is alarmed: with few days chance alone does that.
TOLERATED = 1.5
LEAST_COVERAGE = 0.6
#: Columns that a past forecast needs to be scored. Those of units are missing in forecasts of early versions.
SCORED_COLUMNS = (
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
)
_UNIT_COLUMNS = ("units", "units_p10", "units_p90")


@dataclass(frozen=True)
class AccuracyDrift:
    """The recent accuracy of past forecasts, over category-days.

    Attributes:
        days: calendar days that were scored.
        wape: Σ|error| / Σ actual, a share; None without sales.
        naive_wape: that of the seasonal naive forecast.
        coverage80: share of category-days inside the 80 % interval.
        alarm: what is wrong, in words; None where nothing is, or too few days are known.
        units_wape: WAPE of units, each category weighted by its price; None where units were not forecast.
    """

    days: int
    wape: float | None
    naive_wape: float | None
    coverage80: float | None
    alarm: str | None
    units_wape: float | None = None

    def shares(self) -> dict[str, float | None]:
        """List the measured shares by name."""
        names = ("wape", "naive_wape", "coverage80", "units_wape")
        return {name: getattr(self, name) for name in names}


def score_past_forecasts(issued: Iterable[pa.Table], history: pd.DataFrame) -> pa.Table:
    """Score past forecasts against actuals.

    Days on which the shop was closed and days after the last complete one are left out; a category without sales on an
    open day sold nothing. Units are scored where both the forecast and the history have them. A forecast that was
    issued twice counts once.

    Args:
        issued: past forecasts, each a table of `SALES_FORECAST`.
        history: rows of `daily_category_sales`.

    Returns:
        Rows of `tables.FORECAST_ACCURACY`.
    """
    import pyarrow as pa

    sales = daily_sales(history)
    schema = FORECAST_ACCURACY.arrow_schema()
    tables = [
        table.select([name for name in (*SCORED_COLUMNS, *_UNIT_COLUMNS) if name in table.column_names])
        for table in issued
    ]
    if sales is None or not tables:
        return schema.empty_table()
    # Days as numbers: as objects, a thousand categories over half a year take a minute.
    forecasts = pa.concat_tables(tables, promote_options="default").to_pandas(date_as_object=False)
    del tables
    forecasts = forecasts.sort_values("issued_at", kind="stable").drop_duplicates(
        ["product_category", "forecast_date", "cutoff_date"], keep="last"
    )
    open_days = ~sales.unknown
    day = forecasts["forecast_date"].to_numpy().astype("datetime64[D]")
    at = (day - sales.days[0]).astype(np.int64)
    known = (at >= 0) & (at < len(sales.days))
    known[known] = open_days[at[known]]
    forecasts, at = forecasts[known], at[known]
    actual = _actuals(forecasts["product_category"], sales.categories, sales.revenue * sales.grain, at)
    units = (
        np.full(len(at), np.nan)
        if sales.units is None
        else _actuals(forecasts["product_category"], sales.categories, sales.units * sales.grain, at)
    )
    forecasts = forecasts.reindex(
        columns=[*forecasts.columns, *(name for name in _UNIT_COLUMNS if name not in forecasts.columns)]
    )
    ends = forecasts["units_p10"].to_numpy(dtype=float), forecasts["units_p90"].to_numpy(dtype=float)
    scored_units = ~np.isnan(units) & ~np.isnan(ends[0]) & ~np.isnan(ends[1])
    within = (units >= ends[0] - 0.0005) & (units <= ends[1] + 0.0005)
    scored = forecasts.assign(
        actual=actual.round(2) + 0.0,
        error=(forecasts["mean"].to_numpy() - actual).round(2) + 0.0,
        inside80=(actual >= forecasts["p10"] - 0.005) & (actual <= forecasts["p90"] + 0.005),
        inside95=(actual >= forecasts["p025"] - 0.005) & (actual <= forecasts["p975"] + 0.005),
        units_actual=np.where(forecasts["units"].isna(), np.nan, units).round(3) + 0.0,
        units_inside80=pd.Series(within, forecasts.index, dtype=object).where(scored_units, None),
    ).sort_values(["product_category", "forecast_date", "cutoff_date"], kind="stable")
    return pa.Table.from_pandas(scored[list(FORECAST_ACCURACY.names)], schema=schema, preserve_index=False)


def _actuals(names: pd.Series, categories: Sequence[str], values: Floats, at: Ints) -> Floats:
    """Pick from `values`, (categories, days), the days `at`, (rows,); TOTAL is the sum, an unknown category 0."""
    code, unique = pd.factorize(names)
    row = {name: number for number, name in enumerate(categories)}
    rows = np.array([len(categories) if name == TOTAL else row.get(name, -1) for name in unique], dtype=np.int64)[code]
    actuals = np.concatenate([values, values.sum(axis=0, keepdims=True)])[rows, at]
    return np.asarray(np.where(rows < 0, 0.0, actuals))


def accuracy_drift(accuracy: pa.Table, promised_wape: float | None) -> AccuracyDrift:
    """Compare the recent accuracy with what the backtest of the model in use promised.

    Args:
        accuracy: rows of `tables.FORECAST_ACCURACY`.
        promised_wape: WAPE of the backtest, a share; None without one: then only the intervals can raise an alarm.
    """
    import pyarrow.compute as pc

    days = pc.unique(accuracy.filter(pc.field("product_category") != TOTAL)["forecast_date"]).sort()
    recent = days[max(len(days) - RECENT_DAYS, 0) :]
    frame = latest_forecasts(accuracy.filter(pc.field("forecast_date").isin(recent)))
    sold = float(frame["actual"].sum())
    if not len(recent) or sold <= 0:
        return AccuracyDrift(len(recent), None, None, None, None)
    wape = float(frame["error"].abs().sum()) / sold
    naive = float((frame["seasonal_naive"] - frame["actual"]).abs().sum()) / sold
    coverage = float(frame["inside80"].mean())
    alarm = None
    if len(recent) >= FEWEST_DAYS:
        if promised_wape is not None and wape > TOLERATED * promised_wape and wape > promised_wape + 0.02:
            alarm = str(wording.alarm_of_errors(days=len(recent), wape=wape, promised=promised_wape))
        elif coverage < LEAST_COVERAGE:
            alarm = str(wording.alarm_of_intervals(days=len(recent), coverage80=coverage))
    return AccuracyDrift(len(recent), wape, naive, coverage, alarm, _units_wape(frame))


def latest_forecasts(accuracy: pa.Table) -> pd.DataFrame:
    """Pick for each day of each category, without the TOTAL, the latest forecast: it is the one a planner had."""
    import pyarrow.compute as pc

    frame = accuracy.filter(pc.field("product_category") != TOTAL).to_pandas(date_as_object=False)
    frame = frame.sort_values("cutoff_date", kind="stable")
    return frame.drop_duplicates(["product_category", "forecast_date"], keep="last")


def _units_wape(frame: pd.DataFrame) -> float | None:
    """WAPE of units over the categories, each weighted by the price of its units on these days."""
    if "units_actual" not in frame:  # the table of an earlier version, until it is written again
        return None
    sold = frame[frame["units_actual"].notna()].assign(missed=lambda f: (f["units"] - f["units_actual"]).abs())
    sums = sold.groupby("product_category")[["actual", "units_actual", "missed"]].sum()
    sums = sums[(sums["actual"] > 0) & (sums["units_actual"] > 0)]
    if sums.empty:
        return None
    return float((sums["missed"] * sums["actual"] / sums["units_actual"]).sum() / sums["actual"].sum())
