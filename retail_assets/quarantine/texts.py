"""The raw text of a rejected row: whether it is complete, and how it splits into fields."""

from __future__ import annotations

import csv
import json

from retail_assets.lake.profile import FileProfile
from retail_assets.tables import SALES_QUARANTINE

[RAW_TEXT_BYTES] = next(c.numbers for c in SALES_QUARANTINE.columns if c.name == "raw_text")
#: A text is cut between characters, so a cut one may be up to three bytes shorter than the column.
LONGEST_WHOLE = RAW_TEXT_BYTES - 4


def is_cut(text: str) -> bool:
    """Return whether the text may be only the beginning of its row."""
    return len(text) > LONGEST_WHOLE // 4 and len(text.encode()) > LONGEST_WHOLE


def physical_lines(text: str) -> int:
    """Count the lines of a text that are not blank, as reading does: with some byte above a space.

    >>> physical_lines("1,two\\n\\nlines,3")
    2
    """
    return sum(1 for line in text.split("\n") if any(c > " " for c in line)) if "\n" in text else 1


def fields(text: str, profile: FileProfile) -> list[str] | None:
    """Return the fields of a row in the order of the header, for people to look at; None if it cannot be split."""
    if profile.format == "csv":
        try:
            split = next(csv.reader([text], delimiter=profile.delimiter, skipinitialspace=True), [])
            # Empty fields after the last column are read as if they were not there.
            return split[: len(profile.header)] if not any(split[len(profile.header) :]) else split
        except csv.Error:
            return text.split(profile.delimiter)
    try:
        item = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(item, dict):
        return None
    values = (item.get(name) for name in profile.header)
    return ["" if v is None else v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
