"""Inspecting a landed file: everything that the raw manifest records about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.headers import match_header
from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.moments import TYPED
from retail_assets.contracts.typing_sql.numbers import number_columns
from retail_assets.contracts.typing_sql.text_columns import TextColumns
from retail_assets.errors import LandingError
from retail_assets.lake.profile import Control, FileProfile
from retail_assets.landing.bounds import refuse_short_lines, refuse_too_many_columns
from retail_assets.landing.formats import format_of
from retail_assets.landing.inspection.clock_changes import clock_changes
from retail_assets.landing.inspection.control_totals import control_totals
from retail_assets.landing.inspection.date_order import DateEvidence, evidence_by_hand
from retail_assets.landing.inspection.joined_source import References
from retail_assets.landing.inspection.json_keys import all_json_keys
from retail_assets.landing.inspection.midnights import refuse_days_as_moments
from retail_assets.landing.inspection.other_currencies import refuse_other_currencies
from retail_assets.landing.inspection.parquet import inspect_parquet
from retail_assets.landing.inspection.repeated_header import MOST_NAMES, refuse_other_header
from retail_assets.landing.inspection.shape import Shape
from retail_assets.landing.inspection.sheet import (
    inspect_workbook,
    refuse_unreadable_cells,
    split_row,
    with_decimal_commas,
)
from retail_assets.landing.inspection.text import inspect_text
from retail_assets.landing.inspection.totals import split_text, totals_of
from retail_assets.landing.partitions import partition_of
from retail_assets.landing.replacement import use_instead
from retail_assets.landing.streamed import offsets_of
from retail_assets.storage import Entry, Store

_LONGEST_SHOWN, _MOST_SHOWN = 200, 50  # characters of a skipped line, and lines above the header


def inspect_file(
    store: Store,
    entry: Entry,
    contract: Contract,
    landed_on: dt.date | None = None,
    references: References | None = None,
) -> FileProfile:
    """Inspect a landed file: hash it, count its lines, match its header, take control totals.

    `landed_on` is its landing day; by default the one in its key, if there is one. Nothing was sold after it.
    `references` has the rows of the reference files that its money depends on (see `control_totals`).

    Raises LandingError if the file is empty, has only a header, is damaged, does not fit the contract, or writes dates
    whose order of day and month it does not prove, or that contradict the order which the contract declares.
    """
    landed_on = landed_on or partition_of(entry.key)
    shape = shape_of(store, entry, contract)
    header = all_json_keys(store, entry.key, shape) if format_of(entry.key)[0] == "jsonl" else shape.header
    described = described_by(store, entry, contract, shape, header)
    control, dates = control_totals(
        store,
        described.profile,
        contract,
        landed_on,
        lost_text=shape.lost_text,
        totals=described.totals,
        texts=described.shape.texts,
        references=references,
    )
    return judged(store, described, contract, landed_on, control, dates)


@dataclass(frozen=True)
class Described:
    """A file whose columns are known, before its totals are: `totals` are the lines at its end that are no rows."""

    profile: FileProfile
    shape: Shape
    totals: tuple[str, ...]


def shape_of(store: Store, entry: Entry, contract: Contract) -> Shape:
    """Read a file to its end. Raises LandingError if it is empty, damaged, too wide or not what its name says."""
    file_format, compression = format_of(entry.key)
    if entry.size == 0:
        raise LandingError(f"{entry.key} is empty (0 bytes). {use_instead(entry.key, 'the complete file')}")
    with store.open(entry.key) as handle:
        if file_format == "parquet":
            shape = inspect_parquet(handle, entry)
        elif file_format == "xlsx":
            shape = inspect_workbook(handle, entry, contract)
        else:
            shape = inspect_text(handle, entry, file_format, compression, contract)
    refuse_too_many_columns(shape.header, entry.key)
    return shape


def described_by(store: Store, entry: Entry, contract: Contract, shape: Shape, header: list[str]) -> Described:
    """Match the header of a file. Raises LandingError if it does not fit the contract, or there is nothing below it."""
    file_format, compression = format_of(entry.key)
    if not header and offsets_of(entry.key) is not None:  # records of a stream, none of which is an object
        header = list(contract.raw_columns())
    where = f"{entry.key}, sheet {shape.sheet!r}," if shape.sheet else entry.key
    match = match_header(header, contract, where)
    split = split_row if file_format == "xlsx" else split_text(shape.delimiter)
    totals = totals_of(shape.tail, split, match.positions, contract, entry.key)
    lines = shape.lines - len(totals.texts)
    if file_format == "csv":
        refuse_short_lines(lines, shape.unpacked, len(header), entry.key)
    if not lines:
        raise LandingError(
            f"{entry.key} has a header and no rows. If nothing was sold, remove the file: a day without a file is "
            f"fine. Is it cut short? {use_instead(entry.key, 'the complete file')}"
        )
    profile = FileProfile(
        key=entry.key,
        size=entry.size,
        sha256=shape.sha256,
        format=file_format,
        compression=compression,
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        line_end=shape.line_end,
        header=header,
        header_lines=shape.header_lines,
        positions=match.positions,
        unknown_columns=list(match.unknown),
        missing_columns=list(match.missing),
        lines=lines,
        types=shape.types,
        unpacked=shape.unpacked,
        skipped_above=len(shape.above),
        skipped_below=len(totals.texts),
        totals_from=totals.first,
        skipped=[text[:_LONGEST_SHOWN] for text in (*shape.above[:_MOST_SHOWN], *totals.texts)],
        header_records=shape.header_records,
        fill_down=_fill_down(match.positions, contract),
        sheet=shape.sheet,
        decimal_commas=_decimal_commas(match.positions, contract) if file_format != "csv" else [],
    )
    if shape.uncomputed or shape.merged:
        refuse_unreadable_cells(shape, profile, contract)
    profile = replace(profile, date_order=TYPED if _dates_are_typed(profile, contract) else None)
    if shape.texts is not None and shape.numbers is not None:
        texts = with_decimal_commas(shape.texts, shape.numbers, profile.decimal_commas)
        shape = replace(shape, texts=texts, numbers=None)
    return Described(profile, shape, tuple(totals.texts))


def judged(
    store: Store,
    described: Described,
    contract: Contract,
    landed_on: dt.date | None,
    control: Control,
    dates: DateEvidence | None,
) -> FileProfile:
    """Judge the content of a file. `dates` is what its dates prove; None where DuckDB could not split it."""
    profile, shape, header = described.profile, described.shape, described.profile.header
    totals = described.totals
    profile = replace(profile, control=control)
    refuse_other_currencies(store, profile, contract, totals=totals, texts=shape.texts)
    if shape.header_again or (shape.texts is not None and len(header) <= MOST_NAMES):
        refuse_other_header(store, profile, contract, totals, shape.texts)
    by_hand = dates is None
    if dates is None and profile.format == "csv":
        dates = evidence_by_hand(store, profile, contract, landed_on)
    if dates is None:
        return profile
    if profile.date_order is None:
        profile = replace(profile, date_order=_date_order(dates, profile.key, contract, landed_on))
    if by_hand:
        return profile
    refuse_days_as_moments(store, profile, contract, totals=totals, texts=shape.texts)
    changes = clock_changes(store, profile, contract, dates, totals=totals, texts=shape.texts)
    return replace(profile, clock_changes=changes)


def _date_order(dates: DateEvidence, key: str, contract: Contract, landed_on: dt.date | None) -> str | None:
    """Return the order that the dates of a file prove.

    A batch of a stream may be too small to prove one, and no other file will come instead: None then, and cleaning
    rejects the rows whose dates it cannot read.
    """
    try:
        return dates.order(key, contract.dates, landed_on)
    except LandingError:
        if offsets_of(key) is None:
            raise
        return None


def _fill_down(positions: dict[str, int], contract: Contract) -> list[int]:
    """Return the numbers of the columns that are filled from the line above, the key first."""
    by_name = {normalize_header(n): positions.get(c) for c, names in contract.raw_columns().items() for n in names}
    found = (by_name[normalize_header(name)] for name in contract.file.fill_down)
    return list(dict.fromkeys(position for position in found if position is not None))


def _decimal_commas(positions: dict[str, int], contract: Contract) -> list[int]:
    """Return the numbers of the columns in which numbers that are no texts get the decimal comma of the contract."""
    return sorted(number_columns(TextColumns(contract, positions))) if contract.numbers.decimal == "," else []


def _dates_are_typed(profile: FileProfile, contract: Contract) -> bool:
    """Return whether the dates of a Parquet file or a workbook are dates or time stamps, and no texts."""
    position = TextColumns(contract, profile.positions).raw_position(contract.columns["sold_at"].header or "")
    if position is None or len(profile.types) != len(profile.header):
        return False
    return profile.types[position].startswith(("date32", "date64", "timestamp"))
