"""What became of every landed row: rows and money by status, and the days of sale of rejected rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from retail_assets.lake import manifests
from retail_assets.lake.manifests import STATUSES, CleanManifest

if TYPE_CHECKING:
    from retail_assets.lake.lake import Lake

#: Statuses as people read them: clean, quarantined, superseded, excluded.
NAMES: tuple[str, ...] = tuple(manifests.NAMES[status] for status in STATUSES)
_NOT_TO_BE_TRUSTED = "date_out_of_range"


@dataclass(frozen=True)
class Landed:
    """Rows and money of the landings by what became of them (`NAMES`): landed is their sum.

    Money is that of the rows whose amount could be read; `without_amount` counts quarantined rows without one.
    `rejected_days` are quarantined rows by day of sale; rows whose day could not be read, or is out of range, and rows
    that version 0.1.0 rejected are in none. `landings` has the rows of each landing day, and a hash that changes when
    any of them does.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    without_amount: int = 0
    rejected_days: Mapping[dt.date, int] = field(default_factory=dict)
    landings: Mapping[dt.date, tuple[int, str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All landed rows."""
        return sum(self.rows.values())

    def count(self, name: str) -> int:
        """Return the rows of a status, by its name in `NAMES`."""
        return self.rows.get(name, 0)

    def amount(self, name: str) -> Decimal:
        """Return the money of a status, by its name in `NAMES`."""
        return self.amounts.get(name, Decimal("0.00"))


def count_landed(cleaned: Iterable[CleanManifest]) -> Landed:
    """Add up the manifests of the landings, without the days of rejected rows."""
    landings = list(cleaned)
    named = tuple(zip(NAMES, STATUSES, strict=True))
    return Landed(
        rows={name: sum(m.rows(status) for m in landings) for name, status in named},
        amounts={name: sum((m.amount(status) for m in landings), Decimal("0.00")) for name, status in named},
        landings={m.landed_on: (m.landed_rows, "-".join(m.content(s)[:8] for s in STATUSES)) for m in landings},
    )


def read_landed(lake: Lake, landings: Sequence[CleanManifest]) -> Landed:
    """Add up what became of all rows of the landings, and read their quarantine for the days of its rows."""
    counted = count_landed(landings)
    without_amount, days = 0, Counter[dt.date]()
    for key in (key for landing in landings for key in landing.keys("quarantine")):
        lacking, found = _quarantine_file(lake, key)
        without_amount += lacking
        days.update(found)
    return replace(counted, without_amount=without_amount, rejected_days=dict(sorted(days.items())))


def _quarantine_file(lake: Lake, key: str) -> tuple[int, dict[dt.date, int]]:
    """Return rows without an amount, and rows by day of sale. Files of version 0.1.0 do not keep the day."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with lake.store.open(key) as handle:
        file = pq.ParquetFile(handle)
        dated = "sale_date" in file.schema_arrow.names
        rows = file.read(columns=["total_amount", "reasons", *(["sale_date"] if dated else [])])
    if not dated:
        return rows["total_amount"].null_count, {}
    trusted = pc.invert(pc.match_substring(rows["reasons"], _NOT_TO_BE_TRUSTED))
    days = pc.drop_null(rows["sale_date"].filter(trusted))
    return rows["total_amount"].null_count, {v["values"]: v["counts"] for v in pc.value_counts(days).to_pylist()}
