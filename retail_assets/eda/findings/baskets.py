"""Which items are bought together more often than the popularity of both and the size of the orders explain.

Pairs are looked for in the earlier part of the days and measured again in the later part, so that what is reported of a
pair is not what it was chosen for. Buyers, not orders, are independent: the error of a count is that between 16 random
groups of buyers (random groups method; Wolter 2007, chapter 2).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from retail_assets.eda.basket_queries import EARLIER, MOST_ITEMS
from retail_assets.eda.data import EdaData
from retail_assets.eda.findings.fixed_size import pairs_together
from retail_assets.eda.findings.significance import benjamini_hochberg
from retail_assets.wording.thresholds import NOISE

FEWEST_EXPECTED = 10
"""Orders in which a pair must be expected in the earlier part to be tested."""
FEWEST_TOGETHER = 50
"""Orders of the later part in which a pair must be for a sentence about it."""
LIFT_WORTH_ACTING_ON = 1.1
"""Times the expected number: a pair that is together hardly more often changes no merchant's plan."""
_GROUPS = "0123456789abcdef"
_FEWEST_GROUPS = 12

Level = Literal["category", "product"]


@dataclass(frozen=True)
class Item:
    """A category or a product, with its category."""

    name: str
    category: str


@dataclass(frozen=True)
class Part:
    """A pair in one part of the days.

    `together` orders hold both items, `expected` would by chance; `first` and `second` hold either, of `orders` in
    all. `lift` is together / expected with its 95 % interval; `p` is that of Student's t over groups of buyers against
    no more than expected. They are None where too few orders are expected, or too few groups buy.
    """

    together: int
    expected: float
    first: int
    second: int
    orders: int
    lift: float | None
    low: float | None
    high: float | None
    p: float | None

    @property
    def plain_lift(self) -> float | None:
        """Return the orders with both against those that independent items would share, whatever the orders' size."""
        if not self.first or not self.second:
            return None
        return self.together * self.orders / (self.first * self.second)


@dataclass(frozen=True)
class Pair:
    """Two items. `p` is that of the earlier part after the correction of Benjamini and Hochberg, None if untested."""

    first: Item
    second: Item
    earlier: Part
    later: Part
    p: float | None

    @property
    def confirmed(self) -> bool:
        """The pair was found in the earlier part, and is together more often than expected in the later part."""
        return self.p is not None and self.p < NOISE and self.later.low is not None and self.later.low > 1

    @property
    def worth_acting_on(self) -> bool:
        """The pair is confirmed, frequent, and together clearly more often than expected, whatever the orders' size.

        Fuel is mostly bought alone. What little is bought with it may be one category more than any other, and yet
        orders with fuel hold that category less often than other orders do.
        """
        often = self.later.together >= FEWEST_TOGETHER and (self.later.lift or 0) >= LIFT_WORTH_ACTING_ON
        return self.confirmed and often and (self.later.plain_lift or 0) > 1


@dataclass(frozen=True)
class Affinity:
    """The pairs of the most frequent items, the clearest first: by the lower end of the lift in the earlier part.

    `later_from` is the first day of the later part; `tested` pairs took part in the correction; `left_out` items are
    not among the most frequent.
    """

    level: Level
    pairs: tuple[Pair, ...]
    items: int
    left_out: int
    tested: int
    first_day: dt.date
    later_from: dt.date
    last_day: dt.date

    @property
    def found(self) -> tuple[Pair, ...]:
        """The pairs that are worth a sentence."""
        return tuple(pair for pair in self.pairs if pair.worth_acting_on)


