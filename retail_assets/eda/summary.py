"""`summary.json`: the numbers by which a run is checked, exact and in a fixed shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retail_assets.eda.data import EdaData
from retail_assets.eda.landed import NAMES, Landed

ROW_COUNTS = ("landed", *NAMES, "erased", "current")


def count_rows(landed: Landed, current: int) -> dict[str, int]:
    """Count what became of every landed row: `landed` is the sum of all but `current`.

    `superseded` counts rows replaced by a later line of their own landing. `current` is what `sales` holds; clean -
    current rows were replaced by a later landing.
    """
    return {"landed": landed.total, **landed.rows, "erased": landed.erased, "current": current}


def build_summary(data: EdaData, rows: Mapping[str, int], assumed: Sequence[str] = ()) -> dict[str, Any]:
    """Build the summary: counts as integers, money as strings with two decimals, ISO dates (None without sales).

    `rows` has exactly the counts in `ROW_COUNTS`. Raises ValueError where it does not. `amounts` is the money of the
    same rows, as far as it could be read; `days` are those from the first to the last sale, without a sale, and of them
    those of which rows were rejected; `assumed` are guesses of a drafted contract that nobody has confirmed.
    """
    if set(rows) != set(ROW_COUNTS):
        raise ValueError(f"rows needs the counts {', '.join(ROW_COUNTS)}; it has {', '.join(sorted(rows)) or 'none'}")
    overview, landed = data.overview, data.landed
    return {
        "rows": {name: int(rows[name]) for name in ROW_COUNTS},
        "amounts": {name: f"{landed.amount(name):.2f}" for name in NAMES},
        "quarantined_without_amount": landed.without_amount,
        "days": {
            "all": len(data.daily),
            "without_a_sale": len(data.days_without_sale),
            "with_rejected_rows_only": len(data.days_rejected),
        },
        "revenue": {
            "total": f"{overview.revenue:.2f}",
            "by_category": {c.name: f"{c.revenue:.2f}" for c in data.categories},
        },
        "first_date": overview.first_date.isoformat() if overview.first_date else None,
        "last_date": overview.last_date.isoformat() if overview.last_date else None,
        "customers": overview.customers,
        "orders": overview.orders,
        "assumed": list(assumed),
    }
