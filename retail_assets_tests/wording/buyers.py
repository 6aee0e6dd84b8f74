"""Buyers of a shop, one by one: who they are, and what each spent on each category."""

from __future__ import annotations

import functools
from statistics import fmean
from typing import Any, cast

import numpy as np
from scipy import stats

from retail_assets_tests.wording.shops import Shop

COLUMNS = {"gender": "gender", "age": "age_group"}
FEWEST = 20


@functools.lru_cache(maxsize=16)
def spending(shop: Shop) -> dict[str, dict[str, float]]:
    """What each buyer, a customer or an order without one, spent by category."""
    buyers: dict[str, dict[str, float]] = {}
    for buyer, category, amount in shop.ask(
        "SELECT coalesce(customer_id, 'order ' || order_id), product_category, "
        "sum(total_amount) FROM sales GROUP BY 1, 2"
    ):
        buyers.setdefault(buyer, {})[category] = float(amount)
    return buyers


@functools.lru_cache(maxsize=16)
def members(shop: Shop, trait: str) -> dict[str, str]:
    """The group of each buyer that has one: the only gender, or the last of the age bands."""
    groups: dict[str, set[str]] = {}
    column = COLUMNS[trait]
    for buyer, group in shop.ask(
        f"SELECT DISTINCT coalesce(customer_id, 'order ' || order_id), {column} FROM sales WHERE {column} IS NOT NULL"
    ):
        groups.setdefault(buyer, set()).add(group)
    return {buyer: max(found) for buyer, found in groups.items() if trait == "age" or len(found) == 1}


def anonymous(shop: Shop) -> set[str]:
    """The buyers that are an order without a customer."""
    return {f"order {order}" for (order,) in shop.ask("SELECT DISTINCT order_id FROM sales WHERE customer_id IS NULL")}


def compared(shop: Shop, trait: str) -> dict[str, list[str]]:
    """The buyers of each group that has enough of them; sorted by name, which is the order of age bands."""
    groups: dict[str, list[str]] = {}
    for buyer, group in members(shop, trait).items():
        groups.setdefault(group, []).append(buyer)
    return {group: groups[group] for group in sorted(groups) if len(groups[group]) >= FEWEST}


def left_out(shop: Shop, trait: str) -> tuple[str, ...]:
    return tuple(sorted(set(members(shop, trait).values()) - set(compared(shop, trait))))


def largest_categories(shop: Shop) -> list[str]:
    """The eleven categories of most revenue, by which groups are compared."""
    return [
        category
        for (category,) in shop.ask(
            "SELECT product_category FROM sales GROUP BY 1 ORDER BY sum(total_amount) DESC, 1 LIMIT 11"
        )
    ]


@functools.lru_cache(maxsize=64)
def by_category(shop: Shop, trait: str) -> dict[str, dict[str, Any]]:
    """By category: each group's part of all it spent, its mean share and mean spending, and the corrected p-values."""
    spent, groups, found = spending(shop), compared(shop, trait), {}
    for category in largest_categories(shop):
        amounts = {g: np.array([spent[b].get(category, 0.0) for b in buyers]) for g, buyers in groups.items()}
        positive = {g: np.array([sum(a for a in spent[b].values() if a > 0) for b in bs]) for g, bs in groups.items()}
        shares = {
            g: np.divide(np.maximum(amounts[g], 0), positive[g], out=np.zeros(len(amounts[g])), where=positive[g] > 0)
            for g in groups
        }
        found[category] = {
            "part": {g: amounts[g].sum() / sum(sum(spent[b].values()) for b in groups[g]) for g in groups},
            "share": {g: shares[g].mean() for g in groups},
            "spend": {g: amounts[g].mean() for g in groups},
            "p_share": welch(*shares.values()),
            "p_spend": welch(*amounts.values()),
        }
    for p in ("p_share", "p_spend"):
        for category, corrected in zip(found, _holm([cast(float, f[p]) for f in found.values()]), strict=True):
            found[category][p] = corrected
    return found


def welch(*samples: np.ndarray) -> float:
    """The p-value of equal means with variances free; 1 where all samples are the same amount."""
    if len({round(float(amount), 6) for sample in samples for amount in sample}) == 1:
        return 1.0
    return float(stats.f_oneway(*samples, equal_var=False).pvalue)


def _holm(values: list[float]) -> list[float]:
    """Each p-value times the number of those that are not smaller, and no less than any smaller one's."""
    times = {p: p * sum(other >= p for other in values) for p in values}
    return [min(1.0, max(times[q] for q in values if q <= p)) for p in values]


def totals(shop: Shop, trait: str) -> dict[str, list[float]]:
    """What each buyer of each group spent in all."""
    spent = spending(shop)
    return {g: [sum(spent[b].values()) for b in buyers] for g, buyers in compared(shop, trait).items()}


def coverage(shop: Shop, trait: str) -> dict[str, Any]:
    """How many customers have a trait, and what they spend against the others."""
    customers = {b: sum(s.values()) for b, s in spending(shop).items() if b not in anonymous(shop)}
    have = members(shop, trait)
    known = [amount for buyer, amount in customers.items() if buyer in have]
    others = [amount for buyer, amount in customers.items() if buyer not in have]
    column = COLUMNS[trait]
    lines, revenue = shop.one(
        f"SELECT count({column}) / count(*), sum(total_amount) FILTER ({column} IS NOT NULL) / sum(total_amount) "
        "FROM sales"
    )
    both = len(known) > 1 and len(others) > 1
    return {
        "known": len(known),
        "customers": len(customers),
        "share": len(known) / len(customers) if customers else 0.0,
        "lines": lines,
        "revenue": revenue,
        "spend": fmean(known) if both else None,
        "spend_others": fmean(others) if both else None,
        "p": float(stats.ttest_ind(known, others, equal_var=False).pvalue) if both else None,
    }


@functools.lru_cache(maxsize=16)
def best_first(shop: Shop) -> tuple[np.ndarray, np.ndarray]:
    """What each known customer brought, best first, and in how many orders."""
    rows = shop.ask(
        "SELECT sum(total_amount), count(DISTINCT order_id) FROM sales WHERE customer_id IS NOT NULL "
        "GROUP BY customer_id ORDER BY 1 DESC"
    )
    return np.array([float(r) for r, _ in rows]), np.array([o for _, o in rows])
