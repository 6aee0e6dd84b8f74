"""From the rows of `queries.CUSTOMERS` to what the model sees: validated, typed, and in an order of its own."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.errors import RetailError
from retail_assets.tables import CUSTOMER_SEGMENTS

MODEL_FEATURES = ("frequency", "monetary", "average_basket")
"""What the clusters are made of. Recency is not: with it, a third of the customers changed names every month."""

NAMING_FEATURES = (*MODEL_FEATURES, "recency", "top_month_share")
"""What the clusters are named by."""

_MONEY = CUSTOMER_SEGMENTS.arrow_schema().field("monetary").type

CUSTOMERS_SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("frequency", pa.int64(), nullable=False),
        pa.field("monetary", _MONEY, nullable=False),
        pa.field("average_basket", pa.float64(), nullable=False),
        pa.field("first_sale_date", pa.date32(), nullable=False),
        pa.field("last_sale_date", pa.date32(), nullable=False),
        pa.field("top_month_share", pa.float64(), nullable=True),
    ]
)


class CustomerDataError(RetailError):
    """Rows that cannot be segmented as they are: names the column, the customer and the rule broken."""


def typed_customers(customers: pd.DataFrame, *, snapshot: date | None) -> pa.Table:
    """Validate one row a customer and give it the types of `CUSTOMERS_SCHEMA`, sorted by customer id.

    Sorting makes all that follows independent of the order in which a database happened to return the rows.

    Args:
        customers: the columns of `queries.CUSTOMERS`, in any order; others are ignored. Money may be `Decimal` or, from
            drivers without decimals, float; it is held to the cent.
        snapshot: last day of sales in the data; None is accepted only with no customers at all.

    Raises:
        CustomerDataError: a column is missing, a required value is null or of a wrong type, a customer comes twice, or
        a
            value contradicts another (a last sale after the snapshot, a negative count, an infinite basket).
    """
    if missing := [name for name in CUSTOMERS_SCHEMA.names if name not in customers.columns]:
        raise CustomerDataError(
            f"customers lack {', '.join(missing)}; found {', '.join(map(str, customers.columns)) or 'no columns'}. "
            "Read them with segmentation.queries.CUSTOMERS."
        )
    table = pa.table([_typed(customers[f.name], f) for f in CUSTOMERS_SCHEMA], schema=CUSTOMERS_SCHEMA)
    table = table.take(pc.sort_indices(table, sort_keys=[("customer_id", "ascending")]))
    _refuse_contradictions(table, snapshot)
    return table


def _typed(values: pd.Series, field: pa.Field) -> pa.Array:
    try:
        if pa.types.is_decimal(field.type) and pd.api.types.is_float_dtype(values):
            cent = Decimal("0.01")
            values = pd.Series(
                [None if pd.isna(v) else Decimal(repr(float(v))).quantize(cent, ROUND_HALF_EVEN) for v in values],
                dtype=object,
            )
        array = pa.array(values, from_pandas=True)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        array = array.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ArithmeticError) as error:
        raise CustomerDataError(
            f"customers.{field.name}: values do not fit {field.type} ({error}). "
            "Read them with segmentation.queries.CUSTOMERS."
        ) from error
    if array.null_count and not field.nullable:
        raise CustomerDataError(
            f"customers.{field.name}: {array.null_count} of {len(array)} values are null. "
            "Sales without a customer are excluded before segmentation; read segmentation.queries.CUSTOMERS."
        )
    return array


def _refuse_contradictions(table: pa.Table, snapshot: date | None) -> None:
    """Name the first customer whose row cannot be true. Expects the table sorted by customer."""
    if not len(table):
        return
    if snapshot is None:
        raise CustomerDataError(
            "segmentation needs the snapshot date (last day of sales) to say how long ago a sale was"
        )
    ids = table["customer_id"].to_numpy(zero_copy_only=False)
    basket = table["average_basket"].to_numpy()
    first, last = (table[name].to_numpy() for name in ("first_sale_date", "last_sale_date"))
    share = table["top_month_share"].to_numpy(zero_copy_only=False)
    broken = {
        "customer comes more than once": np.concatenate([[False], ids[1:] == ids[:-1]]),
        "frequency is negative": table["frequency"].to_numpy() < 0,
        "average_basket is not a finite number": ~np.isfinite(basket),
        "first_sale_date is after last_sale_date": first > last,
        f"last_sale_date is after the snapshot {snapshot}": last > np.datetime64(snapshot),
        "top_month_share is not between 0 and 1": (share < 0) | (share > 1 + 1e-9),
    }
    for rule, rows in broken.items():
        if rows.any():
            raise CustomerDataError(
                f"customer {ids[rows][0]!r}: {rule} ({int(rows.sum())} such rows of {len(ids)}). "
                "Re-materialize sales, or check the query that fed segmentation."
            )


def naming_features(customers: pa.Table, *, snapshot: date | None) -> pd.DataFrame:
    """Numbers of the customers of `typed_customers`, as floats: `NAMING_FEATURES` by customer id.

    `recency` is days from the last sale to the snapshot. An undefined top-month share (no month above zero) is 0.
    """
    frame = pd.DataFrame(index=pd.Index(customers["customer_id"].to_pylist(), name="customer_id", dtype=object))
    for name in MODEL_FEATURES:
        frame[name] = customers[name].cast(pa.float64()).to_numpy()
    last = customers["last_sale_date"].to_numpy()
    frame["recency"] = (np.datetime64(snapshot) - last).astype("timedelta64[D]").astype(float) if len(last) else 0.0
    frame["top_month_share"] = np.nan_to_num(
        customers["top_month_share"].to_numpy(zero_copy_only=False).astype(float), nan=0.0
    )
    return frame[list(NAMING_FEATURES)]
