"""The forecast on anybody's data: a small API on long frames, `unique_id, ds, y`, as the field's libraries use them.

    from retail_assets.forecasting import api

    coming = api.forecast(frame, country="FR")        # the next 28 days, with intervals
    judged = api.backtest(frame, country="FR")        # how good that would have been
    print(judged.metrics, *judged.in_words, sep="\\n")

Everything is computed by the code behind the asset `sales_forecast`; nothing is stored. See docs/forecast.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.calendar import forecast_calendar
from retail_assets.forecasting.data.grain import whole_horizon, why_too_coarse
from retail_assets.forecasting.data.series import ORDERS_THAT_PROVE_CLOSURE, TOTAL, Floats, daily_sales
from retail_assets.forecasting.evaluation import peers
from retail_assets.forecasting.evaluation.backtest import Backtest
from retail_assets.forecasting.evaluation.findings import findings
from retail_assets.forecasting.evaluation.rolling_origin import MOST_CUTOFFS, as_lived, run_backtest
from retail_assets.forecasting.lifecycle.forecast import forecast_daily
from retail_assets.forecasting.lifecycle.training import LONGEST_HORIZON
from retail_assets.forecasting.models import intervals
from retail_assets.forecasting.models.baselines import BASELINE_NAMES

#: Name of the product's forecast among the models of a backtest.
PRODUCT = "retail_assets"
#: Name of the sum of all series that are not among the largest.
OTHER = "OTHER"
_COLUMNS = ("unique_id", "ds", "y")
# A shop without `orders` that sells on this share of its days sells every day it is open.
_SHARE_OF_DAYS_OPEN = 0.97
_METRICS = ("wape", "total_wape", "rmse", "total_rmse", "mae", "mase", "bias", "coverage80", "coverage95", "width80")
_METRICS_OF_TOTAL = ("total_coverage80", "total_coverage95")


@dataclass(frozen=True)
class Judgment:
    """What `backtest` found.

    Attributes:
        metrics: one row per model, the product's first, then by WAPE. `wape` is Σ|error| / Σ actual over series and
            days, `total_wape` that of their sum, `holiday_wape` and `holiday_coverage80` those within a day of a
            holiday.
        forecasts: one row per cut-off, series and day, with `y` and a column per model; `TOTAL` is the sum. Of the
            product, the ends of its intervals too: `retail_assets-lo-80`, `-hi-80`, `-lo-95`, `-hi-95`.
        champions: the model that the product would have used at each cut-off, chosen from earlier ones.
        in_words: what was compared and where the product fails, in sentences.
        peers: the library whose models are among the others; None where it is not installed.
        notes: what was left out of the data, or assumed.
    """

    metrics: pd.DataFrame
    forecasts: pd.DataFrame
    champions: Mapping[date, str]
    in_words: tuple[str, ...]
    peers: str | None
    notes: tuple[str, ...]


def forecast(
    frame: pd.DataFrame, *, country: str, horizon: int = LONGEST_HORIZON, seed: int = 0, largest: int | None = None
) -> pd.DataFrame:
    """Forecast the days after the last of `frame`, or the weeks where it holds weeks.

    Args:
        frame: long, with `unique_id`, `ds` (a day) and `y` (sales of the day, in money) in any order; days without
            sales may be left out. Optional columns: `orders`, or `unit_price`, by which orders are y / unit_price. They
            tell a closed day from a day without a sale; without them, a shop that sells on 97 % of the days of its
            weekdays is closed on the others.
        country: of the holidays, ISO 3166-1 as `FR`.
        horizon: days ahead, 1 to 28.
        seed: of the models: the same frame and seed give the same forecast.
        largest: keep that many series, those with most sales, and sum the others to OTHER; all by default.

    Returns:
        One row per series and day, and for their sum, `TOTAL`: `unique_id`, `ds`, `retail_assets` (the mean),
        `retail_assets-lo-95`, `-lo-80`, `-hi-80`, `-hi-95`, `seasonal_naive` and `method`.

    Raises:
        ValueError: a column is missing, a value is not a number or a day, the horizon is out of range, or the days are
            those of months.

    >>> days = pd.date_range("2024-01-01", periods=30)
    >>> shop = pd.DataFrame({"unique_id": "bread", "ds": days, "y": 100.0})
    >>> forecast(shop, country="FR", horizon=2)[["unique_id", "retail_assets"]].values.tolist()
    [['bread', 100.0], ['bread', 100.0], ['TOTAL', 100.0], ['TOTAL', 100.0]]
    """
    history = to_history(frame, largest=largest)
    if why := _why_nothing(history):
        raise ValueError(why)
    made = forecast_daily(history, country=country, horizon=horizon, seed=seed)
    table = made.table.to_pandas()
    names = {"product_category": "unique_id", "forecast_date": "ds", "mean": PRODUCT}
    names |= {at: f"{PRODUCT}-{end}" for at, end in _ENDS.items()}
    kept = [*names.values(), "seasonal_naive", "method"]
    return table.rename(columns=names)[kept].assign(ds=lambda f: pd.to_datetime(f["ds"]))


def backtest(
    frame: pd.DataFrame,
    *,
    country: str,
    horizon: int = LONGEST_HORIZON,
    cutoffs: int = 8,
    seed: int = 0,
    largest: int | None = None,
    beside_peers: bool = True,
) -> Judgment:
    """Judge the product on a frame: forecast from past cut-offs, one horizon apart, as it would have been done then.

    At each cut-off the product's model is chosen from at most six earlier ones, so that no day that is scored has had a
    say in the choice. Days on which the shop was closed are not scored.

    Args:
        frame: as in `forecast`.
        country: as in `forecast`.
        horizon: days ahead, 1 to 28.
        cutoffs: cut-offs that are scored, fewer where the history is short.
        seed: of the models.
        largest: as in `forecast`.
        beside_peers: also forecast by AutoETS, AutoTheta and MSTL of statsforecast where it is installed.

    Raises:
        ValueError: as in `forecast`; or the history is too short for two cut-offs.
    """
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise ValueError(f"horizon must be 1 to {LONGEST_HORIZON} days, is {horizon}")
    if cutoffs < 1:
        raise ValueError(f"cutoffs must be at least 1, is {cutoffs}")
    history = to_history(frame, largest=largest)
    sales = daily_sales(history)
    if sales is None:
        raise ValueError(_why_nothing(history) or "the frame has no sales")
    horizon = whole_horizon(horizon, sales.grain)
    holidays = forecast_calendar(country, sales, horizon)
    tested = run_backtest(sales, holidays, horizon=horizon, seed=seed, most_cutoffs=cutoffs + MOST_CUTOFFS)
    if tested is None or len(tested.cutoffs) < 2:
        raise ValueError(
            f"The history, {sales.first_day} to {sales.last_day}, is too short or too sparse to judge a model: it "
            f"takes a series that sells on half of its days, and {70 + 2 * horizon} days."
        )
    judged, champions = as_lived(tested, cutoffs, PRODUCT)
    library = peers.installed() if beside_peers else None
    if library:
        judged = replace(judged, forecasts={**judged.forecasts, **peers.forecasts(sales, judged, horizon)})
    notes = [*sales.notes, *([holidays.note] if holidays.note else [])]
    return Judgment(_metrics(judged), _long(judged), champions, tuple(findings(judged, PRODUCT)), library, tuple(notes))


def to_history(frame: pd.DataFrame, *, largest: int | None = None) -> pd.DataFrame:
    """Convert a long frame to rows of `daily_category_sales`: days of zero are left out, as days without sales are.

    Arguments and errors are those of `forecast`.
    """
    if missing := [name for name in _COLUMNS if name not in frame.columns]:
        raise ValueError(f"columns {missing} are missing; found {list(frame.columns)}")
    day = pd.to_datetime(frame["ds"], errors="coerce")
    if (bad := day.isna()).any():
        raise ValueError(f"ds is not a day in row {int(bad.to_numpy().argmax()) + 1}: {frame['ds'][bad].iloc[0]!r}")
    amount = pd.to_numeric(frame["y"], errors="coerce")
    if (bad := amount.isna() & frame["y"].notna() | np.isinf(amount)).any():
        raise ValueError(f"y is not a number in row {int(bad.to_numpy().argmax()) + 1}: {frame['y'][bad].iloc[0]!r}")
    if frame["unique_id"].isna().any():
        raise ValueError(f"unique_id is missing in row {int(frame['unique_id'].isna().to_numpy().argmax()) + 1}")
    rows = pd.DataFrame(
        {"sale_date": day.dt.date, "product_category": frame["unique_id"].astype(str), "revenue": amount}
    )
    rows["orders"] = _orders(frame, amount)
    rows = rows[rows["revenue"].notna() & (rows["revenue"] != 0)]
    if rows.empty:
        return rows
    if rows["orders"].isna().all():
        rows["orders"] = _orders_of_days(rows)
    if largest is not None:
        kept = rows.groupby("product_category")["revenue"].sum().nlargest(largest).index
        rows["product_category"] = rows["product_category"].where(rows["product_category"].isin(kept), OTHER)
    sums = {"revenue": ("revenue", "sum"), "orders": ("orders", "sum")}
    return rows.groupby(["sale_date", "product_category"], as_index=False).agg(**sums)


_ENDS = {"p025": "lo-95", "p10": "lo-80", "p90": "hi-80", "p975": "hi-95"}


def _why_nothing(history: pd.DataFrame) -> str | None:
    return why_too_coarse(history["sale_date"]) if len(history) else None


def _orders(frame: pd.DataFrame, amount: pd.Series) -> pd.Series:
    """Orders of each row; NaN where the frame does not have them."""
    if "orders" in frame.columns:
        return pd.to_numeric(frame["orders"], errors="coerce").fillna(0.0)
    if "unit_price" in frame.columns:
        price = pd.to_numeric(frame["unit_price"], errors="coerce")
        return (amount / price.where(price > 0)).fillna(0.0).clip(lower=0.0)
    return pd.Series(np.nan, index=frame.index)


def _orders_of_days(rows: pd.DataFrame) -> float:
    """As many orders as prove a closed day, in a shop that otherwise sells every day it is open; else one."""
    days = pd.to_datetime(rows["sale_date"]).drop_duplicates()
    weekdays = days.dt.day_of_week.value_counts()
    weeks = ((days.max() - days.min()).days + 1) / 7
    # A weekday on which the shop hardly ever sells is a day off.
    open_on = weekdays[weekdays > 0.1 * weeks]
    always = open_on.sum() >= _SHARE_OF_DAYS_OPEN * weeks * len(open_on)
    return ORDERS_THAT_PROVE_CLOSURE if always else 1.0


def _metrics(judged: Backtest) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name in judged.forecasts:
        measured = judged.metrics(name)
        row = {key: measured.get(key) for key in (*_METRICS, *_METRICS_OF_TOTAL)}
        if judged.holiday is not None and judged.holiday.any():
            near = judged.metrics(name, days=judged.holiday)
            row |= {"holiday_wape": near["wape"], "holiday_coverage80": near.get("coverage80")}
        kind = "product" if name == PRODUCT else "rule" if name in BASELINE_NAMES else "model"
        rows.append({"model": name, "kind": kind, **row})
    rows.sort(key=lambda row: (row["kind"] != "product", np.inf if row["wape"] is None else row["wape"]))
    return pd.DataFrame(rows).set_index("model")


def _long(judged: Backtest) -> pd.DataFrame:
    """The forecasts of all models, one row per cut-off, series and day, and those of the sum."""
    steps = judged.actual.shape[2]
    ahead = np.arange(1, steps + 1) * judged.grain
    names = np.array([*judged.categories, TOTAL], dtype=object)
    cutoff = np.array(judged.cutoffs, dtype="datetime64[D]")
    shape = (len(cutoff), len(names), steps)

    def flat(values: Floats) -> Floats:
        return np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1).ravel()

    columns: dict[str, Any] = {
        "unique_id": np.broadcast_to(names[None, :, None], shape).ravel(),
        "ds": np.broadcast_to((cutoff[:, None] + ahead)[:, None, :], shape).ravel(),
        "cutoff": np.broadcast_to(cutoff[:, None, None], shape).ravel(),
        "y": flat(judged.actual),
    }
    for name, values in judged.forecasts.items():
        columns[name] = flat(values)
        if name == PRODUCT:
            ends = judged.quantiles[PRODUCT]
            levels = {
                f"{PRODUCT}-{end}": ends[..., intervals.LEVEL_NAMES.index(level)].ravel()
                for level, end in _ENDS.items()
            }
            columns |= levels
    return pd.DataFrame(columns)
