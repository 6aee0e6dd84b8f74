"""Data quality by landing day: what became of the rows of each landing, from the manifests that cleaning published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from retail_assets.lake.manifests import NAMES, STATUSES, CleanManifest
from retail_assets.tables import DAILY_QUALITY

if TYPE_CHECKING:
    import pyarrow as pa


def daily_quality(landings: Iterable[CleanManifest]) -> pa.Table:
    """Make the rows of `daily_quality`, one per landing, by day.

    `landed` is the sum of the statuses and of the erased rows; a check of Dagster compares them with the rows of the
    warehouse. Of equally frequent reasons, the first in the alphabet is the top one.
    """
    import pyarrow as pa

    rows = [_row(landing) for landing in sorted(landings, key=lambda landing: landing.landed_on)]
    return pa.Table.from_pylist(rows, schema=DAILY_QUALITY.arrow_schema())


def _row(landing: CleanManifest) -> dict[str, Any]:
    landed, rejected = landing.landed_rows, landing.rows("quarantine")
    top = min(landing.reasons, key=lambda reason: (-landing.reasons[reason], reason), default=None)
    return {
        "landed_on": landing.landed_on,
        "landed": landed,
        **{NAMES[status]: landing.rows(status) for status in STATUSES},
        "erased": landing.erased,
        **{f"{NAMES[status]}_amount": landing.amount(status) for status in STATUSES},
        "quarantined_share": rejected / landed if landed else None,
        "top_reason": top,
        "top_reason_rows": None if top is None else landing.reasons[top],
    }
