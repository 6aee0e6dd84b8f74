"""Judging rejected records again with the contract of today, and moving what is now clean to its place.

The kept texts go through the cleaning job itself, as if they were small files of their landing; then they are put
where they belong among the landing's other rows, in new files that one new manifest names. Clean rows stay what they
are; only one that a later line of the landing now replaces becomes superseded. What a text cannot tell is said: such
a landing has to be cleaned again as a whole, which is the caller's to do.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning import job
from retail_assets.cleaning.reader import read_records
from retail_assets.cleaning.rules import MALFORMED_ROW, NOT_TEXT, UNCLOSED_QUOTE
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError, NotReadyError, RetailError
from retail_assets.lake import GRACE, CleanManifest, Lake, LakeFile, RawManifest, Status
from retail_assets.landing.inspect import FileProfile, inspect_file
from retail_assets.quarantine.rows import PLACE, Selection, of_landing, places, read_table, tables
from retail_assets.quarantine.texts import is_cut, physical_lines
from retail_assets.storage import Entry, Store
from retail_assets.tables import SALES_CLEAN, SALES_QUARANTINE, Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from retail_assets.warehouse.protocol import Warehouse

#: Run ids of replays begin so: a landing whose load did not come about is known by it.
RUN_PREFIX = "replay-"
_AND = " + "
_STRUCTURAL = f"(^|,)({MALFORMED_ROW.name}|{UNCLOSED_QUOTE.name}|{NOT_TEXT.name})(,|$)"
_LOCK_SECONDS = 600.0
_ROWS_IN_GROUP = 256_000
#: Of a landing that was rejected as a whole, fewer rows than this are replayed from their texts.
_MANY = 100_000
_INSPECTED_AT_ONCE = 4
_NO_MONEY = Decimal("0.00")


class ReplayError(RetailError):
    """A replay that cannot be done: the landing is not what its manifests say any more."""


class ReplayConflictError(ReplayError):
    """Another run has cleaned or replayed the landing meanwhile. Nothing was changed; the same again can help."""

    retryable = True


@dataclass(frozen=True)
class LandingPlan:
    """What a replay would do in one landing.

    `texts` (SALES_QUARANTINE, by file and line) are to be read again. `broken` have another shape than their header:
    no contract changes that, so they keep their reasons. `whole` says why the landing has to be cleaned anew instead.
    """

    raw: RawManifest
    manifest: CleanManifest
    selected: int = 0
    profiles: Mapping[str, FileProfile] = field(default_factory=dict)
    texts: pa.Table = field(default_factory=lambda: SALES_QUARANTINE.arrow_schema().empty_table())
    broken: pa.Table = field(default_factory=lambda: SALES_QUARANTINE.arrow_schema().empty_table())
    whole: str | None = None

    @property
    def landed_on(self) -> dt.date:
        return self.manifest.landed_on


@dataclass(frozen=True)
class Replayed:
    """What became of the chosen rows of one landing: `selected` = cleaned + superseded + rejected.

    `cleaned` are in the tables now, `superseded` are right and a later line of the landing has their transaction,
    `rejected` stay in quarantine. `gave_way` counts rows that were clean and that a replayed later line supersedes.
    `amount` is the money of `cleaned` less that of what gave way. With `whole`, nothing was done and says why.
    """

    landed_on: dt.date
    selected: int
    cleaned: int = 0
    superseded: int = 0
    rejected: int = 0
    gave_way: int = 0
    amount: Decimal = _NO_MONEY
    reasons: Mapping[str, int] = field(default_factory=dict)
    manifest: CleanManifest | None = None
    whole: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "landed_on": self.landed_on.isoformat(),
            "selected": self.selected,
            "cleaned": self.cleaned,
            "superseded": self.superseded,
            "rejected": self.rejected,
            "gave_way": self.gave_way,
            "amount": str(self.amount),
            "reasons": dict(self.reasons),
            "clean_whole_landing": self.whole,
        }


def plan(
    raw: Store, lake: Lake, contract: Contract, manifests: Sequence[CleanManifest], selection: Selection, *, again: bool
) -> list[LandingPlan]:
    """The landings with something to judge again. Rows that this contract has judged are left out, unless `again`.

    A file is inspected anew when the contract is another than that of its manifest. Raises ReplayError when it is not
    the file that was cleaned, LandingError when it does not fit the contract.
    """
    found = (_plan_landing(raw, lake, contract, m, selection, again=again) for m in manifests)
    return [p for p in found if p.selected]


def _plan_landing(
    raw: Store, lake: Lake, contract: Contract, manifest: CleanManifest, selection: Selection, *, again: bool
) -> LandingPlan:
    registered = lake.raw(manifest.landed_on)
    rejected = manifest.rows("quarantine")
    everything = selection.reason is None and selection.file is None and rejected == manifest.landed_rows
    if everything and rejected >= _MANY and (again or not _judged_by(lake, manifest, contract)):
        # Nothing clean to protect, and more texts than should be held at once: the files say the same.
        return LandingPlan(registered, manifest, rejected, whole="every row of it was rejected")
    chosen = of_landing(lake, manifest, selection)
    if not again:
        chosen = chosen.filter(pc.not_equal(chosen["contract_version"], contract.digest))
    if not chosen.num_rows:
        return LandingPlan(registered, manifest)
    if registered.digest != manifest.raw_digest:
        raise ReplayError(
            f"The files of {manifest.landed_on} changed since they were cleaned. "
            "Materialize clean_sales again for this landing: that judges every row anew."
        )
    keys = set(pc.unique(chosen["source_file"]).to_pylist())
    before = {f.key: f for f in registered.files if f.key in keys}
    now = before if registered.contract == contract.digest else _inspected(raw, before, contract)
    broken = pc.match_substring_regex(chosen["reasons"], _STRUCTURAL)
    jsonl = pa.array([key for key, f in before.items() if f.format == "jsonl"], pa.string())
    # What breaks a line of JSON can be a nested value in a column that the contract no longer reads.
    broken = pc.and_(broken, pc.invert(pc.is_in(chosen["source_file"], jsonl)))
    texts = chosen.filter(pc.invert(broken))
    rest = chosen.filter(broken)
    whole = next((why for key in sorted(before) if (why := _reads_otherwise(before[key], now[key]))), None)
    if registered.contract != manifest.contract.split(_AND)[0]:
        whole = "its files were registered by another contract than cleaned them, which may split them otherwise"
    whole = whole or _not_in_texts(texts, rest, before)
    return LandingPlan(registered, manifest, chosen.num_rows, now, texts, rest, whole)


def _judged_by(lake: Lake, manifest: CleanManifest, contract: Contract) -> bool:
    """Whether the contract has judged a rejected row of the landing."""
    versions = (table["contract_version"] for _, table in tables(lake, manifest, ["contract_version"]))
    return any(pc.any(pc.equal(column, contract.digest)).as_py() for column in versions)


def _inspected(raw: Store, files: Mapping[str, FileProfile], contract: Contract) -> dict[str, FileProfile]:
    with ThreadPoolExecutor(_INSPECTED_AT_ONCE) as pool:
        profiles = pool.map(lambda f: inspect_file(raw, Entry(f.key, f.size, None), contract), files.values())
        found = {profile.key: profile for profile in profiles}
    if other := [key for key, f in files.items() if found[key].sha256 != f.sha256]:
        raise ReplayError(
            f"{other[0]} was replaced since it was registered. Materialize raw_sales_files and clean_sales again for "
            "its landing: that judges every row anew."
        )
    return found


def _reads_otherwise(before: FileProfile, now: FileProfile) -> str | None:
    """Why a file falls into other records or columns than it did, so that the kept texts are not those; or None."""
    for name in ("encoding", "delimiter", "line_end", "header", "header_lines", "lines"):
        if getattr(before, name) != getattr(now, name):
            return f"the contract changes how {before.key} is read ({name.replace('_', ' ')})"
    if now.format == "parquet" and before.positions != now.positions:
        return f"the contract reads other columns of {before.key}, and a text does not tell their types"
    if now.format == "parquet" and len(set(now.header)) < len(now.header):
        return f"two columns of {before.key} have one name, which its texts cannot tell apart"
    return None


def _not_in_texts(texts: pa.Table, broken: pa.Table, files: Mapping[str, FileProfile]) -> str | None:
    """Why the texts do not say what their files do; or None."""
    longest = pc.max(pc.binary_length(texts["raw_text"])).as_py() or 0
    if longest > 4 and any(map(is_cut, _long_texts(texts))):
        return "a record is longer than the 65,535 bytes that the quarantine keeps of it"
    parquet = pa.array([key for key, f in files.items() if f.format == "parquet"], pa.string())
    if pc.any(pc.is_in(broken["source_file"], parquet)).as_py():
        return "a record of a Parquet file is not as its columns promise"
    of_parquet = texts.filter(pc.is_in(texts["source_file"], parquet))
    if pc.any(pc.match_substring_regex(of_parquet["raw_text"], r"\x{fffd}|\\u0000")).as_py():
        return "a record of a Parquet file holds bytes that are no text"
    return None


def _long_texts(texts: pa.Table) -> list[str]:
    long = pc.greater(pc.binary_length(texts["raw_text"]), 65_000)
    found: list[str] = texts["raw_text"].filter(long).to_pylist()
    return found


def replay(
    session: Callable[[], SparkSession],
    raw: Store,
    lake: Lake,
    contract: Contract,
    plans: Sequence[LandingPlan],
    selection: Selection,
    *,
    again: bool = False,
    publish: bool = True,
    lock_seconds: float = _LOCK_SECONDS,
) -> list[Replayed]:
    """Judge the planned rows again and publish a new manifest for each landing; one result a landing.

    Without `publish`, say what would happen. One replay of a source is at work at a time (on a local lake; elsewhere
    the second one notices and refuses); a plan that another one has overtaken is made again. Raises
    ReplayConflictError, and what cleaning raises. After an error, landings are each as before or replayed.
    """
    run_id = f"{RUN_PREFIX}{uuid.uuid4().hex[:12]}"
    with _alone(lake, lock_seconds) if publish else contextlib.nullcontext():
        current = [
            p
            if lake.clean(p.landed_on) == p.manifest
            else _plan_landing(raw, lake, contract, lake.clean(p.landed_on), selection, again=again)
            for p in plans
        ]
        judged = _judged(session, lake, contract, [p for p in current if p.whole is None], run_id)
        results = []
        for landing in current:
            results.append(_moved(raw, lake, contract, landing, judged.get(landing.landed_on), run_id, publish))
        return results


# --- judging ---


@dataclass(frozen=True)
class _Judged:
    """The texts of a landing as the cleaning job judged them, at their own places, or why they cannot be used.

    Tables have SALES_CLEAN's columns (`clean`, `superseded`) and SALES_QUARANTINE's (`quarantine`).
    """

    tables: Mapping[Status, pa.Table]
    lines: Mapping[tuple[str, int], int]
    unusable: str | None = None


def _judged(
    session: Callable[[], SparkSession], lake: Lake, contract: Contract, plans: Sequence[LandingPlan], run_id: str
) -> dict[dt.date, _Judged]:
    folder = f"{lake.source}/replay/{run_id}"
    _sweep(lake)
    staged: list[str] = []
    landings, sources = [], {}
    try:
        for landing in plans:
            if not landing.texts.num_rows:
                continue
            profiles = []
            for key in sorted(pc.unique(landing.texts["source_file"]).to_pylist()):
                rows = landing.texts.filter(pc.equal(landing.texts["source_file"], key))
                profile = landing.profiles[key]
                name = f"{folder}/{len(staged):06d}.{'csv' if profile.format == 'csv' else 'jsonl'}"
                data, begins = _as_file(rows["raw_text"].to_pylist())
                staged.append(name)
                lake.store.write(name, data)
                profiles.append(_profile_of_texts(profile, name, len(data)))
                sources[name] = (key, begins, np.asarray(rows["source_line"].to_numpy()))
            landings.append(RawManifest(lake.source, landing.landed_on, contract.digest, tuple(profiles)))
        if not landings:
            return {}
        written = job.clean(session, lake.store, lake, landings, contract, run_id)
        try:
            by_day = {p.landed_on: p for p in plans}
            return {m.landed_on: _at_their_places(lake, m, sources, by_day[m.landed_on]) for m in written}
        finally:
            lake.store.delete([f.key for m in written for files in m.files.values() for f in files])
    finally:
        lake.store.delete(staged)


def _as_file(texts: Sequence[str]) -> tuple[bytes, np.ndarray]:
    """The texts as one file of UTF-8, and the line on which each begins.

    A blank line comes first, or a mark of byte order in the first text would be taken for the file's.
    """
    lines = np.array([1, *(text.count("\n") + 1 for text in texts)], dtype=np.int64)
    return b"\n" + b"".join(text.encode() + b"\n" for text in texts), 1 + np.cumsum(lines)[:-1]


def _profile_of_texts(profile: FileProfile, key: str, size: int) -> FileProfile:
    return replace(
        profile,
        key=key,
        size=size,
        format="csv" if profile.format == "csv" else "jsonl",
        compression=None,
        encoding="utf-8",
        line_end="lf",
        header_lines=0,
    )


def _at_their_places(
    lake: Lake, written: CleanManifest, sources: Mapping[str, tuple[str, np.ndarray, np.ndarray]], plan: LandingPlan
) -> _Judged:
    """What the job wrote, with file and line of the landed files in place of those of the texts."""
    found: dict[Status, pa.Table] = {}
    fits = written.landed_rows == plan.texts.num_rows
    landed = sorted(plan.profiles)
    for status, files in written.files.items():
        schema = (SALES_QUARANTINE if status == "quarantine" else SALES_CLEAN).arrow_schema()
        parts = [schema.empty_table(), *(read_table(lake, f).cast(schema) for f in files)]
        table = pa.concat_tables(parts)
        number = np.zeros(table.num_rows, dtype=np.int64)  # of the landed file
        line = np.asarray(table["source_line"].to_numpy(), dtype=np.int64).copy()
        for name in pc.unique(table["source_file"]).to_pylist():
            key, begins, originals = sources[name]
            here = np.asarray(pc.equal(table["source_file"], name).to_numpy(), dtype=bool)
            at = np.minimum(np.searchsorted(begins, line[here]), len(begins) - 1)
            fits = fits and bool((begins[at] == line[here]).all())
            number[here], line[here] = landed.index(key), originals[at]
        columns = {"source_file": pa.array(landed, pa.string()).take(pa.array(number)), "source_line": pa.array(line)}
        for column, values in columns.items():
            table = table.set_column(schema.get_field_index(column), schema.field(column), values)
        found[status] = table
    place = zip(plan.texts["source_file"].to_pylist(), plan.texts["source_line"].to_pylist(), strict=True)
    lines_of = dict(zip(place, map(physical_lines, plan.texts["raw_text"].to_pylist()), strict=True))
    fits = fits and all(
        _lines(found[status], lines_of) == sum(f.lines for f in files) for status, files in written.files.items()
    )
    unusable = None if fits else "a record's text does not read as it did in its file"
    return _Judged(found, lines_of, unusable)


def _lines(rows: pa.Table, lines_of: Mapping[tuple[str, int], int]) -> int:
    return sum(map(lines_of.__getitem__, _places(rows)))


def _places(rows: pa.Table) -> list[tuple[str, int]]:
    return list(zip(*(rows[name].to_pylist() for name in PLACE), strict=True))


# --- moving ---


def _moved(
    raw: Store,
    lake: Lake,
    contract: Contract,
    plan: LandingPlan,
    judged: _Judged | None,
    run_id: str,
    publish: bool,
) -> Replayed:
    """Put the judged rows of a landing into new files and publish the manifest that names them."""
    if plan.whole is not None:
        return Replayed(plan.landed_on, plan.selected, whole=plan.whole)
    if not plan.selected:
        return Replayed(plan.landed_on, 0, manifest=plan.manifest)
    nothing = SALES_CLEAN.arrow_schema().empty_table()
    judged = judged or _Judged(
        {"clean": nothing, "superseded": nothing, "quarantine": SALES_QUARANTINE.arrow_schema().empty_table()}, {}
    )
    whole = judged.unusable
    olds: list[_OldVersions] = []
    if whole is None and judged.tables["clean"].num_rows:
        numbered = contract.columns["transaction_id"].occurrence
        if numbered and _numbers_change(lake, plan.manifest, judged.tables["clean"]):
            whole = "lines of one composed id are numbered in order, and the numbers of clean rows would change"
        else:
            olds = _old_versions(lake, plan.manifest, judged.tables["clean"])
    if whole is not None:
        return Replayed(plan.landed_on, plan.selected, whole=whole)
    winners, losers = _told_apart(judged.tables["clean"], olds)
    gave_way = [old.rows.filter(pa.array(old.gives_way)) for old in olds]
    cleaned = winners.num_rows
    result = Replayed(
        plan.landed_on,
        plan.selected,
        cleaned,
        losers.num_rows + judged.tables["superseded"].num_rows,
        judged.tables["quarantine"].num_rows + plan.broken.num_rows,
        sum(t.num_rows for t in gave_way),
        _money(winners) - sum(map(_money, gave_way), _NO_MONEY),
        _reasons([judged.tables["quarantine"], plan.broken]),
    )
    if not publish:
        return result
    with _Writing(lake, plan.landed_on, run_id) as writing:
        files = _new_files(raw, lake, contract, plan, judged, olds, winners, losers, writing)
        manifest = _new_manifest(contract, plan, judged, files, run_id)
        if lake.clean(plan.landed_on) != plan.manifest:
            raise ReplayConflictError(
                f"Another run has cleaned the landing of {plan.landed_on} meanwhile. Nothing of this replay was "
                "published for it; run the same again."
            )
        lake.publish_clean(manifest)
        writing.keep()
    return replace(result, manifest=manifest)


@dataclass(frozen=True)
class _OldVersions:
    """Clean rows of one file whose transaction a replayed row has, and which of them stand before that row."""

    file: LakeFile
    rows: pa.Table
    gives_way: list[bool]


def _old_versions(lake: Lake, manifest: CleanManifest, new: pa.Table) -> list[_OldVersions]:
    ids = new["transaction_id"].combine_chunks()
    place_of = dict(zip(ids.to_pylist(), _places(new), strict=True))
    found = []
    for file in manifest.files["clean"]:
        known = read_table(lake, file, ["transaction_id"])["transaction_id"]
        mask = pc.is_in(known, ids)
        if pc.any(mask).as_py():
            rows = read_table(lake, file).filter(mask)
            later = [
                place < place_of[i] for i, place in zip(rows["transaction_id"].to_pylist(), _places(rows), strict=True)
            ]
            found.append(_OldVersions(file, rows, later))
    return found


def _told_apart(new: pa.Table, olds: Sequence[_OldVersions]) -> tuple[pa.Table, pa.Table]:
    """The replayed rows that are the latest of their transaction in the landing, and those that are not."""
    later = [
        i
        for old in olds
        for i, gives_way in zip(old.rows["transaction_id"].to_pylist(), old.gives_way, strict=True)
        if not gives_way
    ]
    loses = pc.is_in(new["transaction_id"], pa.array(later, pa.string()))
    return new.filter(pc.invert(loses)), new.filter(loses)


def _numbers_change(lake: Lake, manifest: CleanManifest, new: pa.Table) -> bool:
    """Whether a clean row of the landing has the composed id of a replayed one."""
    bases = pc.unique(pc.replace_substring_regex(new["transaction_id"], r"-\d+$", ""))
    for file in manifest.files["clean"]:
        known = read_table(lake, file, ["transaction_id"])["transaction_id"]
        both = (known, pc.replace_substring_regex(known, r"-\d+$", ""))
        if any(pc.any(pc.is_in(ids, bases)).as_py() for ids in both):
            return True
    return False


def _new_files(
    raw: Store,
    lake: Lake,
    contract: Contract,
    plan: LandingPlan,
    judged: _Judged,
    olds: Sequence[_OldVersions],
    winners: pa.Table,
    losers: pa.Table,
    writing: _Writing,
) -> dict[Status, tuple[LakeFile, ...]]:
    """The landing's files after the replay: untouched ones as they are, others written anew."""
    line_counts = dict(judged.lines)
    touched = {old.file.key: old for old in olds if any(old.gives_way)}
    clean = [f for f in plan.manifest.files["clean"] if f.key not in touched]
    moved = []
    for file in plan.manifest.files["clean"]:
        if (old := touched.get(file.key)) is None:
            continue
        leaving = old.rows.filter(pa.array(old.gives_way))
        line_counts |= _lines_in_files(raw, plan.raw, file, leaving)
        stays = read_table(lake, file)
        stays = stays.filter(pc.invert(pc.is_in(stays["transaction_id"], leaving["transaction_id"].combine_chunks())))
        clean += writing.file("clean", [stays], file.lines - _lines(leaving, line_counts))
        moved.append(leaving)
    clean += writing.file("clean", [winners], _lines(winners, line_counts))
    aside = [judged.tables["superseded"], losers, *moved]
    superseded = [*plan.manifest.files["superseded"]]
    superseded += writing.file("superseded", aside, sum(_lines(t, line_counts) for t in aside))
    quarantine = _new_quarantine(lake, contract, plan, judged, line_counts, writing)
    return {"clean": tuple(clean), "quarantine": tuple(quarantine), "superseded": tuple(superseded)}


