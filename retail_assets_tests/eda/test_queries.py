"""The SQL stays within what DuckDB and Redshift share, and the aggregates are what plain Python makes of the rows."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.eda.data import load
from retail_assets.eda.queries import QUERIES
from retail_assets_tests.eda.conftest import Shop, open_shop, sale
from retail_assets_tests.eda.sales_cases import lively, many_categories
from retail_assets_tests.trials import trials

NOT_ON_BOTH = (
    r"\bfilter\s*\(", r"group by all", r"\bqualify\b", r"::", r"percentile_cont", r"\bmedian\s*\(", r"\bavg\s*\(",
    r"\blist", r"\bunnest\b", r"\bstrftime\b", r"\barg_m", r"\bexclude\b", r"\busing sample\b", r"\bdayname\b",
    r"\bisodow\b", r"\bcount_if\b", r"\bany_value\b", r"\[",
)  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_uses_nothing_that_only_one_warehouse_has(name: str) -> None:
    found = [p for p in NOT_ON_BOTH if re.search(p, QUERIES[name], re.IGNORECASE)]
    assert not found


@pytest.mark.parametrize("name", QUERIES)
def test_an_ordered_aggregate_window_has_a_frame_as_redshift_demands(name: str) -> None:
    for window in re.findall(r"\b(?:sum|count|min|max)\([^)]*\)\s+over\s+\(([^)]*)\)", QUERIES[name]):
        assert "order by" not in window or "rows" in window


def test_no_query_brings_back_the_rows_of_the_fact() -> None:
    rows = [sale(i, order_id=f"O{i // 2}", customer_id=f"C{i % 500}", total_amount=1 + i % 50) for i in range(5000)]
    with open_shop(rows) as connection:
        sizes = {name: connection.sql(sql).to_arrow_table().num_rows for name, sql in QUERIES.items()}
    assert max(sizes.values()) <= 100


def test_counts_and_money_are_exact(shop: Shop) -> None:
    rows = lively()
    overview = shop(rows).overview
    assert overview.lines == len(rows)
    assert overview.orders == len({r["order_id"] for r in rows})
    assert overview.customers == len({r["customer_id"] for r in rows})
    assert overview.revenue == sum(r["total_amount"] for r in rows)
    assert overview.returned == sum(r["total_amount"] for r in rows if r["total_amount"] < 0)
    assert overview.return_lines == sum(r["quantity"] < 0 for r in rows)
    assert overview.timed_lines == len(rows)


def test_categories_come_by_revenue_and_add_up_to_the_total(shop: Shop) -> None:
    data = shop(many_categories())
    revenue = [c.revenue for c in data.categories]
    assert revenue == sorted(revenue, reverse=True)
    assert sum(revenue) == data.overview.revenue
    assert len(data.category_months["product_category"].unique()) == 11


def test_days_without_a_sale_are_there_as_zero(shop: Shop) -> None:
    data = shop([sale(1), sale(2, sold_at=dt.datetime(2024, 1, 4, 9))])
    assert data.daily["revenue"].tolist() == [10, 0, 0, 10]
    assert data.daily["orders"].tolist() == [1, 0, 0, 1]


def test_weekdays_of_the_heat_map_count_from_monday(shop: Shop) -> None:
    monday, sunday = dt.datetime(2024, 1, 1, 9), dt.datetime(2024, 1, 7, 17)
    hours = shop([sale(1, sold_at=monday), sale(2, sold_at=sunday)]).hours
    assert set(zip(hours["weekday"], hours["hour_of_day"], strict=True)) == {(0, 9), (6, 17)}


def test_a_customer_of_two_genders_has_none(shop: Shop) -> None:
    rows = [
        sale(1, customer_id="A", gender="Female"), sale(2, customer_id="A", gender="Male"),
        sale(3, customer_id="B", gender="Male"), sale(4, customer_id="B"),
    ]  # fmt: skip
    groups = shop(rows).customer_groups
    assert groups.loc[groups["product_category"].isna(), ["member", "buyers"]].to_numpy().tolist() == [["Male", 1.0]]


def test_shares_of_a_customers_spending_add_up_to_one_for_each_buyer(shop: Shop) -> None:
    groups = shop(lively()).customer_groups
    parts = groups[groups["product_category"].notna()].groupby(["trait", "member"])["share"].sum()
    whole = groups[groups["product_category"].isna()].set_index(["trait", "member"])["buyers"]
    assert np.allclose(parts.sort_index(), whole.sort_index())


def test_baskets_of_a_return_only_are_no_baskets(shop: Shop) -> None:
    data = shop([sale(1, total_amount=1234.56), sale(2, quantity=-1, total_amount=-7)])
    assert data.basket_amounts.to_numpy().tolist() == [[1230.0, 1.0]]


@settings(max_examples=trials(10), deadline=None)
@given(st.lists(st.decimals(-(10**6), 10**6, places=2), min_size=1, max_size=40))
def test_statistics_are_always_those_of_numpy(amounts: list[Decimal]) -> None:
    with open_shop(sale(i, total_amount=a, unit_price=1) for i, a in enumerate(amounts)) as connection:
        frame = load(lambda sql: connection.sql(sql).to_arrow_table()).statistics
    values = np.array([float(a) for a in amounts])
    for measure in ("total_amount", "basket_amount"):
        row = frame[(frame["measure"] == measure) & frame["product_category"].isna()].iloc[0]
        expected = [len(values), values.mean(), *np.percentile(values, [0, 25, 50, 75, 100])]
        assert np.allclose(row[["n", "mean", "minimum", "p25", "p50", "p75", "maximum"]].astype(float), expected)
        if len(values) > 1:
            assert np.isclose(row["std"], values.std(ddof=1), atol=1e-6)
        else:
            assert np.isnan(row["std"])
