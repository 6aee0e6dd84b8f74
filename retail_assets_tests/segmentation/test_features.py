"""Which rows of features are rejected, and what the model sees of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.model.features import (
    CustomerDataError,
    eligible,
    frame,
    naming_matrix,
    read_chunks,
    read_sample,
)
from retail_assets_tests.segmentation.shoppers import customer, line, rows, warehouse_at
from retail_assets_tests.segmentation.shoppers import frame as features_of


def test_rows_in_any_order_become_the_same_frame() -> None:
    customers = [customer(name, 3, "10.50") for name in ("b", "ä", "a", "1")]
    assert frame(rows(customers)).equals(frame(rows(customers[::-1])))
    assert frame(rows(customers))["customer_id"].tolist() == ["1", "a", "b", "ä"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frequency": -1}, "frequency is negative"),
        ({"average_basket": float("inf")}, "not a finite number"),
        ({"average_basket": float("nan")}, "not a finite number"),
        ({"recency": -3}, "after the snapshot"),
        ({"tenure": 1, "recency": 2}, "first sale is after the last"),
        ({"top_month_share": 1.5}, "not between 0 and 1"),
        ({"window_days": 0}, "window_days is below 1"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(CustomerDataError, match=rf"'odd': .*{message}.*1 of 2 rows"):
        features_of([customer("fine", 3, "10"), customer("odd", 3, "10") | wrong])


def test_a_customer_twice_and_a_missing_column_are_refused() -> None:
    with pytest.raises(CustomerDataError, match="'a': the customer appears more than once"):
        features_of([customer("a", 3, "10"), customer("a", 4, "10")])
    with pytest.raises(CustomerDataError, match="lack window_days"):
        frame(rows([customer("a", 3, "10")]).drop_columns(["window_days"]))
    nulls = rows([customer("a", 3, "10")])
    nulls = nulls.set_column(1, "frequency", pa.array([None], pa.int64()))
    with pytest.raises(CustomerDataError, match=r"frequency: 1 of 1 values are null"):
        frame(nulls)


def test_a_filling_window_does_not_lift_the_customers() -> None:
    """Half a year of the same shopping looks like a year of it."""
    whole = naming_matrix(features_of([customer("a", 24, "480")]))
    half = naming_matrix(features_of([customer("a", 12, "240", window_days=182)]))
    assert np.allclose(whole, half, rtol=0.01)


def test_the_customers_who_can_be_clustered() -> None:
    features = features_of([customer("a", 2, "1"), customer("b", 1, "9"), customer("c", 3, "0"), customer("d", 0, "0")])
    assert eligible(features).tolist() == [True, False, False, False]


def test_chunks_hold_every_customer_once(tmp_path: Path) -> None:
    sales = [line(f"o{i}", "2023-01-05", f"c{i:04d}", "10") for i in range(250)]
    warehouse = warehouse_at(tmp_path, sales)
    assert make_features(warehouse) == 250
    chunks = list(read_chunks(warehouse, "SELECT * FROM customer_features", 100))
    assert sorted(name for chunk in chunks for name in chunk["customer_id"].to_pylist()) == [
        f"c{i:04d}" for i in range(250)
    ]
    assert len(read_sample(warehouse, at_most=30, everyone=True)) == 30
    assert len(read_sample(warehouse)) == 0
