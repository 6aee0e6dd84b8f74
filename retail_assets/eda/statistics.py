"""`statistics.csv`: summary statistics of the sales, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pandas as pd

from retail_assets.eda.data import EdaData
from retail_assets.storage.csv_cells import safe_cell

COLUMNS = ("measure", "scope", "category", "count", "mean", "std", "min", "p25", "median", "p75", "max")

_SOURCES = ("mean", "std", "minimum", "p25", "p50", "p75", "maximum")


def statistics_csv(data: EdaData) -> str:
    """Write one row per measure and scope: quantity, unit price and amount of an order line, and amount of an order.

    `scope` is `all` or `category`; the basket of a category is what one order spent on it. `std` is the sample standard
    deviation, empty for a single value. Quartiles interpolate linearly. Four decimals; money is in the shop's currency.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    frame = data.statistics
    for measure in dict.fromkeys(frame["measure"]):
        rows = frame[frame["measure"] == measure]
        named = {row["product_category"]: row for row in rows.to_dict("records")}
        for category in (None, *(c.name for c in data.categories)):
            row = named.get(category)
            if row is None:
                continue
            names = (measure, "all" if category is None else "category", safe_cell(category or ""))
            values = ("" if pd.isna(row[s]) else f"{round(row[s], 4) + 0.0:.4f}" for s in _SOURCES)
            writer.writerow((*names, int(row["n"]), *values))
    return buffer.getvalue()
