"""What became of every landed row: rows and money by status, and the days of sale of rejected rows.

What a landing's quarantine says is kept beside the register of the lake, so that a run opens the quarantine of its own
landings and not of all before.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from retail_assets.lake import manifests
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.lake.register import FOLDER, Kept

if TYPE_CHECKING:
    from retail_assets.lake.lake import Lake

#: Statuses as people read them: clean, quarantined, superseded, excluded.
NAMES: tuple[str, ...] = tuple(manifests.NAMES[status] for status in STATUSES)
_NOT_TO_BE_TRUSTED = "date_out_of_range"
_READS_AT_ONCE = 8


@dataclass(frozen=True)
class Landed:
    """Rows and money of the landings by what became of them (`NAMES`): landed is their sum and the `erased` rows.

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
    erased: int = 0

    @property
    def total(self) -> int:
        """All landed rows."""
        return sum(self.rows.values()) + self.erased

    def count(self, name: str) -> int:
        """Return the rows of a status, by its name in `NAMES`."""
        return self.rows.get(name, 0)

    def amount(self, name: str) -> Decimal:
        """Return the money of a status, by its name in `NAMES`."""
        return self.amounts.get(name, Decimal("0.00"))


@dataclass(frozen=True)
class Rejected:
    """What the quarantine of a landing says: rows `without_amount`, and rows by day of sale.

    `content` names the rows that it was read from: files of the lake are never overwritten.
    """

    content: str
    without_amount: int
    days: dict[dt.date, int]


def count_landed(cleaned: Iterable[CleanManifest]) -> Landed:
    """Add up the manifests of the landings, without the days of rejected rows."""
    landings = list(cleaned)
    named = tuple(zip(NAMES, STATUSES, strict=True))
    return Landed(
        rows={name: sum(m.rows(status) for m in landings) for name, status in named},
        amounts={name: sum((m.amount(status) for m in landings), Decimal("0.00")) for name, status in named},
        erased=sum(m.erased for m in landings),
        landings={m.landed_on: (m.landed_rows, "-".join(m.content(s)[:8] for s in STATUSES)) for m in landings},
    )


def read_landed(lake: Lake, landings: Sequence[CleanManifest]) -> Landed:
    """Add up what became of all rows of the landings, and read their quarantine for the days of its rows."""
    counted = count_landed(landings)
    register = Kept(lake.store, f"{lake.source}/{FOLDER}/rejected.json.gz", Rejected)
    rejecting = [landing for landing in landings if landing.files["quarantine"]]
    kept = register.read() if rejecting else {}
    known = {m.landed_on: kept[m.landed_on] for m in rejecting if _is_of(kept.get(m.landed_on), m)}
    unread = [landing for landing in rejecting if landing.landed_on not in known]
    with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
        read = {r.landed_on: found for r, found in zip(unread, pool.map(lambda m: _read(lake, m), unread), strict=True)}
    if read:
        register.update(read)
    days = Counter[dt.date]()
    for rejected in (known | read).values():
        days.update(rejected.days)
    without_amount = sum(rejected.without_amount for rejected in (known | read).values())
    return replace(counted, without_amount=without_amount, rejected_days=dict(sorted(days.items())))


def _content(landing: CleanManifest) -> str:
    return f"{landing.content('quarantine')} {landing.rows('quarantine')} {landing.run_id}"


def _is_of(kept: Rejected | None, landing: CleanManifest) -> bool:
    return kept is not None and kept.content == _content(landing)


def _read(lake: Lake, landing: CleanManifest) -> Rejected:
    without_amount, days = 0, Counter[dt.date]()
    for key in landing.keys("quarantine"):
        lacking, found = _quarantine_file(lake, key)
        without_amount += lacking
        days.update(found)
    return Rejected(_content(landing), without_amount, dict(days))


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
