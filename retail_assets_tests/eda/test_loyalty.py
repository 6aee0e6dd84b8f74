"""New and returning customers, and cohorts: what the sales say, and what their beginning hides."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from retail_assets.eda.findings.loyalty import cohorts, comeback, newcomers
from retail_assets_tests.eda.conftest import Shop, sale


def visits(*months: tuple[str, int, int], day: int = 15, first: str = "2023-01-01", last: str = "2023-12-31") -> Any:
    """Make one order each of `customers` named `letter`0…, in each given month; two anonymous orders bound the days."""
    rows = [sale(0, sold_at=dt.datetime.fromisoformat(d), customer_id=None, order_id=d) for d in (first, last)]
    for letter, month, customers in months:
        rows += [
            sale(
                len(rows) + n,
                order_id=f"{letter}{n}/{month}",
                customer_id=f"{letter}{n}",
                sold_at=dt.datetime(2023 + (month - 1) // 12, (month - 1) % 12 + 1, day),
            )
            for n in range(customers)
        ]
    return rows


REGULARS = [("r", month, 30) for month in range(1, 13)]


def test_customers_are_new_once_and_the_first_month_is_not_counted(shop: Shop) -> None:
    found = newcomers(shop(visits(*REGULARS, *[(f"n{m}", m, 5) for m in range(2, 13)])))
    assert found is not None
    assert found.burn_in.months == 1
    assert found.burn_in.mistaken == 0
    assert [m.first_seen for m in found.months] == [30, *[5] * 11]
    assert [m.seen_before for m in found.months] == [0, *[30] * 11]
    assert found.first_seen == 55
    assert found.revenue_share == 5 / 35
    assert found.returning == 30
    assert [m.burn_in for m in found.months] == [True, *[False] * 11]


def test_customers_who_come_every_third_month_lengthen_the_burn_in(shop: Shop) -> None:
    """With a month or two to look back they look new; with three they do not."""
    every = [(f"q{start}", m, 20) for start in (1, 2, 3) for m in range(start, 13, 3)]
    found = newcomers(shop(visits(*every, ("n", 11, 4))))
    assert found is not None
    assert found.burn_in.months == 3
    assert found.burn_in.told_apart
    assert found.first_seen == 4


def test_where_most_who_look_new_are_old_it_is_said(shop: Shop) -> None:
    rng = random.Random(1)
    rare = [(f"s{n}", m, 1) for n in range(200) for m in rng.sample(range(1, 13), 3)]
    found = newcomers(shop(visits(*rare)))
    assert found is not None
    assert not found.burn_in.told_apart
    assert found.burn_in.mistaken is not None
    assert found.burn_in.mistaken > 0.2


def test_a_last_month_that_is_not_over_is_in_no_cohort(shop: Shop) -> None:
    data = shop(visits(*REGULARS, ("n", 5, 10), ("n", 6, 4), ("x", 12, 9), last="2023-12-20"))
    found, split = cohorts(data), newcomers(data)
    assert found is not None
    assert split is not None
    assert [(c.start.month, c.early, c.active) for c in found.cohorts] == [
        (1, True, (30,) * 11),
        (5, False, (10, 4, 0, 0, 0, 0, 0)),
    ]
    assert found.cohorts[1].shares[1] == 0.4
    assert found.cohorts[1].revenue[:2] == (100, 40)
    assert [m.whole for m in split.months] == [*[True] * 11, False]


def test_a_first_month_that_is_cut_off_is_history(shop: Shop) -> None:
    data = shop(visits(*[("r", m, 30) for m in range(1, 8)], ("n", 5, 10), first="2023-01-15", last="2023-07-31"))
    found = cohorts(data)
    assert found is not None
    assert [(c.start.month, c.early) for c in found.cohorts] == [(1, True), (5, False)]


def test_two_years_are_shown_by_the_quarter(shop: Shop) -> None:
    rows = visits(*[("r", m, 30) for m in range(1, 31)], ("n", 8, 10), ("n", 11, 5), last="2025-06-30")
    found = cohorts(shop(rows))
    assert found is not None
    assert found.period == "quarter"
    assert [(c.start, c.active[:3]) for c in found.cohorts] == [
        (dt.date(2023, 1, 1), (30, 30, 30)),
        (dt.date(2023, 7, 1), (10, 5, 0)),
    ]


def test_first_time_customers_are_compared_with_those_seen_before(shop: Shop) -> None:
    data = shop(visits(*REGULARS, ("n", 5, 40), ("n", 6, 12), ("m", 7, 20), ("m", 9, 10)))
    found = comeback(data)
    assert found is not None
    assert (found.start, found.end) == (dt.date(2023, 2, 1), dt.date(2023, 11, 1))
    assert (found.first, found.back) == (60, 12)
    # The regulars in each of ten months; the twelve in June, who did not come in July; the ten in September.
    assert found.before == (30 * 10) / (30 * 10 + 12 + 10)
    assert found.clear


def test_nothing_is_said_of_few_customers_few_months_or_nobody(shop: Shop) -> None:
    assert comeback(shop(visits(*REGULARS, ("n", 5, 10)))) is None
    assert newcomers(shop(visits(*REGULARS[:4], last="2023-04-30"))) is None
    assert cohorts(shop(visits(*[(f"n{m}", m, 5) for m in range(1, 13)]))) is None
    for rows in ([], [sale(1)], visits(), [sale(1, quantity=-1, total_amount=-5)]):
        assert newcomers(shop(rows)) is None
        assert cohorts(shop(rows)) is None
        assert comeback(shop(rows)) is None


def test_who_only_returns_something_is_no_new_customer(shop: Shop) -> None:
    rows = visits(*REGULARS)
    rows.append(sale(999, customer_id="x", order_id="R", sold_at=dt.datetime(2023, 8, 1), quantity=-1, total_amount=-7))
    found = newcomers(shop(rows))
    assert found is not None
    assert found.first_seen == 0
    assert found.months[7].revenue_before == 300 - 7
    assert found.months[7].seen_before == 30
