"""Segmentation as a whole: who gets which persona, and what is said about it."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import adjusted_rand_score

from retail_assets.segmentation.evaluation import AnonymousSales
from retail_assets.segmentation.segment import Segmentation, segment_customers
from retail_assets.tables import CUSTOMER_SEGMENTS
from retail_assets_tests.segmentation.shoppers import PLANTED, SNAPSHOT, customer, frame, planted_shoppers

THREE_KINDS = ("High-Value Customers", "Budget Shoppers", "Seasonal Shoppers")


def personas(segmentation: Segmentation) -> dict[str, str]:
    return dict(
        zip(segmentation.table["customer_id"].to_pylist(), segmentation.table["persona"].to_pylist(), strict=True)
    )


def content(segmentation: Segmentation) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    pq.write_table(segmentation.table, buffer)
    return buffer.getvalue(), json.dumps(segmentation.evaluation)


@pytest.fixture(scope="module")
def four_kinds() -> tuple[pd.DataFrame, list[str], Segmentation]:
    customers, truth = planted_shoppers(tuple(PLANTED), 120)
    return customers, truth, segment_customers(customers, snapshot=SNAPSHOT)


@pytest.mark.parametrize("kinds", [tuple(PLANTED), THREE_KINDS], ids=["four kinds", "three kinds"])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_kinds_of_shopper_are_found_and_named_rightly(kinds: tuple[str, ...], seed: int) -> None:
    customers, truth = planted_shoppers(kinds, 100, seed=seed)
    segmentation = segment_customers(customers, snapshot=SNAPSHOT, seed=seed)
    found = personas(segmentation)
    given = [found[customer_id] for customer_id in customers["customer_id"]]
    assert adjusted_rand_score(truth, given) >= 0.9
    assert np.mean(np.array(truth) == np.array(given)) >= 0.95
    assert segmentation.evaluation["k"] == len(kinds)


def test_the_table_is_the_warehouse_table(four_kinds: tuple[pd.DataFrame, list[str], Segmentation]) -> None:
    customers, _, segmentation = four_kinds
    assert segmentation.table.schema == CUSTOMER_SEGMENTS.arrow_schema()
    assert segmentation.table["customer_id"].to_pylist() == sorted(customers["customer_id"])
    assert sum(segmentation.table["monetary"].to_pylist()) == sum(customers["monetary"])
    segmentation.table.validate(full=True)


def test_profiles_add_up_to_all_customers_and_all_money(
    four_kinds: tuple[pd.DataFrame, list[str], Segmentation],
) -> None:
    customers, _, segmentation = four_kinds
    segments = segmentation.evaluation["segments"].values()
    assert sum(s["customers"] for s in segments) == len(customers) == segmentation.evaluation["customers"]
    assert sum(Decimal(s["revenue"]) for s in segments) == sum(customers["monetary"])
    assert sum(s["revenue_share"] for s in segments) == pytest.approx(1, abs=1e-3)


def test_what_was_not_measured_is_null_and_says_why(
    four_kinds: tuple[pd.DataFrame, list[str], Segmentation],
) -> None:
    evaluation = four_kinds[2].evaluation
    notes = " ".join(evaluation["notes"])
    for name in ("name_agreement", "kept_month_to_month"):
        assert evaluation[name] is None
        assert name in notes
    for name in ("next_revenue_share", "ranking_next_revenue_share"):
        assert evaluation["high_value"][name] is None
        assert name in notes
    assert evaluation["bootstrap_ari"] > 0.95
    assert evaluation["bootstrap_name_agreement"] > 0.95
    assert evaluation["silhouette"] > 0.6


def test_action_texts_carry_the_profile_and_the_currency() -> None:
    customers, _ = planted_shoppers(tuple(PLANTED), 40)
    segment = segment_customers(customers, snapshot=SNAPSHOT, currency="EUR").evaluation["segments"]["Budget Shoppers"]
    assert f"{segment['median_average_basket']:.2f} EUR" in segment["action"]
    assert f"{Decimal(segment['revenue']) / 10:,.0f} EUR" in segment["action"]


def test_the_same_customers_give_the_same_bytes_in_any_order_of_rows(
    four_kinds: tuple[pd.DataFrame, list[str], Segmentation],
) -> None:
    customers, _, segmentation = four_kinds
    shuffled = customers.sample(frac=1, random_state=7)
    assert content(segment_customers(shuffled, snapshot=SNAPSHOT)) == content(segmentation)


def test_another_seed_gives_the_same_personas(four_kinds: tuple[pd.DataFrame, list[str], Segmentation]) -> None:
    customers, _, segmentation = four_kinds
    assert personas(segment_customers(customers, snapshot=SNAPSHOT, seed=11)) == personas(segmentation)


def test_no_customers_is_an_empty_table_and_a_plain_statement() -> None:
    for snapshot in (None, SNAPSHOT):
        segmentation = segment_customers(frame([]), snapshot=snapshot)
        assert segmentation.table.schema == CUSTOMER_SEGMENTS.arrow_schema()
        assert segmentation.table.num_rows == 0
        assert segmentation.evaluation["k"] is None
        assert segmentation.evaluation["segments"] == {}
        assert "nobody to segment" in segmentation.evaluation["verdict"]
        json.dumps(segmentation.evaluation, allow_nan=False)


@pytest.mark.parametrize("count", [1, 3])
def test_a_handful_of_customers_is_not_segmented_and_says_why(count: int) -> None:
    customers = frame([customer(str(i), 3 + i, "100") for i in range(count)])
    segmentation = segment_customers(customers, snapshot=SNAPSHOT)
    assert set(personas(segmentation).values()) == {"Not Segmented"}
    assert segmentation.table["cluster"].to_pylist() == [None] * count
    assert segmentation.evaluation["k"] is None
    assert f"Only {count} of {count} customers" in segmentation.evaluation["verdict"]


def test_one_purchase_a_customer_is_said_to_be_no_ground_for_personas() -> None:
    """The seed's data set: 1,000 transactions of 1,000 customers."""
    customers = frame([customer(f"CUST{i:03d}", 1, str(25 + 7 * i), recency=i % 300) for i in range(200)])
    segmentation = segment_customers(customers, snapshot=SNAPSHOT)
    assert set(personas(segmentation).values()) == {"One Purchase"}
    assert segmentation.evaluation["k"] is None
    assert segmentation.evaluation["silhouette"] is None
    assert "one purchase a customer cannot be segmented by frequency" in segmentation.evaluation["verdict"]


