"""Records: what every reader yields, whatever the format of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

#: Stands for bytes that are not text in the file's encoding, and for NUL.
REPLACEMENT_CHARACTER = "\ufffd"


@dataclass(frozen=True)
class Records:
    """A block of records.

    `table` has these columns:

    - `c0`…`cN`: text, one per column of the file; null where a record cannot be split into the header's fields.
    - `line`: int64, the physical line on which the record begins. The first line of the file is 1. In Parquet files it
      is the row number.
    - `lines`: int32, how many physical lines the record spans, without blank ones.
    - `raw`: text of the record as in the file, without the last line end.
    - `defects`: int64, mask of the reasons in `rules.READING` that were found while reading.
    """

    table: pa.Table

    @classmethod
    def of(cls, columns: list[pa.Array], line: pa.Array, lines: pa.Array, raw: pa.Array, defects: pa.Array) -> Records:
        """Build a block from its columns of equal length."""
        names = [*(f"c{i}" for i in range(len(columns))), "line", "lines", "raw", "defects"]
        return cls(pa.table([*columns, line, lines, raw, defects], names=names))


def before_line(blocks: Iterator[Records], line: int) -> Iterator[Records]:
    """Yield the records that begin before a line of the file."""
    for block in blocks:
        kept = int(np.searchsorted(block.table["line"].to_numpy(), line))
        if kept == block.table.num_rows:
            yield block
        elif kept:
            yield Records(block.table.slice(0, kept))