def _new_quarantine(
    lake: Lake,
    contract: Contract,
    plan: LandingPlan,
    judged: _Judged,
    line_counts: Mapping[tuple[str, int], int],
    writing: _Writing,
) -> list[LakeFile]:
    keys = sorted(plan.profiles)
    read_again = places(plan.texts, keys)
    broken = places(plan.broken, keys)
    kept, rest, lines = [], [], 0
    for file, table in tables(lake, plan.manifest):
        at = places(table, keys)
        leaves, marked = np.isin(at, read_again), np.isin(at, broken)
        if not (leaves.any() or marked.any()):
            kept.append(file)
            continue
        versions = pc.if_else(pa.array(marked), contract.digest, table["contract_version"])
        column = table.column_names.index("contract_version")
        table = table.set_column(column, table.schema.field("contract_version"), versions)
        rest.append(table.filter(pa.array(~leaves)))
        lines += file.lines - _lines(table.filter(pa.array(leaves)), line_counts)
    again = judged.tables["quarantine"]
    return kept + writing.file("quarantine", [*rest, again], lines + _lines(again, line_counts))


def _lines_in_files(raw: Store, manifest: RawManifest, file: LakeFile, rows: pa.Table) -> dict[tuple[str, int], int]:
    """Physical lines of clean rows, which their table does not keep: one each, or as the landed file says."""
    if file.lines == file.rows:
        return dict.fromkeys(_places(rows), 1)
    wanted: dict[str, set[int]] = {}
    for key, line in _places(rows):
        wanted.setdefault(key, set()).add(line)
    found: dict[tuple[str, int], int] = {}
    for profile in (f for f in manifest.files if f.key in wanted):
        with raw.open(profile.key) as handle:
            for records in read_records(handle, profile):
                at = records.table.select(["line", "lines"]).filter(
                    pc.is_in(records.table["line"], pa.array(sorted(wanted[profile.key]), pa.int64()))
                )
                found |= {(profile.key, row["line"]): row["lines"] for row in at.to_pylist()}
    if missing := [place for place in _places(rows) if place not in found]:
        raise LandingError(
            f"{missing[0][0]} has no record at line {missing[0][1]} any more: it was replaced since it was cleaned. "
            "Materialize raw_sales_files and clean_sales again for its landing."
        )
    return found


