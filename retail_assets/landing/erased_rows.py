"""Rows of a Parquet file that erasing a customer took out: their numbers are in its metadata.

In a text file or a sheet an erased row leaves a blank line, so that all others keep their numbers. A Parquet file has
no blank rows, so it remembers which numbers are gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

#: The entry of the file's metadata.
ENTRY = b"retail_assets.erased_rows"


def erased_rows(metadata: Mapping[bytes, bytes] | None) -> np.ndarray:
    """Return the numbers (1 = the first row) of the erased rows of a Parquet file, ascending; none for most files."""
    try:
        numbers = json.loads((metadata or {}).get(ENTRY, b"[]"))
        return np.unique(np.asarray(numbers, dtype=np.int64))
    except (ValueError, TypeError, OverflowError):  # an entry of that name that we did not write
        return np.zeros(0, dtype=np.int64)


def original_numbers(first: int, count: int, erased: np.ndarray) -> np.ndarray:
    """Return the numbers that rows `first` to `first + count - 1` of a file had before rows were erased.

    >>> original_numbers(1, 3, np.array([2]))
    array([1, 3, 4])
    """
    at = np.arange(first, first + count, dtype=np.int64)
    if not len(erased):
        return at
    # Before the k-th erased row (from 0) are erased[k] - 1 - k rows that stay.
    staying_before = erased - 1 - np.arange(len(erased))
    return at + np.searchsorted(staying_before, at - 1, side="right")
