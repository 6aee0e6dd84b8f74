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


def market() -> Iterator[dict[str, Any]]:
    """Ten months of a market with a growing number of regulars, where butter is bought with bread, and jam with rolls.

    Orders have one to six products; some customers are not known, some products are only returned.
    """
    rng = np.random.default_rng(6)
    names = ["Bread", "Butter", "Cheese", "Eggs", "Fruit", "Jam", "Milk", "Rolls", "Tea"]
    wanted = 1 / np.arange(2, len(names) + 2)
    number = 0
    for day in range(304):
        known = 60 + day // 4  # one more customer every fourth day
        for _ in range(int(rng.poisson(12))):
            number += 1
            who = int(rng.integers(0, known))
            if who >= 60 and who % 3 and rng.random() < 0.7:
                who = int(rng.integers(0, 60))  # most of the new ones come rarely
            held = set(rng.choice(len(names), int(rng.integers(1, 5)), replace=False, p=wanted / wanted.sum()).tolist())
            held |= {1} if 0 in held and rng.random() < 0.35 else set()
            held |= {5} if 7 in held and rng.random() < 0.5 else set()
            for item in sorted(held):
                yield line(
                    f"{number}",
                    dt.date(2022, 3, 1) + dt.timedelta(days=day),
                    f"M{who:03d}" if number % 9 else None,
                    round(float(rng.uniform(1, 5)) * (1 + item), 2),
                    category=names[item],
                    product_id=f"{names[item]} {number % 2 + 1}",
                )
    for place in range(3):
        yield line(f"back {place}", "2022-05-02", "M001", -3, quantity=-1, category="Milk", product_id=f"Old {place}")