def _new_manifest(
    contract: Contract,
    plan: LandingPlan,
    judged: _Judged,
    files: dict[Status, tuple[LakeFile, ...]],
    run_id: str,
) -> CleanManifest:
    """The manifest after the replay. Raises ReplayError unless it accounts for every row, line and cent as before."""
    before = plan.manifest
    counts = Counter(before.reasons)
    counts.subtract(_reasons([plan.texts]))
    counts.update(_reasons([judged.tables["quarantine"]]))
    more = sum(map(_money, judged.tables.values()), _NO_MONEY) - _money(plan.texts)
    manifest = CleanManifest(
        before.source,
        before.landed_on,
        run_id,
        _contracts(before.contract, contract.digest, same_money=not more),
        before.raw_digest,
        files,
        {name: counts[name] for name in sorted(counts) if counts[name]},
    )
    statuses: tuple[Status, ...] = ("clean", "quarantine", "superseded")
    money = [sum((m.amount(s) for s in statuses), _NO_MONEY) for m in (before, manifest)]
    if (manifest.landed_rows, manifest.lines, money[1]) != (before.landed_rows, before.lines, money[0] + more):
        raise ReplayError(
            f"The replay of {before.landed_on} would not keep every row and cent: {before.landed_rows} rows, "
            f"{before.lines} lines, {money[0] + more} in money became {manifest.landed_rows}, {manifest.lines}, "
            f"{money[1]}. Nothing was changed. Materialize clean_sales again for this landing, and report this."
        )
    return manifest


