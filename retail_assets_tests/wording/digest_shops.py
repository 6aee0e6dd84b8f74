"""Shops for the daily digest: their sales have what makes a morning hard to describe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import holidays
import numpy as np

from retail_assets_tests.segmentation.shoppers import line

Sales = Iterator[dict[str, Any]]


def ironmonger() -> Sales:
    """A shop in Bavaria over Christmas: closed on Sundays and holidays, and a leap day in its last week."""
    rng = np.random.default_rng(21)
    closed = holidays.country_holidays("DE", years=[2023, 2024])
    for number in range(110):
        day = dt.date(2023, 11, 13) + dt.timedelta(number)
        if day.weekday() == 6 or day in closed:
            continue
        for visit in range(int(rng.poisson(15))):
            amount = round(float(rng.lognormal(3, 0.6)), 2)
            yield line(f"{number}/{visit}", day, None, amount, category=str(rng.choice(["Nails", "Paint"])))


def antiques() -> Sales:
    """A few sales a week: many days have none, some only take goods back, and one order is as large as a month."""
    rng = np.random.default_rng(22)
    for number in range(200):
        day = dt.date(2024, 1, 8) + dt.timedelta(number)
        for visit in range(int(rng.poisson(0.9))):
            yield line(f"{number}/{visit}", day, "A1", round(float(rng.lognormal(5, 0.8)), 2), category="Chairs")
        if rng.random() < 0.12:
            yield line(f"{number}/back", day, "A1", -400, quantity=-1, category="Lamps")
    for visit in range(6):
        amount = 25_000 if visit == 3 else 40
        yield line(f"fair/{visit}", dt.date(2024, 7, 24), "A2", amount, category="Chairs")


def kiwi() -> Sales:
    """Ten weeks in New Zealand, over the end of daylight saving there, of a shop that opens on the first of them."""
    rng = np.random.default_rng(23)
    for number in range(70):
        day = dt.date(2024, 2, 26) + dt.timedelta(number)
        for visit in range(int(rng.poisson(12 if day.weekday() < 5 else 30))):
            amount = round(float(rng.lognormal(3, 0.5)), 2)
            yield line(f"{number}/{visit}", day, f"K{visit % 7}", amount, category=str(rng.choice(["Wool", "Tea"])))


#: Currency, country and sales by name of the shop.
DIGEST_SHOPS: dict[str, tuple[str, str, Callable[[], Sales]]] = {
    "ironmonger": ("EUR", "DE", ironmonger),
    "antiques": ("GBP", "GB", antiques),
    "kiwi": ("NZD", "NZ", kiwi),
}