def test_identical_customers_are_one_group_and_no_cluster() -> None:
    segmentation = segment_customers(frame([customer(str(i), 5, "50") for i in range(30)]), snapshot=SNAPSHOT)
    assert set(personas(segmentation).values()) == {"Not Segmented"}
    assert "alike" in segmentation.evaluation["verdict"]


def test_one_odd_customer_among_identical_ones_makes_no_four_personas() -> None:
    customers = frame([*(customer(f"{i:02d}", 5, "50") for i in range(30)), customer("odd", 400, "90000")])
    segmentation = segment_customers(customers, snapshot=SNAPSHOT)
    assert segmentation.evaluation["k"] == 2
    assert personas(segmentation)["odd"] == "High-Value Customers"


def test_an_extreme_customer_does_not_move_the_others() -> None:
    customers, _ = planted_shoppers(tuple(PLANTED), 80)
    before = personas(segment_customers(customers, snapshot=SNAPSHOT))
    giant = frame([customer("giant", 100_000, "9999999999999.99", recency=0)])
    after = personas(segment_customers(pd.concat([customers, giant]), snapshot=SNAPSHOT))
    assert after.pop("giant") == "High-Value Customers"
    assert np.mean([after[c] == before[c] for c in before]) >= 0.99


def test_customers_without_net_spend_and_with_one_purchase_stay_out_of_the_clusters(
    four_kinds: tuple[pd.DataFrame, list[str], Segmentation],
) -> None:
    customers, _, segmentation = four_kinds
    extra = frame(
        [
            customer("r1", 5, "-120.50", top_month_share=None),
            customer("r2", 1, "0"),
            customer("r3", 0, "-9999999999.99", top_month_share=None),
            customer("once", 1, "80"),
        ]
    )
    wider = segment_customers(pd.concat([customers, extra]), snapshot=SNAPSHOT)
    found = personas(wider)
    assert [found.pop(c) for c in ("r1", "r2", "r3", "once")] == ["No Net Spend"] * 3 + ["One Purchase"]
    assert found == personas(segmentation)
    assert wider.evaluation["clustered_customers"] == len(customers)
    assert wider.evaluation["segments"]["No Net Spend"]["revenue"] == "-10000000120.49"


def test_shares_of_a_negative_total_are_null_and_not_a_number_without_meaning() -> None:
    customers = frame([customer("a", 3, "10"), customer("b", 2, "-50")])
    evaluation = segment_customers(customers, snapshot=SNAPSHOT).evaluation
    assert {s["revenue_share"] for s in evaluation["segments"].values()} == {None}
    json.dumps(evaluation, allow_nan=False)


def test_any_text_is_a_customer_id() -> None:
    ids = ["Zoë", "北京-1", "🛒", "a'; drop table sales", " ", "{x}", "x" * 128, "1"]
    customers = frame([customer(c, 2 + i % 4 * 20, str(50 * (i + 1))) for i, c in enumerate(ids)])
    assert set(personas(segment_customers(customers, snapshot=SNAPSHOT))) == set(ids)


def test_one_day_of_data_is_segmented_by_what_it_shows() -> None:
    customers, _ = planted_shoppers(tuple(PLANTED), 40)
    customers = customers.assign(first_sale_date=SNAPSHOT, last_sale_date=SNAPSHOT, top_month_share=1.0)
    segmentation = segment_customers(customers, snapshot=SNAPSHOT)
    assert set(personas(segmentation).values()) == set(PLANTED)


def test_a_timestamp_will_do_as_snapshot() -> None:
    customers = frame([customer("a", 3, "10")])
    segmentation = segment_customers(customers, snapshot=pd.Timestamp(SNAPSHOT))
    assert segmentation.table["snapshot_date"].to_pylist() == [date(2023, 12, 31)]
    assert segmentation.evaluation["snapshot"] == "2023-12-31"


def test_anonymous_sales_are_stated() -> None:
    anonymous = AnonymousSales(lines=12, orders=5, revenue=Decimal("1234.50"))
    evaluation = segment_customers(frame([]), snapshot=SNAPSHOT, anonymous=anonymous).evaluation
    assert evaluation["anonymous"] == {"lines": 12, "orders": 5, "revenue": "1234.50"}
    assert any("12 sales lines in 5 orders, 1,234.50 of revenue" in note for note in evaluation["notes"])


def test_few_customers_are_said_to_speak_for_themselves_only() -> None:
    customers, _ = planted_shoppers(tuple(PLANTED), 4)
    evaluation = segment_customers(customers, snapshot=SNAPSHOT).evaluation
    assert any("Only 16 customers were clustered" in note for note in evaluation["notes"])
