"""The shape of a landed file: what cleaning needs to read it, and the totals that cleaning must account for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Control:
    """Control totals of a file, taken by an independent parser.

    `rows` is how many it could split, `rejected` how many lines it could not, `amount` their money as text. `note` says
    why there are no totals.
    """

    rows: int | None = None
    rejected: int | None = None
    amount: str | None = None
    note: str = ""


@dataclass(frozen=True)
class ClockChanges:
    """How many time stamps are in local hours that a change of the clock skipped or repeated, with an example each."""

    skipped: int = 0
    skipped_example: str | None = None
    repeated: int = 0
    repeated_example: str | None = None


@dataclass(frozen=True)
class FileProfile:
    """Everything that cleaning needs to read a file, and what it must account for.

    `lines` counts the physical lines after the header that are not blank (rows, for Parquet). `types` are those of the
    columns of a Parquet file or a sheet. `unpacked` is the uncompressed size in bytes, and at least `size`.

    `skipped_above` and `skipped_below` count the lines above the header and those of totals at the end that are not
    rows, without blank ones; `skipped` has their texts, to be shown. Rows end before the physical line `totals_from`
    (0: at the end of the file). `header_records` counts the records up to the end of the header, where a quoted field
    above it spans lines (0: one for each line but those within the header).
    `fill_down` are the numbers of the columns whose blank cells mean the value of the line above, the key first.
    `sheet` names the sheet of a workbook, whose lines are its rows.
    `decimal_commas` are the numbers of the columns in which a value that is a number, and no text, becomes text with a
    decimal comma, because the contract reads numbers so.
    """

    key: str
    size: int
    sha256: str
    format: str
    compression: str | None
    encoding: str
    delimiter: str
    line_end: str
    header: list[str]
    header_lines: int
    positions: dict[str, int]
    unknown_columns: list[str]
    missing_columns: list[str]
    lines: int
    date_order: str | None = None
    control: Control = field(default_factory=Control)
    types: list[str] = field(default_factory=list)
    unpacked: int = 0
    skipped_above: int = 0
    skipped_below: int = 0
    totals_from: int = 0
    skipped: list[str] = field(default_factory=list)
    header_records: int = 0
    fill_down: list[int] = field(default_factory=list)
    sheet: str = ""
    decimal_commas: list[int] = field(default_factory=list)
    clock_changes: ClockChanges = field(default_factory=ClockChanges)

    def skipped_in_words(self) -> str:
        """Return how many lines are no rows, with the first of each kind; empty if there are none.

        Example: `skipped: 1 line above the header ('Sales report'), 1 line of totals ('Total,,,5.00')`.
        """
        totals = len(self.skipped) - self.skipped_below
        above, below = self.skipped[:totals], self.skipped[totals:]
        parts = [
            f"{count:,} {'line' if count == 1 else 'lines'} {what} ({texts[0][:60]!r}{', …' if count > 1 else ''})"
            for count, what, texts in (
                (self.skipped_above, "above the header", above),
                (self.skipped_below, "of totals", below),
            )
            if count and texts
        ]
        return f"skipped: {', '.join(parts)}" if parts else ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FileProfile:
        clock = ClockChanges(**data.get("clock_changes", {}))
        return cls(**{**data, "control": Control(**data["control"]), "clock_changes": clock})
