"""Judging quarantined texts again: they go through the cleaning job, as if they were small files of their landing.

So a text is read, typed, judged and compared with the others by the same code that reads landed files. No published
file is touched: what the job writes is read and deleted again.
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning import job
from retail_assets.contracts.model import Contract
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest, RawManifest, Status, table_of
from retail_assets.lake.profile import FileProfile
from retail_assets.lake.sweep import GRACE
from retail_assets.quarantine.plan import LandingPlan
from retail_assets.quarantine.rows import PLACE, places, read_files
from retail_assets.quarantine.texts import physical_lines

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_READS_OTHERWISE = "the text of a row is not read as it was in its file"


@dataclass(frozen=True)
class Judged:
    """The texts of a landing as the cleaning job judged them, at their own places, or why they cannot be used.

    Tables have the columns of `table_of(status)`, and `lines`: the number of physical lines a row stands for. `notes`
    counts the clean rows of each note.
    """

    tables: dict[Status, pa.Table]
    unusable: str | None = None
    notes: Mapping[str, int] = field(default_factory=dict)


def nothing() -> Judged:
    """Return no rows of any status."""
    lines = pa.field("lines", pa.int64())
    return Judged({s: table_of(s).arrow_schema().append(lines).empty_table() for s in STATUSES})


def judge(
    session: Callable[[], SparkSession],
    lake: Lake,
    contract: Contract,
    landings: Sequence[tuple[LandingPlan, pa.Table]],
    run_id: str,
) -> dict[dt.date, Judged]:
    """Judge the texts (SALES_QUARANTINE, by file and line) of landings in one Spark action.

    Leaves nothing behind unless it is killed; the next replay sweeps that. Raises what cleaning raises.
    """
    _sweep(lake)
    staged: list[str] = []
    try:
        staging = [_stage(lake, p, texts, run_id, staged) for p, texts in landings if texts.num_rows]
        if not staging:
            return {}
        versions = {p.landed_on: p.raw.references for p, _ in landings}
        raw = [
            RawManifest(lake.source, s.landed_on, contract.digest, s.profiles, versions[s.landed_on]) for s in staging
        ]
        written = job.clean(session, lake.store, lake, raw, contract, run_id)
        try:
            return {s.landed_on: _at_their_places(lake, m, s) for s, m in zip(staging, written, strict=True)}
        finally:
            lake.store.delete([key for m in written for status in STATUSES for key in m.keys(status)])
    finally:
        lake.store.delete(staged)


@dataclass(frozen=True)
class _Staged:
    """Texts of one landing as files for the job. `begins` has the file number and the first line of each text."""

    landed_on: dt.date
    texts: pa.Table
    profiles: tuple[FileProfile, ...]
    begins: np.ndarray
    lines: np.ndarray


def _folder(lake: Lake) -> str:
    return f"{lake.source}/replay"


def _stage(lake: Lake, plan: LandingPlan, texts: pa.Table, run_id: str, staged: list[str]) -> _Staged:
    """Write the texts of a landing, one file per landed file, in order. Adds the keys to `staged`."""
    values: list[str] = texts["raw_text"].to_pylist()
    keys: list[str] = texts["source_file"].to_pylist()
    bounds = [0, *(i for i in range(1, len(keys)) if keys[i] != keys[i - 1]), len(keys)]
    profiles, begins = [], []
    for number, (low, high) in enumerate(itertools.pairwise(bounds)):
        profile = plan.profiles[keys[low]]
        kind = "csv" if profile.format == "csv" else "jsonl"  # rows of Parquet are kept as JSON
        name = f"{_folder(lake)}/{run_id}/{plan.landed_on}-{number:06d}.{kind}"
        # A blank line comes first, so that a byte-order mark in the first text is not taken for that of the file.
        data = b"\n" + b"".join(text.encode() + b"\n" for text in values[low:high])
        staged.append(name)
        lake.store.write(name, data)
        as_text = replace(profile, format=kind, compression=None, encoding="utf-8", line_end="lf", header_lines=0)
        as_text = replace(as_text, header_records=0, totals_from=0, skipped_above=0, skipped_below=0, fill_down=[])
        profiles.append(replace(as_text, key=name, size=len(data)))
        breaks = np.array([1, *(text.count("\n") + 1 for text in values[low:high])], dtype=np.int64)
        begins.append((np.int64(number) << 40) + 1 + np.cumsum(breaks)[:-1])
    lines = np.array([physical_lines(text) for text in values], dtype=np.int64)
    return _Staged(plan.landed_on, texts, tuple(profiles), np.concatenate(begins), lines)


def _at_their_places(lake: Lake, written: CleanManifest, staged: _Staged) -> Judged:
    """Return what the job wrote, with file and line of the landed files instead of those of the texts."""
    names = [f.key for f in staged.profiles]
    judged: dict[Status, pa.Table] = {}
    seen: list[np.ndarray] = []
    for status in STATUSES:
        files = written.files[status]
        rows = read_files(lake, files, table_of(status).arrow_schema())
        begin = places(rows, names)
        at = np.minimum(np.searchsorted(staged.begins, begin), len(staged.begins) - 1)
        lines = staged.lines[at]
        if (staged.begins[at] != begin).any() or lines.sum() != sum(f.lines for f in files):
            return _unusable(_READS_OTHERWISE)
        original = staged.texts.take(pa.array(at))
        same_id = pc.equal(rows["transaction_id"], original["transaction_id"])
        if not pc.all(pc.fill_null(same_id, True), min_count=0).as_py():
            return _unusable("the contract reads transaction ids differently, also those of clean rows")
        for column in PLACE:
            rows = rows.set_column(rows.column_names.index(column), rows.schema.field(column), original[column])
        judged[status] = rows.append_column("lines", pa.array(lines))
        seen.append(at)
    if not np.array_equal(np.sort(np.concatenate(seen)), np.arange(len(staged.begins))):
        return _unusable(_READS_OTHERWISE)
    return Judged(judged, notes=written.notes)


def _unusable(why: str) -> Judged:
    return replace(nothing(), unusable=why)


def _sweep(lake: Lake) -> None:
    """Delete staged texts that a killed replay left behind."""
    oldest = time.time() - GRACE.total_seconds()
    left = [e.key for e in lake.store.list(_folder(lake)) if e.modified is not None and e.modified < oldest]
    lake.store.delete(left)
