"""Whether numeric dates such as 03/04/2025 have the day or the month first, as the whole file proves it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.model import Contract
from retail_assets.errors import LandingError
from retail_assets.lake.profile import FileProfile
from retail_assets.landing.inspection.header import fields_of
from retail_assets.landing.inspection.lines import has_text
from retail_assets.landing.inspection.text_stream import uncompressed
from retail_assets.storage import Store

NUMERIC_DATE = r"^(\d{1,2})[./-](\d{1,2})[./-]\d"
SHORT_DATE = r"^\d{2}-\d{2}-([0-2]\d|3[01])\b"


@dataclass(frozen=True)
class DateEvidence:
    """What the numeric dates of a file prove: how many there are, and how many fit one order only.

    `short` counts dates such as 24-01-05, which may also begin with the year.
    """

    numeric: int = 0
    day_first: int = 0
    month_first: int = 0
    short: int = 0
    example: str | None = None
    day_first_example: str | None = None
    month_first_example: str | None = None

    def order(self, key: str) -> str | None:
        """Return `dmy` or `mdy`, or None if no date is numeric. Raises LandingError if the file does not prove one.

        >>> DateEvidence(numeric=2, day_first=1).order("a.csv")
        'dmy'
        """
        if not self.numeric:
            return None
        declare = "Declare the order in the contract: `dates: {order: dmy}` or `dates: {order: mdy}`"
        if self.day_first and self.month_first:
            problem = (
                f"the day comes first in {self.day_first:,} ({self.day_first_example!r}) and the month in "
                f"{self.month_first:,} ({self.month_first_example!r})"
            )
            declare += "; dates in the other order then go to quarantine"
        elif self.short:
            problem = "the two-digit year may stand at the end or, as in 24-01-05, at the beginning"
            declare += ", or `dates: {order: dmy, formats: ['%y-%m-%d']}`"
        elif not self.day_first and not self.month_first:
            problem = "no day is above 12, so the file does not show which comes first, day or month"
        else:
            return "dmy" if self.day_first else "mdy"
        raise LandingError(
            f"{key}: {self.numeric:,} dates such as {self.example!r} are numeric, and {problem}. {declare}."
        )


def evidence_by_hand(store: Store, profile: FileProfile, contract: Contract) -> DateEvidence:
    """Collect the evidence of a delimited file line by line in Python, for files that DuckDB cannot read to the end."""
    position = profile.positions.get(_sold_at_column(contract), -1)
    numeric_date, short_date = re.compile(NUMERIC_DATE), re.compile(SHORT_DATE)
    counts = dict.fromkeys(("numeric", "day_first", "month_first", "short"), 0)
    examples: dict[str, str] = {}
    with store.open(profile.key) as handle:
        stream = uncompressed(handle, profile.compression)
        lines = io.TextIOWrapper(stream, profile.encoding, "replace", newline=None)
        for number, line in enumerate(lines):
            if number < profile.header_lines or not has_text(line):
                continue
            try:
                fields = fields_of(line.rstrip("\n"), profile.delimiter, strict=False)
            except csv.Error:
                continue
            text = fields[position].strip() if position < len(fields) == len(profile.header) else ""
            if not (match := numeric_date.match(text)):
                continue
            first, second = int(match.group(1)), int(match.group(2))
            kinds = ["short"] if short_date.match(text) else []
            if 1 <= min(first, second) <= 12 and max(first, second) <= 31:
                kinds.append("numeric")
                kinds += ["day_first"] if first > 12 else ["month_first"] if second > 12 else []
            for kind in kinds:
                counts[kind] += 1
                examples[kind] = min(text, examples.get(kind, text))
    return DateEvidence(
        **counts,
        example=examples.get("numeric"),
        day_first_example=examples.get("day_first"),
        month_first_example=examples.get("month_first"),
    )


def _sold_at_column(contract: Contract) -> str:
    """Return the raw column of the date, or an empty string if the contract has none."""
    header = normalize_header(contract.columns["sold_at"].header or "")
    columns = contract.raw_columns().items()
    return next((c for c, names in columns if header in map(normalize_header, names)), "")
