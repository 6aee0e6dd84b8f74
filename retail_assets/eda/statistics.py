"""Summary statistics of the sales: the table `summary_statistics`, and `statistics.csv`, which shows its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from retail_assets.eda.data import EdaData
from retail_assets.storage.csv_cells import safe_cell
from retail_assets.tables import ALL_CATEGORIES, SUMMARY_STATISTICS

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("measure", "scope", "category", "count", "mean", "std", "min", "p25", "median", "p75", "max")

_SOURCES = ("mean", "std", "minimum", "p25", "p50", "p75", "maximum")
_NUMBERS = ("mean", "std", "minimum", "p25", "median", "p75", "maximum")


def statistics_rows(data: EdaData) -> list[dict[str, Any]]:
    """Make the rows of `summary_statistics`: by measure, overall first, then by category, the largest first.

    The measures are quantity, unit price and amount of an order line, and the amount of an order; the basket of a
    category is what one order spent on it. `std` is the sample standard deviation, None for a single value. Quartiles
    interpolate linearly. Four decimals; money is in the shop's currency.
    """
    frame = data.statistics
    made = []
    for measure in dict.fromkeys(frame["measure"]):
        rows = frame[frame["measure"] == measure]
        named = {row["product_category"]: row for row in rows.to_dict("records")}
        for category in (None, *(c.name for c in data.categories)):
            row = named.get(category)
            if row is None:
                continue
            values = (None if pd.isna(row[s]) else round(float(row[s]), 4) + 0.0 for s in _SOURCES)
            made.append(
                {
                    "measure": measure,
                    "scope": "all" if category is None else "category",
                    "product_category": ALL_CATEGORIES if category is None else category,
                    "value_count": int(row["n"]),
                    **dict(zip(_NUMBERS, values, strict=True)),
                }
            )
    return made


def statistics_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write the rows (see `statistics_rows`) as CSV, safe to open in a spreadsheet; overall, the category is empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        category = "" if row["scope"] == "all" else safe_cell(row["product_category"])
        values = ("" if row[name] is None else f"{row[name]:.4f}" for name in _NUMBERS)
        writer.writerow((row["measure"], row["scope"], category, row["value_count"], *values))
    return buffer.getvalue()


def statistics_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Make the rows (see `statistics_rows`) as they stand in the warehouse."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=SUMMARY_STATISTICS.arrow_schema())
