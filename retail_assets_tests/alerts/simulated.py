"""Simulated operation without and with trouble: how often each rule of the alerts fires, by seed.

The rates are stated in docs/alerts.md.

A quiet day is one on which nothing is wrong and everything varies as it does in shops: weekdays, a Christmas season,
holidays, and days that differ by more than chance (`between`, the coefficient of variation between days).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.alerts.late import late_days
from retail_assets.forecasting.evaluation.accuracy import accuracy_drift
from retail_assets.landing.quiet_days import why_silent
from retail_assets.landing.usual_size import unusual_size
from retail_assets.quarantine.usual_share import unusual_share
from retail_assets.tables import FORECAST_ACCURACY

FIRST = dt.date(2023, 1, 2)
#: Days that are judged in each simulated shop, after those that the rules learn from.
QUIET_DAYS = 200
YOUNG, GROWN = 28, 400
ZONE = ZoneInfo("America/New_York")
HOLIDAYS = {
    day: str(name) for day, name in holidays.country_holidays("US", years=range(2021, 2026), language="en_US").items()
}
Rng = np.random.Generator


def _varied(rng: Rng, between: float) -> float:
    """A factor with the mean 1 and this coefficient of variation."""
    sigma = np.sqrt(np.log1p(between**2))
    return float(rng.lognormal(-(sigma**2) / 2, sigma))


def _shops(seeds: int, learn: int, days: int) -> Iterator[tuple[Rng, list[dt.date], list[dt.date]]]:
    """For each shop its chance, all of its days, and those that are judged."""
    for seed in range(seeds):
        every = [FIRST + dt.timedelta(n) for n in range(learn + days)]
        yield np.random.default_rng(seed), every, every[learn:]


def rejected_rate(
    rows: int, share: float, between: float, *, times: float = 1, learn: int = GROWN, seeds: int = 5
) -> float:
    """Return the part of landings whose rejected rows are called unusual, if each has `times` its share of them."""
    fired = judged = 0
    for rng, every, days in _shops(seeds, learn, QUIET_DAYS if learn == GROWN else YOUNG):
        landed = {day: max(int(rng.poisson(rows)), 1) for day in every}
        shares = {day: share * _varied(rng, between) for day in every}
        past = {day: (int(rng.binomial(n, min(shares[day], 1))), n) for day, n in landed.items()}
        for day in days:
            rejected, n = past[day]
            rejected += int(rng.binomial(n - rejected, min(shares[day] * (times - 1), 1))) if times > 1 else 0
            fired += unusual_share(day, rejected, n, past) is not None
            judged += 1
    return fired / judged


def small_rate(rows: int, between: float, *, part: float = 1, learn: int = GROWN, seeds: int = 5) -> float:
    """Return the part of landings that are called small, if each has `part` of its rows; holidays sell otherwise."""
    fired = judged = 0
    for rng, every, days in _shops(seeds, learn, QUIET_DAYS if learn == GROWN else YOUNG):
        weekday = rng.permutation([0.8, 0.85, 0.9, 1.0, 1.2, 1.5, 1.1])
        landed = {}
        for day in every:
            mean = rows * weekday[day.weekday()] * (1.6 if (11, 24) <= (day.month, day.day) <= (12, 24) else 1)
            mean *= rng.choice([0.3, 0.5, 1.3]) if day in HOLIDAYS else 1
            landed[day] = int(rng.poisson(mean * _varied(rng, between)))
        for day in days:
            if part < 1 and day in HOLIDAYS:
                continue
            fired += unusual_size(day, int(rng.binomial(landed[day], part)), landed, HOLIDAYS) is not None
            judged += 1
    return fired / judged


def late_rate(delay: Callable[[Rng], float], *, skips: float = 0, seeds: int = 3) -> tuple[float, float]:
    """Return two parts: of all days, those called late before they land; of two days' delays, those that are reported.

    The shop delivers `delay` hours after five in the morning, not on Sundays nor on Christmas Day and New Year's Day,
    and leaves out a part of the other days, `skips`.
    """
    early = judged = found = delayed = 0
    for rng, every, days in _shops(seeds, GROWN, QUIET_DAYS):
        at = {
            day: dt.datetime.combine(day, dt.time(5), ZONE) + dt.timedelta(hours=delay(rng))
            for day in every
            if day.weekday() != 6 and (day.month, day.day) not in ((12, 25), (1, 1)) and rng.random() >= skips
        }
        for day in days:
            landed = [other for other in at if other < day]
            lands_at = at.get(day, dt.datetime.combine(day, dt.time(23, 59), ZONE))
            early += day in _late(lands_at - dt.timedelta(seconds=1), landed, at)
            judged += 1
            if day in at:
                found += day in _late(dt.datetime.combine(day + dt.timedelta(2), dt.time(5), ZONE), landed, at)
                delayed += 1
    return early / judged, found / delayed


def _late(now: dt.datetime, landed: list[dt.date], at: dict[dt.date, dt.datetime]) -> set[dt.date]:
    times = {day: at[day] for day in landed[-28:]}
    late = late_days(now, landed, times, silent=lambda ds: [day for day in ds if why_silent(day, landed, HOLIDAYS)])
    return {item.day for item in late}


def drift_rate(categories: int, error: float, *, memory: float, worse: float = 1, seeds: int = 5) -> float:
    """Return the part of mornings on which the accuracy of forecasts is called drifted.

    Errors of category-days are Laplace, `error` of the sales on average as the backtest promised, with a part that all
    categories of a day share and that lasts (`memory`, its correlation from day to day). With `worse`,
    those of the last fourteen days before each morning are so many times as large.
    """
    fired = judged = 0
    for rng, every, days in _shops(seeds, 28, QUIET_DAYS):
        shared = np.zeros(len(every))
        for n in range(1, len(every)):
            shared[n] = memory * shared[n - 1] + np.sqrt(1 - memory**2) * rng.normal()
        own = rng.laplace(0, 1 / np.sqrt(2), (len(every), categories))
        raw = np.sqrt(0.5) * own + np.sqrt(0.5) * shared[:, None]
        relative = raw * error / 0.78  # the mean size of such an error is 0.78
        width = float(np.quantile(np.abs(relative), 0.8))
        usual = _accuracy(every, relative, width)
        for place, day in enumerate(every):
            if day not in days or (worse > 1 and place % 25):
                continue
            first = place - 27
            if worse > 1:
                size = np.where(np.arange(28) >= 14, worse, 1.0)[:, None]
                recent = _accuracy(every[first : place + 1], relative[first : place + 1] * size, width)
            else:
                recent = usual.slice(first * categories, 28 * categories)
            fired += accuracy_drift(recent, error).alarm is not None
            judged += 1
    return fired / judged


def _accuracy(days: list[dt.date], relative: np.ndarray, width: float) -> pa.Table:
    sold = 1000.0
    rows = [
        {
            "product_category": f"c{category}", "forecast_date": day, "cutoff_date": day - dt.timedelta(1),
            "horizon_day": 1, "mean": sold * (1 + relative[n, category]), "actual": sold,
            "error": sold * relative[n, category], "seasonal_naive": sold,
            "inside80": bool(abs(relative[n, category]) <= width), "inside95": True, "model_version": "v",
            "issued_at": dt.datetime(2023, 1, 1),
        }
        for n, day in enumerate(days)
        for category in range(relative.shape[1])
    ]  # fmt: skip
    return pa.Table.from_pandas(
        pd.DataFrame(rows).reindex(columns=FORECAST_ACCURACY.names), FORECAST_ACCURACY.arrow_schema()
    )
