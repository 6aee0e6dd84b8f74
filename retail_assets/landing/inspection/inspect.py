"""Inspecting a landed file: everything that the raw manifest records about it."""

from __future__ import annotations

from dataclasses import replace

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.headers import match_header
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.formats import format_of
from retail_assets.landing.inspection.control_totals import control_totals
from retail_assets.landing.inspection.date_order import evidence_by_hand
from retail_assets.landing.inspection.json_keys import all_json_keys
from retail_assets.landing.inspection.parquet import inspect_parquet
from retail_assets.landing.inspection.text import inspect_text
from retail_assets.landing.inspection.totals import split_text, totals_of
from retail_assets.storage import Entry, Store

_LONGEST_SHOWN, _MOST_SHOWN = 200, 50  # characters of a skipped line, and lines above the header


def inspect_file(store: Store, entry: Entry, contract: Contract) -> FileProfile:
    """Inspect a landed file: hash it, count its lines, match its header, take control totals.

    Raises LandingError if the file is empty, has only a header, is damaged, does not fit the contract, or writes dates
    whose order of day and month it does not prove.
    """
    file_format, compression = format_of(entry.key)
    if entry.size == 0:
        raise LandingError(
            f"{entry.key} is empty (0 bytes). Land the complete file with `retail-assets land --replace`."
        )
    with store.open(entry.key) as handle:
        if file_format == "parquet":
            shape = inspect_parquet(handle, entry)
        else:
            shape = inspect_text(handle, entry, file_format, compression, contract)
    header = all_json_keys(store, entry.key, shape) if file_format == "jsonl" else shape.header
    match = match_header(header, contract, entry.key)
    totals = totals_of(shape.tail, split_text(shape.delimiter), match.positions, contract, entry.key)
    lines = shape.lines - len(totals.texts)
    if not lines:
        raise LandingError(
            f"{entry.key} has a header and no rows. If nothing was sold, remove the file: a day without a file is "
            "fine. Otherwise land the complete file with `retail-assets land --replace`."
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
    )
    control, dates = control_totals(store, profile, contract, lost_text=shape.lost_text, totals=totals.texts)
    if dates is None and profile.format == "csv":
        dates = evidence_by_hand(store, profile, contract)
    return replace(profile, control=control, date_order=dates.order(profile.key) if dates else None)


def _fill_down(positions: dict[str, int], contract: Contract) -> list[int]:
    """Return the numbers of the columns that are filled from the line above, the key first."""
    by_name = {normalize_header(n): positions.get(c) for c, names in contract.raw_columns().items() for n in names}
    found = (by_name[normalize_header(name)] for name in contract.file.fill_down)
    return list(dict.fromkeys(position for position in found if position is not None))
