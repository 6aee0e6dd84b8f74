"""Erasing rows from the lake: new files without them, one new manifest per landing, and the old files deleted at once.

Readers of the old manifest are not waited for, unlike after cleaning: what is erased must not be there any longer.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail_assets.erasure.journal import Journal
from retail_assets.erasure.raw_landings import lines_by_place
from retail_assets.erasure.written_forms import written_forms
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import AS_TEXT, STATUSES, CleanManifest, LakeFile, Status, day_of
from retail_assets.storage import Store

_ROWS_IN_GROUP = 256_000
#: Each is in memory.
_FILES_AT_ONCE = 2
#: Until a landing is published, both its old and its new files take space.
_LANDINGS_AT_ONCE = 4
_NOTHING = pa.table({})
_NO_MONEY = Decimal("0.00")


@dataclass(frozen=True)
class Wanted:
    """What is to be erased: rows by their place in the landed files, and a customer, however they came to the lake.

    `mentions` finds the customer in the text of a rejected row; None where their id is too ordinary a text for that.
    `fresh` are landings that had been cleaned from the files as they were registered: their rejected rows are known by
    their place, and a text that mentions the customer may be in the row of somebody else.
    """

    lines: Mapping[tuple[str, int], int]
    customer_id: str
    mentions: re.Pattern[str] | None
    fresh: frozenset[str] = frozenset()

    @classmethod
    def of(cls, journal: Journal, customer_id: str, mentions: re.Pattern[str] | None) -> Wanted:
        return cls(lines_by_place(journal.files), customer_id, mentions, frozenset(journal.fresh))

    def among(self, rows: pa.Table) -> np.ndarray:
        """Return which rows of a file of the lake are to be erased."""
        found = np.zeros(rows.num_rows, dtype=bool)
        names = {file: number for number, file in enumerate(sorted({file for file, _ in self.lines}))}
        indexes = pc.index_in(rows["source_file"], pa.array(list(names), pa.string())).fill_null(-1)
        number = np.asarray(indexes.to_numpy(), dtype=np.int64)
        if (number >= 0).any():
            places = np.array([(names[file] << 40) + line for file, line in self.lines], dtype=np.int64)
            at = (number << 40) + np.asarray(rows["source_line"].to_numpy(), dtype=np.int64)
            found |= np.isin(at, places) & (number >= 0)
        if "customer_id" in rows.column_names:
            same = pc.equal(rows["customer_id"], pa.scalar(self.customer_id, pa.string()))
            found |= np.asarray(pc.fill_null(same, False).to_numpy(), dtype=bool)
        elif self.mentions is not None:
            for form in written_forms(self.customer_id):
                texts = pc.match_substring(rows["raw_text"], form)
                for i in np.flatnonzero(np.asarray(pc.fill_null(texts, False).to_numpy(), dtype=bool)).tolist():
                    found[i] |= self.mentions.search(rows["raw_text"][i].as_py()) is not None
        return found


@dataclass(frozen=True)
class FromLake:
    """Rows and files that were erased from the lake."""

    rows: int = 0
    files: int = 0


def erase_from_lake(lake: Lake, wanted: Wanted, run_id: str, *, dry_run: bool = False) -> FromLake:
    """Erase rows from every landing, and files with such rows that no manifest names. Repeating it changes nothing."""
    rows = files = 0
    manifests = {m.landed_on: m for m in lake.clean_landings()}
    named = {f.key for m in manifests.values() for s in STATUSES for f in m.files[s]}
    unnamed = [e.key for e in lake.store.list(f"{lake.source}/clean") if _is_data(e.key) and e.key not in named]
    every = list(manifests.values())
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        for at in range(0, len(every), _LANDINGS_AT_ONCE):
            some = every[at : at + _LANDINGS_AT_ONCE]
            work = [(m, status, file) for m in some for status in STATUSES for file in m.files[status]]
            done = list(pool.map(lambda w: _without(lake, w[0], w[1], w[2], wanted, run_id, dry_run), work))
            for manifest in some:
                of_landing = [of for (m, _, _), of in zip(work, done, strict=True) if m is manifest]
                if not dry_run:
                    _publish(lake, manifest, of_landing, wanted, run_id)
                rows += sum(of.leaving.num_rows for of in of_landing)
                files += sum(of.leaving.num_rows > 0 for of in of_landing)
    left = [key for key in unnamed if _has_rows(lake.store, key, wanted)]
    if left and not dry_run:
        lake.store.delete(left)
    return FromLake(rows, files + len(left))


@dataclass(frozen=True)
class _Without:
    """A file of a landing, the rows that leave it and their lines, and the files in its place: itself if none does."""

    status: Status
    key: str
    leaving: pa.Table
    lines: int
    files: list[LakeFile]


def _without(
    lake: Lake, manifest: CleanManifest, status: Status, file: LakeFile, wanted: Wanted, run_id: str, dry_run: bool
) -> _Without:
    """Write a file of a landing without the rows that are to be erased."""
    of_landing = replace(wanted, mentions=None) if _is_fresh(manifest, wanted) else wanted
    table, gone = _found(lake.store, file.key, status, of_landing)
    if table is None:
        return _Without(status, file.key, _NOTHING, 0, [file])
    leaving = table.filter(pa.array(gone))
    lines = _lines_of(leaving, wanted)
    if dry_run:
        return _Without(status, file.key, leaving, lines, [])
    written = _written(lake, manifest, status, table.filter(pa.array(~gone)), file.lines - lines, run_id)
    return _Without(status, file.key, leaving, lines, written)


def _is_fresh(manifest: CleanManifest, wanted: Wanted) -> bool:
    return manifest.landed_on.isoformat() in wanted.fresh


def _publish(lake: Lake, manifest: CleanManifest, of_landing: list[_Without], wanted: Wanted, run_id: str) -> None:
    """Publish a landing with the files without the rows, and delete the old ones; also where only raw files changed."""
    raw = lake.raw_if_registered(manifest.landed_on)
    changed = [of for of in of_landing if of.leaving.num_rows]
    reasons: dict[Status, Counter[str]] = {status: Counter() for status in STATUSES}
    for of in changed:
        if of.status in AS_TEXT:
            for names in of.leaving["reasons"].to_pylist():
                reasons[of.status].update(names.split(","))
    erased = manifest.erased + sum(of.leaving.num_rows for of in changed)
    erased_lines = manifest.erased_lines + sum(of.lines for of in changed)
    # What was cleaned from these files before is still cleaned from them, if the same rows are gone from both.
    digest = manifest.raw_digest
    if raw is not None and _is_fresh(manifest, wanted):
        digest = raw.digest if (raw.erased, raw.erased_lines) == (erased, erased_lines) else digest
    if not (changed or digest != manifest.raw_digest):
        return
    lake.publish_clean(
        replace(
            manifest,
            run_id=run_id,
            files={s: tuple(file for of in of_landing if of.status == s for file in of.files) for s in STATUSES},
            raw_digest=digest,
            reasons=_less(manifest.reasons, reasons["quarantine"]),
            exclusions=_less(manifest.exclusions, reasons["excluded"]),
            erased=erased,
            erased_lines=erased_lines,
        ),
        replacing=manifest,
    )
    lake.store.delete([of.key for of in changed])


def _found(store: Store, key: str, status: Status, wanted: Wanted) -> tuple[pa.Table | None, np.ndarray]:
    """Return the whole table and which rows are to be erased; no table where none is."""
    column = "raw_text" if status in AS_TEXT else "customer_id"
    with store.open(key) as handle:
        file = pq.ParquetFile(handle)
        columns = [column] if column == "customer_id" or wanted.mentions is not None else []
        gone = wanted.among(file.read(columns=[*columns, "source_file", "source_line"], use_threads=False))
        return (file.read(use_threads=False) if gone.any() else None), gone


def _has_rows(store: Store, key: str, wanted: Wanted) -> bool:
    with store.open(key) as handle:
        file = pq.ParquetFile(handle)
        columns = [c for c in ("customer_id", "raw_text") if c in file.schema_arrow.names]
        return bool(wanted.among(file.read(columns=[*columns, "source_file", "source_line"], use_threads=False)).any())


def _lines_of(rows: pa.Table, wanted: Wanted) -> int:
    places = zip(rows["source_file"].to_pylist(), rows["source_line"].to_pylist(), strict=True)
    return sum(wanted.lines.get(place, 1) for place in places)


def _written(
    lake: Lake, manifest: CleanManifest, status: Status, rows: pa.Table, lines: int, run_id: str
) -> list[LakeFile]:
    if not rows.num_rows:
        return []
    key = lake.data_key(manifest.landed_on, run_id, f"{status}-{uuid.uuid4().hex}")
    with lake.store.writing(key) as sink:
        pq.write_table(rows, sink, compression="zstd", compression_level=1, row_group_size=_ROWS_IN_GROUP)
        size = sink.tell()
    total = pc.sum(rows["total_amount"].cast(pa.decimal128(38, 2))).as_py()
    return [LakeFile(key, rows.num_rows, lines, str(_NO_MONEY if total is None else total), size)]


def _less(before: dict[str, int], gone: Counter[str]) -> dict[str, int]:
    left = {name: count - gone[name] for name, count in before.items()}
    return {name: count for name, count in left.items() if count > 0}


def _is_data(key: str) -> bool:
    parts = key.split("/")
    return key.endswith(".parquet") and len(parts) > 3 and day_of(parts[2]) is not None
