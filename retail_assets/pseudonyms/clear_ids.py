"""Files that have ids as they are, where a contract asks for pseudonyms: they are found before anything reads more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import numpy as np
import pyarrow as pa

from retail_assets.cleaning.contiguous import contiguous
from retail_assets.cleaning.readers.read import read_records
from retail_assets.lake.profile import FileProfile
from retail_assets.pseudonyms.pseudonym import Pseudonyms
from retail_assets.pseudonyms.replaced_columns import Replaced
from retail_assets.pseudonyms.text_rows import is_withheld


def first_clear_line(
    handle: IO[bytes], profile: FileProfile, columns: Sequence[Replaced], pseudonyms: Pseudonyms
) -> int | None:
    """Return the first line with an id that is not a pseudonym, or that cannot be read; None if all are.

    Raises OtherKeyError for a pseudonym of another key, LandingError if the file cannot be read.
    """
    for records in read_records(handle, profile):
        table = records.table
        bad = np.zeros(table.num_rows, dtype=bool)
        unsplit = np.asarray(table["defects"].to_numpy() != 0)
        if profile.format in ("csv", "jsonl"):
            broken = np.flatnonzero(unsplit)
            raw = table["raw"].take(pa.array(broken)).to_pylist() if len(broken) else []
            bad[broken] = [not is_withheld(text) for text in raw]
        for column in columns:
            encoded = contiguous(table[f"c{column.position}"]).dictionary_encode(null_encoding="encode")
            clear = [column.is_clear(pseudonyms, text) for text in encoded.dictionary.to_pylist()]
            bad |= np.asarray(clear, dtype=bool)[np.asarray(encoded.indices.to_numpy(zero_copy_only=False))]
        if bad.any():
            return int(table["line"].to_numpy()[int(np.argmax(bad))])
    return None
