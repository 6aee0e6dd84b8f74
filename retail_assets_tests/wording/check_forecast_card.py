"""What sentences of the forecast's card and of its promotion are made from, recomputed."""

from __future__ import annotations

import numpy as np

from retail_assets.wording.forecast_models import in_words
from retail_assets.wording.formats import WEEKDAYS
from retail_assets_tests.wording.backtests import models, score
from retail_assets_tests.wording.calendars import closed_days, days_of
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop


@recomputes("forecast.card.summary")
def _summary(shop: Shop, facts: Facts) -> Facts:
    steps, units = shop.one("SELECT count(DISTINCT forecast_date), count(units) FROM sales_forecast")
    return {"steps": steps, "unit": "day", "units": bool(units)}


@recomputes("forecast.card.sales")
def _sales(shop: Shop, facts: Facts) -> Facts:
    first, last = days_of(shop)
    categories = shop.one("SELECT count(DISTINCT product_category) FROM sales")
    return {"first_day": first, "last_day": last, "days": (last - first).days + 1, "categories": categories}


@recomputes("forecast.card.closed_days")
def _closed_days(shop: Shop, facts: Facts) -> Facts:
    closed = sorted(closed_days(shop))
    weekdays = [name for at, name in enumerate(WEEKDAYS) if sum(day.weekday() == at for day in closed) >= 8]
    others = [day for day in closed if WEEKDAYS[day.weekday()] not in weekdays]
    return {
        "closed": len(closed),
        "weekdays": weekdays,
        "dates": others[:10],
        "more": max(len(others) - 10, 0),
    }


@recomputes("forecast.too_short")
def _too_short(shop: Shop, facts: Facts) -> Facts:
    first, last = days_of(shop)
    horizon = shop.one("SELECT count(DISTINCT forecast_date) FROM sales_forecast")
    # Ten weeks up to the only cut-off, and the days that it is scored on.
    return {"days": (last - first).days + 1, "horizon": horizon, "needed": 70 + horizon}


@recomputes("forecast.promotion.not_better", "forecast.promotion.better")
def _compared(shop: Shop, facts: Facts) -> Facts:
    by_words = {in_words(name): name for name in models(shop)}
    ours, theirs = (score(shop, by_words[facts[name]]) for name in ("candidate", "champion"))
    measured = {"ours": round(ours, 6), "theirs": round(theirs, 6)}
    judged = {"bar": 0.015} if "bar" in facts else {"gain": 1 - ours / theirs}
    return {"candidate": facts["candidate"], "champion": facts["champion"], **measured, **judged}


@recomputes("forecast.promotion.again")
def _again(shop: Shop, facts: Facts) -> Facts:
    return {"model": facts["model"], "last_day": days_of(shop)[1]}


@recomputes("forecast.promotion.older")
def _older(shop: Shop, facts: Facts) -> Facts:
    return {"last_day": shop.one("SELECT max(cutoff_date) FROM sales_forecast")}


@recomputes("forecast.training_due")
def _training_due(shop: Shop, facts: Facts) -> Facts:
    return {"days": (days_of(shop)[1] - shop.one("SELECT max(cutoff_date) FROM sales_forecast")).days}


@recomputes("forecast.amounts.too_few")
def _too_few(shop: Shop, facts: Facts) -> Facts:
    count = shop.one("SELECT count(*) FROM sales WHERE quantity > 0 AND sale_date = (SELECT max(sale_date) FROM sales)")
    return {"transactions": count, "needed": 100}


@recomputes("forecast.amounts")
def _amounts(shop: Shop, facts: Facts) -> Facts:
    rows = shop.ask(
        """
        SELECT total_amount::DOUBLE, age, gender = 'Female', product_category = 'Beauty', product_category = 'Clothing',
               month(sale_date), isodow(sale_date), unit_price::DOUBLE
        FROM sales WHERE quantity > 0 ORDER BY transaction_id
        """
    )
    table = np.array(rows, dtype=float)
    known, mean = _cross_validated(table[:, 1:7], table[:, 0])
    priced, _ = _cross_validated(table[:, 1:8], table[:, 0])
    gain = 1 - known / mean
    return {
        "transactions": len(table),
        "total": len(table),
        "rmse": _near(facts["rmse"], known.mean()),
        "mean_rmse": mean.mean(),
        "skill": _near(facts["skill"], gain.mean(), 0.02),
        "has_skill": bool(np.quantile(gain, 0.05) > 0.01),
        "priced_rmse": _near(facts["priced_rmse"], priced.mean()),
    }


def _near(given: float, own: float, within: float | None = None) -> float:
    """The number that was given, where it is that of another model of the same kind; else our own."""
    return given if abs(given - own) <= (0.03 * own if within is None else within) else own


def _cross_validated(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RMSE of boosted trees and of the mean, by repetition of a cross-validation on the product's folds."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold

    ours, means = [], []
    for repeat in range(2):
        squared, spread = 0.0, 0.0
        for train, test in KFold(5, shuffle=True, random_state=repeat).split(x):
            model = HistGradientBoostingRegressor(max_iter=60, learning_rate=0.05, max_depth=3, min_samples_leaf=20)
            squared += float(((model.fit(x[train], y[train]).predict(x[test]) - y[test]) ** 2).sum())
            spread += float(((y[train].mean() - y[test]) ** 2).sum())
        ours.append(np.sqrt(squared / len(y)))
        means.append(np.sqrt(spread / len(y)))
    return np.array(ours), np.array(means)
