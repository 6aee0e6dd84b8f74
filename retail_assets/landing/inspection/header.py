"""The header of a delimited file: where it is, its separator, its fields, and the lines that it takes."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.headers import required_raw_columns
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.landing.inspection.lines import has_text

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_HEADER = 100  # lines
_LINES_OF_TITLES = 50  # among which a header is looked for
_SEARCHED_LINES = 1000
_SEARCHED_CHARACTERS = 10_000  # of each line
#: A line above the header that states the separator, as Excel reads it.
_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;|\t])"?[ \r]*(?:\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """The header of a file: its separator and fields, the lines before it (`begin`) and those up to its `end`."""

    delimiter: str
    fields: list[str]
    begin: int
    end: int

    def above(self, text: str) -> list[str]:
        """Return the lines above the header that are not blank and do not state the separator."""
        lines = text.split("\n", self.begin)[: self.begin]
        if lines and _SEPARATOR_LINE.match(text):
            del lines[0]
        return [line.rstrip("\r") for line in lines if has_text(line)]

    def records(self, text: str) -> int:
        """Count the records up to the end of the header, where lines above it have quotes; otherwise 0."""
        lines = text.split("\n", self.end)[: self.end]
        if not any('"' in line for line in lines[: self.begin]):
            return 0
        try:
            return sum(1 for _ in csv.reader((f"{line}\n" for line in lines), delimiter=self.delimiter))
        except csv.Error:
            return 0


def find_header(text: str, contract: Contract, key: str) -> Found:
    """Find the header in the first lines of a file.

    It is where the contract says. Otherwise it is the first line that is not blank, or, if that line is not a header,
    the only one of the first lines that has every required column, above a row of the same width.

    Raises LandingError if a quote in it never closes, or if the contract's pattern is not found.
    """
    rule = contract.file
    if rule.skip_top is not None:
        return _header_below(text, rule.skip_top, contract, key)
    if rule.header is not None:
        lines = enumerate(text.split("\n", _SEARCHED_LINES)[:_SEARCHED_LINES])
        begin = next((i for i, line in lines if re.search(rule.header, line[:_SEARCHED_CHARACTERS])), None)
        if begin is None:
            raise LandingError(
                f"{key}: none of the first {_SEARCHED_LINES:,} lines has the header's pattern "
                f"(`file: {{header: {rule.header!r}}}`). Change it, or give the lines to skip: `skip_top: N`."
            )
        return _header_below(text, begin, contract, key)
    first = _header_below(text, 0, contract, key, refuse=False)
    if first.fields and has_required_columns(first.fields, contract):
        return first
    return _proven_header(text, contract) or _header_below(text, 0, contract, key)


def has_required_columns(fields: Sequence[str], contract: Contract) -> bool:
    """Return whether a header has every raw column that a file must have."""
    present = {normalize_header(f) for f in fields}
    raw = contract.raw_columns()
    return all(present.intersection(map(normalize_header, raw[c])) for c in required_raw_columns(contract))


def _header_below(text: str, begin: int, contract: Contract, key: str, *, refuse: bool = True) -> Found:
    rest = text.split("\n", begin)[begin] if text.count("\n") >= begin else ""
    delimiter = _delimiter_of(rest, contract)
    fields, lines = _first_record(rest, delimiter)
    if not fields and refuse:
        raise LandingError(f"{key}: the header has a quote that never closes. Fix the first line and land it again.")
    blank = next((i for i, line in enumerate(rest.split("\n", lines)[:lines]) if has_text(line)), 0)
    separator_line = bool(begin == 0 and _SEPARATOR_LINE.match(text))
    return Found(delimiter, fields, begin + blank + separator_line, begin + lines)


def _proven_header(text: str, contract: Contract) -> Found | None:
    lines = text.split("\n", _LINES_OF_TITLES + _LONGEST_HEADER)
    candidates = []
    for begin, line in enumerate(lines[:_LINES_OF_TITLES]):
        if not has_text(line):
            continue
        rest = "\n".join(lines[begin : begin + _LONGEST_HEADER])
        delimiter = _delimiter_of(rest, contract)
        fields, taken = _first_record(rest, delimiter)
        if fields and has_required_columns(fields, contract):
            candidates.append(Found(delimiter, fields, begin, begin + taken))
    if len(candidates) != 1:
        return None
    [found] = candidates
    below, _ = _first_record("\n".join(lines[found.end :]), found.delimiter)
    same_width = len(below) == len(found.fields) or (len(below) == len(found.fields) + 1 and not below[-1].strip())
    return found if same_width or not any(map(has_text, lines[found.end :])) else None


def _delimiter_of(text: str, contract: Contract) -> str:
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
