"""Pairs of items in the orders of a shop, order by order, against orders of the same size drawn at random.

What is expected is found in another way than the product's: weights of most likelihood by a general optimizer, and each
pair by the sets without it.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import itertools
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from retail_assets_tests.wording.shops import Shop

COLUMNS = {"category": "product_category", "product": "product_id"}
MOST = 40


@functools.lru_cache(maxsize=16)
def frequent(shop: Shop, of: str) -> list[str]:
    """The items of most order lines."""
    column = COLUMNS[of]
    return [
        item
        for (item,) in shop.ask(
            f"SELECT {column} FROM sales WHERE quantity > 0 AND {column} IS NOT NULL GROUP BY 1 "
            f"ORDER BY count(*) DESC, 1 LIMIT {MOST}"
        )
    ]


@functools.lru_cache(maxsize=16)
def later_from(shop: Shop) -> dt.date:
    first, last = shop.one("SELECT min(sale_date), max(sale_date) FROM sales")
    return first + dt.timedelta(days=int(((last - first).days + 1) * 0.6))


@functools.lru_cache(maxsize=16)
def orders(shop: Shop, of: str) -> dict[bool, list[tuple[int, frozenset[int]]]]:
    """By whether it is in the later part: the group of the buyer and the places of the frequent items, by order."""
    place = {item: at for at, item in enumerate(frequent(shop, of))}
    held: dict[str, set[int]] = {}
    known: dict[str, tuple[str, dt.date]] = {}
    among = ", ".join("?" for _ in place) or "NULL"
    for order, item, buyer, day in shop.ask(
        f"SELECT order_id, CASE WHEN {COLUMNS[of]} IN ({among}) THEN {COLUMNS[of]} END, "
        "min(CASE WHEN customer_id IS NULL THEN 'o:' || order_id ELSE 'c:' || customer_id END), min(sale_date) "
        "FROM sales WHERE quantity > 0 GROUP BY 1, 2",
        *place,
    ):
        mine = held.setdefault(order, set())
        if item in place:
            mine.add(place[item])
        before = known.get(order, (buyer, day))
        known[order] = (min(before[0], buyer), min(before[1], day))
    found: dict[bool, list[tuple[int, frozenset[int]]]] = {False: [], True: []}
    for order, items in held.items():
        buyer, day = known[order]
        group = int(hashlib.md5(buyer.encode()).hexdigest()[0], 16)
        found[day >= later_from(shop)].append((group, frozenset(items)))
    return found


def drawn_together(size: int, shares: np.ndarray) -> np.ndarray:
    """The shares of orders of `size` items that hold two of them, (n, n), if items are drawn by weight alone."""
    n = len(shares)
    pairs = np.zeros((n, n))
    always = np.flatnonzero(shares > 1 - 1e-12)
    free = np.flatnonzero((shares > 1e-12) & (shares <= 1 - 1e-12))
    left = size - len(always)
    for i, j in itertools.permutations(always, 2):
        pairs[i, j] = 1.0
    for i, j in itertools.product(always, free):
        pairs[i, j] = pairs[j, i] = shares[j]
    if left >= 2 and len(free):
        part = _free_pairs(left, shares[free])
        pairs[np.ix_(free, free)] = part
    return pairs


def _sums(weights: np.ndarray) -> np.ndarray:
    """Elementary symmetric sums of each row, of no item to all: (rows, items + 1)."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    sums[:, 0] = 1.0
    for at, weight in enumerate(weights.T):
        sums[:, 1 : at + 2] += sums[:, : at + 1] * weight[:, None]
    return sums