def affinity(data: EdaData, level: Level) -> Affinity | None:
    """Compare pairs of categories or products; None where no order holds two of the items, or no pair can be tested."""
    frame = data.categories_together if level == "category" else data.products_together
    o = data.overview
    if frame.empty or o.first_date is None or o.last_date is None:
        return None
    named = frame[frame["later"].isna()].sort_values("first_item")
    items = [Item(str(name), str(c)) for name, c in zip(named["item"], named["product_category"], strict=True)]
    counts = frame[frame["later"].notna()]
    earlier, later = (_measure(counts[counts["later"] == part], len(items)) for part in (0, 1))
    if not earlier or not later:
        return None
    tested = [at for at, part in earlier.items() if part.p is not None]
    if not tested:
        return None
    p = dict(zip(tested, benjamini_hochberg(np.array([earlier[at].p for at in tested])).tolist(), strict=True))
    pairs = [
        Pair(items[one], items[other], earlier[one, other], later[one, other], p.get((one, other)))
        for one, other in earlier
    ]
    every = len(data.categories) if level == "category" else o.products
    span = (o.last_date - o.first_date).days + 1
    return Affinity(
        level=level,
        pairs=tuple(sorted(pairs, key=_clearest_first)),
        items=len(items),
        left_out=every - len(items) if len(items) == MOST_ITEMS else 0,
        tested=len(tested),
        first_day=o.first_date,
        later_from=o.first_date + dt.timedelta(days=int(np.floor(span * EARLIER))),
        last_day=o.last_date,
    )


def _clearest_first(pair: Pair) -> tuple[bool, float, str, str]:
    low = pair.earlier.low
    return (low is None, -(low or 0.0), pair.first.name, pair.second.name)


def _measure(counts: pd.DataFrame, items: int) -> dict[tuple[int, int], Part]:
    """Every pair of items, by their places from 0; empty where no order holds two."""
    group = counts["buyers"].map({letter: at for at, letter in enumerate(_GROUPS)})
    sizes = counts[counts["size"].notna() & counts["first_item"].isna()]
    orders = np.zeros((len(_GROUPS), items + 1))
    np.add.at(orders, (group[sizes.index].astype(int), sizes["size"].astype(int)), sizes["orders"].to_numpy())
    used = np.flatnonzero(orders.sum(axis=0)[2:]) + 2
    if not len(used):
        return {}
    of_item = counts[counts["size"].notna() & counts["first_item"].notna()]
    held = np.zeros((items + 1, items))
    np.add.at(held, (of_item["size"].astype(int), of_item["first_item"].astype(int) - 1), of_item["orders"].to_numpy())
    both = counts[counts["second_item"].notna()]
    together = np.zeros((len(_GROUPS), items, items))
    places = (group[both.index].astype(int), both["first_item"].astype(int) - 1, both["second_item"].astype(int) - 1)
    np.add.at(together, places, both["orders"].to_numpy())
    chance = pairs_together(used, held[used] / orders.sum(axis=0)[used][:, None])
    expected = np.einsum("gs,sij->gij", orders[:, used], chance)
    total, holding = int(orders.sum()), held.sum(axis=0)
    return {
        (i, j): _part(together[:, i, j], expected[:, i, j], int(holding[i]), int(holding[j]), total)
        for i in range(items)
        for j in range(i + 1, items)
    }


def _part(together: np.ndarray, expected: np.ndarray, first: int, second: int, orders: int) -> Part:
    """Compare the counts of the groups of buyers, (16,)."""
    all_together, all_expected = int(together.sum()), float(expected.sum())
    bought = expected > 0
    groups = int(bought.sum())
    lift = low = high = p = None
    if all_expected >= FEWEST_EXPECTED and groups >= _FEWEST_GROUPS:
        together, expected = together[bought], expected[bought]
        lift = all_together / all_expected
        more = together - expected
        error = np.std(more, ddof=1) / np.sqrt(groups)
        p = float(stats.t.sf(np.mean(more) / error, groups - 1)) if error > 0 else 1.0
        of_ratio = np.sqrt(groups / (groups - 1) * np.sum((together - lift * expected) ** 2)) / all_expected
        margin = float(stats.t.ppf(0.975, groups - 1) * of_ratio)
        low, high = max(lift - margin, 0.0), lift + margin
    return Part(all_together, all_expected, first, second, orders, lift, low, high, p)
