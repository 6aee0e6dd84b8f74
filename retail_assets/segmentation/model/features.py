"""From rows of `customer_features` to what a model sees: typed, in an order of its own, and comparable over time.

A *features frame* is a pandas frame with the columns of `tables.CUSTOMER_FEATURES`, one row a customer, sorted by
customer id: counts as int64, money and shares as float64 (exact money stays in the warehouse), dates as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.errors import RetailError
from retail_assets.segmentation.personas.catalog import NAMING_FEATURES as NAMING_FEATURES
from retail_assets.segmentation.queries import segments
from retail_assets.tables import CUSTOMER_FEATURES
from retail_assets.warehouse.protocol import Warehouse

MODEL_FEATURES = NAMING_FEATURES[:3]
"""Frequency, money and basket: what customers are clustered by. With recency, a third changed names every month."""

MIN_PURCHASES = 2
"""Purchases in the window from which a customer's frequency says anything; those with fewer are a group by rule."""

SAMPLE_CUSTOMERS = 100_000
"""Most customers that are ever in a training. `docs/segments.md` shows that more change nothing."""

CHUNK_CUSTOMERS = 100_000
"""Customers that are scored at a time."""

_YEAR_DAYS = 365.0


class CustomerDataError(RetailError):
    """Rows that cannot be segmented as they are: names the column, the customer and the rule broken."""


def frame(rows: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """The features frame of rows of `customer_features`, in any order.

    Raises:
        CustomerDataError: a column is missing, a required value is null or of a wrong type, a customer comes twice, or
            a value contradicts another (a last sale after the snapshot, a negative count, an infinite basket).
    """
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    if missing := [name for name in CUSTOMER_FEATURES.names if name not in table.column_names]:
        raise CustomerDataError(
            f"customers lack {', '.join(missing)}; found {', '.join(table.column_names) or 'no columns'}. "
            "Read them from customer_features."
        )
    columns: dict[str, Any] = {}
    for field in CUSTOMER_FEATURES.arrow_schema():
        values = table[field.name]
        if values.null_count and not field.nullable:
            raise CustomerDataError(
                f"customer_features.{field.name}: {values.null_count} of {len(values)} values are null. "
                "Materialize customer_features again."
            )
        columns[field.name] = _column(values, field)
    found = pd.DataFrame(columns).sort_values("customer_id", kind="stable", ignore_index=True)
    _refuse_contradictions(found)
    return found


def naming_matrix(features: pd.DataFrame) -> np.ndarray:
    """`NAMING_FEATURES` of a features frame (customers x 5) as a year of shopping has them.

    Frequency and money are those of 365 days at the pace of the window, so that a shop's first months, when the window
    fills, do not lift every customer; in a full window they are what they are. An undefined top-month share is 0.
    """
    pace = _YEAR_DAYS / features["window_days"].to_numpy(dtype=float)
    return np.column_stack(
        [
            features["frequency"].to_numpy(dtype=float) * pace,
            features["monetary"].to_numpy(dtype=float) * pace,
            features["average_basket"].to_numpy(dtype=float),
            features["recency"].to_numpy(dtype=float),
            np.nan_to_num(features["top_month_share"].to_numpy(dtype=float), nan=0.0),
        ]
    )


def eligible(features: pd.DataFrame) -> np.ndarray:
    """Which customers can be clustered (mask): enough purchases in the window, and something paid, net of returns."""
    enough = features["frequency"].to_numpy() >= MIN_PURCHASES
    mask: np.ndarray = enough & (features["monetary"].to_numpy(dtype=float) > 0)
    return mask


def read_sample(
    warehouse: Warehouse, features: str | None = None, *, at_most: int = SAMPLE_CUSTOMERS, everyone: bool = False
) -> pd.DataFrame:
    """A features frame of at most so many customers, chosen by a hash of their ids: the same customers every time.

    Args:
        warehouse: where they are.
        features: a SELECT of features rows, such as `queries.customer_features(...)`; by default the table.
        at_most: customers in the sample.
        everyone: also those who cannot be clustered.
    """
    return frame(warehouse.query(segments.sample(features, at_most, MIN_PURCHASES, everyone=everyone)))


def read_chunks(warehouse: Warehouse, size: int = CHUNK_CUSTOMERS) -> Iterator[pd.DataFrame]:
    """Features frames of all customers of the table, `size` at a time, in no order; memory does not grow."""
    held: list[pa.RecordBatch] = []
    for batch in warehouse.scan(f"SELECT {CUSTOMER_FEATURES.column_list} FROM {CUSTOMER_FEATURES.name}"):
        held.append(batch)
        if sum(b.num_rows for b in held) >= size:
            yield frame(pa.Table.from_batches(held))
            held = []
    if held and sum(b.num_rows for b in held):
        yield frame(pa.Table.from_batches(held))


def _column(values: pa.ChunkedArray, field: pa.Field) -> Any:
    kind = field.type
    try:
        if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
            return values.cast(pa.float64()).to_numpy().astype(float)
        if pa.types.is_integer(kind):
            whole = values.cast(pa.float64() if values.null_count else pa.int64())
            return whole.to_numpy()
        if field.name == "customer_id" or not len(values):
            return pd.Series(values.cast(kind).to_numpy(zero_copy_only=False), dtype=object)
        # Few different values: each is made a Python object once.
        coded = values.cast(kind).dictionary_encode().combine_chunks()
        known = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
        return pd.Series(known[coded.indices.fill_null(len(known) - 1).to_numpy()], dtype=object)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as e:
        raise CustomerDataError(
            f"customer_features.{field.name}: values do not fit {kind} ({e}). Materialize customer_features again."
        ) from e


def _refuse_contradictions(features: pd.DataFrame) -> None:
    """Name the first customer whose row cannot be true. Expects the frame sorted by customer."""
    if not len(features):
        return
    ids = features["customer_id"].to_numpy()
    share = features["top_month_share"].to_numpy(dtype=float)
    broken = {
        "customer comes more than once": np.concatenate([[False], ids[1:] == ids[:-1]]),
        "frequency is negative": features["frequency"].to_numpy() < 0,
        "average_basket is not a finite number": ~np.isfinite(features["average_basket"].to_numpy(dtype=float)),
        "the last sale is after the snapshot": features["recency"].to_numpy() < 0,
        "the first sale is after the last": features["tenure"].to_numpy() < features["recency"].to_numpy(),
        "top_month_share is not between 0 and 1": (share < 0) | (share > 1 + 1e-9),
        "the window has no day": features["window_days"].to_numpy() < 1,
    }
    for rule, rows in broken.items():
        if rows.any():
            raise CustomerDataError(
                f"customer {ids[rows][0]!r}: {rule} ({int(rows.sum())} such rows of {len(ids)}). "
                "Materialize sales and customer_features again, or check what fed segmentation."
            )
