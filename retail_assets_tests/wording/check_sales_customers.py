"""What sentences about who buys are made from, recomputed."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np

from retail_assets.wording.sales_customers import Group
from retail_assets_tests.wording.buyers import (
    FEWEST,
    anonymous,
    best_first,
    by_category,
    compared,
    coverage,
    largest_categories,
    left_out,
    members,
    totals,
    welch,
)
from retail_assets_tests.wording.checks import Facts, recomputes
from retail_assets_tests.wording.days import CHANCE, near
from retail_assets_tests.wording.shops import Shop


def _group(shop: Shop, trait: str, name: str) -> Group:
    return Group(name, len(compared(shop, trait)[name]))


@recomputes("sales.trait_known")
def _trait_known(shop: Shop, facts: Facts) -> Facts:
    found = coverage(shop, facts["trait"])
    p = None if found["p"] is None else near(facts["p"], found["p"])
    return {
        **found,
        "trait": facts["trait"],
        "p": p,
        "clear": p is not None and p < CHANCE,
        "currency": shop.currency,
    }


@recomputes("sales.spending")
def _spending(shop: Shop, facts: Facts) -> Facts:
    trait = facts["trait"]
    spent = totals(shop, trait)
    p = welch(*map(np.array, spent.values()))
    return {
        "trait": trait,
        "spend": tuple((_group(shop, trait, g), fmean(amounts)) for g, amounts in spent.items()),
        "p": near(facts["p"], p),
        "clear": p < CHANCE,
        "orders": len(anonymous(shop) & set(members(shop, trait))),
        "currency": shop.currency,
    }


@recomputes("sales.preference")
def _preference(shop: Shop, facts: Facts) -> Facts:
    trait = facts["trait"]
    found = by_category(shop, trait)

    def gap(category: str, of: str = "part") -> float:
        part, values = found[category]["part"], found[category][of]
        return float(values[max(part, key=part.__getitem__)] - values[min(part, key=part.__getitem__)])

    worth = [c for c in found if found[c]["p_share"] < CHANCE and min(gap(c), gap(c, "share")) >= 0.02]
    widest = {c for c in found if gap(c) > max(map(gap, found)) - 1e-9}  # of two categories both
    assert facts["category"] in (worth or widest)
    category = facts["category"]
    part, share = found[category]["part"], found[category]["share"]
    high, low = max(part, key=part.__getitem__), min(part, key=part.__getitem__)
    p = found[category]["p_share"]
    return {
        "trait": trait,
        "category": category,
        "high": _group(shop, trait, high),
        "high_part": part[high],
        "high_mean": share[high],
        "low": _group(shop, trait, low),
        "low_part": part[low],
        "low_mean": share[low],
        "p": near(facts["p"], p),
        "clear": p < CHANCE,
        "worth_acting_on": category in worth,
        "groups": len(part),
    }


@recomputes("sales.parts")
def _parts(shop: Shop, facts: Facts) -> Facts:
    found = by_category(shop, "gender")
    categories = largest_categories(shop)[:5]
    return {"groups": tuple((g, tuple((c, found[c]["part"][g]) for c in categories)) for g in compared(shop, "gender"))}


@recomputes("sales.spends_more")
def _spends_more(shop: Shop, facts: Facts) -> Facts:
    found = by_category(shop, "gender")[facts["category"]]
    spend = found["spend"]
    high, low = max(spend, key=spend.__getitem__), min(spend, key=spend.__getitem__)
    assert found["p_spend"] < CHANCE
    return {
        "category": facts["category"],
        "high": _group(shop, "gender", high),
        "high_spend": spend[high],
        "low": _group(shop, "gender", low),
        "low_spend": spend[low],
        "p": near(facts["p"], found["p_spend"]),
        "currency": shop.currency,
    }


@recomputes("sales.groups_too_small")
def _groups_too_small(shop: Shop, facts: Facts) -> Facts:
    assert len(compared(shop, facts["trait"])) < 2
    return {"trait": facts["trait"], "fewest": FEWEST}


@recomputes("sales.groups_left_out")
def _groups_left_out(shop: Shop, facts: Facts) -> Facts:
    [names] = [n for n in (left_out(shop, "gender"), left_out(shop, "age")) if set(n) == set(facts["names"])]
    return {"names": names, "fewest": FEWEST}


@recomputes("sales.concentration")
def _concentration(shop: Shop, facts: Facts) -> Facts:
    revenue, _ = best_first(shop)
    # The page reads a curve through hundredths of the customers; between them it is straight.
    hundredths = np.array_split(revenue, min(100, len(revenue)))
    customers = np.cumsum([0, *map(len, hundredths)]) / len(revenue)
    brought = np.cumsum([0.0, *(part.sum() for part in hundredths)]) / revenue.sum()
    found = {
        "customers": len(revenue),
        "best_20": float(np.interp(0.2, customers, brought)),
        "best_10": float(np.interp(0.1, customers, brought)),
        "half": float(np.interp(0.5, brought, customers)),
    }
    for share, name in ((0.1, "best_10"), (0.2, "best_20")):
        # A tenth of 129 customers is between 12 and 13 of them.
        fewer, more = (revenue[: of(share * len(revenue))].sum() / revenue.sum() for of in (math.floor, math.ceil))
        assert fewer - 0.001 < found[name] < more + 0.001
    return found


@recomputes("sales.concentration_not_known")
def _concentration_not_known(shop: Shop, facts: Facts) -> Facts:
    revenue, _ = best_first(shop)
    assert len(revenue) < 10 or revenue.sum() <= 0
    return {"customers": len(revenue), "fewest": 10}


@recomputes("sales.orders_per_customer")
def _orders_per_customer(shop: Shop, facts: Facts) -> Facts:
    _, orders = best_first(shop)
    return {"customers": len(orders), "orders": orders.mean(), "once": np.mean(orders == 1)}
