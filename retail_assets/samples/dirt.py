"""The kinds of dirt in generated sales: how often each occurs, and what cleaning should make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Kind:
    """One kind of unusual row.

    `share` is relative to `dirt`: with dirt 0.01 and share 0.10, one row in a thousand. `outcome` is what cleaning
    should make of the row, `reason` the rule that should reject it.
    """

    name: str
    share: float
    outcome: Literal["quarantined", "superseded", "clean"]
    reason: str | None
    example: str


#: Dirt. The shares add up to 1, so `dirt` is the share of rows that are rejected, repeated or corrected, or whose
#: gender or age cannot be read. Slightly fewer rows of the last two kinds come out: a row with nothing usable to repeat
#: or correct stays plain.
DIRT: tuple[Kind, ...] = (
    Kind("missing_id", 0.08, "quarantined", "missing_transaction_id", "empty Transaction ID"),
    Kind("unreadable_date", 0.08, "quarantined", "invalid_date", "2023-13-45, yesterday"),
    Kind("far_date", 0.04, "quarantined", "date_out_of_range", "2199-01-01, 1899-12-30"),
    Kind("missing_category", 0.05, "quarantined", "missing_category", "empty Product Category"),
    Kind("long_category", 0.02, "quarantined", "text_too_long", "a category of 300 letters"),
    Kind("bad_quantity", 0.08, "quarantined", "invalid_quantity", "two"),
    Kind("zero_quantity", 0.06, "quarantined", "zero_quantity", "0 pieces for 0"),
    Kind("bad_price", 0.05, "quarantined", "invalid_price", "free"),
    Kind("negative_price", 0.05, "quarantined", "negative_price", "-25, with the total that follows from it"),
    Kind("bad_amount", 0.05, "quarantined", "invalid_amount", "n/a"),
    Kind("total_mismatch", 0.10, "quarantined", "total_mismatch", "ten more than quantity x price"),
    Kind("unknown_gender", 0.06, "clean", None, "Q7"),
    Kind("impossible_age", 0.06, "clean", None, "210, -3"),
    Kind("ragged_row", 0.07, "quarantined", "malformed_row", "three fields, or eleven"),
    Kind("repeated_id", 0.10, "superseded", None, "the id of a row an eighth of a landing earlier, with other content"),
    Kind("corrected_row", 0.05, "clean", None, "the id of a row of an earlier landing, with other content"),
)

#: Unusual but clean. Their shares are relative to `dirt` too.
VARIANTS: tuple[Kind, ...] = (
    Kind("spaces_and_case", 1.00, "clean", None, "' beauty', 'CLOTHING ', ' male'"),
    Kind("other_date_format", 1.50, "clean", None, "05-Jan-2024, 'Jan 05, 2024', 2024-01-05 14:03:22"),
    Kind("money_marks", 0.30, "clean", None, '"$1,500.00"'),
    Kind("quoted", 0.20, "clean", None, '"Beauty"'),
    Kind("anonymous", 0.30, "clean", None, "empty Customer ID, Gender and Age"),
)

KINDS = (*DIRT, *VARIANTS)
PLAIN = len(KINDS)
NUMBER = {kind.name: i for i, kind in enumerate(KINDS)}
REJECTED = np.array([kind.outcome == "quarantined" for kind in KINDS] + [False])
