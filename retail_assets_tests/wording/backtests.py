"""The errors of a shop's backtest, from `backtest_days` and what was sold: sums of the tests' own."""

from __future__ import annotations

import datetime as dt
import functools

import duckdb
import numpy as np
import pandas as pd

from retail_assets_tests.wording.calendars import closed_days, near_holiday
from retail_assets_tests.wording.shops import SCHEMA, Shop

RULES = ("seasonal_naive", "weekday_mean", "recent_mean", "year_weekday_mean", "year_mean", "last_day")


@functools.cache
def scored(shop: Shop, measure: str = "revenue") -> pd.DataFrame:
    """A row per model, cut-off, category and open day, with `sold` in money, and the total as the category TOTAL."""
    with duckdb.connect(str(shop.path), read_only=True) as connection:
        connection.execute(f"SET schema = '{SCHEMA}'")
        days = connection.execute("SELECT * FROM backtest_days WHERE measure = ?", [measure]).df()
        sold = connection.execute(
            "SELECT sale_date AS day, product_category AS category, sum(total_amount)::DOUBLE AS sold, "
            "sum(quantity)::DOUBLE AS units FROM sales GROUP BY ALL"
        ).df()
    for frame in (days, sold):
        frame["day"] = pd.to_datetime(frame["day"])
    days["cutoff"] = pd.to_datetime(days["cutoff"])
    if measure == "units":
        cutoffs = sorted(days["cutoff"].unique())
        prices = pd.concat([_prices(sold, cutoff) for cutoff in cutoffs])
        priced = days[["cutoff", "category", "day"]].drop_duplicates().merge(sold, on=["category", "day"], how="left")
        priced = priced.merge(prices, on=["cutoff", "category"], how="left")
        priced["sold"] = priced["units"].fillna(0.0) * priced["price"].fillna(1.0)
        days = days.merge(priced[["cutoff", "category", "day", "sold"]], on=["cutoff", "category", "day"], how="left")
    else:
        days = days.merge(sold[["day", "category", "sold"]], on=["category", "day"], how="left")
    days["sold"] = days["sold"].fillna(0.0)
    total = days[days["category"] != "TOTAL"].groupby(["model", "cutoff", "day"])["sold"].sum().rename("of_total")
    days = days.merge(total, on=["model", "cutoff", "day"])
    days["sold"] = np.where(days["category"] == "TOTAL", days["of_total"], days["sold"])
    date = days["day"].dt.date
    days = days[~date.isin(list(closed_days(shop)))].copy()
    unique = {day: day.date() for day in days["day"].unique()}
    near = {day for day, each in unique.items() if near_holiday(shop, each)}
    season = {day for day, each in unique.items() if near_holiday(shop, each, before=7, after=3)}
    days["near"], days["season"] = days["day"].isin(near), days["day"].isin(season)
    days["error"] = days["mean"] - days["sold"]
    days["week"] = (days["ahead"] - 1) // 7 + 1
    return days


