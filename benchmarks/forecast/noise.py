"""Skill on seeded noise and on planted effects: how often it is claimed falsely, and how often a real one is found."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.calendar import forecast_calendar, holiday_calendar
from retail_assets.forecasting.data.series import daily_sales
from retail_assets.forecasting.evaluation.rolling_origin import run_backtest

RUNS, HORIZON = 40, 28
FIRST = date(2022, 1, 3)
NOISE, PLANTED = ("white", "week", "walk"), ("holidays", "month start", "wave")
_WEEK = np.array([1.0, 0.9, 0.9, 1.0, 1.3, 1.8, 1.5])


def shares(runs: int = RUNS) -> dict[str, float]:
    """Return the share of noise runs with a claim of skill, and of planted runs in which it was found."""
    return {
        "false_skill_share": float(np.mean([has_skill(NOISE[seed % 3], seed) for seed in range(runs)])),
        "planted_found_share": float(np.mean([has_skill(PLANTED[seed % 3], seed) for seed in range(runs)])),
    }


def has_skill(kind: str, seed: int) -> bool:
    """Whether the backtest of one shop of a kind claims skill."""
    sales = daily_sales(shop(kind, seed))
    if sales is None:
        return False
    tested = run_backtest(sales, forecast_calendar("US", sales, HORIZON), horizon=HORIZON, seed=seed)
    return tested is not None and tested.has_skill


def shop(kind: str, seed: int) -> pd.DataFrame:
    """Make rows of one to three categories over 300 to 500 days; the same seed gives the same rows."""
    random = np.random.default_rng([seed, (NOISE + PLANTED).index(kind)])
    days = int(random.choice([300, 366, 500]))
    dates = [FIRST + timedelta(days=day) for day in range(days)]
    parts = []
    for category in range(int(random.integers(1, 4))):
        level = random.lognormal(5.5, 0.6)
        noise, week = random.gamma(16, 1 / 16, days), _WEEK[np.arange(days) % 7]
        sold = level * {"white": noise, "walk": np.exp(np.cumsum(random.normal(0, 0.03, days)))}.get(kind, week * noise)
        if kind == "holidays":
            for day in holiday_calendar("US", FIRST, dates[-1]).names:
                at = (day - FIRST).days
                sold[max(at - 4, 0) : max(at + 1, 0)] *= 2.0
        if kind == "month start":
            sold *= np.where([day.day <= 5 for day in dates], 1.8, 1.0)
        if kind == "wave":
            sold *= 1 + 0.6 * np.sin(2 * np.pi * np.arange(days) / 60)
        parts.append(pd.DataFrame({"sale_date": dates, "product_category": f"c{category}", "revenue": sold.round(2)}))
    return pd.concat(parts).assign(orders=40)
