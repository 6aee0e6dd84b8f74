"""What sentences about weather are made from, recomputed: the table by SQL, scores of two backtests by numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop


@recomputes("weather.none")
def _none(shop: Shop, facts: Facts) -> Facts:
    last, issued = shop.one(
        "SELECT (SELECT max(sale_date) FROM sales), "
        "(SELECT count(*) FROM weather WHERE known_on <= (SELECT max(sale_date) FROM sales))"
    )
    return {"last_day": last if issued == 0 else None}


@recomputes("weather.old")
def _old(shop: Shop, facts: Facts) -> Facts:
    last = shop.one("SELECT max(sale_date) FROM sales")
    known = [(day, on) for day, on in shop.ask("SELECT date, known_on FROM weather") if on <= last]
    horizon = facts["horizon"]
    ahead = {day for day, _ in known if 0 < (day - last).days <= horizon}
    newest = max(on for _, on in known)
    assert newest < last
    return {"newest": newest, "age": (last - newest).days, "days": len(ahead), "horizon": 28}


@recomputes("weather.helps", "weather.no_help")
def _compared(shop: Any, facts: Facts) -> Facts:
    """Of a `WeatherShop`."""
    ours, theirs = (round(_score(*shop.forecasts_and_sales(weather=each)), 6) for each in (True, False))
    judged = {"bar": 0.015} if "bar" in facts else {"gain": 1 - ours / theirs}
    assert (ours < theirs * 0.985) is ("gain" in facts)
    return {"with_weather": ours, "without": theirs, "cutoffs": shop.cutoffs, **judged}


def _score(forecasts: np.ndarray, sold: np.ndarray) -> float:
    """The geometric mean of the RMSE of category-days and of days of the total, (cut-offs, categories, days) each."""
    error = forecasts - sold
    return float(np.sqrt(np.sqrt(np.nanmean(error**2)) * np.sqrt(np.nanmean(error.sum(axis=1) ** 2))))
