"""Selecting and reading rejected rows from the quarantine files of the lake.

They are read from the lake and not from the warehouse, because the quarantine is what people want to see when a check
has stopped a load.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning.rules import NAMES
from retail_assets.errors import NotReadyError, RetailError, nearest
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import CleanManifest, LakeFile, table_of
from retail_assets.tables import SALES_QUARANTINE

PLACE = ("source_file", "source_line")


class SelectionError(RetailError):
    """The selection names something that does not exist."""


@dataclass(frozen=True)
class Selection:
    """Rejected rows with a reason, of a file (its key, or the end of it), of landings from `first` to `last`.

    None selects all.

    >>> str(Selection(reason="invalid_date", first=dt.date(2024, 1, 3), last=dt.date(2024, 1, 3)))
    'reason invalid_date, landing 2024-01-03'
    """

    reason: str | None = None
    file: str | None = None
    first: dt.date | None = None
    last: dt.date | None = None

    def __str__(self) -> str:
        days = "" if self.first is None else f"{self.first}" + (f"...{self.last}" if self.last != self.first else "")
        parts = {"reason": self.reason, "file": self.file, "landing": days}
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value) or "all"

    def has_day(self, landed_on: dt.date) -> bool:
        return (self.first is None or self.first <= landed_on) and (self.last is None or landed_on <= self.last)

    def has_file(self, key: str) -> bool:
        return self.file is None or key == self.file or key.endswith("/" + self.file)

    def of(self, rows: pa.Table) -> pa.Table:
        """Return the rows (with `reasons` and `source_file`) that are selected by reason and file."""
        chosen = rows
        if self.reason is not None:
            pattern = f"(^|,){re.escape(self.reason)}(,|$)"
            chosen = chosen.filter(pc.match_substring_regex(chosen["reasons"], pattern))
        if self.file is not None:
            keys = [k for k in pc.unique(chosen["source_file"]).to_pylist() if self.has_file(k)]
            chosen = chosen.filter(pc.is_in(chosen["source_file"], pa.array(keys, pa.string())))
        return chosen


def landings(lake: Lake, selection: Selection) -> list[CleanManifest]:
    """Return the manifests of the selected landings that have been cleaned, in order of the days.

    Raises NotReadyError if nothing has been cleaned, and SelectionError if the selection names an unknown reason or
    file, or days without a landing.
    """
    known = sorted(set(NAMES.values()))
    if selection.reason is not None and selection.reason not in known:
        raise SelectionError(
            f"There is no reason {selection.reason!r}.{nearest(selection.reason, known)} Reasons: {', '.join(known)}."
        )
    days = lake.landings("clean")
    if not days:
        raise NotReadyError(f"{lake.source}: nothing has been cleaned yet. Materialize the asset `clean_sales` first.")
    chosen = [day for day in days if selection.has_day(day)]
    if not chosen:
        raise SelectionError(
            f"No landing from {selection.first} to {selection.last} has been cleaned. There are {len(days)} cleaned "
            f"landings from {days[0]} to {days[-1]}; `retail-assets status` shows them."
        )
    manifests = [lake.clean(day) for day in chosen]
    if selection.file is not None:
        keys = [f.key for day in chosen for f in lake.raw(day).files]
        if not any(map(selection.has_file, keys)):
            names = {key.rsplit("/", 1)[-1]: key for key in keys}
            raise SelectionError(
                f"No landed file is called {selection.file!r}.{nearest(selection.file, [*names, *keys])} "
                "Give its name or its key, as `retail-assets quarantine summary` shows it."
            )
    return manifests


def tables(
    lake: Lake, manifest: CleanManifest, columns: Sequence[str] | None = None
) -> Iterator[tuple[LakeFile, pa.Table]]:
    """Yield the quarantine files of a landing, each as a table with the columns of SALES_QUARANTINE or some of them."""
    for file in manifest.files["quarantine"]:
        rows = read_table(lake, file, columns)
        yield file, completed(rows, SALES_QUARANTINE.arrow_schema()) if columns is None else rows


def read_table(lake: Lake, file: LakeFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file of the lake; text columns are plain strings."""
    import pyarrow.parquet as pq

    with lake.store.open(file.key) as handle:
        # In this thread alone: one that still frees a buffer of the handle when Python ends would abort the process.
        return pq.ParquetFile(handle).read(columns=None if columns is None else list(columns), use_threads=False)


def completed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Complete rows of a file that an earlier version may have written: columns added since then are NULL."""
    for field in schema:
        if field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(schema.names)


def lacking(lake: Lake, manifest: CleanManifest) -> list[str]:
    """Return columns that a file of a landing lacks because an earlier version wrote it. Reads no rows."""
    import pyarrow.parquet as pq

    lacks: set[str] = set()
    for status, files in manifest.files.items():
        for file in files:
            with lake.store.open(file.key) as handle:
                lacks |= set(table_of(status).names).difference(pq.read_schema(handle).names)
    return sorted(lacks)


def read_files(lake: Lake, files: Sequence[LakeFile], schema: pa.Schema) -> pa.Table:
    """Read Parquet files of the lake as one table; it is empty for no files."""
    return pa.concat_tables([schema.empty_table(), *(read_table(lake, f).cast(schema) for f in files)])


def of_landing(lake: Lake, manifest: CleanManifest, selection: Selection) -> pa.Table:
    """Return the selected rows of a landing (SALES_QUARANTINE) by file and line, all in memory."""
    parts = [selection.of(table) for _, table in tables(lake, manifest)]
    rows = pa.concat_tables(parts) if parts else SALES_QUARANTINE.arrow_schema().empty_table()
    return rows.sort_by([(name, "ascending") for name in PLACE])


def first_rows(
    lake: Lake, manifests: Sequence[CleanManifest], selection: Selection, limit: int
) -> tuple[pa.Table, int]:
    """Return the first `limit` selected rows by landing, file and line, and their total number."""
    heads: list[pa.Table] = []
    total = kept = 0
    for manifest in manifests:
        head = SALES_QUARANTINE.arrow_schema().empty_table()
        for _, table in tables(lake, manifest):
            chosen = selection.of(table)
            total += chosen.num_rows
            if kept < limit and chosen.num_rows:
                both = pa.concat_tables([head, chosen]).sort_by([(name, "ascending") for name in PLACE])
                head = both.slice(0, limit - kept)
        heads.append(head)
        kept += head.num_rows
    return (pa.concat_tables(heads) if heads else SALES_QUARANTINE.arrow_schema().empty_table()), total


def places(rows: pa.Table, files: Sequence[str]) -> np.ndarray:
    """Return one int64 per row for its file and line, in the order of `files`; -1 for a row of any other file."""
    number = pc.fill_null(pc.index_in(rows["source_file"], pa.array(list(files), pa.string())), -1)
    at = np.asarray(number.to_numpy(), dtype=np.int64)
    line = np.asarray(rows["source_line"].to_numpy(), dtype=np.int64)
    return np.where(at < 0, -1, (at << 40) + line)
