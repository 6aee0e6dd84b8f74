"""`summary.json`: the numbers by which a run is checked, exact and in a fixed shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from retail_assets.eda.data import EdaData

if TYPE_CHECKING:
    from retail_assets.lake.manifests import CleanManifest

ROW_COUNTS = ("landed", "clean", "quarantined", "superseded", "current")


def count_rows(manifests: Iterable[CleanManifest], current: int) -> dict[str, int]:
    """Count what became of every landed row: landed = clean + quarantined + superseded.

    `superseded` counts rows replaced by a later line of their own landing. `current` is what `sales` holds; clean -
    current rows were replaced by a later landing.
    """
    landings = list(manifests)
    return {
        "landed": sum(m.landed_rows for m in landings),
        "clean": sum(m.rows("clean") for m in landings),
        "quarantined": sum(m.rows("quarantine") for m in landings),
        "superseded": sum(m.rows("superseded") for m in landings),
        "current": current,
    }


def build_summary(data: EdaData, rows: Mapping[str, int]) -> dict[str, Any]:
    """Build the summary: counts as integers, money as strings with two decimals, ISO dates (None without sales).

    `rows` has exactly the counts in `ROW_COUNTS`. Raises ValueError where it does not.
    """
    if set(rows) != set(ROW_COUNTS):
        raise ValueError(f"rows needs the counts {', '.join(ROW_COUNTS)}; it has {', '.join(sorted(rows)) or 'none'}")
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
