"""A dry run: what a contract makes of files, by the code that inspects, reads and judges landed ones. Nothing lands.

Spark is not needed: the rows are judged in this process. Not here: how a result is shown.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning import rules, write
from retail_assets.cleaning.latest import latest
from retail_assets.cleaning.parse import parsed_schema
from retail_assets.cleaning.parsed_files import parsed_rows
from retail_assets.cleaning.readers.read import read_records
from retail_assets.cleaning.repeated_ids import COMPARED, RepeatedIds, compare, way_out
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import FIELDS, Contract
from retail_assets.contracts.sections import FieldRule
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.land import check_file
from retail_assets.landing.register import check_before_landing
from retail_assets.storage import Store

#: Rows that are shown before and after.
SHOWN_ROWS = 5
#: The status of a row by its code in `cleaning.latest`.
_STATUS = {
    write.CLEAN: "clean",
    write.QUARANTINE: "rejected",
    write.SUPERSEDED: "superseded",
    write.EXCLUDED: "excluded",
}
_SUMMED = ("quantity", "total_amount")
#: The rows of each reference file, by its name.
References = Mapping[str, pa.Table]
_SHORT_BLOCK = 1 << 16


@dataclass(frozen=True)
class Rejected:
    """Rows rejected for one reason. `line` of `file` is the first of them, `text` its raw text."""

    reason: str
    rows: int
    file: str
    line: int
    text: str


@dataclass(frozen=True)
class ColumnTotal:
    """What the clean rows have in one canonical column.

    `given` counts values, `distinct` different ones; `least` and `most` are texts; `total` is a sum for quantities and
    money, otherwise None.
    """

    column: str
    given: int
    distinct: int
    least: str | None
    most: str | None
    total: str | None


@dataclass(frozen=True)
class Shown:
    """One of the first rows of a file: the texts of the raw columns, and the values that became of them."""

    line: int
    status: str
    before: dict[str, str | None]
    after: dict[str, str | None]


@dataclass(frozen=True)
class DryRun:
    """What a contract makes of files.

    `rows` and `amounts` are by status (clean, rejected, superseded, excluded); `first_day` and `last_day` are days of
    sale of clean rows. `replaced` is the file and line of the first superseded row. `repeated` are superseded rows that
    were other sales, `way_out` what to do about them. `assumed` are guesses of a draft that nobody has confirmed.
    `refused` says why the files would not be loaded although they can be read; None if they would.
    """

    contract: str
    currency: str
    profiles: tuple[FileProfile, ...]
    rows: dict[str, int]
    amounts: dict[str, Decimal]
    rejected: tuple[Rejected, ...]
    columns: tuple[ColumnTotal, ...]
    first_day: dt.date | None
    last_day: dt.date | None
    shown: tuple[Shown, ...]
    refused: str | None
    replaced: tuple[str, int] | None = None
    repeated: RepeatedIds = field(default_factory=RepeatedIds)
    way_out: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def repeated_in_words(self) -> str:
        """What a run would warn of, or stop at; empty without such rows."""
        if not self.repeated.rows:
            return ""
        return (
            f"{self.repeated.rows:,} of {self.repeated.read:,} rows share their id with a later row that is another "
            f"sale, so they would not count ({self.repeated.money:,.2f} {self.currency}): "
            f"{'; '.join(self.repeated.examples)}. {self.way_out}"
        )

    def to_json(self) -> dict[str, Any]:
        files = [
            {
                "file": p.key,
                "format": p.format,
                "encoding": p.encoding,
                "delimiter": p.delimiter,
                "lines": p.lines,
                "date_order": p.date_order,
                "unknown_columns": p.unknown_columns,
                "missing_columns": p.missing_columns,
            }
            for p in self.profiles
        ]
        return {
            "contract": self.contract,
            "currency": self.currency,
            "files": files,
            "rows": self.rows,
            "amounts": {status: str(amount) for status, amount in self.amounts.items()},
            "rejected": [asdict(r) for r in self.rejected],
            "columns": [asdict(c) for c in self.columns],
            "first_day": self.first_day and self.first_day.isoformat(),
            "last_day": self.last_day and self.last_day.isoformat(),
            "shown": [asdict(s) for s in self.shown],
            "other_sales_superseded": {"rows": self.repeated.rows, "examples": list(self.repeated.examples)},
            "assumed": list(self.assumed),
            "refused": self.refused,
        }


def dry_run(
    files: Sequence[Path], contract: Contract, landed_on: dt.date, references: References | None = None
) -> DryRun:
    """Judge files as one landing of the day `landed_on`, and write nothing.

    `references` has the rows of each reference file that the contract declares. Raises LandingError where `land` would
    refuse a file, or cleaning could not read it.
    """
    ordered = sorted(files, key=lambda f: f.name)
    for file in ordered:
        check_file(file)
    profiles = tuple(check_before_landing(file, contract) for file in ordered)
    tables = [
        _parsed(Store(str(file.absolute().parent)), profile, number, contract, landed_on, references)
        for number, (file, profile) in enumerate(zip(ordered, profiles, strict=True))
    ]
    rows = _judged(tables, profiles, contract)
    clean = rows.of("clean")
    days = pc.min_max(clean["sold_at"].cast(pa.date32())).as_py()
    repeated = rows.repeated()
    return DryRun(
        contract=contract.digest,
        currency=contract.currency,
        profiles=profiles,
        rows=rows.counts(),
        amounts={name: _sum(rows.of(name)["total_amount"]) for name in _STATUS.values()},
        rejected=rows.rejected(),
        columns=tuple(_total(clean, name) for name in FIELDS if name in contract.columns or name in _SUMMED),
        first_day=days["min"],
        last_day=days["max"],
        shown=_shown(ordered[0], profiles, rows.table, contract),
        refused=_refusal(rows.counts(), repeated, contract),
        replaced=rows.first_replaced(),
        repeated=repeated,
        way_out=way_out(contract),
        assumed=contract.unconfirmed,
    )


@dataclass(frozen=True)
class JudgedRows:
    """The rows of a landing as cleaning judges them: PARSED_SCHEMA with the columns `file` (a number) and `status`."""

    table: pa.Table
    profiles: tuple[FileProfile, ...]

    def of(self, status: str) -> pa.Table:
        """Return the rows of a status: clean, rejected, superseded or excluded."""
        codes = [code for code, name in _STATUS.items() if name == status]
        return self.table.filter(pc.is_in(self.table["status"], pa.array(codes, pa.int32())))

    def counts(self) -> dict[str, int]:
        """Return the number of rows by status."""
        return {name: self.of(name).num_rows for name in _STATUS.values()}

    def rejected(self) -> tuple[Rejected, ...]:
        """Return the rejected rows by reason, the most frequent first."""
        return _rejected(self.of("rejected"), self.profiles)

    def first_replaced(self) -> tuple[str, int] | None:
        """Return the file and line of the first superseded row; None without any."""
        rows = self.of("superseded")
        if not rows.num_rows:
            return None
        return self.profiles[rows["file"][0].as_py()].key, rows["source_line"][0].as_py()

    def repeated(self) -> RepeatedIds:
        """Return the superseded rows that were other sales."""
        superseded, clean = self.of("superseded"), self.of("clean")
        read = superseded.num_rows + clean.num_rows
        if not superseded.num_rows:
            return RepeatedIds(read=read)
        ids = pc.unique(superseded["transaction_id"])
        rows = pa.concat_tables([superseded, clean.filter(pc.is_in(clean["transaction_id"], ids))])
        keys = pa.array([profile.key for profile in self.profiles])
        rows = rows.append_column("sale_date", rows["sold_at"].cast(pa.date32()))
        rows = rows.append_column("source_file", keys.take(rows["file"].combine_chunks()))
        return compare(rows.select(list(COMPARED)), read)


def judge(
    raw: Store,
    profiles: Sequence[FileProfile],
    contract: Contract,
    landed_on: dt.date,
    references: References | None = None,
) -> JudgedRows:
    """Judge the inspected files of one landing in a store. Raises LandingError if one cannot be read."""
    tables = [_parsed(raw, profile, number, contract, landed_on, references) for number, profile in enumerate(profiles)]
    return _judged(tables, tuple(profiles), contract)


def _parsed(
    store: Store,
    profile: FileProfile,
    number: int,
    contract: Contract,
    landed_on: dt.date,
    references: References | None = None,
) -> pa.Table:
    empty = parsed_schema(contract).empty_table()
    rows = pa.concat_tables([empty, *parsed_rows(store, profile, contract, landed_on, references)])
    return rows.append_column("file", pa.array(np.full(rows.num_rows, number), pa.int32()))


def _judged(tables: Sequence[pa.Table], profiles: tuple[FileProfile, ...], contract: Contract) -> JudgedRows:
    numbered = contract.columns["transaction_id"].occurrence
    return JudgedRows(latest(pa.concat_tables(tables), numbered=numbered), profiles)


def _refusal(rows: dict[str, int], repeated: RepeatedIds, contract: Contract) -> str | None:
    """Return why a landing of these rows would not be loaded; None if it would."""
    counted, rejected = sum(rows.values()) - rows["excluded"], rows["rejected"]
    if not rows["clean"]:
        return "Not a single row is clean, so there would be nothing to load."
    if contract.rejects(rejected, counted):
        return (
            f"{rejected:,} of {counted:,} rows are rejected, more than the contract's quarantine_limit of "
            f"{contract.quarantine_limit:.0%}. Correct the contract or the file, or raise the limit."
        )
    if repeated.exceeds(contract.identity_limit):
        return (
            f"{repeated.rows:,} of {repeated.read:,} rows share their id with a later row that is another sale, more "
            f"than the contract's identity_limit of {contract.identity_limit:.0%}."
        )
    return None


def _sum(column: pa.ChunkedArray) -> Decimal:
    return pc.sum(column.cast(pa.decimal128(38, 2))).as_py() or Decimal("0.00")


def _rejected(rows: pa.Table, profiles: Sequence[FileProfile]) -> tuple[Rejected, ...]:
    """Group rejected rows by reason, the most frequent first. A row with several reasons counts for each."""
    masks = rows["reasons"].to_numpy()
    counts: Counter[str] = Counter()
    first: dict[str, int] = {}
    for mask, at, number in zip(
        *(a.tolist() for a in np.unique(masks, return_index=True, return_counts=True)), strict=True
    ):
        for name in rules.names_of(mask):
            counts[name] += number
            first[name] = min(at, first.get(name, at))
    return tuple(
        Rejected(
            name,
            number,
            profiles[rows["file"][first[name]].as_py()].key,
            rows["source_line"][first[name]].as_py(),
            rows["raw_text"][first[name]].as_py() or "",
        )
        for name, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _total(rows: pa.Table, name: str) -> ColumnTotal:
    column = rows[name]
    ends = pc.min_max(column).as_py()
    return ColumnTotal(
        name,
        len(column) - column.null_count,
        pc.count_distinct(column).as_py(),
        None if ends["min"] is None else str(ends["min"]),
        None if ends["max"] is None else str(ends["max"]),
        str(pc.sum(column.cast(pa.decimal128(38, column.type.scale))).as_py() or 0) if name in _SUMMED else None,
    )


def _shown(file: Path, profiles: Sequence[FileProfile], judged: pa.Table, contract: Contract) -> tuple[Shown, ...]:
    """Return the first rows of the first file in full: the texts that the contract reads, and their values."""
    profile = profiles[0]
    after = judged.slice(0, SHOWN_ROWS)
    wanted = after.num_rows
    records: list[dict[str, Any]] = []
    path = file.absolute().parent / profile.key
    with Store(str(path.parent)).open(profile.key) as handle:
        for block in read_records(handle, profile, block_bytes=_SHORT_BLOCK):
            records += block.table.slice(0, wanted - len(records)).to_pylist()
            if len(records) >= wanted:
                break
    fields = [name for name in FIELDS if name in after.column_names]
    return tuple(
        Shown(
            row["source_line"],
            _STATUS[row["status"]],
            {raw: record[f"c{place}"] for raw, place in profile.positions.items()},
            {name: None if row[name] is None else str(row[name]) for name in fields},
        )
        for record, row in zip(records, after.to_pylist(), strict=False)
    )


def raw_columns_of(rule: FieldRule, profile: FileProfile) -> list[str]:
    """Return the raw columns of the file that a canonical column is read from."""
    named = {normalize_header(column): column for column in profile.positions}
    return [named[key] for name, _ in rule.origins if (key := normalize_header(name)) in named]
