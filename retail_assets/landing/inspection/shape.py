"""The shape of a file: what inspection learns from its bytes alone, before the contract is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Shape:
    """What a file is, whatever its columns mean.

    `lines` counts the lines after the header that are not blank (rows, for Parquet); `header_lines` counts the physical
    lines up to the end of the header. `lost_text` says that it contains NUL or U+FFFD. `unpacked` is the uncompressed
    size in bytes, and at least the size of the file. `types` are those of the columns of a Parquet file. `above` are
    the texts of the lines above the header and `tail` those of the last lines of the file with their numbers, both
    without blank ones. `header_records` is that of the profile.

    `header_again` says that names of the header occur below it.

    `sheet` names the sheet of a workbook, and `texts` are its cells after the header as columns c0…cN and `line`;
    `numbers` says in its columns c0…cN which cells are numbers, where the contract reads numbers with a decimal comma;
    `uncomputed` says for columns in which row a formula has no value, and `merged` are ranges of cells (rows from 1).
    """

    sha256: str
    encoding: str
    delimiter: str
    line_end: str
    header: list[str]
    header_lines: int
    lines: int
    unpacked: int
    lost_text: bool = False
    types: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    tail: list[tuple[int, str]] = field(default_factory=list)
    header_records: int = 0
    header_again: bool = False
    sheet: str = ""
    texts: pa.Table | None = None
    numbers: pa.Table | None = None
    uncomputed: dict[int, int] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
