"""Which rows of a landing count: the last line of each transaction is clean, earlier ones are superseded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_assets.cleaning.rules import FIRST_EXCLUSION_BIT, REJECTING
from retail_assets.cleaning.write import CLEAN, EXCLUDED, QUARANTINE, SUPERSEDED


def latest(rows: pa.Table, *, numbered: bool) -> pa.Table:
    """Add the column `status`: CLEAN, QUARANTINE, EXCLUDED, or SUPERSEDED by a later line of the landing.

    `rows` are judged rows of one landing, in the order of files and lines. With `numbered`, rows that share an id are
    not superseded; their ids get a number appended instead.
    """
    reasons = rows["reasons"].to_numpy()
    excluded = reasons >> FIRST_EXCLUSION_BIT != 0
    whole = (reasons & REJECTING == 0) & ~excluded
    status = np.where(whole, CLEAN, np.where(excluded, EXCLUDED, QUARANTINE)).astype(np.int32)
    at = np.flatnonzero(whole)
    ids = rows["transaction_id"] if len(at) == rows.num_rows else rows["transaction_id"].filter(pa.array(whole))
    ids = ids.combine_chunks()
    encoded = ids.dictionary_encode()
    codes, distinct = encoded.indices.to_numpy(), len(encoded.dictionary)
    if numbered:
        order = np.argsort(codes, kind="stable")
        begins = np.searchsorted(codes[order], np.arange(distinct))
        nth = np.empty(len(codes), dtype=np.int64)
        nth[order] = np.arange(len(codes)) - np.repeat(begins, np.diff(np.append(begins, len(codes)))) + 1
        named = pc.binary_join_element_wise(ids, pa.array(nth).cast(pa.string()), "-")
        column = pc.replace_with_mask(rows["transaction_id"].combine_chunks(), pa.array(whole), named)
        rows = rows.set_column(rows.column_names.index("transaction_id"), "transaction_id", column)
    elif distinct < len(codes):
        last = np.zeros(distinct, dtype=np.int64)
        np.maximum.at(last, codes, np.arange(len(codes)))
        status[at[last[codes] != np.arange(len(codes))]] = SUPERSEDED
    return rows.append_column("status", pa.array(status))
