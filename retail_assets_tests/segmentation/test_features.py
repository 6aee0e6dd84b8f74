"""What is let in as customers, and with which types it goes on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from retail_assets.segmentation.features import (
    CUSTOMERS_SCHEMA,
    CustomerDataError,
    naming_features,
    typed_customers,
)
from retail_assets_tests.segmentation.shoppers import SNAPSHOT, customer, frame


def test_rows_are_typed_and_sorted_by_customer() -> None:
    typed = typed_customers(
        frame([customer("ß", 2, "20"), customer("Z", 1, "5"), customer("a", 1, "1.5")]), snapshot=SNAPSHOT
    )
    assert typed.schema == CUSTOMERS_SCHEMA
    assert typed["customer_id"].to_pylist() == ["Z", "a", "ß"]
    assert typed["monetary"].to_pylist() == [Decimal("5.00"), Decimal("1.50"), Decimal("20.00")]


def test_money_from_a_driver_without_decimals_is_held_to_the_cent() -> None:
    customers = frame([customer("a", 2, "0.30")])
    customers["monetary"] = [0.1 + 0.2]
    customers["last_sale_date"] = pd.to_datetime(customers["last_sale_date"])
    typed = typed_customers(customers, snapshot=SNAPSHOT)
    assert typed["monetary"].to_pylist() == [Decimal("0.30")]
    assert typed["last_sale_date"].to_pylist() == [date(2023, 12, 21)]


def test_recency_is_days_before_the_snapshot_and_an_undefined_best_month_is_zero() -> None:
    typed = typed_customers(frame([customer("a", 0, "-5", recency=7, top_month_share=None)]), snapshot=SNAPSHOT)
    features = naming_features(typed, snapshot=SNAPSHOT)
    assert features[["recency", "top_month_share"]].to_dict("index") == {"a": {"recency": 7.0, "top_month_share": 0.0}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer_id": [None, "b"]}, r"customer_id: 1 of 2 values are null"),
        ({"customer_id": ["b", "b"]}, r"customer 'b': customer comes more than once"),
        ({"frequency": [-1, 2]}, r"customer 'a': frequency is negative"),
        ({"frequency": [1.5, 2]}, r"frequency: values do not fit int64"),
        ({"monetary": [float("nan"), 1.0]}, r"monetary: 1 of 2 values are null"),
        ({"monetary": [float("inf"), 1.0]}, r"monetary: values do not fit decimal128\(18, 2\)"),
        ({"monetary": ["a lot", "1"]}, r"monetary: values do not fit"),
        ({"average_basket": [float("inf"), 1.0]}, r"customer 'a': average_basket is not a finite number"),
        ({"last_sale_date": [date(2024, 1, 1)] * 2}, r"customer 'a': last_sale_date is after the snapshot 2023-12-31"),
        ({"first_sale_date": [date(2023, 12, 30)] * 2}, r"customer 'a': first_sale_date is after last_sale_date"),
        ({"top_month_share": [0.2, 1.2]}, r"customer 'b': top_month_share is not between 0 and 1"),
    ],
)
def test_rows_that_cannot_be_true_are_refused_by_customer_and_rule(change: dict[str, Any], message: str) -> None:
    customers = frame([customer("a", 2, "20"), customer("b", 2, "20")]).assign(**change)
    with pytest.raises(CustomerDataError, match=message):
        typed_customers(customers, snapshot=SNAPSHOT)


def test_missing_columns_are_named_with_those_found() -> None:
    with pytest.raises(CustomerDataError, match=r"lack frequency, monetary.*found customer_id"):
        typed_customers(pd.DataFrame({"customer_id": ["a"]}), snapshot=SNAPSHOT)


def test_customers_without_a_snapshot_are_refused() -> None:
    with pytest.raises(CustomerDataError, match="snapshot date"):
        typed_customers(frame([customer("a", 2, "20")]), snapshot=None)
