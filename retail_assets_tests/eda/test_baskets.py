"""Pairs that are bought together: chance, popular items and large orders give none; what is planted is found."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.eda.basket_queries import MOST_ITEMS
from retail_assets.eda.findings.baskets import affinity
from retail_assets.eda.findings.fixed_size import pairs_together
from retail_assets_tests.eda.conftest import Shop, analyse, sale
from retail_assets_tests.eda.sales_cases import START
from retail_assets_tests.trials import trials


@settings(max_examples=trials(30), deadline=None)
@given(
    weights=st.lists(st.floats(0.02, 50), min_size=2, max_size=7),
    size=st.integers(1, 7),
)
def test_orders_of_a_fixed_size_are_always_those_of_all_sets_of_it(weights: list[float], size: int) -> None:
    """Against every set of the size, weighted by the product of the weights of its items."""
    n, size = len(weights), min(size, len(weights))
    sets = list(itertools.combinations(range(n), size))
    chance = np.array([np.prod([weights[i] for i in chosen]) for chosen in sets])
    chance /= chance.sum()
    shares, pairs = np.zeros(n), np.zeros((n, n))
    for chosen, share in zip(sets, chance, strict=True):
        for i in chosen:
            shares[i] += share
        for i, j in itertools.permutations(chosen, 2):
            pairs[i, j] += share
    assert np.allclose(pairs_together(np.array([size]), shares[None, :])[0], pairs, atol=1e-7)


def orders(
    count: int, customers: int, seed: int, *, liking: float = 0.0, items: int = 8, product: bool = False
) -> list[dict[str, Any]]:
    """Orders of one to six different items, some far more popular; `liking`: item 4 brings item 5 along.

    Customers differ in how much they buy and in what they like, which makes their orders alike.
    """
    rng = random.Random(seed)
    taste = {c: [rng.lognormvariate(0, 0.5) / (i + 1) for i in range(items)] for c in range(customers)}
    large = {c: rng.randint(1, 5) for c in range(customers)}
    rows = []
    for number in range(count):
        who = rng.randrange(customers)
        wanted = sorted(range(items), key=lambda i: rng.expovariate(1) / taste[who][i])
        held = set(wanted[: rng.randint(1, large[who] + 1)])
        if 4 in held and rng.random() < liking:
            held.add(5)
        rows += [
            sale(
                number * 10 + item,
                order_id=f"O{number}",
                customer_id=f"C{who}",
                sold_at=START + dt.timedelta(days=number * 300 // count),
                product_category=f"category {item % 3}" if product else f"category {item}",
                product_id=f"P{item}" if product else None,
            )
            for item in held
        ]
    return rows


def test_a_planted_pair_is_found_confirmed_and_comes_first(shop: Shop) -> None:
    found = affinity(shop(orders(4000, 300, 1, liking=0.5)), "category")
    assert found is not None
    assert {found.pairs[0].first.name, found.pairs[0].second.name} == {"category 4", "category 5"}
    first = found.found[0]
    assert first == found.pairs[0]
    assert first.later.lift is not None
    assert first.later.low is not None
    assert first.later.low > 1
    assert found.tested == 28
    assert (found.first_day, found.last_day) == (dt.date(2023, 1, 2), dt.date(2023, 10, 28))
    assert found.later_from == dt.date(2023, 7, 1)


def test_counts_of_a_pair_are_those_of_the_orders(shop: Shop) -> None:
    rows = orders(600, 80, 2, liking=0.5)
    found = affinity(shop(rows), "category")
    assert found is not None
    held: dict[str, set[str]] = {}
    for row in rows:
        if row["sale_date"] >= found.later_from:
            held.setdefault(row["order_id"], set()).add(row["product_category"])
    for pair in found.pairs:
        both = {pair.first.name, pair.second.name}
        assert pair.later.together == sum(both <= items for items in held.values())
        assert pair.later.first == sum(pair.first.name in items for items in held.values())
        assert pair.later.second == sum(pair.second.name in items for items in held.values())
        assert pair.later.orders == len(held)


@pytest.mark.slow
def test_chance_popular_items_and_large_orders_make_no_pairs() -> None:
    """Independent items lift each other up to 1.6 times where large orders are not told from small ones."""
    tests, plain, wrong = [], [], 0
    for seed in range(12):
        found = affinity(analyse(orders(2500, 150, 100 + seed)), "category")
        assert found is not None
        tests += [pair.earlier.p for pair in found.pairs if pair.earlier.p is not None]
        plain += [pair.earlier.plain_lift for pair in found.pairs if pair.earlier.plain_lift is not None]
        wrong += bool(found.found)
    assert len(tests) > 250
    assert np.mean(np.array(tests) < 0.05) < 0.08
    assert wrong <= 1


def test_three_categories_cannot_like_each_other(shop: Shop) -> None:
    """Of three items two are chosen: how often each is left out decides everything."""
    found = affinity(shop(orders(1000, 100, 3, items=3)), "category")
    assert found is None or not found.found


def test_products_are_compared_with_their_categories(shop: Shop) -> None:
    data = shop(orders(3000, 300, 4, liking=0.6, product=True))
    found = affinity(data, "product")
    assert found is not None
    assert {(i.name, i.category) for i in (found.found[0].first, found.found[0].second)} == {
        ("P4", "category 1"), ("P5", "category 2"),
    }  # fmt: skip
    assert found.left_out == 0


def test_orders_of_one_category_and_returns_have_no_pairs(shop: Shop) -> None:
    assert affinity(shop(sale(n, product_category=f"{n % 5}") for n in range(300)), "category") is None
    back = [sale(n, order_id=f"O{n // 2}", product_category=f"{n % 2}", quantity=-1, total_amount=-1) for n in range(9)]
    assert affinity(shop(back), "category") is None
    assert affinity(shop([]), "category") is None


def test_only_the_most_frequent_of_many_categories_are_compared(shop: Shop) -> None:
    rows = [
        *orders(1500, 200, 5),
        *(sale(10**6 + n, order_id=f"O{n % 1500}", product_category=f"rare {n}") for n in range(3000)),
    ]
    found = affinity(shop(rows), "category")
    assert found is not None
    assert found.items == MOST_ITEMS
    assert found.left_out == 3008 - MOST_ITEMS
    assert len(found.pairs) == MOST_ITEMS * (MOST_ITEMS - 1) // 2