def _prices(sold: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """The mean price of a unit in the 8 weeks up to a cut-off; where there is none, of all days up to it."""
    past = sold[sold["day"] <= cutoff]
    prices = {}
    for category, rows in past.groupby("category"):
        for part in (rows[rows["day"] > cutoff - dt.timedelta(days=56)], rows):
            if part["sold"].sum() > 0 and part["units"].sum() > 0:
                prices[category] = part["sold"].sum() / part["units"].sum()
                break
    return pd.DataFrame({"cutoff": cutoff, "category": prices.keys(), "price": prices.values()})


def rows_of(shop: Shop, model: str, *, total: bool = False, measure: str = "revenue") -> pd.DataFrame:
    """The scored rows of a model: of the categories, or of the total."""
    days = scored(shop, measure)
    return days[(days["model"] == model) & ((days["category"] == "TOTAL") == total)]


def wape(rows: pd.DataFrame) -> float | None:
    return float(rows["error"].abs().sum() / rows["sold"].sum()) if rows["sold"].sum() > 0 else None


def bias(rows: pd.DataFrame) -> float | None:
    return float(rows["error"].sum() / rows["sold"].sum()) if rows["sold"].sum() > 0 else None


def rmse(rows: pd.DataFrame) -> float:
    return float(np.sqrt((rows["error"] ** 2).mean()))


def score(shop: Shop, model: str, measure: str = "revenue") -> float:
    """The geometric mean of the RMSE of the categories and of the total."""
    parts = [rmse(rows_of(shop, model, total=total, measure=measure)) for total in (False, True)]
    return float(np.sqrt(parts[0] * parts[1]))


def number_of_days(rows: pd.DataFrame) -> int:
    return len(rows[["cutoff", "day"]].drop_duplicates())


def inside(rows: pd.DataFrame, low: str, high: str) -> float | None:
    """The share of rows within an interval, to the cent."""
    known = rows[rows[low].notna()]
    if known.empty:
        return None
    return float(((known["sold"] >= known[low] - 0.005) & (known["sold"] <= known[high] + 0.005)).mean())


def models(shop: Shop, measure: str = "revenue") -> list[str]:
    return list(scored(shop, measure)["model"].unique())


def published(shop: Shop, measure: str = "revenue") -> str:
    """The model that is published, as `forecast_backtest` has it."""
    name: str = shop.one("SELECT DISTINCT model FROM forecast_backtest WHERE champion AND measure = ?", measure)
    return name


def best_rule(shop: Shop, measure: str = "revenue", but: str = "") -> str:
    return min(
        (name for name in RULES if name in models(shop, measure) and name != but), key=lambda m: score(shop, m, measure)
    )


def _squared_by_cutoff(shop: Shop, model: str, measure: str) -> np.ndarray:
    rows = rows_of(shop, model, measure=measure)
    return (rows["error"] ** 2).groupby(rows["cutoff"]).sum().to_numpy()


def resampled_gains(shop: Shop, model: str, rule: str, measure: str = "revenue") -> np.ndarray | None:
    """The gain over a rule with cut-offs drawn again and again; None with fewer than three."""
    ours, theirs = (_squared_by_cutoff(shop, name, measure) for name in (model, rule))
    if len(ours) < 3:
        return None
    drawn = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
    gains: np.ndarray = 1 - np.sqrt(ours[drawn].sum(axis=1) / theirs[drawn].sum(axis=1))
    return gains


def claim_of(shop: Shop, model: str, rule: str, measure: str = "revenue") -> str:
    """What may be said of the skill of a model next to the best rule."""
    if score(shop, model, measure) >= 0.99 * score(shop, rule, measure):
        return "none" if published(shop, measure) == rule else "chance"
    gains = resampled_gains(shop, model, rule, measure)
    if gains is None:
        return "unproven"
    ours, theirs = (_squared_by_cutoff(shop, name, measure) for name in (model, rule))
    lost = int((np.sqrt(ours) > 1.1 * np.sqrt(theirs)).sum())
    return "skill" if np.quantile(gains, 0.05) > 0 and 5 * lost <= len(ours) else "low"


def cutoffs(shop: Shop) -> list[dt.date]:
    return [day.date() for day in sorted(scored(shop)["cutoff"].unique())]


def ends(shop: Shop, model: str) -> list[tuple[str, str, float, float, float, int]]:
    """Whose, side, interval, promised and measured share, and days of every end of the intervals, and outside both."""
    measured = []
    for whose, total in (("category-days", False), ("days of the total", True)):
        rows = rows_of(shop, model, total=total)
        for interval, low, high in ((0.8, "p10", "p90"), (0.95, "p025", "p975")):
            known = rows[rows[low].notna()]
            below, above = known["sold"] < known[low] - 0.005, known["sold"] > known[high] + 0.005
            for side, beyond, promised in (
                ("below", below, (1 - interval) / 2),
                ("above", above, (1 - interval) / 2),
                ("outside", below | above, 1 - interval),
            ):
                measured.append((whose, side, interval, promised, float(beyond.mean()), number_of_days(known)))
    return measured


def missed(shop: Shop, model: str) -> list[tuple[str, str, float, float, float, int]]:
    """The ends that are passed more often than chance allows; both together only where neither is alone."""
    over = [end for end in ends(shop, model) if end[4] > end[3] + allowed(end[3], end[5])]
    single = [(whose, interval) for whose, side, interval, *_ in over if side != "outside"]
    return [end for end in over if end[1] != "outside" or (end[0], end[2]) not in single]


def too_wide(shop: Shop, model: str) -> bool:
    """Whether nothing is missed, and fewer category-days are above an interval than chance allows."""
    tops = [end for end in ends(shop, model) if end[:2] == ("category-days", "above")]
    return not missed(shop, model) and any(end[4] < end[3] - allowed(end[3], end[5]) for end in tops)


def allowed(promised: float, days: int) -> float:
    return 2 * (promised * (1 - promised) / days) ** 0.5
