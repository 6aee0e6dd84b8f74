"""What each generated row is: its kind, shopper, item, quantity and customer, as numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_assets.samples import randomness
from retail_assets.samples.dirt import KINDS, NUMBER, PLAIN
from retail_assets.samples.randomness import Numbers, below, random_bits
from retail_assets.samples.shoppers import ITEMS, SHOPPERS

_SEASONS = 13
_SEASON_DAYS = 28


@dataclass(frozen=True)
class Landing:
    """The rows of one landing day, numbered `first` to `end` (exclusive) over the whole sample.

    `groups` is the number of groups of 20 customers.
    """

    seed: int
    dirt: float
    landed_on: dt.date
    first: int
    end: int
    groups: int

    def draw(self, rows: Numbers, stream: int) -> NDArray[np.uint64]:
        """Return 32 random bits per row for one decision."""
        return random_bits(rows, self.seed, stream)


def day_weight(sold_on: dt.date) -> int:
    """Return how much is sold on a day, relative to 100 on an ordinary Thursday."""
    weight = (90, 90, 95, 100, 125, 160, 140)[sold_on.weekday()]
    month_day = (sold_on.month, sold_on.day)
    if (11, 20) <= month_day <= (12, 24):
        weight = weight * 3 // 2
    if sold_on.month == 11 and sold_on.weekday() == 4 and 23 <= sold_on.day <= 29:  # Black Friday
        weight *= 2
    if (2, 8) <= month_day <= (2, 14) or (7, 1) <= month_day <= (7, 4):
        weight = weight * 5 // 4
    return weight // 4 if month_day in ((12, 25), (1, 1)) else weight


def raw_kinds(landing: Landing, rows: Numbers) -> Numbers:
    """Return the kind of each row, before rows that would point at nothing usable become plain."""
    edges, so_far = [], 0.0
    for kind in KINDS:
        so_far += kind.share * landing.dirt
        edges.append(int(so_far * 2**32))
    return np.searchsorted(np.array(edges, dtype=np.uint64), landing.draw(rows, randomness.KIND), side="right").astype(
        np.int64
    )


def targets(landing: Landing, rows: Numbers, kinds: Numbers) -> Numbers:
    """Return the row whose id each row has: itself or, for repeated and corrected rows, another one. Changes `kinds`.

    The distance is the same for all rows of a landing, so no two of them point at the same row. A row that would point
    outside, or at anything but a plain row, becomes plain.
    """
    count = landing.end - landing.first
    ids = rows.copy()
    for name, distance in (("repeated_id", max(1, count // 8)), ("corrected_row", count)):
        at = np.flatnonzero(kinds == NUMBER[name])
        target = rows[at] - distance
        usable = target >= (landing.first if name == "repeated_id" else 0)
        usable[usable] = raw_kinds(landing, target[usable]) == PLAIN
        ids[at[usable]] = target[usable]
        kinds[at[~usable]] = PLAIN
    return ids


def items(landing: Landing, rows: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return shopper, item and quantity of each row, before any dirt."""
    peak = day_weight(landing.landed_on - dt.timedelta(days=1)) > 180
    seasonal = SHOPPERS[2].lines * (3 if peak else 1)
    lines = [SHOPPERS[0].lines - (seasonal - SHOPPERS[2].lines), SHOPPERS[1].lines, seasonal]
    of_hundred = np.repeat(np.arange(3, dtype=np.int64), lines)
    shopper = of_hundred[below(landing.draw(rows, randomness.SHOPPER), 100)]
    baskets = np.concatenate([_weighted_items(s) for s in range(3)])
    item = baskets[shopper * 100 + below(landing.draw(rows, randomness.ITEM), 100)]
    most = np.array([s.most for s in SHOPPERS], dtype=np.uint64)[shopper]
    quantity = ((landing.draw(rows, randomness.QUANTITY) * most) >> np.uint64(32)).astype(np.int64) + 1
    returned = below(landing.draw(rows, randomness.RETURN), 100) < 3
    return shopper, item, np.where(returned, -quantity, quantity)


def _weighted_items(shopper: int) -> Numbers:
    numbers = [i for i, (s, _, _) in enumerate(ITEMS) if s == shopper]
    return np.repeat(np.array(numbers, dtype=np.int64), [weight for _, _, weight in SHOPPERS[shopper].items])


def customers(landing: Landing, rows: Numbers, shopper: Numbers) -> Numbers:
    """Return customer numbers, 20 per group. The place in the group gives the kind of shopper, the group the season."""
    group = below(landing.draw(rows, randomness.GROUP), landing.groups)
    season = landing.landed_on.toordinal() // _SEASON_DAYS % _SEASONS
    group = np.where(shopper == 2, group // _SEASONS * _SEASONS + season, group)
    low = np.array([s.slots.start for s in SHOPPERS], dtype=np.int64)[shopper]
    width = np.array([len(s.slots) for s in SHOPPERS], dtype=np.uint64)[shopper]
    slot = low + ((landing.draw(rows, randomness.SLOT) * width) >> np.uint64(32)).astype(np.int64)
    return group * 20 + slot
