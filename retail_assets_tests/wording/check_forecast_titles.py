"""What titles of the forecast's figures are made from, recomputed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from retail_assets.wording.forecast_models import in_words
from retail_assets_tests.wording.backtests import (
    RULES,
    allowed,
    best_rule,
    bias,
    claim_of,
    cutoffs,
    ends,
    inside,
    missed,
    models,
    number_of_days,
    published,
    rmse,
    rows_of,
    scored,
    too_wide,
    wape,
)
from retail_assets_tests.wording.calendars import closed_days, days_of, holiday
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.shops import Shop


@recomputes("forecast.note.source")
def _source(shop: Shop, facts: Facts) -> Facts:
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    return {"first_day": first, "last_day": last}


@recomputes("forecast.note.past")
def _past_source(shop: Shop, facts: Facts) -> Facts:
    first, last = shop.one("SELECT min(forecast_date), max(forecast_date) FROM forecast_accuracy WHERE actual > 0")
    return {"first_day": first, "last_day": last}


@recomputes("forecast.title.calibration")
def _calibration(shop: Shop, facts: Facts) -> Facts:
    model = published(shop)
    over = missed(shop, model)
    worst = max(over, key=lambda end: (end[4] - end[3]) / allowed(end[3], end[5])) if over else None
    return {
        "unit": "day",
        "days": max(end[5] for end in ends(shop, model)),
        "worst": None if worst is None else list(worst[:5]),
        "too_wide": too_wide(shop, model),
    }


@recomputes("forecast.title.actuals")
def _actuals(shop: Shop, facts: Facts) -> Facts:
    rows = rows_of(shop, published(shop), total=True)
    return {"unit": "day", "total_wape": wape(rows), "total_bias": bias(rows), "scored": number_of_days(rows)}


@recomputes("forecast.evidence.actuals")
def _actuals_evidence(shop: Shop, facts: Facts) -> Facts:
    return {"model": in_words(published(shop)), "cutoffs": len(cutoffs(shop))}


@recomputes("forecast.title.by_week")
def _by_week(shop: Shop, facts: Facts) -> Facts:
    rows = rows_of(shop, published(shop))
    weeks: dict[Any, Any] = dict(list(rows[~rows["season"]].groupby("week")))
    return {
        "unit": "day",
        "weeks": list(weeks),
        "first": wape(weeks[min(weeks)]),
        "last": wape(weeks[max(weeks)]),
    }


@recomputes("forecast.evidence.by_week")
def _by_week_evidence(shop: Shop, facts: Facts) -> Facts:
    rows = rows_of(shop, published(shop))
    near = rows[rows["near"]]
    return {
        "unit": "day",
        "cutoffs": len(cutoffs(shop)),
        "days": [number_of_days(each) for _, each in rows[~rows["season"]].groupby("week")],
        "near": wape(near),
        "near_days": number_of_days(near),
        "apart": True,
    }


@recomputes("forecast.title.total")
def _total(shop: Shop, facts: Facts) -> Facts:
    ahead = dict(shop.ask("SELECT forecast_date, mean FROM sales_forecast WHERE product_category = 'TOTAL'"))
    first, last = min(ahead), max(ahead)
    begin, end = days_of(shop)
    then = first.replace(year=first.year - 1)
    to_year = then >= begin
    past = [
        (then if to_year else end - dt.timedelta(days=len(ahead) - 1)) + dt.timedelta(days=n) for n in range(len(ahead))
    ]
    sold = shop.one("SELECT sum(total_amount)::DOUBLE FROM sales WHERE sale_date BETWEEN ? AND ?", past[0], past[-1])
    open_now = sum(mean > 0 for mean in ahead.values())
    open_then = sum(day not in closed_days(shop) for day in past)
    alike = open_now == open_then
    names = [list(dict.fromkeys(filter(None, (holiday(shop, d) for d in days)))) for days in (sorted(ahead), past)]
    total = sum(ahead.values())
    ratio = total / sold if alike else total / open_now / (sold / open_then)
    orders = shop.one(
        "WITH counted AS (SELECT sale_date, count(DISTINCT order_id) AS n FROM sales WHERE sale_date BETWEEN ? AND ? "
        "GROUP BY sale_date, product_category), days AS (SELECT max(n) AS n FROM counted GROUP BY sale_date) "
        "SELECT sum(n)::DOUBLE FROM days",
        past[0],
        past[-1],
    )
    return {
        "expected": total,
        "first_day": first,
        "last_day": last,
        "currency": shop.currency,
        "unit": "day",
        "ratio": ratio,
        "to_year_before": to_year,
        "steps": len(ahead),
        "closed_then": None if alike else len(past) - open_then,
        "within_chance": (ratio - 1) ** 2 * orders <= 4,
        "only_now": [name for name in names[0] if to_year and name not in names[1]],
        "only_then": [name for name in names[1] if to_year and name not in names[0]],
    }


@recomputes("forecast.title.total_unmeasured")
def _total_unmeasured(shop: Shop, facts: Facts) -> Facts:
    first, last = shop.one("SELECT min(forecast_date), max(forecast_date) FROM sales_forecast")
    return {"first_day": first, "last_day": last}


@recomputes("forecast.evidence.total")
def _total_evidence(shop: Shop, facts: Facts) -> Facts:
    model = published(shop)
    rows = rows_of(shop, model, total=True)
    return {
        "model": in_words(model),
        "is_rule": model in RULES,
        "unit": "day",
        "total_wape": round(wape(rows) or 0.0, 6),
        "total_coverage80": round(inside(rows, "p10", "p90") or 0.0, 6),
        "cutoffs": len(cutoffs(shop)),
    }


@recomputes("forecast.title.categories")
def _categories(shop: Shop, facts: Facts) -> Facts:
    category, share = shop.ask(
        "SELECT product_category, sum(mean) / sum(sum(mean)) OVER () FROM sales_forecast "
        "WHERE product_category <> 'TOTAL' GROUP BY 1 ORDER BY 2 DESC, 1"
    )[0]
    return {"category": category, "share": share}


@recomputes("forecast.evidence.categories")
def _categories_evidence(shop: Shop, facts: Facts) -> Facts:
    count = shop.one("SELECT count(DISTINCT product_category) - 1 FROM sales_forecast")
    return {"unit": "day", "currency": shop.currency, "shown": min(count, 12), "categories": count}


def _candidate(shop: Shop, facts: Facts) -> str:
    [model] = [name for name in models(shop) if in_words(name) == facts["model"] and name not in RULES]
    return model


@recomputes("forecast.title.skill")
def _skill(shop: Shop, facts: Facts) -> Facts:
    model, rule = _candidate(shop, facts), best_rule(shop)
    ours, theirs = (rows_of(shop, name) for name in (model, rule))
    return {
        "model": in_words(model),
        "rule": in_words(rule),
        "gain": round(1 - rmse(ours) / rmse(theirs), 6),
        "claim": claim_of(shop, model, rule),
    }


@recomputes("forecast.evidence.skill")
def _skill_evidence(shop: Shop, facts: Facts) -> Facts:
    model, rule = _candidate(shop, facts), best_rule(shop)
    ours, naive, best = (
        dict(list(rows_of(shop, name).groupby("category"))) for name in (model, "seasonal_naive", rule)
    )
    names = [name for name in ours if _modeled(shop, ours[name], name) and rmse(naive[name]) > 0]
    return {
        "model": in_words(model),
        "steps": int(scored(shop)["ahead"].max()),
        "unit": "day",
        "cutoffs": len(cutoffs(shop)),
        "better": sum(rmse(ours[name]) < rmse(naive[name]) for name in names),
        "modeled": len(names),
        "rule": None if rule == "seasonal_naive" else in_words(rule),
        "better_than_rule": sum(rmse(ours[name]) < rmse(best[name]) for name in names),
        "shown": min(20, len(names)),
    }


def _modeled(shop: Shop, rows: pd.DataFrame, category: Any) -> bool:
    """Whether a model forecast a category at any cut-off: where none may, all models have the numbers of a rule."""
    rules = [rows_of(shop, rule) for rule in RULES]
    rules = [rule[rule["category"] == category] for rule in rules]
    for cutoff, ours in rows.groupby("cutoff"):
        values = ours["mean"].to_numpy()
        others = [rule[rule["cutoff"] == cutoff]["mean"].to_numpy() for rule in rules]
        if values.any() and not any(np.allclose(values, other) for other in others):
            return True
    return False


def _past(shop: Shop) -> tuple[int, pd.DataFrame]:
    """The forecasts of the last 28 days that were scored, the latest of each day, with what was sold."""
    rows = shop.ask(
        """
        WITH latest AS (
            SELECT *, row_number() OVER (PARTITION BY product_category, forecast_date ORDER BY cutoff_date DESC) AS age
            FROM forecast_accuracy WHERE product_category <> 'TOTAL'
        ), days AS (SELECT DISTINCT forecast_date FROM latest ORDER BY 1 DESC LIMIT 28),
        sold AS (SELECT sale_date, product_category, sum(total_amount)::DOUBLE AS sold FROM sales GROUP BY ALL)
        SELECT mean, inside80, coalesce(sold, 0) FROM latest SEMI JOIN days USING (forecast_date)
        LEFT JOIN sold ON sold.sale_date = forecast_date AND sold.product_category = latest.product_category
        WHERE age = 1
        """
    )
    days = shop.one("SELECT least(count(DISTINCT forecast_date), 28) FROM forecast_accuracy")
    return days, pd.DataFrame(rows, columns=["mean", "inside80", "sold"])


@recomputes("forecast.title.past", "forecast.alarm.errors")
def _past_errors(shop: Shop, facts: Facts) -> Facts:
    days, rows = _past(shop)
    error = float((rows["mean"] - rows["sold"]).abs().sum() / rows["sold"].sum())
    return {"days": days, "wape": error, "promised": wape(rows_of(shop, published(shop)))}


@recomputes("forecast.alarm.intervals")
def _past_intervals(shop: Shop, facts: Facts) -> Facts:
    days, rows = _past(shop)
    return {"days": days, "coverage80": float(rows["inside80"].mean())}
