"""`summary.json`: the figures by which a run is checked, exact and in a fixed shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retail_assets.eda.data import EdaData

ROW_COUNTS = ("landed", "clean", "quarantined", "superseded", "current")


def build_summary(data: EdaData, rows: Mapping[str, int]) -> dict[str, Any]:
    """Counts as integers, money as decimal strings with two decimals, dates ISO (None when there are no sales).

    `rows` must give exactly the counts in `ROW_COUNTS`. Raises ValueError when it does not.
    """
    if set(rows) != set(ROW_COUNTS):
        raise ValueError(f"rows must have the keys {', '.join(ROW_COUNTS)}; got {', '.join(sorted(rows)) or 'none'}")
    overview = data.overview
    return {
        "rows": {name: int(rows[name]) for name in ROW_COUNTS},
        "revenue": {
            "total": f"{overview.revenue:.2f}",
            "by_category": {c.name: f"{c.revenue:.2f}" for c in data.categories},
        },
        "first_date": overview.first_date.isoformat() if overview.first_date else None,
        "last_date": overview.last_date.isoformat() if overview.last_date else None,
        "customers": overview.customers,
        "orders": overview.orders,
    }
