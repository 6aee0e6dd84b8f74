"""Rows of delimited text and of JSON lines with pseudonyms in them: every other byte of a row stays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO

from retail_assets.cleaning.readers.quoting import Quoting
from retail_assets.cleaning.readers.read import read_records
from retail_assets.lake.profile import FileProfile
from retail_assets.pseudonyms.json_texts import Unsplit, with_texts
from retail_assets.pseudonyms.pseudonym import Pseudonyms
from retail_assets.pseudonyms.replaced_columns import WITHHELD, NewTexts, Replaced

#: A line of JSON that cleaning rejects as it does any array.
WITHHELD_JSON = json.dumps([WITHHELD])


def replaced_lines(
    handle: IO[bytes], profile: FileProfile, columns: Sequence[Replaced], pseudonyms: Pseudonyms
) -> Iterator[tuple[int, str]]:
    """Yield number and new text of each physical line of a text file that does not stay as it is, in order.

    Rows that cannot be split are withheld. Raises OtherKeyError, and LandingError if the file cannot be read.
    """
    is_csv = profile.format == "csv"
    row = _DelimitedRow(profile.delimiter, columns, pseudonyms) if is_csv else _JsonRow(columns, pseudonyms)
    withheld = WITHHELD if is_csv else WITHHELD_JSON
    for records in read_records(handle, profile):
        table = records.table
        lines, defects = table["line"].to_numpy().tolist(), table["defects"].to_numpy().tolist()
        for line, raw, defect in zip(lines, table["raw"].to_pylist(), defects, strict=True):
            new = row(raw) if not defect else None
            if new is None:
                new = withheld + "\n" * raw.count("\n")
            if new == raw or is_withheld(raw):
                continue
            if "\n" in new:
                yield from enumerate(new.split("\n"), line)
            else:
                yield line, new


def is_withheld(raw: str) -> bool:
    """Return whether the text of a row that cannot be split is one that was withheld, also from a stream."""
    if WITHHELD not in raw:
        return False
    text = raw.strip()
    return text in (WITHHELD, WITHHELD_JSON) or (text.startswith('["') and text.endswith(f", {json.dumps(WITHHELD)}]"))


class _DelimitedRow:
    """Replaces the fields of some columns in the text of a record with correct quotes."""

    def __init__(self, delimiter: str, columns: Sequence[Replaced], pseudonyms: Pseudonyms) -> None:
        self._quoting, self._delimiter = Quoting(delimiter), delimiter
        self._width = max((c.position for c in columns), default=-1) + 1
        self._new = {c.position: NewTexts(c, pseudonyms) for c in columns}

    def __call__(self, raw: str) -> str | None:
        if '"' not in raw:
            fields = raw.split(self._delimiter, self._width)
            for number, texts in self._new.items():
                if number < len(fields):
                    fields[number] = texts[fields[number]]
            return self._delimiter.join(fields)
        parts, place = [], 0
        for number, (start, stop, text, quoted) in enumerate(self._quoting.places(raw, self._width)):
            new = self._new[number][text] if number in self._new else text
            if new != text:
                # White space around a value does not count, and the lines keep their numbers.
                parts += [raw[place:start], new, "\n" * text.count("\n") if quoted else ""]
                place = stop
        return "".join((*parts, raw[place:]))


class _JsonRow:
    """Replaces the values of some keys in the text of an object."""

    def __init__(self, columns: Sequence[Replaced], pseudonyms: Pseudonyms) -> None:
        self._columns = {c.header: c for c in columns}
        self._pseudonyms = pseudonyms

    def __call__(self, raw: str) -> str | None:
        try:
            return with_texts(raw, self._columns, self._pseudonyms)
        except Unsplit:
            return None
