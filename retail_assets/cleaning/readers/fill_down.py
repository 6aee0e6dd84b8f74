"""Fill-down: blank cells that mean the value of a line above, as below the first line of an order.

The first of the columns is the key. A line with another key than the line before begins a group; blank cells of a line
get the last value of their own group, never one of another group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning.contiguous import contiguous
from retail_assets.cleaning.readers.records import Records
from retail_assets.contracts.typing_sql.text_columns import BLANKS


def filled_down(blocks: Iterator[Records], positions: Sequence[int]) -> Iterator[Records]:
    """Yield the records with blank cells of the columns at `positions` filled. Where blocks end makes no difference.

    A record with defects has no known key, so it ends its group, and nothing is filled from it.
    """
    names = [f"c{position}" for position in positions]
    carried: list[str | None] = [None] * len(names)
    for block in blocks:
        table = block.table
        columns = [
            pa.concat_arrays([pa.array([value], pa.string()), contiguous(table[name])])
            for name, value in zip(names, carried, strict=True)
        ]
        defects = np.append(False, table["defects"].to_numpy() != 0)
        texts = [pc.utf8_trim(column, characters=BLANKS) for column in columns]
        given = [_given(text) & ~defects for text in texts]
        begin = _group_begins(texts[0], given[0], defects)
        filled = [column.take(_places(has, begin)) for column, has in zip(columns, given, strict=True)]
        carried = [column[-1].as_py() for column in filled]
        for name, column in zip(names, filled, strict=True):
            table = table.set_column(table.column_names.index(name), name, column.slice(1))
        yield Records(table)


def _given(texts: pa.Array) -> np.ndarray:
    """Return which texts are not blank."""
    given: np.ndarray = pc.fill_null(pc.greater(pc.binary_length(texts), 0), False).to_numpy(zero_copy_only=False)
    return given


def _group_begins(keys: pa.Array, given: np.ndarray, defects: np.ndarray) -> np.ndarray:
    """Return for each record the number of the first one of its group. The first key is carried from the last block."""
    at = np.arange(len(given))
    last_key = np.maximum.accumulate(np.where(given | defects, at, 0))
    known = given[last_key]
    present = keys.take(pa.array(last_key, mask=~known))
    same = pc.fill_null(pc.equal(present.slice(1), present.slice(0, len(at) - 1)), False).to_numpy(zero_copy_only=False)
    begins = defects.copy()
    begins[1:] |= given[1:] & ~same
    return np.maximum.accumulate(np.where(begins, at, 0))


def _places(given: np.ndarray, begin: np.ndarray) -> pa.Array:
    """Return for each record where its value is: the last given one of its group; null if there is none."""
    last = np.maximum.accumulate(np.where(given, np.arange(len(given)), -1))
    return pa.array(last, mask=last < begin)
