"""A thousand categories of two years each, through the whole training: prints seconds and peak megabytes."""

from __future__ import annotations

import resource
import sys
import time
from datetime import date, timedelta

import numpy as np
import pandas as pd

from retail_assets.forecasting.lifecycle.scoring import score
from retail_assets.forecasting.lifecycle.training import train

SEED = 0


def thousand() -> tuple[float, float]:
    """Train on 1,000 categories × 730 days, each with its own weekly pattern and level; return seconds and peak MB."""
    random = np.random.default_rng(SEED)
    days, series = 730, 1000
    level = random.lognormal(5, 1, series)
    week = random.dirichlet(np.full(7, 8.0), series) * 7
    revenue = level[:, None] * week[:, np.arange(days) % 7] * random.gamma(6, 1 / 6, (series, days))
    first = date(2022, 1, 3)
    dates = [first + timedelta(days=day) for day in range(days)]
    rows = pd.DataFrame(
        {
            "sale_date": np.tile(np.array(dates, dtype=object), series),
            "product_category": np.repeat([f"category {number:04d}" for number in range(series)], days),
            "revenue": revenue.ravel().round(2),
            "orders": 40,
        }
    )
    started = time.perf_counter()
    model = train(rows, country="US", seed=SEED).model
    if model is None:
        raise RuntimeError("no model of a thousand series")
    score(model, rows)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return time.perf_counter() - started, kilobytes / (1 if sys.platform == "linux" else 1024) / 1024


if __name__ == "__main__":
    print(*thousand())
