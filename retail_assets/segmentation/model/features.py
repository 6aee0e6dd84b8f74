"""From rows of `customer_features` to what a model sees: typed, checked, sorted, and comparable over time.

A *features frame* is a pandas frame with the columns of `tables.CUSTOMER_FEATURES`, one row per customer, sorted by
customer id: counts as int64, money and shares as float64 (exact money stays in the warehouse), dates unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from retail_assets.errors import RetailError
from retail_assets.segmentation.personas.catalog import NAMING_FEATURES
from retail_assets.segmentation.queries.customer_features import MIN_PURCHASES, sample
from retail_assets.tables import CUSTOMER_FEATURES
from retail_assets.warehouse.protocol import Warehouse

MODEL_FEATURES = NAMING_FEATURES[:3]
"""Frequency, money and basket: what customers are clustered by. With recency, a third changed names every month."""

SAMPLE_CUSTOMERS = 100_000
"""Customers in a training at most. `docs/segments.md` has the measurement that more change nothing."""

CHUNK_CUSTOMERS = 100_000
"""Customers scored at a time."""

_YEAR_DAYS = 365.0


class CustomerDataError(RetailError):
    """Rows cannot be segmented: the message has the column or the customer, and the rule that is broken."""


def frame(rows: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """Build the features frame of rows of `customer_features`, which may be in any order.

    Raises:
        CustomerDataError: a column is missing, a required value is null or has the wrong type, a customer appears
            twice, or values contradict each other (a last sale after the snapshot, a negative count, an infinite
            basket).
    """
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    if missing := [name for name in CUSTOMER_FEATURES.names if name not in table.column_names]:
        raise CustomerDataError(
            f"customers lack {', '.join(missing)}; their columns are {', '.join(table.column_names) or 'none'}. "
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
    features = pd.DataFrame(columns).sort_values("customer_id", kind="stable", ignore_index=True)
    _reject_contradictions(features)
    return features


def naming_matrix(features: pd.DataFrame) -> np.ndarray:
    """Return `NAMING_FEATURES` of a features frame (customers x 5), scaled to a year of shopping.

    Frequency and money are projected to 365 days at the pace of the window. Otherwise every customer would rise in a
    shop's first months, while the window fills. A full window is unchanged. An undefined top-month share is 0.
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
    """Return a mask of the customers who can be clustered: enough purchases in the window, and net spend above zero."""
    enough = features["frequency"].to_numpy() >= MIN_PURCHASES
    mask: np.ndarray = enough & (features["monetary"].to_numpy(dtype=float) > 0)
    return mask


def seeded_sample(size: int, at_most: int, seed: int) -> np.ndarray:
    """Return positions of a seeded sample without replacement, ascending; all positions if they are few enough.

    >>> seeded_sample(3, 5, seed=0).tolist()
    [0, 1, 2]
    """
    if size <= at_most:
        return np.arange(size)
    return np.sort(np.random.default_rng(seed).choice(size, at_most, replace=False))


def read_sample(
    warehouse: Warehouse, features: str | None = None, *, at_most: int = SAMPLE_CUSTOMERS, everyone: bool = False
) -> pd.DataFrame:
    """Read a features frame of a stable sample: the same customers every time, chosen by a hash of their ids.

    Args:
        warehouse: has the customers.
        features: a SELECT of features rows, such as `queries.customer_features.customer_features()`; by default the
            table `customer_features`.
        at_most: customers in the sample.
        everyone: include customers who cannot be clustered.
    """
    return frame(warehouse.query(sample(features, at_most, everyone=everyone)))


def read_chunks(warehouse: Warehouse, select: str, size: int = CHUNK_CUSTOMERS) -> Iterator[pa.Table]:
    """Read the rows of a SELECT in tables of at least `size` rows (a batch is never cut), unordered."""
    held: list[pa.RecordBatch] = []
    for batch in warehouse.scan(select):
        held.append(batch)
        if sum(b.num_rows for b in held) >= size:
            yield pa.Table.from_batches(held)
            held = []
    if sum(b.num_rows for b in held):
        yield pa.Table.from_batches(held)


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
        # Few distinct values: each becomes a Python object once.
        coded = values.cast(kind).dictionary_encode().combine_chunks()
        distinct = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
        return pd.Series(distinct[coded.indices.fill_null(len(distinct) - 1).to_numpy()], dtype=object)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as e:
        raise CustomerDataError(
            f"customer_features.{field.name}: values do not fit {kind} ({e}). Materialize customer_features again."
        ) from e


def _reject_contradictions(features: pd.DataFrame) -> None:
    """Raise for the first customer whose row cannot be true. The frame must be sorted by customer."""
    if not len(features):
        return
    ids = features["customer_id"].to_numpy()
    share = features["top_month_share"].to_numpy(dtype=float)
    broken = {
        "the customer appears more than once": np.concatenate([[False], ids[1:] == ids[:-1]]),
        "frequency is negative": features["frequency"].to_numpy() < 0,
        "average_basket is not a finite number": ~np.isfinite(features["average_basket"].to_numpy(dtype=float)),
        "the last sale is after the snapshot": features["recency"].to_numpy() < 0,
        "the first sale is after the last": features["tenure"].to_numpy() < features["recency"].to_numpy(),
        "top_month_share is not between 0 and 1": (share < 0) | (share > 1 + 1e-9),
        "window_days is below 1": features["window_days"].to_numpy() < 1,
    }
    for rule, rows in broken.items():
        if rows.any():
            raise CustomerDataError(
                f"customer {ids[rows][0]!r}: {rule} ({int(rows.sum())} of {len(ids)} rows). "
                "Materialize sales and customer_features again."
            )
