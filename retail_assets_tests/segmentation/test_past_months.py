"""Names over the months, and money out of time: what is compared, and what no later sale may change."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets.segmentation.evaluation import past_snapshots
from retail_assets.segmentation.evaluation.name_stability import MONTHS, name_stability
from retail_assets.segmentation.evaluation.next_quarter import captured, next_quarter
from retail_assets.segmentation.evaluation.past_snapshots import LEAST_DAYS, month_ends
from retail_assets.segmentation.personas.catalog import DEFAULT, HIGH_VALUE
from retail_assets.segmentation.queries.customer_features import customer_features
from retail_assets.warehouse.duckdb import DuckDBWarehouse
from retail_assets_tests.segmentation.shoppers import PLANTED, customer, fill, frame, line, planted_sales, warehouse_at

DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2030, 12, 31))


@pytest.fixture(scope="module")
def sales() -> list[dict[str, Any]]:
    rows, _ = planted_sales(tuple(PLANTED), 25, days=365)
    return [*rows, line("last", "2023-12-31", None, 1)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, sales: list[dict[str, Any]]) -> DuckDBWarehouse:
    return warehouse_at(tmp_path_factory.mktemp("history"), sales)


@given(DAYS, DAYS)
def test_months_compared_are_whole_follow_each_other_and_have_sales_before_them(first: dt.date, last: dt.date) -> None:
    result = month_ends(first, last, most=MONTHS + 1)
    assert len(result) <= MONTHS + 1
    for day in result:
        assert (day + dt.timedelta(1)).day == 1
        assert day <= last
        assert (day - first).days + 1 >= LEAST_DAYS
    for earlier, later in pairwise(result):
        assert (earlier + dt.timedelta(1)).month == later.month


def test_a_quarter_ago_of_a_year_of_sales_is_the_end_of_september(shop: DuckDBWarehouse) -> None:
    result = next_quarter(shop, DEFAULT)
    assert (result.cutoff, result.until) == (dt.date(2023, 9, 30), dt.date(2023, 12, 31))


def test_shares_of_the_next_quarter_add_up_and_the_best_customers_bring_more_than_their_share(
    shop: DuckDBWarehouse,
) -> None:
    result = next_quarter(shop, DEFAULT)
    for key in ("customers_share", "next_revenue_share"):
        assert sum(shares[key] for shares in result.by_persona.values()) == pytest.approx(1)
    assert result.customers_share is not None
    assert result.revenue_share is not None
    assert result.revenue_share > 1.5 * result.customers_share


def test_later_sales_change_the_money_and_never_the_segments(
    tmp_path: Path, shop: DuckDBWarehouse, sales: list[dict[str, Any]]
) -> None:
    """A segment that had seen the quarter would look better at it than it can be."""
    windfall = [line(f"windfall {i}", "2023-11-15", "Low-0000", 90_000) for i in range(30)]
    other = warehouse_at(tmp_path, [*sales, *windfall])
    before, after = next_quarter(shop, DEFAULT), next_quarter(other, DEFAULT)
    assert {n: s["customers_share"] for n, s in before.by_persona.items()} == {
        n: s["customers_share"] for n, s in after.by_persona.items()
    }
    assert before.revenue_share is not None
    assert after.revenue_share is not None
    assert after.revenue_share < before.revenue_share


def test_lists_are_as_long_as_the_segment_and_take_the_highest_spenders() -> None:
    customers = frame(
        customer(c, 2, str(money), recency=r) for c, money, r in (("a", 90, 1), ("b", 80, 1), ("c", 10, 300))
    )
    names = np.array([HIGH_VALUE.name, "Other", "Other"], dtype=object)
    day = dt.date(2023, 9, 30)
    result = captured(customers, names, np.array([30.0, 50.0, 20.0]), HIGH_VALUE.name, day, day)
    assert result.customers_share == pytest.approx(1 / 3)
    assert result.revenue_share == pytest.approx(0.3)
    assert result.ranking_share == pytest.approx(0.3)  # a has spent most
    swapped = captured(customers, names[[1, 0, 2]], np.array([30.0, 50.0, 20.0]), HIGH_VALUE.name, day, day)
    assert swapped.revenue_share == pytest.approx(0.5)
    assert swapped.ranking_share == pytest.approx(0.3)


def test_without_money_or_without_the_best_persona_shares_are_null_with_the_reason() -> None:
    customers = frame([customer("a", 2, "90")])
    day = dt.date(2023, 9, 30)
    nothing = captured(customers, np.array(["x"]), np.array([0.0]), "x", day, day)
    assert nothing.revenue_share is None
    assert "no net revenue" in str(nothing.why)
    nobody = captured(customers, np.array(["x"]), np.array([5.0]), "y", day, day)
    assert nobody.revenue_share is None
    assert nobody.by_persona["x"]["next_revenue_share"] == 1
    assert "No customer" in str(nobody.why)


def test_names_of_steady_shoppers_last(shop: DuckDBWarehouse) -> None:
    result = name_stability(shop, DEFAULT)
    assert result.why is None
    assert [str(day) for day in result.months][::6] == ["2023-06-30", "2023-12-31"]
    assert result.window_days == 181
    assert len(result.by_month) == 6
    for share in (result.kept, result.kept_frozen, result.name_agreement):
        assert share is not None
        assert 0.8 < share <= 1
    assert result.kept_or_left is not None
    assert result.kept is not None
    assert result.kept_or_left <= result.kept
    assert result.months_kept is not None
    assert 3 < result.months_kept <= 6


def test_too_short_a_history_is_said_and_not_filled_in(tmp_path: Path) -> None:
    shop = warehouse_at(tmp_path, [line(f"o{d}", dt.date(2023, 1, 1) + dt.timedelta(d), "c", 5) for d in range(100)])
    assert name_stability(shop, DEFAULT).kept is None
    assert "two month ends" in str(name_stability(shop, DEFAULT).why)
    assert next_quarter(shop, DEFAULT).revenue_share is None
    assert "three whole months" in str(next_quarter(shop, DEFAULT).why)


def test_a_shop_without_sales_has_no_history(tmp_path: Path) -> None:
    shop = warehouse_at(tmp_path)
    assert name_stability(shop, DEFAULT).why == "There are no sales."
    assert next_quarter(shop, DEFAULT).why == "There are no sales."


def test_customers_who_are_all_alike_have_no_names_to_keep(tmp_path: Path) -> None:
    shop = warehouse_at(tmp_path)
    alike = [
        line(f"{c}/{d}", dt.date(2023, 1, 1) + dt.timedelta(d), f"c{c}", 10)
        for c in range(10)
        for d in range(0, 365, 7)
    ]
    fill(shop, alike)
    result = name_stability(shop, DEFAULT)
    assert result.kept is None
    assert "alike" in str(result.why)
    assert "alike" in str(next_quarter(shop, DEFAULT).why)


def test_of_many_customers_a_part_is_looked_at_which_is_the_same_every_month(
    shop: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = next_quarter(shop, DEFAULT)
    monkeypatch.setattr(past_snapshots, "SAMPLED_CUSTOMERS", 60)
    part = next_quarter(shop, DEFAULT)
    assert 40 < part.customers <= 60 < everyone.customers
    months = [
        set(shop.query(customer_features(day, below="80")).column("customer_id").to_pylist())
        for day in (dt.date(2023, 9, 30), dt.date(2023, 12, 31))
    ]
    assert months[0] <= months[1]
    assert len(months[1]) < 100
    kept = name_stability(shop, DEFAULT).kept
    assert kept is not None
    assert kept > 0.7


def test_a_part_of_customers_is_named_by_hexadecimal_digits_only() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        customer_features(below="8' or '1'='1")
