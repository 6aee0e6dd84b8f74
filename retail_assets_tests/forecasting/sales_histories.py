"""Histories for the forecasting tests: rows of `daily_category_sales` computed by rule, and seeded where random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from retail_assets.forecasting.data.series import DailySales, daily_sales

FIRST = date(2023, 1, 2)  # a Monday
WEEKLY = (1.0, 0.9, 0.9, 1.0, 1.3, 1.8, 1.5)


def row(day: date, category: str, revenue: float, orders: int = 50) -> dict[str, object]:
    return {
        "sale_date": day,
        "product_category": category,
        "revenue": Decimal(str(round(revenue, 2))),
        "units": Decimal(1),
        "orders": orders,
        "customers": orders,
        "lines": orders,
        "returned": Decimal(0),
    }


def history(
    days: int, categories: Mapping[str, Callable[[int], float | None]], *, first: date = FIRST, orders: int = 50
) -> pd.DataFrame:
    """One row per day and category; each category is a function of the day's number, None where it has no row."""
    rows = [
        row(first + timedelta(days=number), name, revenue, orders)
        for number in range(days)
        for name, amount in categories.items()
        if (revenue := amount(number)) is not None
    ]
    return pd.DataFrame(rows, columns=list(row(first, "", 0)))


def noisy_week(level: float, *, noise: float = 0.2, seed: int = 0) -> Callable[[int], float]:
    """A weekly pattern with multiplicative noise."""
    draws = np.random.default_rng(seed).normal(1.0, noise, 4000)
    return lambda number: max(level * WEEKLY[number % 7] * draws[number], 0.0)


def pure_noise(level: float, *, seed: int) -> Callable[[int], float]:
    draws = np.random.default_rng(seed).exponential(level, 4000)
    return lambda number: float(draws[number])


def sales_of(rows: pd.DataFrame) -> DailySales:
    """The daily series of rows that are there."""
    sales = daily_sales(rows)
    assert sales is not None
    return sales
