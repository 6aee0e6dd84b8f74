"""Chunked Arrow columns as one contiguous array."""

from __future__ import annotations

import pyarrow as pa


def contiguous(column: pa.ChunkedArray) -> pa.Array:
    """Return the values of a column as one array, copied only if it has several chunks.

    >>> contiguous(pa.chunked_array([[1, 2], [3]])).to_pylist()
    [1, 2, 3]
    """
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