def _contracts(before: str, now: str, *, same_money: bool) -> str:
    """The contract of a manifest whose clean rows an older one judged.

    Control totals of the raw files hold for one contract. Where the replay reads money that the older one could not,
    they no longer do, and the name says so.
    """
    if same_money or before == now:
        return before
    return f"{before.split(_AND)[0]}{_AND}{now}"


def _reasons(parts: Sequence[pa.Table]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for part in parts:
        for item in pc.value_counts(part["reasons"]).to_pylist():
            counted.update(dict.fromkeys(item["values"].split(","), item["counts"]))
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _money(rows: pa.Table) -> Decimal:
    total = pc.sum(rows["total_amount"].cast(pa.decimal128(38, 2))).as_py()
    return _NO_MONEY if total is None else total


class _Writing:
    """New files of one landing. Unless kept, they are gone again at the end."""

    def __init__(self, lake: Lake, landed_on: dt.date, run_id: str) -> None:
        self._lake, self._landed_on, self._run_id = lake, landed_on, run_id
        self._keys: list[str] = []

    def __enter__(self) -> _Writing:
        return self

    def __exit__(self, *_: Any) -> None:
        with contextlib.suppress(RetailError):
            self._lake.store.delete(self._keys)

    def keep(self) -> None:
        """The manifest names them: they stay."""
        self._keys = []

    def file(self, status: Status, parts: Sequence[pa.Table], lines: int) -> list[LakeFile]:
        """Write the rows as one file; none for no rows."""
        import pyarrow.parquet as pq

        table: Table = SALES_QUARANTINE if status == "quarantine" else SALES_CLEAN
        schema = table.arrow_schema()
        rows = pa.concat_tables([schema.empty_table(), *(p.select(schema.names).cast(schema) for p in parts)])
        if not rows.num_rows:
            return []
        key = self._lake.data_key(self._landed_on, self._run_id, f"{status}-{uuid.uuid4().hex}")
        self._keys.append(key)
        with self._lake.store.writing(key) as sink:
            pq.write_table(rows, sink, compression="zstd", compression_level=1, row_group_size=_ROWS_IN_GROUP)
            size = sink.tell()
        return [LakeFile(key, rows.num_rows, lines, str(_money(rows)), size)]


# --- being alone, and what a crash leaves ---


@contextlib.contextmanager
def _alone(lake: Lake, seconds: float) -> Iterator[None]:
    """Keep other replays of the source out. The lock goes with the process, however it ends."""
    if not lake.store.is_local:
        yield
        return
    try:
        import fcntl
    except ImportError:  # Windows: the manifest is compared before it is replaced all the same
        yield
        return
    path = lake.store.local_path(f"{lake.source}/.replay.lock")
    with path.open("ab") as handle:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise ReplayConflictError(
                        f"Another replay of {lake.source} is at work and was not done within {math.ceil(seconds)} s. "
                        "Nothing was changed; run the same again."
                    ) from None
                time.sleep(0.1)
        yield


def _sweep(lake: Lake) -> None:
    """Delete staged texts that a replay left behind when it was killed."""
    oldest = time.time() - GRACE.total_seconds()
    left = [e.key for e in lake.store.list(f"{lake.source}/replay") if e.modified is not None and e.modified < oldest]
    lake.store.delete(left)


def not_loaded(lake: Lake, warehouse: Warehouse, manifests: Sequence[CleanManifest]) -> list[dt.date]:
    """Landings that were replayed, or loaded before, and whose rejected rows in the warehouse are not the manifest's.

    That is what a crash between publishing and loading leaves.
    """
    if not manifests:
        return []
    days = [m.landed_on for m in manifests]
    loaded: dict[dt.date, Counter[tuple[str, str]]] = {}
    with contextlib.suppress(NotReadyError):
        found = warehouse.query(
            "SELECT landed_on, reasons, contract_version, count(*) AS n FROM sales_quarantine "
            "WHERE landed_on BETWEEN ? AND ? GROUP BY landed_on, reasons, contract_version",
            [min(days), max(days)],
        )
        for row in found.to_pylist():
            loaded.setdefault(row["landed_on"], Counter())[row["reasons"], row["contract_version"]] = row["n"]
    late = []
    for manifest in manifests:
        if manifest.landed_on not in loaded and not manifest.run_id.startswith(RUN_PREFIX):
            continue  # never loaded: that is for whoever cleans it to do
        there: Counter[tuple[str, str]] = Counter()
        for _, table in tables(lake, manifest, ["reasons", "contract_version"]):
            there.update(zip(*(c.to_pylist() for c in table.columns), strict=True))
        if there != loaded.get(manifest.landed_on, Counter()):
            late.append(manifest.landed_on)
    return late
