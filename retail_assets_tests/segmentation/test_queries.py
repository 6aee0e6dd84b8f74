"""The SQL over a real embedded warehouse; the rows are few enough to add up by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_assets.segmentation.queries.customer_features import customer_features, sample
from retail_assets.segmentation.queries.sales import SCOPE
from retail_assets.tables import CUSTOMER_FEATURES
from retail_assets_tests.segmentation.shoppers import fill, line, warehouse_at


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    return warehouse_at(tmp_path)


def features(warehouse: Any, sales: list[dict[str, Any]], **options: Any) -> dict[str, dict[str, Any]]:
    fill(warehouse, sales)
    rows = warehouse.query(customer_features(**options))
    assert tuple(rows.column_names) == CUSTOMER_FEATURES.names
    return {row["customer_id"]: row for row in rows.to_pylist()}


def test_a_customer_is_one_row_with_exact_money_and_whole_orders(warehouse: Any) -> None:
    row = features(
        warehouse,
        [
            line("o1", "2023-01-05", "anna", "10.10"),
            line("o1", "2023-01-05", "anna", "0.20", category="Toys"),
            line("o2", "2023-01-31", "anna", "9.70"),
            line("o3", "2023-03-01", "anna", "20.00"),
            line("o4", "2023-04-01", None, "5.00"),
        ],
    )["anna"]
    assert (row["frequency"], row["purchase_days"], row["monetary"]) == (3, 3, Decimal("40.00"))
    assert row["average_basket"] == pytest.approx(40 / 3)
    assert (row["first_sale_date"], row["last_sale_date"]) == (dt.date(2023, 1, 5), dt.date(2023, 3, 1))
    assert (row["recency"], row["tenure"], row["window_days"]) == (31, 86, 87)
    assert row["top_month_share"] == pytest.approx(0.5)
    assert (row["gap_mean"], row["snapshot_date"]) == (27.5, dt.date(2023, 4, 1))
    assert row["gap_cv"] == pytest.approx(((26 - 27.5) ** 2 + (29 - 27.5) ** 2) ** 0.5 / 27.5)


def test_a_return_under_its_own_number_is_netted_but_is_no_purchase(warehouse: Any) -> None:
    row = features(
        warehouse, [line("o1", "2023-01-05", "bo", "30.00"), line("C1", "2023-02-05", "bo", "-10.00", quantity=-1)]
    )["bo"]
    assert (row["frequency"], row["monetary"], row["average_basket"]) == (1, Decimal("20.00"), 20.0)
    assert row["returned"] == Decimal("-10.00")
    assert row["top_month_share"] == 1.0, "a month of returns is no part of the spend"


def test_a_customer_with_nothing_but_returns_has_no_basket_and_no_best_month(warehouse: Any) -> None:
    row = features(warehouse, [line("C1", "2023-02-05", "cy", "-10.00", quantity=-1)])["cy"]
    assert (row["frequency"], row["average_basket"], row["top_month_share"]) == (0, 0.0, None)
    assert (row["weekend_share"], row["favourite_category"]) == (None, None)


def test_what_is_before_the_window_says_since_when_and_no_more(warehouse: Any) -> None:
    sales = [
        line("o0", "2020-05-05", "old", "99.00"),
        line("o1", "2020-06-05", "di", "500.00"),
        line("o2", "2023-11-30", "di", "10.00"),
        line("o3", "2023-12-01", "ed", "1.00"),
    ]
    rows = features(warehouse, sales)
    assert (rows["di"]["frequency"], rows["di"]["monetary"]) == (1, Decimal("10.00"))
    assert rows["di"]["first_sale_date"] == dt.date(2020, 6, 5)
    assert (rows["old"]["frequency"], rows["old"]["monetary"], rows["old"]["recency"]) == (0, 0, 1305)
    assert {row["window_days"] for row in rows.values()} == {365}
    assert "ed" not in features(warehouse, sales, snapshot=dt.date(2023, 11, 30))
    narrow = features(warehouse, sales, window_days=1)
    assert (narrow["di"]["frequency"], narrow["ed"]["frequency"], narrow["ed"]["window_days"]) == (0, 1, 1)


def test_the_same_month_of_two_years_is_two_months(warehouse: Any) -> None:
    row = features(
        warehouse,
        [line("o1", "2022-12-31", "di", "10.00"), line("o2", "2023-12-05", "di", "10.00")],
        window_days=400,
    )["di"]
    assert row["top_month_share"] == 0.5


def test_weekends_and_the_days_before_a_holiday_are_told_apart(warehouse: Any) -> None:
    row = features(
        warehouse,
        [
            line("o1", "2023-07-01", "ida", "10"),  # Saturday, three days before Independence Day
            line("o2", "2023-07-04", "ida", "20"),  # the day itself, a Tuesday
            line("o3", "2023-07-05", "ida", "30"),
            line("o4", "2023-07-09", "ida", "40"),  # Sunday
        ],
    )["ida"]
    assert row["weekend_share"] == pytest.approx(0.5)
    assert row["holiday_share"] == pytest.approx(0.3)


def test_the_favorite_is_the_category_furthest_above_its_part_of_all_money(warehouse: Any) -> None:
    sales = [line(f"b{i}", "2023-01-05", "all", "30", category="Books") for i in range(3)]
    sales += [line("x1", "2023-01-05", "fan", "5", category="Books")]
    sales += [line(f"g{i}", "2023-01-06", "fan", "2.50", category="Games") for i in range(2)]
    row = features(warehouse, sales)["fan"]
    assert (row["favourite_category"], row["favourite_share"], row["favourite_orders"]) == ("Games", 0.5, 2)
    assert row["favourite_index"] == pytest.approx(0.5 / 0.05)


def test_gender_and_age_are_the_latest_known_ones(warehouse: Any) -> None:
    sales = [
        line("o1", "2023-01-05", "gil", "1", gender="Female", age=39),
        line("o2", "2023-02-05", "gil", "1", age=40),
        line("o3", "2023-02-05", "hal", "1", age=17, age_group="teen"),
        line("o4", "2023-02-05", "ian", "1"),
    ]
    rows = features(warehouse, sales)
    assert [(rows[c]["gender"], rows[c]["age_group"]) for c in ("gil", "hal", "ian")] == [
        ("Female", "40-49"),
        (None, "teen"),
        (None, None),
    ]


def test_anonymous_sales_are_counted_beside_the_customers(warehouse: Any) -> None:
    fill(
        warehouse,
        [
            line("o1", "2023-01-05", "anna", "10.00"),
            line("o2", "2023-01-06", None, "5.00"),
            line("o2", "2023-01-06", None, "6.50"),
        ],
    )
    assert warehouse.query(SCOPE).to_pylist() == [
        {
            "snapshot_date": dt.date(2023, 1, 6),
            "first_date": dt.date(2023, 1, 5),
            "sales_lines": 3,
            "anonymous_lines": 2,
            "anonymous_orders": 1,
            "anonymous_revenue": Decimal("11.50"),
        }
    ]


def test_an_empty_table_has_no_customers_and_no_snapshot(warehouse: Any) -> None:
    assert features(warehouse, []) == {}
    [scope] = warehouse.query(SCOPE).to_pylist()
    assert (scope["snapshot_date"], scope["anonymous_revenue"]) == (None, Decimal("0.00"))


def test_a_sample_is_of_the_same_customers_whatever_the_order_of_rows(warehouse: Any) -> None:
    sales = [line(f"o{i}/{j}", f"2023-01-{j:02}", f"c{i:03}", "10") for i in range(50) for j in (1, 2)]

    def sampled() -> list[str]:
        rows = warehouse.query(sample(customer_features(), 20)).to_pylist()
        return sorted(row["customer_id"] for row in rows)

    fill(warehouse, sales)
    first = sampled()
    fill(warehouse, [*sales[::-1], line("new1", "2023-01-01", "zz", "1"), line("new2", "2023-01-02", "zz", "1")])
    assert len(first) == 20
    assert len(set(first) & set(sampled())) >= 19
