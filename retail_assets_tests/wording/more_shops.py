"""More shops, for the analysis only: their sales hold what the five lack."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retail_assets_tests.segmentation.shoppers import line


def salon() -> Iterator[dict[str, Any]]:
    """Two and a half years of a salon: closed at weekends, busy before Christmas, women spend more on color.

    Gender and age are known of two customers in three, the best; nine are of a third gender. Some sales have no time.
    """
    rng = np.random.default_rng(5)
    for number in range(900):
        day = dt.date(2021, 3, 1) + dt.timedelta(days=number)
        if day.weekday() >= 5:
            continue
        busy = 2.0 if (11, 24) <= (day.month, day.day) <= (12, 24) else 1 + number / 1500
        for visit in range(int(rng.poisson(14 * busy))):
            who = int(rng.integers(0, 180))
            woman = who % 2 == 0
            known: dict[str, Any] = {
                "gender": "Other" if who < 9 else "Female" if woman else "Male",
                "age_group": ("18-34", "35-54", "55+")[who % 3],
            }
            mean = 3.0 if who >= 120 else 3.6 + 0.2 * (who % 3)
            more: dict[str, Any] = known if who < 120 else {}
            if visit == 0:
                more = more | {"sold_at": dt.datetime.combine(day, dt.time())}
            yield line(
                f"{number}/{visit}",
                day,
                f"S{who:03d}",
                round(float(rng.lognormal(mean, 0.4)), 2),
                category=str(rng.choice(["Cut", "Color"], p=[0.4, 0.6] if woman else [0.8, 0.2])),
                **more,
            )


def kiosk() -> Iterator[dict[str, Any]]:
    """A hundred days of a kiosk with one category, where everything costs the same, and eight customers known."""
    for number in range(100):
        day = dt.date(2022, 6, 1) + dt.timedelta(days=number)
        for visit in range(3 + (day.weekday() == 4)):
            yield line(f"{number}/{visit}", day, f"K{number % 8}" if visit == 0 else None, 2.5, category="No. 7")


def ties() -> Iterator[dict[str, Any]]:
    """Twenty weeks in which every day, hour, customer and category brings the same: nothing is the most of anything."""
    yield from _alike(lambda day: 1)


def twins() -> Iterator[dict[str, Any]]:
    """As `ties`, but for Fridays and Saturdays, which bring twice as much as other days, and as much as each other."""
    yield from _alike(lambda day: 2 if day.weekday() in (4, 5) else 1)


def _alike(times: Callable[[dt.date], int]) -> Iterator[dict[str, Any]]:
    for number in range(140):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=number)
        for visit in range(12):
            who = (number * 12 + visit) % 60
            known: dict[str, Any] = {
                "gender": ("Female", "Male")[who % 2],
                "age_group": ("18-34", "35-54", "55+")[who // 20],
                "sold_at": dt.datetime.combine(day, dt.time(9 + visit, 30)),
            }
            for category in ("Left", "Right"):
                yield line(f"{number}/{visit}", day, f"T{who:02d}", 5.0 * times(day), category=category, **known)
        for category in ("Left", "Right"):
            yield line(f"{number}/back", day, None, -1.0, category=category)
