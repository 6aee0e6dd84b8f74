"""The header of a delimited file: its separator, its fields, and the lines that it takes."""

from __future__ import annotations

import csv
import re

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.landing.inspection.lines import has_text

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_HEADER = 100  # lines
#: A line above the header that states the separator, as Excel reads it.
_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;|\t])"?[ \r]*(?:\n|\Z)', re.IGNORECASE)


def delimiter_of(text: str, contract: Contract) -> str:
    """Return the declared separator, or the one under which the first record has most of the contract's headers."""
    if contract.file.delimiter != "auto":
        return contract.file.delimiter
    if match := _SEPARATOR_LINE.match(text):
        return match.group(1)
    known = {normalize_header(n) for names in contract.raw_columns().values() for n in names}

    def fit(delimiter: str) -> tuple[int, int]:
        fields = _first_record(text, delimiter)[0] or text.lstrip().split("\n", 1)[0].split(delimiter)
        return sum(normalize_header(f) in known for f in fields), len(fields)

    return max(_DELIMITERS, key=fit)


def header_of(text: str, delimiter: str, key: str) -> tuple[list[str], int]:
    """Return the fields of the header and the number of physical lines up to its end.

    Raises LandingError if a quote in it never closes.
    """
    fields, lines = _first_record(text, delimiter)
    if not fields:
        raise LandingError(f"{key}: the header has a quote that never closes. Fix the first line and land it again.")
    return fields, lines


def _first_record(text: str, delimiter: str) -> tuple[list[str], int]:
    """Return the first record that is not blank, and the number of lines up to its end; no fields if it has none."""
    lines = text.split("\n", 10_000)
    begin = next((i for i, line in enumerate(lines) if has_text(line)), 0)
    if _SEPARATOR_LINE.match(text):
        begin = next((i for i, line in enumerate(lines) if i > begin and has_text(line)), begin)
    for end in range(begin + 1, min(begin + _LONGEST_HEADER, len(lines)) + 1):
        try:
            return fields_of("\n".join(lines[begin:end]), delimiter, strict=True), end
        except csv.Error as e:
            if "unexpected end" not in str(e):  # an open quote: the header goes on in the next line
                break
    else:
        return [], begin + 1
    try:
        return fields_of(lines[begin], delimiter, strict=False), begin + 1
    except csv.Error:  # a field of more than 128 KB
        return [lines[begin]], begin + 1


def fields_of(record: str, delimiter: str, *, strict: bool) -> list[str]:
    """Split one record with Python's CSV parser. With `strict`, raises csv.Error for wrong or open quotes.

    >>> fields_of('ID; "Unit price"', ";", strict=True)
    ['ID', 'Unit price']
    """
    text = record.replace("\r", " ")
    return next(csv.reader([text], delimiter=delimiter, strict=strict, skipinitialspace=True), [])
