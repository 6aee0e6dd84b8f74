"""Excel workbooks: the rows of a sheet as text, so that typing and judging work as for text files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa

from retail_assets.cleaning.readers.records import REPLACEMENT_CHARACTER, Records
from retail_assets.cleaning.rules import NOT_TEXT
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.cell_text import NumberText, cell_text
from retail_assets.landing.formats import suffix_of
from retail_assets.landing.replacement import use_instead

_ROWS_PER_BATCH = 20_000


def workbook_records(handle: IO[bytes], profile: FileProfile) -> Iterator[Records]:
    """Yield the rows of a sheet after its header; `line` is the row number and the raw text a JSON object.

    Rows without a value are not records. The library holds the whole sheet: about 90 MB for a million cells, at most 20
    million of which inspection lets pass. Raises LandingError if the file is damaged.
    """
    import python_calamine

    try:
        with python_calamine.load_workbook(handle) as book:
            sheet = book.get_sheet_by_name(profile.sheet)
            shift = sheet.start[1] if sheet.start else 0
            commas = [column - shift for column in profile.decimal_commas]
            rows: list[tuple[int, list[str]]] = []
            for number, values in enumerate(sheet.iter_rows(), 1):
                if number <= profile.header_lines:
                    continue
                cells = _with_decimal_commas([_given(value) for value in values], commas)
                if any(cells):
                    rows.append((number, cells))
                if len(rows) == _ROWS_PER_BATCH:
                    yield _records(rows, shift, profile)
                    rows = []
            if rows:
                yield _records(rows, shift, profile)
    except python_calamine.CalamineError as e:
        raise LandingError(
            f"{profile.key} cannot be read as an Excel workbook: {str(e)[:300]}. Open it in Excel and save it "
            f"as {suffix_of(profile.key) or '.xlsx'}. {use_instead(profile.key, 'the saved file')}"
        ) from e


def _given(value: Any) -> str:
    """Return the text of a cell; empty if it is blank."""
    text = value if isinstance(value, str) else cell_text(value)
    return text if text[:1] > " " or any(c > " " for c in text) else ""


def _with_decimal_commas(cells: list[str], columns: Sequence[int]) -> list[str]:
    """Write the cells of some columns that are numbers with a decimal comma."""
    for i in columns:
        if 0 <= i < len(cells) and isinstance(cells[i], NumberText):
            cells[i] = cells[i].replace(".", ",")
    return cells


def _records(rows: list[tuple[int, list[str]]], shift: int, profile: FileProfile) -> Records:
    """Build a block. `shift` is the number of columns that are blank before the first of `rows`."""
    columns = list(zip(*(cells for _, cells in rows), strict=True))
    header = profile.header
    arrays = [
        pa.array([text or None for text in columns[i - shift]], pa.string())
        if 0 <= i - shift < len(columns)
        else pa.nulls(len(rows), pa.string())
        for i in range(len(header))
    ]
    names = [json.dumps(name, ensure_ascii=False) for name in header[shift:]]
    raw = [
        f"{{{', '.join(f'{n}: {json.dumps(c, ensure_ascii=False)}' for n, c in zip(names, cells, strict=False) if c)}}}"
        for _, cells in rows
    ]
    mask = np.zeros(len(rows), dtype=np.int64)
    used = [p - shift for p in set(profile.positions.values()) if 0 <= p - shift < len(columns)]
    for i in used:
        column = columns[i]
        if any(REPLACEMENT_CHARACTER in text for text in column):
            mask[[REPLACEMENT_CHARACTER in text for text in column]] |= NOT_TEXT.mask
    line = pa.array([number for number, _ in rows], pa.int64())
    ones = pa.array(np.ones(len(rows)), pa.int32())
    return Records.of(arrays, line, ones, pa.array(raw, pa.string()), pa.array(mask, pa.int64()))