def _free_pairs(size: int, shares: np.ndarray) -> np.ndarray:
    """The same where every share is between zero and one: the weights of most likelihood, then every pair by itself."""
    n = len(shares)
    others = np.array([np.delete(np.arange(n), at) for at in range(n)])

    def lack(log_weights: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.exp(log_weights)
        whole = _sums(weights[None, :])[0, size]
        of_items = weights * _sums(weights[others])[:, size - 1] / whole
        return float(np.log(whole) - shares @ log_weights), of_items - shares

    weights = np.exp(optimize.minimize(lack, special.logit(shares), jac=True, method="BFGS", options={"gtol": 1e-7}).x)
    whole = _sums(weights[None, :])[0, size]
    pairs = list(itertools.combinations(range(n), 2))
    rest = _sums(np.array([np.delete(weights, pair) for pair in pairs]))[:, size - 2]
    result = np.zeros((n, n))
    for (i, j), chosen in zip(pairs, rest, strict=True):
        result[i, j] = result[j, i] = weights[i] * weights[j] * chosen / whole
    return result


@functools.lru_cache(maxsize=32)
def measured(shop: Shop, of: str, later: bool) -> dict[tuple[int, int], dict[str, Any]]:
    """By pair of places: orders with both, with either, and with both by chance; the lift, its interval, and p."""
    n, every = len(frequent(shop, of)), orders(shop, of)[later]
    together = np.zeros((16, n, n))
    sizes = np.zeros((16, n + 1))
    held = np.zeros((n + 1, n))
    for group, items in every:
        sizes[group, len(items)] += 1
        for i in items:
            held[len(items), i] += 1
        for i, j in itertools.combinations(sorted(items), 2):
            together[group, i, j] += 1
    expected = np.zeros((16, n, n))
    for size in range(2, n + 1):
        count = sizes[:, size].sum()
        if count:
            expected += sizes[:, size, None, None] * drawn_together(size, held[size] / count)
    result = {}
    for i, j in itertools.combinations(range(n), 2):
        seen, chance = together[:, i, j], expected[:, i, j]
        found: dict[str, Any] = {
            "together": int(seen.sum()),
            "expected": chance.sum(),
            "first": int(held[:, i].sum()),
            "second": int(held[:, j].sum()),
            "orders": len(every),
            "p": None,
        }
        bought = chance > 0
        if chance.sum() >= 10 and bought.sum() >= 12:
            seen, chance = seen[bought], chance[bought]
            test = stats.ttest_rel(seen, chance, alternative="greater")
            lift, groups = seen.sum() / chance.sum(), len(seen)
            error = np.sqrt(groups / (groups - 1) * ((seen - lift * chance) ** 2).sum()) / chance.sum()
            low, high = stats.t.interval(0.95, groups - 1, lift, error) if error > 0 else (lift, lift)
            found |= {"lift": lift, "low": max(low, 0.0), "high": high, "p": float(test.pvalue)}
        result[i, j] = found
    return result


@functools.lru_cache(maxsize=16)
def corrected(shop: Shop, of: str) -> dict[tuple[int, int], float]:
    """The p-values of the earlier part after the correction of Benjamini and Hochberg."""
    tested = {pair: found["p"] for pair, found in measured(shop, of, False).items() if found["p"] is not None}
    p = [1.0 if np.isnan(value) else value for value in tested.values()]
    return dict(zip(tested, stats.false_discovery_control(p).tolist(), strict=True)) if tested else {}


@functools.lru_cache(maxsize=16)
def named(shop: Shop, of: str) -> list[tuple[int, int]]:
    """The pairs that are worth a sentence, the clearest of the earlier part first."""
    earlier, later, p = measured(shop, of, False), measured(shop, of, True), corrected(shop, of)

    def worth(pair: tuple[int, int]) -> bool:
        found = later[pair]
        if p.get(pair, 1.0) >= 0.05 or found["p"] is None or found["low"] <= 1:
            return False
        plain = found["together"] * found["orders"] / (found["first"] * found["second"])
        return bool(found["together"] >= 50 and found["lift"] >= 1.1 and plain > 1)

    return sorted(filter(worth, p), key=lambda pair: -earlier[pair]["low"])
