"""Inspecting a landed file: everything that the raw manifest records about it."""

from __future__ import annotations

from dataclasses import replace

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
from retail_assets.storage import Entry, Store


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
    if not shape.lines:
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
        lines=shape.lines,
        types=shape.types,
        unpacked=shape.unpacked,
    )
    control, dates = control_totals(store, profile, contract, lost_text=shape.lost_text)
    if dates is None and profile.format == "csv":
        dates = evidence_by_hand(store, profile, contract)
    return replace(profile, control=control, date_order=dates.order(profile.key) if dates else None)
